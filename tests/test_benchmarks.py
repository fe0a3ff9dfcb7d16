"""The benchmarks run, and measure tallies that are right: nothing here looks at a clock."""

from __future__ import annotations

from io import StringIO

import duckdb
import pandas as pd
import pytest
from benchmarks import __main__, meter, tables, work
from benchmarks.questions import QUESTIONS
from benchmarks.world import world

ROWS = 20_000


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory):
    """A folder for the made-up shops of this module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RETAINKIT_BENCHMARKS", str(tmp_path_factory.mktemp("benchmarks")))
        patch.setenv("RETAINKIT_CACHE", "")
        yield


def test_the_made_up_shop_is_what_its_words_say():
    lines = f"read_parquet('{world(ROWS) / 'orders.parquet'}')"
    n, customers, kinds = duckdb.sql(f"select count(*), count(distinct customer_id), count(distinct product_line) from {lines}").fetchall()[0]
    once = duckdb.sql(f"select avg(cast(d = 1 as integer)) from (select count(distinct ordered_at) as d from {lines} group by customer_id) c").fetchall()[0][0]
    assert (n, customers, kinds) == (ROWS, ROWS // 10, 12)
    assert 0.28 < once < 0.40


@pytest.mark.parametrize("question", QUESTIONS)
def test_from_the_lines_and_from_the_store_the_answer_is_one(question):
    found = work.tallies(ROWS, "number", [question])[question]
    kept, raw = (pd.read_csv(StringIO(found[kind]["answer"])) for kind in ("store", "lines"))
    assert len(kept)
    pd.testing.assert_frame_equal(kept, raw)


def test_the_least_queries_count_what_the_tallies_count():
    found = {name: pd.read_csv(StringIO(f["least"]["answer"])) for name, f in work.least(ROWS, "number").items()}
    asked = ("overview", "recurrent_events, cross-sells", "recurrent_scores, cross-sells")
    tallied = {name: pd.read_csv(StringIO(f["lines"]["answer"])) for name, f in work.tallies(ROWS, "number", list(asked)).items()}
    overview, events, scores = (tallied[name] for name in asked)
    assert found["first day of each customer"].iloc[0, 0] == overview["customers"].iloc[0]
    assert found["days on which each bought"].iloc[0, 0] == overview["purchase_days"].iloc[0]
    pd.testing.assert_frame_equal(found["days with a new one, by age"].sort_values("age", ignore_index=True), events[["age", "n"]])
    assert len(found["these scored by customer, by follow-up"]) == len(scores)


def test_one_named_benchmark_prints_its_row(monkeypatch, capsys):
    def here(job, python=""):
        return work.WORK[job["what"]](**{name: value for name, value in job.items() if name != "what"})

    monkeypatch.setattr(meter, "run", here)
    monkeypatch.setattr(tables, "run", here)
    assert __main__.main(["overview", "--rows", str(ROWS), "--rounds", "1"]) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("| overview |"))
    assert row.count("|") == 9
