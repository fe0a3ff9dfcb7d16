"""Net promoter scores: counts of promoters and detractors in, scores from -100 to 100 with their intervals out."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from retainkit.estimate.intervals import Array, z_value

ADDED = 0.75  # imagined promoters, and as many detractors and passives together


def promoter_score(
    promoters: ArrayLike, detractors: ArrayLike, n: ArrayLike, *, population: ArrayLike | None = None, level: float = 0.95
) -> tuple[Array, Array, Array]:
    """Share of promoters less share of detractors, from -100 to 100, with an interval.

    Nobody (`n` of 0) gives NaN.

    Parameters
    ----------
    promoters, detractors, n
        Counts: answers of 9 or 10, of 0 to 6, and all answers.
    population
        How many there are in all, where the answers are a large part of them (employees): the interval then covers only those
        who did not answer. Empty or 0: many.
    level
        Confidence level.

    Returns
    -------
    (value, low, high)

    Notes
    -----
    Adjusted Wald: 3 answers are added, 0.75 of them promoters and 0.75 detractors, and the interval lies around that score
    (Rocks 2016). Variance of a single answer: p + d - (p - d)^2.

    Examples
    --------
    >>> [round(float(x), 1) for x in promoter_score(162, 54, 324)]
    [33.3, 24.9, 41.1]
    """
    middle, variance = _adjusted(promoters, detractors, n)
    total = np.asarray(n, dtype=float)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = (np.asarray(promoters, dtype=float) - np.asarray(detractors, dtype=float)) / np.where(total > 0, total, np.nan)
        reach = z_value(level) * np.sqrt(variance * _unasked(total, population))
    low, high = np.minimum(middle - reach, value), np.maximum(middle + reach, value)
    return 100 * value, 100 * np.maximum(low, -1.0), 100 * np.minimum(high, 1.0)


def promoter_change(
    before: pd.Series, now: pd.Series, pairs: pd.DataFrame, *, whole: bool = False, level: float = 0.95
) -> tuple[float, float, float]:
    """Change of the score between two waves, in points, with an interval that knows who answered both.

    Parameters
    ----------
    before, now
        `promoters`, `detractors`, `n` of each wave and, with `whole`, `invited`.
    pairs
        Customers who answered both, counted: `earlier`, `later` (1 promoter, 0 passive, -1 detractor), `n`.
    whole
        Whether those invited are all there are (employees).
    level
        Confidence level.

    Returns
    -------
    (change, low, high)

    Notes
    -----
    The variances of the two scores add up, less twice the covariance of the answers given twice.

    Examples
    --------
    >>> wave = pd.Series({"promoters": 50, "detractors": 20, "n": 100})
    >>> nobody = pd.DataFrame({"earlier": [], "later": [], "n": []})
    >>> [round(float(x), 1) for x in promoter_change(wave, wave, nobody)]
    [0.0, -21.3, 21.3]
    """
    first, second = (float(_adjusted(w["promoters"], w["detractors"], w["n"])[1] * _unasked(
        np.float64(w["n"]), w["invited"] if whole else None)) for w in (before, now))
    n1, n2 = float(before["n"]), float(now["n"])
    if not n1 or not n2:
        return (float("nan"),) * 3
    change = (now["promoters"] - now["detractors"]) / n2 - (before["promoters"] - before["detractors"]) / n1
    shared = 2 * _covariance(pairs) * float(pairs["n"].sum()) / (n1 * n2)
    reach = z_value(level) * float(np.sqrt(max(first + second - shared, 0.0)))
    return 100 * change, 100 * (change - reach), 100 * (change + reach)


def _adjusted(promoters: ArrayLike, detractors: ArrayLike, n: ArrayLike) -> tuple[Array, Array]:
    """The score with the imagined answers, and its variance."""
    p, d, total = (np.asarray(count, dtype=float) for count in (promoters, detractors, n))
    many = np.where(total > 0, total + 4 * ADDED, np.nan)
    up, down = (p + ADDED) / many, (d + ADDED) / many
    return up - down, (up + down - (up - down) ** 2) / many


def _unasked(n: Array, population: ArrayLike | None) -> Array:
    """The part of the variance that is left when n of the population answered."""
    if population is None:
        return np.ones_like(n)
    everybody = np.nan_to_num(np.asarray(population, dtype=float))
    left = (everybody - n) / np.maximum(everybody - 1, 1)
    return np.where(everybody >= n, np.where(everybody > 0, left, 1.0), 1.0)


def _covariance(pairs: pd.DataFrame) -> float:
    """Of two answers of one customer."""
    n = pairs["n"].to_numpy(dtype=float)
    if n.sum() < 2:
        return 0.0
    return float(np.cov(pairs["earlier"].astype(float), pairs["later"].astype(float), fweights=n.astype(int))[0, 1])
