"""The headline numbers: each with its name in metrics.csv, how it is computed, and the monthly series that judges its change."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

import pandas as pd

from retainkit.errors import counted
from retainkit.estimate.goals import Found
from retainkit.load.shop import Shop
from retainkit.metrics.buying import repeat_revenue
from retainkit.metrics.churn import contract_survival, monthly_churn
from retainkit.metrics.cross_sell import cross_sell_any, cross_sell_share
from retainkit.metrics.deals import win_by, win_rate
from retainkit.metrics.lapse import lapse_rule, lapse_survival, monthly_lapse
from retainkit.metrics.line import RISES, Asked, Headline, Maker, after, cohorts, first, lacking, latest
from retainkit.metrics.purchases import next_purchase, second_purchase, usable_horizon
from retainkit.metrics.retention import contract_retention_matrix
from retainkit.tally import tally

# What the notebooks' parameters are unless a run sets them.
SETTINGS: Mapping[str, Any] = {"window": 90, "horizons": (365, 730), "within": 30, "horizon": 365, "lapse_after": 0, "within_days": 180}
LOST = {"hits": "lost", "n": "active_start"}  # of a month's balance
NO_COHORTS = "there is no series of it by month"


def headlines(shop: Shop, *, only: Collection[str] = (), **settings: Any) -> list[Headline]:
    """The headline numbers this shop can give.

    Horizons that too few customers have been followed for are shortened as the notebooks do. Left out: numbers that need a
    table or column the shop has not.

    Parameters
    ----------
    shop
        The shop as it is now; the numbers can then be asked of the same shop at another day.
    only
        Names of metrics; empty: all.
    settings
        Parameters of the notebooks that differ from their defaults: `window`, `horizons`, `within`, `horizon`,
        `lapse_after`, `within_days`. Others are ignored.

    Returns
    -------
    list of Headline

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit import open_shop
    >>> orders = pd.DataFrame({"order_id": [1, 2, 3], "customer_id": ["ann", "ann", "bob"], "amount": 5,
    ...                        "ordered_at": ["2026-01-01", "2026-01-11", "2026-01-05"]})
    >>> for number in headlines(open_shop({"orders": orders}, as_of="2026-03-31"))[:2]:
    ...     print(number.metric, number.horizon, "-", number.label)
    second_purchase.share 30 - new customers who buy again within 30 days
    next_purchase.share 44 - customers with two purchases within 44 days who make a third within 44 days of the second
    """
    asked = {**SETTINGS, **settings}
    makers = (m for m in MAKERS if not lacking(shop, m) and (not only or set(m.metrics) & set(only)))
    found = (h for m in makers for h in m.make(shop, asked))
    return [h for h in found if not only or h.metric in only]


def _purchases(shop: Shop, asked: Asked) -> list[Headline]:
    """Second purchase early and late, third given second, repeat revenue."""
    late = usable_horizon(shop, asked["horizon"])
    return [
        *(_second_purchase(days) for days in sorted({min(asked["within"], late), late})), _third_purchase(shop),
        Headline("repeat_revenue.share", "revenue that comes after a customer's first day", ("orders",),
                 find=lambda s: first(repeat_revenue(s)), why_no_months=RISES, section="buying again", better=""),
    ]


def _second_purchase(days: int) -> Headline:
    return Headline(
        "second_purchase.share", f"new customers who buy again within {counted(days, 'day')}", ("orders",), horizon=days, section="buying again",
        find=lambda s: first(second_purchase(s, horizons=[days])),
        months=lambda s: cohorts(s, tally(s, "second_purchase_cohorts", within=days), "cohort", days))


def _third_purchase(shop: Shop) -> Headline:
    third = next_purchase(shop, k=[2]).iloc[0]
    window, latest = int(third["horizon_days"]), int(third["latest"])

    def months(s: Shop) -> pd.DataFrame:
        table = tally(s, "next_purchase_cohorts", k=2, within=window, latest=latest)
        return after(cohorts(s, table, "month", window), shop, latest)  # before that, only fast buyers had bought twice

    return Headline(
        "next_purchase.share",
        f"customers with two purchases within {counted(latest, 'day')} who make a third within {counted(window, 'day')} of the second",
        ("orders",),
        horizon=window,
        find=lambda s: first(next_purchase(s, k=[2], within_days=window), "k=2"),
        months=months,
        section="buying again",
    )


def _cross_sells(shop: Shop, asked: Asked) -> list[Headline]:
    """Cross-sold in the early window, and the window's share of each span."""
    early, tables = usable_horizon(shop, asked["window"]), ("orders", "contracts") if shop.has("contracts") else ("orders",)
    anyone = Headline(
        "cross_sell.any", f"new customers cross-sold within {counted(early, 'day')}", tables, horizon=early, section="buying again",
        find=lambda s: first(cross_sell_any(s, horizons=[early])), months=lambda s: _cross_sold(s, early, early, "crossed", "customers"))
    return [anyone, *(_cross_sell_share(early, span) for span in asked["horizons"] if span > early)]


def _cross_sell_share(early: int, span: int) -> Headline:
    return Headline(
        "cross_sell.share_in_window", f"cross-sells of the first {span} days that come in the first {early}", ("orders",), horizon=early,
        find=lambda s: first(cross_sell_share(s, within_days=early, horizons=[span]), f"horizon={span}"),
        months=lambda s: _cross_sold(s, early, span, "early", "sold"))


def _cross_sold(shop: Shop, early: int, span: int, hits: str, n: str) -> pd.DataFrame:
    """Two counts of the cross-sells of each month's new customers, as hits and n, once the month is `span` days old."""
    return cohorts(shop, tally(shop, "cross_sell_cohorts", within=early, horizon=span), "month", span, hits=hits, n=n)


def _staying(shop: Shop, asked: Asked) -> list[Headline]:
    """Still under contract after the horizon, and lost in the latest closed month; by the lapse rule where no contract says when it ended."""
    if not shop.has("contracts.ended_at"):
        return _lapses(shop, asked)
    days = usable_horizon(shop, asked["horizon"], of="contracts")

    def kept(s: Shop) -> pd.DataFrame:
        matrix = contract_retention_matrix(s, period_days=days).query("period == 1 and mature")
        return cohorts(s, matrix, "cohort", days, hits="active", n="n")

    return _stayed_and_left(
        ("contracts",), f"customers still under contract after {counted(days, 'day')}",
        "customers lost in the latest finished month", days,
        lambda s: first(contract_survival(s, horizons=[days])), monthly_churn, months=kept)


def _lapses(shop: Shop, asked: Asked) -> list[Headline]:
    """The same for shops without contracts, by the lapse rule of today."""
    rule = lapse_rule(shop, days=asked["lapse_after"] or None)["days"].iloc[0]
    if rule != rule:
        return []
    x, days = int(rule), usable_horizon(shop, asked["horizon"])
    quiet = f"({counted(x, 'day')} without a purchase)"

    def not_lapsed(s: Shop) -> Found:
        table = lapse_survival(s, days=x, horizons=[days])
        return first(table[table["lapse_days"] == x], f"lapse_days={x}")

    return _stayed_and_left(
        ("orders",), f"new customers not lapsed {quiet} after {counted(days, 'day')}",
        f"customers who lapsed {quiet} in the latest finished month", days,
        not_lapsed, partial(monthly_lapse, days=x), why_no_months=NO_COHORTS)


def _stayed_and_left(
    tables: tuple[str, ...], here: str, gone: str, days: int, stayed: Callable[[Shop], Found],
    left: Callable[[Shop], pd.DataFrame], **judged: Any,
) -> list[Headline]:
    """Who is still `here` after so many days, and how their months are judged; who is `gone` in the latest finished month."""
    number = partial(Headline, tables=tables, section="staying")
    return [
        number("churn.survival", here, find=stayed, horizon=days, kind="survival", **judged),
        number("churn.monthly", gone, find=lambda s: latest(left(s)), better="lower",
               months=lambda s: cohorts(s, left(s), "month", 0, **LOST)),
    ]


def _deals(shop: Shop, asked: Asked) -> list[Headline]:
    """Won of the closed and of the opened."""
    days = asked["within_days"]

    def months(s: Shop, kind: str) -> pd.DataFrame:
        table = tally(s, "deals_months", days=days)
        return cohorts(s, table[table["kind"] == kind], "month", days if kind == "opened" else 0)

    return [
        Headline("deals.win_rate", "closed deals that were won", ("deals",), section="deals", find=lambda s: first(win_rate(s, days=days)),
                 months=lambda s: after(months(s, "closed"), s, days)),  # before that, only fast deals were closed
        Headline("deals.win_by", f"opened deals won within {counted(days, 'day')}", ("deals",), horizon=days, section="deals",
                 find=lambda s: first(win_by(s, days=days)),
                 months=lambda s: after(months(s, "opened"), s, 0)),  # of deals opened earlier, those closed by then are not in the log
    ]


MAKERS = (
    Maker(
        {
            "second_purchase.share": "second purchase",
            "next_purchase.share": "third purchase",
            "repeat_revenue.share": "repeat revenue",
        },
        ("orders",),
        _purchases,
    ),
    Maker(
        {"cross_sell.any": "cross-sell", "cross_sell.share_in_window": "early cross-sells"},
        ("orders.product_line",),
        _cross_sells,
    ),
    Maker({"churn.survival": "customers who stay", "churn.monthly": "churn"}, ("contracts.ended_at|orders",), _staying),
    Maker({"deals.win_rate": "win rate", "deals.win_by": "deals won in time"}, ("deals",), _deals),
)
