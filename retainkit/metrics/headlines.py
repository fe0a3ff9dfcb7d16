"""The headline numbers: each with its name in metrics.csv, how it is computed, and the monthly series that judges its change."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

import pandas as pd

from retainkit.errors import counted
from retainkit.load.shop import Shop
from retainkit.metrics.buying import repeat_revenue
from retainkit.metrics.churn import contract_survival, monthly_churn
from retainkit.metrics.cross_sell import cross_sell_any, cross_sell_share
from retainkit.metrics.deals import win_by, win_rate
from retainkit.metrics.lapse import lapse_rule, lapse_survival, monthly_lapse
from retainkit.metrics.purchases import next_purchase, second_purchase, usable_horizon
from retainkit.metrics.retention import contract_retention_matrix
from retainkit.tally import tally

# What the notebooks' parameters are unless a run sets them.
SETTINGS: Mapping[str, Any] = {"window": 90, "horizons": (365, 730), "within": 30, "horizon": 365, "lapse_after": 0, "within_days": 180}
Asked = Mapping[str, Any]
RISES = "it rises by itself as customers grow older"
NO_COHORTS = "there is no series of it by month"


class Found(NamedTuple):
    """An estimate with its interval, what it is of, and its group key in metrics.csv."""

    value: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    n: int = 0
    group: str = ""


@dataclass(frozen=True)
class Headline:
    """One headline number of one shop, with its horizon settled."""

    metric: str  # its name in metrics.csv
    label: str
    tables: tuple[str, ...]  # the tables whose rows it is made of
    find: Callable[[Shop], Found]
    horizon: int | None = None  # days, as in metrics.csv
    months: Callable[[Shop], pd.DataFrame] | None = None  # month, known_on, hits, n: equal ages, finished months only
    why_no_months: str = ""


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
    next_purchase.share 44 - two-time buyers who buy a third time within 44 days
    """
    asked = {**SETTINGS, **settings}
    makers = (m for m in MAKERS if all(shop.has(n.lstrip("-")) != n.startswith("-") for n in m.needs))
    found = (h for m in makers if not only or set(m.metrics) & set(only) for h in m.make(shop, asked))
    return [h for h in found if not only or h.metric in only]


def _purchases(shop: Shop, asked: Asked) -> list[Headline]:
    """Second purchase early and late, third given second, repeat revenue."""
    late = usable_horizon(shop, asked["horizon"])
    return [
        *(_second_purchase(days) for days in sorted({min(asked["within"], late), late})), _third_purchase(shop),
        Headline("repeat_revenue.share", "revenue that comes after a customer's first day", ("orders",),
                 find=lambda s: first(repeat_revenue(s)), why_no_months=RISES),
    ]


def _second_purchase(days: int) -> Headline:
    return Headline(
        "second_purchase.share", f"new customers who buy again within {counted(days, 'day')}", ("orders",), horizon=days,
        find=lambda s: first(second_purchase(s, horizons=[days])),
        months=lambda s: cohorts(s, tally(s, "second_purchase_cohorts", within=days), "cohort", days))


def _third_purchase(shop: Shop) -> Headline:
    third = next_purchase(shop, k=[2]).iloc[0]
    window, latest = int(third["horizon_days"]), int(third["latest"])

    def months(s: Shop) -> pd.DataFrame:
        table = tally(s, "next_purchase_cohorts", k=2, within=window, latest=latest)
        return after(cohorts(s, table, "month", window), shop, latest)  # before that, only fast buyers had bought twice

    return Headline(
        "next_purchase.share", f"two-time buyers who buy a third time within {counted(window, 'day')}", ("orders",), horizon=window,
        find=lambda s: first(next_purchase(s, k=[2], within_days=window), "k=2"), months=months)


def _cross_sells(shop: Shop, asked: Asked) -> list[Headline]:
    """Cross-sold in the early window, and the window's share of each span."""
    early = usable_horizon(shop, asked["window"])
    anyone = Headline(
        "cross_sell.any", f"new customers cross-sold within {counted(early, 'day')}", ("orders", "contracts"), horizon=early,
        find=lambda s: first(cross_sell_any(s, horizons=[early])), months=lambda s: _cross_sold(s, early, early, "crossed", "customers"))
    return [anyone, *(_cross_sell_share(early, span) for span in asked["horizons"] if span > early)]


def _cross_sell_share(early: int, span: int) -> Headline:
    return Headline(
        "cross_sell.share_in_window", f"cross-sells of the first {span} days that come in the first {early}", ("orders",), horizon=early,
        find=lambda s: first(cross_sell_share(s, within_days=early, horizons=[span]), f"horizon={span}"),
        months=lambda s: _cross_sold(s, early, span, "early", "sold"))


def _cross_sold(shop: Shop, early: int, span: int, hits: str, n: str) -> pd.DataFrame:
    """Two counts of the cross-sells of each month's new customers, as hits and n, once the month is `span` days old."""
    table = tally(shop, "cross_sell_cohorts", within=early, horizon=span)
    return cohorts(shop, table.assign(hits=table[hits], n=table[n]), "month", span)


def _contracts(shop: Shop, asked: Asked) -> list[Headline]:
    """Still under contract after the horizon, and lost in the latest closed month."""
    days = usable_horizon(shop, asked["horizon"], of="contracts")

    def kept(s: Shop) -> pd.DataFrame:
        matrix = contract_retention_matrix(s, period_days=days).query("period == 1 and mature")
        return cohorts(s, matrix.assign(hits=matrix["active"]), "cohort", days)

    return [
        Headline("churn.survival", f"customers still under contract after {counted(days, 'day')}", ("contracts",), horizon=days,
                 find=lambda s: first(contract_survival(s, horizons=[days])), months=kept),
        Headline("churn.monthly", "customers lost in the latest finished month", ("contracts",),
                 find=lambda s: latest(monthly_churn(s)), months=lambda s: _closed(s, monthly_churn(s))),
    ]


def _lapses(shop: Shop, asked: Asked) -> list[Headline]:
    """The same for shops without contracts, by the lapse rule of today."""
    rule = lapse_rule(shop, days=asked["lapse_after"] or None)["days"].iloc[0]
    if rule != rule:
        return []
    x, days = int(rule), usable_horizon(shop, asked["horizon"])
    return [
        Headline("churn.survival", f"new customers not lapsed ({counted(x, 'day')} without a purchase) after {counted(days, 'day')}", ("orders",), horizon=days,
                 find=lambda s: first(lapse_survival(s, days=x, horizons=[days]).query("lapse_days == @x", local_dict={"x": x}), f"lapse_days={x}"),
                 why_no_months=NO_COHORTS),
        Headline("churn.monthly", f"customers who lapsed ({counted(x, 'day')} without a purchase) in the latest finished month", ("orders",),
                 find=lambda s: latest(monthly_lapse(s, days=x)), months=lambda s: _closed(s, monthly_lapse(s, days=x))),
    ]


def _deals(shop: Shop, asked: Asked) -> list[Headline]:
    """Won of the closed and of the opened."""
    days = asked["within_days"]

    def months(s: Shop, kind: str) -> pd.DataFrame:
        table = tally(s, "deals_months", days=days)
        return cohorts(s, table[table["kind"] == kind], "month", days if kind == "opened" else 0)

    return [
        Headline("deals.win_rate", "closed deals that were won", ("deals",), find=lambda s: first(win_rate(s, days=days)),
                 months=lambda s: after(months(s, "closed"), s, days)),  # before that, only fast deals were closed
        Headline("deals.win_by", f"opened deals won within {counted(days, 'day')}", ("deals",), horizon=days,
                 find=lambda s: first(win_by(s, days=days)),
                 months=lambda s: after(months(s, "opened"), s, 0)),  # of deals opened earlier, those closed by then are not in the log
    ]


class Maker(NamedTuple):
    """Makes some of the headline numbers; which, and what a shop must have for it (`-`: must not have)."""

    metrics: tuple[str, ...]
    needs: tuple[str, ...]
    make: Callable[[Shop, Asked], list[Headline]]


MAKERS = (
    Maker(("second_purchase.share", "next_purchase.share", "repeat_revenue.share"), ("orders",), _purchases),
    Maker(("cross_sell.any", "cross_sell.share_in_window"), ("orders.product_line",), _cross_sells),
    Maker(("churn.survival", "churn.monthly"), ("contracts",), _contracts),
    Maker(("churn.survival", "churn.monthly"), ("orders", "-contracts"), _lapses),
    Maker(("deals.win_rate", "deals.win_by"), ("deals",), _deals),
)


def first(table: pd.DataFrame, group: str = "") -> Found:
    """The estimate in a metric table's first row (`rate` or `value`); nothing is known where there is no row."""
    if table.empty:
        return Found(group=group)
    row = table.iloc[0]
    value = row["rate"] if "rate" in row else row["value"]
    return Found(float(value), float(row["low"]), float(row["high"]), int(row["n"]), group)


def latest(months: pd.DataFrame) -> Found:
    """The estimate of a monthly table's last month."""
    return first(months.tail(1), f"month={months['month'].iloc[-1]}") if len(months) else Found()


def of_measure(table: pd.DataFrame, measure: str) -> pd.DataFrame:
    """The rows of one measure."""
    return table[table["measure"] == measure]


def _closed(shop: Shop, months: pd.DataFrame) -> pd.DataFrame:
    """Calendar months of `lost` and `active_start`, known once they are over."""
    return cohorts(shop, months.assign(hits=months["lost"], n=months["active_start"]), "month", 0)


def cohorts(shop: Shop, table: pd.DataFrame, month: str, days: int, of: Sequence[str] = ("hits", "n")) -> pd.DataFrame:
    """Months with the columns `of`, each known `days` after its last day; those not known yet are left out."""
    first_on = pd.to_datetime(table[month])
    known_on = first_on + pd.offsets.MonthEnd(0) + pd.Timedelta(days=days)
    months = pd.DataFrame({"month": first_on.dt.strftime("%Y-%m"), "first_on": first_on, "known_on": known_on, **table[list(of)]})
    return months[known_on <= pd.Timestamp(shop.as_of)].sort_values("first_on", ignore_index=True)


def after(months: pd.DataFrame, shop: Shop, days: int) -> pd.DataFrame:
    """The months that begin when the recorded history is at least so many days old."""
    return months[months["first_on"] >= pd.Timestamp(shop.history_start + timedelta(days=days))]
