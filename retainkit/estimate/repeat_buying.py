"""Counted buyers in, a constant-habits model of repeat buying out: BG/NBD for when, Gamma-Gamma for how much.

Everybody buys at an own steady rate and, after every repeat purchase, may stop for good with an own steady
chance. Nobody's habits change, so a rising chance of one more purchase in this model is selection alone: the
yardstick for the observed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import betaln, gammaln, hyp2f1

from retainkit.errors import BadValueError
from retainkit.estimate.checks import not_negative, require_columns, whole

Array = Any


class BGNBD(NamedTuple):
    """Buying rates are gamma(r, alpha), chances of stopping beta(a, b); `alpha` is in the input's unit of time."""

    r: float
    alpha: float
    a: float
    b: float
    loglik: float


class GammaGamma(NamedTuple):
    """Order values are gamma(p, nu) of a customer, nu gamma(q, v) over customers; `v` is in units of money."""

    p: float
    q: float
    v: float
    loglik: float


def fit_bg_nbd(buyers: pd.DataFrame) -> BGNBD:
    """Maximum-likelihood BG/NBD model of when customers buy again.

    Parameters
    ----------
    buyers
        `x` repeat purchase days, `t_x` time from first to last purchase, `T` time from first purchase to the
        end of observation, `n` customers like that.

    Returns
    -------
    BGNBD
        `r, alpha, a, b, loglik`, the last up to a constant that depends on the data only.

    Raises
    ------
    MissingDataError, BadValueError
        Missing columns; counts that are not whole; t_x after T, or not 0 exactly where x is 0; nobody bought
        again.

    Notes
    -----
    Fader, Hardie and Lee (2005), Marketing Science 24, 275-284.

    Examples
    --------
    >>> buyers = pd.DataFrame({"x": [0, 1, 2, 5], "t_x": [0, 20, 60, 95], "T": 100, "n": [60, 20, 12, 8]})
    >>> fit = fit_bg_nbd(buyers)
    >>> print(round(expected_orders(fit, 2, 60, 100, within=100), 2))
    1.66
    """
    x, t_x, horizon, n = _checked(buyers)
    unit = float((horizon * n).sum() / n.sum())

    def log_lik(logs: Array) -> float:
        """Sum over counted buyers, time in mean horizons."""
        r, alpha, a, b = np.exp(logs)
        gone = np.log(a) - np.log(b + np.maximum(x, 1) - 1) - (r + x) * np.log(alpha + t_x / unit)
        alive = -(r + x) * np.log(alpha + horizon / unit)
        either = np.where(x > 0, np.logaddexp(alive, gone), alive)
        common = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + betaln(a, b + x) - betaln(a, b)
        return float((n * (common + either)).sum())

    (r, alpha, a, b), value = _maximise(log_lik, [0.5, 0.3, 1.0, 2.0])
    return BGNBD(r, alpha * unit, a, b, value - float((n * x).sum() * np.log(unit)))


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

    Raises
    ------
    MissingDataError, BadValueError
        Missing columns; counts that are not whole; a mean value of zero or less; nobody bought again.

    Notes
    -----
    Fader, Hardie and Lee (2005), Journal of Marketing Research 42, 415-430.

    Examples
    --------
    >>> fit = fit_gamma_gamma(pd.DataFrame({"x": [1, 1, 5, 5], "m": [15.0, 90.0, 20.0, 70.0], "n": 10}))
    >>> print(round(expected_value(fit, 2, 60.0), 1))
    58.1
    """
    require_columns(values, ["x", "m", "n"], name="values")
    used = values[(whole("values.x", values["x"]) > 0) & (whole("values.n", values["n"]) > 0)]
    if used.empty or not (used["m"] > 0).all():
        raise BadValueError("values.m", "must be above zero for those who bought again", f"{used['m'].min()}",
                            "leave refunded orders out of the mean")
    x, m, n = (used[column].to_numpy(dtype=float) for column in ("x", "m", "n"))
    unit = float((m * n).sum() / n.sum())
    money = m / unit

    def log_lik(logs: Array) -> float:
        """Sum over counted buyers, money in mean orders."""
        p, q, v = np.exp(logs)
        of_x = gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + p * x * np.log(x)
        of_money = q * np.log(v) + (p * x - 1) * np.log(money) - (p * x + q) * np.log(x * money + v)
        return float((n * (of_x + of_money)).sum())

    (p, q, v), value = _maximise(log_lik, [3.0, 3.0, 1.0])
    return GammaGamma(p, q, v * unit, value - float(n.sum() * np.log(unit)))


def expected_orders(fit: BGNBD, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *, within: float) -> Array:
    """Orders to expect in the next `within` of a customer with `x` repeat orders, the last at `t_x`, observed
    for `T`.

    Examples
    --------
    >>> cdnow = BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426, loglik=-9582.4)
    >>> print(round(expected_orders(cdnow, 2, 30.43, 38.86, within=39), 2))
    1.23
    """
    r, alpha, a, b, _ = fit
    a = 1 + 1e-5 if abs(a - 1) < 1e-5 else a  # the formula divides by a - 1
    x = np.asarray(x, dtype=float)
    horizon = alpha + np.asarray(T, dtype=float)
    ratio = horizon / (horizon + within)
    ever = (a + b + x - 1) / (a - 1)
    orders = ever * (1 - ratio ** (r + x) * hyp2f1(r + x, b + x, a + b + x - 1, 1 - ratio))
    return orders * p_alive(fit, x, t_x, T)


def p_alive(fit: BGNBD, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
    """Chance that such a customer has not stopped buying; 1 without a repeat order, by the model's
    definition.

    Examples
    --------
    >>> cdnow = BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426, loglik=-9582.4)
    >>> print(round(p_alive(cdnow, 23, 39, 39), 4))
    0.9686
    """
    r, alpha, a, b, _ = fit
    x, last = np.asarray(x, dtype=float), np.asarray(t_x, dtype=float)
    odds = a / (b + np.maximum(x, 1) - 1) * ((alpha + np.asarray(T, dtype=float)) / (alpha + last)) ** (r + x)
    return 1 / (1 + np.where(x > 0, odds, 0.0))


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
    r, alpha, a, b, _ = fit

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


def _checked(buyers: pd.DataFrame) -> tuple[Array, Array, Array, Array]:
    """The four columns as arrays, once they can be true."""
    require_columns(buyers, ["x", "t_x", "T", "n"], name="buyers")
    x, n = whole("buyers.x", buyers["x"]), whole("buyers.n", buyers["n"])
    t_x, horizon = not_negative("buyers.t_x", buyers["t_x"]), not_negative("buyers.T", buyers["T"])
    if (wrong := (t_x > horizon) | ((x == 0) != (t_x == 0))).any():
        raise BadValueError(
            "buyers", "has a last purchase after the end, or a date that does not fit its count",
            f"{buyers[wrong].iloc[0].to_dict()}", "merge a customer's orders of one day first")
    if not (n * x).sum():
        raise BadValueError("buyers", "has nobody who bought again", f"{n.sum():g} customers",
                            "wait for a second purchase")
    return x, t_x, horizon, n


def _maximise(log_lik: Callable[[Array], float], start: list[float]) -> tuple[list[float], float]:
    """The parameters, all positive, and the largest log-likelihood."""
    from scipy.optimize import minimize  # half a second that only this needs

    found = minimize(lambda logs: -log_lik(logs), np.log(start), method="L-BFGS-B",
                     bounds=[(-10, 10)] * len(start), options={"ftol": 1e-13, "gtol": 1e-6})
    return np.exp(found.x).tolist(), -float(found.fun)
