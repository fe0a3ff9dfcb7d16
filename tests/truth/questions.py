"""What each page prints of a shop, as readings to be held against the truth, and what people print instead.

`ASKED` holds, world by world, a function of a shop for every metric that is tested; `NAIVE` the counts that people make
instead, without an interval. Both can be asked of a batch's shops and of one that `open_shop` made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import pandas as pd

import retainkit as rk
from retainkit.estimate.smalln import short_of
from retainkit.estimate.survival import at_times, kaplan_meier
from retainkit.metrics.averages import CROSS_SELLS, REVENUE
from retainkit.metrics.cross_sell import CROSS_SOLD
from retainkit.tally import tally

from .buyers import BANDS, LAPSE

HORIZONS = (30, 60, 90, 180, 365)
COHORT = 5  # customers from which on the pages show a cohort
EVERY = {"win_by_rep": 5}  # asked of every fifth shop only: a curve a rep takes its time


class Reading(NamedTuple):
    """One number of one page: `(name, cell)` is what is looked up as true."""

    name: str
    cell: Any
    value: float
    low: float
    high: float


Asked = Callable[[Any], Iterable[Reading]]


def rows(name: str, table: pd.DataFrame, cells: Iterable[Any], value: str = "rate", low: str = "low", high: str = "high") -> list[Reading]:
    """The rows of a metric's table as readings."""
    numbers = table[[value, low, high]].astype(float).to_numpy()
    return [Reading(name, cell, *row) for cell, row in zip(cells, numbers.tolist(), strict=True)]


# ---- buyers -----------------------------------------------------------------------------------------------------


def _beyond(shop: Any) -> list[Reading]:
    """The modelled values that the hold-out lets through."""
    table = rk.lifetime_value_beyond(shop).value.dropna(subset=["value"])
    return rows("lifetime_value_beyond", table, table["horizon_days"], "value")


def _cross_sell_share(shop: Any) -> list[Reading]:
    """The shares that the page's gates let through."""
    table = rk.cross_sell_share(shop)
    counts = [{"cross_sells": r.total_late, "late_cross_sells": r.total_late - r.total_early, "observed_past": r.observed} for r in table.itertuples()]
    table = table[[not short_of(c) for c in counts]]
    return rows("cross_sell_share", table, table["horizon"])


def _month_one(shop: Any) -> list[Reading]:
    return [r for kind, first in (("all", True), ("later", False)) for r in rows("month_one_revenue", rk.month_one_revenue(shop, first_order=first), [kind])]


def _cohorts(shop: Any) -> list[Reading]:
    table = rk.second_purchase_by_cohort(shop).query("mature and n >= @COHORT")
    return rows("second_purchase_by_cohort", table, [30] * len(table))


def _matrix(shop: Any) -> list[Reading]:
    table = rk.retention_matrix(shop)
    pooled = rk.pooled_retention(table).query("period in [1, 12]")
    cells = table[table["mature"] & (table["customers"] >= COHORT) & table["period"].between(1, 12)]
    came = [(int(c[:4]) - 2023) * 12 + int(c[5:]) - 11 for c in cells["cohort"]]
    return rows("pooled_retention", pooled, pooled["period"]) + rows("retention_matrix", cells, zip(came, cells["period"], strict=True))


def _lapse(shop: Any) -> list[Reading]:
    lapsed = rk.lapse_survival(shop, days=LAPSE, horizons=[365]).query("lapse_days == @LAPSE")
    back = rk.lapse_returns(shop, days=LAPSE).query("lapse_days == @LAPSE")
    return (rows("lapse_survival", lapsed, [365]) + rows("lapse_returns", back, [LAPSE])
            + rows("monthly_lapse", rk.monthly_lapse(shop, days=LAPSE).tail(1), ["2026-10"]))  # fmt: skip


def _repeated(shop: Any) -> list[Reading]:
    table = rk.repeat_buying(shop).query("month == '2026-10'")
    return rows("repeat_buying", table, table["measure"])


BUYERS: dict[str, Asked] = {
    "cross_sell_share": _cross_sell_share,
    "cross_sell_any": lambda shop: rows("cross_sell_any", rk.cross_sell_any(shop, horizons=HORIZONS), HORIZONS),
    "cross_sells_made": lambda shop: rows("cross_sells_made", rk.cross_sells_made(shop, horizons=[90, 365]), [90, 365], "value"),
    "cross_sell_rates": lambda shop: rows("cross_sell_rates", rk.cross_sell_rates(shop), [f"{a}-{b}" for a, b in BANDS], "value"),
    "month_one_revenue": _month_one,
    "second_purchase": lambda shop: rows("second_purchase", rk.second_purchase(shop), HORIZONS),
    "second_purchase_mature": lambda shop: rows("second_purchase_mature", rk.second_purchase_mature(shop, horizons=HORIZONS), HORIZONS),
    "second_purchase_by_cohort": _cohorts,
    "next_purchase": lambda shop: rows("next_purchase", rk.next_purchase(shop, k=(1, 2, 3)), (1, 2, 3)),
    "repeat_revenue": lambda shop: rows("repeat_revenue", rk.repeat_revenue(shop), ["all"]),
    "retention_matrix": _matrix,
    "lapse": _lapse,
    "repeat_buying": _repeated,
    "lifetime_value_beyond": _beyond,
    "lifetime_value": lambda shop: rows("lifetime_value", rk.lifetime_value(shop, horizons=[90, 365]), [90, 365], "value"),
    "acquisition_cost": lambda shop: rows("acquisition_cost", rk.acquisition_cost(shop), ["all"], "value"),
    "value_to_cost": lambda shop: rows("value_to_cost", rk.value_to_cost(shop), [365], "value"),
    "payback": lambda shop: rows("payback", rk.payback(shop).fillna(float("inf")), ["all"], "value"),
}


def _seen_share(shop: Any, value: Any, early: int, late: int) -> float:
    """Of everything seen so far in the first days of customers' lives, the part of the very first days."""
    ages = tally(shop, "recurrent_events", value=value, by="all").query("age <= @late")
    return float(ages.loc[ages["age"] <= early, "value"].sum() / ages["value"].sum())


def _naive_buyers(shop: Any) -> dict[tuple[str, Any], float]:
    second = rk.second_purchase_mature(shop).set_index("horizon_days")["naive"]
    third = tally(shop, "next_purchase", k=2, within=365, latest=365).iloc[0]
    crossed = tally(shop, "first_or_left", by="all", hit=CROSS_SOLD)
    soon = crossed.loc[(crossed["cause"] == "bought") & (crossed["duration"] <= 90), "n"].sum()
    matrix = rk.retention_matrix(shop)
    filled = matrix.groupby("cohort")["customers"].first().sum()
    in_log = shop.sql("select sum(case when on_day > first_on then amount end) / sum(amount) as share from days")["share"]
    return {
        **{("second_purchase", h): second[h] for h in HORIZONS}, ("next_purchase", 2): third["seen"] / third["n"],
        **{("cross_sell_share", h): _seen_share(shop, CROSS_SELLS, 90, h) for h in (365, 730)}, ("cross_sell_any", 90): soon / crossed["n"].sum(),
        ("month_one_revenue", "all"): _seen_share(shop, REVENUE, 30, 365), ("repeat_revenue", "all"): float(in_log.iloc[0]),
        **{("pooled_retention", k): matrix.loc[matrix["period"] == k, "active"].sum() / filled for k in (1, 12)}}  # fmt: skip


# ---- subscribers ------------------------------------------------------------------------------------------------


def _early(shop: Any) -> list[Reading]:
    table = rk.early_cancellation(shop, horizons=[60, 365]).query("cause == 'early_cancel'")
    return rows("early_cancellation", table, table["horizon_days"])


def _kept(shop: Any) -> list[Reading]:
    table = rk.days_kept(shop, by="segment")
    return rows("days_kept", table, table["segment"], "value")


def _money(shop: Any) -> list[Reading]:
    table = rk.revenue_churn(shop).query("month == '2026-10'")
    return rows("revenue_churn", table, table["measure"], "value")


def _leaving(shop: Any) -> list[Reading]:
    return rows("leaving_rates", rk.leaving_rates(shop).tail(1), ["ratio"], "ratio", "ratio_low", "ratio_high")


def _scores(shop: Any) -> list[Reading]:
    said, staff = rk.promoter_scores(shop), rk.promoter_scores(shop, kind="employee")
    return rows("promoter_scores", said, said["wave"], "value") + rows("promoter_scores", staff, ["staff"], "value")


SUBSCRIBERS: dict[str, Asked] = {
    "contract_survival": lambda shop: rows("contract_survival", rk.contract_survival(shop, horizons=[30, 90, 180, 365]), (30, 90, 180, 365)),
    "early_cancellation": _early,
    "days_kept": _kept,
    "monthly_churn": lambda shop: rows("monthly_churn", rk.monthly_churn(shop).tail(1), ["2026-10"]),
    "monthly_cancellation": lambda shop: rows("monthly_cancellation", rk.monthly_cancellation(shop).tail(1), ["2026-10"]),
    "revenue_churn": _money,
    "leaving_rates": _leaving,
    "customer_retention": lambda shop: rows("customer_retention", rk.customer_retention(shop).tail(1), ["2026-10"]),
    "promoter_scores": _scores,
    "promoter_changes": lambda shop: rows("promoter_changes", rk.promoter_changes(shop), ["2026-09"], "value"),
    "weekly_active": lambda shop: rows("weekly_active", rk.weekly_active(shop).tail(1), ["2026-10-31"]),
    "went_quiet": lambda shop: rows("went_quiet", rk.went_quiet(shop), [90]),
}


def _naive_subscribers(shop: Any) -> dict[tuple[str, Any], float]:
    lives = tally(shop, "contract_lives", by="all", early_days=60)
    seen = lives[lives["entry"].lt(lives["duration"])].drop(columns="entry")
    curve = at_times(kaplan_meier(seen), [30, 90, 180, 365])["survival"]
    early = seen.loc[seen["cause"] == "early_cancel", "n"].sum() / seen["n"].sum()
    return {**{("contract_survival", h): s for h, s in zip((30, 90, 180, 365), curve, strict=True)}, ("early_cancellation", 365): early}


# ---- sellers ----------------------------------------------------------------------------------------------------


def _win_rate(shop: Any) -> list[Reading]:
    by_rep = rk.win_rate(shop, by="rep")
    return rows("win_rate", rk.win_rate(shop), ["all"]) + rows("win_rate", by_rep, by_rep["rep"])


def _win_by_rep(shop: Any) -> list[Reading]:
    table = rk.win_by(shop, by="rep")
    return rows("win_by", table, table["rep"])


def _sources(shop: Any) -> list[Reading]:
    table = rk.source_win_rates(shop).query("source == 'referral'")
    return [r for kind, names in (("rate", ("rate", "low", "high")), *((k, (k, f"{k}_low", f"{k}_high")) for k in ("difference", "standardised")))
            for r in rows("source_win_rates", table, [kind], *names)]  # fmt: skip


def _velocity(shop: Any) -> list[Reading]:
    """Velocity per deal opened, since the number of deals is taken as given; won revenue per day as it is."""
    table = rk.sales_velocity(shop).query("measure in ['velocity', 'won_per_day']")
    deals = table["n"].where(table["measure"] == "velocity", 1)
    return rows("sales_velocity", table.assign(**{c: table[c] / deals for c in ("value", "low", "high")}), table["measure"], "value")


def _rep_churn(shop: Any) -> list[Reading]:
    """Reps with at least one loss expected, as on the page."""
    table = rk.rep_churn(shop).query("expected >= 1")
    return rows("rep_churn", table, table["rep"], "value")


SELLERS: dict[str, Asked] = {
    "win_rate": _win_rate,
    "win_by": lambda shop: rows("win_by", rk.win_by(shop), ["all"]),
    "win_by_rep": _win_by_rep,
    "deal_size": lambda shop: rows("deal_size", rk.deal_size(shop), ("mean", "median"), "value"),
    "cycle_days": lambda shop: rows("cycle_days", rk.cycle_days(shop), ("mean", "median", "median_to_outcome"), "value"),
    "sales_velocity": _velocity,
    "source_win_rates": _sources,
    "referral_gap": lambda shop: rows("referral_gap", rk.referral_gap(shop), ["all"]),
    "rep_churn": _rep_churn,
}


def _naive_sellers(shop: Any) -> dict[tuple[str, Any], float]:
    lives = tally(shop, "deals_lives", by="all")
    soon = lives.loc[(lives["cause"] == "won") & (lives["duration"] <= 180), "n"].sum()
    return {("win_by", "all"): soon / lives["n"].sum()}


CONSUMERS: dict[str, Asked] = {"lifetime_value_beyond": _beyond}
ASKED: dict[str, dict[str, Asked]] = {"buyers": BUYERS, "subscribers": SUBSCRIBERS, "sellers": SELLERS, "consumers": CONSUMERS}
NAIVE: dict[str, Callable[[Any], dict[tuple[str, Any], float]]] = {"buyers": _naive_buyers, "subscribers": _naive_subscribers, "sellers": _naive_sellers, "consumers": lambda shop: {}}
