"""Sizes in, funnel lines out: where a rep in control lies 95 % and 99.8 % of the time, and how far others lie
off.

These are prediction limits of a count at its expected value. The chi-square (confidence) limits that some
packages draw instead are too wide above the line: of reps in control .4 to 1.5 % lie beyond them, where 2.5 %
should.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import ndtri

from retainkit.errors import BadValueError
from retainkit.estimate.intervals import Array

LINES = {"low998": 0.001, "low95": 0.025, "high95": 0.975, "high998": 0.999}
OVERDISPERSED = 1.3
TRIM = 0.10  # of the z scores at each end are pulled in before their squares are averaged


def binomial_limits(n: ArrayLike, *, p0: float, phi: float = 1.0) -> pd.DataFrame:
    """Where the share of `n` lies, 95 and 99.8 % of the time, when its true value is `p0`.

    Exact binomial limits, interpolated between counts so that the funnel has no saw teeth. With `phi` above
    1.3 they are sqrt(phi) times as far from `p0`. NaN where nothing was closed.

    Parameters
    ----------
    n
        Deals closed: one value a point, or a range to draw the funnel over.
    p0
        Share in control, 0 to 1.
    phi
        Over-dispersion, as `dispersion` gives it.

    Returns
    -------
    DataFrame
        `n, low998, low95, high95, high998`, in the order given.

    Notes
    -----
    Spiegelhalter (2005), Statistics in Medicine 24, 1185-1202, appendix.

    Examples
    --------
    Two hospitals, when 7.4 % of operations end in death:

    >>> binomial_limits([47, 810], p0=0.0739161).round(4)
         n  low998   low95  high95  high998
    0   47  0.0000  0.0000  0.1464   0.2057
    1  810  0.0464  0.0558  0.0918   0.1032
    """
    if not 0 <= p0 <= 1:
        raise BadValueError("p0", "must lie between 0 and 1", str(p0), "p0=0.25")
    size = _sizes("n", n, whole=True).astype(int)
    from scipy import stats  # a second that only this needs

    return _lines("n", size, stats.binom(size, p0), centre=p0, most=1.0, phi=phi)


def poisson_limits(expected: ArrayLike, *, phi: float = 1.0) -> pd.DataFrame:
    """Where observed over expected lies, 95 and 99.8 % of the time, when losses are as expected.

    NaN where nothing is expected. `phi` as in `binomial_limits`.

    Parameters
    ----------
    expected
        Expected losses: one value a point, or a range to draw the funnel over.

    Returns
    -------
    DataFrame
        `expected, low998, low95, high95, high998`, in the order given.

    Examples
    --------
    >>> poisson_limits([15, 30]).round(4)
       expected  low998   low95  high95  high998
    0      15.0  0.2716  0.4907  1.5055   1.8558
    1      30.0  0.4692  0.6411  1.3572   1.5937
    """
    mean = _sizes("expected", expected)
    from scipy import stats

    return _lines("expected", mean, stats.poisson(mean), centre=1.0, most=np.inf, phi=phi)


def places(values: ArrayLike, lines: pd.DataFrame, *, few: ArrayLike = False) -> list[str]:
    """Where each value lies among its lines: above or below those of 95 %, far above or below those of 99.8 %; nowhere where too few are known.

    Examples
    --------
    >>> places([2.0, 1.6, 1.2], poisson_limits([15, 15, 15]))
    ['far above', 'above', 'inside']
    >>> places([2.0, 1.6, 1.2], poisson_limits([15, 15, 15]), few=[True, False, False])
    ['too few', 'above', 'inside']
    """
    v = np.asarray(values, dtype=float)
    beyond = [
        np.broadcast_to(np.asarray(few, dtype=bool), v.shape),
        v > lines["high998"],
        v < lines["low998"],
        v > lines["high95"],
        v < lines["low95"],
    ]
    return [str(word) for word in np.select(beyond, ["too few", "far above", "far below", "above", "below"], default="inside")]


def z_scores(observed: ArrayLike, expected: ArrayLike, *, variance: ArrayLike | None = None) -> Array:
    """How many standard deviations each count is above its expectation; NaN where none is possible.

    `variance` is that of the count in control: sum of n p (1 - p) for deals; left out, the Poisson's,
    `expected`.

    Examples
    --------
    >>> z_scores([30, 12], [20, 16])
    array([ 2.23606798, -1.        ])
    """
    spread = np.asarray(expected if variance is None else variance, dtype=float)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (np.asarray(observed, dtype=float) - expected) / np.sqrt(np.where(spread > 0, spread, np.nan))


def dispersion(z: ArrayLike) -> float:
    """Over-dispersion phi: mean squared z with the outer 10 % of each end pulled in, 1 when all are in
    control.

    Pulling in keeps a few true outliers from hiding themselves. It also shortens the z of reps in control,
    whose mean square would be .68, so the mean is divided by that. Reps without a z are left out; NaN for
    fewer than two.

    Parameters
    ----------
    z
        z scores of the reps, best without those already flagged.

    Examples
    --------
    >>> round(dispersion([-1.4, -0.9, -0.6, -0.2, 0.1, 0.3, 0.5, 0.8, 1.1, 9.0]), 2)
    1.16
    """
    known = np.asarray(z, dtype=float)[~np.isnan(np.asarray(z, dtype=float))]
    if len(known) < 2:
        return float("nan")
    pulled, cut = np.clip(known, *np.quantile(known, [TRIM, 1 - TRIM])), -ndtri(TRIM)
    in_control = 1 - 2 * TRIM - 2 * cut * np.exp(-(cut**2) / 2) / np.sqrt(2 * np.pi) + 2 * TRIM * cut**2
    return float((pulled**2).mean() / in_control)


def _sizes(name: str, values: ArrayLike, *, whole: bool = False) -> Array:
    """The values as floats, none of them below zero, nor anything but whole numbers where they are counts."""
    numbers = np.atleast_1d(np.asarray(values, dtype=float))
    if (numbers < 0).any():
        raise BadValueError(name, "must not be negative", f"{np.nanmin(numbers):g}", "count rows")
    if whole and (odd := ~np.isfinite(numbers) | (numbers != np.floor(numbers))).any():
        raise BadValueError(name, "must be whole numbers, none missing", f"{numbers[odd][0]:g}", "count customers, unweighted")
    return numbers


def _lines(key: str, size: Array, counts: Any, *, centre: float, most: float, phi: float) -> pd.DataFrame:
    """Quantiles of the count over its size, moved out from the centre where dispersion asks for it.

    Interpolated: the smallest count with a probability up to it of at least q, less the part of its step that is too much.
    """
    if not phi > 0:
        raise BadValueError("phi", "must be more than 0", str(phi), "phi=1.0")
    wider = np.sqrt(phi) if phi > OVERDISPERSED else 1.0
    lines = {}
    for name, q in LINES.items():
        k = counts.ppf(q)
        step = counts.cdf(k) - counts.cdf(k - 1)  # its own pmf overflows at rates next to none
        limit = np.maximum(k - (counts.cdf(k) - q) / step, 0) / np.where(size > 0, size, np.nan)
        lines[name] = np.clip(centre + wider * (limit - centre), 0, most)
    return pd.DataFrame({key: size} | lines)
