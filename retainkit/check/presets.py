"""Recognise the export of a known system: a preset is a data file in `retainkit/presets/`, found by its signs."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import Any

from retainkit.check.amounts import signs
from retainkit.check.look import Column, Look, described_column
from retainkit.check.proposal import SURE, Proposal, days_lines
from retainkit.load.names import plain
from retainkit.load.schema import TABLES
from retainkit.sqltext import quoted


@cache
def presets() -> tuple[dict[str, Any], ...]:
    """What every preset says, in order of file name: its name, what is worth knowing, and for canonical tables the ways to make them."""
    folder = resources.files("retainkit").joinpath("presets")
    names = sorted(f.name for f in folder.iterdir() if f.name.endswith(".toml") and f.name != "words.toml")
    return tuple(tomllib.loads(folder.joinpath(name).read_text(encoding="utf-8")) for name in names)


@cache
def _told() -> str:
    folder = resources.files("retainkit").joinpath("presets")
    return "\n".join(f.read_text(encoding="utf-8").lower() for f in folder.iterdir() if f.name.endswith(".toml"))


def spoken_of(name: str) -> bool:
    """Whether a column is called like one that a preset reads, or as people call one."""
    return name.lower() in _told() or plain(name) in _told()


def recognised(looks: Sequence[Look]) -> tuple[list[Proposal], list[Look]]:
    """The tables that presets make of the files, and the files that no preset knows."""
    tried = sorted((proposal for look in looks for proposal in _proposals(look)), key=lambda p: -p.score)
    proposals = []
    for ways in ([p for p in tried if p.table == table] for table in TABLES):
        if ways:
            ways[0].instead = [other for other in ways if other.look is not ways[0].look]
            proposals.append(ways[0])
    said: set[str] = set()
    for proposal in proposals:  # a system's notes are said once
        proposal.notes = [n for n in proposal.notes if n not in said]
        said.update(proposal.notes)
    return proposals, [look for look in looks if all(p.look is not look for p in tried)]


def _proposals(look: Look) -> Iterator[Proposal]:
    """What the ways whose signs the file has make of it: those of more signs fit better, and of one system the first."""
    have = {name.lower().strip() for name in look.columns}
    for preset in presets():
        for place, (table, way) in enumerate((name, way) for name in TABLES for way in preset.get(name, ())):
            if {sign.lower() for sign in way["signs"]} <= have and (proposal := _proposal(look, preset, table, way)):
                proposal.score = len(way["signs"]) - place / 100
                yield proposal


def _proposal(look: Look, preset: dict[str, Any], table: str, way: dict[str, Any]) -> Proposal | None:
    proposal = Proposal(table, look, system=preset["name"], notes=list(preset.get("notes", ())))
    for canonical in TABLES[table].columns:
        if not (line := _line(look, way.get(canonical.name, []))):
            if canonical.required:
                return None
            continue
        proposal.put(canonical.name, _numbers_read(proposal, canonical.kind, line), "", SURE)
        if canonical.kind == "day":
            sql = f'"{quoted(line)}"' if line in look.columns else line
            proposal.columns[canonical.name] = look.columns[line] if line in look.columns else _computed(look, canonical.name, sql)
    for key in ("where", "currency", "email"):
        line = _line(look, way.get(key, []))
        setattr(proposal, key, f'"{quoted(line)}"' if key != "where" and line in look.columns else line)
    if not proposal.currency and (amount := look.columns.get(proposal.column_of(proposal.lines.get("amount", "")))):
        proposal.currency = signs(amount)
    days_lines(proposal, utc=way.get("tz") == "UTC")
    return proposal


def _numbers_read(proposal: Proposal, kind: str, line: str) -> str:
    """The line with the columns that it takes for numbers read however the file writes them (1,100.50)."""
    if line in proposal.look.columns:
        return (_number(proposal, line) if kind in ("money", "number") else "") or line
    return re.sub(r'try_cast\(("?)([^"()]+)\1 as double\)', lambda cast: _number(proposal, cast[2]) or cast[0], line)


def _number(proposal: Proposal, name: str) -> str:
    """SQL that reads a column of numbers that are not plain, else nothing; asked where 1,234 may be either."""
    column = next((c for n, c in proposal.look.columns.items() if n.lower() == name.lower()), None)
    if not column or not column.numbers or not column.numbers.sql:
        return ""
    if column.numbers.doubt:
        proposal.undecided(column)
    elif column.numbers.both:
        proposal.notes.append(f"`{column.name}` has {column.numbers.proof}")
    return column.numbers.sql


def _line(look: Look, stated: str | list[str]) -> str:
    """The first of the lines for which the file has the columns: a plain column as it writes its name, SQL on one line."""
    for text in [stated] if isinstance(stated, str) else stated:
        if name := next((n for n in look.columns if n.lower() == text.lower()), ""):
            return name
        with suppress(Exception):
            look.con.execute(f"describe select {text} as x from {look.table}")
            return " ".join(text.split())
    return ""


def _computed(look: Look, name: str, sql: str) -> Column:
    """A column that SQL makes, looked at like one of the file."""
    look.con.execute(f"create or replace temp table computed as select cast({sql} as varchar) as x, typeof({sql}) as kind from {look.table}")
    kinds = look.con.execute("select distinct kind from computed where x is not null limit 2").fetchall()
    column = described_column(replace(look, table="computed"), name, "x", "")
    days = column.days
    if days and kinds and kinds[0][0] != "VARCHAR":
        proof = "seconds counted from 1970" if "to_timestamp" in sql else days.proof
        days = replace(days, formats=(), sql="", doubt=None, zoned="TIME ZONE" in kinds[0][0], proof=proof)
    return replace(column, sql=sql, days=replace(days, sql=days.sql.replace("(x)", f"({sql})")) if days else None)
