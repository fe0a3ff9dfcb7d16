"""Read one table's files into a staging table of checked rows: canonical columns beside the reason to reject.

Everything happens in the engine, straight from the files; only rejected rows and counts come out to Python.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from retainkit.errors import BadValueError, MissingDataError, counted, first_line, listed
from retainkit.load.keep import TIMED, by_others, settle
from retainkit.load.mapping import check_lines, checked, kinds, missing_columns, one_of_each, reads
from retainkit.load.marks import too_long
from retainkit.load.parse import Parsed, parse, plain_id, reasons
from retainkit.load.plan import TablePlan
from retainkit.load.progress import told
from retainkit.load.read import of_frame, relations_in
from retainkit.load.recode import LONGEST, uneven
from retainkit.load.relation import NUMBERS, Relation, Source, numbered, padded
from retainkit.load.schema import TABLES, Column
from retainkit.sqltext import literal, quoted

if TYPE_CHECKING:
    import duckdb

ROWS = "\0"  # where the rows come from, in a select
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


def stage(con: duckdb.DuckDBPyConnection, plan: TablePlan, *, tz: str | None) -> None:
    """Create `stage_<table>` (the source's rows as canonical columns, `why` null when kept) and `reject_<table>`."""
    table = TABLES[plan.table]
    relations = [of_frame(con, plan)] if plan.frame is not None else [r for i, f in enumerate(plan.files) for r in relations_in(con, plan, f, i)]
    relations = numbered(con, plan, padded(relations) if plan.padded else relations)
    joined = [replace(relations_in(con, join, file, 100 + i)[0], name=f"{file.name} (joined)") for i, join in enumerate(plan.joins) for file in join.files]
    _words(con, "file", sorted({r.name for r in relations}))
    _words(con, "col", ["", *table.names])
    sources = [_source(con, plan, relation, joined) for relation in relations]
    selects, whys, said = zip(*(_select(source, tz) for source in sources), strict=True)
    _words(con, "why", dict.fromkeys([*(why for found in whys for why in found), *by_others(table)]))
    try:
        with told(con, f"reading {table.name}"):
            con.execute("set disabled_optimizers = 'in_clause'")  # it makes a join of a list of five, and rows come out of a join in no order
            con.execute(f"create or replace table stage_{table.name} as {' union all by name '.join(_alike(sources, selects))}")
    except Exception as err:
        if uneven(err) and not plan.uneven:
            return stage(con, replace(plan, uneven=True), tz=tz)
        for source in sources:
            check_lines(source)
        raise BadValueError(listed(r.name for r in relations), f"cannot be read as the table {table.name}", first_line(err),
                            f"check the mapping under [{table.name}], or export the file again") from err
    finally:
        con.execute("set disabled_optimizers = ''")
    if plan.longest < LONGEST and any(r.path and r.rejects and too_long(con, r.rejects) for r in relations):
        return stage(con, replace(plan, longest=LONGEST), tz=tz)
    settle(con, plan, [*relations, *joined], " union all by name ".join(said))


def _words(con: duckdb.DuckDBPyConnection, name: str, words: Iterable[str]) -> None:
    """A type for texts that are few and stand in every row: one byte each, in the order given."""
    con.execute(f"create or replace temp type {name}_word as enum ({', '.join(map(literal, words))})")


def _alike(sources: list[Source], selects: Sequence[str]) -> Iterator[str]:
    """The selects with their rows in place: once for files in turn that are read alike, for the engine plans each of
    them anew; but a window is of one file.
    """
    alone = bool(re.search(r"(?i)\b(over|select)\b", f"{sources[0].plan.columns} {sources[0].plan.where}"))
    found = [((select, sorted(s.relation.types.items()), i * alone), f'select cast({literal(s.relation.name)} as file_word) as " file", * from {s.sql} t')
             for i, (s, select) in enumerate(zip(sources, selects, strict=True))]
    for (select, *_), group in groupby(found, key=lambda one: one[0]):
        yield select.replace(ROWS, f"({' union all by name '.join(rows for _, rows in group)})")


def _select(source: Source, tz: str | None) -> tuple[str, list[str], str]:
    """One file's rows (for ROWS) as canonical columns, with the first reason to reject each; the reasons there are; and how
    it writes its days, as a query.

    Every expression is written once, and a value's text is made only for rows that are rejected.
    """
    plan, raw = source.plan, source.raw
    read, said_days = _read(source, tz)
    have = {c.sql_name for c in read}
    whys = [("left_out", f"left out by where = {plan.where}", "", "null")] if plan.where else []
    whys += [(bad, why, c.name, f"left({p.text}, 200)") for c, (_, p) in read.items() for bad, why in reasons(c, c.sql_name, p.text)]
    whys += [(bad, why, "", "null") for needs, bad, why in RULES.get(plan.table, []) if needs <= have]
    if times := [p for _, p in read.values() if p.needs_zone != "false"] if tz is None else []:
        text = f"case {' '.join(f'when {p.needs_zone} then {p.text}' for p in times)} end"
        whys.append((" or ".join(p.needs_zone for p in times), TIMED, "", text))

    def first(what: str, part: int, kind: str) -> str:
        cases = " ".join(f"when {what.format(literal(why[1])) or why[0]} then {literal(why[part]) if part < 3 else why[part]}" for why in whys)
        return f"cast(case {'when why is null then null ' if part > 1 else ''}{cases} end as {kind})"

    texts = ", ".join(text for text, _ in read.values())
    values = ", ".join(f"{p.value} as {c.sql_name}" for c, (_, p) in read.items())
    left_out = f"({_as_written(plan.where, raw)}) is not true" if plan.where else "false"
    cells = ", ".join(f"coalesce(cast({raw[name]} as varchar), '')" for name in sorted(source.relation.common or source.relation.types, key=str.lower))
    whole = f", md5(concat_ws(chr(31), {cells})) as whole" if plan.once else ""
    rows = (
        f'select " file" as file, row_no, {", ".join(sorted(have))}{", whole" if whole else ""}, why,'
        f" {first('why = {}', 2, 'col_word')} as col, {first('why = {}', 3, 'varchar')} as found"
        f' from (select *, {first("", 1, "why_word")} as why from (select *, {values} from (select " file", row_no, {left_out} as left_out, {texts}{whole} from {ROWS} s) e) v) w'
    )
    return rows, [why[1] for why in whys], f"select row_no{said_days} from (select row_no, {texts} from {source.sql} s) e"


def _read(source: Source, tz: str | None) -> tuple[dict[Column, tuple[str, Parsed]], str]:
    """For each column that one file has: what it is read from, and how; and what its days are written as, for a query.
    What cannot be read so is said with what to type.
    """
    plan, raw = source.plan, source.raw
    canonical = [c for c in TABLES[plan.table].columns if c.name not in plan.off]
    stated = {c: plan.columns.get(c.name) or (c.name if c.name in source.types else None) for c in canonical}
    lines = {c: raw.get(said) or _as_written(said, raw) for c, said in stated.items() if said is not None}
    known = kinds(source, [*lines.values(), *filter(None, [plan.where])])
    read, said_days = dict[Column, tuple[str, Parsed]](), ""
    for column, said in stated.items():
        one_of_each(source, column.name, said or column.name)
        if said is None:
            continue
        value = lines[column]
        sql_type = known.get(value) or checked(source, column.name, value)
        text, parsed = f"{value} as raw_{column.name}", parse(column, f"raw_{column.name}", sql_type, tz=tz, formats=plan.date_formats)
        if column.required and said not in raw:
            more, parsed = _as_found(parsed, column, [raw[name] for name in reads(said, raw)])
            text += more
        if column.kind == "day" and not sql_type.startswith(("DATE", "TIMESTAMP")):
            said_days += f", {parsed.text} as said_{column.name}"
        read[column] = text, parsed
    if missing := [c for c in stated if c.required and c not in read]:
        raise missing_columns(source, missing)
    if plan.where:
        one_of_each(source, "where", plan.where)
        if plan.where not in known:
            checked(source, "where", plan.where)
    return read, said_days


def _as_found(parsed: Parsed, column: Column, columns: list[str]) -> tuple[str, Parsed]:
    """What a row is rejected for that an expression makes no value of: what stands in the columns it reads, if all of them hold something."""
    names = [f"said_{column.name}_{n}" for n in range(len(columns))]
    found = " || ' | ' || ".join(f"nullif(trim(cast({name} as varchar)), '')" for name in names) or "null"
    return "".join(f", {sql} as {name}" for sql, name in zip(columns, names, strict=True)), replace(parsed, text=f"coalesce({parsed.text}, {found})")


def _source(con: duckdb.DuckDBPyConnection, plan: TablePlan, relation: Relation, joined: list[Relation]) -> Source:
    """A file with what is joined to it.

    In text files a plain column is taken as written, and so it is where an expression trims it, casts it to text or reads it as a number; else an
    expression sees numbers as numbers.
    """
    raw = {name: f'"{quoted(name)}"' for name in relation.types}
    numeric = {name: kind for name, kind in relation.types.items() if kind in NUMBERS and relation.rejects}
    sql = relation.sql
    if numeric:
        casts = ", ".join(f"try_cast({raw[n]} as {kind}) as {raw[n]}" for n, kind in numeric.items())
        written = {n: f'"as written {quoted(n)}"' for n in numeric}
        sql = f"(select * replace ({casts}), {', '.join(f'{raw[n]} as {name}' for n, name in written.items())} from {sql} t)"
        raw |= written
    types = dict(relation.types)
    for join, other in zip(plan.joins, joined, strict=True):
        file = join.files[0].name
        pairs = [(key, key) if key in types else tuple(part.strip() for part in f"{key}={key}".split("=")[:2]) for key in join.on]
        for mine, theirs in pairs:
            for name, key, have in ((relation.name, mine, types), (file, theirs, other.types)):
                if key not in have:
                    raise MissingDataError(
                        name,
                        f"has no column `{key}` to join on",
                        listed(have, limit=20),
                        'on = "a column both files have", or on = "order_id = id"',
                    )
        named = {c: f'"{quoted(c)}"' for c in other.types}
        keys = ", ".join(named[theirs] for _, theirs in pairs)
        twice = con.execute(f"select count(*) - count(distinct ({keys})) from {other.sql} j").fetchone()
        if twice and twice[0]:
            raise BadValueError(
                file,
                f"has more than one row for some {keys}",
                f"{counted(twice[0], 'row')} too many",
                "join on columns that name one row each",
            )
        added = [c for c in other.types if c not in types]
        match = " and ".join(f"{plain_id('l.' + raw[mine])} = {plain_id('r.' + named[theirs])}" for mine, theirs in pairs)
        sql = f"(select l.*{''.join(f', r.{named[c]}' for c in added)} from {sql} l left join {other.sql} r on {match})"
        types |= {c: other.types[c] for c in added}
        raw |= {c: named[c] for c in added}
    return Source(con, plan, relation, sql, types, raw)


def _as_written(sql: str, raw: dict[str, str]) -> str:
    """SQL in which a column that is trimmed, cast to text, or read as a number, is what the file says: the number of 007 is 7, and that of 1.100 is 1.1.

    >>> _as_written('trim("no") || cast(no as varchar) || no', {"no": '"as written no"'})
    'trim("as written no") || cast("as written no" as varchar) || no'
    """
    return re.sub(r'(?i)\b(trim\(|cast\(|read_number\()\s*("?)([^"()]+?)\2(\)|,|\s+as varchar\))', lambda m: f"{m[1]}{raw.get(m[3], m[2] + m[3] + m[2])}{m[4]}", sql)
