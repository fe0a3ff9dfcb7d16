"""How much each customer moves an average, added up from sums by follow-up: the intervals of `recurrent`.

Customer i, followed for F days, moves the average M(t) by

    A_i(t) - B(min(t, F)),   A_i(t) = sum over own events of age at most t of value / Y(age),
                             B(s)   = sum over ages a up to s of dM(a) / Y(a),

Y(a) being the number observed at age a. These influences add up to zero over the customers, and the sum of
their squares is the variance of M(t). As B depends on F alone, customers are needed only as sums of A and
of A^2 by F: the `scores`. They carry each value multiplied by N / Y(age), N the number of customers, so
that they are of the size of the values; the same factor is on B here. A ratio R = M(s) / M(t) moves by the
influence on M(s) less R times that on M(t), divided by M(t).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from retainkit.errors import BadValueError
from retainkit.estimate.intervals import logit_interval, wilson, z_value
from retainkit.estimate.risk import per

AGREE = 1e-6  # scores and events may differ by the rounding of the scores, not by more


def drift(curve: pd.DataFrame, followed: Any, horizon: float) -> Any:
    """N times B(min(horizon, F)) of the module's formula, for every F in `followed`."""
    steps = np.diff(curve["value"], prepend=0.0)
    observed = curve["observed"].to_numpy(dtype=float)
    running = np.concatenate([[0.0], np.cumsum(per(steps, observed))]) * observed.max()
    return running[np.searchsorted(curve["age"], np.minimum(followed, horizon), side="right")]


def error(total: Any, square: Any, drift: Any, n: Any) -> float:
    """Root of the sum of squared influences, from the sums by follow-up; NaN for a single customer."""
    customers = float(np.sum(n))
    influence = max(float(np.sum(square - 2 * drift * total + drift**2 * n)), 0.0)
    return float(np.sqrt(influence / (customers * (customers - 1)))) if customers > 1 else float("nan")


def by_followup(scores: pd.DataFrame, followup: pd.DataFrame, names: Sequence[str]) -> dict[str, Any]:
    """The follow-ups there are (`followup`), the customers `n` with each, and their scores, zero where they have no event."""
    days, mine = np.unique(followup["followup"], return_inverse=True)
    places = np.searchsorted(days, scores["followup"])
    sums = {name: np.bincount(places, scores[name].astype(float), len(days)) for name in names}
    return {"followup": days, "n": np.bincount(mine, followup["n"], len(days)), **sums}


def agree(scored: float, counted: float, *, size: float = 0.0) -> None:
    """Raise unless the scores add up to what the events give; `size` is that of what was taken from each other."""
    if abs(scored - counted) > AGREE * max(abs(counted), abs(size), 1.0):
        raise BadValueError("scores", "do not add up to the events", f"{scored:g}, not {counted:g}",
                            "weight each value by N / Y(age)")  # fmt: skip


def share_interval(share: Any, se: Any, n: Any, *, level: float) -> tuple[Any, Any]:
    """Log-odds interval of a share; Wilson's at 0 and 1, the plain one where refunds push it outside.

    `n` is the number of equal customers that would carry the weight behind the share.
    """
    share, se = np.asarray(share, dtype=float), np.asarray(se, dtype=float)
    low, high = logit_interval(share, se, level=level)
    floor, ceiling = wilson((share > 0.5) * n, n, level=level)
    reach = z_value(level) * se
    ends = [(share < 0) | (share > 1), (share == 0) | (share == 1)]
    return np.select(ends, [share - reach, floor], low), np.select(ends, [share + reach, ceiling], high)


def value_at(curve: pd.DataFrame, followup: pd.DataFrame, age: float) -> float:
    """The average up to `age`, NaN when nobody has reached it."""
    reached = followup["followup"].to_numpy()[followup["n"].to_numpy() > 0].max(initial=-1)
    return float(curve["value"].to_numpy()[np.searchsorted(curve["age"], age, side="right") - 1]) if age <= reached else float("nan")


def who(followup: pd.DataFrame, horizon: float) -> dict[str, int]:
    """How many customers there are, how many have reached the horizon and how many have not."""
    customers, days = (followup[name].to_numpy() for name in ("n", "followup"))
    n, reached = int(customers.sum()), int(customers[days >= horizon].sum())
    return {"n": n, "observed": reached, "too_young": n - reached}
