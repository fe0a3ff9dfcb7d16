"""Examine an export: look at its files, propose a mapping, try it, and say what is healthy and what is not."""

from __future__ import annotations

import re
import shlex
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from retainkit.check.amounts import currencies, mixed, several_days, sums, totals
from retainkit.check.answers import ANSWERS, BY_WORD, are_columns, checked, said_of
from retainkit.check.blanks import filled_down
from retainkit.check.generic import map_column, propose
from retainkit.check.identity import same_customers
from retainkit.check.lives import worth_nothing
from retainkit.check.look import Look, Source, described, grouped, look_at, sources_in
from retainkit.check.presets import recognised, spoken_of
from retainkit.check.proposal import GUESS, SURE, Proposal, Question
from retainkit.check.words import choices
from retainkit.errors import RetainkitError, counted, listed
from retainkit.load.engine import connect
from retainkit.load.opening import open_shop
from retainkit.load.plan import toml
from retainkit.load.progress import quiet, told
from retainkit.load.schema import TABLES
from retainkit.load.shop import Shop
from retainkit.sqltext import literal

if TYPE_CHECKING:
    import duckdb

LITTLE = 0.005  # of the rows, when another currency must be answered for: a yen is no euro
MUCH = 0.05  # of the rows, when what files share must be answered: a month counted twice is no slip


@dataclass
class Examined:
    """What was found: the files, the proposed mapping, what must be asked, and the shop it makes."""

    paths: list[str]
    answers: dict[str, str]
    looks: list[Look]
    proposals: list[Proposal]
    con: duckdb.DuckDBPyConnection
    questions: list[Question] = field(default_factory=list)
    shop: Shop | None = None
    trouble: str = ""
    lacking: bool = False  # no answer would mend that trouble
    unread: list[str] = field(default_factory=list)  # what was wrong with files that could not be read
    passed: list[str] = field(default_factory=list)  # what was not looked at
    idle: list[str] = field(default_factory=list)  # answers to what nothing asks

    @property
    def open_questions(self) -> list[Question]:
        """What must be answered before the data can be trusted."""
        return [q for q in self.questions if q.needed and q.key not in self.answers]

    def toml(self, home: Path) -> str:
        """The whole retainkit.toml, with paths as seen from `home`."""
        lines = [
            "# Proposed by retainkit from the files themselves. Every line may be changed: a value is a column, or SQL over columns.",
            "[shop]",
            *self._facts(),
        ]
        for proposal in self.proposals:
            lines += ["", *(f"# {note}" for note in proposal.notes), *proposal.toml(home)]
        return "\n".join(lines) + "\n"

    def _facts(self) -> list[str]:
        said = {
            "tz": "times of day become days of this calendar",
            "currency": "stands beside amounts",
            "history-start": "nobody is a new customer before this day",
            "as-of": "the last day counted",
        }
        given = {key: self.answers.get(key, "") for key in said}
        given["currency"] = given["currency"] or self.currency
        lines = [f"{key.replace('-', '_')} = {toml(given[key])}  # {why}" for key, why in said.items() if given[key]]
        if not given["history-start"]:
            lines.append('# history_start = "YYYY-MM-DD"  # without it the first day in the data: earlier customers count as new when first seen')
        return lines

    @property
    def currency(self) -> str:
        """The currency all rows that count are in, where a column says so."""
        if self.answers.get("mixed", "ALL") != "ALL":
            return self.answers["mixed"]
        found = {c for p in self.proposals for c in currencies(p)}
        return next(iter(found)) if len(found) == 1 else ""


def examine(paths: Sequence[str | Path], answers: Mapping[str, str] | None = None) -> Examined:
    """Look at the files (or those in a folder), propose a mapping and try it.

    Nothing is written but the cache. Who is left out: rows the loader rejects, which it counts with their reasons.

    Parameters
    ----------
    paths
        Files, folders, or databases (`postgresql://...`, SQLite and DuckDB files).
    answers
        What the data cannot say: `tz`, `date-format`, `decimal`, `encoding`, `currency`, `history-start`, `as-of`, `returns` and what else is asked;
        which column is which, as `orders.customer_id`.

    Raises
    ------
    RetainkitError
        A file that cannot be read, or an answer that is none.
    """
    given = checked(dict(answers or {}))
    con = connect()
    files, passed = sources_in(paths)
    with told(quiet(con), "looking at the files"):
        opened, unread = _readable(con, files, given.get("encoding", ""))
        decimal, days = given.get("decimal", ""), given.get("date-format", "")
        looks = [described(look, decimal, days, lambda name: name in given.values() or spoken_of(name)) for look in grouped(opened)]
    for look in looks:
        look.settings.update({"overlap": "once"} if look.shared and given.get("overlap") == "once" else {})
    are_columns(given, looks)
    proposals, rest = recognised(looks)
    proposals += propose(rest, given, {p.table for p in proposals})
    same_customers(proposals)
    heard = set[str]()
    for proposal in proposals:
        for name, column in said_of(proposal.table, given).items():
            if column in proposal.look.names:
                proposal.lines.setdefault(name, column)
                proposal.why[name] = (SURE, "as you said")
        worth_nothing(proposal)
        _own_names(proposal)
        heard |= _unknown_words(proposal, given)
        several_days(proposal)
        sums(proposal)
        filled_down(proposal)
        totals(proposal, given.get("totals", ""))
        mixed(proposal, given.get("mixed", ""), LITTLE)
    found = Examined([str(p) for p in paths], given, looks, proposals, con, unread=unread, passed=passed)
    found.questions += {q.key: q for p in proposals for q in p.questions}.values()  # each once
    if any(p.timed for p in proposals) and "tz" not in given:
        found.questions.append(
            Question(
                "tz",
                "the files hold times of day, and which day they fall on depends on a time zone: the one your shop's days are counted in",
                ("--tz AREA/CITY", "--tz Europe/Berlin, for example"),
            )
        )
    found.questions += [_overlap(look) for look in looks if look.shared]
    heard |= {q.key for q in found.questions}
    if days and not any(c.days and c.days.proof.startswith("as you said") for look in looks for c in look.columns.values()):
        found.idle.append(f"--date-format {shlex.quote(given.pop('date-format'))}")
    for key in [key for key in given if key.partition(":")[0] in ANSWERS and key not in heard]:
        found.idle.append(f"--answer {shlex.quote(f'{key}={given.pop(key)}')}")
    _open(found)
    return found


def _overlap(look: Look) -> Question:
    parts = f"{len(look.files)} files" if len(look.files) > 1 else f"{look.sheets} sheets"
    kept = f"once keeps {look.rows - look.shared:,} of {look.rows:,} rows, all keeps every one" + (
        "" if (much := look.shared > MUCH * look.rows) else ". All are kept until you say once"
    )
    return Question(
        "overlap",
        f"{look.name}: {counted(look.shared, 'row stands', 'rows stand')} in more than one of its {parts}; {kept}",
        ("--answer overlap=once", "--answer overlap=all"),
        needed=much,
    )


def _own_names(p: Proposal) -> None:
    """Columns that are called like canonical ones and were taken for nothing: the loader would read them, so it is told not to.

    One that is empty so far is read once it is filled, words of a status that nobody knows are asked of, and a text beside a known system's
    columns is somebody's own.
    """
    have = {name: column for look in (*(other for other, _ in p.joins), p.look) for name, column in look.columns.items()}
    for canonical in (c for c in TABLES[p.table].columns if c.name in have and c.name not in p.lines):
        if have[canonical.name].kind != "empty" and (canonical.kind != "text" if p.system else canonical.name != "status"):
            p.off.append(canonical.name)
            continue
        if have[canonical.name].values and choices(p.table, canonical.name, have[canonical.name])[1]:  # some words are known
            map_column(p, canonical, have[canonical.name], 0)
        p.lines.setdefault(canonical.name, canonical.name)
        p.why[canonical.name] = (GUESS, "its name only")


def _unknown_words(p: Proposal, answers: Mapping[str, str]) -> set[str]:
    """Ask what words of a status, or of an outcome, are that nobody knows: their rows are rejected until it is said, of all of them or of each.

    Returns what may be answered.
    """
    if (name := BY_WORD.get(p.table, "")) not in p.lines:
        return set()
    said, (_, *known) = f"lower(trim(cast({p.sql_of(name)} as varchar)))", ANSWERS[name]
    home = p.behind(p.lines[name])
    words, *_ = p.one(f"""
        select list((w, n) order by n desc, w) from (select w, count(*) as n from (select {said} as w from {home.table}) s group by 1) t
        where w <> '' and w not in ({", ".join(map(literal, known))})""")
    told = {word: answers.get(f"{name}:{word}", answers.get(name, "")) for word, _ in words or ()}
    if unsaid := {word: n for word, n in words or () if not told[word]}:
        read = [home.columns[column] for column in p.reads(p.lines[name]) if column in home.columns]
        where = next((c.name for c in read if {v.lower() for v in c.values} & set(unsaid)), name)
        ways = [f"--answer {name}={word}" for word in known]
        if len(unsaid) > 1:
            each = (f'--answer "{name}:{word}=WHAT-IT-IS"' for word in [*unsaid][:5])
            ways = [f"--answer {name}=WHAT-IT-IS ({', '.join(known)}; out) for all of them", *each]
        p.ask(
            name,
            f"{home.seen}: `{where}` is {listed(f'{word} ({n:,})' if len(unsaid) > 1 else word for word, n in unsaid.items())} in {counted(sum(unsaid.values()), 'row')}, "
            "which retainkit does not know: rejected until you say what that is",
            *ways,
            needed=sum(unsaid.values()) > MUCH * home.rows,
        )
    elif told:
        how, why = p.why[name]
        p.why[name] = how, re.sub("left as they are, and rejected: .*", "other words as you said", why)
    for meant in known:
        if alike := [word for word in told if told[word] == meant]:
            p.lines[name] = f"regexp_replace({said}, {literal(f'^({chr(124).join(map(re.escape, alike))})$')}, {literal(meant)})"
            said = p.lines[name]
    return {name for _ in told} | {f"{name}:{word}" for word in told}


def _readable(con: duckdb.DuckDBPyConnection, files: Sequence[Source], encoding: str) -> tuple[list[Look], list[str]]:
    """The files that can be read, and what is wrong with the others: an error only where none can."""
    looks, errors, left = [], [], list(files)
    for i, file in enumerate(left):
        try:
            looks.append(look := look_at(con, file, i, encoding))
            left += [Source(file.file, {"sheets": names}) for names in look.beside]
        except RetainkitError as err:
            errors.append(err)
    if errors and not looks:
        raise errors[0]
    return looks, [str(err) for err in errors]


def _open(found: Examined) -> None:
    """Try the mapping. Without a time zone the days of UTC stand in; days in doubt are not tried."""
    found.lacking = not any(TABLES[p.table].clock for p in found.proposals)
    if not found.proposals:
        found.trouble = "none of the files looks like orders, deals, contracts or customers"
        return
    if found.lacking:
        found.trouble = f"these are only {' and '.join(p.table for p in found.proposals)}: add what they did, a file of orders, deals or contracts"
        return
    if any(q.key in ("date-format", "decimal", "outcome") for q in found.open_questions):
        found.trouble = "not tried yet: first the questions below"
        return
    with tempfile.TemporaryDirectory(prefix="retainkit-check-") as folder:
        path = Path(folder) / "the export" / "retainkit.toml"  # what messages call it
        path.parent.mkdir()
        path.write_text(found.toml(path.parent), encoding="utf-8")
        try:
            found.shop = open_shop(path, tz=found.answers.get("tz") or ("UTC" if any(p.timed for p in found.proposals) else None))
        except RetainkitError as err:
            found.trouble = str(err)
