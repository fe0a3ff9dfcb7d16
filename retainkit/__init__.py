"""retainkit: who comes back, who leaves, and who sold it, on a company's own data.

Everything public is imported when it is first used, so that `import retainkit` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from retainkit.errors import BadValueError, MissingDataError, RetainkitError, closest

__version__ = "0.1.0"

_HOMES = {
    "retainkit.load.opening": ("open_shop",),
    "retainkit.load.shop": ("Shop",),
    "retainkit.metrics.purchases": (
        "overview", "never_bought", "second_purchase", "second_purchase_curve", "second_purchase_mature", "second_purchase_by_cohort",
        "second_purchase_trend", "next_purchase", "usable_horizon"),
    "retainkit.metrics.cross_sell": (
        "cross_sell_share", "cross_sell_curve", "cross_sell_any", "cross_sell_incidence", "first_cross_sell_naive",
        "month_one_revenue", "second_purchase_before_leaving"),
    "retainkit.metrics.first_days": (
        "cross_sell_rates", "leaving_rates", "cross_sell_paths", "cross_sell_compared", "second_purchase_compared",
        "short_log_shares"),
    "retainkit.metrics.churn": (
        "contract_survival", "churn_curve", "early_cancellation", "days_kept", "monthly_churn", "monthly_cancellation",
        "contract_checks"),
    "retainkit.metrics.churn_money": ("revenue_churn", "customer_retention", "mrr_movements"),
    "retainkit.metrics.buying": ("repeat_buying", "repeat_revenue", "repeat_revenue_between", "revenue_by_month"),
    "retainkit.metrics.lifetime_value": ("lifetime_value", "lifetime_value_curve"),
    "retainkit.metrics.beyond": ("lifetime_value_beyond", "constant_habits"),
    "retainkit.metrics.acquisition": ("acquisition_cost", "value_to_cost", "payback", "keeping_cost"),
    "retainkit.metrics.voices": ("promoter_scores", "promoter_changes", "response_by", "rep_voices"),
    "retainkit.metrics.use": ("weekly_active", "went_quiet"),
    "retainkit.metrics.scorecard": ("scorecard", "missing_lines"),
    "retainkit.metrics.definitions": ("churn_definitions", "churn_bridge"),
    "retainkit.metrics.retention": ("retention_matrix", "contract_retention_matrix", "pooled_retention", "churn_projection"),
    "retainkit.metrics.lapse": (
        "lapse_rule", "lapse_survival", "lapse_curve", "lapse_returns", "lapse_under_contract", "monthly_lapse", "lapse_checks"),
    "retainkit.metrics.deals": ("win_rate", "win_rate_withheld", "win_by", "win_curve", "stale_deals"),
    "retainkit.metrics.deals_values": ("deal_size", "cycle_days", "sales_velocity", "source_win_rates", "referral_gap"),
    "retainkit.metrics.reps": ("rep_churn", "rep_churn_withheld", "rep_accounts", "rep_checks"),
    "retainkit.metrics.rep_map": ("rep_map", "rep_correlations", "win_funnel"),
    "retainkit.metrics.rollouts": ("rollout", "rollout_withheld", "rolled_out"),
    "retainkit.metrics.goals": ("goals",),
    "retainkit.metrics.claims": ("claim_bench",),
    "retainkit.estimate.funnel": ("binomial_limits", "poisson_limits"),
    "retainkit.estimate.control": ("control_limits",),
    "retainkit.estimate.smalln": ("in_words", "judge", "verdict", "short_of"),
    "retainkit.show.begin": ("begin", "show_ledger"),
    "retainkit.show.display": ("say", "table", "chart", "record"),
    "retainkit.show.sentences": ("words", "shown", "against", "checks", "numbers", "tidy"),
    "retainkit.show.card": ("card_table", "card_numbers", "goal_table"),
    "retainkit.show.words": ("unit_of",),
    "retainkit.show.rep_charts": ("plot_funnel", "plot_rep_map"),
    "retainkit.show.matrix": ("plot_matrix",),
    "retainkit.show.charts": ("plot_curve", "plot_rates", "plot_series", "plot_parts", "plot_areas", "plot_projection"),
}  # fmt: skip
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = ["BadValueError", "MissingDataError", "RetainkitError", "__version__", *sorted(_HOME_OF)]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        near = closest(name, __all__)
        raise AttributeError(
            f"retainkit has no attribute {name!r}"
            + (f"; it has {near}" if near else "")
            + "; dir(retainkit) lists all",
            name=name,
            obj=None,
        )
    from retainkit.asked import at_the_door

    return at_the_door(getattr(import_module(_HOME_OF[name]), name))


def __dir__() -> list[str]:
    return __all__
