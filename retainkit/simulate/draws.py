"""Random numbers that do not hang on library versions: uniforms from PCG64, everything else by inversion."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import gammaincinv, ndtri

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def stream(seed: int, concern: str) -> np.random.Generator:
    """The random stream of one concern; another concern, or a new one, never shifts it.

    >>> float(stream(7, "orders").random()) == float(stream(7, "orders").random())
    True
    """
    child = np.random.SeedSequence(seed, spawn_key=tuple(concern.encode()))
    return np.random.Generator(np.random.PCG64(child))


def uniform(rng: np.random.Generator, n: int) -> Floats:
    """`n` uniforms that are never exactly 0, so that each can be inverted."""
    return np.asarray(rng.random(n)) + 2.0**-54


def exponential(rng: np.random.Generator, n: int) -> Floats:
    """`n` exponential draws with mean 1."""
    return np.asarray(-np.log(uniform(rng, n)))


def gamma(rng: np.random.Generator, n: int, variance: float) -> Floats:
    """`n` gamma draws with mean 1 and this variance."""
    return np.asarray(gammaincinv(1 / variance, uniform(rng, n)) * variance)


def lognormal(rng: np.random.Generator, median: Floats, sd: Floats | float) -> Floats:
    """One lognormal draw for each median."""
    return np.asarray(median * np.exp(sd * ndtri(uniform(rng, len(median)))))


def choose(rng: np.random.Generator, n: int, shares: Sequence[float]) -> Ints:
    """`n` positions in `shares`, each as likely as its share.

    >>> np.bincount(choose(stream(1, "x"), 1000, [0.9, 0.1])).tolist()
    [892, 108]
    """
    edges = np.cumsum(shares) / np.sum(shares)
    return np.minimum(np.searchsorted(edges, rng.random(n), side="right"), len(shares) - 1)


def arrivals(
    rng: np.random.Generator, *, early: Floats, late: Floats, turn: int, days: Ints
) -> tuple[Ints, Ints]:
    """Poisson events at rate `early` to day `turn`, then `late`, over each one's `days`: (who, age in days).

    >>> who, age = arrivals(stream(1, "x"), early=np.ones(1), late=np.zeros(1), turn=9, days=np.array([50]))
    >>> int(age.min()) >= 1, int(age.max()) <= 9
    (True, True)
    """
    first = early * np.minimum(days, turn)
    total = first + late * np.maximum(days - turn, 0)
    who, at = np.flatnonzero(total > 0), np.zeros(len(total))
    found, ages = [], []
    while len(who):
        at[who] += exponential(rng, len(who))
        who = who[at[who] < total[who]]
        past = at[who] - first[who]
        with np.errstate(divide="ignore", invalid="ignore"):
            age = np.where(past < 0, at[who] / early[who], turn + past / late[who])
        found.append(who)
        ages.append(np.ceil(age).astype(np.int64))
    everyone = np.concatenate([np.empty(0, np.int64), *found])
    return everyone, np.minimum(np.concatenate([np.empty(0, np.int64), *ages]), days[everyone])
