"""The page of definitions says what every published number means, and says nothing of numbers that are not published."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

import retainkit as rk
from retainkit.report import definitions

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def recorded():
    """The rows that the notebooks' stored outputs hand to metrics.csv."""
    outputs = (o for p in NOTEBOOKS for c in json.loads(p.read_text())["cells"] for o in c.get("outputs", []))
    return [row for o in outputs if "retainkit" in o.get("metadata", {}) for row in csv.reader(o["metadata"]["retainkit"]["metrics"])]


def test_every_recorded_metric_has_its_definition_and_every_definition_its_metric(recorded):
    assert set(definitions.glossary()) == {row[0] for row in recorded}


def test_every_part_of_a_group_is_explained_and_no_other(recorded):
    parts = {pair.partition("=")[0] for row in recorded for pair in re.split(r"(?<!\\);", row[1]) if pair}
    assert set(definitions.keys()) == parts


@pytest.mark.parametrize("entry", definitions.glossary().values(), ids=lambda e: e.metric)
def test_a_definition_is_whole_and_its_function_public(entry):
    assert entry.call in rk.__all__
    assert entry.unit in definitions.UNITS
    for text in (entry.means, entry.left_out):
        assert text[0].isupper()
        assert text.endswith(".")
    assert entry.question.endswith("?")
    assert not re.search(r"[<>{}$\\]", entry.means + entry.left_out + entry.name + entry.source)
