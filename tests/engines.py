"""A small engine for tests: literal rows in, the tables that SQL files may read out, as known at the end of any day."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import date
from functools import cache
from typing import Any

import duckdb
import pandas as pd

from retainkit.load.shop import DERIVED
from retainkit.sqltext import render, text_of

CONTRACTS = ("customer", "started_on", "ended_on", "cancel_requested_on", "monthly_value", "end_reason", "deal_id")
DEALS = ("rep", "opened_on", "closed_on", "outcome", "amount", "customer", "source", "segment", "region")
CUSTOMERS = ("customer", "segment", "source", "region", "owner", "signed_up_on")
PURCHASES = ("customer", "ordered_on", "amount", "product_line")
TABLES = {
    "ids": "customer integer, customer_id varchar",
    "all_orders": "order_id varchar, customer integer, ordered_on date, amount decimal(18,4), product_line varchar, "
                  "quantity decimal(18,4), status varchar, refunded_on date, order_type varchar",
    "customers": "customer integer, customer_id varchar, signed_up_on date, segment varchar, region varchar, "
                 "source varchar, owner varchar",
    "all_deals": "deal_id varchar, customer integer, rep varchar, opened_on date, closed_on date, outcome varchar, "
                 "amount decimal(18,4), source varchar, segment varchar, region varchar",
    "all_contracts": "contract_id varchar, customer integer, started_on date, cancel_requested_on date, ended_on date, "
                     "end_reason varchar, monthly_value decimal(18,4), deal_id varchar",
}
NUMBERS = itertools.count()
Rows = Sequence[tuple[Any, ...] | dict[str, Any]]


@cache
def database() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": 1})


class TestEngine:
    """What a tally needs of a shop, in memory: every table and column, and no part of it."""

    __test__ = False
    part = ""

    def __init__(self, rows: dict[str, list[dict[str, Any]]], as_of: date, history_start: date) -> None:
        self.rows, self.as_of, self.history_start = rows, as_of, history_start
        self._con = database().cursor()
        schema = f"engine_{next(NUMBERS)}"
        clock = {"as_of": as_of, "history_start": history_start, "refunds": "out"}
        script = [f"create schema {schema}", f"set schema = '{schema}'"]
        for name, types in TABLES.items():
            script.append(f"create table {name} ({types})")
            columns = [column.split()[0] for column in types.replace("(18,4)", "").split(", ")]
            if values := [", ".join(_literal(row.get(c)) for c in columns) for row in rows[name]]:
                script.append(f"insert into {name} values ({'), ('.join(values)})")
        script += [f"create view {name} as {render(text_of(f'known_{name}'), **clock)}" for name in ("orders", "deals", "contracts")]
        script += [f"create view {name} as {render(text_of(name), **clock)}" for name in DERIVED]
        self._con.execute(";\n".join(script))

    def sql(self, text: str) -> pd.DataFrame:
        return self._con.execute(text).df()

    def has(self, what: str) -> bool:
        return True

    @property
    def whole(self) -> TestEngine:
        return self

    def at(self, day: str | date) -> TestEngine:
        """The same rows as they were known at the end of an earlier day."""
        return TestEngine(self.rows, pd.Timestamp(day).date(), self.history_start)


def tables(
    *, as_of: str, history_start: str | None = None, purchases: Rows = (), contracts: Rows = (), deals: Rows = (),
    customers: Rows = (),
) -> TestEngine:
    """An engine from literal rows: tuples in the order of `PURCHASES`, `CONTRACTS`, `DEALS` and `CUSTOMERS`, cut short
    where the rest is empty, or dicts.

    Customers are names. A purchase of a negative amount is a refund. A deal's or contract's id is its place in the list. The
    history starts on the first day of any row, unless it is given.
    """
    rows = {"all_orders": _dicts(purchases, PURCHASES), "all_contracts": _dicts(contracts, CONTRACTS),
            "all_deals": _dicts(deals, DEALS), "customers": _dicts(customers, CUSTOMERS)}
    for i, order in enumerate(rows["all_orders"]):
        order.update({"order_id": f"o{i}", "status": "paid", "order_type": "one_off", "amount": order.get("amount", 10)})
    for table, key in (("all_contracts", "contract_id"), ("all_deals", "deal_id")):
        for i, row in enumerate(rows[table]):
            row[key] = f"{key[0]}{i:04d}"
    names = sorted({row["customer"] for table in rows.values() for row in table if row.get("customer") is not None})
    numbers = {name: i + 1 for i, name in enumerate(names)}
    for table in rows.values():
        for row in table:
            row["customer_id"], row["customer"] = row.get("customer"), numbers.get(row.get("customer"))
    rows["ids"] = [{"customer": number, "customer_id": name} for name, number in numbers.items()]
    days = [row[c] for t, c in (("all_orders", "ordered_on"), ("all_contracts", "started_on"), ("all_deals", "opened_on")) for row in rows[t]]
    begin = history_start or min(map(str, days), default=as_of)
    return TestEngine(rows, pd.Timestamp(as_of).date(), pd.Timestamp(begin).date())


def _dicts(rows: Rows, names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Rows, as tuples or dicts, under `names`."""
    return [dict(row) if isinstance(row, dict) else dict(zip(names, row, strict=False)) for row in rows]


def _literal(value: Any) -> str:
    """A value as SQL text; dates may be dates or text."""
    return "null" if value is None else "'" + str(value).replace("'", "''") + "'"
