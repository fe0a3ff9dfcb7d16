"""Many small shops at once: simulated tables in, an engine a shop out that every metric can ask.

The tables of a batch lie in one database, and each shop sees its own customers and deals only. What a real shop would
be is made by `open_shop` from the same tables, to check that the numbers are the same.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from retainkit import open_shop
from retainkit.load.schema import TABLES
from retainkit.load.shop import DERIVED, Shop
from retainkit.load.store import sql_type
from retainkit.sqltext import render, text_of

MORE = int(os.environ.get("TRUTH_TIMES", "1"))  # so many times as many customers and deals a shop: `--times`, in every process
STRIDE = 100_000  # customers are numbered shop * STRIDE + 0, 1, 2, ...
OF_SHOPS = ("deals", "responses", "spend")  # tables whose rows may have no customer: they carry the shop
SEEN = ("ids", "customers", "orders", "contracts", "deals", "responses", "spend", "activity", *DERIVED)
Frames = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class Clock:
    """The days a log covers. Simulated days are counted from its first day, so the days before it are negative."""

    first: date
    last: date

    @property
    def end(self) -> int:
        """The number of the last day."""
        return (self.last - self.first).days

    def dates(self, days: Any) -> pd.Series:
        """Days as dates, empty where the day is not known."""
        numbers = pd.Series(np.asarray(days, dtype=float))
        return pd.Timestamp(self.first) + pd.to_timedelta(numbers, unit="D")

    def month(self, days: Any) -> Any:
        """The calendar month of each day, counted from the first day's."""
        start = np.datetime64(self.first, "D")
        months = (start + np.asarray(days, dtype="timedelta64[D]")).astype("datetime64[M]")
        return (months - start.astype("datetime64[M]")).astype(int)

    def day(self, when: str) -> int:
        """The number of a date."""
        return (date.fromisoformat(when) - self.first).days


def known(days: Any, clock: Clock) -> Any:
    """Days as somebody would know them on the last day: later ones are not known."""
    days = np.asarray(days, dtype=float)
    return np.where(days <= clock.end, days, np.nan)


@dataclass(frozen=True)
class SmallShop:
    """One shop of a batch, as far as metrics need one."""

    number: int
    clock: Clock
    con: duckdb.DuckDBPyConnection
    currency: str = ""
    part: str = ""

    @property
    def whole(self) -> SmallShop:
        return self

    @property
    def as_of(self) -> date:
        return self.clock.last

    @property
    def history_start(self) -> date:
        return self.clock.first

    def sql(self, text: str) -> pd.DataFrame:
        return self.con.execute(f"set schema = 'shop_{self.number}'; {text}").df()

    def has(self, what: str) -> bool:
        """Whether the table has rows (every column of a simulated table is filled in)."""
        return bool(self.sql(f"select count(*) as n from {what.partition('.')[0]}")["n"].iloc[0])


def small_shops(frames: Frames, clock: Clock) -> Iterator[SmallShop]:
    """The shops of a batch, one after the other.

    Parameters
    ----------
    frames
        Canonical tables with two more columns, `shop` and `customer` (whole numbers; customers as by `STRIDE`).
    clock
        The first and the last day of the log.
    """
    con = duckdb.connect(config={"threads": 1})
    con.execute("set enable_progress_bar = false")
    for name in ("customers", "orders", "contracts", "deals", "responses", "spend", "activity"):
        _store(con, name, frames.get(name))
    con.execute("create table ids as select customer, customer_id from customers")
    facts = {"as_of": clock.last, "history_start": clock.first, "refunds": "out"}
    for name in ("orders", "contracts", "deals"):
        more = ", shop" if name == "deals" else ""
        seen = render(text_of(f"known_{name}"), **facts).replace(f"from all_{name}", f"{more} from all_{name}")
        con.execute(f"create table {name} as {seen}")
    for name in DERIVED:
        con.execute(f"create table {name} as {render(text_of(name), **facts)}")
    for number in sorted(frames["customers"]["shop"].unique()):
        con.execute(f"create schema shop_{number}")
        for name in SEEN:
            mine = f"shop = {number}" if name in OF_SHOPS else f"customer between {number * STRIDE} and {(number + 1) * STRIDE - 1}"
            con.execute(f"create view shop_{number}.{name} as select * from main.{name} where {mine}")
        yield SmallShop(int(number), clock, con)
    con.close()


def real_shop(frames: Frames, clock: Clock, number: int) -> Shop:
    """The same shop as `open_shop` makes it of its tables."""
    mine = {name: t[t["shop"] == number].drop(columns=["shop", "customer"], errors="ignore") for name, t in frames.items()}
    return open_shop(mine, as_of=clock.last, history_start=clock.first)


def _store(con: duckdb.DuckDBPyConnection, name: str, frame: pd.DataFrame | None) -> None:
    """A canonical table as the loader stores it, before anything is cut at the last day."""
    columns = {("customer" if c.name == "customer_id" else c.sql_name): ("integer" if c.name == "customer_id" else sql_type(c)) for c in TABLES[name].columns}
    stored = f"all_{name}" if name in ("orders", "contracts", "deals") else name  # the others hold no row after the last day
    extra = {"customer_id": "varchar"} if name == "customers" else {"shop": "integer"} if name in OF_SHOPS else {}
    columns |= extra
    con.execute(f"create table {stored} ({', '.join(f'{c} {kind}' for c, kind in columns.items())})")
    if frame is None:
        return
    rows = frame.rename(columns={c.name: c.sql_name for c in TABLES[name].columns if c.name != "customer_id"})
    empty = {c.name: c.default for c in TABLES[name].columns if c.default and c.name not in rows}
    rows = rows[[c for c in columns if c in rows]].assign(**empty)
    con.register("rows_to_store", rows)
    con.execute(f"insert into {stored} by name select * from rows_to_store")
    con.unregister("rows_to_store")


