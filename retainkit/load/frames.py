"""Tables in hand: DataFrames handed to the engine, and what to type on one that cannot be read as it is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from retainkit.load.dates import Days
from retainkit.load.schema import Column, Table

if TYPE_CHECKING:
    import duckdb
    import pandas as pd


def registered(con: duckdb.DuckDBPyConnection, table: str, frame: pd.DataFrame) -> str:
    """The frame, of which no two columns have one name, as something SQL can select from: what the engine has no type
    for (mixed objects, complex numbers) as text.
    """
    import pandas as pd

    def handed(values: pd.Series) -> pd.Series:
        values = values.astype(values.dtype.subtype) if isinstance(values.dtype, pd.SparseDtype) else values
        known = pd.api.types.is_numeric_dtype(values) and not (pd.api.types.is_complex_dtype(values) or pd.api.types.is_bool_dtype(values))
        return values if known or pd.api.types.is_datetime64_any_dtype(values) else values.astype("string")

    con.register(f"frame_{table}", frame.assign(**{c: handed(frame[c]) for c in frame.columns}, row_no=range(1, len(frame) + 1)))
    return f"(select * from frame_{table})"


def how_to_name(table: Table, frame: pd.DataFrame, name: str, fit: dict[str, str]) -> str:
    """What to type where a needed column is missing: it may stand in the index, in one of two rows of names, or under
    another name (`fit`: those that do).
    """
    import pandas as pd

    if name in frame.index.names:
        return "frame.reset_index()"
    levels = frame.columns.nlevels if isinstance(frame.columns, pd.MultiIndex) else 0
    if level := next((n + 1 for n in range(levels) if name in frame.columns.get_level_values(n)), 0):
        return f"frame.set_axis(frame.columns.get_level_values({level - 1}), axis=1)"
    have = [str(c) for c in frame.columns]
    needed = [c.name for c in table.columns if c.required and c.name not in have]
    pairs = ", ".join(f'"{fit.get(n, "...")}": "{n}"' for n in needed)
    return f"frame.rename(columns={{{pairs}}})"


def how_to_read(column: Column, found: str, days: Days | None) -> str:
    """What to type on a frame for values that are written in another way."""
    named = f'frame["{column.name}"]'
    without = "" if column.required else f'; or frame.drop(columns="{column.name}")'
    if column.kind == "choice":
        return f'{named} = {named}.map({{"...": "{column.choices[0]}", ...}}), each of your words to one of {", ".join(column.choices)}{without}'
    if column.kind == "day":
        if re.fullmatch("[0-9]{9,}", found):
            return f'{named} = pandas.to_datetime({named}, unit="{next(unit for least, unit in ((18, "ns"), (15, "us"), (12, "ms"), (0, "s")) if len(found) >= least)}", utc=True){without}'
        if not (days and days.formats):
            return f"a column that holds days, named {column.name}{without}"
        several = ', errors="coerce"' if len(days.formats) > 1 else ""
        first, *others = (f'pandas.to_datetime({named}.astype("string"), format="{f}"{several})' for f in days.formats)
        return f"{named} = {first}{''.join(f'.fillna({other})' for other in others)}{days.either}{without}"
    comma = has_comma(found)
    if re.search("[0-9]", found):
        thousands = r'.str.replace(r"[,]([0-9]{3})", r"\1", regex=True)'
        marks = f'{thousands.replace(",", ".", 1)}.str.replace(",", ".")' if comma else thousands
        minus = r'.str.replace(r"^[^0-9]*[(−-](.*)|(.*[0-9][^0-9.,]*)-[^0-9]*$", r"-\1\2", regex=True)'  # brackets, and a minus behind
        return (
            f'{named} = pandas.to_numeric({named}.astype("string"){minus}{marks}.str.replace("[.,]-+[^0-9]*$|[^0-9.,-]", "", regex=True))'
            + ("" if comma else ", if a point stands before the decimals")
            + without
        )
    return f"a column that holds numbers, named {column.name}{without}"


def has_comma(found: str) -> bool:
    """Whether the decimals of a number stand behind a comma."""
    return bool(re.search(r"[0-9],([0-9]{1,2}|-+)\D*$", found))
