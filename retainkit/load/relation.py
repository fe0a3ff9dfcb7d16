"""One file, sheet or frame as something SQL can select rows of texts from, and which of its columns are offered to expressions as numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retainkit.errors import closest
from retainkit.load.mapping import reads
from retainkit.load.plan import TablePlan
from retainkit.load.schema import TABLES
from retainkit.sqltext import quoted

if TYPE_CHECKING:
    import duckdb

NUMBERS = ("BIGINT", "DOUBLE")  # what a column of texts may be to expressions
LOOKED = 20_480  # the first rows of a text file
A_TEXT = "'^([+]|0[0-9]|-?[0-9]{19})|[_a-df-zA-DF-Z]'"  # what nobody calculates with, though a number could be made of it: 007, 2026_01
NONE = "'^[+-]?(nan|inf|infinity)$'"  # what other tools write where a number is none: it is rejected by itself, not with its column
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
    beside: list[list[str]] = field(default_factory=list)  # sheets of its workbook that hold other tables, by table
    common: tuple[str, ...] = ()  # where files lack columns of others, those that all have


@dataclass(frozen=True)
class Source:
    """What a mapping is worked out over: a file, with what is joined to it."""

    con: duckdb.DuckDBPyConnection
    plan: TablePlan
    relation: Relation
    sql: str  # a from clause
    types: dict[str, str]  # the columns an expression may use
    raw: dict[str, str]  # what stands for a plain column name


def padded(relations: list[Relation]) -> list[Relation]:
    """Each file with the columns of all of them: those it lacks are empty."""
    every = {name: kind for r in reversed(relations) for name, kind in r.types.items()}
    shared = set.intersection(*({name.lower() for name in r.types} for r in relations))
    found = []
    for relation in relations:
        have = {name.lower() for name in relation.types}
        more = {name: kind for name, kind in every.items() if name.lower() not in have}
        empty = "".join(f', cast(null as {"varchar" if relation.rejects else kind}) as "{quoted(name)}"' for name, kind in more.items())
        common = tuple(name for name in relation.types if name.lower() in shared)
        found.append(replace(relation, sql=f"(select *{empty} from {relation.sql} p)", types=relation.types | more, common=common))
    return found


def numbered(con: duckdb.DuckDBPyConnection, plan: TablePlan, relations: list[Relation]) -> list[Relation]:
    """Files of texts, and sheets, with the columns as numbers that expressions read and that hold some; one that is empty in a file is
    what it is in another.
    """
    found = [_kinds(con, plan, relation) for relation in relations]
    numbers = {name for kinds in found for name, kind in kinds.items() if kind in NUMBERS}
    known = ({name: kind or ("DOUBLE" if name in numbers else "VARCHAR") for name, kind in kinds.items()} for kinds in found)
    return [replace(relation, types=relation.types | kinds) for relation, kinds in zip(relations, known, strict=True)]


def _kinds(con: duckdb.DuckDBPyConnection, plan: TablePlan, relation: Relation) -> dict[str, str]:
    """What columns of texts are to expressions, where there are any: "" where they are empty.

    Of a text file the first rows say it: further down a value that is no number is empty in what is calculated. What is made an id, or a
    name, is a number only where all of its values are: a1 further down, or 007, would be another customer as a number, or none.
    """
    said = {key: text for key, text in plan.stated.items() if text not in relation.types}
    if not said or not relation.rejects:
        return {}
    names = [text for key, text in said.items() if key != "where" and TABLES[plan.table].column(key).kind in ("id", "text")]
    sql = " ".join(said.values())
    meant = {closest(word, relation.types) for word in re.findall(r"\w+", sql)}  # by a misspelt name, which is tried before it is proposed
    read = {name: f'"{quoted(name)}"' for name in relation.types if name in meant or reads(sql, [name])}
    first = _counts(con, relation, read, first=True)
    kinds = {name: "" if not n else "VARCHAR" if texts else "DOUBLE" for name, (n, texts) in first.items()}
    rest = [name for name, kind in kinds.items() if not kind or (kind == "DOUBLE" and reads(" ".join(names), [name]))]
    trimmed = {name: f'trim("{quoted(name)}")' for name in rest}
    for name, (n, same, whole) in _counts(con, relation, trimmed).items():
        exact = "BIGINT" if whole == n else "DOUBLE" if same == n else "VARCHAR"
        kinds[name] = "" if not n else exact if kinds[name] else "VARCHAR"
    return kinds


def _counts(con: duckdb.DuckDBPyConnection, relation: Relation, values: dict[str, str], *, first: bool = False) -> dict[str, tuple[Any, ...]]:
    """How many values columns hold; at first how many are no numbers, then how many are the same ones as numbers, and how many are whole.
    Nothing where they cannot be read, which is said when they are.
    """
    if not values:
        return {}
    each = ", ".join(f"{value} as c{i}" for i, value in enumerate(values.values()))
    number = "case when not regexp_matches(v, {}) then try_cast(v as double) end"
    same = f"count({number.format(NO_NUMBER)}), count(case when regexp_full_match(v, '-?0|-?[1-9][0-9]{{0,17}}') then 1 end)"
    none = f"count(case when regexp_matches(trim(v), {NONE}, 'i') then 1 end)"
    asked, limit = (f"count(v) - count({number.format(A_TEXT)}) - {none}", f"limit {LOOKED}" * bool(relation.path)) if first else (same, "")
    try:
        found = con.execute(f"""select c, count(nullif(trim(v), '')), {asked}
            from (unpivot (select {each} from {relation.sql} t {limit}) on columns(*) into name c value v) u where v <> '' group by c""").fetchall()
    except Exception:
        return {}
    if relation.path:
        for suffix in ("", "_scan"):  # what it could not split is noted when it is read
            con.execute(f"drop table if exists {relation.rejects}{suffix}")
    names = list(values)
    return dict.fromkeys(names, (0, 0) if first else (0, 0, 0)) | {names[int(row[0][1:])]: row[1:] for row in found}
