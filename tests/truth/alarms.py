"""How often the scorecard calls a month news when nothing has changed: every judged number, in shops in a steady state.

The worlds are those of the coverage table, with as many newcomers at the end as at the start. Each month that came of age is
judged by those before it, as the scorecard of that month would have done.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any

import numpy as np
import pandas as pd

from retainkit.estimate.control import control_limits, value_limits
from retainkit.estimate.promoters import promoter_change
from retainkit.metrics.changes import BASELINE
from retainkit.metrics.line import Headline
from retainkit.metrics.scorecard import MAKERS, SURE, lines

from . import buyers, sellers, subscribers
from .coverage import SEED, _error
from .shops import Clock, Frames, small_shops

NOMINAL, ENOUGH = 0.002, 0.005  # outside of .001 and .999; the most that limits from twelve months on may say (they are estimates, too)
BATCH = 10  # shops
SIZES = (1, 8)  # times as many customers: months of few can hardly lie outside
STEADY = 1.0001  # newcomers at the end for one at the start: as good as none more
WORLDS = ("buyers", "orders", "subscribers", "sellers")
CUSTOMERS = 330  # asked in a survey


def months_judged(months: pd.DataFrame, of: str = "average") -> Iterator[bool]:
    """Each month of a series that can be judged by those before it, as `judged_months` does: whether it is called news."""
    for at in range(12, len(months)):
        before, month = months.iloc[max(at - BASELINE, 0):at], months.iloc[at]
        limits = control_limits(before, sizes=[month["n"]]).iloc[0] if "hits" in months else value_limits(before["value"], of=of)
        value = month["hits"] / month["n"] if "hits" in months and month["n"] else month.get("value", np.nan)
        if not limits["note"] and value == value:
            yield not limits["low"] <= value <= limits["high"]


def _named(line: Headline) -> str:
    """A number in a few words, the same in every shop."""
    days = f" within {line.horizon} days" if line.metric == "second_purchase.share" else ""
    return next(m.metrics[line.metric] for m in MAKERS if line.metric in m.metrics) + days


def batch(world: str, number: int, shops: int, times: int) -> pd.DataFrame:
    """Every verdict of one batch of shops: `world, times, shop, name, news`."""
    frames, clock = _frames(world, SEED + 500 * times + number, shops, times)
    rows: list[tuple[Any, ...]] = []
    for shop in small_shops(frames, clock):
        for line in lines(shop):
            if line.months is not None and (world != "orders" or "lapse" in line.label):
                rows += [(number * BATCH + shop.number, _named(line), said) for said in months_judged(line.months(shop), line.of)]
    return pd.DataFrame(rows, columns=["shop", "name", "news"]).assign(world=world, times=times)


@contextmanager
def _steady(times: int) -> Iterator[None]:
    """The worlds with so many times the customers, and as many newcomers at the end as at the start."""
    sizes = {(buyers, "TIMES"): STEADY, (buyers, "NEW"): times * buyers.NEW, (subscribers, "STARTS"): times * subscribers.STARTS, (sellers, "DEALS"): times * sellers.DEALS}
    before = {key: getattr(*key) for key in sizes}
    try:
        for (world, name), size in sizes.items():
            setattr(world, name, size)
        yield
    finally:
        for (world, name), size in before.items():
            setattr(world, name, size)


def _frames(world: str, seed: int, shops: int, times: int) -> tuple[Frames, Clock]:
    """The tables of so many shops in which nothing changes."""
    here: Any = {"orders": buyers, "buyers": buyers, "subscribers": subscribers, "sellers": sellers}[world]
    with _steady(times):
        frames = here.export(here.live(seed, shops))
    if world == "orders":
        del frames["contracts"]
    if world == "subscribers":
        frames["activity"] = _use(frames["contracts"], np.random.default_rng(seed))
    return frames, here.CLOCK


def _use(book: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """A day of use in the last week of every month for whoever used the product in it: half of the customers seldom do."""
    people = book.groupby(["shop", "customer", "customer_id"], as_index=False).agg(first=("started_at", "min"), last=("ended_at", lambda s: s.max() if s.notna().all() else pd.NaT))
    chance = 1 - (1 - np.where(people["customer"] % 2 == 0, *subscribers.USES)) ** 7
    weeks = [pd.Timestamp(day) - pd.Timedelta(days=3) for day in pd.date_range(subscribers.CLOCK.first, subscribers.CLOCK.last, freq="ME")]
    rows = [people[(people["first"] < day) & ~(people["last"] <= day) & (rng.random(len(people)) < chance)].assign(active_on=day) for day in weeks]
    return pd.concat(rows)[["shop", "customer", "customer_id", "active_on"]]


def surveys(kind: str, number: int) -> pd.DataFrame:
    """The same for scores, held against that of the survey before: a shop a pair of surveys between which nothing changed."""
    rng, staff = np.random.default_rng(SEED), kind == "employee"
    people, answers = (sum(subscribers.STAFF), subscribers.STAFF_ANSWERS) if staff else (CUSTOMERS, subscribers.ANSWERS)
    team, rows = np.repeat([1, 0, -1], subscribers.STAFF), []
    for at in range(number):
        first, other = ((team, team) if staff else (np.digitize(rng.random(people), [1 - s for s in subscribers.LIKES[::-1]]) - 1 for _ in range(2)))
        said = [first, first if staff else np.where(rng.random(people) < subscribers.SAME, first, other)]
        here = [rng.random(people) < answers for _ in said]
        waves = [pd.Series({"promoters": (s[h] > 0).sum(), "detractors": (s[h] < 0).sum(), "n": h.sum(), "invited": float(people)}) for s, h in zip(said, here, strict=True)]
        both = here[0] & here[1] & (not staff)  # what employees answer has no name on it
        _, low, high = promoter_change(*waves, pd.DataFrame({"earlier": said[0][both], "later": said[1][both], "n": 1}), whole=staff, level=SURE)
        rows.append((at, {"employee": "eNPS", "customer": "NPS"}[kind], not low <= 0 <= high))
    return pd.DataFrame(rows, columns=["shop", "name", "news"]).assign(world="surveys", times=1)


def counted(shops: int, jobs: int) -> pd.DataFrame:
    """Every verdict of so many shops of every world and size."""
    sizes = [min(BATCH, shops - begun) for begun in range(0, shops, BATCH)]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        parts = [pool.submit(batch, world, number, size, times) for times in SIZES for world in WORLDS for number, size in enumerate(sizes)]
        parts += [pool.submit(surveys, kind, 100 * shops) for kind in ("customer", "employee")]
        return pd.concat([part.result() for part in parts], ignore_index=True)


def report(found: pd.DataFrame, shops: int) -> str:
    """The table as Markdown: a row a number, a column a size of shop."""
    rows = [f"| {name} | {world} | " + " | ".join(_cell(of[of["times"] == times]) for times in SIZES) + " |"
            for (world, name), of in found.groupby(["world", "name"], sort=False)]
    kinds = found["times"].map({1: "Shops as above", SIZES[1]: f"{SIZES[1]} times as large"}).where(found["world"] != "surveys", "Surveys")
    every = " ".join(f"{kind}: {of['news'].sum():,} of {len(of):,} ({of['news'].mean():.2%})." for kind, of in found.groupby(kinds, sort=False))
    return "\n".join([f"`python -m tests.truth --only alarms --shops {shops} --write`, seed {SEED}. News though nothing changed, of the months judged:", "",
                      f"| number | world | shops as above | {SIZES[1]} times as large |", "|---|---|---|---|", *rows, "", f"All together. {every} The limits are drawn for {NOMINAL:.1%}."])


def _cell(of: pd.DataFrame) -> str:
    """The share of months called news, with 1.96 standard errors (months of a shop share their past); bold where it is surely too often."""
    if of.empty:
        return ""
    share, error = of["news"].mean(), _error(of["news"].to_numpy(dtype=float), of["shop"])
    text = f"{share:.2%} ± {1.96 * error:.2%} of {len(of):,}" if of["news"].any() else f"none of {len(of):,}"
    return f"**{text}**" if share - 1.96 * error > ENOUGH else text
