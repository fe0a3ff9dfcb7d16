"""What is proposed: a canonical table's lines of retainkit.toml, why each of them, and what has to be asked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from retainkit.check.look import Column, Look
from retainkit.errors import listed
from retainkit.load.database import is_address
from retainkit.load.mapping import reads
from retainkit.load.plan import toml
from retainkit.load.schema import TABLES
from retainkit.sqltext import literal, quoted

SURE, LIKELY, GUESS = "sure", "likely", "a guess"


@dataclass(frozen=True)
class Question:
    """Something the data cannot say: the flag that answers it, and what each answer does."""

    key: str
    text: str
    answers: tuple[str, ...]  # what to type, the likeliest first
    needed: bool = True


@dataclass
class Proposal:
    """How one canonical table is made from a file."""

    table: str
    look: Look
    lines: dict[str, str] = field(default_factory=dict)  # canonical column -> column or SQL
    off: list[str] = field(default_factory=list)  # canonical columns that are not read from the file's columns of that name
    why: dict[str, tuple[str, str]] = field(default_factory=dict)  # canonical column -> how sure, and why
    columns: dict[str, Column] = field(default_factory=dict)  # canonical column -> the column it was recognised in, or its days come from
    score: float = 0.0  # how well the file fits
    where: str = ""
    date_format: tuple[str, ...] = ()
    joins: list[tuple[Look, str]] = field(default_factory=list)
    system: str = ""
    notes: list[str] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    instead: list[Proposal] = field(default_factory=list)  # other files that could be this table
    email: str = ""  # SQL of the column that holds an email address
    currency: str = ""
    timed: bool = False  # holds times of day, so that a time zone is needed
    utc: bool = False  # times without an offset are in UTC
    above_zero: str = ""  # SQL for lines that are no return, until it is known whether those count

    def put(self, name: str, sql: str, why: str, how: str = LIKELY) -> None:
        """Read a canonical column by `sql`, and say why."""
        self.lines[name], self.why[name] = sql, (how, why)

    def ask(self, key: str, text: str, *answers: str, needed: bool = True) -> None:
        """Ask what the data cannot say; the answers are what to type."""
        self.questions.append(Question(key, text, answers, needed))

    def undecided(self, column: Column) -> None:
        """Ask of numbers such as 1,234, which may be one and a bit; what is written in the other way is rejected then."""
        marked = [v for v in column.values if "." in v or "," in v]
        example = next((v for v in marked if re.search("^[^.,]*[.,][0-9]{3}[^0-9.,]*$", v)), [*marked, column.values[0]][0])
        text = f"{self.look.name} column `{column.name}`: {example!r} may hold thousands or decimals"
        if column.numbers and column.numbers.both:
            text += f" ({column.numbers.proof}: those that the answer does not fit are rejected)"
        self.ask("decimal", text, '--decimal "."', '--decimal ","')

    def one(self, sql: str) -> list[Any]:
        """The numbers of a query over its file; zeros where the mapping needs a joined column."""
        try:
            return list(self.look.con.execute(sql.replace("{file}", self.look.table)).fetchall()[0])
        except Exception:
            return [0] * 5

    def count(self, where: str) -> int:
        """How many rows of its file are so, as far as `one` can say."""
        return int(self.one(f"select count(*) from {{file}} where {where}")[0])

    def sql_of(self, name: str) -> str:
        """A line as SQL over its file."""
        line = self.lines.get(name, "")
        return f'"{quoted(line)}"' if line in self.look.columns and self.look.columns[line].sql != line else line

    def column_of(self, line: str) -> str:
        """A line of the mapping as people speak of it: by the column it reads first."""
        return line if line in self.look.names else min(self.reads(line), key=line.find, default=line)

    @property
    def dated(self) -> dict[str, Column]:
        """The columns that hold days, by canonical column."""
        return {name: column for name, column in self.columns.items() if column.days and TABLES[self.table].column(name).kind == "day"}

    @property
    def order(self) -> str:
        """SQL of the number of an order; empty where rows have none."""
        return "" if self.table != "orders" or self.lines["order_id"] == "row_no" else self.sql_of("order_id")

    def free(self, columns: Mapping[str, Column]) -> dict[str, Column]:
        """Those of some columns that were not recognised as one of the table."""
        return {name: column for name, column in columns.items() if all(column is not other for other in self.columns.values())}

    @property
    def sure(self) -> str:
        """How sure the least sure of the needed columns is."""
        needed = [self.why[c.name][0] for c in TABLES[self.table].columns if c.required and c.name in self.why]
        return max(needed, key=[SURE, LIKELY, GUESS].index, default=GUESS)

    def behind(self, sql: str) -> Look:
        """The file that has every column a piece of SQL reads: its own, or one that is joined."""
        return next((look for look in (self.look, *(other for other, _ in self.joins)) if set(self.reads(sql)) <= set(look.names)), self.look)

    def reads(self, sql: str) -> list[str]:
        """The columns of its file that stand in a piece of SQL, by name or as what cuts them out of a line."""
        looks = (self.look, *(other for other, _ in self.joins))
        return [name for look in looks for name, own in look.names.items() if own in sql or reads(sql, [name])]

    def toml(self, home: Path) -> list[str]:
        """Its section of retainkit.toml, with paths as seen from `home` and a comment on every line."""
        table = TABLES[self.table]
        lines = [f"[{self.table}]  # {table.row} a row; {self.system or 'recognised by its columns'}", *written(self.look, home)]
        if self.date_format:
            lines.append(
                f"date_format = {toml(self.date_format[0] if len(self.date_format) == 1 else list(self.date_format))}  # how its days are written"
            )
        if self.where:
            lines.append(f"where = {toml(self.where)}  # other rows are left out, and counted")
        for name, sql in self.lines.items():
            how, why = self.why.get(name, (SURE, ""))
            lines.append(f"{name} = {toml(sql)}  # {table.column(name).meaning}; {how}{': ' + why if why else ''}")
        lines += [f'{name} = ""  # not read, though the file has a column of that name' for name in self.off]
        for look, key in self.joins:
            lines += ["", f"[[{self.table}.join]]  # further columns, found by {key}", *written(look, home), f"on = {toml(key)}"]
        return lines


def written(look: Look, home: Path) -> list[str]:
    """Where a file or database is, and how it is read, as lines of retainkit.toml."""
    address = str(look.settings.get("address", ""))
    found = [address] if is_address(address) else [relative(f, home) for f in ([Path(address)] if address else look.files)]
    said = (f"{key} = {toml(look.settings[key])}  # {why}" for key, why in SETTINGS.items() if key in look.settings)
    return [f"path = {toml(found[0] if len(found) == 1 else found)}", *said]


SETTINGS = {
    "skip": "so many lines above the header are a title",
    "header": "the first line is data already",
    "columns": "so the columns get these names",
    "delimiter": "what stands between two values",
    "encoding": "the file is not UTF-8",
    "sheets": "of the workbook",
    "overlap": "a row that an earlier file or sheet has as well is left out",
    "missing": "a column that one of the files lacks is empty there",
    "query": "what is asked of the database",
}


def relative(path: Path, home: Path) -> str:
    """A path as seen from a folder, with plain slashes."""
    import os

    try:
        return Path(os.path.relpath(path.resolve(), home.resolve())).as_posix()
    except ValueError:  # another drive
        return path.resolve().as_posix()


def days_lines(proposal: Proposal, utc: bool = False) -> None:
    """Settle how the proposal's days are read: one date_format for the table, or SQL for the columns that differ."""
    columns, proposal.utc = proposal.dated, utc
    timed = [(name, columns[name]) for name in proposal.lines if name in columns]
    formats = {c.days.formats for _, c in timed if c.days and not c.days.sql}
    doubts = [(name, c) for name, c in timed if c.days and c.days.doubt]
    if len(formats) == 1 and not utc:
        proposal.date_format = next(iter(formats))
    for name, column in timed:
        days = column.days
        if days is None:
            continue
        proposal.timed |= days.timed
        if days.sql:
            proposal.lines[name] = days.sql
        elif utc and not days.zoned:
            proposal.lines[name] = f"timezone('UTC', {days.read(column.sql)})"
        elif days.formats and not proposal.date_format:
            proposal.lines[name] = days.read(column.sql)
        elif days.nothing and not TABLES[proposal.table].column(name).required and proposal.lines[name] in (column.name, column.sql):
            said = f"trim(cast({column.sql} as varchar)) not in ({', '.join(map(literal, days.nothing))})"
            why = f"{proposal.why[name][1]}; empty where it says {listed(days.nothing)}".lstrip("; ")
            proposal.put(name, f"case when {said} then {column.sql} end", why)
    for _, column in doubts[:1]:
        assert column.days
        assert column.days.doubt
        one, other = column.days.doubt
        example = next((v for v in column.values if v[:2] != v[3:5]), column.values[0])
        cost = ""
        if column.days.proof:  # of both: no answer reads all
            lost = [proposal.look.count(f"coalesce(trim({column.sql}), '') <> '' and {column.days.settled(form, '').read(column.sql)} is null") for form in (one, other)]
            cost = f". Rows that the answer does not fit are rejected ({lost[0]:,} by {one}, {lost[1]:,} by {other}), and others of their kind read wrong: rather export all days in one form"
        proposal.ask(
            "date-format",
            f"{proposal.look.name} column `{column.name}`: {example!r} may be {one} or {other}, and {column.days.proof or 'nothing in the column proves which'}{cost}",
            f'--date-format "{one}"',
            f'--date-format "{other}"',
        )
