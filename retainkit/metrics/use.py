"""Use of the product: how many customers are active in a week, and how many began well and then went quiet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import pandas as pd

from retainkit.errors import BadValueError
from retainkit.load.shop import GROUPS_OF_CUSTOMERS, Shop
from retainkit.metrics.months import first_day, last_closed, month_number, windows
from retainkit.metrics.reading import by_group, shares
from retainkit.tally import asked_once, split_by, tally

WEEK = 7
EARLY, WITHIN, LATE = 30, 90, 30


@asked_once
def weekly_active(shop: Shop, *, ends: Sequence[date] = (), level: float = 0.95) -> pd.DataFrame:
    """Share of customers who used the product in a week: the last seven days of each closed month, unless other days are given.

    Of the customers there throughout the week: under contract or, in a shop where nobody has a contract, all who ever
    used it before. Left out: customers who came or left in the week.

    Parameters
    ----------
    shop
        The shop.
    ends
        The last days of the weeks to count; empty: the last day of every closed month. Weeks that begin before the recorded history are left out.
    level
        Confidence level.

    Returns
    -------
    DataFrame
        A row a week: `week_to` (its last day), `rate`, `low`, `high`, `n`, `hits`.

    Notes
    -----
    Wilson; a customer counts once in a week, so customers are the unit and there is nothing to cluster: a bootstrap of customers
    draws from the same binomial. `tests/truth` counts how often it holds the truth.

    Examples
    --------
    Bob has not used it lately.

    >>> from retainkit import open_shop
    >>> book = pd.DataFrame({"contract_id": [1, 2], "customer_id": ["ann", "bob"], "started_at": "2026-01-05"})
    >>> use = pd.DataFrame({"customer_id": ["ann", "ann", "bob"], "active_on": ["2026-01-20", "2026-02-27", "2026-01-10"]})
    >>> shop = open_shop({"contracts": book, "activity": use}, as_of="2026-02-28")
    >>> weekly_active(shop)[["week_to", "rate", "n"]]
         week_to  rate  n
    0 2026-01-31   0.0  2
    1 2026-02-28   0.5  2
    """
    numbers = range(month_number(shop.history_start), last_closed(shop.as_of) + 1)
    if late := [day for day in ends if day > shop.as_of]:
        raise BadValueError("ends", "must not lie after the shop's last day", str(late[0]), f"ends=[date({shop.as_of.year}, {shop.as_of.month}, {shop.as_of.day})]")
    days = list(ends) or [first_day(number + 1) - timedelta(days=1) for number in numbers]
    weeks = [(day - timedelta(days=WEEK - 1), day + timedelta(days=1)) for day in days]
    found = tally(shop, "use_windows", windows=windows(w for w in weeks if w[0] >= shop.history_start))
    last = pd.to_datetime(found["closes"]) - pd.Timedelta(days=1)
    return pd.DataFrame({"week_to": last, **shares(found["hits"], found["n"], level=level), "hits": found["hits"]})


def went_quiet(
    shop: Shop, *, early: int = EARLY, within: int = WITHIN, late: int = LATE, by: str | None = None, level: float = 0.95
) -> pd.DataFrame:
    """Of the customers who used the product early and were still there later, the share who had stopped using it by then.

    Early: any use in the first `early` days. Quiet: none in the last `late` of the first `within` days. Everybody is looked at
    at the same age. Left out: whoever never used it early, has left by then, began before the recorded history or is
    not that old yet.

    Parameters
    ----------
    shop
        The shop.
    early, within, late
        Days, as above.
    by
        Split by `segment`, `region`, `source` or `owner`.
    level
        Confidence level.

    Returns
    -------
    DataFrame
        A row a group: the group, `rate`, `low`, `high`, `n`, `horizon_days`.

    Notes
    -----
    Wilson.
    """
    cells = quiet_months(shop, early=early, within=within, late=late, by=by)
    sums = cells.groupby("grp", as_index=False)[["hits", "n"]].sum() if by else pd.DataFrame([{"hits": cells["hits"].sum(), "n": cells["n"].sum()}])
    table = sums.assign(**shares(sums["hits"], sums["n"], level=level), horizon_days=within)
    return by_group(table, by, ["rate", "low", "high", "n", "horizon_days"])


def quiet_months(shop: Shop, *, early: int = EARLY, within: int = WITHIN, late: int = LATE, by: str | None = None) -> pd.DataFrame:
    """The counts behind `went_quiet` by the month customers started in: `grp, month, n, hits`."""
    cells = tally(shop, "use_quiet", early=early, within=within, late=late, by=split_by(by, GROUPS_OF_CUSTOMERS))
    return cells.astype({"n": int, "hits": int})
