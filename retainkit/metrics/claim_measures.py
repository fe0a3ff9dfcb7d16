"""What the claims need beyond the metrics themselves: differences and ratios of numbers that other pages already print."""

from __future__ import annotations

import numpy as np
import pandas as pd

from retainkit.estimate.intervals import square_and_add
from retainkit.load.shop import Shop
from retainkit.metrics.churn import contract_survival
from retainkit.metrics.deals import WITHIN_DAYS
from retainkit.metrics.deals_values import source_win_rates
from retainkit.metrics.first_days import leaving_rates
from retainkit.metrics.purchases import next_purchase
from retainkit.metrics.reading import shares
from retainkit.metrics.rep_map import rep_correlation


def purchase_step(shop: Shop, *, k: int = 2, level: float = 0.95) -> pd.DataFrame:
    """How much likelier the purchase after the next is than the next: `next_purchase` of k + 1 less that of k, the same window.

    Left out: as in `next_purchase`. Limits of both squared and added: whether somebody buys a fourth time is decided after the
    third, so the two are as good as independent.

    Returns
    -------
    DataFrame
        One row: `rate` (a difference of shares), `low`, `high`, `n` (customers who bought k + 1 times), `horizon_days`.
    """
    two = next_purchase(shop, k=[k, k + 1], level=level)
    now, then = (two.loc[i, ["rate", "low", "high"]] for i in (0, 1))
    gap, low, high = square_and_add(then, now)
    return pd.DataFrame([{"rate": gap, "low": low, "high": high, "n": int(two["n"][1]), "horizon_days": int(two["horizon_days"][1])}])


def early_leaving_ratio(shop: Shop, *, early: int = 90, until: int = 365, level: float = 0.95) -> pd.DataFrame:
    """How many times as often customers leave up to day `early` as from then to day `until`: `leaving_rates` the other way round.

    Returns
    -------
    DataFrame
        One row: `value` (times), `low`, `high`, `n` (customers lost up to day `until`), `note`. NaN without anybody lost.
    """
    table = leaving_rates(shop, windows=((0, early), (early, until)), level=level)
    later = table.iloc[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        value, high, low = (1 / np.float64(later[c]) for c in ("ratio", "ratio_low", "ratio_high"))
    lost = int(table["events"].sum())
    return pd.DataFrame([{"value": value, "low": low, "high": high, "n": lost, "note": "" if lost else "nobody has left"}])


def other_sources_win_rate(shop: Shop, *, source: str = "referral", days: int = WITHIN_DAYS, level: float = 0.95) -> pd.DataFrame:
    """Win rate of all sources but one together, from the table of `source_win_rates`; who is left out is said there.

    Returns
    -------
    DataFrame
        One row: `rate`, `low`, `high`, `n` (closed deals); none where that source has no deal.
    """
    table = source_win_rates(shop, days=days, level=level)
    rest = table[table["source"] != source]
    if len(rest) == len(table) or rest.empty:
        return pd.DataFrame(columns=["rate", "low", "high", "n"])
    n = int(rest["n"].sum())
    won = round(float((rest["rate"].astype(float) * rest["n"]).sum()))
    return pd.DataFrame([shares(won, n, level=level)])


def wins_with_churn(shop: Shop, *, days: int = WITHIN_DAYS) -> pd.DataFrame:
    """Whether reps who win more lose more: the correlation of `rep_map`'s model.

    Returns
    -------
    DataFrame
        One row: `value`, `low`, `high`, `n` (reps), `note` (why there is none).
    """
    found = rep_correlation(shop, days=days)
    known = found["withheld"] == ""
    return found[["value", "low", "high"]].where(known).assign(n=found["n"], note=found["note"].where(known, found["withheld"]))


def five_points_more(shop: Shop, *, discount: float = 0.10, points: float = 0.05, level: float = 0.95) -> pd.DataFrame:
    """How much more a customer would be worth with `points` more yearly retention: a formula, not an effect.

    (1 + d) / (1 + d - r) at r + points over the same at r, less 1; r is the share still under contract after a year.

    Parameters
    ----------
    shop
        The shop; it needs `contracts`.
    discount
        The yearly interest d.
    points
        What is added to r; where that gives 1 or more, there is no answer.
    level
        Confidence level of r.

    Returns
    -------
    DataFrame
        One row: `rate` (more, as a share), `low`, `high` (from those of r), `n`, `retention`, `note`.

    Examples
    --------
    Where 60, 70, 80 or 90 % stay, 5 points are worth 11, 14, 20 or 33 % more:

    >>> [round(worth_more(r, points=0.05, discount=0.10), 2) for r in (0.6, 0.7, 0.8, 0.9)]
    [0.11, 0.14, 0.2, 0.33]
    """
    year = contract_survival(shop, horizons=[365], level=level).iloc[0]
    rate, low, high = (worth_more(float(year[c]), points=points, discount=discount) for c in ("rate", "low", "high"))
    return pd.DataFrame([{"rate": rate, "low": low, "high": high, "n": int(year["n"]), "retention": year["rate"], "note": year["note"]}])


def worth_more(retention: float, *, points: float, discount: float) -> float:
    """The gain in what a customer is worth from so many more points of retention; NaN where it would reach 1.

    >>> worth_more(0.97, points=0.05, discount=0.1)
    nan
    """
    return (1 + discount - retention) / (1 + discount - retention - points) - 1 if retention + points < 1 else float("nan")


def winning_over_keeping(shop: Shop, *, months: int = 12) -> pd.DataFrame:
    """What winning a customer costs over what keeping one costs, all of support called keeping: the last row of `keeping_cost`.

    Returns
    -------
    DataFrame
        One row: `value` (times), `low`, `high` (none), `n` (customers kept), `winning`, `keeping` (money a customer).
    """
    from retainkit.metrics.acquisition import keeping_cost

    row = keeping_cost(shop, months=months, shares=[1.0]).iloc[0]
    return pd.DataFrame([{"value": row["times"], "low": np.nan, "high": np.nan, "n": int(row["n"]), "winning": row["winning"], "keeping": row["value"]}])
