"""Won deals: how large, how long to win, how much they bring a day, and whether some sources (referrals?) are really won more often."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from retainkit.estimate.case_mix import standardised_rates
from retainkit.estimate.intervals import (
    benjamini_hochberg,
    newcombe,
    skewed_interval,
    square_and_add,
    two_proportion_p,
    wilson,
    z_value,
)
from retainkit.estimate.risk import in_view
from retainkit.estimate.survival import kaplan_meier, median_survival
from retainkit.load.shop import Shop
from retainkit.metrics.deals import DEAL_GROUPS, TOO_NEW, WITHIN_DAYS, win_by, win_rate_withheld
from retainkit.metrics.reading import by_group, each_group, shares
from retainkit.sqltext import Column
from retainkit.tally import asked_once, split_by, tally


@asked_once
def deal_size(shop: Shop, *, by: str | None = None, level: float = 0.95) -> pd.DataFrame:
    """Average and median amount of won deals.

    Left out: lost and open deals, and won ones without an amount (`missing` counts them).

    Returns
    -------
    DataFrame
        Two rows a group: the group, `measure` (`mean`, `median`), `value`, `low`, `high`, `n` (deals), `accounts`,
        `missing`.

    Notes
    -----
    Mean: accounts are the unit (an account's deals go together), with Hall's correction for amounts that are mostly small
    and now and then huge (`skewed_interval`). Median: order statistics, NaN where there
    are too few deals for an interval.
    """
    return _won(shop, "amount", by, level)


@asked_once
def cycle_days(shop: Shop, *, by: str | None = None, level: float = 0.95) -> pd.DataFrame:
    """Days from opening a deal to winning it, and from opening it to any outcome.

    `mean` and `median` are of won deals, among which recent deals count only if they were quick. `median_to_outcome` is of
    all deals, won or lost, those still open counting for as long as they have been open; NaN where half are still open.

    Returns
    -------
    DataFrame
        Three rows a group: the group, `measure`, `value` (days), `low`, `high`, `n`, `note`.

    Examples
    --------
    >>> from retainkit import open_shop
    >>> deals = pd.DataFrame({
    ...     "deal_id": [1, 2, 3, 4], "rep": ["ann", "ann", "bob", "bob"], "outcome": ["won", "lost", "won", "open"],
    ...     "opened_at": "2026-01-05", "closed_at": ["2026-01-25", "2026-02-01", "2026-02-20", None]})
    >>> shop = open_shop({"deals": deals}, as_of="2026-03-10")
    >>> cycle_days(shop)[["measure", "value", "n"]]
                 measure  value  n
    0               mean   33.0  2
    1             median   33.0  2
    2  median_to_outcome   27.0  4
    """
    def median(cells: pd.DataFrame) -> pd.DataFrame:
        counted = in_view(cells.assign(event=(cells["cause"] != "").astype(int)))
        middle, low, high = median_survival(kaplan_meier(counted, level=level))
        note = f"half not decided by day {counted['duration'].max():,.0f}" if middle != middle and len(counted) else ""
        row = {"measure": "median_to_outcome", "value": middle, "low": low, "high": high, "n": int(counted["n"].sum())}
        return pd.DataFrame([row | {"note": note}])

    won = _won(shop, "cycle_days", by, level).assign(note="").drop(columns=["accounts", "missing"])
    closed = each_group(tally(shop, "deals_lives", by=split_by(by, DEAL_GROUPS)), by, median)
    table = pd.concat([won, closed], ignore_index=True)
    return table.sort_values(by, kind="stable", ignore_index=True) if by else table


def sales_velocity(
    shop: Shop, *, days: int = WITHIN_DAYS, window_days: int = 365, level: float = 0.95
) -> pd.DataFrame:
    """Opportunities x win rate x average won amount / average days to win, all four of the same deals.

    The deals are those opened in the last `window_days` that could all be followed for `days` days; what is won later is
    not won here. Left out: younger deals, and of the average amount (not of the win rate) won deals without one
    (`note`). Without a win rate (`win_rate_withheld`) there is no velocity. The interval is wide: do not compare one month with the next.

    Returns
    -------
    DataFrame
        A row a measure: `measure` (`opportunities`, `win_rate`, `won_amount`, `won_cycle_days`, `velocity`,
        `won_per_day`: the same deals' won amount over the days of the window), `value`, `low`, `high`, `n` (deals opened; of the amount those
        won for a known one, of the days to win those won), `horizon_days`, `opened_from`, `opened_to`, `note`.

    Notes
    -----
    Delta method, the deal being the unit, with Hall's correction for amounts that are mostly small and now and then huge
    (`skewed_interval`); win rate: Wilson.
    """
    closes = shop.as_of - timedelta(days=days - 1)
    opens = min(max(closes - timedelta(days=window_days), shop.history_start), closes)
    parts = tally(shop, "deals_velocity", days=days, opens=opens, closes=closes).fillna(0).astype(float)
    n, won, amount, cycle = (np.float64(parts[name].sum()) for name in ("opened", "won", "amount", "cycle"))
    unknown = parts["won"].where(parts["without_amount"] == 1, 0).sum()
    priced = won - unknown
    with np.errstate(divide="ignore", invalid="ignore"):
        each, some, a, c = 1 / won, 1 / priced, 1 / amount, 1 / cycle
        # each: the value; the part of it that a won deal of known amount moves, one of unknown, what is for its amount and its days; and another deal
        rows = {"opportunities": (n, None), "win_rate": (won / n, None), "won_amount": (amount * some, (-some, 0.0, a, 0.0, 0.0)),
                "won_cycle_days": (cycle * each, (-each, -each, 0.0, c, 0.0)),
                "velocity": (won**2 * amount * some / cycle, (2 * each - some - 1 / n, 2 * each - 1 / n, a, -c, -1 / n)),
                "won_per_day": (amount / (closes - opens).days, (0.0, 0.0, a, 0.0, 0.0))}
        limits = {name: _lopsided(value, parts, *moved, level=level) for name, (value, moved) in rows.items() if moved}
    limits["win_rate"] = wilson(won, n, level=level)
    table = pd.DataFrame([{"measure": name, "value": float(value), **dict(zip(("low", "high"), limits.get(name, (np.nan, np.nan)), strict=True))}
                          for name, (value, _) in rows.items()])
    withheld = win_rate_withheld(shop)
    table.loc[table["measure"].isin(["win_rate", "velocity"]) & (withheld != ""), ["value", "low", "high"]] = np.nan
    none = "no deal of the window was won in time, or all on the day they were opened"
    if not n:
        none = f"no deal was opened from {opens} to {closes - timedelta(days=1)}" if opens < closes else TOO_NEW.format(days)
    note = none if not (won and cycle) else "no deal won in the window has an amount" if not priced else ""
    missing = f"without an amount, and so in no average of amounts: {unknown:,.0f} of {won:,.0f} won deals" if unknown else ""
    of = table["measure"].map({"won_amount": priced, "won_cycle_days": won}).fillna(n).astype(int)
    return table.assign(n=of, horizon_days=days, opened_from=opens, opened_to=closes - timedelta(days=1), note=withheld or note or missing)


def _won(shop: Shop, measure: str, by: str | None, level: float) -> pd.DataFrame:
    """Mean and median of a measure of won deals by group."""
    sums = tally(shop, "deals_won", by=split_by(by, DEAL_GROUPS), measure=Column(measure), z=z_value(level))
    sums = sums.astype(dict.fromkeys(sums.columns.drop("grp"), float))
    n, accounts, total = sums["deals"], sums["accounts"], sums["total"]
    mean = total / n
    spread = sums["total_total"] - 2 * mean * sums["total_deals"] + mean**2 * sums["deals_deals"]
    cubes = sums["total_3"] - 3 * mean * sums["total_2_deals"] + 3 * mean**2 * sums["total_deals_2"] - mean**3 * sums["deals_3"]
    spread = spread.where((accounts > 1) & (mean > 0) & (spread > 0))
    low, high = skewed_interval(mean, np.sqrt(spread * accounts / (accounts - 1)) / n, skew=cubes / spread**1.5, level=level)
    counts = sums[["grp", "accounts", "missing"]].assign(n=n)
    means = counts.assign(measure="mean", value=mean, low=low, high=high)
    medians = counts.assign(measure="median", value=sums["median"], low=sums["median_low"], high=sums["median_high"])
    table = pd.concat([means, medians]).sort_index(kind="stable", ignore_index=True).astype({"n": int, "accounts": int, "missing": int})
    return by_group(table, by, ["measure", "value", "low", "high", "n", "accounts", "missing"])


def _lopsided(value: float, parts: pd.DataFrame, priced: float, unpriced: float, a: float, c: float, lost: float, *, level: float) -> tuple[Any, Any]:
    """Limits of a value that a won deal moves by the part `each + a * amount + c * cycle` of it, and any other by `lost`.

    `each` is `priced` for deals of known amount, `unpriced` for the others.
    """
    square, cube = lost**2 * (parts["opened"] - parts["won"]).sum(), lost**3 * (parts["opened"] - parts["won"]).sum()
    for _, s in parts.iterrows():
        each = unpriced if s.without_amount else priced
        square += (each**2 * s.won + 2 * each * (a * s.amount + c * s.cycle) + a**2 * s.amount_amount + 2 * a * c * s.amount_cycle
                   + c**2 * s.cycle_cycle)
        cube += (each**3 * s.won + 3 * each**2 * (a * s.amount + c * s.cycle)
                 + 3 * each * (a**2 * s.amount_amount + 2 * a * c * s.amount_cycle + c**2 * s.cycle_cycle)
                 + a**3 * s.amount_3 + 3 * a**2 * c * s.amount_2_cycle + 3 * a * c**2 * s.amount_cycle_2 + c**3 * s.cycle_3)
    if not (value > 0 and square > 1e-12):
        return np.nan, np.nan
    return skewed_interval(value, value * np.sqrt(square), skew=cube / square**1.5, level=level)


def source_win_rates(shop: Shop, *, days: int = WITHIN_DAYS, level: float = 0.95) -> pd.DataFrame:
    """Win rate of each source beside all the others, as it is and as it would be with the company's mix of segments.

    Deals opened at least `days` days ago and won or lost. Left out: younger deals, and old ones still open (in
    `by_days`, the share won within `days` days of all deals opened, they count). `standardised` weighs a source's
    segments as all deals together are; segments in which the source has no deal are left out of it (`note`).

    Returns
    -------
    DataFrame
        A row a source: `source`, `rate`, `low`, `high`, `n` (closed), `by_days`, `by_days_low`, `by_days_high`, `by_days_n` (opened, of any age),
        `by_days_at_risk`, `standardised`, `standardised_low`, `standardised_high`, `difference` (to all other sources together, as they are: not
        standardised; deals of unknown source are among the others), `difference_low`, `difference_high`, `p`, `q`
        (Benjamini-Hochberg over the sources), `horizon_days`, `note`.
        Empty when no win rate can be computed (`win_rate_withheld(shop, by="source")` says why).

    Notes
    -----
    Wilson; Newcombe's method 10 and the score test for differences; direct standardisation.
    """
    cells = _cells(shop, days)
    totals = cells.groupby("source")[["won", "n"]].sum()
    won, n = totals["won"], totals["n"]
    rest_won, rest = won.sum() - won, n.sum() - n
    gap = dict(zip(("difference", "difference_low", "difference_high"), newcombe(won, n, rest_won, rest, level=level), strict=True))
    p = two_proportion_p(won, n, rest_won, rest)
    table = totals.assign(**shares(won, n, level=level), **gap, p=p, q=benjamini_hochberg(p), horizon_days=days)
    even = standardised_rates(cells, level=level).set_index("source")
    opened = win_by(shop, days=days, by="source", level=level).set_index("source")
    table = table.join(_called("by_days", opened)).join(opened[["n", "at_risk"]].add_prefix("by_days_")).join(_called("standardised", even))
    part = even["mix_covered"].astype(object)
    covers = part.map("has deals in {:.0%} of the company's mix of segments".format).where(part < 1 - 1e-9, "")
    columns = ["source", "rate", "low", "high", "n", "by_days", "by_days_low", "by_days_high", "by_days_n", "by_days_at_risk", "standardised",
               "standardised_low", "standardised_high", *gap, "p", "q", "horizon_days", "note"]
    return table.assign(note=covers).rename_axis("source").reset_index()[columns]


def spelt(source: str, known: Iterable[str]) -> str:
    """The source as the deals have it: as it is asked for, or in other capitals.

    >>> spelt("referral", ["Paid", "Referral"]), spelt("Paid", ["paid", "Paid"])
    ('Referral', 'Paid')
    """
    names = list(known)
    return source if source in names else next((name for name in names if name.lower() == source.lower()), source)


@asked_once
def referral_gap(shop: Shop, *, source: str = "referral", days: int = WITHIN_DAYS, level: float = 0.95) -> pd.DataFrame:
    """Win rate of one source less that of all the others, each at the company's own mix of segments.

    Who counts and who is left out is as in `source_win_rates`.

    Returns
    -------
    DataFrame
        One row: `source`, `rate` (difference of shares), `low`, `high`, `n` (closed deals of the source), `of_source` and `of_rest`
        (standardised rates), `rest` (their closed deals), `horizon_days`, `note`. Empty when there is no deal from the source, or no win rate.

    Notes
    -----
    Direct standardisation; the limits of both rates squared and added (Newcombe's method 10).

    Examples
    --------
    >>> from retainkit import open_shop
    >>> deals = pd.DataFrame({"deal_id": range(40), "rep": "ann", "source": ["referral", "paid"] * 20, "opened_at": "2026-01-05",
    ...                       "closed_at": "2026-02-01", "outcome": ["won", "lost"] * 10 + ["lost", "lost", "won", "won"] * 5})
    >>> referral_gap(open_shop({"deals": deals}, as_of="2026-10-31"))[["rate", "of_source", "of_rest", "n"]]
       rate  of_source  of_rest   n
    0   0.5       0.75     0.25  20
    """
    cells = _cells(shop, days)
    columns = ["source", "rate", "low", "high", "n", "of_source", "of_rest", "rest", "horizon_days", "note"]
    source = spelt(source, cells["source"])
    mine = cells["source"] == source
    if not mine.any() or mine.all():
        return pd.DataFrame(columns=columns)
    table = standardised_rates(cells.assign(source=np.where(mine, "it", "rest")), level=level).set_index("source")
    it, rest = table.loc["it"], table.loc["rest"]
    gap, low, high = square_and_add(it[["rate", "low", "high"]], rest[["rate", "low", "high"]])
    note = "" if table["mix_covered"].min() > 1 - 1e-9 else "segments in which one of the two has no deals are left out of its rate"
    row = [source, gap, low, high, int(table["n"]["it"]), it["rate"], rest["rate"], int(table["n"]["rest"]), days, note]
    return pd.DataFrame([dict(zip(columns, row, strict=True))])


def _cells(shop: Shop, days: int) -> pd.DataFrame:
    """Won and closed deals (`n`) by source and segment; none where a win rate would be wrong."""
    cells = tally(shop, "deals_sources", days=days).rename(columns={"closed": "n"}).astype({"won": int, "n": int}).query("n > 0")
    return cells.iloc[:0] if win_rate_withheld(shop, by="source") else cells


def _called(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """The rates of a table and their limits under another name."""
    return table[["rate", "low", "high"]].set_axis([name, f"{name}_low", f"{name}_high"], axis=1)
