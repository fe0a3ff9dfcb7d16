"""Cohort matrices: of the customers who came in a month, how many are still there some periods later.

A cell counts only when its period is over for the whole cohort. What still runs is shown as a count so far, never as a rate:
a customer who has not come back *yet* is not a customer who did not come back.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from retainkit.estimate.projection import project
from retainkit.load.shop import Shop
from retainkit.metrics.months import first_day, last_closed, month_name, month_number
from retainkit.metrics.reading import shares
from retainkit.tally import tally

COLUMNS = ["cohort", "period", "customers", "active", "rate", "low", "high", "n", "mature", "note"]


def retention_matrix(shop: Shop, *, level: float = 0.95) -> pd.DataFrame:
    """Customers who bought in each calendar month, by the month of their first purchase.

    Period 0 is the month of the first purchase: the whole cohort, by definition. Period k is the k-th calendar month
    after it, and a customer is active in it with any purchase at all, whatever happened in between. Left out: customers
    who bought before the recorded history began (nobody knows when they came). Refunds and recurring invoices are no
    purchases.

    Parameters
    ----------
    shop
        The shop.
    level
        Confidence level.

    Returns
    -------
    DataFrame
        A row a cohort and period up to the month of `as_of`: `cohort` (YYYY-MM), `period`, `customers` (the cohort),
        `active`, `rate`, `low`, `high`, `n`, `mature`, `note`. Where the month is not over, `mature` is False, `active`
        is the count so far and there is no rate.

    Notes
    -----
    N-period retention: a customer may skip a month and be back in the next. Wilson limits.

    Examples
    --------
    Ann buys again in February; Bob's second purchase comes in March, which is not over.

    >>> from retainkit import open_shop
    >>> orders = pd.DataFrame({
    ...     "order_id": [1, 2, 3, 4], "customer_id": ["ann", "ann", "bob", "bob"], "amount": 10,
    ...     "ordered_at": ["2026-01-05", "2026-02-01", "2026-01-31", "2026-03-02"]})
    >>> retention_matrix(open_shop({"orders": orders}, as_of="2026-03-10"))[["cohort", "period", "active", "rate", "mature"]]
        cohort  period  active  rate  mature
    0  2026-01       0       2   1.0    True
    1  2026-01       1       1   0.5    True
    2  2026-01       2       1   NaN   False
    """
    counts = tally(shop, "retention_purchases")
    cells = _grid(counts, last=month_number(shop.as_of)).merge(counts, on=["cohort", "month"], how="left")
    cells = cells.assign(period=cells["month"] - cells["cohort"], active=cells["active"].fillna(0).astype("int64"))
    start = cells[cells["period"] == 0].set_index("cohort")["active"]
    cells = cells.assign(customers=cells["cohort"].map(start), mature=cells["month"] <= last_closed(shop.as_of))
    return _rated(cells, "month still running", level)


def contract_retention_matrix(shop: Shop, *, period_days: int = 30, level: float = 0.95) -> pd.DataFrame:
    """Customers still under contract at the end of each period since their own start, by the month they started in.

    Period 0 is the start, before anything happened: 100 % by definition. Period k ends `period_days` times k days after
    a customer's own first day, so every customer of a cohort has had equally long, and a row never rises. A cell is mature
    once the customers who came on the cohort's last day have had that long too. Left out: contracts older than the
    recorded history, and later stays of customers who came back.

    Returns
    -------
    DataFrame
        As `retention_matrix`. Where a cell is not mature, `active` is those who have not left so far.

    Notes
    -----
    In a cell where everybody is followed, the share is what Kaplan-Meier gives. Wilson limits.
    """
    counts = tally(shop, "retention_contracts", period_days=period_days)
    sizes = counts.groupby("cohort")["customers"].sum().astype("int64")
    lost = counts.dropna().astype({"ended_in": int}).pivot_table(index="cohort", columns="ended_in", values="customers", aggfunc="sum")
    rows: list[tuple[int, int, int, int, bool]] = []
    for cohort, customers in zip(sizes.index.astype(int), sizes, strict=True):
        oldest, youngest = (shop.as_of - first_day(cohort)).days, (shop.as_of - first_day(cohort + 1)).days + 1
        periods = range(oldest // period_days + 1)
        gone = lost.reindex(index=[cohort], columns=periods).fillna(0).iloc[0].cumsum().astype(int)
        rows += [(cohort, k, customers, customers - (gone[k] if k else 0), youngest >= k * period_days) for k in periods]
    cells = pd.DataFrame(rows, columns=["cohort", "period", "customers", "active", "mature"])
    return _rated(cells.astype({"mature": bool}), "not everybody has had that long", level)


def pooled_retention(matrix: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """All cohorts of a matrix together: of the customers whose cell is mature, the share who are active.

    Sums over sums, so a large cohort counts for more, and cohorts without anybody active count too. Left out: cells that
    are not mature; later periods therefore rest on older cohorts only, and `cohorts` says on how many.

    Parameters
    ----------
    matrix
        What `retention_matrix` or `contract_retention_matrix` returned.
    level
        Confidence level.

    Returns
    -------
    DataFrame
        A row a period: `period`, `cohorts`, `active`, `rate`, `low`, `high`, `n`, `too_young` (customers of cohorts whose
        cell is not mature).

    Examples
    --------
    >>> matrix = pd.DataFrame({"cohort": ["2026-01", "2026-02"], "period": 1, "customers": [30, 10],
    ...                        "active": [12, 3], "mature": [True, False]})
    >>> pooled_retention(matrix).round(2)
       period  cohorts  active  rate   low  high   n  too_young
    0       1        1      12   0.4  0.25  0.58  30         10
    """
    ripe = matrix[matrix["mature"]].groupby("period").agg(cohorts=("cohort", "count"), active=("active", "sum"), n=("customers", "sum"))
    everybody = int(matrix.groupby("cohort")["customers"].first().sum())
    table = ripe.assign(**shares(ripe["active"], ripe["n"], level=level), too_young=everybody - ripe["n"])
    table.loc[table.index == 0, ["low", "high"]] = 1.0
    return table.reset_index()[["period", "cohorts", "active", "rate", "low", "high", "n", "too_young"]]


def renewals(matrix: pd.DataFrame) -> pd.DataFrame:
    """The mature cells of a contract matrix as the projections want them.

    Left out: cells that are not mature, and period 0.

    Returns
    -------
    DataFrame
        `cohort`, `period`, `at_risk` (came to the period), `lost` (left in it).

    Examples
    --------
    >>> matrix = pd.DataFrame({"cohort": "2026-01", "period": [0, 1, 2], "active": [10, 8, 8], "mature": [True, True, False]})
    >>> renewals(matrix)
        cohort  period  at_risk  lost
    0  2026-01       1       10     2
    """
    before = matrix.groupby("cohort")["active"].shift()
    ripe = matrix.assign(at_risk=before, lost=before - matrix["active"])[matrix["mature"] & (matrix["period"] > 0)]
    return ripe[["cohort", "period", "at_risk", "lost"]].astype({"at_risk": int, "lost": int}).reset_index(drop=True)


def churn_projection(shop: Shop, *, periods: int = 48, period_days: int = 30, level: float = 0.95) -> pd.DataFrame:
    """Survival of contracts beyond the data by two models, only if they predict the last third of what is known.

    Left out: contracts older than the recorded history, later stays of customers who came back, and periods that not everybody
    of a month has had.

    Returns
    -------
    DataFrame
        `model, period, n, observed, rate, low, high, chosen, note`; where the projection is withheld the rates are NaN
        and `note` says why. See `retainkit.estimate.projection.project`.

    Notes
    -----
    Shifted beta-geometric (Fader and Hardie 2007) and beta-discrete-Weibull; chosen by hold-out log-score.
    """
    return project(renewals(contract_retention_matrix(shop, period_days=period_days)), periods=periods, level=level)


def _grid(counts: pd.DataFrame, *, last: int) -> pd.DataFrame:
    """Every cohort that has customers, with every month from its own to `last`."""
    pairs = [(int(c), m) for c in sorted(counts["cohort"].unique()) for m in range(int(c), last + 1)]
    return pd.DataFrame(pairs, columns=["cohort", "month"], dtype="int64")


def _rated(cells: pd.DataFrame, unripe: str, level: float) -> pd.DataFrame:
    """Rates with Wilson limits where a cell is mature; period 0 is the whole cohort, and no estimate."""
    names = pd.Series([month_name(int(c)) for c in cells["cohort"]], index=cells.index, dtype=object)
    note = np.where(cells["mature"], "", f"{unripe}: the count so far")
    table = cells.assign(cohort=names, **shares(cells["active"], cells["customers"], level=level), note=note)
    table.loc[table["period"] == 0, ["low", "high"]] = 1.0
    table.loc[~table["mature"], ["rate", "low", "high"]] = np.nan
    return table[COLUMNS]
