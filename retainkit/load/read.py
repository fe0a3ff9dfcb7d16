"""Read one table's files into a staging table of checked rows: canonical columns beside the reason to reject.

Everything happens in the engine, straight from the files; only rejected rows and counts come out to Python.
"""

from __future__ import annotations

import csv
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from retainkit.errors import BadValueError, MissingDataError, counted, first_line, listed
from retainkit.load.book import BOOKS, TOTALS
from retainkit.load.frames import registered
from retainkit.load.mapping import apart, check_lines, checked, how_to_read, missing_column, one_of_each
from retainkit.load.marks import check_marks, too_long
from retainkit.load.other import is_other, relations_of
from retainkit.load.parse import Parsed, parse, plain_id, reasons
from retainkit.load.progress import told
from retainkit.load.recode import LONGEST, no_endless_line, opened, utf8
from retainkit.load.schema import TABLES, Column, Table
from retainkit.load.sources import PACKED, TablePlan, cache_folder, packed_up
from retainkit.tally import literal

if TYPE_CHECKING:
    import duckdb

# What must hold between the columns of a row: (columns it needs, when to reject, why).
RULES: dict[str, list[tuple[set[str], str, str]]] = {
    "orders": [({"refunded_on"}, "refunded_on < ordered_on", "refunded before it was bought")],
    "deals": [
        ({"closed_on"}, "closed_on < opened_on", "closed before it was opened"),
        ({"closed_on"}, "outcome <> 'open' and closed_on is null", "won or lost, but `closed_at` is empty"),
    ],
    "contracts": [({"ended_on"}, "ended_on < started_on", "ended before it started")],
    "responses": [(set(), "score < 0 or score > 10 or score <> round(score)", "`score` is not a whole number from 0 to 10")],
    "spend": [(set(), "amount < 0", "`amount` is negative")],
}
REORDERS = re.compile(r"\b(row_no|over|select)\b", re.IGNORECASE)  # SQL after which rows are not in the order of the file, or that asks for their number
NUMBERS = ("BIGINT", "DOUBLE")  # how the engine calls a column of a text file that it takes for numbers
DISPUTED = "its order_id belongs to another customer in an earlier row"
TOTAL = "a line of totals"
SEEN = "the same row stands in an earlier file or sheet"


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


def stage(con: duckdb.DuckDBPyConnection, plan: TablePlan, *, tz: str | None) -> None:
    """Create `stage_<table>` (the source's rows as canonical columns, `why` null when kept) and `reject_<table>`."""
    table = TABLES[plan.table]
    relations = [_frame(con, plan)] if plan.frame is not None else [r for i, f in enumerate(plan.files) for r in _read(con, plan, f, i)]
    relations = _padded(relations) if plan.padded else relations
    relations = [_with_numbers(con, relation, relations) for relation in relations]
    _words(con, "file", sorted({r.name for r in relations}))
    _words(con, "col", ["", *table.names])
    selects, whys, timed = zip(*(_select(con, table, plan, relation, tz) for relation in relations), strict=True)
    _words(con, "why", dict.fromkeys([*(why for found in whys for why in found), _twin(table), DISPUTED, TOTAL, SEEN]))
    try:
        with told(con, f"reading {table.name}"):
            con.execute("set disabled_optimizers = 'in_clause'")  # it makes a join of a list of five, and rows come out of a join in no order
            con.execute(f"create or replace table stage_{table.name} as {' union all by name '.join(selects)}")
    except Exception as err:
        for relation in relations:
            inner, _, raw = _source(con, plan, relation)
            check_lines(con, plan, relation.name, inner, relation.first_row, {key: raw.get(text, text) for key, text in plan.stated.items()})
        raise BadValueError(listed(r.name for r in relations), f"cannot be read as the table {table.name}", first_line(err),
                            f"check the mapping under [{table.name}], or export the file again") from err
    finally:
        con.execute("set disabled_optimizers = ''")
    if plan.longest < LONGEST and any(r.path and r.rejects and too_long(con, r.rejects) for r in relations):
        return stage(con, replace(plan, longest=LONGEST), tz=tz)
    if tz is None:
        _check_zone(con, table, dict(zip((r.name for r in relations), zip(relations, timed, strict=True), strict=True)))
    with told(con, f"checking {table.name}"):
        if plan.once:
            _drop_seen(con, table)
        _check_keys(con, table)
        _name_totals(con, table)
    con.execute(f"create or replace table reject_{table.name} (file varchar, row_no bigint, col varchar, why varchar, found varchar)")
    for relation in relations:
        _keep_rejects(con, table.name, relation)
    _check_wrong_kind(con, table, plan)


def _padded(relations: list[Relation]) -> list[Relation]:
    """Each file with the columns of all of them: those it lacks are empty."""
    every = {name: kind for r in reversed(relations) for name, kind in r.types.items()}
    found = []
    for relation in relations:
        have = {name.lower() for name in relation.types}
        more = {name: kind for name, kind in every.items() if name.lower() not in have}
        empty = "".join(f', cast(null as {"varchar" if relation.rejects else kind}) as "{name}"' for name, kind in more.items())
        found.append(replace(relation, sql=f"(select *{empty} from {relation.sql} p)", types=relation.types | more))
    return found


def _with_numbers(con: duckdb.DuckDBPyConnection, relation: Relation, relations: list[Relation]) -> Relation:
    """A text file of several with its empty columns as numbers, where another has numbers there: nothing in it says what they are."""
    numbers = {name: kind for r in relations if r.path for name, kind in r.types.items() if kind in NUMBERS}
    texts = [name for name in numbers if relation.path and relation.types.get(name) == "VARCHAR"]
    if not texts:
        return relation
    counts = ", ".join(f"""count(nullif(trim("{name}"), ''))""" for name in texts)
    filled = con.execute(f"select {counts} from {relation.sql} t").fetchone() or ()
    for suffix in ("", "_scan"):  # what it could not split is noted when it is read
        con.execute(f"drop table if exists {relation.rejects}{suffix}")
    return replace(relation, types=relation.types | {name: numbers[name] for name, n in zip(texts, filled, strict=True) if not n})


def _words(con: duckdb.DuckDBPyConnection, name: str, words: Iterable[str]) -> None:
    """A type for texts that are few and stand in every row: one byte each, in the order given."""
    con.execute(f"create or replace temp type {name}_word as enum ({', '.join(map(literal, words))})")


def _file(con: duckdb.DuckDBPyConnection, plan: TablePlan, path: Path, i: int) -> Relation:
    """One file as one relation; of a workbook, its first sheet."""
    return _read(con, plan, path, i)[0]


def _read(con: duckdb.DuckDBPyConnection, plan: TablePlan, path: Path, i: int) -> list[Relation]:
    """One file as relations: a workbook may have several sheets of the same table."""
    if path.name.lower().endswith((*(s for s in PACKED if s != ".gz"), ".parquet.gz", *(f"{book}.gz" for book in BOOKS))):
        raise packed_up(path)
    if path.stat().st_size == 0:
        raise MissingDataError(plan.label(path), "is an empty file", "0 bytes", f"export {plan.table} again, with its header row")
    if is_other(path):
        return [Relation(name, sql, types, 1, rejects, numbered=True) for name, sql, types, rejects in relations_of(con, plan, path, i)]
    return [_text_or_parquet(con, plan, path, i)]


def _text_or_parquet(con: duckdb.DuckDBPyConnection, plan: TablePlan, path: Path, i: int) -> Relation:
    name = plan.label(path)
    if path.suffix.lower() != ".parquet" and plan.encoding != "utf-8":
        path, plan = utf8(path, plan.encoding, name, cache_folder()), replace(plan, encoding="utf-8")
    escaped = "".join(f"[{c}]" if c in "*?[" else c for c in str(path))
    if path.suffix.lower() == ".parquet":
        sql = f"(select file_row_number + 1 as row_no, * exclude (file_row_number) from read_parquet({literal(escaped)}, file_row_number=true))"
        return Relation(name, sql, _types(con, plan, name, sql), 1)
    return _csv(con, plan, path, escaped, i, name)


def _csv(con: duckdb.DuckDBPyConnection, plan: TablePlan, path: Path, escaped: str, i: int, label: str) -> Relation:
    """Every column as text, so that each value can be checked and a bad one quoted; split by a fixed dialect."""
    names, delimiter = _header(plan, path)
    no_endless_line(path, label)
    columns = ", ".join(f"{literal(name)}: 'varchar'" for name in names)
    rejects = f"split_{plan.table}_{i}"
    for suffix in ("", "_scan"):
        con.execute(f"drop table if exists {rejects}{suffix}")
    dialect = (f"read_csv({literal(escaped)}, auto_detect=false, delim={literal(delimiter)}, quote='\"', escape='\"', header={literal(plan.header)},"
               f" skip={plan.skip}{f', max_line_size={plan.longest}, buffer_size={2 * plan.longest}' if plan.longest == LONGEST else ''}, columns={{{columns}}}")
    counted = plan.joins or REORDERS.search(f"{plan.columns} {plan.where}")  # counting takes one thread, where reading takes all
    number = "row_number() over ()" if counted else "cast(null as utinyint)"
    sql = f"(select {number} as row_no, * from {dialect}, store_rejects=true, rejects_table='{rejects}', rejects_scan='{rejects}_scan'))"
    types = dict.fromkeys(names, "VARCHAR")
    if any(expression not in names for expression in plan.columns.values()) or plan.where:
        # expressions may calculate: columns that look like numbers are offered to them as numbers
        try:
            seen = con.execute(f"describe select * from read_csv({literal(escaped)}, delim={literal(delimiter)}, quote='\"', escape='\"', strict_mode=false, ignore_errors=true,"
                               f" header={literal(plan.header)}, skip={plan.skip}, names={list(names)!r}, null_padding=true, parallel=false)").fetchall()
        except Exception as err:  # the engine's guess at the types gives up on what its reader would split or reject
            raise BadValueError(label, "cannot be split into columns", first_line(err).split(". ")[0], "export it again, or name delimiter and encoding in retainkit.toml") from err
        types |= {name: kind for name, kind, *_ in seen if kind in NUMBERS}
    return Relation(label, sql, types, plan.skip + (2 if plan.header else 1), rejects, path=path, delimiter=delimiter)


def _header(plan: TablePlan, path: Path) -> tuple[list[str], str]:
    """The column names of a text file, and the character that separates them."""
    try:
        with opened(path, plan.encoding) as lines:
            for _ in range(plan.skip + 1):
                first = lines.readline(1_000_000)
    except (EOFError, OSError, zlib.error) as err:
        raise BadValueError(plan.label(path), "cannot be read: the file is damaged or was cut short", first_line(err), "copy or export it again") from err
    except (UnicodeDecodeError, LookupError) as err:
        raise BadValueError(plan.label(path), f"is not {plan.encoding} text", str(err), f'encoding = "cp1252" (Windows) under [{plan.table}]') from err
    delimiter = plan.delimiter or max(",;\t|", key=first.count)
    if not plan.header:
        return apart(plan.names) or [f"column{n}" for n in range(len(first.split(delimiter)))], delimiter
    names = next(csv.reader([first], delimiter=delimiter), [])
    return apart([n.strip() or f"column{p}" for p, n in enumerate(names)]), delimiter


def _frame(con: duckdb.DuckDBPyConnection, plan: TablePlan) -> Relation:
    assert plan.frame is not None
    sql = registered(con, plan.table, plan.frame.reset_index(drop=True).set_axis(apart([str(c) for c in plan.frame.columns]), axis=1))
    return Relation(f"{plan.table} (table in hand)", sql, _types(con, plan, plan.table, sql), 1)


def _types(con: duckdb.DuckDBPyConnection, plan: TablePlan, name: str, sql: str) -> dict[str, str]:
    try:
        return {column: kind for column, kind, *_ in con.execute(f"describe select * from {sql}").fetchall() if column != "row_no"}
    except Exception as err:
        raise BadValueError(name, f"cannot be read as the table {plan.table}", str(err).splitlines()[0], "export it again as CSV or Parquet") from err


def _select(con: duckdb.DuckDBPyConnection, table: Table, plan: TablePlan, relation: Relation, tz: str | None) -> tuple[str, list[str], str]:
    """One file's rows as canonical columns, with the first reason to reject each; the reasons there are; and its rows with a time of day.

    Every expression is written once, and a value's text is made only for rows that are rejected.
    """
    inner, types, raw = _source(con, plan, relation)
    read: dict[Column, tuple[str, Parsed]] = {}
    for column in (c for c in table.columns if c.name not in plan.off):
        expression = plan.columns.get(column.name) or (column.name if column.name in types else None)
        one_of_each(plan, relation.name, column.name, expression or column.name, types)
        if expression is not None:
            source = raw.get(expression) or _as_written(expression, raw)
            sql_type = checked(con, plan, relation.name, inner, column.name, source, list(types))
            read[column] = source, parse(column, f"raw_{column.name}", sql_type, tz=tz, formats=plan.date_formats)
        elif column.required:
            raise missing_column(plan, relation.name, column.name, list(types))
    if plan.where:
        one_of_each(plan, relation.name, "where", plan.where, types)
        checked(con, plan, relation.name, inner, "where", plan.where, list(types))
    whys = [("left_out", f"left out by where = {plan.where}", "", "null")] if plan.where else []
    whys += [(bad, why, c.name, f"left({p.text}, 200)") for c, (_, p) in read.items() for bad, why in reasons(c, c.sql_name, p.text)]
    have = {c.sql_name for c in read}
    whys += [(bad, why, "", "null") for needs, bad, why in RULES.get(table.name, []) if needs <= have]

    def first(what: str, part: int, kind: str) -> str:
        cases = " ".join(f"when {what.format(literal(why[1])) or why[0]} then {literal(why[part]) if part < 3 else why[part]}" for why in whys)
        return f"cast(case {'when why is null then null ' if part > 1 else ''}{cases} end as {kind})"

    texts = ", ".join(f"{source} as raw_{c.name}" for c, (source, _) in read.items())
    values = ", ".join(f"{p.value} as {c.sql_name}" for c, (_, p) in read.items())
    zoned = "" if tz else f", {' or '.join({p.needs_zone for _, p in read.values()})} as zoned"
    left_out = f"({_as_written(plan.where, raw)}) is not true" if plan.where else "false"
    cells = ", ".join(f"coalesce(cast({raw[name]} as varchar), '')" for name in sorted(relation.types))
    whole = f", md5(concat_ws(chr(31), {cells})) as whole" if plan.once else ""
    return (f"select cast({literal(relation.name)} as file_word) as file, row_no, {', '.join(sorted(have))}{', zoned' if zoned else ''}{', whole' if whole else ''}, why,"
            f" {first('why = {}', 2, 'col_word')} as col, {first('why = {}', 3, 'varchar')} as found"
            f" from (select *, {first('', 1, 'why_word')} as why from (select *, {values}{zoned} from (select row_no, {left_out} as left_out, {texts}{whole} from {inner} s) e) v) w",
            [why[1] for why in whys],
            f"select coalesce(row_no, row_number() over ()) as n, case {' '.join(f'when {p.needs_zone} then {p.text}' for _, p in read.values())} end as found from (select row_no, {texts} from {inner} s) e")


def _source(con: duckdb.DuckDBPyConnection, plan: TablePlan, relation: Relation) -> tuple[str, dict[str, str], dict[str, str]]:
    """The from clause, the columns an expression may use, and what stands for a plain column name.

    In text files a plain column is taken as written, and so it is where an expression trims it or casts it to text; else an
    expression sees numbers as numbers.
    """
    raw = {name: f'"{name}"' for name in relation.types}
    numeric = [name for name, kind in relation.types.items() if kind in NUMBERS and relation.rejects]
    sql = relation.sql
    if numeric:
        casts = ", ".join(f'"{n}" as "as written {n}", try_cast("{n}" as double) as "{n} "' for n in numeric)
        rest = ", ".join(f'"{n}"' for n in relation.types if n not in numeric)
        sql = f"(select row_no, {casts}{', ' + rest if rest else ''} from {sql} t)"
        renamed = ", ".join(f'"{n} " as "{n}", "as written {n}"' for n in numeric)
        sql = f"(select row_no, {renamed}{', ' + rest if rest else ''} from {sql} t)"
        raw |= {n: f'"as written {n}"' for n in numeric}
    types = dict(relation.types)
    for i, join in enumerate(plan.joins):
        other = _file(con, TablePlan(plan.table, encoding=join.encoding, skip=join.skip), join.path, 100 + i)
        pairs = [(key, key) if key in types else tuple(part.strip() for part in f"{key}={key}".split("=")[:2]) for key in join.on]
        for mine, theirs in pairs:
            for name, key, have in ((relation.name, mine, types), (join.path.name, theirs, other.types)):
                if key not in have:
                    raise MissingDataError(name, f"has no column `{key}` to join on", listed(have, limit=20), 'on = "a column both files have", or on = "order_id = id"')
        keys = ", ".join(f'"{theirs}"' for _, theirs in pairs)
        twice = con.execute(f"select count(*) - count(distinct ({keys})) from {other.sql} j").fetchone()
        if twice and twice[0]:
            raise BadValueError(join.path.name, f"has more than one row for some {keys}", f"{counted(twice[0], 'row')} too many", "join on columns that name one row each")
        added = [c for c in other.types if c not in types]
        match = " and ".join(f"{plain_id('l.' + raw[mine])} = {plain_id(f'r.{chr(34)}{theirs}{chr(34)}')}" for mine, theirs in pairs)
        sql = f"(select l.*{''.join(f', r.{chr(34)}{c}{chr(34)}' for c in added)} from {sql} l left join {other.sql} r on {match})"
        types |= {c: other.types[c] for c in added}
        raw |= {c: f'"{c}"' for c in added}
    return sql, types, raw


def _as_written(sql: str, raw: dict[str, str]) -> str:
    """SQL in which a column that is trimmed, or cast to text, is what the file says: the number of 007 is 7, and that of 1.100 is 1.1.

    >>> _as_written('trim("no") || cast(no as varchar) || no', {"no": '"as written no"'})
    'trim("as written no") || cast("as written no" as varchar) || no'
    """
    return re.sub(r'(?i)\b(trim\(|cast\()\s*("?)([^"()]+?)\2(\)|\s+as varchar\))', lambda m: f"{m[1]}{raw.get(m[3], m[2] + m[3] + m[2])}{m[4]}", sql)


def _check_zone(con: duckdb.DuckDBPyConnection, table: Table, sources: dict[str, tuple[Relation, str]]) -> None:
    """Refuse times of day of an unknown zone, and read the file once more to name the first of them."""
    n, file = con.execute(f"select count(*), min(file) from stage_{table.name} where zoned and why is null").fetchone() or (0, "")
    if n:
        relation, query = sources[file]
        broken = [line for line, in con.execute(f"select distinct line from {relation.rejects} order by line").fetchall()] if relation.rejects else []
        found = con.execute(f"select n, found from ({query}) t where found is not null order by n limit 3").fetchall()
        raise BadValueError(file, "has times of day, and which date they fall on depends on a time zone",
                            f"{counted(n, 'row')} with a time, {', '.join(f'row {_number(relation, place, broken)}: {text!r}' for place, text in found)}",
                            'tz = "Europe/Berlin" under [shop] in retainkit.toml, or open_shop(..., tz="Europe/Berlin")')


def _number(relation: Relation, place: int, broken: list[int]) -> int:
    """The number a person counts for the row read at a place: broken rows before it are counted, too."""
    number = place if relation.numbered else place + relation.first_row - 1
    for line in broken if not relation.numbered else ():
        number += line <= number
    return number


def _drop_seen(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    """A row that an earlier file or sheet has as well is left out, as often as that one has it."""
    con.execute(f"""create or replace temp table seen as select place from (select place, row_number() over (partition by whole, nth order by file, row_no, place) as copy from (
        select rowid as place, file, row_no, whole, row_number() over (partition by file, whole order by row_no, rowid) as nth from stage_{table.name} where why is null) n) c where copy > 1""")
    con.execute(f"update stage_{table.name} set why = {literal(SEEN)}, col = '' where rowid in (select place from seen)")


def _check_keys(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Of several rows with one key the first is kept; an order that names two customers is its first one's."""
    stage = f"stage_{table.name}"
    if table.key:
        key = ", ".join(table.key)
        con.execute(f"""create or replace temp table twins as select place from (
            select rowid as place, row_number() over (partition by {key} order by file, row_no, rowid) as nth from {stage} where why is null) t where nth > 1""")
        con.execute(f"update {stage} set why = {literal(_twin(table))}, col = '' where rowid in (select place from twins)")
    if table.name == "orders":
        # numbers are grouped in less time and memory than texts, and bits sooner than least and most; two orders of one number do no harm
        con.execute("""create or replace temp table disputed as select o from (select hash(order_id) as o, cast(hash(customer_id) & 2147483647 as integer) as c
            from stage_orders where why is null) t group by o having bit_or(c) <> bit_and(c)""")
        if con.execute("select count(*) from disputed").fetchone() != (0,):
            con.execute(f"""update stage_orders set why = {literal(DISPUTED)}, col = 'customer_id', found = customer_id from (
                select s.order_id, arg_min(s.customer_id, (s.file, coalesce(s.row_no, s.rowid))) as owner from stage_orders s
                where s.why is null and hash(s.order_id) in (select o from disputed) group by s.order_id) d
                where why is null and d.order_id = stage_orders.order_id and d.owner <> stage_orders.customer_id""")


def _twin(table: Table) -> str:
    return f"the same {', '.join(table.key)} as an earlier row"


def _name_totals(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    """A rejected row that says total is no row: it says so, and is no guest."""
    have = {c for c, *_ in con.execute(f"describe stage_{table.name}").fetchall()}
    texts = ["found", *(c.sql_name for c in table.columns if c.kind in ("id", "text") and c.sql_name in have)]
    said = " or ".join(f"regexp_full_match({t}, {literal(TOTALS.pattern)}, 'i')" for t in texts)
    con.execute(f"update stage_{table.name} set why = {literal(TOTAL)}, col = '' where why is not null and (why like '%is empty%' or why like '%is not a%') and ({said})")


def _keep_rejects(con: duckdb.DuckDBPyConnection, table: str, relation: Relation) -> None:
    """Rejected rows with the row number a person would count, those that could not be split into columns among them."""
    here, ahead = literal(relation.name), relation.first_row - 1
    con.execute("create or replace temp table broken (line bigint, kind varchar, text varchar)")
    if relation.rejects:
        con.execute(f"insert into broken select line, min(error_type), min(csv_line) from {relation.rejects} group by line")
        if relation.path:
            check_marks(con, relation.rejects, relation.path, relation.name, relation.delimiter)
    start = f"(select min(rowid) from stage_{table} where file = {here})"
    # the r-th row read stands after as many broken rows as lie before it in the file
    before = f"(select count(*) from (select line - {ahead} - row_number() over (order by line) as before from broken) b where b.before < s.row_no)"
    con.execute(f"""insert into reject_{table} select file, row_no + {0 if relation.numbered else f'{ahead} + {before}'},
        coalesce(col, ''), why, left(found, 200) from (select * replace (coalesce(row_no, rowid + 1 - {start}) as row_no) from stage_{table} where why is not null and file = {here}) s""")
    total = rf"(?i)([^,;|\t]*[,;|\t])*\"?({TOTALS.pattern})\"?([,;|\t].*)?"
    why = "kind" if relation.numbered else f"""case when kind = 'MISSING COLUMNS' and regexp_full_match(text, {literal(total)}) then {literal(TOTAL)}
        when kind = 'INVALID ENCODING' then 'is not UTF-8 text (a file from Windows? then encoding = "cp1252")' else 'cannot be split into the header''s columns: ' || lower(kind) end"""
    con.execute(f"insert into reject_{table} select {here}, line, '', {why}, left(text, 200) from broken")


def _check_wrong_kind(con: duckdb.DuckDBPyConnection, table: Table, plan: TablePlan) -> None:
    """A column that fails in most rows is the wrong column (or format), which rejecting row by row would hide."""
    total = (con.execute(f"select count(*) from stage_{table.name}").fetchone() or (0,))[0]
    worst = con.execute(f"""select col, file, count(*) as n, min(why) from reject_{table.name} where col <> '' and why like '% is not %'
        group by col, file order by n desc limit 1""").fetchall()
    if not worst or worst[0][2] * 2 <= total:
        return
    col, file, n, why = worst[0]
    rows = con.execute(f"select row_no, found from reject_{table.name} where col = ? and file = ? order by row_no limit 3", [col, file]).fetchall()
    raise BadValueError(file, f"{why} in {n:,} of {counted(total, 'row')}", listed(f"row {r}: {f!r}" for r, f in rows),
                        how_to_read(plan, table.column(col), rows[0][1] if rows else ""))
