"""What repeat buyers are to a shop: their part of those who buy in a month or a year, and of the revenue."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd

from retainkit.estimate.intervals import logit_interval
from retainkit.load.shop import Shop
from retainkit.metrics.months import first_whole, month_name, month_numbers, month_windows
from retainkit.metrics.reading import shares
from retainkit.tally import asked_once, tally


@asked_once
def repeat_buying(shop: Shop, *, months: int = 1, level: float = 0.95) -> pd.DataFrame:
    """Of the customers who bought in a period: those who bought on two days of it, and those who were customers before it.

    `repeat_rate` (repeat purchase rate) looks at the period alone: bought on two days of it or more. `returning_share` looks
    back: had bought before it began, however long ago. A shop without new customers has a returning share of 100 % and any
    repeat rate. Left out: periods that still run, and those not wholly inside the recorded history. Customers known
    before the history began count as returning. Where none is known (no `customers.signed_up_at`), nobody can have been seen before
    a period at the beginning: `returning_share` is then not known until as long a time as the period itself lies before it.

    Parameters
    ----------
    shop
        The shop.
    months
        Length of the period; it ends with each closed month.
    level
        Confidence level.

    Returns
    -------
    DataFrame
        A row a measure and period: `measure` (`repeat_rate`, `returning_share`), `month` (the period's last), `rate`, `low`,
        `high`, `n` (customers who bought), `hits`, `opening` (True in the first periods of the log, until one in which no more than half
        of the buyers are new: they had no time to come twice, and are no baseline for later ones. Nowhere True when that never comes).

    Notes
    -----
    Wilson. Periods of more than a month overlap: their rates move together.

    Examples
    --------
    In January Ann buys on two days; in February she and Bob, who is new, buy once each.

    >>> from retainkit import open_shop
    >>> orders = pd.DataFrame({"order_id": [1, 2, 3, 4], "customer_id": ["ann", "ann", "ann", "bob"], "amount": 5,
    ...                        "ordered_at": ["2026-01-01", "2026-01-20", "2026-02-05", "2026-02-07"]})
    >>> repeat_buying(open_shop({"orders": orders}, as_of="2026-02-28"))[["measure", "month", "rate", "n"]]
               measure    month  rate  n
    0      repeat_rate  2026-01   1.0  1
    1      repeat_rate  2026-02   0.0  2
    2  returning_share  2026-01   NaN  1
    3  returning_share  2026-02   0.5  2
    """
    found = tally(shop, "buying_windows", windows=month_windows(shop, months))
    names = (month_numbers(found["closes"]) - 1).map(month_name)
    bought = tally(shop, "overview").iloc[0]
    looked_back = (month_numbers(found["opens"]) - months >= first_whole(shop.history_start)) | bool(bought["customers"] > bought["new_customers"])
    settled = found["returning_buyers"] * 2 >= found["buyers"]
    opening = (settled.cumsum() == 0) & bool(settled.any())
    tables = []
    for measure, hits in (("repeat_rate", "repeaters"), ("returning_share", "returning_buyers")):
        count, n = found[hits].astype(int), found["buyers"].astype(int)
        known = looked_back | (measure == "repeat_rate")
        rates = shares(count.where(known), n, level=level)
        tables.append(pd.DataFrame({"measure": measure, "month": names, **rates, "n": n, "hits": count, "opening": opening}))
    return pd.concat(tables, ignore_index=True)


def repeat_revenue(shop: Shop, *, invoices: bool = True, level: float = 0.95) -> pd.DataFrame:
    """Share of all revenue that comes neither from a new customer's first purchase day nor from a first invoice before it.

    Customers known before `history_start` are repeat customers from their first day in the data. What is paid back is
    taken from the side it had come to: a returned first purchase is no loss of repeat revenue. Left out: nobody. The interval takes customers, not orders, as independent.

    Parameters
    ----------
    shop
        The shop.
    invoices
        False leaves out the recurring invoices of contracts, which are revenue but no purchases, and customers who have nothing else.
    level
        Confidence level.

    Returns
    -------
    DataFrame
        One row: `rate, low, high, n` (customers), `repeat, total` (money).

    Examples
    --------
    >>> from retainkit import open_shop
    >>> orders = pd.DataFrame({"order_id": [1, 2, 3], "customer_id": ["ann", "ann", "bob"], "amount": [10, 30, 20],
    ...                        "ordered_at": ["2026-01-01", "2026-01-11", "2026-01-05"]})
    >>> repeat_revenue(open_shop({"orders": orders})).loc[0, ["rate", "repeat", "total"]].tolist()
    [0.5, 30.0, 60.0]
    """
    return repeat_revenue_between(shop, invoices=invoices, level=level)


def repeat_revenue_between(
    shop: Shop, *, first_month: int = 1, last_month: int | None = None, invoices: bool = True, level: float = 0.95
) -> pd.DataFrame:
    """The same share in some months of the recorded history, counted from 1; by default in all of it.

    Left out: months of which a day is still to come, or lies before the history: then the share is not known.

    Returns
    -------
    DataFrame
        As `repeat_revenue`.

    Examples
    --------
    >>> from retainkit import open_shop
    >>> orders = pd.DataFrame({"order_id": [1, 2, 3], "customer_id": ["ann", "ann", "bob"], "amount": [10, 30, 20],
    ...                        "ordered_at": ["2026-01-01", "2026-02-11", "2026-01-05"]})
    >>> shop = open_shop({"orders": orders}, as_of="2026-02-28")
    >>> repeat_revenue_between(shop, last_month=1)["rate"].item(), repeat_revenue_between(shop, first_month=2, last_month=2)["rate"].item()
    (0.0, 1.0)
    """
    begins = pd.Timestamp(shop.history_start)
    opens = date.min if first_month == 1 else (begins + pd.DateOffset(months=first_month - 1)).date()
    closes = shop.as_of + timedelta(days=1) if last_month is None else (begins + pd.DateOffset(months=last_month)).date()
    if closes > shop.as_of + timedelta(days=1):
        return pd.DataFrame([{"rate": np.nan, "low": np.nan, "high": np.nan, "n": 0, "repeat": np.nan, "total": np.nan}])
    s = tally(shop, "revenue_split" if invoices else "revenue_split_one_off", opens=opens, closes=closes).fillna(0).iloc[0]
    total = s["total"] if s["total"] > 0 else np.nan
    rate = s["repeat"] / total
    square = max(s["repeat2"] - 2 * rate * s["both_sum"] + rate**2 * s["total2"], 0.0)
    low, high = logit_interval(rate, np.sqrt(square) / total, level=level)
    return pd.DataFrame([{"rate": rate, "low": low, "high": high, "n": int(s["n"]), "repeat": s["repeat"], "total": s["total"]}])


def revenue_by_month(shop: Shop) -> pd.DataFrame:
    """New and repeat revenue of each calendar month: repeat + new = total.

    Refunds fall on the day they were paid back, and on the side the money had come to. A month that is not over is marked, not extrapolated.

    Returns
    -------
    DataFrame
        A row a month: `month, total, new, repeat, rate` (repeat share; NaN where the total is not positive),
        `new_customers, customers, closed`.
    """
    table = tally(shop, "revenue_by_month").set_index("month").asfreq("MS", fill_value=0).reset_index()
    share = (table["repeat"] / table["total"]).where(table["total"] > 0)
    closed = pd.to_datetime(table["month"]).dt.strftime("%Y-%m") <= shop.closed_through
    return table.assign(rate=share, closed=closed)
