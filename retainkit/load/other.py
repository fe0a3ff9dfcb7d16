"""Files that are neither CSV nor Parquet, as relations of texts: workbooks and JSON lines."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retainkit.errors import MissingDataError, saying
from retainkit.load.book import Sheet, sheets_of
from retainkit.load.endings import BOOKS, LINES
from retainkit.load.recode import utf8
from retainkit.load.relation import Relation
from retainkit.sqltext import literal, one_file, quoted

if TYPE_CHECKING:
    import duckdb

    from retainkit.load.plan import TablePlan


def is_other(path: Path) -> bool:
    """Whether a file is a workbook or JSON lines."""
    return path.name.lower().endswith((*BOOKS, *LINES))


def relations_of(con: duckdb.DuckDBPyConnection, plan: TablePlan, path: Path, number: int) -> list[Relation]:
    """What SQL may select from: a relation a sheet, or one for a file of JSON lines; `row_no` is the row a person counts."""
    label = plan.label(path)
    if not path.name.lower().endswith(BOOKS):
        return [_json_lines(con, plan, utf8(path, plan.encoding, label), label, number)]
    alike, others = sheets_of(path, plan.sheets)
    return [replace(_sheet(con, f"sheet_{plan.table}_{number}_{i}", sheet, label), beside=others) for i, sheet in enumerate(alike)]


def _sheet(con: duckdb.DuckDBPyConnection, name: str, sheet: Sheet, label: str) -> Relation:
    import pandas as pd

    frame = pd.DataFrame([cells for _, cells in sheet.rows], columns=sheet.header, dtype="string")
    frame = frame.assign(row_no=pd.array([n for n, _ in sheet.rows], dtype="int64"))
    con.register(f"{name}_frame", frame)
    con.execute(f"create or replace temp table {name} as select * from {name}_frame")
    con.unregister(f"{name}_frame")
    con.execute(f"create or replace temp table {name}_rejects (line bigint, error_type varchar, csv_line varchar)")
    if sheet.rejected:
        con.executemany(f"insert into {name}_rejects values (?, ?, ?)", sheet.rejected)
    types = dict.fromkeys(sheet.header, "VARCHAR")
    return Relation(f"{label}, sheet {sheet.name}", f"(select * from {name})", types, 1, f"{name}_rejects", numbered=True)


def _json_lines(con: duckdb.DuckDBPyConnection, plan: TablePlan, path: Path, label: str, number: int) -> Relation:
    """An object a line; an object inside becomes columns named with a point (`customer.id`); a broken line is rejected."""
    name = f"lines_{plan.table}_{number}"
    compression = ", compression='gzip'" if path.suffix.lower() == ".gz" else ""
    with saying(label, "cannot be read as JSON lines", "one JSON object a line, in UTF-8", Exception):
        con.execute(f"""create or replace temp table {name}_text as select row_number() over () as row_no, line, try_cast(line as json) as j from read_csv({one_file(path)},
            auto_detect=false, header=false, delim='\\x1d', quote='', escape='', columns={{'line': 'varchar'}}, max_line_size=16777216, parallel=false,
            null_padding=true, strict_mode=false{compression})""")
    con.execute(
        f"create or replace temp table {name}_objects as select row_no, line, case when json_type(j) = 'OBJECT' then j end as j from {name}_text where coalesce(trim(line), '') <> ''"
    )
    shape = json.loads(con.execute(f"select json_group_structure(j) from {name}_objects").fetchall()[0][0] or "0")
    paths = _paths(shape) if isinstance(shape, dict) else {}  # of nothing, and of empty objects, it is a word
    if not paths:
        first = con.execute(f"select left(line, 80) from {name}_text where trim(line) <> '' order by row_no limit 1").fetchone() or ("only empty lines",)
        raise MissingDataError(label, "has no line that is a JSON object", first[0], 'one JSON object a line: {"order_id": 1, ...}')
    columns = ", ".join(f'j ->> {literal(p)} as "{quoted(n)}"' for n, p in paths.items())
    con.execute(f"create or replace temp table {name} as select row_no, {columns} from {name}_objects where j is not null")
    con.execute(
        f"create or replace temp table {name}_rejects as select row_no as line, 'no JSON object' as error_type, line as csv_line from {name}_objects where j is null"
    )
    return Relation(label, f"(select * from {name})", dict.fromkeys(paths, "VARCHAR"), 1, f"{name}_rejects", numbered=True)


def _paths(shape: dict[str, Any], into: str = "$", before: str = "", depth: int = 0) -> dict[str, str]:
    """The columns of objects, of what the engine says of their keys: name -> JSON path. Lists, and what is an object in some only, are one column."""
    found: dict[str, str] = {}
    for key, inside in sorted(shape.items()):
        path, name = f"{into}.{json.dumps(key, ensure_ascii=False)}", f"{before}{key}"
        found |= _paths(inside, path, f"{name}.", depth + 1) if isinstance(inside, dict) and depth < 2 else {name: path}
    return found
