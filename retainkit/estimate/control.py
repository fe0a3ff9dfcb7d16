"""Monthly counts in, limits out: where a month's share lies by chance, if nothing has changed since the months before it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from retainkit.estimate.funnel import binomial_limits, dispersion, z_scores
from retainkit.estimate.smalln import short_of

TAIL = 0.001  # a quiet month lies outside of the limits once in 500 times


def control_limits(baseline: pd.DataFrame, *, sizes: ArrayLike) -> pd.DataFrame:
    """Where the share of a later month lies, 998 times of 1,000, when it is what the baseline months were.

    No limits, and the reason in `note`, with fewer than 12 baseline months, or fewer than 10 hits or 10 misses in them
    together: the centre is then itself too uncertain, and one month in a hundred would lie outside.

    Parameters
    ----------
    baseline
        A row a month: `hits`, `n`. Months without anybody do not count.
    sizes
        How many customers (or deals) the months to be judged have.

    Returns
    -------
    DataFrame
        A row a size: `n`, `usual` (the baseline's share), `low`, `high`, `months` (in the baseline), `note`.

    Notes
    -----
    A p-chart with exact binomial .001 and .999 limits, interpolated between counts. Where the baseline months spread more
    than binomial counts do (phi above 1.3), the limits are sqrt(phi) times as far out (Laney 2002).

    Examples
    --------
    >>> year = pd.DataFrame({"hits": [21, 27, 24, 22, 25, 23, 26, 22, 25, 24, 20, 29], "n": 100})
    >>> control_limits(year, sizes=[100]).drop(columns="note").round(3)
         n  usual    low   high  months
    0  100   0.24  0.111  0.374      12
    """
    months = baseline[baseline["n"] > 0]
    hits, n = float(months["hits"].sum()), float(months["n"].sum())
    short = short_of({"baseline_months": len(months)}) or short_of({"window_events": min(hits, n - hits)})
    if short:
        unknown = {"usual": hits / n if n else float("nan"), "low": float("nan"), "high": float("nan")}
        return pd.DataFrame({"n": sizes, **unknown, "months": len(months), "note": short[0]})
    usual = hits / n
    z = z_scores(months["hits"], months["n"] * usual, variance=months["n"] * usual * (1 - usual))
    limits = binomial_limits(sizes, p0=usual, phi=max(dispersion(z), 1.0))
    return pd.DataFrame({"n": limits["n"], "usual": usual, "low": limits["low998"], "high": limits["high998"],
                         "months": len(months), "note": ""})


def value_limits(baseline: ArrayLike, *, positive: bool = True) -> dict[str, float | int | str]:
    """Where a month's average lies, 998 times of 1,000, when nothing has changed since the months before it.

    For what is not a count of customers: money, days. The months' own spread is what is usual, so months of few customers
    make the limits wide. No limits, and the reason in `note`, with fewer than 12 baseline months.

    Parameters
    ----------
    baseline
        One value a month.
    positive
        Whether values are above zero and skewed, as money is: limits are then symmetric on the log scale.

    Returns
    -------
    dict
        `usual`, `low`, `high`, `months`, `note`.

    Notes
    -----
    Prediction limits of one more value of a normal sample, .001 and .999 (Hahn 1969).

    Examples
    --------
    >>> limits = value_limits([100, 110, 95, 104, 98, 101, 99, 107, 102, 96, 103, 105])
    >>> round(limits["low"]), round(limits["high"])
    (85, 122)
    """
    values = np.asarray(baseline, dtype=float)
    values = values[np.isfinite(values) & ((values > 0) | (not positive))]
    months = len(values)
    if short := short_of({"baseline_months": months}):
        return {"usual": float("nan"), "low": float("nan"), "high": float("nan"), "months": months, "note": short[0]}
    scaled = np.log(values) if positive else values
    reach = -stdtrit(months - 1, TAIL) * scaled.std(ddof=1) * np.sqrt(1 + 1 / months)
    limits = np.array([scaled.mean(), scaled.mean() - reach, scaled.mean() + reach])
    usual, low, high = (np.exp(limits) if positive else limits).tolist()
    return {"usual": usual, "low": low, "high": high, "months": months, "note": ""}
