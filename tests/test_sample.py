"""The committed sample: it is what its command writes, as large as specified, and its codebook tells no lies."""

from __future__ import annotations

import csv
import json
import re
import tomllib
from pathlib import Path

import pytest

from retainkit import open_shop
from retainkit.simulate import SEED, world, write_sample

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
TABLES = ["activity", "changes", "contracts", "customers", "deals", "orders", "responses", "spend"]


def rows(name: str) -> list[dict[str, str]]:
    with (SAMPLE / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_regenerating_the_sample_gives_the_committed_bytes(tmp_path):
    written = write_sample(tmp_path / "again")
    assert sorted(f.name for f in written.iterdir()) == sorted(f.name for f in SAMPLE.iterdir())
    for file in written.iterdir():
        assert file.read_bytes() == (SAMPLE / file.name).read_bytes(), f"{file.name}: run make sample"


def test_the_sample_stays_under_five_megabytes_and_has_unix_lines():
    assert sum(f.stat().st_size for f in SAMPLE.iterdir()) < 5_000_000
    assert not any(b"\r" in f.read_bytes() for f in SAMPLE.iterdir())


def test_the_sample_is_as_large_as_specified():
    for name, about in {"customers": 4900, "orders": 34_000, "deals": 3200, "contracts": 1200}.items():
        assert len(rows(name)) == pytest.approx(about, rel=0.05)


def test_surveys_and_spending_are_as_large_as_specified():
    kinds = [row["kind"] for row in rows("responses")]
    assert kinds.count("customer") == pytest.approx(1900, rel=0.1)
    assert kinds.count("employee") == pytest.approx(264, rel=0.1)
    assert len(rows("spend")) == 185
    assert len({row["rep"] for row in rows("deals")}) == 25
    assert [row["unit"] for row in rows("changes")] == ["North", "South", "East"]  # the West never


def test_the_codebook_describes_every_column_with_an_example_from_the_file():
    text = (SAMPLE / "README.md").read_text(encoding="utf-8")
    assert "{{" not in text
    for name in TABLES:
        section = text.split(f"## `{name}.csv`")[1].split("\n## ")[0]
        table = rows(name)
        assert f"({len(table):,} rows)" in section
        assert f"| `{name}.csv` | {len(table):,} | " in text
        listed = [line for line in section.splitlines() if line.startswith("| `")]
        told = re.findall(r"`(\w+)`", " ".join(line.split("|")[1] for line in listed))
        assert told == list(table[0])
        for line in listed:
            if line.count("`") == 2:
                column, example = line.split("`")[1], line.split("|")[4].strip()
                assert example in {row[column] for row in table}, (name, column)


def test_the_command_in_the_codebook_is_the_one_that_made_the_sample():
    text = (SAMPLE / "README.md").read_text(encoding="utf-8")
    assert "`python -m retainkit.simulate data/sample`" in text
    assert f"| seed, scale | {SEED}, 1 |" in text


def test_the_settings_say_the_four_facts_each_with_its_reason():
    text = (SAMPLE / "retainkit.toml").read_text(encoding="utf-8")
    facts = {"tz": "America/New_York", "as_of": "2026-10-31", "history_start": "2023-11-01", "currency": "USD"}
    assert tomllib.loads(text)["shop"] == facts
    assert all("#" in line for line in text.split("[[goals]]")[0].splitlines() if "=" in line)


def test_the_answer_key_names_the_reps_of_the_deals_and_three_of_them_oversell():
    key = json.loads((SAMPLE / "answer_key.json").read_text(encoding="utf-8"))
    reps = {rep["rep"]: rep["archetype"] for rep in key["reps"]}
    assert set(reps) == {row["rep"] for row in rows("deals")} == set(world.NAMES)
    assert list(reps.values()).count("closer_high_churn") == 3
    population = key["population"]
    assert population["second_purchase"]["B2C"]["by_30"] == pytest.approx(0.227, abs=0.006)
    assert population["copy"]["seed"] == SEED


def test_the_sample_loads_without_an_error_and_turns_away_exactly_what_was_planted():
    retainkit = pytest.importorskip("retainkit")
    shop = retainkit.open_shop(SAMPLE)
    assert (str(shop.as_of), str(shop.history_start), shop.currency) == ("2026-10-31", "2023-11-01", "USD")
    ledger = shop.ledger.set_index("table")
    planted = world.GUESTS + 4  # guests, and the rows keyed in by hand
    assert ledger["rejected"].to_dict() == dict.fromkeys(ledger.index, 0) | {"orders": planted}
    assert len(shop.rejected("orders")) == planted
    assert set(ledger.index) == set(TABLES)
    assert (ledger["rows"] == ledger["kept"] + ledger["rejected"]).all()
    assert 1 <= ledger.loc["orders", "after_as_of"] <= 60  # the unfinished day


def test_the_sample_is_called_so_wherever_it_is_installed(tmp_path, monkeypatch):
    (tmp_path / "_sample").mkdir()
    for file in SAMPLE.glob("*.csv"):
        (tmp_path / "_sample" / file.name).write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:50]))
    monkeypatch.setattr("retainkit.resources.sample_folder", lambda: tmp_path / "_sample")
    assert open_shop("sample", tz="UTC").name == "sample"
