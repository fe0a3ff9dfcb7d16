"""The arithmetic of the joint rep model: two log-likelihoods in, posterior weights on grids of effects out.

Each rep has an effect u on winning and v on churn, bivariate normal over the reps. For every cell of a grid over the five
hyper-parameters (means, spreads, rho), u and v are summed over nodes laid by the mean and spread of that cell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

Array = Any
Bounds = Sequence[tuple[float, float]]
REACH = 5.0  # a rep's effect is looked for within this many spreads of the mean
NODES = (31, 33)  # values of u and of v for ordinary data; more when the data are sharper than that,
MOST = (51, 51, 101)  # but in each of the three passes, which lay their cells closer and closer, at most so many
STEP = 1.2  # most a step between nodes may be, in standard deviations of what a rep's data say
JOINT, ONE_SIDE = (10, 5, 8, 5, 8), (1, 21, 40, 21, 40)  # cells: rho, then mean and spread of u, of v
LIMITS = ((-1.0, 1.0), (-np.inf, np.inf), (0.0, 2.0), (-np.inf, np.inf), (0.0, 2.0))


class Side(NamedTuple):
    """One margin: log-likelihood of each rep (rows) at given effects (columns), and each rep's Fisher information."""

    log_lik: Callable[[Array], Array]
    information: Array


class Fit(NamedTuple):
    """What the last pass leaves. A pair is one (mean, spread) cell of a margin."""

    edges: list[Array]  # of the cells of the five hyper-parameters
    weights: Array  # posterior of the cells: five axes
    effects: list[Array]  # u and v: (pairs, nodes)
    likelihoods: list[Array]  # (reps, pairs, nodes)
    priors: list[Array]  # one a rho: (u nodes, v nodes)
    marginal: Array  # (rho, reps, u pairs, v pairs)


class Posterior(NamedTuple):
    """Of each rep: weights on all the values of u and of v, and the chances of being above a line."""

    u: Array
    v: Array
    win_high: Array
    churn_high: Array
    both_high: Array


def fit_grid(
    sides: Sequence[Side], informed: Sequence[bool], *, mean_sd: float, spread_prior: Callable[[Array], Array]
) -> Fit:
    """Posterior of the hyper-parameters; a margin that the data say nothing of keeps a single cell."""
    both = all(informed)
    cells = JOINT if both else tuple(k if informed[i > 2] else 1 for i, k in enumerate(ONE_SIDE))
    start = 3 * mean_sd
    bounds: Bounds = [LIMITS[0], (-start, start), LIMITS[2], (-start, start), LIMITS[4]]
    for at_most in MOST:
        fit = _one_pass(sides, bounds, cells, mean_sd, spread_prior, at_most)
        if at_most < MOST[-1]:
            found = [along(fit.weights, axis) for axis in range(5)]
            bounds = [_closer(*of, 1e-3 if both else 1e-4) for of in zip(fit.edges, found, LIMITS, strict=True)]
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


def _one_pass(
    sides: Sequence[Side], bounds: Bounds, cells: Sequence[int],
    mean_sd: float, spread_prior: Callable[[Array], Array], at_most: int,
) -> Fit:
    """Posterior weight of every cell, and what each rep adds to it."""
    edges = [np.linspace(*bound, k + 1) for bound, k in zip(bounds, cells, strict=True)]
    rho, mean_u, spread_u, mean_v, spread_v = (centres(edge) for edge in edges)
    z_u, u, of_u = _margin(sides[0], mean_u, spread_u, largest=edges[2][-1], nodes=(NODES[0], at_most))
    z_v, v, of_v = _margin(sides[1], mean_v, spread_v, largest=edges[4][-1], nodes=(NODES[1], at_most))
    priors = [_bivariate(z_u, z_v, r) for r in rho]
    turned = np.ascontiguousarray(of_v.swapaxes(1, 2))
    marginal = np.stack([(of_u @ prior) @ turned for prior in priors])
    with np.errstate(divide="ignore"):
        log_posterior = np.log(marginal).sum(axis=1).reshape(cells)
    of_means = [-0.5 * (mean / mean_sd) ** 2 for mean in (mean_u, mean_v)]
    of_spreads = [spread_prior(spread) for spread in (spread_u, spread_v)]
    for axis in np.ix_(np.log1p(-(rho**2)), of_means[0], of_spreads[0], of_means[1], of_spreads[1]):
        log_posterior = log_posterior + axis
    weights = np.exp(log_posterior - log_posterior.max())
    return Fit(edges, weights / weights.sum(), [u, v], [of_u, of_v], priors, marginal)


def _margin(side: Side, mean: Array, spread: Array, *, largest: float, nodes: tuple[int, int]) -> tuple[Array, Array, Array]:
    """Standard nodes, the effects they stand for in every (mean, spread) pair, and each rep's likelihood there.

    Where data are sharper than the closest grid can show they count for less, down to what it can show.
    """
    sharpest = np.sqrt(side.information.max() + 1 / largest**2)
    n = int(np.clip(np.ceil(2 * REACH * largest * sharpest / STEP), *nodes))
    z = np.linspace(-REACH, REACH, n)
    effects = (mean[:, None, None] + spread[:, None] * z).reshape(-1, n)
    most = (STEP * (n - 1) / (2 * REACH * largest)) ** 2 - 1 / largest**2
    counts_as = np.minimum(1.0, most / np.maximum(side.information, 1e-9))
    log_lik = (side.log_lik(effects.ravel()) * counts_as[:, None]).reshape(-1, *effects.shape)
    return z, effects, np.exp(log_lik - log_lik.max(axis=(1, 2), keepdims=True))


def _bivariate(z_u: Array, z_v: Array, rho: float) -> Array:
    """Standard bivariate normal on the nodes, summing to 1."""
    u, v = z_u[:, None], z_v[None, :]
    density = np.exp(-(u**2 - 2 * rho * u * v + v**2) / (2 * (1 - rho**2)))
    return density / density.sum()


def posterior(fit: Fit, *, cut_u: float, cut_v: float) -> Posterior:
    """Each rep's posterior over the values of u and v, all hyper-parameter cells together."""
    (u, v), (of_u, of_v) = fit.effects, fit.likelihoods
    rhos, _, *pairs = fit.marginal.shape
    cells = fit.weights.reshape(rhos, 1, *pairs)
    shares = np.divide(cells, fit.marginal, out=np.zeros_like(fit.marginal), where=fit.marginal > 0)
    above_u, above_v = _above(u, np.array([cut_u]))[..., 0], _above(v, np.array([cut_v]))[..., 0]
    seen_from_v = sum(s @ (of_v @ p.T) for s, p in zip(shares, fit.priors, strict=True))
    v_is_high = sum(s @ ((of_v * above_v) @ p.T) for s, p in zip(shares, fit.priors, strict=True))
    seen_from_u = sum(s.swapaxes(1, 2) @ (of_u @ p) for s, p in zip(shares, fit.priors, strict=True))
    weights_u, weights_both, weights_v = of_u * seen_from_v, of_u * v_is_high, of_v * seen_from_u
    high = [(w * a).sum(axis=(1, 2)) for w, a in
            ((weights_u, above_u), (weights_v, above_v), (weights_both, above_u))]
    reps = len(of_u)
    return Posterior(weights_u.reshape(reps, -1), weights_v.reshape(reps, -1), *high)


def quantiles(effects: Array, weights: Array, at: Sequence[float]) -> Array:
    """Quantiles of each rep's effect, every weight spread over the step around its node: (reps, quantiles)."""
    cuts = np.linspace(effects.min(), effects.max(), 401)
    up_to = 1 - weights @ _above(effects, cuts).reshape(-1, len(cuts)) / weights.sum(axis=1, keepdims=True)
    return np.array([np.interp(at, row, cuts) for row in up_to])


def _above(effects: Array, cuts: Array) -> Array:
    """How much of the step around each node lies above each cut, 0 to 1: (pairs, nodes, cuts)."""
    step = (effects[:, 1:2] - effects[:, :1])[..., None]
    return np.clip((effects[..., None] - cuts) / step + 0.5, 0, 1)
