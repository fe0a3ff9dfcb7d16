"""The sentences of page 05, first half: what is news, what to ask next, and what customers bring, cost and say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from retainkit.errors import capital, counted
from retainkit.load.shop import Shop
from retainkit.metrics.changes import NEWS, USUAL
from retainkit.metrics.purchases import unsure_who_is_new
from retainkit.show.card import card_table
from retainkit.show.display import say
from retainkit.show.sentences import shown, words
from retainkit.show.words import missing
from retainkit.tell.common import FEW, SHOWN, named, tells

PAGES = {"buying again": "02", "staying": "03", "deals": "04"}  # where a section of the scorecard has a page of its own


def nobody_new(newest: Any, month: str) -> str:
    """That nobody new has come for a month or more; "" where somebody has, or nobody ever did."""
    long_ago = not missing(newest) and f"{newest:%Y-%m}" < month
    return f"The last to buy for the first time did so in {newest:%B %Y}." if long_ago else ""


def headline(shop: Shop, card: pd.DataFrame, now: pd.DataFrame, *, blind: int, back: pd.DataFrame, dried: str) -> None:
    """What moved, and where the company is."""
    parts = [f"{row['number']} {row['now']}, n = {row['n']:,}" if row["n"] >= SHOWN else f"{row['number']}: {row['now']} to say"
             for row in now.to_dict("records")]
    more = [dried]
    if len(back):
        days = back["horizon_days"].iloc[0]
        more.append(f"Of those who had lapsed, {words(back.iloc[0])} bought again within {days} days.")
    if shop.has("orders") and (unsure := unsure_who_is_new(shop)):
        more.append(f"{capital(unsure)}: many of those counted as new may be old customers.")
    say("**{moved}.** Where we are (95% range; of all since {start}, unless said otherwise): {parts}. {more}",
        moved=moved(card, blind=blind), start=f"{shop.history_start:%B %Y}",
        parts="; ".join(parts) or "nothing can be said yet", more=" ".join(filter(None, more)))


def moved(card: pd.DataFrame, *, blind: int) -> str:
    """Which numbers moved by more than chance; where none did, whether that says anything."""
    judged, fresh = _judged(card), _fresh(card)
    those = f"{judged} numbers that can be judged" if judged > 1 else "one number that can be judged"
    if len(fresh):
        which = f"{len(fresh)} of the {those}" if judged > 1 else f"The {those}"
        return f"{which}, of {len(card)}, moved more than chance explains: {'; '.join(fresh['label'])}"
    if not judged:
        few = "The one number there is cannot be judged yet", "These data give no number of the scorecard"
        return f"None of the {len(card)} numbers can be judged yet" if len(card) > 1 else few[card.empty]
    if blind == judged:
        any_of = "any of the " if judged > 1 else "the "
        return f"No month twice as bad would have shown in {any_of}{those}, of {len(card)}: that nothing did is no news"
    if judged == 1:
        return f"One number of {len(card)} can be judged: it did not move more than chance explains"
    hidden = f"; in {blind} of them even a month twice as bad would have looked like chance" if blind else ""
    return f"None of the {those}, of {len(card)}, moved more than chance explains{hidden}"


def cautions(shop: Shop, card: pd.DataFrame, *, blind: int) -> None:
    """What would change the answer."""
    judged = _judged(card)
    pages = f"{500 / (judged or 1):,.0f} pages"
    alarms = f"With {counted(judged, 'number')} judged, a false alarm comes about once in {pages}."
    those = "that number" if judged == 1 else f"{blind} of them"
    noise = f" Of {those} a month twice as bad would be noise too: there, no news says little." if blind else ""
    say("""Three cautions:

1. A move is news only outside of what quiet months do. The column "news or noise" has the newest month that is old \
enough, and the range in which 998 of 1,000 months lie when nothing changes; of a survey it is not its usual range, \
but what chance alone makes of the score before. {often}
2. Values a month and a year ago are the same number as it was known then, of customers of the same age.
3. {young}""",
        often=alarms + noise if judged else "That takes twelve such months, and here no number has them.",
        young="A score of a survey knows those who answered. See below who did not." if shop.has("responses")
        else "A range holds chance only: not a price change, a wrong export or an odd month.")


def ask(card: pd.DataFrame, questions: Sequence[str], *, blind: int) -> None:
    """The questions in order, below what the scorecard asks for as a whole."""
    judged = _judged(card)
    quiet = "None of the numbers that can be judged asks for a meeting this month."
    if len(_fresh(card)):
        first = "What is news first, then what needs a decision."
    elif not judged:
        first = "Nothing can be judged yet: the table above says why." if len(card) \
            else "There is no number to judge: the table above says what is missing."
    elif 2 * (judged - blind) > len(card):
        first = f"{quiet} {'What follows takes longer.' if questions else 'Leave things alone.'}"
    else:
        first = _no_all_clear(len(card), judged, blind)
    places = "".join(f"\n\n{{question{i}}}" for i in range(len(questions)))
    say("{first}" + places, first=first, **{f"question{i}": f"({i + 1}) {asked}" for i, asked in enumerate(questions)})


def _no_all_clear(numbers: int, judged: int, blind: int) -> str:
    """That a month twice as bad would not have shown in half of the numbers or more."""
    chance = "a month twice as bad would have looked like chance"
    if numbers == judged:
        return f"In {blind} of the {numbers} numbers {chance}: that none moved is no all-clear."
    did = "the one that can be did" if judged == 1 else f"the {judged} that can be did"
    more = f", and in {blind} more {chance}" if blind else ""
    return f"{numbers - judged} of the {numbers} numbers cannot be judged{more}: that {did} not move is no all-clear."


def ask_whom(dried: str) -> list[str]:
    """Where nobody new comes: whether that is so."""
    return [f"{dried} Is nobody new to be won, or is the export that of old customers only?"] if dried else []


def ask_news(card: pd.DataFrame) -> list[str]:
    """Of each number that moved: which customers it was."""
    asked = []
    for row in _fresh(card).to_dict("records"):
        page, news = PAGES.get(row["section"]), row["news"].removeprefix("news: ")
        place = f"Page {page} has it by month and segment." if page else "Its section is below."
        asked.append(f"{row['label']}, {row['month']}: {news}. Which customers, and what happened to them? {place}")
    return asked


def ask_price(times: pd.DataFrame, *, by: str | None, days: int, margin: float) -> list[str]:
    """Of what may cost more than it brings: what it is bought for."""
    brings = "all revenue" if margin == 1 else f"revenue times {margin:.0%}"
    dear = "It does not cover the cost in that time: what is it bought for?"
    open_yet = "Nobody can tell yet whether it covers the cost in that time: wait before spending more on it."
    asked = []
    for row in times[(times["low"] < 1) & (times["n"] >= SHOWN)].to_dict("records"):
        whose, so_often = row[by] if by else "a new customer", words({**row, "value": float("nan")}, kind="ratio", brief=True)
        asked.append(f"{whose}: {brings} of a customer in {days} days is {so_often} what winning one costs. "
                     f"{dear if round(row['high'], 1) < 1 else open_yet}")  # one that reads "up to 1.0 times" does not say so
    return asked


def ask_silent(card: pd.DataFrame, fate: pd.DataFrame) -> list[str]:
    """Where those who leave do not answer: who calls them."""
    if not _silent(fate):
        return []
    left, others = fate.to_dict("records")
    score = card_table(card[card["metric"] == "nps.score"])["now"].iloc[0]
    return [f"The score of {score} hears little of those about to leave: of all under contract, invited or not, of "
            f"those who left soon after {words(left)} had answered, and of the others {words(others)}. "
            "Who calls those who are silent?"]


def ask_goals(aims: pd.DataFrame) -> list[str]:
    """Of each goal that nothing moves towards: whether anything is done for it."""
    asked = []
    for row in aims[aims["status"].isin(["behind", "no visible change"])].to_dict("records"):
        goal = f"{row['label']} ({row['group']})" if row["group"] else row["label"]
        asked.append(f"Goal: {goal}: {row['status']}, {row['note']}. Is the target right, and is anything done for it "
                     "that was not done before?")
    return asked


def odd_months(rates: pd.DataFrame, limits: pd.DataFrame) -> str:
    """Which months lie outside of what chance explains around the usual level."""
    if limits["note"].iloc[0]:
        return f"What is usual cannot be said yet: it {limits['note'].iloc[0]}"
    odd = rates.loc[(rates["rate"] > rates["high998"]) | (rates["rate"] < rates["low998"]), "month"]
    none = f"No month is outside of what chance explains around {limits['usual'].iloc[0]:.0%}"
    return f"Outside of what chance explains: {', '.join(map(named, odd))}" if len(odd) else none


def months_drawn(every: pd.DataFrame, limits: pd.DataFrame) -> str:
    """What is drawn of every month's repeat purchase rate, and which months are not."""
    opening = int(every["opening"].sum())
    grey = "; grey: where 998 of 1,000 months lie by chance, from the months before the last"
    young = f"; left out: the first months of the log ({opening}), in which most buyers were new and had little time " \
            "to come twice"
    shared = "Share of a month's buyers who bought on two days of it, 95% interval"
    return shared + ("" if limits["note"].iloc[0] else grey) + (young if opening else "")


def stayed(years: pd.DataFrame) -> str:
    """What share of the customers of the latest twelve months have stayed."""
    last = years.iloc[-1]
    return f"{capital(words(last, brief=True))} of the customers of twelve months before {named(last['month'])} have stayed"


def no_retention(shop: Shop, *, ruled: bool) -> None:
    """Why of nobody, or of too few, it is known whether they stayed; `ruled` where a rule says who has lapsed."""
    if shop.has("contracts.ended_at"):
        say("Of fewer than five customers it is known whether they stayed twelve months: the recorded history begins "
            "in {start}.", start=f"{shop.history_start:%B %Y}")
        return
    unended = "The contracts do not say when one ended (contracts.ended_at), so that nobody could be seen to leave"
    instead = ": page 03 has the rule for lapsed customers, and the scorecard above its month"
    say("{whose}{instead}.", whose=unended if shop.has("contracts") else "Without contracts nobody says goodbye",
        instead=instead if ruled else "")


def brings(curve: pd.DataFrame, *, unit: str, margin: float) -> str:
    """What a new customer brings by the end of the curve."""
    last = curve.iloc[-1]
    taken = "of revenue" if margin == 1 else f"at {margin:.0%} margin"
    value = words({**last, "n": curve["observed"].iloc[0], "at_risk": last["observed"]}, kind="money", unit=unit, brief=True)
    return f"On average a new customer brings {value} {taken} in {last['age']:,.0f} days" if tells(value) else FEW


def predicted(guessed: pd.DataFrame) -> str:
    """How many purchases the model said that everybody would make, and how many came."""
    everybody = guessed[guessed["who"] == "everybody"].iloc[0]
    said, came = f"{everybody['predicted']:,.0f}", f"{everybody['came']:,.0f}"
    return f"Held back from the model: it said {said} purchases, and {came} came"


def largest(kinds: pd.DataFrame, costs: pd.DataFrame, *, unit: str) -> None:
    """Who the average customer mostly is, and what is not known of the segments."""
    most = kinds[kinds["segment"] != "unknown"].sort_values("n").iloc[-1]
    average = words(costs.iloc[0], kind="money", unit=unit) if len(costs) else ""
    say("The average of all is no customer that there is: {share:.0%} of the new customers are {most}, who bring "
        "{value}. {cost}", share=most["n"] / kinds["n"].sum(), most=most["segment"],
        value=words(most, kind="money", unit=unit),
        cost=f"What winning one costs is not known by segment; the average of all is {average}." if average else "")


def value_and_cost(tables: Mapping[str, pd.DataFrame], *, by: str | None, unit: str, days: int) -> pd.DataFrame:
    """What a new customer brings and costs, and when that is earned back, in words: a row a source that has both."""
    heads = {"worth": f"value in {days} days", "cost": "cost of winning one", "times": "value over cost"}
    counts = {"worth": "n", "cost": "n (cost)"}  # a ratio is of those of its value
    key = [by] if by else []
    back = tables["back"]
    wide = back[key].assign(**{"cost covered by": [_covered(row, days) for row in back.to_dict("records")]})
    for name, head in reversed(heads.items()):
        kind = "ratio" if name == "times" else "money"
        told = tables[name].rename(columns={"observed": "at_risk"}).reindex(columns=[*key, "value", "low", "high", "n", "at_risk"])
        part = shown(told, kind=kind, unit=unit, name=head)
        part = part.rename(columns={"n": counts[name]}) if name in counts else part.drop(columns="n")
        wide = part.merge(wide, on=by) if by else part.join(wide)
    return wide


def bought_when(costs: pd.DataFrame, *, by: str | None, margin: float) -> str:
    """Of whom value and cost are, at which margin, and from when the spending is."""
    whose = "By where the customer came from" if by else "Of all new customers"
    lag = int(costs["lag_months"].iloc[0])
    spent = f"that of {counted(lag, 'month')} earlier" if lag else "of the months in which they came"
    return f"{whose}, at {margin:.0%} margin; spending is {spent}"


def _covered(row: Any, days: int) -> str:
    """By which day the cost is covered."""
    if row["n"] < SHOWN:
        return FEW.lower()
    if row["high"] == 0:
        return "day 0, by the first purchase"
    if missing(row["value"]):
        unseen = f"cannot tell: day {row['low']:,.0f} at the earliest, perhaps not within {days} days"
        return row["note"] or "not known" if missing(row["low"]) else unseen
    last = f"later than {days}" if missing(row["high"]) else f"{row['high']:,.0f}"
    return f"day {row['value']:,.0f} ({row['low']:,.0f} to {last})"


def at_margin(margin: float, *, by: str | None) -> None:
    """What the margin does to value over cost, and what comparing sources leaves out."""
    given = margin != 1
    worth = "So value is revenue: a margin of one half halves each value over cost, and puts off the day."
    mixed = "Sources differ in their mix of segments, so a source that looks good may only be one of large customers."
    say("**At {margin:.0%} margin{why}.** {worth} {more}", margin=margin,
        why="" if given else ", because none was given", worth="" if given else worth, more=mixed if by else "")


def no_costs(shop: Shop) -> None:
    """Why nobody knows what winning a customer costs; nothing where that nobody has bought is said already."""
    if shop.has("orders") and not shop.has("spend"):
        say("Acquisition cost, value over cost and payback need a table `spend` with month, category and amount.")
    elif shop.has("orders") and shop.part:
        say("Spending is known of the whole company, not of {part}: what winning or keeping one of these customers "
            "costs, and when it is earned back, cannot be said. The page of all customers has it.",
            part=shop.part.replace("=", " "))


def who_answers(fate: pd.DataFrame) -> None:
    """Whether those about to leave answer a survey as often as the others."""
    if not _known(fate):
        say("Too few customers have left soon after a survey to say whether they had answered it.")
        return
    left, others = fate.to_dict("records")
    silent = "Whoever is about to leave answers less, so the score knows little of them, and no interval covers that."
    say("Of all customers under contract when a survey went out, invited or not, of those who left within 180 days "
        "{left} answered it, and of the others {stayed}. Compare the two, and not with the response above, which is of "
        "those invited. {so}", left=words(left), stayed=words(others),
        so=silent if _silent(fate) else "We cannot tell that the two differ.")


def _known(fate: pd.DataFrame) -> bool:
    """Whether of those who left soon after, and of the others, there are five or more."""
    return len(fate) == 2 and bool(fate["n"].ge(SHOWN).all())


def _silent(fate: pd.DataFrame) -> bool:
    """Whether those who left soon after had visibly answered less often than the others."""
    return _known(fate) and bool(fate["high"].iloc[0] < fate["low"].iloc[1])


def _fresh(card: pd.DataFrame) -> pd.DataFrame:
    """The numbers that moved by more than chance."""
    return card[card["news"].str.startswith(NEWS)]


def _judged(card: pd.DataFrame) -> int:
    """How many numbers can be judged, month against month."""
    return int(card["news"].str.startswith((NEWS, USUAL)).sum())
