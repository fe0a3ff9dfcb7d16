"""Latent lives: who sells, which deals are won, who becomes a customer and on which day each one leaves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from . import world
from .draws import Floats, Ints, choose, exponential, gamma, lognormal, stream, uniform

MONTH = 365.25 / 12


def table(values: Sequence[float] | Sequence[tuple[float, float]], rows: npt.ArrayLike) -> Floats:
    """The magnitude of each row: `values` looked up by code."""
    return np.asarray(values, dtype=float)[np.asarray(rows)]


def reps() -> pd.DataFrame:
    """The sales reps with what they are in truth: archetype, odds ratio of winning, hazard ratio of leaving.

    >>> reps().groupby("archetype", sort=False).size().to_dict()["closer_high_churn"]
    3
    """
    rows = [
        {"archetype": kind, "win_or": odds, "churn_hr": hr, "pace": pace, "first": first, "last": last,
         "desk": world.DESKS[i % len(world.DESKS)] if kind == "steady" else "mixed"}
        for kind, (n, odds, hr, pace, first, last) in world.ARCHETYPES.items() for i in range(n)
    ]  # fmt: skip
    found = pd.DataFrame(rows)
    # names are dealt so that the alphabet says nothing about the archetype
    found.insert(0, "rep", np.array(world.NAMES)[(np.arange(len(found)) * 11 + 4) % len(found)])
    return found


def pipeline(seed: int, scale: float) -> pd.DataFrame:
    """All deals of the 60 months, one row each: account, rep, case mix, opened, closed, won, logged, monthly."""
    people, rng = reps(), stream(seed, "deals")
    months = (people["last"] - people["first"]) * world.MONTHS
    n = np.rint(people["pace"] * months * scale / (1 + world.AGAIN * 0.75)).astype(int)
    rep = np.repeat(np.arange(len(people)), n)
    span = (people["last"] - people["first"]).to_numpy()[rep]
    opened = (people["first"].to_numpy()[rep] + span * uniform(rng, len(rep))) * (world.END + 1)
    first = pd.DataFrame({"rep": rep, "opened": opened.astype(int)})
    first["segment"] = 1
    for desk, shares in world.FIRM_SHARE.items():
        here = (people["desk"].to_numpy() == desk)[rep]
        first.loc[here, "segment"] = 1 + choose(rng, int(here.sum()), shares)
    first["source"] = choose(rng, len(rep), world.SOURCE_SHARE)
    first["region"] = choose(rng, len(rep), [1.0] * len(world.REGIONS))
    first["account"] = np.arange(len(rep))
    first = _decide(first, people, seed, "first deals")
    again = _decide(_again(first, people, seed), people, seed, "second deals")
    deals = pd.concat([first, again], ignore_index=True).sort_values(["opened", "account"], kind="stable")
    return deals.reset_index(drop=True)


def live(seed: int, scale: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """All deals and all people of the 60 months; nobody sells anything more to an account that has left."""
    deals = pipeline(seed, scale)
    people = customers(seed, scale, deals)
    left = people[people["rep"] >= 0].set_index("account")["left"]
    return deals[~(deals["opened"] >= deals["account"].map(left))], people


def _again(deals: pd.DataFrame, people: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The second deals: some accounts are approached again, by the same rep, after the first was closed."""
    rng = stream(seed, "again")
    back = (uniform(rng, len(deals)) < world.AGAIN) & deals["logged"]
    opened = deals["closed"] + 14 + np.floor(world.AGAIN_DAYS * exponential(rng, len(deals))).astype(int)
    gone = np.rint(people["last"].to_numpy()[deals["rep"]] * (world.END + 1))
    kept = back & (opened < gone)
    return deals.loc[kept, ["rep", "segment", "source", "region", "account"]].assign(opened=opened[kept])


def _decide(deals: pd.DataFrame, people: pd.DataFrame, seed: int, concern: str) -> pd.DataFrame:
    """Whether each deal is won, how long that takes, whether a loss is ever logged, and what it pays a month."""
    rng, n = stream(seed, concern), len(deals)
    base = table(world.WIN, deals["segment"])
    skill = people["win_or"].to_numpy()[deals["rep"]]
    odds = base / (1 - base) * table(world.SOURCE_ODDS, deals["source"]) * skill
    won = uniform(rng, n) < odds / (1 + odds)
    typical = table(world.CYCLE, deals["segment"]) * np.where(won, 1.0, world.LOSS_TIMES)
    cycle = lognormal(rng, typical, world.CYCLE_SD)
    logged = won | (uniform(rng, n) >= world.UNLOGGED)
    monthly = lognormal(rng, table(world.MONTHLY, deals["segment"]), world.MONTHLY_SD)
    closed = deals["opened"] + np.ceil(cycle).astype(int)
    return deals.assign(won=won, logged=logged, closed=closed, monthly=np.round(monthly, 2))


def customers(seed: int, scale: float, deals: pd.DataFrame) -> pd.DataFrame:
    """Everybody who ever signed up, in that order, one row each, with latent habit and the day of leaving.

    `start` is the day the relation begins (consumers: first order; firms: contract), `left` the first day
    without, `left_untreated` that day had there been no onboarding programme.
    """
    both = pd.concat([_consumers(seed, scale), _firms(seed, deals)], ignore_index=True)
    both = both.sort_values(["signed_up", "start"], kind="stable").reset_index(drop=True)
    rng, n = stream(seed, "habits"), len(both)
    both["habit"] = gamma(rng, n, world.HABIT_VAR)
    both["buys"] = uniform(rng, n) >= world.NO_ORDER
    wait = np.floor(world.FIRST_ORDER_DAYS * exponential(rng, n)).astype(int)
    both["first_order"] = both["start"] + np.where(both["segment"] > 0, wait, 0)
    return both.assign(**_leaving(seed, both))


def _consumers(seed: int, scale: float) -> pd.DataFrame:
    """Consumers arrive at an exponentially growing pace."""
    rng, k, months = stream(seed, "consumers"), np.log1p(world.GROWTH) / 12, (world.END + 1) / MONTH
    n = int(np.rint(scale * world.B2C_PER_MONTH * np.expm1(k * months) / k))
    start = np.floor(np.log1p(uniform(rng, n) * np.expm1(k * months)) / k * MONTH).astype(int)
    ahead = np.ceil(world.SIGN_UP_DAYS * uniform(rng, n)).astype(int)
    early = uniform(rng, n) < world.SIGN_UP_AHEAD
    return pd.DataFrame({
        "segment": 0, "source": choose(rng, n, world.SOURCE_SHARE), "region": choose(rng, n, [1.0] * 4),
        "start": start, "signed_up": np.maximum(start - np.where(early, ahead, 0), 0),
        "rep": -1, "account": -1, "deal": -1, "monthly": 0.0,
    })  # fmt: skip


def _firms(seed: int, deals: pd.DataFrame) -> pd.DataFrame:
    """Accounts become customers with their first won deal; the contract starts some days later."""
    won = deals[deals["won"]].sort_values("closed", kind="stable").drop_duplicates("account")
    wait = 1 + np.floor(4 * exponential(stream(seed, "contract start"), len(won))).astype(int)
    firms = won[["segment", "source", "region", "rep", "account", "monthly"]]
    return firms.assign(start=won["closed"] + wait, signed_up=won["closed"], deal=won.index)


def _leaving(seed: int, people: pd.DataFrame) -> dict[str, Ints]:
    """The day each one leaves, with and without programme: piecewise constant hazard with frailty, inverted."""
    rng, n = stream(seed, "leaving"), len(people)
    need = exponential(rng, n) / gamma(rng, n, world.FRAILTY_VAR)
    hr = reps()["churn_hr"].to_numpy()
    later = (
        table(world.HAZARD, people["segment"]) * table(world.SOURCE_HR, people["source"])
        * np.where(people["rep"] >= 0, hr[people["rep"]], 1.0)
        * world.TREND ** np.maximum(people["start"] / MONTH, 0)
    )  # fmt: skip

    def day(early: Floats) -> Ints:
        past = need - early * world.EARLY_DAYS
        age = np.where(past <= 0, need / early, world.EARLY_DAYS + np.maximum(past, 0) / later)
        return (people["start"].to_numpy() + np.ceil(age)).astype(np.int64)

    early, treated = np.asarray(later * world.EARLY_TIMES), treatment(people)
    return {"left": day(np.where(treated, early * world.PROGRAMME_HR, early)), "left_untreated": day(early)}


def programme_day(region: str) -> int:
    """The first day of the onboarding programme in a region, counted from the company's first."""
    first = np.datetime64(world.EXPORT_START, "M") + np.timedelta64(world.PROGRAMME_MONTH[region], "M")
    return int((first.astype("datetime64[D]") - np.datetime64(world.FIRST_DAY)).astype(int))


def treatment(people: pd.DataFrame) -> np.ndarray:
    """Which customers joined while the onboarding programme ran in their region."""
    never = np.iinfo(np.int64).max
    began = np.array([programme_day(r) if r in world.PROGRAMME_MONTH else never for r in world.REGIONS])
    return np.asarray(people["start"].to_numpy() >= began[people["region"]])
