"""A number before and now, each with its interval, and a target in; what may be said of the goal out."""

from __future__ import annotations

import math
from typing import NamedTuple

from retainkit.estimate.intervals import square_and_add, z_value
from retainkit.estimate.planning import customers_needed


class Found(NamedTuple):
    """An estimate with its interval, the customers behind it, its group key in metrics.csv, of a curve the customers at risk at its end, and
    how many had not had the whole time, where that is counted, and the age that all of them were given still here at (0: from the start)."""

    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    n: float = 0
    group: str = ""
    at_risk: float = math.inf
    too_young: float = math.nan
    given: int = 0


class Standing(NamedTuple):
    """Where a goal stands: the status, why, where the straight path is now, and the customers it takes to see the change."""

    status: str
    note: str
    path: float
    n_needed: float


def standing(before: Found, now: Found, *, target: float, elapsed: float, better: str = "higher", level: float = 0.95) -> Standing:
    """What may be said of a goal.

    `reached`: the whole interval is at the target or beyond. `on the way`: the estimate is on the straight path from before to the
    target, or beyond it. Short of the path: `cannot tell` while the interval reaches the path, else `no visible change` when the
    difference to before may be nothing, and `behind` when it has visibly moved, but less than the path, or away from the target.

    Parameters
    ----------
    before, now
        The number when the goal was set, and since.
    target
        What it is to be.
    elapsed
        The share of the time that is over; 1 from the last day on, after which nothing is on the way any more.
    better
        "higher" or "lower".
    level
        Confidence level of the intervals.

    Examples
    --------
    Half of the time is over, and half of the way to 25 % is made:

    >>> standing(Found(.20, .18, .22, 1600), Found(.23, .20, .26, 700), target=.25, elapsed=.5)[:3]
    ('on the way', 'the change may still be chance', 0.225)
    """
    sign = -1.0 if better == "lower" else 1.0
    was, got = (r if sign > 0 else Found(-r.value, -r.high, -r.low, r.n) for r in (before, now))
    goal, share = sign * target, min(max(elapsed, 0.0), 1.0)
    path = was.value + max(goal - was.value, 0.0) * share
    status, note = _said(was, got, goal, path, share)
    return Standing(status, note, sign * path, _needed(before, now, target, level))


def _said(was: Found, got: Found, goal: float, path: float, share: float) -> tuple[str, str]:
    """The status and the reason, higher being better."""
    if any(math.isnan(x) for x in got[:3]):
        return "cannot tell", "not known yet"
    if got.low >= goal:
        return "reached", ""
    if math.isnan(path):
        return "cannot tell", "what it was before is not known"
    if share <= 0:
        return "cannot tell", "no time has passed since the goal was set"
    _, *moved = square_and_add(got[:3], was[:3])
    if got.value >= path:
        if share >= 1:
            return "cannot tell", "the time is over; the target is inside the interval"
        return "on the way", "" if moved[0] > 0 else "the change may still be chance"
    if got.high >= path:
        return "cannot tell", "short of the straight path, but not by more than chance"
    short = "the time is over, and the target is missed" if share >= 1 else "it is short of the straight path by more than chance"
    if moved[0] <= 0 <= moved[1]:
        return "no visible change", short
    return "behind", f"it has moved towards the target, but {short}" if moved[0] > 0 else "it has moved the wrong way"


def _needed(before: Found, now: Found, target: float, level: float) -> float:
    """Customers since the goal was set that it takes to see the change to the target four times of five."""
    z = z_value(level)
    known = ((before.high - before.low) / 2 / z) ** 2
    per_customer = ((now.high - now.low) / 2 / z) ** 2 * now.n if now.n else known * before.n
    return customers_needed(per_customer, target - before.value, known=known, level=level)
