"""Charts of reps: funnels that show what luck alone does, and the map of winning against keeping."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from retainkit.show.style import ACCENT, INK, MUTED
from retainkit.show.words import clean, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WARM = "#aa6600"


def plot_funnel(table: pd.DataFrame, *, ax: Axes, x: str, y: str, centre: float, labels: str = "rep", percent: bool = False) -> Axes:
    """Draw each rep's `y` against how much is known (`x`), inside the lines where luck alone leaves 95 and 99.8 %.

    The limits are the columns `low95, high95, low998, high998`. Only reps outside the outer lines are named; those who
    have left are grey.
    """
    from matplotlib.ticker import PercentFormatter

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
        ax.annotate(short(clean(row[labels]), 24), (row[x], row[y]), xytext=(-8, 6), textcoords="offset points", color=INK, ha="right", fontsize=10)
    if percent:
        ax.yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0))
    ax.set_ylim(bottom=0)
    ax.set_xlim(left=0)
    return ax


def plot_rep_map(reps: pd.DataFrame, *, ax: Axes, odds: float = 1.1, hazard: float = 1.25, named: int = 3) -> Axes:
    """Draw each rep's shrunk win odds ratio against the churn hazard ratio, with 80 % whiskers, warmer where both are likely high.

    Log scales; the corner above `odds` and `hazard` is shaded. The `named` reps with the highest probability of being
    in it are named; those who have left are grey.
    """
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.ticker import ScalarFormatter

    warm = LinearSegmentedColormap.from_list("warm", ["#c9d3df", WARM, "#770011"])
    ax.set_xscale("log")
    ax.set_yscale("log")
    for row in reps.to_dict("records"):
        colour = "#b6bec8" if row["departed"] else warm(min(row["p_joint"], 1.0))
        ax.plot([row["or_low80"], row["or_high80"]], [row["hazard_ratio"]] * 2, color=colour, linewidth=1, alpha=0.5)
        ax.plot([row["odds_ratio"]] * 2, [row["hr_low80"], row["hr_high80"]], color=colour, linewidth=1, alpha=0.5)
        ax.plot(row["odds_ratio"], row["hazard_ratio"], "o", color=colour, markersize=9, markeredgecolor="white")
    right, top = ax.get_xlim()[1], ax.get_ylim()[1]
    ax.fill_between([odds, max(right, odds * 1.2)], hazard, max(top, hazard * 1.2), color=WARM, alpha=0.08, linewidth=0)
    ax.axvline(1, color=MUTED, linewidth=0.8)
    ax.axhline(1, color=MUTED, linewidth=0.8)
    for row in reps[~reps["departed"].astype(bool)].nlargest(named, "p_joint").to_dict("records"):
        ax.annotate(short(clean(row["rep"]), 24), (row["odds_ratio"], row["hazard_ratio"]), xytext=(8, 6), textcoords="offset points", fontsize=10, color=INK)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(ScalarFormatter())
        axis.set_minor_formatter(lambda v, _: f"{v:g}" if round(v, 2) in (0.5, 0.6, 0.8, 1.5, 2, 3) else "")
    ax.set_xlabel("win odds against the company's average (1 = average)")
    ax.set_ylabel("churn against average")
    return ax
