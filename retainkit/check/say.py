"""The health report of an export, as text for a terminal and as one page of HTML."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable
from importlib import resources

from retainkit.check import health
from retainkit.check.answers import FLAGS
from retainkit.check.evidence import NUMBERED, falls_short, nearest
from retainkit.check.examine import Examined
from retainkit.check.identity import identity, versions
from retainkit.check.look import Look
from retainkit.check.proposal import Proposal
from retainkit.check.returns import cancelled_beside, money_beside
from retainkit.errors import counted, listed
from retainkit.load.plan import toml
from retainkit.load.schema import TABLES
from retainkit.load.shop import Shop

OPEN = {
    "date-format": "--date-format D/M-OR-M/D",
    "decimal": "--decimal POINT-OR-COMMA",
    "status": "--answer status=WHAT-IT-IS",
    "outcome": "--answer outcome=WHAT-IT-IS",
    "overlap": "--answer overlap=ONCE-OR-ALL",
    "totals": "--answer totals=ORDER-OR-LINE",
    "mixed": "--answer mixed=WHICH-CURRENCY",
    "orders.amount": "--answer orders.amount=WHICH-COLUMN",
}  # what to type is for who knows the file: a likelier answer would be copied
MOST = 12  # lines of a section; the rest is counted


def sections(found: Examined) -> list[tuple[str, list[str]]]:
    """The report: headings, and lines under each. Sections that have nothing to say are left out."""
    parts: list[tuple[str, Iterable[str]]] = [
        ("Files", _files(found)),
        ("What it looks like", _systems(found)),
        ("Proposed mapping", _mapping(found)),
    ]
    if found.trouble:
        parts.append(("What stands in the way", [found.trouble]))

    def of(shop_lines: Callable[[Shop], Iterable[str]]) -> Iterable[str]:
        return shop_lines(found.shop) if found.shop else ()

    parts += [
        ("Rows", of(health.rows_read)),
        ("Customers", [*identity(found.proposals), *of(health.guests), *health.stand_ins(found)]),
        ("Duplicates", [*health.duplicates(found), *versions(found.proposals)]),
        ("Cancelled and refunded", of(health.fates)),
        ("How days are written", health.formats(found)),
        ("Time zone", health.zones(found)),
        ("Currency", health.money(found)),
        ("Calendar", of(health.calendar)),
        ("History", of(health.history)),
        ("Columns that begin late", of(health.late_columns)),
        ("Reports this data supports", of(health.reports)),
        ("Questions", _questions(found)),
        ("Next", [next_command(found)]),
    ]
    return [(title, lines) for title, found_lines in parts if (lines := list(found_lines))]


def _files(found: Examined) -> Iterable[str]:
    for look in found.looks:
        users = [p.table for p in found.proposals if p.look.table == look.table]
        joined = [p.table for p in found.proposals for other, _ in p.joins if other.table == look.table]
        use = f"becomes {' and '.join(users)}" if users else f"adds columns to {' and '.join(dict.fromkeys(joined))}"
        if not users and not joined:
            use = f"is not used{_unlike(found, look)}"
        encoding, skip = look.settings.get("encoding", ""), look.settings.get("skip", 0)
        notes = {
            f"encoding {encoding}": encoding,
            f"{counted(skip, 'line above its header is', 'lines above its header are')} left out": skip,
            "no header line": look.settings.get("header") is False,
            counted(look.sheets, "sheet"): look.sheets > 1,
            "a sample of it": look.sampled,
            f"{len(look.columns)} of them looked at": len(look.columns) < len(look.names),
        }
        said = ", ".join(note for note, so in notes.items() if so)
        yield f"{look.name}: {counted(look.rows, 'row')}, {counted(len(look.names), 'column')}{f' ({said})' if said else ''}; {use}"
        odd = dict.fromkeys(v for c in look.columns.values() for v in c.values if not v.isascii())
        if odd and encoding and not encoding.startswith("utf"):
            yield f"  it is not UTF-8; read as {encoding}: {listed(list(odd)[:3])}. If these look wrong, say --encoding and the one it was exported in"
        for missing in dict.fromkeys(listed(names) for names in look.lacking.values()):
            without = [name for name, names in look.lacking.items() if listed(names) == missing]
            yield f"  {listed(without, limit=3)} {'has' if len(without) == 1 else 'have'} no {missing}: empty there"
    yield from _left_aside(found)


def aside(found: Examined) -> list[str]:
    """What was named and is in nothing that is said of the data."""
    used = {look.table for p in found.proposals for look in (p.look, *(other for other, _ in p.joins))}
    return [*(f"{look.name} is not used{_unlike(found, look)}" for look in found.looks if look.table not in used), *_left_aside(found)]


def _left_aside(found: Examined) -> list[str]:
    return [*(f"not read: {wrong}" for wrong in found.unread), *(f"not looked at: {what}" for what in found.passed),
            *(f"{answer}: nothing in these files asks it, so it does nothing" for answer in found.idle)]


def _unlike(found: Examined, look: Look) -> str:
    """Why a file is none of those it looks like."""
    orders = next((p for p in found.proposals if p.table == "orders"), None)
    if beside := money_beside(orders, look) or cancelled_beside(orders, look):
        return beside
    for p in found.proposals:
        more, less = ([n for n in a.names if n not in b.names] for a, b in ((look, p.look), (p.look, look)))
        if len(more) + len(less) <= len(look.names) // 3:
            differ = [f"with {listed(more)} besides"] * bool(more) + [f"without {listed(less)}"] * bool(less)
            return (
                f": it is like {p.look.name}, {' and '.join(differ)}"
                "; files are one table where they have the same columns, or are called alike (orders-01, orders-02) and one has all columns of the others"
            )
    for p in found.proposals:
        if other := next((other for other in p.instead if other.look is look and not p.system), None):
            return _as_well(p, other)
    return falls_short(look)


def _as_well(p: Proposal, other: Proposal) -> str:
    """What is said of a file that is the same table under other names of columns, with lines that read both."""
    said = f": by itself it is {p.table}, too, under other names than {p.look.name}, and its rows are in no count. If they are no rows that the other has: "
    needed = [c.name for c in TABLES[p.table].columns if c.required]
    if p.date_format != other.date_format or p.joins or other.joins or any("row_no" in (p.lines[n], other.lines[n]) for n in needed):
        return f"{said}give its columns the same names"
    both = (f"{n} = '''coalesce({', '.join(f'cast({each.sql_of(n)} as varchar)' if each.sql_of(n) in each.look.names.values() else each.sql_of(n) for each in (p, other))})'''" for n in needed)
    paths = toml([f.name for f in (*p.look.files, *other.look.files)])
    return f"{said}path = {paths} (their paths), missing = \"empty\", {', '.join(both)}"


def _systems(found: Examined) -> Iterable[str]:
    names = dict.fromkeys(p.system for p in found.proposals if p.system)
    if not names and found.proposals:
        yield "no system retainkit knows: the columns were recognised by what people usually call them, and by their values"
    for name in (*names, ""):
        yield from [name] * bool(name)
        yield from (f"  {note}" for p in found.proposals if p.system == name for note in p.notes)


def _mapping(found: Examined) -> Iterable[str]:
    for p in found.proposals:
        yield f"{p.table} ({p.sure}) from {p.look.name}"
        said = {name: sql if len(sql) <= 70 else f"worked out from {listed(p.reads(sql))}" for name, sql in p.lines.items()}
        wide = max((len(told) for told in said.values() if len(told) <= 24), default=0)
        for name, told in said.items():
            how, why = p.why.get(name, ("sure", ""))
            yield f"  {name:<20} {told:<{wide}}   {how}{': ' + why if why and how != 'sure' else ''}"
        if p.where:
            yield f"  only rows where       {p.where}"
        for name in (c.name for c in TABLES[p.table].columns if c.name not in p.lines):
            yield f"  {name:<20} -{' (not the column of that name)' if name in p.off else ''}"
        used = p.reads("\n".join((*p.lines.values(), p.where, p.currency, p.email)))
        if left := [n for n in p.look.names if n not in used]:
            yield f"  columns not used      {listed(left, limit=15)}"


def _questions(found: Examined) -> Iterable[str]:
    for q in found.questions:
        if q.key not in found.answers:
            yield f"{'' if q.needed else '(may be left) '}{q.text}"
            yield f"  answer with  {'   or   '.join(q.answers)}"


def next_command(found: Examined, folder: str = "my-shop") -> str:
    """The exact command to type next."""
    paths = " ".join(shlex.quote(p) for p in found.paths)
    if not found.proposals:
        like = [(table, missing) for table, missing in map(nearest, found.looks) if table in NUMBERED]
        table, missing = min(like, key=lambda one: len(one[1]), default=("orders", ["customer_id", "ordered_at", "amount"]))
        number = NUMBERED[table][0]  # without one every row is one
        columns = (f"--answer {table}.{name}=COLUMN" for name in missing if name != number or missing == [number])
        typed = " ".join(part for part in ("retainkit check", paths, flags(found), *columns) if part)
        return f"name files with orders, deals or contracts; or say which column is which: {typed}"
    if found.trouble and (found.lacking or not found.open_questions):
        return f"mend what stands in the way (above), then again: retainkit check {paths}"
    asked = " ".join(OPEN.get(q.key, q.answers[0]) for q in found.open_questions)
    return " ".join(part for part in (f"retainkit init {shlex.quote(folder)} --from {paths}", flags(found), asked) if part)


def flags(found: Examined) -> str:
    """What was answered, as it is typed."""
    return " ".join(f"--{k} {shlex.quote(v)}" if k in FLAGS else f"--answer {shlex.quote(f'{k}={v}')}" for k, v in found.answers.items())


def as_text(found: Examined) -> str:
    """The report for a terminal."""
    blocks = []
    for title, lines in sections(found):
        shown = (
            lines
            if title in ("Proposed mapping", "Questions", "Files", "What it looks like", "Rows", "Calendar")
            or len(lines) <= MOST
            else [*lines[:MOST], f"and {len(lines) - MOST} more"]
        )
        blocks.append("\n".join([title, *(f"  {line}" for line in shown)]))
    return "\n\n".join(blocks)


def as_html(found: Examined) -> str:
    """The report as a page that loads nothing from anywhere; every text of the files is escaped."""
    from jinja2 import Environment

    text = resources.files("retainkit").joinpath("check", "page.html.j2").read_text(encoding="utf-8")
    page = Environment(autoescape=True, trim_blocks=True, keep_trailing_newline=True).from_string(text)
    return page.render(title=f"Check of {listed([look.name for look in found.looks], limit=3)}", sections=sections(found))
