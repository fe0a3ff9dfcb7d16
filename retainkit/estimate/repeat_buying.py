"""Counted buyers in, a constant-habits model of repeat buying out: BG/NBD for when, Gamma-Gamma for how much.

Everybody buys at an own steady rate and, after every repeat purchase, may stop for good with an own steady
chance; in the modified model (MBG/NBD) already after the first. Nobody's habits change, so a rising chance of
one more purchase in this model is selection alone: the yardstick for the observed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import betaincinv, expit, gammaln, hyp2f1

from retainkit.estimate.habits import bg_nbd, gamma_gamma, maximise
from retainkit.estimate.intervals import Array


class BGNBD(NamedTuple):
    """Buying rates are gamma(r, alpha), chances of stopping beta(a, b); `alpha` is in the input's unit of time."""

    r: float
    alpha: float
    a: float
    b: float
    loglik: float
    modified: bool = False  # MBG/NBD: one may stop after the first purchase too


class GammaGamma(NamedTuple):
    """Order values are gamma(p, nu) of a customer, nu gamma(q, v) over customers; `v` is in units of money."""

    p: float
    q: float
    v: float
    loglik: float


def fit_bg_nbd(buyers: pd.DataFrame, *, modified: bool = False) -> BGNBD:
    """Maximum-likelihood BG/NBD model of when customers buy again.

    Parameters
    ----------
    buyers
        `x` repeat purchase days, `t_x` time from first to last purchase, `T` time from first purchase to the
        end of observation, `n` customers like that.
    modified
        Fit the MBG/NBD, in which somebody may stop after the first purchase too.

    Returns
    -------
    BGNBD
        `r, alpha, a, b, loglik, modified`; `loglik` is up to a constant that depends on the data only.

    Notes
    -----
    Fader, Hardie and Lee (2005), Marketing Science 24, 275-284; modified: Batislam, Denizel and Filiztekin (2007),
    International Journal of Research in Marketing 24, 201-209.

    Examples
    --------
    >>> buyers = pd.DataFrame({"x": [0, 1, 2, 5], "t_x": [0, 20, 60, 95], "T": 100, "n": [60, 20, 12, 8]})
    >>> fit = fit_bg_nbd(buyers)
    >>> print(round(expected_orders(fit, 2, 60, 100, within=100), 2))
    1.66
    """
    each, n, unit = bg_nbd(buyers, modified)
    (r, alpha, a, b), value = maximise(each, n, [0.5, 0.3, 1.0, 2.0])
    return BGNBD(r, alpha * unit, a, b, value - float((n * buyers["x"].to_numpy(float)).sum() * np.log(unit)), modified)


def fit_gamma_gamma(values: pd.DataFrame) -> GammaGamma:
    """Maximum-likelihood Gamma-Gamma model of what customers spend an order, given how often they order.

    Customers without a repeat purchase (`x` of 0) say nothing and are left out. Order values must not depend
    on how often a customer orders: look at their correlation first.

    Parameters
    ----------
    values
        `x` repeat purchase days, `m` mean value of those, `n` customers like that.

    Returns
    -------
    GammaGamma
        `p, q, v, loglik`.

    Notes
    -----
    Fader, Hardie and Lee (2005), Journal of Marketing Research 42, 415-430.

    Examples
    --------
    >>> fit = fit_gamma_gamma(pd.DataFrame({"x": [1, 1, 5, 5], "m": [15.0, 90.0, 20.0, 70.0], "n": 10}))
    >>> print(round(expected_value(fit, 2, 60.0), 1))
    58.1
    """
    each, n, unit = gamma_gamma(values)
    (p, q, v), value = maximise(each, n, [3.0, 3.0, 1.0])
    return GammaGamma(p, q, v * unit, value - float(n.sum() * np.log(unit)))


def uncertainty(fit: BGNBD | GammaGamma, table: pd.DataFrame) -> Array:
    """Covariance of the logarithms of a fit's parameters, from the `buyers` or `values` it was fitted to.

    It is the robust ("sandwich") one, which does not take the model for true.

    Examples
    --------
    >>> values = pd.DataFrame({"x": [1, 1, 5, 5], "m": [15.0, 90.0, 20.0, 70.0], "n": 10})
    >>> uncertainty(fit_gamma_gamma(values), values).shape
    (3, 3)
    """
    each, n, unit = bg_nbd(table, fit.modified) if isinstance(fit, BGNBD) else gamma_gamma(table)
    at = np.log(fit[: 4 if isinstance(fit, BGNBD) else 3])
    at[1 if isinstance(fit, BGNBD) else 2] -= np.log(unit)
    scores, steps = each(at)[1], np.eye(len(at)) * 1e-4
    bend = np.array([(n[:, None] * (each(at + step)[1] - each(at - step)[1])).sum(axis=0) / 2e-4 for step in steps])
    inverse = np.linalg.pinv((bend + bend.T) / 2, rcond=1e-8, hermitian=True)
    return inverse @ (scores.T @ (n[:, None] * scores)) @ inverse


def expected_orders(fit: BGNBD, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *, within: float) -> Array:
    """Orders to expect in the next `within` of a customer with `x` repeat orders, the last at `t_x`, observed
    for `T`.

    Examples
    --------
    >>> cdnow = BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426, loglik=-9582.4)
    >>> print(round(expected_orders(cdnow, 2, 30.43, 38.86, within=39), 2))
    1.23
    """
    r, alpha, a, b = fit[:4]
    a = 1 + 1e-5 if abs(a - 1) < 1e-5 else a  # the formula divides by a - 1
    x, horizon = np.broadcast_arrays(np.asarray(x, dtype=float), alpha + np.asarray(T, dtype=float))
    ratio, tosses = horizon / (horizon + within), x + fit.modified
    with np.errstate(all="ignore"):
        never = ratio ** (r + x) * hyp2f1(r + x, b + tosses, a + b + tosses - 1, 1 - ratio)
        orders = np.array((a + b + tosses - 1) / (a - 1) * (1 - never))
    if (odd := ~np.isfinite(orders)).any():  # parameters too large for the closed form
        orders[odd] = _averaged(fit, x[odd], within / horizon[odd])
    return orders * p_alive(fit, x, t_x, T)


def _averaged(fit: BGNBD, x: Array, ahead: Array, points: int = 200) -> Array:
    """Orders to expect of somebody who has not stopped, averaged over quantiles of the chance of stopping."""
    stops = betaincinv(fit.a, (fit.b + x + fit.modified)[:, None], (np.arange(points) + 0.5) / points).clip(1e-12)
    return (-np.expm1(-(fit.r + x)[:, None] * np.log1p(stops * ahead[:, None])) / stops).mean(axis=1)


def p_alive(fit: BGNBD, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
    """Chance that such a customer has not stopped buying; without a repeat order it is 1 unless the model is modified.

    Examples
    --------
    >>> cdnow = BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426, loglik=-9582.4)
    >>> print(round(p_alive(cdnow, 23, 39, 39), 4))
    0.9686
    """
    r, alpha, a, b = fit[:4]
    x, last = np.asarray(x, dtype=float), np.asarray(t_x, dtype=float)
    tosses, longer = x + fit.modified, (alpha + np.asarray(T, dtype=float)) / (alpha + last)
    log_odds = np.log(a) - np.log(b + np.maximum(tosses, 1) - 1) + (r + x) * np.log(longer)
    return np.where(tosses > 0, expit(-log_odds), 1.0)[()]


def expected_value(fit: GammaGamma, x: ArrayLike, m: ArrayLike) -> Array:
    """Mean order value to expect of a customer whose `x` repeat orders averaged `m`; with x of 0, of anybody.

    NaN where the model has no mean, which takes a `q` under 1 and no repeat order.

    Examples
    --------
    >>> print(round(expected_value(GammaGamma(p=6.25, q=3.74, v=15.44, loglik=0), 2, 22.35), 1))
    24.7
    """
    x = np.asarray(x, dtype=float)
    weight = fit.p * x + fit.q - 1
    return fit.p * (fit.v + x * np.where(x > 0, m, 0.0)) / np.where(weight > 0, weight, np.nan)


def expected_funnel(fit: BGNBD, *, within: float, horizon: float, k: int = 5) -> pd.DataFrame:
    """Chance of one more purchase after the 1st, 2nd, ... k-th, if nobody's habits ever change. In closed
    form.

    Of those whose k-th purchase came within `horizon` of their first, the share whose next came `within` of
    the k-th.

    Returns
    -------
    DataFrame
        `k, rate`.

    Examples
    --------
    >>> cdnow = BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426, loglik=-9582.4)
    >>> expected_funnel(cdnow, within=26, horizon=39, k=3).round(3)
       k   rate
    0  1  0.374
    1  2  0.553
    2  3  0.694
    """
    r, alpha, a, b = fit[:4]

    def reached(m: int, wait: float) -> float:
        """Chance of m repeat orders within the horizon and then none for `wait`, of people who never stop."""
        j = np.arange(m)
        early = gammaln(r + j) - gammaln(r) - gammaln(j + 1) + j * np.log(horizon) + r * np.log(alpha)
        fewer = np.exp(early - (r + j) * np.log(alpha + wait + horizon)).sum()
        return float((alpha / (alpha + wait)) ** r - fewer)

    rates = []
    for repeats in range(k):
        still = (b + repeats - 1) / (a + b + repeats - 1) if repeats else 1.0
        rates.append(still * (1 - reached(repeats, within) / reached(repeats, 0.0)))
    return pd.DataFrame({"k": np.arange(1, k + 1), "rate": rates})
