"""What people call the columns of their exports."""

from __future__ import annotations

import difflib
import re
import tomllib
import unicodedata
from functools import cache, lru_cache
from importlib import resources
from typing import Any

ENOUGH = 0.55  # the likeness below which a name says nothing
HUNDREDTHS = re.compile(r"( in)? (cents?|pence|centimes|centavos|minor( units?)?)$")  # how the name of a column ends that counts money in them

IN_MONEY = re.compile(
    r"( (net|gross|netto|brutto|ttc|ht|(in )?(eur|euros?|usd|dollars?|gbp|pounds?|chf|cad|aud|sek|nok|dkk|pln|czk|jpy)|"
    r"(incl?|including|inclusive|inkl|with|excl?|ex|excluding|exclusive|exkl|without)( of)? (vat|tax|taxes|gst|mwst|ust|iva|tva|btw|moms)))+$"
)  # and how one ends that says in which money, and whether a tax is in it


@cache
def words() -> dict[str, Any]:
    """What people call the columns, by canonical table."""
    return tomllib.loads(resources.files("retainkit").joinpath("presets", "words.toml").read_text(encoding="utf-8"))


@cache
def single(what: str) -> frozenset[str]:
    """Words of one kind that say something by themselves."""
    return frozenset(words()["single"][what])


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
    best = 0.97 * likeness(bare, known) if (bare := IN_MONEY.sub("", own)) != own else 0.0
    for place, word in enumerate(known):
        late = 0.004 * place
        if own == word:
            best = max(best, 1 - late)
        elif word not in single("short") and f" {word} " in f" {own} ":
            best = max(best, 0.5 + 0.35 * len(word) / len(own) - late)
        elif len(word) > 5 and abs(len(own) - len(word)) < 0.12 * (len(own) + len(word)) and _misspelt(own, word):
            best = max(best, 0.75 - late)
    return best


@lru_cache(100_000)
def _misspelt(own: str, word: str) -> bool:
    """Whether two words are written almost alike; first by their letters alone, which is quick and never less."""
    pair = difflib.SequenceMatcher(None, own, word)
    return pair.quick_ratio() > 0.88 and pair.ratio() > 0.88
