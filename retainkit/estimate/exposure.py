"""What each rep's accounts would have lost in average hands: counted follow-ups in, observed over expected
out.

Expected is relative to the company's own average mix, from the same accounts as the losses it stands beside,
so that in every stratum the two are equal. Where everybody over-sells nobody stands out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import pdtrc

from retainkit.estimate.case_mix import BY, strata_of, those_of
from retainkit.estimate.intervals import poisson_interval

MOSTLY, WITH_SELF = 0.40, "compared mostly with self"


def expected_churn(cells: pd.DataFrame, *, by: Sequence[str] = BY) -> pd.DataFrame:
    """Losses expected of each rep in each stratum from how long each account has been followed.

    Every account adds the stratum's Nelson-Aalen cumulative hazard at its own follow-up, so a rep who sold
    last month is expected to have lost next to nothing. Within a stratum expected and observed losses are
    equal, exactly.

    Parameters
    ----------
    cells
        `rep`, the columns of `by`, `duration` (days followed), `event` (1 lost, 0 not yet), `n` accounts;
        optionally
        `entry`, the day after which accounts came under observation (at risk on (entry, duration]), missing
        for those seen from the start.
    by
        What to adjust for. An empty list gives the crude expectation, for exposure only.

    Returns
    -------
    DataFrame
        `rep`, the columns of `by`, `n, observed, expected`; `own`, the part of `expected` that the rep's own accounts
        set the measure for (each loss of the stratum times the square of the rep's share of the accounts then at risk):
        over `expected`, how far the rep is compared with itself; `share_of_events` (of those of the stratum; NaN if it
        has none).

    Examples
    --------
    Three accounts: one lost on day 10 of three at risk, one on day 30 of two; Ann's second is followed for 40
    days.

    >>> cells = pd.DataFrame({"rep": ["ann", "ann", "bob"], "duration": [10, 40, 30],
    ...                       "event": [1, 0, 1], "n": 1})
    >>> expected_churn(cells, by=[]).round(2)
       rep  n  observed  expected   own  share_of_events
    0  ann  2         1      1.17  0.69              0.5
    1  bob  1         1      0.83  0.36              0.5
    """
    by = those_of(cells, by)
    cells = cells.reset_index(drop=True)
    entry = cells["entry"].fillna(-np.inf) if "entry" in cells else -np.inf
    table = cells.assign(entry=entry, observed=cells["n"] * cells["event"], stratum=strata_of(cells, by))
    sums = table.groupby(["rep", *by, "stratum"], dropna=False)[["n", "observed"]].sum().reset_index()
    due = [_due(rows, stratum) for stratum, rows in table.groupby("stratum")]
    out = sums.merge(pd.concat(due), on=["rep", "stratum"], how="left") if due else sums.assign(expected=0.0, own=0.0)
    events = out.groupby("stratum")["observed"].transform("sum")
    return out.assign(share_of_events=out["observed"] / events.where(events > 0)).drop(columns="stratum")


def churn_by_rep(cells: pd.DataFrame, *, by: Sequence[str] = BY, level: float = 0.95) -> pd.DataFrame:
    """Observed over expected losses of each rep, adjusted and crude.

    Parameters
    ----------
    cells, by
        As for `expected_churn`.

    Returns
    -------
    DataFrame
        `rep, n, observed, expected`, `value` (observed over expected) with mid-P Poisson `low, high`;
        `p_high`, the one-sided mid-P of so many losses or more; `crude_expected, crude_value` (exposure
        only); `self_share`, the rep's share of the events it is compared with; `note`, "compared mostly with
        self" when that is over 40 %. NaN where nothing is expected.

    Examples
    --------
    >>> cells = pd.DataFrame({"rep": ["ann", "ann", "bob"], "duration": [10, 40, 30],
    ...                       "event": [1, 0, 1], "n": 1})
    >>> churn_by_rep(cells, by=[])[["rep", "observed", "expected", "value", "low", "high", "note"]].round(2)
       rep  observed  expected  value   low  high                       note
    0  ann         1      1.17   0.86  0.04  4.23  compared mostly with self
    1  bob         1      0.83   1.20  0.06  5.92  compared mostly with self
    """
    table = expected_churn(cells, by=by)
    own = table.assign(own=table["expected"] * table["share_of_events"].fillna(0))
    reps = own.groupby("rep")[["n", "observed", "expected", "own"]].sum().reset_index()
    expected = reps["expected"].where(reps["expected"] > 0)
    low, high = poisson_interval(reps["observed"], level=level)
    as_many = np.where(reps["observed"] > 0, pdtrc(np.maximum(reps["observed"] - 1, 0), expected), 1.0)
    crude = expected_churn(cells, by=[]).set_index("rep")["expected"].reindex(reps["rep"]).to_numpy()
    share = reps["own"] / expected
    return reps.drop(columns="own").assign(
        value=reps["observed"] / expected, low=low / expected, high=high / expected,
        p_high=(as_many + pdtrc(reps["observed"], expected)) / 2, crude_expected=crude,
        crude_value=reps["observed"] / np.where(crude > 0, crude, np.nan),
        self_share=share, note=np.where(share > MOSTLY, WITH_SELF, ""),
    )


def _due(rows: pd.DataFrame, stratum: object) -> pd.DataFrame:
    """What each rep of a stratum is expected to lose: of every loss, its share of the accounts at risk on that day.

    Summed over an account's days that is the stratum's Nelson-Aalen cumulative hazard.
    """
    n, observed, entry, duration = (rows[name].to_numpy() for name in ("n", "observed", "entry", "duration"))
    times, places = np.unique(duration[observed > 0], return_inverse=True)
    lost = np.bincount(places, observed[observed > 0], len(times))
    who, reps = pd.factorize(rows["rep"])
    steps = np.zeros((len(reps), len(times) + 1))
    for days, sign in ((entry, 1), (duration, -1)):
        np.add.at(steps, (who, np.searchsorted(times, days, side="right")), sign * n)
    at_risk = steps.cumsum(axis=1)[:, :-1]
    share = at_risk / at_risk.sum(axis=0)
    return pd.DataFrame({"rep": reps, "stratum": stratum, "expected": share @ lost, "own": share**2 @ lost})
