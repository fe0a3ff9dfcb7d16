"""What a new customer costs, by where they come from, and how long until that is earned back.

Money spent this month wins customers some weeks later, so spending is taken from as many months earlier as a deal takes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from retainkit.errors import counted
from retainkit.estimate.compare import MONTH
from retainkit.estimate.intervals import poisson_interval, z_value
from retainkit.load.shop import Shop
from retainkit.metrics.churn_money import customer_retention
from retainkit.metrics.deals_values import cycle_days
from retainkit.metrics.lifetime_value import lifetime_value, lifetime_value_curve, spread
from retainkit.metrics.months import first_whole, last_closed, month_name, month_numbers
from retainkit.metrics.reading import keys
from retainkit.tally import asked_once, split_by, tally

KEEPING = ("retention", "support")  # the spend categories that keep customers; all others win them
WHOLE = "spending is known of the whole company only"  # it has no segment, so over some customers it would be too dear by all the others
COST = ["value", "low", "high", "n", "spend", "lag_months", "first_month", "last_month", "note"]


@asked_once
def acquisition_cost(
    shop: Shop, *, by: str | None = None, months: int = 12, lag_months: int | None = None, level: float = 0.95
) -> pd.DataFrame:
    """Money spent to win customers over the new customers it won.

    New customers are those who first bought in the last `months` closed months; the money is that of as many months, `lag_months`
    earlier: the median time to win a deal, where there are deals. Fewer months where spending is not known so far back. Left out:
    spending on retention and support, customers who first bought before the recorded history and, by source, sources nothing is spent on.
    Not known of a shop that was restricted to some customers (`Shop.only`): spending has no segment.

    Parameters
    ----------
    shop
        The shop; it needs `spend` and `orders`.
    by
        `source`: the spend category, against customers from that source; empty: all spending over all new customers.
    months
        How many months of new customers.
    lag_months
        How many months earlier the money is spent; empty: from the median sales cycle, to the nearest month.
    level
        Confidence level.

    Returns
    -------
    DataFrame
        A row a group: the group, `value` (the shop's currency a new customer), `low`, `high`, `n` (new customers), `spend`, `lag_months`,
        `first_month`, `last_month` (of new customers), `note`. NaN where nobody came, or of some customers only.

    Notes
    -----
    The money is known, the number of customers it won is a count: mid-P Poisson limits.

    Examples
    --------
    >>> from retainkit import open_shop
    >>> orders = pd.DataFrame({"order_id": [1, 2], "customer_id": ["ann", "bob"], "amount": 50, "ordered_at": ["2026-01-05", "2026-01-07"]})
    >>> spend = pd.DataFrame({"month": "2026-01-01", "category": ["paid", "retention"], "amount": [60, 10]})
    >>> shop = open_shop({"orders": orders, "spend": spend}, as_of="2026-01-31", history_start="2026-01-01")
    >>> acquisition_cost(shop)[["value", "n", "spend"]]
       value  n  spend
    0   30.0  2   60.0
    """
    split_by(by, ("source",))
    lag = cycle_months(shop) if lag_months is None else lag_months
    counts = monthly_costs(shop, lag_months=lag)
    last = counts["number"].max() if len(counts) else 0
    window = counts[counts["number"] > last - months]
    sums = window.groupby("source")[["spend", "n"]].sum().query("spend > 0").reset_index() if by else window[["spend", "n"]].sum().to_frame().T
    low, high = poisson_interval(sums["n"], level=level)
    some, found, part = sums["n"] > 0, window["number"].nunique(), shop.part
    span = [month_name(int(m)) for m in (window["number"].min(), last)] if len(window) else ["", ""]
    with np.errstate(divide="ignore", invalid="ignore"):
        estimates = {name: (sums["spend"] / over).where(some & (part == "")) for name, over in (("value", sums["n"]), ("low", high), ("high", low))}
    table = sums.assign(**estimates, n=sums["n"].astype(int), lag_months=lag, first_month=span[0], last_month=span[1],
                        note=WHOLE if part else np.where(some, "" if found == months else f"{counted(found, 'month')} only", "nobody came"))
    return table[[*keys(by), *COST]]


def monthly_costs(shop: Shop, *, lag_months: int | None = None) -> pd.DataFrame:
    """New customers of every closed month, and the money spent on them that many months earlier: `number` (of the month), `source, spend, n`."""
    lag = cycle_months(shop) if lag_months is None else lag_months
    money, came = tally(shop, "spend_months"), tally(shop, "new_customers")
    money = money[~money["category"].isin(KEEPING)]
    spent = pd.DataFrame({"number": month_numbers(money["month"]) + lag, "source": money["category"], "spend": money["amount"].astype(float)})
    new = pd.DataFrame({"number": month_numbers(came["month"]), "source": came["source"], "n": came["n"]})
    both = spent.merge(new, on=["number", "source"], how="outer").fillna({"spend": 0.0, "n": 0})
    first = max(first_whole(shop.history_start), int(spent["number"].min())) if len(spent) else 0
    last = min(last_closed(shop.as_of), int(spent["number"].max())) if len(spent) else -1
    return both[both["number"].between(first, last)].astype({"n": int, "number": int}).reset_index(drop=True)


def value_to_cost(
    shop: Shop, *, by: str | None = None, horizon: int = 365, margin: float = 1.0, lag_months: int | None = None, level: float = 0.95
) -> pd.DataFrame:
    """What a new customer brings in the first `horizon` days over what winning one costs (LTV:CAC).

    Value as in `lifetime_value`, of all new customers of the recorded history; cost as in `acquisition_cost`.

    Parameters
    ----------
    shop
        The shop.
    by
        `source`, or empty for all together.
    horizon
        Days of a customer's life that count.
    margin
        The share of revenue that is left after the cost of what was sold.
    lag_months
        As in `acquisition_cost`.
    level
        Confidence level.

    Returns
    -------
    DataFrame
        A row a group: the group, `value` (times), `low`, `high`, `n` (new customers behind the value), `observed` (of these, watched for so
        long), `too_young`, `horizon_days`, `worth`, `cost`.

    Notes
    -----
    Log scale; the variances of value (over customers) and of the count of new customers add up. A formula rather than a bootstrap
    of customers: it says the same every time, and `tests/truth` counts how often it holds the truth.
    """
    cost = acquisition_cost(shop, by=by, lag_months=lag_months, level=level)
    worth = lifetime_value(shop, horizons=[horizon], by=by, margin=margin, level=level)
    both = worth.merge(cost.add_prefix("cost_").rename(columns={"cost_source": "source"}), on=by) if by else worth.join(cost.add_prefix("cost_"))
    ratio = both["value"] / both["cost_value"]
    variance = spread(both, level=level) + 1 / both["cost_n"].where(both["cost_n"] > 0)
    reach = np.exp(z_value(level) * np.sqrt(variance))
    table = both.assign(worth=both["value"], cost=both["cost_value"], value=ratio, low=ratio / reach, high=ratio * reach)
    return table[[*keys(by), "value", "low", "high", "n", "observed", "too_young", "horizon_days", "worth", "cost"]]


def payback(
    shop: Shop, *, by: str | None = None, horizon: int = 365, margin: float = 1.0, lag_months: int | None = None, level: float = 0.95
) -> pd.DataFrame:
    """The first day by which a new customer has brought, on average, what winning one costs.

    NaN, and `note` says so, where that does not happen within `horizon` days, or is not known; the same goes for its limits.
    Parameters, and who is left out, as in `value_to_cost`.

    Returns
    -------
    DataFrame
        A row a group: the group, `value` (days), `low`, `high`, `n` (new customers), `horizon_days`, `note`.

    Notes
    -----
    The limits are where the band of value over cost crosses 1 (log scale; variances of value and of the count of customers).
    """
    curves, rows = lifetime_value_curve(shop, by=by, margin=margin, until=horizon, level=level), []
    for price in acquisition_cost(shop, by=by, lag_months=lag_months, level=level).to_dict("records"):
        curve = curves[curves[by] == price[by]] if by else curves
        days = _crossings(curve, price, level)
        late = f"not within {counted(horizon, 'day')}"
        notes = ((price["value"], price["note"]), (days["value"], late), (days["high"], f"upper limit {late}"))
        note = next((words for value, words in notes if np.isnan(value)), "")
        row = {**days, "n": int(curve["observed"].iloc[0]) if len(curve) else 0, "horizon_days": horizon, "note": note}
        rows.append({by: price[by], **row} if by else row)
    return pd.DataFrame(rows, columns=[*keys(by), "value", "low", "high", "n", "horizon_days", "note"])


def keeping_cost(shop: Shop, *, months: int = 12, shares: Sequence[float] = (0.0, 0.25, 0.5, 1.0)) -> pd.DataFrame:
    """What keeping a customer costs, and how many times as much winning one does, by the part of support that is called keeping.

    Money of the last `months` closed months for which spending is known, over the customers under contract who stayed through them. Where
    support has a spend category of its own (`support`), `retention` counts whole and each share is of support; else each share is of `retention`.
    Which share is right is a decision, not a measurement, so every row is an accounting ratio without an interval.

    Returns
    -------
    DataFrame
        A row a share: `share`, `value` (the shop's currency a customer kept), `n` (customers kept), `spend`, `winning` (of a new customer,
        as in `acquisition_cost`), `times` (winning over keeping). NaN where nothing is called keeping, nobody stayed, or spending is not known
        so far back, and of some customers only (`acquisition_cost`).
    """
    money = tally(shop, "spend_months")
    known = month_numbers(money["month"])
    last = min([last_closed(shop.as_of), *known.tail(1)])
    first = last - months + 1
    recent = money[known.between(first, last)].groupby("category")["amount"].sum().astype(float)
    retention, support = (float(recent.get(name, 0.0)) for name in KEEPING)
    n = int(customer_retention(shop, months=months).set_index("month")["stayed"].get(month_name(last), 0))
    spend = pd.Series(shares, dtype=float) * (support or retention) + (retention if support else 0.0)
    value = (spend / (n or np.nan)).where((spend > 0) & (shop.part == "") & (known.min() <= first))
    winning = acquisition_cost(shop, months=months)["value"].iloc[0]
    return pd.DataFrame({"share": shares, "value": value, "n": n, "spend": spend, "winning": winning, "times": winning / value})


def cycle_months(shop: Shop) -> int:
    """The median time to win a deal, in whole months; 0 without deals."""
    won = cycle_days(shop).query("measure == 'median'")["value"]
    return round(float(won.iloc[0]) / MONTH) if len(won) and won.iloc[0] == won.iloc[0] else 0


def _crossings(curve: pd.DataFrame, price: Mapping[Any, Any], level: float) -> dict[str, float]:
    """The ages at which the curve, and the ends of its band, reach the price."""
    cost = price["value"]
    if curve.empty or not cost > 0:
        return {"value": np.nan, "low": np.nan, "high": np.nan}
    inner = np.log(curve["high"] / curve["value"].where(curve["value"] > 0)) / z_value(level)
    reach = np.exp(z_value(level) * np.sqrt(inner**2 + 1 / max(price["n"], 1)))
    lines = {"value": curve["value"], "low": curve["value"] * reach, "high": curve["value"] / reach}
    return {name: float(curve["age"][line >= cost].min()) for name, line in lines.items()}
