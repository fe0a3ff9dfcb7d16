"""Starts dealt out anew among the units: what an effect looks like when only chance decided who began when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import combinations
from math import factorial, prod

import numpy as np

from retainkit.estimate.intervals import Array

SHUFFLES = 10_000  # so many orders of the units are gone through one by one; of more, a seeded sample is taken
DRAWN = 1_999


def shuffled(rate: Array, begins: Array, w: Array, *, level: float = 0.95, seed: int = 1) -> tuple[float, float, float]:
    """`low, high, p` of the effect of weights `w`, from dealing the starts out among the units anew.

    In every order, or in a seeded sample of orders where there are more than 10,000. The interval is every constant effect
    that the orders do not reject; without bounds where there are too few orders to reject anything.

    Parameters
    ----------
    rate, w
        Rates and weights, units by months.
    begins
        The column each unit begins in.
    level
        Confidence level.
    seed
        Of the sample of orders.

    Notes
    -----
    Each order rejects the effects outside two roots, so the limits are order statistics of the roots: nothing is searched for.

    Examples
    --------
    Two with it and two without, in six orders: no one of them can be rejected at 5 %.

    >>> shuffled(np.array([[0.2, 0.4], [0.2, 0.4], [0.2, 0.2], [0.2, 0.2]]), np.array([1, 1, 2, 2]), np.array([[-0.5, 0.5]] * 2 + [[0.5, -0.5]] * 2))
    (-inf, inf, 0.3333333333333333)
    """
    if not w.any():
        return (float("nan"),) * 3
    treated = (np.arange(rate.shape[1]) >= begins[:, None]).astype(float)
    orders = _orders(tuple(int(b) for b in begins), seed)
    seen = float((w * rate).sum())
    a = np.einsum("pum,um->p", w[orders], rate)
    d = np.einsum("pum,um->p", w[orders], treated)
    p = float((np.abs(a) >= abs(seen) - 1e-12).mean())
    up, down = (np.where(np.abs(x) < 1e-12, 0.0, x) for x in (1 - d, 1 + d))  # an order rejects the effects outside two roots
    with np.errstate(divide="ignore", invalid="ignore"):
        roots = np.stack([np.where(np.abs(seen - a) < 1e-12, 0.0, seen - a) / up, np.where(np.abs(seen + a) < 1e-12, 0.0, seen + a) / down])
    lows = np.where(np.isnan(roots).any(axis=0), -np.inf, np.min(roots, axis=0))
    highs = np.where(np.isnan(roots).any(axis=0), np.inf, np.max(roots, axis=0))
    rank = int((1 - level) * len(orders) + 1e-9)
    return float(np.sort(lows)[rank]), float(np.sort(highs)[::-1][rank]), p


@lru_cache(maxsize=8)
def _orders(begins: tuple[int, ...], seed: int) -> Array:
    """Units in orders that deal the starts out differently; all of them, or the true one and a seeded sample."""
    kinds = [[i for i, b in enumerate(begins) if b == start] for start in sorted(set(begins))]
    if factorial(len(begins)) // prod(factorial(len(k)) for k in kinds) <= SHUFFLES:
        return np.array([[unit for _, unit in sorted(dealt)] for dealt in _dealt(range(len(begins)), kinds)])
    rng = np.random.default_rng(seed)
    return np.array([np.arange(len(begins)), *(rng.permutation(len(begins)) for _ in range(DRAWN))])


def _dealt(places: Sequence[int], kinds: list[list[int]]) -> Iterator[list[tuple[int, int]]]:
    """Every different way to deal the places out to the units of each kind: pairs of a place and the unit whose start it is dealt."""
    if not kinds:
        yield []
        return
    for mine in combinations(places, len(kinds[0])):
        for rest in _dealt([p for p in places if p not in mine], kinds[1:]):
            yield [*zip(mine, kinds[0], strict=True), *rest]
