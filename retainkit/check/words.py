"""Recognise the columns of an export of no system in particular: by what people call them, and by their values."""

from __future__ import annotations

import difflib
import re
import tomllib
import unicodedata
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from retainkit.check.look import Column
from retainkit.load.schema import Column as Canonical

SHORT = {"id", "date", "day", "total", "order", "line", "value", "paid", "state", "status", "items", "user", "name", "data", "land", "start", "end", "kind",
         "number", "account", "deal", "sales", "source", "channel", "plan", "units", "created", "email", "company", "client", "transaction", "category", "invoice",
         "reason", "sent", "net", "gross", "placed", "region", "country", "period", "family", "price", "discount", "refund", "refunds", "refunded", "sale", "sales order", "facture", "joined", "etat", "stan"}  # found alone or not at all

ENOUGH = 0.55  # the likeness below which a name says nothing
HUNDREDTHS = re.compile(r"( in)? (cents?|pence|centimes|centavos|minor( units?)?)$")  # how the name of a column ends that counts money in them


@cache
def words() -> dict[str, Any]:
    """What people call the columns, by canonical table."""
    return tomllib.loads(resources.files("retainkit").joinpath("presets", "words.toml").read_text(encoding="utf-8"))


@lru_cache(10_000)
def plain(name: str) -> str:
    """A column's name in small letters, words apart, without accents.

    >>> plain("InvoiceNo"), plain("Kündigungs-Datum"), plain("customer_ID"), plain("顧客番号 (ID)")
    ('invoice no', 'kuendigungs datum', 'customer id', '顧客番号 id')
    """
    for mark, letters in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("Ä", "Ae"), ("Ö", "Oe"), ("Ü", "Ue"), ("ß", "ss")):
        name = name.replace(mark, letters)
    bare = unicodedata.normalize("NFKC", "".join(c for c in unicodedata.normalize("NFKD", name) if unicodedata.combining(c) in (0, 8)))  # 8: what makes カ ガ, a letter of its own
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", bare)
    return " ".join(re.findall(r"[^\W_]+", apart.lower()))


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
        elif len(word) > 5 and abs(len(own) - len(word)) < 0.12 * (len(own) + len(word)) and _misspelt(own, word):
            best = max(best, 0.75 - late)
    return best


@lru_cache(100_000)
def _misspelt(own: str, word: str) -> bool:
    """Whether two words are written almost alike; first by their letters alone, which is quick and never less."""
    pair = difflib.SequenceMatcher(None, own, word)
    return pair.quick_ratio() > 0.88 and pair.ratio() > 0.88


def fits(canonical: Canonical, column: Column) -> bool:
    """Whether the values of a column are of the kind the canonical column wants."""
    if column.kind == "empty":
        return False
    if canonical.kind == "day":
        return column.kind == "day"
    if canonical.kind in ("money", "number"):
        return column.kind == "number"
    return column.kind != "day"


BEFORE = {"not", "no", "never", "non", "un", "without", "nicht", "nie", "kein", "keine", "ohne", "pas", "sans", "sin", "nao", "sem", "niet", "geen"}  # what undoes the word that follows
PART = {"partially", "partial", "part", "partly", "teilweise", "teil", "partiellement", "partielle", "partiel", "parcial", "parcialmente", "parziale", "parzialmente", "gedeeltelijk"}  # what leaves most of an order as it was
AFTER = {"declined", "denied", "rejected", "refused", "failed", "reversed", "nicht", "abgelehnt", "fehlgeschlagen", "refuse", "rechazado", "geweigerd"}  # and the word before


def choices(table: str, canonical: Canonical, column: Column) -> tuple[float, dict[str, list[str]]]:
    """The share of a column's values that hold known words of a choice, and the values by choice."""
    known = words()["values"].get(table, {}).get(canonical.name, {c: [c] for c in canonical.choices})
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
    if "paid" in known and meant <= {"refunded", "cancelled"} and PART & set(text.split()):
        meant = {"paid"} if meant else set()
    return bool(heard), meant.pop() if len(meant) == 1 else None


def _undone(text: str, word: str) -> bool:
    before, _, after = f" {text} ".partition(f" {word} ")
    return bool(BEFORE & set(before.split()) or AFTER & set(after.split()[:1]))


def number_of(column: Column) -> str:
    """SQL that reads a column of numbers, however they are written, and money counted in hundredths."""
    number = (column.numbers.sql if column.numbers else "") or f"try_cast({column.sql} as double)"
    return f"{number} / 100" if in_hundredths(column) else number


def in_hundredths(column: Column) -> bool:
    """Whether a column counts money in cents: its name says so, and none of its values has decimals."""
    return bool(HUNDREDTHS.search(plain(column.name))) and not any("." in v.removesuffix(".0") for v in column.values)


def best_of(columns: dict[str, Column], names: list[str]) -> Column | None:
    """The column of numbers that is most like what something is called."""
    scored = [(likeness(c.name, names), c) for c in columns.values() if c.kind == "number"]
    score, column = max(scored, key=lambda s: s[0], default=(0.0, None))
    return column if score >= ENOUGH else None
