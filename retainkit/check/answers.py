"""What may be answered of an export, and answers that are none."""

from __future__ import annotations

import codecs
import re
import shlex
from collections.abc import Mapping, Sequence

from retainkit.check.look import Look
from retainkit.errors import BadValueError, closest, listed, saying
from retainkit.load.clock import as_date, known_zone
from retainkit.load.schema import TABLES

FLAGS = ("tz", "date-format", "decimal", "encoding", "currency", "history-start", "as-of")
ANSWERS: dict[str, tuple[str, ...]] = {  # what may be answered; to what has none here, anything
    "returns": ("out", "in"), "overlap": ("once", "all"), "history": ("whole", "first"), "totals": ("order", "line"), "mixed": (),
    "status": ("out", *TABLES["orders"].column("status").choices), "outcome": ("out", *TABLES["deals"].column("outcome").choices)}
BY_WORD = {"orders": "status", "deals": "outcome"}  # what is answered of all words that nobody knows, or of each


def checked(answers: dict[str, str]) -> dict[str, str]:
    """The answers that say something, each one of those there are.

    Raises
    ------
    RetainkitError
        A question that is none, or an answer that is none of its.
    """
    for key, text in answers.items():
        asked_of, _, word = key.partition(":")
        table, _, column = key.partition(".")
        if table in TABLES and column in TABLES[table].names:
            continue
        if asked_of not in (*FLAGS, *ANSWERS) or (word and asked_of not in BY_WORD.values()):
            raise BadValueError(
                "--answer",
                f"`{key}` is nothing that is asked",
                listed((*ANSWERS, *FLAGS, *TABLES), limit=30),
                f"--answer {closest(key, [*ANSWERS, *(f'{t}.{c}' for t in TABLES for c in TABLES[t].names)]) or 'returns'}=...",
            )
        if asked_of in ANSWERS and text not in (ANSWERS[asked_of] or (text,)):
            raise BadValueError(
                f"--answer {key}",
                "is not one of its answers",
                repr(text),
                f"--answer {shlex.quote(f'{key}={ANSWERS[asked_of][0]}')}",
            )
    for key, form, what, typed in (
        ("decimal", "[.,]", "the mark before decimals", '"," or --decimal "."'),
        ("currency", "[A-Za-z]{3}", "three letters, which is how a currency is said", "EUR"),
    ):
        if answers.get(key) and not re.fullmatch(form, answers[key]):
            raise BadValueError(f"--{key}", f"is not {what}", repr(answers[key]), f"--{key} {typed}")
    answers |= {key: answers[key].upper() for key in ("mixed", "currency") if answers.get(key)}
    if answers.get("tz"):
        known_zone(answers["tz"], "--tz", "--tz {}")
    if answers.get("encoding"):
        some = "--encoding cp1252 (Windows), cp932 (Japanese), gb18030 (Chinese), mac_roman"
        with saying("--encoding", "is none that is known", some, LookupError, found=answers["encoding"]):
            codecs.lookup(answers["encoding"])
    for key in ("history-start", "as-of"):
        if answers.get(key):
            as_date(answers[key], f"--{key}")
    return {k: v for k, v in answers.items() if v}


def said_of(table: str, answers: Mapping[str, str]) -> dict[str, str]:
    """The columns that were said to be canonical ones of a table.

    >>> said_of("orders", {"tz": "UTC", "orders.customer_id": "cust_no"})
    {'customer_id': 'cust_no'}
    """
    return {key.partition(".")[2]: column for key, column in answers.items() if key.startswith(f"{table}.")}


def are_columns(answers: Mapping[str, str], looks: Sequence[Look]) -> None:
    """Refuse a column that no file has."""
    names = list(dict.fromkeys(name for look in looks for name in look.names))
    for key, column in answers.items():
        if key.partition(".")[0] in TABLES and column not in names:
            nearest = closest(column, names) or next(iter(names), "COLUMN")
            raise BadValueError(
                f"--answer {key}",
                "is a column of none of the files",
                f"{column}; they have {listed(names, limit=20)}",
                f"--answer {shlex.quote(f'{key}={nearest}')}",
            )
