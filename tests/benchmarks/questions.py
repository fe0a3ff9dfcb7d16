"""The tallies behind the notebooks on orders, each with the parameters a notebook gives it."""

from __future__ import annotations

import re
from datetime import date
from functools import cache

from retainkit.metrics.averages import CROSS_SELLS, REVENUE
from retainkit.metrics.cross_sell import CROSS_SOLD
from retainkit.metrics.purchases import HORIZONS
from retainkit.sqltext import Value, few_rows, text_of

# question: (SQL file, its parameters)
QUESTIONS: dict[str, tuple[str, dict[str, Value]]] = {
    "overview": ("overview", {}),
    "followup": ("followup", {"by": "all"}),
    "second_purchase": ("second_purchase", {"by": "all"}),
    "second_purchase_mature": ("second_purchase_mature", {"by": "all", "horizons": few_rows(["days"], [[h] for h in HORIZONS])}),
    "second_purchase_cohorts": ("second_purchase_cohorts", {"within": 30}),
    "next_purchase": ("next_purchase", {"k": 2, "within": 365, "latest": 365}),
    "recurrent_events, cross-sells": ("recurrent_events", {"by": "all", "value": CROSS_SELLS}),
    "recurrent_events, money": ("recurrent_events", {"by": "all", "value": REVENUE}),
    "recurrent_scores, cross-sells": ("recurrent_scores", {"by": "all", "value": CROSS_SELLS, "early": 90, "late": 365, "share": 0.2}),
    "recurrent_scores, money": ("recurrent_scores", {"by": "all", "value": REVENUE, "early": 30, "late": 365, "share": 0.2}),
    "cross_sell_first": ("first_or_left", {"by": "all", "hit": CROSS_SOLD}),
    "cross_sell_naive": ("cross_sell_naive", {"within": 90, "horizon": 365}),
    "revenue_by_month": ("revenue_by_month", {}),
    "revenue_split": ("revenue_split", {"opens": date.min, "closes": date.max}),
    "retention_purchases": ("retention_purchases", {}),
    "lapse_gaps": ("lapse_gaps", {}),
    "lapse_lives": ("lapse_lives", {"days": 120}),
    "lapse_returns": ("lapse_returns", {"days": 120, "within": 180}),
    "lapse_days": ("lapse_days", {"days": 120}),
}

# what a column of `days` is made from, in the order lines
MADE_FROM = {
    "orders": ("order_id",), "cross_ordinal": ("product_line",), "new_lines": ("product_line",),
    "entry_line": ("product_line",),
}
ALWAYS = ("customer_id", "ordered_at", "refunded_at", "status", "amount")
DAYS = ("customer", "on_day", "ordinal", "age", "gap", "cross_ordinal", "amount", "orders", "lines", "new_lines", "first_on",
        "is_new", "is_first", "entry_line", "segment", "region", "source", "owner", "left_age", "to_new")


# a column that its SQL names and does not read with these parameters: under a rule of less than 31 days only
UNREAD = {"lapse_days": ("customer",)}


@cache
def columns_of(question: str, table: str = "days") -> tuple[str, ...]:
    """The columns of `days`, or of `buyers`, that a question's SQL reads."""
    name, values = QUESTIONS[question]
    code = re.sub(r"--.*", "", text_of(name)) + " ".join(str(v) for v in values.values())
    aliases = "|".join(set(re.findall(rf"(?:from|join) {table} (\w+)", code))) or "-"
    named = set(re.findall(rf"\b(?:{aliases})\.([a-z_]+)", code))
    return tuple(c for c in DAYS if c in named and c not in UNREAD.get(question, ()))


def lines_of(question: str) -> tuple[str, ...]:
    """The columns of the order lines that a question needs."""
    more = [raw for column in columns_of(question) for raw in MADE_FROM.get(column, ())]
    return tuple(dict.fromkeys([*ALWAYS, *more]))
