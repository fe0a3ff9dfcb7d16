"""Contracts in money: what the base pays a month, what it lost, and how much of last year's base is still paid today."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from retainkit.errors import counted
from retainkit.estimate.intervals import logit_interval, weighted_poisson_interval, wilson, z_value
from retainkit.load.shop import Shop
from retainkit.metrics.months import month_name, month_numbers, month_windows
from retainkit.metrics.reading import shares
from retainkit.tally import asked_once, tally

FLOWS = ["lost", "contraction", "expansion", "came_back", "new", "reactivated"]
SQUARES = ("opening_opening", "kept_kept", "kept_opening", "later_later", "later_opening")


@asked_once
def revenue_churn(shop: Shop, *, months: int = 12, level: float = 0.95) -> pd.DataFrame:
    """Share of the monthly revenue of so many months ago that is still paid: gross and net, and what a month loses.

    `grr` (gross retention) caps each customer at the old level and counts only customers who never had a day without a
    contract in between; `nrr` (net retention) is what the same customers pay now, growth included, and customers who left
    and came back (`came_back` says how much of it). `mrr_churn` is one month's loss, 1 - GRR over that month. Left out:
    new customers, months that still run, and months whose opening lies before the recorded history.

    Parameters
    ----------
    shop
        The shop.
    months
        How many months back the base is taken for `grr` and `nrr`.
    level
        Confidence level.

    Returns
    -------
    DataFrame
        A row a measure and month: `measure`, `month` (the last of the window), `value`, `low`, `high`, `n` (customers in
        the opening base of whom it is known what they paid), `opening` (how much), `came_back` (of `nrr`), `note`.

    Notes
    -----
    Ratio of sums with customers as the unit (delta method): log-odds limits for `grr`, log limits for `nrr`. `mrr_churn`: a
    month loses few customers, each worth something else, so its limits are those of a sum of that kind.
    """
    long, short = _amounts(shop, months), _amounts(shop, 1)
    tables = [_ratio(long, "grr", "kept", level), _ratio(long, "nrr", "later", level), _ratio(short, "mrr_churn", "kept", level)]
    table = pd.concat(tables, ignore_index=True)
    churn = table["measure"] == "mrr_churn"
    table.loc[churn, "value"] = 1 - table.loc[churn, "value"]
    table.loc[churn, ["low", "high"]] = _lost(short, level)
    return table


@asked_once
def customer_retention(shop: Shop, *, months: int = 12, level: float = 0.95) -> pd.DataFrame:
    """Of the customers under contract so many months ago, the share who have stayed ever since.

    With `months=1` it is 1 less the month's churn (`monthly_churn`), of the same customers. Left out: customers who came since
    then. Whoever left and came back has not stayed.

    Parameters
    ----------
    shop
        The shop.
    months
        Length of the window.
    level
        Confidence level.

    Returns
    -------
    DataFrame
        A row a window: `month` (its last), `rate`, `low`, `high`, `n` (customers when it opened), `stayed`.

    Notes
    -----
    Wilson.

    Examples
    --------
    Bob leaves in February.

    >>> from retainkit import open_shop
    >>> book = pd.DataFrame({"contract_id": [1, 2], "customer_id": ["ann", "bob"], "started_at": "2026-01-01",
    ...                      "ended_at": [None, "2026-02-15"]})
    >>> customer_retention(open_shop({"contracts": book}, as_of="2026-02-28"), months=1)[["month", "rate", "n"]]
         month  rate  n
    0  2026-01   NaN  0
    1  2026-02   0.5  2
    """
    sums = _amounts(shop, months).astype({"customers": int, "left_or_broke": int})
    n, stayed = sums["customers"], sums["customers"] - sums["left_or_broke"]
    return pd.DataFrame({"month": sums["month"], **shares(stayed, n, level=level), "stayed": stayed})


def mrr_movements(shop: Shop) -> pd.DataFrame:
    """What moved the monthly revenue in each closed month.

    Returns
    -------
    DataFrame
        `month`, `opening`, `lost`, `contraction`, `expansion`, `came_back` (left and returned within the month), `new`,
        `reactivated` (returned after an earlier stay), `closing`, `customers` (in the opening base).
        opening - lost - contraction + expansion + came_back + new + reactivated = closing.

    Examples
    --------
    Ann's new contract pays 30 more; Bob leaves.

    >>> from retainkit import open_shop
    >>> book = pd.DataFrame({
    ...     "contract_id": [1, 2, 3], "customer_id": ["ann", "ann", "bob"], "monthly_value": [100, 130, 50],
    ...     "started_at": ["2026-01-01", "2026-02-10", "2026-01-01"], "ended_at": ["2026-02-10", None, "2026-02-15"]})
    >>> months = mrr_movements(open_shop({"contracts": book}, as_of="2026-02-28"))
    >>> months[["month", "opening", "lost", "expansion", "closing"]].tail(1)
         month  opening  lost  expansion  closing
    1  2026-02    150.0  50.0       30.0    130.0
    """
    amounts = _amounts(shop, 1)
    return amounts[["month", "opening", *FLOWS, "closing", "customers"]]


def _amounts(shop: Shop, months: int) -> pd.DataFrame:
    """The sums of every window of so many months that the recorded history covers."""
    sums = tally(shop, "churn_money", windows=month_windows(shop, months))
    renamed = sums.rename(columns={"new_value": "new", "reactivated_value": "reactivated"}).astype(dict.fromkeys(SQUARES, float))
    return renamed.assign(month=(month_numbers(sums["closes"]) - 1).map(month_name).astype(object))


def _lost(amounts: pd.DataFrame, level: float) -> Any:
    """Limits of the share of the opening base that a month loses."""
    opening, kept, n = (amounts[name].astype(float) for name in ("opening", "kept", "priced"))
    squares = (amounts["opening_opening"] - 2 * amounts["kept_opening"] + amounts["kept_kept"]).clip(lower=0)
    base = opening.where(opening > 0)
    limits = weighted_poisson_interval(
        (opening - kept).clip(lower=0),
        squares,
        typical=(opening / n).fillna(0),
        typical_square=(amounts["opening_opening"] / n).fillna(0),
        level=level,
    )
    return np.column_stack([np.minimum(limit / base, 1.0) for limit in limits])


def _ratio(amounts: pd.DataFrame, measure: str, part: str, level: float) -> pd.DataFrame:
    """part / opening with its interval, customers being the unit."""
    whole, some, n = (amounts[name].astype(float) for name in ("opening", part, "priced"))
    value = some / whole.where(whole > 0)
    spread = amounts[f"{part}_{part}"] - 2 * value * amounts[f"{part}_opening"] + value**2 * amounts["opening_opening"]
    se = np.sqrt(spread.clip(lower=0)) / whole
    reach = np.exp(z_value(level) * se / value.where(value > 0))
    limits: tuple[Any, Any] = (value / reach, value * reach)
    if part == "kept":
        limits = logit_interval(value, se, level=level)
    everything = wilson(np.where(value >= 1, n, 0), n, level=level)  # all or nothing kept: no spread to measure
    certain = (se == 0) | (value <= 0)
    low, high = (np.where(certain, sure, limit) for sure, limit in zip(everything, limits, strict=True))
    note = [_unknown(int(here - priced), int(unpriced - (here - priced)))
            for here, priced, unpriced in amounts[["customers", "priced", "unpriced"]].fillna(0).itertuples(index=False)]
    back = amounts["came_back"].astype(float) if part == "later" else np.nan
    return pd.DataFrame({"measure": measure, "month": amounts["month"], "value": value, "low": low, "high": high,
                         "n": n.astype(int), "opening": whole, "came_back": back, "note": note})


def _unknown(whole: int, part: int) -> str:
    """How many customers are of unknown value, and of how many a part of it is unknown."""
    told = [f"left out: {counted(whole, 'customer')} of unknown value" if whole else "",
            f"a contract of unknown value of {counted(part, 'customer')} with others counts as 0" if part else ""]
    return "; ".join(filter(None, told))
