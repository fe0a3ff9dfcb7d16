"""A store as it lies in the cache: its tables as something to select from, and what was counted when they were written."""

from __future__ import annotations

import glob
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retainkit.load.schema import TABLES, Table
from retainkit.sqltext import literal

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

LEDGER = ["table", "file", "rows", "kept", "rejected", "after_as_of", "first_day", "last_day"]
REJECTED = ["file", "row", "column", "reason", "found"]
HAPPENED = {"closed_on": " and outcome <> 'open'"}  # the day on which an open deal may be closed is a plan


def parquet(path: Path) -> str:
    """The file, or files when there is a star in the name, as something to select from.

    Only by name does the engine look at what all of several files say of their columns' least and greatest values.
    """
    return f"read_parquet({literal(str(Path(glob.escape(str(path.parent)), path.name)))}, union_by_name = true)"


@dataclass(frozen=True, eq=False)
class Stored:
    """The checked tables, the connection they are read by, and by table its files with their rows and days, and its columns' values."""

    con: duckdb.DuckDBPyConnection
    folder: Path
    facts: dict[str, Any]

    def rows(self, name: str) -> str:
        """A table, or the customers' numbers (`ids`), as something to select from."""
        return parquet(self.folder / f"{name}.parquet")

    def first(self, question: str) -> tuple[Any, ...]:
        """The first row that answers a question; none where there is no row."""
        return self.con.cursor().execute(question).fetchone() or ()

    @property
    def tables(self) -> list[str]:
        """The tables that hold at least one row."""
        return [name for name in self.facts if self.kept(name)]

    def kept(self, name: str) -> int:
        """How many rows of a table were kept."""
        return sum(f["kept"] for f in self.facts.get(name, {"files": []})["files"])

    @property
    def several_days(self) -> tuple[int, int]:
        """How many orders have purchases on several days, and how many have any."""
        several, orders = self.facts.get("orders", {}).get("several_days", (0, 0))
        return several, orders

    def first_day(self) -> date | None:
        """The first day of the orders, else of any table with a clock."""
        firsts = {n: [f["first_day"] for f in facts["files"] if f["first_day"]] for n, facts in self.facts.items() if TABLES[n].clock}
        days = firsts.get("orders") or [day for found in firsts.values() for day in found]
        return date.fromisoformat(min(days)) if days else None

    def last_row(self, *least: date) -> Any:
        """The last day that a row is dated, or a later one of those given; None where there is neither."""
        days = (date.fromisoformat(f["last_day"]) for facts in self.facts.values() for f in facts["files"] if f["last_day"])
        return max([*least, *days], default=None)

    def last_day(self, table: Table, *, today: date) -> date | None:
        """The last day, not in the future, on which the table's clock columns say something happened: a day in the future is a plan, or a mistake."""
        names = [table.column(n).sql_name for n in table.clock]
        days = ", ".join(f"max(case when {c} <= {literal(today)}{HAPPENED.get(c, '')} then {c} end)" for c in names)
        return max((day for day in self.first(f"select {days} from {self.rows(table.name)}") if day is not None), default=None)

    def last_end(self, until: date) -> date | None:
        """The last end of a contract up to a day, where no cancellation was written down."""
        asked = f"select max(ended_on) from {self.rows('contracts')} where ended_on <= {literal(until)} having count(cancel_requested_on) = 0"
        return next(iter(self.first(asked)), None)

    def later(self, name: str, last: date) -> dict[str, int]:
        """Rows dated after a day; told for the file that ends last when there are several."""
        files = self.facts[name]["files"]
        if all((f["last_day"] or "") <= str(last) for f in files):
            return {}
        (n,) = self.first(f"select count(*) from {self.rows(name)} where {TABLES[name].day} > {literal(last)}")
        return {max(files, key=lambda f: f["last_day"] or "")["file"]: n}

    def ledger(self, last: date) -> pd.DataFrame:
        """Rows read, kept, rejected and dated after a day, for each file: rows = kept + rejected."""
        import pandas as pd

        later = {name: self.later(name, last) for name in self.facts}
        return pd.DataFrame([{"table": name, **f, "after_as_of": later[name].get(f["file"], 0)}
                             for name, facts in self.facts.items() for f in facts["files"]], columns=LEDGER)

    def rejected(self, table: str) -> pd.DataFrame:
        """The rows of a table that were turned away."""
        import pandas as pd

        if table not in self.facts:
            return pd.DataFrame(columns=REJECTED)
        return self.con.cursor().execute(f"select * from {self.rows(f'rejected_{table}')} order by file, row").df()
