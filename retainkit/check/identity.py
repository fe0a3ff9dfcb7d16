"""Who is who: customers by id and by email, whether the tables call them by the same names, and what a later file says otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from retainkit.check.proposal import LIKELY, Proposal
from retainkit.errors import counted
from retainkit.load.book import TOTALS
from retainkit.load.parse import named
from retainkit.load.schema import TABLES
from retainkit.sqltext import literal, quoted

if TYPE_CHECKING:
    import duckdb


def same_customers(con: duckdb.DuckDBPyConnection, proposals: list[Proposal]) -> None:
    """Of several lists of customers that which the orders know, or the contracts, or the deals; where they name
    customers by email, it is read by email too.
    """
    by = {p.table: p for p in proposals}
    orders, people = next((by[t] for t in ("orders", "contracts", "deals") if t in by and "customer_id" in by[t].lines), None), by.get("customers")
    if not orders or not people:
        return
    shares = [
        (_shared(con, orders, p, sql_of(p, "customer_id")), _shared(con, orders, p, p.email) if p.email else 0.0, p)
        for p in (people, *people.instead)
    ]
    by_id, by_email, chosen = shares[0] if max(shares[0][:2]) >= 0.05 else max(shares, key=lambda s: max(s[:2]))
    if chosen is not people:
        chosen.notes = people.notes if chosen.system == people.system else chosen.notes
        proposals[proposals.index(people)] = people = chosen
    if by_id < 0.05 and by_email >= 0.5:
        people.lines["customer_id"] = f"lower(trim({people.email}))"
        people.why["customer_id"] = (LIKELY, f"the {orders.table} name customers by email")
        people.notes.append(
            f"The {orders.table} name customers by email, so the list of customers is read by email as well; other tables may still use its number."
        )


def _shared(con: duckdb.DuckDBPyConnection, left: Proposal, right: Proposal, column: str) -> float:
    """The share of the different customers of one file that are in another one's column."""
    ids = _ids(sql_of(left, "customer_id"))
    there = _ids(column).replace("{file}", right.look.table)
    return float(
        one(
            con,
            f"select coalesce(avg(case when id in (select id from ({there}) t) then 1.0 else 0 end), 0) from (select distinct id from ({ids}) o) d",
            left,
        )[0]
    )


def _ids(column: str) -> str:
    return f"select lower({named('id')}) as id from (select {column} as id from {{file}}) i where {named('id')} is not null"


def identity(con: duckdb.DuckDBPyConnection, proposals: Sequence[Proposal]) -> Iterator[str]:
    """Customers by id and by email, what merging by email would change, and tables that name nobody the others know."""
    for p in proposals:
        yield from _lost_digits(con, p)
        who = sql_of(p, "customer_id")
        if who and p.table in ("orders", "customers"):
            n, alike, *_ = one(con, f"select count(distinct id), count(distinct lower(id)) from (select {named(who)} as id from {{file}}) t", p)
            read = f'"{quoted(who)}"' if who in p.look.names else who
            if n:
                yield (
                    f"{p.look.seen}: {counted(n, 'different customer')} by `{column_of(p, p.lines['customer_id'])}`, in rows kept and rejected alike"
                    + (
                        f"; {counted(n - alike, 'differs', 'differ')} from another only in capital letters: customer_id = '''lower(trim({read}))''' makes them one"
                        if n > alike
                        else ""
                    )
                )
                yield from _by_email(con, p, who)
    yield from _strangers(con, proposals)


def _lost_digits(con: duckdb.DuckDBPyConnection, p: Proposal) -> Iterator[str]:
    """Numbers of customers, orders or contracts that a spreadsheet shortened: many became one, and no reading brings them back."""
    for name in (c.name for c in TABLES[p.table].columns if c.kind == "id" and c.name in p.lines):
        text = f"trim(cast({sql_of(p, name)} as varchar))"
        n, kinds, example, *_ = one(
            con,
            f"select count(*), count(distinct {text}), min({text}) from {{file}} where regexp_full_match({text}, '[0-9]([.,][0-9]+)?[eE][+][0-9]+')",
            p,
        )
        if n:
            yield (
                f"{p.look.seen}: `{column_of(p, p.lines[name])}` is a number such as {example} in {n:,} of {counted(p.look.rows, 'row')} ({counted(kinds, 'different one')}): its last digits are lost, so many became one. "
                "A spreadsheet writes long numbers so: export again, and open the file with that column as text, or not at all"
            )


def _by_email(con: duckdb.DuckDBPyConnection, p: Proposal, who: str) -> Iterator[str]:
    if not p.email or p.email in who:
        return
    pairs = f"select distinct {named(who)} as id, lower(trim(cast({p.email} as varchar))) as email from {{file}}"
    emails, several, shared, *_ = one(
        con,
        f"""with pairs as (select * from ({pairs}) t where id <> '' and email <> '') select count(distinct email),
        (select count(*) from (select id from pairs group by 1 having count(*) > 1) a), (select coalesce(sum(n - 1), 0) from (select count(*) as n from pairs group by email) b) from pairs""",
        p,
    )
    if emails:
        yield f"  by {p.email}: {counted(emails, 'different one')}; {counted(several, 'customer has', 'customers have')} more than one; merging customers who share one would make {counted(int(shared), 'customer')} fewer"
    lost = one(
        con,
        f"select count(*) from (select cast({who} as varchar) as id, cast({p.email} as varchar) as email from {{file}}) t where coalesce(trim(id), '') = '' and coalesce(trim(email), '') <> ''",
        p,
    )[0]
    if lost:
        yield f"  {counted(lost, 'row has', 'rows have')} an email but no customer: customer_id = '''coalesce(nullif(trim(cast({who} as varchar)), ''), lower(trim({p.email})))''' would keep them, as customers of their own"


def _strangers(con: duckdb.DuckDBPyConnection, proposals: Sequence[Proposal]) -> Iterator[str]:
    """Tables whose customers the list of customers does not know."""
    people = next((p for p in proposals if p.table == "customers"), None)
    for p in proposals:
        if people and p.table in ("orders", "contracts", "deals") and sql_of(p, "customer_id"):
            n, known, *_ = one(
                con,
                f"select count(*), coalesce(sum(case when id in (select id from ({_ids(sql_of(people, 'customer_id')).replace('{file}', people.look.table)}) t) then 1 else 0 end), 0)"
                f" from (select distinct id from ({_ids(sql_of(p, 'customer_id'))}) o) d",
                p,
            )
            if n and known < n:
                yield (
                    f"{p.table}: {int(known):,} of its {counted(n, 'customer')} {'is' if known == 1 else 'are'} in {people.look.name}"
                    + (
                        ""
                        if known
                        else ": the two files call them by different names, so no segment or region reaches them"
                    )
                )


def versions(con: duckdb.DuckDBPyConnection, proposals: Sequence[Proposal]) -> Iterator[str]:
    """Orders, deals or contracts that a later file says otherwise: the same number with other values."""
    for p in proposals:
        name = (TABLES[p.table].key or ("order_id",))[0]
        if len(p.look.parts) < 2 or name not in p.lines or p.lines[name] not in p.look.names:
            continue
        own = p.table == "orders" and p.behind(p.lines["customer_id"]) is p.look  # and not a joined file
        row, who = ", ".join(p.look.names.values()), sql_of(p, "customer_id") if own else "''"
        every = " union all ".join(
            f"select {n} as part, trim({p.look.names[p.lines[name]]}) as k, hash({row}) as h, hash({who}) as w from {part} t"
            for n, part in enumerate(p.look.parts)
        )
        n, others, example, only_before = (
            con.execute(f"""with lines as (select part, k, sum(cast(h as hugeint)) as h, min(w) as w from ({every}) e
                where k <> '' and not regexp_full_match(k, {literal(TOTALS.pattern)}, 'i') group by all)
            select count(*), count(case when another then 1 end), coalesce(min(case when another then k end), min(k)),
                (select count(*) from lines where part < {len(p.look.parts) - 1} and k not in (select k from lines where part = {len(p.look.parts) - 1}))
            from (select k, min(w) <> max(w) as another from lines group by k having count(*) > 1 and min(h) <> max(h)) d""").fetchall()[
                0
            ]
        )
        told = f"{p.look.name}: {counted(n, p.table.rstrip('s') + ' stands', p.table + ' stand')} in more than one file with other values ({example}, for example); "
        if others:
            yield f"{told}{others:,} of them with another customer, and these are rejected in the later file. If they are numbers of two shops, put the shop's before them in the export"
        elif n:
            kept = (
                "every version is counted"
                if p.table == "orders"
                else f"the first is kept, which is that of the earlier file ({p.look.files[0].name} first)"
            )
            mend = (
                f"{p.look.files[-1].name} has all of them: name that file alone"
                if not only_before
                else "name only files that say each once, the newest first of all"
            )
            yield f"{told}{kept}. If a later file brings the earlier up to date: {mend}"


def sql_of(p: Proposal, name: str) -> str:
    """A proposed line as SQL over its file."""
    line = p.lines.get(name, "")
    return f'"{quoted(line)}"' if line in p.look.columns and p.look.columns[line].sql != line else line


def column_of(p: Proposal, line: str) -> str:
    """A line of the mapping as people speak of it: by the column it reads first."""
    return line if line in p.look.names else min(p.reads(line), key=line.find, default=line)


def one(con: duckdb.DuckDBPyConnection, sql: str, p: Proposal) -> list[Any]:
    """The numbers of a query over the proposal's file; zeros where the mapping needs a joined column."""
    try:
        return list(con.execute(sql.replace("{file}", p.look.table)).fetchall()[0])
    except Exception:
        return [0] * 5
