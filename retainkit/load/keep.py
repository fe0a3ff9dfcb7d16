"""Which of the rows read are kept: keys, disputes and totals among the staged rows, and an account of every rejected one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from retainkit.errors import BadValueError, counted, listed
from retainkit.load.book import TOTALS
from retainkit.load.mapping import days_of, how_to_read
from retainkit.load.marks import check_marks
from retainkit.load.plan import TablePlan
from retainkit.load.progress import told
from retainkit.load.relation import Relation
from retainkit.load.schema import TABLES, Table
from retainkit.sqltext import literal

if TYPE_CHECKING:
    import duckdb

DISPUTED = "its order_id belongs to another customer in an earlier row"
TOTAL = "a line of totals"
TIMED = "it has a time of day, and no time zone says which date that is"
SEEN = "the same row stands in an earlier file or sheet"
# Numbers are grouped in less time and memory than texts, and bits sooner than least and most. Two orders of one number do no harm where
# customers are disputed, they are looked at again; two customers of one number in one order would be overlooked, once in two billion such orders.
BY_ORDER = """select o, bit_or(c) <> bit_and(c) as disputed, min(d) as bought, min(d) <> max(d) as several from (
    select hash(order_id) as o, cast(hash(customer_id) & 2147483647 as integer) as c, {day} as d from stage_orders where why is null) t group by o"""


def by_others(table: Table) -> tuple[str, ...]:
    """Why a row may be rejected for others of its table: the first for its key, which an earlier row has."""
    return f"the same {', '.join(table.key)} as an earlier row", DISPUTED, TOTAL, SEEN


def settle(con: duckdb.DuckDBPyConnection, plan: TablePlan, relations: Sequence[Relation], texts: str) -> None:
    """Settle which of the staged rows are kept, and write down the others in `reject_<table>`; `texts` is a query of what its columns of
    days say.
    """
    table = TABLES[plan.table]
    with told(con, f"checking {table.name}"):
        if plan.once:
            _drop_seen(con, table)
        _check_keys(con, table)
        _name_totals(con, table)
    con.execute(f"create or replace table reject_{table.name} (file varchar, row_no bigint, col varchar, why varchar, found varchar)")
    for relation in relations:
        _keep_rejects(con, table.name, relation)
    _check_zone(con, table)
    _check_wrong_kind(con, table, plan, texts)


def _check_zone(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Refuse times of day of an unknown zone, and name the first of them."""
    timed = f"reject_{table.name} where why = {literal(TIMED)}"
    n, file = con.execute(f"select count(*), min(file) from {timed}").fetchone() or (0, "")
    if n:
        found = con.execute(f"select row_no, found from {timed} and file = ? and found is not null order by row_no limit 3", [file]).fetchall()
        raise BadValueError(
            file,
            "has times of day, and which date they fall on depends on a time zone",
            f"{counted(n, 'row')} with a time, {', '.join(f'row {row}: {text!r}' for row, text in found)}",
            'tz = "Europe/Berlin" under [shop] in retainkit.toml, or open_shop(..., tz="Europe/Berlin")',
        )


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
        con.execute(
            f"update {stage} set why = {literal(by_others(table)[0])}, col = {literal(table.key[0])}, found = {table.key[0]} where rowid in (select place from twins)"
        )
    if table.name == "orders" and _by_order(con):
        con.execute(f"""update stage_orders set why = {literal(DISPUTED)}, col = 'customer_id', found = customer_id from (
            select s.order_id, arg_min(s.customer_id, (s.file, coalesce(s.row_no, s.rowid))) as owner from stage_orders s
            where s.why is null and hash(s.order_id) in (select o from ({BY_ORDER.format(day="ordered_on")}) o where disputed) group by s.order_id) d
            where why is null and d.order_id = stage_orders.order_id and d.owner <> stage_orders.customer_id""")
        _by_order(con)


def _by_order(con: duckdb.DuckDBPyConnection) -> int:
    """Count, in `by_order`, the orders with a purchase and those with purchases on several days; how many may name several customers."""
    have = {c for c, *_ in con.execute("describe stage_orders").fetchall()}
    bought = " and ".join(["amount >= 0", *(f"{c} = {literal(v)}" for c, v in (("status", "paid"), ("order_type", "one_off")) if c in have)])
    by_order = BY_ORDER.format(day=f"case when {bought} then ordered_on end")
    con.execute(f"""create or replace temp table by_order as
        select count(bought) as orders, count(case when several then 1 end) as several, count(case when disputed then 1 end) as disputed from ({by_order}) o""")
    return (con.execute("select disputed from by_order").fetchone() or (0,))[0]


def _name_totals(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    """A rejected row that says total is no row: it says so, and is no guest."""
    have = {c for c, *_ in con.execute(f"describe stage_{table.name}").fetchall()}
    texts = ["found", *(c.sql_name for c in table.columns if c.kind in ("id", "text") and c.sql_name in have)]
    said = " or ".join(f"regexp_full_match({t}, {literal(TOTALS.pattern)}, 'i')" for t in texts)
    con.execute(
        f"update stage_{table.name} set why = {literal(TOTAL)}, col = '' where why is not null and (why like '%is empty%' or why like '%is not a%') and ({said})"
    )


def _keep_rejects(con: duckdb.DuckDBPyConnection, table: str, relation: Relation) -> None:
    """Rejected rows with the row number a person would count, those that could not be split into columns among them."""
    here, ahead = literal(relation.name), relation.first_row - 1
    split = con.execute(f"select 1 from {relation.rejects} limit 1").fetchone() if relation.rejects else None
    if not split and not con.execute(f"select 1 from stage_{table} where why is not null and file = {here} limit 1").fetchone():
        return  # of hundreds of files most have none, and each question costs some milliseconds
    con.execute("create or replace temp table broken (line bigint, kind varchar, text varchar)")
    if split and relation.rejects:
        con.execute(f"insert into broken select line, min(error_type), min(csv_line) from {relation.rejects} group by line")
        if relation.path:
            check_marks(con, relation.rejects, relation.path, relation.name, relation.delimiter)
    start = f"(select min(rowid) from stage_{table} where file = {here})"
    # the r-th row read stands after as many broken rows as lie before it in the file
    before = f"(select count(*) from (select line - {ahead} - row_number() over (order by line) as before from broken) b where b.before < s.row_no)"
    con.execute(f"""insert into reject_{table} select file, row_no + {0 if relation.numbered else f"{ahead} + {before}"},
        coalesce(col, ''), why, left(found, 200) from (select * replace (coalesce(row_no, rowid + 1 - {start}) as row_no) from stage_{table} where why is not null and file = {here}) s""")
    total = rf"(?i)([^,;|\t]*[,;|\t])*\"?({TOTALS.pattern})\"?([,;|\t].*)?"
    why = (
        "kind"
        if relation.numbered
        else f"""case when kind = 'MISSING COLUMNS' and regexp_full_match(text, {literal(total)}) then {literal(TOTAL)}
        when kind = 'INVALID ENCODING' then 'is not UTF-8 text (a file from Windows? then encoding = "cp1252")' else 'cannot be split into the header''s columns: ' || lower(kind) end"""
    )
    con.execute(f"insert into reject_{table} select {here}, line, '', {why}, left(text, 200) from broken")


def _check_wrong_kind(con: duckdb.DuckDBPyConnection, table: Table, plan: TablePlan, texts: str) -> None:
    """A column that fails in most rows is the wrong column (or format), which rejecting row by row would hide."""
    total = (con.execute(f"select count(*) from stage_{table.name}").fetchone() or (0,))[0]
    worst = con.execute(f"""select col, file, count(*) as n, min(why) from reject_{table.name} where col <> '' and why like '% is not %'
        group by col, file order by n desc limit 1""").fetchall()
    if not worst or worst[0][2] * 2 <= total:
        return
    col, file, n, why = worst[0]
    rows = con.execute(f"select row_no, found from reject_{table.name} where col = ? and file = ? order by row_no limit 3", [col, file]).fetchall()
    written = days_of(con, plan, texts) if table.column(col).kind == "day" else {}
    raise BadValueError(file, f"{why} in {n:,} of {counted(total, 'row')}", listed(f"row {r}: {f!r}" for r, f in rows),
                        how_to_read(plan, table.column(col), rows[0][1] if rows else "", written))
