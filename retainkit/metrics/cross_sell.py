"""Do new customers buy something else in their first 90 days, or again at all, before they leave."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pandas as pd

from retainkit.errors import BadValueError, MissingDataError, counted, listed, one_of
from retainkit.estimate.competing import EVENT_FREE, aalen_johansen, incidence_at
from retainkit.estimate.recurrent import cumulative_share, late_weight
from retainkit.load.shop import Shop
from retainkit.metrics.averages import (
    CROSS_SELLS,
    LATER_REVENUE,
    REVENUE,
    SECOND_PURCHASES,
    average_curve,
    averages,
)
from retainkit.metrics.purchases import HORIZONS, SHARE, Read, at_horizons, back_by, beside_counts
from retainkit.metrics.reading import read_at, shares
from retainkit.sqltext import Column, literal
from retainkit.tally import split_by, tally

CAUSES = ["bought", "churn"]
BURN_INS = (0, 180, 365, 540)  # first days of the history, in which old customers are first seen
CROSS_SOLD, BOUGHT_TWICE = Column("d.cross_ordinal = 1"), Column("d.ordinal = 2")


def cross_sell_share(
    shop: Shop, *, within_days: int = 90, horizons: Sequence[int] = (365, 730), level: float = 0.95
) -> pd.DataFrame:
    """Share of a customer's cross-sells in the first `horizon` days that come in the first `within_days`.

    A cross-sell is a later purchase day with a product line the customer had not bought before; lines in the
    first basket are a bundle. Every age counts the customers observed at it, so a short log does not shift the
    share towards the early days. Left out: customers whose first purchase lies before `history_start`.

    Parameters
    ----------
    shop
        The shop; its orders need `product_line`.
    within_days
        The early window, in days.
    horizons
        The days the early window is a part of: the share means nothing without one.
    level
        Confidence level.

    Returns
    -------
    DataFrame
        A row a horizon: `horizon, horizon_days` (the early window), `rate, low, high, n, too_young, observed,
        total_early, total_late`. NaN past the longest follow-up.

    Notes
    -----
    Ratio of mean cumulative functions, robust interval over customers (Lin et al. 2000, JRSS B 62, 711-730).
    """
    need_lines(shop)
    return _share(shop, CROSS_SELLS, within_days, horizons, level)


def month_one_revenue(
    shop: Shop, *, within_days: int = 30, horizons: Sequence[int] = (365,), first_order: bool = True, level: float = 0.95
) -> pd.DataFrame:
    """Share of a customer's revenue in the first `horizon` days that comes in the first `within_days`.

    With `first_order=False` the first purchase day is left out of both, and what was paid back of it: what came after it. Refunds are
    taken off where they fall. Left out, and columns, as in `cross_sell_share`.
    """
    return _share(shop, REVENUE if first_order else LATER_REVENUE, within_days, horizons, level)


def early_second_purchase(shop: Shop, *, within_days: int = 30, horizons: Sequence[int] = (365,), level: float = 0.95) -> pd.DataFrame:
    """Of the customers who buy again in the first `horizon` days, the share who do so in the first `within_days`.

    The share means nothing without its horizon: it falls with every further day that is counted. Of those who have bought again so
    far it would be too large, since young customers have had time for an early purchase only. Left out, and columns, as in
    `cross_sell_share`.

    Examples
    --------
    Ann is back after 10 days, Bob after 100.

    >>> from retainkit import open_shop
    >>> orders = pd.DataFrame({"order_id": [1, 2, 3, 4], "customer_id": ["ann", "ann", "bob", "bob"], "amount": 5,
    ...                        "ordered_at": ["2025-01-01", "2025-01-11", "2025-01-01", "2025-04-11"]})
    >>> early_second_purchase(open_shop({"orders": orders}, as_of="2026-01-31"), horizons=[90, 365])[["horizon", "rate", "n"]]
       horizon  rate  n
    0       90   1.0  2
    1      365   0.5  2
    """
    return _share(shop, SECOND_PURCHASES, within_days, horizons, level)


def _share(shop: Shop, value: Column, early: int, horizons: Sequence[int], level: float) -> pd.DataFrame:
    a_part(early, horizons)
    events = tally(shop, "recurrent_events", value=value, by="all")
    followup = tally(shop, "followup", by="all")
    rows = []
    for late in horizons:
        share = late_weight(events, followup, early=early, late=late)
        scores = tally(shop, "recurrent_scores", value=value, early=early, late=late, share=share, by="all")
        rows.append(cumulative_share(events, followup, scores, early=early, late=late, level=level))
    table = pd.concat(rows, ignore_index=True)
    return table.rename(columns={"late": "horizon", "early": "horizon_days"})


def cross_sells_made(shop: Shop, *, horizons: Sequence[int] = (90, 365), by: str | None = None, level: float = 0.95) -> pd.DataFrame:
    """Average number of cross-sells that a new customer has made by each horizon.

    Everybody counts at every age reached so far. Left out: customers whose first purchase lies before `history_start`.

    Parameters
    ----------
    shop
        The shop; its orders need `product_line`.
    horizons
        Days after the first purchase.
    by
        Split by `segment`, `region`, `source`, `entry_line` or `owner`.
    level
        Confidence level.

    Returns
    -------
    DataFrame
        A row a group and horizon: the group, `horizon_days`, `value`, `low`, `high`, `n` (new customers), `observed` (have reached the
        horizon), `too_young`. NaN past the longest follow-up.

    Notes
    -----
    Mean cumulative function (Lin et al. 2000, JRSS B 62, 711-730), robust interval over customers on the log scale.

    Examples
    --------
    Ann comes back for tea; Bob is too young for day 30.

    >>> from retainkit import open_shop
    >>> orders = pd.DataFrame({"order_id": [1, 2, 3], "customer_id": ["ann", "ann", "bob"], "amount": 5, "product_line": ["cups", "tea", "tea"],
    ...                        "ordered_at": ["2026-01-01", "2026-01-21", "2026-01-25"]})
    >>> cross_sells_made(open_shop({"orders": orders}, as_of="2026-01-31"), horizons=[5, 30])[["horizon_days", "value", "observed", "too_young"]]
       horizon_days  value  observed  too_young
    0             5    0.0         2          0
    1            30    1.0         1          1
    """
    need_lines(shop)
    return averages(shop, CROSS_SELLS, horizons=horizons, by=by, level=level)


def cross_sell_curve(shop: Shop, *, until: int = 730, level: float = 0.95) -> pd.DataFrame:
    """The curve behind `cross_sells_made`, for drawing: `age` (every day up to `until` or the longest follow-up), `value, low, high, observed`."""
    need_lines(shop)
    return average_curve(shop, CROSS_SELLS, until=until, at=np.linspace(0, 1, 7) ** 2, by=None, level=level)


def cross_sell_any(
    shop: Shop, *, horizons: Sequence[int] = (30, 60, 90, 180, 365), by: str | None = None, level: float = 0.95
) -> pd.DataFrame:
    """Share of new customers with at least one cross-sell by each horizon, with leaving as a competing end.

    Somebody who has left (the first day without a contract) cannot be sold to, and counts as not cross-sold;
    customers without a contract are never seen to leave. Everybody counts for as long as they were followed.
    Left out: customers whose first purchase lies before `history_start`.

    Parameters
    ----------
    shop
        The shop; its orders need `product_line`.
    horizons
        Days after the first purchase.
    by
        Split by `segment`, `region`, `source`, `entry_line` or `owner`.
    level
        Confidence level.

    Returns
    -------
    DataFrame
        A row a group and horizon: `[by], horizon_days, rate, low, high, n, too_young, at_risk, left` (share gone
        first), `waiting` (neither yet): rate + left + waiting = 1; each with its `_low` and `_high`.

    Notes
    -----
    Aalen and Johansen (1978), exact with ties.
    """
    need_lines(shop)
    return bought_before_leaving(shop, CROSS_SOLD, horizons=horizons, by=by, level=level)


def cross_sell_incidence(shop: Shop, *, level: float = 0.95) -> pd.DataFrame:
    """The whole curves behind `cross_sell_any`: `time, cause, at_risk, events, incidence, se, low, high`."""
    need_lines(shop)
    return aalen_johansen(tally(shop, "first_or_left", by="all", hit=CROSS_SOLD), causes=CAUSES, level=level).table


def first_cross_sell_naive(shop: Shop, *, within_days: int = 90, horizon: int = 365, level: float = 0.95) -> pd.DataFrame:
    """What the articles do: of the first cross-sells seen so far, the share within `within_days`.

    Kept to show its fault. A log that is short, or full of young customers, has seen the early cross-sells and
    not the late ones, so the share is too high. `followed` counts only customers followed for `horizon` days,
    and first cross-sells within it.

    Returns
    -------
    DataFrame
        Two rows, `who` = "everybody so far" and "followed": `who, horizon_days, rate, low, high, n`. Wilson interval.
    """
    need_lines(shop)
    t = tally(shop, "cross_sell_naive", within=within_days, horizon=horizon).iloc[0]
    hits, n = (pd.Series([t[count], t[f"followed_{count}"]], dtype=int) for count in ("hits", "n"))
    return pd.DataFrame({"who": ["everybody so far", "followed"], "horizon_days": within_days, **shares(hits, n, level=level)})


def a_part(early: int, horizons: Sequence[int]) -> None:
    """Refuse a window that is longer than the spans it is a part of; of a short log it may be all of one."""
    if early > min(horizons):
        raise BadValueError(
            "horizons",
            f"must not be shorter than the {counted(early, 'day')} that are a part of them",
            listed(horizons),
            f"horizons={[h for h in horizons if h >= early] or [early]}",
        )


def need_lines(shop: Shop) -> None:
    """Refuse a shop whose orders have no product line."""
    if not shop.has("orders.product_line"):
        raise MissingDataError("orders", "has no `product_line`, without which a cross-sell cannot be told from a repeat", "",
                               'product_line = "the column with the category" under [orders] in retainkit.toml')


def second_purchase_before_leaving(shop: Shop, *, horizons: Sequence[int] = HORIZONS, by: str | None = None, level: float = 0.95) -> pd.DataFrame:
    """Share of new customers who buy again within so many days and before they leave.

    `second_purchase` goes on watching those who left: what they buy later counts. Here leaving (the first day without a
    contract) ends it, and `left` says how many were gone first. Left out: customers whose first purchase lies before
    `history_start`, or who signed up before it. Customers who never had a contract are never seen to leave.

    Parameters
    ----------
    shop
        The shop; without a table `contracts` nobody is seen to leave.
    horizons
        Days after the first purchase.
    by
        Split by `segment`, `region`, `source`, `entry_line` or `owner`.
    level
        Confidence level.

    Returns
    -------
    DataFrame
        A row a group and horizon: `[by], horizon_days, rate, low, high, n, too_young, at_risk, left` (share gone first),
        `waiting` (neither yet): rate + left + waiting = 1; each with its `_low` and `_high`.

    Raises
    ------
    MissingDataError
        When the shop has no contracts.

    Notes
    -----
    Aalen and Johansen (1978), exact with ties. Who comes back after a contract ended is not counted.

    Examples
    --------
    Of four customers Ann buys again, and Bob's contract ends before he could.

    >>> from retainkit import open_shop
    >>> orders = pd.DataFrame({"order_id": [1, 2, 3, 4, 5], "customer_id": ["ann", "ann", "bob", "cy", "di"], "amount": 5,
    ...                        "ordered_at": ["2026-01-01", "2026-01-21", "2026-01-01", "2026-01-01", "2026-01-01"]})
    >>> book = pd.DataFrame({"contract_id": [1], "customer_id": ["bob"], "started_at": ["2026-01-01"], "ended_at": ["2026-01-11"]})
    >>> shop = open_shop({"orders": orders, "contracts": book}, as_of="2026-03-31")
    >>> second_purchase_before_leaving(shop, horizons=[30])[["rate", "left", "waiting", "n"]]
       rate  left  waiting  n
    0  0.25  0.25      0.5  4
    """
    if not shop.has("contracts"):
        raise MissingDataError("contracts", "is not there, so nobody is seen to leave", "", "second_purchase(shop), which needs no contracts")
    return bought_before_leaving(shop, BOUGHT_TWICE, horizons=horizons, by=by, level=level)


def bought_before_leaving(shop: Shop, hit: Column, *, horizons: Sequence[int], by: str | None, level: float) -> pd.DataFrame:
    """The table of `second_purchase_before_leaving`, for the one later day on which `hit` holds."""
    columns = [*SHARE, "left", "left_low", "left_high", "waiting", "waiting_low", "waiting_high"]
    return at_horizons(shop, tally(shop, "first_or_left", by=split_by(by), hit=hit), by, horizons, _bought_or_left(horizons, level), columns)


def _bought_or_left(horizons: Sequence[int], level: float) -> Read:
    """How the cells of `first_or_left` are read: by Aalen-Johansen."""
    def read(cells: pd.DataFrame, longest: float) -> pd.DataFrame:
        curve = aalen_johansen(cells, causes=CAUSES, level=level)
        table = read_at(incidence_at, curve, horizons, followed=longest)
        bought, left, waiting = (table[table["cause"] == cause].reset_index(drop=True) for cause in (*CAUSES, EVENT_FREE))
        others = {f"{name}{end}": part[what] for name, part in (("left", left), ("waiting", waiting))
                  for end, what in (("", "incidence"), ("_low", "low"), ("_high", "high"))}
        return bought.rename(columns={"incidence": "rate"}).assign(**others)

    return read


def burn_in(
    shop: Shop, *, of: str = "second_purchase", horizons: Sequence[int] = (365,), days: Sequence[int] = BURN_INS, level: float = 0.95
) -> pd.DataFrame:
    """A share of new customers without those first seen in the first days of the recorded history, who may be old customers.

    An old customer who goes on buying is seen for the first time soon after the history begins, so the more of its first days are
    left out, the fewer old customers are among the new. Where no `customers.signed_up_at` says who is new, that is what can be done.

    Parameters
    ----------
    shop
        The shop.
    of
        The share: "second_purchase" or "cross_sell_any".
    horizons
        Days after the first purchase.
    days
        Whoever was first seen in the first so many days is left out; 0 leaves out nobody but those whom that function leaves out.
    level
        Confidence level.

    Returns
    -------
    DataFrame
        A row for each of `days` and horizon: `burn_in` (days), `left_out` (customers), `horizon_days, rate, low, high, n, too_young, at_risk`.

    Notes
    -----
    Estimates and intervals are those of the function `of`.

    Examples
    --------
    Ann, who was there before, is seen on the first day of the log; Bob comes a year later.

    >>> from retainkit import open_shop
    >>> orders = pd.DataFrame({"order_id": [1, 2, 3], "customer_id": ["ann", "ann", "bob"], "amount": 5,
    ...                        "ordered_at": ["2025-01-01", "2025-01-11", "2026-01-01"]})
    >>> shop = open_shop({"orders": orders}, as_of="2026-06-30", history_start="2025-01-01")
    >>> burn_in(shop, horizons=[30], days=[0, 180])[["burn_in", "left_out", "rate", "n"]]
       burn_in  left_out  rate  n
    0        0         0   0.5  2
    1      180         1   0.0  1
    """
    asked = {"second_purchase": ("second_purchase", {}, back_by), "cross_sell_any": ("first_or_left", {"hit": CROSS_SOLD}, _bought_or_left)}
    name, hit, how = asked[one_of(of, asked, "of", f"`{of}` is not a share of new customers that can be asked so", 'of="{}"')]
    starts = [literal(shop.history_start + timedelta(days=n)) for n in sorted(days)]
    band = Column(f"case {' '.join(f'when d.first_on < {day} then {i}' for i, day in enumerate(starts))} else {len(starts)} end")
    cells, followed = tally(shop, name, by=band, **hit), tally(shop, "followup", by=band)
    tables = [
        beside_counts(cells[cells["grp"] > i], followed[followed["grp"] > i], horizons, how(horizons, level), SHARE)
        .assign(burn_in=n, left_out=int(followed.loc[followed["grp"] <= i, "n"].sum()))
        for i, n in enumerate(sorted(days))
    ]
    return pd.concat(tables, ignore_index=True)[["burn_in", "left_out", *SHARE]]
