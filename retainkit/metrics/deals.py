"""Deals: how many are won, of those that were decided and of those that were opened, and how many are left lying.

The rep of a deal is whoever owned it when it was won or lost. A win rate needs deals that were lost: from an export that
only keeps what was won, nothing here is computed, and `win_rate_withheld` says why.
"""

from __future__ import annotations

import pandas as pd

from retainkit.estimate.competing import aalen_johansen
from retainkit.load.shop import Shop
from retainkit.metrics.reading import NUMBERS, by_group, each_group, incidence_read, keys, shares
from retainkit.metrics.reps import coded
from retainkit.tally import UNKNOWN, asked_once, split_by, tally

DEAL_GROUPS = ("rep", "segment", "source", "region")
WITHIN_DAYS = 180
STALE_SHARE = 0.10
TOO_NEW = "no deal was opened {} days ago or earlier"
UNEVEN = 0.05  # the group may be known this much more often on won deals than on lost ones without a word


def win_rate(shop: Shop, *, by: str | None = None, days: int = WITHIN_DAYS, level: float = 0.95) -> pd.DataFrame:
    """Deals won, of the deals won or lost: the rate everybody has.

    Left out: open deals, however old. Deals that nobody ever closes as lost make this rate too high; `stale` counts those
    open for `days` days or longer. `win_by` does not have this fault.

    Parameters
    ----------
    shop
        The shop.
    by
        Split by `rep`, `segment`, `source` or `region`.
    days
        From which age on an open deal is stale.
    level
        Confidence level.

    Returns
    -------
    DataFrame
        A row a group: the group, `rate`, `low`, `high`, `n` (won or lost), `too_young` (open), `won`, `lost`, `stale`,
        `note`. Empty when it would be wrong (`win_rate_withheld` says why).

    Examples
    --------
    >>> from retainkit import open_shop
    >>> deals = pd.DataFrame({
    ...     "deal_id": [1, 2, 3, 4], "rep": ["ann", "ann", "bob", "bob"], "outcome": ["won", "lost", "won", "open"],
    ...     "opened_at": "2026-01-05", "closed_at": ["2026-01-25", "2026-02-01", "2026-02-20", None]})
    >>> shop = open_shop({"deals": deals}, as_of="2026-03-10")
    >>> win_rate(shop, by="rep")[["rep", "rate", "won", "lost", "too_young"]]
       rep  rate  won  lost  too_young
    0  ann   0.5    1     1          0
    1  bob   1.0    1     0          1
    """
    counts = _outcomes(shop, by, days)
    columns = ["rate", "low", "high", "n", "too_young", "won", "lost", "stale", "note"]
    if _withheld(counts, by):
        return pd.DataFrame(columns=[*keys(by), *columns])
    table = _wide(counts)
    rated = shares(table["won"], table["won"] + table["lost"], level=level)
    return by_group(table.assign(**rated, too_young=table["open"], note=_uneven(counts, by)), by, columns)


def win_rate_withheld(shop: Shop, *, by: str | None = None) -> str:
    """Why no win rate, of closed or of opened deals, can be computed; empty when it can."""
    return _withheld(_outcomes(shop, by, WITHIN_DAYS), by)


@asked_once
def win_by(shop: Shop, *, days: int = WITHIN_DAYS, by: str | None = None, reps: str = "names", level: float = 0.95) -> pd.DataFrame:
    """Share of all deals opened that are won within `days` of opening; losing competes, open deals count while they are open.

    Recent deals count for as long as they have been open, so the rate is not low because they are recent, and deals
    nobody closes do not make it high. Left out: deals closed on the day they were opened or before the recorded history
    began, when they were opened before it. Of `by="rep"`, `reps="codes"` gives pseudonyms.

    Returns
    -------
    DataFrame
        A row a group: the group, `horizon_days`, `rate`, `low`, `high`, `n` (opened), `too_young` (open for less than
        `days`), `at_risk`, `given` (as in `contract_survival`), `note`. Empty when no lost deal is on record (`win_rate_withheld` says why).

    Notes
    -----
    Aalen-Johansen with delayed entry; log-log limits.

    Examples
    --------
    Bob's open deal counts for as long as it has been open.

    >>> from retainkit import open_shop
    >>> deals = pd.DataFrame({
    ...     "deal_id": [1, 2, 3, 4], "rep": ["ann", "ann", "bob", "bob"], "outcome": ["won", "lost", "won", "open"],
    ...     "opened_at": "2026-01-05", "closed_at": ["2026-01-25", "2026-02-01", "2026-02-20", None]})
    >>> shop = open_shop({"deals": deals}, as_of="2026-03-10")
    >>> win_by(shop, days=30)[["horizon_days", "rate", "n", "too_young", "at_risk"]]
       horizon_days  rate  n  too_young  at_risk
    0            30  0.25  4          0        2
    """
    if win_rate_withheld(shop, by=by):
        return pd.DataFrame(columns=[*keys(by), *NUMBERS])

    def read(cells: pd.DataFrame) -> pd.DataFrame:
        curve = aalen_johansen(cells, causes=["won", "lost"], level=level)
        return incidence_read(cells, curve, [days], only="won").drop(columns="cause")

    table = each_group(_lives(shop, by), by, read)
    return coded(table, reps) if by == "rep" else table


def win_curve(shop: Shop, *, by: str | None = None, level: float = 0.95) -> pd.DataFrame:
    """The whole curves behind `win_by`, for drawing: `time, cause (won, lost, event_free), at_risk, incidence, low, high`."""
    if win_rate_withheld(shop, by=by):
        return pd.DataFrame(columns=["time", "cause", "at_risk", "events", "incidence", "se", "low", "high"])
    return each_group(_lives(shop, by), by, lambda cells: aalen_johansen(cells, causes=["won", "lost"], level=level).table)


def stale_deals(shop: Shop, *, by: str | None = None, days: int = WITHIN_DAYS, reps: str = "names", level: float = 0.95) -> pd.DataFrame:
    """Open deals that have been open for `days` days or longer, as a share of all open deals; `reps` as in `win_by`.

    Returns
    -------
    DataFrame
        One row, or a row a group with open deals: the group, `rate`, `low`, `high`, `n` (open), `stale`, `of_old` (of all deals
        opened that long ago, the share still open), `note` (a warning where more than 10 % of the open deals are stale:
        the win rate of closed deals then leaves out deals that look lost).
    """
    table = _wide(_outcomes(shop, by, days)).query("open > 0" if by else "open >= 0")
    table = table.assign(**shares(table["stale"], table["open"], level=level), of_old=table["stale"] / table["old"])
    note = [f"{rate:.0%} of the open deals ({stale:,} of {left:,}) are {days} days old or more" if rate > STALE_SHARE else ""
            for rate, stale, left in zip(table["rate"], table["stale"], table["open"], strict=True)]
    columns = ["rate", "low", "high", "n", "stale", "of_old", "note"]
    table = by_group(table.assign(note=note), by, columns).reset_index(drop=True)
    return coded(table, reps) if by == "rep" else table


def account_clustering(shop: Shop, *, by: str = "rep") -> float:
    """By how much the deals of one account go together: the variance of wins over what independent deals would have.

    1 when they do not. Measured within each group of `by`, so that differences between reps are no part of it: those are
    what one wants to see, not noise to widen intervals by. NaN without deals won and lost, and where no account has two.

    Notes
    -----
    Design effect: squared residuals summed by account, over the sum of p (1 - p).
    """
    sums = tally(shop, "deals_clusters", by=split_by(by, DEAL_GROUPS)).set_index("grp").astype(float)
    p = sums["won"] / sums["deals"]
    found = (sums["won_won"] - 2 * p * sums["won_deals"] + p**2 * sums["deals_deals"]).sum()
    alone = (sums["deals"] * p * (1 - p)).sum()
    several = (sums["deals_deals"] > sums["deals"]).any()
    return float(found / alone) if alone > 0 and several else float("nan")


def _outcomes(shop: Shop, by: str | None, days: int) -> pd.DataFrame:
    """Deals by group, outcome, and whether they are `days` old."""
    return tally(shop, "deals_outcomes", by=split_by(by, DEAL_GROUPS), days=days)


def _lives(shop: Shop, by: str | None) -> pd.DataFrame:
    """Counted days from opening to the outcome, by group."""
    return tally(shop, "deals_lives", by=split_by(by, DEAL_GROUPS))


def _wide(counts: pd.DataFrame) -> pd.DataFrame:
    """A row a group: `won, lost, open`, `stale` (open and old) and `old` (opened long ago, whatever came of them)."""
    outcome, old = counts["outcome"], counts["mature"] == 1
    of = {"won": outcome == "won", "lost": outcome == "lost", "open": outcome == "open", "stale": old & (outcome == "open"), "old": old}
    table = pd.DataFrame({name: counts["deals"].where(rows, 0) for name, rows in of.items()}).astype("int64")
    return table.groupby(counts["grp"]).sum().reset_index()


def _withheld(counts: pd.DataFrame, by: str | None) -> str:
    """Why won deals cannot be compared with lost ones, or nothing."""
    lost, won = (counts[counts["outcome"] == outcome] for outcome in ("lost", "won"))
    if counts.empty:
        return "there are no deals"
    if lost.empty:
        return f"no deal is recorded as lost: {won['deals'].sum():,} won deals do not say how many were tried"
    if by and (lost["grp"] == UNKNOWN).all():
        return f"`{by}` is known only on deals that were not lost, so every {by} would seem to win everything"
    return ""


def _uneven(counts: pd.DataFrame, by: str | None) -> str:
    """A warning where the group is known more often on won deals than on lost ones."""
    known = counts[counts["grp"] != UNKNOWN].groupby("outcome")["deals"].sum()
    share = (known / counts.groupby("outcome")["deals"].sum()).fillna(0)
    won, lost = share.get("won", 1.0), share.get("lost", 1.0)
    return f"{by} is known on {won:.0%} of won and {lost:.0%} of lost deals: too high" if by and won - lost > UNEVEN else ""
