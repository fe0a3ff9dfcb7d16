"""Money that was given back, and orders that were cancelled: days, flags, words, rows and files that say so."""

from __future__ import annotations

from retainkit.check.evidence import of_returns
from retainkit.check.joins import its_id
from retainkit.check.look import Column, Look
from retainkit.check.proposal import Proposal
from retainkit.check.words import best_of, called, choices, number_of
from retainkit.errors import counted, listed
from retainkit.load.names import plain, single, words
from retainkit.load.plan import toml
from retainkit.sqltext import literal

YES, NO = {"true", "yes", "y", "1", "1.0", "t", "ja", "oui", "si", "x"}, {"false", "no", "n", "0", "0.0", "f", "nein", "non", ""}


def given_back(proposal: Proposal, columns: dict[str, Column]) -> None:
    """What says cancelled or refunded beside the status, or without one; and money given back is taken off."""
    found = proposal.columns
    free = {n: c for n, c in proposal.free(columns).items() if not _flag(c)}
    back = best_of(free, words()["also"]["refunded"])
    _status(proposal, columns, None if back or "status" in found else found.get("refunded_at"))
    if "amount" not in proposal.lines:
        return
    amount, line = found.get("amount"), proposal.lines["amount"]
    name, line = (amount.name, number_of(amount) if line == amount.name else line) if amount and amount.name in line else ("the amount", line)
    _pieces_back(proposal, name, line)
    _rows_back(proposal, free, name, line)
    if back and ("order_id" not in found or found["order_id"].distinct >= 0.98 * proposal.look.rows):
        off = f"abs(coalesce({number_of(back)}, 0))"
        proposal.put("amount", f"{line} - {off}", f"{name} less {back.name}")
        whole, status = f"{off} >= {line} and {line} > 0", proposal.sql_of("status") or "'paid'"
        if proposal.count(f"{whole} and coalesce({status}, '') not in ('cancelled', 'refunded')"):
            why = f"{proposal.why.get('status', ('', ''))[1]}; refunded where {back.name} is the whole amount"
            proposal.put("status", f"case when {whole} then 'refunded' else {status} end", why.lstrip("; "))
    elif back:
        proposal.notes.append(f"`{back.name}` is not taken off the amounts: orders have several rows, and each may repeat it")


def _pieces_back(proposal: Proposal, name: str, line: str) -> None:
    """Rows of fewer than no pieces are below zero, where an amount above zero stands beside them."""
    quantity = proposal.columns.get("quantity")
    if not quantity or (quantity.least or 0) >= 0:
        return
    if n := proposal.count(f"{number_of(quantity)} < 0 and {line} > 0"):
        less = f"case when {number_of(quantity)} < 0 then -abs({line}) else {line} end"
        proposal.put("amount", less, f"{name}, below zero where {quantity.name} is")
        proposal.notes.append(f"`{quantity.name}` is below zero in {counted(n, 'row')} whose {name} is above: taken for money given back")


def _status(proposal: Proposal, columns: dict[str, Column], refunded_at: Column | None) -> None:
    """Days and flags of cancelling, flags and days of refunding, as words of a status, where it has none of its own for them."""
    tests, status = {}, proposal.columns.get("status")
    own = choices("orders", "status", status)[1] if status else {}
    for choice, kinds in (("cancelled", ("day", "empty")), ("refunded", ())):
        if choice in own:
            continue
        other = refunded_at if choice == "refunded" else None
        column = next((c for c in columns.values() if called(c, choice) and (c.kind in kinds or _flag(c))), other)
        if column:
            text = f"lower(trim(cast({column.sql} as varchar)))"
            nothing = ", ".join(map(literal, ("", *(v.lower() for v in (column.days.nothing if column.days else ())))))
            tests[choice] = f"{text} in ({', '.join(map(literal, sorted(YES)))})" if _flag(column) else f"{text} not in ({nothing})", column.name
    if tests:
        whens = " ".join(f"when {test} then {literal(choice)}" for choice, (test, _) in tests.items())
        line = proposal.lines.get("status", "'paid'")
        others = status.sql if status and line == status.name else line
        said = " and ".join(f"{choice} where {name} says so" for choice, (_, name) in tests.items())
        proposal.put("status", f"case {whens} else {others} end", said)


def _rows_back(proposal: Proposal, columns: dict[str, Column], name: str, line: str) -> None:
    """Rows that a column calls refunds are below zero, however they are written."""
    status = proposal.columns.get("status")
    for column in columns.values():
        by = choices("orders", "entry", column)[1] if column.kind == "text" and called(column, "entry") else {}
        if "sale" in by and "other" in by:
            proposal.where = f"coalesce(trim({column.sql}), '') not in ({', '.join(map(literal, by['other']))})"
            proposal.notes.append(f"`{column.name}` says {listed(by['other'])}, which is no sale and no money given back: left out")
        if {"sale", "refund"} <= set(by):
            refunds = ", ".join(map(literal, by["refund"]))
            less = f"case when trim({column.sql}) in ({refunds}) then -abs({line}) else {line} end"
            proposal.put("amount", less, f"{name}, below zero where {column.name} is {listed(by['refund'])}")
            if status and choices("orders", "status", status)[1].get("refunded"):
                proposal.notes.append(
                    f"`{column.name}` and `{status.name}` both speak of refunds: where a sale that is called refunded has a row of its refund as well, the money is taken off twice"
                )
            if left := [v for v in column.values if all(v not in vs for vs in by.values())]:
                proposal.notes.append(f"`{column.name}` also says {listed(left)}: those rows are counted as they stand")


def _flag(column: Column) -> bool:
    return bool(column.values) and {v.lower() for v in column.values} <= YES | NO


def _beside(orders: Proposal, look: Look) -> tuple[str, Column | None]:
    """The column of the orders that holds their number, and that of another file that holds it too."""
    mine = next((n for n, c in orders.look.columns.items() if orders.lines["order_id"] in (n, c.sql)), "")
    return mine, next((c for n, c in look.columns.items() if plain(n) in its_id(orders.look)), None) if plain(mine) == "id" else look.columns.get(mine)


def _joined(look: Look, mine: str, key: Column) -> str:
    """What is typed to add the columns of a file to the orders."""
    return f"[[orders.join]] with path = {toml(look.name)} (its path, like that of the orders) and on = {toml(mine if mine == key.name else f'{mine} = {key.name}')}"


def cancelled_beside(orders: Proposal | None, look: Look) -> str:
    """What a file that is not used says of orders that were cancelled, with lines that say so; empty where it is of none."""
    if not orders or not single("off") & set(plain(look.files[0].name).split()):
        return ""
    mine, key = _beside(orders, look)
    mark = next((c for c in look.columns.values() if c.name not in orders.look.columns and c.filled == look.rows), None)
    lead = f": orders that were cancelled stand in it ({counted(look.rows, 'row')}), and count as if they were not. "
    if not key or key.distinct < look.rows or not mark:
        return f"{lead}Name them in a column of the orders that says cancelled"
    status = orders.sql_of("status") or "'paid'"
    return f"{lead}To leave them out: {_joined(look, mine, key)}, and status = '''case when {mark.sql} is not null then 'cancelled' else {status} end'''"


def money_beside(orders: Proposal | None, look: Look) -> str:
    """What a file that is not used says of money given back, with lines that take it off where they can be told; empty where it is none."""
    money = best_of(look.columns, [*words()["also"]["refunded"], *words()["orders"]["amount"]])
    if not orders or not money or not (of_returns(look) or called(money, "refunded")):
        return ""
    order, amount, own = orders.sql_of("order_id"), orders.sql_of("amount"), orders.look.columns
    mine, key = _beside(orders, look)
    days = [c for c in look.columns.values() if c.kind == "day" and c.name not in own]
    day = next((c for c in days if c.days and not c.days.sql and c.days.formats == orders.date_format), None)
    mark = next((c for c in look.columns.values() if c.name not in own and c.filled == look.rows), None)
    lead = f": money given back stands in it ({counted(look.rows, 'row')}), and is not taken off. "
    if key and key.distinct == look.rows and money.name not in own:
        back, one = f"coalesce({number_of(money)}, 0)", own[mine].distinct == orders.look.rows
        once = back if one else f"case when row_number() over (partition by {order}) = 1 then {back} else 0 end"
        bought = amount if one else f"sum({amount}) over (partition by {order})"
        whole = f"case when abs({back}) >= {bought} and {bought} > 0 then 'refunded' else {orders.sql_of('status') or literal('paid')} end"
        return (
            f"{lead}To take it off on the day of the order: {_joined(look, mine, key)}, and amount = '''{amount} - abs({once})''', and status = '''{whole}''', "
            "for of an order that is given back as a whole nothing was bought"
        )
    if key and day and mark and money.name in own and all(n in look.columns for n in (orders.lines["customer_id"], money.name)):
        paths = toml([f.name for f in (*orders.look.files, *look.files)])
        return lead + (
            f"To count its rows as money given back: path = {paths}, missing = \"empty\", ordered_at = '''coalesce({orders.sql_of('ordered_at')}, {day.sql})''' "
            f"and amount = '''case when {mark.sql} is null then {amount} else -abs({amount}) end'''"
        )
    return lead + "To take it off, add its rows to the orders, with their amounts below zero"
