"""The canonical tables: the one place that says what columns there are, of what kind, and what empty means.

The loader's checks and the error texts come from here; data/sample/README.md shows every table with examples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Column:
    """One canonical column: its kind, whether it may be missing, and what an empty value means."""

    name: str
    kind: str
    meaning: str
    required: bool = False  # the source must have it, and a row without a value is rejected
    choices: tuple[str, ...] = ()
    default: str | None = None  # what empty means, as the value it is read as
    empty: str = "not known"
    tells: bool = False  # a column that is there and empty says something, and is not as if it were not there

    @property
    def sql_name(self) -> str:
        """The column's name in the store: times of day have become local dates."""
        return self.name.removesuffix("_at") + "_on" if self.name.endswith("_at") else self.name


@dataclass(frozen=True)
class Table:
    """One canonical table: what a row is, its columns, and the columns that make a row unique."""

    name: str
    row: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()  # empty: rows may repeat
    clock: tuple[
        str, ...
    ] = ()  # the columns whose last date says how far the table reaches; empty: it holds nothing back
    dated_by: str | None = None  # the column that says when a row became known

    def column(self, name: str) -> Column:
        """The column of that canonical name."""
        return next(c for c in self.columns if c.name == name)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns)


def _id(name: str, meaning: str, required: bool = False, **more: str) -> Column:
    return Column(name, "id", meaning, required, **more)  # type: ignore[arg-type]


def _day(name: str, meaning: str, required: bool = False, **more: Any) -> Column:
    return Column(name, "day", meaning, required, **more)


_CUSTOMER = "who bought: the customer, or the account in business-to-business"
_SEGMENT = Column("segment", "text", "kind of customer (size, channel, plan)")
_REGION = Column("region", "text", "sales region")

ORDERS = Table(
    "orders", "a line of an order", (
        _id("order_id", "the order the line belongs to", True),
        _id("customer_id", _CUSTOMER, True),
        _day("ordered_at", "when it was bought", True),
        Column("amount", "money", "price paid for the line; negative is money given back", True),
        Column("product_line", "text", "the group of products it belongs to"),
        Column("quantity", "number", "pieces"),
        Column("status", "choice", "what became of it", choices=("paid", "cancelled", "refunded"), default="paid",
               empty="paid"),
        _day("refunded_at", "when a refunded line was paid back", empty="the day it was bought, if refunded"),
        Column("order_type", "choice", "a purchase, or the invoice of a running contract",
               choices=("one_off", "recurring"), default="one_off", empty="one_off"),
    ), clock=("ordered_at",), dated_by="ordered_at")

CUSTOMERS = Table(
    "customers", "a customer or account", (
        _id("customer_id", _CUSTOMER, True),
        _day("signed_up_at", "when the customer signed up"),
        _SEGMENT, _REGION,
        Column("source", "text", "where the customer came from"),
        Column("owner", "text", "who looks after the account today"),
    ), key=("customer_id",), dated_by="signed_up_at")

DEALS = Table(
    "deals", "an opportunity", (
        _id("deal_id", "the opportunity", True),
        _id("customer_id", "the account it is with", empty="not an account yet"),
        Column("rep", "text", "who owned it when it was won or lost (today's owner, if open)", True),
        _day("opened_at", "when it was opened", True),
        _day("closed_at", "when it was won or lost", empty="still open"),
        Column("outcome", "choice", "won, lost or open", True, choices=("won", "lost", "open")),
        Column("amount", "money", "value of the deal"),
        Column("source", "text", "where the opportunity came from"),
        _SEGMENT, _REGION,
    ), key=("deal_id",), clock=("opened_at", "closed_at"), dated_by="opened_at")

CONTRACTS = Table(
    "contracts", "a subscription or contract", (
        _id("contract_id", "the contract", True),
        _id("customer_id", _CUSTOMER, True),
        _day("started_at", "its first day", True),
        _day("cancel_requested_at", "when it was asked to end", empty="nobody asked"),
        _day("ended_at", "the first day without it", empty="still running", tells=True),
        Column("end_reason", "text", "why it ended"),
        Column("monthly_value", "money", "what it pays a month"),
        _id("deal_id", "the deal that sold it"),
    ), key=("contract_id",), clock=("started_at", "cancel_requested_at"), dated_by="started_at")

RESPONSES = Table(
    "responses", "an answer to a survey", (
        _id("customer_id", "who answered", empty="anonymous"),
        _day("answered_at", "when", True),
        Column("score", "number", "0 to 10: how likely to recommend", True),
        Column("kind", "choice", "who was asked", True, choices=("customer", "employee")),
        Column("wave", "text", "the survey it belongs to"),
        Column("invited", "number", "how many were asked in that wave"),
    ), dated_by="answered_at")

SPEND = Table(
    "spend", "money spent in a month", (
        _day("month", "any day of the month", True),
        Column("category", "text", "an acquisition source, or what keeps customers: `retention`, `support`", True),
        Column("amount", "money", "what was spent", True),
    ), dated_by="month")

ACTIVITY = Table(
    "activity", "a day a customer used the product", (
        _id("customer_id", _CUSTOMER, True),
        _day("active_on", "the day", True),
        Column("kind", "text", "what was done"),
    ), clock=("active_on",), dated_by="active_on")

CHANGES = Table(
    "changes", "something that was rolled out", (
        Column("change", "text", "what", True),
        Column("unit", "text", "the rep, region or segment it was rolled out to", True),
        _day("started_on", "the first day", True),
    ), dated_by="started_on")

TABLES: dict[str, Table] = {
    t.name: t for t in (ORDERS, CUSTOMERS, DEALS, CONTRACTS, RESPONSES, SPEND, ACTIVITY, CHANGES)
}
