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
    cells = _cells(shop, days)
    totals = cells.groupby("source")[["won", "n"]].sum()
    won, n = totals["won"], totals["n"]
    rest_won, rest = won.sum() - won, n.sum() - n
    gap = dict(zip(("difference", "difference_low", "difference_high"), newcombe(won, n, rest_won, rest, level=level), strict=True))
    p = two_proportion_p(won, n, rest_won, rest)
    table = totals.assign(**shares(won, n, level=level), **gap, p=p, q=benjamini_hochberg(p), horizon_days=days)
    even = standardised_rates(cells, level=level).set_index("source")
    table = table.join(_called("by_days", win_by(shop, days=days, by="source", level=level).set_index("source"))).join(_called("standardised", even))
    covers = even["mix_covered"].map("has deals in {:.0%} of the company's mix of segments".format).where(even["mix_covered"] < 1 - 1e-9, "").astype(object)
    columns = ["source", "rate", "low", "high", "n", "by_days", "by_days_low", "by_days_high", "standardised",
               "standardised_low", "standardised_high", *gap, "p", "q", "horizon_days", "note"]
    return table.assign(note=covers).rename_axis("source").reset_index()[columns]


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
    cells = _cells(shop, days)
    columns = ["source", "rate", "low", "high", "n", "of_source", "of_rest", "rest", "horizon_days", "note"]
    mine = cells["source"] == source
    if not mine.any() or mine.all():
        return pd.DataFrame(columns=columns)
    table = standardised_rates(cells.assign(source=np.where(mine, "it", "rest")), level=level).set_index("source")
    it, rest = table.loc["it"], table.loc["rest"]
    gap, low, high = square_and_add(it[["rate", "low", "high"]], rest[["rate", "low", "high"]])
    note = "" if table["mix_covered"].min() > 1 - 1e-9 else "segments in which one of the two has no deals are left out of its rate"
    row = [source, gap, low, high, int(table["n"]["it"]), it["rate"], rest["rate"], int(table["n"]["rest"]), days, note]
    return pd.DataFrame([dict(zip(columns, row, strict=True))])


def _cells(shop: Engine, days: int) -> pd.DataFrame:
    """Won and closed deals (`n`) by source and segment; none where a win rate would be wrong."""
    cells = tally(shop, "deals_sources", days=days).rename(columns={"closed": "n"}).astype({"won": int, "n": int}).query("n > 0")
    return cells.iloc[:0] if win_rate_withheld(shop, by="source") else cells


def _called(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """The rates of a table and their limits under another name."""
    return table[["rate", "low", "high"]].set_axis([name, f"{name}_low", f"{name}_high"], axis=1)
