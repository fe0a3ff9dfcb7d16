"""The tables made from the canonical ones: views of what was known on a day, and what is worked out from them and kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from retainkit.aside import ensure
from retainkit.load.progress import told
from retainkit.load.schema import TABLES
from retainkit.load.store import sql_type, write
from retainkit.load.stored import Stored, parquet
from retainkit.sqltext import literal, render, text_of

if TYPE_CHECKING:
    import duckdb

# Tables made once from the canonical ones, in the order they stand on each other.
DERIVED = ("line_starts", "spells", "days", "buyers", "paid_back")
KNOWN = ("known_orders", "known_deals", "known_contracts")
LINES_AT_ONCE = 2_000_000  # what of these order lines is sorted and grouped takes some 500 MB
LOOKED_THROUGH = 10  # times that it is quicker to look for some customers among all order lines than to sort these
NEIGHBOURS = 16_384  # customers whose lines may lie in any order: to sort by few groups is quicker than by many customers


def count_in_place(store: Stored) -> None:
    """Group customers, who are numbered from 1, by their place in a table and not by a hash: twice as quick where there are many.

    Every thread makes such a table for every question, outside the engine's memory limit: it is as large as the shop needs, and
    there are at most 4 million places in all.
    """
    threads, customers = store.first(f"select cast(current_setting('threads') as integer), count(*) from {store.rows('ids')}")
    store.con.execute(f"set perfect_ht_threshold = {max(min(22 - threads.bit_length(), customers.bit_length()), 12)}")


def view(con: duckdb.DuckDBPyConnection, name: str, select: str) -> None:
    """A view in the schema in use."""
    con.execute(f"create or replace view {name} as {select}")


def canonical(
    store: Stored,
    clock: dict[str, Any],
    who: str = "true",
    names: Iterable[str] = TABLES,
    lines: Path | None = None,
    where: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Views of the canonical tables (those named, or all) as they were known, of everybody or of some customers; order
    lines from another file, if one is named; `where` restricts what was known of a table.
    """
    view(store.con, "ids", f"select * from {store.rows('ids')} where {who}")
    for name in sorted(names, key=lambda name: name != "customers"):  # by whom the others are restricted
        table = TABLES[name]
        columns = ", ".join(
            "cast(null as integer) as customer"
            if c.name == "customer_id"
            else f"cast(null as {sql_type(c)}) as {c.sql_name}"
            for c in table.columns
        )
        some = who if "customer_id" in table.names else "true"
        rows = parquet(lines) if lines and name == "orders" else store.rows(name)
        view(store.con, f"all_{name}", f"select * from {rows} where {some}" if name in store.facts else f"select {columns} where false")
        known = render(_known(name), **clock)
        view(store.con, name, f"select * from ({known}) known {where[name]}" if name in where else known)


def derive(store: Stored, clock: dict[str, Any], folder: Path) -> None:
    """Write every derived table, some customers at a time: what it takes does not grow with the shop."""
    con = store.con
    schema = f'"{folder.name}"'
    con.execute(f"create schema {schema}")
    con.execute(f"set schema = {literal(schema)}")
    shares = _shares(store)
    lines = by_customer(store) if len(shares) > LOOKED_THROUGH else None
    for i, who in enumerate(shares):
        canonical(store, clock, who, names=_sources(), lines=lines)
        for name in DERIVED:
            path = folder / f"{name}_{i:05}.parquet"
            with told(con, f"working out {name}, part {i + 1} of {len(shares)}"):
                con.execute(f"copy ({render(text_of(name), **clock)}) to {literal(str(path))} (format parquet)")
            view(con, name, f"select * from {parquet(path)}")
    con.execute("set schema = 'main'")
    con.execute(f"drop schema {schema} cascade")


@cache
def _sources() -> tuple[str, ...]:
    """The canonical tables that the derived ones are made from: a view of another one would cost as much as a small question."""
    words = {word for name in DERIVED for word in re.findall(r"\w+", text_of(name))}
    return tuple(name for name in TABLES if name in words)


def by_customer(store: Stored) -> Path:
    """A file with the order lines of customers that are neighbours side by side, so that a share of them is found
    without reading the others; made once.
    """
    def sort(aside: Path) -> None:
        with told(store.con, "sorting orders"):
            write(store.con, f"select * from {store.rows('orders')} order by customer // {NEIGHBOURS}", aside / "orders.parquet")

    return ensure(store.folder / "by_customer", sort) / "orders.parquet"


def _shares(store: Stored) -> list[str]:
    """Conditions that split the customers so that each share has about `LINES_AT_ONCE` order lines."""
    lines, (customers,) = store.kept("orders"), store.first(f"select count(*) from {store.rows('ids')}")
    n = max(1, min(lines // LINES_AT_ONCE, customers))
    ends = [customers * i // n for i in range(n + 1)]
    return [f"customer > {a} and customer <= {b}" for a, b in pairwise(ends)] if n > 1 else ["true"]


def _known(name: str) -> str:
    """The query for a table as it was known on `:as_of`."""
    if f"known_{name}" in KNOWN:
        return text_of(f"known_{name}")
    table = TABLES[name]
    more = ", i.customer_id" if name == "customers" else ""
    join = "left join ids i on i.customer = t.customer" if name == "customers" else ""
    return f"select t.*{more} from all_{name} t {join} where t.{table.day} <= :as_of or t.{table.day} is null"
