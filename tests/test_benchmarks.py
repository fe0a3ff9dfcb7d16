"""The benchmarks run, and measure tallies that are right: nothing here looks at a clock."""

from __future__ import annotations

import json
import subprocess
import sys
from io import StringIO
from pathlib import Path

import duckdb
import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]
ROWS = 20_000


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder for the made-up shops of this module."""
    return tmp_path_factory.mktemp("benchmarks")


def asked(home, module, *arguments):
    """What `python -m tests.benchmarks...` prints."""
    done = subprocess.run([sys.executable, "-m", module, *arguments], cwd=ROOT, capture_output=True, text=True, check=False,
                          env={"PATH": "/usr/bin:/bin", "RETAINKIT_BENCHMARKS": str(home)})
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_made_up_shop_is_what_its_words_say(home):
    asked(home, "tests.benchmarks.work", json.dumps({"what": "lines_scan", "rows": ROWS, "ids": "number", "question": "overview"}))
    lines = f"read_parquet('{home / f'{ROWS}_number_parquet' / 'orders.parquet'}')"
    n, customers, kinds = duckdb.sql(f"select count(*), count(distinct customer_id), count(distinct product_line) from {lines}").fetchall()[0]
    once = duckdb.sql(f"select avg(cast(d = 1 as integer)) from (select count(distinct ordered_at) as d from {lines} group by customer_id)").fetchall()[0][0]
    assert (n, customers, kinds) == (ROWS, ROWS // 10, 12)
    assert 0.28 < once < 0.40


def test_from_the_lines_and_from_the_store_the_answer_is_one(home):
    job = {"rows": ROWS, "ids": "number", "question": "revenue_by_month"}
    kept, raw = (json.loads(asked(home, "tests.benchmarks.work", json.dumps({"what": what, **job}))) for what in ("store", "lines"))
    assert kept["cpu"] > 0 and kept["peak_mb"] > 50
    pd.testing.assert_frame_equal(*(pd.read_csv(StringIO(found["answer"])) for found in (kept, raw)))


def test_one_named_benchmark_prints_its_row(home):
    printed = asked(home, "tests.benchmarks", "overview", "--rows", str(ROWS), "--rounds", "1")
    row = next(line for line in printed.splitlines() if line.startswith("| overview |"))
    assert row.count("|") == 9
