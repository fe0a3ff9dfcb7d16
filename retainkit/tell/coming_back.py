"""The sentences of page 02: how many new customers buy again, how soon, and how often."""

from __future__ import annotations

from typing import Any

import pandas as pd

from retainkit.errors import capital, counted
from retainkit.estimate.smalln import TOLD
from retainkit.load.shop import Shop
from retainkit.metrics.purchases import unsure_who_is_new
from retainkit.show.display import say
from retainkit.show.sentences import judged, words
from retainkit.tell.common import FEW, FULL, SHOWN, exact, history, known, no_leaving, old_ones


def headline(shop: Shop, short: Any, long: Any, third: Any) -> None:
    """How many buy again within the short window and the long one, and how many of those a third time."""
    first = "**Of the customers new since {since}, {short} buy again within {within:.0f} days**"
    unknown = "**How many of the customers new since {since} buy again within {within:.0f} days: {short}**"
    say(f"{first if known(short) else unknown}{{longer}}. {{third}} {{old}}",
        since=f"{shop.history_start:%B %Y}", short=words(short, kind="survival"), within=short["horizon_days"],
        longer=_longer(short, long), third=_third(third), old=old_ones(shop))


def _longer(short: Any, long: Any) -> str:
    """How many buy again within the long window, where it is longer than the short one."""
    if long["horizon_days"] == short["horizon_days"]:
        return ""
    span = f"within {long['horizon_days']:.0f} days"
    return f", and {words(long, kind='survival')} {span}" if known(long) else f"; how many {span} is not known yet"


def _third(third: Any) -> str:
    """How many of those who soon bought twice buy a third time."""
    if not known(third):
        return "Too few have bought twice to say how many of them buy a third time."
    soon = f"Of those whose second purchase came within {third['latest']:.0f} days of the first"
    return f"{soon}, {words(third)} buy a third time within {third['horizon_days']:.0f} days of the second."


def cautions(shop: Shop, long: Any, third: Any, *, asked: int) -> None:
    """What would change the answer."""
    late = (
        f"Whoever bought the second time later than {third['latest']:.0f} days after the first "
        f"({third['late']:,.0f} customers) is not among them, and buys on at another rate.")
    say("Three cautions:\n\n1. {young}\n2. {history}\n"
        "3. People who buy often are over-represented among those who have bought twice. A third purchase that is "
        "likelier than the second says who is left, not that buying twice changes anybody. {late}",
        young=_young(long, asked), history=history(shop),
        late=late if third["late"] >= SHOWN else "")


def _young(long: Any, asked: int) -> str:
    """Of which span the data can say anything, and how many have not been followed for so long."""
    days, waiting = long["horizon_days"], long["too_young"]
    so = f"; {days:.0f} days are what this data can say" if known(long) else ""
    can = f"Too few customers have been followed for {asked} days to say anything of them{so}. "
    young = (
        f"{waiting / max(long['n'], 1):.0%} of the new customers have been followed for less than {days:.0f} days. "
        "They count for as long as we have seen them; the long figure leans on the older cohorts.")
    everybody = f"Every new customer has been followed for {days:.0f} days or longer."
    return (can if days < asked else "") + (young if waiting else everybody)


def back_by(short: Any, long: Any) -> str:
    """How many are back by the end of the short window, and of the long one."""
    found = capital(words(short, kind="survival", brief=True))
    if not known(short):
        return found
    later = f", {words(long, kind='survival', brief=True)} after {long['horizon_days']:.0f}"
    shown = long["horizon_days"] > short["horizon_days"] and known(long)
    return f"{found} are back after {short['horizon_days']:.0f} days{later if shown else ''}"


def early(shares: pd.DataFrame) -> None:
    """What part of those who are back by the long window were so by the short one, with the long one: alone the share has no meaning."""
    for row in shares.assign(at_risk=shares["observed"], n=shares["total_late"].astype(int)).to_dict("records"):
        say("Of those who buy again within {long:.0f} days, {part} do so within {short:.0f}. Such a share has no meaning without the {long:.0f} "
            "days: it is the smaller, the longer one waits.", long=row["horizon"], short=row["horizon_days"], part=words(row))


def leaving(shop: Shop, ends: pd.DataFrame | None, *, segment: str) -> None:
    """How many leave before they buy again, by the end of the long window."""
    if ends is None:
        say("{why}, so nobody is seen to leave before buying again.", why=no_leaving(shop, segment))
        return
    end = ends.iloc[-1]
    if end["n"] < FULL or pd.isna(end["rate"]):
        say("How many leave before buying again cannot be said yet.")
        return
    others = f", {end['left']:.0%} leave first (no contract any more), and {end['waiting']:.0%} have done neither"
    say("Leaving is an end of its own: within {days:.0f} days {again} buy again before they leave{others}.",
        days=end["horizon_days"], again=words(end, kind="survival"), others=others if exact(end) else "")


def plain_count(shop: Shop, plain: Any, long: Any) -> None:
    """Whether the plain count and the curve agree, and what the naive share would have said."""
    days = long["horizon_days"]
    if plain["n"] < SHOWN:
        say("Fewer than five customers have had the whole {days:.0f} days, so there is nothing to compare the curve "
            "with.", days=days)
        return
    if pd.isna(long["rate"]):
        say("The curve ends before day {days:.0f}, so there is nothing to compare the plain count with.", days=days)
        return
    agree = plain["low"] <= long["rate"] <= plain["high"]
    unsure = unsure_who_is_new(shop)
    cause = f"{unsure}, so the oldest may be customers of long before" if unsure \
        else "older and younger cohorts differ, so look at the cohorts below"
    naive = f"; the naive share would have said {plain['naive']:.1%}" if long["n"] >= FULL else ""
    say("After {days:.0f} days the plain count says {plain}, the curve {curve}: {agree}{naive}.",
        days=days, plain=words(plain), curve=words(long, kind="survival", brief=True),
        agree="they agree to within the interval" if agree else f"further apart than chance explains ({cause})",
        naive=naive if plain["too_young"] else "; nobody's window is open, so the naive share says the same")


def faster(shop: Shop, change: Any) -> str:
    """Whether newer cohorts come back faster; no direction where the difference itself cannot be given."""
    told = judged(change, kind="points") in TOLD
    if told and change["low"] > 0:
        return "Newer cohorts come back faster"
    if told and change["high"] < 0:
        return "Newer cohorts come back more slowly"
    old = ": nobody said whether the early months hold old customers" if unsure_who_is_new(shop) else ""
    return f"Whether newer cohorts come back faster cannot be told{old}"


def by_month(shop: Shop, change: Any, cohorts: pd.DataFrame) -> str:
    """What the months of first purchase show, if they show anything."""
    ripe = cohorts[cohorts["mature"]]
    if ripe.empty:
        return "No month is old enough yet"
    return faster(shop, change) if ripe["n"].max() >= SHOWN and change["n"] >= FULL else "Too few customers a month to say"


def trend(shop: Shop, change: Any, cohorts: pd.DataFrame, *, within: int) -> None:
    """The newer half of the months less the older half, where there are enough customers in them."""
    if change["n"] < FULL:
        return
    unsure = unsure_who_is_new(shop)
    if unsure:
        say("**{way}.** {why}, so whoever bought for the first time in the data may have been a customer for years, and such "
            "customers come back more often: if so, a fall from the early months to the later ones would say nothing about "
            "newer customers.", way=faster(shop, change), why=capital(unsure))
        return
    ripe, half = cohorts.loc[cohorts["mature"], "cohort"], int(change["months"])
    say("**{way}.** The share back within {within} days among those who first bought in {newer}, less that among those "
        "of {older}, is {apart}. {chance}", way=faster(shop, change), within=within, newer=_span(ripe.tail(half)),
        older=_span(ripe.head(half)), apart=words(change, kind="points"), chance=_chance(shop, change))


def _span(months: pd.Series) -> str:
    """The first month to the last, or the one."""
    return " to ".join(dict.fromkeys(f"{month:%B %Y}" for month in (months.iloc[0], months.iloc[-1])))


def _chance(shop: Shop, change: Any) -> str:
    """Whether chance can make such a difference."""
    if change["low"] <= 0 <= change["high"]:
        return "Chance alone can make such a difference."
    told = faster(shop, change).startswith("Newer")
    return "It is more than chance explains." if told else "These are too few customers to say more."


def months_drawn(cohorts: pd.DataFrame, drawn: pd.DataFrame, usual: float | None) -> None:
    """How the months drawn lie about the line of all (where there is one), and which are not drawn."""
    waiting = cohorts.loc[~cohorts["mature"], "cohort"]
    small = int((cohorts["n"] + cohorts["too_young"] < SHOWN).sum())
    few = f"Months with fewer than five new customers are not drawn: {small} of {len(cohorts)}."
    young = f"Not shown because too young: {', '.join(waiting.dt.strftime('%B %Y'))}."
    say("{young} {few} {near}", young=young if len(waiting) else "No month is too young to be shown.",
        few=few if small else "", near=_around(drawn, usual))


def _around(drawn: pd.DataFrame, usual: float | None) -> str:
    """How many of the months drawn lie near the line of all months, where there is one."""
    ripe = drawn[drawn["mature"]]
    if usual is None or len(ripe) < 2:
        return ""
    near = ((ripe["low"] <= usual) & (usual <= ripe["high"])).sum()
    lie = f"{near} {'lies' if near == 1 else 'lie'} as near to the line of all months"
    return f"Of the {len(ripe)} months drawn, {lie} as chance leaves 95 of 100."


def gated(steps: pd.DataFrame) -> pd.DataFrame:
    """The steps of five customers or more, each by name, and with no `rate` where only its interval may be said."""
    told = steps[steps["n"] >= SHOWN].dropna(subset=["low"])
    said = [judged(row) for row in told.to_dict("records")]
    alone = pd.Series(said, index=told.index, dtype=object) == "range"
    return told.assign(step=[f"purchase {k} to {k + 1}" for k in told["k"]], rate=told["rate"].mask(alone))


def oftener(steps: pd.DataFrame) -> str:
    """Whether those who soon bought often buy again more often than those who bought once."""
    if len(steps) < 2:
        return "Too few have bought often enough to compare"
    first, last = steps.iloc[0], steps.iloc[-1]
    seldom, often = ({1: "once", 2: "twice"}.get(row["k"], f"{row['k']} times") for row in (first, last))
    which = f"those who soon bought {often} buy again more often than those who bought {seldom}"
    return capital(which) if last["low"] > first["high"] else f"Whether {which} cannot be told"


def first_and_last(steps: pd.DataFrame) -> str:
    """The share after the first purchase and after the last that can be said, for who cannot see the chart."""
    if steps.empty:
        return ""
    first, last = (words(steps.iloc[i], brief=True) for i in (0, -1))
    return f"After the first it is {first}" + (f", after the last shown {last}." if len(steps) > 1 else ".")


def constant_habits(steps: pd.DataFrame) -> None:
    """How far a model of customers who never change is from what is seen."""
    most = (steps["expected"] - steps["rate"]).abs().max()
    if pd.isna(most):
        say("Too few repeat buyers to say what constant habits would look like.")
        return
    nearest = steps["expected"].clip(steps["low"], steps["high"])
    apart = (steps["expected"] - steps["rate"].fillna(nearest)).abs()
    off = steps.loc[(steps["expected"] != nearest) & (apart >= 0.01), "step"]  # under a point is no difference
    same = "within a point or inside the interval everywhere, so selection alone can explain what is seen"
    other = (
        f"and outside the interval at {', '.join(off)}: it does not reproduce what is seen there, and cannot say that "
        "it is selection alone")
    say("A model in which every customer keeps the same habits for ever (BG/NBD) is at most {points} away, {same}.",
        points=counted(max(round(most * 100), 1), "point"), same=same if off.empty else other)


def oldest(shop: Shop, steps: pd.DataFrame) -> None:
    """Where the oldest customers, taken alone, differ from all; nothing where they do not."""
    outside = (steps["rate"] < steps["mature_low"]) | (steps["rate"] > steps["mature_high"])
    wide = (steps["rate"] - steps["mature_rate"]).abs() >= 0.01
    off = steps[outside & wide & (steps["mature_n"] >= FULL)].to_dict("records")
    if not off:
        return
    unsure = unsure_who_is_new(shop)
    old = f"{capital(unsure)}, so these may be old customers seen for the first time, who come back more often: it says nothing about newer ones"
    say("The customers followed for {days:.0f} days or longer, taken alone, differ by more than chance explains: "
        "{where}. {cause}.", days=off[0]["latest"] + off[0]["horizon_days"],
        where="; ".join(f"{row['step']} {row['mature_rate']:.0%} against {row['rate']:.0%}" for row in off),
        cause=old if unsure else "Newer customers seem to buy otherwise")


def repeated(returning: Any, *, invoiced: float) -> str:
    """What part of the revenue comes after a customer's first day."""
    if not known(returning):
        return FEW
    money = f"all revenue{', invoices included,' if invoiced else ''}"
    found = f"{words(returning, brief=True)} of {money} comes after a customer's first day"
    return capital(found)


def repeat_revenue(sold: Any, returning: Any, bought: Any, *, invoiced: float) -> None:
    """The repeat revenue, what of it are invoices, and who is counted."""
    parts = (
        f"Invoices of contracts count as repeat, but for a new customer's first; they are {invoiced:.0%} of the "
        f"revenue and not purchases: of what was bought order by order, {words(bought)} comes after the first day.")
    also = " or who have invoices only" if invoiced else ""
    who = f"Here n is whoever has money in the books, also those whose every order was refunded{also}."
    say("Over everything in the data, repeat revenue is {share}. {parts} {who}", share=words(returning),
        parts=parts if invoiced and bought["total"] > 0 else "",
        who=who if returning["n"] > sold["customers"] else "")


def refunds(without: pd.DataFrame, kept: pd.DataFrame) -> None:
    """Whether it matters that refunded purchases are left out."""
    if without["rate"].isna().any() or without["n"].min() < FULL:
        say("{few} what counting refunded purchases would change.", few=FEW)
        return
    both = without.merge(kept[["horizon_days", "rate"]], on="horizon_days", suffixes=("", "_in"))
    ways = [f"{row['rate_in']:.1%} after {row['horizon_days']:.0f} days (without them {row['rate']:.1%})"
            for row in both.to_dict("records")]
    matters = ((both["rate_in"] - both["rate"]).abs() > (both["high"] - both["low"]) / 2).any()
    say("With refunded purchases counted as purchases the shares are {ways}: {matters}.", ways=" and ".join(ways),
        matters="more than the interval's half-width apart, so say which one you mean" if matters
        else "inside the interval, so it does not matter here")
