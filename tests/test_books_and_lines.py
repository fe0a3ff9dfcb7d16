"""Workbooks as people send them, and JSON lines: no row is lost, and every row that is none says why."""

from __future__ import annotations

import gzip
import json
from datetime import date, datetime
from pathlib import Path

import pandas as pd
import pytest

import retainkit as rk
from retainkit.check.examine import examine
from retainkit.check.say import as_text

HEAD = ["Order No", "Customer", "Date", "Total"]
GOOD = [[1, "ann", date(2026, 1, 1), 10.5], [2, "ann", date(2026, 2, 1), 20], [3, "bob", date(2026, 1, 15), 5]]


def book(tmp_path: Path, sheets: dict[str, list[list]], merged: tuple[str, ...] = ()) -> Path:
    """A workbook written cell by cell."""
    openpyxl = pytest.importorskip("openpyxl", reason="writes the workbooks of these tests")
    pytest.importorskip("python_calamine", reason="reads workbooks")
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
        for cells in merged:
            sheet.merge_cells(cells)
    made.save(tmp_path / "book.xlsx")
    return tmp_path / "book.xlsx"


def loaded(path: Path, answers: dict[str, str] | None = None) -> rk.load.shop.Shop:
    found = examine([path], answers)
    assert found.shop, found.trouble
    ledger = found.shop.ledger
    assert (ledger["rows"] == ledger["kept"] + ledger["rejected"]).all()
    return found.shop


def test_titles_totals_and_repeated_headers_are_no_orders(tmp_path):
    rows = [["Sales report"], ["printed", date(2026, 3, 1)], [], HEAD, *GOOD, HEAD, [], ["Total", None, None, 35.5]]
    shop = loaded(book(tmp_path, {"Sheet1": rows}))
    assert rk.overview(shop).revenue[0] == 35.5
    assert shop.rejected("orders")[["row", "reason"]].values.tolist() == [[8, "the header again"], [10, "a line of totals"]]
    assert shop.ledger["file"].tolist() == ["book.xlsx, sheet Sheet1"]


def test_days_as_days_as_numbers_and_as_text(tmp_path):
    serial = (date(2026, 2, 1) - date(1899, 12, 30)).days
    shop = loaded(book(tmp_path, {"a": [HEAD, GOOD[0], GOOD[2], [2, "ann", serial, 20]]}))
    assert shop.sql("select cast(ordered_on as varchar) as d from all_orders order by d")["d"].tolist() == ["2026-01-01", "2026-01-15", "2026-02-01"]
    texts = loaded(book(tmp_path, {"a": [HEAD, [1, "ann", "25.01.2026", 10], [2, "bob", "02.02.2026", 5]]}))
    assert texts.sql("select cast(max(ordered_on) as varchar) as d from all_orders")["d"].tolist() == ["2026-02-02"]
    numbers = loaded(book(tmp_path, {"a": [HEAD, [1, "ann", serial, 10], [2, "bob", serial + 1, 5]]}))
    assert numbers.sql("select cast(max(ordered_on) as varchar) as d from all_orders")["d"].tolist() == ["2026-02-02"]


def test_times_of_day_in_a_workbook_need_a_zone(tmp_path):
    path = book(tmp_path, {"a": [HEAD, [1, "ann", datetime(2026, 1, 1, 23, 30), 10], [2, "ann", datetime(2026, 1, 9, 8, 0), 10]]})
    assert [q.key for q in examine([path]).open_questions] == ["tz"]
    assert loaded(path, {"tz": "Europe/Berlin"}).sql("select count(*) as n from all_orders")["n"][0] == 2


def test_a_customer_merged_over_several_rows_is_in_all_of_them(tmp_path):
    rows = [HEAD, [1, "ann", date(2026, 1, 1), 10], [2, None, date(2026, 2, 1), 20], [3, "bob", date(2026, 1, 15), 5]]
    shop = loaded(book(tmp_path, {"a": rows}, ("B2:B3",)))
    assert rk.overview(shop)[["customers", "purchase_days"]].values.tolist() == [[2, 3]]


def test_rows_on_two_sheets_are_shown_kept_and_left_out_only_when_told(tmp_path):
    path = book(tmp_path, {"2025": [HEAD, GOOD[0], GOOD[0], GOOD[2]], "2026": [HEAD, GOOD[0], GOOD[2], GOOD[1]], "Notes": [["call ann"]]})
    found = examine([path])
    assert "2 rows stand in more than one of its 2 sheets" in as_text(found)
    assert rk.overview(loaded(path)).revenue[0] == 10.5 * 3 + 5 * 2 + 20
    once = loaded(path, {"overlap": "once"})
    assert rk.overview(once).revenue[0] == 10.5 * 2 + 5 + 20  # the two alike lines of one sheet are two lines
    assert once.rejected("orders")["reason"].tolist() == ["the same row stands in an earlier file or sheet"] * 2


def test_a_sheet_with_a_column_more_and_one_with_capital_letters_are_of_the_table(tmp_path):
    wide, loud = [[*HEAD, "Channel"], [*GOOD[1], "web"]], [["ORDER NO", "Customer", "date", "Total"], GOOD[2]]
    path = book(tmp_path, {"2024": [HEAD, GOOD[0], GOOD[0]], "2025": wide, "2026": loud, "Notes": [["call ann"]]})
    shop, text = loaded(path), as_text(examine([path]))
    assert rk.overview(shop).revenue[0] == 10.5 * 2 + 20 + 5
    assert shop.ledger["file"].tolist() == ["book.xlsx, sheet 2024", "book.xlsx, sheet 2025", "book.xlsx, sheet 2026"]
    assert "book.xlsx, sheet 2024, book.xlsx, sheet 2026 have no Channel: empty there" in text
    assert "not read: book.xlsx: has no sheet with a header and rows among Notes" in text


def test_a_sheet_of_another_table_is_a_file_of_its_own_and_one_that_is_named_must_fit(tmp_path):
    people = [["Customer", "Segment"], ["ann", "big"], ["bob", "small"]]
    path = book(tmp_path, {"Orders": [HEAD, *GOOD], "People": people})
    found = examine([path])
    assert "book.xlsx, sheet People: 2 rows, 2 columns; becomes customers" in as_text(found)
    assert found.shop
    assert found.shop.sql("select customer_id, segment from ids join all_customers using (customer) order by 1").values.tolist() == [["ann", "big"], ["bob", "small"]]
    (tmp_path / "retainkit.toml").write_text('[orders]\npath = "book.xlsx"\nsheets = ["Orders", "People"]\n')
    with pytest.raises(rk.RetainkitError, match=r"several tables among its `sheets`.*People has Customer, Segment. To fix it: sheets = \[\"Orders\"\]"):
        rk.open_shop(tmp_path)


def test_columns_of_a_joined_sheet_are_read(tmp_path):
    lines = [["Order No", "Product", "Total"], [1, "a", 4], [1, "b", 6.5], [2, "a", 20], [3, "b", 5]]
    path = book(tmp_path, {"Lines": lines, "Orders": [["Order No", "Customer", "Date"], *[row[:3] for row in GOOD]]})
    shop = loaded(path)
    assert rk.overview(shop)[["customers", "revenue"]].values.tolist() == [[2, 35.5]]


def test_a_file_that_is_no_workbook_and_a_sheet_that_is_not_there(tmp_path):
    path = book(tmp_path, {"a": [HEAD, *GOOD]})
    (tmp_path / "retainkit.toml").write_text('[orders]\npath = "book.xlsx"\nsheets = ["b"]\norder_id = "Order No"\n')
    with pytest.raises(rk.RetainkitError, match=r"has no sheet 'b'. Found: a. To fix it: sheets = \[.a.\]"):
        rk.open_shop(tmp_path)
    path.write_bytes(b"not a workbook at all")
    with pytest.raises(rk.RetainkitError, match="cannot be read as a workbook"):
        examine([path])


LINES = [{"id": 1, "customer": {"id": "ann"}, "created_at": "2026-01-01", "total": 10.5, "tags": ["x"]}, {"id": 2, "customer": {"id": "ann"}, "created_at": "2026-02-01", "total": 20},
         {"id": 3, "customer": {"id": "bob"}, "created_at": "2026-01-15", "total": 5}]  # fmt: skip


@pytest.mark.parametrize("name", ["orders.jsonl", "orders.ndjson.gz"])
def test_json_lines_with_objects_inside(tmp_path, name):
    text = "\n".join(map(json.dumps, LINES)) + '\n\n{"id": 4, broken\n[1, 2]\n{"id": 5, "customer": null, "created_at": "2026-01-20", "total": 1}\n'
    (tmp_path / name).write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    found = examine([tmp_path])
    assert found.proposals[0].lines == {"order_id": "id", "customer_id": "customer.id", "ordered_at": "created_at", "amount": "total"}
    shop = loaded(tmp_path / name)
    assert rk.overview(shop).revenue[0] == 35.5
    assert shop.rejected("orders")[["row", "reason"]].values.tolist() == [[5, "no JSON object"], [6, "no JSON object"], [7, "`customer_id` is empty (a guest?)"]]


def test_json_lines_calculate_and_keep_odd_texts(tmp_path):
    rows = [{"id": "a\"b", "customer": "Ünï, \n ann", "date": "2026-01-01", "price": 2.5, "quantity": 2}, {"id": "c", "customer": "x;y", "date": "2026-01-02", "price": 1, "quantity": 3}]
    (tmp_path / "orders.jsonl").write_text("\n".join(json.dumps(r, ensure_ascii=False) for r in rows), encoding="utf-8")
    shop = loaded(tmp_path)
    assert rk.overview(shop).revenue[0] == 8
    assert sorted(shop.sql("select order_id as o from all_orders")["o"]) == ["a\"b", "c"]


def test_a_file_of_json_lines_without_objects_is_one_clear_error(tmp_path):
    (tmp_path / "orders.jsonl").write_text("hello\n[1]\n")
    with pytest.raises(rk.RetainkitError, match="has no line that is a JSON object"):
        examine([tmp_path])


def test_the_same_orders_in_every_kind_of_file_are_the_same_shop(tmp_path):
    frame = pd.DataFrame(GOOD, columns=HEAD).astype({"Date": str})
    for kind in ("csv", "jsonl", "parquet"):
        (tmp_path / kind).mkdir()
    frame.to_csv(tmp_path / "csv" / "orders.csv", index=False)
    frame.to_json(tmp_path / "jsonl" / "orders.jsonl", orient="records", lines=True)
    frame.to_parquet(tmp_path / "parquet" / "orders.parquet")
    days = [loaded(tmp_path / kind).sql("select * from days order by all") for kind in ("csv", "jsonl", "parquet")]
    assert days[0].equals(days[1])
    assert days[0].equals(days[2])


def test_a_name_that_stands_over_two_columns_of_a_sheet_is_told_apart_by_its_place(tmp_path: Path) -> None:
    path = book(tmp_path, {"Orders": [["Orders 2026"], [], [*HEAD, "Note", "Note"], *([*row, "x", "y"] for row in GOOD)]})
    assert "book.xlsx: 3 rows, 6 columns" in as_text(examine([path]))
    assert loaded(path).ledger["kept"].tolist() == [3]
