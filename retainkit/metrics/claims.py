"""The claims that articles quote, put to the test on this shop: what is claimed, what is found, and a verdict that never confirms."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import pandas as pd

import retainkit
from retainkit.asked import at_the_door
from retainkit.errors import counted, listed, one_of
from retainkit.estimate.smalln import AFTER, GATES, in_words, short_of, verdict, written
from retainkit.load.shop import Shop
from retainkit.load.stated import Record, claims_quoted, claims_stated
from retainkit.metrics.purchases import unsure_who_is_new
from retainkit.resources import unmet

OWN = "retainkit.metrics.claim_measures"
UNITS = {"share": (100, "%"), "points": (100, " points"), "times": (1, " times"), "number": (1, ""), "money": (1, ""), "days": (1, " days")}
KINDS = {"share": "proportion", "points": "points", "times": "ratio", "number": "number", "money": "money", "days": "days"}
RISING = ("second_purchase", "next_purchase", "cross_sell_any")  # shares that time can only raise
NEWCOMERS = (
    *RISING,
    "purchase_step",
    "cross_sell_share",
    "month_one_revenue",
    "month_one_by_segment",
)  # measures of customers from their first purchase on
LATER = "the claim names no time: this is the share {}, and later it can only be higher"
UNTESTED = {"arithmetic": "arithmetic", "reference": "reference line"}
OUTSIDE = {
    "higher than claimed": "above the claimed range",
    "lower than claimed": "below the claimed range",
    "consistent with": "inside the claimed range",
}
COLUMNS = ["claim", "sentence", "said_by", "population", "source_says", "kind", "claimed", "estimand", "measure", "value", "low", "high", "n",
           "measured", "verdict", "note"]


def claim_bench(shop: Shop, *, claims: Sequence[Record] | None = None, level: float = 0.95) -> pd.DataFrame:
    """Every claim with what its source says, what this shop's data say, and a verdict.

    The verdict is about this shop's customers. `consistent with`: the whole interval lies in the claimed range. `higher` or `lower
    than claimed`: all of it lies outside. `cannot tell`: it overlaps an edge, too few customers are behind it, or it is
    about new customers and it is not known who is new (`history_start` and `customers.signed_up_at` say it). `arithmetic`: a
    formula, which says nothing about customers (`cannot tell` where it has no number). `reference line`: about groups
    of firms, of which one firm is one observation.
    `not measured`: a table is missing. Nothing is ever confirmed: other shops, other years and other causes are not in the data.

    Parameters
    ----------
    shop
        The shop.
    claims
        Records as in retainkit.toml's `[[claims]]`; the kit's own and then the shop's unless given. One of the same `claim` replaces.
    level
        Confidence level.

    Returns
    -------
    DataFrame
        A row a claim: `claim` (short name), `sentence`, `said_by`, `population`, `source_says`, `kind`, `claimed` (the range in words),
        `estimand`, `measure`, `value`, `low`, `high`, `n`, `measured` (in words, as the interval allows), `verdict`, `note`. Without
        a `value`, `low` and `high` are the ends between which a decision lies.

    Raises
    ------
    RetainkitError
        A claim whose measure, argument or row does not exist.

    Examples
    --------
    >>> from retainkit import open_shop
    >>> mine = {"claim": "back_soon", "sentence": "Half are back in a month", "measure": "second_purchase", "low": 0.45, "high": 0.55,
    ...         "arguments": {"horizons": [30]}}
    >>> claim_bench(open_shop("sample"), claims=[mine])[["claimed", "measured", "verdict"]].values.tolist()
    [['45 to 55%', '23% (21%–24%), n = 3,532', 'lower than claimed']]
    """
    stated = claims_stated(claims) if claims is not None else tuple({c["claim"]: c for c in (*claims_quoted(), *shop.claims)}.values())
    return pd.DataFrame([_put_to_the_test(shop, c, level) for c in stated], columns=COLUMNS)


def _put_to_the_test(shop: Shop, claim: Record, level: float) -> dict[str, Any]:
    """One claim as a row."""
    kind, unit = claim.get("kind", "test"), claim.get("unit", "share")
    ask, arguments = _measure(claim, level)
    missing = unmet(shop, claim.get("needs", ()))
    older = "" if missing or not claim.get("whole_life") else _older(shop)
    row: dict[str, Any] = {"note": older} if missing or older else _answer(shop, claim, ask, arguments)
    estimate = {c: float(row.get(c, math.nan)) for c in ("value", "low", "high")}
    n = 0 if pd.isna(row.get("n", 0)) else int(row.get("n", 0))
    why = short = f"needs {listed(missing)}" if missing else _withheld(claim, row, n)
    chosen = "" if missing else _window(row, arguments)
    words = "" if missing else measured(**estimate, n=n, at_risk=row.get("at_risk"), unit=unit, within=chosen, edges=(claim["low"], claim["high"]))
    if short:  # a number that no other page would print
        words, estimate = words and "too few", dict.fromkeys(estimate, math.nan)
    tested = "cannot tell" if why else verdict(estimate["low"], estimate["high"], claim["low"], claim["high"])
    unsure = unsure_who_is_new(shop) if claim["measure"] in NEWCOMERS else ""
    why = why or (unsure and f"{unsure}: many of the new customers may be old ones")
    why = LATER.format(chosen) if chosen and tested == "lower than claimed" and claim["measure"] in RISING else why
    tested = "cannot tell" if why else tested
    found = "not measured" if missing else "cannot tell" if short or not words else UNTESTED.get(kind, tested)
    place = OUTSIDE.get(verdict(estimate["low"], estimate["high"], claim["low"], claim["high"]), "") if found in UNTESTED.values() else ""
    note = "; ".join(dict.fromkeys(filter(None, [place, why, str(row.get("note") or ""), claim.get("caution", "")])))
    words += str(row.get("range") or "") and words and f"; {row['range']}"
    told = {c: claim.get(c, "") for c in ("sentence", "said_by", "population", "source_says", "estimand")}
    return {"claim": claim["claim"], **told, "kind": kind, "claimed": claimed(claim["low"], claim["high"], unit=unit), "measure": claim["measure"],
            **estimate, "n": n, "measured": words, "verdict": found, "note": note}


def _measure(claim: Record, level: float) -> tuple[Callable[..., pd.DataFrame], dict[str, Any]]:
    """The metric function that answers a claim, and its arguments."""
    where, name = f"claim `{claim['claim']}`", claim["measure"]
    own = import_module(OWN)
    names = {n: m for n, m in retainkit._HOME_OF.items() if m.startswith("retainkit.metrics.")}
    names |= {n: OWN for n, f in vars(own).items() if inspect.isfunction(f) and f.__module__ == OWN and "shop" in inspect.signature(f).parameters}
    one_of(name, sorted(names), where, f"`{name}` is not a metric", 'measure = "{}"', usual="second_purchase", limit=12)
    ask = at_the_door(getattr(import_module(names[name]), name))
    allowed = [p for p in inspect.signature(ask).parameters if p != "shop"]
    for key in claim.get("arguments", {}):
        one_of(key, allowed, where, f"`{name}` has no argument `{key}`", "{} = ...")
    return ask, {**({"level": level} if "level" in allowed else {}), **claim.get("arguments", {})}


def _answer(shop: Shop, claim: Record, ask: Callable[..., pd.DataFrame], arguments: dict[str, Any]) -> dict[str, Any]:
    """The row of the measure's table that the claim is about, its estimate as `value, low, high`."""
    where, table = f"claim `{claim['claim']}`", ask(shop, **arguments)
    for column, wanted in claim.get("take", {}).items():
        one_of(column, list(map(str, table)), where, f"`{claim['measure']}` has no column `{column}`", "take = {{ {} = ... }}", limit=20)
        matching = table[table[column].astype(str).str.lower() == str(wanted).lower()]
        if matching.empty:
            return {"note": f"no {column} `{wanted}`; there are {listed(table[column])}" if len(table) else f"no {column} to look at"}
        table = matching
    column = claim.get("column") or ("rate" if "rate" in table else "value")
    one_of(column, list(map(str, table)), where, f"`{claim['measure']}` has no column `{column}`", 'column = "{}"', usual="rate", limit=20)
    if table.empty:
        return {}
    ends = ("low", "high") if column in ("rate", "value") else (f"{column}_low", f"{column}_high")
    row = {str(k): v for k, v in table.iloc[0].items()}
    return row | {"value": row[column], "low": row.get(ends[0], math.nan), "high": row.get(ends[1], math.nan)}


def _withheld(claim: Record, row: dict[str, Any], n: int) -> str:
    """Why no verdict may be given, or nothing."""
    if pd.isna(row.get("value", math.nan)) and pd.isna(row.get("low", math.nan)):
        return str(row.get("note") or "the log is too short")
    if claim["measure"] == "cross_sell_share":
        late = row["total_late"] - row["total_early"]
        return "; ".join(short_of({"cross_sells": row["total_late"], "late_cross_sells": late, "observed_past": row["observed"]}))
    if claim["measure"] in ("month_one_revenue", "month_one_by_segment"):
        return "; ".join(short_of({"observed_past": row["observed"]}))
    return "; ".join(short_of({"customers_shown": n}))


def _window(row: dict[str, Any], arguments: dict[str, Any]) -> str:
    """The window the measure chose by itself, where the claim names none."""
    days = row.get("horizon_days")
    named = any(days == v or (isinstance(v, list) and days in v) for v in arguments.values())
    return "" if days is None or pd.isna(days) or named or pd.isna(row["value"]) else f"within {counted(int(days), 'day')}"


def _older(shop: Shop) -> str:
    """Why the log's months cannot be taken for the company's, or nothing."""
    known = shop.sql("select count(*) as n from buyers b where not b.is_new").iloc[0]["n"]
    if known:
        return f"{counted(known, 'customer')} {'was' if known == 1 else 'were'} there before the log begins: its months are not the company's"
    unsure = unsure_who_is_new(shop)
    return unsure and f"{unsure}: its first months may not be those of the company"


def claimed(low: float, high: float, *, unit: str = "share") -> str:
    """A claimed range in words.

    >>> claimed(0.25, 0.35), claimed(0.5, 1.0), claimed(5, 25, unit="times"), claimed(1, float("inf"), unit="times"), claimed(0, 1, unit="points")
    ('25 to 35%', 'over 50%', '5 to 25 times', 'over 1', 'over 0')
    """
    scale, after = UNITS[unit]
    if high == (math.inf if unit not in ("share", "points", "number") else 1):
        return f"over {low * scale:g}" + (after if unit == "share" else "")
    return (f"{low * scale:g}" if low == high else f"{low * scale:g} to {high * scale:g}") + after


def measured(
    value: float,
    low: float,
    high: float,
    n: int,
    *,
    at_risk: float | None = None,
    unit: str = "share",
    within: str = "",
    edges: Sequence[float] = (),
) -> str:
    """An estimate as a table has it, with the customers behind it.

    `edges` are those of a claim (`in_words`); `within` is the time the log chose, where a claim names none; `at_risk` the customers still
    at risk at the end of a curve.

    >>> [measured(*told) for told in ((0.2279, 0.2221, 0.2334, 3_120), (0.41, 0.09, 0.80, 12))]
    ['22.8% (22.2%–23.3%), n = 3,120', '9%–80%, n = 12']
    >>> measured(11.6, float("nan"), float("nan"), 900, unit="times")
    '11.6 times, n = 900'
    >>> measured(0.05, -0.0026, 0.11, 640, unit="points", within="within 365 days", edges=(0, 1))
    '+5.0 points (−0.3 to +11.0) within 365 days, n = 640'
    """
    kind, when = KINDS[unit], f" {within}" if within else ""
    if not n or (math.isnan(value) and math.isnan(low)):
        return ""
    told = in_words(value, low, high, n, at_risk=at_risk, kind=kind, form="cell", edges=edges)
    if n < GATES["customers_shown"].least:
        return told
    if math.isnan(low):  # a number that has no interval
        told = written(value, abs(value) / 10, kind, "") + AFTER.get(kind, "")
    return f"{told}{when}, n = {n:,}"
