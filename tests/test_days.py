"""Customer-days by a second route: every column of `days` worked out line by line in plain Python."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from retainkit import open_shop
from retainkit.load import derive

FIRST, HISTORY = date(2026, 1, 1), date(2026, 1, 10)
Row = dict[str, Any]


def world(seed: int) -> dict[str, list[Row]]:
    """Few customers, days and order numbers, so that everything that can meet does meet."""
    draw = random.Random(seed)
    day = lambda last: FIRST + timedelta(days=draw.randrange(last))  # noqa: E731
    orders = []
    for _ in range(160):
        owner, bought = draw.randrange(9), day(40)
        status = draw.choice(["paid"] * 6 + ["refunded", "cancelled"])
        orders.append({
            "order_id": f"{owner}-{draw.randrange(12)}", "customer_id": f"c{owner}", "ordered_at": bought, "status": status,
            "amount": draw.choice([5, 7.5, 0, -2]), "product_line": draw.choice(["tea", "cups", "books", None]),
            "refunded_at": bought + timedelta(days=draw.randrange(9)) if status == "refunded" and draw.random() < 0.8 else None,
            "order_type": draw.choice(["one_off"] * 5 + ["recurring"])})
    customers = [{"customer_id": f"c{i}", "signed_up_at": draw.choice([None, day(20)]), "segment": draw.choice(["a", "b"])} for i in range(8)]
    contracts = [{"contract_id": i, "customer_id": f"c{draw.randrange(11)}", "started_at": (start := day(30)),
                  "ended_at": draw.choice([None, start + timedelta(days=1 + draw.randrange(20))])} for i in range(12)]
    return {"orders": orders, "customers": customers, "contracts": contracts}


def expected(tables: dict[str, list[Row]], refunds: str, as_of: date) -> dict[tuple[str, date], Row]:
    """Each customer's days, one after the other."""
    lines = [r for r in tables["orders"] if r["status"] != "cancelled" and r["ordered_at"] <= as_of]
    days: dict[tuple[str, date], Row] = defaultdict(lambda: {"amount": Decimal(0), "bought": [], "orders": set(), "invoiced": False})
    for line in lines:
        day = days[line["customer_id"], line["ordered_at"]]
        day["amount"] += Decimal(str(line["amount"]))
        back = line["refunded_at"] or line["ordered_at"]
        refunded = line["status"] == "refunded" and back <= as_of
        if refunded:
            days[line["customer_id"], back]["amount"] -= Decimal(str(line["amount"]))
        if line["order_type"] == "recurring" and line["amount"] > 0 and (refunds == "in" or not refunded):
            day["invoiced"] = True
        if line["order_type"] == "one_off" and line["amount"] >= 0 and (refunds == "in" or not refunded):
            day["bought"].append(line["product_line"])
            day["orders"].add(line["order_id"])
    facts = {r["customer_id"]: r for r in tables["customers"] if r["signed_up_at"] is None or r["signed_up_at"] <= as_of}
    spells = ended_spells(tables["contracts"], as_of)
    found = {}
    for customer in {c for c, _ in days}:
        found.update(one_customer(customer, {d: v for (c, d), v in days.items() if c == customer}, facts.get(customer, {}), spells[customer]))
    return found


def ended_spells(contracts: list[Row], as_of: date) -> dict[str, list[date]]:
    """The days each customer's stretches of contract ended on, as known then: a day covered by nothing."""
    covered = defaultdict(set)
    for c in contracts:
        end = c["ended_at"] if c["ended_at"] and c["ended_at"] <= as_of else FIRST + timedelta(days=99)
        if c["started_at"] <= as_of:
            covered[c["customer_id"]] |= {c["started_at"] + timedelta(days=i) for i in range((end - c["started_at"]).days)}
    covered = {who: on | {d + timedelta(days=1) for d in on if d + timedelta(days=2) in on} for who, on in covered.items()}  # carried on the day after
    gone = {who: sorted(d + timedelta(days=1) for d in on if d + timedelta(days=1) not in on) for who, on in covered.items()}
    return defaultdict(list, {who: [d for d in on if d <= as_of] for who, on in gone.items()})


def one_customer(customer: str, days: dict[date, Row], facts: Row, ends: list[date]) -> dict[tuple[str, date], Row]:
    """The days of one customer with everything that depends on the days before."""
    first = min((d for d, v in days.items() if v["bought"]), default=None)
    billed, signed = min((d for d, v in days.items() if v["invoiced"]), default=None), facts.get("signed_up_at")
    seen: set[str] = set()
    nth = crossed = 0
    previous = entry = None
    found = {}
    for day in sorted(days):
        v = days[day]
        new = {line for line in v["bought"] if line} - seen
        seen |= new
        if v["bought"]:
            nth += 1
        if day == first and new:
            entry = "several" if len(new) > 1 else min(new)
        crossed += bool(new and day != first)
        left = min((e for e in ends if first and e > first), default=None)
        found[customer, day] = {
            "ordinal": nth if v["bought"] else 0, "age": (day - first).days if first else None,
            "gap": (day - previous).days if v["bought"] and previous else None, "cross_ordinal": crossed if new and day != first else 0,
            "amount": v["amount"], "orders": len(v["orders"]), "lines": len(v["bought"]), "new_lines": len(new), "first_on": first,
            "is_new": (first or day) >= HISTORY and (facts.get("signed_up_at") or first or day) >= HISTORY,
            "is_first": min(first, signed or first) >= HISTORY if day == first else bool(
                (first is None or day < first) and day == (billed or day) and min(billed or first or day, signed or billed or first or day) >= HISTORY),
            "entry_line": entry, "segment": facts.get("segment"), "left_age": (left - first).days if first and left else None}
        previous = day if v["bought"] else previous
    for v in found.values():  # what is known of the customer stands beside every day
        v["entry_line"] = entry
    return found


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("refunds", ["out", "in"])
@pytest.mark.parametrize("as_of", [date(2026, 1, 25), date(2026, 2, 28)])
def test_every_column_of_every_customer_day(seed: int, refunds: str, as_of: date) -> None:
    tables = world(seed)
    shop = open_shop({name: pd.DataFrame(rows) for name, rows in tables.items()}, as_of=as_of, history_start=HISTORY, refunds=refunds)
    asked = ["ordinal", "age", "gap", "cross_ordinal", "amount", "orders", "lines", "new_lines", "first_on", "is_new", "is_first", "entry_line", "segment", "left_age"]
    rows = shop.sql(f"select i.customer_id, d.on_day, {', '.join('d.' + c for c in asked)} from days d join ids i on i.customer = d.customer")
    wanted = expected(tables, refunds, as_of)
    assert len(rows) == len(wanted)
    for row in rows.to_dict("records"):
        found = {c: None if pd.isna(row[c]) else row[c].date() if c == "first_on" else row[c] for c in asked}
        assert found == wanted[row["customer_id"], row["on_day"].date()], (row["customer_id"], row["on_day"])


@pytest.mark.parametrize("at_once", [7, 50, 10_000])
def test_made_for_some_customers_at_a_time_it_is_the_same(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = {name: pd.DataFrame(rows) for name, rows in world(1).items()}
    whole = open_shop(frames, history_start=HISTORY)
    wanted = {name: whole.sql(f"select * from {name}") for name in ("ids", *derive.DERIVED)}
    monkeypatch.setattr(derive, "LINES_AT_ONCE", at_once)
    shop = open_shop(frames, history_start=HISTORY)
    for name, table in wanted.items():
        pd.testing.assert_frame_equal(shop.sql(f"select * from {name}"), table)
    parts = {path.name for path in shop._store.folder.glob("*/days_*.parquet")}
    assert len(parts) == {7: len(wanted["ids"]), 50: 3, 10_000: 1}[at_once]
