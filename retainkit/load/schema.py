"""The canonical tables: the one place that says what columns there are, of what kind, and what empty means.

The loader's checks, the error texts and the documentation all come from here.
"""

from __future__ import annotations

from dataclasses import dataclass

KINDS = {
    "id": "an identifier, compared as text",
    "text": "text",
    "day": "a date, or a time that becomes the local date in the shop's time zone",
    "money": "a number in the shop's currency",
    "number": "a number",
    "choice": "one of a few words",
    "yes_no": "yes or no",
}


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
    example: str = ""

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
    clock: tuple[str, ...] = ()  # the columns whose last date says how far the table reaches (`a|b`: b where a is never filled); empty: it holds nothing back
    dated_by: str | None = None  # the column that says when a row became known

    def column(self, name: str) -> Column:
        """The column of that canonical name."""
        return next(c for c in self.columns if c.name == name)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns)


def _id(name: str, meaning: str, required: bool = False, **more: str) -> Column:
    return Column(name, "id", meaning, required, **more)  # type: ignore[arg-type]


def _day(name: str, meaning: str, required: bool = False, **more: str) -> Column:
    return Column(name, "day", meaning, required, **more)  # type: ignore[arg-type]


_CUSTOMER = "who bought: the customer, or the account in business-to-business"
_SEGMENT = Column("segment", "text", "kind of customer (size, channel, plan)", example="SMB")
_REGION = Column("region", "text", "sales region", example="North")

ORDERS = Table(
    "orders", "a line of an order", (
        _id("order_id", "the order the line belongs to", True, example="O000017"),
        _id("customer_id", _CUSTOMER, True, example="C00042"),
        _day("ordered_at", "when it was bought", True, example="2026-03-01T23:30:00Z"),
        Column("amount", "money", "price paid for the line; negative is money given back", True, example="59.90"),
        Column("product_line", "text", "the group of products it belongs to", example="Coffee"),
        Column("quantity", "number", "pieces", example="2"),
        Column("status", "choice", "what became of it", choices=("paid", "cancelled", "refunded"), default="paid",
               empty="paid", example="paid"),
        _day("refunded_at", "when a refunded line was paid back", empty="the day it was bought, if refunded"),
        Column("order_type", "choice", "a purchase, or the invoice of a running contract",
               choices=("one_off", "recurring"), default="one_off", empty="one_off", example="one_off"),
    ), clock=("ordered_at",), dated_by="ordered_at")

CUSTOMERS = Table(
    "customers", "a customer or account", (
        _id("customer_id", _CUSTOMER, True, example="C00042"),
        _day("signed_up_at", "when the customer signed up", example="2025-11-03T14:02:11Z"),
        _SEGMENT, _REGION,
        Column("source", "text", "where the customer came from", example="referral"),
        Column("owner", "text", "who looks after the account today", example="Ada Okafor"),
    ), key=("customer_id",), dated_by="signed_up_at")

DEALS = Table(
    "deals", "an opportunity", (
        _id("deal_id", "the opportunity", True, example="D00310"),
        _id("customer_id", "the account it is with", empty="not an account yet", example="C00042"),
        Column("rep", "text", "who owned it when it was won or lost (today's owner, if open)", True, example="Ada Okafor"),
        _day("opened_at", "when it was opened", True, example="2026-01-09T15:00:00Z"),
        _day("closed_at", "when it was won or lost", empty="still open", example="2026-02-20T16:40:00Z"),
        Column("outcome", "choice", "won, lost or open", True, choices=("won", "lost", "open"), example="won"),
        Column("amount", "money", "value of the deal", example="5400"),
        Column("source", "text", "where the opportunity came from", example="referral"),
        _SEGMENT, _REGION,
    ), key=("deal_id",), clock=("opened_at", "closed_at"), dated_by="opened_at")

CONTRACTS = Table(
    "contracts", "a subscription or contract", (
        _id("contract_id", "the contract", True, example="K00021"),
        _id("customer_id", _CUSTOMER, True, example="C00042"),
        _day("started_at", "its first day", True, example="2025-02-01"),
        _day("cancel_requested_at", "when it was asked to end", empty="nobody asked", example="2026-01-15"),
        _day("ended_at", "the first day without it", empty="still running", example="2026-02-01"),
        Column("end_reason", "text", "why it ended", example="cancelled"),
        Column("monthly_value", "money", "what it pays a month", example="420"),
        _id("deal_id", "the deal that sold it", example="D00310"),
    ), key=("contract_id",), clock=("started_at", "cancel_requested_at|ended_at"), dated_by="started_at")

RESPONSES = Table(
    "responses", "an answer to a survey", (
        _id("customer_id", "who answered", empty="anonymous", example="C00042"),
        _day("answered_at", "when", True, example="2026-04-02T10:00:00Z"),
        Column("score", "number", "0 to 10: how likely to recommend", True, example="9"),
        Column("kind", "choice", "who was asked", True, choices=("customer", "employee"), example="customer"),
        Column("wave", "text", "the survey it belongs to", example="2026-Q2"),
        Column("invited", "number", "how many were asked in that wave", example="900"),
    ), dated_by="answered_at")

SPEND = Table(
    "spend", "money spent in a month", (
        _day("month", "any day of the month", True, example="2026-04-01"),
        Column("category", "text", "an acquisition source, or what keeps customers: `retention`, `support`", True, example="paid"),
        Column("amount", "money", "what was spent", True, example="26000"),
    ), dated_by="month")

ACTIVITY = Table(
    "activity", "a day a customer used the product", (
        _id("customer_id", _CUSTOMER, True, example="C00042"),
        _day("active_on", "the day", True, example="2026-04-02"),
        Column("kind", "text", "what was done", example="login"),
    ), clock=("active_on",), dated_by="active_on")

CHANGES = Table(
    "changes", "something that was rolled out", (
        Column("change", "text", "what", True, example="onboarding programme"),
        Column("unit", "text", "the rep, region or segment it was rolled out to", True, example="North"),
        _day("started_on", "the first day", True, example="2025-06-01"),
    ), dated_by="started_on")

TABLES: dict[str, Table] = {
    t.name: t for t in (ORDERS, CUSTOMERS, DEALS, CONTRACTS, RESPONSES, SPEND, ACTIVITY, CHANGES)
}


def described() -> str:
    """The tables as a Markdown page: what the documentation shows is what the loader checks.

    >>> described().splitlines()[0]
    '### `orders`: a line of an order'
    """
    parts = []
    for table in TABLES.values():
        parts += [f"### `{table.name}`: {table.row}", "", "| column | kind | meaning | empty means | example |",
                  "|---|---|---|---|---|"]
        for c in table.columns:
            kind = " / ".join(c.choices) if c.choices else KINDS[c.kind]
            empty = "the row is rejected" if c.required else c.empty
            parts.append(f"| `{c.name}`{' (needed)' if c.required else ''} | {kind} | {c.meaning} | {empty} | {c.example} |")
        parts.append("")
    return "\n".join(parts)
