"""Who is who: customers by id and by email, whether the tables call them by the same names, and what a later file says otherwise."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from retainkit.check.proposal import Proposal
from retainkit.errors import counted
from retainkit.load.book import TOTALS
from retainkit.load.names import plain, words
from retainkit.load.parse import named
from retainkit.load.schema import TABLES
from retainkit.sqltext import literal, quoted


def same_customers(proposals: list[Proposal]) -> None:
    """Of several lists of customers that which the orders know, or the contracts, or the deals; where they name
    customers by email, it is read by email too.
    """
    by = {p.table: p for p in proposals}
    orders, people = next((by[t] for t in ("orders", "contracts", "deals") if t in by and "customer_id" in by[t].lines), None), by.get("customers")
    if not orders or not people:
        return
    shares = [(_shared(orders, p, p.sql_of("customer_id")), _shared(orders, p, p.email), p) for p in (people, *people.instead)]
    by_id, by_email, chosen = shares[0] if max(shares[0][:2]) >= 0.05 else max(shares, key=lambda s: max(s[:2]))
    if chosen is not people:
        chosen.notes = people.notes if chosen.system == people.system else chosen.notes
        proposals[proposals.index(people)] = people = chosen
    if by_id < 0.05 and by_email >= 0.5:
        people.put("customer_id", f"lower(trim({people.email}))", f"the {orders.table} name customers by email")
        people.notes.append(
            f"The {orders.table} name customers by email, so the list of customers is read by email as well; other tables may still use its number."
        )


def _shared(left: Proposal, right: Proposal, column: str) -> float:
    """The share of the different customers of one file that are in another one's column, if there is one."""
    n, known = _known(left, right, column) if column else (0, 0)
    return known / n if n else 0.0


def _known(left: Proposal, right: Proposal, column: str) -> tuple[int, int]:
    """How many different customers one file has, and how many of them are in another one's column."""
    ids, there = _ids(left.sql_of("customer_id")), _ids(column).replace("{file}", right.look.table)
    known = f"coalesce(sum(case when id in (select id from ({there}) t) then 1 else 0 end), 0)"
    n, found, *_ = left.one(f"select count(*), {known} from (select distinct id from ({ids}) o) d")
    return n, int(found)


def _ids(column: str) -> str:
    return f"select lower({named('id')}) as id from (select {column} as id from {{file}}) i where {named('id')} is not null"


def identity(proposals: Sequence[Proposal]) -> Iterator[str]:
    """Customers by id and by email, what merging by email would change, and tables that name nobody the others know."""
    for p in proposals:
        yield from _lost_digits(p)
        who = p.sql_of("customer_id")
        if p.table == "orders" and plain(column := p.column_of(p.lines["customer_id"])) in words()["orders"]["order_id"]:
            yield f"{p.look.seen}: `{column}` is called after orders, and is read as the customer: if it numbers orders, each is a customer of its own, and nobody comes back"
        if who and p.table in ("orders", "customers"):
            n, alike, *_ = p.one(f"select count(distinct id), count(distinct lower(id)) from (select {named(who)} as id from {{file}}) t")
            read = f'"{quoted(who)}"' if who in p.look.names else who
            if n:
                by = f"by `{p.column_of(p.lines['customer_id'])}`, in rows kept and rejected alike"
                one = f"from another only in capital letters: customer_id = '''lower(trim({read}))''' makes them one"
                more = f"; {counted(n - alike, 'differs', 'differ')} {one}" if n > alike else ""
                yield f"{p.look.seen}: {counted(n, 'different customer')} {by}{more}"
                yield from _by_email(p, who)
    yield from _strangers(proposals)


def _lost_digits(p: Proposal) -> Iterator[str]:
    """Numbers of customers, orders or contracts that a spreadsheet shortened: many became one, and no reading brings them back."""
    for name in (c.name for c in TABLES[p.table].columns if c.kind == "id" and c.name in p.lines):
        text = f"trim(cast({p.sql_of(name)} as varchar))"
        short = f"regexp_full_match({text}, '[0-9]([.,][0-9]+)?[eE][+][0-9]+')"
        n, kinds, example, *_ = p.one(f"select count(*), count(distinct {text}), min({text}) from {{file}} where {short}")
        if n:
            yield (
                f"{p.look.seen}: `{p.column_of(p.lines[name])}` is a number such as {example} in {n:,} of {counted(p.look.rows, 'row')} ({counted(kinds, 'different one')}): its last digits are lost, so many became one. "
                "A spreadsheet writes long numbers so: export again, and open the file with that column as text, or not at all"
            )


def _by_email(p: Proposal, who: str) -> Iterator[str]:
    if not p.email or p.email in who:
        return
    pairs = f"select distinct {named(who)} as id, lower(trim(cast({p.email} as varchar))) as email from {{file}}"
    emails, several, shared, *_ = p.one(f"""
        with pairs as (select * from ({pairs}) t where id <> '' and email <> '') select count(distinct email),
        (select count(*) from (select id from pairs group by 1 having count(*) > 1) a), (select coalesce(sum(n - 1), 0) from (select count(*) as n from pairs group by email) b) from pairs""")
    column = next((n for n, sql in p.look.names.items() if sql == p.email), "")
    once = f": --answer {shlex.quote(f'{p.table}.customer_id={column}')}" if shared and column else ""
    if emails:
        yield f"  by {p.email}: {counted(emails, 'different one')}; {counted(several, 'customer has', 'customers have')} more than one; merging customers who share one would make {counted(int(shared), 'customer')} fewer{once}"
    id_, email = (f"coalesce(trim(cast({sql} as varchar)), '')" for sql in (who, p.email))
    if lost := p.count(f"{id_} = '' and {email} <> ''"):
        yield f"  {counted(lost, 'row has', 'rows have')} an email but no customer: customer_id = '''coalesce(nullif(trim(cast({who} as varchar)), ''), lower(trim({p.email})))''' would keep them, as customers of their own"


def _strangers(proposals: Sequence[Proposal]) -> Iterator[str]:
    """Tables whose customers the list of customers does not know."""
    people = next((p for p in proposals if p.table == "customers"), None)
    for p in proposals:
        if people and p.table in ("orders", "contracts", "deals") and p.sql_of("customer_id"):
            n, known = _known(p, people, people.sql_of("customer_id"))
            none = "" if known else ": the two files call them by different names, so no segment or region reaches them"
            if known < n:
                be = "is" if known == 1 else "are"
                yield f"{p.table}: {known:,} of its {counted(n, 'customer')} {be} in {people.look.name}{none}"


def versions(proposals: Sequence[Proposal]) -> Iterator[str]:
    """Orders, deals or contracts that a later file says otherwise: the same number with other values."""
    for p in proposals:
        name = (TABLES[p.table].key or ("order_id",))[0]
        if len(p.look.parts) < 2 or name not in p.lines or p.lines[name] not in p.look.names:
            continue
        own = p.table == "orders" and p.behind(p.lines["customer_id"]) is p.look  # and not a joined file
        row, who = ", ".join(p.look.common), p.sql_of("customer_id") if own else "''"
        every = " union all ".join(
            f"select {n} as part, trim({p.look.names[p.lines[name]]}) as k, hash({row}) as h, hash({who}) as w from {part} t"
            for n, part in enumerate(p.look.parts)
        )
        last = len(p.look.parts) - 1
        n, others, example, only_before = p.look.con.execute(f"""
            with lines as (select part, k, sum(cast(h as hugeint)) as h, min(w) as w from ({every}) e
                where k <> '' and not regexp_full_match(k, {literal(TOTALS.pattern)}, 'i') group by all)
            select count(*), count(case when another then 1 end), coalesce(min(case when another then k end), min(k)),
                (select count(*) from lines where part < {last} and k not in (select k from lines where part = {last}))
            from (select k, min(w) <> max(w) as another from lines group by k having count(*) > 1 and min(h) <> max(h)) d
        """).fetchall()[0]
        told = f"{p.look.name}: {counted(n, p.table.rstrip('s') + ' stands', p.table + ' stand')} in more than one file with other values ({example}, for example); "
        if others:
            yield f"{told}{others:,} of them with another customer, and these are rejected in the later file. If they are numbers of two shops, put the shop's before them in the export"
        elif n:
            kept = f"the first is kept, which is that of the earlier file ({p.look.files[0].name} first)"
            mend = f"{p.look.files[-1].name} has all of them: name that file alone"
            yield (
                f"{told}{'every version is counted' if p.table == 'orders' else kept}. If a later file brings the earlier up to date: "
                f"{'name only files that say each once, the newest first of all' if only_before else mend}"
            )
