"""The sentences of page 03: how long customers stay, under contract or by a rule of days without a purchase."""

from __future__ import annotations

from typing import Any

import pandas as pd

from retainkit.errors import capital, counted
from retainkit.estimate.smalln import signed
from retainkit.load.shop import Shop
from retainkit.show.display import say
from retainkit.show.sentences import of_chance, shown, words
from retainkit.show.words import missing
from retainkit.tell.common import FEW, FULL, SHOWN, known, named, old_ones, tells

UNENDED = "The contracts here do not say when one ended (contracts.ended_at), so nobody could be seen to leave."
NO_END = "**No contract here has an end: nobody has left, or nobody wrote it down.** "
COLUMNS = {"contracts": "contract_id, customer_id, started_at and ended_at",
           "orders": "order_id, customer_id, ordered_at and amount"}


def lacking(shop: Shop, segment: str, table: str) -> None:
    """Why a section that is made of contracts, or of orders, cannot be made."""
    if table == "contracts" and shop.has("contracts"):
        say("{why}", why=UNENDED)
    elif segment and table in shop.tables:
        one = "a contract" if table == "contracts" else "an order"
        say("No customer of the segment {segment} has {one}.", segment=segment, one=one)
    else:
        needs = f"{table} with its {COLUMNS[table]}"
        say("This section needs a table {needs}; this shop has none.", needs=needs)


def ungrouped(shop: Shop, segment: str) -> None:
    """Why contracts cannot be compared by segment."""
    if not shop.has("contracts.ended_at"):
        lacking(shop, segment, "contracts")
    elif segment:
        say("There is one segment only: {segment}.", segment=segment)
    else:
        say("This section needs customers.segment to group contracts by.")


def under_contract(still: pd.DataFrame, months: pd.DataFrame, *, ends: int) -> None:
    """How many are still under contract at that age, and how many the last month lost."""
    say(("" if ends else NO_END) + "**{stayed}** {month} ", month=_last_month(months, "lost"),
        stayed=_stayed(still.iloc[0], "were still under contract", "first contract began"))


def by_rule(shop: Shop, still: pd.DataFrame, months: pd.DataFrame, *, rule: Any, back: pd.DataFrame) -> None:
    """How many have never lapsed at that age, and how many did last month; or why no rule says so."""
    old = old_ones(shop)
    if still.empty:
        say("**How long customers stay cannot be said yet.** Nothing says after how many days without a purchase "
            "somebody has left: {why}. The parameter `lapse_after` says it: `--set lapse_after=90`, say, when the "
            "report is built. {old}", why=rule["note"], old=old)
        return
    days = counted(int(rule["days"]), "day")
    month = _last_month(months, f"called lapsed (no purchase for {days})")
    say("**{stayed}** {month} {old}", month=month + _too_short(back[back["lapse_days"] == rule["days"]], days), old=old,
        stayed=_stayed(still.iloc[0], f"had never let {days} pass without buying", "first purchase"))


def _stayed(still: Any, what: str, began: str) -> str:
    """How many have stayed, and of how many that has been seen; where it cannot be said, that."""
    share, age = words(still, kind="survival"), counted(int(still["horizon_days"]), "day")
    if not tells(share):
        return f"How many customers {what} {age} after their {began}: {share}."
    seen = still["n"] - still["too_young"]
    few = f" Of these {still['n']:,}, {seen:,} have been seen for so long." if SHOWN <= seen < still["n"] / 2 else ""
    return f"{age} after a customer's {began}, {share} {what}.{few}"


def _last_month(months: pd.DataFrame, gone: str) -> str:
    """What the last finished month lost."""
    if months.empty:
        return "No finished month has a base to count from yet."
    last = months.iloc[-1]
    if last["n"] < SHOWN:
        return f"Too few were here when {named(last['month'])} began to say how many of them were {gone}."
    return f"In {named(last['month'])}, {words(last)} of those here at its start were {gone}."


def _too_short(back: pd.DataFrame, days: str) -> str:
    """That the rule calls many lost who are not, where about half of the lapsed came back."""
    broken = back[(back["n"] >= FULL) & (back["high"] > 0.5)]
    if broken.empty:
        return ""
    again = f"{words(broken.iloc[0])} bought again within {broken['horizon_days'].iloc[0]} days"
    are = "is" if days == "1 day" else "are"
    return f" But of those called lapsed, {again}: {days} {are} too short for a rule, and these numbers call many " \
           "lost who are not."


def cautions(shop: Shop, months: pd.DataFrame, *, asked: int, age: int, rule: Any, entered: int | None) -> None:
    """What would change the answer; `entered` counts contracts older than the history, None where purchases decide."""
    other = f"Too few customers have been followed for {asked} days, so it is said of day {age}."
    if age > asked:
        other = f"Nobody can lapse before day {rule['days']:.0f}, so it is said of day {age}."
    unended = UNENDED if entered is None and shop.has("contracts") else ""
    unruled = entered is None and missing(rule["days"])  # then it is said of no day
    first = [other if age != asked and not unruled else "", unended, _unseen(entered)]
    say("""Three cautions:

1. {first}
2. A month's churn is small and noisy{step}.
3. Twelve monthly rates do not multiply to a yearly one. {survivors}""",
        first=" ".join(filter(None, first)), step=_one_more(months),
        survivors="The base of a month is full of survivors, who leave less than newcomers do.")


def _unseen(entered: int | None) -> str:
    """What cannot have been seen: contracts that ended before the history, or lapses of the last days."""
    if entered is None:
        return "Nobody can be seen to lapse before the rule's days have passed, so the last stretch of the data " \
            "cannot show any lapse."
    if not entered:
        return "All contracts here began within the recorded history."
    count = "counts" if entered == 1 else "count"
    return f"{counted(entered, 'contract')} began before the recorded history and {count} from the day it begins " \
        "(delayed entry): any that had ended by then were never seen."


def _one_more(months: pd.DataFrame) -> str:
    """How far one more loss moves the last month's churn, where that is half a point or more."""
    base = 0 if months.empty else months["n"].iloc[-1]
    return "" if base < SHOWN or base > 200 else f": with {base:,} customers at its start, one more loss moves it by {100 / base:.2f} points"


def still_here(still: pd.DataFrame) -> str:
    """How many are still here at that age."""
    row = still.iloc[0]
    if not known(row):
        return FEW
    found = words(row, kind="survival", brief=True)
    return f"{capital(found)} are still here after {row['horizon_days']} days"


def early(shop: Shop, causes: pd.DataFrame, *, early_days: int) -> None:
    """What part of all customers early cancellation has taken."""
    taken = causes[causes["cause"] == "early_cancel"].dropna(subset=["rate"])
    noted = shop.has("contracts.cancel_requested_at")
    if given := causes["given"].max() if len(causes) else 0:
        say("How many left early cannot be said: of too few contracts the first {days} were seen, because the recorded "
            "history begins later.", days=counted(int(given), "day"))
    elif taken.empty:
        say("No contract has been followed to day {day} yet.", day=min(30, early_days))
    elif taken["n"].iloc[-1] < SHOWN:
        say("Too few customers to say what has become of them.")
    else:
        what = "early cancellation" if noted else f"leaving within {early_days} days"
        say("By day {day}, {what} has taken {share} of all customers.",
            day=taken["horizon_days"].iloc[-1], what=what, share=words(taken.iloc[-1], kind="survival"))


def unusual(months: pd.DataFrame, limits: pd.DataFrame) -> str:
    """Which months lie outside of what chance explains."""
    if short := limits["note"].iloc[0]:
        return f"Too little to say what is usual: {short}"
    odd = months[(months["rate"] > months["high998"]) | (months["rate"] < months["low998"])]
    if len(odd):
        return f"Outside of what chance explains: {', '.join(map(named, odd['month']))}"
    low, high = limits[["low", "high"]].iloc[-1]
    usual = "" if missing(low) else f": now {low:.1%} to {high:.1%} is usual"
    return f"No month is outside of what chance explains{usual}"


def cancelled(shop: Shop, months: pd.DataFrame, requests: pd.DataFrame) -> None:
    """How many left in the last month, and how many asked to; nothing without a month that five were here for."""
    if months.empty:
        return
    if not shop.has("contracts.cancel_requested_at"):
        say("This shop does not say on which day customers asked to leave (`contracts.cancel_requested_at`), so "
            "cancellation cannot be told from churn.")
    elif months["n"].iloc[-1] >= SHOWN:
        left, asked = months.iloc[-1], requests.iloc[-1]
        say("In {month}, {lost} of the opening base had their first day without a contract (churn), and {asked} asked "
            "to leave (cancellation): {rate}. The two are different days of the same story, and neither is the "
            "other's error.",
            month=named(left["month"]), lost=counted(left["lost"], "customer"), asked=asked["asked"], rate=words(asked))


def repeated_month(repeated: pd.DataFrame, *, month: str, gone: str) -> None:
    """What the last month makes of a base when repeated twelve times, which no year does."""
    if repeated.empty:
        say("Fewer than ten were {gone} in {month}, or it began with fewer than 20: too few to make a year of.", gone=gone, month=named(month))
    for row in repeated.to_dict("records"):
        say("If {month} repeated itself twelve times, {share} of a base would be {gone}; by plain adding, which counts the same people twice, "
            "{added:.0%}. No year does that: each month has a base of its own.", month=named(month), gone=gone, share=words(row), added=row["added"])


def revenue_kept(measures: pd.DataFrame) -> None:
    """What part of the revenue of a year ago the same customers still pay."""
    kept: dict[str, Any] = {row["measure"]: row for row in measures.dropna(subset=["value"]).to_dict("records")}
    if not {"grr", "nrr"} <= set(kept):
        say("There was no revenue twelve months ago to say what has been kept of it.")
    elif kept["grr"]["n"] < SHOWN:
        say("Too few customers paid anything twelve months ago to say what has been kept of it.")
    else:
        say("Of the monthly revenue of twelve months ago, {gross} is still paid by the same customers at the old level "
            "at most (gross), and {net} with what they added since (net{back}).",
            gross=words(kept["grr"], brief=True), net=words(kept["nrr"], brief=True), back=_returned(kept["nrr"]))
        if note := kept["grr"].get("note"):
            say("{note}.", note=capital(note))


def _returned(net: Any) -> str:
    """How much of the net revenue is of customers who had left and came back."""
    back = net.get("came_back", 0) / net["opening"] if net.get("came_back") else 0
    return f"; {100 * back:.1f} points of it from customers who left and came back" if back > 0 else ""


def days_apart(kept: pd.DataFrame) -> pd.DataFrame:
    """The average days kept by group, how many more or fewer than the others that is, and q, all in words."""
    told = shown(kept[["segment", "value", "low", "high", "n", "at_risk"]], kind="days_kept")
    more = [_more(row) for row in kept.to_dict("records")]
    return told.assign(**{"against the others, days": more, "q of the curves": [of_chance(q) for q in kept["q"]]})


def _more(row: Any) -> str:
    """How many days more, or fewer, a group keeps than the others, with a decimal where the interval is that narrow."""
    middle, low, high = row["difference"], row["difference_low"], row["difference_high"]
    if pd.isna(middle):
        return "too few"
    places = 1 if high - low < 2 else 0
    return f"{signed(middle, places, '+')} ({signed(low, places, '+')} to {signed(high, places, '+')})"


def longer(kept: pd.DataFrame, *, age: int) -> None:
    """Which segments stay longer than the others, and which less."""
    clear = kept[(kept["q"] < 0.05) & ((kept["difference_low"] > 0) | (kept["difference_high"] < 0))]
    apart = []
    for row in clear.to_dict("records"):
        days, more = abs(row["difference"]), "longer" if row["difference"] > 0 else "less"
        apart.append(f"{row['segment']} stays {days:.{0 if days >= 1.5 else 1}f} days {more} than the others")
    said = "; ".join(apart) or "no segment can be told apart from the others"
    say("In the first {age} days {said}.", age=age, said=said)


def buying_on(old: pd.DataFrame, same: pd.DataFrame, *, cohorts: int) -> str:
    """How many of the same customers buy in month 1 and in the last month that is old enough."""
    if old.empty:
        return "No month is old enough yet"
    if same.empty:
        return f"{old['rate'].iloc[0]:.0%} buy in month 1 after the first"
    first, last = same.to_dict("records")
    who = "cohort" if cohorts == 1 else f"{cohorts} cohorts"
    return f"The {who} seen to month {last['period']}: {first['rate']:.0%} buy in month 1 after the first, " \
           f"{last['rate']:.0%} in month {last['period']}"


def lapse_rule(rule: Any) -> None:
    """After how many days without a purchase a customer has lapsed, and where that is from."""
    if pd.isna(rule["days"]):
        say("No X can be chosen: {why}.", why=rule["note"])
    else:
        say("X = {days}: {why}.", days=counted(int(rule["days"]), "day"), why=rule["chosen_by"] + _of_gaps(rule))


def _of_gaps(rule: Any) -> str:
    """Of how many gaps the rule was made; nothing where it was given."""
    if not (gaps := int(rule["gaps"])):
        return ""
    few = ", too few for more than a guess" if gaps < FULL else ""
    return f" (of {counted(gaps, 'gap')} that {'is' if gaps == 1 else 'are'} over, and {rule['running']:,} that still run{few})"


def unlapsed(lapsed: pd.DataFrame, back: pd.DataFrame) -> None:
    """By which of the rules nobody has been followed for long enough to lapse."""
    for x in sorted(set(back["lapse_days"]) - set(lapsed["lapse_days"])):
        say("Nobody has been followed for long enough to say how many have not lapsed by X = {x}.", x=x)


def wrong_about(shop: Shop, under: pd.DataFrame) -> None:
    """How many under contract the rule would call lapsed; nothing where fewer than five are."""
    if under.empty or under["n"].iloc[0] < SHOWN:
        return
    of_all = " ({:.0%})" if under["n"].iloc[0] >= FULL else ""
    told = [f"{row['past']:,}{of_all.format(row['rate'])} at X = {row['lapse_days']}" for row in under.to_dict("records")]
    say("All new customers are counted, also those under contract, whose invoices are no purchases. Of the {n:,} of "
        "them under contract on {day}, the rule would call {told} lapsed: they pay, so it is wrong about them.",
        n=under["n"].iloc[0], day=f"{shop.as_of:%d %B %Y}", told=", ".join(told))
