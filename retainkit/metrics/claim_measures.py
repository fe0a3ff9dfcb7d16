"""What the claims need beyond the metrics themselves: differences and ratios of numbers that other pages already print."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from retainkit.estimate.intervals import square_and_add
from retainkit.estimate.smalln import GATES, in_words, short_of
from retainkit.load.shop import Shop
from retainkit.metrics.acquisition import WHOLE, keeping_cost
from retainkit.metrics.churn import contract_survival
from retainkit.metrics.churn_money import customer_retention
from retainkit.metrics.cross_sell import month_one_revenue
from retainkit.metrics.deals import WITHIN_DAYS
from retainkit.metrics.deals_values import source_win_rates, spelt
from retainkit.metrics.first_days import leaving_rates
from retainkit.metrics.purchases import next_purchase
from retainkit.metrics.reading import shares
from retainkit.metrics.rep_map import rep_correlation


def purchase_step(shop: Shop, *, k: int = 2, steps: int = 3, level: float = 0.95) -> pd.DataFrame:
    """The smallest step from one purchase to the next: `next_purchase` of each k + 1 less that of k, the same window, `steps` of them.

    Every further purchase is likelier than the last where even the smallest step is above zero. Left out: as in `next_purchase`, and
    steps of fewer than 20 customers. Limits of both shares squared and added: whether somebody buys a fourth time is decided after the
    third, so the two are as good as independent.

    Returns
    -------
    DataFrame
        One row: `rate` (a difference of shares), `low`, `high`, `n` (customers who bought one time more, of the step that is told: that of
        the smallest difference), `horizon_days`, `note` (how many steps). The first step alone where no step has 20 customers.

    Notes
    -----
    That all steps are above zero is said when each is (Berger 1982, Technometrics 24, 295-300), so `low` is the least of the low ends as
    they are; `high` is the least of the high ends at a level that all of them hold together (Bonferroni), since the least is picked.
    """
    table = next_purchase(shop, k=range(k, k + steps + 1), level=level)
    several = max(int((table["n"][1:] >= GATES["customers_full"].least).sum()), 1)
    together = next_purchase(shop, k=range(k, k + several + 1), level=1 - (1 - level) / several)
    alone, wider = (
        np.array([square_and_add(*(t.loc[i, ["rate", "low", "high"]] for i in (j + 1, j))) for j in range(several)])
        for t in (table, together)
    )
    told = int(np.argmin(alone[:, 0])) if several > 1 else 0  # the one whose difference is printed
    smallest = (*alone.min(axis=0)[:2], wider.min(axis=0)[2])
    note = f"the smallest of {several} steps, up to the purchase after the {k + several}th" if several > 1 else "one step only"
    return _told("rate", smallest, table["n"][told + 1], horizon_days=int(table["horizon_days"][1]), note=note)


def month_one_by_segment(shop: Shop, *, within_days: int = 30, horizons: Sequence[int] = (365,), level: float = 0.95) -> pd.DataFrame:
    """`month_one_revenue`, and how far it is another number in another segment: a few large accounts with contracts bring most of the revenue.

    Left out of the range by segment: segments of which fewer than 30 customers were followed past the horizon.

    Returns
    -------
    DataFrame
        The rows of `month_one_revenue`, each with `range` (of the segments, in words; empty of fewer than two) and `note` (each segment with
        its interval, and whether invoices are in it).
    """
    ask = partial(month_one_revenue, within_days=within_days, horizons=horizons, level=level)
    whole, names = ask(shop), []
    if shop.has("customers.segment") and not shop.part:
        named = "select distinct segment from buyers where is_new and segment is not null order by segment"
        names = shop.sql(named)["segment"].tolist()
    tables = [ask(shop.only(segment=name)).assign(segment=name) for name in names]
    each = pd.concat(tables or [whole[:0].assign(segment="")])
    each = each[(each["observed"] >= GATES["observed_past"].least) & each["rate"].notna()].sort_values("rate")
    invoices = shop.sql("select count(*) as n from orders where order_type <> 'one_off'")["n"][0]
    billed = "the invoices of contracts are in it" if invoices else ""
    said, notes = [], []
    for days, n in zip(whole["horizon"], whole["n"], strict=True):
        mine = list(each[each["horizon"] == days].itertuples())
        mine = mine if len(mine) > 1 else []
        ends = " to ".join(f"{r.rate:.0%} {r.segment}" for r in (*mine[:1], *mine[-1:]))
        parts = [f"{r.segment} {in_words(r.rate, r.low, r.high, r.n, form='cell')} and {r.n / n:.0%} of the customers" for r in mine]
        said.append(ends and f"by segment {ends}")
        notes.append("; ".join(filter(None, [billed, ends and f"by segment: {', '.join(parts)}"])))
    return whole.assign(range=said, note=notes)


def early_leaving_ratio(shop: Shop, *, early: int = 90, until: int = 365, level: float = 0.95) -> pd.DataFrame:
    """How many times as often customers leave up to day `early` as from then to day `until`: `leaving_rates` the other way round.

    Returns
    -------
    DataFrame
        One row: `value` (times; NaN with fewer than 10 lost on one of the two sides: then the interval is what is known), `low`, `high`, `n`
        (customers lost up to day `until`), `note`. All NaN with fewer than 5 on one side.
    """
    table = leaving_rates(shop, windows=((0, early), (early, until)), level=level)
    later = table.iloc[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        value, high, low = (1 / np.float64(later[c]) for c in ("ratio", "ratio_low", "ratio_high"))
    lost, fewest = int(table["events"].sum()), int(table["events"].min())
    few, hidden = short_of({"window_events": fewest}), fewest < GATES["customers_shown"].least
    told = (np.nan if few else value, np.nan if hidden else low, np.nan if hidden else high)
    return _told("value", told, lost, note="; ".join(few) if lost else "nobody has left")


def other_sources_win_rate(shop: Shop, *, source: str = "referral", days: int = WITHIN_DAYS, level: float = 0.95) -> pd.DataFrame:
    """Win rate of all sources but one together, from the table of `source_win_rates`; who is left out is said there.

    Returns
    -------
    DataFrame
        One row: `rate`, `low`, `high`, `n` (closed deals); none where that source has no deal.
    """
    table = source_win_rates(shop, days=days, level=level)
    rest = table[table["source"] != spelt(source, table["source"])]
    if len(rest) == len(table) or rest.empty:
        return pd.DataFrame(columns=["rate", "low", "high", "n"])
    n = int(rest["n"].sum())
    won = round(float((rest["rate"].astype(float) * rest["n"]).sum()))
    return pd.DataFrame([shares(won, n, level=level)])


def wins_with_churn(shop: Shop, *, days: int = WITHIN_DAYS) -> pd.DataFrame:
    """Whether reps who win more lose more: the correlation of `rep_map`'s model.

    Returns
    -------
    DataFrame
        One row: `value`, `low`, `high`, `n` (reps), `note` (why there is none).
    """
    found = rep_correlation(shop, days=days)
    known = found["withheld"] == ""
    return found[["value", "low", "high"]].where(known).assign(n=found["n"], note=found["note"].where(known, found["withheld"]))


def five_points_more(shop: Shop, *, discount: float = 0.10, points: float = 0.05, level: float = 0.95) -> pd.DataFrame:
    """How much more a customer would be worth with `points` more yearly retention: a formula, not an effect.

    (1 + d) / (1 + d - r) at r + points over the same at r, less 1. The formula has one r for every year, so it is that of all
    customers (`customer_retention`: of those of twelve months ago, the share who stayed), and not that of newcomers, whose first
    year is their worst: what that would give stands in `note`, and so does what the two other readings of "5 % more" give. Left out: customers who came and left within the year.

    Parameters
    ----------
    shop
        The shop; it needs `contracts`.
    discount
        The yearly interest d.
    points
        What is added to r; where that gives 1 or more, at r or at its upper limit, there is no answer.
    level
        Confidence level of r.

    Returns
    -------
    DataFrame
        One row: `rate` (more, as a share), `low`, `high` (from those of r), `n`, `retention`, `note`.

    Examples
    --------
    Where 60, 70, 80 or 90 % stay, 5 points are worth 11, 14, 20 or 33 % more:

    >>> [round(worth_more(r, points=0.05, discount=0.10), 2) for r in (0.6, 0.7, 0.8, 0.9)]
    [0.11, 0.14, 0.2, 0.33]
    """
    years, first = customer_retention(shop, level=level).tail(1), contract_survival(shop, horizons=[365], level=level).iloc[0]
    if years.empty:
        return pd.DataFrame(columns=["rate", "low", "high", "n", "retention", "note"])
    year = years.iloc[0]
    rate, low, high = (float(year[name]) for name in ("rate", "low", "high"))
    *more, newcomers = (worth_more(r, points=points, discount=discount) for r in (rate, low, high, float(first["rate"])))
    if year["n"] < GATES["customers_shown"].least:
        note = "" if year["n"] else "nobody was under contract twelve months ago"
    elif high + points >= 1:  # the formula has no answer where nobody could stay that much longer
        note = f"{points:.0%} more than the {high:.0%} who may stay a year would be everybody, or more"
        more = [np.nan] * 3
    else:
        told = newcomers == newcomers and first["n"] >= GATES["customers_full"].least
        times, fewer = (worth_more(rate, points=part * points, discount=discount) for part in (rate, 1 - rate))
        gains = f"{points:.0%} more can also be read as {1 + points:g} times as many who stay, which is {times:.0%}, " \
                f"or as {1 - points:g} times as many who leave, which is {fewer:.0%}"
        theirs = f"; at the {first['rate']:.0%} of newcomers it would be {newcomers:.0%}" if told else ""
        note = in_words(rate, low, high, int(year["n"]), form="brief") + f" stayed a year{theirs}"
        note += f"; {gains}" if year["n"] >= GATES["customers_full"].least else ""
    return _told("rate", more, year["n"], retention=year["rate"], note=note)


def worth_more(retention: float, *, points: float, discount: float) -> float:
    """The gain in what a customer is worth from so many more points of retention; NaN where it would reach 1.

    >>> worth_more(0.97, points=0.05, discount=0.1)
    nan
    """
    return (1 + discount - retention) / (1 + discount - retention - points) - 1 if retention + points < 1 else float("nan")


def winning_over_keeping(shop: Shop, *, months: int = 12) -> pd.DataFrame:
    """What winning a customer costs over what keeping one costs, by the part of support that is called keeping: the ends of `keeping_cost`.

    No side is taken: there is no `value`, since which part is keeping is a decision, and `low` to `high` is no interval.

    Returns
    -------
    DataFrame
        One row: `value` (NaN), `low`, `high` (times), `n` (customers kept), `note`.
    """
    table = keeping_cost(shop, months=months)
    known = table.dropna(subset=["times"])
    if known.empty:
        note = WHOLE if shop.part else "no spending is called keeping, or it is not known so far back, or nobody came or stayed"
    else:
        note = f"by what part of support is called keeping, from {known['share'].max():.0%} to {known['share'].min():.0%}: a decision, not a measurement"
    return _told("value", (np.nan, known["times"].min(), known["times"].max()), table["n"].iloc[0], note=note)


def _told(name: str, estimate: Sequence[float], n: float, **more: Any) -> pd.DataFrame:
    """A table of one row: an estimate called `name` with its ends, how many it is of, and what else is to be told."""
    return pd.DataFrame([{**dict(zip((name, "low", "high"), estimate, strict=True)), "n": int(n), **more}])
