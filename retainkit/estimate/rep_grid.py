"""The arithmetic of the joint rep model: two log-likelihoods in, posterior weights on grids of effects out.

Each rep has an effect u on winning and v on churn, bivariate normal over the reps. For every cell of a grid
over the five hyper-parameters (means, spreads, rho), u and v are summed over bins laid by the mean and spread
of that cell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from retainkit.estimate.intervals import Array

Bounds = Sequence[tuple[float, float]]
REACH = 5.0  # a rep's effect is looked for within this many spreads of the mean
BINS = (31, 33)  # of u and of v, over that reach
POINTS = 1201  # on which likelihoods are evaluated, once, and summed up inside the bins
PASSES = 6  # at most; each lays the same number of cells closer around what the last one found
JOINT, ONE_SIDE = (7, 8, 10, 7, 8), (21, 40, 1, 21, 40)  # cells: mean, spread of u; rho; mean, spread of v
LIMITS = ((-np.inf, np.inf), (0.0, 2.0), (-1.0, 1.0), (-np.inf, np.inf), (0.0, 2.0))
MEAN_SD = 0.15  # of the normal priors about zero of the two means; that of rho is 1 - rho^2
LogLik = Callable[[Array], Array]  # of each rep (rows) at given effects (columns)


class Margin(NamedTuple):
    """Likelihoods of one side. A pair is a (mean, spread) cell; bins are laid by the pair's mean and spread."""

    effects: Array  # points
    likelihood: Array  # (reps, points)
    edges: Array  # of the bins, one more than bins: (pairs, edges)
    binned: Array  # mean likelihood within each bin: (reps, pairs, bins)


class Fit(NamedTuple):
    """What the last pass leaves."""

    edges: list[Array]  # of the cells of the five hyper-parameters
    weights: Array  # posterior of the cells: five axes
    margins: tuple[Margin, Margin]
    priors: Array  # of the bins: (u bins, rho, v bins)
    marginal: Array  # (reps, u pairs with rho, v pairs)


class Posterior(NamedTuple):
    """Of each rep: weights on the points of u and of v (rows sum to 1); chances of being above a line."""

    u: Array
    v: Array
    win_high: Array
    churn_high: Array
    both_high: Array
    neither: Array  # counted on its own, so that the four corners can be held against one


def spread_prior(spread: Array) -> Array:
    """Log density, up to a constant, of the prior on a spread: half-normal with scale 0.5.

    >>> spread_prior(0.5)
    -0.5
    """
    return -0.5 * (spread / 0.5) ** 2


def fit_grid(sides: Sequence[LogLik], informed: Sequence[bool]) -> Fit:
    """Posterior of the hyper-parameters; a margin that the data say nothing of keeps a single cell."""
    both = all(informed)
    cells = JOINT if both else tuple(k if informed[i > 2] else 1 for i, k in enumerate(ONE_SIDE))
    bounds: Bounds = [(-3 * MEAN_SD, 3 * MEAN_SD), LIMITS[1], LIMITS[2], (-3 * MEAN_SD, 3 * MEAN_SD), LIMITS[4]]
    for _ in range(PASSES):
        fit = _one_pass(sides, bounds, cells)
        found = [along(fit.weights, axis) for axis in range(5)]
        closer = [_closer(*of, 1e-3 if both else 1e-4) for of in zip(fit.edges, found, LIMITS, strict=True)]
        narrows = [new[1] - new[0] < 0.6 * (old[1] - old[0]) for new, old in zip(closer, bounds, strict=True)]
        if not any(narrows):
            break
        narrows[2] = False  # rho comes last: wide cells of the others mislead on it
        bounds = [*closer[:2], bounds[2] if any(narrows) else closer[2], *closer[3:]]
    return fit


def along(weights: Array, axis: int) -> Array:
    """Marginal weights of one hyper-parameter."""
    return weights.sum(axis=tuple(other for other in range(5) if other != axis))


def centres(edges: Array) -> Array:
    """The middles of the cells."""
    return (edges[1:] + edges[:-1]) / 2


def _closer(edges: Array, weights: Array, limit: tuple[float, float], tail: float) -> tuple[float, float]:
    """Bounds half a cell outside the cells that matter."""
    if len(weights) == 1:
        return edges[0], edges[1]
    kept = np.flatnonzero(weights > tail * weights.max())
    half = (edges[1] - edges[0]) / 2
    return max(limit[0], edges[kept[0]] - half), min(limit[1], edges[kept[-1] + 1] + half)


def _one_pass(sides: Sequence[LogLik], bounds: Bounds, cells: Sequence[int]) -> Fit:
    """Posterior weight of every cell, and what each rep adds to it."""
    edges = [np.linspace(*bound, k + 1) for bound, k in zip(bounds, cells, strict=True)]
    mean_u, spread_u, rho, mean_v, spread_v = (centres(edge) for edge in edges)
    u, v = _margin(sides[0], mean_u, spread_u, BINS[0]), _margin(sides[1], mean_v, spread_v, BINS[1])
    priors = np.stack([_bivariate(r) for r in rho], axis=1)
    marginal = _through(u.binned, priors) @ v.binned.swapaxes(1, 2)
    with np.errstate(divide="ignore"):
        log_posterior = np.log(marginal).sum(axis=0, dtype=float).reshape(cells)
    of_u, of_v = (-0.5 * (mean / MEAN_SD) ** 2 for mean in (mean_u, mean_v))
    for log_prior in np.ix_(of_u, spread_prior(spread_u), np.log1p(-(rho**2)), of_v, spread_prior(spread_v)):
        log_posterior = log_posterior + log_prior
    weights = np.exp(log_posterior - log_posterior.max())
    return Fit(edges, weights / weights.sum(), (u, v), priors, marginal)


def _through(binned_u: Array, priors: Array) -> Array:
    """Likelihoods of u carried over to the bins of v, for every rho: (reps, u pairs with rho, v bins)."""
    n, _, m = priors.shape
    return (binned_u.reshape(-1, n) @ priors.reshape(n, -1)).reshape(len(binned_u), -1, m)


def _margin(log_lik: LogLik, mean: Array, spread: Array, bins: int) -> Margin:
    """Likelihoods of one side, evaluated at points over all bins and averaged within each bin.

    Averaging, where a sum over bin middles would do for little data, keeps sharp likelihoods from falling
    between them.
    """
    standard = np.linspace(-REACH, REACH, bins + 1)
    edges = (mean[:, None, None] + spread[:, None] * standard).reshape(-1, bins + 1)
    points = np.linspace(edges.min(), edges.max(), POINTS + 1)
    log_values = log_lik(centres(points))
    likelihood = np.exp(log_values - log_values.max(axis=1, keepdims=True))
    margin = Margin(centres(points), likelihood, edges, np.empty(0))
    return margin._replace(binned=_binned(margin, -np.inf))


def _binned(margin: Margin, cut: float) -> Array:
    """Mean likelihood of each bin, counting only what lies above the cut."""
    step = margin.effects[1] - margin.effects[0]
    up_to = np.pad(np.cumsum(margin.likelihood, axis=1), ((0, 0), (1, 0)))
    at = (np.maximum(margin.edges, cut) - margin.effects[0]) / step + 0.5
    below = np.clip(at.astype(int), 0, POINTS - 1)
    part = np.clip(at - below, 0, 1)
    sums = np.diff(up_to[:, below] * (1 - part) + up_to[:, below + 1] * part, axis=2)
    means = sums * step / np.diff(margin.edges, axis=1)
    return np.where(means > 1e-20, means, 0).astype(np.float32)  # differences of sums may be -1e-17; tiny is slow


def _bivariate(rho: float) -> Array:
    """Standard bivariate normal of the bins, summing to 1; less wide by what spreading over a bin adds."""
    u, v = (centres(np.linspace(-REACH, REACH, n + 1)) / np.sqrt(1 - (2 * REACH / n) ** 2 / 12) for n in BINS)
    density = np.exp(-(u[:, None] ** 2 - 2 * rho * u[:, None] * v + v**2) / (2 * (1 - rho**2)))
    return (density / density.sum()).astype(np.float32)


def posterior(fit: Fit, *, cut_u: float, cut_v: float) -> Posterior:
    """Each rep's posterior over the values of u and v, all hyper-parameter cells together."""
    (u, v), (n, rhos, m) = fit.margins, fit.priors.shape
    cells = fit.weights.reshape(fit.marginal.shape[1:]).astype(np.float32)
    share = np.divide(cells, fit.marginal, out=np.zeros_like(fit.marginal), where=fit.marginal > 0)
    back = fit.priors.transpose(1, 2, 0).reshape(rhos * m, n)

    def from_v(binned: Array) -> Array:
        """What v, its bins averaged over all cells, makes the bins of u weigh: (reps, u pairs, u bins)."""
        return (share @ binned).reshape(len(share), -1, rhos * m) @ back

    u_high, v_high = _binned(u, cut_u), _binned(v, cut_v)
    prior_u, prior_v = from_v(v.binned), share.swapaxes(1, 2) @ _through(u.binned, fit.priors)
    high = [(of * by).sum(axis=(1, 2), dtype=float) for of, by in
            ((u_high, prior_u), (v_high, prior_v), (u_high, from_v(v_high)), (u.binned - u_high, from_v(v.binned - v_high)))]
    return Posterior(_on_points(u, prior_u), _on_points(v, prior_v), *high)


def _on_points(margin: Margin, prior: Array) -> Array:
    """Weights of the points: the likelihood there times what the bins that hold them weigh."""
    reps, pairs, bins = prior.shape
    width = margin.edges[:, 1:2] - margin.edges[:, :1]
    at = np.floor((margin.effects - margin.edges[:, :1]) / width)
    holds = ((at[:, None] == np.arange(bins)[:, None]) / width[:, None]).astype(np.float32)
    weights = margin.likelihood * (prior.reshape(reps, -1) @ holds.reshape(pairs * bins, -1))
    return weights / weights.sum(axis=1, keepdims=True)


def quantiles(margin: Margin, weights: Array, at: Sequence[float]) -> Array:
    """Quantiles of each rep's effect: (reps, quantiles)."""
    up_to = np.cumsum(weights, axis=1) - weights / 2
    return np.array([np.interp(at, row, margin.effects) for row in up_to])
