"""Who came and who left, day by day, added up to a balance of every closed month."""

from __future__ import annotations

import pandas as pd

from retainkit.metrics.months import month_name, month_numbers
from retainkit.metrics.reading import shares

FLOWS = ["new", "reactivated", "lost", "lost_intra"]


def balance(days: pd.DataFrame, *, first: int, last: int) -> pd.DataFrame:
    """The base at both ends of every month and what moved it: start + new + reactivated - lost - lost_intra = end.

    Parameters
    ----------
    days
        `on_day` (dates), `movement` (one of `FLOWS`; anything else is ignored), `customers`.
    first, last
        The months to show, as numbers. Whatever happened before `first` is in its opening base.

    Returns
    -------
    DataFrame
        One row a month: `month, active_start, new, reactivated, lost, lost_intra, active_end`.
    """
    flows = flows_by_month(days, FLOWS, last=last)
    change = flows["new"] + flows["reactivated"] - flows["lost"] - flows["lost_intra"]
    end = change.cumsum()
    flows = flows.assign(active_start=end - change, active_end=end).reindex(range(first, last + 1), fill_value=0)
    months = pd.Series([month_name(number) for number in flows.index], index=flows.index, dtype=object)
    return flows.assign(month=months)[["month", "active_start", *FLOWS, "active_end"]].reset_index(drop=True)


def flows_by_month(days: pd.DataFrame, names: list[str], *, last: int) -> pd.DataFrame:
    """Customers by month number and movement, from the first month anything happened to `last`, zeros filled in."""
    numbers = month_numbers(days["on_day"])
    flows = days.groupby([numbers.rename("number"), "movement"])["customers"].sum().unstack(fill_value=0)
    start = int(numbers.min()) if len(numbers) else last
    return flows.reindex(index=range(start, last + 1), columns=names, fill_value=0).astype("int64").rename_axis(columns=None)


def churn_rates(months: pd.DataFrame, *, lost: str = "lost", level: float = 0.95) -> pd.DataFrame:
    """The months with `rate`, `low`, `high` and `n`: the share of the opening base that is in the column `lost`."""
    return months.assign(**shares(months[lost], months["active_start"], level=level))
