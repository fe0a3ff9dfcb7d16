"""`retainkit check`: what it recognises, what it proves, what it asks, and that it never invents."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

import retainkit as rk
from retainkit import cli
from retainkit.check.examine import Examined, examine
from retainkit.check.say import as_html, as_text, sections

LINE = "{i},c{c},{day},{amount}\n"


def export(tmp_path: Path, days: list[str], *, head: str = "Order No,Customer,Date,Total", amount: str = "10.50", name: str = "export.csv", encoding: str = "utf-8") -> Path:
    """A small export: one order a day, two customers in turn."""
    text = head + "\n" + "".join(LINE.format(i=i, c=i % 2, day=day, amount=amount) for i, day in enumerate(days))
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


def days_of(found: Examined) -> list[str]:
    assert found.shop
    return found.shop.sql("select cast(ordered_on as varchar) as d from all_orders order by d")["d"].tolist()


def test_columns_are_recognised_by_what_people_call_them(tmp_path):
    found = examine([export(tmp_path, ["2026-01-05", "2026-01-06", "2026-01-07"], head="Bestellnummer;Kundennummer;Bestelldatum;Betrag".replace(";", ","))])
    assert found.proposals[0].lines == {"order_id": "Bestellnummer", "customer_id": "Kundennummer", "ordered_at": "Bestelldatum", "amount": "Betrag"}
    assert found.proposals[0].sure == "sure"
    assert days_of(found) == ["2026-01-05", "2026-01-06", "2026-01-07"]


def test_days_that_may_be_either_are_asked_and_never_guessed(tmp_path):
    path = export(tmp_path, ["01/02/2026", "03/04/2026", "05/06/2026"])
    found = examine([path])
    assert found.shop is None
    assert [q.key for q in found.open_questions] == ["date-format"]
    assert "nothing in the column proves which" in as_text(found)
    assert days_of(examine([path], {"date-format": "d/m"})) == ["2026-02-01", "2026-04-03", "2026-06-05"]
    assert days_of(examine([path], {"date-format": "%m/%d/%Y"})) == ["2026-01-02", "2026-03-04", "2026-05-06"]
    with pytest.raises(rk.RetainkitError, match="is not how"):
        examine([path], {"date-format": "%Y"})


@pytest.mark.parametrize(("proof", "expected"), [("25/02/2026", "2026-02-25"), ("02/25/2026", "2026-02-25")])
def test_one_value_that_can_be_nothing_else_proves_the_format(tmp_path, proof, expected):
    found = examine([export(tmp_path, ["01/02/2026"] * 40 + [proof])])
    assert not found.questions
    assert expected in days_of(found)
    assert f"`{proof}` can be nothing else" in as_text(found)


def test_days_whose_two_readings_agree_need_no_question(tmp_path):
    assert days_of(examine([export(tmp_path, ["01/01/2026", "02/02/2026"])])) == ["2026-01-01", "2026-02-02"]


@pytest.mark.parametrize(("written", "amount"), [
    ("1.234,50", 1234.5), ("1 234.50", 1234.5), ("$1234.5", 1234.5), ("€ 12,30", 12.3), ("(12.30)", -12.3), ("-5.10", -5.1), ("12.30-", -12.3), ("1'234.50", 1234.5), ("12,30 EUR", 12.3), ("1,234,567.00", 1234567),
    ("€ -1.285,60", -1285.6), ("$-12.50", -12.5), ("€-12,50", -12.5), ("USD -1,200.00", -1200), ("Fr.-12.50", -12.5), ("1.286,-", 1286), ("12,--", 12), ("\\7,052.50", 7052.5), ("￥ 7,052.50", 7052.5), ("12 300,50 руб.", 12300.5), ("Rs. 1,285.60", 1285.6), ("1.234,50 Euro", 1234.5), ("1 200,50 Kč", 1200.5)])
def test_numbers_as_people_write_them(tmp_path, written, amount):
    path = export(tmp_path, ["2026-01-05", "2026-01-06"], amount=f'"{written}"')
    found = examine([path])
    assert found.shop
    assert found.shop.sql("select distinct amount from all_orders")["amount"].tolist() == [pytest.approx(amount)]


def test_a_separator_that_may_be_either_is_asked(tmp_path):
    path = export(tmp_path, ["2026-01-05", "2026-01-06"], amount='"1,234"')
    assert [q.key for q in examine([path]).open_questions] == ["decimal"]
    for mark, amount in ((".", 1234), (",", 1.234)):
        shop = examine([path], {"decimal": mark}).shop
        assert shop
        assert shop.sql("select min(amount) as a from all_orders")["a"][0] == pytest.approx(amount)


def test_times_of_day_ask_for_a_zone_and_say_what_a_wrong_one_would_move(tmp_path):
    path = export(tmp_path, ["2026-01-05T03:30:00Z", "2026-01-06T15:00:00Z"])
    assert [q.key for q in examine([path]).open_questions] == ["tz"]
    found = examine([path], {"tz": "America/New_York"})
    assert days_of(found) == ["2026-01-04", "2026-01-06"]
    assert "1 of 2 rows (50.0%) fall on another day and 0 in another month" in as_text(found)
    assert "fall on another day" not in as_text(examine([path], {"tz": "UTC"}))


def test_an_unknown_status_is_rejected_and_said_not_taken_as_paid(tmp_path):
    text = "order_id,customer_id,ordered_at,amount,status\n" + "".join(f"{i},c{i},2026-01-05,5,{s}\n" for i, s in enumerate(["completed", "completed", "storniert", "limbo"]))
    (tmp_path / "orders.csv").write_text(text)
    found = examine([tmp_path])
    assert found.shop
    assert found.shop.sql("select status, count(*) as n from all_orders group by 1 order by 1").values.tolist() == [["cancelled", 1], ["paid", 2]]
    assert found.shop.rejected("orders")["found"].tolist() == ["limbo"]
    assert "orders.csv: `status` is limbo in 1 row, which retainkit does not know" in as_text(found)
    shop = examine([tmp_path], {"status": "paid"}).shop
    assert shop
    assert shop.ledger["rejected"].tolist() == [0]


def test_rows_below_zero_are_kept_until_told_and_left_out_when_told(tmp_path):
    text = "Invoice,Customer,Date,Quantity,Unit Price\n1,a,2026-01-05,2,3.5\nC2,a,2026-01-06,-2,3.5\n3,b,2026-01-07,1,0\n"
    path = tmp_path / "lines.csv"
    path.write_text(text)
    found = examine([path])
    assert found.shop
    assert not found.open_questions
    assert found.shop.ledger["kept"].tolist() == [3]
    assert examine([path], {"returns": "out"}).shop.ledger[["kept", "rejected"]].values.tolist() == [[1, 2]]


def test_guests_duplicates_and_shared_emails_are_counted(tmp_path):
    rows = ["1,c1,a@x.org,2026-01-05,5", "1,c1,a@x.org,2026-01-05,5", "2,c2,A@x.org,2026-01-06,5", "3,,guest@x.org,2026-01-07,5"]
    (tmp_path / "orders.csv").write_text("order_id,customer_id,email,ordered_at,amount\n" + "\n".join(rows) + "\n")
    said = as_text(examine([tmp_path]))
    for words in ("1 of 4 rows name no customer (25.0%)", "1 rows repeat another one", "merging customers who share one would make 1 customer fewer", "1 row has an email but no customer"):
        assert words in said


@pytest.mark.parametrize(("head", "line"), [
    ("order_id,customer_id,date,amount,n,part", "{i},c{c},2026-0{k}-{i:02},5.5,{i},x"), ("", " {c:05} 19970{k}{i:02}  {c}  {i}.77")])
def test_files_of_any_columns_or_of_none_but_blanks_are_one_table(tmp_path, head, line):
    for k in (1, 2):
        rows = [line.format(i=i, k=k, c=i % 7 + 1) for i in range(10, 28)]
        (tmp_path / f"part-{k}.txt").write_text("\n".join([head, *rows] if head else rows) + "\n")
    found = examine([tmp_path])
    assert [(look.rows, look.shared) for look in found.looks] == [(36, 0)]


def test_columns_set_apart_by_blanks_are_called_by_their_names(tmp_path):
    """Customers were counted "by `string_split_regex(trim(line), ' +')[1]`", and every column was one that is not used."""
    (tmp_path / "sales.txt").write_text("".join(f" {i % 7 + 1:05} 1997010{i % 9 + 1}  3  {i}.77\n" for i in range(20)))
    said = as_text(examine([tmp_path / "sales.txt"]))
    assert "different customers by `column1`, in rows" in said
    assert "sales.txt `column2` (orders.ordered_at): %Y%m%d" in said
    assert "columns not used      column1" not in said


def test_two_files_of_one_layout_are_one_table(tmp_path):
    for year in (2025, 2026):
        export(tmp_path, [f"{year}-01-05", f"{year}-02-05"], name=f"orders-{year}.csv")
    found = examine([tmp_path])
    assert len(found.proposals) == 1
    assert len(days_of(found)) == 4


def test_what_only_a_later_file_proves_counts_for_all(tmp_path):
    export(tmp_path, ["01/02/2026", "03/04/2026"], name="orders-a.csv")
    export(tmp_path, ["25/02/2026", "26/02/2026"], name="orders-b.csv")
    found = examine([tmp_path])
    assert not found.questions
    assert found.looks[0].rows == 4
    assert days_of(found) == ["2026-02-01", "2026-02-25", "2026-02-26", "2026-04-03"]


def people_and_orders(tmp_path: Path, who: str) -> Path:
    (tmp_path / "customers.csv").write_text("customer_id,email,segment\n" + "".join(f"{i},C{i}@x.org,SMB\n" for i in range(5)))
    (tmp_path / "orders.csv").write_text("order_id,customer,ordered_at,amount\n" + "".join(f"{i},{who.format(i % 5)},2026-01-0{i + 1},5\n" for i in range(8)))
    return tmp_path


def test_a_list_of_customers_by_number_is_read_by_email_where_the_orders_use_that(tmp_path):
    found = examine([people_and_orders(tmp_path, "c{}@x.org")])
    assert found.shop
    assert found.shop.sql("select count(*) as n from customers c join all_orders o on o.customer = c.customer")["n"][0] == 8
    assert "The orders name customers by email" in as_text(found)


def test_customers_that_no_other_table_knows_are_said(tmp_path):
    assert "orders: 0 of its 5 customers are in customers.csv: the two files call them by different names" in as_text(examine([people_and_orders(tmp_path, "K-{}")]))


def test_names_and_values_are_escaped_on_the_page(tmp_path):
    evil = "<script>alert(1)</script>"
    text = f'Order No,Customer,Date,Total,"{evil}"\n1,{evil},2026-01-05,3\n'.replace(",3\n", f",3,{evil}\n")
    (tmp_path / "orders.csv").write_text(text)
    page = as_html(examine([tmp_path]))
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_the_page_shows_a_column_as_code_and_no_backtick(tmp_path):
    page = as_html(examine([export(tmp_path, ["2026-01-05", "2026-01-06"])]))
    assert "<code>" in page
    assert "`" not in page.partition("Proposed mapping</h2>")[0] + page.partition("Rows</h2>")[2].partition("Questions</h2>")[0]


def test_the_same_mapping_from_a_file_that_is_not_utf8(tmp_path):
    found = examine([export(tmp_path, ["2026-01-05", "2026-01-06"], head="Bestellnummer,Kundennummer,Käufer,Betrag".replace("Käufer", "Bestelldatum ä"), encoding="cp1252")])
    assert found.looks[0].settings == {"encoding": "cp1252"}
    assert days_of(found) == ["2026-01-05", "2026-01-06"]


def test_check_ends_with_the_command_to_type_next(tmp_path, capsys):
    path = export(tmp_path, ["01/02/2026", "03/04/2026"])
    assert cli.main(["check", str(path), "--currency", "EUR", "--html", str(tmp_path / "page.html")]) == 0
    said = capsys.readouterr().out
    assert f'retainkit init my-shop --from {path} --currency EUR --date-format D/M-OR-M/D' in said
    assert (tmp_path / "page.html").exists()


def test_a_wrong_flag_and_an_empty_folder_are_one_clear_error(tmp_path, capsys):
    assert cli.main(["check", str(tmp_path)]) == 2
    path = export(tmp_path, ["2026-01-05", "2026-01-06"])
    assert cli.main(["check", str(path), "--answer", "retruns=out"]) == 2
    assert cli.main(["check", str(path), "--tz", "Europe/Berlinn"]) == 2
    said = capsys.readouterr().err
    assert "holds no file that can be read" in said
    assert "--answer returns=..." in said
    assert "--tz: is not a time zone. Found: 'Europe/Berlinn'. To fix it: --tz Europe/Berlin" in said


def test_the_sample_is_recognised_whole_and_loads_the_same():
    sample = rk.open_shop("sample")
    found = examine([Path(rk.__file__).parents[1] / "data" / "sample"], {"tz": "America/New_York"})
    assert found.shop
    assert {p.table for p in found.proposals} == set(sample.tables)
    assert {p.sure for p in found.proposals} == {"sure"}
    pd.testing.assert_frame_equal(found.shop.ledger.drop(columns="after_as_of"), sample.ledger.drop(columns="after_as_of").set_index("table").loc[found.shop.ledger["table"]].reset_index())


def test_a_list_of_customers_alone_says_what_to_add(tmp_path):
    (tmp_path / "customers.csv").write_text("customer_id,email,segment\n1,a@x.org,SMB\n2,b@x.org,SMB\n")
    assert "these are only customers: add what they did" in as_text(examine([tmp_path]))


def test_messages_name_no_folder_of_the_check(tmp_path):
    (tmp_path / "orders.csv").write_text("order_id,customer_id,ordered_at,amount\n1,a,1826-01-05,5\n2,b,1826-01-06,5\n")
    found = examine([tmp_path])
    assert found.trouble.startswith("the export: has no row that could be kept")


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_signs_of_windows_and_utf16_are_read_as_they_were_written(tmp_path, encoding):
    text = "order_id,customer_id,ordered_at,amount,product_line\n1,josé “the boss”,2026-01-05,5,Café – €5\n2,ann,2026-01-06,5,Œuf\n"
    (tmp_path / "orders.csv").write_bytes(text.encode(encoding))
    found = examine([tmp_path])
    assert found.shop
    assert found.shop.sql("select product_line as p from all_orders order by ordered_on")["p"].tolist() == ["Café – €5", "Œuf"]
    assert found.shop.sql("select customer_id as c from ids order by customer")["c"].tolist() == ["ann", "josé “the boss”"]


def test_big_endian_utf16_with_its_mark_loses_no_row(tmp_path):
    (tmp_path / "orders.csv").write_bytes(b"\xfe\xff" + "order_id,customer_id,ordered_at,amount\n1,a,2026-01-05,5\n2,b,2026-01-06,5\n".encode("utf-16-be"))
    assert len(days_of(examine([tmp_path]))) == 2


def test_bytes_that_windows_does_not_know_and_unknown_encodings(tmp_path):
    (tmp_path / "orders.csv").write_bytes(b"order_id,customer_id,ordered_at,amount\n1,a\x81\x9d\xe9,2026-01-05,5\n")
    assert days_of(examine([tmp_path])) == ["2026-01-05"]
    (tmp_path / "retainkit.toml").write_text('[orders]\npath = "orders.csv"\nencoding = "klingon"\n')
    with pytest.raises(rk.RetainkitError, match="is not klingon text"):
        rk.open_shop(tmp_path)
    (tmp_path / "retainkit.toml").unlink()
    with pytest.raises(rk.RetainkitError, match=r'is not utf-8 text.*encoding = "cp1252"'):
        rk.open_shop(tmp_path)


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_a_title_above_the_header_and_totals_below_are_no_orders(tmp_path, mark):
    rows = ["Order No,Customer,Date,Total", *(f"{i},c{i},2026-01-05,1.50" for i in range(20)), "x,cy,never,7", "Total,,,37.50", "Grand total:,37.50"]
    text = "Orders export - ACME, all shops\n\nprinted 1 March\n" + "\n".join(r.replace(",", mark) for r in rows) + "\n"
    (tmp_path / "orders.csv").write_text(text)
    found = examine([tmp_path])
    assert found.shop
    assert found.looks[0].settings == {"skip": 3}
    assert "3 lines above its header are left out" in as_text(found)
    assert found.shop.rejected("orders")[["row", "reason"]].values.tolist() == [[25, "`ordered_at` is not a date"], [26, "a line of totals"], [27, "a line of totals"]]
    assert "every row names a customer" in as_text(found)


def test_a_title_is_left_out_of_a_file_that_is_joined(tmp_path):
    (tmp_path / "lines.csv").write_text("Order No,Date,Product No,Total,Customer\n" + "".join(f"{i},2026-01-{i + 10},p{i % 3},5,c{i}\n" for i in range(9)))
    (tmp_path / "products.csv").write_bytes("Products of ACME\n\nProduct No,Product Category\np0,Café\np1,Thé\np2,Œuf\n".encode("cp1252"))
    found = examine([tmp_path])
    assert found.shop, found.trouble
    assert sorted(set(found.shop.sql("select product_line as p from all_orders")["p"])) == ["Café", "Thé", "Œuf"]


def test_what_is_not_used_and_not_said_is_said(tmp_path):
    (tmp_path / "orders.csv").write_text("order_id,customer_id,ordered_at,amount,status,shelf\n" + "".join(f"{i},c{i},2026-01-0{i},5,{s},x\n" for i, s in enumerate(["paid", "refunded", "paid"], 1)))
    said = as_text(examine([tmp_path]))
    assert "columns not used      shelf" in said
    assert "1 of 3 lines is refunded (33.3%); none of them says when, so they count as given back on the day of the order" in said
    assert "no column says which currency the amounts are in: --currency EUR puts it beside them" in said
    assert "orders.csv `ordered_at` (orders.ordered_at): year first" in said


def test_deals_alone_say_where_their_history_begins(tmp_path):
    rows = [f"{i},a{i % 3},Ada,2026-01-0{i + 1},2026-02-0{i + 1},{'won' if i % 2 else 'lost'},100" for i in range(8)]
    (tmp_path / "deals.csv").write_text("deal_id,account,rep,opened_at,closed_at,outcome,amount\n" + "\n".join(rows) + "\n")
    assert "deals begin on 2026-01-01: what was before is not known" in as_text(examine([tmp_path]))


def table(tmp_path: Path, head: str, *rows: str, name: str = "orders.csv") -> Path:
    path = tmp_path / name
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return path


def revenue(path: Path, answers: dict[str, str] | None = None) -> float:
    shop = examine([path], answers).shop
    assert shop
    return float(shop.sql("select sum(amount) as x from orders where status = 'paid'")["x"].item())


@pytest.mark.parametrize(("head", "discounts", "paid"), [("discount", ("0.5", "0.25"), 25.0), ("discount", ("5.00", "2.50"), 32.5), ("discount", ("50%", "25%"), 25.0), ("discount percent", ("50", "25"), 25.0)])
def test_a_discount_is_a_share_percent_or_money(tmp_path, head, discounts, paid):
    """Two lines of two at 10, one with each discount."""
    rows = [f"{i},c{i},2026-01-0{i + 1},2,10,{off}" for i, off in enumerate(discounts)]
    assert revenue(table(tmp_path, f"order id,customer id,order date,quantity,unit price,{head}", *rows)) == paid


@pytest.mark.parametrize(("column", "yes", "no"), [("cancelled_at", "2026-02-01", ""), ("is_cancelled", "true", "false"), ("is_cancelled", "1", "0")])
def test_what_says_cancelled_is_no_purchase(tmp_path, column, yes, no):
    rows = [f"{i},c{i % 3},2026-01-{i + 1:02},10,{yes if i == 4 else no}" for i in range(12)]
    assert revenue(table(tmp_path, f"order_id,customer_id,order_date,amount,{column}", *rows)) == 110


def test_what_was_given_back_is_taken_off_where_it_is_known_to_stand_once(tmp_path):
    rows = [f"{i},c{i % 3},2026-01-{i + 1:02},10,{4 if i == 4 else 0}" for i in range(12)]
    assert revenue(table(tmp_path, "order_id,customer_id,order_date,amount,refunded_amount", *rows)) == 116
    twice = [f"{i // 2},ann,2026-01-{i // 2 + 1:02},10,{4 if i == 4 else 0}" for i in range(12)]
    path = table(tmp_path, "order_id,customer_id,order_date,amount,refunded_amount", *twice)
    assert revenue(path) == 120
    assert "is not taken off the amounts" in as_text(examine([path]))


def test_customers_named_by_email_are_one_in_capital_letters_too(tmp_path):
    found = examine([table(tmp_path, "Order,Email,Date,Total", "1,Ann@x.org,2026-01-01,5", "2,ann@X.org,2026-01-02,5", "3,bob@x.org,2026-01-03,5")])
    assert found.shop
    assert found.shop.sql("select count(distinct customer) as n from orders")["n"].item() == 2


def test_a_note_names_no_customer(tmp_path):
    rows = [f"{i},2026-01-0{i + 1},call first,p{i % 3}@x.org,10" for i in range(6)]
    assert "Email (Billing)" in examine([table(tmp_path, "Order ID,Order Date,Customer Note,Email (Billing),Total", *rows)]).proposals[0].lines["customer_id"]


def test_guests_are_kept_by_the_line_that_check_gives(tmp_path):
    path = table(tmp_path, "order_id,customer_id,email,order_date,amount", "1,17,ann@x.org,2026-01-01,5", "2,,Guest@x.org,2026-01-02,5", "3,,guest@x.org,2026-01-03,5", "4,18,bob@x.org,2026-01-04,5")
    line = next(part for part in as_text(examine([path])).split("customer_id = ")[1:] if part.startswith("'''")).split("'''")[1]
    (tmp_path / "retainkit.toml").write_text(f"[orders]\npath = 'orders.csv'\ncustomer_id = '''{line}'''\nordered_at = 'order_date'\n", encoding="utf-8")
    assert rk.open_shop(tmp_path).sql("select customer_id from ids order by 1")["customer_id"].tolist() == ["17", "18", "guest@x.org"]


def test_days_that_prove_both_formats_are_asked(tmp_path):
    found = examine([export(tmp_path, ["13/02/2026", "14/02/2026", "01/02/2026"], name="uk.csv"), export(tmp_path, ["02/13/2026", "02/15/2026", "02/01/2026"], name="us.csv")])
    assert [q.key for q in found.open_questions] == ["date-format"]
    assert "can only be" in found.open_questions[0].text
    mistyped = export(tmp_path, [f"{d}/02/2026" for d in range(13, 29)] * 10 + ["02/13/2026"], name="one.csv")
    assert not examine([mistyped]).open_questions  # one among many is a mistake, and rejected


def test_a_file_that_cannot_be_read_is_named_beside_the_others(tmp_path):
    export(tmp_path, ["2026-01-05", "2026-01-06"])
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "~$book.xlsx").write_bytes(b"lock")
    found = examine([tmp_path])
    assert found.shop
    assert "not read: empty.csv: is an empty file" in as_text(found)
    assert "book" not in as_text(found)
    (tmp_path / "export.csv").unlink()
    with pytest.raises(rk.RetainkitError, match="is an empty file"):
        examine([tmp_path])


def test_a_file_that_is_like_another_but_for_a_column_says_why_it_is_not_used(tmp_path):
    export(tmp_path, ["2026-01-05", "2026-01-06"], name="orders.csv")
    table(tmp_path, "Order No,Customer,Date,Total,Reason", "7,c0,2026-02-01,5,web", "8,c0,2026-02-02,5,web", "9,c1,2026-02-03,5,web", name="returned.csv")
    said = as_text(examine([tmp_path]))
    assert "is not used: it is like orders.csv, with Reason besides" in said or "is not used: it is like returned.csv, without Reason" in said


@pytest.mark.parametrize("names", [("orders_01.csv", "orders_02.csv"), ("2026-jan.csv", "2026-february.csv"), ("Orders Jan (1).csv", "Orders Feb (2).csv")])
@pytest.mark.parametrize("wide", [0, 1])
def test_months_of_which_some_lack_a_column_are_one_table_with_it_empty(tmp_path, names, wide):
    """Rows, numbers of rows and overlaps are those of the files; a status that is not there yet is paid."""
    table(tmp_path, "Order No,Customer,Date,Total,Category,Status,Quantity", "7,c0,2026-02-01,5,Tea,paid,1", "8,c0,2026-02-02,5,Cup,refunded,2", "9,c1,2026-02-03,5,Tea,martian,3", name=names[wide])
    table(tmp_path, "Date,Order No,Customer,Total,Category", "2026-01-01,1,c0,5,Tea", "2026-01-02,2,,5,Cup", "2026-01-02,3,c1,5,Cup", name=names[1 - wide])
    found = examine([tmp_path])
    assert f"  {names[1 - wide]} has no Status, Quantity: empty there" in as_text(found)
    assert len(found.proposals) == 1
    assert found.shop, found.trouble
    ledger = found.shop.ledger.set_index("file").loc[[names[wide], names[1 - wide]]]
    assert ledger[["rows", "kept", "rejected"]].values.tolist() == [[3, 2, 1], [3, 2, 1]]
    assert set(found.shop.rejected("orders")[["file", "row", "column"]].itertuples(index=False, name=None)) == {(names[wide], 4, "status"), (names[1 - wide], 3, "customer_id")}
    lines = found.shop.sql("select order_id, status, product_line, cast(quantity as double) as quantity from all_orders order by order_id")
    assert lines.astype(object).where(lines.notna(), None).values.tolist() == [["1", "paid", "Tea", None], ["3", "paid", "Cup", None], ["7", "paid", "Tea", 1], ["8", "refunded", "Cup", 2]]
    (tmp_path / "retainkit.toml").write_text(found.toml(tmp_path), encoding="utf-8")
    assert 'missing = "empty"' in found.toml(tmp_path)
    assert rk.open_shop(tmp_path).ledger["kept"].sum() == 4
    (tmp_path / "retainkit.toml").write_text(found.toml(tmp_path).replace('missing = "empty"', ""), encoding="utf-8")
    with pytest.raises(rk.RetainkitError, match=r"is neither a column of .* nor SQL over its columns"):
        rk.open_shop(tmp_path)
    (tmp_path / "retainkit.toml").write_text(found.toml(tmp_path).replace('missing = "empty"', 'missing = "zero"'), encoding="utf-8")
    with pytest.raises(rk.RetainkitError, match="`missing` can only be empty"):
        rk.open_shop(tmp_path)


def test_an_overlap_of_files_of_which_one_lacks_a_column_is_told(tmp_path):
    export(tmp_path, ["2026-01-05", "2026-01-06"], name="orders_01.csv")
    table(tmp_path, "Order No,Customer,Date,Total,Channel", "1,c1,2026-01-06,10.50,", "7,c0,2026-02-01,5,web", name="orders_02.csv")
    assert "1 row stands in more than one of its 2 files" in as_text(examine([tmp_path]))
    assert examine([tmp_path], {"overlap": "once"}).shop.ledger["kept"].sum() == 3


def test_subscriptions_without_a_number_are_contracts(tmp_path):
    found = examine([table(tmp_path, "customer_id,plan,start_date,end_date,mrr", *[f"c{i},pro,2026-01-{i + 1:02},,50" for i in range(9)], name="subscriptions.csv")])
    assert [p.table for p in found.proposals] == ["contracts"]
    assert found.shop
    assert found.shop.ledger["kept"].item() == 9


def test_a_column_of_cancellations_that_is_empty_so_far_is_read_once_it_is_filled(tmp_path):
    head, rows = "order_id,customer_id,order_date,amount,cancelled_at", [f"{i},c{i % 3},2026-01-{i + 1:02},10," for i in range(6)]
    found = examine([table(tmp_path, head, *rows)])
    (tmp_path / "retainkit.toml").write_text(found.toml(tmp_path), encoding="utf-8")
    table(tmp_path, head, *rows, "9,c1,2026-02-01,10,2026-02-02")
    assert rk.open_shop(tmp_path).sql("select count(*) as n from orders")["n"].item() == 6


def test_a_discount_written_below_zero_is_no_surcharge(tmp_path):
    assert revenue(table(tmp_path, "order id,customer id,order date,quantity,unit price,discount", "1,a,2026-01-01,2,10,-5.00", "2,b,2026-01-02,2,10,-2.50")) == 32.5


def test_files_that_overlap_are_told_kept_and_read_once_only_when_told(tmp_path):
    export(tmp_path, ["2026-01-05", "2026-01-06", "2026-01-07"], name="orders-a.csv")
    (tmp_path / "orders-b.csv").write_text("Order No,Customer,Date,Total\n2,c0,2026-01-07,10.50\n3,c1,2026-01-08,10.50\n3,c1,2026-01-08,10.50\n")
    found = examine([tmp_path])
    assert "1 row stands in more than one of its 2 files" in as_text(found)
    assert found.shop.ledger["kept"].sum() == 6
    once = examine([tmp_path], {"overlap": "once"})
    assert 'overlap = "once"' in once.toml(tmp_path)
    assert once.shop.ledger[["file", "rows", "kept", "rejected"]].values.tolist() == [["orders-a.csv", 3, 3, 0], ["orders-b.csv", 3, 2, 1]]  # the two alike lines of one file are two lines
    assert once.shop.rejected("orders")[["file", "row", "reason"]].values.tolist() == [["orders-b.csv", 2, "the same row stands in an earlier file or sheet"]]


def test_overlap_is_once_or_all(tmp_path):
    export(tmp_path, ["2026-01-05"])
    (tmp_path / "retainkit.toml").write_text('[orders]\npath = "export.csv"\noverlap = "twice"\n')
    with pytest.raises(rk.RetainkitError, match=r"`overlap` is neither all nor once. Found: 'twice'. To fix it: overlap = .once."):
        rk.open_shop(tmp_path)


def test_points_that_may_stand_between_thousands_are_asked(tmp_path):
    path = export(tmp_path, ["2026-01-05", "2026-01-06"], amount="1.100")
    assert [q.key for q in examine([path]).open_questions] == ["decimal"]
    for mark, amount in ((".", 1.1), (",", 1100)):
        shop = examine([path], {"decimal": mark}).shop
        assert shop
        assert shop.sql("select min(amount) as a from all_orders")["a"][0] == pytest.approx(amount)


@pytest.mark.parametrize("amount", ["0.125", "1100.500", "1.5"])
def test_points_that_can_only_stand_before_decimals_are_not(tmp_path, amount):
    assert not examine([export(tmp_path, ["2026-01-05", "2026-01-06"], amount=amount)]).open_questions


def mixed_marks(tmp_path: Path, *amounts: str) -> Path:
    path = tmp_path / "export.csv"
    path.write_text("Order No,Customer,Date,Total\n" + "".join(f'{i},c{i % 2},2026-01-{i + 1:02},"{a}"\n' for i, a in enumerate(amounts)), encoding="utf-8")
    return path


def test_decimals_after_a_point_and_after_a_comma_in_one_column_are_each_read_by_their_own_mark(tmp_path):
    found = examine([mixed_marks(tmp_path, "1,285.60", "291,60", "12.50", "2.744,40", "7")])
    assert found.shop
    assert found.shop.sql("select amount from all_orders order by order_id")["amount"].astype(float).tolist() == [1285.6, 291.6, 12.5, 2744.4, 7]
    assert "amount               coalesce(read_number(\"Total\", '.'), read_number(\"Total\", ','))   likely: " in as_text(found)
    assert "decimals after a point in 2 of its values, and after a comma in 2" in as_text(found)


@pytest.mark.parametrize(("mark", "kept"), [(".", [1285.6, 1234]), (",", [291.6, 1.234])])
def test_a_mark_that_may_be_either_beside_both_is_asked_and_what_the_answer_does_not_fit_is_rejected(tmp_path, mark, kept):
    path = mixed_marks(tmp_path, "1,285.60", "291,60", "1,234")
    assert "'1,234' may hold thousands or decimals (decimals after a point in 1 of its values, and after a comma in 1: those that the answer does not fit" in as_text(examine([path]))
    shop = examine([path], {"decimal": mark}).shop
    assert shop
    assert shop.sql("select amount from all_orders order by order_id")["amount"].astype(float).tolist() == kept
    assert shop.rejected("orders")["reason"].tolist() == ["`amount` is not a number"]


def test_what_one_column_proves_of_decimals_counts_for_the_file(tmp_path):
    path = tmp_path / "lines.csv"
    path.write_text('Invoice;Customer;Date;Quantity;Total\n' + "".join(f"{i};c{i};2026-01-0{i};{i}.000;12,5{i}\n" for i in range(1, 5)), encoding="utf-8")
    found = examine([path])
    assert not found.open_questions
    assert found.shop.sql("select quantity from all_orders order by 1")["quantity"].tolist() == [1000, 2000, 3000, 4000]


def test_a_trimmed_column_is_its_text_though_it_looks_like_a_number(tmp_path):
    rows = "".join(f"{i},007,2026-01-05,1.100\n" for i in range(30_000)) + '30000,007,2026-01-05,"1.100,50"\n'  # the odd one comes after what the engine samples
    (tmp_path / "lines.csv").write_text("no,who,day,total\n" + rows)
    (tmp_path / "retainkit.toml").write_text("""[orders]\npath = "lines.csv"\norder_id = "no"\nordered_at = "day"\ncustomer_id = '''nullif(trim("who"), '')'''
        amount = '''cast(replace(replace(trim("total"), '.', ''), ',', '.') as double)'''\n""")
    shop = rk.open_shop(tmp_path)
    assert shop.sql("select distinct amount from all_orders order by 1")["amount"].tolist() == [1100, 1100.5]
    assert shop.sql("select customer_id from ids")["customer_id"].tolist() == ["007"]


@pytest.mark.parametrize("nobody", ["NULL", "nan", "None", "N/A", r"\N", "<NA>"])
def test_what_programs_write_for_nobody_is_no_customer(tmp_path, nobody):
    (tmp_path / "orders.csv").write_text(f"order_id,customer_id,ordered_at,amount\n1,ann,2026-01-05,5\n2,{nobody},2026-01-06,5\n3,Nan Smith,2026-01-06,5\n")
    rejected = rk.open_shop(tmp_path).rejected("orders")
    assert rejected[["row", "reason", "found"]].values.tolist() == [[3, "`customer_id` is empty (a guest?)", nobody]]


def shop_of(tmp_path: Path, rows: list[str], head: str = "order_id,customer_id,ordered_at,amount") -> Path:
    path = tmp_path / "orders.csv"
    path.write_text(head + "\n" + "\n".join(rows) + "\n")
    return path


@pytest.mark.parametrize(("who", "share"), [("Guest", 0.03), ("0", 0.03), ("77", 0.3)])
def test_a_customer_who_stands_for_many_is_said_and_what_to_type_works(tmp_path, who, share):
    usual = [f"{i},00{i % 50},2026-01-{i % 28 + 1:02},5" for i in range(1000)]
    path = shop_of(tmp_path, [*usual, *(f"x{i},{who},2026-01-{i % 28 + 1:02},5" for i in range(int(1000 * share)))])
    said = next(line for line in dict(sections(examine([path])))["Customers"] if "stands for buyers" in line)
    assert f"the customer {who} has {int(1000 * share)} of {1000 + int(1000 * share):,} lines" in said
    line = said.split("all the time: ")[1].split(" leaves")[0]
    (tmp_path / "retainkit.toml").write_text(f'[orders]\npath = "orders.csv"\n{line}\n')
    shop = rk.open_shop(tmp_path)
    assert shop.ledger[["kept", "rejected"]].values.tolist() == [[1000, int(1000 * share)]]
    assert shop.sql("select min(customer_id) as c from ids")["c"][0] == "000"  # other numbers stay as written


def test_a_good_customer_stands_for_nobody_else(tmp_path):
    path = shop_of(tmp_path, [*(f"{i},c{i % 50},2026-01-{i % 28 + 1:02},5" for i in range(1000)), *(f"x{i},c7,2026-01-{i % 28 + 1:02},5" for i in range(60))])
    assert "stands for" not in as_text(examine([path]))


@pytest.mark.parametrize(("odd", "words"), [("1925-06-01", "only 1 of 301 lines lie before it: mistyped days? With them, months and cohorts of years without a shop are counted. To do without: --history-start 2026-01-01"),
                                            ("2026-11-20", "only 1 of 301 lines lie after it: mistyped days? With them, months and cohorts of years without a shop are counted. To do without: --as-of 2026-02-28")])
def test_a_mistyped_day_far_from_all_others_is_said_with_what_to_type(tmp_path, odd, words):
    days = pd.date_range("2026-01-01", "2026-02-28").strftime("%Y-%m-%d").tolist()
    path = shop_of(tmp_path, [*(f"{i},c{i % 50},{days[i % len(days)]},5" for i in range(300)), f"x,c1,{odd},5"])
    assert words in "\n".join(dict(sections(examine([path])))["Calendar"])
    flag, day = words.split("--")[1].split()
    assert "mistyped" not in "\n".join(dict(sections(examine([path], {flag: day})))["Calendar"])


def test_what_is_not_looked_at_is_said_a_line_each_kind(tmp_path):
    export(tmp_path, ["2026-01-05", "2026-01-06"])
    for name in ("2024", "2025"):
        (tmp_path / name).mkdir()
    for name in ("notes.docx", "a.zip", "p.parquet.gz", ".DS_Store"):
        (tmp_path / name).write_bytes(b"x")
    found = examine([tmp_path])
    assert found.passed == ["2 folders (2024, 2025): name them too if they belong to it", "a.zip, p.parquet.gz: unpack first", "notes.docx: of a kind that is not read"]
    assert "  not looked at: notes.docx: of a kind that is not read\n" in as_text(found)
    assert [said[:12] for said in examine([tmp_path, tmp_path / "2024"]).passed] == ["1 folder (20", "a.zip, p.par", "notes.docx: "]
    with pytest.raises(rk.RetainkitError, match=r"holds no file that can be read\. Found: notes\.docx: of a kind"):
        examine([tmp_path / "notes.docx"])


def test_one_is_said_as_one(tmp_path):
    said = as_text(examine([table(tmp_path, "order_id,customer_id,ordered_at,amount,kind,note", "1,ann,2026-01-05,5,x,y"), table(tmp_path, "a", "1", name="one.csv")]))
    assert "one.csv: 1 row, 1 column; is not used" in said
    assert "orders: 1 row read = 1 kept + 0 rejected" in said
    assert "1 different customer by `customer_id`, in rows kept and rejected alike" in said
    assert " 1 rows" not in said
    assert " 1 columns" not in said


@pytest.mark.parametrize(("words", "code"), [(["check", "{}"], 141), (["check", "nothing-here"], 2), (["--help"], 0)])  # argparse minds nothing
def test_a_reader_that_goes_away_ends_a_command_without_a_word(tmp_path, words, code):
    """As `retainkit check exports | head -3` does, with what is said on stderr too."""
    path = export(tmp_path, ["2026-01-05", "2026-01-06"])
    reads, writes = os.pipe()
    os.close(reads)
    aside = subprocess.PIPE if words[-1] == "{}" else writes
    done = subprocess.run([sys.executable, "-m", "retainkit.cli", *(w.format(path) for w in words)], stdout=writes, stderr=aside, text=True, check=False)
    os.close(writes)
    assert (done.returncode, done.stderr or "") == (code, "")


def test_customers_are_counted_for_what_they_are(tmp_path):
    found = examine([table(tmp_path, "order_id,customer_id,ordered_at,amount", *[f"{i},{'ann' if i % 2 else 'cy'},2026-01-{i + 10},5" for i in range(15)], "99,bob,never,5")])
    assert found.shop
    assert found.shop.sql("select count(distinct customer) as n from all_orders")["n"].item() == 2
    assert "orders.csv: 3 different customers by `customer_id`, in rows kept and rejected alike" in as_text(found)


@pytest.mark.parametrize(("head", "values", "line"), [
    ("Product", [f"Tea {n}" for n in range(30)], "Product"), ("SKU", ["A-1", "B-2"], "SKU"), ("Item", ["Cup", "Pan"], "Item"),
    ("Product", [f"Tea {n}" for n in range(61)], ""), ("Item", ["1", "2", "3"], ""), ("Product price", ["5", "6"], ""), ("Product No", ["A-1", "B-2"], "")])
def test_products_are_taken_for_lines_where_they_are_few_and_as_a_guess(tmp_path, head, values, line):
    """An item that is a number is the place of a line in its order; hundreds of products are no groups."""
    rows = [f"{i},c{i % 5},2026-01-{i % 28 + 1:02},10,{values[i % len(values)]}" for i in range(200)]
    [orders] = examine([table(tmp_path, f"order_id,customer_id,order_date,amount,{head}", *rows)]).proposals
    assert orders.lines.get("product_line", "") == line
    assert not line or orders.why["product_line"] == ("a guess", f"{len(values)} products, few enough to be taken for groups of products")
    rows = [f"{row},{'Food' if i % 2 else 'Tools'}" for i, row in enumerate(rows)]
    [orders] = examine([table(tmp_path, f"order_id,customer_id,order_date,amount,{head},Category", *rows)]).proposals
    assert orders.lines["product_line"] == "Category"


def test_a_file_named_twice_is_read_once(tmp_path):
    path = export(tmp_path, ["2026-01-05", "2026-01-06"])
    found = examine([tmp_path, path, tmp_path / "." / path.name])
    assert found.looks[0].rows == 2
    assert not found.questions


@pytest.mark.parametrize("kind", ["xlsx", "parquet", "jsonl"])
def test_parts_that_lack_a_column_are_read_whatever_they_are_written_in(tmp_path, kind):
    frame = pd.DataFrame({"order_id": range(6), "customer_id": ["a", "b"] * 3, "ordered_at": pd.date_range("2026-01-01", periods=6), "amount": 5.5, "quantity": 2})
    for i, part in enumerate((frame[:3].drop(columns="quantity"), frame[3:])):
        {"xlsx": lambda p, to: p.to_excel(to, index=False), "parquet": lambda p, to: p.to_parquet(to), "jsonl": lambda p, to: p.assign(ordered_at=p["ordered_at"].astype(str)).to_json(to, orient="records", lines=True)}[kind](
            part, tmp_path / f"orders_{i}.{kind}")
    found = examine([tmp_path])
    assert found.shop, found.trouble
    assert found.looks[0].lacking == {f"orders_0.{kind}": ["quantity"]}
    assert found.shop.sql("select count(*) as n, count(quantity) as q, sum(amount) as a from all_orders").astype(float).values.tolist() == [[6, 3, 33]]


def settled(found: Examined, what: str) -> list[tuple[str, int]]:
    assert found.shop, found.trouble
    table = "orders" if what == "status" else "deals"
    return found.shop.sql(f"select {what} as w, count(*) as n from all_{table} group by 1 order by 1").astype({"w": str}).apply(tuple, axis=1).tolist()


def test_a_word_that_is_undone_is_not_that_word(tmp_path):
    words = ["paid", "paid", "Not paid", "No refund", "Refund declined", "Payment failed - retried OK", "nicht bezahlt", "Payment failed", "Not completed"]
    found = examine([table(tmp_path, "order_id,customer_id,ordered_at,amount,payment_status", *[f"{i},c{i},2026-01-0{i + 1},5,{w}" for i, w in enumerate(words)])])
    assert settled(found, "status") == [("cancelled", 1), ("paid", 4)]
    assert set(found.shop.rejected("orders")["found"]) == {"Not paid", "Payment failed - retried OK", "nicht bezahlt", "Not completed"}
    assert "not paid" in next(q.text for q in found.questions if q.key == "status")


def test_a_deal_that_is_not_won_yet_is_open_and_words_nobody_knows_are_said(tmp_path):
    stages = ["Closed Won", "Closed Lost", "Not Won Yet", "Lost - no budget", "Parked"]
    found = examine([table(tmp_path, "deal_id,account,owner,created,closed,stage,value", *[f"{i},a{i},Ann,2026-01-0{i + 1},2026-02-0{i + 1},{s},9.5" for i, s in enumerate(stages)], name="deals.csv")])
    assert settled(found, "outcome") == [("lost", 2), ("open", 2), ("won", 1)]
    assert found.shop.sql("select count(closed_on) as n from deals")["n"].item() == 3
    assert "read as open: Not Won Yet, Parked" in as_text(found)


@pytest.mark.parametrize("nothing", ["ongoing", "-", "n/a", "Active", "9999-12-31", "31.12.9999"])
@pytest.mark.parametrize("form", ["%Y-%m-%d", "%d.%m.%Y"])
def test_what_stands_where_there_is_no_day_is_empty(tmp_path, nothing, form):
    rows = [f"a{i},{pd.Timestamp(2025, 1, i + 1):{form}},{nothing if i % 3 else f'{pd.Timestamp(2026, 1, 20):{form}}'},20.5" for i in range(28)]
    found = examine([table(tmp_path, "Account,Start Date,End Date,MRR", *rows, name="contracts.csv")])
    assert found.shop, found.trouble
    assert found.shop.ledger["rejected"].sum() == 0
    assert found.shop.sql("select count(ended_on) as n from all_contracts")["n"].item() == 10
    assert f"empty where it says {nothing}" in as_text(found)


ORDERS = ("order_id,customer_id,ordered_at,amount", *[f"{i},c{i % 3},2026-01-{i + 1:02},5" for i in range(9)])


@pytest.mark.parametrize("score", ["How likely are you to recommend us to a friend or colleague?", "nps_score"])
def test_a_survey_with_a_start_and_an_end_is_no_contracts_but_responses(tmp_path, score):
    table(tmp_path, *ORDERS)
    table(tmp_path, f"Response ID,StartDate,EndDate,Customer ID,{score}", *[f"R{i},2025-12-{i + 1:02} 10:00,2025-12-{i + 1:02} 10:07,c{i % 3},{i}" for i in range(11)], name="survey.csv")
    found = examine([tmp_path], {"tz": "UTC"})
    assert [p.table for p in found.proposals] == ["orders", "responses"]
    assert found.proposals[1].why["kind"][0] == "a guess"
    assert str(found.shop.as_of) == "2026-01-09"
    assert found.shop.sql("select kind, count(*) as n, sum(score) as s from responses group by 1").astype(object).values.tolist() == [["customer", 11, 55]]


def test_scores_that_nobody_calls_after_recommending_are_no_responses(tmp_path):
    table(tmp_path, *ORDERS)
    table(tmp_path, "customer_id,date,rating", *[f"c{i % 3},2026-02-{i + 1:02},{i}" for i in range(11)], name="reviews.csv")
    assert "reviews.csv: 11 rows, 3 columns; is not used: to be responses, it lacks a column for `kind` (who was asked)" in as_text(examine([tmp_path]))


@pytest.mark.parametrize(("name", "head", "contracts"), [("sessions.csv", "user_id,start,end", False), ("newsletter.csv", "customer_id,start_date,end_date", False),
                                                        ("subscriptions.csv", "user_id,start,end", True), ("list.csv", "customer_id,start_date,end_date,plan", True), ("list.csv", "customer_id,start_date,end_date,mrr", True)])
def test_a_start_and_an_end_are_contracts_only_where_something_says_so(tmp_path, name, head, contracts):
    table(tmp_path, *ORDERS)
    table(tmp_path, head, *[f"c{i % 3},2025-01-{i + 1:02},2025-03-0{i + 1},5" if head.count(",") == 3 else f"c{i % 3},2025-01-{i + 1:02},2025-03-0{i + 1}" for i in range(9)], name=name)
    found = examine([tmp_path])
    assert ("contracts" in [p.table for p in found.proposals]) == contracts
    assert ("is not used: to be contracts, it lacks a column for `contract_id` (the contract)" in as_text(found)) != contracts


def test_a_file_that_is_not_used_says_which_needed_column_it_lacks(tmp_path):
    found = examine([table(tmp_path, "Order No,Customer,Date,Shelf", *[f"{i},c{i % 3},2026-01-0{i + 1},x" for i in range(6)], name="export.csv")])
    assert "export.csv: 6 rows, 4 columns; is not used: to be orders, it lacks a column for `amount` (price paid for the line)" in as_text(found)
@pytest.mark.parametrize(("column", "values"), [("quantity", ["1 pcs", "2 pcs", "3 pcs"]), ("order_type", ["web", "phone", "web"]), ("refunded_at", ["-", "n/a", "none yet"])])
def test_a_column_of_a_known_name_that_holds_something_else_is_not_read_and_said_so(tmp_path, column, values):
    path = table(tmp_path, f"order_id,customer_id,ordered_at,amount,{column}", *(f"{i},c{i % 2},2026-01-0{i + 1},10,{v}" for i, v in enumerate(values)))
    found = examine([path])
    assert "(not the column of that name)" in as_text(found)
    assert cli.main(["init", str(tmp_path / "p"), "--from", str(path)]) == 0
    assert f'{column} = ""' in (tmp_path / "p" / "retainkit.toml").read_text()
    shop = rk.open_shop(tmp_path / "p")
    assert (shop.ledger["kept"].item(), shop.has(f"orders.{column}")) == (3, False)


@pytest.mark.parametrize("values", [["1", "2", "3"], ["Complete", "parked", "quote"]])
def test_a_status_of_unknown_words_is_asked_and_one_answer_opens_it(tmp_path, values):
    path = table(tmp_path, "order_id,customer_id,ordered_at,amount,status", *(f"{i},c{i % 2},2026-01-0{i + 1},10,{v}" for i, v in enumerate(values)))
    found = examine([path])
    assert [q.key for q in found.open_questions] == ["status"]
    assert "columns not used" not in as_text(found)
    assert revenue(path, {"status": "paid"}) == 30
    shop = examine([path], {"status": "cancelled"}).shop
    assert shop
    assert shop.sql("select count(case when status = 'paid' then 1 end) as n from all_orders")["n"][0] == (values[0] == "Complete")


def test_unknown_words_of_a_status_are_answered_one_by_one(tmp_path):
    words = ["paid"] * 4 + ["parked"] * 3 + ["on fire (new)"] * 2 + ["lost in post"]
    path = table(tmp_path, "order_id,customer_id,ordered_at,amount,status", *(f"{i},c{i % 2},2026-01-{i + 10},10,{w}" for i, w in enumerate(words)))
    asked = examine([path]).open_questions[0]
    assert "`status` is parked (3), on fire (new) (2), lost in post (1) in 6 rows" in asked.text
    assert asked.answers[1:3] == ('--answer "status:parked=WHAT-IT-IS"', '--answer "status:on fire (new)=WHAT-IT-IS"')
    part = examine([path], {"status:parked": "paid"})
    assert "`status` is on fire (new) (2), lost in post (1) in 3 rows" in part.open_questions[0].text
    answers = {"status:parked": "paid", "status:on fire (new)": "cancelled", "status": "out"}
    found = examine([path], answers)
    assert not found.open_questions
    assert settled(found, "status") == [("cancelled", 2), ("paid", 7)]
    assert found.shop.rejected("orders")["found"].tolist() == ["lost in post"]
    assert "--answer status:parked=paid --answer 'status:on fire (new)=cancelled' --answer status=out" in as_text(found)
    assert "left as they are, and rejected" not in as_text(found)
    with pytest.raises(rk.RetainkitError, match=r"--answer status:parked: is not one of its answers\. Found: 'bought'\. To fix it: --answer status:parked=out"):
        examine([path], {"status:parked": "bought"})
    with pytest.raises(rk.RetainkitError, match="`returns:x` is nothing that is asked"):
        examine([path], {"returns:x": "out"})


def test_a_column_that_is_empty_so_far_is_read_once_it_is_filled(tmp_path):
    head = "order_id,customer_id,ordered_at,amount,product_line"
    path = table(tmp_path, head, "1,ann,2026-01-01,10,", "2,bob,2026-01-02,10,")
    assert cli.main(["init", str(tmp_path / "p"), "--from", str(path)]) == 0
    table(tmp_path, head, "1,ann,2026-01-01,10,tea", "2,bob,2026-01-02,10,")
    assert rk.open_shop(tmp_path / "p").has("orders.product_line")


def contracts_of(found: Examined) -> list[list[object]]:
    assert found.shop, found.trouble
    sql = "select contract_id as k, cast(started_on as varchar) as a, cast(ended_on as varchar) as b, cast(monthly_value as double) as m from all_contracts order by 1"
    return found.shop.sql(sql).astype(object).where(lambda t: t.notna(), None).values.tolist()


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%d.%m.%Y"])
def test_the_history_of_a_contract_is_asked_and_made_one(tmp_path, form):
    """By hand: a trial that becomes a plan that changes and is cancelled; one that runs; one that stays a trial; one that ends without a word."""
    day = lambda m, d=1: f"{pd.Timestamp(2025, m, d):{form}}"  # noqa: E731
    rows = [f"k1,a,trialing,{day(1, 18)},{day(2)},0", f"k1,a,active,{day(2)},{day(5)},30", f"k1,a,active,{day(5)},{day(9)},40", f"k1,a,canceled,{day(9)},,0",
            f"k2,b,trialing,{day(3, 18)},{day(4)},0", f"k2,b,active,{day(4)},,20", f"k3,c,trialing,{day(3, 25)},{day(6)},0", f"k4,d,active,{day(1)},{day(3)},10", f"k4,d,active,{day(3)},{day(7)},15"]
    path = table(tmp_path, "subscription_id,customer_id,status,start_date,end_date,mrr", *rows[::-1], name="history.csv")
    found = examine([path])
    assert [q.key for q in found.open_questions] == ["history"]
    assert "4 contracts have 9 rows, and one row each is needed" in as_text(found)
    whole = examine([path], {"history": "whole"})
    assert not whole.open_questions
    assert contracts_of(whole) == [["k1", "2025-02-01", "2025-09-01", 40], ["k2", "2025-04-01", None, 20], ["k4", "2025-01-01", "2025-07-01", 15]]
    first = examine([path], {"history": "first"})
    assert "3 rows are trials or never became a contract (trialing): left out" in as_text(first)
    assert first.shop.ledger["kept"].sum() == 3


def test_a_history_in_several_files_is_not_made_one(tmp_path):
    for n in (1, 2):
        table(tmp_path, "contract_id,customer_id,start_date,end_date,mrr", *[f"k{i},c{i},2025-01-0{i + 1},2025-0{n + 2}-01,5" for i in range(6)], name=f"contracts_0{n}.csv")
    found = examine([tmp_path])
    assert [q.answers for q in found.open_questions if q.key == "history"] == [("--answer history=first",)]
    with pytest.raises(rk.RetainkitError, match="reads histories of one file only"):
        examine([tmp_path], {"history": "whole"})


def test_trials_are_no_contracts_and_what_is_cancelled_without_a_day_is_said_with_a_line_that_works(tmp_path):
    rows = [f"s{i},c{i},{s},2025-01-0{i + 1},2025-0{i + 2}-15,20" for i, s in enumerate(["canceled", "active", "Canceled", "trialing", "incomplete_expired", "active"])]
    path = table(tmp_path, "subscription_id,customer_id,status,start_date,current_period_end,mrr", *rows, name="subscriptions.csv")
    found = examine([path])
    said = as_text(found)
    assert "2 rows are trials or never became a contract (incomplete_expired, trialing): left out" in said
    assert "2 rows say canceled in `status`, and no column says since when: they count as running, so that churn cannot be known" in said
    assert [row[2] for row in contracts_of(found)] == [None] * 4
    line = said.split("ended_at = '''")[1].split("'''")[0]
    (tmp_path / "retainkit.toml").write_text(found.toml(tmp_path) + f"ended_at = '''{line}'''\n", encoding="utf-8")
    assert rk.open_shop(tmp_path).sql("select cast(ended_on as varchar) as d from all_contracts order by contract_id")["d"].astype(object).where(lambda d: d.notna(), None).tolist() == ["2025-02-15", None, "2025-04-15", None]


def test_deals_that_are_won_without_a_day_are_said(tmp_path):
    found = examine([table(tmp_path, "deal_id,account,owner,created,stage,value", *[f"{i},a{i},Ann,2026-01-0{i + 1},{s},9" for i, s in enumerate(["Closed Won", "Closed Lost", "Proposal"])], name="deals.csv")])
    assert "2 deals are won or lost, and no column was recognised as the day it was: all count as open" in as_text(found)


@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize("words", [("sale", "refund"), ("Rechnung", "Gutschrift"), ("Invoice", "Credit note")])
def test_rows_that_are_called_refunds_are_below_zero(tmp_path, words, sign):
    rows = [f"{i},c{i % 3},2026-01-{i + 1:02},{words[0]},10" for i in range(9)] + [f"{i},c{i % 3},2026-01-2{i},{words[1]},{sign}4" for i in range(3)]
    assert revenue(table(tmp_path, "order_id,customer_id,date,type,amount", *rows)) == 90 - 12


def test_refunds_in_a_column_of_money_a_flag_or_a_day(tmp_path):
    """Four of each of nine orders of 10: money is taken off, a flag and a day say what became of the order."""
    assert revenue(table(tmp_path, "order_id,customer_id,date,Total,Refunded,Refund Date", *[f"{i},c{i % 3},2026-01-{i + 1:02},10,{2.5 * (i < 4)},{'2026-02-01' * (i < 4)}" for i in range(9)])) == 80
    for head, yes, no in (("refunded", "yes", "no"), ("refunded", "1", "0"), ("refunded_at", "2026-01-09", "-")):
        path = table(tmp_path, f"order_id,customer_id,date,amount,{head}", *[f"{i},c{i % 3},2026-01-{i + 1:02},10,{yes if i < 4 else no}" for i in range(9)])
        assert revenue(path) == 50
        assert "4 of 9 lines are refunded" in as_text(examine([path]))
    both = table(tmp_path, "order_id,customer_id,date,amount,is_cancelled,refunded", *[f"{i},c{i % 3},2026-01-{i + 1:02},10,{int(i == 0)},{'yes' if i < 4 else 'no'}" for i in range(9)])
    assert settled(examine([both]), "status") == [("cancelled", 1), ("paid", 5), ("refunded", 3)]


@pytest.mark.parametrize("lines", [1, 2])
def test_a_file_of_refunds_is_said_with_lines_that_take_them_off(tmp_path, lines):
    table(tmp_path, "order_id,customer_id,date,amount", *[f"{i},c{i % 3},2026-01-{i + 1:02},10.55" for i in range(9) for _ in range(lines)])
    table(tmp_path, "refund_id,order_id,refund_date,refund_amount", "1,3,2026-02-01,4.05", "2,5,2026-02-01,1.10", name="refunds.csv")
    found = examine([tmp_path])
    said = as_text(found)
    assert "refunds.csv: 2 rows, 4 columns; is not used: money given back stands in it (2 rows), and is not taken off" in said
    line = said.split("amount = '''")[1].split("'''")[0]
    text = found.toml(tmp_path).replace('amount = "amount"', f"amount = '''{line}'''")
    (tmp_path / "retainkit.toml").write_text(f'{text}\n[[orders.join]]\npath = "refunds.csv"\non = "order_id"\n', encoding="utf-8")
    assert float(rk.open_shop(tmp_path).sql("select sum(amount) as x from orders")["x"].item()) == pytest.approx(lines * 9 * 10.55 - 5.15, abs=1e-9)


def test_a_file_of_returns_is_said_with_lines_that_count_its_rows(tmp_path):
    table(tmp_path, "order_id,customer_id,ordered_at,amount", *[f"{i},c{i % 3},2026-01-{i + 1:02},10.55" for i in range(9)])
    table(tmp_path, "return_id,order_id,customer_id,return_date,amount", "1,3,c0,2026-01-08,4.05", "2,3,c0,2026-01-09,1.10", name="returns.csv")
    found = examine([tmp_path])
    said = as_text(found).split("To count its rows as money given back: ")[1]
    path, day, amount = said.split(", missing")[0], said.split("ordered_at = ")[1].split(" and ")[0], said.split(" and amount = ")[1].split("\n")[0]
    text = found.toml(tmp_path).replace('path = "orders.csv"', f'{path}\nmissing = "empty"').replace('amount = "amount"', f"amount = {amount}").replace('ordered_at = "ordered_at"', f"ordered_at = {day}")
    (tmp_path / "retainkit.toml").write_text(text, encoding="utf-8")
    shop = rk.open_shop(tmp_path)
    assert float(shop.sql("select sum(amount) as x from orders")["x"].item()) == pytest.approx(9 * 10.55 - 5.15, abs=1e-9)
    assert shop.ledger["rejected"].sum() == 0


@pytest.mark.parametrize(("head", "name"), [("order_id,customer_id", "customer_id"), ("customer_id,order_id", "order_id")])
def test_numbers_that_a_spreadsheet_shortened_are_said_to_be_lost(tmp_path, head, name):
    said = as_text(examine([table(tmp_path, f"{head},ordered_at,amount", *(f"{i},4.90E+12,2026-01-0{i},5" for i in range(1, 7)))]))
    assert f"orders.csv: `{name}` is a number such as 4.90E+12 in 6 of 6 rows (1 different one): its last digits are lost" in said
    assert "digits are lost" not in as_text(examine([table(tmp_path, f"{head},ordered_at,amount", *(f"{i},4E12,2026-01-0{i},5" for i in range(1, 7)))]))


def test_customers_are_counted_as_the_shop_counts_them(tmp_path):
    found = examine([table(tmp_path, "order_id,customer_id,ordered_at,amount", "1,17850.0,2026-01-01,5", "2,17850,2026-01-02,5", "3, 17851,2026-01-03,5", "4,nan,2026-01-04,5")])
    assert "orders.csv: 2 different customers by `customer_id`" in as_text(found)


def test_an_overlap_of_much_must_be_answered_and_says_what_each_answer_keeps(tmp_path):
    for n in (1, 2, 3):
        export(tmp_path, [f"2026-01-{i + 1:02}" for i in range(8 * n)], name=f"export_{n}.csv")
    found = examine([tmp_path])
    assert [q.key for q in found.open_questions] == ["overlap"]
    assert "24 rows stand in more than one of its 3 files; once keeps 24 of 48 rows, all keeps every one" in as_text(found)
    assert [examine([tmp_path], {"overlap": answer}).shop.ledger["kept"].sum() for answer in ("once", "all")] == [24, 48]
    assert "other values" not in as_text(found)


def test_an_overlap_of_little_may_be_left(tmp_path):
    export(tmp_path, [f"2026-01-{i % 28 + 1:02}" for i in range(30)], name="export_1.csv")
    table(tmp_path, "Order No,Customer,Date,Total", "29,c1,2026-01-02,10.50", *[f"{i},c{i % 2},2026-02-{i % 28 + 1:02},10.50" for i in range(30, 50)], name="export_2.csv")
    found = examine([tmp_path])
    assert not found.open_questions
    assert "(may be left) export_1.csv and 1 more: 1 row stands in more than one of its 2 files; once keeps 50 of 51 rows, all keeps every one. All are kept until you say once" in as_text(found)


@pytest.mark.parametrize(("head", "kept"), [("order_id,customer_id,ordered_at,amount,status", "every version is counted"), ("deal_id,account,owner,created,stage,close date", "the first is kept, which is that of the earlier file (export_1.csv first)")])
@pytest.mark.parametrize(("gone", "mend"), [(False, "export_2.csv has all of them: name that file alone"), (True, "name only files that say each once, the newest first of all")])
def test_what_a_later_file_says_otherwise_is_said(tmp_path, head, kept, gone, mend):
    for n in (1, 2):
        words, price = (("paid", "refunded"), "5,") if head.startswith("order") else (("Closed Won", "Closed Lost"), "")
        rows = [f"{i},c{i % 3},2026-01-0{i + 1},{price}{words[n == 2 and i in (2, 4)]}" for i in range(8)]
        if not price:
            rows = [f"{i},c{i % 3},Ann,2026-01-0{i + 1},{words[i % 2 if n == 1 or i not in (2, 4) else 1]},2026-02-01" for i in range(8)]
        table(tmp_path, head, *rows[gone and n == 2:], name=f"export_{n}.csv")
    said = as_text(examine([tmp_path], {"overlap": "once"}))
    assert f"export_1.csv and 1 more: 2 {head.split('_')[0]}s stand in more than one file with other values (2, for example); {kept}. If a later file brings the earlier up to date: {mend}" in said
    assert "of those of several files one is kept" in said


@pytest.mark.parametrize("head", ["refund_id", "refunded_quantity", "refund count"])
def test_a_number_of_a_refund_is_no_money(tmp_path, head):
    assert revenue(table(tmp_path, f"order_id,customer_id,date,amount,{head}", *[f"{i},c{i % 3},2026-01-{i + 1:02},10,{3 + i}" for i in range(9)])) == 90


def test_a_file_of_returns_is_not_taken_for_the_orders_beside_it(tmp_path):
    head, rows = "order_id,customer_id,date,amount", [f"{i},c{i % 3},2026-01-{i + 1:02},10" for i in range(9)]
    table(tmp_path, head, *rows, name="sales.csv")
    table(tmp_path, f"return_id,{head}", *[f"r{row}" for row in (f"1,{rows[0]}", f"2,{rows[3]}")], name="returns.csv")
    found = examine([tmp_path])
    assert found.proposals[0].look.name == "sales.csv"
    assert "returns.csv: 2 rows, 5 columns; is not used: money given back stands in it" in as_text(found)


def test_rows_and_a_status_that_both_speak_of_refunds_are_said(tmp_path):
    rows = [f"{i},c{i % 3},2026-01-{i + 1:02},sale,10,{'refunded' if i < 2 else 'paid'}" for i in range(9)] + ["0,c0,2026-01-20,refund,10,paid"]
    found = examine([table(tmp_path, "order_id,customer_id,date,type,amount,status", *rows)])
    assert "`type` and `status` both speak of refunds: where a sale that is called refunded has a row of its refund as well, the money is taken off twice" in as_text(found)


def test_the_kind_of_a_subscription_is_not_its_number(tmp_path):
    found = examine([table(tmp_path, "Customer,Subscription,Start Date,End Date,MRR", *[f"c{i},{'Pro' if i % 2 else 'Basic'},2025-01-{i + 1:02},,5" for i in range(9)], name="export.csv")])
    assert not found.questions
    assert len(contracts_of(found)) == 9


@pytest.mark.parametrize(("status", "flag", "kept"), [("paid", "refunded", 60), ("paid", "is_cancelled", 60), ("cancelled", "is_cancelled", 80)])
def test_a_flag_says_what_the_words_of_the_status_do_not(tmp_path, status, flag, kept):
    """Three of nine orders have the flag; the status of one other says cancelled where it knows the word."""
    rows = [f"{i},c{i % 3},2026-01-{i + 1:02},10,{status if i == 8 else 'paid'},{'yes' if i < 3 else 'no'}" for i in range(9)]
    path = table(tmp_path, f"order_id,customer_id,date,amount,status,{flag}", *rows)
    assert revenue(path) == kept
    assert ("columns not used" in as_text(examine([path]))) == (status == "cancelled")


def test_a_row_that_is_closed_is_a_stretch_of_its_contract_where_it_has_a_start_and_a_later_end(tmp_path):
    rows = ["k1,a,Closed,2025-01-10,2025-06-01,20", "k2,b,Renewed,2025-01-10,2025-03-01,30", "k2,b,Closed,2025-03-01,2025-05-01,0", "k3,c,Open,2025-02-01,,40", "k4,d,Closed,2025-03-01,,20"]
    path = table(tmp_path, "contract_id,account,status,start_date,end_date,mrr", *rows, name="contracts.csv")
    found = examine([path], {"history": "whole"})
    assert contracts_of(found) == [["k1", "2025-01-10", "2025-06-01", 20], ["k2", "2025-01-10", "2025-05-01", 30], ["k3", "2025-02-01", None, 40]]
    assert "1 contract has no row but trials and cancellations: left out" in as_text(found)


def test_a_history_whose_rows_all_begin_with_the_contract_ends_with_its_cancelled_row(tmp_path):
    rows = [f"k{i},a{i},{s},2025-01-01,{e},20" for i in range(6) for s, e in (("canceled", "2025-05-01"), ("active", ""))]
    path = table(tmp_path, "contract_id,account,status,start_date,end_date,mrr", *rows, name="contracts.csv")
    assert contracts_of(examine([path], {"history": "whole"})) == [[f"k{i}", "2025-01-01", "2025-05-01", 20] for i in range(6)]


@pytest.mark.parametrize("odd", [None, "2026-01-20", "1/5/2026"])
def test_days_that_a_spreadsheet_took_the_wrong_way_round_are_turned_back_where_all_of_them_show_it(tmp_path, odd):
    """By hand: days of a month-first export; up to the 12th they became dates with day and month changed for each other."""
    days = [date(2026, m, d) for m in (1, 2, 3) for d in range(3, 28, 2)]
    written = [f"{d:%Y-%d-%m}" if d.day <= 12 else f"{d.month}/{d.day}/{d.year}" for d in days]
    found = examine([export(tmp_path, written + [odd] * (odd is not None))])
    assert ("they are turned back" in as_text(found)) == (odd is None)
    if not odd:
        assert days_of(found) == [f"{d}" for d in days]
