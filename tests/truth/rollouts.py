"""How often the analysis of a roll-out sees an effect where there is none, and where there is one.

Teams of 40 customers a month, a true share of 30 %, and drift: from one half of the time to the next each team moves by
itself, by 3.8 points (a standard deviation). That is the trouble with teams: their customers are not independent.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from retainkit.estimate.rollout import Grid, average_effect

DRIFT, EFFECT, CUSTOMERS = 0.038, 0.06, 40
WAVES = (6, 6, 6, 12, 12, 12, 18, 18, 18, 24, 24, 24)  # three teams at a time; the last three never


def made(rate: object, begins: object, n: float = 100.0) -> Grid:
    """A grid of given rates, as many customers everywhere."""
    table = np.asarray(rate, dtype=float)
    return Grid([f"u{i}" for i in range(len(table))], list(range(table.shape[1])), table, np.full(table.shape, n), np.asarray(begins), np.asarray(begins, dtype=float), [])


def teams(rng: np.random.Generator, *, number: int = 12, months: int = 12, effect: float = 0.0, drift: float = DRIFT, begins: object = None) -> Grid:
    """Teams that drift, half of which get the change at half-time unless `begins` says otherwise."""
    starts = np.array([months // 2] * (number // 2) + [months] * (number - number // 2)) if begins is None else np.asarray(begins)
    level = 0.3 + rng.normal(0, drift, (number, 1)) * (np.arange(months) >= months // 2)
    true = np.clip(level + effect * (np.arange(months) >= starts[:, None]), 0.01, 0.99)
    return made(rng.binomial(CUSTOMERS, true) / CUSTOMERS, starts, n=float(CUSTOMERS))


def growing(rng: np.random.Generator) -> tuple[Grid, float]:
    """Teams that begin in waves, with an effect of a point more each month; and its true average."""
    since = np.arange(24) - np.array(WAVES)[:, None]
    effect = np.where(since >= 0, 0.01 * (since + 1), 0.0)
    return made(rng.binomial(CUSTOMERS, 0.3 + effect) / CUSTOMERS, WAVES, n=float(CUSTOMERS)), float(effect[since >= 0].mean())


def two_way(data: Grid) -> float:
    """The regression nobody should run: unit and month effects, one coefficient."""
    units, months = data.rate.shape
    treated = (np.arange(months) >= data.begins[:, None]).astype(float).ravel()
    dummies = [np.repeat(np.eye(units), months, axis=0), np.tile(np.eye(months), (units, 1))[:, 1:], treated[:, None]]
    return float(np.linalg.lstsq(np.hstack(dummies), data.rate.ravel(), rcond=None)[0][-1])


def read(data: Grid) -> dict[str, bool]:
    """Which ways of looking at one roll-out call it an effect."""
    found, half = average_effect(data, base=6), int(data.begins.min())
    mine = data.rate[data.begins == half]
    before, after = mine[:, :half], mine[:, half:]
    p = (before.mean() + after.mean()) / 2
    alone = abs(after.mean() - before.mean()) / np.sqrt(p * (1 - p) / CUSTOMERS * (1 / before.size + 1 / after.size))
    return {"before and after, of the teams that have it": bool(alone > 1.96),
            "against the others, customers counted": bool(abs(found["rate"]) / found["se_sampling"] > 1.96),
            "against the others, teams counted (t): what the kit says": bool(found["p"] < 0.05),
            "against the others, starts dealt out anew": bool(found["p_shuffled"] <= 0.05)}


def report(number: int, *, seed: int = 11) -> str:
    """The table, from so many simulated roll-outs of each kind."""
    rng = np.random.default_rng(seed)
    nothing, something = (pd.DataFrame([read(teams(rng, effect=effect)) for _ in range(number)]).mean() for effect in (0.0, EFFECT))
    waves = [average_effect(teams(rng, months=24, begins=WAVES), base=6)["p"] <= 0.05 for _ in range(number)]
    grown = [(average_effect(data, base=6)["rate"], two_way(data), true) for data, true in (growing(rng) for _ in range(number // 5))]
    ours, theirs, true = np.mean(grown, axis=0)
    lines = ["| how it is looked at | says there is an effect, where there is none | where there are 6 points |", "|---|---|---|"]
    lines += [f"| {way} | {nothing[way]:.1%} | {something[way]:.0%} |" for way in nothing.index]
    lines.append(f"| begun in waves, starts dealt out anew: what the kit says | {np.mean(waves):.1%} | |")
    return "\n".join([f"`python -m tests.truth --only rollouts --shops {number}`, seed {seed}: 12 teams, 40 customers a month each, drift of {DRIFT:.1%}.", "", *lines, "",
                      f"With an effect that grows by a point a month and averages {true:.1%}, teams begun in waves: the kit finds {ours:.1%} on average, "
                      f"the regression with unit and month effects {theirs:.1%}."])
