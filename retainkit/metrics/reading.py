"""What tables of metrics are made of: shares of counts, columns by group, curves read at horizons with the counts beside every estimate."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from retainkit.estimate.competing import EVENT_FREE, incidence_at
from retainkit.estimate.intervals import wilson
from retainkit.estimate.risk import Curve
from retainkit.estimate.survival import at_times
from retainkit.tally import UNKNOWN

NUMBERS = ["horizon_days", "rate", "low", "high", "n", "too_young", "at_risk", "given", "note"]

UNDECIDED = 0.02  # the share of which it may remain unknown what became of them: an answer is then off by no more


def shares(hits: Any, n: Any, *, level: float) -> dict[str, Any]:
    """Counts of `n` as columns of a table: `rate`, Wilson's `low` and `high`, and `n`; nobody gives NaN.

    >>> pd.DataFrame(shares(pd.Series([15, 0]), pd.Series([148, 0]), level=0.95)).round(2)
       rate   low  high    n
    0   0.1  0.06  0.16  148
    1   NaN   NaN   NaN    0
    """
    low, high = wilson(hits, n, level=level)
    return {"rate": hits / n, "low": low, "high": high, "n": n}


def keys(by: str | None) -> list[str]:
    """The columns that say which group a row is of: none where nothing is split."""
    return [by] if by else []


def by_group(table: pd.DataFrame, by: str | None, columns: Sequence[str]) -> pd.DataFrame:
    """These columns of a tally's table, after its groups `grp` under the name they were asked by."""
    return table.rename(columns={"grp": by or "grp"})[[*keys(by), *columns]]


def stacked(tables: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    """The tables one below the other; an empty one with these columns where there are none."""
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(columns))


def identities(rows: Sequence[tuple[str, float, float]], *, within: float = 1e-9) -> pd.DataFrame:
    """Two ways to work out one number, a row each: `check, left, right`, and whether it `holds`."""
    table = pd.DataFrame(rows, columns=["check", "left", "right"])
    return table.assign(holds=(table["left"] - table["right"]).abs() < within)


def each_group(cells: pd.DataFrame, by: str | None, read: Callable[[pd.DataFrame], pd.DataFrame]) -> pd.DataFrame:
    """`read` on the cells of every group `grp`, its name in a first column `by`; without cells, its empty answer."""
    if by is None:
        return read(cells)
    groups = list(cells.groupby("grp")) or [(UNKNOWN, cells)]
    tables = []
    for name, group in groups:
        table = read(group)
        table.insert(0, by, name)
        tables.append(table)
    everything = pd.concat(tables, ignore_index=True)
    return everything if len(cells) else everything.iloc[:0]


def survival_read(cells: pd.DataFrame, curve: Curve, horizons: Sequence[int], *, nobody: str = "nobody") -> pd.DataFrame:
    """A survival curve at the horizons, as `NUMBERS`. Once everybody has been seen to leave, nobody is left, for good."""
    table = read_at(at_times, curve, horizons, followed=_followed(cells))
    return _counted(table.rename(columns={"survival": "rate"}), cells, curve, horizons, nobody)


def incidence_read(cells: pd.DataFrame, curve: Curve, horizons: Sequence[int], *, nobody: str = "nobody", only: str | None = None) -> pd.DataFrame:
    """The incidence of every cause, or `only` one, at the horizons, as `cause` and `NUMBERS`. Once all is decided, it stays decided."""
    table = read_at(incidence_at, curve, horizons, followed=_followed(cells)).rename(columns={"incidence": "rate"})
    causes = [
        _counted(one.reset_index(drop=True), cells, curve, horizons, nobody).assign(cause=cause)
        for cause, one in table.groupby("cause", sort=False) if only in (None, cause)
    ]
    return pd.concat(causes, ignore_index=True)[["cause", *NUMBERS]]


def given_here(day: float) -> str:
    """The condition that a curve of late arrivals is read under."""
    return f"given still here at day {day:.0f}"


def too_young(cells: pd.DataFrame, days: int) -> int:
    """How many have no ending yet and have been seen for less than so many days."""
    return int(cells.loc[_open_ended(cells) & (cells["duration"] < days), "n"].sum())


def _open_ended(cells: pd.DataFrame) -> pd.Series:
    return cells["event"] == 0 if "event" in cells else cells["cause"] == ""


def read_at(read: Callable[..., pd.DataFrame], curve: Curve, horizons: Sequence[int], *, followed: float) -> pd.DataFrame:
    """A curve at each horizon, read by `at_times` or `incidence_at`. Past its end there is no answer, but where hardly
    anybody was left undecided: that holds as long as somebody was `followed`, with an interval wide enough for whatever
    becomes of the undecided, and nobody at risk.

    Who is followed longest may all have been decided early, while of many others it is not known: then there is no answer either.
    """
    last, table = float(curve.table["time"].max()), curve.table
    still = table["survival"] if "survival" in table else table.loc[table["cause"] == EVENT_FREE, "incidence"]
    undecided = float(still.iloc[-1]) if len(still) else 1.0
    holds = followed if undecided < UNDECIDED else -math.inf
    out = read(curve, [min(h, last) if h <= holds else h for h in horizons])
    past = pd.Series(list(horizons) * (len(out) // len(horizons))) > last
    falls = out["cause"] == EVENT_FREE if "cause" in out else pd.Series(True, index=out.index)
    return out.assign(
        at_risk=out["at_risk"].mask(past, 0),
        low=out["low"].mask(past & falls, (out["low"] - undecided).clip(lower=0)),
        high=out["high"].mask(past & ~falls, (out["high"] + undecided).clip(upper=1)),
    )


def _followed(cells: pd.DataFrame) -> float:
    """For how long a curve holds past its end: for ever where all is decided, or as long as somebody was `followed`.

    That nobody's end is still to be seen the cells say: a curve also falls to 0 with the last of a few who were followed longest.
    """
    if len(cells) and not _open_ended(cells).any():
        return math.inf
    return float(cells["followed"].max()) if "followed" in cells and len(cells) else -1.0


def _counted(table: pd.DataFrame, cells: pd.DataFrame, curve: Curve, horizons: Sequence[int], nobody: str) -> pd.DataFrame:
    """Estimates at the horizons with n, how many are too young, the age that all were `given` still here at (0: from the start), and what
    the curve leaves out."""
    out = [given_here(curve.starts_at) if curve.starts_at else "",
           f"left out: {curve.skipped:,} gone before that" if curve.skipped else "",
           f"left out: {curve.dropped:,} gone before the history began" if curve.dropped else "",
           "" if len(cells) else nobody]
    days = pd.Series(list(horizons))
    unseen = np.where(days < curve.starts_at, "not seen that early", "nobody followed that long")
    unseen = np.where(table["rate"].isna() & bool(len(cells)), unseen, "")
    table["given"] = int(curve.starts_at)
    table["horizon_days"], table["n"] = days, int(cells["n"].sum()) - curve.dropped - curve.skipped
    table["too_young"] = [too_young(cells, day) for day in horizons]
    table["note"] = ["; ".join(part for part in [why, *out] if part) for why in unseen]
    return table[NUMBERS]
