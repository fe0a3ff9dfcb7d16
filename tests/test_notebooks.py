"""The notebooks as files: what must be true of each before anybody runs it."""

from __future__ import annotations

import ast
import csv
import json
import re
from pathlib import Path
from unittest import mock

import pandas as pd
import pytest

from retainkit.show import display

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))


@pytest.fixture(params=NOTEBOOKS, ids=lambda p: p.stem)
def cells(request) -> list[dict]:
    return json.loads(request.param.read_text())["cells"]


def code_of(cells: list[dict]) -> list[dict]:
    return [c for c in cells if c["cell_type"] == "code"]


def test_there_are_notebooks():
    assert len(NOTEBOOKS) >= 5


def test_outputs_are_stored_in_order(cells):
    code = code_of(cells)
    assert [c["execution_count"] for c in code] == list(range(1, len(code) + 1))
    assert sum(bool(c["outputs"]) for c in code) > len(code) / 3


def test_no_stored_output_is_an_error_or_a_warning(cells):
    kinds = {(o["output_type"], o.get("name")) for c in code_of(cells) for o in c["outputs"]}
    assert ("error", None) not in kinds
    assert ("stream", "stderr") not in kinds


def test_cells_are_short_and_define_nothing(cells):
    for cell in code_of(cells):
        source = "".join(cell["source"])
        assert len(source.splitlines()) <= 15
        assert max(map(len, source.splitlines()), default=0) <= 120
        assert not [n for n in ast.walk(ast.parse(source)) if isinstance(n, (ast.FunctionDef, ast.ClassDef))]


def test_every_parameter_has_its_help(cells):
    (parameters,) = [c for c in code_of(cells) if "parameters" in c["metadata"].get("tags", [])]
    assert all(re.search(r"\S  # \S", line) for line in parameters["source"] if line.strip())


def test_every_chart_has_words_for_those_who_cannot_see_it(cells):
    figures = [o for c in code_of(cells) for o in c["outputs"] if "image/png" in o.get("data", {})]
    assert all(len(o["metadata"]["image/png"]["alt"]) > 40 for o in figures)
    assert figures


def test_no_number_from_the_data_is_typed_into_prose(cells):
    prose = " ".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    assert not re.findall(r"\d+\.\d+ ?%", prose)


def test_no_number_with_an_interval_is_recorded_without_its_n(cells):
    told = [o["metadata"].get("retainkit", {}).get("metrics", []) for c in code_of(cells) for o in c["outputs"] if o["output_type"] == "display_data"]
    rows = [dict(zip(("metric", "group", "days", "value", "low", "high", "n"), row, strict=False)) for row in csv.reader(line for lines in told for line in lines)]
    assert bool(rows) == ("rk.record(" in json.dumps(cells))
    assert [row["metric"] for row in rows if row["low"] and not row["n"]] == []


def test_nothing_of_the_machine_is_stored(cells):
    text = json.dumps(cells)
    assert not re.search(r"/home/|/root/|/tmp/|/Users/|ipykernel_", text)


def test_the_scorecard_leads_the_index_and_the_others_follow_by_name():
    from retainkit.report.plan import read_jobs

    stems = [job.stem for job in read_jobs(NOTEBOOKS[0].parent)]
    assert stems[0] == "05_scorecard_and_claims"
    assert stems[1:] == sorted(stems[1:])


@pytest.mark.parametrize("stem", [path.stem for path in NOTEBOOKS])
def test_a_cell_that_is_run_again_at_the_end_says_the_same(stem):
    """A name that two cells bind, or a parameter that a cell changes, made it fail, or say something else."""
    names, said = {"__name__": "__main__"}, []
    sources = ["".join(c["source"]) for c in code_of(json.loads((NOTEBOOKS[0].parent / f"{stem}.ipynb").read_text(encoding="utf-8"))["cells"])]
    with mock.patch.object(display, "_show", lambda data, metadata=None: said.append(data["text/plain"])):
        exec(sources[0], names)
        names["as_of"] = "2024-06-30"  # too short a log for the horizon asked
        first = {}
        for source in sources[1:]:
            exec(source, names)
            first[source], said[:] = said[:], []
        for alone in (True, False):  # one cell again, and all of them in order
            for source in sources[1:]:
                exec(source, dict(names) if alone else names)
                assert said == first[source], source
                said.clear()


@pytest.mark.filterwarnings("error::UserWarning")
@pytest.mark.parametrize("customers", [4, 19, 20])
def test_what_fewer_than_twenty_customers_did_first_is_not_drawn(customers):
    names, data = {"__name__": "__main__"}, []
    sources = ["".join(c["source"]) for c in code_of(json.loads((NOTEBOOKS[0].parent / "01_first_90_days_cross_sell.ipynb").read_text(encoding="utf-8"))["cells"])]
    log = pd.DataFrame({"customer_id": [*range(customers), 0, 1], "product_line": ["tea"] * customers + ["mugs"] * 2, "amount": 5,
                        "ordered_at": [*pd.date_range("2026-01-01", periods=customers).astype(str), "2026-01-11", "2026-03-31"]})
    with mock.patch.object(display, "_show", lambda shown, metadata=None: data.append(shown.get("text/csv", ""))):
        exec(sources[0], names)
        names["source"] = {"orders": log.assign(order_id=range(len(log)))}
        for source in sources[1:]:
            exec(source, names)
    assert len([text for text in data if text.startswith("time,bought")]) == (customers > 19)
