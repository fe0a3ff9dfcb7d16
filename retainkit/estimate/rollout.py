"""Monthly counts of units in, the effect of a staged roll-out out: each unit against those that did not have it yet.

The unit (a region, a team, a rep) is what was treated, so the unit is what is counted: difference in differences of unit
means, never a regression with unit and month effects, which compares the newly treated with the long since treated.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from retainkit.estimate.intervals import Array, z_value
from retainkit.estimate.shuffle import shuffled


class Grid(NamedTuple):
    """Rates by unit (row) and month (column), with when each unit began.

    Attributes
    ----------
    units, months
        Names of the rows and of the columns.
    rate, n
        Hits over customers, and customers.
    begins
        The column each unit begins in; the number of columns for a unit that has not begun.
    started
        The first whole month of each unit, itself a column or not; infinite for a unit that never began.
    dropped
        Months left out: a unit had nobody, or began in the middle of the month.
    """

    units: list[str]
    months: list[int]
    rate: Array
    n: Array
    begins: Array
    started: Array
    dropped: list[int]


def grid(cells: pd.DataFrame, starts: Mapping[str, float], *, partial: Sequence[int] = ()) -> Grid:
    """The units' months as a grid without holes.

    Left out: months in which one of the units had nobody, and `partial` months, in which a unit began half-way.

    Parameters
    ----------
    cells
        `unit`, `month` (a whole number), `hits`, `n`.
    starts
        The first whole month of each unit that began; the others never did.
    partial
        Months to leave out.
    """
    every = range(int(cells["month"].min()), int(cells["month"].max()) + 1) if len(cells) else range(0)
    hits, n = (cells.pivot_table(index="unit", columns="month", values=v, aggfunc="sum").reindex(columns=every).fillna(0) for v in ("hits", "n"))
    months = [m for m in every if m not in partial and (n[m] > 0).all()]
    started = np.array([starts.get(str(u), np.inf) for u in n.index], dtype=float)
    dropped = [m for m in every if m not in months]
    return Grid([str(u) for u in n.index], months, (hits[months] / n[months]).to_numpy(float), n[months].to_numpy(float),
                np.searchsorted(months, started), started, dropped)


def weights(begins: Array, months: int, *, base: int = 12, cells: Sequence[tuple[int, int]] | None = None, own: bool = False) -> Array:
    """The weight of every unit-month in the average effect: rows units, columns months; each row and column adds up to nothing.

    A unit's month after it began is held against the mean of its last `base` months before, less the same difference for
    the units that had not begun by that month. All such unit-months count the same. Zeros where there is no such comparison.

    Parameters
    ----------
    begins
        As in `Grid`.
    months
        How many.
    base
        Months before the start that a unit is compared with; 1 is the last month alone.
    cells
        Unit-months to average over, as (unit, month); all from each start on unless stated.
    own
        Without the difference for the others: how far the units that began have moved, of the same unit-months.

    Notes
    -----
    Group-time effects against not-yet-treated units: Callaway and Sant'Anna (2021), Journal of Econometrics 225, 200-230; over
    `base` months rather than one, which trusts the parallel course for longer and has less noise.

    Examples
    --------
    Unit 0 begins in month 2; unit 1 never does. The first month is before the base.

    >>> weights(np.array([2, 3]), 3, base=1).tolist()
    [[0.0, -1.0, 1.0], [0.0, 1.0, -1.0]]
    """
    out, used = np.zeros((len(begins), months)), 0
    wanted = [(i, t) for i, start in enumerate(begins) for t in range(start, months)] if cells is None else cells
    for i, t in wanted:
        before = slice(max(begins[i] - base, 0), begins[i])
        others = np.flatnonzero(begins > max(t, begins[i]))
        length = before.stop - before.start
        if not length or not len(others):
            continue
        used += 1
        out[i, t] += 1
        out[i, before] -= 1 / length
        if own:
            continue
        out[others, t] -= 1 / len(others)
        out[others, before] += 1 / (len(others) * length)
    return out / used if used else out


def average_effect(data: Grid, *, base: int = 12, level: float = 0.95, seed: int = 1) -> pd.Series:
    """The average effect over the treated unit-months, with two answers to "could this be chance?".

    Left out: units that began before the first month (nothing to compare them with) and months when nobody was left without.

    Returns
    -------
    Series
        `rate` (a difference of shares), `moved` (how far those with it moved; the others moved by `moved` - `rate`);
        `low`, `high`, `p`: a pooled t over the units' changes with units - 2 degrees of
        freedom where all began in one month, else by re-assigning the starting months; `p_shuffled`, `low_shuffled`,
        `high_shuffled`: always the latter; `se_sampling` (what the choice of customers alone would give), `df`,
        `units_with`, `units_without`, `n` (customers in the cells that carry weight), `staggered`.

    Notes
    -----
    Re-assignment (`shuffled`) holds what it promises when the order of the units was as good as drawn by lot, also with few units.

    Examples
    --------
    >>> cells = pd.DataFrame({"unit": list("aabbccdd"), "month": [1, 2] * 4, "n": 100, "hits": [20, 30, 22, 33, 20, 21, 25, 24]})
    >>> average_effect(grid(cells, {"a": 2, "b": 2}))[["rate", "low", "high", "p_shuffled"]].astype(float).round(3).tolist()
    [0.105, 0.057, 0.153, 0.333]
    """
    w = weights(data.begins, len(data.months), base=base)
    began = np.array([bool((row[start:] > 0).any()) for row, start in zip(w, data.begins, strict=True)], dtype=bool)
    starts = np.unique(data.begins[began])
    effect = float((w * data.rate).sum()) if w.any() else float("nan")
    se_sampling = _chance(data, w)
    low, high, p = shuffled(data.rate, data.begins, w, level=level, seed=seed)
    moved = float((weights(data.begins, len(data.months), base=base, own=True) * data.rate).sum()) if w.any() else float("nan")
    found = {"rate": effect, "moved": moved, "low": low, "high": high, "p": p, "low_shuffled": low, "high_shuffled": high, "p_shuffled": p}
    without = (w[~began] != 0).any(axis=1).sum() if w.any() else 0
    if len(starts) == 1:
        found |= _t(w, data.rate, began, level)
    return pd.Series({**found, "se_sampling": se_sampling, "df": len(data.units) - 2, "units_with": int(began.sum()),
                      "units_without": int(without), "n": int(data.n[w != 0].sum()), "staggered": len(starts) > 1})


def _chance(data: Grid, w: Array) -> float:
    """The standard error of a weighted sum of rates that the choice of customers gives, at the rate of all together."""
    pooled = float(np.clip((data.rate * data.n).sum() / data.n.sum(), 0, 1)) if data.n.size else float("nan")
    return float(np.sqrt(pooled * (1 - pooled) * (w**2 / data.n).sum())) if w.any() else float("nan")


def _t(w: Array, rate: Array, began: Array, level: float) -> dict[str, float]:
    """Pooled two-sample t over each unit's change."""
    from scipy import stats  # a second that only this needs

    used = (w != 0).any(axis=1)
    sign = np.where(began, 1.0, -1.0)
    change = (w * rate).sum(axis=1) * sign * np.where(began, began.sum(), (used & ~began).sum())
    with_it, without = change[began], change[used & ~began]
    if len(with_it) + len(without) < 3 or not np.ptp(with_it) + np.ptp(without) > 0:
        return {"low": float("nan"), "high": float("nan"), "p": float("nan")}
    found = stats.ttest_ind(with_it, without)
    low, high = found.confidence_interval(level)
    return {"low": float(low), "high": float(high), "p": float(found.pvalue)}


def by_month(data: Grid, *, base: int = 12, level: float = 0.95) -> pd.DataFrame:
    """Group-time effects: for the units that began in one month, the effect in each month since.

    Returns
    -------
    DataFrame
        A row a starting month and month: `began`, `month`, `rate`, `low`, `high` (chance in who the customers were; how units
        drift is not in it), `n` (treated customers), `units`, `units_without`.
    """
    rows = []
    for start in sorted({int(b) for b in data.begins if b < len(data.months)}):
        group = [i for i, b in enumerate(data.begins) if b == start]
        for t in range(start, len(data.months)):
            rows.append({"began": data.months[start], "month": data.months[t], **_read(data, [(i, t) for i in group], base, level)})
    return pd.DataFrame(rows, columns=["began", "month", "rate", "low", "high", "n", "units", "units_without"])


def by_age(data: Grid, *, base: int = 12, level: float = 0.95) -> pd.DataFrame:
    """The same by months since the start: negative ones are the picture before it, in which units should run in parallel.

    Before the start each month is held against all the base months, itself included, so the line lies around nothing; what
    matters is whether it climbs or falls.

    Returns
    -------
    DataFrame
        A row a calendar month since the start (0 is the first with it; months left out have no row): `since`, `rate`, `low`, `high`, `n`, `units`, `units_without`.
    """
    cells = defaultdict(list)
    for i, begin in enumerate(data.begins):
        if 0 < begin < len(data.months):
            for t in range(max(int(begin) - base, 0), len(data.months)):
                cells[data.months[t] - int(data.started[i])].append((i, t))
    read = {since: _read(data, cells[since], base, level) for since in sorted(cells)}
    rows = [{"since": since, **row} for since, row in read.items() if row["units"]]
    return pd.DataFrame(rows, columns=["since", "rate", "low", "high", "n", "units", "units_without"])


def _read(data: Grid, cells: Sequence[tuple[int, int]], base: int, level: float) -> dict[str, float]:
    """The average effect over some unit-months, with sampling limits."""
    w = weights(data.begins, len(data.months), base=base, cells=cells)
    own = np.zeros_like(w, dtype=bool)
    own[tuple(np.array(cells).T)] = True
    usable = w.any()
    reach = z_value(level) * _chance(data, w)
    rate = float((w * data.rate).sum()) if usable else float("nan")
    units = len({i for i, _ in cells}) if usable else 0
    return {"rate": rate, "low": rate - reach, "high": rate + reach, "n": int(data.n[own].sum()), "units": units,
            "units_without": int((w[[i for i in range(len(w)) if i not in {c[0] for c in cells}]] != 0).any(axis=1).sum())}
