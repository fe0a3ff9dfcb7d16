"""Large files: read on all cores, looked at in parts, derived from when first asked, and told about on a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import duckdb
import pytest

from retainkit.check import look, parts
from retainkit.check.examine import examine
from retainkit.errors import BadValueError
from retainkit.load import derive, engine, store
from retainkit.load.opening import open_shop

pytestmark = pytest.mark.usefixtures("engines_of_their_own")
ROWS = 700_000
BAD = {5: "amount", 200_001: "ordered_at", 444_444: "customer_id", 699_999: "status"}  # rows as a person counts them, the header being row 1
WORK = """
import duckdb, sys
from retainkit.load import progress
progress.AFTER, progress.EVERY = 0.0, 0.01
con = progress.quiet(duckdb.connect())
with progress.told(con, "reading orders"):
    print(con.execute("select sum(a.range * b.range % 7) from range(20000) a, range(10000) b").fetchall()[0][0] > 0)
"""


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    """A file of many rows, four of them bad and one that cannot be split."""
    folder = tmp_path_factory.mktemp("big")
    bad = " ".join(f"when {row} then '{column}'" for row, column in BAD.items())
    with duckdb.connect() as con:
        con.execute(f"""copy (select case when bad = 'customer_id' then '' else 'C' || (i // 2 * 7919 % 90000) end as customer_id, 'O' || (i // 2) as order_id,
            case when bad = 'ordered_at' then '2026-13-01' else cast(date '2024-01-01' + cast(i // 1000 as integer) as varchar) end as ordered_at,
            case when bad = 'amount' then 'x' else (i % 900) || '.50' end as amount, case when bad = 'status' then 'lost?' else 'paid' end as status
            from (select i, case i + 2 {bad} end as bad from range({ROWS}) r(i)) t) to '{folder}/orders.csv' (format csv, header)""")
    with (folder / "orders.csv").open("a") as file:
        file.write("only,three,values\n")
    return folder


def test_rejected_rows_of_a_file_read_on_all_cores_have_the_number_a_person_counts(big, monkeypatch, tmp_path):
    monkeypatch.setenv("RETAINKIT_CACHE", str(tmp_path))
    shop = open_shop(big)
    rejected = shop.rejected("orders")
    assert dict(zip(rejected["row"], rejected["column"], strict=True)) == {**BAD, ROWS + 2: ""}
    ledger = shop.ledger.iloc[0]
    assert ledger["rows"] == ROWS + 1 == ledger["kept"] + ledger["rejected"]


@pytest.mark.parametrize("status", [
    "case when status in ('lost?', 'a', 'b', 'c', 'd', 'e') then 'lost?' end", "case when count(*) over (partition by order_id, customer_id) > 0 then status end",
    "case when status in (select 'lost?') then status end"])
def test_rows_have_their_number_though_sql_may_change_their_order(big, monkeypatch, tmp_path, status):
    monkeypatch.setenv("RETAINKIT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "retainkit.toml").write_text(f"""[orders]\npath = "{big}/orders.csv"\nstatus = '''{status}'''\n""")
    rejected = open_shop(tmp_path).rejected("orders")
    assert dict(zip(rejected["row"], rejected["column"], strict=True)) == {**BAD, ROWS + 2: ""}


def test_a_large_file_is_looked_at_in_parts_from_all_over_it(big, monkeypatch):
    monkeypatch.setattr(look, "MOST", 100_000)
    monkeypatch.setattr(parts, "PART", 1 << 14)
    con = duckdb.connect()
    seen = look.look_at(con, look.Source(big / "orders.csv"), 0)
    first, last = con.execute(f"select min(ordered_at), max(ordered_at) from {seen.table} where ordered_at like '202%'").fetchall()[0]
    assert seen.sampled
    assert 10_000 < seen.rows < 100_000
    assert (first, last[:4]) == ("2024-01-01", "2025")


def test_a_file_whose_parts_are_no_rows_is_read_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(look, "MOST", 1_000)
    monkeypatch.setattr(look, "SAMPLE", 500)
    monkeypatch.setattr(parts, "PART", 64)
    text = "\n".join(f"line {n}, and one more" for n in range(30))
    (tmp_path / "notes.csv").write_text("id,note\n" + "".join(f'{n},"{text}"\n' for n in range(1_500)))
    con = duckdb.connect()
    seen = look.look_at(con, look.Source(tmp_path / "notes.csv"), 0)
    assert (seen.sampled, seen.rows) == (True, 500)
    assert con.execute(f"select count(*) from {seen.table} where try_cast(id as integer) is null").fetchall() == [(0,)]


def test_what_check_has_loaded_is_not_loaded_again_and_derived_only_when_asked(monkeypatch, tmp_path):
    cache, folder = tmp_path / "cache", tmp_path / "shop"
    monkeypatch.setenv("RETAINKIT_CACHE", str(cache))
    folder.mkdir()
    lines = [f"O{n},C{n % 7},2026-01-{n % 28 + 1:02},{n}.50" for n in range(40)]
    (folder / "orders.csv").write_text("order_id,customer_id,ordered_at,amount\n" + "\n".join(lines) + "\n")
    assert examine([folder / "orders.csv"]).shop is not None
    shop = open_shop(folder)
    assert shop.sql("select count(*) as n from orders")["n"][0] == 40
    assert len(list(cache.glob("*/done"))) == 1
    assert not list(cache.glob("*/at_*"))
    assert shop.sql("select count(*) as n from days")["n"][0] == 28
    assert len(list(cache.glob("*/at_*/done"))) == 1
    assert shop.sql("select count(*) as n from all_orders")["n"][0] == 40


def test_files_are_read_while_they_are_hashed_only_when_no_file_of_their_size_was(monkeypatch, tmp_path):
    monkeypatch.setenv("RETAINKIT_CACHE", str(tmp_path / "cache"))
    read: list[str] = []
    stage = store.stage
    monkeypatch.setattr(store, "stage", lambda con, plan, **how: (read.append(plan.table), stage(con, plan, **how)))
    orders = tmp_path / "exports" / "orders.csv"
    orders.parent.mkdir()
    text = "customer_id,order_id,ordered_at,amount\nann,a,2026-01-01,5\nbob,b,2026-01-02,6\n"
    for day, content in enumerate((text, text, text.replace(",6", ",7"))):  # new; written again later; other content of the same size
        orders.write_text(content)
        os.utime(orders, (1_790_000_000 + day, 1_790_000_000 + day))
        shop = open_shop(orders.parent)
    assert read == ["orders", "orders"]
    assert shop.sql("select sum(amount) as x from orders")["x"].item() == 12
    assert not shop.sql("select table_name from duckdb_tables() where table_name like 'stage%'").size


@pytest.mark.parametrize("renamed", [False, True])
def test_a_file_that_changed_is_read_again_also_where_size_and_time_are_as_before(renamed, monkeypatch, tmp_path):
    monkeypatch.setenv("RETAINKIT_CACHE", str(tmp_path / "cache"))
    orders = tmp_path / "exports" / "orders.csv"
    orders.parent.mkdir()
    text = "customer_id,order_id,ordered_at,amount\nann,a,2026-01-01,5\nbob,b,2026-01-02,6\n"
    sums = []
    for content in (text, text.replace(",6", ",9"), text):
        new = orders.with_name("new.tmp") if renamed else orders
        new.write_text(content)
        os.utime(new, (1_790_000_000, 1_790_000_000))  # as `cp -p`, or an export with a rounded time, does
        new.replace(orders)
        sums.append(open_shop(orders.parent).sql("select sum(amount) as x from orders")["x"].item())
    assert sums == [11, 14, 11]
    assert len(list((tmp_path / "cache").glob("*/done"))) == 2  # what a file held before is found by its content


@pytest.mark.parametrize("settled", [True, False])
def test_a_file_that_changes_while_it_is_read_is_never_found_under_what_it_became(settled, monkeypatch, tmp_path):
    monkeypatch.setenv("RETAINKIT_CACHE", str(tmp_path / "cache"))
    orders = tmp_path / "exports" / "orders.csv"
    orders.parent.mkdir()
    text = "customer_id,order_id,ordered_at,amount\nann,a,2026-01-01,5\n"
    orders.write_text(text)
    if settled:
        os.utime(orders, (1_790_000_000, 1_790_000_000))
    stage = store.stage

    def growing(con, plan, **how):
        stage(con, plan, **how)
        if orders.read_text() == text:
            orders.write_text(text + "bob,b,2026-01-02,6\n")

    monkeypatch.setattr(store, "stage", growing)
    with pytest.raises(BadValueError, match="changed while it was read"):
        open_shop(orders.parent)
    assert open_shop(orders.parent).sql("select sum(amount) as x from orders")["x"].item() == 11


def test_order_lines_are_sorted_when_customers_are_first_taken_in_many_shares_and_that_changes_no_row(monkeypatch, tmp_path):
    folder, asked = tmp_path / "shop", "select * from days order by customer, on_day"
    folder.mkdir()
    lines = [f"O{n},C{n * 7919 % 11},2026-0{n % 2 + 1}-{n % 28 + 1:02},{n}.50" for n in range(60)]
    (folder / "orders.csv").write_text("order_id,customer_id,ordered_at,amount\n" + "\n".join(lines) + "\n")

    def cached(name, at_once, looked_through=3):
        monkeypatch.setenv("RETAINKIT_CACHE", str(tmp_path / name))
        monkeypatch.setattr(derive, "LINES_AT_ONCE", at_once)
        monkeypatch.setattr(derive, "LOOKED_THROUGH", looked_through)
        return open_shop(folder)

    whole = cached("whole", 1_000).sql(asked)
    assert cached("few", 10, 6).sql(asked).equals(whole)
    assert not [*(tmp_path / "whole").glob("*/by_customer"), *(tmp_path / "few").glob("*/by_customer")]
    shares = cached("shares", 10)
    assert shares.sql("select order_id from all_orders")["order_id"].tolist() == [f"O{n}" for n in range(60)]
    assert not list((tmp_path / "shares").glob("*/by_customer"))
    assert shares.sql(asked).equals(whole)
    (kept,) = (tmp_path / "shares").glob("*/by_customer/orders.parquet")
    kept.write_bytes(b"cut short")  # by a disk that was full, say: it is made again
    assert shares.at("2026-01-31").sql(asked).equals(cached("whole", 1_000).at("2026-01-31").sql(asked))
    assert duckdb.sql(f"select count(*), count(distinct customer) from '{kept}'").fetchall() == [(60, 11)]
    assert not list((tmp_path / "shares").glob("*/.by_customer*"))


def test_a_terminal_is_told_how_far_it_is_and_the_line_is_wiped():
    ours, theirs = pty.openpty()
    child = subprocess.Popen([sys.executable, "-c", WORK], stderr=theirs, stdout=subprocess.PIPE, text=True)
    os.close(theirs)
    told = b""
    try:
        while more := os.read(ours, 65536):
            told += more
    except OSError:  # the other end is closed
        pass
    answer, _ = child.communicate(timeout=60)
    assert answer == "True\n"
    lines = told.decode().split("\r")
    assert any("reading orders" in line and " %" in line for line in lines)
    assert not "".join(lines[-2:]).strip()


def test_what_is_no_terminal_is_told_nothing(tmp_path):
    (tmp_path / "work.py").write_text(WORK)  # a program of a file: where there is none, DuckDB takes it for somebody typing, and draws
    done = subprocess.run([sys.executable, str(tmp_path / "work.py")], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_what_another_run_finished_meanwhile_is_kept_and_what_is_broken_gives_way(tmp_path):
    """Two runs make the same entry: the second began before the first had ended, and ends after it."""
    entry, begun = tmp_path / "entry", list[bool]()

    def build(aside):
        if not begun:
            begun.append(True)
            store.ensure(entry, build)
        (aside / "orders.parquet").write_text(f"{len(begun)}")
        begun.append(True)

    store.ensure(entry, build)
    inode = (entry / "orders.parquet").stat().st_ino
    assert (entry / "orders.parquet").read_text() == "1"  # of the run that finished first, and may be reading it
    store.ensure(entry, build)
    assert (entry / "orders.parquet").stat().st_ino == inode
    (entry / "orders.parquet").write_text("cut off")
    store.ensure(entry, build)
    assert (entry / "orders.parquet").read_text() == "3"
    assert [p.name for p in tmp_path.iterdir()] == ["entry"]


def test_what_killed_runs_left_half_made_is_pruned_with_what_nobody_used(tmp_path):
    long_ago = 1_000_000_000
    for name in (".entry-17-abc/orders.parquet", "old/done", "entry/done", "entry/.at_x-17-abc/days.parquet", ".tables-new/store", ".extract-17-abc.parquet"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    for name in (".entry-17-abc", "old/done", "entry/.at_x-17-abc", ".extract-17-abc.parquet"):
        os.utime(tmp_path / name, (long_ago, long_ago))
    store.prune(tmp_path)
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()) == [".tables-new/store", "entry/done"]


@pytest.mark.parametrize("name", ["cache[1]", "cache?", "cache*"])
def test_a_cache_whose_path_looks_like_a_pattern_is_a_path(monkeypatch, tmp_path, name):
    exports = tmp_path / "exports"
    exports.mkdir()
    (exports / "orders.csv").write_text("customer_id,order_id,ordered_at,amount\nann,a,2026-01-01,5\nbob,b,2026-01-02,6\n")
    for folder in (name.replace("?", "A").replace("*", "A"), name):
        monkeypatch.setenv("RETAINKIT_CACHE", str(tmp_path / folder))
        assert open_shop(exports).sql("select sum(amount) as x, count(*) as n from days").values.tolist() == [[11, 2]]


def test_a_home_that_no_shell_wrote_out_is_home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("RETAINKIT_CACHE", "~/cache")
    assert engine.cache_folder() == tmp_path / "cache"


def test_the_check_has_the_memory_of_the_shop_and_spills_to_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("RETAINKIT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "orders.csv").write_text("customer_id,order_id,ordered_at,amount\nann,a,2026-01-01,5\nbob,b,2026-01-02,6\n")
    asked = "select current_setting('memory_limit'), current_setting('temp_directory')"
    found = examine([tmp_path / "orders.csv"])
    assert found.con.execute(asked).fetchall() == found.shop._store.con.execute(asked).fetchall()
    assert found.con.execute(asked).fetchall()[0][1] == str(tmp_path / "cache" / "spill")


def test_a_damaged_memory_of_hashes_is_made_anew(monkeypatch, tmp_path):
    monkeypatch.setenv("RETAINKIT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "orders.csv").write_text("customer_id,order_id,ordered_at,amount\nann,a,2026-01-01,5\nbob,b,2026-01-02,6\n")
    for damaged in ("null", "[1]", "{"):
        (tmp_path / "cache").mkdir(exist_ok=True)
        (tmp_path / "cache" / store.MEMO).write_text(damaged)
        assert open_shop(tmp_path).sql("select count(*) as n from orders")["n"][0] == 2
