"""The engine as every part of the loader opens it, and the folder where what it makes is kept."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from retainkit.errors import BadValueError
from retainkit.sqltext import literal

if TYPE_CHECKING:
    import duckdb

MEMORY = "1.6GB"  # with Python itself, within 2 GiB


def connect(memory: str | None = None) -> duckdb.DuckDBPyConnection:
    """A connection that fetches nothing from the network, and spills to the cache what its memory does not hold: rows
    of customers lie nowhere else.
    """
    import duckdb

    con = duckdb.connect(config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"})
    con.execute(f"set temp_directory = {literal(str(cache_folder() / 'spill'))}")
    con.execute("set TimeZone = 'UTC'")
    try:
        con.execute(f"set memory_limit = {literal(memory or MEMORY)}")
    except duckdb.Error as err:
        raise BadValueError("memory", "is no amount of memory", repr(memory), 'memory="8GB"') from err
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
