"""What must be known before amounts are added: whether an order's total stands on each of its lines, and which currency counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retainkit.check.identity import column_of, one, sql_of
from retainkit.check.proposal import LIKELY, Proposal, Question
from retainkit.check.words import likeness, words
from retainkit.errors import BadValueError, listed
from retainkit.tally import literal

if TYPE_CHECKING:
    import duckdb


def totals(con: duckdb.DuckDBPyConnection, p: Proposal, answer: str) -> None:
    """Ask of an amount that every line of an order repeats whether it is the order's: added line by line it would count too often."""
    order, amount = sql_of(p, "order_id"), sql_of(p, "amount")
    named = p.reads(f"{p.lines.get('quantity')} {p.lines.get('product_line')}")
    other = [c for c in p.look.columns.values() if c.name in named or any(likeness(c.name, words()["also"][w]) > 0.55 for w in ("product", "price"))]
    if p.table != "orders" or order == "row_no" or not other:  # rows that differ in nothing are one row twice, and in a status a sale and its return
        return
    several, same, *_ = one(con, f"""select count(*), count(case when a = b then 1 end) from (select min({amount}) as a, max({amount}) as b
        from {{file}} group by {order} having count(distinct ({', '.join(c.sql for c in other)})) > 1) o""", p)
    if several < 5 or same < 0.95 * several:
        return
    told = f"`{column_of(p, p.lines['amount'])}` is the same on all lines of {same:,} of the {several:,} orders whose lines differ in {listed(f'`{c.name}`' for c in other)}"
    p.questions.append(Question("totals", f"{p.look.seen}: {told}. Is it the order's total (order: it is counted once an order), or what each line cost (line: all are added)?",
                                ("--answer totals=order", "--answer totals=line")))
    if answer == "order":
        p.lines["amount"] = f"({amount}) / count(*) over (partition by {order})"
        p.why["amount"] = (LIKELY, f"{told}: the order's total, as you said, shared by its lines")


def currencies(con: duckdb.DuckDBPyConnection, p: Proposal) -> dict[str, int]:
    """Rows by currency, where a column says it."""
    if not p.currency:
        return {}
    rows = con.execute(f"select upper(trim(cast({p.currency} as varchar))) as c, count(*) from {p.look.table} where {p.currency} is not null group by 1 order by 2 desc, 1 limit 20")
    return {c: n for c, n in rows.fetchall() if c}


def mixed(con: duckdb.DuckDBPyConnection, p: Proposal, answer: str, much: float) -> None:
    """Ask which currency counts where amounts are in several: added as they stand they are money of no country."""
    counts = currencies(con, p)
    if len(counts) < 2:
        return
    if answer and answer not in (*counts, "ALL"):
        raise BadValueError("--answer mixed", "is no currency of the file", f"{answer}; {p.look.name} has {listed(counts)}", f"--answer mixed={next(iter(counts))}")
    total = sum(counts.values())
    parts = ", ".join(f"{c} {n:,} ({n / total:.1%})" for c, n in list(counts.items())[:6])
    p.questions.append(Question("mixed", f"{p.look.name}: {len(counts)} currencies are mixed: {parts}. Which one is counted? (all: amounts are added as they stand)",
                                (*(f"--answer mixed={c}" for c in list(counts)[:4]), "--answer mixed=all"), needed=total - max(counts.values()) > much * total))
    if answer and answer != "ALL":
        said = f"upper(trim(cast({p.currency} as varchar)))"
        order = sql_of(p, "order_id") if p.table == "orders" else ""
        (empty,) = con.execute(f"select count(*) from {p.look.table} where coalesce({said}, '') = ''").fetchall()[0]
        if empty and order not in ("", "row_no"):  # on the first line of an order only, as Shopify writes it
            said = f"max({said}) over (partition by {order})"
        p.where = " and ".join(f"({part})" for part in (p.where, f"{said} = {literal(answer)}") if part)
