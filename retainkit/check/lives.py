"""What must be known before the ends of contracts and deals can be counted: histories, trials, and ends without a day."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from retainkit.check.look import Column
from retainkit.check.proposal import Proposal
from retainkit.check.returns import NO
from retainkit.check.words import called, choices
from retainkit.errors import BadValueError, counted, listed
from retainkit.load.names import plain
from retainkit.sqltext import literal


def ends(p: Proposal, answers: Mapping[str, str]) -> None:
    """Make one row of each contract, leave out trials, and say whose end has no day."""
    undated = p.table == "deals" and "closed_at" not in p.lines
    if undated and (n := p.count(_closed(p))):
        p.notes.append(
            f"{counted(n, 'deal is', 'deals are')} won or lost, and no column was recognised as the day it was: all count as open, and no page can count a win. closed_at = the column that says when"
        )
    if p.table == "deals" and "closed_at" in p.columns:
        _closed_elsewhere(p)
    if p.table != "contracts":
        return
    status = next((c for c in p.look.columns.values() if c.kind == "text" and called(c, "contract_status")), None)
    spoken = choices("contracts", "status", status)[1] if status else {}
    by = {choice: list(dict.fromkeys(v.lower() for v in found)) for choice, found in spoken.items()}
    said = f"coalesce(lower(trim({status.sql})), '')" if status else "''"
    trial, cancelled, running = (f"{said} in ({', '.join(map(literal, by[c]))})" if c in by else "false" for c in ("trial", "cancelled", "running"))
    several = p.columns.get("contract_id")
    if several and several.distinct < 0.98 * several.filled:
        _history(p, several, trial, cancelled, answers.get("history", ""))
    else:
        _day_after(p)
        _no_terms(p, status, running, by.get("running", ()), cancelled)
        _as_cancelled(p, cancelled)
        if cancelled != "false" and status:
            _no_day(p, status, cancelled, by["cancelled"])
    n = p.count(trial)
    if 0 < n < p.look.rows:
        p.where = p.where or trial.replace(" in (", " not in (", 1)
        p.notes.append(f"{counted(n, 'row is a trial or', 'rows are trials or')} never became a contract ({listed(by['trial'])}): left out")


def _closed_elsewhere(p: Proposal) -> None:
    """Where deals that are won or lost have no day, and another column has one for them, it is that: a day of winning beside one of losing."""
    day = p.columns["closed_at"]
    without = f"{_closed(p)} and not ({_filled(day.sql)})"
    n = p.count(without)
    free = p.free(p.look.columns).values()
    other = next((c for c in free if c.days and re.search(r"\b(won|lost|win|loss|closed?)\b", plain(c.name)) and p.count(f"{without} and {_filled(c.sql)}") > 0.9 * n), None)
    if n and other:
        p.put("closed_at", f"coalesce({_at(day)}, {_at(other)})", f"{other.name} where {day.name} is empty")


def _closed(p: Proposal) -> str:
    """SQL that asks whether a deal is won or lost."""
    return f"lower(trim({p.sql_of('outcome')})) in ('won', 'lost')"


def _filled(sql: str) -> str:
    """SQL that asks whether something stands in a cell."""
    return f"coalesce(trim(cast({sql} as varchar)), '') <> ''"


def _day_after(p: Proposal) -> None:
    """Where most contracts that follow another one of a customer begin the day after it, an end is noted as the last day: the one after is the end."""
    start, end, who = (p.columns.get(name) for name in ("started_at", "ended_at", "customer_id"))
    if not start or not end or not who or not end.days or end.days.sql or end.days.timed or p.lines.get("ended_at") not in (end.name, end.sql):
        return
    follow, after, *_ = p.one(f"""
        select count(*), count(case when date_diff('day', e, next) = 1 then 1 end) from (
        select {_at(end)} as e, lead({_at(start)}) over (partition by {who.sql} order by {_at(start)}) as next from {{file}}) t where next >= e""")
    if after >= 5 and 2 * after > follow:
        form = literal((end.days.formats or ("%Y-%m-%d",))[0])
        line = f"coalesce(strftime({_at(end)} + interval 1 day, {form}), cast({end.sql} as varchar))"
        p.put("ended_at", line, f"the day after {end.name}: of {counted(follow, 'contract')} that {'follows' if follow == 1 else 'follow'} another one, {after:,} begin then")


def _no_terms(p: Proposal, status: Column | None, running: str, said: Iterable[str], cancelled: str) -> None:
    """Take the end of a term, or of what is paid, for no end of a contract: where it renews itself and was not cancelled, and where a status
    calls it running and nobody asked it to end.
    """
    asked = [_filled(p.sql_of("cancel_requested_at"))] if "cancel_requested_at" in p.lines else []
    ways = []
    if renews := next((c for c in p.look.columns.values() if called(c, "renews")), None):
        never = f"lower(trim({renews.sql})) in ({', '.join(map(literal, sorted(NO)))})"
        why = f"it is the end of a term: `{renews.name}` says that it renews itself, and nothing that it was cancelled"
        ways.append((" or ".join([never, *asked, *[cancelled] * (cancelled != "false")]), why))
    if status and running != "false":
        why = f"it is the end of a term, or of what is paid: `{status.name}` says {listed(said)}"
        ways.append((f"not ({' and not '.join([running, *(f'({day})' for day in asked)])})", why))
    for over, why in ways if "ended_at" in p.lines else ():
        if n := p.count(f"{_filled(p.sql_of('ended_at'))} and not ({over})"):
            p.put("ended_at", f"case when {over} then {p.sql_of('ended_at')} end", f"of {counted(n, 'row')} {why}")


def _as_cancelled(p: Proposal, cancelled: str) -> None:
    """Where no column says when contracts ended, the day they were cancelled is that day: without one nobody would ever have left."""
    if "cancel_requested_at" in p.lines and "ended_at" not in p.lines:
        day = p.sql_of("cancel_requested_at")
        end = f"case when {cancelled} then {day} end" if cancelled != "false" else day
        p.put("ended_at", end, "no column says when contracts ended: the day they were cancelled is taken for it")


def worth_nothing(p: Proposal) -> None:
    """Values of contracts that are 0 in all that ended are not what they brought: money that left is then not counted at all."""
    if p.table != "contracts" or not {"ended_at", "monthly_value"} <= p.lines.keys():
        return
    value = f"try_cast({p.sql_of('monthly_value')} as double)"
    ended, none, runs, *_ = p.one(f"""
        select count(case when ended then 1 end), count(case when ended and v = 0 then 1 end), count(case when not ended and v > 0 then 1 end)
        from (select {_filled(p.sql_of("ended_at"))} as ended, {value} as v from {{file}}) t""")
    if ended >= 5 and none == ended and runs:
        p.notes.append(
            f"`{p.column_of(p.lines.pop('monthly_value'))}` is 0 in all {ended:,} contracts that ended, so what left cannot be counted in money: monthly_value = the column that says what each brought, if there is one"
        )


def _history(p: Proposal, key: Column, trial: str, cancelled: str, answer: str) -> None:
    """Ask of contracts with several rows what they are; told that they are histories, read each from its first row to its last."""
    alone = len(p.look.files) == p.look.sheets == 1
    whole = (
        "If the rows are a contract's history, whole makes one contract of them, "
        "from its first paid day to the end of its last row, at what it last paid; "
    )
    p.ask(
        "history",
        f"{p.look.seen}: {key.distinct:,} contracts have {key.filled:,} rows, and one row each is needed. "
        f"{whole if alone else 'Export one row a contract; '}first keeps the first row of each",
        *("--answer history=whole", "--answer history=first")[not alone :],
    )
    if answer == "whole" and not alone:
        raise BadValueError("--answer history=whole", "reads histories of one file only", p.look.name, "--answer history=first, or one file")
    if answer != "whole":
        return
    columns = p.columns
    start, end = _at(columns["started_at"]), _at(columns["ended_at"]) if "ended_at" in columns else "null"
    each = f"partition by {key.sql}"
    order = ", ".join((start, *[cancelled] * (cancelled != "false"), f"{end} nulls last"))
    last = f"over ({each} order by {order} rows between unbounded preceding and unbounded following)"
    over = f"{cancelled} and coalesce({end} <= {start}, true)"  # with a start and a later end it is the contract's last stretch
    paid = f"not ({' or '.join(test for test, by in ((trial, trial), (over, cancelled)) if by != 'false') or 'false'})"
    before = f"{paid} and not {cancelled}"  # what it paid: a row that ends it often says 0
    if none := p.one(f"select count(*) from (select {key.sql} as k from {{file}} group by k having k is not null and count(case when {paid} then 1 end) = 0) t")[0]:
        p.notes.append(f"{counted(none, 'contract has', 'contracts have')} no row but trials and cancellations: left out")
    for name in {*p.lines, *(["ended_at"] if cancelled != "false" else [])} - {"contract_id", "customer_id"}:
        what = _at(columns[name]) if name in p.dated else p.sql_of(name)
        line = {
            "started_at": f"min(case when {paid} then {start} end) over ({each})",
            "ended_at": f"last_value(case when {cancelled} then coalesce({end}, {start}) else {end} end) {last}",
            "monthly_value": f"coalesce(last_value(case when {before} then {what} end ignore nulls) {last}, last_value(case when {paid} then {what} end ignore nulls) {last})"}.get(name, f"last_value({what}) {last}")
        p.put(name, line, "of all rows of the contract")
    p.where = f"row_number() over ({each} order by {order}) = 1 and count(case when {paid} then 1 end) over ({each}) > 0"


def _at(column: Column) -> str:
    """SQL that reads a column, of days as moments."""
    return column.days.read(column.sql) if column.days else column.sql


def _no_day(p: Proposal, status: Column, cancelled: str, said: Iterable[str]) -> None:
    """Say how many contracts are called cancelled while nothing says since when, and what may say it."""
    days = [name for name in ("ended_at", "cancel_requested_at") if name in p.lines]
    empty = "".join(f" and not ({_filled(p.sql_of(name))})" for name in days)
    if not (n := p.count(f"{cancelled}{empty}")):
        return
    text = (
        f"{counted(n, 'row says', 'rows say')} {listed(said)} in `{status.name}`, and no {'day' if days else 'column'} says since when: they count as running"
        + ("" if days else ", so that churn cannot be known")
    )
    free = p.free(p.look.columns).values()
    other = next((c for c in free if c.days and re.search("end|until|expir|ende|bis|fin", c.name.lower())), None)
    if other and not days:
        text += f". If `{other.name}` is when they ended: ended_at = '''case when {cancelled} then {_at(other)} end'''"
    p.notes.append(text)
