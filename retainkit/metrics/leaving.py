"""What new customers buy before they leave: the first later purchase of a kind, with leaving as the competing end."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from retainkit.errors import MissingDataError
from retainkit.estimate.competing import EVENT_FREE, aalen_johansen, incidence_at
from retainkit.load.shop import Shop
from retainkit.metrics.purchases import HORIZONS, at_horizons
from retainkit.metrics.reading import readable
from retainkit.tally import Column, split_by, tally

CAUSES = ["bought", "churn"]
CROSS_SOLD, BOUGHT_TWICE = Column("d.cross_ordinal = 1"), Column("d.ordinal = 2")


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
        `waiting` (neither yet): rate + left + waiting = 1.

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
    def read(cells: pd.DataFrame, longest: float) -> pd.DataFrame:
        curve = aalen_johansen(cells, causes=CAUSES, level=level)
        table = incidence_at(curve, readable(horizons, last=curve.table["time"].max(), followed=longest))
        bought, left, waiting = (table[table["cause"] == cause].reset_index(drop=True) for cause in (*CAUSES, EVENT_FREE))
        return bought.rename(columns={"incidence": "rate"}).assign(left=left["incidence"], waiting=waiting["incidence"])

    columns = ["horizon_days", "rate", "low", "high", "n", "too_young", "at_risk", "left", "waiting"]
    return at_horizons(shop, tally(shop, "first_or_left", by=split_by(by), hit=hit), by, horizons, read, columns)
