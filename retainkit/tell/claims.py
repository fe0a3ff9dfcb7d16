"""The sentences of the second half of page 05: reps, deals, use, goals, roll-outs, and what everybody says."""

from __future__ import annotations

from typing import Any

import pandas as pd

from retainkit.errors import capital, counted
from retainkit.load.shop import Shop
from retainkit.metrics.rollouts import Rollout
from retainkit.show.display import say
from retainkit.show.sentences import of_chance, words
from retainkit.show.words import missing
from retainkit.tell.common import FEW, FULL, SHOWN, named, tells

MINUS = "\N{MINUS SIGN}"
STILL = {"cannot tell": "cannot be told yet", "not yet set": "set for a later time"}  # a goal's status behind a count


def enough_answers(voices: pd.DataFrame) -> None:
    """How many reps have the answers that a score needs, and how wide the ranges of the others are."""
    if voices.empty:
        say("No rep has five answers of their customers.")
        return
    few = voices[voices["note"] != ""]
    width = (few["high"] - few["low"]).round()
    ends = f"{width.min():.0f}" if width.nunique() == 1 else f"{width.min():.0f} to {width.max():.0f}"
    ranges = f"With fewer the range is {ends} points wide, of the 200 a score can take, and no ground to rank anybody."
    say("Reps with the fifteen answers a score needs: {n} of {all}. {ranges}",
        n=len(voices) - len(few), all=len(voices), ranges=ranges if len(few) else "")


def time_to_win(cycle: pd.DataFrame) -> None:
    """How long a deal takes to be won, and to be decided."""
    if "median" not in cycle.index:
        say("No deal has been won yet, so nothing can be said of how long it takes.")
        return
    won, decided = (words(cycle.loc[row], kind="days") for row in ("median", "median_to_outcome"))
    took = f"Of the deals that were won, the middle one took {won}"
    say("{took}{decided}.", took=took if tells(won) else "Too few deals have been won to say how long it takes",
        decided=f"; counting those still open, the middle one is decided after {decided}" if tells(decided) else "")


def referrals(gap: pd.DataFrame, origin: pd.DataFrame, *, source: str, mixed: bool, days: int) -> None:
    """How much more often deals of one source are won than the others: at one mix of segments if they are `mixed`, and as they are."""
    if gap.empty or gap[["n", "rest"]].iloc[0].min() < SHOWN:
        say("Referrals cannot be compared with the rest: it takes five closed deals of the source {source}, and of others, "
            "opened {days} days ago or earlier, and lost ones on record.", source=source, days=days)
        return
    row: Any = gap.iloc[0]
    source = row["source"]  # as the deals spell it
    crude = origin.loc[origin["source"] == source, ["difference", "difference_low", "difference_high", "n", "q"]]
    plain: Any = crude.set_axis(["rate", "low", "high", "n", "q"], axis=1).iloc[0]
    apart = "Share won of closed deals from {source} less that of the others"
    shares = "Of closed deals from {source}, {it:.0%} are {won}, against {rest:.0%} of the others"
    start = apart if min(row["n"], row["rest"]) < FULL else shares
    unmixed = ". As they are the difference is {plain}" if mixed else ""
    say(start + ": {gap}" + unmixed + "; q over {sources} sources is {q}: {verdict}. Who is referred may differ in more than "
        "the segment.", source=source, it=row["of_source"], rest=row["of_rest"], gap=words(row, kind="points"),
        won="won at the company's mix of segments" if mixed else "won", plain=words(plain, kind="points"),
        q=of_chance(plain["q"]).replace("<", "below"), sources=len(origin),
        verdict="more than chance explains" if plain["q"] < 0.05 else "that can be chance")


def in_use(week: Any) -> str:
    """How many customers used the product in a week."""
    if week["n"] < SHOWN:
        return FEW
    return f"{capital(words(week, brief=True))} of customers used the product in the last week of {named(week['month'])}"


def in_a_week(limits: pd.DataFrame) -> str:
    """What is drawn of the weeks: with the range of quiet months, or why there is none."""
    short = limits["note"].iloc[0]
    grey = "grey: where 998 of 1,000 months lie by chance, from the months before the last"
    drawn = "Share of customers active in the last seven days of each month, 95% interval"
    return f"{drawn}; no range of quiet months: it {short}" if short else f"{drawn}; {grey}"


def goals_so_far(aims: pd.DataFrame) -> None:
    """How many goals are reached, where the others stand, and which of them chance will hide for more than a year."""
    status = aims["status"]
    there = aims[status == "reached"]
    old = there["note"].str.startswith("it was there").sum()
    before = f" (there when set, so that no change is asked for: {old})" if old else ""
    others = [f"{n} {STILL.get(str(name), name)}" for name, n in status[status != "reached"].value_counts().items()]
    say("Goals reached: {reached}. {others} {far}", reached=f"{len(there)} of {len(aims)}{before}",
        others=f"The others: {'; '.join(others)}." if others else "",
        far=_far(aims[status.isin(["on the way", "cannot tell"])]))


def _far(still: pd.DataFrame) -> str:
    """Which of the goals that are open take more than a year to be told from chance."""
    asks = still.dropna(subset=["n_more"])
    soon = (asks["n_more"] <= 0) | (asks["months_more"] <= 12) | (asks["unit"] == "answers in one survey")
    whom = [row["label"].split(":")[0] + (f" ({row['group']})" if row["group"] else "")
            for row in asks[~soon].to_dict("records")]
    if whom:
        small = "So small a change for so few customers is no ground for a bonus."
        return f"More than a year until chance is ruled out: {'; '.join(whom)}. {small}"
    return "Those that are open can be told from chance within a year." if len(asks) else ""


def no_goal(shop: Shop, numbers: pd.DataFrame, *, segment: str) -> None:
    """That no goal is set, and how one is: a tenth better in a year, on the second purchase or else the first number there is."""
    fit = numbers[(numbers["n"] >= FULL) & numbers["better"].ne("") & numbers["value"].ne(0) & (numbers["value"].abs() < float("inf"))]
    if segment and shop.goals:
        say("Goals are set, but none for this group: the page of all customers has them.")
    elif fit.empty:
        say("No goal is set, and there is no number yet that one could be set for.")
    else:
        metric = "second_purchase.share" if "second_purchase.share" in fit.index else fit.index[0]
        row: Any = fit.loc[metric]
        room = min(row["value"], 1 - row["value"]) if row["kind"] in ("proportion", "survival") else abs(row["value"])  # a share ends at 1
        say('No goal is set. One takes four lines in retainkit.toml: [[goals]], metric = "{metric}", target = {target:.3g}, '
            "by = {by}.", metric=metric, target=row["value"] + room / (-10 if row["better"] == "lower" else 10),
            by=f"{shop.as_of + pd.DateOffset(years=1):%Y-%m-%d}")


def no_rollout(shop: Shop, why: str) -> None:
    """Why no roll-out can be judged: what its data lack (`why`), or that none has begun."""
    say("{why}", why=why.replace("`", "") or f"No change in the table changes had begun by {shop.as_of:%d %B %Y}.")


def power(tried: Rollout) -> None:
    """How large an effect has to be to be seen; nothing where no month can be compared, for `effect` says that."""
    can: Any = tried.power.iloc[0]
    if missing(can["detectable"]):
        return
    say("**What could be seen:** with {n:,} {whom} in {a} units with it and {b} to compare them with, an effect has to "
        "be {points:.0f} points or more to be seen four times out of five{best}. {short}",
        n=can["n"], whom=whom(tried), a=can["units_with"], b=can["units_without"], points=100 * can["detectable"],
        best=", at best" if can["note"] else "", short=f"({capital(can['note'])}.)" if can["note"] else "")


def effect(tried: Rollout) -> None:
    """How much further the units with a change moved than the others, and what may be said of it."""
    got: Any = tried.effect.iloc[0]
    what = capital(tried.words)
    if missing(got["rate"]):
        say("{what}: nothing can be said yet: {why}.", what=what, why=got["note"])
        return
    alone = f"{100 * got['rate']:+.1f} points".replace("-", MINUS)
    sure = "By more than chance explains." if got["low"] > 0 or got["high"] < 0 else "That can be chance."
    drift = "units drift by themselves, and so few do not show by how much"
    say("{what}: the units with it moved by {own:+.1f} points from their months before, those without it by "
        "{others:+.1f} in the same months (n = {n:,} {whom} of all units, in all months that are compared). A "
        "difference of {effect}. {verdict}",
        what=what, own=100 * got["moved"], others=100 * got["moved_without"], n=got["n"], whom=whom(tried),
        effect=alone if missing(got["low"]) else words(got, kind="points"),
        verdict=f"It is described, not judged, and has no interval: {drift}." if got["note"] else sure)


def whom(tried: Rollout) -> str:
    """Whom a roll-out counts."""
    return "deals" if tried.power["outcome"].iloc[0] == "won" else "customers"


def around_the_start(ages: pd.DataFrame) -> str:
    """How far apart the units were before the start and since: in how many months by chance, or from where to where."""
    seen = ages.dropna(subset="rate")
    before, after = seen[seen["since"] < 0], seen[seen["since"] >= 0]
    if seen["low"].notna().any():
        off = int(((before["low"] > 0) | (before["high"] < 0)).sum())
        months = f"In {off} of the {counted(len(before), 'month')} before the start"
        return f"{months} the units already differed by more than chance explains"
    spans = [f"{part['rate'].min():+.0f} to {part['rate'].max():+.0f} points {when}"
             for part, when in ((before, "before the start"), (after, "since then")) if len(part)]
    return f"From month to month the difference was {', and '.join(spans)}".replace("-", MINUS)


def each_dot(tried: Rollout, dots: pd.DataFrame) -> str:
    """What is drawn of a roll-out by month: a difference, of how many customers, and where the dots should lie."""
    few = tried.effect["note"].iloc[0] != ""
    interval = "no interval: too few units" if few else "95% interval of the choice of them"
    sizes = f"{dots['n'].min():.0f} to {dots['n'].max():.0f} {whom(tried)}"
    return f"Units with it less units without it; each dot {sizes}, {interval}; before the start the dots should lie " \
           "around 0 without a slope; months of fewer than five are left open"


def verdicts(bench: pd.DataFrame) -> None:
    """How many claims were put to the test, and what came of them."""
    there, tests = bench["verdict"] != "not measured", bench["kind"] == "test"
    gone = "" if there.all() else f"Not measured, for want of a table: {(~there).sum()}."
    found = bench.loc[there & tests, "verdict"]
    if found.empty:
        say("None of the claims can be put to the test here. {gone}", gone=gone)
        return
    say("Put to the test on this shop's data: {n}. Contradicted: {against}. Consistent with them: {fit}. Nobody can "
        "tell: {open}. Arithmetic, or about groups of firms: {other}. {gone}", gone=gone,
        n=counted(len(found), "claim"),
        against=found.isin(["lower than claimed", "higher than claimed"]).sum(), fit=(found == "consistent with").sum(),
        open=(found == "cannot tell").sum(), other=(there & ~tests).sum())
