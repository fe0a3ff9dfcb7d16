"""Latent service: contracts and their invoices, days of use, surveys and spending."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri

from . import world
from .draws import arrivals, choose, exponential, gamma, stream, uniform

FIRST = np.datetime64(world.FIRST_DAY)
CANCELLED, UNPAID, SWITCHED = "cancelled", "non_payment", "product_switch"


def dates(days: npt.ArrayLike, unit: str = "D") -> np.ndarray:
    """The dates (or seconds, with `unit` "s") so long after the start of the company's first day.

    >>> str(dates(world.START))
    '2023-11-01'
    """
    passed = np.asarray(days, dtype=np.int64).astype(f"timedelta64[{unit}]")
    return np.asarray(FIRST.astype(f"datetime64[{unit}]") + passed)


def day_of_month(months_after_start: int, day: int = 1) -> int:
    """The day, counted from the company's first, of a date in a month counted from the export's first.

    >>> day_of_month(0) == world.START
    True
    """
    month = np.datetime64(world.EXPORT_START, "M") + np.timedelta64(months_after_start, "M")
    return int((month.astype("datetime64[D]") - FIRST).astype(int)) + day - 1


def contracts(seed: int, people: pd.DataFrame) -> pd.DataFrame:
    """One row per contract: customer (row of `people`), start, end (first day without it), reason, asked, ...

    Some customers change plan: their first contract ends where the second starts, and they have not left.
    """
    rng = stream(seed, "contracts")
    firms = people[people["rep"] >= 0]
    n, (low, high) = len(firms), world.SWITCH_AGE
    switch = firms["start"] + low + np.floor((high - low) * uniform(rng, n)).astype(int)
    switches = (uniform(rng, n) < world.SWITCH) & (switch < firms["left"])
    unpaid = uniform(rng, n) < world.NON_PAYMENT
    notice = np.ceil(world.NOTICE_DAYS * exponential(rng, n)).astype(int)
    times = np.array(world.SWITCH_VALUE)[choose(rng, n, [1.0] * len(world.SWITCH_VALUE))]
    whole = pd.DataFrame({
        "customer": firms.index, "start": firms["start"], "end": firms["left"], "monthly": firms["monthly"],
        "reason": np.where(unpaid, UNPAID, CANCELLED), "asked": firms["left"] - notice, "deal": firms["deal"],
    })  # fmt: skip
    before = whole[switches].assign(end=switch[switches], reason=SWITCHED, asked=switch[switches] - 1)
    after = whole.assign(
        start=np.where(switches, switch, whole["start"]),
        monthly=np.where(switches, np.round(whole["monthly"] * times, 2), whole["monthly"]),
    )
    both = pd.concat([before, after]).sort_values(["customer", "start"], kind="stable").reset_index(drop=True)
    both["asked"] = np.where(both["reason"] == UNPAID, -1, np.maximum(both["asked"], both["start"]))
    return both


def invoices(held: pd.DataFrame) -> pd.DataFrame:
    """One row per monthly invoice: contract (row of `held`), day; the first on the contract's first day."""
    start = dates(held["start"])
    month = start.astype("datetime64[M]")
    stop = np.minimum(held["end"].to_numpy(), world.END + 1)
    n = np.maximum((dates(stop).astype("datetime64[M]") - month).astype(int) + 1, 0)
    contract = np.repeat(np.arange(len(held)), n)
    nth = np.arange(len(contract)) - np.repeat(np.cumsum(n) - n, n)
    # the 29th to 31st of a month are invoiced on the 28th in later months
    place = np.minimum((start - month.astype("datetime64[D]")).astype(int)[contract], 27)
    due = ((month[contract] + nth.astype("timedelta64[M]")).astype("datetime64[D]") - FIRST).astype(int) + place
    due = np.where(nth == 0, held["start"].to_numpy()[contract], due)
    return pd.DataFrame({"contract": contract, "day": due})[due < stop[contract]].reset_index(drop=True)


def use(seed: int, people: pd.DataFrame) -> pd.DataFrame:
    """The days firms use the product: most in the first month, fading before they leave; some go quiet early."""
    rng, firms = stream(seed, "use"), people[people["rep"] >= 0]
    keen, quiet = gamma(rng, len(firms), world.USE_VAR), uniform(rng, len(firms)) < world.QUIET
    hush = 30 + 30 * uniform(rng, len(firms))
    days = np.maximum(np.minimum(firms["left"].to_numpy(), world.END + 1) - firms["start"].to_numpy() - 1, 0)
    who, age = arrivals(rng, early=world.USE[0] * keen, late=world.USE[1] * keen, turn=30, days=days)
    to_go = (firms["left"] - firms["start"]).to_numpy()[who] - age
    fade = np.minimum(to_go / world.FADE_DAYS, 1) * np.where(quiet[who] & (age > hush[who]), world.QUIET_USE, 1)
    kept = uniform(rng, len(who)) < fade
    used = firms["start"].to_numpy()[who] + age
    found = pd.DataFrame({"customer": firms.index.to_numpy()[who], "day": used})[kept]
    return found.drop_duplicates().sort_values(["day", "customer"], kind="stable").reset_index(drop=True)


def survey(seed: int, people: pd.DataFrame) -> pd.DataFrame:
    """The customers asked: wave (months after the export's start), customer, score, day answered (-1: never).

    Those about to leave score low and hardly answer, so the answers flatter the company.
    """
    waves = []
    for month in world.SURVEY_MONTHS:
        rng, day = stream(seed, f"survey {month}"), day_of_month(month, 10)
        drawn = uniform(rng, len(people)) < world.ASKED
        asked = people[drawn & (people["start"] <= day - 30) & (people["left"] > day)]
        mood = np.where(asked["left"] <= day + world.AT_RISK_DAYS, "at_risk", "settled")
        mean = np.where(mood == "settled", world.SCORE_MEAN["settled"], world.SCORE_MEAN["at_risk"])
        answers = np.where(mood == "settled", world.ANSWERS["settled"], world.ANSWERS["at_risk"])
        score = _score(rng, mean)
        answered = day + np.minimum(np.floor(3 * exponential(rng, len(asked))).astype(int), 20)
        yes = (uniform(rng, len(asked)) < answers) & (answered < asked["left"])
        waves.append(pd.DataFrame({"wave": month, "customer": asked.index, "score": score,
                                   "day": np.where(yes, answered, -1)}))  # fmt: skip
    return pd.concat(waves, ignore_index=True)


def staff(seed: int) -> pd.DataFrame:
    """The employees asked in each wave, as in `survey`; nobody is named."""
    waves = []
    for month in world.SURVEY_MONTHS:
        rng, day = stream(seed, f"staff {month}"), day_of_month(month, 10)
        score = _score(rng, np.full(world.STAFF, world.STAFF_MEAN))
        answered = day + np.minimum(np.floor(3 * exponential(rng, world.STAFF)).astype(int), 20)
        yes = uniform(rng, world.STAFF) < world.STAFF_ANSWERS
        waves.append(pd.DataFrame({"wave": month, "score": score, "day": np.where(yes, answered, -1)}))
    return pd.concat(waves, ignore_index=True)


def _score(rng: np.random.Generator, mean: np.ndarray) -> np.ndarray:
    """Whole scores from 0 to 10 around a mean."""
    return np.clip(np.rint(mean + world.SCORE_SD * ndtri(uniform(rng, len(mean)))), 0, 10).astype(int)


def spend(seed: int, scale: float) -> pd.DataFrame:
    """Money spent each month on each acquisition source and on retention, growing with the company."""
    months = range(-world.SPEND_MONTHS_BEFORE, world.MONTHS_EXPORTED)
    rng, rows = stream(seed, "spend"), []
    for month in months:
        noise = np.exp(world.SPEND_SD * ndtri(uniform(rng, len(world.SPEND))))
        grown = scale * (1 + world.GROWTH) ** ((month + 1 - world.MONTHS_EXPORTED) / 12)
        rows += [(month, kind, round(mean * grown * by, 2))
                 for (kind, mean), by in zip(world.SPEND.items(), noise, strict=True)]  # fmt: skip
    return pd.DataFrame(rows, columns=["month", "category", "amount"])
