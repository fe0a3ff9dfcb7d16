"""Recognise the columns of an export of no system in particular by their values, and those that are called as something is."""

from __future__ import annotations

from retainkit.check.look import Column
from retainkit.load.names import ENOUGH, HUNDREDTHS, likeness, plain, single, words
from retainkit.load.schema import Column as Canonical


def fits(canonical: Canonical, column: Column) -> bool:
    """Whether the values of a column are of the kind the canonical column wants."""
    if column.kind == "empty":
        return False
    if canonical.kind == "day":
        return column.kind == "day" or (canonical.name == "month" and column.days is not None)
    if canonical.kind in ("money", "number"):
        return column.kind == "number"
    return column.kind != "day"


def choices(table: str, name: str, column: Column) -> tuple[float, dict[str, list[str]]]:
    """The share of a column's values that hold known words of a choice, and the values by choice."""
    known = words()["values"].get(table, {}).get(name, {})
    found: dict[str, list[str]] = {}
    spoken = 0
    for text in column.values:
        heard, choice = _heard(plain(text), known)
        spoken += heard
        if choice:
            found.setdefault(choice, []).append(text)
    return spoken / len(column.values), found


def _heard(text: str, known: dict[str, list[str]]) -> tuple[bool, str | None]:
    """Whether a text holds a known word, and the one choice that it speaks of: none where a word undoes it, or where it speaks of two.

    >>> known = {"paid": ["paid", "ok"], "cancelled": ["failed"], "refunded": ["refund"]}
    >>> [_heard(text, known)[1] for text in ("paid", "paid in full", "not paid", "refund declined", "failed retried ok", "failed not paid")]
    ['paid', 'paid', None, None, None, 'cancelled']
    """
    if whole := next((c for c, names in known.items() if text in names), None):
        return True, whole
    heard = {n: c for c, names in known.items() for n in names if f" {n} " in f" {text} "}
    meant = {c for n, c in heard.items() if not _undone(text, n) and not any(f" {n} " in f" {m} " for m in heard if m != n)}
    if meant == {"sale", "refund"}:  # payment refund
        meant = {"refund"}
    if "paid" in known and meant <= {"refunded", "cancelled"} and single("part") & set(text.split()):
        meant = {"paid"} if meant else set()
    return bool(heard), meant.pop() if len(meant) == 1 else None


def _undone(text: str, word: str) -> bool:
    before, _, after = f" {text} ".partition(f" {word} ")
    return bool(single("before") & set(before.split()) or single("after") & set(after.split()[:1]))


def number_of(column: Column) -> str:
    """SQL that reads a column of numbers, however they are written, and money counted in hundredths."""
    number = (column.numbers.sql if column.numbers else "") or f"try_cast({column.sql} as double)"
    return f"{number} / 100" if in_hundredths(column) else number


def in_hundredths(column: Column) -> bool:
    """Whether a column counts money in cents: its name says so, and none of its values has decimals."""
    return bool(HUNDREDTHS.search(plain(column.name))) and not any("." in v.removesuffix(".0") for v in column.values)


def called(column: Column, what: str, like: float = 0.8) -> bool:
    """Whether a column is called as something is that no table has."""
    return likeness(column.name, words()["also"][what]) > like


def best_of(columns: dict[str, Column], names: list[str]) -> Column | None:
    """The column of numbers that is most like what something is called."""
    scored = [(likeness(c.name, names), c) for c in columns.values() if c.kind == "number"]
    score, column = max(scored, key=lambda s: s[0], default=(0.0, None))
    return column if score >= ENOUGH else None
