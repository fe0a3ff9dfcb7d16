"""Look at a file as it is: its dialect, its columns, and what kind of values each of them holds."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from os.path import realpath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retainkit.check.dialect import dialect
from retainkit.check.numbers import Numbers, numbers_in
from retainkit.check.parts import parts_of
from retainkit.errors import (
    BadValueError,
    MissingDataError,
    RetainkitError,
    closest,
    counted,
    first_line,
    listed,
)
from retainkit.load.book import in_groups
from retainkit.load.database import called, extract, is_address, is_database, tables_in
from retainkit.load.dates import Days, counted_days, days_by, days_in, months_in
from retainkit.load.endings import PACKED, READ
from retainkit.load.other import is_other
from retainkit.load.plan import TablePlan
from retainkit.load.read import relations_in
from retainkit.load.recode import uneven
from retainkit.load.relation import padded
from retainkit.load.sources import written
from retainkit.sqltext import quoted

if TYPE_CHECKING:
    import duckdb

MOST = 2_000_000  # rows looked at; of a larger file a sample
SAMPLE = 400_000  # rows in a sample
NUMBERING = re.compile(
    r"[\W\d_]+|(?<![a-z])(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*(?![a-z])"
)  # what tells the parts of an export apart
MOST_TABLES = 60  # of a database
FOLDERS, BEYOND = "name them too if they belong to it", f"a database has more than {MOST_TABLES} tables; export these"
WIDE = 150  # columns looked at closely
ENOUGH = 20_000  # distinct texts of a column that are looked at, unless they leave a doubt
DAYLIKE = re.compile("dat|day|tag|time|column|fecha|month|created|_at$| at$|^ts$|_ts$|epoch")  # eight digits are a day only under such a name


@dataclass(frozen=True)
class Column:
    """One column of a file: how SQL names it, and what its values are like."""

    name: str
    sql: str
    rows: int
    filled: int
    distinct: int
    kind: str  # day, number, text or empty
    days: Days | None = None  # of a text: the months it writes
    numbers: Numbers | None = None
    least: float | None = None
    values: tuple[str, ...] = ()  # a few, the most frequent first


@dataclass(frozen=True)
class Look:
    """One file, or several of the same layout: where it is, how to read it, and its columns."""

    files: tuple[Path, ...]
    settings: dict[str, Any]  # what retainkit.toml must say to read it
    con: duckdb.DuckDBPyConnection
    table: str  # in the connection: its rows as text (a sample of a very large file)
    rows: int
    sampled: bool
    names: dict[str, str]  # its columns, and how SQL names each
    sheets: int = 1
    shared: int = 0  # rows that stand in an earlier file or sheet as well
    parts: tuple[str, ...] = ()  # SQL of the rows of each of several files
    lacking: dict[str, list[str]] = field(default_factory=dict)  # of its files and sheets, those without a column that others have
    beside: list[list[str]] = field(default_factory=list)  # sheets of its workbook that hold other tables
    columns: dict[str, Column] = field(default_factory=dict)
    nearly: dict[str, tuple[list[str], list[str]]] = field(
        default_factory=dict
    )  # canonical table -> its needed columns that are there, and those that are not

    def count(self, where: str) -> int:
        """How many of its rows are so."""
        return int(self.con.execute(f"select count(*) from {self.table} where {where}").fetchall()[0][0])

    @property
    def common(self) -> list[str]:
        """SQL of the columns that all of its files and sheets have."""
        return [sql for name, sql in self.names.items() if all(name not in missing for missing in self.lacking.values())]

    @property
    def name(self) -> str:
        if "address" in self.settings:
            return called(self.settings["address"], self.settings["query"])
        if "sheets" in self.settings:
            return f"{self.files[0].name}, {'sheet' if len(self.settings['sheets']) == 1 else 'sheets'} {listed(self.settings['sheets'])}"
        return self.files[0].name if len(self.files) == 1 else f"{self.files[0].name} and {len(self.files) - 1} more"

    @property
    def seen(self) -> str:
        """What a count over its rows is a count of."""
        return f"{self.name} ({counted(self.rows, 'row')} of it looked at)" if self.sampled else self.name


@dataclass(frozen=True)
class Source:
    """One table to look at: a file, and what retainkit.toml must say to come by it."""

    file: Path
    settings: dict[str, Any] = field(default_factory=dict)


def sources_in(paths: Sequence[str | Path]) -> tuple[list[Source], list[str]]:
    """The readable files that were named, those in the folders that were named, and the tables of databases; and what was named, or is in such
    a folder, and is not looked at: a line each kind, with what to do about it.
    """
    found: list[Source] = []
    named = {realpath(path) for path in map(str, paths) if not is_address(path)}
    passed: dict[str, list[str]] = {hint: [] for hint in (FOLDERS, "unpack first", "of a kind that is not read", BEYOND)}
    for path in map(str, paths):
        if not is_address(path) and not Path(path).exists():
            beside = sorted(p.name for p in Path(path).parent.iterdir()) if Path(path).parent.is_dir() else []
            near = closest(Path(path).name, beside)
            remedy = str(Path(path).parent / near) if near else "the path of a file or a folder"
            raise MissingDataError(path, "does not exist", f"in {Path(path).parent}: {listed(beside) or 'nothing'}", remedy)
        for file in [path] if is_address(path) else _inside(path):
            name, place = str(file).lower(), Path(file)
            if is_address(path) or (is_database(name) and place.is_file()):
                tables = tables_in(str(file), Path())
                found += [_answer(str(file), f"select * from {table}") for table in tables[:MOST_TABLES]]
                passed[BEYOND] += tables[MOST_TABLES:]
            elif place.is_dir() and realpath(place) not in named:
                passed[FOLDERS].append(place.name)
            elif place.is_file() and name.endswith(READ):
                found.append(Source(place))
            elif place.is_file():
                passed["unpack first" if name.endswith(PACKED) else "of a kind that is not read"].append(place.name)
    folders = passed[FOLDERS]
    passed[FOLDERS] = folders and [f"{counted(len(folders), 'folder')} ({listed(folders)})"]
    told = [f"{listed(names)}: {hint}" for hint, names in passed.items() if names]
    if not found:
        raise MissingDataError(
            ", ".join(map(str, paths)),
            "holds no file that can be read",
            "; ".join(told) or listed(file.name for path in map(str, paths) for file in _inside(path)) or "an empty folder",
            f"files ending in {', '.join(READ)}, or a database",
        )
    return list({(realpath(s.file), repr(s.settings)): s for s in found}.values()), told  # a folder, and a file in it, name that file twice


def _inside(path: str | Path) -> list[Path]:
    """A file itself, or what is in a folder, but for what programs hide there."""
    return sorted(p for p in Path(path).iterdir() if not p.name.startswith(("~$", "."))) if Path(path).is_dir() else [Path(path)]


def _answer(address: str, query: str) -> Source:
    """A table of a database, as a query and the file its answer became."""
    plain = called(address, query)
    file = extract(address, query, name=plain.rpartition(" in ")[0], folder=Path(), where=plain)
    return Source(file, {"address": address, "query": query})


def look_at(con: duckdb.DuckDBPyConnection, source: Source, number: int, encoding: str = "", *, even: bool = False) -> Look:
    """One file: its rows as texts, and the names of its columns."""
    path = source.file
    settings = dict(source.settings) if path.suffix.lower() == ".parquet" or is_other(path) else dialect(path, encoding)
    plan = TablePlan("orders", (path,), uneven=even, **written(settings, path.name))
    table = f"look_{number}"
    try:
        with tempfile.TemporaryDirectory(prefix="retainkit-look-") as folder:
            for file, lines in (*parts_of(path, plan.encoding, MOST, Path(folder)), (path, 0)):
                read = relations_in(con, plan, file, 900 + number)
                relations = padded(read)
                types = relations[0].types
                sql = ", ".join(f'cast("{quoted(c)}" as varchar) as "{quoted(c)}"' for c in types)
                everything = " union all ".join(f"select {sql or '1 as nothing'} from {r.sql} s{n}" for n, r in enumerate(relations))
                con.execute(f"create or replace temp table {table} as select * from ({everything}) t limit {MOST + 1}")
                # all of it is fetched: no frame can be registered beside an answer that is read in part
                (rows,) = con.execute(f"select count(*) from {table}").fetchall()[0]
                if rows >= 0.95 * lines:  # parts that do not come out as rows were cut inside quoted text
                    break
        sampled = file != path or rows > MOST
        if rows > MOST:
            con.execute(
                f"create or replace temp table {table} as select * from ({everything}) t using sample reservoir({SAMPLE} rows) repeatable (8)"
            )
            rows = SAMPLE
    except RetainkitError:
        raise
    except Exception as err:
        if uneven(err) and not even:
            return look_at(con, source, number, encoding, even=True)
        raise BadValueError(path.name, "cannot be read as a table", first_line(err), "export it again as CSV or Parquet") from err
    names = {name: f'"{quoted(name)}"' for name in types}
    if settings.get("columns") == ["line"]:
        names = _blank_separated(con, table)
    lacking = {r.name: missing for r in read if (missing := [name for name in types if name not in r.types])}
    found = Look((path,), settings, con, table, rows, sampled, names, len(relations), beside=read[0].beside, lacking=lacking)
    return replace(found, shared=_shared(con, [r.sql for r in relations], found.common))


def described(look: Look, decimal: str = "", date_format: str = "", first: Callable[[str], bool] = bool) -> Look:
    """The look with its columns described, of a very wide file those that `first` names and those that hold something before others; a number
    or a day that may be two is what the other columns of the file prove, else what was said: of days "d/m", "m/d" or a format.
    """
    names = list(look.names)
    if len(names) > WIDE:
        counts = ", ".join(f"count(nullif(trim({sql}), ''))" for sql in look.names.values())
        filled = look.con.execute(f"select {counts} from (select * from {look.table} limit {ENOUGH}) t").fetchall()[0]
        place = {name: (not first(name), not n) for name, n in zip(names, filled, strict=True)}
        chosen = set(sorted(names, key=lambda name: place[name])[:WIDE])
        names = [name for name in names if name in chosen]
    columns = {name: described_column(look, name, look.names[name], decimal, date_format) for name in names}
    proved = {c.numbers.mark for c in columns.values() if c.numbers and c.numbers.mark}
    if len(proved) == 1:
        columns |= {n: described_column(look, n, c.sql, *proved) for n, c in columns.items() if c.numbers and c.numbers.doubt and not c.numbers.both}
    return replace(look, columns={n: replace(c, days=_settled(look, c, columns, date_format)) for n, c in columns.items()})


def _settled(look: Look, column: Column, columns: dict[str, Column], date_format: str) -> Days | None:
    """The days of a column; where they leave a doubt, read as another column of the file proves them, or as they were said to be written."""
    days = column.days
    if not days or not days.doubt:
        return days
    proved = {f.split()[0]: c.name for c in columns.values() if c.days and not c.days.doubt for f in c.days.formats}
    chosen = [f for f in days.doubt if f.split()[0] in proved and not days.proof]
    if len(chosen) == 1:
        return days.settled(chosen[0], f"as in `{proved[chosen[0].split()[0]]}`")
    if not date_format:
        return days
    said = next((f for f in days.doubt if f == date_format or (f.startswith(f"%{date_format[:1]}") and len(date_format) == 3)), None)
    if said is None:
        raise BadValueError(
            "--date-format",
            f"is not how `{column.name}` in {look.name} may be written",
            date_format,
            f'--date-format "{days.doubt[0]}"',
        )
    return days.settled(said, f"as you said, though {days.proof}" if days.proof else "as you said")


def _shared(con: duckdb.DuckDBPyConnection, parts: Sequence[str], columns: Iterable[str]) -> int:
    """Rows that more than one file or sheet has, beyond the one that has them most often; the columns as SQL."""
    if len(parts) < 2:
        return 0
    row = ", ".join(columns)
    each = " union all ".join(f"select {n} as part, hash({row}) as whole, count(*) as n from {part} s{n} group by 2" for n, part in enumerate(parts))
    both = f"select sum(n) as total, max(n) as most from ({each}) e group by whole"
    return int(con.execute(f"select coalesce(sum(total - most), 0) from ({both}) t").fetchall()[0][0])


def _blank_separated(con: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    """The columns of a file whose values stand apart by blanks, each cut out of its line by SQL."""
    n = int((con.execute(f"select max(len(string_split_regex(trim(line), ' +'))) from {table}").fetchone() or (0,))[0] or 0)
    return {f"column{k}": f"string_split_regex(trim(line), ' +')[{k}]" for k in range(1, n + 1)}


def described_column(look: Look, name: str, sql: str, decimal: str, date_format: str = "") -> Column:
    """What the values of one column are like, seen from its distinct texts."""
    con = look.con
    con.execute(
        f"create or replace temp table texts as select trim({sql}) as v, count(*) as n from {look.table} where coalesce(trim({sql}), '') <> '' group by 1"
    )
    distinct, filled = con.execute("select count(*), coalesce(sum(n), 0) from texts").fetchone() or (0, 0)
    if not filled:
        return Column(name, sql, look.rows, 0, 0, "empty")
    values = "texts"
    if distinct > ENOUGH:
        values = "some_texts"
        con.execute(f"create or replace temp table some_texts as select * from texts using sample reservoir({ENOUGH} rows) repeatable (8)")
    top = con.execute("select left(v, 80) from texts order by n desc, v limit 30").fetchall()
    column = Column(name, sql, look.rows, int(filled), distinct, "text", values=tuple(v for v, in top))
    days = days_in(con, values, "texts", sql) or (days_by(con, values, date_format) if "%" in date_format else None)
    if days and (days.formats != ("%Y%m%d",) or DAYLIKE.search(name.lower())):
        return replace(column, kind="day", days=days)
    if numbers := numbers_in(con, values, sql, decimal):
        value = numbers.sql.replace(sql, "v") or "try_cast(v as double)"
        least, most = con.execute(f"select min({value}), max({value}) from texts").fetchone() or (None, None)
        if not numbers.sql and DAYLIKE.search(name.lower()) and (counted := counted_days(sql, least, most)):
            return replace(column, kind="day", days=counted)
        return replace(column, kind="number", numbers=numbers, least=least)
    return replace(column, days=months_in(con, values))


def grouped(looks: list[Look]) -> list[Look]:
    """Files of one folder with the same columns are parts of one table, and looked at together; of those called alike, one may lack a few."""
    groups = in_groups(looks, lambda look: len(look.names), _of_one_table)  # the widest first: it has the columns of all
    whole = (_together(group[0], sorted(group, key=looks.index)) for group in groups)
    return sorted(whole, key=lambda look: [f.files for f in looks].index(look.files[:1]))


def _of_one_table(wide: Look, look: Look) -> bool:
    """Whether two files are parts of one table: all or most of the columns, and names that differ in numbers and months only."""
    if (wide.files[0].parent, wide.files[0].suffix, repr(wide.settings)) != (look.files[0].parent, look.files[0].suffix, repr(look.settings)):
        return False
    called = [NUMBERING.sub("", each.files[0].name.lower()) for each in (wide, look)]
    return set(wide.names) == set(look.names) or (
        called[0] == called[1] and set(look.names) <= set(wide.names) and 3 * len(look.names) >= 2 * len(wide.names)
    )


def _together(wide: Look, parts: list[Look]) -> Look:
    """Several files as one look, with the columns of the widest; what another lacks is empty there."""
    lacking = {look.name: missing for look in parts if (missing := [name for name in wide.names if name not in look.names])}
    for look in parts:
        for name in lacking.get(look.name, ()):
            wide.con.execute(f'alter table {look.table} add column "{quoted(name)}" varchar')
    sampled = any(look.sampled for look in parts)
    several = not sampled and len(parts) > 1
    # more rows are put below those of one
    each = (f"(select * from {look.table} where rowid < {look.rows})" for look in parts if several)
    wide = replace(wide, lacking={name: missing for look in parts for name, missing in look.lacking.items()} | lacking)
    shared = sum(look.shared for look in parts) + (0 if sampled else _shared(wide.con, [look.table for look in parts], wide.common))
    for look in parts:
        if look.table != wide.table:
            wide.con.execute(f"insert into {wide.table} by name select * from {look.table}")
    return replace(
        wide,
        files=tuple(f for look in parts for f in look.files),
        rows=sum(look.rows for look in parts),
        sampled=sampled,
        shared=shared,
        parts=tuple(each),
        settings=wide.settings | ({"missing": "empty"} if wide.lacking else {}),
    )
