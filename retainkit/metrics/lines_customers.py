"""Lines of the scorecard about customers: do they buy again, do they stay, what do they say, do they use the product."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

import pandas as pd

from retainkit.errors import counted
from retainkit.load.shop import Shop
from retainkit.metrics.buying import repeat_buying
from retainkit.metrics.churn import early_cancellation, monthly_cancellation
from retainkit.metrics.churn_money import customer_retention
from retainkit.metrics.headlines import headlines
from retainkit.metrics.lapse import lapse_rule
from retainkit.metrics.line import OVERLAP, RISES, Asked, Found, Headline, cohorts, first, latest, of_measure
from retainkit.metrics.purchases import usable_horizon
from retainkit.metrics.use import quiet_months, weekly_active, went_quiet
from retainkit.metrics.voices import promoter_scores
from retainkit.sqltext import Column
from retainkit.tally import tally

EARLY_BY = 90  # days after the start by which an early cancellation is looked for


def of_other_pages(metrics: Collection[str], shop: Shop, asked: Asked) -> list[Headline]:
    """Headline numbers of the other pages.

    Left out: the share not lapsed at an age at which, by the lapse rule, nobody can have lapsed yet.
    """
    return [h for h in headlines(shop, only=metrics, **asked) if h.metric != "churn.survival" or _can_lapse(shop, h, asked)]


def _can_lapse(shop: Shop, headline: Headline, asked: Asked) -> bool:
    """Whether a customer can have left by the headline's age."""
    return shop.has("contracts.ended_at") or bool(lapse_rule(shop, days=asked.get("lapse_after") or None)["days"].iloc[0] < (headline.horizon or 0))


def buying(shop: Shop, asked: Asked) -> list[Headline]:
    """Repeat purchase rate and returning share of the latest finished month."""
    number = partial(Headline, tables=("orders",), section="buying again")
    return [
        number(
            "purchases.repeat_rate",
            "repeat purchase rate of a month: buyers of the latest finished month who bought on two days of it",
            find=lambda s: latest(of_measure(repeat_buying(s), "repeat_rate")),
            months=lambda s: cohorts(s, of_measure(repeat_buying(s), "repeat_rate").query("not opening"), "month", 0),
        ),
        number(
            "purchases.returning_share",
            "returning share of a month: buyers of the latest finished month who were customers before it",
            better="",
            find=lambda s: latest(of_measure(repeat_buying(s), "returning_share")),
            why_no_months=RISES,
        ),
    ]


def staying(shop: Shop, asked: Asked) -> list[Headline]:
    """Kept over twelve months, asked to leave in a month, cancelled early."""
    number, days = partial(Headline, tables=("contracts",), section="staying"), asked["early_days"]
    by = usable_horizon(shop, max(EARLY_BY, days), of="contracts")
    asks = "asked to leave" if shop.has("contracts.cancel_requested_at") else "left"

    return [
        number(
            "retention.customers",
            "customer retention over twelve months: customers of twelve months ago who have stayed ever since",
            find=lambda s: latest(customer_retention(s)),
            why_no_months=OVERLAP,
        ),
        *(
            [
                number(
                    "churn.cancellation",
                    "cancellations in a month: customers who asked to leave in the latest finished one",
                    better="lower",
                    find=lambda s: latest(monthly_cancellation(s)),
                    months=lambda s: cohorts(s, monthly_cancellation(s), "month", 0, hits="asked", n="active_start"),
                )
            ]
            if shop.has("contracts.cancel_requested_at")
            else []
        ),
        number(
            "churn.early",
            f"early cancellation within {counted(days, 'day')}: {asks} by then, gone by day {by}",
            horizon=by,
            kind="survival",
            better="lower",
            find=lambda s: first(
                early_cancellation(s, early_days=days, horizons=[by]).query("cause == 'early_cancel'")
            ),
            months=lambda s: _early_months(s, days, by),
        ),
    ]


def _early_months(shop: Shop, days: int, by: int) -> pd.DataFrame:
    """Early cancellations of the customers who began in each month of the recorded history, once all are old enough."""
    cells = tally(shop, "contract_lives", by=Column("substr(cast(s.started_on as varchar), 1, 7)"), early_days=days).query("entry == 0")
    gone = cells["n"].where((cells["cause"] == "early_cancel") & (cells["duration"] <= by), 0)
    months = cells.assign(hits=gone).groupby("grp", as_index=False)[["hits", "n"]].sum()
    months = months[months["grp"] >= f"{shop.history_start:%Y-%m}"]
    return cohorts(shop, months, "grp", by)


ASKED_OF = {"customer": ("nps", "NPS", "customers"), "employee": ("enps", "eNPS", "employees")}


def voices(kind: str, shop: Shop, asked: Asked) -> list[Headline]:
    """The score of the latest survey of one kind of people."""
    name, short, who = ASKED_OF[kind]
    return [Headline(
        f"{name}.score", f"{short} of the latest survey: net promoter score of {who}", ("responses",), section="voices", kind="score", survey=kind,
        find=lambda s: first(promoter_scores(s, kind=kind).tail(1)))] if len(promoter_scores(shop, kind=kind)) else []


def answered(kind: str, shop: Shop, asked: Asked) -> list[Headline]:
    """Who answered it."""
    name, short, who = ASKED_OF[kind]

    def find(s: Shop) -> Found:
        row = promoter_scores(s, kind=kind).dropna(subset=["response"]).tail(1)
        columns = {"response": "rate", "response_low": "low", "response_high": "high", "invited": "n"}
        return first(row[list(columns)].rename(columns=columns))

    return [Headline(
        f"{name}.response", f"{short} response of the latest survey: {who} who answered it", ("responses",), find=find, section="voices",
        why_no_months="there are too few surveys")] if len(promoter_scores(shop, kind=kind)) else []


def use(shop: Shop, asked: Asked) -> list[Headline]:
    """Active in a week; used early, then quiet."""
    number = partial(Headline, tables=("activity",), section="engagement")

    def weeks(s: Shop) -> pd.DataFrame:
        table = weekly_active(s)
        return table.assign(month=table["week_to"].dt.strftime("%Y-%m"))

    return [
        number(
            "engagement.weekly_active",
            "active in a month's last week: customers who used the product in the last week of the latest finished month",
            find=lambda s: latest(weeks(s)),
            months=lambda s: cohorts(s, weeks(s), "month", 0),
        ),
        number(
            "engagement.went_quiet",
            "went quiet by day 90: used it in their first 30 days, still here on day 90, no use in the last 30 of those",
            horizon=90,
            better="lower",
            find=lambda s: first(went_quiet(s)),
            months=lambda s: cohorts(s, quiet_months(s), "month", 90),
        ),
    ]
