"""Shops with contracts: notebook 03.

About 330 customers a shop in a log of two years. Contracts have begun at a steady pace for six years; who had gone before
the log began is not in it (delayed entry). Small and middle firms, a high hazard at first, customers who differ, requests
some days before the end, changes of plan, and a quarter of those who leave come back.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from retainkit.simulate import world as sizes
from retainkit.simulate.draws import exponential, lognormal, stream, uniform
from retainkit.simulate.lives import table

from .buyers import ids, lifetime
from .shops import MORE, STRIDE, Clock, Frames, known

CLOCK = Clock(date(2024, 11, 1), date(2026, 10, 31))
STARTS, BEFORE, FIRMS, RETURN, AWAY = 500 * MORE, 1460, [0.6, 0.4], 0.25, 60.0
WAVES, ANSWERS, LIKES, SAME = ("2026-03-10", "2026-09-10"), 0.4, (0.45, 0.75), 0.5  # promoters, and those with passives; the same opinion again
STAFF, STAFF_ANSWERS = (20, 28, 16), 0.65  # promoters, passives, detractors of every shop
USES, QUIET = (0.02, 0.25), 0.3  # days of use of the two halves of customers; who stops after two months
YEAR, MONTH = ("2025-11-01", "2026-11-01"), ("2026-10-01", "2026-11-01")


def live(seed: int, shops: int) -> Frames:
    """The people of so many shops and all their contracts; `end` is the first day without one."""
    rng = stream(seed, "people")
    n = np.random.default_rng(seed).poisson(STARTS, shops)
    shop = np.repeat(np.arange(shops), n)
    total = len(shop)
    segment = 1 + (uniform(rng, total) >= FIRMS[0])
    start = np.floor(uniform(rng, total) * (CLOCK.end + 1 + BEFORE) - BEFORE).astype(int)
    life = lifetime(rng, table(sizes.HAZARD, segment))
    people = pd.DataFrame({
        "shop": shop, "customer": shop * STRIDE + np.arange(total) - (np.cumsum(n) - n)[shop], "segment": segment,
        "start": start, "life": life, "value": np.round(lognormal(rng, table(sizes.MONTHLY, segment), sizes.MONTHLY_SD), 2)})  # fmt: skip
    again = people[uniform(rng, total) < RETURN]
    back = again["start"] + again["life"] + 1 + np.floor(AWAY * exponential(rng, len(again))).astype(int)
    second = again.assign(start=back, life=np.ceil(exponential(rng, len(again)) / table(sizes.HAZARD, again["segment"])).astype(int))
    spells = pd.concat([people.assign(spell=1), second.assign(spell=2)], ignore_index=True)
    spells["end"] = spells["start"] + spells["life"]
    notice = np.floor(sizes.NOTICE_DAYS * exponential(rng, len(spells))).astype(int)
    asked = np.maximum(spells["end"] - notice, spells["start"])
    spells["asked"] = np.where(uniform(rng, len(spells)) < sizes.NON_PAYMENT, np.nan, asked)
    return {"people": people, "spells": spells, "contracts": _contracts(rng, spells), **_voices(seed, people, shops), "use": _use(seed, people)}


def _voices(seed: int, people: pd.DataFrame, shops: int) -> Frames:
    """What everybody would answer in both surveys, and who does; employees too."""
    rng, n = stream(seed, "voices"), len(people)
    first, other, again = (uniform(rng, n) for _ in range(3))
    second = np.where(again < SAME, first, other)
    said = [people.assign(wave=wave, score=_score(u))[uniform(rng, n) < ANSWERS] for wave, u in zip(WAVES, (first, second), strict=True)]
    team = np.tile(np.repeat([9, 8, 5], STAFF), shops)
    staff = pd.DataFrame({"shop": np.repeat(np.arange(shops), sum(STAFF)), "score": team})
    return {"answers": pd.concat(said), "staff": staff[uniform(rng, len(staff)) < STAFF_ANSWERS]}


def _score(u: Any) -> Any:
    """An answer from a uniform number."""
    return np.select([u < LIKES[0], u < LIKES[1]], [9, 8], 5)


def _use(seed: int, people: pd.DataFrame) -> pd.DataFrame:
    """One day of use for every window that somebody used: the first month, the third, and the log's last week."""
    rng, n = stream(seed, "use"), len(people)
    rate = np.where(uniform(rng, n) < 0.5, *USES)
    stopped = uniform(rng, n) < QUIET
    day = {"early": people["start"] + 10, "late": people["start"] + 70, "week": np.full(n, CLOCK.end - 3)}
    chance = {"early": 1 - (1 - rate) ** 30, "late": np.where(stopped, 0, 1 - (1 - rate) ** 30), "week": 1 - (1 - rate) ** 7}
    rows = [people.assign(day=day[k])[(uniform(rng, n) < chance[k]) & ((k == "week") | (day[k] < CLOCK.end - 6))] for k in day]
    return pd.concat(rows)[["shop", "customer", "day"]]


def _contracts(rng: np.random.Generator, spells: pd.DataFrame) -> pd.DataFrame:
    """The contracts of the spells: one each, or two where the plan was changed."""
    low, high = sizes.SWITCH_AGE
    age = np.floor(low + (high - low) * uniform(rng, len(spells))).astype(int)
    switched = (uniform(rng, len(spells)) < sizes.SWITCH) & (age < spells["life"])
    times = np.array(sizes.SWITCH_VALUE)[np.floor(len(sizes.SWITCH_VALUE) * uniform(rng, len(spells))).astype(int)]
    change = spells["start"] + age
    first = spells.assign(part=1, end=spells["end"].where(~switched, change), asked=spells["asked"].where(~switched))
    second = spells.assign(part=2, start=change, value=np.round(spells["value"] * times, 2))[switched]
    return pd.concat([first, second], ignore_index=True)


def export(lived: Frames) -> Frames:
    """What the logs show: all contracts of everybody who had one on the first day or later."""
    held, people = lived["contracts"], lived["people"]
    held = held[held["start"] <= CLOCK.end]
    last = held.groupby("customer")["end"].max()
    held = held[held["customer"].map(last) > 0]
    people = people[people["customer"].isin(held["customer"])]
    shared = {name: held[name].to_numpy() for name in ("shop", "customer")}
    number = held["customer"] * 10 + held["spell"] * 2 + held["part"]
    return {
        "contracts": pd.DataFrame({
            **shared, "customer_id": ids("c", held["customer"]), "contract_id": ids("k", number), "started_at": CLOCK.dates(held["start"]),
            "cancel_requested_at": CLOCK.dates(known(held["asked"], CLOCK)), "ended_at": CLOCK.dates(known(held["end"], CLOCK)),
            "monthly_value": held["value"].to_numpy()}),
        "customers": pd.DataFrame({
            "shop": people["shop"].to_numpy(), "customer": people["customer"].to_numpy(), "customer_id": ids("c", people["customer"]),
            "signed_up_at": CLOCK.dates(people["start"]), "segment": np.array(sizes.SEGMENTS)[people["segment"]]}),
        "responses": _responses(lived, people), "activity": _activity(lived, people),
    }  # fmt: skip


def _responses(lived: Frames, people: pd.DataFrame) -> pd.DataFrame:
    """The answers of those under contract on the day of the survey, and of employees."""
    spells, asked = lived["spells"], []
    for wave in WAVES:
        day = CLOCK.day(wave)
        here = set(spells.loc[(spells["start"] <= day) & (spells["end"] > day), "customer"]) & set(people["customer"])
        mine = lived["answers"].query("wave == @wave")
        asked.append(mine[mine["customer"].isin(here)])
    said = pd.concat(asked)
    shared = {"answered_at": pd.to_datetime(said["wave"]).to_numpy(), "score": said["score"].to_numpy(), "wave": said["wave"].str[:7].to_numpy()}
    customers = pd.DataFrame({"shop": said["shop"].to_numpy(), "customer": said["customer"].to_numpy(), "customer_id": ids("c", said["customer"]), **shared, "kind": "customer"})
    team = lived["staff"]
    staff = pd.DataFrame({"shop": team["shop"].to_numpy(), "answered_at": pd.Timestamp(WAVES[1]), "score": team["score"].to_numpy(), "kind": "employee",
                          "wave": WAVES[1][:7], "invited": sum(STAFF)})
    return pd.concat([customers, staff], ignore_index=True).astype({"customer": "Int64"})


def _activity(lived: Frames, people: pd.DataFrame) -> pd.DataFrame:
    """The days of use that the log shows."""
    use = lived["use"]
    use = use[use["customer"].isin(people["customer"]) & use["day"].between(0, CLOCK.end)]
    return pd.DataFrame({"shop": use["shop"].to_numpy(), "customer": use["customer"].to_numpy(), "customer_id": ids("c", use["customer"]), "active_on": CLOCK.dates(use["day"])})


# ---- what is true ---------------------------------------------------------------------------------------------


def truth(seed: int, shops: int) -> dict[tuple[str, Any], float]:
    """Plain shares and averages of so many shops' customers, followed to the end."""
    lived = live(seed, shops)
    spells, held = lived["spells"], lived["contracts"]
    first = spells[spells["spell"] == 1]
    life, asked_age = first["life"], (first["asked"] - first["start"]).fillna(first["life"])
    survival = {("contract_survival", h): (life > h).mean() for h in (30, 90, 180, 365)}
    causes = {("early_cancellation", h): ((asked_age <= 60) & (life <= h)).mean() for h in (60, 365)}
    kept = {("days_kept", sizes.SEGMENTS[s]): life[first["segment"] == s].clip(upper=365).mean() for s in (1, 2)}
    early, later = (((life > a) & (life <= b)).sum() / (life.clip(upper=b) - a).clip(lower=0).sum() for a, b in ((0, 90), (90, 365)))
    opens = CLOCK.day(MONTH[0])
    base = spells[(spells["start"] < opens) & (spells["end"] >= opens)]
    month = {("monthly_churn", "2026-10"): (base["end"] <= CLOCK.end).mean(), ("monthly_cancellation", "2026-10"): _asked(base)}
    long, short = _kept(spells, held, *YEAR), _kept(spells, held, *MONTH)
    money = {("revenue_churn", "grr"): long[0], ("revenue_churn", "nrr"): long[1], ("revenue_churn", "mrr_churn"): 1 - short[0]}
    return survival | causes | kept | month | money | _scorecard(spells) | {("leaving_rates", "ratio"): later / early}


def _scorecard(spells: pd.DataFrame) -> dict[tuple[str, Any], float]:
    """Stayed for a year, scores, use of the product."""
    opens, closes = (CLOCK.day(day) for day in YEAR)
    base = spells[(spells["start"] < opens) & (spells["end"] >= opens)]
    rate = np.array(USES)
    early, score = 1 - (1 - rate) ** 30, 100 * (LIKES[0] - 1 + LIKES[1])
    return {("customer_retention", "2026-10"): (base["end"] >= closes).mean(), ("promoter_scores", "2026-03"): score, ("promoter_scores", "2026-09"): score,
            ("promoter_changes", "2026-09"): 0.0, ("promoter_scores", "staff"): 100 * (STAFF[0] - STAFF[2]) / sum(STAFF),
            ("weekly_active", "2026-10-31"): (1 - (1 - rate) ** 7).mean(), ("went_quiet", 90): (early * (QUIET + (1 - QUIET) * (1 - early))).sum() / early.sum()}


def _asked(base: pd.DataFrame) -> float:
    """Of a month's opening base, the share who asked to leave in it."""
    return float(base["asked"].between(CLOCK.day(MONTH[0]), CLOCK.end).mean())


def _kept(spells: pd.DataFrame, held: pd.DataFrame, opens: str, closes: str) -> tuple[float, float]:
    """Of the money paid a month at the opening: what the same customers still pay (at most as before), and pay with growth."""
    paid = {}
    for day in (opens, closes):
        number = CLOCK.day(day)
        paid[day] = held[(held["start"] < number) & (held["end"] >= number)].groupby("customer")["value"].sum()
    before = paid[opens]
    after = paid[closes].reindex(before.index).fillna(0)
    stayed = spells[(spells["start"] < CLOCK.day(opens)) & (spells["end"] >= CLOCK.day(closes))]["customer"]
    kept = np.minimum(before, after).where(before.index.isin(stayed), 0.0)
    return float(kept.sum() / before.sum()), float(after.sum() / before.sum())
