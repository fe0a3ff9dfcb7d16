"""The days a shop is counted from and to: how far each table reaches, and what is said where no day can be counted to."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

from retainkit.errors import BadValueError, MissingDataError, RetainkitError, closest, counted, listed
from retainkit.load.schema import TABLES
from retainkit.load.stored import Stored

if TYPE_CHECKING:
    from retainkit.load.shop import Shop


def known_zone(tz: str | None, where: str = "tz", typed: str = 'tz = "{}"') -> str | None:
    """The time zone, if it is one; else the error names where it was said, and what is typed there."""
    if tz is None or tz in _zones():
        return tz
    said = tz.lower().replace(" ", "_")
    cities = sorted(zone for zone in _zones() if said in (zone.lower(), zone.lower().rpartition("/")[2]) and "/" in zone)
    guess = next(iter(cities), None) or (
        closest(tz, _zones(), alike=0.8) if "/" in tz and tz != "AREA/CITY" else None
    )  # what check prints for who knows the shop
    # the letters nearest to CEST are those of another hour: only an area and a city are guessed
    raise BadValueError(where, "is not a time zone", repr(tz), typed.format(guess or "Europe/Berlin"))


@lru_cache
def _zones() -> set[str]:
    return available_timezones() - {"localtime", "Factory"}


def reach(store: Stored, tz: str) -> dict[str, date]:
    """The last day of each table with a clock, the first to end first.

    Ends of contracts are often written down ahead, so that they say nothing of how far the data reach; but up to where another table
    reaches they do, unless cancellations are written down as well.
    """
    today = _today(tz)
    found = {n: store.last_day(TABLES[n], today=today) for n in store.facts if TABLES[n].clock}
    days = {n: day for n, day in found.items() if day}
    if "contracts" in days:
        days["contracts"] = max(days["contracts"], store.last_end(max(days.values())) or days["contracts"])
    return dict(sorted(days.items(), key=lambda found: found[::-1]))


def _today(tz: str) -> date:
    return datetime.now(ZoneInfo(tz or "UTC")).date()


def held_back(shop: Shop, *, least: int = 0) -> tuple[str, date] | None:
    """A table that ends more than `least` days before another one, and so ends what is counted: in words, with the day that counts all.

    None where no row is later than it, where the toml states `as_of`, and where much less than that table has is counted.
    """
    reach = shop._reach
    if len(reach) < 2 or shop._plan.facts.get("as_of"):
        return None
    first, day, last = next(iter(reach)), min(reach.values()), max(reach.values())
    if (last - day).days <= least or not 0 <= (day - shop.as_of).days < 31:
        return None
    store = shop._store
    later = [f"{n:,} of {store.kept(t):,} rows of {t}" for t in shop.tables if t != first and (n := sum(store.later(t, day).values()))]
    return (f"the table {first} ends first, on {day}, and no later day is counted: {listed(later)} are dated later", last) if later else None


def ends_ahead(shop: Shop, *, least: int = 0) -> tuple[str, date] | None:
    """The last end of a contract, where it lies more than `least` days after the last beginning, to which alone is counted: in words, and as a day.

    None where another table reaches further, where cancellations are written down, and where much less is counted.
    """
    if list(shop._reach) != ["contracts"] or shop._plan.facts.get("as_of"):
        return None
    last, end = shop._reach["contracts"], shop._store.last_end(_today(shop.tz))
    if not end or (end - last).days <= least or not 0 <= (last - shop.as_of).days < 31:
        return None
    return f"the last contract begins on {last}, and no later day is counted, though contracts end until {end}: ends are often written down before they come", end


def not_to_come(day: date, where: str, rows: date | None, tz: str) -> date:
    """The last day that is stated, unless it is still to come and no row is dated so late: what happens until then nobody knows."""
    today = datetime.now(ZoneInfo(tz or "Etc/GMT-14")).date()  # where a day begins first
    if day > max(today, rows or today):
        today = _today(tz) if tz else date.today()  # whose it is that reads this
        raise BadValueError(
            where,
            "is a day that is still to come",
            f"{day}; {f'the last row is dated {rows}' if rows else 'no row is dated'}, and today is {today}",
            f'as_of = "{rows or today}", or leave it out: the last day that every table reaches is taken then',
        )
    return day


def nothing_between(shop: Shop, stated: str) -> BadValueError:
    """The error where the history begins after the last day counted: one of them was `stated`, or a table ends before the orders begin."""
    start, end, where = shop.history_start, shop.as_of, shop._plan.where(stated, shop._stated.get(stated))
    if stated == "history_start":
        return BadValueError(where, f"is after as_of ({end})", str(start), f'history_start = "{shop._first_day()}", the first day of the export')
    if stated == "as_of":
        last = shop._store.last_row(end)
        return BadValueError(where, "is before the first day of the data", f"{end}; data from {start} to {last}", f'as_of = "{last}"')
    table, last = next(iter(shop._reach)), max(shop._reach.values())
    return BadValueError(
        table,
        f"its last day is {end}, before the first day of orders, so no day is in both",
        f"orders begin on {start}",
        f'as_of = "{last}" under [shop] in retainkit.toml, --as-of {last}, or open_shop(..., as_of="{last}"), to count up to there, with {table} as they were; or leave {table} out',
    )


def why_nothing(name: str, store: Stored) -> MissingDataError:
    """The error for data of which no row says what day it is: none was kept, all lie in the future, or their tables have no clock."""
    tables = store.facts
    files = [(table, f) for table, facts in tables.items() for f in facts["files"]]
    lost = sorted(
        (
            (len(rows), table, *why, rows["row"].min())
            for table in tables
            for why, rows in store.rejected(table).groupby(["reason", "column"])
        ),
        reverse=True,
    )
    found = [f"{table}: {counted(n, 'row')} (the first is row {first}): {why}" for n, table, why, _, first in lost[:3]]
    later = [f for table, f in files if f["kept"] and TABLES[table].clock]
    if later:
        last, n = max(f["last_day"] for f in later), sum(f["kept"] for f in later)
        return MissingDataError(
            name,
            "has no row up to today",
            listed([f"{counted(n, 'row')} dated {min(f['first_day'] for f in later)} to {last}", *found]),
            f'as_of = "{last}" under [shop] in retainkit.toml, or open_shop(..., as_of="{last}"), if these days are meant; else date_format = "..." as they are written',
        )
    if kept := [f"{table}: {counted(f['kept'], 'row')}" for table, f in files if f["kept"]]:
        return MissingDataError(
            name,
            "has no table that says up to which day it reaches (orders, deals, contracts or activity)",
            listed(kept + found),
            f'as_of = "{date.today()}" under [shop] in retainkit.toml, or open_shop(..., as_of="{date.today()}")',
        )
    if not found:
        return MissingDataError(
            name,
            "has no rows",
            f"only headers, in {listed(f['file'] for _, f in files) or listed(tables)}",
            "export it again, with its rows",
        )
    _, table, why, column, _ = lost[0]
    how = (
        'where = "true"'
        if why.startswith("left out by where")
        else f'{column} = "the column that holds it"'
        if column
        else "mend the rows, or map the columns the reason names,"
    )
    return MissingDataError(name, "has no row that could be kept", listed(found), f"{how} under [{table}] in retainkit.toml")


def as_date(value: object, name: str, where: str = "", like: object = "2026-10-31") -> date:
    """A date given as a date or as YYYY-MM-DD text.

    >>> as_date("2026-10-31", "as_of")
    datetime.date(2026, 10, 31)
    """
    if isinstance(value, datetime) and value == value:  # pandas' NaT is one, and equals nothing
        return value.date()
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError as err:
        raise RetainkitError(where or name, "is not a date", repr(value), f"{name} {like}" if name.startswith("--") else f'{name} = "{like}"') from err
