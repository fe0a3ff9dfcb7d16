"""The canonical tables: the one place that says what columns there are, of what kind, and what empty means.

The loader's checks and the error texts come from here; data/sample/README.md shows every table with examples.
"""

from __future__ import annotations

from dataclasses import dataclass


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
    dated_by: str  # the column that says when a row became known
    key: tuple[str, ...] = ()  # empty: rows may repeat
    clock: tuple[
        str, ...
    ] = ()  # the columns whose last date says how far the table reaches; empty: it holds nothing back

    def column(self, name: str) -> Column:
        """The column of that canonical name."""
        return next(c for c in self.columns if c.name == name)

    @property
    def day(self) -> str:
        """The store's name of the column that says when a row became known."""
        return self.column(self.dated_by).sql_name

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns)


_CUSTOMER = "who bought: the customer, or the account in business-to-business"
_SEGMENT = Column("segment", "text", "kind of customer (size, channel, plan)")
_REGION = Column("region", "text", "sales region")

ORDERS = Table(
    "orders", "a line of an order", (
        Column("order_id", "id", "the order the line belongs to", True),
        Column("customer_id", "id", _CUSTOMER, True),
        Column("ordered_at", "day", "when it was bought", True),
        Column("amount", "money", "price paid for the line; negative is money given back", True),
        Column("product_line", "text", "the group of products it belongs to"),
        Column("quantity", "number", "pieces"),
        Column("status", "choice", "what became of it", choices=("paid", "cancelled", "refunded"), default="paid",
               empty="paid"),
        Column("refunded_at", "day", "when a refunded line was paid back", empty="the day it was bought, if refunded"),
        Column("order_type", "choice", "a purchase, or the invoice of a running contract",
               choices=("one_off", "recurring"), default="one_off", empty="one_off"),
    ), clock=("ordered_at",), dated_by="ordered_at")

CUSTOMERS = Table(
    "customers", "a customer or account", (
        Column("customer_id", "id", _CUSTOMER, True),
        Column("signed_up_at", "day", "when the customer signed up"),
        _SEGMENT, _REGION,
        Column("source", "text", "where the customer came from"),
        Column("owner", "text", "who looks after the account today"),
    ), key=("customer_id",), dated_by="signed_up_at")

DEALS = Table(
    "deals", "an opportunity", (
        Column("deal_id", "id", "the opportunity", True),
        Column("customer_id", "id", "the account it is with", empty="not an account yet"),
        Column("rep", "text", "who owned it when it was won or lost (today's owner, if open)", True),
        Column("opened_at", "day", "when it was opened", True),
        Column("closed_at", "day", "when it was won or lost", empty="still open"),
        Column("outcome", "choice", "won, lost or open", True, choices=("won", "lost", "open")),
        Column("amount", "money", "value of the deal"),
        Column("source", "text", "where the opportunity came from"),
        _SEGMENT, _REGION,
    ), key=("deal_id",), clock=("opened_at", "closed_at"), dated_by="opened_at")

CONTRACTS = Table(
    "contracts", "a subscription or contract", (
        Column("contract_id", "id", "the contract", True),
        Column("customer_id", "id", _CUSTOMER, True),
        Column("started_at", "day", "its first day", True),
        Column("cancel_requested_at", "day", "when it was asked to end", empty="nobody asked"),
        Column("ended_at", "day", "the first day without it", empty="still running", tells=True),
        Column("end_reason", "text", "why it ended"),
        Column("monthly_value", "money", "what it pays a month"),
        Column("deal_id", "id", "the deal that sold it"),
    ), key=("contract_id",), clock=("started_at", "cancel_requested_at"), dated_by="started_at")

RESPONSES = Table(
    "responses", "an answer to a survey", (
        Column("customer_id", "id", "who answered", empty="anonymous"),
        Column("answered_at", "day", "when", True),
        Column("score", "number", "0 to 10: how likely to recommend", True),
        Column("kind", "choice", "who was asked", True, choices=("customer", "employee")),
        Column("wave", "text", "the survey it belongs to"),
        Column("invited", "number", "how many were asked in that wave"),
    ), dated_by="answered_at")

SPEND = Table(
    "spend", "money spent in a month", (
        Column("month", "day", "any day of the month", True),
        Column("category", "text", "an acquisition source, or what keeps customers: `retention`, `support`", True),
        Column("amount", "money", "what was spent", True),
    ), dated_by="month")

ACTIVITY = Table(
    "activity", "a day a customer used the product", (
        Column("customer_id", "id", _CUSTOMER, True),
        Column("active_on", "day", "the day", True),
        Column("kind", "text", "what was done"),
    ), clock=("active_on",), dated_by="active_on")

CHANGES = Table(
    "changes", "something that was rolled out", (
        Column("change", "text", "what", True),
        Column("unit", "text", "the rep, region or segment it was rolled out to", True),
        Column("started_on", "day", "the first day", True),
    ), dated_by="started_on")

TABLES: dict[str, Table] = {
    t.name: t for t in (ORDERS, CUSTOMERS, DEALS, CONTRACTS, RESPONSES, SPEND, ACTIVITY, CHANGES)
}
