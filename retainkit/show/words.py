"""Text from the data made safe to show: one line, no control characters, escaped for where it goes."""

from __future__ import annotations

import string
import unicodedata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retainkit.load.shop import Shop

SIGNS = {"USD": "$", "EUR": "€", "GBP": "£"}
_SPOKEN = set(",'%/ ")  # punctuation that means nothing in Markdown, HTML or a bare link
_MARKED = {ord(c): f"&#{ord(c)};" for c in string.punctuation if c not in _SPOKEN}
_RIGHT_TO_LEFT = {"R", "AL", "RLE", "RLO", "RLI", "LRE", "LRO", "PDF", "LRI", "FSI", "PDI"}


def clean(text: object) -> str:
    """The text on one line without control characters; writing that runs right to left is fenced off.

    >>> clean("a\\tb\\n\\x00c")
    'a b c'
    """
    words = " ".join(str(text).split())
    words = "".join(c for c in words if unicodedata.category(c) != "Cc")
    if any(unicodedata.bidirectional(c) in _RIGHT_TO_LEFT for c in words):
        marks = {c for c in words if unicodedata.bidirectional(c) in _RIGHT_TO_LEFT - {"R", "AL"}}
        return "\u2068" + "".join(c for c in words if c not in marks) + "\u2069"
    return words


def short(words: str, most: int = 200) -> str:
    """The words, cut where they are longer than anybody reads; the cut is shown.

    >>> short("abcdef", most=4)
    'abc…'
    """
    if len(words) <= most:
        return words
    fence = "\u2069" if words.startswith("\u2068") else ""  # as `clean` closes it
    return words[: most - 1] + "…" + fence


def marked(text: object) -> str:
    """The text as Markdown that shows exactly its characters: no tag, link, emphasis or formula survives.

    >>> marked("<b>5*3</b>")
    '&#60;b&#62;5&#42;3&#60;/b&#62;'
    """
    return clean(text).translate(_MARKED)


def sheet_text(text: object) -> str:
    """The text as a spreadsheet cell that is never run as a formula.

    >>> sheet_text("=cmd()"), sheet_text("-12.5"), sheet_text("plain")
    ("'=cmd()", '-12.5', 'plain')
    """
    words = str(text)
    return "'" + words if words[:1] in tuple("=+-@\t\r") and not _number(words) else words


def missing(value: Any) -> bool:
    """True for None, NaN, NaT and NA: the values that are not known."""
    return value is None or (not isinstance(value, str) and str(value) in ("nan", "<NA>", "NaT"))


def _number(words: str) -> bool:
    """True when the words are one number."""
    try:
        float(words)
    except ValueError:
        return False
    return True


def how_many(n: Any) -> str:
    """A count beneath an axis or beside a label; of groups under five it is not known."""
    return "under 5" if missing(n) else f"{n:,.0f}"


def unit_of(shop: Shop) -> str:
    """What is written before an amount of the shop's money: the sign of its currency, else its code and a space.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit import open_shop
    >>> orders = pd.DataFrame({"order_id": [1], "customer_id": ["ann"], "amount": 5, "ordered_at": ["2026-01-01"]})
    >>> [unit_of(open_shop({"orders": orders}, currency=currency)) for currency in ("USD", "SEK", "")]
    ['$', 'SEK ', '']
    """
    return SIGNS.get(shop.currency, shop.currency and f"{shop.currency} ")
