"""SQL as text: the files of `retainkit/sql/`, values and names as they stand in a query."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable, Sequence
from datetime import date
from functools import cache
from importlib import resources
from pathlib import Path

Value = str | int | float | bool | date | None


class Column(str):
    """A column name that goes into the SQL as an identifier, never as a text literal."""


def render(text: str, **values: Value) -> str:
    """SQL text with every `:name` replaced by its literal.

    >>> render("select :x, cast(y as date) <= :d from t where s = :s", x=3, d=date(2026, 1, 31), s="it's")
    "select 3, cast(y as date) <= cast('2026-01-31' as date) from t where s = 'it''s'"
    """
    return re.sub(r"(?<![:\w]):([a-z_]\w*)", lambda match: literal(values[match[1]]), text)


def literal(value: Value) -> str:
    """A value as SQL text."""
    value = getattr(value, "item", lambda: value)()  # of a number of numpy's, Python's own
    if value is None:
        return "null"
    if isinstance(value, Column):
        return str(value)
    if isinstance(value, (int, float)):  # true and false are numbers, too
        return repr(value).lower()
    if isinstance(value, date):
        return f"cast('{value:%Y-%m-%d}' as date)"
    return "'" + value.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """A name as it stands between double quotes in SQL."""
    return name.replace('"', '""')


def one_file(path: Path) -> str:
    """The path of a file to read, as SQL text: the engine takes a star or a bracket for a pattern of names."""
    return literal(glob.escape(str(path)))


def few_rows(columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> Column:
    """A few rows of values as something a tally can join: a subquery with these columns.

    >>> few_rows(["first_age", "last_age"], [(0, 30), (30, 90)])
    '(select first_age, last_age from (values (0, 30), (30, 90)) as v(first_age, last_age))'
    """
    names, lines = ", ".join(columns), ", ".join(f"({', '.join(map(literal, row))})" for row in rows)
    return Column(f"(select {names} from (values {lines}) as v({names}))")  # a union of so many selects takes longer to plan than to answer


@cache
def text_of(name: str) -> str:
    """The text of one SQL file, comments included."""
    return resources.files("retainkit").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
