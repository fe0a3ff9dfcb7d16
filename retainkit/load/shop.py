"""The shop: a company's tables, checked, with the clock every number depends on."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

from retainkit.aside import ensure
from retainkit.errors import BadValueError, closest, listed, one_of, saying
from retainkit.load.clock import as_date, not_to_come, nothing_between, reach, why_nothing
from retainkit.load.derive import DERIVED, KNOWN, canonical, count_in_place, derive, view
from retainkit.load.plan import Plan
from retainkit.load.progress import quiet
from retainkit.load.schema import TABLES
from retainkit.load.store import sound
from retainkit.load.stored import Stored
from retainkit.sqltext import literal, text_of

if TYPE_CHECKING:
    import pandas as pd

_ORDERED = " and customer in (select customer from all_orders where ordered_on <= {day} and status <> 'cancelled')"
_CONTRACTED = " and customer in (select customer from all_contracts where started_on <= {day})"
# Tables that can be restricted to some customers, and for each what makes a row one of those known by a day.
RESTRICTED = {
    "customers": "", "responses": "", "activity": "", "orders": _ORDERED, "days": _ORDERED, "buyers": _ORDERED, "line_starts": _ORDERED,
    "paid_back": _ORDERED, "contracts": _CONTRACTED, "spells": _CONTRACTED, "deals": " and opened_on <= {day}"}
_TURN = RLock()  # a question is two steps of one connection: views of its tables, then what is asked of them
GROUPS_OF_CUSTOMERS = ("segment", "region", "source", "owner")


def refunds_how(how: str) -> str:
    """How refunded purchases are counted, once it is one of the two ways."""
    return one_of(how, ("out", "in"), "refunds", "is neither in nor out", 'refunds="{}"', found=repr(how))


class Shop:
    """The loaded tables with their clock. Made by `open_shop`; ask it with the metric functions, or with `sql`.

    Attributes
    ----------
    as_of, history_start
        The last day counted, and the first day of the recorded history.
    history_given
        Whether the user stated `history_start`; if not, early buyers may be old customers seen for the first time.
    closed_through
        The last finished month, as YYYY-MM.
    part
        The customers it was restricted to by `only`, as "segment=SMB"; empty: all. What is known of the whole company only
        (spending, invitations to a survey, employees) is not known of a part.
    name, tz, currency, refunds, sources
        What it is called, and the facts it was opened with.
    unread
        Files of data in its folder that are named like no table, or packed other than text is, and were not read.
    goals, claims
        Those stated in its retainkit.toml, as records.
    """

    def __init__(self, plan: Plan, store: Stored, facts: dict[str, Any], *, sources: list[dict[str, Any]], refunds: str, temporary: Any = None,
                 only: dict[str, str] | None = None, known_by: date | None = None) -> None:
        self._only, self._known_by = dict(sorted((only or {}).items())), known_by
        self.part = ";".join(f"{name}={value}" for name, value in self._only.items())
        self._plan, self._stated, self._temporary = plan, facts, temporary
        self._store = replace(store, con=quiet(store.con.cursor()))
        self.name, self.sources, self.refunds, self.unread = plan.name, sources, refunds, plan.unread
        self.goals, self.claims = plan.goals, plan.claims
        self.tz: str = facts.get("tz") or ""
        self.currency: str = facts.get("currency") or ""
        self.as_of = self._last_day()
        self.history_given = bool(facts.get("history_start"))
        self.history_start: date = self._said("history_start", self._first_day) if self.history_given else self._first_day()
        if self.history_start > self.as_of:
            raise nothing_between(self, "history_start" if self.history_given else "as_of" if facts.get("as_of") else "")
        self._others, self._had = dict[str, Shop](), dict[str, bool]()

    @cached_property
    def _reach(self) -> dict[str, date]:
        """The last day of each table with a clock, the first to end first."""
        return reach(self._store, self.tz)

    def _last_day(self) -> date:
        if self._stated.get("as_of") and self.tables:
            day, where = self._said("as_of", self._store.last_row), self._plan.where("as_of", self._stated["as_of"])
            return not_to_come(day, where, self._store.last_row(), self.tz)
        if not self._reach:
            raise why_nothing(self.name, self._store)
        return min(self._reach.values())

    def _said(self, fact: str, like: Callable[[], date | None]) -> date:
        return as_date(value := self._stated[fact], fact, self._plan.where(fact, value), like())

    def _first_day(self) -> date:
        return self._store.first_day() or self.as_of

    @property
    def closed_through(self) -> str:
        """The last calendar month that is over by `as_of`."""
        tomorrow = self.as_of + timedelta(days=1)
        return f"{tomorrow.replace(day=1) - timedelta(days=1):%Y-%m}"

    @property
    def tables(self) -> list[str]:
        """The canonical tables that hold at least one row."""
        return self._store.tables

    def has(self, what: str) -> bool:
        """Whether there is a table, or a column of one with at least one value: `has("deals")`, `has("deals.rep")`.

        Of some customers (`only`), whether theirs is. `contracts.ended_at` may be empty: there it says that nobody has left yet,
        where without the column nobody could be seen to.
        """
        table, _, column = what.partition(".")
        if column or table not in TABLES:
            part, known, inside = (column, TABLES[table].names, f"{table}.") if table in TABLES else (table, tuple(TABLES), "")
            one_of(part, known, "has", f"`{what}` is not a table or column retainkit knows", f'has("{inside}{{}}")', usual="orders")
        if what not in self._had:
            self._had[what] = table in self.tables and self._holds(table, column)
        return self._had[what]

    def _holds(self, table: str, column: str) -> bool:
        """Whether a table that is there holds a value in the column, if one is named, and of the chosen customers."""
        values = self._store.facts[table]["columns"]
        tells = column and column in values and TABLES[table].column(column).tells
        if column and not tells and not values.get(column):
            return False
        if not self._only or table not in RESTRICTED:
            return True
        if "customers" not in self._store.facts and table != "deals":  # then deals alone say what kind they are of
            return False
        name = "customer" if column == "customer_id" else column and TABLES[table].column(column).sql_name
        filled = f"{name} is not null" if name and not tells else "true"
        # of all rows, whenever they came, as of a whole shop: what is asked of a year ago is chosen by what there is today
        theirs = self._theirs(table, f"{self._store.rows('customers')} where true")
        return bool(self._store.first(f"select 1 from {self._store.rows(table)} where {filled}{theirs} limit 1"))

    def _theirs(self, table: str, customers: str) -> str:
        """What makes a row of a table one of the chosen customers, after other conditions: customers and deals say themselves what kind they are of."""
        names = TABLES["deals" if table == "deals" else "customers"].names
        asked = {c: literal(v) for c, v in self._only.items() if c in names}
        # those of whom it is not known, and those on no list, are "unknown" in every number by group, as are those who are called so
        kind = " and ".join(f"coalesce({c}, 'unknown') = {v}" if v == "'unknown'" else f"{c} = {v}" for c, v in asked.items()) or "true"
        if table in ("customers", "deals") or not asked:
            return f" and {kind}"
        if set(asked.values()) == {"'unknown'"}:
            return f" and customer not in (select customer from {customers} and not ({kind}))"
        return f" and customer in (select customer from {customers} and {kind})"

    def _known(self, table: str) -> str:
        """What makes a row of a table one of those known by a day, if one was named."""
        return RESTRICTED[table].format(day=literal(self._known_by)) if self._known_by else ""

    @property
    def ledger(self) -> pd.DataFrame:
        """Rows read, kept, rejected and not yet known on `as_of`, for each file: rows = kept + rejected."""
        return self._store.ledger(self.as_of)

    def rejected(self, table: str) -> pd.DataFrame:
        """The rows of a table that were turned away: `file, row, column, reason, found`."""
        one_of(table, TABLES, "rejected", f"`{table}` is not a table retainkit knows", 'rejected("{}")', usual="orders")
        return self._store.rejected(table)

    def at(self, day: str | date) -> Shop:
        """The shop as it was known at the end of `day`: later orders, refunds, wins and cancellations are not known.

        What a shop will be after the last day of its data nobody knows: such a day is refused, as one before the recorded history is. Who
        knows that the data are complete up to a later day says so with `open_shop(..., as_of=day)`.
        """
        then, last = as_date(day, "day"), self._store.last_row(self.as_of)
        if not self.history_start <= then <= last:
            late = then > last
            raise BadValueError(
                f"at({str(then)!r})",
                f"is {'after the last' if late else 'before the first'} day of the data",
                f"data from {self.history_start} to {last}",
                f'open_shop(..., as_of="{then}"), if they are complete to that day'
                if late
                else f'at("{self.history_start}"), or a later day',
            )
        return self._but(as_of=then)

    @property
    def whole(self) -> Shop:
        """The same shop with all customers."""
        return self._but(only={})

    def known_by(self, day: str | date) -> Shop:
        """The shop as it is known now, with only those it had by the end of `day`: what time did to them, and nobody new.

        Each table has its own first day: customers with an order row dated up to `day` (orders and what is made of them),
        with a contract begun by then (contracts, spells), deals opened by then. Other tables stay whole.
        """
        return self._but(known_by=as_date(day, "day"))

    def counting_refunds(self, refunds: str) -> Shop:
        """The same shop with refunded purchases counted as purchases ("in") or not ("out")."""
        return self._but(refunds=refunds_how(refunds))

    def only(self, **values: str) -> Shop:
        """The same shop with some customers (and the deals of their kind) only: `shop.only(segment="SMB")`.

        Empty values restrict nothing. Customers whose segment, region or source is not known are left out; where some are called `unknown`,
        they are of these, as they are in every number by group.
        """
        for name in values:
            one_of(name, GROUPS_OF_CUSTOMERS, "only", f"`{name}` is not something customers are grouped by", '{}="..."')
            if values[name] and (values[name] not in (known := self._groups(name))):
                raise BadValueError(
                    f"only({name}={values[name]!r})",
                    f"no customer and no deal has that {name}",
                    listed(known) or f"no {name} at all",
                    f'only({name}="{closest(values[name], known) or known[0]}")'
                    if known
                    else f"map the column that holds it to {name}, under [customers] in retainkit.toml",
                )
        return self._but(only={**self._only, **{n: v for n, v in values.items() if v}})

    def _groups(self, column: str) -> list[str]:
        """The values of a column that customers are grouped by, of all customers and deals, whenever they came."""
        tables = [name for name in ("customers", "deals") if column in TABLES[name].names and self.has(f"{name}.{column}")]
        query = " union ".join(f"select distinct {column} from {self._store.rows(name)} where {column} is not null" for name in tables)
        return sorted(value for value, in self._store.con.cursor().execute(query).fetchall()) if tables else []

    def _but(self, **otherwise: Any) -> Shop:
        """The same shop otherwise; the same one whenever the same is asked, so that it need not be asked its tallies again."""
        now: dict[str, Any] = {"as_of": self.as_of, "refunds": self.refunds, "only": self._only, "known_by": self._known_by}
        how = now | otherwise
        if how == now:
            return self
        if (asked := repr(how)) not in self._others:
            facts = {**self._stated, "as_of": how.pop("as_of")}
            self._others[asked] = Shop(self._plan, self._store, facts, sources=self.sources, temporary=self._temporary, **how)
        return self._others[asked]

    def sql(self, text: str, *, into: Path | None = None) -> pd.DataFrame:
        """The result of a query over the shop's tables as they were known on `as_of`, as a DataFrame; `into` a Parquet
        file, only the count of its rows.

        The tables are the canonical ones (every `*_at` column is a local date named `*_on`), and the ones made from
        them: `days` (customer-days), `buyers`, `line_starts`, `paid_back`, `spells` (of uninterrupted contract). A shop may be asked from
        several threads; they take turns. What changes tables is refused.
        """
        import duckdb

        known = f"select ... from one of {listed([*self.tables, *DERIVED], limit=20)}"
        wrong = duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException
        with _TURN, sound(self._store.folder), saying("shop.sql", "is not SQL over the shop's tables", known, *wrong):
            asked = self._store.con.extract_statements(text)
            if [statement.type for statement in asked] != [duckdb.StatementType.SELECT]:
                raise BadValueError(
                    "shop.sql",
                    "takes one question, which changes nothing",
                    " ".join(text.split())[:80] or "nothing",
                    'shop.sql("select count(*) as n from orders")',
                )
            self._look_at(set(re.findall(r"\w+", text.lower())))
            copied = f"copy ({text}) to {literal(str(into))} (format parquet, parquet_version v2)"
            return self._store.con.execute(asked[0] if into is None else copied).df()

    def _look_at(self, words: set[str]) -> None:
        """Make the views of the tables a query names that it has not seen yet: each costs as much as a small query."""
        tables = {word.removeprefix("all_") for word in words} & {"ids", *TABLES, *DERIVED} - self._views
        where = dict[str, str]()
        if not tables:
            return
        if self._only or self._known_by:
            tables |= {"customers", "orders", "contracts"} - self._views  # what the choice is made by
            everybody = f"all_customers where coalesce(signed_up_on <= {literal(self.as_of)}, true)"  # `customers` are by then the chosen ones
            where = {name: f"where true{self._theirs(name, everybody)}{self._known(name)}" for name in RESTRICTED}
        if tables.intersection(DERIVED):
            self.prepare()
        canonical(self._store, self._clock, names=tables & TABLES.keys(), where=where)
        for name in tables.intersection(DERIVED):
            view(self._store.con, name, f"select * from {self._store.rows(f'{self._entry}/{name}_*')} {where.get(name, '')}")
        self._views.update(tables)

    @property
    def _clock(self) -> dict[str, Any]:
        return {"as_of": self.as_of, "history_start": self.history_start, "refunds": self.refunds}

    def prepare(self) -> None:
        """Work out the tables made from the canonical ones now, if that was not done yet: the first question about them does it otherwise."""
        with _TURN:
            apart = replace(self._store, con=quiet(self._store.con.cursor()))
            ensure(self._store.folder / self._entry, lambda aside: derive(apart, self._clock, aside))

    @cached_property
    def _entry(self) -> str:
        """The folder of the tables derived as of this day."""
        made_by = hashlib.sha256("".join(text_of(name) for name in (*DERIVED, *KNOWN)).encode()).hexdigest()[:8]
        return f"at_{self.as_of:%Y%m%d}_{self.history_start:%Y%m%d}_{self.refunds}_{made_by}"

    @cached_property
    def _views(self) -> set[str]:
        """The tables it has views of, in a schema of its own: none when that is made."""
        schema = f"{self._entry}_{hashlib.sha256(f'{self.part} {self._known_by}'.encode()).hexdigest()[:8]}"
        self._store.con.execute(f"create schema if not exists {schema}")
        self._store.con.execute(f"set search_path = '{schema}'")
        count_in_place(self._store)
        return set()

    def __repr__(self) -> str:
        return f"<Shop {self.name}: {', '.join(self.tables)}; {self.history_start} to {self.as_of}>"
