"""The sentences of page 04: how many deals reps win, how many of their accounts leave, whether the two go together."""

from __future__ import annotations

from typing import Any

import pandas as pd

from retainkit.errors import capital, counted
from retainkit.estimate.rep_model import REVIEW, WATCH
from retainkit.estimate.smalln import signed, verdict
from retainkit.metrics.deals import STALE_SHARE
from retainkit.metrics.rep_map import RepMap
from retainkit.show.display import say
from retainkit.show.sentences import against, shown, words
from retainkit.show.words import missing
from retainkit.tell.common import SHOWN, tells

CLAIMED = (0.50, 0.70)  # "referrals close at 50 to 70 percent"
RATIOS = {"win odds": ("odds_ratio", "or_low", "or_high"), "churn": ("hazard_ratio", "hr_low", "hr_high")}


def headline(found: RepMap, closed: pd.DataFrame, *, since: Any, no_rate: str) -> None:
    """Whether winning and losing go together, whose deals to read, and how many are won."""
    rho, unsaid = _correlation(found)
    question = "whether the reps who win most also lose most"
    answer = f"Nobody can say yet {question}: {unsaid}" if unsaid else \
        "The reps who win more also lose more" if rho["low"] > 0 else \
        "The reps who win more lose less" if rho["high"] < 0 else f"Cannot tell {question}"
    sure = f"correlation {signed(rho['value'], 2)}, 95% interval {_ends(rho)}, {counted(len(found.reps), 'rep')}"
    say("**{answer}.** {rest}", answer=answer if unsaid else f"{answer} ({sure})",
        rest=f"{_to_read(found)} {_won(closed, since, no_rate)}".strip())


def called(found: RepMap) -> str:
    """Of how many reps to review the deals, and how many to watch; empty where nobody is called out."""
    review, watch = (int(found.reps["words"].eq(word).sum()) for word in (REVIEW, WATCH))
    parts = [f"review the deals of {counted(review, 'rep')}"] * (review > 0)
    return "; ".join([*parts, *[f"watch {counted(watch, 'rep')}, not enough evidence yet"] * (watch > 0)])


def notes(found: RepMap, stale: pd.DataFrame, *, no_rate: str) -> None:
    """How this was made: what was adjusted for, what counts as high, and the deals that nobody closes."""
    for note in found.notes:
        if not (found.withheld and note.startswith("high means")):  # without a map nothing is called high
            say("* {note}.", note=capital(note))
    end = "" if no_rate else ": the win rate of closed deals is too high by those nobody has closed as lost"
    for note in filter(None, stale["note"]):
        say("* {note}{end}.", note=capital(note), end=end)


def won_in_time(opened: pd.DataFrame, closed: pd.DataFrame, *, days: int) -> str:
    """How many of the deals opened are won in time, and how many of the closed ones."""
    if missing(opened["low"].iloc[0]) or closed["n"].iloc[0] < SHOWN:
        return "Too few deals to say"
    in_time, of_closed = words(opened.iloc[0], kind="survival", brief=True), words(closed.iloc[0], brief=True)
    return f"{capital(in_time)} of the deals opened are won within {days} days; of the closed ones {of_closed}"


def wins_outside(funnel: pd.DataFrame) -> str:
    """How many reps win more or less than luck explains."""
    mean = funnel["expected_rate"].iloc[0]
    half, double = mean / (2 - mean), 2 * mean / (1 + mean)  # the rates at half and at double the odds
    return _outside(funnel, half, double, few="Too few deals a rep to tell anybody from luck",
                    nobody="No rep lies outside what luck leaves one in 500 times")


def losses_outside(churn: pd.DataFrame) -> str:
    """How many reps' accounts leave more or less than luck explains."""
    return _outside(churn, 0.5, 2.0, few="Too few accounts a rep to tell anybody from luck",
                    nobody="No rep's accounts leave more, or less, than luck leaves one in 500 times")


def by_rep(funnel: pd.DataFrame, opened: pd.DataFrame, stale: pd.DataFrame, *, days: int) -> pd.DataFrame:
    """Each rep's share won of the deals closed, and of all that were opened; with a warning who leaves many open for long."""
    reps = funnel.sort_values("n", ascending=False, ignore_index=True)
    told = shown(reps[["rep", "rate", "low", "high", "n", "place"]], name="won of the closed")
    started, lies = (table.set_index("rep").reindex(reps["rep"]) for table in (opened, stale))
    told[f"of all opened, won within {days} days (95% interval)"], told["n opened"] = _cells(started, kind="survival")
    told[f"of the open, for {days} days or longer (95% interval)"], told["n open"] = _cells(lies)
    many = lies["note"].fillna("").ne("") & (lies["n"] >= SHOWN)
    told["closed share"] = ["too high" if flattered else "" for flattered in many]
    return told.rename(columns={"n": "n closed", "place": "among the lines"})


def left_open(reps: pd.DataFrame, *, days: int) -> None:
    """Of how many reps the share won of the closed deals is too high; nothing where it is of nobody."""
    if many := int(reps["closed share"].ne("").sum()):
        say("Of {many} of {all}, more than {share:.0%} of the open deals have been open for {days} days or longer: their share won of the "
            "closed deals leaves those out and is too high, their share won of all opened is not.",
            many=many, all=counted(len(reps), "rep"), share=STALE_SHARE, days=days)


def beyond(reps: pd.DataFrame, form: str) -> str:
    """Who lies beyond the 95% lines, each with the numbers that `form` names."""
    out = reps[~reps["place"].isin(["inside", "too few"])].to_dict("records")
    said = "; ".join(f"{row['rep']} {form.format_map(row)} ({row['place']})" for row in out)
    return f"Above or below the 95% lines: {said or 'nobody'}."


def own_losses(churn: pd.DataFrame) -> list[str]:
    """How much of what each rep is compared with is the rep's own, in a word where that is most of it."""
    return ["–" if missing(share) else f"{share:.0%}, {note}" if note else f"{share:.0%}" for share, note in zip(churn["self_share"], churn["note"], strict=True)]


def on_the_map(found: RepMap) -> str:
    """Who stands out on the map; where nobody does, how near anybody drawn on it comes to it."""
    there = _there(found.reps)
    if there.empty:
        return "Nobody drawn here is still a rep, so nobody is watched"
    if missing(most := there["p_joint"].max()):
        return "Of nobody can it be told yet: too few deals, or too few accounts that could have left"
    return capital(called(found)) or f"Nobody reaches the watch line; the highest probability is {most:.0%}"


def nearest(reps: pd.DataFrame) -> str:
    """The three reps who most probably win more and lose more, with where they lie."""
    said = [f"{row['rep']} {row['odds_ratio']:.2f} and {row['hazard_ratio']:.2f}, {row['p_joint']:.0%}"
            for row in _there(reps).dropna(subset="p_joint").nlargest(3, "p_joint").to_dict("records")]
    return f"Highest probability of both high: {'; '.join(said) or 'not known'}."


def wins_alone(reps: pd.DataFrame) -> pd.DataFrame:
    """What is known of each rep's winning: the odds, how surely they are high, and the deals they rest on."""
    told = pd.DataFrame({"rep": reps["rep"], "win odds": _ratio(reps, "win odds"), "q of winning more": reps["win_q"]})
    return told.assign(won=[f"{row['won']:.0f} of {row['n']:.0f}" for row in reps.to_dict("records")])


def behind_the_map(reps: pd.DataFrame, funnel: pd.DataFrame, churn: pd.DataFrame) -> pd.DataFrame:
    """What is known of each rep's winning and losing, with where the rep lies in either funnel."""
    table = wins_alone(reps)
    table.insert(3, "wins among the lines", reps["rep"].map(funnel.set_index("rep")["place"]))
    table["churn"] = _ratio(reps, "churn")
    table["q of losing more"] = reps["churn_q"]
    table["churn among the lines"] = reps["rep"].map(churn.set_index("rep")["place"])
    table["left / expected"] = ["–" if missing(row["expected"]) else f"{row['observed']:.0f} / {row['expected']:.1f}"
                                for row in reps.to_dict("records")]
    return table


def go_together(found: RepMap) -> None:
    """How far winning and losing go together over the reps of this company."""
    rho, unsaid = _correlation(found)
    model = f"The model's correlation is {signed(rho['value'], 2)}, anywhere from {_ends(rho)}; " \
            f"the probability that it is above zero is {rho['p_positive']:.0%}."
    note = f" ({capital(rho['note'])}.)" if rho["note"] and not unsaid else ""
    say("Do winning and losing go together among this company's reps? {model} "
        "A correlation over reps says nothing about a single deal.{note}",
        model=f"Nobody can say: {unsaid}." if unsaid else model, note=note)


def by_source(origin: pd.DataFrame) -> pd.DataFrame:
    """Each source's win rate and its difference to all the others in words; of fewer than five deals nothing."""
    ends = [f"{name}_{end}" for name in ("by_days", "standardised") for end in ("low", "high")]
    kept = origin.drop(columns=[*ends, "by_days_at_risk", "note"])
    opened = origin.filter(regex="^by_days").rename(columns=lambda name: name.removeprefix("by_days_"))
    kept["by_days"], kept["by_days_n"] = _cells(opened.rename(columns={"by_days": "rate"}), kind="survival")
    even = origin[["standardised", "standardised_low", "standardised_high", "n"]].set_axis(["rate", "low", "high", "n"], axis=1)
    kept["standardised"], _ = _cells(even)
    return against(kept, kind="proportion", name="won")


def referrals(origin: pd.DataFrame, sources: pd.Series, *, days: int) -> None:
    """The claim that referrals close at 50 to 70 percent, against this company's referrals."""
    said = origin[origin["source"].str.lower().eq("referral") & (origin["n"] >= SHOWN)]
    young = f"cannot tell yet, fewer than five that were opened {days} days ago or earlier are closed"
    if len(said) or sources.str.lower().eq("referral").any():
        claim = verdict(said["low"].iloc[0], said["high"].iloc[0], *CLAIMED) if len(said) else young
        say("Referrals against the claimed 50% to 70%: {claim}.", claim=claim)
    else:
        say("No source here is called referral.")


def velocity(pace: pd.DataFrame, *, unit: str) -> None:
    """The sales velocity, beside the revenue that was really won a day."""
    speed, won = pace.loc["velocity"], pace.loc["won_per_day"]
    said = words(speed, kind="money", unit=unit)
    if not tells(said):
        say("Not computed: {why}.", why=speed["note"] or "too few deals were opened so long ago")
        return
    say("Deals opened from {start} to {end}: velocity a day is {speed}. Money in the bank is the other number, won "
        "revenue a day: {won}. The two differ because the formula acts as if all deals of the window were worked on at "
        "once; it moves with the business, but it is not an amount anybody receives.{note}",
        speed=said, start=speed["opened_from"], end=speed["opened_to"],
        won=words(won, kind="money", unit=unit), note=f" {capital(speed['note'])}." if speed["note"] else "")


def velocity_parts(pace: pd.DataFrame, *, unit: str) -> pd.DataFrame:
    """What the velocity is made of, with how many deals each part is of; empty where there is no velocity."""
    if not tells(words(pace.loc["velocity"], kind="money", unit=unit)):
        return pd.DataFrame()
    kinds = {"win_rate": ("won, of the deals opened", "proportion"), "won_amount": ("amount of a won deal", "money"), "won_cycle_days": ("days to win one", "days")}
    return pd.concat([shown(pace.loc[[part], ["value", "low", "high", "n"]].assign(part=name)[["part", "value", "low", "high", "n"]], kind=kind, unit=unit)
                      for part, (name, kind) in kinds.items()], ignore_index=True)


def _correlation(found: RepMap) -> tuple[Any, str]:
    """The row of the correlation of winning and losing, and why it cannot be said: empty where it can."""
    rho = found.company.set_index("quantity").reindex(["rho"]).iloc[0]
    return rho, found.withheld or (str(rho["note"]) if missing(rho["value"]) else "")


def _ends(row: Any) -> str:
    """The ends of a correlation's interval."""
    return f"{signed(row['low'], 2)} to {signed(row['high'], 2)}"


def _there(reps: pd.DataFrame) -> pd.DataFrame:
    """The reps on the map who have not left: of fewer than five deals nobody is drawn."""
    return reps[~reps["departed"].astype(bool) & (reps["n"] >= SHOWN)]


def _to_read(found: RepMap) -> str:
    """Whose deals to read, where there is a map."""
    if found.withheld:
        return ""
    if call := called(found):
        return f"{capital(call)}; nobody is accused."
    more = "winning more and losing more than the company's average"
    return f"None of {counted(len(found.reps), 'rep')} can be told apart as {more}."


def _won(closed: pd.DataFrame, since: Any, no_rate: str) -> str:
    """How many of the closed deals were won, or why that is not said."""
    if no_rate:
        return "There is no win rate to compare."
    row = closed.iloc[0]
    few = "Too few deals are closed to say how many are won."
    return few if row["n"] < SHOWN else f"Of the deals closed since {since:%B %Y}, {words(row)} were won."


def _outside(reps: pd.DataFrame, half: float, double: float, *, nobody: str, few: str) -> str:
    """How many reps lie outside the outer lines; where none does, whether one with `half` or `double` would."""
    out = int(reps["place"].isin(["far above", "far below"]).sum())
    able = (reps["place"] != "too few") & ((reps["high998"] <= double) | (reps["low998"] >= half))
    lie = f"{out} of {counted(len(reps), 'rep')} {'lies' if out == 1 else 'lie'}"
    return f"{lie} outside the lines that luck leaves one in 500 times" if out else nobody if able.any() else few


def _cells(rates: pd.DataFrame, *, kind: str = "proportion") -> tuple[list[str], list[Any]]:
    """Estimates with their intervals as the cells of a table, and of how many each is."""
    table = shown(rates.filter(["rate", "low", "high", "n", "at_risk"]).fillna({"n": 0}).astype({"n": int}), kind=kind)
    return table["estimate (95% interval)"].tolist(), table["n"].tolist()


def _ratio(reps: pd.DataFrame, what: str) -> list[str]:
    """An odds or hazard ratio with its interval, a text a rep; the interval stays on one line."""
    middle, low, high = RATIOS[what]
    return [f"{row[middle]:.2f} ({row[low]:.2f}–{row[high]:.2f})" for row in reps.to_dict("records")]
