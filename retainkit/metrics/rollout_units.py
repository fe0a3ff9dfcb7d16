"""The units of a roll-out: each before and after, and which of them began when they were at their worst."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from retainkit.errors import listed
from retainkit.estimate.planning import rebound
from retainkit.estimate.rollout import Grid
from retainkit.load.shop import Shop
from retainkit.metrics.months import first_day, first_whole, month_name


def units_before_and_after(data: Grid, starts: dict[str, date], base: int, bad: str) -> pd.DataFrame:
    """Each unit before and after, and whether it began when, or because, it was at its worst."""
    rows = []
    for i, unit in enumerate(data.units):
        start = int(data.begins[i])
        before, after = slice(max(start - base, 0), start), slice(start, None)
        n, n_after = data.n[i][before].sum(), data.n[i][after].sum()
        rate = float((data.rate[i] * data.n[i])[before].sum() / n) if n else np.nan
        later = float((data.rate[i] * data.n[i])[after].sum() / n_after) if n_after else np.nan
        worst, back = _worst(data, i, before, rate, bad) if unit in starts and n else ("", np.nan)
        rows.append((unit, starts.get(unit), rate, int(n), later, int(n_after), worst, back))
    return pd.DataFrame(rows, columns=["unit", "started_on", "rate", "n", "after", "n_after", "worst", "rebound"])


def _worst(data: Grid, i: int, before: slice, rate: float, bad: str) -> tuple[str, float]:
    """In what way the unit was at its worst just before it began, and what chance alone then gives back."""
    pick = np.argmax if bad == "high" else np.argmin
    series = data.rate[i][before]
    n = float(np.median(data.n[i][before]))
    if len(series) >= 3 and pick(series) == len(series) - 1 and (series == series[-1]).sum() == 1:
        return f"its worst month of {len(series)}", rebound(rate, n, of=len(series), worst=bad)
    everyone = np.array([(r * c)[before].sum() / c[before].sum() for r, c in zip(data.rate, data.n, strict=True)])
    if len(everyone) >= 3 and pick(everyone) == i and (everyone == everyone[i]).sum() == 1:
        usual = float((data.rate * data.n)[:, before].sum() / data.n[:, before].sum())
        return f"the worst of {len(everyone)} units", rebound(usual, float(data.n[i][before].sum()), of=len(everyone), worst=bad)
    return "", float("nan")


def roll_out_notes(data: Grid, units: pd.DataFrame, starts: dict[str, date], base: int, shop: Shop) -> list[str]:
    """What a reader must know of how it was worked out."""
    waiting = [u for u, b in zip(data.units, data.begins, strict=True) if u in starts and b >= len(data.months)]
    absent = sorted(set(starts) - set(data.units))
    span = [f"{month_name(data.months[0])} to {month_name(data.months[-1])}"] if data.months else []
    told = [f"months used: {some}, each unit against its last {base} months before" for some in span]
    if data.dropped:
        told.append(f"months left out because a unit had nobody in them, or began half-way: {listed(map(month_name, data.dropped))}")
    if waiting:
        told.append(f"{listed(waiting)}: begun, but nobody who came since has been followed long enough by {shop.as_of}; counted as not begun")
    if absent and data.units:
        told.append(f"{listed(absent)}: no customers of theirs in these months")
    if any(day < first_day(first_whole(shop.history_start)) for day in starts.values()):
        told.append("a unit that began before the recorded history has no before, and is left out of the effect")
    return told + [
        f"regression to the mean: {u['unit']} began after {u['worst']}; chance alone then gives back about {u['rebound'] * 100:.0f} points, whatever was done"
        for u in units.to_dict("records")
        if u["worst"]
    ]
