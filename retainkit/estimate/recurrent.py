"""Things that happen again (orders, money, cross-sells): counted tables in, averages per customer by age out.

The average per customer up to age t, M(t), adds at every age the value seen at that age divided by the
number of customers observed at that age. Customers who left stay in that number, with nothing: only those
not yet that old leave it. How long each has been observed is known for everybody, so no other weighting is
needed. Intervals treat customers, not orders, as independent (`influence`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from retainkit.estimate.influence import agree, by_followup, drift, error, share_interval, value_at, who
from retainkit.estimate.intervals import wilson, z_value
from retainkit.estimate.risk import before, per


def mean_cumulative(events: pd.DataFrame, followup: pd.DataFrame) -> pd.DataFrame:
    """Average per customer up to each age, for everybody observed that long.

    Nobody is left out: a customer counts at every age reached so far. Ages past the last follow-up are not
    in the table. There is no interval here, because totals by age cannot say whose they are:
    `mean_cumulative_at`.

    Parameters
    ----------
    events
        `age` (days), `value` (count or money, summed over the customers at that age).
    followup
        `followup` (days from the start to as-of), `n` (customers followed so long).

    Returns
    -------
    DataFrame
        A row an age at which something happened, from age 0: `age, observed, total, value`, where `total` is
        the sum at that age and `value` the average per customer up to it.

    Notes
    -----
    Nelson (1988), Journal of Quality Technology 20, 24-35; Lin et al. (2000), JRSS B 62, 711-730.

    Examples
    --------
    Four customers; two have been followed 10 days and two 30. Two orders on day 5, one on day 20.

    >>> events = pd.DataFrame({"age": [5, 20], "value": [2, 1]})
    >>> mean_cumulative(events, pd.DataFrame({"followup": [10, 30], "n": [2, 2]}))
       age  observed  total  value
    0    0         4    0.0    0.0
    1    5         4    2.0    0.5
    2   20         2    1.0    1.0
    """
    totals = events["value"].astype(float).groupby(events["age"]).sum()
    totals = totals.reindex(totals.index.union([0]), fill_value=0.0)
    days, n = (followup[column].to_numpy(dtype=float) for column in ("followup", "n"))
    observed = n.sum() - before(days, n, totals.index.to_numpy())
    value = np.cumsum(per(totals.to_numpy(), observed))
    table = {"age": totals.index, "observed": observed.astype(int), "total": totals, "value": value}
    return pd.DataFrame(table).reset_index(drop=True)


def mean_cumulative_at(
    events: pd.DataFrame,
    followup: pd.DataFrame,
    scores: pd.DataFrame,
    *,
    horizons: Sequence[float],
    level: float = 0.95,
) -> pd.DataFrame:
    """Average per customer up to each of a few ages, with a robust interval: a band, on a grid of ages.

    Past the last follow-up the answer is NaN. The interval is symmetric on the log scale, which covers better
    than the plain one for counts and for money, both skewed; it is NaN while the average is not above zero.

    Parameters
    ----------
    events, followup
        As for `mean_cumulative`.
    scores
        `horizon`, `followup`, `a`, `aa`: over the customers with this follow-up, the sum and the sum of
        squares of their score, the sum over own events of age at most `horizon` of value times N / Y(age),
        where Y is the number observed at the age and N at age 0. Customers with no event need no row.
    horizons
        Ages in days.
    level
        Confidence level.

    Returns
    -------
    DataFrame
        A row a horizon: `horizon_days, value, low, high, n, observed, too_young`; `n` customers, of whom
        `observed` have reached the horizon and `too_young` have not.

    Examples
    --------
    The four customers of `mean_cumulative`: a, followed 10 days, ordered on day 5; b, followed 30 days,
    ordered on days 5 and 20, when half of the customers were observed.

    >>> events = pd.DataFrame({"age": [5, 20], "value": [2, 1]})
    >>> followup = pd.DataFrame({"followup": [10, 30], "n": [2, 2]})
    >>> scores = pd.DataFrame({"followup": [10, 30], "horizon": 30, "a": [1, 1 + 2], "aa": [1, 9]})
    >>> mean_cumulative_at(events, followup, scores, horizons=[30]).round(2)
       horizon_days  value   low  high  n  observed  too_young
    0            30    1.0  0.28  3.54  4         2          2
    """
    curve = mean_cumulative(events, followup)
    z = z_value(level)
    rows = []
    for horizon in horizons:
        mine = by_followup(scores[scores["horizon"] == horizon], followup, ["a", "aa"])
        value = value_at(curve, followup, horizon)
        agree(mine["a"].sum(), value * mine["n"].sum())
        se = error(mine["a"], mine["aa"], drift(curve, mine["followup"], horizon), mine["n"])
        reach = np.exp(z * se / value) if value > 0 else np.nan
        rows.append({"horizon_days": horizon, "value": value, "low": value / reach, "high": value * reach}
                    | who(followup, horizon))  # fmt: skip
    return pd.DataFrame(rows)


def cumulative_share(
    events: pd.DataFrame,
    followup: pd.DataFrame,
    scores: pd.DataFrame,
    *,
    early: float,
    late: float,
    level: float = 0.95,
) -> pd.DataFrame:
    """Share of what a customer brings up to age `late` that comes by age `early`: M(early) / M(late).

    Everybody counts for as long as they were observed; dividing the events seen so far would count the
    young customers' early part without their late part. NaN when nobody has reached `late`, or nothing has
    come by it.

    Parameters
    ----------
    events, followup
        As for `mean_cumulative`.
    scores
        `followup, a, aa`: over the customers with this follow-up, the sum and the sum of squares of their
        score (see `mean_cumulative_at`) up to `early` less `late_weight` times that up to `late`.
    early, late
        Ages in days.
    level
        Confidence level.

    Returns
    -------
    DataFrame
        One row: `early, late, rate, low, high, n, observed, too_young, total_early, total_late`; the totals
        are the plain sums behind the share, for the gates of `smalln`. The interval is symmetric in log-
        odds, which covers better than the log or the plain scale; at 0 and 1 it is Wilson's.

    Examples
    --------
    The customers of `mean_cumulative_at`: one order each on day 5, and b's on day 20 stands for two. The
    share is a half: a scores 1 - 1/2 and b 1 - 3/2.

    >>> events = pd.DataFrame({"age": [5, 20], "value": [2, 1]})
    >>> followup = pd.DataFrame({"followup": [10, 30], "n": [2, 2]})
    >>> scores = pd.DataFrame({"followup": [10, 30], "a": [0.5, -0.5], "aa": [0.25, 0.25]})
    >>> share = cumulative_share(events, followup, scores, early=10, late=30)
    >>> share[["rate", "low", "high", "n", "too_young"]].round(2)
       rate   low  high  n  too_young
    0   0.5  0.24  0.76  4          2
    """
    curve, mine = mean_cumulative(events, followup), by_followup(scores, followup, ["a", "aa"])
    first, last, rate, weight = _shared(curve, followup, early, late)
    customers, scored = mine["n"].sum(), mine["a"].sum()
    agree(scored, (first - weight * last) * customers, size=first * customers)
    moved = drift(curve, mine["followup"], early) - weight * drift(curve, mine["followup"], late)
    se = error(mine["a"], mine["aa"], moved, mine["n"]) / last if last > 0 else np.nan
    behind = scored**2 / mine["aa"].sum() if rate in (0, 1) else np.nan
    low, high = share_interval(rate, se, behind, level=level)
    row = {"early": early, "late": late, "rate": rate, "low": float(low), "high": float(high)}
    so_far = {name: curve.loc[curve["age"] <= age, "total"].sum()
              for name, age in (("total_early", early), ("total_late", late))}  # fmt: skip
    return pd.DataFrame([row | who(followup, late) | so_far])


def late_weight(events: pd.DataFrame, followup: pd.DataFrame, *, early: float, late: float) -> float:
    """What the late sum weighs in the scores of `cumulative_share`: the share itself, by which a customer moves it.

    Nobody moves a share of 0 or 1. It is one less there, so that the scores are those of the late sum, whose spread says
    how many customers stand behind the share. 0 where there is no share.
    """
    return _shared(mean_cumulative(events, followup), followup, early, late)[-1]


def _shared(curve: pd.DataFrame, followup: pd.DataFrame, early: float, late: float) -> tuple[float, float, float, float]:
    """M(early), M(late), the share, and what the late sum weighs in its scores."""
    first, last = (value_at(curve, followup, age) for age in (early, late))
    rate = first / last if last > 0 else float("nan")
    return first, last, rate, 0.0 if np.isnan(rate) else rate - (rate in (0, 1))


def next_purchase_share(sums: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """Share who buy again within a window after their k-th purchase, from inverse-probability-weighted sums.

    Customers whose window is still open count in the denominator and may already count in the numerator; each
    purchase seen stands for all who were not followed that long, so that both are whole.

    Parameters
    ----------
    sums
        A row a question (a k, a group). With d = 1 / G(day of the k-th purchase) for every customer who has
        made it, x = 1 / G(day of the next) for those of them whose next came within the window (else 0),
        days counted from the first purchase and G(t) the share of customers followed at least t days: `den,
        den2, num, num2, cross`, the sums of d, d^2, x, x^2 and d * x. Count k-th purchases only up to an
        age that leaves the window inside the longest follow-up. Other columns (k, n, too_young) are handed
        through.
    level
        Confidence level.

    Returns
    -------
    DataFrame
        The other columns, then `rate, low, high`; NaN where nobody has made the k-th. The interval takes G as
        known, which makes it slightly wide, and is symmetric in log-odds. Where it would reach 1 on the plain scale it is the
        longer of that one, up to 1, and Wilson's; at 0 it is Wilson's. The weights alone can carry a ratio past 1, more than
        is possible: there is no estimate then, only the interval.

    Notes
    -----
    Lin, Sun and Ying (1999), Biometrika 86, 59-70.

    Examples
    --------
    >>> sums = pd.DataFrame({"k": [2], "n": [40], "den": [50], "den2": [70], "num": [30], "num2": [48],
    ...                      "cross": [44]})
    >>> next_purchase_share(sums).round(2)
       k   n  rate   low  high
    0  2  40   0.6  0.42  0.76
    """
    names = ["den", "den2", "num", "num2", "cross"]
    den, den2, num, num2, cross = (sums[name].to_numpy(dtype=float) for name in names)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(den > 0, num / den, np.nan)
        rate, behind = np.minimum(ratio, 1.0), den**2 / den2
        se = np.sqrt(np.maximum(num2 - 2 * ratio * cross + ratio**2 * den2, 0.0)) / den
        low, high = share_interval(rate, se, behind, level=level)
        reach = z_value(level) * se
        full = ratio + reach >= 1  # the weights alone can carry it past 1, where log-odds say nothing
        least = np.minimum(np.maximum(rate - reach, 0.0), wilson(rate * behind, behind, level=level)[0])
    low, high = np.where(full, least, low), np.where(full, 1.0, high)
    return sums.drop(columns=names).assign(rate=np.where(ratio > 1 + 1e-9, np.nan, rate), low=low, high=high)
