"""One file, sheet or frame as something SQL can select rows of texts from, and which of its columns are offered to expressions as numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from retainkit.load.mapping import reads
from retainkit.load.schema import TABLES
from retainkit.load.sources import TablePlan
from retainkit.sqltext import quoted

if TYPE_CHECKING:
    import duckdb

NUMBERS = ("BIGINT", "DOUBLE")  # how the engine calls a column of a text file that it takes for numbers
NO_NUMBER = r"'^[+-]?0[0-9]|[0-9]{16}|[a-zA-Z]'"  # what is not the same number any more once it was one: 007, more digits than fit, 1e5


@dataclass(frozen=True)
class Relation:
    """One file (or frame) as something SQL can select from."""

    name: str  # as the user calls it
    sql: str  # a from clause that yields `row_no` (null: the rows come in order, and the place in the table says it) and the columns
    types: dict[str, str]  # source column -> SQL type
    first_row: int  # the row number of the first data row, as a person would count it
    rejects: str | None = None  # the engine's table of rows it could not split into columns
    numbered: bool = False  # `row_no` is the number a person counts already
    path: Path | None = None  # the text file it is, and what separates its columns
    delimiter: str = ","


def padded(relations: list[Relation]) -> list[Relation]:
    """Each file with the columns of all of them: those it lacks are empty."""
    every = {name: kind for r in reversed(relations) for name, kind in r.types.items()}
    found = []
    for relation in relations:
        have = {name.lower() for name in relation.types}
        more = {name: kind for name, kind in every.items() if name.lower() not in have}
        empty = "".join(f', cast(null as {"varchar" if relation.rejects else kind}) as "{quoted(name)}"' for name, kind in more.items())
        found.append(replace(relation, sql=f"(select *{empty} from {relation.sql} p)", types=relation.types | more))
    return found


def with_numbers(con: duckdb.DuckDBPyConnection, relation: Relation, relations: list[Relation]) -> Relation:
    """A text file of several with its empty columns as numbers, where another has numbers there: nothing in it says what they are."""
    numbers = {name: kind for r in relations if r.path for name, kind in r.types.items() if kind in NUMBERS}
    texts = [name for name in numbers if relation.path and relation.types.get(name) == "VARCHAR"]
    if not texts:
        return relation
    filled = _counts(con, relation, [f"""nullif(trim("{quoted(name)}"), '')""" for name in texts])
    return replace(relation, types=relation.types | {name: numbers[name] for name, n in zip(texts, filled, strict=False) if not n})


def ids_as_written(con: duckdb.DuckDBPyConnection, plan: TablePlan, relation: Relation) -> Relation:
    """Columns that an expression makes an id, or a name, of: numbers where all of the file's values are, and text otherwise.

    The engine's guess looks at the first rows only, and a1 further down, or 007, would be another customer as a number, or none.
    """
    table = TABLES[plan.table]
    said = [text for name, text in plan.columns.items() if table.column(name).kind in ("id", "text") and text not in relation.types]
    names = [name for name, kind in relation.types.items() if kind in NUMBERS and relation.rejects and any(reads(text, [name]) for text in said)]
    if not names:
        return relation
    values = [f"""nullif(trim("{quoted(name)}"), '')""" for name in names]
    found = _counts(
        con,
        relation,
        [
            ask
            for v in values
            for ask in (
                v,
                f"case when try_cast({v} as double) is not null and not regexp_matches({v}, {NO_NUMBER}) then 1 end",
                f"case when regexp_full_match({v}, '-?[0-9]+') then 1 end",
            )
        ],
    )
    kinds = {name: "BIGINT" if whole == n else "DOUBLE" if numbers == n else "VARCHAR"
             for name, n, numbers, whole in zip(names, found[::3], found[1::3], found[2::3], strict=False)}
    return replace(relation, types=relation.types | kinds)


def _counts(con: duckdb.DuckDBPyConnection, relation: Relation, values: list[str]) -> tuple[int, ...]:
    """How many of a file's rows have each value; nothing where it cannot be read, which is said when it is."""
    try:
        found = con.execute(f"select {', '.join(f'count({value})' for value in values)} from {relation.sql} t").fetchone() or ()
    except Exception:
        return ()
    if relation.path:
        for suffix in ("", "_scan"):  # what it could not split is noted when it is read
            con.execute(f"drop table if exists {relation.rejects}{suffix}")
    return tuple(found)
