"""What is to be read, and how: a plan of the tables of a shop, and what to type where it is to be another."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retainkit.load.database import EXTRACT
from retainkit.load.stated import Record

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class TablePlan:
    """Where one canonical table comes from and how its columns are made."""

    table: str
    files: tuple[Path, ...] = field(default=(), repr=False)
    frame: pd.DataFrame | None = field(default=None, compare=False, repr=False)
    columns: dict[str, str] = field(default_factory=dict)  # canonical column -> source column or SQL expression
    off: tuple[str, ...] = ()  # canonical columns that are not read, though the file has one of that name
    where: str | None = None
    header: bool = True
    names: tuple[str, ...] = ()
    delimiter: str | None = None
    encoding: str = "utf-8"
    skip: int = 0  # lines above the header that are a title
    date_formats: tuple[str, ...] = ()
    joins: tuple[TablePlan, ...] = ()  # further files whose columns the mapping may use: one each
    on: tuple[str, ...] = ()  # what such a file is matched on: columns of the same name, or "order_id = id"
    sheets: tuple[str, ...] = ()  # of a workbook; empty: all that hold the same table
    once: bool = False  # a row that an earlier file or sheet has as well is left out
    settings: Path | None = field(default=None, repr=False)  # the retainkit.toml that says all this
    uneven: bool = False  # whether the lines of some text file do not all end in one way
    longest: int = 2_000_000  # bytes of a row of a text file: longer ones are rare, and make reading slower
    padded: bool = False  # a file without a column that another one has is read as if it were empty

    def label(self, file: Path) -> str:
        """What a file is called in messages: its name, with its folder where two files share one."""
        if self.extracted:
            return file.stem
        return file.name if sum(f.name == file.name for f in self.files) < 2 else f"{file.parent.name}/{file.name}"

    @property
    def every(self) -> tuple[Path, ...]:
        """Its files, and those that are joined to them."""
        return (*self.files, *(join.files[0] for join in self.joins))

    @property
    def extracted(self) -> bool:
        """Whether its file is a database's answer, kept in the cache."""
        return any(file.parent.name.startswith(EXTRACT) for file in self.files)

    @property
    def stated(self) -> dict[str, str]:
        """The lines of the mapping that are SQL or name a column."""
        return self.columns | ({"where": self.where} if self.where else {})

    @property
    def look(self) -> str:
        """The command that shows what its files hold, and how they may be mapped."""
        return f"retainkit check {self.paths}"

    @property
    def paths(self) -> str:
        """Its files, or where there are many their folders, as they are typed in a shell."""
        return " ".join(shlex.quote(str(f)) for f in (self.files if len(self.files) < 4 else dict.fromkeys(f.parent for f in self.files)))

    def line(self, key: str, value: Any) -> str:
        """What to type in retainkit.toml, and where, so that `key` is `value`."""
        return self.under(f"{key} = {toml(value)}")

    def under(self, lines: str) -> str:
        """Lines of retainkit.toml, and where they are typed."""
        here = "" if self.settings else f", with path = {toml(self.files[0].name)}" if self.files else ""
        return f"{lines} under [{self.table}] in retainkit.toml{here}"


def toml(what: Any) -> str:
    """A value as TOML.

    >>> print(toml('a "b"'), toml("it's"), toml(["x", True]))
    'a "b"' "it's" ["x", true]
    """
    if isinstance(what, list):
        return f"[{', '.join(map(toml, what))}]"
    if isinstance(what, str) and '"' in what and what.isprintable():
        if "'" not in what:
            return f"'{what}'"
        if "'''" not in what and not what.endswith("'"):
            return f"'''{what}'''"
    return json.dumps(what, ensure_ascii=False).replace("\x7f", "\\u007f")


@dataclass(frozen=True)
class Plan:
    """Everything that is to be read, and the facts of the shop the user stated."""

    name: str
    tables: dict[str, TablePlan]
    facts: dict[str, Any]
    goals: tuple[Record, ...] = ()
    claims: tuple[Record, ...] = ()
    unread: tuple[str, ...] = ()  # files of data in the folder that no table is made of
    settings: str = ""  # the retainkit.toml that says all this

    def where(self, fact: str, value: Any) -> str:
        """Where a fact of the shop was said: in its retainkit.toml, or by who opened it."""
        return f"{self.settings} [shop] {fact}" if self.settings and self.facts.get(fact) == value else fact
