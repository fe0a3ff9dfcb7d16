"""Groups of counted durations in, each against all the others out, with what many comparisons cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from retainkit.estimate.competing import EVENT_FREE, aalen_johansen, incidence_at
from retainkit.estimate.intervals import (
    benjamini_hochberg,
    log_log_interval,
    poisson_interval,
    rate_ratio,
    root,
    square_and_add,
    z_value,
)
from retainkit.estimate.risk import in_view
from retainkit.estimate.smalln import short_of

MONTH = 30.44  # days, a twelfth of a year


def against_the_rest(cells: pd.DataFrame, *, cause: str, horizon: float, level: float = 0.95) -> pd.DataFrame:
    """Each group's share with `cause` by `horizon`, and its difference from everybody else together.

    Nobody is left out: customers count for as long as they were followed, other causes compete. A group, or its
    rest, that nobody has followed to the horizon has NaN. No p and no q, so nothing to tell apart, where either side has
    fewer than 20 customers, fewer than 10 at risk at the horizon, or nobody (or everybody) with the cause.

    Parameters
    ----------
    cells
        `grp`, `duration` (days), `cause` ("" = still open), `n`; optionally `entry`.
    cause
        The ending that is compared.
    horizon
        Days.
    level
        Confidence level.

    Returns
    -------
    DataFrame
        A row a group: `grp, rate, low, high, n, at_risk, difference, difference_low, difference_high, p, q`; `q` is
        the p value after Benjamini and Hochberg over the groups.

    Notes
    -----
    The interval of a difference follows from those of its two shares (Newcombe 1998, method 10), so that it has a width
    where nothing has happened yet; p is one less the level at which it would just touch zero.

    Examples
    --------
    >>> cells = pd.DataFrame({"grp": ["a", "a", "b", "b"], "duration": [5, 20, 5, 20], "cause": ["x", "", "x", ""],
    ...                       "n": [60, 40, 40, 60]})
    >>> against_the_rest(cells, cause="x", horizon=10)[["grp", "rate", "difference", "q"]].round(3)
      grp  rate  difference      q
    0   a   0.6         0.2  0.005
    1   b   0.4        -0.2  0.005
    """
    causes = sorted({str(c) for c in cells["cause"] if c} | {cause})
    rows = []
    for name, group in cells.groupby("grp", dropna=False):
        mine, others = (_read(side, cause, causes, horizon, level) for side in (group, cells.drop(group.index)))
        own, rest = (tuple(side[["incidence", "low", "high"]]) for side in (mine, others))
        apart = square_and_add(own, rest)
        rows.append((name, *own, int(group["n"].sum()), mine["at_risk"], *apart, _differ(mine, others)))
    table = pd.DataFrame(rows, columns=["grp", "rate", "low", "high", "n", "at_risk", "difference", "difference_low", "difference_high", "p"])
    return table.assign(q=benjamini_hochberg(table["p"].astype(float)))


def _read(cells: pd.DataFrame, cause: str, causes: Sequence[str], horizon: float, level: float) -> pd.Series:
    """The share with the cause at the horizon, and `n` customers. Where no other cause competes it is what Kaplan-Meier gives, limits included."""
    alone = list(causes) == [cause]
    if cells.empty:
        return pd.Series({"incidence": np.nan, "low": np.nan, "high": np.nan, "se": np.nan, "at_risk": 0, "n": 0, "alone": alone})
    read = incidence_at(aalen_johansen(cells, causes=causes, level=level), [horizon]).set_index("cause").loc[EVENT_FREE if alone else cause]
    if alone:
        read[["incidence", "low", "high"]] = 1 - read[["incidence", "high", "low"]].to_numpy(float)
    return pd.Series({**read, "n": cells["n"].sum(), "alone": alone})


def _limits(side: pd.Series, times: float) -> tuple[float, float]:
    """Limits of a share on the log-log scale, as many standard errors away as those of 95 % `times` so many."""
    share, se = side["incidence"], side["se"] * times
    if not side["alone"]:
        low, high = log_log_interval(share, se, level=0.95)
        return float(low), float(high)
    low, high = log_log_interval(1 - share, se, level=0.95)
    return 1 - float(high), 1 - float(low)


def _differ(mine: pd.Series, others: pd.Series) -> float:
    """One less the level at which the interval of the difference touches zero; NaN where either side is too small to have one."""
    sides = (mine, others)
    if any(short_of({"customers_full": s["n"], "at_risk": s["at_risk"]}) or not s["se"] > 0 for s in sides):
        return float("nan")
    higher, lower = sorted(sides, key=lambda s: -s["incidence"])
    unit = z_value(0.95)

    def above_zero(z: float) -> float:
        """The lower end of the difference with limits `z` standard errors away."""
        ends = [(s["incidence"], *_limits(s, z / unit)) for s in (higher, lower)]
        return float(square_and_add(*ends)[1])

    return float(2 * special.ndtr(-root(lambda z: -above_zero(z), 0.0, 0.0, 40.0)))  # p is nothing from there on


def window_rates(cells: pd.DataFrame, *, windows: Sequence[tuple[float, float]], level: float = 0.95) -> pd.DataFrame:
    """How often the event comes in each age window, per 100 customer-months, and against the first window.

    Everybody counts for the days on which they were there to be seen inside the window. Left out: days before a late
    entry, and who had gone by then, whose like were there to be seen for no day.

    Parameters
    ----------
    cells
        `duration` (days), `event` (1 or 0), `n`; optionally `entry` (days).
    windows
        Pairs (from, to): ages above `from` and up to `to`.
    level
        Confidence level.

    Returns
    -------
    DataFrame
        A row a window: `window, events, days, value, low, high` (per 100 customer-months of 30.44 days, mid-P Poisson),
        `ratio, ratio_low, ratio_high` (to the first window; mid-P conditional binomial).

    Examples
    --------
    >>> cells = pd.DataFrame({"duration": [50, 200], "event": [1, 0], "n": [10, 40]})
    >>> window_rates(cells, windows=[(0, 90), (90, 200)])[["window", "events", "days", "value"]].round(2)
       window  events    days  value
    0    0-90      10  4100.0   7.42
    1  91-200       0  4400.0   0.00
    """
    cells = in_view(cells)
    entry = cells["entry"].fillna(0).clip(lower=0) if "entry" in cells else 0
    events: list[int] = []
    days: list[float] = []
    for first, last in windows:
        inside = (cells["duration"] > first) | ((cells["duration"] == 0) & (first == 0))
        events.append(int(cells.loc[inside & (cells["duration"] <= last) & (cells["event"] == 1), "n"].sum()))
        spent = np.minimum(cells["duration"], last) - np.maximum(entry, first)
        days.append(float((np.maximum(spent, 0) * cells["n"]).sum()))
    return rates_per_month(events, days, windows=windows, level=level)


def rates_per_month(
    events: Sequence[int],
    days: Sequence[float],
    *,
    windows: Sequence[tuple[float, float]],
    spread: Sequence[float] | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Events and customer-days by age window as rates per 100 customer-months: the table of `window_rates`.

    `spread` is the variance of each count over that of a Poisson count, customers being the unit, where events can repeat;
    above 1 it widens the limits on the log scale.

    Examples
    --------
    >>> rates_per_month([10, 4], [3044.0, 3044.0], windows=[(0, 30), (30, 90)])[["value", "ratio"]].round(2).values.tolist()
    [[10.0, 1.0], [4.0, 0.4]]
    """
    per = np.array([100 * MONTH / d if d > 0 else np.nan for d in days])
    counts, wider = np.array(events, dtype=float), np.sqrt(np.fmax(np.ones(len(days)) if spread is None else np.array(spread), 1.0))
    low, high = _widened(counts, *poisson_interval(counts, level=level), wider)
    ratio, ratio_low, ratio_high = rate_ratio(events, days, events[0], days[0], level=level)
    ratio[0], ratio_low[0], ratio_high[0] = 1.0, np.nan, np.nan
    ratio_low, ratio_high = _widened(ratio, ratio_low, ratio_high, np.maximum(wider, wider[0]))
    names = [f"{first + (1 if first else 0):g}-{last:g}" for first, last in windows]
    return pd.DataFrame({"window": names, "events": list(events), "days": list(days), "value": counts * per, "low": low * per, "high": high * per,
                         "ratio": ratio, "ratio_low": ratio_low, "ratio_high": ratio_high})  # fmt: skip


def _widened(value: Any, low: Any, high: Any, times: Any) -> tuple[Any, Any]:
    """Limits so many times as far from a positive value on the log scale; those of zero as they are."""
    with np.errstate(divide="ignore", invalid="ignore"):
        moved = (value * (np.asarray(limit) / value) ** times for limit in (low, high))
        return tuple(np.where(value > 0, new, old) for new, old in zip(moved, (low, high), strict=True))  # type: ignore[return-value]
