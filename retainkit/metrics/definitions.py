"""One month's churn under every convention people use, and a count of the customers behind each difference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pandas as pd

from retainkit.errors import one_of
from retainkit.estimate.intervals import poisson_interval, wilson
from retainkit.load.shop import Shop
from retainkit.metrics.months import closed_month, first_day
from retainkit.tally import tally

Flags = pd.DataFrame
Chosen = Callable[[Flags], Any]
DAYS, YEAR = 30, 365
RENEWED = 0.5


@dataclass(frozen=True)
class Definition:
    """A churn rate as two sets of stays: those that count as lost, and those the rate is taken of."""

    says: str
    used_by: str
    lost: Chosen
    base: Chosen
    tells: tuple[str, ...] = ()  # what a stay must be told apart by to explain the difference


DEFINITIONS = {
    "opening_base": Definition(
        "here when the month began, left in it / here when it began", "retainkit; Chargify",
        lambda f: f.base & f.gone, lambda f: f.base),
    "chartmogul_standard": Definition(
        "as opening_base, but not if they came back before the month was over", "ChartMogul, B2B setting",
        lambda f: f.base & f.gone & ~f.back, lambda f: f.base, ("back",)),
    "joined_and_left_counted": Definition(
        "everybody who left in the month / here when it began", "Chargebee",
        lambda f: f.gone, lambda f: f.base),
    "stripe": Definition(
        "everybody who left in the last 30 days / here when they began or joined in them", "Stripe Billing",
        lambda f: f.gone_days, lambda f: f.base_days | f.came_days, ("gone_days",)),
    "baremetrics_30d": Definition(
        "everybody who left in the last 30 days / here when they began", "Baremetrics, monthly plans",
        lambda f: f.gone_days, lambda f: f.base_days, ("gone_days",)),
    "baremetrics_365d": Definition(
        "everybody who left in the last 365 days / here when they began: a year's churn, not a month's", "Baremetrics, annual plans",
        lambda f: f.gone_year, lambda f: f.base_year, ("gone_year", "base_year")),
    "asked_to_leave": Definition(
        "here when the month began, asked in it to leave / here when it began", "billing systems that date churn on the request",
        lambda f: f.base & f.asked, lambda f: f.base, ("asked",)),
    "renewal_eligible": Definition(
        "as opening_base, but only of those with a contract that ended in the month", "flipRevenueMetrics, annual contracts",
        lambda f: f.base & f.due & f.gone, lambda f: f.base & f.due, ("due",)),
}
PHRASES = {
    "back": ("came back in it", ""), "asked": ("asked to leave in it", "did not ask in it"),
    "due": ("had a contract that ended in it", "had no contract that ended in it"),
    "gone_days": ("", "not in its last 30 days"), "gone_year": ("", "more than 365 days before its end"),
    "base_year": ("here 365 days before its end", ""),
}


def churn_definitions(shop: Shop, *, month: str, level: float = 0.95) -> pd.DataFrame:
    """The churn of one closed month under each convention, side by side.

    All count customers, by stays of uninterrupted contract; they differ in who is lost, of whom, and in which days.

    Parameters
    ----------
    shop
        The shop.
    month
        A month, YYYY-MM, that the recorded history covers from end to end.
    level
        Confidence level.

    Returns
    -------
    DataFrame
        A row a definition: `definition`, `says`, `used_by`, `lost`, `n` (what it is divided by), `rate`, `low`, `high`,
        `note` (why there is no rate, where there is none). A rate whose lost are not all in its base has a Poisson interval, the
        others Wilson's.

    Raises
    ------
    BadValueError
        When the month is not covered from its first day to its last.

    Examples
    --------
    Of two customers one leaves in February, and a third joins.

    >>> from retainkit import open_shop
    >>> book = pd.DataFrame({
    ...     "contract_id": [1, 2, 3], "customer_id": ["ann", "bob", "cy"],
    ...     "started_at": ["2026-01-05", "2026-01-20", "2026-02-03"], "ended_at": ["2026-02-10", None, None]})
    >>> shop = open_shop({"contracts": book}, as_of="2026-03-10")
    >>> churn_definitions(shop, month="2026-02").set_index("definition").loc[["opening_base", "stripe"], ["lost", "n", "rate"]].round(2)
                  lost  n  rate
    definition
    opening_base     1  2  0.50
    stripe           1  3  0.33
    """
    number = closed_month(shop, month)
    flags, renewed = _flags(shop, number), _renewals(shop)
    noted = shop.sql("select count(cancel_requested_on) as n from contracts")["n"].iloc[0]
    few = f"{f'only {renewed:.0%}' if renewed else 'none'} of the ended contracts led on to another: their ends are not renewal dates"
    withheld = {
        "renewal_eligible": "no contract has ended yet" if renewed != renewed else few if renewed < RENEWED else "",
        "asked_to_leave": "nobody noted when customers asked to leave (contracts.cancel_requested_at)" * (not noted),
        "baremetrics_365d": "the recorded history is shorter than the 365 days"
        * (first_day(number + 1) - timedelta(days=YEAR) < shop.history_start),
    }
    rows = []
    for name, definition in DEFINITIONS.items():
        lost, base = definition.lost(flags), definition.base(flags)
        counts = int(flags.customers[lost].sum()), int(flags.customers[base].sum())
        row = _rate(*counts, inside=not (lost & ~base).any(), level=level)
        if name == "baremetrics_365d" and row["note"]:
            row["note"] = "nobody was here 365 days before the month's end"
        if why := withheld.get(name):
            row |= dict.fromkeys(("rate", "low", "high"), float("nan")) | {"note": why}
        rows.append({"definition": name, "says": definition.says, "used_by": definition.used_by, **row})
    rows.append(_daily(shop, number, level))
    return pd.DataFrame(rows)


def churn_bridge(shop: Shop, *, month: str, definition: str) -> pd.DataFrame:
    """From retainkit's churn of a month to somebody else's: who is added and who is taken away, above and below the line.

    Returns
    -------
    DataFrame
        `side` (`lost` or `base`), `step`, `customers`. For each side the first row is retainkit's count, the last the
        other definition's, and the rows between add up to the difference.

    Raises
    ------
    BadValueError
        For a definition that is not among `DEFINITIONS` (the sum of daily rates has no set of customers to divide by).
    """
    one_of(definition, DEFINITIONS, "definition", f"`{definition}` cannot be bridged to", 'definition="{}"', usual="stripe")
    flags = _flags(shop, closed_month(shop, month))
    ours, theirs = DEFINITIONS["opening_base"], DEFINITIONS[definition]
    story = _stories(flags, theirs.tells)
    rows = []
    for side, start, end in (("lost", ours.lost(flags), theirs.lost(flags)), ("base", ours.base(flags), theirs.base(flags))):
        rows.append((side, "opening_base", int(flags.customers[start].sum())))
        for sign, words, moved in ((1, "plus", end & ~start), (-1, "minus", start & ~end)):
            counts = flags.customers[moved].groupby(story[moved]).sum()
            rows += [(side, f"{words} {told}", sign * int(n)) for told, n in counts.items()]
        rows.append((side, definition, int(flags.customers[end].sum())))
    return pd.DataFrame(rows, columns=["side", "step", "customers"])


def _flags(shop: Shop, number: int) -> Flags:
    """Stays counted by what they did in a month, and in the 30 and 365 days up to its end."""
    opens, closes = first_day(number), first_day(number + 1)
    flags = tally(shop, "churn_flags", opens=opens, closes=closes, since=closes - timedelta(days=DAYS), year=closes - timedelta(days=YEAR))
    return flags.astype({name: bool for name in flags.columns if name != "customers"})


def _renewals(shop: Shop) -> float:
    """The share of ended contracts that another followed without a break (NaN where none ended): only if it is large is an end a renewal date."""
    counts = tally(shop, "churn_renewals").fillna(0).iloc[0]
    return float(counts["carried_on"] / counts["ended"]) if counts["ended"] else float("nan")


def _rate(lost: int, n: int, *, inside: bool, level: float) -> dict[str, Any]:
    """Lost, n and their ratio with its interval."""
    nan = float("nan")
    if not n:
        return {"lost": lost, "n": n, "rate": nan, "low": nan, "high": nan, "note": "nobody to lose"}
    low, high = wilson(lost, n, level=level) if inside else (x / n for x in poisson_interval(lost, level=level))
    return {"lost": lost, "n": n, "rate": lost / n, "low": low, "high": high, "note": ""}


def _daily(shop: Shop, number: int, level: float) -> dict[str, Any]:
    """The sum of the month's daily churn rates, each of the customers the day began with."""
    days = tally(shop, "contract_days", by="all").astype({"on_day": "datetime64[s]"})
    signs = {"new": 1, "reactivated": 1, "lost": -1, "lost_intra": -1}
    span = pd.date_range(first_day(number), first_day(number + 1), inclusive="left")
    change = (days["customers"] * days["movement"].map(signs)).groupby(days["on_day"]).sum()
    base = pd.Series([change[change.index < day].sum() for day in span], index=span)
    gone = days[days["movement"].isin(["lost", "lost_intra"])].groupby("on_day")["customers"].sum().reindex(span, fill_value=0)
    lost, rate = int(gone.sum()), float((gone / base.where(base > 0)).sum())
    low, high = (x * rate / lost if lost else x / max(base.mean(), 1.0) for x in poisson_interval(lost, level=level))
    return {
        "definition": "chartmogul_shopify",
        "says": "the month's daily rates added up: left that day / here when it began",
        "used_by": "ChartMogul, B2C setting",
        "lost": lost,
        "n": round(base.mean()) if len(change) else 0,
        "rate": rate if base.any() else float("nan"),
        "low": low,
        "high": high,
        "note": "n is the average over the days" if base.any() else "nobody to lose",
    }


def _stories(flags: Flags, tells: tuple[str, ...]) -> pd.Series:
    """What each kind of stay did in the month, in words."""
    def told(row: Any) -> str:
        start = "here when the month began" if row.base else "joined in the month" if row.came else "left before the month began"
        end = "" if not (row.base or row.came) else "left in it" if row.gone else "still here at its end"
        more = (
            PHRASES[name][0 if getattr(row, name) else 1]
            for name in tells
            if row.gone
            or name in ("asked", "due", "base_year")
            or (name == "gone_year" and not row.base and not row.came)
        )
        return ", ".join(part for part in (start, end, *more) if part)

    return pd.Series([told(row) for row in flags.itertuples()], index=flags.index, dtype=object)
