"""How one source column becomes one canonical column: the SQL that reads a value, and the reason when it cannot."""

from __future__ import annotations

import re
from dataclasses import dataclass

from retainkit.load.schema import Column
from retainkit.sqltext import literal

NONE = r"'null', 'nan', 'none', 'n/a', '<na>', '#n/a', '\n', '-', '--'"  # what databases and spreadsheets write where there is nothing
ZONED = r"[0-9]:[0-9]{2}.*(Z|z|[+-][0-9]{2}(:?[0-9]{2})?)$"  # a time of day, then an offset
NOON = r"(?i)[0-9] ?[ap]m$"


@dataclass(frozen=True)
class Parsed:
    """SQL for the value (null where it cannot be read), for the text found, and for 'has a time of day, needs a zone'."""

    value: str
    text: str
    needs_zone: str = "false"


def parse(column: Column, expression: str, sql_type: str, *, tz: str | None, formats: tuple[str, ...]) -> Parsed:
    """The SQL that reads `expression` (of `sql_type`) as the canonical column."""
    text = f"trim(cast({expression} as varchar))"
    if column.kind == "day":
        return _day(expression, text, sql_type, tz, formats)
    if column.kind == "id":
        return Parsed(_tidy(expression, _named(text) if 'INT' in sql_type else named(expression), sql_type), text)
    if column.kind in ("money", "number"):
        value = f"try_cast({expression} as decimal(18, 4))"
        return Parsed(f"coalesce({value}, try_cast({text} as decimal(18, 4)))" if sql_type == "VARCHAR" else value, text)
    if column.kind == "choice":
        words = ", ".join(literal(word) for word in column.choices)
        value = f"case when lower({text}) in ({words}) then lower({text}) when {_nothing(text)} then {literal(column.default)} end"
        value = f"cast({value} as enum({words}))"
        if sql_type == "VARCHAR":  # as written in nearly every row
            value = f"case {expression} {' '.join(f'when {literal(w)} then cast({literal(w)} as enum({words}))' for w in column.choices)} else {value} end"
        return Parsed(value, text)
    return Parsed(_tidy(expression, f"nullif({text}, '')", sql_type, number=False), text)


def _tidy(expression: str, value: str, sql_type: str, *, number: bool = True) -> str:
    """The text as it stands, which is what it nearly always is; `value` where it is empty, may have blanks around it or end like a number."""
    if sql_type != "VARCHAR":
        return value
    ends = (" ", ".0") if number else (" ",)
    says_none = (f"strlen({expression}) < 5 and lower({expression}) in ({NONE})",) if number else ()
    odd = " or ".join(
        (
            *says_none,
            f"{expression} < '!'",
            *(f"ends_with({expression}, '{end}')" for end in ends),
            f"strlen({expression}) <> length({expression})",
        )
    )
    return f"case when {odd} then {value} else {expression} end"


def _nothing(text: str) -> str:
    """Whether a text says that there is none, as a condition."""
    return f"(coalesce({text}, '') = '' or lower({text}) in ({NONE}, 'nat', '0000-00-00', '0000-00-00 00:00:00'))"


def _named(text: str) -> str:
    """An identifier, or null where the text is what programs write for nothing."""
    return f"case when {text} <> '' and lower({text}) not in ({NONE}) then {text} end"


def named(expression: str) -> str:
    """An identifier as it is compared: as text, or null where it names nobody."""
    return _named(plain_id(expression))


def plain_id(expression: str) -> str:
    """An identifier as text; spreadsheets turn ids into numbers, so 17850.0 is 17850."""
    text = f"trim(cast({expression} as varchar))"
    return f"case when {text} like '%.0' and regexp_matches({text}, '^[0-9]+[.]0$') then left({text}, length({text}) - 2) else {text} end"


def _day(expression: str, text: str, sql_type: str, tz: str | None, formats: tuple[str, ...]) -> Parsed:
    zone = literal(tz or "UTC")
    if sql_type == "DATE":
        return Parsed(expression, text)
    if sql_type.startswith(("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ")):
        return Parsed(f"cast(timezone({zone}, cast({expression} as timestamptz)) as date)", text, f"{expression} is not null")
    if sql_type.startswith("TIMESTAMP"):
        return Parsed(f"cast({expression} as date)", text, f"{expression} <> date_trunc('day', {expression})")
    if formats:
        zoned, utc = [f for f in formats if "%z" in f.lower()], [f for f in formats if re.search("[^%](UTC|GMT|Z)$", f)]
        local = [f for f in formats if f not in (*zoned, *utc)]
        reads = [f"cast(try_strptime({text}, {list(local)!r}) as date)"] if local else []
        reads += [f"cast(timezone({zone}, try_strptime({text}, {list(zoned)!r})) as date)"] if zoned else []
        reads += [f"cast(timezone({zone}, timezone('UTC', try_strptime({text}, {utc!r}))) as date)"] if utc else []
        return Parsed(f"coalesce({', '.join(reads)})", text, "true" if any("%H" in f or "%I" in f for f in formats) else "false")
    stamp = f"try_cast({text} as timestamp)"
    long = f"strlen({expression if sql_type == 'VARCHAR' else text}) > 10"
    # letters after the hour are a zone by name, which the engine would leave out
    by_name = f"regexp_matches({text}[14:], '[a-zA-Z]') and not regexp_matches({text}, '{NOON}')"
    has_zone = f"(regexp_matches({text}, '{ZONED}') or ({by_name}))"
    # an empty cell, which is all that some columns have, is asked nothing further
    value = (
        f"case when {expression} is null then null when {long} then"
        f" case when {has_zone} then cast(timezone({zone}, try_cast({text} as timestamptz)) as date) else cast({stamp} as date) end"
        f" else try_cast({text} as date) end"
    )
    if sql_type == "VARCHAR":
        value = value.replace(f"else try_cast({text} as date) end", f"else coalesce(try_cast({expression} as date), try_cast({text} as date)) end")
    # a case, because both sides of an `and` would be worked out for every row
    return Parsed(
        value,
        text,
        f"case when {expression} is null then false when {long} then {has_zone} or {stamp} <> date_trunc('day', {stamp}) else false end",
    )


def reasons(column: Column, value: str, text: str) -> list[tuple[str, str]]:
    """Why a row is rejected for this column, the first that holds: the SQL condition, and the reason in words."""
    name = f"`{column.name}`"
    empty = f"coalesce({text}, '') = ''"
    what = {"day": "not a date", "money": "not a number", "number": "not a number"}.get(column.kind, "not one of " + ", ".join(column.choices))
    if column.kind in ("id", "text"):
        return [(f"{value} is null", f"{name} is empty" + (" (a guest?)" if column.name == "customer_id" else ""))] if column.required else []
    old = []
    if column.kind == "day":  # a year of two digits, or none, or of five
        ends = "true" if column.required else f"isfinite({value})"  # of what has no end databases say infinity
        late = f"{value} > cast('9999-12-31' as date) and {ends}"
        old = [(f"{value} < cast('1900-01-01' as date)", f"{name} is before 1900"), (late, f"{name} is after 9999")]
    if column.required:
        return [*old, (f"{value} is null and {empty}", f"{name} is empty"), (f"{value} is null", f"{name} is {what}")]
    return [*old, (f"{value} is null and not {_nothing(text)}", f"{name} is {what}")]
