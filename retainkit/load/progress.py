"""What the loader says while it works through a large file: one line on a terminal, nothing anywhere else."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

AFTER, EVERY = 1.0, 0.2  # seconds: what is quicker says nothing


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
    if done.wait(AFTER):
        return
    from tqdm import tqdm

    form = "{desc} {bar:24} {percentage:3.0f} % {elapsed}"
    columns, rows = shutil.get_terminal_size()  # some terminals say 0
    with suppress(OSError), tqdm(desc=what, total=100, leave=False, ncols=columns, nrows=rows, miniters=0, ascii="░█", bar_format=form) as bar:
        bar.start_t -= AFTER
        while not done.wait(EVERY):
            bar.update(min(max(con.query_progress(), 0), 100) - bar.n)
