"""Where deals come from: are referrals (or any source) really won more often, or do they come in easier segments?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from retainkit.estimate.case_mix import standardised_rates
from retainkit.estimate.intervals import benjamini_hochberg, newcombe, square_and_add, two_proportion_p
from retainkit.metrics.deals import WITHIN_DAYS, win_by, win_rate_withheld
from retainkit.metrics.reading import shares
from retainkit.tally import Engine, asked_once, tally


def source_win_rates(shop: Engine, *, days: int = WITHIN_DAYS, level: float = 0.95) -> pd.DataFrame:
    """Win rate of each source beside all the others, as it is and as it would be with the company's mix of segments.

    Deals opened at least `days` days ago and won or lost. Left out: younger deals, and old ones still open (in
    `by_days`, the share won within `days` days of all deals opened, they count). `standardised` weighs a source's
    segments as all deals together are; segments in which the source has no deal are left out of it (`note`).

    Returns
    -------
    DataFrame
        A row a source: `source`, `rate`, `low`, `high`, `n` (closed), `by_days`, `by_days_low`, `by_days_high`,
        `standardised`, `standardised_low`, `standardised_high`, `difference` (to all other sources together),
        `difference_low`, `difference_high`, `p`, `q` (Benjamini-Hochberg over the sources), `horizon_days`, `note`.
        Empty when no win rate can be computed (`win_rate_withheld(shop, by="source")` says why).

    Notes
    -----
    Wilson; Newcombe's method 10 and the score test for differences; direct standardisation.
    """
    cells = tally(shop, "deals_sources", days=days).astype({"won": int, "closed": int}).query("closed > 0")
    if win_rate_withheld(shop, by="source"):
        cells = cells.iloc[:0]
    totals = cells.groupby("source")[["won", "closed"]].sum()
    won, n = totals["won"], totals["closed"]
    rest_won, rest = won.sum() - won, n.sum() - n
    gap = dict(zip(("difference", "difference_low", "difference_high"), newcombe(won, n, rest_won, rest, level=level), strict=True))
    p = two_proportion_p(won, n, rest_won, rest)
    table = totals.assign(**shares(won, n, level=level), **gap, p=p, q=benjamini_hochberg(p), horizon_days=days)
    table = table.join(_by_days(shop, days, level)).join(_standardised(cells, level))
    columns = ["source", "rate", "low", "high", "n", "by_days", "by_days_low", "by_days_high", "standardised",
               "standardised_low", "standardised_high", *gap, "p", "q", "horizon_days", "note"]
    return table.rename_axis("source").reset_index()[columns]


@asked_once
def referral_gap(shop: Engine, *, source: str = "referral", days: int = WITHIN_DAYS, level: float = 0.95) -> pd.DataFrame:
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
    cells = tally(shop, "deals_sources", days=days).astype({"won": int, "closed": int}).query("closed > 0")
    columns = ["source", "rate", "low", "high", "n", "of_source", "of_rest", "rest", "horizon_days", "note"]
    mine = cells["source"] == source
    if not mine.any() or mine.all() or win_rate_withheld(shop, by="source"):
        return pd.DataFrame(columns=columns)
    two = cells.assign(n=cells["closed"], source=np.where(mine, "it", "rest"))
    table = standardised_rates(two, level=level).set_index("source")
    it, rest = table.loc["it"], table.loc["rest"]
    gap, low, high = square_and_add(it[["rate", "low", "high"]], rest[["rate", "low", "high"]])
    note = "" if table["mix_covered"].min() > 1 - 1e-9 else "segments in which one of the two has no deals are left out of its rate"
    row = [source, gap, low, high, int(table["n"]["it"]), it["rate"], rest["rate"], int(table["n"]["rest"]), days, note]
    return pd.DataFrame([dict(zip(columns, row, strict=True))])


def _by_days(shop: Engine, days: int, level: float) -> pd.DataFrame:
    """The share of each source's deals that is won within so many days, lost deals competing."""
    table = win_by(shop, days=days, by="source", level=level).set_index("source")[["rate", "low", "high"]]
    return table.set_axis(["by_days", "by_days_low", "by_days_high"], axis=1)


def _standardised(cells: pd.DataFrame, level: float) -> pd.DataFrame:
    """Each source's rate with the segments weighted as in all deals together, and how much of that mix it covers."""
    table = standardised_rates(cells.rename(columns={"closed": "n"}), level=level).set_index("source")
    note = np.where(table["mix_covered"] < 1 - 1e-9, table["mix_covered"].map("has deals in {:.0%} of the company's mix of segments".format), "")
    names = {"rate": "standardised", "low": "standardised_low", "high": "standardised_high"}
    return table[list(names)].rename(columns=names).assign(note=note)
