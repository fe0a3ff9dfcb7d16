"""The first call of every notebook: open the shop its parameters name, after checking them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from retainkit.errors import BadValueError, MissingDataError, closest, listed
from retainkit.show.display import say, table
from retainkit.show.style import know_colours

if TYPE_CHECKING:
    import pandas as pd

    from retainkit.load.shop import Shop

# Parameters that name something in the data, and where that may stand.
NAMED = {
    "segment": ("customers.segment", "deals.segment"),
    "region": ("customers.region", "deals.region"),
    "acquisition": ("customers.source", "deals.source"),
    "product_line": ("orders.product_line",),
    "entry_line": ("orders.product_line",),
    "rep": ("deals.rep",),
}

SPAN = re.compile("days|months|horizon|window")


def begin(source: Any, *, as_of: str = "", **parameters: Any) -> Shop:
    """Open the shop a notebook reports on, as it was known at the end of `as_of` ("" = all of it).

    `parameters` are the notebook's other parameters by name, checked as `check_parameters` does.
    """
    from retainkit.load.shop import open_shop

    shop = open_shop(source, as_of=as_of or None)
    check_parameters(shop, parameters)
    for kind in ("segment", "region", "product_line"):
        know_colours(kind, names_of(shop, kind))
    return shop


def check_parameters(shop: Shop, parameters: Mapping[str, Any]) -> None:
    """Refuse a parameter that cannot be meant: a segment nobody is in, a window of no days.

    A text named like a column ("segment") must be one of its values, or "" for all. No number may be negative,
    a span of days or months is at least 1, and `level` is a share between 0 and 1.
    """
    for name, value in parameters.items():
        if name in NAMED and value:
            _check_name(name, str(value), names_of(shop, name))
        if name == "level" and not 0 < value < 1:
            raise BadValueError("parameter level", "is a share between 0 and 1", repr(value), "level = 0.95")
        numbers = value if isinstance(value, list) else [value]
        least = 1 if SPAN.search(name) else 0
        if value == [] or any(type(n) in (int, float) and n < least for n in numbers):
            raise BadValueError(f"parameter {name}", f"must be {least} or more", repr(value))


def names_of(shop: Shop, kind: str) -> list[str]:
    """The values a parameter may name, sorted; empty where the shop has none."""
    places = [place.split(".") for place in NAMED[kind] if shop.has(place)]
    query = " union ".join(f"select distinct {column} as name from {table_name}" for table_name, column in places)
    return sorted(map(str, shop.sql(query)["name"].dropna())) if places else []


def _check_name(name: str, value: str, names: list[str]) -> None:
    if not names:
        raise MissingDataError(f"parameter {name}", f"this shop has no {NAMED[name][0]}", repr(value), f'{name} = ""')
    if value not in names:
        raise BadValueError(
            f"parameter {name}",
            f"{value!r} is not in {NAMED[name][0]}",
            listed(names),
            f'{name} = "{closest(value, names) or names[0]}"',
        )


def show_ledger(shop: Shop) -> None:
    """Show what was read and what was left out, table by table, and the last day that counts."""
    say("Data as known at the end of {day}.", day=f"{shop.as_of.day} {shop.as_of:%B %Y}")
    table(read_and_left_out(shop), caption="Rows read and left out")
    if shop.unread:
        say("Not read, because named like no table: {names}.", names=", ".join(shop.unread))


def read_and_left_out(shop: Shop) -> pd.DataFrame:
    """The shop's ledger, one row a table: rows read, kept, left out and too late for this report; first and last day."""
    sums = dict.fromkeys(["rows", "kept", "rejected", "after_as_of"], "sum")
    totals = shop.ledger.groupby("table", sort=False).agg({**sums, "first_day": "min", "last_day": "max"})
    if not totals["after_as_of"].any():
        totals = totals.drop(columns="after_as_of")
    names = {"rows": "rows read", "rejected": "left out", "after_as_of": "kept, dated later"}
    return totals.reset_index().rename(columns=names)
