"""Draw a metric table that already exists: every function takes the table and axes, draws, and returns the axes.

Nothing is computed here but positions. Titles and sources are written by `finish`, from sentences the notebook computes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from retainkit.errors import BadValueError, listed
from retainkit.estimate.smalln import GATES
from retainkit.show.data import drawn
from retainkit.show.style import ACCENT, INK, MUTED, PALETTE, beside, letters
from retainkit.show.words import how_many

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_curve(
    curve: pd.DataFrame, *, ax: Axes, x: str = "time", y: str = "rate", by: str | None = None,
    marks: Sequence[int] = (), levels: Mapping[str, float] | None = None, percent: bool = True, at_risk: str | None = "at_risk", unit: str = "days",
) -> Axes:
    """Draw `y` with its `low` to `high` band against `x`, a line a group, with the number still followed beneath.

    `marks` are positions on `x` to mark with a thin line (horizons), `levels` named values of `y`; `at_risk` names the column with the numbers
    printed under the axis, or None. Groups are named at the end of their line.
    """
    curve = curve if curve[x].nunique() > 1 else curve[:0]  # one time is no line
    curve = drawn(ax, curve, by, x, y, "low", "high", at_risk, count=at_risk or "n", estimate=y, by=by).sort_values(x, kind="stable")
    groups = list(curve.groupby(by, sort=True)) if by else [("", curve)]
    for i, (name, part) in enumerate(groups):
        colour = PALETTE[i % len(PALETTE)]
        ax.plot(part[x], part[y], drawstyle="steps-post", color=colour, linewidth=2)
        if "low" in part:
            ax.fill_between(part[x], part["low"].astype(float), part["high"].astype(float), step="post", color=colour, alpha=0.15, linewidth=0)
        if name and part[y].notna().any():
            last = part.dropna(subset=[y]).iloc[-1]
            away = (5, 0 if len(groups) < 3 else 4 * (-1) ** i)
            beside(ax, letters(name, 40), (last[x], last[y]), away, color=colour, va="center", annotation_clip=False)
    for mark in marks:
        ax.axvline(mark, color=MUTED, linewidth=0.8, linestyle=(0, (2, 3)))
    for name, level in (levels or {}).items():
        ax.axhline(level, color=INK, linewidth=1)
        beside(ax, letters(name, 60), (1, level), (-4, 4), xycoords=("axes fraction", "data"), ha="right", color=INK)
    numbered(ax.yaxis, percent)
    ax.set(ylim=(0, None), xlim=(0, None), xlabel=unit)
    if at_risk and not by:
        _numbers_under(ax, curve, x, at_risk)
    return ax


def _numbers_under(ax: Axes, curve: pd.DataFrame, x: str, column: str) -> None:
    """The numbers at risk under the ticks of the time axis."""
    ticks = [t for t in ax.get_xticks() if 0 <= t <= curve[x].max()]
    left = curve[column].to_numpy()[np.minimum(np.searchsorted(curve[x], ticks), len(curve) - 1)]
    ax.set_xticks(ticks, [f"{t:,g}\n{how_many(n)}" for t, n in zip(ticks, left, strict=True)])
    ax.set_xlabel(f"{ax.get_xlabel()}; below: customers {column.replace('_', ' ')}")


def plot_rates(
    rates: pd.DataFrame, *, by: str, ax: Axes, second: str | None = None, percent: bool = True, y: str = "rate",
    names: tuple[str, str] = ("", ""),
) -> Axes:
    """Draw `y` as a dot with its `low` to `high` bar for each value of `by`, top to bottom, n beside the label.

    `second` names a column drawn as a hollow dot beside it (a check, an expectation); `names` says what the two
    dots are.
    """
    rows = drawn(ax, rates.reset_index(drop=True), by, y, "low", "high", second, "n", estimate=y if percent else "")
    places = np.arange(len(rows))[::-1]
    ax.hlines(places, rows["low"].astype(float), rows["high"].astype(float), color=ACCENT, linewidth=3, alpha=0.65)
    ax.plot(rows[y], places, "o", color=ACCENT, markersize=8, label=names[0])
    if second and rows[second].notna().any():
        ax.plot(rows[second], places - 0.22, "D", color=MUTED, markerfacecolor="white", markersize=6, label=names[1])
        ax.legend(
            loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, borderaxespad=0.1
        )  # above the axes: inside it would lie on an interval
    counts = [f"  (n = {how_many(n)})" for n in rows["n"]] if "n" in rows else [""] * len(rows)
    ax.set_yticks(places, [letters(v, 40) + n for v, n in zip(rows[by], counts, strict=True)])
    ax.set_ylim(-0.7, len(rows) - 0.3)
    ax.grid(axis="y", visible=False)
    numbered(ax.xaxis, percent)
    if percent and not _far(ax.dataLim.intervalx):
        ax.set_xlim(left=0)
    return ax


def plot_series(
    table: pd.DataFrame, *, x: str, ax: Axes, y: str = "rate", usual: float | None = None, mature: str | None = None, percent: bool = True
) -> Axes:
    """Draw `y` with its `low` to `high` bar for each period in order, over the band (`low998` to `high998`) that chance explains.

    `usual` is the level the band is around. What is no percentage may lie below zero. Periods that are not `mature`
    have no dot; their place is hatched. Names
    stand every few steps, so that no two touch.
    """
    table = drawn(ax, table, x, y, "low", "high", "n", mature, "low998", "high998", estimate=y if percent else "")
    places = np.arange(len(table))
    if {"low998", "high998"} <= set(table):
        ax.fill_between(places, table["low998"].astype(float), table["high998"].astype(float), step="mid", color=MUTED, alpha=0.14, linewidth=0)
    if usual is not None:
        ax.axhline(usual, color=MUTED, linewidth=1)
    ax.vlines(places, table["low"].astype(float), table["high"].astype(float), color=ACCENT, linewidth=3, alpha=0.65)
    ax.plot(places, table[y], "o", color=ACCENT, markersize=7)
    _spaced(ax, places, list(table[x]))
    for place in places[~table[mature].astype(bool)] if mature else ():
        ax.axvspan(place - 0.5, place + 0.5, facecolor="#f2f4f7", edgecolor="#b6bec8", hatch="////", linewidth=0)
    ax.grid(axis="x", visible=False)
    numbered(ax.yaxis, percent)
    if percent:
        _from_zero(ax)
    return ax


def _spaced(ax: Axes, places: Any, names: list[Any]) -> None:
    """Name every few places along the axis, the last always, so that no two names touch; months as Oct 2026, a step back as −1."""
    words = [f"{v:%b %Y}" if isinstance(v, pd.Timestamp) else letters(v) for v in names]
    words = [f"{pd.Timestamp(w):%b %Y}" if re.fullmatch(r"\d{4}-\d\d", w) else re.sub(r"^-(?=\d)", "\N{MINUS SIGN}", w) for w in words]
    every = max(1, -(-len(words) // 6))
    ax.set_xticks(list(places)[::-1][::every][::-1], words[::-1][::every][::-1])


def plot_months(months: pd.DataFrame, *, ax: Axes) -> Axes:
    """Draw a number's `value` month by month over its usual range (`low` to `high`), for a card: the newest months stand out.

    Months without a value are left open. The columns are those of `retainkit.metrics.changes.ranged`, and `when`.
    """
    months = drawn(ax, months, "month", "value", "n", "usual", "low", "high", "fresh")
    places = np.arange(len(months))
    ax.fill_between(places, months["low"].astype(float), months["high"].astype(float), color=MUTED, alpha=0.16, linewidth=0)
    ax.plot(places, months["usual"].astype(float), color=MUTED, linewidth=1)
    ax.plot(places, months["value"].astype(float), color=ACCENT, linewidth=1.6)
    fresh = months["fresh"].to_numpy(dtype=bool)
    ax.plot(places[fresh], months["value"].astype(float)[fresh], "o", color=ACCENT, markersize=7)
    ends = sorted({0, len(months) // 2, len(months) - 1})
    ax.set_xticks(ends, [f"{pd.Timestamp(months['month'].iloc[i]):%b %Y}" for i in ends])
    for i, name in zip(
        ends, ax.get_xticklabels(), strict=True
    ):  # in the middle of their month, the outer ones would touch the axis of the values and the edge
        name.set_horizontalalignment("left" if i == 0 else "right" if i == ends[-1] else "center")
    ax.margins(x=0.06)
    ax.grid(axis="x", visible=False)
    _from_zero(ax)
    ax.locator_params(axis="y", nbins=4)
    numbered(ax.yaxis)
    return ax


def plot_parts(table: pd.DataFrame, *, x: str, parts: dict[str, str], ax: Axes) -> Axes:
    """Draw stacked bars: `parts` maps columns to the words for them, drawn from the bottom up, named at the end."""
    colours = ["#7f95ab", *PALETTE]
    if len(parts) > len(colours):
        wrong = f"are more than the {len(colours)} that can be told apart"
        raise BadValueError("parts", wrong, listed(parts), "add the smallest up before they are drawn")
    table = drawn(ax, table, x, *parts)
    base = np.zeros(len(table))
    width: Any = 0.86 * float(np.median(np.diff(pd.to_numeric(pd.Series(table[x])))) if len(table) > 1 else 1)
    if pd.api.types.is_datetime64_any_dtype(table[x]):
        width = pd.Timedelta(days=25)
    for (column, words), colour in zip(parts.items(), colours, strict=False):
        values = table[column].astype(float).to_numpy()
        ax.bar(table[x], values, bottom=base, width=width, color=colour, label=words, linewidth=0)
        base = base + np.nan_to_num(values)
    _spaced(ax, table[x], list(table[x]))
    ax.legend(loc="upper left", ncols=len(parts), reverse=True, frameon=False)
    ax.margins(y=0.16)
    ax.yaxis.set_major_formatter(lambda v, _: _short(v))
    return ax


def plot_areas(table: pd.DataFrame, *, x: str, parts: dict[str, str], ax: Axes, unit: str = "days") -> Axes:
    """Draw shares that add up to one as stacked areas, named inside where there is room; of fewer than 20 (`n`), whose ends alone may be said, nothing."""
    if "n" in table and table["n"].max() < GATES["customers_full"].least:
        table = table.assign(**dict.fromkeys(parts, np.nan))
    table = drawn(ax, table, x, *parts)
    colours = [ACCENT, *(["#aa6600"] if len(parts) > 2 else []), "#eceff3"]
    stacks = ax.stackplot(table[x], [table[c].astype(float) for c in parts], colors=colours, step="post", linewidth=0)
    base = np.zeros(len(table))
    span = table[x].max() - table[x].min()
    places = table[x].min() + span * np.r_[0.72, np.linspace(0.14, 0.86, 25)]  # the first if it has room: names beneath each other
    near = [slice(max(table[x].searchsorted(place - 0.1 * span, "right") - 1, 0), table[x].searchsorted(place + 0.1 * span, "right")) for place in places]  # as far as words reach
    for words, values, stack in zip(parts.values(), (table[c].astype(float).to_numpy() for c in parts), stacks, strict=True):
        top = base + values
        room = np.nan_to_num([top[there].min() - base[there].max() for there in near])
        best = 0 if room[0] > 0.1 else int(np.argmax(room))
        if room[best] > 0.06:
            middle = (np.min(top[near[best]]) + np.max(base[near[best]])) / 2
            ax.text(places[best], middle, words, ha="center", va="center", color=INK if stack is stacks[-1] else "white", weight="bold")
        elif values.max() > 0.005:  # thinner, nobody sees it
            at = int(np.argmax(values >= values.max() / 2))
            beside(ax, words, (table[x].iloc[at], base[at] + values[at] / 2), (-30, 26), color=INK, arrowprops={"arrowstyle": "-", "color": MUTED})
        base = top
    ax.set(ylim=(0, 1), xlim=(table[x].min(), max(table[x].max(), table[x].min() + 1)), xlabel=unit)
    numbered(ax.yaxis)
    return ax


def _far(ends: Any) -> bool:
    """Whether values lie so far from zero, and so close together, that an axis from zero on would hide a bar under its dot."""
    low, high = ends
    return bool(np.isfinite(low) and 2 * low > high)


def _from_zero(ax: Axes) -> None:
    """Begin an axis of shares at zero, or, where they lie far from it, let it span ten points at least: fewer would make a drama of two."""
    low, high = ax.get_ylim()
    if not _far(ax.dataLim.intervaly):
        ax.set_ylim(bottom=0)
    elif high - low < 0.1:
        top = min(max((low + high) / 2 + 0.05, high), max(1.0, high))
        ax.set_ylim(min(top - 0.1, low), top)


def numbered(axis: Any, percent: bool = True) -> None:
    """Percentages on an axis, each where its label says: steps of 1, 2 or 5, and as many decimals as they need; or plain numbers."""
    if not percent:
        axis.set_major_formatter("{x:,g}")
        return
    axis.get_major_locator().set_params(steps=[1, 2, 5, 10])  # matplotlib's own steps have 2.5 among them, which whole percents cannot name
    axis.set_major_formatter(lambda v, _: f"{100 * v:.6g}%".replace("-", "\N{MINUS SIGN}"))


def _short(value: float) -> str:
    """A large number for an axis, with every digit it has.

    >>> _short(1_500_000), _short(25_000), _short(10_000), _short(12_500), _short(40)
    ('1.5 M', '25 k', '10 k', '12.5 k', '40')
    """
    size, unit = next(((size, unit) for size, unit in ((1e6, " M"), (1e3, " k")) if abs(value) >= size), (1, ""))
    return f"{value / size:,.10g}{unit}"


def plot_projection(table: pd.DataFrame, *, ax: Axes, unit: str = "periods of 30 days since the start") -> Axes:
    """Draw what was observed as dots and what a model says as a dashed line with its band, from `period, observed, rate, low, high`."""
    table = drawn(ax, table, "model", "period", "observed", "rate", "low", "high")
    ax.fill_between(table["period"], table["low"], table["high"], color="#aa6600", alpha=0.16, linewidth=0)
    ax.plot(table["period"], table["rate"], linestyle="--", color="#aa6600", label=f"model ({letters(table['model'].iloc[0])})")
    ax.plot(table["period"], table["observed"], "o", color=ACCENT, markersize=5, label="observed")
    ax.legend(loc="upper right", frameon=False)
    ax.set(ylim=(0, 1), xlabel=unit)
    numbered(ax.yaxis)
    return ax
