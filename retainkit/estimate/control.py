"""Monthly counts in, limits out: where a month's share lies by chance, if nothing has changed since the months before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from retainkit.estimate.funnel import binomial_limits, dispersion, z_scores
from retainkit.estimate.smalln import short_of

TAIL = 0.001  # a quiet month lies outside of the limits once in 500 times
# Scales on which the months of a value spread evenly, and the way back; limits that the scale does not reach are 0 and infinity.
SCALES: Mapping[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "average": (np.log, np.exp),
    "sum": (np.sqrt, lambda x: np.maximum(x, 0.0) ** 2),
    "cost": (lambda v: -1 / np.sqrt(v), lambda x: 1 / np.minimum(x, 0.0) ** 2),
}


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
    A p-chart with exact binomial limits, interpolated between counts: a month lies outside when so few hits, or so few misses,
    come once in 1,000 months. (The upper line of a funnel lies up to one count lower, and would call a small month in which
    everybody stayed news.) Where the baseline months spread more than binomial counts do (phi above 1.3), the limits are
    sqrt(phi) times as far out (Laney 2002). How often a quiet month lies outside: `tests/truth`.

    Examples
    --------
    >>> year = pd.DataFrame({"hits": [21, 27, 24, 22, 25, 23, 26, 22, 25, 24, 20, 29], "n": 100})
    >>> control_limits(year, sizes=[100]).drop(columns="note").round(3)
         n  usual    low   high  months
    0  100   0.24  0.111  0.384      12
    """
    months = baseline[baseline["n"] > 0]
    hits, n = float(months["hits"].sum()), float(months["n"].sum())
    short = short_of({"baseline_months": len(months)}) or short_of({"window_events": min(hits, n - hits)})
    if short:
        unknown = {"usual": hits / n if n else float("nan"), "low": float("nan"), "high": float("nan")}
        return pd.DataFrame({"n": sizes, **unknown, "months": len(months), "note": short[0]})
    usual = hits / n
    z = z_scores(months["hits"], months["n"] * usual, variance=months["n"] * usual * (1 - usual))
    few, many = (binomial_limits(sizes, p0=p0, phi=max(dispersion(z), 1.0))["low998"] for p0 in (usual, 1 - usual))
    return pd.DataFrame({"n": sizes, "usual": usual, "low": few, "high": 1 - many, "months": len(months), "note": ""})


def value_limits(baseline: ArrayLike, *, of: str = "average") -> dict[str, float | int | str]:
    """Where a month's amount lies, 998 times of 1,000, when nothing has changed since the months before it.

    For what is not a count of customers: money. The months' own spread is what is usual, so months of few customers make the
    limits wide. No limits, and the reason in `note`, with fewer than 12 baseline months.

    Parameters
    ----------
    baseline
        One value a month, not negative.
    of
        What a month's value is, which says on which scale months spread evenly: `average` (of amounts: logarithm; a month of zero does not
        count), `sum` (of some amounts, in some months none: square root), `cost` (money over a count: the square root of the count that
        a unit of money brings; a month that brought nobody is infinitely dear).

    Returns
    -------
    dict
        `usual`, `low`, `high`, `months`, `note`.

    Notes
    -----
    Prediction limits of one more value of a normal sample, .001 and .999 (Hahn 1969), on that scale. How often a quiet month lies
    outside: `tests/truth`.

    Examples
    --------
    >>> limits = value_limits([100, 110, 95, 104, 98, 101, 99, 107, 102, 96, 103, 105])
    >>> round(limits["low"]), round(limits["high"])
    (85, 122)
    """
    to, back = SCALES[of]
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = to(np.asarray(baseline, dtype=float))
        scaled = scaled[np.isfinite(scaled)]
        months = len(scaled)
        if short := short_of({"baseline_months": months}):
            return {"usual": float("nan"), "low": float("nan"), "high": float("nan"), "months": months, "note": short[0]}
        reach = -stdtrit(months - 1, TAIL) * scaled.std(ddof=1) * np.sqrt(1 + 1 / months)
        usual, low, high = back(scaled.mean() + np.array([0.0, -reach, reach])).tolist()
    return {"usual": usual, "low": low, "high": high, "months": months, "note": ""}
