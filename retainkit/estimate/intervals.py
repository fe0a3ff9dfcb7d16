"""Counts in, intervals out: proportions, differences, rates and their ratios, whole arrays at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

Array = Any  # a float for scalars in, an array for arrays in
Limits = tuple[Array, Array]


def z_value(level: float) -> float:
    """The normal quantile of a two-sided confidence level."""
    return float(special.ndtri(0.5 + level / 2))


def wilson(successes: ArrayLike, n: ArrayLike, *, level: float = 0.95) -> Limits:
    """Wilson's score interval of a proportion: stays inside 0 to 1 and is never of zero width.

    Nobody (`n` of 0) gives NaN, not a guess.

    Parameters
    ----------
    successes, n
        Counts, `successes` at most `n`.
    level
        Confidence level, between 0 and 1.

    Returns
    -------
    (low, high)
        Floats for scalars, arrays for arrays.

    Notes
    -----
    Newcombe (1998), Statistics in Medicine 17, 857-872, method 3.

    Examples
    --------
    >>> low, high = wilson(15, 148)
    >>> round(low, 4), round(high, 4)
    (0.0624, 0.1605)
    """
    x, total = _floats(successes, n)
    z = z_value(level)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = x / total
        middle = (x + z**2 / 2) / (total + z**2)
        half = z / (total + z**2) * np.sqrt(total * share * (1 - share) + z**2 / 4)
    low = np.where(x == 0, 0.0, np.minimum(middle - half, share))
    high = np.where(x == total, 1.0, np.maximum(middle + half, share))
    return _like(np.where(total > 0, low, np.nan)), _like(np.where(total > 0, high, np.nan))


def newcombe(
    x1: ArrayLike, n1: ArrayLike, x2: ArrayLike, n2: ArrayLike, *, level: float = 0.95
) -> tuple[Array, Array, Array]:
    """Difference of two independent proportions, first minus second, with Newcombe's interval.

    An empty group gives NaN. Parameters are the counts of the two groups, as in `wilson`.

    Returns
    -------
    (difference, low, high)

    Notes
    -----
    Newcombe (1998), Statistics in Medicine 17, 873-890, method 10.

    Examples
    --------
    >>> [round(value, 4) for value in newcombe(56, 70, 48, 80)]
    [0.2, 0.0524, 0.3339]
    """
    (low1, high1), (low2, high2) = wilson(x1, n1, level=level), wilson(x2, n2, level=level)
    with np.errstate(invalid="ignore", divide="ignore"):
        p1 = np.asarray(x1, dtype=float) / np.asarray(n1, dtype=float)
        p2 = np.asarray(x2, dtype=float) / np.asarray(n2, dtype=float)
    return square_and_add((p1, low1, high1), (p2, low2, high2))


def square_and_add(first: Array, second: Array) -> tuple[Array, Array, Array]:
    """Difference of two independent estimates, first minus second, with an interval that follows from theirs.

    Each estimate is `value, low, high`: floats, or arrays of as many estimates. NaN in one gives NaN.

    Returns
    -------
    (difference, low, high)

    Notes
    -----
    Newcombe (1998), Statistics in Medicine 17, 873-890, method 10.

    Examples
    --------
    >>> [round(value, 2) for value in square_and_add((0.8, 0.7, 0.9), (0.6, 0.5, 0.7))]
    [0.2, 0.06, 0.34]
    """
    (a, a_low, a_high), (b, b_low, b_high) = (tuple(np.asarray(v, dtype=float) for v in estimate) for estimate in (first, second))
    difference = a - b
    return _like(difference), _like(difference - np.hypot(a - a_low, b_high - b)), _like(difference + np.hypot(a_high - a, b - b_low))


def two_proportion_p(x1: ArrayLike, n1: ArrayLike, x2: ArrayLike, n2: ArrayLike) -> Array:
    """Two-sided p of the score test (pooled, no continuity correction) that two proportions are equal.

    The partner of the score intervals above, for `benjamini_hochberg` across a table. An empty group gives
    NaN; two groups in which everybody, or nobody, succeeds give 1.

    Examples
    --------
    >>> round(two_proportion_p(56, 70, 48, 80), 4)
    0.008
    """
    a, total1, b, total2 = _floats(x1, n1, x2, n2)
    with np.errstate(invalid="ignore", divide="ignore"):
        pooled = (a + b) / (total1 + total2)
        error = np.sqrt(pooled * (1 - pooled) * (1 / total1 + 1 / total2))
        z = np.abs(a / total1 - b / total2) / error
    p = np.where(error == 0, 1.0, special.erfc(z / np.sqrt(2)))
    return _like(np.where((total1 > 0) & (total2 > 0), p, np.nan))


def benjamini_hochberg(p: ArrayLike) -> Array:
    """False-discovery-rate q for each p, in the order given; NaN stays NaN and is not counted as a test.

    Notes
    -----
    Benjamini and Hochberg (1995), JRSS B 57, 289-300.

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.04, 0.03, float("nan")]).round(3)
    array([0.03, 0.04, 0.04,  nan])
    """
    values = np.asarray(p, dtype=float)
    tested = np.flatnonzero(~np.isnan(values))
    falling = tested[np.argsort(-values[tested], kind="stable")]
    ranks = np.arange(len(falling), 0, -1)
    q = np.full(values.shape, np.nan)
    q[falling] = np.minimum.accumulate(np.minimum(values[falling] * len(falling) / ranks, 1.0))
    return q


def poisson_interval(count: ArrayLike, *, level: float = 0.95, exact: bool = False) -> Limits:
    """Limits of the mean behind a count: mid-P by default, the longer exact (Garwood) limits on request.

    Examples
    --------
    >>> low, high = poisson_interval(5)
    >>> round(low, 4), round(high, 4)
    (1.832, 11.0824)
    """
    k, tail = np.asarray(count, dtype=float), (1 - level) / 2
    with np.errstate(invalid="ignore"):
        low = np.where(k > 0, special.gammaincinv(np.maximum(k, 1e-300), tail), 0.0)
        high = special.gammainccinv(k + 1, tail)

    def below(mean: Array) -> Array:
        """Mid-P of a count this large or larger, rising with the mean."""
        at_least = np.where(k > 0, special.gammainc(np.maximum(k, 1e-300), mean), 1.0)
        return (at_least + special.gammainc(k + 1, mean)) / 2

    if not exact:
        low, high = root(below, tail, low, k), root(below, 1 - tail, k, high)
    return _like(low), _like(high)


def weighted_poisson_interval(
    total: ArrayLike, squares: ArrayLike, *, typical: ArrayLike, typical_square: ArrayLike, level: float = 0.95
) -> Limits:
    """Limits of the mean behind a sum of amounts, when how many there were is chance and so is how large each was.

    Parameters
    ----------
    total, squares
        The sum of the amounts (money lost, for example) and of their squares.
    typical, typical_square
        What one more could have been: the mean amount and mean square of those it could have happened to. They carry the
        upper limit, also where nothing happened.
    level
        Confidence level.

    Returns
    -------
    (low, high)
        Garwood's limits where all amounts are 1.

    Notes
    -----
    Gamma limits of Fay and Feuer (1997), with the mean weight of Tiwari, Clegg and Zou (2006) for the largest.

    Examples
    --------
    >>> [round(x, 2) for x in weighted_poisson_interval(5, 5, typical=1, typical_square=1)]
    [1.62, 11.67]
    >>> [round(x, 2) for x in weighted_poisson_interval(500, 210_000, typical=100, typical_square=20_000)]
    [20.93, 1838.15]
    """
    tail = (1 - level) / 2
    y, v, one, one_square = _floats(total, squares, typical, typical_square)
    more_y, more_v = y + one, v + one_square
    with np.errstate(divide="ignore", invalid="ignore"):
        low = np.where(y > 0, v / y * special.gammaincinv(y**2 / v, tail), 0.0)
        high = more_v / more_y * special.gammainccinv(more_y**2 / more_v, tail)
    return _like(low), _like(high)


def rate_ratio(
    events1: ArrayLike, time1: ArrayLike, events2: ArrayLike, time2: ArrayLike, *, level: float = 0.95
) -> tuple[Array, Array, Array]:
    """Ratio of two event rates, first over second, with mid-P limits of the conditional binomial.

    Given the sum of the two counts, the first is binomial: no approximation, so counts may be small. No
    event at all, or a window nobody was observed in, gives NaN; no event in the second window alone gives
    an upper limit of infinity.

    Parameters
    ----------
    events1, events2
        Counts of events in the two windows.
    time1, time2
        Time observed in each (customer-days), in one unit.

    Returns
    -------
    (ratio, low, high)

    Examples
    --------
    >>> [round(value, 2) for value in rate_ratio(30, 4_000, 20, 8_000)]
    [3.0, 1.71, 5.36]
    """
    a, b, t1, t2 = _floats(events1, events2, time1, time2)
    tail = (1 - level) / 2
    zero, one = np.zeros(np.broadcast(a, b).shape), np.ones(np.broadcast(a, b).shape)

    def below(share: Array) -> Array:
        """Mid-P of a first count this large or larger, rising with the share."""
        at_least = np.where(a > 0, special.betainc(np.maximum(a, 1e-300), b + 1, share), 1.0)
        return (at_least + np.where(b > 0, special.betainc(a + 1, np.maximum(b, 1e-300), share), 0.0)) / 2

    low = np.where(a > 0, root(below, tail, zero, one), 0.0)
    high = np.where(b > 0, root(below, 1 - tail, zero, one), 1.0)
    known = (a + b > 0) & (t1 > 0) & (t2 > 0)
    odds = ((a, b), (low, 1 - low), (high, 1 - high))
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio, low, high = (_like(np.where(known, x / y * t2 / t1, np.nan)) for x, y in odds)
    return ratio, low, high


def log_log_interval(estimate: ArrayLike, se: ArrayLike, *, level: float = 0.95) -> Limits:
    """Interval of a probability, symmetric on the log(-log) scale; NaN at 0 and at 1.

    Examples
    --------
    >>> low, high = log_log_interval(0.909091, 0.0866784)
    >>> round(low, 4), round(high, 4)
    (0.5081, 0.9867)
    """
    p, error = np.asarray(estimate, dtype=float), np.asarray(se, dtype=float)
    with np.errstate(all="ignore"):
        inside = np.where((p > 0) & (p < 1), p, np.nan)
        power = np.exp(z_value(level) * error / (inside * np.abs(np.log(inside))))
        return _like(inside**power), _like(inside ** (1 / power))


def logit_interval(estimate: ArrayLike, se: ArrayLike, *, level: float = 0.95) -> Limits:
    """Interval of a share, symmetric on the log-odds scale; NaN at 0 and at 1.

    Examples
    --------
    >>> low, high = logit_interval(0.5, 0.05)
    >>> round(low, 4), round(high, 4)
    (0.4032, 0.5968)
    """
    p, error = np.asarray(estimate, dtype=float), np.asarray(se, dtype=float)
    with np.errstate(all="ignore"):
        inside = np.where((p > 0) & (p < 1), p, np.nan)
        reach = z_value(level) * error / (inside * (1 - inside))
        middle = special.logit(inside)
    return _like(special.expit(middle - reach)), _like(special.expit(middle + reach))


def skewed_interval(estimate: ArrayLike, se: ArrayLike, *, skew: ArrayLike, level: float = 0.95) -> Limits:
    """Limits of a mean of lopsided amounts, longer on the side where the rare huge ones lie; never below zero.

    `skew` is the sum of the cubed deviations of the units over the 3/2 power of the sum of the squared ones. At zero the
    limits are the usual symmetric ones.

    Notes
    -----
    Hall (1992), JRSS B 54, 221-228: the cubic transformation of the studentised mean, turned round.

    Examples
    --------
    >>> [round(x, 2) for x in skewed_interval(100, 10, skew=0.4)]
    [84.49, 131.93]
    """
    z = z_value(level)
    value, k = np.asarray(estimate, dtype=float), np.asarray(skew, dtype=float)
    safe = np.where(np.abs(k) < 1e-6, 1e-6, k)

    def reach(q: float) -> Array:
        return 3 / safe * (np.cbrt(1 + safe * (q - safe / 6)) - 1)

    return _like(np.maximum(value - se * reach(z), 0)), _like(value - se * reach(-z))


def root(rising: Callable[[Array], Array], target: float, low: Array, high: Array) -> Array:
    """Where a rising function reaches `target`, by halving, for every element at once."""
    low, high = np.asarray(low, dtype=float), np.asarray(high, dtype=float)
    for _ in range(70):
        middle = (low + high) / 2
        above = rising(middle) > target
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return (low + high) / 2


def _floats(*values: ArrayLike) -> list[Array]:
    return [np.asarray(each, dtype=float) for each in values]


def _like(values: Array) -> Array:
    """A float for what was a scalar, an array for what was an array."""
    numbers = np.asarray(values)
    return float(numbers) if numbers.ndim == 0 else numbers
