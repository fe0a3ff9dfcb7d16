"""Tables out of a database: a query's answer becomes a Parquet file in the cache, named by what is in it.

PostgreSQL hands over Arrow through ADBC, DuckDB files are opened by the engine, SQLite files by Python's own module: nothing
is fetched from the network to do it. Passwords come from the environment and are in no file, message or page.
"""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, quote, urlsplit

from retainkit.aside import ensure, removed, write_aside
from retainkit.errors import BadValueError, MissingDataError, first_line, listed
from retainkit.load.endings import DATABASES
from retainkit.load.engine import cache_folder, connect
from retainkit.sqltext import literal, quoted

if TYPE_CHECKING:
    import duckdb

SCHEMES = re.compile(r"(postgres|postgresql|sqlite|duckdb)://")
VARIABLE = re.compile(r"\$\{(\w+)\}")
BATCH = 50_000
EXTRACT = "extract-"  # how the folders begin that hold answers
RUN = "RETAINKIT_RUN"  # the environment variable that names a run to the processes it starts
NAMES = {
    "postgresql": "select table_schema || '.' || table_name from information_schema.tables where table_schema not in ('pg_catalog', 'information_schema') order by 1",
    "sqlite": "select name from sqlite_master where type in ('table', 'view') and name not like 'sqlite_%' order by 1",
    "duckdb": "select table_schema || '.' || table_name from information_schema.tables order by 1",
}


def is_database(address: str) -> bool:
    """Whether a path names a database: an address (postgresql://...), or a SQLite or DuckDB file."""
    return bool(SCHEMES.match(address)) or address.lower().endswith(DATABASES)


def is_address(text: str) -> bool:
    """Whether a text names a database by address, not by the path of a file."""
    return bool(SCHEMES.match(text))


def address_parts(address: str, where: str) -> SplitResult:
    """The parts of an address, or one clear error that does not repeat it."""
    try:
        return urlsplit(address)
    except ValueError as err:
        raise BadValueError(
            where,
            "names a database by what is no address",
            str(err),
            'path = "postgresql://user:${SHOP_PASSWORD}@host:5432/base"',
        ) from None


def called(address: str, query: str, otherwise: str = "a query") -> str:
    """What a person calls the answer to a query: the table that it takes whole, and the database.

    >>> called("shop.sqlite", 'select * from "order lines"'), called("postgresql://me:${WORD}@host/shop", "select 1", "orders")
    ('order lines in shop.sqlite', 'orders in shop')
    """
    whole = re.fullmatch(r'select \* from (("[^"]+"|\w+)([.]("[^"]+"|\w+))?)', query.strip("; \n"), re.IGNORECASE)
    table = whole[1].replace('"', "").removeprefix("public.").removeprefix("main.") if whole else otherwise
    return f"{table} in {Path(address_parts(address, table).path).name or 'the database'}"


def tables_in(address: str, folder: Path) -> list[str]:
    """The tables of a database, each as a query names it."""
    kind, _ = _kind(address, folder)
    with _answered(address, folder, NAMES[kind], address.split("://")[0]) as (con, rows):
        found = [str(name) for name, *_ in con.execute(f"select * from {rows}").fetchall()]
    return [".".join(f'"{quoted(part)}"' for part in name.split(".", 1)) if kind != "sqlite" else f'"{quoted(name)}"' for name in found]


@contextmanager
def one_answer() -> Iterator[None]:
    """While it lasts, a query is asked once: this process and those it starts read the same answer, whatever is written meanwhile."""
    before = os.environ.get(RUN)
    os.environ[RUN] = before or uuid.uuid4().hex
    try:
        yield
    finally:
        if before is None:
            del os.environ[RUN]


def extract(address: str, query: str, *, name: str, folder: Path, where: str) -> Path:
    """The answer to a query as a Parquet file in the cache; the same answer is the same file.

    Parameters
    ----------
    address
        `postgresql://user:${SHOP_PASSWORD}@host/base` (with `${...}` taken from the environment), or the path of a
        SQLite or DuckDB file.
    name
        What the file is called in messages.
    folder, where
        Where relative paths begin, and what a message calls the place that names the database.

    Raises
    ------
    RetainkitError
        A password written out, a variable that is not set, a server that does not answer, a query it refuses.
    """
    if not query:
        tables = listed(tables_in(address, folder), limit=20)
        raise MissingDataError(where, "names a database and no query", f"tables {tables}", 'query = "select * from orders"')
    asked = repr((os.environ.get(RUN), address, str(folder.resolve()), query, name))
    cache = cache_folder()
    answered = cache / f"answered-{hashlib.sha256(asked.encode()).hexdigest()[:24]}" / "done"
    if RUN in os.environ and answered.exists() and (file := Path(answered.read_text(encoding="utf-8"))).is_file():
        return file
    aside = cache / f".extract-{os.getpid()}-{uuid.uuid4().hex[:8]}.parquet"
    with removed(aside):
        with _answered(address, folder, query, where) as (con, rows):
            con.execute(f"copy (select * from {rows}) to {literal(str(aside))} (format parquet)")
        with aside.open("rb") as handle:
            digest = hashlib.file_digest(handle, "sha256").hexdigest()[:24]
        label = re.sub(r"[^\w. -]", "_", name)
        file = ensure(cache / f"{EXTRACT}{digest} {label}", lambda place: aside.rename(place / f"{label}.parquet")) / f"{label}.parquet"
    if RUN in os.environ:
        write_aside(answered, lambda aside: aside.write_text(str(file), encoding="utf-8"))
    return file


def _kind(address: str, folder: Path) -> tuple[str, str]:
    """What kind of database it is, and its address with the environment's values in it."""
    scheme = SCHEMES.match(address)
    if scheme and scheme[1].startswith("postgres"):
        return "postgresql", address
    path = folder / (address.split("://", 1)[1] if scheme else address)
    if not path.is_file():
        raise MissingDataError(str(address), "does not exist", remedy='path = "shop.sqlite"')
    with path.open("rb") as handle:
        start = handle.read(16)
    return ("sqlite" if start.startswith(b"SQLite format 3") else "duckdb"), str(path)


@contextmanager
def _answered(address: str, folder: Path, query: str, where: str) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    """The rows of a query, under a name in a connection; whatever goes wrong is said without secrets."""
    kind, place = _kind(address, folder)
    secrets: list[str] = []
    try:
        con = connect()
        if kind == "postgresql":
            with _postgres(con, _filled(place, where, secrets), query):
                yield con, "answer"
        else:
            yield con, _sqlite(con, place, query) if kind == "sqlite" else _duckdb(con, place, query)
    except (MissingDataError, BadValueError):
        raise
    except Exception as err:
        # `from None`: the driver's own message may hold the address it was given
        raise BadValueError(
            where,
            "the database did not answer the query",
            _without(first_line(err), secrets),
            "check the address, the query and the environment",
        ) from None


def _filled(address: str, where: str, secrets: list[str]) -> str:
    """The address with `${NAME}` replaced from the environment; a password written out is refused."""
    parts = address_parts(VARIABLE.sub("", address), where)
    if parts.password:
        raise BadValueError(
            where,
            "has a password written out in its address",
            "",
            'path = "postgresql://user:${SHOP_PASSWORD}@host/base", and SHOP_PASSWORD in the environment',
        )
    for name in VARIABLE.findall(address):
        if name not in os.environ:
            raise MissingDataError(where, f"needs the environment variable {name}", remedy=f"export {name}=...")
        secrets.append(os.environ[name])
    if os.environ.get("PGPASSWORD"):
        secrets.append(os.environ["PGPASSWORD"])
    return VARIABLE.sub(lambda found: quote(os.environ[found[1]], safe="") if parts.hostname else os.environ[found[1]], address)


def _without(text: str, secrets: list[str]) -> str:
    """A message without the values that came from the environment, nor any address with a password."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        for form in (secret, quote(secret, safe="")):
            text = text.replace(form, "***")
    return re.sub(r"://[^/\s@]*:[^/\s@]*@", "://***@", text)[:300]


@contextmanager
def _postgres(con: duckdb.DuckDBPyConnection, address: str, query: str) -> Iterator[None]:
    try:
        import adbc_driver_manager
        import adbc_driver_postgresql as driver
    except ImportError:
        raise MissingDataError("postgresql://", "what reads PostgreSQL is not installed", remedy='pip install "retainkit[postgres]"') from None
    with driver.connect(address) as base, adbc_driver_manager.AdbcConnection(base) as connection:
        with adbc_driver_manager.AdbcStatement(connection) as statement:
            statement.set_sql_query("set default_transaction_read_only = on")
            statement.execute_update()
        with adbc_driver_manager.AdbcStatement(connection) as statement:
            statement.set_sql_query(query)
            stream, _ = statement.execute_query()
            con.register("answer", stream)
            yield


def _duckdb(con: duckdb.DuckDBPyConnection, path: str, query: str) -> str:
    con.execute(f"attach {literal(path)} as base (read_only)")
    con.execute("use base")
    asked = query.strip("; \n")
    return f"({asked})"


def _sqlite(con: duckdb.DuckDBPyConnection, path: str, query: str) -> str:
    """Every value as text, as in a CSV: a SQLite column may hold anything."""
    import pandas as pd

    base = sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True)
    try:
        cursor = base.execute(query)
        names = [c[0] for c in cursor.description]
        columns = ", ".join(f'"{quoted(n)}" varchar' for n in names)
        con.execute(f"create temp table answer ({columns})")
        while rows := cursor.fetchmany(BATCH):
            texts = [[v.hex() if isinstance(v, bytes) else v if v is None else str(v) for v in row] for row in rows]
            con.register("batch", pd.DataFrame(texts, columns=range(len(names)), dtype="string"))
            con.execute("insert into answer select * from batch")
            con.unregister("batch")
    finally:
        base.close()
    return "answer"
