"""What an amount is: price times quantity or the whole line's, an order's total on each of its lines, in one currency or several."""

from __future__ import annotations

import re

from retainkit.check.look import Column
from retainkit.check.proposal import Proposal
from retainkit.check.words import best_of, called, number_of
from retainkit.errors import BadValueError, listed
from retainkit.load.names import ENOUGH, likeness, words
from retainkit.load.plan import toml
from retainkit.sqltext import literal

SIGN = "[$€£¥₹]|[A-Z]{3}"  # of a currency, in an amount


def amount_of(proposal: Proposal, columns: dict[str, Column]) -> None:
    """Where no column is the amount: price times quantity, or a price that is that of all pieces, less the discount."""
    found = proposal.columns
    header = found.get("amount")  # of another file, and so on every line
    if header and header.name in proposal.look.columns:
        return
    also = words()["also"]
    price = best_of(columns, also["price"])
    quantity = found.get("quantity")
    if not price or not quantity:
        if header and "order_id" not in found:  # nothing says over which lines it is spread
            del proposal.lines["amount"]
        elif header:
            each = f"{number_of(header)} / count(*) over (partition by {found['order_id'].sql})"
            proposal.put("amount", each, f"{header.name}, spread over the lines of its order")
        return

    sql, why = f"{number_of(quantity)} * {number_of(price)}", f"{quantity.name} times {price.name}"
    if _of_all_pieces(proposal, columns, quantity, price):
        sql, why = number_of(price), f"within a product {price.name} grows with {quantity.name}: it is the price of all pieces"
        proposal.notes.append(
            f"`{price.name}` is taken for the price of the whole line and not of a piece: within a product it is in proportion to `{quantity.name}`"
        )
    if discount := best_of(columns, also["discount"]):
        off, kind = f"abs(coalesce({number_of(discount)}, 0))", _discount_in(discount)
        sql = {"a share": f"{sql} * (1 - {off})", "percent": f"{sql} * (1 - {off} / 100)", "money off the line": f"{sql} - {off}"}[kind]
        why += f", less {discount.name}, taken for {kind}"
    proposal.put("amount", sql, why)
    if (quantity.least or 0) < 0 or (price.least or 0) <= 0:
        below = f"some lines have `{quantity.name}` or `{price.name}` at or below zero (returns, corrections, gifts)"
        proposal.ask("returns", f"{proposal.look.name}: {below}", "--answer returns=out", "--answer returns=in", needed=False)
        proposal.above_zero = f"{number_of(quantity)} > 0 and {number_of(price)} > 0"


def _of_all_pieces(proposal: Proposal, columns: dict[str, Column], quantity: Column, price: Column) -> bool:
    """Whether the price of a product is in proportion to how many are bought, in nine of ten that are bought by one and by several."""
    known = words()["also"]["product"]
    product = max((c for c in columns.values() if c.kind != "day" and 1 < c.distinct < c.filled), key=lambda c: likeness(c.name, known), default=None)
    if not product or likeness(product.name, known) < ENOUGH:
        return False
    rows, products, alike, *_ = proposal.one(f"""
        select sum(n), count(*), count(case when dearer and most - least <= 0.01 then 1 end) from (
        select count(*) as n, min(p / q) as least, max(p / q) as most, max(p) > min(p) as dearer from (select {product.sql} as product, {number_of(quantity)} as q, {number_of(price)} as p from {{file}}) l
        where q > 0 and p > 0 group by product having max(q) > min(q)) t""")
    return (rows or 0) >= 5 and alike >= 0.9 * products


def signs(amount: Column | None) -> str:
    """SQL for the currency that stands in the amounts themselves, where one does."""
    return f"nullif(regexp_extract(cast({amount.sql} as varchar), '{SIGN}'), '')" if amount and any(re.search(SIGN, v) for v in amount.values) else ""


def _discount_in(column: Column) -> str:
    """What a discount is written in: a share up to 1, percent, or money off the line."""
    digits = [re.sub(r"[^0-9.,-]", "", v).replace(",", ".") for v in column.values]
    sizes = [float(d) if re.fullmatch(r"-?[0-9]*[.]?[0-9]+", d) else float("inf") for d in digits if d]
    if any("%" in v for v in column.values) or re.search("percent|prozent|pct|%", column.name.lower()):
        return "percent"
    return "a share" if all(0 <= size <= 1 for size in sizes) else "money off the line"


def totals(p: Proposal, answer: str) -> None:
    """Ask of an amount that every line of an order repeats whether it is the order's: added line by line it would count too often."""
    order, amount = p.order, p.sql_of("amount")
    named = p.reads(f"{p.lines.get('quantity')} {p.lines.get('product_line')}")
    other = [c for c in p.look.columns.values() if c.name in named or any(called(c, w, ENOUGH) for w in ("product", "price"))]
    if not order or not other:  # rows that differ in nothing are one row twice, and in a status a sale and its return
        return
    several, same, *_ = p.one(f"""
        select count(*), count(case when a = b then 1 end) from (select min({amount}) as a, max({amount}) as b
        from {{file}} group by {order} having count(distinct ({', '.join(c.sql for c in other)})) > 1) o""")
    if several < 5 or same < 0.95 * several:
        return
    told = f"`{p.column_of(p.lines['amount'])}` is the same on all lines of {same:,} of the {several:,} orders whose lines differ in {listed(f'`{c.name}`' for c in other)}"
    what = "Is it the order's total (order: it is counted once an order), or what each line cost (line: all are added)?"
    p.ask("totals", f"{p.look.seen}: {told}. {what}", "--answer totals=order", "--answer totals=line")
    if answer == "order":
        why = f"{told}: the order's total, as you said, shared by its lines"
        p.put("amount", f"({amount}) / count(*) over (partition by {order})", why)


def several_days(p: Proposal) -> None:
    """Say of orders whose rows lie on several days that each day is one, with a line that puts them on their first."""
    order, day = p.order, p.dated.get("ordered_at")
    if not order or not day or not day.days or p.lines["ordered_at"] not in (day.name, day.sql, day.days.sql):
        return
    when, first = day.days.read(day.sql), f"try_cast({p.sql_of('amount')} as double)"
    every, several, *_ = p.one(f"""
        select count(*), count(case when days > 1 then 1 end) from (
        select {order} as o, count(distinct cast({when} as date)) as days from {{file}} where {first} > 0 group by o) t""")
    if several >= 5 and several > 0.01 * every:
        p.notes.append(
            f"{several:,} of {every:,} orders have rows on several days, and are counted once a day. If they are one order each (paid or sent in parts): "
            f"ordered_at = '''min({when}) over (partition by {order})'''"
        )


def sums(p: Proposal) -> None:
    """Say of orders of which one row is the sum of all others that it is counted twice, and what tells such rows."""
    order, amount = p.order, f"try_cast({p.sql_of('amount')} as double)"
    if not order:
        return
    # no column of a file is called like these, as one may be called total
    rows = f"""select *, " a" = max(" a") over w and abs(2 * " a" - sum(" a") over w) < 0.01 as " whole", count(*) over w as " n"
        from (select *, {order} as " o", {amount} as " a" from {{file}}) r where " a" <> 0 window w as (partition by " o")"""
    orders, alike, long, *_ = p.one(f"""
        select count(*), count(case when whole then 1 end), count(case when whole and n > 2 then 1 end)
        from (select bool_or(" whole") as whole, max(" n") as n from ({rows}) t where " n" > 1 group by " o") s""")
    if long < 5 or alike < 0.9 * orders:
        return
    way = ""
    for c in (c for c in p.look.columns.values() if c.kind == "text" and c.distinct <= 20):
        for v in c.values:
            here, totals, *_ = p.one(f"""select count(*), count(case when " whole" then 1 end) from ({rows}) t where " n" > 1 and {c.sql} = {literal(v)}""")
            if here == totals >= 0.9 * alike:
                others = f"coalesce({c.sql}, '') <> {literal(v)}"
                way = way or f": to leave them out, where = {toml(others)}"
    p.notes.append(f"in {alike:,} of the {orders:,} orders of several rows one row is the sum of the others, and what they cost is counted twice{way}")


def currencies(p: Proposal) -> dict[str, int]:
    """Rows by currency, where a column says it."""
    if not p.currency:
        return {}
    rows = p.look.con.execute(
        f"select upper(trim(cast({p.currency} as varchar))) as c, count(*) from {p.behind(p.currency).table} where {p.currency} is not null group by 1 order by 2 desc, 1 limit 20"
    )
    return {c: n for c, n in rows.fetchall() if c}


def mixed(p: Proposal, answer: str, much: float) -> None:
    """Ask which currency counts where amounts are in several: added as they stand they are money of no country."""
    counts = currencies(p)
    if len(counts) < 2:
        return
    if answer and answer not in (*counts, "ALL"):
        raise BadValueError(
            "--answer mixed",
            "is no currency of the file",
            f"{answer}; {p.look.name} has {listed(counts)}",
            f"--answer mixed={next(iter(counts))}",
        )
    total = sum(counts.values())
    parts = ", ".join(f"{c} {n:,} ({n / total:.1%})" for c, n in list(counts.items())[:6])
    p.ask(
        "mixed",
        f"{p.look.name}: {len(counts)} currencies are mixed: {parts}. Which one is counted? (all: amounts are added as they stand)",
        *(f"--answer mixed={c}" for c in [*list(counts)[:4], "all"]),
        needed=total - max(counts.values()) > much * total,
    )
    if answer and answer != "ALL":
        said = f"upper(trim(cast({p.currency} as varchar)))"
        if p.order and p.behind(said).count(f"coalesce({said}, '') = ''"):  # on the first line of an order only, as Shopify writes it
            said = f"max({said}) over (partition by {p.order})"
        p.where = " and ".join(f"({part})" for part in (p.where, f"{said} = {literal(answer)}") if part)
