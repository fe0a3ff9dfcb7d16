"""Counted durations in, survival out: Kaplan-Meier, its median and area, and the log-rank test."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from retainkit.estimate.intervals import log_log_interval, z_value
from retainkit.estimate.risk import NEARLY, Curve, RiskSets, never_certain, per, read_steps, risk_sets
from retainkit.estimate.smalln import GATES


def kaplan_meier(cells: pd.DataFrame, *, level: float = 0.95) -> Curve:
    """Share of customers still here by age, from counted durations.

    Everybody counts for as long as they were seen: a customer whose window is still open is at risk up to
    today and leaves without an event. Events come before censorings on the same day, and events on day 0
    are a step at 0.

    Parameters
    ----------
    cells
        `duration` (days), `event` (1: it happened, 0: still open), `n` (customers); optionally `entry`
        (days): the age at which they came into view, at risk on (entry, duration]; 0 is from the start.
    level
        Confidence level.

    Returns
    -------
    Curve
        Its `table`, one row per distinct time: `time, at_risk, events, censored, survival, low, high`. The
        interval is log-log Greenwood; with no event yet, or nobody left, Wilson's with the number at risk.
        Customers nobody could have seen (entry at or after their end) are in `dropped`.

    Notes
    -----
    lifelines on the counts, which is bit for bit its answer on a row a customer. With late entry lifelines
    refuses curves whose risk set empties, so there the same product is taken here.

    Examples
    --------
    Ten customers: two leave on day 10, five are still here on day 20, the rest leave on day 30.

    >>> cells = pd.DataFrame({"duration": [10, 20, 30], "event": [1, 0, 1], "n": [2, 5, 3]})
    >>> kaplan_meier(cells).table.round(2)
       time  at_risk  events  censored  survival   low  high
    0     0       10       0         0       1.0  0.72  1.00
    1    10       10       2         0       0.8  0.41  0.95
    2    20        8       0         5       0.8  0.41  0.95
    3    30        3       3         0       0.0  0.00  0.56
    """
    risk = risk_sets(cells, kind="event").given_here()
    times = risk.times
    at_risk, events = risk.at_risk(times), risk.leaving(times, risk.kind == 1)
    late = np.isfinite(risk.entry).any() or not len(risk.n)
    survival, low, high = _product(at_risk, events, level) if late else _lifelines(risk, times, level)
    low, high = never_certain(survival, at_risk, low, high, level=level)
    counts = {"at_risk": at_risk, "events": events, "censored": risk.leaving(times, risk.kind == 0)}
    whole = {name: count.astype(int) for name, count in counts.items()}
    return risk.curve(pd.DataFrame({"time": times, **whole, "survival": survival, "low": low, "high": high}))


def at_times(curve: Curve, times: Any) -> pd.DataFrame:
    """The curve read at exact times: `time, at_risk, survival, low, high`.

    Past the last follow-up, and before the curve starts, the answer is NaN with nobody at risk: a curve is
    never drawn on flat to where nobody has been.

    Examples
    --------
    >>> cells = pd.DataFrame({"duration": [10, 20, 30], "event": [1, 0, 1], "n": [2, 5, 3]})
    >>> at_times(kaplan_meier(cells), [15, 31]).round(2)
       time  at_risk  survival   low  high
    0    15        8       0.8  0.41  0.95
    1    31        0       NaN   NaN   NaN
    """
    return read_steps(curve.table, times)


def median_survival(curve: Curve) -> tuple[float, float, float]:
    """First time at which no more than half are still here, with its interval; NaN where that is not reached.

    The limits are where the curve's own band crosses one half (Brookmeyer and Crowley 1982).

    Examples
    --------
    >>> cells = pd.DataFrame({"duration": [10, 20, 30], "event": [1, 0, 1], "n": [2, 5, 3]})
    >>> median_survival(kaplan_meier(cells))
    (30.0, 10.0, nan)
    """
    low, middle, high = (_first_half(curve.table, name) for name in ("low", "survival", "high"))
    return middle, low, high


def rmst(cells: pd.DataFrame, *, tau: float) -> tuple[float, float]:
    """Average days kept in the first `tau` days (the area under the curve), and its standard error.

    NaN when `tau` is past the last follow-up, or when late arrivals leave fewer than 10 at risk at age 0:
    then the first days are not known.

    Notes
    -----
    Greenwood-type variance, as R's survfit prints: own, because lifelines returns the variance of min(T,
    tau).

    Examples
    --------
    >>> cells = pd.DataFrame({"duration": [10, 20, 30], "event": [1, 0, 1], "n": [2, 5, 3]})
    >>> [round(value, 3) for value in rmst(cells, tau=20)]
    [18.0, 1.265]
    """
    curve = kaplan_meier(cells)
    times, at_risk, events, survival = (curve.table[name].to_numpy() for name in ("time", "at_risk", "events", "survival"))
    if curve.starts_at > 0 or tau > times[-1]:
        return float("nan"), float("nan")
    widths = np.diff(np.append(np.minimum(times, tau), tau))
    beyond = np.cumsum((survival * widths)[::-1])[::-1]
    variance = np.sum(beyond**2 * per(events, at_risk * (at_risk - events)))
    return float(beyond[0]), float(np.sqrt(variance))


def rmst_limits(cells: pd.DataFrame, *, tau: float, level: float = 0.95) -> tuple[float, float]:
    """Limits of the average days kept in the first `tau` days: normal, from 10 events on.

    With fewer, the areas under the lower and the upper limits of the curve: wider than need be, and never of no width where
    nobody has left. NaN where `rmst` is.

    Examples
    --------
    >>> cells = pd.DataFrame({"duration": [200], "event": [0], "n": [6]})
    >>> [round(limit) for limit in rmst_limits(cells, tau=180)]
    [110, 180]
    """
    value, se = rmst(cells, tau=tau)
    if cells.loc[(cells["event"] == 1) & (cells["duration"] <= tau), "n"].sum() >= GATES["window_events"].least or np.isnan(value):
        reach = z_value(level) * se
        return max(value - reach, 0.0), min(value + reach, float(tau))
    curve = kaplan_meier(cells, level=level).table
    widths = np.diff(np.append(np.minimum(curve["time"], tau), tau))
    return float(curve["low"] @ widths), float(curve["high"] @ widths)


def logrank(cells: pd.DataFrame, *, by: str) -> tuple[float, float]:
    """Whether groups differ in survival anywhere: the log-rank chi-square and its p.

    Fewer than two groups ever at risk at an event, or no event, gives NaN.

    Parameters
    ----------
    cells
        As for `kaplan_meier`, late entry included, with the column `by`.
    by
        Column that names the group.

    Notes
    -----
    Own rather than lifelines', which has no late entry; equal to it, and to R's survdiff, where there is
    none.

    Examples
    --------
    >>> cells = pd.DataFrame({"plan": list("aabb"), "duration": [5, 9, 9, 20], "event": [1, 1, 1, 0],
    ...                       "n": [8, 4, 3, 9]})
    >>> [round(value, 3) for value in logrank(cells, by="plan")]
    [17.928, 0.0]
    """
    groups = [risk_sets(part, kind="event") for _, part in cells.groupby(by, observed=True, dropna=False)]
    times = np.unique(np.concatenate([[0.0], *(g.duration[g.kind == 1] for g in groups)]))
    at_risk = np.array([g.at_risk(times) for g in groups]).reshape(-1, len(times))
    events = np.array([g.leaving(times, g.kind == 1) for g in groups]).reshape(-1, len(times))
    total, happened = at_risk.sum(0), events.sum(0)
    share = per(at_risk, total)
    spread = happened * per(total - happened, total - 1)
    kept = (share * spread).sum(1) > 0
    surprise = (events - share * happened).sum(1)[kept][:-1]
    within = np.diag((share * spread).sum(1)) - (share * spread) @ share.T
    if kept.sum() < 2:
        return float("nan"), float("nan")
    chi2 = float(surprise @ np.linalg.solve(within[np.ix_(kept, kept)][:-1, :-1], surprise))
    return chi2, float(special.chdtrc(kept.sum() - 1, chi2))


def _lifelines(risk: RiskSets, times: Any, level: float) -> tuple[Any, Any, Any]:
    """Survival and its log-log Greenwood interval by lifelines, whose change to numpy is undone."""
    from lifelines import KaplanMeierFitter  # 2 s to import

    with np.errstate(all="ignore"):
        fitter = KaplanMeierFitter(alpha=1 - level).fit(risk.duration, risk.kind.astype(int), weights=risk.n)
    in_force = np.searchsorted(fitter.timeline, times, side="right") - 1
    low, high = fitter.confidence_interval_.to_numpy()[in_force].T
    return fitter.survival_function_.to_numpy()[in_force, 0], low, high


def _product(at_risk: Any, events: Any, level: float) -> tuple[Any, Any, Any]:
    """Survival and its log-log Greenwood interval as the product over risk sets."""
    if not at_risk.any():
        return (np.full(len(at_risk), np.nan),) * 3
    survival = np.cumprod(1 - per(events, at_risk))
    greenwood = np.cumsum(per(events, at_risk * (at_risk - events)))
    return survival, *log_log_interval(survival, survival * np.sqrt(greenwood), level=level)


def _first_half(table: pd.DataFrame, column: str) -> float:
    """The first time at which `column` is one half or less, or NaN."""
    reached = table.loc[table[column] <= 0.5 + NEARLY, "time"]
    return float(reached.iloc[0]) if len(reached) else float("nan")
