"""What a number of the headlines and the scorecard is: how it is found, what it is made of, and what says whether a month of it is news."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

import pandas as pd

from retainkit.estimate.goals import Found
from retainkit.estimate.smalln import TOLD, judge
from retainkit.load.shop import Shop
from retainkit.resources import unmet

Asked = Mapping[str, Any]
SECTIONS = ("buying again", "staying", "money", "voices", "deals", "engagement")
RISES = "it rises by itself as customers grow older"
OVERLAP = "its twelve-month windows overlap: this month's shares eleven months with the last"


@dataclass(frozen=True)
class Headline:
    """One number of one shop, with its horizon settled."""

    metric: str  # its name in metrics.csv
    label: str
    tables: tuple[str, ...]  # the tables whose rows it is made of
    find: Callable[[Shop], Found]
    horizon: int | None = None  # days, as in metrics.csv
    months: Callable[[Shop], pd.DataFrame] | None = None  # month, known_on, and hits, n or value: equal ages, finished months only
    why_no_months: str = ""
    section: str = ""  # of the scorecard
    kind: str = "proportion"  # as in `estimate.smalln`
    better: str = "higher"  # or "lower", or ""
    of: str = "share"  # what a month of it is: hits of n, or a value as in `value_limits`
    survey: str = ""  # whose answers: "customer" or "employee"


def tellable(line: Headline, found: Found) -> bool:
    """Whether what was found may be said as one number: not of so few, nor so uncertain, that only its range holds."""
    return judge(*found[:3], int(found.n), at_risk=found.at_risk, kind=line.kind) in TOLD


class Maker(NamedTuple):
    """Makes some numbers: which, each in a few words; what a shop must have for it (`|`: either); what else may be missing."""

    metrics: Mapping[str, str]
    needs: tuple[str, ...]
    make: Callable[[Shop, Asked], list[Headline]]
    rows: str = "a longer history"
    whole: str = ""  # why it cannot be said of some customers only, where it cannot


def lacking(shop: Shop, maker: Maker) -> str:
    """The tables and columns a shop has not that these numbers are made of, in words; empty when nothing."""
    return " and ".join(need.replace("|", " or ") for need in unmet(shop, maker.needs))


def unsaid(shop: Shop, maker: Maker) -> str:
    """Why a shop cannot give any of these numbers, as what they would need; empty where it can give some."""
    return lacking(shop, maker) or (maker.whole if shop.part else "")


def first(table: pd.DataFrame, group: str = "") -> Found:
    """The estimate in a metric table's first row (`rate` or `value`); nothing is known where there is no row."""
    if table.empty:
        return Found(group=group)
    row = table.iloc[0]
    value = row["rate"] if "rate" in row else row["value"]
    left = row.get("at_risk", row.get("observed", math.inf))  # of an average, those who were watched for so long
    ends = float(row["low"]), float(row["high"])
    return Found(float(value), *ends, int(row["n"]), group, float(left) if left == left else math.inf, float(row.get("too_young", math.nan)),
                 int(row.get("given", 0)))


def group_keys(group: str) -> dict[str, str]:
    """The keys and values of a group in metrics.csv.

    >>> group_keys("segment=SMB;region=North")
    {'segment': 'SMB', 'region': 'North'}
    """
    parts = (part.partition("=") for part in group.split(";") if part)
    return {key: value for key, _, value in parts}


def latest(months: pd.DataFrame) -> Found:
    """The estimate of a monthly table's last month."""
    return first(months.tail(1), f"month={months['month'].iloc[-1]}") if len(months) else Found()


def of_measure(table: pd.DataFrame, measure: str) -> pd.DataFrame:
    """The rows of one measure."""
    return table[table["measure"] == measure]


def cohorts(shop: Shop, table: pd.DataFrame, month: str, days: int, **names: str) -> pd.DataFrame:
    """Months, each known `days` after its last day, with the columns `names` (`hits` and `n` unless told); those not known yet are left out."""
    first_on = pd.to_datetime(table[month])
    known_on = first_on + pd.offsets.MonthEnd(0) + pd.Timedelta(days=days)
    months = pd.DataFrame({"month": first_on.dt.strftime("%Y-%m"), "first_on": first_on, "known_on": known_on})
    months = months.assign(**{name: table[column] for name, column in (names or {"hits": "hits", "n": "n"}).items()})
    return months[known_on <= pd.Timestamp(shop.as_of)].sort_values("first_on", ignore_index=True)


def after(months: pd.DataFrame, shop: Shop, days: int) -> pd.DataFrame:
    """The months that begin when the recorded history is at least so many days old."""
    return months[months["first_on"] >= pd.Timestamp(shop.history_start + timedelta(days=days))]


def series(shop: Shop, months: pd.DataFrame, days: int = 0) -> pd.DataFrame:
    """A monthly series of values, `month, known_on, value`, each known `days` after its month; whole months of the history only."""
    return after(cohorts(shop, months.astype({"value": float}), "month", days, value="value"), shop, 0)
