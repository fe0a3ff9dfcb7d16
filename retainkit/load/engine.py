"""The engine as every part of the loader opens it, and the folder where what it makes is kept."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from retainkit.errors import BadValueError, saying
from retainkit.sqltext import literal

if TYPE_CHECKING:
    import duckdb

MEMORY = "1.5GB"  # with Python itself, within 2 GiB
MINUS = "\u2212-"
GAPS = " \u00a0\u202f\u2009"  # between thousands, or before a sign
# What a mapping may call for numbers with signs and thousands: empty where `mark` cannot stand before the decimals. A minus stands before the first digit
# or after the last one (but 12,- is 12), brackets mean below zero.
READ_NUMBER = rf"""create or replace temp macro read_number(said, mark) as try_cast(case when regexp_full_match(cast(said as varchar),
    '([^0-9.,]|\pL[.])*([1-9][0-9]{{0,2}}(S[0-9]{{2,3}})*S[0-9]{{3}}(M[0-9]*)?|[0-9]+(M[0-9]*)?|M[0-9]+)([^0-9.,]|\pL[.])*'
    .replace('M', '[' || mark || ']').replace('S', case mark when ',' then '[.''’{GAPS}]' else '[,''’{GAPS}]' end))
    then case when regexp_matches(cast(said as varchar), '^[^0-9]*[({MINUS}]|[0-9][^0-9.,]*[{MINUS}][^0-9]*$') then '-' else '' end
    || replace(regexp_replace(cast(said as varchar), '\pL[.]|[^0-9' || mark || ']', '', 'g'), ',', '.') end as double)"""


def connect(memory: str | None = None) -> duckdb.DuckDBPyConnection:
    """A connection that fetches nothing from the network, and spills to the cache what its memory does not hold: rows
    of customers lie nowhere else.
    """
    import duckdb

    con = duckdb.connect(config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"})
    con.execute(f"set temp_directory = {literal(str(cache_folder() / 'spill'))}")
    con.execute("set TimeZone = 'UTC'")
    con.execute(READ_NUMBER)
    with saying("memory", "is no amount of memory", 'memory="8GB"', duckdb.Error, found=repr(memory)):
        con.execute(f"set memory_limit = {literal(memory or MEMORY)}")
    return con


def cache_folder() -> Path:
    """Where stores are kept: RETAINKIT_CACHE, or the user's cache folder; made if need be."""
    from platformdirs import user_cache_path

    folder = Path(os.environ.get("RETAINKIT_CACHE") or user_cache_path("retainkit")).expanduser()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # customers' rows are in it
        if os.access(folder, os.W_OK):
            return folder
        why = "no permission"
    except OSError as err:
        why = err.strerror or str(err)
    raise BadValueError("the cache", "is a folder that cannot be written to", f"{folder}: {why}", "export RETAINKIT_CACHE=/a/folder/of/yours")
