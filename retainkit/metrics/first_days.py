"""The first months of a customer: when cross-sells come, when people leave, which line leads to which."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from retainkit.errors import MissingDataError
from retainkit.estimate.compare import against_the_rest, rates_per_month, window_rates
from retainkit.load.shop import Shop
from retainkit.metrics.averages import CROSS_SELLS
from retainkit.metrics.cross_sell import CROSS_SOLD, a_part, need_lines
from retainkit.metrics.reading import shares
from retainkit.sqltext import few_rows
from retainkit.tally import UNKNOWN, split_by, tally

BANDS = ((0, 30), (30, 90), (90, 180), (180, 365), (365, 730))


def cross_sell_rates(shop: Shop, *, bands: Sequence[tuple[int, int]] = BANDS, level: float = 0.95) -> pd.DataFrame:
    """Cross-sells per 100 customer-months by age of the customer.

    Only days on which a new customer was watched and had not left count. A band nobody has reached is NaN.

    Parameters
    ----------
    shop
        The shop; its orders need `product_line`.
    bands
        Pairs of ages in days: above the first and up to the second.
    level
        Confidence level.

    Returns
    -------
    DataFrame
        A row a band: `window, events, days, value, low, high, ratio, ratio_low, ratio_high` (to the first band).

    Notes
    -----
    Mid-P Poisson intervals, widened on the log scale by how much more the customers differ than Poisson counts would:
    one who takes a second line is likelier to take a third.
    """
    need_lines(shop)
    ages = ["first_age", "last_age"]
    sums = tally(shop, "cross_sell_bands", bands=few_rows(ages, bands)).set_index(ages).reindex(list(bands), fill_value=0).astype(float)
    rate = sums["events"] / sums["days"]
    squares = sums["events_events"] - 2 * rate * sums["events_days"] + rate**2 * sums["days_days"]
    return rates_per_month(
        sums["events"].astype(int).tolist(),
        sums["days"].tolist(),
        windows=bands,
        spread=(squares / sums["events"]).tolist(),
        level=level,
    )


def leaving_rates(shop: Shop, *, windows: Sequence[tuple[int, int]] = ((0, 90), (90, 365)), level: float = 0.95) -> pd.DataFrame:
    """How often customers leave early and later in their contract, per 100 customer-months.

    Age counts from the start of the first contract. Contracts older than the recorded history count from the day it
    begins (delayed entry). Left out: customers without a contract, who are never seen to leave.

    Returns
    -------
    DataFrame
        As `cross_sell_rates`; `ratio` is the later rate over the early one.

    Raises
    ------
    MissingDataError
        When the shop has no contracts.
    """
    if not shop.has("contracts"):
        raise MissingDataError(
            "contracts",
            "is not there, and without it nobody can be seen to leave",
            "",
            "a contracts table: contract_id, customer_id, started_at, ended_at",
        )
    cells = tally(shop, "contract_lives", by="all", early_days=60)
    return window_rates(cells, windows=windows, level=level)


def cross_sell_paths(shop: Shop, *, level: float = 0.95) -> pd.DataFrame:
    """Which line leads to which: of the first cross-sells after each entry line, the share that opened each next line.

    A day that opened several lines counts for each, so shares can add up to more than one. Left out: customers with
    no cross-sell yet. It says where cross-sells go, not how likely one is.

    Returns
    -------
    DataFrame
        A row a pair: `entry_line, next_line, rate, low, high, hits, n` (first cross-sells after the entry line).
    """
    need_lines(shop)
    pairs = tally(shop, "cross_sell_paths").rename(columns={"n": "hits"})
    return pairs.assign(**shares(pairs["hits"], pairs["crossed"], level=level)).drop(columns="crossed")


def cross_sell_compared(shop: Shop, *, by: str, within_days: int = 90, level: float = 0.95) -> pd.DataFrame:
    """Share with a cross-sell within `within_days` for each group, against all the others together.

    Left out: customers whose group is not known, or is called `unknown`, and those left out by `cross_sell_any`.

    Returns
    -------
    DataFrame
        `[by], horizon_days, rate, low, high, n, at_risk, difference, difference_low, difference_high, p, q`; look at `q`
        (Benjamini-Hochberg over the groups), never at the smallest `p` of many.
    """
    need_lines(shop)
    return _compared(tally(shop, "first_or_left", by=split_by(by), hit=CROSS_SOLD), "bought", by, within_days, level)


def second_purchase_compared(shop: Shop, *, by: str, within_days: int = 30, level: float = 0.95) -> pd.DataFrame:
    """Share who bought again within `within_days` for each group, against all the others together.

    Columns and exclusions as in `cross_sell_compared`.
    """
    cells = tally(shop, "second_purchase", by=split_by(by))
    return _compared(cells.assign(cause=cells["event"].map({1: "again", 0: ""})), "again", by, within_days, level)


def _compared(cells: pd.DataFrame, cause: str, by: str, within_days: int, level: float) -> pd.DataFrame:
    """The share of each group with the cause, against all the others; who is in no group is left out."""
    table = against_the_rest(cells[cells["grp"] != UNKNOWN], cause=cause, horizon=within_days, level=level)
    return table.rename(columns={"grp": by}).assign(horizon_days=within_days)


def short_log_shares(
    shop: Shop, *, within_days: int = 90, horizon: int | None = None, months: Sequence[int] = (6, 9, 12, 18, 24, 36), level: float = 0.95
) -> pd.DataFrame:
    """What the naive share would have said had the log ended earlier: cross-sells seen so far, the early part.

    The same company, cut off so many months after the recorded history begins. Nothing about customers changes; only
    the late cross-sells have not been seen yet. Lengths beyond the data are left out, and cross-sells later than `horizon` days after
    the first purchase, if one is given: `cross_sell_share` of that many days is what the shares come down to.

    Returns
    -------
    DataFrame
        A row a length: `months, rate, low, high, n` (cross-sells seen). Wilson interval: what people print, though
        cross-sells of one customer are not independent.
    """
    need_lines(shop)
    a_part(within_days, [horizon or within_days])
    start = pd.Timestamp(shop.history_start)
    rows = []
    for length in months:
        end = start + pd.DateOffset(months=length) - pd.Timedelta(days=1)
        if end <= pd.Timestamp(shop.as_of):
            ages = tally(shop.at(end.date()), "recurrent_events", value=CROSS_SELLS, by="all")
            ages = ages[ages["age"] <= horizon] if horizon else ages
            rows.append({"months": length, "hits": int(ages.loc[ages["age"] <= within_days, "value"].sum()), "n": int(ages["value"].sum())})
    table = pd.DataFrame(rows, columns=["months", "hits", "n"]).query("n > 0").astype({"hits": int, "n": int})
    return pd.DataFrame({"months": table["months"], **shares(table["hits"], table["n"], level=level)})
