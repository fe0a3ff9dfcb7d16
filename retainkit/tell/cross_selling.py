"""The sentences of page 01: what new customers buy besides, and how much of it comes early."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from retainkit.errors import capital, counted
from retainkit.estimate.smalln import short_of, verdict
from retainkit.load.shop import Shop
from retainkit.show.display import say
from retainkit.show.sentences import words
from retainkit.show.words import missing
from retainkit.tell.common import FEW, no_leaving, old_ones

CLAIMED = (0.70, 0.80)  # "75% of cross-sell comes in the first 90 days"


def followed(shop: Shop, sold: Any) -> None:
    """Who is followed, from when on, and who is left out."""
    known = (
        f"{sold['customers'] - sold['new_customers']:,.0f} buyers were customers before the recorded history begins; "
        "when they first bought is not known, so they are left out."
    )
    guessed = (
        "Nobody said where the recorded history begins, so it is taken to begin with the first order: old customers "
        "seen for the first time then look new. `history_start` in retainkit.toml says it."
    )
    say(
        "{new:,.0f} **new** customers, who first bought on or after {start}, are followed from their first purchase day. "
        "{known}",
        new=sold["new_customers"],
        start=f"{shop.history_start:%d %B %Y}",
        known=known if shop.history_given else guessed,
    )


def gated(share: pd.DataFrame) -> pd.DataFrame:
    """The early shares with `why` one may not be shown yet ("" where it may), and without its numbers then."""
    why = [
        "; ".join(
            short_of(
                {
                    "cross_sells": row["total_late"],
                    "late_cross_sells": row["total_late"] - row["total_early"],
                    "observed_past": row["observed"],
                }
            )
        )
        for row in share.to_dict("records")
    ]
    told = share.assign(why=why)
    told[["rate", "low", "high"]] = told[["rate", "low", "high"]].where(told["why"] == "")
    return told


def headline(shop: Shop, early: Any, share: pd.DataFrame, *, window: int) -> None:
    """How many are cross-sold within the window, and what part of the cross-sells of each span that is."""
    parts = []
    for row in share.to_dict("records"):
        few = 5 <= row["observed"] < row["n"] / 2
        long = f" ({row['observed']:,} of these {row['n']:,} seen for so long)" if few else ""
        span = f"of those in the first {row['horizon']:.0f} days"
        unsaid = f"a share {span} that cannot be said yet ({row['why'].split('; ')[0]})"
        parts.append(unsaid if row["why"] else f"{words(row)} {span}{long}")
    part = f"The first {window} days hold {'; '.join(parts)}."
    alone = "Nobody has been followed for longer, so nothing can be said yet of what part of all cross-sells that is."
    known = early["n"] >= 5 and not missing(early["rate"])
    first = "**Of new customers, {early} are cross-sold within {window} days.**"
    unknown = "**How many new customers are cross-sold within {window} days: {early}.**"
    say(
        f"{first if known else unknown} {{part}} {{old}}",
        early=words(early, kind="survival"),
        window=window,
        part=part if share["horizon"].max() > window else alone,
        old=old_ones(shop),
    )


def cautions(shop: Shop, share: pd.DataFrame, *, horizons: Sequence[int], leaves: bool) -> None:
    """What would change the answer."""
    last, asked = share.iloc[-1], sorted(set(horizons) - set(share["horizon"]))
    unended = (
        "No contract of these customers has ended"
        if shop.has("contracts.ended_at")
        else "The contracts here do not say when one ended (contracts.ended_at)"
        if shop.has("contracts")
        else "These customers have no contracts"
    )
    say(
        "Three cautions:\n\n"
        "1. Change the span and the share changes: it is always larger for a shorter one. Compare it only with a share of the "
        "same number of days.\n"
        "2. {young:.0%} of the new customers have been followed for less than {long:.0f} days. They count for as long as they "
        "were watched. {short}\n"
        "3. {leave}",
        young=last["too_young"] / last["n"],
        long=last["horizon"],
        short=f"Of {' and '.join(map(str, asked))} days nothing can be said yet." if asked else "",
        leave="Customers without a contract are never seen to leave; those with one count as gone from the first day "
        "without it."
        if leaves
        else f"{unended}, so nobody is seen to leave: a customer who will never be back still counts as waiting.",
    )


def sold_by(early: Any, *, window: int, leaves: bool) -> str:
    """How many were cross-sold by the end of the window, and how many had gone."""
    if early["n"] < 5 or missing(early["rate"]):
        return FEW
    found = f"{words(early, kind='survival', brief=True)} cross-sold within {window} days"
    return capital(found) + (f", {early['left']:.0%} gone before it came to that" if leaves else "")


def made_by(curve: pd.DataFrame, *, window: int, reached: int) -> str:
    """How many cross-sells a customer has made by the end of the window, and by the end of the span."""
    by = {day: curve.loc[curve["age"] <= day, "value"].iloc[-1] for day in (window, reached)}
    later = f", by day {reached:.0f} {by[reached]:.2f}" if reached > window else ""
    return f"By day {window} a customer has made {by[window]:.2f} cross-sells{later}"


def of_lengths(lengths: pd.DataFrame) -> str:
    """The naive share on the shortest log and on the longest."""
    first, last = lengths.iloc[0], lengths.iloc[-1]
    return f"{words(first, brief=True)} on a log of {first['months']:.0f} months, {words(last, brief=True)} on one of {last['months']:.0f}"


def three_quarters(line: pd.DataFrame) -> None:
    """The claim that three quarters of cross-sells come in the first 90 days, against this company's share."""
    claim = verdict(line["low"].iloc[0], line["high"].iloc[0], *CLAIMED) if len(line) else "cannot tell"
    mine = (
        f"this company's share of {line['horizon'].iloc[0]:.0f} days"
        if len(line)
        else "nothing yet: no span beyond the window can be said"
    )
    say(
        '"75% of cross-sell comes in the first 90 days" (70% to 80%), set against {against}: **{claim}**. The sentence comes from '
        "retail banking and names no span.",
        claim=claim,
        against=mine,
    )


def nobody_leaves(shop: Shop, segment: str) -> None:
    """Why early and later leaving cannot be compared here."""
    say(
        "{why}, so nobody is seen to leave, and early and later leaving cannot be compared.",
        why=no_leaving(shop, segment),
    )


def leaving(rates: pd.DataFrame, *, window: int) -> None:
    """How much more often customers leave early than later."""
    ratio, fewest = rates.iloc[0], rates["events"].min()
    later = f"in days {rates['window'].iloc[1 if rates['window'].iloc[0].startswith('0') else 0]}"
    ends = f"{ratio['ratio_low']:.1f} to {ratio['ratio_high']:.1f}"
    if not ratio["ratio_high"] < float("inf"):
        say("Too few have left to compare early and later leaving.")
    elif fewest >= 10:
        say(
            "In the first {window} days of their first contract customers leave {times:.1f} times as often as {later} "
            "(95% interval {ends}; {left:.0f} left).",
            window=window,
            times=ratio["ratio"],
            later=later,
            ends=ends,
            left=rates["events"].sum(),
        )
    else:
        say(
            "In the first {window} days of their first contract customers leave between {ends} times as often as {later}: with "
            "{fewest} in one of the windows, one number would say too much.",
            window=window,
            ends=ends.replace(" to ", " and "),
            later=later,
            fewest=counted(fewest, "leaver"),
        )


def month_one(with_first: Any, after_first: Any, *, span: int, invoices: bool) -> None:
    """What part of a span's revenue the first month brings, with the first order and without it."""
    say(
        "The first 30 days bring {a} of the first {span} days' revenue{invoices}. Without the first purchase day, {b} of what comes "
        "after it.",
        a=words(with_first),
        b=words(after_first),
        span=span,
        invoices=", the invoices of contracts included" if invoices else "",
    )


def month_one_by_segment(shares: pd.DataFrame, everybody: float) -> None:
    """Between which segments that share lies; nothing where fewer than two have 20 customers."""
    kinds = (
        shares.dropna(subset=["segment", "rate"]).query("n >= 20").sort_values("rate")
        if "segment" in shares
        else shares[:0]
    )
    if len(kinds) < 2:
        return
    least, most = kinds.iloc[0], kinds.iloc[-1]
    say(
        "That is one sum of everybody's money, most of it from those who spend most. By segment it goes from {least}, {a}, to {most}, {b}; "
        "{most} are {share:.0%} of the new customers.",
        a=words(least),
        least=least["segment"],
        b=words(most),
        most=most["segment"],
        share=most["n"] / everybody,
    )
