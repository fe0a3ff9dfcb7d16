"""The store: checked tables as Parquet, kept in a cache that is keyed by what was read and how.

A second open of unchanged files parses nothing. Entries are written aside and renamed into place, so that two
runs at once cannot corrupt one; deleting the cache costs only time.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from glob import glob
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retainkit.aside import ensure, write_aside
from retainkit.errors import BadValueError, first_line, listed
from retainkit.load.engine import cache_folder
from retainkit.load.plan import Plan, TablePlan
from retainkit.load.progress import told
from retainkit.load.recode import opened, stamp
from retainkit.load.schema import TABLES, Column, Table
from retainkit.load.stage import stage
from retainkit.sqltext import literal

if TYPE_CHECKING:
    import duckdb

LAYOUT = 17  # raise it when the loader or the store's files change: older entries are then not found
KEPT_DAYS = 60
MEMO = "blake2b.json"
SQL_TYPES = {"day": "date", "money": "decimal(18, 4)", "number": "decimal(18, 4)"}


def sql_type(column: Column) -> str:
    """The SQL type a canonical column has in the store."""
    return SQL_TYPES.get(column.kind, "varchar")


def fingerprint(plan: Plan, tz: str | None) -> tuple[str, list[dict[str, Any]]]:
    """The key of a plan's store, and its source files with their hashes."""
    memo = _Hashes(cache_folder() / MEMO)
    sources: list[dict[str, Any]] = [
        {"table": t.table, "path": str(f), "bytes": f.stat().st_size, "blake2b": memo.of(f)}
        for t in plan.tables.values()
        for f in t.files
    ]
    joined = [memo.of(join.files[0]) for t in plan.tables.values() for join in t.joins]
    # a column that is called what it is has the same rows with a mapping that says so as without
    mapping = [replace(t, columns={c: x for c, x in t.columns.items() if c != x}) for t in plan.tables.values()]
    names = [(s["table"], Path(s["path"]).name, s["blake2b"]) for s in sources]
    memo.save()
    return hashlib.sha256(repr((LAYOUT, tz, mapping, names, joined)).encode()).hexdigest()[:24], sources


class _Hashes:
    """Content hashes remembered by what is another once a file was changed, so that unchanged files are not read to know that they are unchanged."""

    def __init__(self, path: Path) -> None:
        self.path, self.changed, self.known = path, False, dict[str, list[Any]]()
        with suppress(OSError, ValueError, TypeError):  # not there yet, or damaged
            self.known.update(json.loads(path.read_text()))

    def of(self, file: Path) -> str:
        size, time_ns, *more = now = stamp(file)
        name = str(file.resolve())
        if self.known.get(name, [None])[:-1] == now:
            return str(self.known[name][-1])
        with file.open("rb") as handle:
            digest = hashlib.file_digest(handle, "blake2b").hexdigest()  # where the processor knows no SHA, in half the time; `b2sum` says the same
        self.known[name], self.changed = [size, time_ns if _settled(time_ns) else None, *more, digest], True
        return digest

    def save(self) -> None:
        if self.changed:
            write_aside(self.path, lambda aside: aside.write_text(json.dumps(self.known)))


@contextmanager
def sound(store: Path) -> Iterator[None]:
    """Say a damaged file of a store, where the engine says that it makes no sense of one, with the line that takes it away."""
    import duckdb

    try:
        yield
    except duckdb.Error as err:
        elsewhere = re.search(r"No space left|Could not write|Permission denied|Too many open files|No (such )?files? ", str(err))
        if type(err) is duckdb.Error or (str(store) in str(err) and not elsewhere):
            raise BadValueError(str(store), "holds a file that is damaged", first_line(err),
                                f"rm -r {shlex.quote(str(store))}, which costs only time, and open the shop again") from err
        raise


def prune(cache: Path) -> None:
    """Remove entries that no run has used for two months, and what runs that were killed left half made before that."""
    for used in (cache / name for pattern in ("*/done", ".*", "*/.*") for name in glob(pattern, root_dir=cache)):
        with suppress(OSError):  # another run was quicker
            if time.time() - used.stat().st_mtime > KEPT_DAYS * 86_400:
                old = used.parent if used.name == "done" else used
                shutil.rmtree(old, ignore_errors=True) if old.is_dir() else old.unlink()


def stored(con: duckdb.DuckDBPyConnection, plan: Plan, tz: str | None) -> tuple[Path, list[dict[str, Any]]]:
    """The folder of a plan's store, made if it is not there, and its source files with their hashes."""
    with told(con, "looking whether the files are known"):
        key, sources = fingerprint(plan, tz)
    _refuse_copies(plan, sources)

    def build(aside: Path) -> None:
        build_store(con, plan, tz, aside)
        try:
            now, others = fingerprint(plan, tz)
            found = listed(Path(f["path"]).name for f, g in zip(others, sources, strict=False) if f["blake2b"] != g["blake2b"])
        except OSError as err:
            now, found = "", f"{Path(str(err.filename)).name} is gone"
        if now != key:  # its rows would be found for ever by a key that is not theirs
            raise BadValueError(plan.name, "changed while it was read", found, "open it again once the export is complete")

    return ensure(cache_folder() / key, build), sources


def _refuse_copies(plan: Plan, sources: list[dict[str, Any]]) -> None:
    """Refuse a file whose rows another file of the table has byte for byte: each would count twice. Files of a header alone are often the same."""
    seen = dict[tuple[str, str], str]()
    for source in sources:
        path, first = source["path"], seen.setdefault((source["table"], source["blake2b"]), source["path"])
        if first != path and not plan.tables[source["table"]].once and any(islice(opened(Path(path), "latin-1"), 1, None)):
            raise BadValueError(
                Path(path).name,
                f"is {Path(first).name} once more, byte for byte, and every row of {source['table']} would count twice",
                f"{source['bytes']:,} bytes each",
                f'overlap = "once" under [{source["table"]}] in retainkit.toml, or a path that names one of them',
            )


def _settled(time_ns: int) -> bool:
    """Whether a file changed at that time is finished: within the next seconds it may change again without its time moving."""
    return time.time() - time_ns / 1e9 > 3


def build_store(con: duckdb.DuckDBPyConnection, plan: Plan, tz: str | None, folder: Path) -> None:
    """Read, check and write every table of a plan, with the rejected rows and the counts that reconcile."""
    for table_plan in plan.tables.values():
        stage(con, table_plan, tz=tz)
    with_customers = [t for t in plan.tables if "customer_id" in _columns(con, t)]
    everyone = (
        " union all ".join(
            f"select customer_id from stage_{t} where why is null and customer_id is not null" for t in with_customers
        )
        or "select cast(null as varchar) as customer_id where false"
    )
    con.execute(
        f"create or replace temp table ids as select cast(row_number() over (order by customer_id) as integer) as customer, customer_id from (select distinct customer_id from ({everyone}) e) u"
    )
    write(con, "select * from ids order by customer", folder / "ids.parquet")
    for name in plan.tables:
        with told(con, f"storing {name}"):
            _write_table(con, TABLES[name], folder)
    facts = {name: _facts(con, TABLES[name], plan.tables[name]) for name in plan.tables}
    (folder / "facts.json").write_text(json.dumps(facts, default=str, indent=1))
    for name in plan.tables:
        con.execute(f"drop table if exists stage_{name}")
        con.execute(f"drop table if exists reject_{name}")


def _columns(con: duckdb.DuckDBPyConnection, table: str) -> set[str]:
    return {c for c, *_ in con.execute(f"describe stage_{table}").fetchall()}


def _write_table(con: duckdb.DuckDBPyConnection, table: Table, folder: Path) -> None:
    have = _columns(con, table.name)
    columns = []
    for column in table.columns:
        if column.name == "customer_id":
            columns.append("i.customer" if "customer_id" in have else "cast(null as integer) as customer")
        elif column.sql_name in have:
            columns.append(f"s.{column.sql_name}")
        else:
            kind = f"enum({', '.join(map(literal, column.choices))})" if column.choices else sql_type(column)
            columns.append(f"cast({literal(column.default)} as {kind}) as {column.sql_name}")
    join = "left join ids i on i.customer_id = s.customer_id" if "customer_id" in have else ""
    order = "" if table.name == "orders" else "order by s.file, s.row_no, s.rowid"  # orders as they were read: sorted when that is first of use
    write(con, f"select {', '.join(columns)} from stage_{table.name} s {join} where s.why is null {order}", folder / f"{table.name}.parquet")
    write(
        con,
        f'select file, row_no as row, col as "column", why as reason, found from reject_{table.name} order by file, row_no',
        folder / f"rejected_{table.name}.parquet",
    )


def write(con: duckdb.DuckDBPyConnection, select: str, path: Path) -> None:
    """The rows of a query as one of the store's files."""
    # a dictionary of order numbers would be given up after it was made: only short ones are tried. What is written as differences is little
    # smaller when it is packed as well, which takes as long as all the rest
    con.execute(f"copy ({select}) to {literal(str(path))} (format parquet, parquet_version v2, compression uncompressed, dictionary_size_limit 1000)")


def _facts(con: duckdb.DuckDBPyConnection, table: Table, plan: TablePlan) -> dict[str, Any]:
    """Counts by file, how many values each column holds, and how far the table's clock reaches."""
    have = _columns(con, table.name)
    dated = f"min({table.day}), max({table.day})" if table.day in have else "null, null"
    kept = {
        f: (n, a, b)
        for f, n, a, b in con.execute(
            f"select file, count(*), {dated} from stage_{table.name} where why is null group by file"
        ).fetchall()
    }
    rejected = dict(con.execute(f"select file, count(*) from reject_{table.name} group by file").fetchall())
    inside = list(dict.fromkeys([*kept, *rejected]))  # files, or the sheets of a workbook
    names = [n for n in map(plan.label, plan.files) if n in inside or not any(i.startswith(f"{n}, sheet ") for i in inside)]
    names += sorted(i for i in inside if i not in names)
    files = [{"file": f, "rows": kept.get(f, (0,))[0] + rejected.get(f, 0), "kept": kept.get(f, (0,))[0], "rejected": rejected.get(f, 0),
              "first_day": kept.get(f, (0, None, None))[1], "last_day": kept.get(f, (0, None, None))[2]} for f in names]
    present = [c for c in table.columns if c.sql_name in have]
    counts = con.execute(f"select {', '.join(f'count({c.sql_name})' for c in present)} from stage_{table.name} where why is null").fetchone() or ()
    facts: dict[str, Any] = {"files": files, "columns": {c.name: n for c, n in zip(present, counts, strict=True)}}
    if table.name == "orders":
        facts["several_days"] = con.execute("select several, orders from by_order").fetchone()
    return facts
