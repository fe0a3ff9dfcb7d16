"""Charts of reps: funnels that show what luck alone does, and the map of winning against keeping."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from retainkit.show.charts import numbered
from retainkit.show.data import drawn
from retainkit.show.style import ACCENT, INK, MUTED, beside, figure_of, letters
from retainkit.show.words import missing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WARM = "#aa6600"
GREY = "#b6bec8"
RING: Any = {"color": "#8c959f", "markerfacecolor": "white", "markersize": 7}  # who has left


def plot_funnel(
    table: pd.DataFrame,
    *,
    ax: Axes,
    x: str,
    y: str,
    centre: float,
    labels: str = "rep",
    percent: bool = False,
    lines: pd.DataFrame | None = None,
    named: Sequence[str] | None = None,
) -> Axes:
    """Draw each rep's `y` against how much is known (`x`), inside the lines where luck alone leaves 95 and 99.8 %.

    The limits are the columns `low95, high95, low998, high998`, those of `lines` where given: from one rep to the next they would have
    kinks. Who is far outside by the table's `place`, or to be `named`, is named; nobody else, however much room there is. Those who have
    left are rings without a name. Whose place is "too few" is grey and not named.
    """
    table = drawn(ax, table, labels, x, y, "low95", "high95", "low998", "high998", "departed", "n", "place").dropna(subset=[y])
    limits = (table if lines is None else lines).sort_values(x)
    for low, high, style in (("low95", "high95", "--"), ("low998", "high998", "-")):
        for side in (low, high):
            ax.plot(limits[x], limits[side].astype(float), linestyle=style, color=MUTED, linewidth=1)
    ax.axhline(centre, color=INK, linewidth=1)
    gone = table.get("departed", pd.Series(False, index=table.index)).astype(bool)
    place = table.get("place", pd.Series("", index=table.index))
    few, far = place == "too few", place.str.startswith("far") & ~gone
    for rows, look in (
        (few & ~gone, {"color": GREY, "markersize": 8}),
        (~gone & ~far & ~few, {"color": ACCENT, "markersize": 8}),
        (far, {"color": WARM, "markersize": 8}),
        (gone, RING),
    ):
        if rows.any():  # no dot at all, not cut off at an edge either, would still take its room in a corner
            ax.plot(table.loc[rows, x], table.loc[rows, y], "o", **look, clip_on=False, zorder=3)
    if percent:
        numbered(ax.yaxis)
    ax.set(ylim=(0, 1.35 * max([centre, *table[y]]) or None), xlim=(0, None))  # where little is known the lines go on for ever
    ax.locator_params(axis="x", steps=[1, 2, 5, 10])
    _name(ax, table, table[table[labels].isin([] if named is None else list(named)) & ~few | far], x, y, labels)
    return ax


def plot_rep_map(
    reps: pd.DataFrame,
    *,
    ax: Axes,
    odds: float = 1.1,
    hazard: float = 1.25,
    review: float = 0.8,
    watch: float = 0.5,
    named: int = 3,
) -> Axes:
    """Draw each rep's shrunk win odds ratio against the churn hazard ratio, with 95 % whiskers, warmer where both are likely high.

    Log scales; the corner above `odds` and `hazard` is shaded, and the key of the colours has `watch` and `review` on it. The `named` reps
    with the highest probability of being in the corner are named; those who have left are rings. Who has no probability is grey.
    """
    from matplotlib.colors import LinearSegmentedColormap

    reps = drawn(
        ax, reps, "rep", "odds_ratio", "or_low", "or_high", "hazard_ratio", "hr_low", "hr_high", "p_joint", "departed"
    ).dropna(subset=["odds_ratio"])
    warm = LinearSegmentedColormap.from_list("warm", ["#7f9dbd", WARM, "#770011"])
    ax.set(xscale="log", yscale="log")
    for row in reps.to_dict("records"):
        colour = GREY if row["departed"] or missing(row["p_joint"]) else warm(min(row["p_joint"], 1.0))
        ax.plot([row["or_low"], row["or_high"]], [row["hazard_ratio"]] * 2, color=colour, linewidth=1, alpha=0.4)
        ax.plot([row["odds_ratio"]] * 2, [row["hr_low"], row["hr_high"]], color=colour, linewidth=1, alpha=0.4)
        ax.plot(
            row["odds_ratio"],
            row["hazard_ratio"],
            "o",
            **(RING if row["departed"] else {"color": colour, "markeredgecolor": "white", "markersize": 9}),
            zorder=3,
        )
    _corner(ax, odds, hazard)
    ax.axvline(1, color=MUTED, linewidth=0.8)
    ax.axhline(1, color=MUTED, linewidth=0.8)
    present = reps[~reps["departed"].astype(bool)].dropna(subset="p_joint").nlargest(named, "p_joint")
    _name(ax, reps, present.sort_values("hazard_ratio", ascending=False), "odds_ratio", "hazard_ratio", "rep")
    _key(ax, warm, [0, watch, review, 1])
    ax.set(xlabel="win odds against the company's average (1 = average)", ylabel="churn against average")
    return ax


def _corner(ax: Axes, odds: float, hazard: float) -> None:
    """The axes' ticks, and the corner of those who both win and lose more, shaded and named."""
    from matplotlib.ticker import FixedLocator, NullLocator

    for axis, cut in ((ax.xaxis, odds), (ax.yaxis, hazard)):
        low, high = axis.get_view_interval()
        axis.set_major_locator(FixedLocator((1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8, 16) if high > 12 * low else (0.4, 0.5, 0.75, 1, 1.25, 1.5, 2, 3, 4)))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter("{x:g}")
        axis.set_view_interval(low, max(high, cut * 1.2), ignore=True)
    right, top = ax.get_xlim()[1], ax.get_ylim()[1]
    ax.set(xlim=ax.get_xlim(), ylim=ax.get_ylim())  # the corner reaches as far as the axes do
    ax.fill_between([odds, right], hazard, top, color=WARM, alpha=0.08, linewidth=0)
    corner = f"odds over {odds:g} and churn over {hazard:g}"
    beside(ax, corner, (1, 1), (-4, -4), xycoords="axes fraction", ha="right", va="top", fontsize=10, color=MUTED)


def _key(ax: Axes, colours: Any, ticks: list[float]) -> None:
    """What the colours mean, beside the chart."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    key = figure_of(ax).colorbar(
        ScalarMappable(Normalize(0, 1), colours),
        ax=ax,
        fraction=0.035,
        pad=0.02,
        aspect=40,
        ticks=ticks,
        format=lambda v, _: f"{v:.0%}",
    )
    key.ax.tick_params(length=0, labelsize=10)
    key.outline.set_visible(False)  # type: ignore[operator]
    key.set_label("probability of both", color=INK, fontsize=10)


def _name(ax: Axes, dots: pd.DataFrame, reps: pd.DataFrame, x: str, y: str, labels: str) -> None:
    """Name some of the dots, each name where it meets no dot and no other name, as near as can be; a line leads to it and
    crosses no name: the nearest dot may be somebody else's.
    """
    scale = 72 / figure_of(ax).dpi * np.array([0.95, 0.78])  # the three lines of text will take the rest
    places = ax.transData.transform(dots[[x, y]].astype(float).to_numpy()) * scale
    room, at = ax.bbox.get_points() * scale, dict(zip(dots.index, places, strict=True))
    words = {i: letters(name, 24) for i, name in reps[labels].items()}
    # who is named first has the nearest place: that order is kept which leaves the fewest without one
    put = min(
        (
            _put([(i, *at[i], words[i]) for i in order.index], places, room)
            for order in (reps, reps.sort_values(x), reps.sort_values(x)[::-1])
        ),
        key=lambda put: put[0],
    )
    for i, (dx, dy) in put[1].items():
        side = "left" if dx > 0 else "right"
        leader = {"arrowstyle": "-", "color": MUTED, "linewidth": 0.7, "shrinkB": 4, "relpos": (float(dx < 0), 0.5)}
        behind = {"facecolor": "white", "alpha": 0.92, "linewidth": 0, "pad": 0.8}
        beside(ax, words[i], reps.loc[i, [x, y]], (dx, dy), fontsize=10, color=INK, ha=side, zorder=5,
               arrowprops=leader, bbox=behind)


def _put(order: Sequence[tuple[Any, float, float, str]], dots: Any, room: Any) -> tuple[int, dict[Any, tuple[int, int]]]:
    """Where each name goes, from its dot, when they are put in this order (index, place, words); before it, how many found no free place."""
    taken: list[tuple[float, ...]] = [(a - 5, a + 5, b - 5, b + 5) for a, b in dots]
    names: list[tuple[float, ...]] = []
    (start, bottom), (end, _) = room
    got, without = {}, 0
    for i, a, b, words in order:
        wide = 6.0 * len(words)
        options = [(dx, dy) for dy in (6, -15, 22, -31, 38, -47) for dx in (8, -8)]
        boxes = [(a + dx - wide * (dx < 0), a + dx + wide * (dx > 0), b + dy - 2, b + dy + 12) for dx, dy in options]
        leaders = [[(a + t * dx, a + t * dx, b + t * (dy + 5), b + t * (dy + 5)) for t in np.linspace(0, 1, 12)] for dx, dy in options]
        free = [
            j
            for j, box in enumerate(boxes)
            if start < box[0]
            and box[1] < end
            and bottom < box[2]
            and not _meet([box], taken)
            and not _meet(leaders[j], names)
        ]
        k = (free or [1])[0]
        got[i], without = options[k], without + (not free)
        names.append(boxes[k])
        taken += [boxes[k], *leaders[k]]
    return without, got


def _meet(boxes: Sequence[tuple[float, ...]], others: Sequence[tuple[float, ...]]) -> bool:
    """Whether any of the boxes (left, right, bottom, top; a point has no width) overlaps any of the others."""
    return any(a[0] < b[1] and b[0] < a[1] and a[2] < b[3] and b[2] < a[3] for a in boxes for b in others)
