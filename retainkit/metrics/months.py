"""Calendar months as whole numbers (year * 12 + month - 1), which of them a shop has seen from end to end, and what moved its base in each."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable
from datetime import date, timedelta

import pandas as pd

from retainkit.errors import BadValueError
from retainkit.load.shop import Shop
from retainkit.metrics.reading import shares
from retainkit.sqltext import Column, few_rows

FLOWS = ["new", "reactivated", "lost", "lost_intra"]  # what moves a base of customers
CLOCK_START = date(2000, 1, 1)  # the day that tallies count days from


def month_number(day: date) -> int:
    """The month a day lies in.

    >>> month_number(date(2026, 10, 31)) - month_number(date(2025, 12, 1))
    10
    """
    return day.year * 12 + day.month - 1


def month_numbers(days: pd.Series) -> pd.Series:
    """The months that days lie in."""
    found = pd.to_datetime(days).dt
    return (found.year * 12 + found.month - 1).astype(int)


def month_name(number: int) -> str:
    """The month as text.

    >>> month_name(month_number(date(2026, 10, 31)))
    '2026-10'
    """
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


def first_day(number: int) -> date:
    """The month's first day; the month before ended the day before it.

    >>> first_day(month_number(date(2025, 12, 9)) + 1)
    datetime.date(2026, 1, 1)
    """
    return date(number // 12, number % 12 + 1, 1)


def last_closed(as_of: date) -> int:
    """The last month that is over at the end of `as_of`.

    >>> month_name(last_closed(date(2026, 10, 30))), month_name(last_closed(date(2026, 10, 31)))
    ('2026-09', '2026-10')
    """
    return month_number(as_of + timedelta(days=1)) - 1


def first_whole(start: date) -> int:
    """The first month that begins on `start` or later.

    >>> month_name(first_whole(date(2026, 1, 1))), month_name(first_whole(date(2026, 1, 2)))
    ('2026-01', '2026-02')
    """
    return month_number(start - timedelta(days=1)) + 1


def month_of(text: str) -> int | None:
    """The month written YYYY-MM; None where that is not one.

    >>> month_of("2026-10"), month_of("2026-13")
    (24321, None)
    """
    found = re.fullmatch(r"(?!0000)(\d{4})-(0[1-9]|1[0-2])", text)
    return int(found[1]) * 12 + int(found[2]) - 1 if found else None


def last_day(number: int) -> date:
    """The month's last day.

    >>> last_day(24313)
    datetime.date(2026, 2, 28)
    """
    return first_day(number).replace(day=monthrange(number // 12, number % 12 + 1)[1])


def closed_month(shop: Shop, month: str) -> int:
    """The number of a month written YYYY-MM, once it is known that the shop has seen all of it."""
    first, last = first_whole(shop.history_start), last_closed(shop.as_of)
    number = month_of(month)
    if number is None or not first <= number <= last:
        wrong = "is not written YYYY-MM" if number is None else "is not a month the data covers from its first day to its last"
        covered = f"{month_name(first)} to {month_name(last)}" if first <= last else "no whole month"
        remedy = f'month="{month_name(last)}"' if first <= last else "data of a whole month, from its first day to its last"
        raise BadValueError("month", wrong, f"{month!r}; covered: {covered}", remedy)
    return number


def windows(pairs: Iterable[tuple[date, date]]) -> Column:
    """Spans of days, each from a first day to before another, as something a tally can join; one without a day where there are none."""
    return few_rows(["opens", "closes"], list(pairs) or [(date.min, date.min)])


def month_windows(shop: Shop, months: int) -> Column:
    """The `windows` of so many months in the recorded history, one ending with each closed month."""
    closings = range(first_whole(shop.history_start) + months, last_closed(shop.as_of) + 2)
    return windows((first_day(c - months), first_day(c)) for c in closings)


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
