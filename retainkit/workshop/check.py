"""Self-checks: "still to do", "not yet, because ..." or "correct", without ever raising and without the answer."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from retainkit.errors import counted, listed
from retainkit.load.shop import Shop
from retainkit.show.display import say
from retainkit.workshop.questions import QUESTIONS, Question, Way

TODO, RIGHT = "Still to do.", "Correct."
UNEXPLAINED = "none of the usual slips explains it. Work it out for the first row of the table, then compare with your neighbour"


class Check:
    """Checks answers against what the package makes of the shop in hand; no answer is stored anywhere.

    Examples
    --------
    >>> from retainkit import open_shop
    >>> check = Check(open_shop("sample"))
    >>> check.near("usable", ...)
    Still to do.
    >>> check.near("usable", 10)
    Not yet, because you kept all ten: a line without a customer, a day, an amount or a known status cannot be counted for anybody.
    """

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def near(self, question: str, answer: Any) -> None:
        """Say whether a number is the one the question asks for, to within what rounding explains."""
        self._said(question, answer, _near)

    def table(self, question: str, answer: Any) -> None:
        """Say whether a table (or a list, for a table of one column) is the one the question asks for."""
        self._said(question, answer, _table)

    def _said(self, question: str, answer: Any, judged: Any) -> None:
        if answer is None or answer is ... or (isinstance(answer, (list, tuple)) and any(a is ... for a in answer)):
            return say(TODO)
        if question not in QUESTIONS:
            return say("Not yet, because no question is called {name}; there are {all}.", name=repr(question), all=listed(QUESTIONS, limit=20))
        try:
            reason = judged(QUESTIONS[question], self._shop, answer)
        except Exception as err:  # whatever a learner hands over, the lesson goes on
            reason = f"it could not be read ({type(err).__name__})"
        say("Not yet, because {reason}." if reason else RIGHT, reason=reason)


@cache
def worked_out(way: Way, shop: Shop) -> Any:
    """What a way of counting makes of a shop; once a session, because every check asks for several."""
    return way(shop)


def verdict(question: str, shop: Shop, answer: Any) -> str:
    """Why an answer is not right yet; empty when it is."""
    asked = QUESTIONS[question]
    return (_table if isinstance(worked_out(asked.right, shop), pd.DataFrame) else _near)(asked, shop, answer)


def _near(asked: Question, shop: Shop, answer: Any) -> str:
    """Why a number is not the right one; empty when it is."""
    if isinstance(answer, (str, bool)):
        return f"it is {'text' if isinstance(answer, str) else 'yes or no'}, and the question asks for a number"
    values = np.asarray(answer, dtype=float).ravel()
    if len(values) != 1:
        return f"it is {len(values)} numbers, and the question asks for one"
    value = float(values[0])
    if not np.isfinite(value):
        return "it is not a number that is known: is there a blank in what you added up, or a zero below the line?"
    right = worked_out(asked.right, shop)
    if abs(value - right) <= asked.within or (asked.share and abs(value - round(right, 2)) < 1e-9):  # two decimals are enough
        return ""
    for hint, way in asked.wrong.items():
        if np.any(np.abs(value - np.asarray(worked_out(way, shop), dtype=float)) <= min(asked.within, 0.005)):
            return hint
    if asked.share and abs(value / 100 - right) <= asked.within:
        return "it is in percent, and the question asks for a share: 0.25, not 25"
    return "a share lies between 0 and 1, and so does what it changes by" if asked.share and right >= 0 and not -1 <= value <= 1 else UNEXPLAINED


def _table(asked: Question, shop: Shop, answer: Any) -> str:
    """Why a table is not the right one; empty when it is."""
    right = _in_order(worked_out(asked.right, shop), None)
    given = pd.DataFrame(answer)
    if given.shape[1] == 1 == right.shape[1]:
        given.columns = right.columns
    if absent := [c for c in right if c not in given]:
        return f"it has no column {listed(absent)}; it has {listed(given)}"
    given = _in_order(given, list(right))
    if len(given) != len(right):
        return f"it has {counted(len(given), 'row')} where {len(right)} belong"
    if _same(given, right, asked.within):
        return ""
    for hint, way in asked.wrong.items():
        if _same(given, _in_order(worked_out(way, shop), list(right)), asked.within):
            return hint
    if (given.isna().to_numpy() & right.notna().to_numpy()).any():
        return "there is a blank where enough time has passed for everybody"
    if (given.notna().to_numpy() & right.isna().to_numpy()).any():
        return "there is a number where the time has not passed for everybody: a blank belongs there, because nobody can know yet"
    return UNEXPLAINED


def _in_order(table: pd.DataFrame, columns: list[Any] | None) -> pd.DataFrame:
    """The columns asked for, with the rows sorted by those that hold text."""
    table = table[columns or list(table)].reset_index(drop=True)
    words = [str(c) for c in table if table[c].map(lambda v: isinstance(v, str)).all()]
    return table.sort_values(words, ignore_index=True) if words else table.astype(float)


def _same(given: pd.DataFrame, right: pd.DataFrame, within: float) -> bool:
    """Whether every cell is the same: text exactly, numbers nearly, blanks where blanks are."""
    def alike(name: Any) -> bool:
        if right[name].map(lambda v: isinstance(v, str)).all():
            return list(given[name]) == list(right[name])
        return np.allclose(given[name].astype(float), right[name].astype(float), rtol=0, atol=within, equal_nan=True)

    return all(alike(name) for name in right)


def untold(shop: Shop) -> list[str]:
    """The questions this shop cannot ask: the right answer is not found right, or a slip is told by another's name.

    A slip that makes no difference in this shop may pass, as long as another one of the question does.
    """
    bad = {name for name, asked in QUESTIONS.items() if verdict(name, shop, worked_out(asked.right, shop))}
    for name, asked in QUESTIONS.items():
        found = {hint: worked_out(way, shop) for hint, way in asked.wrong.items()}
        told = [(hint, verdict(name, shop, one)) for hint, many in found.items() for one in (many if isinstance(many, list) else [many])]
        if any(said not in (hint, "") for hint, said in told) or not any(said for _, said in told):
            bad.add(name)
    return sorted(bad)
