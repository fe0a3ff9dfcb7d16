"""What each rep's deals would have brought in average hands: counted deals in, expected wins out.

Expected is relative to the company's own average mix, from the same rows as the wins it stands beside, so
that over all reps the two are equal. Where everybody over-sells nobody stands out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import expit, logit, ndtr

from retainkit.errors import one_of
from retainkit.estimate.funnel import z_scores
from retainkit.estimate.intervals import Array, wilson

BY = ("segment", "source")


def expected_wins(
    deals: pd.DataFrame, *, by: Sequence[str] = BY, min_deals: int = 30, min_each: int = 5
) -> pd.DataFrame:
    """Wins expected of each rep in each stratum, and the log-odds behind them (`offset` of the joint rep
    model).

    The stratum's own win rate while every stratum has `min_deals` closed deals and `min_each` won and lost;
    if one has not, a logistic regression on main effects for all of them. Deals without a segment or source
    are a stratum too.

    Parameters
    ----------
    deals
        `rep`, the columns of `by`, `won`, `n` (won and lost): counts, any number of rows a rep and stratum.
    by
        What to adjust for; print it, since what is not in it is not adjusted for.

    Returns
    -------
    DataFrame
        `rep`, the columns of `by`, `n, won, expected, offset`; `own`, the part of the variance of the row's wins that
        the rep's own deals set the measure for; `method` ("strata" or "main effects"). Where every deal of the company
        was won, or lost, the offset is infinite.

    Examples
    --------
    >>> deals = pd.DataFrame({"rep": ["ann", "ann", "bob"], "segment": ["SMB", "ENT", "SMB"],
    ...                       "won": [10, 6, 6], "n": [20, 30, 40]})
    >>> expected_wins(deals, by=["segment"])[["rep", "segment", "won", "expected", "method"]].round(2)
       rep segment  won  expected  method
    0  ann     ENT    6      6.00  strata
    1  ann     SMB   10      5.33  strata
    2  bob     SMB    6     10.67  strata
    """
    by = those_of(deals, by)
    cells = deals[deals["n"] > 0].groupby(["rep", *by], dropna=False)[["n", "won"]].sum().reset_index()
    code = strata_of(cells, by)
    n, won = (cells[column].groupby(code).sum().to_numpy(dtype=float) for column in ("n", "won"))
    enough = bool((n >= min_deals).all() and (np.minimum(won, n - won) >= min_each).all())
    mixed = not enough and 0 < won.sum() < n.sum()
    design = _main_effects(cells[by].groupby(code).first()) if mixed else np.eye(len(n))
    offset = (_fitted(design, n, won) if mixed else logit(won / n))[code]
    expected = cells["n"].to_numpy() * expit(offset)
    own = _own(design[code], expected * (1 - expit(offset)), cells["rep"])
    method = "strata" if enough else "main effects"
    return cells.assign(expected=expected, offset=offset, own=own, method=method)


def wins_by_rep(expected: pd.DataFrame) -> pd.DataFrame:
    """Win rate of each rep beside what the same deals would have brought in average hands.

    Parameters
    ----------
    expected
        What `expected_wins` returns.

    Returns
    -------
    DataFrame
        `rep, n, won`, crude `rate` with Wilson's `low, high`, `expected`, `z` and `p_high`, the one-sided
        normal p of so many wins or more from a rep in control.

    Examples
    --------
    >>> deals = pd.DataFrame({"rep": ["ann", "bob"], "segment": "SMB", "won": [16, 6], "n": [40, 40]})
    >>> wins_by_rep(expected_wins(deals, by=["segment"])).round(3)
       rep   n  won  rate    low   high  expected      z  p_high
    0  ann  40   16  0.40  0.263  0.554      11.0  1.771   0.038
    1  bob  40    6  0.15  0.071  0.291      11.0 -1.771   0.962
    """
    variance = expected["expected"] * (1 - expected["expected"] / expected["n"])
    sums = expected.assign(variance=variance).groupby("rep")
    reps = sums[["n", "won", "expected", "variance"]].sum().reset_index()
    low, high = wilson(reps["won"], reps["n"])
    z = z_scores(reps["won"], reps["expected"], variance=reps["variance"])
    reps = reps.assign(rate=reps["won"] / reps["n"], low=low, high=high, z=z, p_high=ndtr(-z))
    return reps[["rep", "n", "won", "rate", "low", "high", "expected", "z", "p_high"]]


def standardised_rates(deals: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """Win rate of each source as it would be at the company's overall mix of segments (direct
    standardisation).

    A source that never met a segment is weighed over the segments it did meet; `mix_covered` says how much
    that is. The interval adds up the Wilson intervals of the segments (square and add), so it holds where a
    segment has 0 wins.

    Parameters
    ----------
    deals
        `source`, `segment`, `won`, `n`: counts, any number of rows a cell.

    Returns
    -------
    DataFrame
        `source, n, won, crude`, standardised `rate, low, high`, `mix_covered`.

    Examples
    --------
    >>> deals = pd.DataFrame({"source": ["referral", "referral", "paid", "paid"],
    ...                       "segment": ["SMB", "ENT"] * 2, "won": [45, 2, 10, 9], "n": [90, 10, 20, 80]})
    >>> standardised_rates(deals).round(3)
         source    n  won  crude   rate    low   high  mix_covered
    0      paid  100   19   0.19  0.326  0.213  0.443          1.0
    1  referral  100   47   0.47  0.365  0.280  0.515          1.0
    """
    cells = deals[deals["n"] > 0].groupby(["source", "segment"], dropna=False)[["n", "won"]].sum().reset_index()
    overall = cells.groupby("segment", dropna=False)["n"].transform("sum") / cells["n"].sum()
    covered = overall.groupby(strata_of(cells, ["source"])).transform("sum")
    low, high = wilson(cells["won"], cells["n"], level=level)
    weight, rate = overall / covered, cells["won"] / cells["n"]
    cells = cells.assign(rate=weight * rate, mix_covered=overall,
                         below=(weight * (rate - low)) ** 2, above=(weight * (high - rate)) ** 2)
    sums = cells.groupby("source", dropna=False).sum(numeric_only=True).reset_index()
    low, high = sums["rate"] - np.sqrt(sums["below"]), sums["rate"] + np.sqrt(sums["above"])
    columns = ["source", "n", "won", "crude", "rate", "low", "high", "mix_covered"]
    return sums.assign(crude=sums["won"] / sums["n"], low=low, high=high)[columns]


def those_of(table: pd.DataFrame, by: Sequence[str]) -> list[str]:
    """The columns that reps are compared within, once the table has them."""
    return [one_of(column, table.columns.drop("rep"), "by", f"`{column}` is not something to compare reps within", 'by=["{}"]') for column in by]


def strata_of(table: pd.DataFrame, by: list[str]) -> pd.Series:
    """The number of each row's stratum, missing values being a stratum of their own."""
    return table.groupby(by, dropna=False).ngroup() if by else pd.Series(0, index=table.index)


def _main_effects(levels: pd.DataFrame) -> Array:
    """Indicator columns of main effects, one row a stratum, the intercept first."""
    codes = [pd.factorize(levels[column], use_na_sentinel=False)[0] for column in levels]
    return np.column_stack([np.ones(len(levels)), *(np.eye(code.max() + 1)[code][:, 1:] for code in codes)])


def _fitted(design: Array, n: Array, won: Array) -> Array:
    """Log-odds of each stratum from a logistic regression, by Newton's method.

    A trace of a ridge keeps a level that nobody won finite; the intercept carries none, so wins expected
    equal wins.
    """
    ridge = np.diag([0.0] + [1e-6] * (design.shape[1] - 1))
    beta = np.r_[logit(won.sum() / n.sum()), np.zeros(design.shape[1] - 1)]
    for _ in range(100):
        p = expit(design @ beta)
        slope = design.T @ (won - n * p) - ridge @ beta
        step = np.linalg.solve((design.T * (n * p * (1 - p))) @ design + ridge, slope)
        beta += np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-10:
            break
    return design @ beta


def _own(design: Array, variance: Array, rep: pd.Series) -> Array:
    """How much of each row's variance the fit takes from the rep's own rows (summed over a rep: its leverage)."""
    inverse = np.linalg.pinv((design.T * variance) @ design, hermitian=True)
    who, names = pd.factorize(rep)
    mine = np.zeros((len(names), design.shape[1]))
    np.add.at(mine, who, design * variance[:, None])
    return variance * ((design @ inverse) * mine[who]).sum(axis=1)
