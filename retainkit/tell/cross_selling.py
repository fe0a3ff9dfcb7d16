"""The sentences of page 01: what new customers buy besides, and how much of it comes early."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from retainkit.errors import capital, counted
from retainkit.estimate.smalln import GATES, in_words, short_of
from retainkit.load.shop import Shop
from retainkit.load.stated import claims_quoted
from retainkit.metrics.claims import claim_bench
from retainkit.metrics.purchases import unsure_who_is_new
from retainkit.show.display import say
from retainkit.show.sentences import words
from retainkit.tell.common import FEW, SHOWN, exact, history, known, no_leaving, old_ones


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
        few = SHOWN <= row["observed"] < row["n"] / 2
        long = f" ({row['observed']:,} of these {row['n']:,} seen for so long)" if few else ""
        span = f"of those in the first {row['horizon']:.0f} days"
        unsaid = f"a share {span} that cannot be said yet ({row['why'].split('; ')[0]})"
        parts.append(unsaid if row["why"] else f"{words(row)} {span}{long}")
    part = f"The first {window} days hold {'; '.join(parts)}."
    alone = "To say what part of all their cross-sells that is takes a longer span, and enough customers followed for it."
    first = "**Of new customers, {early} are cross-sold within {window} days.**"
    unknown = "**How many new customers are cross-sold within {window} days: {early}.**"
    say(
        f"{first if known(early) else unknown} {{part}} {{old}}",
        early=words(early, kind="survival"),
        window=window,
        part=part if share["horizon"].max() > window else alone,
        old=old_ones(shop),
    )


def cautions(shop: Shop, share: pd.DataFrame, *, horizons: Sequence[int], leaves: bool) -> None:
    """What would change the answer."""
    last, asked = share.iloc[-1], [days for days in sorted(horizons) if days > share["horizon"].max()]
    unended = (
        "No contract of these customers has ended"
        if shop.has("contracts.ended_at")
        else "The contracts here do not say when one ended (contracts.ended_at)"
        if shop.has("contracts")
        else "These customers have no contracts"
    )
    young = f"{last['too_young'] / last['n']:.0%} of the new customers have been followed for less than {last['horizon']:.0f} days. " \
            "They count for as long as they were watched."
    say(
        "Four cautions:\n\n"
        "1. Change the span and the share changes: it is always larger for a shorter one. Compare it only with a share of the "
        "same number of days.\n"
        "2. {young} {short}\n"
        "3. {leave}\n"
        "4. {history}",
        young=young if last["too_young"] else f"Every new customer has been followed for {last['horizon']:.0f} days or longer.",
        short=f"The share of {' and '.join(map(str, asked))} days cannot be said yet." if asked else "",
        leave="Customers without a contract are never seen to leave; those with one count as gone from the first day "
        "without it."
        if leaves
        else f"{unended}, so nobody is seen to leave: a customer who will never be back still counts as waiting.",
        history=history(shop),
    )


def told(anyone: pd.DataFrame, *, leaves: bool) -> pd.DataFrame:
    """The shares by horizon, and beside them who left first and who waits, in the words their own intervals allow."""
    cells = {
        head: [in_words(row[name], row[f"{name}_low"], row[f"{name}_high"], row["n"], at_risk=row["at_risk"],
                        kind="survival", form="cell") for row in anyone.to_dict("records")]
        for name, head in (("left", "left first"), ("waiting", "neither yet"))[not leaves :]
    }
    return anyone.drop(columns=[c for c in map(str, anyone) if c.startswith(("left", "waiting"))]).assign(**cells)


def sold_by(early: Any, *, window: int, leaves: bool) -> str:
    """How many were cross-sold by the end of the window, and how many had gone."""
    found = capital(words(early, kind="survival", brief=True))
    if not known(early):
        return found
    gone = f", {early['left']:.0%} gone before it came to that" if leaves and exact(early) else ""
    return f"{found} cross-sold within {window} days{gone}"


def by_the_end(anyone: pd.DataFrame, *, leaves: bool) -> None:
    """How many were cross-sold by the last day that can be said, and how many had left by then; nothing where none can."""
    if len(anyone) and known(last := anyone.iloc[-1]):
        gone = f"; {last['left']:.0%} had left before it came to that" if leaves and exact(last) else ""
        say("By day {days:.0f}, {found} had been cross-sold{gone}.", days=last["horizon_days"], found=words(last, kind="survival"), gone=gone)


def leads(pair: Any) -> None:
    """Where the first cross-sells after the line with the most of them went."""
    line = "a first basket of several" if pair["entry_line"] == "several" else pair["entry_line"]
    say("No other line has more of them than {line}: of these, {part} went to {next}.", line=line, part=words(pair), next=pair["next_line"])


def spans(share: pd.DataFrame) -> pd.DataFrame:
    """The early share by span, and why it is not said where it is not; the window stands in the caption."""
    return share.drop(columns=["horizon_days", *([] if share["why"].any() else ["why"])])


def left_by_age(leaving: pd.DataFrame) -> pd.DataFrame:
    """The rates of leaving by age; n is those who left."""
    told = leaving[["window", "days", "value", "low", "high"]].assign(n=leaving["events"], window=leaving["window"].str.replace("-", "–"))
    return told.rename(columns={"window": "days of age", "days": "customer-days"})


def made_by(made: pd.DataFrame) -> str:
    """How many cross-sells a customer has made by each day that some have reached."""
    some = made[made["observed"] >= SHOWN].rename(columns={"observed": "at_risk"}).to_dict("records")
    days = [f"{words(row, kind='average', brief=True)} by day {row['horizon_days']:.0f}" for row in some]
    return f"Cross-sells a customer has made: {', '.join(days)}" if days else FEW


def by_age(rates: pd.DataFrame) -> str:
    """The cross-sell rate of the first band of ages and of the last with five cross-sells; of a handful no one number."""
    shown = rates[rates["n"] >= SHOWN]
    if shown.empty:
        return "Too few cross-sells to say when they come"
    ends = shown.iloc[[0, -1]].drop_duplicates("window").to_dict("records")
    each = [f"{words(row, kind='average', brief=True)} in days {row['window']}" for row in ends]
    return f"Cross-sells per 100 customer-months: {', '.join(each)}"


def of_lengths(lengths: pd.DataFrame) -> str:
    """The naive share on the shortest log and on the longest."""
    first, last = lengths.iloc[0], lengths.iloc[-1]
    return f"{words(first, brief=True)} on a log of {first['months']:.0f} months, {words(last, brief=True)} on one of {last['months']:.0f}"


def three_quarters(shop: Shop, line: pd.DataFrame) -> None:
    """The claim that three quarters of cross-sells come in the first 90 days, with the verdict that the bench of page 05 gives it."""
    mine = line[line["horizon_days"] == 90].to_dict("records")
    unsure, found = unsure_who_is_new(shop), "cannot tell"
    if mine:
        quoted: Any = next(claim for claim in claims_quoted() if claim["claim"] == "cross_sell_90_of_365")
        asked = {**quoted, "arguments": {"within_days": 90, "horizons": [int(mine[0]["horizon"])]}}
        found = claim_bench(shop, claims=[asked])["verdict"].iloc[0]
    say(
        '"75% of cross-sell comes in the first 90 days" (70% to 80%), set against {against}: **{found}**{why}. The sentence comes from '
        "retail banking and names no span.",
        found=found,
        against=f"this company's share of {mine[0]['horizon']:.0f} days" if mine else "no share of the first 90 days that can be said here",
        why=f", for {unsure}" if mine and unsure else "",
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
    later = f"in days {rates['window'].iloc[1 if rates['window'].iloc[0].startswith('0') else 0]}".replace("-", "–")
    ends = f"{ratio['ratio_low']:.1f} to {ratio['ratio_high']:.1f}"
    if fewest < SHOWN or not ratio["ratio_high"] < float("inf"):
        say("Too few have left to compare early and later leaving.")
    elif fewest >= GATES["window_events"].least:
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
    """What part of a longer span's revenue the first month brings, with the first order and without it."""
    if span <= 30 or not known(with_first):
        say("What part of the revenue of a longer span the first 30 days bring cannot be said yet.")
        return
    a, b = (words({**dict(row), "at_risk": row["observed"]}) for row in (with_first, after_first))
    later = f"Without the first purchase day, {b} of what comes after it." if known(after_first) else ""
    say(
        "The first 30 days bring {a} of the first {span} days' revenue{invoices}. {later}",
        a=a,
        span=span,
        invoices=", the invoices of contracts included" if invoices else "",
        later=later,
    )


def followed_through(shares: Sequence[pd.DataFrame]) -> list[pd.DataFrame]:
    """Those of the segments' shares of which 30 customers were followed for the span, as on the bench."""
    return [share for share in shares if share["observed"].iloc[0] >= GATES["observed_past"].least and known(share.iloc[0])]


def month_one_by_segment(shares: Sequence[pd.DataFrame], everybody: float) -> None:
    """Between which of some segments that share lies; nothing where they are fewer than two."""
    if len(shares) < 2:
        return
    kinds = pd.concat(shares).sort_values("rate")
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
