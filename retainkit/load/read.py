"""One table's files, and a frame in hand, as relations: something SQL can select rows of texts from, with the number of each row."""

from __future__ import annotations

import csv
import re
import zlib
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from retainkit.errors import BadValueError, MissingDataError, saying
from retainkit.load.endings import BOOKS, PACKED
from retainkit.load.frames import registered
from retainkit.load.mapping import apart
from retainkit.load.other import is_other, relations_of
from retainkit.load.plan import TablePlan
from retainkit.load.recode import DELIMITERS, LONGEST, no_endless_line, no_text, opened, opener, utf8
from retainkit.load.relation import Relation
from retainkit.load.schema import TABLES
from retainkit.load.sources import packed_up
from retainkit.sqltext import literal, one_file

if TYPE_CHECKING:
    import duckdb

REORDERS = re.compile(
    r"\b(row_no|over|select)\b", re.IGNORECASE
)  # SQL after which rows are not in the order of the file, or that asks for their number


def relations_in(con: duckdb.DuckDBPyConnection, plan: TablePlan, path: Path, i: int) -> list[Relation]:
    """One file as relations: a workbook may have several sheets of the same table."""
    if path.name.lower().endswith((*(s for s in PACKED if s != ".gz"), ".parquet.gz", *(f"{book}.gz" for book in BOOKS))):
        raise packed_up(path)
    if path.stat().st_size == 0:
        raise MissingDataError(plan.label(path), "is an empty file", "0 bytes", f"export {plan.table} again, with its header row")
    if is_other(path):
        return relations_of(con, plan, path, i)
    return [_text_or_parquet(con, plan, path, i)]


def _text_or_parquet(con: duckdb.DuckDBPyConnection, plan: TablePlan, path: Path, i: int) -> Relation:
    name = plan.label(path)
    even = path.suffix.lower() != ".parquet" and (plan.uneven or _title_apart(plan, path))
    if path.suffix.lower() != ".parquet" and (plan.encoding != "utf-8" or even):
        path, plan = utf8(path, plan.encoding, name, even=even), replace(plan, encoding="utf-8")
    if path.suffix.lower() == ".parquet":
        sql = f"(select file_row_number + 1 as row_no, * exclude (file_row_number) from read_parquet({one_file(path)}, file_row_number=true))"
        return Relation(name, sql, _types(con, plan, name, sql), 1)
    return _csv(con, plan, path, i, name)


def _csv(con: duckdb.DuckDBPyConnection, plan: TablePlan, path: Path, i: int, label: str) -> Relation:
    """Every column as text, so that each value can be checked and a bad one quoted; split by a fixed dialect."""
    names, delimiter = _header(plan, path)
    no_endless_line(path, label)
    columns = ", ".join(f"{literal(name)}: 'varchar'" for name in names)
    rejects = f"split_{plan.table}_{i}"
    for suffix in ("", "_scan"):
        con.execute(f"drop table if exists {rejects}{suffix}")
    dialect = (
        f"read_csv({one_file(path)}, auto_detect=false, delim={literal(delimiter)}, quote='\"', escape='\"', header={literal(plan.header)},"
        f" skip={plan.skip}{f', max_line_size={plan.longest}, buffer_size={2 * plan.longest}' if plan.longest == LONGEST else ''}, columns={{{columns}}}"
    )
    counted = plan.joins or REORDERS.search(f"{plan.columns} {plan.where}")  # counting takes one thread, where reading takes all
    number = "row_number() over ()" if counted else "cast(null as utinyint)"
    sql = f"(select {number} as row_no, * from {dialect}, store_rejects=true, rejects_table='{rejects}', rejects_scan='{rejects}_scan'))"
    return Relation(label, sql, dict.fromkeys(names, "VARCHAR"), plan.skip + (2 if plan.header else 1), rejects, path=path, delimiter=delimiter)


def _title_apart(plan: TablePlan, path: Path) -> bool:
    """Whether the lines above a table end in another way than its own: the engine would take all of it for one line, and find no rows."""
    with suppress(UnicodeDecodeError, LookupError, EOFError, OSError, zlib.error), opened(path, plan.encoding) as lines:  # said by others
        first = [lines.readline(1_000_000) for _ in range(plan.skip + 2 if plan.skip else 0)]
        return len({line[len(line.rstrip("\r\n")) :] for line in first} - {""}) > 1
    return False


def _header(plan: TablePlan, path: Path) -> tuple[list[str], str]:
    """The column names of a text file, and the character that separates them."""
    damaged = "cannot be read: the file is damaged or was cut short"
    try:
        with saying(plan.label(path), damaged, "copy or export it again", EOFError, OSError, zlib.error), opened(path, plan.encoding) as lines:
            for _ in range(plan.skip + 1):
                first = lines.readline(1_000_000)
            more = list(islice(iter(lambda: lines.readline(1_000_000), ""), 20)) if first.count('"') % 2 else []
            ends = next((n for n, line in enumerate(more, 1) if line.count('"') % 2), 0)  # a name over a column may have several lines
            first += "".join(more[:ends])
    except (UnicodeDecodeError, LookupError) as err:
        with opener(path)(path, "rb") as text:
            marked = text.read(2) in (BOM_UTF16_LE, BOM_UTF16_BE)
        raise BadValueError(
            plan.label(path),
            f"is not {plan.encoding} text",
            "the mark of UTF-16 at its beginning" if marked else no_text(path) or str(err),
            plan.line("encoding", "utf-16")
            if marked
            else f"{plan.line('encoding', 'cp1252')} (of Windows; {plan.look} says which it may be)",
        ) from err
    delimiter = plan.delimiter or max(DELIMITERS, key=first.count)
    if not plan.header:
        return apart(plan.names) or [f"column{n}" for n in range(len(first.split(delimiter)))], delimiter
    if not first.strip():
        with opened(path, plan.encoding) as lines:
            below = next((n for n, line in enumerate(islice(lines, plan.skip + 50)) if n > plan.skip and line.strip()), 0)
        again = f"export {plan.table} again, with its header row"
        raise MissingDataError(plan.label(path), "has an empty line where its header row should be" if below else "is an empty file",
                               f"the first words are on line {below + 1}" if below else "no line with words", plan.line("skip", below) if below else again)
    names = next(csv.reader([first], delimiter=delimiter), [])
    return apart([(" ".join(n.split()) if len(n.splitlines()) > 1 else n.strip()) or f"column{p}" for p, n in enumerate(names)]), delimiter


def of_frame(con: duckdb.DuckDBPyConnection, plan: TablePlan) -> Relation:
    """A table in hand as one relation; columns of one name get their places."""
    assert plan.frame is not None
    if not len(plan.frame.columns) and plan.frame.index.names == [None]:
        needed = ", ".join(c.name for c in TABLES[plan.table].columns if c.required)
        raise MissingDataError(f"{plan.table} (table in hand)", "is an empty table", "no column", f'{{"{plan.table}": frame}}, a frame with the columns {needed}')
    sql = registered(
        con,
        plan.table,
        plan.frame.reset_index(drop=True).set_axis(
            apart(["row_no_" if str(c) == "row_no" else str(c) for c in plan.frame.columns]), axis=1
        ),
    )
    return Relation(f"{plan.table} (table in hand)", sql, _types(con, plan, plan.table, sql), 1)


def _types(con: duckdb.DuckDBPyConnection, plan: TablePlan, name: str, sql: str) -> dict[str, str]:
    with saying(name, f"cannot be read as the table {plan.table}", "export it again as CSV or Parquet", Exception):
        return {column: kind for column, kind, *_ in con.execute(f"describe select * from {sql}").fetchall() if column != "row_no"}
