"""Every SQL file once more on a real PostgreSQL, from the same checked tables: equal, row for row.

Skips where no PostgreSQL server is installed. The server it starts has a folder and a socket of its own, and is gone afterwards.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
import sqlglot
from sqlglot.errors import ErrorLevel
from test_sql import FILES, SAMPLE

from retainkit import open_shop
from retainkit.load.shop import Shop
from retainkit.sqltext import render

BINARIES = max(Path("/usr/lib/postgresql").glob("*/bin/postgres"), default=Path(shutil.which("postgres") or "")).parent
pytestmark = pytest.mark.skipif(not (BINARIES / "initdb").exists(), reason="no PostgreSQL server is installed")

RECORDED = ("ids", "customers", "all_orders", "all_deals", "all_contracts", "responses", "spend", "activity", "changes")  # what the loader writes
MADE = {"known_orders": "orders", "known_deals": "deals", "known_contracts": "contracts", "line_starts": "line_starts",
        "spells": "spells", "days": "days", "buyers": "buyers", "paid_back": "paid_back"}  # what SQL makes of it, in this order
ASKED = [(name, by) for name in FILES for by in (("segment", "all") if ":by" in FILES[name] else ("",))]


def text_for(shop: Shop, name: str, by: str) -> str:
    """A file with its placeholders filled in, the clock being the shop's."""
    values = {**SAMPLE, "as_of": shop.as_of, "history_start": shop.history_start}
    return render(FILES[name], **(values | {"by": "all"} if by == "all" else values))


@pytest.fixture(scope="module")
def shop() -> Shop:
    return open_shop("sample")


@pytest.fixture(scope="module")
def postgres(shop: Shop) -> Iterator[dict[tuple[str, str], pd.DataFrame]]:
    """What PostgreSQL answers to every file."""
    folder = Path(tempfile.mkdtemp(prefix="retainkit-pg-"))
    folder.chmod(0o755)
    server = folder / "server"
    # PostgreSQL refuses to run as root: then it runs as the user its package made
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if user:
        shutil.chown(folder, "postgres")

    def control(*words: str) -> None:
        subprocess.run([*user, str(BINARIES / words[0]), *words[1:]], check=True, cwd=folder, stdout=subprocess.DEVNULL)

    control("initdb", "-D", str(server), "-U", "postgres", "--auth=trust", "--locale=C", "--encoding=UTF8", "--no-sync")
    control("pg_ctl", "-D", str(server), "-w", "-l", str(folder / "log"), "-o", f"-F -c listen_addresses='' -k {folder}", "start")
    try:
        yield answers(shop, folder)
    finally:
        control("pg_ctl", "-D", str(server), "-w", "-m", "immediate", "stop")
        shutil.rmtree(folder)


def answers(shop: Shop, folder: Path) -> dict[tuple[str, str], pd.DataFrame]:
    """Load the recorded tables, let PostgreSQL make the others and run every file."""
    script = ["\\set ON_ERROR_STOP on"]
    for table in RECORDED:
        columns = shop.sql(f"select column_name, column_type from (describe {table})")
        script.append(f"create table {table} ({', '.join(f'{c} {t}' for c, t in columns.itertuples(index=False))});")
        shop.sql(f"select * from {table}").to_csv(folder / f"{table}.csv", index=False)
        script.append(f"\\copy {table} from '{folder / table}.csv' csv header null ''")
    script += [f"create table {table} as {in_postgres(text_for(shop, name, ''))};\nanalyze {table};" for name, table in MADE.items()]
    for name, by in ASKED:
        script += [f"\\o {folder / f'{name}-{by}.csv'}", f"copy ({in_postgres(text_for(shop, name, by))}) to stdout (format csv, header, null '~');"]
    subprocess.run(["psql", "-q", "-X", "-h", str(folder), "-U", "postgres"], input="\n".join(script), text=True, check=True,
                   stdout=subprocess.DEVNULL)
    return {(name, by): pd.read_csv(StringIO((folder / f"{name}-{by}.csv").read_text()), dtype=str, na_values="~", keep_default_na=False) for name, by in ASKED}


def in_postgres(text: str) -> str:
    """A query in PostgreSQL's dialect."""
    return sqlglot.transpile(text, read="duckdb", write="postgres", unsupported_level=ErrorLevel.RAISE)[0]


@pytest.mark.parametrize(("name", "by"), ASKED)
def test_postgres_gives_the_same_rows(name: str, by: str, shop: Shop, postgres: dict[tuple[str, str], pd.DataFrame]) -> None:
    here, there = shop.sql(text_for(shop, name, by)), postgres[name, by]
    assert list(there) == list(here)
    there = pd.DataFrame({column: like(there[column], here[column]) for column in here})
    if name.startswith("known_"):  # a table, not an answer: in no order
        here, there = (t.sort_values(list(here), ignore_index=True) for t in (here, there))
    for column in here:
        found, wanted = there[column], here[column]
        if wanted.dtype == object or wanted.dtype == bool:
            assert found.where(found.notna(), None).tolist() == wanted.where(wanted.notna(), None).tolist(), column
        else:
            pd.testing.assert_series_equal(found, wanted, rtol=1e-9, atol=1e-9)


def like(text: pd.Series, example: pd.Series) -> pd.Series:
    """PostgreSQL's text as values of the same kind as DuckDB's."""
    if example.dtype == bool:
        return text.map({"t": True, "f": False})
    if pd.api.types.is_numeric_dtype(example):
        return pd.to_numeric(text).astype(example.dtype)
    if pd.api.types.is_datetime64_any_dtype(example):
        return pd.to_datetime(text).astype(example.dtype)
    return text
