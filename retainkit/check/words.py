"""Recognise the columns of an export of no system in particular: by what people call them, and by their values."""

from __future__ import annotations

import difflib
import re
import tomllib
import unicodedata
from functools import cache
from importlib import resources
from typing import Any

from retainkit.check.look import Column
from retainkit.load.schema import Column as Canonical

SHORT = {"id", "date", "day", "total", "order", "line", "value", "paid", "state", "status", "items", "user", "name", "data", "land", "start", "end", "kind",
         "number", "account", "deal", "sales", "source", "channel", "plan", "units", "created", "email", "company", "client", "transaction", "category", "invoice",
         "reason", "sent", "net", "gross", "placed", "region", "country", "period", "family", "price", "discount"}  # found alone or not at all

HUNDREDTHS = re.compile(r"( in)? (cents?|pence|centimes|centavos|minor( units?)?)$")  # how the name of a column ends that counts money in them


@cache
def words() -> dict[str, Any]:
    """What people call the columns, by canonical table."""
    return tomllib.loads(resources.files("retainkit").joinpath("presets", "words.toml").read_text(encoding="utf-8"))


def plain(name: str) -> str:
    """A column's name in small letters, words apart, without accents.

    >>> plain("InvoiceNo"), plain("Kündigungs-Datum"), plain("customer_ID")
    ('invoice no', 'kuendigungs datum', 'customer id')
    """
    for mark, letters in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("Ä", "Ae"), ("Ö", "Oe"), ("Ü", "Ue"), ("ß", "ss")):
        name = name.replace(mark, letters)
    bare = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", bare)
    return " ".join(re.findall(r"[a-z0-9]+", apart.lower()))


def likeness(name: str, known: list[str]) -> float:
    """How much a column's name is like what people call something: 1 for the first of the known words, 0 for nothing alike."""
    own = HUNDREDTHS.sub("", plain(name))
    best = 0.0
    for place, word in enumerate(known):
        late = 0.004 * place
        if own == word:
            best = max(best, 1 - late)
        elif word not in SHORT and f" {word} " in f" {own} ":
            best = max(best, 0.5 + 0.35 * len(word) / len(own) - late)
        elif len(word) > 5 and abs(len(own) - len(word)) < 0.12 * (len(own) + len(word)) and difflib.SequenceMatcher(None, own, word).ratio() > 0.88:
            best = max(best, 0.75 - late)
    return best


def fits(canonical: Canonical, column: Column) -> bool:
    """Whether the values of a column are of the kind the canonical column wants."""
    if column.kind == "empty":
        return False
    if canonical.kind == "day":
        return column.kind == "day"
    if canonical.kind in ("money", "number"):
        return column.kind == "number"
    return column.kind != "day"


def choices(table: str, canonical: Canonical, column: Column) -> tuple[float, dict[str, list[str]]]:
    """The share of a column's values that are known words of a choice, and the values by choice."""
    known = words()["values"].get(table, {}).get(canonical.name, {c: [c] for c in canonical.choices})
    found: dict[str, list[str]] = {}
    for text in column.values:
        own = plain(text)
        if choice := next((c for c, names in known.items() if own in names), None) or next((c for c, names in known.items() if any(f" {n} " in f" {own} " for n in names)), None):
            found.setdefault(choice, []).append(text)
    hits = sum(len(v) for v in found.values())
    return hits / len(column.values), found
