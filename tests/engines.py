"""A small engine for tests: literal rows in, the tables that SQL files may read out, as known at the end of any day."""

from __future__ import annotations

import itertools
from datetime import date
from typing import Any

import duckdb
import pandas as pd

from retainkit.load.shop import DERIVED
from retainkit.tally import render, text_of

DATABASE, NUMBERS = duckdb.connect(config={"threads": 1}), itertools.count()
CONTRACTS = ("customer", "started_on", "ended_on", "cancel_requested_on", "monthly_value", "end_reason", "deal_id")
DEALS = ("rep", "opened_on", "closed_on", "outcome", "amount", "customer", "source", "segment", "region")
CUSTOMERS = ("customer", "segment", "source", "region", "owner", "signed_up_on")
TYPES = {
    "orders": "order_id varchar, customer integer, ordered_on date, amount decimal(18,4), product_line varchar, "
              "quantity decimal(18,4), status varchar, refunded_on date, order_type varchar",
    "customers": "customer integer, customer_id varchar, signed_up_on date, segment varchar, region varchar, "
                 "source varchar, owner varchar",
    "deals": "deal_id varchar, customer integer, rep varchar, opened_on date, closed_on date, outcome varchar, "
             "amount decimal(18,4), source varchar, segment varchar, region varchar",
    "contracts": "contract_id varchar, customer integer, started_on date, cancel_requested_on date, ended_on date, "
                 "end_reason varchar, monthly_value decimal(18,4), deal_id varchar",
}


class TestEngine:
    """What a tally needs of a shop, in memory."""

    __test__ = False

    def __init__(self, frames: dict[str, pd.DataFrame], as_of: date, history_start: date) -> None:
        self.frames, self.as_of, self.history_start = frames, as_of, history_start
        self._con = DATABASE.cursor()
        schema = f"engine_{next(NUMBERS)}"
        self._con.execute(f"create schema {schema}; set schema = '{schema}'")
        clock = {"as_of": as_of, "history_start": history_start, "refunds": "out"}
        self._con.execute("create table ids (customer integer, customer_id varchar)")
        self._fill("ids", frames["ids"])
        for name, types in TYPES.items():
            stored = name if name == "customers" else f"all_{name}"
            self._con.execute(f"create table {stored} ({types})")
            self._fill(stored, frames[name])
            if stored != name:
                self._con.execute(f"create view {name} as {render(text_of(f'known_{name}'), **clock)}")
        for name in DERIVED:
            self._con.execute(f"create view {name} as {render(text_of(name), **clock)}")

    def _fill(self, table: str, rows: pd.DataFrame) -> None:
        columns = [c for c, *_ in self._con.execute(f"describe {table}").fetchall()]
        if len(rows):
            self._con.register("rows_to_add", rows.astype(object).where(rows.notna(), None).reindex(columns=columns).astype(str))
            chosen = ", ".join(f"nullif(nullif({c}, 'None'), 'nan')" for c in columns)
            self._con.execute(f"insert into {table} select {chosen} from rows_to_add")

    def sql(self, text: str) -> pd.DataFrame:
        return self._con.execute(text).df()

    def at(self, day: str | date) -> TestEngine:
        """The same rows as they were known at the end of an earlier day."""
        return TestEngine(self.frames, pd.Timestamp(day).date(), self.history_start)


def tables(
    *, as_of: str, history_start: str | None = None, purchases: list[tuple[Any, ...]] = (),  # type: ignore[assignment]
    contracts: list[Any] = (), deals: list[Any] = (), customers: list[Any] = (),  # type: ignore[assignment]
) -> TestEngine:
    """An engine from literal rows.

    `purchases`: (customer, day[, amount[, product line]]), a negative amount being a refund; `contracts`, `deals` and
    `customers`: tuples in the order of `CONTRACTS`, `DEALS` and `CUSTOMERS`, cut short where the rest is empty, or
    dicts. Customers are names; a deal's or contract's id is its place in the list.
    """
    orders = pd.DataFrame([dict(zip(("customer", "ordered_on", "amount", "product_line"), p, strict=False)) for p in purchases],
                          columns=["customer", "ordered_on", "amount", "product_line"])
    orders = orders.assign(order_id=[f"o{i}" for i in range(len(orders))], status="paid", order_type="one_off",
                           amount=orders["amount"].fillna(10))
    frames = {"orders": orders, "contracts": _frame(contracts, CONTRACTS), "deals": _frame(deals, DEALS),
              "customers": _frame(customers, CUSTOMERS)}
    frames["contracts"]["contract_id"] = [f"k{i:04d}" for i in range(len(contracts))]
    frames["deals"]["deal_id"] = [f"d{i:04d}" for i in range(len(deals))]
    names = sorted({c for f in frames.values() for c in f["customer"].dropna()})
    numbers = {name: i + 1 for i, name in enumerate(names)}
    frames["customers"]["customer_id"] = frames["customers"]["customer"]
    for frame in frames.values():
        frame["customer"] = frame["customer"].map(numbers).astype("Int64")
    frames["ids"] = pd.DataFrame({"customer": list(numbers.values()), "customer_id": list(numbers)}, dtype=object)
    starts = [*orders["ordered_on"], *frames["contracts"]["started_on"], *frames["deals"]["opened_on"]]
    begin = history_start or min((str(s) for s in starts), default=as_of)
    return TestEngine(frames, pd.Timestamp(as_of).date(), pd.Timestamp(begin).date())


def _frame(rows: list[Any], names: tuple[str, ...]) -> pd.DataFrame:
    """Rows, as tuples or dicts, under `names`."""
    dicts = [row if isinstance(row, dict) else dict(zip(names, row, strict=False)) for row in rows]
    return pd.DataFrame(dicts, columns=list(names), dtype=object)
