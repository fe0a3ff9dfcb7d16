"""Charts of reps: funnels that show what luck alone does, and the map of winning against keeping."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from retainkit.show.data import drawn
from retainkit.show.style import ACCENT, INK, MUTED, letters

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WARM = "#aa6600"


def plot_funnel(table: pd.DataFrame, *, ax: Axes, x: str, y: str, centre: float, labels: str = "rep", percent: bool = False) -> Axes:
    """Draw each rep's `y` against how much is known (`x`), inside the lines where luck alone leaves 95 and 99.8 %.

    The limits are the columns `low95, high95, low998, high998`. Only reps outside the outer lines are named; those who
    have left are grey.
    """
    from matplotlib.ticker import PercentFormatter

    table = drawn(ax, table, labels, x, y, "low95", "high95", "low998", "high998", "departed", "n").dropna(subset=[y])
    lines = table.sort_values(x)
    for low, high, style in (("low95", "high95", "--"), ("low998", "high998", "-")):
        for side in (low, high):
            ax.plot(lines[x], lines[side].astype(float), linestyle=style, color=MUTED, linewidth=1)
    ax.axhline(centre, color=INK, linewidth=1)
    gone = table.get("departed", pd.Series(False, index=table.index)).astype(bool)
    outside = (table[y] > table["high998"]) | (table[y] < table["low998"])
    for rows, colour in ((gone, "#b6bec8"), (~gone & ~outside, ACCENT), (~gone & outside, WARM)):
        ax.plot(table.loc[rows, x], table.loc[rows, y], "o", color=colour, markersize=8)
    for row in table[outside].to_dict("records"):
        ax.annotate(letters(row[labels], 24), (row[x], row[y]), xytext=(-8, 6), textcoords="offset points", color=INK, ha="right", fontsize=10)
    if percent:
        ax.yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0))
    ax.set(ylim=(0, None), xlim=(0, None))
    return ax


def plot_rep_map(reps: pd.DataFrame, *, ax: Axes, odds: float = 1.1, hazard: float = 1.25, named: int = 3) -> Axes:
    """Draw each rep's shrunk win odds ratio against the churn hazard ratio, with 80 % whiskers, warmer where both are likely high.

    Log scales; the corner above `odds` and `hazard` is shaded. The `named` reps with the highest probability of being
    in it are named; those who have left are grey.
    """
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.ticker import ScalarFormatter

    reps = drawn(ax, reps, "rep", "odds_ratio", "or_low80", "or_high80", "hazard_ratio", "hr_low80", "hr_high80", "p_joint", "departed").dropna(subset=["odds_ratio"])
    warm = LinearSegmentedColormap.from_list("warm", ["#c9d3df", WARM, "#770011"])
    ax.set(xscale="log", yscale="log")
    for row in reps.to_dict("records"):
        colour = "#b6bec8" if row["departed"] else warm(min(row["p_joint"], 1.0))
        ax.plot([row["or_low80"], row["or_high80"]], [row["hazard_ratio"]] * 2, color=colour, linewidth=1, alpha=0.5)
        ax.plot([row["odds_ratio"]] * 2, [row["hr_low80"], row["hr_high80"]], color=colour, linewidth=1, alpha=0.5)
        ax.plot(row["odds_ratio"], row["hazard_ratio"], "o", color=colour, markersize=9, markeredgecolor="white")
    right, top = ax.get_xlim()[1], ax.get_ylim()[1]
    ax.fill_between([odds, max(right, odds * 1.2)], hazard, max(top, hazard * 1.2), color=WARM, alpha=0.08, linewidth=0)
    ax.axvline(1, color=MUTED, linewidth=0.8)
    ax.axhline(1, color=MUTED, linewidth=0.8)
    _name(ax, reps[~reps["departed"].astype(bool)].nlargest(named, "p_joint"))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(ScalarFormatter())
        axis.set_minor_formatter(lambda v, _: f"{v:g}" if round(v, 2) in (0.5, 0.6, 0.8, 1.5, 2, 3) else "")
    ax.set(xlabel="win odds against the company's average (1 = average)", ylabel="churn against average")
    return ax


def _name(ax: Axes, reps: pd.DataFrame) -> None:
    """Name dots of the map, each name where it meets no other: to the right, else to the left, above or below."""
    taken: list[tuple[float, float, float]] = []
    scale = 72 / ax.get_figure(root=True).dpi  # type: ignore[union-attr]
    for row in reps.sort_values("hazard_ratio", ascending=False).to_dict("records"):
        words = letters(row["rep"], 24)
        wide, (x, y) = 6.0 * len(words), ax.transData.transform((row["odds_ratio"], row["hazard_ratio"])) * scale
        places = [(8, 6, "left", x + 8), (-8, 6, "right", x - 8 - wide), (8, -15, "left", x + 8), (-8, -15, "right", x - 8 - wide)]
        free = [p for p in places if not any(abs(y + p[1] - b) < 14 and p[3] < end and a < p[3] + wide for a, end, b in taken)]
        right, up, side, left = (free or places)[0]
        taken.append((left, left + wide, y + up))
        ax.annotate(words, (row["odds_ratio"], row["hazard_ratio"]), xytext=(right, up), textcoords="offset points", fontsize=10, color=INK, ha=side,
                    bbox={"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 0.8})
