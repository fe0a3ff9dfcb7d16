"""Databases: a real PostgreSQL, SQLite and DuckDB files give the shop that the same rows give as CSV; no secret leaves the environment."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from test_real_data import BUYING, DATA

import retainkit as rk
from retainkit import cli
from retainkit.check.examine import examine
from retainkit.check.project import init
from retainkit.check.say import as_text
from retainkit.load.database import one_answer

pytestmark = pytest.mark.usefixtures("engines_of_their_own")  # two cannot hold one file
BINARIES = max(Path("/usr/lib/postgresql").glob("*/bin/postgres"), default=Path(shutil.which("postgres") or "")).parent
SECRET = "s3cret/p@ss:word"
SAMPLE = Path(__file__).parents[1] / "data" / "sample"
MAPPED = """
[shop]
tz = "America/New_York"
as_of = "2026-10-31"
history_start = "2023-11-01"

[orders]
path = "{address}"
query = "select * from orders order by order_id, ordered_at, product_line"
"""


@pytest.fixture(scope="module")
def orders() -> pd.DataFrame:
    return pd.read_csv(SAMPLE / "orders.csv", dtype=str, keep_default_na=False)


@pytest.fixture(scope="module")
def postgres(orders: pd.DataFrame) -> Iterator[str]:
    """The address of a server with the sample's orders, and with Northwind where it is at hand."""
    if not (BINARIES / "initdb").exists():
        pytest.skip("no PostgreSQL server is installed")
    pytest.importorskip("adbc_driver_postgresql", reason="reads PostgreSQL")
    folder = Path(tempfile.mkdtemp(prefix="retainkit-pg-"))
    folder.chmod(0o755)
    # PostgreSQL refuses to run as root: then it runs as the user its package made
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if user:
        shutil.chown(folder, "postgres")
    server, port = folder / "server", "54329"

    def control(*words: str) -> None:
        subprocess.run([*user, str(BINARIES / words[0]), *words[1:]], check=True, cwd=folder, stdout=subprocess.DEVNULL)

    (folder / "password").write_text(SECRET)
    control("initdb", "-D", str(server), "-U", "owner", "--auth=scram-sha-256", f"--pwfile={folder / 'password'}", "--locale=C", "--encoding=UTF8", "--no-sync")
    control("pg_ctl", "-D", str(server), "-w", "-l", str(folder / "log"), "-o", f"-F -p {port} -c listen_addresses=127.0.0.1 -k {folder}", "start")
    try:
        columns = ", ".join(f"{c} text" for c in orders.columns)
        orders.to_csv(folder / "orders.csv", index=False)
        script = f"create database shop;\n\\c shop\ncreate table orders ({columns});\n\\copy orders from '{folder / 'orders.csv'}' csv header null '~'\ncreate database northwind;\n"
        script += "create role reader login password 'other';\n"
        psql(folder, port, script)
        if DATA.exists():
            psql(folder, port, f"\\c northwind\n\\i {DATA / 'northwind' / 'northwind.sql'}\n")
        yield f"postgresql://owner:${{SHOP_PASSWORD}}@127.0.0.1:{port}"
    finally:
        control("pg_ctl", "-D", str(server), "-w", "-m", "immediate", "stop")
        shutil.rmtree(folder)


def psql(folder: Path, port: str, script: str) -> None:
    subprocess.run(["psql", "-q", "-X", "-h", str(folder), "-p", port, "-U", "owner", "-d", "postgres"], input=script, text=True, check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "PGPASSWORD": SECRET})  # fmt: skip


def project(tmp_path: Path, address: str) -> Path:
    (tmp_path / "retainkit.toml").write_text(MAPPED.format(address=address))
    return tmp_path


def as_the_sample(shop: rk.load.shop.Shop) -> None:
    sample = rk.open_shop({"orders": pd.read_csv(SAMPLE / "orders.csv", dtype=str)}, tz="America/New_York", as_of="2026-10-31", history_start="2023-11-01")
    assert shop.ledger[["rows", "kept", "rejected"]].equals(sample.ledger[["rows", "kept", "rejected"]])
    days = "select * from days order by customer, ordinal, on_day"  # days of nothing but refunds all have ordinal 0
    assert shop.sql(days).equals(sample.sql(days))


def test_postgresql_gives_the_shop_of_the_files(postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", SECRET)
    as_the_sample(rk.open_shop(project(tmp_path, f"{postgres}/shop")))


def test_a_password_is_in_no_message_no_source_and_no_file(postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("RETAINKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SHOP_PASSWORD", SECRET + "x")  # a wrong one
    with pytest.raises(rk.RetainkitError, match="did not answer") as caught:
        rk.open_shop(project(tmp_path, f"{postgres}/shop"))
    assert caught.value.__cause__ is None
    assert cli.main(["check", f"{postgres}/shop"]) == 2
    said = str(caught.value) + "".join(capsys.readouterr())
    assert SECRET not in said
    assert "s3cret" not in said
    monkeypatch.setenv("SHOP_PASSWORD", SECRET)
    shop = rk.open_shop(project(tmp_path, f"{postgres}/shop"))
    assert "s3cret" not in repr(shop.sources)
    assert cli.main(["check", f"{postgres}/shop", "--tz", "America/New_York", "--html", str(tmp_path / "page.html")]) == 0
    assert "s3cret" not in "".join(capsys.readouterr()) + (tmp_path / "page.html").read_text()
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and b"s3cret" in p.read_bytes()]


def test_a_password_written_out_or_a_variable_not_set_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHOP_PASSWORD", raising=False)
    with pytest.raises(rk.RetainkitError, match="has a password written out") as caught:
        rk.open_shop(project(tmp_path, "postgresql://owner:hunter2@127.0.0.1:1/shop"))
    assert "hunter2" not in str(caught.value)
    with pytest.raises(rk.RetainkitError, match="needs the environment variable SHOP_PASSWORD"):
        rk.open_shop(project(tmp_path, "postgresql://owner:${SHOP_PASSWORD}@127.0.0.1:1/shop"))


def test_a_query_can_change_nothing_and_a_wrong_one_is_one_clear_error(postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", SECRET)
    path = project(tmp_path, f"{postgres}/shop") / "retainkit.toml"
    for query in ("delete from orders returning *", "select * from ordres"):
        path.write_text(MAPPED.format(address=f"{postgres}/shop").replace("select * from orders order by order_id, ordered_at, product_line", query))
        with pytest.raises(rk.RetainkitError, match="did not answer the query"):
            rk.open_shop(tmp_path)


@pytest.mark.skipif(not DATA.exists(), reason="the real data sets are not here (../shared/data)")
def test_northwind_in_postgresql_goes_through_init_without_a_mapping(postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", SECRET)
    init(tmp_path / "project", [f"{postgres}/northwind"])
    found = rk.overview(rk.open_shop(tmp_path / "project")).loc[0, list(BUYING["northwind"].totals)].astype(float).round(2)
    assert found.to_dict() == BUYING["northwind"].totals


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_files_of_databases_give_the_shop_of_the_csv(kind: str, orders: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / f"shop.{kind}"
    if kind == "sqlite":
        with sqlite3.connect(path) as base:
            orders.to_sql("orders", base, index=False)
    else:
        con = duckdb.connect(str(path))
        con.execute("create table orders as select * from orders")
        con.close()
    as_the_sample(rk.open_shop(project(tmp_path, path.name)))
    found = examine([path], {"tz": "America/New_York"})
    assert [p.table for p in found.proposals] == ["orders"]
    assert found.shop
    assert set(found.shop.ledger["file"]) == {f"orders in shop.{kind}"}
    assert f"orders in shop.{kind}: {len(orders):,} rows" in as_text(found)
    assert ".parquet" not in as_text(found)


def test_a_table_is_called_as_it_is_in_its_database_and_its_own_name_tells_what_it_is(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "orders.db") as base:  # the name of the base says nothing of its tables
        base.execute('create table "Aufträge" (id, kunde, datum, betrag)')
        base.executemany('insert into "Aufträge" values (?, ?, ?, ?)', [(i, f"k{i % 3}", f"2026-01-0{i + 1}", 5) for i in range(6)] + [(9, "", "2026-01-09", 5)])
        base.execute("create table people (id, company, segment)")
        base.executemany("insert into people values (?, ?, ?)", [(i, f"k{i}", "SMB") for i in range(4)])
    found = examine([tmp_path / "orders.db"])
    said = as_text(found)
    assert "(first: Aufträge in orders.db row 7)" in said, said
    assert "people in orders.db: 4 rows, 3 columns" in said
    assert ".parquet" not in said


def test_sqlite_holds_whatever_it_holds_and_no_row_is_lost(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "shop.db") as base:
        base.execute("create table orders (order_id, customer_id, ordered_at, amount)")
        rows = [(1, "ann", "2026-01-01", 10), ("x", 7, "2026-01-02", 2.5), (None, "bob", "2026-01-03", 1), (4, "cy", b"\x00\xff", 1), (5, "cy", "2026-01-05", "cheap")]
        base.executemany("insert into orders values (?, ?, ?, ?)", rows)
    (tmp_path / "retainkit.toml").write_text('[orders]\npath = "shop.db"\nquery = "select * from orders"\n')
    ledger = rk.open_shop(tmp_path).ledger
    assert ledger[["rows", "kept", "rejected"]].values.tolist() == [[5, 2, 3]]


def test_a_database_without_a_query_names_its_tables(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "shop.db") as base:
        base.execute("create table sales (a)")
    (tmp_path / "retainkit.toml").write_text('[orders]\npath = "shop.db"\n')
    with pytest.raises(rk.RetainkitError, match=r'names a database and no query\. Found: tables "sales"'):
        rk.open_shop(tmp_path)




def test_a_run_asks_once_and_sees_what_it_was_told_first(tmp_path: Path) -> None:
    def say(n: int) -> None:
        with sqlite3.connect(tmp_path / "shop.db") as base:
            base.execute("drop table if exists orders")
            base.execute("create table orders (order_id, customer_id, ordered_at, amount)")
            base.executemany("insert into orders values (?, 'ann', '2026-01-01', 5)", [(i,) for i in range(n)])

    say(3)
    (tmp_path / "retainkit.toml").write_text('[orders]\npath = "shop.db"\nquery = "select * from orders"\n')
    with one_answer():
        assert rk.open_shop(tmp_path).ledger["rows"].tolist() == [3]
        say(5)
        there = "import sys, retainkit as rk; print(rk.open_shop(sys.argv[1]).ledger['rows'].tolist())"
        assert subprocess.run([sys.executable, "-c", there, str(tmp_path)], capture_output=True, text=True, check=True).stdout == "[3]\n"  # a notebook's process
        (tmp_path / "shop.db").rename(tmp_path / "away.db")
        assert rk.open_shop(tmp_path).ledger["rows"].tolist() == [3]
        (tmp_path / "away.db").rename(tmp_path / "shop.db")
    assert rk.open_shop(tmp_path).ledger["rows"].tolist() == [5]
    with one_answer():
        assert rk.open_shop(tmp_path).ledger["rows"].tolist() == [5]


@pytest.mark.parametrize("host", ["127.0.0.1:1", "no-such-host.invalid:5432", "[::1"])
def test_a_server_that_is_not_there_is_one_clear_error_without_the_password(host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("adbc_driver_postgresql", reason="reads PostgreSQL")
    monkeypatch.setenv("SHOP_PASSWORD", SECRET)
    project(tmp_path, f"postgresql://owner:${{SHOP_PASSWORD}}@{host}/shop")
    for words in (["report", str(tmp_path), "--out", str(tmp_path / "out")], ["check", f"postgresql://owner:${{SHOP_PASSWORD}}@{host}/shop"]):
        assert cli.main(words) == 2
        said = "".join(capsys.readouterr())
        assert "did not answer" in said or "what is no address" in said
        assert "s3cret" not in said
