"""Companies that sell through reps: notebook 04.

Twelve reps with some 40 deals each in a log of three years, all of them equally good: they differ in the segments their
desk works and in luck alone. Deals open when the log began are in it, deals closed before are not; a tenth of the losses
is never closed, some accounts come back with a second deal, and won accounts sign a contract and may leave.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from retainkit.simulate import world as sizes
from retainkit.simulate.draws import choose, exponential, lognormal, stream, uniform
from retainkit.simulate.lives import table

from .buyers import ids, lifetime
from .shops import MORE, STRIDE, Clock, Frames, known

CLOCK = Clock(date(2023, 11, 1), date(2026, 10, 31))
REPS, DEALS, BEFORE, DAYS = 12, 480 * MORE, 720, 180
DESKS = list(sizes.FIRM_SHARE)
WINDOW = (CLOCK.end - DAYS + 1 - 365, CLOCK.end - DAYS + 1)  # the deals of `sales_velocity`


def live(seed: int, shops: int) -> Frames:
    """The deals of so many companies and the accounts they win; rep r works desk r % 3."""
    rng, span = stream(seed, "deals"), CLOCK.end + 1 + BEFORE
    n = np.random.default_rng(seed).poisson(DEALS * span / (CLOCK.end + 1), shops)
    shop = np.repeat(np.arange(shops), n)
    total = len(shop)
    rep = np.floor(REPS * uniform(rng, total)).astype(int)
    segment = np.ones(total, dtype=int)
    for code, desk in enumerate(DESKS):
        here = rep % len(DESKS) == code
        segment[here] += choose(rng, int(here.sum()), sizes.FIRM_SHARE[desk])
    first = pd.DataFrame({
        "shop": shop, "account": shop * STRIDE + np.arange(total) - (np.cumsum(n) - n)[shop], "rep": rep, "segment": segment,
        "source": choose(rng, total, sizes.SOURCE_SHARE), "opened": np.floor(uniform(rng, total) * span - BEFORE).astype(int)})  # fmt: skip
    first = _decided(rng, first).assign(nth=1)
    again = first[(uniform(rng, total) < sizes.AGAIN) & first["logged"]]
    opened = again["closed"] + 14 + np.floor(sizes.AGAIN_DAYS * exponential(rng, len(again))).astype(int)
    second = _decided(rng, again.assign(opened=opened, nth=2))
    deals = pd.concat([first, second], ignore_index=True)
    return {"deals": deals, "accounts": _accounts(rng, deals)}


def _decided(rng: np.random.Generator, deals: pd.DataFrame) -> pd.DataFrame:
    """Whether each deal is won, when it is decided, whether a loss is ever logged, and its amount."""
    base = table(sizes.WIN, deals["segment"])
    odds = base / (1 - base) * table(sizes.SOURCE_ODDS, deals["source"])
    won = uniform(rng, len(deals)) < odds / (1 + odds)
    typical = table(sizes.CYCLE, deals["segment"]) * np.where(won, 1.0, sizes.LOSS_TIMES)
    closed = deals["opened"] + np.ceil(lognormal(rng, typical, sizes.CYCLE_SD)).astype(int)
    logged = won | (uniform(rng, len(deals)) >= sizes.UNLOGGED)
    amount = np.round(12 * lognormal(rng, table(sizes.MONTHLY, deals["segment"]), sizes.MONTHLY_SD), 2)
    return deals.assign(won=won, closed=closed, logged=logged, amount=amount, cycle=closed - deals["opened"])


def _accounts(rng: np.random.Generator, deals: pd.DataFrame) -> pd.DataFrame:
    """Accounts with a won deal and their contract, which the rep has no influence on."""
    won = deals[deals["won"]].sort_values("closed", kind="stable").drop_duplicates("account")
    start = won["closed"] + 1 + np.floor(4 * exponential(rng, len(won))).astype(int)
    hazard = table(sizes.HAZARD, won["segment"]) * table(sizes.SOURCE_HR, won["source"])
    moved = uniform(rng, len(won)) < sizes.REASSIGNED
    return won.assign(start=start, end=start + lifetime(rng, hazard), owner=np.where(moved, (won["rep"] + 1) % REPS, won["rep"]))


def seen(deals: pd.DataFrame) -> pd.DataFrame:
    """The deals of the log: opened by its last day, and not closed before its first."""
    return deals[(deals["opened"] <= CLOCK.end) & ((deals["closed"] >= 0) | ~deals["logged"])]


def export(lived: Frames) -> Frames:
    """What the logs show: those deals, and the accounts whose contract had not ended before the first day."""
    deals = seen(lived["deals"])
    closed = known(deals["closed"].where(deals["logged"]), CLOCK)
    outcome = np.where(np.isnan(closed), "open", np.where(deals["won"], "won", "lost"))
    signed = deals["account"].isin(lived["accounts"]["account"]) | (deals["account"] % 5 > 0)  # the others have no account id
    held = lived["accounts"].query("start <= @CLOCK.end and end > 0")
    shared = {"shop": held["shop"].to_numpy(), "customer": held["account"].to_numpy(), "customer_id": ids("c", held["account"])}
    return {
        "deals": pd.DataFrame({
            "shop": deals["shop"].to_numpy(), "customer": deals["account"].where(signed).astype("Int64").to_numpy(),
            "customer_id": np.where(signed, ids("c", deals["account"]), None), "deal_id": ids("d", deals["account"] * 2 + deals["nth"]),
            "rep": ids("rep ", deals["rep"]), "opened_at": CLOCK.dates(deals["opened"]), "closed_at": CLOCK.dates(closed), "outcome": outcome,
            "amount": deals["amount"].to_numpy(), "segment": np.array(sizes.SEGMENTS)[deals["segment"]], "source": np.array(sizes.SOURCES)[deals["source"]]}),
        "contracts": pd.DataFrame({
            **shared, "contract_id": ids("k", held["account"]), "started_at": CLOCK.dates(held["start"]), "ended_at": CLOCK.dates(known(held["end"], CLOCK))}),
        "customers": pd.DataFrame({**shared, "signed_up_at": CLOCK.dates(held["start"]), "owner": ids("rep ", held["owner"])}),
    }  # fmt: skip


# ---- what is true ---------------------------------------------------------------------------------------------


def truth(seed: int, shops: int) -> dict[tuple[str, Any], float]:
    """Plain shares and averages of so many companies' deals, followed to the end."""
    deals = live(seed, shops)["deals"]
    desk, fast = deals["rep"] % len(DESKS), deals["won"] & (deals["cycle"] <= DAYS)
    shown = seen(deals)
    closed = shown[shown["logged"] & (shown["closed"] <= CLOCK.end)]
    won = closed[closed["won"]]
    by_desk = closed.groupby(closed["rep"] % len(DESKS))["won"].mean()
    reps = {(name, f"rep {r}"): rates[r % len(DESKS)] for name, rates in (("win_rate", by_desk), ("win_by", fast.groupby(desk).mean())) for r in range(REPS)}
    decided = np.sort(np.where(deals["logged"], deals["cycle"], np.inf))
    values = {("deal_size", "mean"): won["amount"].mean(), ("deal_size", "median"): won["amount"].median(),
              ("cycle_days", "mean"): won["cycle"].mean(), ("cycle_days", "median"): won["cycle"].median(),
              ("cycle_days", "median_to_outcome"): float(decided[(len(decided) - 1) // 2])}  # fmt: skip
    return reps | values | _sources(deals, closed) | _velocity(deals, fast, shops) | {
        ("win_rate", "all"): closed["won"].mean(), ("win_by", "all"): fast.mean(),
        **{("rep_churn", f"rep {r}"): 1.0 for r in range(REPS)}, **{("rep_churn_early", f"rep {r}"): 1.0 for r in range(REPS)}}  # fmt: skip


def _sources(deals: pd.DataFrame, closed: pd.DataFrame) -> dict[tuple[str, Any], float]:
    """Referrals: their closed win rate, and the difference to the others, of deals old enough."""
    old = closed[closed["opened"] <= CLOCK.end - DAYS]
    referral = old["source"] == sizes.SOURCES.index("referral")
    rate, rest = old.loc[referral, "won"].mean(), old.loc[~referral, "won"].mean()
    return {("source_win_rates", "rate"): rate, ("source_win_rates", "difference"): rate - rest,
            ("source_win_rates", "standardised"): _standardised(old, referral),
            ("referral_gap", "all"): _standardised(old, referral) - _standardised(old, ~referral)}  # fmt: skip


def _standardised(old: pd.DataFrame, referral: pd.Series) -> float:
    """The referrals' win rate with the segments weighted as in all deals."""
    mix = old["segment"].value_counts(normalize=True)
    return float((old[referral].groupby("segment")["won"].mean() * mix).sum())


def _velocity(deals: pd.DataFrame, fast: pd.Series, shops: int) -> dict[tuple[str, Any], float]:
    """Sales velocity per deal opened, and the revenue won a day, of the deals of the window."""
    window = deals["opened"].between(WINDOW[0], WINDOW[1] - 1)
    here, won = deals[window], fast[window]
    amount, cycle = here["amount"][won].sum(), here["cycle"][won].sum()
    return {("sales_velocity", "velocity"): won.sum() * amount / cycle / len(here), ("sales_velocity", "won_per_day"): amount / shops / (WINDOW[1] - WINDOW[0])}
