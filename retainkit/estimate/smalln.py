"""What may be said when there are few customers: every threshold of the kit, and the words for it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import pandas as pd

from retainkit.errors import BadValueError, listed, one_of


@dataclass(frozen=True)
class Gate:
    """The least count from which a quantity may be shown, what is counted, and why that many."""

    least: float
    counted: str
    reason: str


GATES: Mapping[str, Gate] = MappingProxyType({
    "customers_shown": Gate(5, "customers", "fewer would show what single customers did"),
    "customers_full": Gate(20, "customers at the start", "with 5 to 19 only the ends of the interval hold"),
    "at_risk": Gate(10, "customers at risk at the horizon", "one customer of fewer moves a curve by points"),
    "cross_sells": Gate(30, "cross-sells up to the horizon", "the share of a handful is noise"),
    "late_cross_sells": Gate(10, "cross-sells after the early window", "the late part is half of the ratio"),
    "observed_past": Gate(30, "customers observed past the horizon", "few speak for everybody's late part"),
    "window_events": Gate(10, "events in each window", "at 150 customers the ends are still 3.4-fold apart"),
    "closed_deals": Gate(10, "closed deals", "a win rate of fewer has no position"),
    "expected_losses": Gate(1, "expected losses", "with less, nothing lost is what anybody would show"),
    "flag_expected": Gate(3, "expected losses for a flag", "a flag needs more than one account's bad luck"),
    "flag_observed": Gate(3, "observed losses for a flag", "a flag needs more than one account's bad luck"),
    "correlated_reps": Gate(10, "reps with 2 expected losses", "a correlation of a few reps is a coin toss"),
    "projected_periods": Gate(4, "periods observed", "a projection needs a bend to follow"),
    "projected_losses": Gate(50, "losses", "the shape of the curve comes from those who left"),
    "repeat_buyers": Gate(50, "customers who bought again", "habits are learnt from those who came back"),
    "held_out": Gate(100, "purchases held back", "with fewer, a model that is 20 % off looks right"),
    "answers": Gate(15, "answers", "below that the score's interval spans half the scale"),
    "answers_compared": Gate(30, "answers in both waves", "a change has the noise of two scores"),
    "staff_answers": Gate(8, "answers", "fewer of a team would show what single people said"),
    "units_per_arm": Gate(4, "units in each arm", "teams drift; with fewer, drift reads as effect"),
    "baseline_months": Gate(12, "baseline months", "limits from less than a year miss the season"),
})  # fmt: skip

# How an estimate is written, by what `judge` says of it: in a sentence, and in the cell of a table.
WRITTEN: Mapping[str, tuple[str, str]] = MappingProxyType({
    "hidden": ("too few to say (n < {least:.0f})", "too few"),
    "unknown": ("not known yet (n = {n:,})", "not known yet"),
    "range": ("{between}{after} (n = {n:,})", "{span}{after}"),
    "rough": ("roughly {middle}{after} ({level:g}% interval {ends}, n = {n:,})", "about {middle}{after} ({ends})"),
    "number": ("{middle}{after} ({level:g}% interval {ends}, n = {n:,})", "{middle}{after} ({ends})"),
})
TOLD = ("number", "rough")  # what `judge` says of an estimate that may be given as one number

# Half-widths up to which an estimate is a number, and up to which it is a rough one. Shares and their
# differences in points; the rest as a part of the estimate, since a width of 10 means nothing without it.
WIDTHS: Mapping[str, tuple[float, float]] = MappingProxyType({
    "survival": (0.10, 0.20),
    "proportion": (0.10, 0.20),
    "points": (0.10, 0.20),
    "money": (0.20, 0.50),
    "average": (0.20, 0.50),
    "days": (0.20, 0.50),
    "days_kept": (0.20, 0.50),
    "ratio": (0.50, 1.00),
    "number": (0.10, 0.20),
    "score": (10.0, 20.0),  # net promoter points, -100 to 100
})  # fmt: skip
RELATIVE = ("money", "average", "days", "days_kept", "ratio")
MINUS = "\N{MINUS SIGN}"
AFTER = {"days": " days", "days_kept": " days", "ratio": " times", "points": " points", "score": " points"}

# Numbers that say which row it is: they stay when a row's figures are hidden.
NAMING = ("horizon_days", "horizon", "k", "period", "lapse_days", "months", "time", "age", "step")



def judge(
    rate: float, low: float, high: float, n: int, *, at_risk: float | None = None, kind: str = "proportion"
) -> str:
    """How much of an estimate may be shown.

    Parameters
    ----------
    rate, low, high
        The estimate and its interval.
    n
        Customers behind it.
    at_risk
        Customers still at risk at the horizon, for a survival or incidence curve.
    kind
        "survival", "proportion", "points" (a difference of shares), "money", "average", "days", "days_kept" (the area under
        a survival), "ratio", "number" or "score" (net promoter points): which widths count as narrow. A score needs 15 answers, all
        others 20 customers (deals, accounts): of fewer only the ends of the interval hold.

    Returns
    -------
    str
        "hidden" (n below 5, or a score of a team too small to be shown), "unknown" (no interval, as past the last
        follow-up), "range" (the interval alone, also where there is no estimate in it), "rough" or "number".

    Examples
    --------
    >>> judge(0.62, 0.41, 0.83, 14, kind="survival")
    'range'
    >>> judge(0.228, 0.222, 0.233, 3_120)
    'number'
    """
    if kind not in WIDTHS:
        raise BadValueError("kind", "is not a kind of estimate", str(kind), f"one of {listed(WIDTHS)}")
    if n < GATES["customers_shown"].least or (kind == "score" and math.isnan(rate) and math.isnan(low)):
        return "hidden"
    if math.isnan(low) or math.isnan(high):
        return "unknown"
    few = n < GATES["answers" if kind == "score" else "customers_full"].least
    few_left = at_risk is not None and at_risk < GATES["at_risk"].least
    half = (high - low) / 2 / (abs(rate) if kind in RELATIVE and rate else 1.0)
    narrow, wide = WIDTHS[kind]
    if few or few_left or math.isnan(rate) or half > wide:
        return "range"
    return "rough" if half > narrow else "number"


def in_words(
    rate: float,
    low: float,
    high: float,
    n: int,
    *,
    at_risk: float | None = None,
    kind: str = "proportion",
    level: float = 0.95,
    unit: str = "",
    form: str = "sentence",
    edges: Sequence[float] = (),
) -> str:
    """An estimate as the words that its interval supports, with no more digits than it supports.

    Parameters are those of `judge`, and

    level
        Confidence level of the interval.
    unit
        The currency, written before an amount of money: "$", "EUR ".
    form
        "sentence", "brief" (a sentence without its interval and n), or "cell" (of a table).
    edges
        What its ends are held against: one that lies just beside an edge has as many digits as show on which side.

    Examples
    --------
    >>> in_words(0.22791, 0.22213, 0.23349, 3_120)
    '22.8% (95% interval 22.2%–23.3%, n = 3,120)'
    >>> in_words(0.25, 0.12, 0.45, 40)
    'roughly 25% (95% interval 12%–45%, n = 40)'
    >>> in_words(0.62, 0.41, 0.83, 14, kind="survival")
    'between 41% and 83% (n = 14)'
    >>> in_words(1.0, 0.34, 1.0, 2), in_words(math.nan, math.nan, math.nan, 7, kind="score")
    ('too few to say (n < 5)', 'too few to say (n < 8)')
    >>> in_words(723.4, 671.2, 781.9, 1_500, kind="money", unit="$")
    '$720 (95% interval $670–$780, n = 1,500)'
    >>> in_words(2.67, 1.44, 4.9, 150, kind="ratio")
    'roughly 2.7 times (95% interval 1.4–4.9, n = 150)'
    >>> in_words(0.05, -0.0026, 0.11, 640, kind="points", form="cell")
    '+5.0 points (−0.3 to +11.0)'
    """
    said = judge(rate, low, high, n, at_risk=at_risk, kind=kind)
    half = (high - low) / 2 if math.isfinite(high - low) else abs(low)
    middle, bottom, top = (
        written(value, half, kind, unit, beside) if math.isfinite(value) else "" for value, beside in ((rate, ()), (low, edges), (high, edges)))
    to = " to " if kind in ("score", "points") or low < 0 else "–"  # these may be below zero
    ends, alone = f"{bottom}{to}{top}", bottom if bottom == top else "" if top else f"above {bottom}"
    least = GATES["staff_answers" if n >= GATES["customers_shown"].least else "customers_shown"].least  # only those of employees are hidden from five on
    text = WRITTEN[said][form == "cell"].format(middle=middle, ends=ends, after=AFTER.get(kind, ""), n=n, level=level * 100, least=least,
                                                between=alone or f"between {bottom} and {top}", span=alone or ends)
    return text.partition(" (")[0] if form == "brief" else text


def short_of(counts: Mapping[str, float]) -> list[str]:
    """Which gates a quantity fails, in words; an empty list lets it through.

    Parameters
    ----------
    counts
        What was counted, by the name of the gate in `GATES`.

    Examples
    --------
    >>> short_of({"cross_sells": 41, "late_cross_sells": 6, "observed_past": 55})
    ['needs 10 cross-sells after the early window, has 6']
    """
    gates = [(GATES[one_of(name, GATES, "gate", f"{name!r} is not a gate", "{}", limit=20)], count) for name, count in counts.items()]
    return [f"needs {g.least:g} {g.counted}, has {count:,.4g}" for g, count in gates if not count >= g.least]


def hide_few(table: pd.DataFrame, *, count: str = "n") -> pd.DataFrame:
    """The table without the numbers of any group of one to four: what single customers did is nobody's to read.

    Parameters
    ----------
    table
        A metric table. Without a column `count` it is returned as it is.
    count
        The column that counts the group.

    Returns
    -------
    DataFrame
        The same rows; where `count` is 1 to 4 all numbers but those in `NAMING` are missing, the count too.

    Examples
    --------
    >>> import pandas as pd
    >>> hide_few(pd.DataFrame({"k": [1, 2], "n": [12, 3], "rate": [0.5, 1.0]}))
       k     n  rate
    0  1    12   0.5
    1  2  <NA>   NaN
    """
    table = table.infer_objects()  # numbers of a row that was turned into a table are numbers, too
    if count not in table or not ((few := (table[count] > 0) & (table[count] < GATES["customers_shown"].least)).any()):
        return table
    numbers = [str(name) for name in table.select_dtypes("number") if name not in NAMING]
    whole = dict.fromkeys(table[numbers].select_dtypes("integer"), "Int64")
    shown = table.astype(whole)
    shown[numbers] = shown[numbers].mask(few)
    return shown


def verdict(low: float, high: float, claim_low: float, claim_high: float) -> str:
    """What an interval says of a claim: never "confirmed".

    The whole interval inside the claimed range is "consistent with"; all of it above or below, "higher
    than claimed" or "lower than claimed"; anything else, also an interval that is not known, "cannot
    tell". A claim of one value (`claim_low` equal to `claim_high`) can be contradicted but never met.

    Examples
    --------
    >>> verdict(0.222, 0.233, 0.25, 0.35)
    'lower than claimed'
    >>> verdict(0.24, 0.28, 0.25, 0.35)
    'cannot tell'
    """
    if claim_low > claim_high:
        raise BadValueError("claim", "begins above its end", f"{claim_low} to {claim_high}", "low, then high")
    if claim_low <= low and high <= claim_high:
        return "consistent with"
    if low > claim_high:
        return "higher than claimed"
    return "lower than claimed" if high < claim_low else "cannot tell"


def written(value: float, half: float, kind: str, unit: str, edges: Sequence[float] = ()) -> str:
    """The value with the digits that an interval of this half-width supports, with a minus sign, not a hyphen, and none before nothing.

    >>> written(0.4996, 0.03, "proportion", ""), written(0.4996, 0.03, "proportion", "", [0.5])
    ('50%', '49.96%')
    """
    if kind == "money":
        places = 0 if half >= 1 else 2
        tens = max(math.floor(math.log10(half / 3)), 0) if half >= 1 else 0
        rounded = round(value, places - tens)
        return f"{MINUS if rounded < 0 else ''}{unit}{abs(rounded):,.{places}f}"
    scale = 100 if kind in ("survival", "proportion", "points") else 1
    least = 1 if kind in ("points", "ratio") else 0  # always a decimal: whether 0, or 1, is inside must show
    places = 0 if kind == "days" else max(_places(half * scale), least)
    told, held = value * scale, [edge * scale for edge in edges]
    places = next((p for p in range(places, 3) if all((round(told, p) > e, round(told, p) < e) == (told > e, told < e) for e in held)), places)
    if kind == "points":
        return f"{told:+.{places}f}".replace("-", MINUS)
    return signed(told, places) + ("%" if scale == 100 else "")


def signed(value: float, places: int, sign: str = "") -> str:
    """The number rounded, without a sign before nothing."""
    return f"{round(value, places) + 0.0:{sign},.{places}f}".replace("-", MINUS)


def _places(half: float) -> int:
    """Decimal places: none from a half-width of 1 on, one below it, two below a tenth."""
    return 0 if half >= 1 else 1 if half >= 0.1 else 2
