"""How often the rep page accuses somebody who did nothing, and how often it finds somebody who did.

Companies of 30 reps over 24 months are simulated as counted cells, with the truth known: reps who differ only in the
segments and sources they sell to and in how long they have been there; the same with three who over-sell (odds of
winning x 1.8, hazard of churn x 2.2); and reps who truly vary. `python -m tests.truth.reps --shops 400` prints three
tables, each share with a 95 % interval for the number of companies simulated.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from retainkit.estimate.case_mix import expected_wins, wins_by_rep
from retainkit.estimate.exposure import churn_by_rep, expected_churn
from retainkit.estimate.intervals import benjamini_hochberg, wilson
from retainkit.estimate.rep_model import REVIEW, WATCH, joint_rep_model, rep_words

Array = Any
REPS, DAYS, OFFENDERS, ODDS, HAZARD = 30, 730, 3, 1.8, 2.2
SEGMENTS, SOURCES = ["SMB", "MID", "ENT"], ["referral", "inbound", "outbound", "paid"]
SEGMENT_MIX, SOURCE_MIX, MIX_VARIES = [0.6, 0.28, 0.12], [0.18, 0.32, 0.24, 0.26], 6.0
WIN = np.array([0.28, 0.20, 0.13])
SOURCE_ODDS, SOURCE_HAZARD = np.array([2.6, 1.1, 0.5, 0.8]), np.array([0.75, 1.0, 1.15, 1.25])
DAILY_HAZARD, EARLY, EARLY_DAYS = np.array([0.00115, 0.00065, 0.00035]), 2.4, 90
SPREAD_U, SPREAD_V = 0.35, 0.45
RULES = ["both above the company average", "both over 1.2 times the average", "top quarter of both",
         "crude p < .05 on both", "case-mix p < .05 on both", "Benjamini-Hochberg 10 % of both",
         "P_joint >= .5", "P_joint >= .8", '"watch" or "review"', '"review"']


def company(rng: np.random.Generator, deals: int, u: Array, v: Array) -> tuple[pd.DataFrame, pd.DataFrame, Array]:
    """Counted deals, counted accounts, and each deal's log-odds of winning in average hands."""
    segment, source = (
        np.stack([rng.choice(len(mix), size=deals, p=rng.dirichlet(MIX_VARIES * np.array(mix))) for _ in range(REPS)])
        for mix in (SEGMENT_MIX, SOURCE_MIX)
    )
    started = np.where(rng.random(REPS) < 0.3, rng.uniform(0, 0.8 * DAYS, REPS), 0.0)[:, None]  # 3 in 10 are newer
    followed = np.floor((DAYS - started) * rng.random((REPS, deals)))
    base = logit(WIN[segment]) + np.log(SOURCE_ODDS[source])
    won = rng.random((REPS, deals)) < expit(base + u[:, None])
    hazard = DAILY_HAZARD[segment] * SOURCE_HAZARD[source] * np.exp(v)[:, None]
    spent = rng.exponential(size=(REPS, deals)) / hazard  # days at the later hazard
    life = np.ceil(np.where(spent < EARLY * EARLY_DAYS, spent / EARLY, spent - (EARLY - 1) * EARLY_DAYS))
    table = pd.DataFrame({
        "rep": np.repeat(np.arange(REPS), deals), "segment": np.array(SEGMENTS)[segment.ravel()],
        "source": np.array(SOURCES)[source.ravel()], "won": won.ravel().astype(int), "n": 1,
        "duration": np.minimum(life, followed).ravel(), "event": (life <= followed).ravel().astype(int)})
    keys = ["rep", "segment", "source"]
    cells = table[table["won"] == 1].groupby([*keys, "duration", "event"])["n"].sum().reset_index()
    return table.groupby(keys)[["won", "n"]].sum().reset_index(), cells, base


def accused(deals: pd.DataFrame, cells: pd.DataFrame, *, own: bool = True) -> tuple[Array, Any, pd.DataFrame]:
    """Which reps each rule accuses (rules, reps), with the joint model and the churn table behind it.

    Without `own` nobody's deals and losses are taken out of what is expected of them, as other tools have it.
    """
    expected, losses = expected_wins(deals), expected_churn(cells)
    wins, churn = wins_by_rep(expected), churn_by_rep(cells).set_index("rep").reindex(range(REPS))
    model = joint_rep_model(expected, losses) if own else joint_rep_model(expected.drop(columns="own"), losses.drop(columns="own"))
    n, lost = churn["n"].fillna(0).to_numpy(), churn["observed"].fillna(0).to_numpy()
    rate, share = wins["rate"].to_numpy(), np.divide(lost, n, out=np.zeros(REPS), where=n > 0)
    mean_rate, mean_share = wins["won"].sum() / wins["n"].sum(), lost.sum() / n.sum()
    z_rate = (rate - mean_rate) / np.sqrt(mean_rate * (1 - mean_rate) / wins["n"].to_numpy())
    z_share = (share - mean_share) / np.sqrt(mean_share * (1 - mean_share) / np.maximum(n, 1))
    p = np.maximum(wins["p_high"].to_numpy(), churn["p_high"].fillna(1).to_numpy())
    joint = model.reps["p_joint"].to_numpy()
    words = [rep_words(r.p_joint, observed=r.observed, expected=r.expected, n_closed=r.n) for r in model.reps.itertuples()]
    said = np.array(words)
    return np.array([
        (rate > mean_rate) & (share > mean_share), (rate > 1.2 * mean_rate) & (share > 1.2 * mean_share),
        (rate >= np.quantile(rate, 0.75)) & (share >= np.quantile(share, 0.75)), (z_rate > 1.645) & (z_share > 1.645),
        p < 0.05, benjamini_hochberg(p) < 0.10, joint >= 0.5, joint >= 0.8, np.isin(said, [WATCH, REVIEW]), said == REVIEW,
    ]), model, churn


def one(job: tuple[str, int, int, int], *, own: bool = True) -> dict[str, Any]:
    """One simulated company: what each rule says, and what the intervals of the model cover."""
    world, deals, shop, seed = job
    rng = np.random.default_rng([seed, deals, shop, sum(map(ord, world))])
    u, v = np.zeros(REPS), np.zeros(REPS)
    if world == "offenders":
        u[:OFFENDERS], v[:OFFENDERS] = np.log(ODDS), np.log(HAZARD)
    elif world != "identical":
        rho = float(world.removeprefix("rho "))
        z = rng.standard_normal((2, REPS))
        u, v = SPREAD_U * z[0], SPREAD_V * (rho * z[0] + np.sqrt(1 - rho**2) * z[1])
    table, cells, base = company(rng, deals, u, v)
    flags, model, churn = accused(table, cells, own=own)
    out: dict[str, Any] = {"world": world, "deals": deals, "false": flags[:, OFFENDERS:].sum(axis=1),
                           "true": flags[:, :OFFENDERS].sum(axis=1)}
    if world.startswith("rho"):
        out |= covered(model, churn, base, u, v, rho)
    return out


def covered(model: Any, churn: pd.DataFrame, base: Array, u: Array, v: Array, rho: float) -> dict[str, Any]:
    """Reps whose truth, relative to the company's average, is inside the 95 % interval; and the same of rho."""
    shift = 0.0
    for _ in range(20):  # the one effect that would bring the same number of wins
        p = expit(base + shift)
        shift += (expit(base + u[:, None]).sum() - p.sum()) / (p * (1 - p)).sum()
    weight = churn["expected"].fillna(0)
    average = np.log((weight * np.exp(v)).sum() / weight.sum())
    reps, line = model.reps, model.company.set_index("quantity").loc["rho"]
    inside = {"odds": reps["or_low"].le(np.exp(u - shift)) & reps["or_high"].ge(np.exp(u - shift)),
              "hazard": reps["hr_low"].le(np.exp(v - average)) & reps["hr_high"].ge(np.exp(v - average))}
    return {name: int(hit.sum()) for name, hit in inside.items()} | {
        "rho_shown": int(line["value"] == line["value"]), "rho": int(line["low"] <= rho <= line["high"]),
        "rho_value": line["value"], "surely_positive": int(line["p_positive"] > 0.95)}

READING = (
    "What to take from it: comparing everybody with the average accuses somebody in every company, whoever they are; the page's",
    "own words accuse nobody where all are the same. The price is power: with 40 deals a rep one offender in seven is seen, with 120",
    "four in five. A rep is set against the others on the same segments and sources; while a rep's own deals and losses stay in",
    "what is expected, every ratio is drawn towards one, 88 % (40 deals) and 92.6 % (120) of the hazard ratios hold the truth, and one",
    "offender in twelve and two in three are seen (400 companies, `python -m tests.truth.reps --shops 400 --deals 40 120 --with-self`).",
    "What is left below 95 % comes from the spread between reps, which 30 of them show only roughly. Rho's interval is too long with",
    "40 deals, where the prior is most of it.",
)


def share(k: float, n: float) -> str:
    """A share with its Wilson interval, in per cent."""
    low, high = wilson(k, n)
    return f"{100 * k / n:.1f} ({100 * low:.1f}–{100 * high:.1f})" if n else "–"


def held(inside: pd.Series) -> str:
    """Per cent of the reps, with 1.96 standard errors, the company being the unit."""
    shares = 100 * inside / REPS
    return f"{shares.mean():.1f} ± {1.96 * shares.std(ddof=0) / np.sqrt(len(shares)):.1f}"


def report(results: pd.DataFrame, command: str) -> str:
    """The three tables as Markdown."""
    sizes = sorted(results["deals"].unique())
    heads = " | ".join(f"{size} deals a rep" for size in sizes)
    lines = [f"`{command}`", "", "### Reps who are all the same", "",
             "False accusations per company / per cent of companies with at least one rep accused", "",
             f"| rule | {heads} |", "|---" * (len(sizes) + 1) + "|"]
    null, planted = (results[results["world"] == world] for world in ("identical", "offenders"))
    for i, rule in enumerate(RULES):
        per = [np.array([f[i] + t[i] for f, t in zip(g["false"], g["true"], strict=True)]) for _, g in null.groupby("deals")]
        lines.append(f"| {rule} | " + " | ".join(f"{x.mean():.2f} / {share((x > 0).sum(), len(x))}" for x in per) + " |")
    lines += ["", f"### Three of {REPS} reps over-sell (odds ratio {ODDS}, hazard ratio {HAZARD})", "",
              "Per cent of those accused who did nothing / per cent of offenders found", "",
              f"| rule | {heads} |", "|---" * (len(sizes) + 1) + "|"]
    for i, rule in enumerate(RULES):
        cells = []
        for _, group in planted.groupby("deals"):
            false, true = (sum(row[i] for row in group[kind]) for kind in ("false", "true"))
            cells.append(f"{share(false, false + true)} / {share(true, OFFENDERS * len(group))}")
        lines.append(f"| {rule} | " + " | ".join(cells) + " |")
    lines += ["", f"### Reps who truly vary (log odds ratio ± {SPREAD_U}, log hazard ratio ± {SPREAD_V})", "",
              "Per cent of 95 % intervals that hold the truth", "",
              "| truth | deals a rep | odds ratio | hazard ratio | rho | mean rho | P(rho > 0) > .95 |", "|---" * 7 + "|"]
    for (world, size), g in results[results["world"].str.startswith("rho")].groupby(["world", "deals"]):
        known = g["rho_shown"].sum()
        lines.append(f"| {world} | {size} | {held(g['odds'])} | {held(g['hazard'])}"
                     f" | {share(g['rho'].sum(), known)} | {g['rho_value'].mean():.2f} | {share(g['surely_positive'].sum(), known)} |")
    return "\n".join([*lines, "", *READING])


def main() -> None:
    """Simulate on a few processes, print the tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.truth.reps", description=__doc__)
    parser.add_argument("--shops", type=int, default=400, help="companies of each kind and size")
    parser.add_argument("--deals", type=int, nargs="+", default=[40, 120], help="deals a rep")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--with-self", action="store_true", help="leave a rep's own deals and losses in what is expected")
    of = parser.parse_args()
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # one core a worker
    worlds = ["identical", "offenders", "rho 0.0", "rho 0.6"]
    jobs = [(world, size, shop, of.seed) for world in worlds for size in of.deals for shop in range(of.shops)]
    with multiprocessing.get_context("spawn").Pool(of.workers) as pool:
        results = pd.DataFrame(pool.imap(partial(one, own=not of.with_self), jobs, chunksize=8))
    print(report(results, " ".join(["python -m tests.truth.reps", *sys.argv[1:]])))


if __name__ == "__main__":
    main()
