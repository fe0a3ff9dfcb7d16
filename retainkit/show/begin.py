"""The first call of every notebook: open the shop its parameters name, after checking them."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from numbers import Real
from typing import Any

import pandas as pd

from retainkit.asked import limits
from retainkit.errors import BadValueError, MissingDataError, capital, closest, counted, listed
from retainkit.load import clock
from retainkit.load.dates import Days
from retainkit.load.shop import Shop
from retainkit.resources import names_in
from retainkit.show.display import say, table

# Parameters that name something in the data, and where that may stand.
NAMED = {
    "segment": ("customers.segment", "deals.segment"),
    "region": ("customers.region", "deals.region"),
    "acquisition": ("customers.source", "deals.source"),
    "product_line": ("orders.product_line",),
    "entry_line": ("orders.product_line",),
    "rep": ("deals.rep",),
}

# Names under which the kit's notebooks keep numbers: texts that somebody's own notebook calls otherwise are theirs.
NUMBERS = r"^(horizons?|window|within|level|margin|review|watch|lapse_after|days|months|\w+_days)$"
WORDS = {"names": ("names", "codes")}


def begin(source: Any, *, as_of: str = "", **parameters: Any) -> Shop:
    """Open the shop a notebook reports on, as it was known at the end of `as_of` ("" = all of it).

    `parameters` are the notebook's other parameters by name, checked as `check_parameters` does.
    """
    from retainkit.load.opening import open_shop

    _refuse_unread()
    shop = open_shop(source, as_of=as_of or None)
    check_parameters(shop, parameters)
    return shop


def _refuse_unread() -> None:
    """Refuse a value that papermill was given under a name the notebook does not read; papermill itself only warns of it."""
    if not (shell := getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()):
        return
    cells = [str(cell) for cell in shell.user_ns.get("In", [])]
    given = next((i for i, cell in enumerate(cells) if cell.startswith("# Parameters\n")), 0)
    known, names = (re.findall(r"^(\w+) *=", text, re.M) for text in ("\n".join(cells[:given]), cells[given] if given else ""))
    for name in names:
        if known and name not in known:
            guess = closest(name, known) or known[0]
            raise BadValueError(f"parameter {name}", "is not one of this notebook", f"parameters: {listed(known, limit=20)}", f"-p {guess} VALUE")


def check_parameters(shop: Shop, parameters: Mapping[str, Any], *, usual: Mapping[str, Any] | None = None) -> None:
    """Refuse a parameter that cannot be meant: a segment nobody is in, a window of no days.

    A text named like a column ("segment") must be one of its values, or "" for all. A span of days or months is from 1
    to 36,500 (a hundred years), a share from 0 to 1, `level` from 0.5 to 0.999, and no number is negative. `usual` are the
    notebook's own values, when these were given on the command line: what to type is then what is typed there.
    """
    for name, value in parameters.items():
        typed = partial(to_type, name, usual)
        if name in NAMED and value:
            asked, names = str(value), sorted({each for place in NAMED[name] for each in names_in(shop, place)})
            if not names:
                raise MissingDataError(f"parameter {name}", f"this shop has no {NAMED[name][0]}", repr(asked), typed(""))
            if asked not in names:
                raise BadValueError(f"parameter {name}", f"{asked!r} is not in {NAMED[name][0]}", listed(names), typed(closest(asked, names) or names[0]))
        if name in WORDS and value not in WORDS[name]:
            raise BadValueError(f"parameter {name}", f"is neither {' nor '.join(WORDS[name])}", repr(value), typed(WORDS[name][0]))
        _check_number(name, value, usual, typed)
    review, watch = parameters.get("review", 1), parameters.get("watch", 0)
    if watch > review:
        raise BadValueError("parameter watch", "is above review, which asks for more", f"{watch:g} and {review:g}", to_type("watch", usual, review))
    horizon = min(parameters.get("horizons", [parameters.get("horizon", 36_500)]))
    for name in ("window", "within"):
        if parameters.get(name, 0) > horizon:
            raise BadValueError(
                f"parameter {name}",
                "is longer than the horizon it is a part of",
                f"{counted(parameters[name], 'day')} of {horizon}",
                to_type(name, usual, horizon),
            )


def _check_number(name: str, value: Any, usual: Mapping[str, Any] | None, typed: Callable[[Any], str]) -> None:
    """Refuse a number that cannot be meant, something else under the name of one, and no list where horizons belong."""
    least, most, sensible = limits(name)
    several = name == "horizons" or (isinstance(value, Iterable) and not isinstance(value, str))
    example = (usual or {}).get(name, [sensible] if several else sensible)
    if several and (isinstance(value, str) or not isinstance(value, Iterable)):
        raise BadValueError(f"parameter {name}", "is not a list", repr(value), typed(example))
    values = list(value) if several else [value]
    wrong = f"must be from {least} to {most:,g}" if most < 1e15 else f"must be {least} or more"
    if (several and not values) or not all(least <= float(n) <= most for n in values if isinstance(n, Real) and not isinstance(n, bool)):
        raise BadValueError(f"parameter {name}", wrong, repr(value), typed(example))
    if re.search(NUMBERS, name) and not all(isinstance(n, Real) for n in values):
        raise BadValueError(f"parameter {name}", "is not a number", repr(value), typed(example))


def to_type(name: str, usual: Mapping[str, Any] | None, value: Any) -> str:
    """What sets a parameter: a line of the notebook's `parameters` cell, or an option of the command line."""
    if usual is None:
        return f"{name} = {json.dumps(value, ensure_ascii=False)}"
    text = ",".join(map(str, value)) if isinstance(value, list) else value
    return f"--set {shlex.quote(f'{name}={text}')}"


def show_ledger(shop: Shop) -> None:
    """Show what was read and what was left out, table by table, and the last day that counts."""
    say("Data as known at the end of {day}.", day=f"{shop.as_of.day} {shop.as_of:%B %Y}")
    table(read_and_left_out(shop), caption="Rows read and left out")
    if held := held_back(shop):
        say("{held}", held=held)
    if parts := in_parts(shop):
        say("{parts}", parts=parts)
    if shop.unread:
        say("Not read, because named like no table, in no section of retainkit.toml, or packed: {names}.", names=listed(shop.unread, limit=10))


def held_back(shop: Shop) -> str:
    """That a table ends what is counted more than a month before another one, or that contracts end more than a
    month after the last day counted, and what to type; "" where neither is so.
    """
    held = clock.held_back(shop, least=31)
    if not (found := held or clock.ends_ahead(shop, least=31)):
        return ""
    said, day = found
    what = "To count them, with the tables that end earlier as they were" if held else "To count to there, if these did come"
    return f'{capital(said)}. {what}: as_of = "{day}" under [shop] in retainkit.toml.'


def on_several_days(shop: Shop) -> str:
    """How many orders have rows on several days, as a sentence; "" where none has."""
    several, orders = shop._store.several_days
    have = "has" if several == 1 else "have"
    return f"{several:,} of {counted(orders, 'order')} {have} rows on several days, and each day counts as a purchase." if several else ""


def in_parts(shop: Shop) -> str:
    """How many orders have rows on several days, each of which counts as a purchase, and what to type if such an order is one; "" where none has."""
    if not (said := on_several_days(shop)):
        return ""
    plan = shop._plan.tables["orders"]
    day, order = (plan.columns.get(name, name) for name in ("ordered_at", "order_id"))
    day, order = (name if re.search("[()'\"]", name) else f'"{name}"' for name in (day, order))  # SQL, or a column
    one = plan.line("ordered_at", f"min({Days(plan.date_formats).read(day) if plan.date_formats else day}) over (partition by {order})")
    if plan.frame is not None:
        one = 'frame["ordered_at"] = frame.groupby("order_id")["ordered_at"].transform("min")'
    return f"{said} If such an order is one purchase (paid or sent in parts): {one}."


def read_and_left_out(shop: Shop) -> pd.DataFrame:
    """The shop's ledger, one row a table: rows read, kept, left out and too late for this report; first and last day.

    The last day is that up to which the table reaches, where it has a clock: ends of deals count, and of contracts as far as other tables reach.
    """
    sums = dict.fromkeys(["rows", "kept", "rejected", "after_as_of"], "sum")
    ledger = shop.ledger
    days = ledger.dropna(subset="first_day").groupby("table").agg({"first_day": "min", "last_day": "max"})  # a file may have no row that is kept
    days["last_day"] = [str(shop._reach.get(str(table)) or day) for table, day in days["last_day"].items()]
    totals = ledger.groupby("table", sort=False).agg(sums).join(days)
    if not totals["after_as_of"].any():
        totals = totals.drop(columns="after_as_of")
    names = {"rows": "rows read", "rejected": "left out", "after_as_of": "kept, dated later"}
    return totals.reset_index().rename(columns=names)
