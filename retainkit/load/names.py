"""What people call the columns of their exports, and which of a file's columns is most likely the one that is missing."""

from __future__ import annotations

import difflib
import re
import tomllib
import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from retainkit.load.dates import days_said
from retainkit.load.schema import Column, Table

if TYPE_CHECKING:
    import duckdb

SHORT = {
    "id",
    "date",
    "day",
    "total",
    "order",
    "line",
    "value",
    "paid",
    "state",
    "status",
    "items",
    "user",
    "name",
    "data",
    "land",
    "start",
    "end",
    "kind",
    "number",
    "account",
    "deal",
    "sales",
    "source",
    "channel",
    "plan",
    "units",
    "created",
    "email",
    "company",
    "client",
    "transaction",
    "category",
    "invoice",
    "reason",
    "sent",
    "net",
    "gross",
    "placed",
    "region",
    "country",
    "period",
    "family",
    "price",
    "discount",
    "refund",
    "refunds",
    "refunded",
    "sale",
    "sales order",
    "facture",
    "joined",
    "etat",
    "stan",
}  # found alone or not at all

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
    bare = unicodedata.normalize(
        "NFKC", "".join(c for c in unicodedata.normalize("NFKD", name) if unicodedata.combining(c) in (0, 8))
    )  # 8: what makes カ ガ, a letter of its own
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


def guessed(con: duckdb.DuckDBPyConnection, table: Table, needed: Iterable[Column], columns: dict[str, str], rows: str) -> dict[str, str]:
    """For needed columns those of a file (their names, and how SQL names them) that are called so and hold such values, none of them twice."""
    known = words().get(table.name, {})
    scores = sorted((-likeness(name, [*known.get(c.name, ()), *(("id",) if c.name in (table.key or ("order_id",))[:1] else ())]), place, c.name, name)
                    for place, c in enumerate(needed) for name in columns)
    found: dict[str, str] = {}
    for score, _, wanted, name in scores:
        if -score >= ENOUGH and wanted not in found and name not in found.values() and _holds(con, table.column(wanted).kind, columns[name], rows):
            found[wanted] = name
    return found


def _holds(con: duckdb.DuckDBPyConnection, kind: str, column: str, rows: str) -> bool:
    """Whether the first values of a column are of the kind that a canonical one wants; not where the engine cannot split the rows."""
    texts = f"select trim(cast({column} as varchar)) as v from {rows} s limit 10000"
    try:
        n, numbers = con.execute(
            f"select count(*), count(try_cast(regexp_replace(v, '[^0-9.-]', '', 'g') as double)) from ({texts}) t where v <> ''"
        ).fetchone() or (0, 0)
        days = bool(n) and days_said(con, texts, "v", "v") is not None
    except Exception:  # a guess must not take the place of the error it is made for
        return False
    return days if kind == "day" else bool(n) and not days and (kind not in ("money", "number") or numbers == n)
