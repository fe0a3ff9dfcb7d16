"""The cohort matrix as a chart: a cell a cohort and period, with its number written in."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from retainkit.estimate.smalln import hide_few
from retainkit.show.data import drawn
from retainkit.show.style import FONT, INK, MUTED, beside, figure_of
from retainkit.show.words import how_many

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_matrix(
    cells: pd.DataFrame, *, row: str, column: str, ax: Axes, value: str = "rate", mature: str = "mature", unit: str = "months since first purchase",
) -> Axes:
    """Draw a cohort matrix: a shade and a number a cell; cells that are not old enough are hatched, never coloured.

    A cell that has not begun is blank. Where the cells know how many `customers` a row has, they stand beside its month.
    """
    import seaborn as sns
    from matplotlib.patches import Rectangle

    counts = hide_few(cells.groupby(row)[["customers"]].first(), count="customers")["customers"].map(how_many) if "customers" in cells else None
    cells = drawn(ax, cells, row, column, value, "n", mature)
    wide = cells.pivot(index=row, columns=column, values=value).astype(float) * 100
    seen = cells.pivot(index=row, columns=column, values="n").notna()
    young = seen & ~cells.pivot(index=row, columns=column, values=mature).eq(True)
    small = wide.shape[1] > 14
    later = wide.where(~young).iloc[:, 1:].to_numpy()  # the first column is everybody, and would drown the rest
    sns.heatmap(
        wide, ax=ax, mask=young | wide.isna(), cmap="Blues", vmin=0, vmax=1.15 * float(np.nanmax(later)) if np.isfinite(later).any() else 100,
        cbar=False, linewidths=0.5, linecolor="white")
    _write_in(ax, wide.mask(young).round().to_numpy(), size=6.5 if small else 9)
    for i, j in zip(*np.nonzero(young.to_numpy()), strict=True):
        ax.add_patch(Rectangle((j, i), 1, 1, facecolor="#f2f4f7", edgecolor="#b6bec8", hatch="////", linewidth=0))
    ax.set_xticks(np.arange(wide.shape[1]) + 0.5, [f"{c}" for c in wide.columns], fontsize=8 if small else 10, rotation=0)
    _name_rows(ax, wide.index, counts)
    ax.set(ylabel="", xlabel=unit)
    ax.grid(visible=False)
    return ax


def _name_rows(ax: Axes, months: Any, counts: pd.Series | None) -> None:
    """The month of every row of a matrix, and how many customers it has: as large as rows are high, and only of every
    few rows where that is too small to read.
    """
    high = 72 * max(figure_of(ax).get_figheight() - 1.7, 1) / len(months)  # points a row: title, source and the axis below take about 1.7 inches
    every = max(1, math.ceil(6.5 / 0.8 / high))
    size, rows = min(9.0, 0.8 * high * every), np.arange(len(months))[::every]
    ax.set_yticks(rows + 0.5, [f"{pd.Timestamp(months[i]):%b %Y}" for i in rows], fontsize=size, rotation=0)
    if counts is None:
        return
    ax.tick_params(axis="y", pad=12 + 0.64 * size * counts.str.len().max())
    write = partial(beside, ax, xycoords=("axes fraction", "data"), ha="right", fontsize=size, color=MUTED,
                    annotation_clip=False)
    write("n", (0, 0), (-5, 3))
    for i in rows:
        write(counts[months[i]], (0, i + 0.5), (-5, 0), va="center")


def _write_in(ax: Axes, numbers: Any, *, size: float) -> None:
    """Write a whole number into every cell of a heat map: as shapes, because a thousand texts take a second."""
    from matplotlib.collections import PathCollection
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath
    from matplotlib.transforms import Affine2D
    from seaborn.utils import relative_luminance

    shapes = {n: TextPath((0, 0), f"{n:.0f}", size=size, prop=FontProperties(family=FONT)) for n in np.unique(numbers[np.isfinite(numbers)])}
    centred = {n: shape.transformed(Affine2D().translate(*-shape.get_extents().get_points().mean(0))) for n, shape in shapes.items()}
    rows, columns = np.nonzero(np.isfinite(numbers))
    light = relative_luminance(ax.collections[0].to_rgba(numbers[rows, columns])) > 0.21  # where ink reads better than white
    ax.add_collection(
        PathCollection(
            [centred[n] for n in numbers[rows, columns]],
            offsets=np.column_stack([columns, rows]) + 0.5,
            offset_transform=ax.transData,
            transform=Affine2D().scale(1 / 72) + figure_of(ax).dpi_scale_trans,
            facecolors=np.where(np.atleast_1d(light), INK, "white"),
            linewidths=0,
        ),
        autolim=False,
    )
