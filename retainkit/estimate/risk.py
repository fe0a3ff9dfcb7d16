"""Counted cells in, risk sets out: who was there to be seen at each age, late arrivals included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from retainkit.estimate.intervals import wilson

SOLID = 10  # a curve of late arrivals starts at the first age with this many at risk
NEARLY = 1e-12  # closer to 0 or 1 than this is rounding, not probability


@dataclass(frozen=True)
class Curve:
    """A step curve and whom it leaves out.

    Attributes
    ----------
    table
        The curve, a row a time; what the columns are is said by the function that made it.
    starts_at
        0, or the age from which the curve counts: with late arrivals and fewer than 10 at risk at age 0,
        every probability is "given still here at this age".
    dropped
        Customers whose end came no later than their entry: nobody could have seen them.
    skipped
        Customers gone by `starts_at`, left out with the ages before it.
    """

    table: pd.DataFrame
    starts_at: float
    dropped: int
    skipped: int


@dataclass(frozen=True)
class RiskSets:
    """Customers as parallel arrays, cleaned; `entry` is minus infinity for those seen from the start."""

    duration: Any
    entry: Any
    n: Any
    kind: Any
    starts_at: float = 0.0
    dropped: int = 0
    skipped: int = 0

    @property
    def times(self) -> Any:
        """Every time at which somebody leaves or arrives, and the start."""
        arrivals = self.entry[np.isfinite(self.entry)]
        return np.unique(np.concatenate([[self.starts_at], self.duration, arrivals]))

    def at_risk(self, times: Any) -> Any:
        """How many were seen on each of `times`: arrived before it, not gone before it."""
        return before(self.entry, self.n, times) - before(self.duration, self.n, times)

    def leaving(self, times: Any, among: Any) -> Any:
        """How many of the rows `among` have their end on each of `times`."""
        places = np.searchsorted(times, self.duration[among])
        return np.bincount(places, weights=self.n[among], minlength=len(times))

    def given_here(self) -> RiskSets:
        """The same customers, given still here at the first age from which a curve can stand."""
        start = _first_solid_age(self)
        kept = (self.duration > start) | (start == 0)
        entry = np.where(self.entry > start, self.entry, -np.inf)
        duration, entry, n, kind = (a[kept] for a in (self.duration, entry, self.n, self.kind))
        return RiskSets(duration, entry, n, kind, start, self.dropped, int(self.n[~kept].sum()))

    def curve(self, table: pd.DataFrame) -> Curve:
        """The table with whom it leaves out; whole times become integers."""
        days = table["time"].to_numpy().astype("int64")
        if (days == table["time"]).all():
            table["time"] = days
        return Curve(table, self.starts_at, self.dropped, self.skipped)


def in_view(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells of those whom somebody could have seen: left out are those who had gone when they would have come into view."""
    entry = cells["entry"].fillna(0) if "entry" in cells else 0 * cells["duration"]
    return cells[(entry <= 0) | (entry < cells["duration"])]


def risk_sets(cells: pd.DataFrame, *, kind: str) -> RiskSets:
    """Clean counted cells; `kind` is the column that says how each customer's time ended.

    An `entry` of 0 (or less) is from the start, day 0 included; a later one is at risk on (entry, duration].
    """
    n, duration = (cells[column].to_numpy(dtype=float) for column in ("n", "duration"))
    entry = np.asarray(cells["entry"], dtype=float) if "entry" in cells.columns else np.zeros(len(cells))
    entry = np.where(entry > 0, entry, -np.inf)
    seen = (entry < duration) & (n > 0)
    dropped = int(n[entry >= duration].sum())
    kinds = cells[kind].to_numpy(dtype=object)[seen]
    return RiskSets(duration[seen], entry[seen], n[seen], kinds, dropped=dropped)


def per(part: Any, whole: Any) -> Any:
    """part / whole, and 0 where there is no whole."""
    return np.divide(part, whole, out=np.zeros(np.broadcast(part, whole).shape), where=np.asarray(whole) > 0)


def never_certain(estimate: Any, at_risk: Any, low: Any, high: Any, *, level: float) -> tuple[Any, Any]:
    """Where an estimate is 0 or 1, Wilson's interval with the latest risk set: a width is never zero."""
    there = np.maximum.accumulate(np.where(np.asarray(at_risk) > 0, np.arange(len(at_risk)), -1))
    latest = np.where(there < 0, np.nan, np.asarray(at_risk, dtype=float)[there])
    floor, ceiling = wilson(latest * (estimate > 0.5), latest, level=level)
    certain = (estimate < NEARLY) | (estimate > 1 - NEARLY)
    return np.where(certain, floor, low), np.where(certain, ceiling, high)


def read_steps(table: pd.DataFrame, times: Any) -> pd.DataFrame:
    """The rows of one step curve in force at `times`; the number at risk is that on the day itself."""
    asked, known = np.atleast_1d(np.asarray(times)), table["time"].to_numpy()
    inside = (asked >= known[0]) & (asked <= known[-1])
    in_force = np.where(inside, np.searchsorted(known, asked, side="right") - 1, 0)
    next_row = np.where(inside, np.searchsorted(known, asked, side="left"), 0)
    read = {"time": asked, "at_risk": np.where(inside, table["at_risk"].to_numpy()[next_row], 0)}
    for name in table.columns.drop(["time", "at_risk", "events", "censored"], errors="ignore"):
        read[name] = np.where(inside, table[name].to_numpy()[in_force], np.nan)
    return pd.DataFrame(read)


def _first_solid_age(seen: RiskSets) -> float:
    """0 if nobody is late or 10 are at risk at age 0; else the first age with 10, or the most, after it."""
    if not np.isfinite(seen.entry).any():
        return 0.0
    ages = np.unique(np.maximum(seen.entry, 0.0))
    there = seen.at_risk(np.where(ages > 0, np.nextafter(ages, np.inf), 0.0))
    return float(ages[np.argmax(there >= SOLID)] if (there >= SOLID).any() else ages[np.argmax(there)])


def before(values: Any, n: Any, times: Any) -> Any:
    """How many of `n` have their value strictly before each of `times`."""
    order = np.argsort(values, kind="stable")
    running = np.concatenate([[0.0], np.cumsum(n[order])])
    return running[np.searchsorted(values[order], times, side="left")]
