"""What is wrong with a line of the mapping, and what to type instead: asked of the engine before it reads, and again when reading fails."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from retainkit.errors import BadValueError, MissingDataError, closest, counted, first_line, listed
from retainkit.load import frames
from retainkit.load.dates import Days, days_said
from retainkit.load.names import ENOUGH, likeness, words
from retainkit.load.plan import TablePlan, toml
from retainkit.load.schema import TABLES, Column, Table
from retainkit.sqltext import literal, quoted

if TYPE_CHECKING:
    import duckdb

    from retainkit.load.relation import Source

UNKNOWN = re.compile(r'Referenced column "([^"]+)" not found|Function with name "?([^" ]+)"? does not exist')
CAST = re.compile(r"Could not convert string '(.*?)' to")


def apart(names: Sequence[str]) -> list[str]:
    """Column names of which no two are the same: a name that stands over several columns gets each one's place, counted from 1.

    >>> apart(["no", "sum", "Sum"])
    ['no', 'sum_2', 'Sum_3']
    """
    counts = Counter(name.lower() for name in names)
    found = [f"{name}_{place}" if counts[name.lower()] > 1 else name for place, name in enumerate(names, 1)]
    return found if len({name.lower() for name in found}) == len(found) else apart(found)


def reads(sql: str, names: Iterable[str]) -> list[str]:
    """The columns that stand in a piece of SQL.

    >>> reads("case when Paid then amount end", ["paid", "amount", "am"])
    ['amount']
    """
    return [
        name for name in names if name in sql and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", sql)
    ]  # a file may have a thousand columns, and each pattern is made anew


def one_of_each(source: Source, key: str, said: str) -> None:
    """Refuse a line of the mapping (or a column's own name) that names what stands over several columns."""
    plan, columns = source.plan, source.types
    if said in columns:
        return
    meant: dict[str, list[tuple[int, str]]] = {}
    for place, name in enumerate(columns, 1):
        meant.setdefault(name.removesuffix(f"_{place}").lower(), []).append((place, name))
    named = {said, *(word for pair in re.findall(r'"([^"]*)"|([^\W\d]\w*)', re.sub("'[^']*'", "", said)) for word in pair)}
    for word in named - set(columns):
        if len(found := meant.get(word.lower(), [])) > 1:
            instead = found[0][1] if said == word else _renamed(said, word, f'"{quoted(found[0][1])}"')
            raise BadValueError(source.relation.name, f"has {counted(len(found), 'column')} called `{word}`, and which of them {plan.table} should read is not said",
                                f"columns {' and '.join(str(place) for place, _ in found)} of {listed(columns, limit=20)}",
                                "frame.loc[:, ~frame.columns.str.lower().duplicated()], which keeps the first" if plan.frame is not None else
                                f"{plan.line(key, instead)} (or {' or '.join(name for _, name in found[1:])})")


def _renamed(said: str, name: str, to: str) -> str:
    """An expression with one of its names replaced, but not in its texts."""
    return re.sub(rf"""(?i)'[^']*'|"{re.escape(name)}"|\b{re.escape(name)}\b""", lambda m: m[0] if m[0][0] == "'" else to, said)


def kinds(source: Source, lines: list[str]) -> dict[str, str]:
    """The SQL types of all lines of a mapping, asked at once (of a file of a thousand columns a question takes half a
    second); nothing where one is wrong.
    """
    asked = ", ".join(f'({line}) as "line {n} of them"' for n, line in enumerate(lines))
    try:
        _, *found = source.con.execute(f"describe select row_no, {asked} from {source.sql} s").fetchall()
    except Exception:
        return {}
    return dict(zip(lines, (str(kind) for _, kind, *_ in found), strict=True))


def checked(source: Source, key: str, line: str) -> str:
    """The SQL type of what a line of the mapping says, or an error that names the line, what is wrong with it and what to type."""
    plan, label = source.plan, source.relation.name
    try:
        return str(source.con.execute(f"describe select row_no, ({line}) as x from {source.sql} s").fetchall()[1][1])
    except Exception as err:
        said, found = plan.stated.get(key, key), first_line(err).replace('at or near "as"', "at its end")
        many = "GROUP BY" in found and key != "where"
        if many:
            first = TABLES[plan.table].columns[0].name
            wrong = "is one value of many rows, where each row needs its own"
            instead = f"{said} over (partition by {plan.columns.get(first, first)})"
        else:
            wrong, instead = f"is neither a column of {label} nor SQL over its columns", _instead(source, said, key, str(err))
        how = plan.line(key, instead) if instead else f"the name of a column, or SQL, after {key} = there; {plan.look} proposes a mapping"
        if (len(plan.files) > 1 or ", sheet " in label) and not plan.padded:
            how += f'; or missing = "empty" under [{plan.table}], if only some of its files have that column'
        found += f"; columns {listed(source.types, limit=20)}"
        raise BadValueError(_line(source, key), f"`{key} = {toml(said)}` {wrong}", found, how) from err


def _line(source: Source, key: str) -> str:
    """Where the mapping says it: the line of retainkit.toml."""
    plan = source.plan
    if plan.settings is None:
        return source.relation.name
    section = line = ""
    for number, line in enumerate(plan.settings.read_text(encoding="utf-8").splitlines(), 1):
        section = re.sub(r"\s", "", line) if line.lstrip().startswith("[") else section
        if section.startswith(f"[{plan.table}]") and re.match(rf"""\s*["']?{key}["']?\s*=""", line):
            return f"{plan.settings.name} [{plan.table}], line {number}"
    return f"{plan.settings.name} [{plan.table}]"


def _instead(source: Source, said: str, key: str, problem: str) -> str:
    """What was most likely meant, if the engine understands it; else a column that fits, or nothing."""
    con, plan, inner, columns = source.con, source.plan, source.sql, list(source.types)
    unknown = UNKNOWN.search(problem)
    wrong = next((word for word in unknown.groups() if word), "") if unknown else ""
    functions = "select distinct function_name from duckdb_functions() where regexp_full_match(function_name, '[a-z_0-9]+')"
    near = closest(wrong, [name for name, in con.execute(functions).fetchall()] if unknown and unknown[2] else columns)
    if wrong and near:
        name = near if re.fullmatch(r"[A-Za-z_]\w*", near) or said == wrong else f'"{quoted(near)}"'
        text = _renamed(said, wrong, name)
        if not _problem(con, f"""describe select row_no, ({f'"{quoted(text)}"' if text in columns else text}) as x from {inner} s"""):
            return text
    if "Cannot mix values of type" in problem:
        for name in reads(said, columns):
            text = _renamed(said, name, f'cast("{quoted(name)}" as varchar)')
            if not _problem(con, f"describe select row_no, ({text}) as x from {inner} s"):
                return text
    named = [c for c in columns if c == near or re.search(rf"\b{re.escape(c)}\b", said)]
    column = next(iter(named), None) or closest(said, columns)
    if key == "where":
        return f'"{quoted(column or columns[0])}" is not null'
    free = {c: f'"{quoted(c)}"' for c in columns if c not in plan.columns.values()}
    return column or guessed(con, TABLES[plan.table], [TABLES[plan.table].column(key)], free, inner).get(key, "")


def check_lines(source: Source) -> None:
    """Raise for the line of the mapping that some rows cannot be worked out by, if it is one: asked once reading has failed."""
    con, plan, label = source.con, source.plan, source.relation.name
    for form in plan.date_formats:
        if problem := _problem(con, f"select try_strptime('', {literal(form)})"):
            remedy = 'date_format = "%d.%m.%Y", say, for 31.01.2026'
            raise BadValueError(_line(source, "date_format"), f"`{form}` is no format of dates", problem, remedy)
    lines = {key: source.raw.get(text, text) for key, text in plan.stated.items()}
    for key, line in lines.items():
        if problem := _problem(con, f"select count(({line})) from {source.sql} s"):
            raise _fails(source, key, line, problem)
    if "where" in lines and (problem := _problem(con, f"select count(cast(({lines['where']}) as boolean)) from {source.sql} s")):
        raise BadValueError(
            _line(source, "where"),
            f"`where = {toml(str(plan.where))}` is not true or false in every row of {label}",
            problem,
            plan.line("where", f"({plan.where}) = 'true'"),
        )


def _problem(con: duckdb.DuckDBPyConnection, query: str) -> str:
    """What the engine says against a query, or nothing."""
    try:
        con.execute(query).fetchall()
    except Exception as err:
        return first_line(err)
    return ""


def _fails(source: Source, key: str, line: str, problem: str) -> BadValueError:
    """The error for a line that some rows cannot be worked out by; those are named by what the engine stumbled over."""
    plan, said, value = source.plan, source.plan.stated[key], CAST.search(problem)
    rows = source.con.execute(f"""select n from (select row_number() over () + {source.relation.first_row - 1} as n, * from {source.sql} s) t
        where try(({line})) is null and contains(cast(t as varchar), ?)""", [value[1]]).fetchall() if value else []
    found = f"{counted(len(rows), 'row')}: {listed((f'row {n}' for n, in rows), limit=3)}; {problem}" if rows else problem
    return BadValueError(_line(source, key), f"`{key} = {toml(said)}` cannot be worked out in every row of {source.relation.name}", found,
                         f"{plan.line(key, f'try({said})')}, which is empty in such rows")


def missing_columns(source: Source, missing: list[Column]) -> MissingDataError:
    """The error for columns that a table needs and a file has not: all at once, each with one that fits."""
    plan, table, names = source.plan, TABLES[source.plan.table], [c.name for c in missing]
    free = {name: source.raw[name] for name in source.types if name not in (*table.names, *plan.columns.values())}
    fit = guessed(source.con, table, missing, free, source.sql)
    typed = plan.under("; ".join(f"{name} = {toml(fit[name])}" for name in names if name in fit)) + (" (a line each)" if len(fit) > 1 else "")
    none = [name for name in names if name not in fit]
    if plan.frame is not None:
        how = frames.how_to_name(table, plan.frame, names[0], fit)
    else:
        unlike = f" (no column is called like {listed(none)} and holds it)" if none else ""
        writes = f", and retainkit init project --from {plan.paths} writes it" * (not plan.extracted)
        how = f"{typed}; " * bool(fit) + f"{plan.look} proposes a mapping{writes}{unlike}"
    wrong = f"has no {'column' if len(names) == 1 else 'columns'} {listed(f'`{name}`' for name in names)}, which {plan.table} needs"
    return MissingDataError(source.relation.name, wrong, f"columns {listed(source.types, limit=20)}", how)


def guessed(con: duckdb.DuckDBPyConnection, table: Table, needed: Iterable[Column], columns: dict[str, str], rows: str) -> dict[str, str]:
    """For needed columns those of a file (their names, and how SQL names them) that are called so and hold such values, none of them twice."""
    known = words().get(table.name, {})
    scores = sorted((-likeness(name, [*known.get(c.name, ()), *(("id",) if c.name in (table.key or ("order_id",))[:1] else ())]), place, c.name, name)
                    for place, c in enumerate(needed) for name in columns)
    found: dict[str, str] = {}
    for score, _, wanted, name in scores:
        if -score >= ENOUGH and wanted not in found and name not in found.values() and _holds(con, table.column(wanted).kind, columns[name], rows):
            found[wanted] = name
    return found


def _holds(con: duckdb.DuckDBPyConnection, kind: str, column: str, rows: str) -> bool:
    """Whether the first values of a column are of the kind that a canonical one wants; not where the engine cannot split the rows."""
    texts = f"select trim(cast({column} as varchar)) as v from {rows} s limit 10000"
    try:
        n, numbers = con.execute(
            f"select count(*), count(coalesce(read_number(v, '.'), read_number(v, ','))) from ({texts}) t where v <> ''"
        ).fetchone() or (0, 0)
        days = bool(n) and days_said(con, texts, "v", "v") is not None
    except Exception:  # a guess must not take the place of the error it is made for
        return False
    return days if kind == "day" else bool(n) and not days and (kind not in ("money", "number") or numbers == n)


def days_of(con: duckdb.DuckDBPyConnection, plan: TablePlan, texts: str) -> dict[str, Days | None]:
    """How each column of days that is text writes them, in the texts of all its files (a query, each column as `said_` and its name)."""
    have = {name.removeprefix("said_") for name, *_ in con.execute(f"describe {texts}").fetchall()}
    return {
        c.name: days_said(con, texts, f"said_{c.name}", _in_sql(plan, c))
        for c in TABLES[plan.table].columns
        if c.kind == "day" and c.name in have
    }


def _in_sql(plan: TablePlan, column: Column) -> str:
    """What an expression reads a column's texts by."""
    source = plan.columns.get(column.name, column.name)
    return f"cast({source} as varchar)" if re.search("[()'\"]", source) else f'"{source}"'


def how_to_read(plan: TablePlan, column: Column, found: str, written: dict[str, Days | None]) -> str:
    """What to type for values that are written in another way; `written` says how the table's columns of days are."""
    days = written.get(column.name)
    if plan.frame is not None:
        return frames.how_to_read(column, found, days)
    name = _in_sql(plan, column)
    without = "" if column.required else f'; or {column.name} = "", which leaves it unread'
    if column.kind == "choice":
        return f"{column.name} = \"case when ... then '{(column.choices or ('',))[0]}' ... end\"{without}"
    if column.kind == "day" and not column.required and not re.search("[0-9]", found):
        return plan.line(column.name, f"nullif(trim({name}), {literal(found)})") + f", if {found} says that there is none{without}"
    if column.kind == "day":
        return _how_to_read_days(plan, column, days, [d for d in written.values() if d is None or d.formats or d.proof]) + without
    if re.search("[0-9]", found):
        mark, sure = (",", "") if frames.has_comma(found) else (".", ", if a point stands before the decimals")
        return f"{column.name} = '''read_number({name}, '{mark}')''' in retainkit.toml{sure}"
    return f"the name of a column that holds numbers, after {column.name} = in retainkit.toml{without}"


def _how_to_read_days(plan: TablePlan, column: Column, days: Days | None, beside: list[Days | None]) -> str:
    """What to type for days: a format where it reads all columns of days there are (it is said of the whole table), else an expression."""
    if days is None or not (days.formats or days.sql):
        return f"the name of a column that holds days, after {column.name} = in retainkit.toml; {plan.look} shows which do"
    if days.doubt and days.proof:  # some can only be day first, others only month first
        return f"export it again with all days in one form ({days.proof}); {plan.look} shows them"
    if days.sql or any(other is None or other.formats != days.formats for other in beside):
        return plan.line(column.name, days.read(_in_sql(plan, column)))
    return plan.line("date_format", list(days.formats) if len(days.formats) > 1 else days.formats[0]) + days.either
