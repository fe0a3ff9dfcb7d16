"""From what the user names (a folder, a retainkit.toml, a dict of DataFrames) to a plan of what to read."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Callable
from dataclasses import replace
from glob import glob
from os.path import realpath  # of links that lead to each other, too
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retainkit.errors import BadValueError, MissingDataError, closest, listed, one_of
from retainkit.load.database import called, extract, is_database
from retainkit.load.endings import PACKED, READ
from retainkit.load.plan import Plan, TablePlan
from retainkit.load.schema import TABLES
from retainkit.load.stated import claims_stated, goals_stated, settings
from retainkit.resources import sample_folder

if TYPE_CHECKING:
    import pandas as pd

FACTS = ("tz", "as_of", "history_start", "currency")
OPTIONS = ("path", "where", "skip", "header", "columns", "delimiter", "encoding", "date_format", "join", "sheets", "overlap", "missing", "query")
JOINED = ("path", "on", "query", "skip", "header", "columns", "delimiter", "encoding", "sheets")
CHOICES = {  # of an option: what it may say, what is wrong with anything else, and what to type
    "overlap": (("all", "once"), "is neither all nor once", '"once" (a row that an earlier file or sheet has as well is left out)'),
    "missing": (("empty",), "can only be empty", '"empty" (a column that a file lacks, and another one has, is read as empty), or no such line'),
    "skip": (range(10_001), "is not a number of lines", "3")}


def _is_text(said: Any) -> bool:
    return isinstance(said, str)


def _are_texts(said: Any) -> bool:
    return isinstance(said, list) and bool(said) and all(map(_is_text, said))


FORMS: dict[str, tuple[Callable[[Any], bool], str, str]] = {  # of a setting: what it must be, what is wrong with anything else, and what to type
    **dict.fromkeys(("tz", "currency", "where", "query", "encoding"), (_is_text, "is not a text", '"..."')),
    **dict.fromkeys(("path", "on", "sheets", "date_format"), (lambda said: _is_text(said) or _are_texts(said), "is neither a text nor a list of texts", '"..."')),
    "columns": (_are_texts, "is not a list of names", '["order_id", "customer_id", "ordered_at", "amount"]'),
    "header": (lambda said: isinstance(said, bool), "is neither true nor false", "false"),
    "delimiter": (lambda said: _is_text(said) and len(said) < 2 and said not in ('"', "\n", "\r"), "is not one character that may stand between values", '";"')}


def plan_for(source: str | Path | dict[str, pd.DataFrame]) -> Plan:
    """What to read for a source: a folder, a retainkit.toml, or tables in hand."""
    if isinstance(source, dict):
        return _from_frames(source)
    if isinstance(source, str) and source == "sample":
        return replace(plan_for(sample_folder()), name="sample")  # whatever the folder is called that it is installed in
    if not isinstance(source, str | Path):
        raise BadValueError(
            "source",
            "is neither a path nor a dict of tables",
            type(source).__name__,
            'open_shop({"orders": frame}), or the path of a folder',
        )
    try:
        plan = _from_path(source)
        for file in (f for t in plan.tables.values() for f in t.every):
            if not file.is_file():
                raise BadValueError(
                    file.name,
                    "is a folder, where a file is read" if file.is_dir() else "is no file",
                    str(file),
                    f'path = "{file.name}/*" under its table in a retainkit.toml',
                )
            file.open("rb").close()
    except OSError as err:
        raise BadValueError(
            str(err.filename or source),
            "cannot be read",
            str(err.strerror or err),
            f"a file and folders that you may read: ls -ld {shlex.quote(str(err.filename or source))}",
        ) from err
    return plan


def _from_path(source: str | Path) -> Plan:
    path = Path(source).expanduser()
    if path.is_dir():
        stated = path / "retainkit.toml"
        return _from_toml(stated) if stated.exists() else Plan(path.name, found := _canonical_files(path), {}, unread=_unread(path, found))
    if path.suffix == ".toml" and path.exists():
        return _from_toml(path)
    if path.exists():
        raise BadValueError(
            str(source),
            "is a single file, and a shop is a folder of tables or a retainkit.toml",
            path.name,
            f"{path.parent}, the folder it is in"
            if path.name.partition(".")[0] in TABLES
            else f"retainkit init project --from {shlex.quote(str(source))}, then retainkit report project (or in a notebook its retainkit.toml)",
        )
    beside = sorted(p.name for p in path.parent.iterdir()) if path.parent.is_dir() else []
    near = closest(path.name, ["sample", *beside])
    raise MissingDataError(str(source), "does not exist", f"in {path.parent}: {listed(beside) or 'nothing'}",
                           "sample, the company that comes with retainkit" if near == "sample" else
                           f"{path.parent / str(near)}, or " * bool(near) + 'the path of a folder or a retainkit.toml, or "sample"')


def _from_frames(frames: dict[str, pd.DataFrame]) -> Plan:
    if not frames:
        raise MissingDataError(
            "the dict of tables",
            "is empty",
            "{}",
            'open_shop({"orders": frame}), with the DataFrame of your orders, or of deals or contracts under their name',
        )
    for name, frame in frames.items():
        _known_table(name, "the dict of tables")
        if not (hasattr(frame, "columns") and hasattr(frame, "reset_index")):
            raise BadValueError(f"{name} (table in hand)", "is not a DataFrame", type(frame).__name__, f'{{"{name}": pandas.DataFrame(...)}}')
    return Plan("tables in hand", {n: TablePlan(n, frame=f) for n, f in frames.items()}, {})


def _canonical_files(folder: Path) -> dict[str, TablePlan]:
    """The files named after a canonical table: orders.csv, orders.parquet, orders.csv.gz and so on."""
    plans = {}
    for table in TABLES:
        found = [folder / f"{table}{suffix}" for suffix in READ if (folder / f"{table}{suffix}").exists()]
        if len(found) > 1:
            raise BadValueError(str(folder), f"has the table `{table}` more than once", listed(p.name for p in found),
                                "keep one of them, or name it in a retainkit.toml")
        packed = [folder / f"{table}{suffix}{pack}" for suffix in ("", *READ) for pack in PACKED if (folder / f"{table}{suffix}{pack}").exists()]
        if found:
            plans[table] = TablePlan(table, files=(found[0],))
        elif packed:
            raise packed_up(packed[0])
    if not plans:
        here = sorted(p.name for p in folder.iterdir())
        other = f"; retainkit check {shlex.quote(str(folder))} proposes a mapping of these files, and retainkit init project --from {shlex.quote(str(folder))} writes it"
        raise MissingDataError(str(folder), "has no table retainkit knows", listed(here) or "an empty folder",
                               "name a file orders.csv (or deals.csv, contracts.csv), or write a retainkit.toml" + other * bool(_unread(folder, {})))
    return plans


def packed_up(file: Path) -> BadValueError:
    """The error for a file that is packed in a way that is not read."""
    tools = {".gz": "gunzip", ".zip": "unzip", ".bz2": "bunzip2", ".xz": "unxz", ".zst": "unzstd"}
    how = f"{tools[file.suffix.lower()]} {shlex.quote(str(file))}" if file.suffix.lower() in tools else "unpack it there"
    return BadValueError(file.name, "is packed in a way that is not read (text is, as .csv.gz)", f"{file.stat().st_size:,} bytes", how)


def _unread(folder: Path, tables: dict[str, TablePlan]) -> tuple[str, ...]:
    """The files of data in a folder that are not read: named like no table or in no section, or packed in a way that is not read."""
    used = {realpath(f) for t in tables.values() for f in t.every}
    return tuple(sorted(f.name for f in folder.iterdir() if f.name.lower().endswith((*READ, *PACKED)) and realpath(f) not in used))


def _from_toml(path: Path) -> Plan:
    try:
        stated = tomllib.loads(text := path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as err:
        raise BadValueError(path.name, "is not UTF-8 text", str(err), "save it as UTF-8") from err
    except tomllib.TOMLDecodeError as err:
        at = re.search(r"line (\d+)", str(err))
        line = text.splitlines()[int(at[1]) - 1].strip() if at else ""
        raise BadValueError(
            path.name,
            "is not valid TOML",
            f"{err}: {line}" if line else str(err),
            line.replace("\\", "/") if "\\" in line else 'one `name = "value"` a line',
        ) from err
    facts = stated.pop("shop", {})
    settings(facts, FACTS, f"{path.name} [shop]")
    _of_their_form(facts, f"{path.name} [shop]")
    goals, claims = (
        goals_stated(stated.pop("goals", ()), f"{path.name} [[goals]]"),
        claims_stated(stated.pop("claims", ()), f"{path.name} [[claims]]"),
    )
    tables = {name: _table_plan(path, name, body) for name, body in stated.items()} or _canonical_files(path.parent)
    return Plan(path.parent.name, tables, facts, goals, claims, _unread(path.parent, tables), path.name)


def _table_plan(path: Path, name: str, body: Any) -> TablePlan:
    where = f"{path.name} [{name}]"
    table = TABLES[_known_table(name, path.name)]
    settings(body, (*OPTIONS, *table.names), where, {"path": '"orders.csv"'}, wrong=f"`{{}}` is neither a column of {name} nor a setting")
    _of_their_form(body, where)
    for join in body.get("join", ()):
        settings(join, JOINED, f"{where} join", {"path": '"lines.csv"', "on": '"order_id"'})
        _of_their_form(join, f"{where} join")
    off = tuple(c.name for c in table.columns if body.get(c.name) == "")
    if needed := next((c.name for c in table.columns if c.required and c.name in off), None):
        raise BadValueError(
            where,
            f'`{needed} = ""` says that it is not read, and {name} needs it',
            listed(body),
            f'{needed} = "the column that holds it", or no such line',
        )
    return TablePlan(
        name, files=_all_files(path.parent, body, where, name), columns={c: str(body[c]) for c in table.names if c in body and c not in off}, off=off,
        where=body.get("where"), once=body.get("overlap") == "once", padded="missing" in body, settings=path, date_formats=_names(body.get("date_format", ())),
        joins=tuple(TablePlan(name, _all_files(path.parent, j, f"{where} join", f"{name}-join")[:1], settings=path, on=_names(j["on"]), **written(j, where))
                    for j in body.get("join", ())), **written(body, where))


def _of_their_form(body: dict[str, Any], where: str) -> None:
    """Refuse a setting that is of another form than it has to be."""
    for key, (fits, wrong, typed) in FORMS.items():
        if key in body and not fits(body[key]):
            raise BadValueError(where, f"`{key}` {wrong}", repr(body[key]), f"{key} = {typed}")


def written(body: dict[str, Any], where: str) -> dict[str, Any]:
    """How a file is written, as its settings say it and as a `TablePlan` calls it."""
    for key, (choices, wrong, typed) in CHOICES.items():
        if body.get(key, choices[0]) not in choices:
            raise BadValueError(where, f"`{key}` {wrong}", repr(body[key]), f"{key} = {typed}")
    return {"header": bool(body.get("header", True)), "names": tuple(body.get("columns", ())), "delimiter": body.get("delimiter"),
            "encoding": str(body.get("encoding", "utf-8")), "skip": int(body.get("skip", 0)), "sheets": _names(body.get("sheets", ()))}


def _names(said: Any) -> tuple[str, ...]:
    return (said,) if isinstance(said, str) else tuple(said)


def _all_files(folder: Path, body: dict[str, Any], where: str, name: str) -> tuple[Path, ...]:
    """The files of one path or of a list of paths, each once; of a database, what its query answers."""
    patterns = body["path"] if isinstance(body["path"], list) else [body["path"]]
    if is_database(str(patterns[0])):
        asked = str(patterns[0]), str(body.get("query", ""))
        return (extract(*asked, name=called(*asked, name), folder=folder, where=where),)
    found = [f for pattern in patterns for f in _files(folder, str(pattern), where)]
    first = {realpath(f): f for f in reversed(found)}  # a link beside its file is the same rows
    return tuple(first[f] for f in dict.fromkeys(map(realpath, found)))


def _files(folder: Path, pattern: str, where: str) -> tuple[Path, ...]:
    """The files a path or glob names, in name order."""
    path = folder / Path(pattern).expanduser()
    if path.exists():
        return (path,)
    found = tuple(Path(name) for name in sorted(glob(str(path), recursive=True, include_hidden=True)))
    if not found:
        near = sorted(p.name for p in path.parent.iterdir()) if path.parent.is_dir() else []
        guess = closest(path.name, near)
        raise MissingDataError(where, f"the file {pattern} does not exist", listed(near) or f"no folder {path.parent.name}",
                               f'path = "{guess}"' if guess else 'path = "..."')
    return found


def _known_table(name: str, where: str) -> str:
    return one_of(name, TABLES, where, f"`{name}` is not a table retainkit knows", "call it `{}`")
