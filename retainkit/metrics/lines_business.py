"""Lines of the scorecard about money and deals."""

from __future__ import annotations

import math
from functools import partial

import pandas as pd

from retainkit.errors import counted
from retainkit.load.shop import Shop
from retainkit.metrics.acquisition import acquisition_cost, monthly_costs, payback, value_to_cost
from retainkit.metrics.churn_money import revenue_churn
from retainkit.metrics.deals_values import cycle_days, deal_size, referral_gap, sales_velocity
from retainkit.metrics.lifetime_value import lifetime_value
from retainkit.metrics.line import OVERLAP, Asked, Found, Headline, first, latest, of_measure, series
from retainkit.metrics.months import first_day
from retainkit.metrics.purchases import usable_horizon
from retainkit.tally import tally

DERIVED = "it is worked out from two other lines: look at those"
TOO_NOISY = "it is too uncertain to compare one month with the next"


def revenue(shop: Shop, asked: Asked) -> list[Headline]:
    """Revenue churn of a month, net and gross retention of twelve months."""
    told = {"mrr_churn": ("lower", "revenue churn of a month: monthly revenue lost in the latest finished month"),
            "nrr": ("higher", "NRR of twelve months: revenue of twelve months ago still paid today, growth included"),
            "grr": ("higher", "GRR of twelve months: revenue of twelve months ago still paid today, nobody counted for more than they paid then")}
    return [Headline(
        f"churn.{m}", label, ("contracts",), find=lambda s, m=m: latest(of_measure(revenue_churn(s), m)), why_no_months=OVERLAP,  # type: ignore[misc]
        months=(lambda s: series(s, of_measure(revenue_churn(s), "mrr_churn"))) if m == "mrr_churn" else None,
        section="money", better=better, of="sum") for m, (better, label) in told.items()]


def worth(shop: Shop, asked: Asked) -> list[Headline]:
    """Customer lifetime value at a horizon."""
    days, margin = usable_horizon(shop, int(max(asked.get("horizon", 365), 1))), asked["margin"]

    def values(s: Shop) -> pd.DataFrame:
        table = tally(s, "cohort_revenue", within=days)
        return series(s, table.assign(value=table["revenue"].astype(float) / table["n"] * margin), days)

    times = " (revenue)" if margin == 1 else f" at {margin:.0%} margin"
    return [
        Headline(
            "clv.revenue",
            f"customer lifetime value of {counted(days, 'day')}{times}: revenue of a new customer in the first {days} days",
            ("orders",),
            horizon=days,
            find=lambda s: first(lifetime_value(s, horizons=[days], margin=margin)),
            months=values,
            section="money",
            kind="money",
            of="average",
        )
    ]


def costs(shop: Shop, asked: Asked) -> list[Headline]:
    """Cost of a new customer, what one is worth over it, and the time until it is earned back."""
    days, margin = usable_horizon(shop, int(max(asked.get("horizon", 365), 1))), asked["margin"]
    known = monthly_costs(shop)["number"].nunique()
    number, brings = partial(Headline, tables=("spend", "orders"), section="money"), "revenue" if margin == 1 else f"revenue times {margin:.0%}"

    def values(s: Shop) -> pd.DataFrame:
        months = monthly_costs(s).groupby("number")[["spend", "n"]].sum().reset_index()
        return series(s, months.assign(month=[f"{first_day(n):%Y-%m}" for n in months["number"]], value=months["spend"] / months["n"]))

    return [
        number(
            "cac.cost",
            f"CAC of {counted(known, 'month') if 0 < known < 12 else 'twelve months'}: money spent to win a new customer",
            find=lambda s: first(acquisition_cost(s)),
            months=values,
            kind="money",
            better="lower",
            of="cost",
        ),
        number(
            "clv.to_cost",
            f"LTV to CAC of {counted(days, 'day')} at {margin:.0%} margin: {brings} of a new customer over the cost of winning one",
            horizon=days,
            find=lambda s: first(value_to_cost(s, horizon=days, margin=margin)),
            why_no_months=DERIVED,
            kind="ratio",
        ),
        number(
            "clv.payback",
            f"payback at {margin:.0%} margin: days until {brings} of a new customer reaches the cost of winning one",
            horizon=days,
            find=lambda s: _open_ended(payback(s, horizon=days, margin=margin)),
            why_no_months=DERIVED,
            kind="days",
            better="lower",
        ),
    ]


def _open_ended(days: pd.DataFrame) -> Found:
    """What does not happen within the horizon happens later: no limit, rather than not known; without a cost it is not known."""
    found = first(days)
    if not days["note"].str.contains("not within").any():
        return found
    value, low, high = (math.inf if math.isnan(limit) else limit for limit in found[:3])
    return found._replace(value=value, low=low, high=high)


def sizes(shop: Shop, asked: Asked) -> list[Headline]:
    """Size of a won deal, and velocity."""
    number, within = partial(Headline, tables=("deals",), section="deals", kind="money"), asked.get("within_days", 180)
    velocity = of_measure(sales_velocity(shop, days=within), "velocity").iloc[0]
    spanned = (velocity["opened_to"] - velocity["opened_from"]).days + 1
    of = f"the deals of {counted(spanned, 'day')}" if 0 < spanned < 365 else "a year's deals"

    def values(s: Shop) -> pd.DataFrame:
        table = tally(s, "deals_sizes")
        return series(s, table.assign(value=table["total"].astype(float) / table["n"]))

    return [
        number(
            "deals.average_won",
            "average deal size: amount of a won deal, mean",
            find=lambda s: first(of_measure(deal_size(s), "mean")),
            months=values,
            of="average",
        ),
        number(
            "deals.median_won",
            "median deal size: amount of a won deal, the middle one",
            find=lambda s: first(of_measure(deal_size(s), "median")),
            why_no_months="the average is judged in its place",
        ),
        number(
            "deals.velocity",
            f"sales velocity a day, of {of}: deals x win rate x amount / days to win",
            why_no_months=TOO_NOISY,
            find=lambda s: first(of_measure(sales_velocity(s, days=within), "velocity")),
        ),
    ]


def cycle(shop: Shop, asked: Asked) -> list[Headline]:
    """Time to win a deal."""
    return [Headline(
        "deals.cycle_days", "sales cycle: median days from opening a deal to winning it", ("deals",), section="deals", kind="days", better="lower",
        find=lambda s: first(of_measure(cycle_days(s), "median"), "measure=median"), why_no_months="recent deals count only if they were quick")]


def referrals(shop: Shop, asked: Asked) -> list[Headline]:
    """Deals that came by referral against the rest."""
    return [Headline(
        "deals.referral_gap", f"{asked['referral']} against the rest: won more often than the rest, at the same mix of segments", ("deals",),
        find=lambda s: first(referral_gap(s, source=asked["referral"], days=asked.get("within_days", 180))), why_no_months=TOO_NOISY,
        section="deals", kind="points", better="")] if len(referral_gap(shop, source=asked["referral"], days=asked.get("within_days", 180))) else []
