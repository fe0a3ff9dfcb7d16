"""What every estimator asks of its input: columns that are there, counts that are counts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import special

from retainkit.errors import BadValueError, MissingDataError, closest, listed

Array = Any  # a float for scalars in, an array for arrays in


def require_columns(table: pd.DataFrame, columns: list[str], *, name: str) -> None:
    """Raise MissingDataError unless `table`, which the caller calls `name`, has all of `columns`."""
    missing = [column for column in columns if column not in table.columns]
    if not missing:
        return
    near = closest(missing[0], [str(c) for c in table.columns if c not in columns])
    rename = f"{name} = {name}.rename(columns={{{near!r}: {missing[0]!r}}})"
    remedy = rename if near else f"add {listed(missing)}"
    raise MissingDataError(name, f"has no column {listed(missing)}", listed(table.columns), remedy)


def none_of(rows: pd.DataFrame, where: str, wrong: str, remedy: str) -> None:
    """Raise BadValueError, which shows the first of them, if there are any of these rows."""
    if len(rows):
        raise BadValueError(where, wrong, str(rows.iloc[0].to_dict()), remedy)


def not_negative(name: str, values: ArrayLike) -> Any:
    """The values as floats, none below zero; NaN passes."""
    numbers = np.asarray(values, dtype=float)
    if (numbers < 0).any():
        raise BadValueError(name, "must not be negative", f"{np.nanmin(numbers):g}", "count rows")
    return numbers


def whole(name: str, values: ArrayLike) -> Any:
    """The values as floats, every one a whole number of zero or more."""
    numbers = not_negative(name, values)
    counts = np.isfinite(numbers) & (numbers == np.floor(numbers))
    if not counts.all():
        found = f"{numbers[~counts].flat[0]:g}"
        raise BadValueError(name, "must be whole numbers, none missing", found, "count customers, unweighted")
    return numbers


def confidence(level: float) -> float:
    """The confidence level, once it is known to lie between 0 and 1."""
    if not 0 < level < 1:
        raise BadValueError("level", "must lie between 0 and 1", str(level), "level=0.95")
    return level


def z_value(level: float) -> float:
    """The normal quantile of a two-sided confidence level."""
    return float(special.ndtri(0.5 + confidence(level) / 2))


def part_of(name: str, part: ArrayLike, whole: ArrayLike) -> tuple[Any, Any]:
    """A part and the whole it is counted from, as floats, the part no larger."""
    x, n = not_negative(name, part), not_negative("n", whole)
    if (x > n).any():
        raise BadValueError(name, "is more than n", f"{x} of {n}", "count both from the same rows")
    return x, n
