"""What the loader says while it works through a large file: one line on a terminal, nothing anywhere else."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

AFTER, EVERY = 1.0, 0.2  # seconds: what is quicker says nothing
WIDTH = 24


@contextmanager
def told(con: duckdb.DuckDBPyConnection, what: str) -> Iterator[None]:
    """Say on a terminal what is being done in the block, and how far the connection's query is."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield
        return
    done = Event()
    line = Thread(target=_draw, args=(con, what, done), daemon=True)
    line.start()
    try:
        yield
    finally:
        done.set()
        line.join()


def quiet(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """The connection, which on a terminal knows how far it is, and draws no bar of its own."""
    if sys.stderr is not None and sys.stderr.isatty():  # in a notebook without ipywidgets both settings are refused
        con.execute("set enable_progress_bar = true")
        con.execute("set enable_progress_bar_print = false")
    return con


def _draw(con: duckdb.DuckDBPyConnection, what: str, done: Event) -> None:
    """Draw the line over and over, and wipe it in the end."""
    began, drawn = monotonic(), ""
    while not done.wait(EVERY):
        seconds = monotonic() - began
        if seconds > AFTER:
            share = min(max(con.query_progress(), 0), 100)
            filled = round(share * WIDTH / 100)
            room = shutil.get_terminal_size().columns - WIDTH - 16
            drawn = f"\r\x1b[K{what[:room]:<{min(room, 40)}} {'█' * filled}{'░' * (WIDTH - filled)} {share:3.0f} % {seconds:4.0f} s"
            sys.stderr.write(drawn)
            sys.stderr.flush()
    if drawn:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
