"""Survivors by cohort and period in, fitted renewal models out: sBG and BdW, by maximum likelihood.

Both are models of people who differ in how likely they are to leave. sBG: each has one chance of leaving in
every period, beta distributed over people. BdW: that chance may also rise or fall with age. The share still there
after t periods is B(alpha, beta + t^c) / B(alpha, beta), c being 1 for the sBG.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import betaln, psi

from retainkit.estimate.intervals import Array

FREE = {"sBG": 2, "BdW": 3}  # how many of log alpha, log beta, log c are estimated
SMALLEST, LARGEST = -7.0, 12.0  # of those logs


def pooled(survivors: pd.DataFrame) -> tuple[Array, Array, Array]:
    """Periods, customers at risk and lost in them, over all cohorts.

    `survivors` has `cohort, period, at_risk, lost`: period 1 is the first renewal; `at_risk` customers came to it, `lost` left.
    """
    table = survivors[survivors["at_risk"] > 0].groupby("period")[["at_risk", "lost"]].sum()
    return np.arange(1.0, len(table) + 1), table["at_risk"].to_numpy(float), table["lost"].to_numpy(float)


def resampled(survivors: pd.DataFrame, draws: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """At risk and lost in every pooled period, `draws` times: each cohort's customers drawn with replacement."""
    used = survivors[survivors["at_risk"] > 0].sort_values("period")
    at_risk, lost = (np.zeros((draws, int(used["period"].max()))) for _ in range(2))
    for _, rows in used.groupby("cohort", dropna=False):
        n, gone = rows["at_risk"].to_numpy(), rows["lost"].to_numpy()
        censored = n - gone - np.append(n[1:], 0)
        exits = rng.multinomial(n[0], np.stack([gone, censored], axis=1).ravel() / n[0], size=draws)
        columns = rows["period"].to_numpy(dtype=int) - 1
        both = exits[:, ::2] + exits[:, 1::2]
        lost[:, columns] += exits[:, ::2]
        at_risk[:, columns] += n[0] - np.cumsum(both, axis=1) + both
    return at_risk, lost


def log_survival(theta: Array, ages: Array) -> tuple[Array, Array]:
    """log S at every age for every row of (log alpha, log beta, log c), and its slopes in those three."""
    a, b, c = np.exp(theta).T[:, :, None]
    age = np.asarray(ages, dtype=float)
    to = age**c
    of_sum, of_beta = psi(a + b) - psi(a + b + to), psi(b + to) - psi(b)
    power = (psi(b + to) - psi(a + b + to)) * to * np.log(np.maximum(age, 1))
    slopes = np.stack([a * of_sum, b * (of_beta + of_sum), c * power], axis=-1)
    return betaln(a, b + to) - betaln(a, b), slopes


def log_stay(theta: Array, periods: Array) -> tuple[Array, Array]:
    """log of the chance of staying through each period, and its slopes."""
    after, before = log_survival(theta, periods), log_survival(theta, np.asarray(periods) - 1)
    return after[0] - before[0], after[1] - before[1]


def maximise(
    model: str, periods: Array, at_risk: Array, lost: Array, start: Array | None = None
) -> tuple[Array, Array]:
    """Parameters (log alpha, log beta, log c) and log-likelihood of every row of counts: damped Fisher scoring.

    Cohorts of different ages pool: each adds the periods it has lived through, and those still there are censored. A cohort
    that came under observation late starts at a later period.

    Notes
    -----
    sBG: Fader and Hardie (2007), Journal of Interactive Marketing 21, 76-90. BdW: Fader, Hardie, Liu, Davin and Steenburgh
    (2018), Journal of Interactive Marketing 43, 1-16.

    Examples
    --------
    >>> kept = np.array([1000, 631, 468, 382, 326, 289, 262, 241])
    >>> theta, loglik = maximise("sBG", np.arange(1, 8), kept[None, :-1], -np.diff(kept)[None])
    >>> np.exp(theta).round(3), loglik.round(1)
    (array([[0.704, 1.182, 1.   ]]), array([-1680.3]))
    >>> kept = np.array([1000, 869, 743, 653, 593, 551, 517, 491])
    >>> theta, loglik = maximise("BdW", np.arange(1, 8), kept[None, :-1], -np.diff(kept)[None])
    >>> np.exp(theta).round(2), loglik.round(1)
    (array([[0.21, 1.43, 1.72]]), array([-1605.3]))
    """
    rows, free, eye = len(lost), FREE[model], np.eye(FREE[model])
    if start is None:
        start = np.array([[0.0, np.log(max(at_risk.sum() / max(lost.sum(), 1) - 1, 0.1)), 0.0]])
    theta, damping = np.repeat(start, rows, axis=0), np.full(rows, 1e-3)

    def score(at: Array) -> tuple[Array, Array, Array]:
        """Log-likelihood, its gradient, and the information, of the free parameters."""
        kept, slopes = log_stay(at, periods)
        gone = np.maximum(-np.expm1(kept), 1e-300)
        value = (lost * np.log(gone) + (at_risk - lost) * kept).sum(axis=1)
        pull, slopes = (at_risk - lost) - lost * np.exp(kept) / gone, slopes[:, :, :free]
        information = np.einsum("rt,rtk,rtl->rkl", at_risk * np.exp(kept) / gone, slopes, slopes)
        return value, np.einsum("rt,rtk->rk", pull, slopes), information

    value, gradient, information = score(theta)
    for _ in range(100):
        ridge = damping[:, None, None] * eye * (np.einsum("rkk->rk", information)[:, None, :] + 1e-9)
        step = np.linalg.solve(information + ridge, gradient[..., None])[..., 0]
        trial = theta.copy()
        step *= np.minimum(1, 2 / np.maximum(np.abs(step).max(axis=1, keepdims=True), 1e-300))
        trial[:, :free] = np.clip(theta[:, :free] + step, SMALLEST, LARGEST)
        there = score(trial)
        better = there[0] >= value - 1e-12 * np.abs(value)
        done = np.abs(there[0] - value) <= 1e-9 * np.abs(value)
        theta[better] = trial[better]
        value, gradient, information = (
            np.where(better.reshape(-1, *[1] * (new.ndim - 1)), new, old)
            for new, old in zip(there, (value, gradient, information), strict=True)
        )
        damping = np.clip(np.where(better, damping / 5, damping * 5), 1e-8, 1e9)
        if done.all():
            break
    return theta, value
