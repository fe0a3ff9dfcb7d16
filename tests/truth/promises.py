"""The intervals that are promised to hold the truth, in the order of the pages, with the explanation where one is due."""

from __future__ import annotations

from typing import Any, NamedTuple

ALL = "every cell"  # of the table


class Promise(NamedTuple):
    """A number (or, with `ALL`, a table of numbers) whose interval is tested."""

    world: str
    page: str
    name: str
    cell: Any
    says: str
    unit: str = "%"
    naive: str = ""
    why: str = ""

AGAIN = "`python -m tests.truth --times 4 --shops {} --only {}`"  # with four times the customers and deals
FOUR_TIMES = ("360 new customers, a few of whom bring much of the money, are too few to know its spread. In shops with four times as many the same "
              "interval holds {}: " + AGAIN.format(100, "month_one_revenue repeat_revenue") + ".")
WINS = ("A year's window has some 38 wins, of amounts that scatter twice as far as their mean. In companies with four times as many the same "
        "limits hold {}: " + AGAIN.format(200, "sales_velocity") + ".")
FEW_LOST = ("A month loses some six customers. Limits for so few are made long enough for a base of very uneven contracts, and are longer than needed "
            "in this one; in shops with four times as many they hold 97.0% ± 3.3%: " + AGAIN.format(100, "revenue_churn") + ".")
COUNTS = "Most reps lose two or three accounts, and limits of so small a count cannot be cut at exactly 95%: they are too long, never too short."
MIDS = ("Some hundred customers of middle size, entering late; in shops with four times as many the same estimator holds 97.0% ± 3.3%: "
        + AGAIN.format(100, "days_kept") + ".")


SKEWED = ("Few firms bring most of the revenue. A shop that happens to have few of the large ones has an average that is too low, and a spread that is "
          "too small with it: more intervals lie below the truth than above.")

SUMS = ("The ends are sums of those of what is counted and what is modelled, as if one were off whenever the other is. They are so less often, and the "
        "interval is too long, never too short.")


def _many(world: str, page: str, name: str, cells: dict[Any, str], **more: str) -> list[Promise]:
    return [Promise(world, page, name, cell, says, **more) for cell, says in cells.items()]


PROMISES: list[Promise] = [
    *_many("buyers", "01", "cross_sell_share", {h: f"share of the cross-sells of {h} days in the first 90" for h in (365, 730)},
           naive="of the cross-sells seen so far"),
    *_many("buyers", "01", "cross_sell_any", {h: f"any cross-sell within {h} days" for h in (30, 90, 365)}, naive="crossed so far, of everybody"),
    *_many("buyers", "01", "cross_sells_made", {h: f"cross-sells of a new customer in {h} days" for h in (90, 365)}, unit="times"),
    *_many("buyers", "01", "cross_sell_rates", {b: f"cross-sells per 100 customer-months, days {b}" for b in ("0-30", "30-90", "90-180", "180-365", "365-730")}, unit="rate"),
    Promise("buyers", "01", "month_one_revenue", "all", "month one of the first year's revenue", naive="of the revenue seen so far", why=FOUR_TIMES.format("99.0% ± 2.0%")),
    Promise("buyers", "01", "month_one_revenue", "later", "the same without the first day", why=FOUR_TIMES.format("99.0% ± 2.0%")),
    *_many("subscribers", "01", "leaving_rates", {"ratio": "leaving in days 91-365 over days 1-90"}, unit="times"),
    *_many("buyers", "02", "second_purchase", {h: f"second purchase within {h} days" for h in (30, 60, 90, 180, 365)}, naive="bought again so far, of everybody"),
    *_many("buyers", "02", "second_purchase_mature", {h: f"the same, customers followed {h} days only" for h in (30, 365)}),
    Promise("buyers", "02", "second_purchase_by_cohort", ALL, "second purchase within 30 days, by cohort month"),
    *_many("buyers", "02", "next_purchase", {k: f"purchase {k + 1} within 365 days of purchase {k}" for k in (1, 2, 3)}, naive="seen so far"),
    Promise("buyers", "02", "repeat_revenue", "all", "repeat revenue of all revenue", naive="first day in the log taken for the first", why=FOUR_TIMES.format("92.0% ± 5.3%, which does not tell it from 95%")),
    Promise("subscribers", "03", "contract_survival", 30, "still under contract after 30 days", naive="late entry ignored"),
    *_many("subscribers", "03", "contract_survival", {h: f"still under contract after {h} days" for h in (90, 180, 365)}, naive="late entry ignored"),
    *_many("subscribers", "03", "early_cancellation", {h: f"cancelled early, gone by day {h}" for h in (60, 365)}, naive="of all customers in the log"),
    *_many("subscribers", "03", "days_kept", {s: f"average days kept of 365, {s}" for s in ("SMB", "MID")}, unit="days", why=MIDS),
    Promise("subscribers", "03", "monthly_churn", "2026-10", "churn of the last month"),
    Promise("subscribers", "03", "monthly_cancellation", "2026-10", "requests to leave in the last month"),
    Promise("subscribers", "03", "revenue_churn", "grr", "gross revenue retention, 12 months"),
    Promise("subscribers", "03", "revenue_churn", "nrr", "net revenue retention, 12 months"),
    Promise("subscribers", "03", "revenue_churn", "mrr_churn", "monthly revenue lost in the last month", why=FEW_LOST),
    *_many("buyers", "03", "pooled_retention", {k: f"bought in month {k} after the first" for k in (1, 12)}, naive="months to come counted as empty"),
    Promise("buyers", "03", "retention_matrix", ALL, "cells of the cohort matrix, months 1 to 12"),
    Promise("buyers", "03", "lapse_survival", 365, "never lapsed (180 days) in the first year"),
    Promise("buyers", "03", "lapse_returns", 180, "lapsed, and back within 180 days"),
    Promise("buyers", "03", "monthly_lapse", "2026-10", "lapsed in the last month"),
    Promise("sellers", "04", "win_rate", "all", "won, of the deals closed"),
    Promise("sellers", "04", "win_rate", ALL, "the same by rep"),
    Promise("sellers", "04", "win_by", "all", "won within 180 days, of the deals opened", naive="won so far, of all opened"),
    Promise("sellers", "04", "win_by", ALL, "the same by rep"),
    *_many("sellers", "04", "deal_size", {m: f"{m} amount of a won deal" for m in ("mean", "median")}, unit="money"),
    *_many("sellers", "04", "cycle_days", {"mean": "days to a win, mean", "median": "days to a win, median", "median_to_outcome": "days to any outcome, median"}, unit="days"),
    *_many("sellers", "04", "source_win_rates", {"rate": "referrals won", "difference": "referrals won, against the rest", "standardised": "referrals won, standardised"}),
    Promise("sellers", "04", "sales_velocity", "velocity", "sales velocity a deal opened", unit="money", why=WINS.format("93.5% ± 3.4%")),
    Promise("sellers", "04", "sales_velocity", "won_per_day", "revenue won a day", unit="money", why=WINS.format("93.0% ± 3.5%")),
    *_many("buyers", "05", "repeat_buying", {"repeat_rate": "bought on two days of the last month", "returning_share": "bought in the last month, customers before it"}),
    Promise("subscribers", "05", "customer_retention", "2026-10", "stayed, of the customers of twelve months ago"),
    *_many("consumers", "05", "lifetime_value_beyond", {h: f"revenue of a new consumer in {h:,} days, modelled" for h in (730, 1095)}, unit="money", why=SUMS),
    *_many("buyers", "05", "lifetime_value_beyond", {h: f"revenue of a new customer in {h:,} days, modelled" for h in (730, 1095)}, unit="money", why=SUMS),
    *_many("buyers", "05", "lifetime_value", {h: f"revenue of a new customer in {h} days" for h in (90, 365)}, unit="money", why=SKEWED),
    Promise("buyers", "05", "acquisition_cost", "all", "money spent on a new customer", unit="money"),
    Promise("buyers", "05", "value_to_cost", 365, "value in 365 days over cost", unit="times", why=SKEWED),
    Promise("buyers", "05", "payback", "all", "days until a customer has earned back the cost", unit="days", why=SKEWED),
    *_many("subscribers", "05", "promoter_scores", {"2026-03": "net promoter score, an earlier survey", "2026-09": "net promoter score, the latest", "staff": "net promoter score of a team of 64"}, unit="points"),
    Promise("subscribers", "05", "promoter_changes", "2026-09", "change of the score, a quarter of customers in both surveys", unit="points",
            why="In 1,600 shops it is 93.0% ± 1.3% (`python -m tests.truth --shops 1600 --only promoter_changes`): a difference of two scores of small surveys has no correction such as a single score has."),
    Promise("sellers", "05", "referral_gap", "all", "referrals won, less the rest, same mix of segments"),
    Promise("subscribers", "05", "weekly_active", "2026-10-31", "active in the last week"),
    Promise("subscribers", "05", "went_quiet", 90, "used it early, quiet by day 90"),
    Promise("sellers", "04", "rep_churn", ALL, "observed / expected churn of reps who are all alike", unit="times", why=COUNTS),
]
