"""Who buys again within a month or a year: two rates with like names that answer different questions."""

from __future__ import annotations

import pandas as pd

from retainkit.metrics.months import month_name, month_numbers, month_windows
from retainkit.metrics.reading import shares
from retainkit.tally import Engine, asked_once, tally


@asked_once
def repeat_buying(shop: Engine, *, months: int = 1, level: float = 0.95) -> pd.DataFrame:
    """Of the customers who bought in a period: those who bought on two days of it, and those who were customers before it.

    `repeat_rate` (repeat purchase rate) looks at the period alone: bought on two days of it or more. `returning_share` looks
    back: had bought before it began, however long ago. A shop without new customers has a returning share of 100 % and any
    repeat rate. Left out: periods that still run, and those not wholly inside the recorded history. Customers known
    before the history began count as returning; without `customers.signed_up_at` the first months know too few of them.

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
        `high`, `n` (customers who bought), `hits`.

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
    2  returning_share  2026-01   0.0  1
    3  returning_share  2026-02   0.5  2
    """
    found = tally(shop, "buying_windows", windows=month_windows(shop, months))
    names = (month_numbers(found["closes"]) - 1).map(month_name)
    tables = []
    for measure, hits in (("repeat_rate", "repeaters"), ("returning_share", "returning_buyers")):
        count, n = found[hits].astype(int), found["buyers"].astype(int)
        tables.append(pd.DataFrame({"measure": measure, "month": names, **shares(count, n, level=level), "hits": count}))
    return pd.concat(tables, ignore_index=True)
