"""Run one of the SQL files in `retainkit/sql/` on a shop: any number of rows in, a small counted table out.

A file asks one question in the portable subset of DuckDB's SQL (see `tests/test_sql.py` for the rules). Its
parameters are written `:name` and filled in as literals, so that the rendered text can be pasted anywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import ParamSpec
from weakref import WeakKeyDictionary

import pandas as pd

from retainkit.errors import MissingDataError, one_of
from retainkit.load.shop import Shop
from retainkit.sqltext import Column, Value, render, text_of

How = ParamSpec("How")
OF_LEAVING = "-- Tells who has left."  # a line of the files that say nothing true of contracts without ends
GROUPS = ("segment", "region", "source", "entry_line", "owner")  # what a customer-level tally can be split by
UNKNOWN = "unknown"  # the group of those of whom it is not known

_KNOWN: WeakKeyDictionary[Shop, dict[object, pd.DataFrame]] = WeakKeyDictionary()  # what a shop has been asked; small tables


def sees_leaving(shop: Shop) -> bool:
    """Whether the contracts, if there are any, say when one ended."""
    return not shop.has("contracts") or shop.has("contracts.ended_at")


def tally(shop: Shop, name: str, **values: Value) -> pd.DataFrame:
    """The counted table that `retainkit/sql/<name>.sql` makes of a shop.

    Parameters
    ----------
    shop
        The shop; `:as_of` and `:history_start` are filled in from it.
    name
        The file's stem.
    values
        The file's other parameters: text, whole or decimal numbers, dates, or a `Column`.

    Returns
    -------
    DataFrame
        The columns of the file's final `select`, in its order. A shop does not change, so it is asked once.
    """
    if OF_LEAVING in text_of(name) and not sees_leaving(shop):
        raise MissingDataError("contracts", "does not say when one ended, so nobody could be seen to leave", "no `ended_at`",
                               'ended_at = "the column with the first day without it" under [contracts] in retainkit.toml '
                               '(ended_at = "cast(null as date)" where it is known that none has)')
    clock: dict[str, Value] = {"as_of": shop.as_of, "history_start": shop.history_start}
    asked = render(text_of(name), **{**clock, **values})
    return _known(shop, asked, lambda: shop.sql(asked))


def asked_once(ask: Callable[How, pd.DataFrame]) -> Callable[How, pd.DataFrame]:
    """A function of a shop that is worked out once for each way it is asked: a page has the same number in several places."""
    told = signature(ask)

    @wraps(ask)
    def again(*args: How.args, **settings: How.kwargs) -> pd.DataFrame:
        asked = told.bind(*args, **settings)
        asked.apply_defaults()
        shop, *how = asked.arguments.values()
        return _known(shop, (ask, repr(how)), lambda: ask(*args, **settings))

    return again


def _known(shop: Shop, asked: object, find: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """What a shop has answered before, or answers now; the caller's own copy."""
    known = _KNOWN.setdefault(shop, {})
    if asked not in known:
        known[asked] = find()
    return known[asked].copy()


def split_by(by: str | None, allowed: tuple[str, ...] = GROUPS) -> Value:
    """The `:by` of a tally: the column to split on, or one group that holds everybody."""
    if by is None or by == "":
        return "all"
    return or_unknown(one_of(by, allowed, "by", f"`{by}` is not something to split by", 'by="{}"'))


def or_unknown(sql: str) -> Column:
    """What groups a tally, as text that is never missing."""
    return Column(f"coalesce(cast({sql} as varchar), '{UNKNOWN}')")
