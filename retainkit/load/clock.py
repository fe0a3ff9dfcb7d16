"""The days a shop is counted from and to: how far each table reaches, and what is said where no day can be counted to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, available_timezones

from retainkit.errors import BadValueError, MissingDataError, closest, counted, listed
from retainkit.load.schema import TABLES
from retainkit.load.store import last_day

if TYPE_CHECKING:
    import duckdb
    import pandas as pd


def known_zone(tz: str | None) -> str | None:
    """The time zone, if it is one."""
    if tz is None or tz in _zones():
        return tz
    guess = (closest(tz, _zones()) if tz != "AREA/CITY" else None) or "Europe/Berlin"  # what check prints for who knows the shop
    raise BadValueError("tz", "is not a time zone", repr(tz), f'tz = "{guess}"')


@lru_cache
def _zones() -> set[str]:
    return available_timezones()


def reach(con: duckdb.DuckDBPyConnection, store: Path, tables: dict[str, Any], tz: str) -> dict[str, date]:
    """The last day of each table with a clock, the first to end first."""
    today = datetime.now(ZoneInfo(tz or "UTC")).date()
    days = {n: last_day(con, TABLES[n], store / f"{n}.parquet", today=today) for n in tables if TABLES[n].clock}
    return dict(sorted(((n, day) for n, day in days.items() if day), key=lambda found: found[::-1]))


def nothing_between(start: date, end: date, stated: str, reaches: dict[str, date], last: date) -> BadValueError:
    """The error where the history begins after the last day counted: one of them was stated, or a table ends before the orders begin."""
    if stated == "history_start":
        return BadValueError(stated, f"is after as_of ({end})", str(start), "history_start = the first day of the export")
    if stated == "as_of":
        return BadValueError(stated, "is before the first day of the data", f"{end}; data from {start} to {last}", f'as_of = "{last}"')
    first, last = next(iter(reaches)), max(reaches.values())
    return BadValueError(first, f"its last day is {end}, before the first day of orders, so no day is in both", f"orders begin on {start}",
                         f'as_of = "{last}" under [shop] in retainkit.toml, --as-of {last}, or open_shop(..., as_of="{last}"), to count up to there, with {first} as they were; or leave {first} out')


def why_nothing(name: str, tables: dict[str, Any], rejected: Callable[[str], pd.DataFrame]) -> MissingDataError:
    """The error for data of which no row says what day it is: none was kept, all lie in the future, or their tables have no clock."""
    files = [(table, f) for table, facts in tables.items() for f in facts["files"]]
    lost = sorted(((len(rows), table, *why, rows["row"].min()) for table in tables for why, rows in rejected(table).groupby(["reason", "column"])), reverse=True)
    found = [f"{table}: {counted(n, 'row')} (the first is row {first}): {why}" for n, table, why, _, first in lost[:3]]
    later = [f for table, f in files if f["kept"] and TABLES[table].clock]
    if later:
        last, n = max(f["last_day"] for f in later), sum(f["kept"] for f in later)
        return MissingDataError(name, "has no row up to today", listed([f"{counted(n, 'row')} dated {min(f['first_day'] for f in later)} to {last}", *found]),
                                f'as_of = "{last}" under [shop] in retainkit.toml, or open_shop(..., as_of="{last}"), if these days are meant; else date_format = "..." as they are written')
    if kept := [f"{table}: {counted(f['kept'], 'row')}" for table, f in files if f["kept"]]:
        return MissingDataError(name, "has no table that says up to which day it reaches (orders, deals, contracts or activity)", listed(kept + found),
                                f'as_of = "{date.today()}" under [shop] in retainkit.toml, or open_shop(..., as_of="{date.today()}")')
    if not found:
        return MissingDataError(name, "has no rows", f"only headers, in {listed(f['file'] for _, f in files)}", "export it again, with its rows")
    _, table, why, column, _ = lost[0]
    how = 'where = "true"' if why.startswith("left out by where") else f'{column} = "the column that holds it"' if column else "mend the rows, or map the columns the reason names,"
    return MissingDataError(name, "has no row that could be kept", listed(found), f"{how} under [{table}] in retainkit.toml")
