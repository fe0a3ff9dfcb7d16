"""Do they come back: the second purchase, and the next one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from retainkit.estimate.intervals import newcombe
from retainkit.estimate.recurrent import next_purchase_share
from retainkit.estimate.survival import at_times, kaplan_meier
from retainkit.load.shop import Shop
from retainkit.metrics.reading import by_group, each_group, read_at, shares
from retainkit.sqltext import few_rows
from retainkit.tally import asked_once, split_by, tally

HORIZONS = (30, 60, 90, 180, 365)
SHARE = ("horizon_days", "rate", "low", "high", "n", "too_young", "at_risk")
Read = Callable[[pd.DataFrame, float], pd.DataFrame]  # the cells of a group, and how long the longest known of it has been followed


def unsure_who_is_new(shop: Shop) -> str:
    """Why old customers may look new here, in words; "" where it is known who is new.

    A stated `history_start` alone does not tell: whoever bought before it and again after it is first seen after it.
    """
    if not shop.history_given:
        return "nobody said where the history begins (history_start)"
    return "" if shop.has("customers.signed_up_at") else "no day of signing up (customers.signed_up_at) says who was a customer before the history begins"


def overview(shop: Shop) -> pd.DataFrame:
    """What the shop sold: customers who bought, days they bought on, orders, and the money that stayed.

    Left out: cancelled orders, and refunded ones as purchases (their money is given back on the day of the
    refund); rows without a customer, which the loader rejected.

    Returns
    -------
    DataFrame
        One row: `customers, new_customers` (first purchase since `history_start`), `purchase_days` (a customer on
        a day), `orders, revenue, bought_twice, bought_three_times` (customers with that many purchase days).

    Examples
    --------
    >>> from retainkit import open_shop
    >>> orders = pd.DataFrame({
    ...     "order_id": ["a", "b", "c"], "customer_id": ["ann", "ann", "bob"],
    ...     "ordered_at": ["2026-01-01", "2026-01-31", "2026-02-01"], "amount": [10, 20, 5]})
    >>> overview(open_shop({"orders": orders})).loc[0, ["customers", "purchase_days", "revenue"]].tolist()
    [2.0, 3.0, 35.0]
    """
    return tally(shop, "overview")


def never_bought(shop: Shop, *, level: float = 0.95) -> pd.DataFrame:
    """Share of the customers who signed up that have not bought yet: no other number of purchases counts them.

    A cancelled or refunded order, or the invoice of a contract, is no purchase. Left out: customers who signed up before the
    recorded history begins, whose purchases may lie before it too, or of whom no day is known.

    Returns
    -------
    DataFrame
        One row: `rate, low, high, n` (signed up), `never`. Wilson interval.

    Examples
    --------
    >>> from retainkit import open_shop
    >>> orders = pd.DataFrame({"order_id": [1], "customer_id": ["ann"], "ordered_at": ["2026-01-01"], "amount": [10]})
    >>> customers = pd.DataFrame({"customer_id": ["ann", "bob"], "signed_up_at": ["2026-01-01", "2026-01-02"]})
    >>> never_bought(open_shop({"orders": orders, "customers": customers}, as_of="2026-01-31"))[["rate", "n", "never"]]
       rate  n  never
    0   0.5  2      1
    """
    table = tally(shop, "never_bought")
    return pd.DataFrame({**shares(table["never"], table["n"], level=level), "never": table["never"]})


@asked_once
def second_purchase(
    shop: Shop, *, horizons: Sequence[int] = HORIZONS, by: str | None = None, level: float = 0.95
) -> pd.DataFrame:
    """Share of new customers who buy again within so many days of their first purchase, by Kaplan-Meier.

    Everybody counts for as long as they have been followed, so nobody is dropped for being too young; a horizon
    nobody has been followed to is NaN. Left out: customers whose first purchase lies before `history_start`, or
    who signed up before it (when they started is not known). Orders of one day are one purchase.

    Parameters
    ----------
    shop
        The shop.
    horizons
        Days after the first purchase; "within 30 days" is day 1 to day 30.
    by
        Split by `segment`, `region`, `source`, `entry_line` or `owner`.
    level
        Confidence level.

    Returns
    -------
    DataFrame
        A row a group and horizon: `[by], horizon_days, rate, low, high, n, too_young, at_risk`: `n` new customers,
        of whom `too_young` have not been followed to the horizon; `at_risk` had not bought again just before it.

    Notes
    -----
    Kaplan and Meier (1958); log-log Greenwood interval, never of zero width.

    Examples
    --------
    Ann buys again after 10 days, Bob never does, Cy's window is still open.

    >>> from retainkit import open_shop
    >>> orders = pd.DataFrame({
    ...     "order_id": [1, 2, 3, 4], "customer_id": ["ann", "ann", "bob", "cy"], "amount": 5,
    ...     "ordered_at": ["2026-01-01", "2026-01-11", "2026-01-05", "2026-03-20"]})
    >>> second_purchase(open_shop({"orders": orders}, as_of="2026-03-31"), horizons=[30]).round(2)
       horizon_days  rate  low  high  n  too_young  at_risk
    0            30  0.33 0.05  0.95  3          1        1
    """
    return at_horizons(shop, tally(shop, "second_purchase", by=split_by(by)), by, horizons, back_by(horizons, level), SHARE)


def back_by(horizons: Sequence[int], level: float) -> Read:
    """How the cells of `second_purchase` are read: by Kaplan-Meier, as those who have bought again."""
    def read(cells: pd.DataFrame, longest: float) -> pd.DataFrame:
        curve = kaplan_meier(cells, level=level)
        here = read_at(at_times, curve, horizons, followed=longest)
        return pd.DataFrame({"rate": 1 - here["survival"], "low": 1 - here["high"], "high": 1 - here["low"], "at_risk": here["at_risk"]})

    return read


def second_purchase_curve(shop: Shop, *, by: str | None = None, level: float = 0.95) -> pd.DataFrame:
    """The whole curve behind `second_purchase`: share who have bought again by each day.

    The same customers are left out as there. The curve stops at the last day of follow-up.

    Returns
    -------
    DataFrame
        A row a day on which something happens: `[by], time` (days), `at_risk, events, censored, rate, low, high`.

    Examples
    --------
    >>> from retainkit import open_shop
    >>> orders = pd.DataFrame({"order_id": [1, 2, 3], "customer_id": ["ann", "ann", "bob"], "amount": 5,
    ...                        "ordered_at": ["2026-01-01", "2026-01-11", "2026-01-05"]})
    >>> second_purchase_curve(open_shop({"orders": orders}, as_of="2026-03-31"))["rate"].tolist()
    [0.0, 0.5, 0.5]
    """
    def read(cells: pd.DataFrame) -> pd.DataFrame:
        table = kaplan_meier(cells, level=level).table
        return table.assign(rate=1 - table["survival"], low=1 - table["high"], high=1 - table["low"]).drop(columns="survival")

    return each_group(tally(shop, "second_purchase", by=split_by(by)), by, read)


def second_purchase_mature(
    shop: Shop, *, horizons: Sequence[int] = HORIZONS, by: str | None = None, level: float = 0.95
) -> pd.DataFrame:
    """The plain check of `second_purchase`: customers followed for the whole horizon only, counted.

    Left out of numerator and denominator: everybody whose window is still open (`too_young`), and those left
    out by `second_purchase`. `naive` is what dividing all repeaters by all customers would say: too low as long as a window is open.

    Returns
    -------
    DataFrame
        A row a group and horizon: `[by], horizon_days, rate, low, high, n, hits, too_young, naive`. Wilson interval.

    Examples
    --------
    >>> from retainkit import open_shop
    >>> orders = pd.DataFrame({
    ...     "order_id": [1, 2, 3, 4], "customer_id": ["ann", "ann", "bob", "cy"], "amount": 5,
    ...     "ordered_at": ["2026-01-01", "2026-01-11", "2026-01-05", "2026-03-20"]})
    >>> second_purchase_mature(open_shop({"orders": orders}, as_of="2026-03-31"), horizons=[30]).round(2)
       horizon_days  rate   low  high  n  hits  too_young  naive
    0            30   0.5  0.09  0.91  2     1          1   0.33
    """
    table = tally(shop, "second_purchase_mature", by=split_by(by), horizons=few_rows(["days"], [[h] for h in horizons]))
    naive = table["hits_so_far"] / (table["n"] + table["too_young"])
    rated = table.assign(**shares(table["hits"], table["n"], level=level), naive=naive)
    return by_group(rated, by, ["horizon_days", "rate", "low", "high", "n", "hits", "too_young", "naive"])


def second_purchase_by_cohort(shop: Shop, *, within_days: int = 30, level: float = 0.95) -> pd.DataFrame:
    """Share of each month's new customers who bought again within `within_days`, for months that are old enough.

    A month is `mature` once its last possible customer has been followed for the whole window. Until then its
    rate is NaN, not a low number; `n` counts those of its customers whose window is over.

    Returns
    -------
    DataFrame
        A row a month of first purchase: `cohort` (first of the month), `rate, low, high, n, too_young, mature`.
    """
    table = tally(shop, "second_purchase_cohorts", within=within_days)
    month_end = pd.to_datetime(table["cohort"]) + pd.offsets.MonthEnd(0)
    mature = month_end + pd.Timedelta(days=within_days) <= pd.Timestamp(shop.as_of)
    rated = pd.DataFrame({"cohort": table["cohort"], "horizon_days": within_days, **shares(table["hits"], table["n"], level=level),
                          "too_young": table["customers"] - table["n"], "mature": mature})  # fmt: skip
    rated.loc[~mature, ["rate", "low", "high"]] = np.nan
    return rated


def second_purchase_trend(shop: Shop, *, within_days: int = 30, level: float = 0.95) -> pd.DataFrame:
    """Are newer customers back sooner: the newer half of the months of first purchase, less the older half.

    Left out: months that are not old enough (see `second_purchase_by_cohort`), and the one in the middle of an odd number. Where
    it is not known who is new (`history_start` and `customers.signed_up_at` say it) nothing is said: the early months then hold old
    customers, who come back more often.

    Returns
    -------
    DataFrame
        One row: `value` (difference of the two shares), `low`, `high`, `n` (customers in both halves), `newer`, `older` (the
        shares), `months` (in each half). NaN without two months, or where it is not known who is new. Newcombe's interval.

    Examples
    --------
    >>> from retainkit import open_shop
    >>> orders = pd.DataFrame({"order_id": [1, 2, 3, 4], "customer_id": ["ann", "ann", "bob", "cy"], "amount": 5,
    ...                        "ordered_at": ["2026-01-01", "2026-01-11", "2026-01-05", "2026-02-20"]})
    >>> customers = pd.DataFrame({"customer_id": ["ann", "bob", "cy"], "signed_up_at": "2026-01-01"})
    >>> shop = open_shop({"orders": orders, "customers": customers}, as_of="2026-03-31", history_start="2026-01-01")
    >>> second_purchase_trend(shop)[["value", "newer", "older", "n"]]
       value  newer  older  n
    0   -0.5    0.0    0.5  3
    """
    ripe = second_purchase_by_cohort(shop, within_days=within_days, level=level).query("mature")
    half = len(ripe) // 2
    ripe = ripe.assign(hits=(ripe["rate"] * ripe["n"]).round())
    (new_hits, new_n), (old_hits, old_n) = (part[["hits", "n"]].sum() for part in (ripe.tail(half), ripe.head(half)))
    value, low, high = newcombe(new_hits, new_n, old_hits, old_n, level=level)
    newer, older = (hits / n if n else np.nan for hits, n in ((new_hits, new_n), (old_hits, old_n)))
    if unsure_who_is_new(shop):
        value = low = high = np.nan
    return pd.DataFrame([{"value": value, "low": low, "high": high, "n": int(new_n + old_n), "newer": newer, "older": older, "months": half,
                          "horizon_days": within_days}])


@asked_once
def next_purchase(
    shop: Shop, *, k: Sequence[int] = (1, 2, 3, 4, 5), within_days: int | None = None, level: float = 0.95
) -> pd.DataFrame:
    """Share who buy again within `within_days` of their k-th purchase, of those who made the k-th within `latest` days of the first.

    k = 2 is the third given an early second. Every purchase seen is weighted by how few customers were followed that long (inverse
    probability of censoring), so slow repeaters are not lost. Left out: who made the k-th purchase later (`late`), and those
    `second_purchase` leaves out. `latest` is the window, or the longest follow-up less the window where that is sooner, past which
    nobody could be seen through. Who came late buys otherwise, so the share is not that of all who have bought k times.

    Parameters
    ----------
    shop
        The shop.
    k
        After which purchases.
    within_days
        The window in days; by default the longest of 365, 180, 90, 60 and 30 that 30 customers were followed for twice.
    level
        Confidence level.

    Returns
    -------
    DataFrame
        A row a k: `k, horizon_days, rate, low, high, n, too_young, latest, late` and of the oldest customers
        alone, who were followed for `latest` days and the window: `mature_rate, mature_low, mature_high, mature_n`. `latest` is the age in days up to
        which the k-th purchase counts, `late` how many made it later. Where the weights make more than is possible of a share near
        1 its `rate` is NaN: the interval is what is known.

    Notes
    -----
    Lin, Sun and Ying (1999), Biometrika 86, 59-70. It assumes that how long somebody has been followed says
    nothing about how they buy: compare cohorts before believing it.

    Examples
    --------
    Ann buys a second time after 10 days and a third time, Bob a second time after 10 days, Cy after 80.

    >>> from retainkit import open_shop
    >>> orders = pd.DataFrame({"order_id": range(7), "customer_id": ["ann"] * 3 + ["bob"] * 2 + ["cy"] * 2, "amount": 5,
    ...     "ordered_at": ["2026-01-01", "2026-01-11", "2026-01-21", "2026-01-01", "2026-01-11", "2026-01-01", "2026-03-22"]})
    >>> shop = open_shop({"orders": orders}, as_of="2026-10-31")
    >>> next_purchase(shop, k=[2], within_days=30)[["k", "rate", "n", "latest", "late"]]
       k  rate  n  latest  late
    0  2   0.5  2      30     1
    """
    followed = tally(shop, "followup", by="all")
    longest = int(followed["followup"].max()) if len(followed) else 0
    seen_through = [h for h in reversed(HORIZONS) if followed.loc[followed["followup"] >= 2 * h, "n"].sum() >= 30]
    window = within_days or (seen_through or [max(longest // 2, 1)])[0]
    latest = max(min(longest - window, window), 0)
    ages = {each: 0 if each == 1 else latest for each in k}  # the first purchase is at age 0, whatever comes later
    tables = [tally(shop, "next_purchase", k=each, within=window, latest=ages[each]).assign(k=each) for each in k]
    sums = pd.concat(tables, ignore_index=True).rename(columns={"cross_sum": "cross"}).fillna(0)
    table = next_purchase_share(sums, level=level)
    mature = shares(table["mature_hits"], table["mature_n"], level=level)
    if window > longest:  # nobody was followed so long
        table[["rate", "low", "high"]] = np.nan
    checked = table.assign(horizon_days=window, latest=[ages[each] for each in k], **{f"mature_{name}": column for name, column in mature.items()})
    return checked[["k", "horizon_days", "rate", "low", "high", "n", "too_young", "latest", "late",
                    "mature_rate", "mature_low", "mature_high", "mature_n"]]  # fmt: skip


def usable_horizon(shop: Shop, asked: int, *, of: str = "days", least: int = 30) -> int:
    """The horizon asked for, or the longest usual one (180, 90, 60, 30) that `least` customers have been followed for.

    Parameters
    ----------
    shop
        The shop.
    asked
        Days.
    of
        What is followed: "days" (new customers from their first purchase) or "contracts" (from their first contract).
    least
        Customers who must have been followed for so long.

    Returns
    -------
    int
        Days; `asked` itself where there is nobody at all.
    """
    followed = tally(shop, "contract_followup") if of == "contracts" else tally(shop, "followup", by="all")
    fits = (h for h in (asked, 365, 180, 90, 60, 30) if h <= asked and followed.loc[followed["followup"] >= h, "n"].sum() >= least)
    return next(fits, min(asked, 30) if len(followed) else asked)


def at_horizons(
    shop: Shop, cells: pd.DataFrame, by: str | None, horizons: Sequence[int], read: Read, columns: Sequence[str],
) -> pd.DataFrame:
    """What `read` says of each group, a row a horizon, beside `n` new customers and those `too_young`."""
    followed = tally(shop, "followup", by=split_by(by))

    def counted(group: pd.DataFrame) -> pd.DataFrame:
        return beside_counts(group, followed[followed["grp"].isin(group["grp"])] if by else followed, horizons, read, columns)

    return each_group(cells, by, counted)


def beside_counts(cells: pd.DataFrame, followed: pd.DataFrame, horizons: Sequence[int], read: Read, columns: Sequence[str]) -> pd.DataFrame:
    """What `read` says of these cells, a row a horizon, beside the customers who were `followed` and those of them `too_young`."""
    young = [int(followed.loc[followed["followup"] < h, "n"].sum()) for h in horizons]
    told = read(cells, followed["followup"].max())
    return told.assign(horizon_days=list(horizons), n=int(followed["n"].sum()), too_young=young)[[*columns]]
