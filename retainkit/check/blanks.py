"""Values that stand on the first row of an order only, or of a block of rows: the rows below are not without them."""

from __future__ import annotations

from collections.abc import Sequence

from retainkit.check.proposal import Proposal
from retainkit.errors import counted

FEW = 5  # rows that may be blank for any other reason


def filled_down(p: Proposal) -> None:
    """Read what an order says of itself on one of its rows as said of all; and rows without any number as those of the order above."""
    if not p.order or p.system:
        return
    heads = [name for name in ("order_id", "customer_id", "ordered_at", "status") if name in p.lines]
    cells = {name: f"nullif(trim(cast({p.sql_of(name)} as varchar)), '')" for name in (*heads, "amount")}
    blank = " and ".join(f"{cells[name]} is null" for name in heads)
    below, *_ = p.one(f"select count(*) from {{file}} where {blank} and {cells['amount']} is not null and rowid > 0")
    if below >= FEW and below == p.count(f"{cells['order_id']} is null and {cells['amount']} is not null"):
        for name in heads:
            cell = cells[name] if p.lines[name] in p.look.columns else p.sql_of(name)
            above = f"case when {cells['order_id']} is null then last_value({cell} ignore nulls) over (order by row_no) else {cell} end"
            p.put(name, above, f"{counted(below, 'row')} without a number {'has' if below == 1 else 'have'} that of the row above")
        return
    rows, names = f"partition by {p.order}", []
    for name in heads[1:]:
        lacking, mended = _once(p, cells[name], cells["order_id"])
        if mended >= FEW and 2 * mended > lacking:
            own = cells[name] if p.lines[name] in p.look.columns else p.sql_of(name)
            of_all = f"case when min({own}) over ({rows}) = max({own}) over ({rows}) then max({own}) over ({rows}) end"
            p.put(name, f"coalesce({own}, {of_all})", f"{counted(mended, 'row')} without it have that of another row of their order")
            names.append(name)
    lacking, mended = _once(p, cells["amount"], cells["order_id"], "filled = 1")
    if mended >= FEW and mended > 0.95 * lacking:
        amount = p.sql_of("amount")
        shared = f"case when count({amount}) over ({rows}) = 1 then max({amount}) over ({rows}) / count(*) over ({rows}) else {amount} end"
        p.put("amount", shared, f"it stands once an order and not on {counted(mended, 'other row')}: shared by all of them")
    _once_a_block(p, cells["customer_id"], names)


def _once(p: Proposal, cell: str, order: str, test: str = "different = 1") -> tuple[int, int]:
    """How many rows lack a value, and how many of them are of an order of which others have it and say the same, or of which one has it."""
    lacking, mended, *_ = p.one(f"""
        select coalesce(sum(n - filled), 0), coalesce(sum(case when {test} then n - filled end), 0)
        from (select count(*) as n, count({cell}) as filled, count(distinct {cell}) as different from {{file}} where {order} is not null group by {order}) t""")
    return int(lacking), int(mended)


def _once_a_block(p: Proposal, who: str, mended: Sequence[str]) -> None:
    """Say of customers that are named once each, and not in the rows below, how they are read if those rows are theirs."""
    lacking, named, different, *_ = p.one(f"select count(*) - count({who}), count({who}), count(distinct {who}) from {{file}}")
    if "customer_id" not in mended and lacking >= max(FEW, named / 2) and 1 < named == different:
        p.notes.append(
            f"{counted(lacking, 'row names', 'rows name')} no customer, and each customer is named once: if a customer stands on the first row of a block only, "
            f"customer_id = '''last_value({who} ignore nulls) over (order by row_no)'''"
        )
