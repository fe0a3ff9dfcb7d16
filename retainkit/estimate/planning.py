"""Before anything is measured: what a comparison could see, how many customers it needs, and what chance alone gives back."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from retainkit.estimate.intervals import root, z_value

POWER = 0.80  # the usual: a change of the stated size is seen four times out of five


def seen_share(effect: float, *, se: float, df: float, level: float = 0.95) -> float:
    """How often a t test with `df` degrees of freedom sees an effect that is there, in the direction it has.

    Examples
    --------
    >>> round(seen_share(0.06, se=0.0241, df=10), 2)
    0.61
    """
    critical = special.stdtrit(df, 0.5 + level / 2)
    return float(1 - special.nctdtr(df, abs(effect) / se, critical))


def detectable(se: float, *, df: float, power: float = POWER, level: float = 0.95) -> float:
    """The smallest effect that a t test with this standard error sees so often; NaN without a standard error or below 1 `df`.

    Examples
    --------
    >>> round(detectable(0.0241, df=10), 3)
    0.075
    """
    if not (se > 0 and df >= 1):
        return float("nan")
    # in standard errors; halving, because the inverse in scipy gives up for few degrees of freedom
    return se * float(root(lambda size: seen_share(size, se=1.0, df=df, level=level), power, 0.0, 1_000.0))


def customers_needed(spread: float, change: float, *, known: float = 0.0, power: float = POWER, level: float = 0.95) -> float:
    """Customers needed for a change of this size to be seen so often; infinity where no number of them is enough.

    Parameters
    ----------
    spread
        The variance of one customer's value: p (1 - p) for a share; of two new groups of equal size, the sum of both.
    change
        The change that is to be seen, in the value's unit.
    known
        The squared standard error of what it is compared with, when that is over and will not be measured again.

    Returns
    -------
    float
        A whole number of customers (in each group, where there are two).

    Notes
    -----
    The usual normal formula: (z + z)^2 times the variance of the difference is the change squared.

    Examples
    --------
    From 20 % to 25 %, the textbook example, in each of two groups:

    >>> customers_needed(0.2 * 0.8 + 0.25 * 0.75, 0.05)
    1091.0
    """
    reach = z_value(level) + float(special.ndtri(power))
    room = (change / reach) ** 2 - known  # what the new customers may add to the variance
    if not (spread >= 0 and math.isfinite(room)):
        return float("nan")
    return float(math.ceil(spread / room)) if room > 0 else float("inf")


def rebound(share: float, n: float, *, of: int, worst: str = "low") -> float:
    """How far the worst of several equal months (or units) lies from what it really is, by chance alone.

    Whoever acts on the worst one sees it "improve" by so much when nothing has changed: regression to the mean.

    Parameters
    ----------
    share
        The true share, the same in all of them.
    n
        Customers in each.
    of
        Of how many the worst was taken.
    worst
        "low" or "high": which end is bad.

    Returns
    -------
    float
        The expected gap, as a share.

    Examples
    --------
    >>> round(rebound(0.3, 100, of=12), 3)
    0.073
    """
    if not (0 <= share <= 1 and n >= 1 and of >= 1):
        return float("nan")
    counts = np.arange(int(n))
    below = special.bdtr(counts, int(n), share)  # of a count up to each
    extreme = 1 - below**of if worst == "high" else (1 - below) ** of
    return abs(float(extreme.sum()) / int(n) - share)
