"""Counted buyers in, likelihoods out: what the constant-habits models of `repeat_buying` are fitted by."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.special import betaln, gammaln, psi

from retainkit.errors import BadValueError
from retainkit.estimate.intervals import Array

Each = Callable[[Array], tuple[Array, Array]]  # logs of parameters -> log-likelihood and its slopes, a row each


def bg_nbd(buyers: pd.DataFrame, modified: bool) -> tuple[Each, Array, float]:
    """The likelihood of each row of buyers, time in mean horizons; how many each row is; and the mean horizon."""
    x, t_x, horizon, n = (buyers[column].to_numpy(dtype=float) for column in ("x", "t_x", "T", "n"))
    unit = float((horizon * n).sum() / n.sum())
    end, last, tosses = horizon / unit, t_x / unit, x + modified
    kinds, of = np.unique(x, return_inverse=True)  # few: what takes its time is worked out once for each

    def each(logs: Array) -> tuple[Array, Array]:
        r, alpha, a, b = np.exp(logs)
        before = b + np.maximum(tosses, 1) - 1
        gone = np.where(tosses > 0, np.log(a) - np.log(before) - (r + x) * np.log(alpha + last), -np.inf)
        either = np.logaddexp(gone, -(r + x) * np.log(alpha + end))
        w = np.exp(gone - either)
        logl = gammaln(r + kinds)[of] - gammaln(r) + r * np.log(alpha) + betaln(a, b + (kinds + modified))[of] - betaln(a, b) + either
        both = psi(a + b) - psi(a + b + (kinds + modified))[of]
        return logl, np.stack([
            r * (psi(r + kinds)[of] - psi(r) + np.log(alpha) - (1 - w) * np.log(alpha + end) - w * np.log(alpha + last)),
            r - alpha * (r + x) * ((1 - w) / (alpha + end) + w / (alpha + last)),
            a * both + w, b * (psi(b + (kinds + modified))[of] - psi(b) + both - w / before)], axis=1)

    return each, n, unit


def gamma_gamma(values: pd.DataFrame) -> tuple[Each, Array, float]:
    """The likelihood of each row of values, money in mean orders; how many each row is; and the mean order."""
    used = values[(values["x"] > 0) & (values["n"] > 0)]
    if used.empty or not (used["m"] > 0).all():
        raise BadValueError("values.m", "must be above zero for those who bought again", f"{used['m'].min()}",
                            "leave refunded orders out of the mean")
    x, m, n = (used[column].to_numpy(dtype=float) for column in ("x", "m", "n"))
    unit = float((m * n).sum() / n.sum())
    money = m / unit

    def each(logs: Array) -> tuple[Array, Array]:
        p, q, v = np.exp(logs)
        spent = np.log(x * money + v)
        logl = (gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + p * x * np.log(x)
                + q * np.log(v) + (p * x - 1) * np.log(money) - (p * x + q) * spent)
        return logl, np.stack([
            p * x * (psi(p * x + q) - psi(p * x) + np.log(x * money) - spent),
            q * (psi(p * x + q) - psi(q) + np.log(v) - spent),
            q - v * (p * x + q) / (x * money + v)], axis=1)

    return each, n, unit


def maximise(each: Each, n: Array, start: list[float]) -> tuple[list[float], float]:
    """The parameters, all positive, and the largest log-likelihood."""
    from scipy.optimize import minimize  # half a second that only this needs

    def minus(logs: Array) -> tuple[float, Array]:
        logl, slopes = each(logs)
        return -float((n * logl).sum() / n.sum()), -(n[:, None] * slopes).sum(axis=0) / n.sum()

    for method in ("SLSQP", "L-BFGS-B"):  # the first is five times as quick, the second slow to give up
        found = minimize(minus, np.log(start), jac=True, method=method, bounds=[(-10, 10)] * len(start), tol=1e-14)
        if np.isfinite(found.fun) and np.abs((np.abs(found.x) < 10) * minus(found.x)[1]).max() < 1e-4:
            return np.exp(found.x).tolist(), -float(found.fun) * float(n.sum())
    raise BadValueError("the model", "does not settle on these customers", f"{n.sum():,.0f} of them", "ask about more customers, or a longer time")
