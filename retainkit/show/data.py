"""The table behind a chart: kept beside it when it is drawn, and written as CSV for those who want the numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd

from retainkit.estimate.smalln import GATES, NAMING, hide_few
from retainkit.show.style import figure_of
from retainkit.show.words import clean, missing, sheet_text, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BESIDE = (*NAMING, "n", "at_risk", "observed", "expected", "usual", "low95", "high95", "low998", "high998")  # numbers that say nothing alone
HARDLY = 0.04  # an interval of so few points needs no line to end
_behind: WeakKeyDictionary[Figure, pd.DataFrame] = WeakKeyDictionary()


def drawn(ax: Axes, table: pd.DataFrame, *columns: str | None, count: str = "n", estimate: str = "", by: str | None = None) -> pd.DataFrame:
    """What of the table may be drawn: without the numbers of groups under five. Its `columns` become the chart's data.

    Columns the table has not, and None, are left out. Of fewer than 20 customers the `estimate` is not drawn, the ends of its interval are;
    on a curve (its `count` is of those left at a time), each group's `by` itself, where fewer than 10 are left, or there were never 20.
    Where nearly everybody of 20 or more has been seen, and those few hardly move it, the line goes on.
    """
    allowed = hide_few(table, count=count)
    if estimate and {count, "low", "high"} <= set(allowed):
        counts, full = allowed[count].astype(float), GATES["customers_full"].least
        most = counts.groupby(allowed[by] if by else np.zeros(len(counts))).transform("max")
        few = counts < (full if count == "n" else np.where(most >= full, GATES["at_risk"].least, full))
        still = (allowed["high"] - allowed["low"] <= HARDLY) & (most >= full)
        allowed = allowed.assign(**{estimate: allowed[estimate].mask(few & ~still)})
    _behind[figure_of(ax)] = allowed[list(dict.fromkeys(c for c in columns if c in allowed))]
    return allowed


def blank(fig: Figure) -> bool:
    """Whether the table behind a chart has nothing that may be drawn."""
    table = _behind.get(fig, pd.DataFrame({"drawn": [1.0]}))
    return not table[[c for c in table.select_dtypes("number") if c not in BESIDE]].notna().any(axis=None)


def chart_data(fig: Figure) -> str:
    """The data of a chart as CSV, with four significant digits below one and six above; "" where it was not drawn from a table.

    No cell can run as a formula in a spreadsheet.
    """
    table = _behind.get(fig)
    return "" if table is None else table.map(_cell).to_csv(index=False, lineterminator="\n")


def _cell(value: Any) -> str:
    """A value as a spreadsheet reads it.

    >>> [_cell(v) for v in (0.123456789, 12, True, None, "=cmd()", pd.Timestamp("2026-10-01"))]
    ['0.1235', '12', 'yes', '', "'=cmd()", '2026-10-01']
    """
    if missing(value):
        return ""
    if pd.api.types.is_bool(value):
        return "yes" if value else "no"
    if pd.api.types.is_number(value):
        number: Any = value
        return format(float(number), ".4g" if abs(number) < 1 else ".6g" if abs(number) < 1e6 else ".12g")
    return f"{value:%Y-%m-%d}" if isinstance(value, pd.Timestamp) else sheet_text(short(clean(value)))
