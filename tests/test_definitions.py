"""The page of definitions says what every published number means, and says nothing of numbers that are not published."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

import retainkit as rk
from retainkit.estimate.smalln import in_words
from retainkit.report import pages

UNITS = ("share", "probability", "count", "money", "days", "times", "per 100 customer-months", "score", "as the goal's number", "as the claim says")

UNSIGNED = {"cross_sell.burn_in", "second_purchase.burn_in"}  # of shops without days of signing up only (tests/test_thin_shops.py)
NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))
GLOSSARY = {metric: {"question": question, **told}
            for question, metrics in pages.glossary(())["sections"].items() for metric, told in metrics.items()}


@pytest.fixture(scope="module")
def recorded():
    """The rows that the notebooks' stored outputs hand to metrics.csv."""
    outputs = (o for p in NOTEBOOKS for c in json.loads(p.read_text())["cells"] for o in c.get("outputs", []))
    return [row for o in outputs if "retainkit" in o.get("metadata", {}) for row in csv.reader(o["metadata"]["retainkit"]["metrics"])]


def test_every_recorded_metric_has_its_definition_and_every_definition_its_metric(recorded):
    assert set(GLOSSARY) == {row[0] for row in recorded} | UNSIGNED
    assert len(GLOSSARY) == sum(map(len, pages.glossary(())["sections"].values())), "a metric stands under two questions"


def test_every_part_of_a_group_is_explained_and_no_other(recorded):
    parts = {pair.partition("=")[0] for row in recorded for pair in re.split(r"(?<!\\);", row[1]) if pair}
    assert set(pages.glossary(())["keys"]) == parts | {"burn_in"}


@pytest.mark.parametrize("entry", GLOSSARY.values(), ids=list(GLOSSARY))
def test_a_definition_is_whole_and_its_function_public(entry):
    assert set(entry) == {"question", "name", "means", "unit", "left_out", "source", "call"}
    assert entry["call"] in rk.__all__
    assert entry["unit"] in UNITS
    for text in (entry["means"], entry["left_out"]):
        assert text[0].isupper()
        assert text.endswith(".")
    assert entry["question"].endswith("?")
    assert not re.search(r"[<>{}$\\]", entry["means"] + entry["left_out"] + entry["name"] + entry["source"])


def test_the_page_says_what_was_recorded_and_marks_what_was_not():
    made = pages.filled("definitions", period="March 2026", day="31 March 2026", version="1", **pages.glossary({"second_purchase.share", "own.thing"}))
    assert set(re.findall(r'<article class="term" id="([^"]*)"', made)) == {*GLOSSARY, "own.thing"}
    assert re.search(r"<code>second_purchase.share</code> · share</p>", made)
    assert re.search(r"<code>churn.grr</code> · share · not in this report</p>", made)
    assert "Numbers of your own notebooks" in made


def test_the_page_of_the_sample_defines_every_number_in_its_metrics_csv(sample_report):
    page = (sample_report / "definitions.html").read_text()
    with (sample_report / "metrics.csv").open(newline="") as file:
        names = {row["metric"] for row in csv.DictReader(file)}
    assert set(re.findall(r'<article class="term" id="([^"]*)"', page)) == names | UNSIGNED
    assert page.count("not in this report") == len(UNSIGNED)
    for stem in ("index", "02_second_purchase_funnel"):
        assert 'href="definitions.html"' in (sample_report / f"{stem}.html").read_text()


def test_the_words_that_stand_before_a_wide_interval_are_explained():
    told = pages.glossary([])["words"]["95% interval"]
    marks = {in_words(0.25, 0.12, 0.45, 40, form=form).split()[0] for form in ("sentence", "cell")}
    assert marks == {"roughly", "about"}
    assert all(f'"{mark}"' in told for mark in marks)
