"""A line of the scorecard: one number a manager follows, how it is computed, and what says whether a month of it is news."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from retainkit.load.shop import Shop
from retainkit.metrics.headlines import Headline, after, cohorts

SECTIONS = ("buying again", "staying", "money", "voices", "deals", "engagement")
SETTINGS: Mapping[str, Any] = {"margin": 1.0, "early_days": 60, "referral": "referral"}
OVERLAP = "its twelve-month windows overlap: this month's shares eleven months with the last"
DERIVED = "it is worked out from two other lines: look at those"
TOO_NOISY = "it is too uncertain to compare one month with the next"
Asked = Mapping[str, Any]


@dataclass(frozen=True)
class Line:
    """A number of the scorecard: its section, what kind of estimate it is, which way is better, and what judges a change of it."""

    section: str
    kind: str  # as in `estimate.smalln`
    better: str  # "higher", "lower" or ""
    headline: Headline
    values: Callable[[Shop], pd.DataFrame] | None = None  # month, known_on, value: for what is not a count of customers
    of: str = "average"  # what a value is, as in `value_limits`
    survey: str = ""  # whose answers: "customer" or "employee"


def series(shop: Shop, months: pd.DataFrame, days: int = 0) -> pd.DataFrame:
    """A monthly series of values, `month, known_on, value`, each known `days` after its month; whole months of the history only."""
    return after(cohorts(shop, months.astype({"value": float}), "month", days, ["value"]), shop, 0)
