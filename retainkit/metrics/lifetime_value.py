"""What a new customer brings: revenue per customer up to an age, counted for everybody and as long as they were seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from retainkit.estimate.intervals import z_value
from retainkit.load.shop import Shop
from retainkit.metrics.averages import REVENUE, average_curve, averages
from retainkit.tally import asked_once


@asked_once
def lifetime_value(
    shop: Shop, *, horizons: Sequence[int] = (365,), by: str | None = None, margin: float = 1.0, level: float = 0.95
) -> pd.DataFrame:
    """Revenue per new customer in the first so many days, churned customers and refunds included, times the margin.

    Everybody counts at every age reached so far: leaving the young out, or averaging what has been seen so far, both make it
    wrong. Invoices of contracts are revenue. There is no value without a horizon. Left out: customers who first bought
    before `history_start`.

    Parameters
    ----------
    shop
        The shop.
    horizons
        Ages in days.
    by
        Split by `segment`, `region`, `source`, `entry_line` or `owner`; customers for whom it is not known are the group `unknown`.
    margin
        The share of revenue that is left after the cost of what was sold.
    level
        Confidence level.

    Returns
    -------
    DataFrame
        A row a group and horizon: the group, `horizon_days`, `value` (the shop's currency), `low`, `high`, `n` (new customers),
        `observed` (have reached the horizon), `too_young`. NaN past the longest follow-up.

    Notes
    -----
    Mean cumulative function (Lin et al. 2000, JRSS B 62, 711-730), robust interval over customers on the log scale.

    Examples
    --------
    Ann brings 10 on her first day and 30 later; Bob 20, and is too young for the later part.

    >>> from retainkit import open_shop
    >>> orders = pd.DataFrame({"order_id": [1, 2, 3], "customer_id": ["ann", "ann", "bob"], "amount": [10, 30, 20],
    ...                        "ordered_at": ["2026-01-01", "2026-01-21", "2026-01-25"]})
    >>> shop = open_shop({"orders": orders}, as_of="2026-01-31")
    >>> lifetime_value(shop, horizons=[5, 30])[["horizon_days", "value", "observed", "too_young"]]
       horizon_days  value  observed  too_young
    0             5   15.0         2          0
    1            30   45.0         1          1
    """
    return _kept(averages(shop, REVENUE, horizons=horizons, by=by, level=level), margin)


def lifetime_value_curve(
    shop: Shop, *, by: str | None = None, margin: float = 1.0, until: int = 365, steps: int = 5, level: float = 0.95
) -> pd.DataFrame:
    """Revenue per new customer by age, with its band, for drawing and for finding when a cost is earned back.

    The relative width of the band is worked out at `steps` ages and drawn between them.

    Returns
    -------
    DataFrame
        The group, `age` (every day up to `until` or the longest follow-up), `value`, `low`, `high`, `observed`.
    """
    at = np.linspace(0, 1, steps + 1)
    return _kept(average_curve(shop, REVENUE, until=until, at=at, by=by, level=level), margin)


def spread(table: pd.DataFrame, *, level: float = 0.95) -> pd.Series:
    """The variance of the logarithm of estimates that have limits symmetric on the log scale."""
    ratio = table["high"] / table["value"].where(table["value"] > 0)
    return ratio.map(np.log).div(z_value(level)).pow(2)


def _kept(table: pd.DataFrame, margin: float) -> pd.DataFrame:
    """The table with what is left of revenue."""
    return table.assign(**{c: table[c] * margin for c in ("value", "low", "high")})
