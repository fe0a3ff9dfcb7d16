"""Nothing leaks: no page, table, chart, number or stored output tells of one customer, or of fewer than five."""

from __future__ import annotations

import csv
import html
import json
import re
from pathlib import Path
from urllib.parse import unquote

import in_process
import pytest
from nb_fixtures.make import write_shop

from retainkit.report.run import report
from retainkit.resources import notebooks_folder, sample_folder

ROWS = re.compile(r"\b[COPDK]\d{5,6}\b")  # how the sample writes the ids of customers, prospects, orders, deals and contracts
COUNTS = ("n", "at risk", "accounts")  # what estimates are made of; what happened to a group (losses, steps of a bridge) may be of one
NOTEBOOKS = sorted(notebooks_folder().glob("*.ipynb"))


def test_the_pattern_finds_the_ids_of_the_sample():
    for name in ("orders", "deals", "contracts", "customers"):
        with (sample_folder() / f"{name}.csv").open(newline="") as file:
            rows = list(csv.reader(file))[1:200]
        assert all(ROWS.fullmatch(row[0]) for row in rows), name


def texts(folder):
    """Everything a report publishes that is text, by name; pictures are left out, charts' data are not."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in (".html", ".csv", ".json", ".ipynb"):
            yield path.name, unquote(re.sub(r"base64,[^\"]*|\"image/png\": \"[^\"]*\"", "", path.read_text()))


def few(counts):
    """The counts among texts that are of one to four."""
    found = [re.sub(r"[^\d.]", "", text) for text in counts if re.fullmatch(r"[\d,.]+", text.strip())]
    return [text for text in found if text and 0 < float(text) < 5]


def test_no_row_of_the_data_stands_in_anything_published(sample_report):
    read = dict(texts(sample_report))
    assert {"index.html", "metrics.csv", "run.json", "04_win_rate_vs_churn_by_rep.html", "04_win_rate_vs_churn_by_rep.ipynb"} <= set(read)
    for name, text in read.items():
        assert not ROWS.findall(text), name


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_no_row_of_the_data_stands_in_a_stored_output(path):
    outputs = [o for cell in json.loads(path.read_text())["cells"] for o in cell.get("outputs", [])]
    assert outputs
    for output in outputs:
        output.get("data", {}).pop("image/png", None)
        assert not ROWS.findall(json.dumps(output))


def test_no_number_of_fewer_than_five_is_published(sample_report):
    with (sample_report / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 1000
    assert not [row for row in rows if row["n"] and 0 < float(row["n"]) < 5]
    for page in sample_report.glob("*.html"):
        for link in re.findall(r'href="data:text/csv;charset=utf-8,([^"]*)"', page.read_text()):
            head, *table = csv.reader(unquote(html.unescape(link)).splitlines())
            counts = [row[i] for row in table for i, name in enumerate(head) if name.replace("_", " ") in COUNTS]
            assert not few(counts), (page.name, head)


def test_no_table_of_a_page_counts_a_group_of_fewer_than_five(sample_report):
    seen = 0
    for page in sample_report.glob("0*.html"):
        for table in re.findall(r"<table>.*?</table>", page.read_text(), re.S):
            head = [re.sub(r" \(.*", "", html.unescape(h)) for h in re.findall(r'<th scope="col"[^>]*>(.*?)</th>', table)]
            rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall(r"<tr>(.*?)</tr>", table)[1:]]
            counts = [row[i] for row in rows for i, name in enumerate(head) if name in COUNTS and len(row) == len(head)]
            seen += len(counts)
            assert not few(counts), (page.name, head)
    assert seen > 50


def test_a_shop_of_four_customers_has_no_number_of_its_own(tmp_path):
    shop = write_shop(tmp_path / "shop")
    for table in shop.glob("*.csv"):
        table.write_text(re.sub(r"\b(ann|bob|cy|dee)\b", r"\1@example.org", table.read_text()))
    with in_process.no_kernels():
        index, good = report(str(shop), out=tmp_path / "out", only=["02_second_purchase_funnel"], jobs=1)
    assert good
    for name, text in texts(index.parent):
        assert "example.org" not in text, name
    with (index.parent / "metrics.csv").open(newline="") as file:
        shares = [row for row in csv.DictReader(file) if not row["metric"].startswith("orders.")]
    assert shares
    assert [row for row in shares if row["value"] or row["n"] not in ("", "0")] == []


def test_a_folder_of_this_machine_is_named_nowhere(sample_report):
    for name, text in texts(sample_report):
        for private in (str(Path.home()) + "/", str(sample_report), str(sample_folder())):
            assert private not in text, name
