"""What bad input gets: it works, or one clear error of four parts, or rejected rows with a reason. Never a traceback of a library."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import shlex
import subprocess
import tomllib
from html import escape
from pathlib import Path

import pandas as pd
import pytest

import retainkit as rk
from retainkit import cli
from retainkit.check.examine import examine
from retainkit.load import marks, recode
from retainkit.report import cards
from retainkit.show.begin import in_parts, read_and_left_out, show_ledger

GOOD = "order_id,customer_id,ordered_at,amount\n1,ann,2026-01-01,10\n2,ann,2026-02-01,20\n3,bob,2026-01-15,5\n"


def folder_with(tmp_path: Path, text: str | bytes, name: str = "orders.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return tmp_path


def refused(source, *words: str, **facts) -> rk.RetainkitError:
    """The error, which must be ours, name its place and say what to type."""
    with pytest.raises(rk.RetainkitError) as caught:
        rk.open_shop(source, **facts).sql("select count(*) from days")
    error = caught.value
    assert error.where
    assert error.wrong
    assert error.remedy
    for word in words:
        assert word in str(error)
    return error


def reasons(shop: rk.Shop, table: str = "orders") -> list[tuple[int, str]]:
    ledger = shop.ledger.set_index("table")
    assert (ledger.rows == ledger.kept + ledger.rejected).all()
    assert len(shop.rejected(table)) == ledger.rejected[table]
    return shop.rejected(table)[["row", "reason"]].values.tolist()


def test_a_missing_folder_is_named_with_what_is_beside_it(tmp_path):
    (tmp_path / "orders_old.csv").write_text("x")
    refused(tmp_path / "nowhere", "does not exist", "orders_old.csv")


def test_the_sample_is_thought_of_where_it_is_nearly_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert 'or "sample"' in refused("nowhere", "does not exist").remedy
    (tmp_path / "expotrs").mkdir()
    assert refused("exports", "does not exist").remedy.startswith("expotrs, ")
    error = refused("Sample", "does not exist")
    assert rk.open_shop(error.remedy.split(",")[0]).name == "sample"


def test_a_single_file_says_what_is_typed_on_the_command_line_instead(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop").mkdir()
    file = folder_with(tmp_path / "shop", GOOD) / "orders.csv"
    error = refused(file, "is a single file")
    assert rk.open_shop(error.remedy.split(",")[0]).tables == ["orders"]
    other = file.rename(file.with_name("my export.csv"))
    steps = re.findall(r"retainkit (init .*?), then retainkit report (\w+)", refused("shop/my export.csv", "is a single file").remedy)
    assert cli.main(shlex.split(steps[0][0])) == 0
    assert Path(rk.open_shop(steps[0][1]).sources[0]["path"]).resolve() == other


def test_text_that_is_not_utf8_says_a_line_that_reads_it_typed_alone(tmp_path):
    folder_with(tmp_path, GOOD.replace("bob", "Zoë").encode("cp1252"))
    error = refused(tmp_path, "is not utf-8 text", "row 4", "retainkit check ")
    folder_with(tmp_path, "[orders]\n" + "\n".join(re.findall(r'\w+ = "[^"]*"', error.remedy)), "retainkit.toml")
    assert rk.open_shop(tmp_path).sql("select customer_id from ids order by 1")["customer_id"].tolist() == ["Zoë", "ann"]


def test_a_missing_file_in_the_toml_is_named_with_the_nearest_one(tmp_path):
    folder_with(tmp_path, GOOD, "export.csv")
    (tmp_path / "retainkit.toml").write_text('[orders]\npath = "exprot.csv"\n')
    refused(tmp_path, "exprot.csv", 'path = "export.csv"')


def test_a_missing_column_says_which_there_are_and_what_to_type(tmp_path):
    refused(folder_with(tmp_path, GOOD.replace("customer_id", "customer")), "customer_id", "customer", "retainkit.toml")


def test_all_missing_columns_are_named_at_once_with_columns_that_fit_and_the_command_that_maps_them(tmp_path):
    file = folder_with(tmp_path, "Order ID,customer,date,total,Ordered by\n1,ann,2026-01-01,10,x\n2,bob,2026-02-01,20,y\n") / "orders.csv"
    error = refused(tmp_path, "no columns `order_id`, `customer_id`, `ordered_at`, `amount`", f"retainkit check {file} ", f"retainkit init project --from {file} ")
    lines = error.remedy.split(" under [orders]")[0].split("; ")
    assert lines == ['order_id = "Order ID"', 'customer_id = "customer"', 'ordered_at = "date"', 'amount = "total"']
    folder_with(tmp_path, "\n".join(["[orders]", 'path = "orders.csv"', *lines]), "retainkit.toml")
    assert rk.open_shop(tmp_path).ledger["kept"].item() == 2


def test_a_folder_of_files_of_other_names_says_the_commands_that_map_them(tmp_path):
    refused(tmp_path, "has no table retainkit knows", "an empty folder", "write a retainkit.toml")
    folder_with(tmp_path, GOOD, "export.csv")
    error = refused(tmp_path, "has no table retainkit knows", f"retainkit check {tmp_path} ")
    line = re.search(r"retainkit (init project --from \S+)", error.remedy)
    assert line
    assert cli.main(shlex.split(line[1].replace("project", str(tmp_path / "project")))) == 0
    assert rk.open_shop(tmp_path / "project").tables == ["orders"]


def test_what_holds_nothing_is_said_to_be_empty(tmp_path):
    error = refused(folder_with(tmp_path, "\n"), "orders.csv: is an empty file. Found: no line with words. To fix it: export orders again, with its header row")
    assert type(error) is rk.errors.MissingDataError
    error = refused(folder_with(tmp_path, f"\n \n{GOOD}"), "has an empty line where its header row should be. Found: the first words are on line 3. To fix it: skip = 2 under [orders]")
    folder_with(tmp_path, f"[orders]\npath = 'orders.csv'\n{error.remedy.split(' under')[0]}\n", "retainkit.toml")
    assert rk.open_shop(tmp_path).ledger["kept"].item() == 3
    refused({"orders": pd.DataFrame()}, 'is an empty table. Found: no column. To fix it: {"orders": frame}, a frame with the columns order_id, customer_id, ordered_at, amount')


def test_a_missing_column_is_told_what_to_type_first(tmp_path):
    assert refused(folder_with(tmp_path, GOOD.replace("amount", "xyz"))).remedy.startswith("retainkit check ")


def test_no_column_is_advised_for_what_it_does_not_hold(tmp_path):
    folder_with(tmp_path, GOOD.replace("ordered_at,amount", "order_day,total").replace("2026", "soon"))
    error = refused(tmp_path, "has no columns `ordered_at`, `amount`", "no column is called like ordered_at and holds it")
    assert error.remedy.startswith('amount = "total" under [orders]')
    folder_with(tmp_path, "[orders]\npath = 'orders.csv'\namount = '...'\nordered_at = 'order_day'\n", "retainkit.toml")
    assert refused(tmp_path, "amount = ").remedy.startswith('amount = "total"')
    folder_with(tmp_path, "[orders]\npath = 'orders.csv'\namount = 'total'\nordered_at = '...'\n", "retainkit.toml")
    refused(tmp_path, "the name of a column, or SQL, after ordered_at =", "retainkit check ")


def test_a_column_of_the_wrong_kind_is_refused_with_rows(tmp_path):
    text = "order_id,customer_id,ordered_at,amount\n" + "".join(f"{i},c{i},2026-01-01,cheap\n" for i in range(9))
    refused(folder_with(tmp_path, text), "amount", "not a number", "row 2", "cheap")


def test_dates_in_a_format_that_is_not_iso_ask_for_the_format(tmp_path):
    text = "order_id,customer_id,ordered_at,amount\n" + "".join(f"{i},c{i},{i + 10}/01/2026,5\n" for i in range(9))
    refused(folder_with(tmp_path, text), "ordered_at", "not a date", "date_format")


def test_dates_in_two_formats_reject_the_rows_in_the_other_one(tmp_path):
    got = reasons(rk.open_shop(folder_with(tmp_path, GOOD + "4,cy,25/01/2026,5\n")))
    assert got == [[5, "`ordered_at` is not a date"]]


def test_an_empty_file_and_a_header_alone_say_so(tmp_path):
    refused(folder_with(tmp_path, ""), "orders.csv", "empty")
    refused(folder_with(tmp_path, GOOD.splitlines()[0] + "\n"), "has no rows", "only headers, in orders.csv")


def test_the_first_times_without_a_zone_are_named_by_the_row_a_person_counts(tmp_path):
    text = GOOD.splitlines()[0] + ",refunded_at\n0,broken\n1,ann,2026-01-01,10,\n2,ann,broken,too\n3,bob,2026-01-15,5,2026-01-16 10:00\n"
    refused(folder_with(tmp_path, text), "1 row with a time, row 5: '2026-01-16 10:00'")
    frame = pd.DataFrame({"order_id": [1, 2], "customer_id": "ann", "ordered_at": ["2026-01-01", "2026-01-02T10:00:00Z"], "amount": 5})
    refused({"orders": frame}, "1 row with a time, row 2: '2026-01-02T10:00:00Z'")


def test_a_shop_without_a_day_to_count_to_says_what_became_of_its_rows(tmp_path):
    head = GOOD.splitlines()[0] + "\n"
    error = refused(folder_with(tmp_path, head + "1,ann,2190-01-01,10\n2,bob,2190-02-01,5\n3,,2026-01-01,2\n"),
                    "has no row up to today", "2 rows dated 2190-01-01 to 2190-02-01", "orders: 1 row (the first is row 4): `customer_id` is empty")
    folder_with(tmp_path, f"[shop]\n{error.remedy.split(' under')[0]}\n", "retainkit.toml")
    assert rk.overview(rk.open_shop(tmp_path)).revenue[0] == 15
    (tmp_path / "retainkit.toml").unlink()
    refused(folder_with(tmp_path, head + ",ann,2026-01-01,10\n,bob,2026-02-01,5\n"), "has no row that could be kept", "orders: 2 rows (the first is row 2): `order_id` is empty", 'order_id = "')
    error = refused(mapped(tmp_path, EXPORT, where="price > 100"), "left out by where = price > 100")
    assert rk.overview(rk.open_shop(mapped(tmp_path, EXPORT, **typed(error)))).revenue[0] == 11.5
    error = refused({"customers": pd.DataFrame({"customer_id": ["ann"]})}, "has no table that says up to which day it reaches", "customers: 1 row")
    assert rk.open_shop({"customers": pd.DataFrame({"customer_id": ["ann"]})}, as_of=error.remedy.split('"')[1]).has("customers")


def test_a_day_outside_of_the_data_is_refused(tmp_path):
    shop = rk.open_shop(folder_with(tmp_path, GOOD))
    for day, words in (("2030-01-01", "is after the last day of the data"), ("1999-01-01", "is before the first day of the data")):
        with pytest.raises(rk.RetainkitError, match=words) as told:
            shop.at(day)
        assert "data from 2026-01-01 to 2026-02-01" in told.value.found
    assert shop.at(shop.as_of) is shop.at("2026-02-01")
    error = refused(tmp_path, "as_of: is before the first day of the data. Found: 2020-01-01; data from 2026-01-01 to 2026-02-01", as_of="2020-01-01")
    assert rk.open_shop(tmp_path, as_of=error.remedy.split('"')[1]).tables == ["orders"]

def test_a_last_day_that_is_still_to_come_is_refused_where_no_row_is_dated_so(tmp_path):
    folder_with(tmp_path, GOOD)
    error = refused(tmp_path, "as_of: is a day that is still to come", as_of="2990-01-01")
    assert str(rk.open_shop(tmp_path, as_of=error.remedy.split('"')[1]).as_of) == "2026-02-01"
    with pytest.raises(rk.RetainkitError, match="is a day that is still to come"):
        rk.begin("sample", as_of="2990-01-01")  # one year typed wrong: nobody had left by then
    folder_with(tmp_path, "[shop]\nas_of = '2990-01-01'\n", "retainkit.toml")
    error = refused(tmp_path, "retainkit.toml [shop] as_of: is a day that is still to come", "2990-01-01; the last row is dated 2026-02-01, and today is ")
    assert pd.Timestamp(error.found[-10:]) - pd.Timestamp.now() < pd.Timedelta(0)  # the reader's day, not where it is tomorrow already
    folder_with(tmp_path, f"[shop]\n{error.remedy.split(',')[0]}\n", "retainkit.toml")
    assert str(rk.open_shop(tmp_path).as_of) == "2026-02-01"
    since = pd.Timestamp.now().date() - pd.Timedelta(days=1)  # the last order was some time ago
    folder_with(tmp_path, f"[shop]\nas_of = {since}\n", "retainkit.toml")
    assert rk.open_shop(tmp_path).as_of == since
    folder_with(tmp_path, GOOD + "4,ann,2990-03-01,7\n")  # days that are meant
    folder_with(tmp_path, "[shop]\nas_of = '2990-01-01'\n", "retainkit.toml")
    assert str(rk.open_shop(tmp_path).as_of) == "2990-01-01"


@pytest.mark.parametrize(("line", "remedy"), [
    ("tz = 'Europe/Berlinn'", 'tz = "Europe/Berlin"'), ("history_start = 'soon'", 'history_start = "2026-01-01"'), ("history_start = 2027-01-01", 'history_start = "2026-01-01"'),
    ("as_of = 'now'", 'as_of = "2026-02-01"'), ("as_of = 2020-01-01", 'as_of = "2026-02-01"')])
def test_a_wrong_fact_of_the_shop_names_its_file_and_a_value_that_fits_the_data(tmp_path, line, remedy):
    folder_with(tmp_path, GOOD)
    folder_with(tmp_path, f"[shop]\n{line}\n", "retainkit.toml")
    error = refused(tmp_path, f"retainkit.toml [shop] {line.split()[0]}: ")
    assert error.remedy.startswith(remedy)
    folder_with(tmp_path, f"[shop]\n{remedy}\n", "retainkit.toml")
    assert len(rk.second_purchase(rk.open_shop(tmp_path))) > 0


def test_customers_of_a_kind_that_nobody_is_of_are_refused_with_the_kinds_there_are(tmp_path):
    folder_with(tmp_path, "customer_id,segment,region\nann,SMB,\nbob,ENT,\n", "customers.csv")
    shop = rk.open_shop(folder_with(tmp_path, GOOD))
    with pytest.raises(rk.RetainkitError, match=r"only\(segment='smb'\): no customer and no deal has that segment. Found: ENT, SMB. To fix it: only\(segment=\"SMB\"\)"):
        shop.only(segment="smb")
    with pytest.raises(rk.RetainkitError, match=r"Found: no region at all. To fix it: map the column that holds it to region, under"):
        shop.only(region="North")
    assert shop.only(segment="SMB").at("2026-01-20").sql("select count(*) as n from days")["n"].item() == 1
    assert shop.only(segment="") is shop.only()


def test_one_customer_no_repeats_and_a_whole_page_of_numbers(tmp_path):
    shop = rk.open_shop(folder_with(tmp_path, "order_id,customer_id,ordered_at,amount\n1,ann,2026-01-01,10\n"))
    assert rk.overview(shop).customers[0] == 1
    assert rk.repeat_revenue(shop).rate[0] == 0
    assert len(rk.retention_matrix(shop)) == 1


def test_nobody_churns_and_everybody_churns():
    orders = pd.read_csv(__import__("io").StringIO(GOOD))
    contracts = pd.DataFrame({"contract_id": range(3), "customer_id": ["ann", "bob", "cy"], "started_at": "2025-01-01", "ended_at": None})
    stays = rk.open_shop({"orders": orders, "contracts": contracts}, as_of="2026-06-30")
    assert rk.contract_survival(stays, horizons=[365]).rate[0] == 1
    goes = rk.open_shop({"orders": orders, "contracts": contracts.assign(ended_at="2025-06-01")}, as_of="2026-06-30", history_start="2025-01-01")
    assert rk.contract_survival(goes, horizons=[365]).rate[0] == 0


def test_an_order_of_two_customers_is_its_first_ones(tmp_path):
    got = reasons(rk.open_shop(folder_with(tmp_path, GOOD + "3,eve,2026-01-15,7\n")))
    assert got == [[5, "its order_id belongs to another customer in an earlier row"]]


@pytest.mark.parametrize(("lines", "said"), [(3, "in 3 lines from there"), (100, "in the next 15 lines, as far as was looked")])
def test_a_mark_that_is_not_closed_says_how_far_was_looked(lines, said, monkeypatch):
    monkeypatch.setattr(marks, "LONGEST", 32)
    assert marks._fault(io.BytesIO(b'"a,b\n' + b"a,b\n" * (lines - 1)), 0, b'"a', b",")[1].endswith(said)


def test_a_row_left_out_for_its_key_says_which_key(tmp_path):
    folder_with(tmp_path, "deal_id,rep,opened_at,outcome\nd1,Kim,2026-01-01,open\nd2,Kim,2026-01-02,open\nd1,Kim,2026-01-03,open\n", "deals.csv")
    left = rk.open_shop(folder_with(tmp_path, GOOD)).rejected("deals")
    assert left.values.tolist() == [["deals.csv", 4, "deal_id", "the same deal_id as an earlier row", "d1"]]


ON_DAYS = ["1,ann,{0},10", "1,ann,{1},20", "2,bob,{0},5", "2,bob,{1},-5", "3,cy,{1},7", "4,dee,{0},7", "4,eve,{1},7"]


@pytest.mark.parametrize(("head", "days", "more"), [
    ("order_id,customer_id,ordered_at,amount", ("2026-01-15", "2026-02-03"), ""),
    ("order_id,customer_id,Order Date,amount", ("15.01.2026", "03.02.2026"), 'date_format = "%d.%m.%Y"\nordered_at = "Order Date"\n')])
def test_an_order_on_several_days_is_said_on_the_index_and_under_the_ledger_with_a_line_that_makes_one_purchase_of_it(head, days, more, tmp_path, capsys):
    folder_with(tmp_path, "\n".join([head, *(row.format(*days) for row in ON_DAYS), ""]))
    (tmp_path / "retainkit.toml").write_text(f"[orders]\npath = 'orders.csv'\n{more}")
    shop = rk.open_shop(tmp_path)
    said = "1 of 4 orders has rows on several days, and each day counts as a purchase. If such an order is one purchase (paid or sent in parts): ordered_at = "
    assert in_parts(shop).startswith(said)  # money given back is no purchase, and of order 4 the first customer has one day
    assert escape(in_parts(shop)) in cards.health(shop)
    show_ledger(shop)
    assert said in capsys.readouterr().out
    assert rk.overview(shop)["orders"][0] == 5
    line = in_parts(shop).split("parts): ")[1].split(" under [orders] in retainkit.toml.")[0]
    (tmp_path / "retainkit.toml").write_text(f"[orders]\npath = 'orders.csv'\n{more.partition('ordered_at')[0]}{line}\n")
    assert in_parts(rk.open_shop(tmp_path)) == ""
    assert rk.overview(rk.open_shop(tmp_path))["orders"][0] == 4


def test_an_order_on_several_days_of_a_frame_is_said_with_pandas(tmp_path):
    frame = pd.DataFrame({"order_id": [1, 1, 2], "customer_id": ["ann", "ann", "bob"], "ordered_at": ["2026-01-01", "2026-01-05", "2026-01-05"], "amount": 5})
    exec(in_parts(rk.open_shop({"orders": frame})).split("parts): ")[1].removesuffix("."), {"frame": frame})
    assert in_parts(rk.open_shop({"orders": frame})) == ""
    cancelled = frame.assign(ordered_at=["2026-01-01", "2026-01-05", "2026-01-05"], status=["cancelled", "paid", "paid"])
    assert in_parts(rk.open_shop({"orders": cancelled})) == ""


def test_guests_are_rejected_with_their_row(tmp_path):
    got = reasons(rk.open_shop(folder_with(tmp_path, GOOD + "4,,2026-01-15,7\n5,  ,2026-01-15,7\n")))
    assert [row for row, _ in got] == [5, 6]
    assert all("customer_id" in why for _, why in got)


def test_negative_and_zero_amounts(tmp_path):
    shop = rk.open_shop(folder_with(tmp_path, GOOD + "4,cy,2026-01-10,0\n5,dee,2026-01-11,-4\n"), as_of="2026-03-01")
    sold = rk.overview(shop).iloc[0]
    assert sold.customers == 3  # a free order is a purchase, money given back is not
    assert sold.revenue == 31


def test_a_cancelled_first_order_never_happened(tmp_path):
    text = "order_id,customer_id,ordered_at,amount,status\n1,ann,2026-01-01,10,Cancelled\n2,ann,2026-02-01,20,paid\n3,ann,2026-02-11,20,\n"
    shop = rk.open_shop(folder_with(tmp_path, text), as_of="2026-06-01")
    assert shop.sql("select age from days order by on_day").age.tolist() == [0, 10]


def test_a_date_in_the_future_does_not_move_the_clock(tmp_path):
    shop = rk.open_shop(folder_with(tmp_path, GOOD + "4,cy,2199-01-01,5\n"))
    assert str(shop.as_of) == "2026-02-01"
    assert shop.ledger.after_as_of.sum() == 1


def test_times_of_day_without_a_zone_are_refused_and_mixed_ones_work_with_it(tmp_path):
    text = "order_id,customer_id,ordered_at,amount\n1,ann,2026-02-01T04:30:00Z,10\n2,bob,2026-01-31 23:30:00,5\n3,cy,2026-02-01T01:00:00+02:00,5\n"
    refused(folder_with(tmp_path, text), "time zone", "tz =", "3 rows with a time, row 2: '2026-02-01T04:30:00Z', row 3: '2026-01-31 23:30:00'")
    shop = rk.open_shop(tmp_path, tz="America/New_York")
    assert shop.sql("select cast(on_day as varchar) as d from days").d.unique().tolist() == ["2026-01-31"]


@pytest.mark.parametrize(("zone", "day"), [(" UTC", "05"), (" EST", "05"), (" Europe/Berlin", "05"), (" GMT+1", "05"), (" Asia/Tokyo", "04"), (" PM", "04"), ("", "04"), (" Mars/Base", "")])
def test_a_zone_that_is_said_by_name_is_that_of_the_time(tmp_path, zone, day):
    """The engine reads such a time without its zone: 23:30 in UTC was 23:30 in Tokyo."""
    shop = rk.open_shop(folder_with(tmp_path, GOOD + f"9,zoe,2026-01-04 23:30:00{zone},5\n"), tz="Asia/Tokyo")
    days = shop.sql("select cast(ordered_on as varchar) as day from orders where order_id = '9'")["day"].tolist()
    assert days == [f"2026-01-{day}"] * bool(day)
    assert reasons(shop) == ([] if day else [[5, "`ordered_at` is not a date"]])


@pytest.mark.parametrize(("text", "form"), [("2026-01-04T23:30Z", "%Y-%m-%dT%H:%MZ"), ("04.01.2026 23:30 UTC", "%d.%m.%Y %H:%M UTC"), ("04.01.2026 23:30 EST", "%d.%m.%Y %H:%M %Z")])
def test_a_format_that_ends_in_a_zone_reads_times_of_it(tmp_path, text, form):
    folder_with(folder_with(tmp_path, GOOD + f"9,zoe,{text},5\n"), f'[orders]\npath = "orders.csv"\ndate_format = ["%Y-%m-%d", "{form}"]\n', "retainkit.toml")
    shop = rk.open_shop(tmp_path, tz="Asia/Tokyo")
    assert shop.sql("select cast(ordered_on as varchar) as day from orders where order_id = '9'")["day"].tolist() == ["2026-01-05"]


def test_midnights_are_dates_and_need_no_zone(tmp_path):
    shop = rk.open_shop(folder_with(tmp_path, GOOD.replace("2026-01-01", "2026-01-01 00:00:00")))
    assert rk.overview(shop).customers[0] == 2


def test_a_quote_that_never_closes_is_one_clear_error(tmp_path):
    bomb = GOOD + '4,"' + "x,\n" * 300_000
    refused(folder_with(tmp_path, bomb), "orders.csv row 5", "quotation mark")


FULL = "".join(f'"{i}","c{i}","2026-01-0{i}","5"\n' for i in range(1, 4))


@pytest.mark.parametrize(("text", "words"), [
    (GOOD + '4,"cy,2026-01-04,3\n5,dee,2026-01-05,1\n', ["row 5", "never closed", 'line 5: 4,"cy,2026-01-04,3, and no mark that closes it in 2 lines from there']),
    (GOOD + '4,"c\ny",2026-01-04,3\n5,"d,2026-01-01,4\n', ["row 6", "never closed", 'line 7: 5,"d,2026-01-01,4', "in 1 line from there"]),
    (GOOD + '4,"cy,2026-01-04,3\n5,"dee",2026-01-05,1\n', ["row 5", "closes in the middle of a value", "the next mark, on line 6, stands before 'dee\",2026-01-05'"]),
    (FULL + '"4","cy","2026-01-04","3\n' + FULL, ["closes in the middle of a value"]),
    (GOOD + '4,"cy"x,2026-01-04,3\n', ["row 5", "on line 5, stands before 'x,2026-01-04,3'"])])
def test_a_mark_without_its_partner_is_named_with_its_line_and_what_follows(tmp_path, text, words):
    head = "" if text.startswith("order_id") else GOOD.splitlines()[0] + "\n"
    refused(folder_with(tmp_path, head + text), *words)
    (tmp_path / "orders.csv").unlink()
    refused(folder_with(tmp_path, gzip.compress(("\ufeff" + head + text).replace("\n", "\r\n").encode()), "orders.csv.gz"), *words)


def test_a_long_text_that_is_closed_is_read_and_one_that_is_not_is_named(tmp_path):
    head, long = "order_id,customer_id,ordered_at,amount,note\n", "word, \n" * 300_000
    folder_with(tmp_path, f'{head}1,ann,2026-01-01,10,"{long}"\n2,bob,2026-01-02,5,{"word " * 500_000}\n3,cy,2026-01-02,6,ok\n')
    assert rk.open_shop(tmp_path).ledger[["rows", "kept"]].values.tolist() == [[3, 3]]
    refused(folder_with(tmp_path, f'{head}1,ann,2026-01-01,10,"{long}"\n2,bob,2026-01-02,5,"ok\n'), "row 3", 'line 300,003: 2,bob,2026-01-02,5,"ok', "never closed")


def test_ragged_rows_are_rejected_and_the_rest_keeps_its_row_numbers(tmp_path):
    got = reasons(rk.open_shop(folder_with(tmp_path, GOOD + "4,cy\n5,,2026-01-01,3\n6,d,2026-01-01,3,9,9\n7,,2026-01-01,3\n")))
    assert [row for row, _ in got] == [5, 6, 7, 8]


def test_markup_in_names_is_text(tmp_path):
    name = "<script>alert(1)</script>"
    deals = pd.DataFrame({"deal_id": range(4), "rep": name, "opened_at": "2026-01-01", "closed_at": "2026-02-01", "outcome": ["won", "lost"] * 2})
    assert rk.win_rate(rk.open_shop({"deals": deals}, as_of="2026-06-01"), by="rep").rep.tolist() == [name]


@pytest.mark.parametrize("name", ["with space", "bra{ces}", "[brackets]", "quo'te", "per%cent"])
def test_paths_people_really_have(tmp_path, name):
    odd = tmp_path / name
    odd.mkdir()
    assert rk.overview(rk.open_shop(folder_with(odd, GOOD))).customers[0] == 2


@pytest.mark.parametrize(
    "text",
    [
        ("\ufeff" + GOOD).encode(), GOOD.replace("\n", "\r\n").encode(), GOOD.replace(",", ";").encode(), GOOD.replace(",", "\t").encode(),
        gzip.compress(GOOD.encode()),
    ],
    ids=["bom", "crlf", "semicolon", "tab", "gz"],
)  # fmt: skip
def test_the_shapes_of_csv_people_export(tmp_path, text):
    name = "orders.csv.gz" if text[:2] == b"\x1f\x8b" else "orders.csv"
    assert rk.overview(rk.open_shop(folder_with(tmp_path, text, name))).revenue[0] == 35


@pytest.mark.parametrize("title", ["sep=,\r\n", "Orders\n\r\n", "\r\n\r\n", "Orders\r"])
def test_a_title_whose_lines_end_in_another_way_takes_no_row_with_it(tmp_path, title):
    folder_with(tmp_path, title + GOOD)
    (tmp_path / "retainkit.toml").write_text(f'[orders]\npath = "orders.csv"\nskip = {len(title.splitlines())}\n')
    assert rk.overview(rk.open_shop(tmp_path)).revenue[0] == 35


def test_a_name_over_a_column_may_have_several_lines(tmp_path):
    head, rows = '"order_id","shop,\nstreet\r\n""and"" city",customer_id,ordered_at,"amount"', GOOD.replace(",ann", ",x,ann").replace(",bob", ",x,bob")
    shop = rk.open_shop(folder_with(tmp_path, head + rows[rows.find("\n") :].replace("2026-02-01,20", "2026-02-01,twenty")))
    assert reasons(shop) == [[3, "`amount` is not a number"]]  # as a person counts who opens it in a spreadsheet
    (tmp_path / "retainkit.toml").write_text("""[orders]\npath = "orders.csv"\ncustomer_id = 'shop, street "and" city'\n""")
    assert rk.overview(rk.open_shop(tmp_path)).customers[0] == 1


def test_text_that_is_not_utf8_says_which_encoding_to_name(tmp_path):
    folder = folder_with(tmp_path, GOOD.replace("bob", "josé").encode("latin-1"))
    refused(folder, "orders.csv", "encoding")
    (folder / "retainkit.toml").write_text('[orders]\npath = "orders.csv"\nencoding = "latin-1"\n')
    assert rk.overview(rk.open_shop(folder)).customers[0] == 2


def test_ids_that_a_spreadsheet_turned_into_numbers_are_one_customer(tmp_path):
    shop = rk.open_shop(folder_with(tmp_path, GOOD + "4,17850.0,2026-01-01,5\n5,17850,2026-01-09,5\n6,0012,2026-01-09,5\n7,12,2026-01-09,5\n"))
    assert rk.overview(shop).customers[0] == 5  # ann, bob, 17850, 0012 and 12


def test_a_misspelt_setting_and_a_wrong_expression_say_what_was_meant(tmp_path):
    folder_with(tmp_path, GOOD, "x.csv")
    (tmp_path / "retainkit.toml").write_text('[orders]\npath = "x.csv"\nammount = "amount"\n')
    refused(tmp_path, "ammount", "amount = ...")
    (tmp_path / "retainkit.toml").write_text('[orders]\npath = "x.csv"\namount = "amuont"\n')
    refused(tmp_path, "amuont", 'amount = "amount"')


def test_a_mapping_calculates_over_the_columns_of_a_csv(tmp_path):
    folder_with(tmp_path, "no,who,day,qty,price\n1,ann,2026-01-01,3,2.50\n2,bob,2026-01-02,x,9\n", "x.csv")
    lines = ['[orders]', 'path = "x.csv"', 'order_id = "no"', 'customer_id = "who"', 'ordered_at = "day"', 'amount = "try_cast(qty as double) * price"']
    (tmp_path / "retainkit.toml").write_text("\n".join(lines))
    shop = rk.open_shop(tmp_path)
    assert rk.overview(shop).revenue[0] == 7.5
    assert shop.rejected("orders")[["row", "reason", "found"]].values.tolist() == [[3, "`amount` is not a number", "x | 9"]]


def test_a_changed_file_of_the_same_size_is_noticed(tmp_path):
    folder_with(tmp_path, GOOD)
    assert rk.overview(rk.open_shop(tmp_path)).revenue[0] == 35
    folder_with(tmp_path, GOOD.replace(",20\n", ",90\n"))
    assert rk.overview(rk.open_shop(tmp_path)).revenue[0] == 105


def test_as_of_before_the_data_and_history_after_it(tmp_path):
    shop = rk.open_shop(folder_with(tmp_path, GOOD), as_of="2026-01-20")
    assert rk.overview(shop).purchase_days[0] == 2
    refused(tmp_path, "history_start", as_of="2026-01-20", history_start="2026-05-01")
    refused(tmp_path, "as_of", as_of="yesterday")


@pytest.mark.parametrize("unit", ["ns", "us", "ms", "s"])
def test_parquet_stamps_of_any_precision_fall_on_the_local_day(tmp_path, unit):
    stamps = pd.to_datetime(["2026-02-01T04:30:00Z", "2026-02-01T06:30:00Z"]).as_unit(unit)
    orders = pd.DataFrame({"order_id": [1, 2], "customer_id": ["ann", "bob"], "ordered_at": stamps, "amount": [1, 2]})
    orders.to_parquet(tmp_path / "orders.parquet")
    refused(tmp_path, "time zone")
    refused({"orders": orders}, "time zone")
    for source in (tmp_path, {"orders": orders}):
        shop = rk.open_shop(source, tz="America/New_York")
        assert shop.sql("select cast(on_day as varchar) as d from days order by 1").d.tolist() == ["2026-01-31", "2026-02-01"]


@pytest.mark.parametrize(("name", "change"), [
    ("days_00000.parquet", lambda f: f.write_bytes(b"cut")), ("orders.parquet", lambda f: f.unlink()), ("facts.json", lambda f: f.write_text("{"))])
def test_a_cache_somebody_tidied_up_is_made_again(tmp_path, monkeypatch, name, change):
    monkeypatch.setenv("RETAINKIT_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "data"
    folder.mkdir()
    assert rk.overview(rk.open_shop(folder_with(folder, GOOD))).revenue[0] == 35
    files = list((tmp_path / "cache").rglob(name))
    assert files
    for file in files:
        change(file)
    assert rk.overview(rk.open_shop(folder)).revenue[0] == 35


@pytest.mark.parametrize("name", ["days_00000.parquet", "orders.parquet"])
def test_a_damaged_file_of_the_cache_is_said_with_the_line_that_takes_it_away(tmp_path, monkeypatch, name):
    """Of the right size, so that nobody notices before it is read."""
    monkeypatch.setenv("RETAINKIT_CACHE", str(tmp_path / "the cache"))
    folder = tmp_path / "data"
    folder.mkdir()
    assert rk.overview(rk.open_shop(folder_with(folder, GOOD))).revenue[0] == 35
    for file in (tmp_path / "the cache").rglob(name):
        whole = file.read_bytes()
        file.write_bytes(whole[:8] + b"\x1c" * (len(whole) - 16) + whole[-8:])
    with pytest.raises(rk.RetainkitError, match="holds a file that is damaged") as caught:
        rk.open_shop(folder).sql(f"select sum(amount) from {name.split('.')[0].split('_')[0]}")
    subprocess.run(shlex.split(caught.value.remedy.split(", ")[0]), check=True)
    assert rk.overview(rk.open_shop(folder)).revenue[0] == 35


def test_a_cache_that_cannot_be_written_says_how_to_name_another(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("RETAINKIT_CACHE", str(tmp_path / "file"))
    refused(folder_with(tmp_path, GOOD), "the cache", "RETAINKIT_CACHE=")


@pytest.mark.parametrize("source", [5, {"orders": None}, {"orders": [["ann", 1]]}, {}])
def test_what_is_no_path_and_no_table_is_refused(source):
    refused(source)


def test_a_table_with_rejected_rows_may_be_followed_by_another():
    """A query whose answer was not read to its end would hold up the next table of a dict."""
    orders = pd.DataFrame({"order_id": [1, 2, 3], "customer_id": "ann", "ordered_at": ["2026-01-01", "2026-01-02", "soon"], "amount": 5})
    people = pd.DataFrame({"customer_id": ["ann"], "segment": ["SMB"]})
    shop = rk.open_shop({"orders": orders, "customers": people}, as_of="2026-01-31")
    assert shop.ledger["rejected"].tolist() == [1, 0]


def test_a_file_named_like_no_table_is_not_read_and_said_so(tmp_path):
    folder_with(folder_with(tmp_path, GOOD), GOOD.replace("2026", "2025"), "orders_late.csv")
    shop = rk.open_shop(tmp_path)
    assert (shop.unread, rk.overview(shop).revenue[0]) == (("orders_late.csv",), 35)
    folder_with(tmp_path, "[orders]\npath = \"orders*.csv\"\n", "retainkit.toml")
    shop = rk.open_shop(tmp_path)
    assert (shop.unread, rk.overview(shop).revenue[0]) == ((), 70)
    folder_with(tmp_path, "[orders]\npath = \"orders.csv\"\n", "retainkit.toml")  # a section for one table leaves the others out
    assert rk.open_shop(tmp_path).unread == ("orders_late.csv",)


def test_days_before_1900_are_rejected_so_that_no_clock_breaks(tmp_path):
    got = reasons(rk.open_shop(folder_with(tmp_path, GOOD + "4,cy,0001-01-01,5\n5,dee,0026-01-25,5\n")))
    assert got == [[5, "`ordered_at` is before 1900"], [6, "`ordered_at` is before 1900"]]


def test_years_of_five_digits_are_rejected_and_no_end_is_none(tmp_path):
    shop = rk.open_shop(folder_with(tmp_path, GOOD + "4,cy,20226-01-03,5\n5,-,2026-01-25,5\n6,eve,9999-12-31,5\n"), as_of="2026-02-01")
    assert reasons(shop) == [[5, "`ordered_at` is after 9999"], [6, "`customer_id` is empty (a guest?)"]]
    assert shop.ledger["after_as_of"].tolist() == [1]
    rows = "contract_id,customer_id,started_at,ended_at\n1,ann,2026-01-01,infinity\n2,bob,2026-01-01,20226-02-01\n"
    shop = rk.open_shop(folder_with(tmp_path, rows, "contracts.csv"), as_of="2026-02-01")
    assert shop.rejected("contracts")[["row", "reason"]].values.tolist() == [[3, "`ended_at` is after 9999"]]


def test_what_to_type_for_utf_16_reads_it(tmp_path):
    error = refused(folder_with(tmp_path, GOOD.encode("utf-16")), "mark of UTF-16")
    line = error.remedy.partition(" under")[0]
    (tmp_path / "retainkit.toml").write_text(f'[orders]\npath = "orders.csv"\n{line}\n')
    assert rk.overview(rk.open_shop(tmp_path)).revenue[0] == 35


def test_a_list_in_place_of_lines_of_json_is_shown(tmp_path):
    error = refused(folder_with(tmp_path, '\n[{"order_id": 1, "customer_id": 2}]\n', "orders.jsonl"), "one JSON object a line")
    assert error.found == '[{"order_id": 1, "customer_id": 2}]'


@pytest.mark.parametrize("nothing", ["NULL", "\\N", "-", "n/a", "None", "NaT", "0000-00-00", "0000-00-00 00:00:00"])
def test_what_is_written_where_there_is_nothing_is_nothing(tmp_path, nothing):
    """A contract that runs was rejected, and only those that ended were left."""
    rows = f"1,ann,2026-01-01,2026-02-01,5\n2,bob,2026-01-01,{nothing},{nothing}\n3,cy,2026-01-01,2026-03-01,5\n"
    folder_with(tmp_path, f"contract_id,customer_id,started_at,ended_at,monthly_value\n{rows}", "contracts.csv")
    folder_with(tmp_path, GOOD.replace("amount", "amount,status,refunded_at").replace("0\n", f"0,{nothing},{nothing}\n").replace(",5\n", ",5,paid,\n"))
    shop = rk.open_shop(tmp_path, as_of="2026-02-01")
    assert shop.ledger["rejected"].tolist() == [0, 0]
    assert shop.sql("select count(*) as n from all_contracts where ended_on is null and monthly_value is null").n[0] == 1
    assert rk.overview(shop).revenue[0] == 35


def test_a_word_where_a_day_may_be_missing_is_told_how_it_is_read_as_none(tmp_path):
    rows = "1,ann,2026-01-01,2026-02-01\n2,bob,2026-01-01,it's open\n3,cy,2026-01-01,it's open\n"
    error = refused(folder_with(tmp_path, f"contract_id,customer_id,started_at,ended_at\n{rows}", "contracts.csv"), "if it's open says that there is none")
    line = error.remedy.partition(" under")[0]
    shop = rk.open_shop(folder_with(tmp_path, f'[contracts]\npath = "contracts.csv"\n{line}\n', "retainkit.toml"), as_of="2026-02-01")
    assert shop.sql("select count(*) as n from all_contracts where ended_on is null").n[0] == 2


def test_a_gzip_file_that_was_cut_short_is_one_clear_error(tmp_path):
    refused(folder_with(tmp_path, gzip.compress((GOOD * 500).encode())[:60], "orders.csv.gz"), "cut short", "again")


@pytest.mark.parametrize("packed", [False, True])
def test_a_line_that_does_not_end_is_said_because_the_engine_would_drop_it(tmp_path, monkeypatch, packed):
    monkeypatch.setattr(recode, "LONGEST", 1 << 12)
    lines = ["order_id,customer_id,ordered_at,amount", "1,ann,2026-01-01,5"]
    whole = "\n".join([*lines, "2," + "b" * (300 << 12) + ",2026-01-02,6", "3,cid,2026-01-03,7"]) + "\n"
    file = tmp_path / ("orders.csv.gz" if packed else "orders.csv")
    file.write_bytes(gzip.compress(whole.encode()) if packed else whole.encode())
    with pytest.raises(rk.RetainkitError, match="holds a line that does not end"):
        rk.open_shop(tmp_path)
    many = "\n".join([*lines, *(f"{n},bob,2026-01-02,6" for n in range(2, 3000))]) + "\n"
    file.write_bytes(gzip.compress(many.encode()) if packed else many.encode())
    assert rk.open_shop(tmp_path).ledger["kept"].item() == 2999


@pytest.mark.parametrize(("column", "values", "typed"), [
    ("ordered_at", ["31.01.2026", "28.02.2026"], 'date_format = "%d.%m.%Y"'), ("ordered_at", ["31-01-2026", "28-02-2026"], 'date_format = "%d-%m-%Y"'),
    ("amount", ["1.200,50", "0,50"], "amount = '''read_number("), ("amount", ["$1,200.50", "$0.50"], "amount = '''read_number("),
    ("amount", ["1,206.00", "(5.00)"], "amount = '''read_number("), ("amount", ["1206,00", "5,00-"], "amount = '''read_number("), ("amount", ["€ 1.206,-", "€ -5,-"], "amount = '''read_number(")])
def test_what_to_type_for_values_written_otherwise_works_when_typed(tmp_path, column, values, typed):
    row = {"order_id": ["1", "2"], "customer_id": ["ann", "bob"], "ordered_at": ["2026-01-31", "2026-02-28"], "amount": ["1200.50", "0.50"]}
    pd.DataFrame({**row, column: values}).to_csv(tmp_path / "orders.csv", index=False)
    with pytest.raises(rk.RetainkitError) as told:
        rk.open_shop(tmp_path)
    assert told.value.remedy.startswith(typed)
    line = re.match(r"date_format = \"[^\"]*\"|amount = '''.*?'''", told.value.remedy)
    assert line
    (tmp_path / "retainkit.toml").write_text(f"[orders]\npath = 'orders.csv'\n{line[0]}\n", encoding="utf-8")
    assert rk.open_shop(tmp_path).sql("select sum(amount) as x, max(ordered_on) as d from orders").astype(str).values.tolist()[0][0].startswith("1201")


@pytest.mark.parametrize(("days", "said", "line"), [
    (["05/02/2025", "07/23/2025", "10/25/2025", "11/30/2025"], [], 'date_format = "%m/%d/%Y"'), (["23/07/2025", "25/10/2025"], [], 'date_format = "%d/%m/%Y"'),
    (["05/02/2025", "07/23/2025", "10/25/2025", "2025-11-30"], [], 'date_format = ["%m/%d/%Y", "%Y-%m-%d"]'), (["2025-11-30", "2025-12-01", "07/23/2025"], ["%d/%m/%Y"], 'date_format = ["%Y-%m-%d", "%m/%d/%Y"]'), (["2025-11", "2025-12"], [], 'date_format = "%Y-%m"'),
    (["05/02/2025", "07/23/2025", "10/25/2025"], ["%d/%m/%Y"], 'date_format = "%m/%d/%Y"'), (["Jul 23, 2025", "Oct 25, 2025"], [], 'date_format = "%b %d, %Y"'),
    (["23/07/2025 14:30", "25/10/2025 09:05"], [], 'date_format = "%d/%m/%Y %H:%M"'), (["23. Juli 2025", "25. Oktober 2025"], [], "ordered_at = '''"), (["45861", "45955"], [], "ordered_at = '''")])
def test_what_to_type_for_days_reads_the_days_that_are_shown(tmp_path, days, said, line):
    folder_with(tmp_path, "order_id,customer_id,ordered_at,amount\n" + "".join(f'{n},c{n},"{day}",5\n' for n, day in enumerate(days)))
    if said:
        folder_with(tmp_path, f"[orders]\npath = 'orders.csv'\ndate_format = {json.dumps(said)}\n", "retainkit.toml")
    error = refused(tmp_path, "not a date", tz="UTC")
    assert error.remedy.startswith(line)
    typed = error.remedy.split(" under [orders]")[0]
    folder_with(tmp_path, f"[orders]\npath = 'orders.csv'\n{typed}\n", "retainkit.toml")
    assert rk.open_shop(tmp_path, tz="UTC").ledger[["kept", "rejected"]].values.tolist() == [[len(days), 0]]


def test_a_format_is_not_advised_for_a_table_whose_other_days_it_cannot_read(tmp_path):
    folder_with(tmp_path, "deal_id,rep,opened_at,closed_at,outcome\n" + "".join(f"{n},ann,2025-07-0{n},07/2{n}/2025,won\n" for n in range(1, 6)), "deals.csv")
    error = refused(tmp_path, "`closed_at` is not a date", "07/21/2025")
    folder_with(tmp_path, f"[deals]\npath = 'deals.csv'\n{error.remedy.split(' under [deals]')[0]}\n", "retainkit.toml")
    assert rk.open_shop(tmp_path).ledger[["kept", "rejected"]].values.tolist() == [[5, 0]]


@pytest.mark.parametrize(("days", "words"), [
    (["5/2/2025", "6/3/2025"], ['date_format = "%d/%m/%Y"', '("%m/%d/%Y", if the month stands first']),
    (["23/7/2025", "7/23/2025"], ["export it again with all days in one form", "retainkit check "]), (["2025-23-07", "2025-25-10"], ["holds days", "retainkit check "]),
    (["soon", "later"], ["the name of a column that holds days", "retainkit check "])])
def test_days_that_nothing_proves_or_reads_are_not_given_a_format_as_if_it_were_known(tmp_path, days, words):
    text = "order_id,customer_id,ordered_at,amount\n" + "".join(f"{n},c{n},{day},5\n" for n, day in enumerate(days))
    folder_with(tmp_path, "[orders]\npath = 'orders.csv'\ndate_format = '%d.%m.%Y'\n", "retainkit.toml")
    refused(folder_with(tmp_path, text), "not a date", *words)


@pytest.mark.parametrize("times", [1000, 1])
def test_seconds_since_1970_say_a_line_that_reads_them(tmp_path, times):
    text = "order_id,customer_id,ordered_at,amount\n" + "".join(f"{i},ann,{(1769817600 + i * 86400) * times},5\n" for i in range(3))
    error = refused(folder_with(tmp_path, text), "not a date")
    folder_with(tmp_path, f"[orders]\npath = 'orders.csv'\n{error.remedy.split(' under ')[0]}\n", "retainkit.toml")
    shop = rk.open_shop(tmp_path, tz="UTC")
    assert (str(shop.history_start), str(shop.as_of)) == ("2026-01-31", "2026-02-02")


EXPORT = "no,who,day,qty,price,kind,kind\n1,ann,2026-01-01,3,2.50,a,b\n2,bob,2026-01-02,2,9,a,b\n"
MAPPED = {"path": "x.csv", "order_id": "no", "customer_id": "who", "ordered_at": "day", "amount": "price"}


def mapped(tmp_path: Path, text: str, **lines: str) -> Path:
    """A folder with an export and a mapping of it."""
    folder_with(tmp_path, text, "x.csv")
    body = "".join(f"{key} = {line if line[0] in chr(34) + chr(39) else json.dumps(line)}\n" for key, line in {**MAPPED, **lines}.items())
    return folder_with(tmp_path, f"[orders]\n{body}", "retainkit.toml")


def typed(error: rk.RetainkitError) -> dict[str, str]:
    """The line that an error says to type."""
    line = re.match(r"(\w+) = ('''.*?'''|'.*?'|\"(?:[^\"\\]|\\.)*\")", error.remedy)
    assert line, error.remedy
    return {line[1]: line[2]}


@pytest.mark.parametrize(("line", "words", "remedy"), [
    ({"amount": "qty * prise"}, ["line 6", 'amount = "qty * prise"', '"prise" not found', "no, who, day, qty, price"], "qty * price"),
    ({"amount": "rond(price)"}, ["line 6", "rond does not exist"], "round(price)"), ({"amount": "price * (2"}, ["line 6", "syntax error at its end"], "price"),
    ({"amount": "sum(price)"}, ["line 6", "one value of many rows"], "sum(price) over (partition by no)"),
    ({"amount": "cast(who as double)"}, ["line 6", "in every row of x.csv", "1 row: row 2", "'ann'"], "try(cast(who as double))"),
    ({"where": "qtty > 1"}, ["line 7", 'where = "qtty > 1"', '"qtty" not found'], "qty > 1"), ({"where": "who == = 1"}, ["line 7", "syntax error"], '"who" is not null'),
    ({"where": "who"}, ["line 7", "not true or false", "'ann'"], "(who) = 'true'"), ({"date_format": "%Q"}, ["line 7", "`%Q` is no format"], "%d.%m.%Y"),
    ({"product_line": "upper(kind)"}, ["has 2 columns called `kind`", "columns 6 and 7 of", "kind_6, kind_7"], 'upper("kind_6")'),
    ({"product_line": "kind"}, ["has 2 columns called `kind`", "or kind_7"], "kind_6"), ({"where": "kind = 'kind'"}, ["has 2 columns called `kind`"], "\"kind_6\" = 'kind'")])
def test_a_wrong_line_of_the_mapping_is_named_and_what_it_says_to_type_is_understood(tmp_path, line, words, remedy):
    error = refused(mapped(tmp_path, EXPORT, **line), *words)
    better = typed(error)
    assert tomllib.loads("".join(f"{k} = {v}" for k, v in better.items())) == {next(iter(line)): remedy}
    try:
        rk.open_shop(mapped(tmp_path, EXPORT, **better))
    except rk.RetainkitError as still:  # a line of another kind: no row fulfils it, or no value of it is a number or a day
        assert any(word in str(still) for word in ("left out by where", "is empty", "is not a date", "is not a number"))  # noqa: PT017


def test_links_that_lead_to_each_other_or_nowhere_are_files_that_are_not_read(tmp_path, capsys):
    for name, to in (("a.csv", "b.csv"), ("b.csv", "a.csv"), ("c.csv", "nowhere.csv")):
        (tmp_path / name).symlink_to(to)
    refused(tmp_path, "has no table retainkit knows", "a.csv, b.csv, c.csv")
    assert cli.main(["check", str(tmp_path), str(tmp_path / "a.csv")]) == 2
    assert cli.main(["check", str(tmp_path)]) == 2
    assert "holds no file that can be read. Found: a.csv, b.csv, c.csv. To fix it: files ending in" in capsys.readouterr().err
    assert rk.open_shop(folder_with(tmp_path, GOOD)).unread == ("a.csv", "b.csv", "c.csv")


@pytest.mark.parametrize(("lines", "wrong"), [
    ('delimiter = "ab"', "not one character"), ("delimiter = '\"'", "not one character"), ('header = "no"', "neither true nor false"),
    ("date_format = 5", "neither a text nor a list"), ("path = []", "neither a text nor a list"), ("where = 5", "not a text"), ('columns = "abc"', "not a list of names"),
    ("[[orders.join]]\npath = \"orders.csv\"\non = 5", "neither a text nor a list"), ("[shop]\ntz = 5", "not a text"), ("[shop]\ncurrency = 5", "not a text")])
def test_a_setting_of_another_form_is_named_with_one_that_fits(tmp_path, lines, wrong):
    path = "" if lines.startswith("path") else 'path = "orders.csv"\n'
    folder_with(folder_with(tmp_path, GOOD), f"[orders]\n{path}{lines}\n", "retainkit.toml")
    error = refused(tmp_path, wrong)
    key, _, fits = error.remedy.partition(" = ")
    assert f"{key} = " in lines
    assert isinstance(tomllib.loads(error.remedy)[key], bool if key == "header" else str | list), fits


def test_a_doubled_column_nobody_uses_is_no_matter_and_a_doubled_name_of_a_table_is_refused(tmp_path):
    assert rk.overview(rk.open_shop(mapped(tmp_path, EXPORT))).revenue[0] == 11.5
    (tmp_path / "retainkit.toml").unlink()
    twice = "order_id,customer_id,ordered_at,amount,Amount\n1,ann,2026-01-01,10,99\n"
    error = refused(folder_with(tmp_path, twice), "orders.csv: has 2 columns called `amount`", "columns 4 and 5", 'path = "orders.csv"', "or Amount_5")
    for line, revenue in ((typed(error)["amount"], 10), ('"Amount_5"', 99)):
        (tmp_path / "retainkit.toml").write_text(f'[orders]\npath = "orders.csv"\namount = {line}\n')
        assert rk.overview(rk.open_shop(tmp_path)).revenue[0] == revenue
    frame = pd.DataFrame([[1, "ann", "2026-01-01", 10, 99]], columns=["order_id", "customer_id", "ordered_at", "amount", "amount"])
    assert "frame.loc[:, ~frame.columns.str.lower().duplicated()]" in str(refused({"orders": frame}, "2 columns called `amount`"))
    assert rk.overview(rk.open_shop({"orders": frame.loc[:, ~frame.columns.str.lower().duplicated()]})).revenue[0] == 10


def test_a_packed_table_is_refused_with_the_command_that_unpacks_it(tmp_path):
    folder_with(tmp_path, GOOD)
    pd.read_csv(tmp_path / "orders.csv").to_parquet(tmp_path / "orders.parquet")
    packed = tmp_path / "orders.parquet.gz"
    packed.write_bytes(gzip.compress((tmp_path / "orders.parquet").read_bytes()))
    (tmp_path / "orders.parquet").unlink()
    assert rk.open_shop(tmp_path).unread == ("orders.parquet.gz",)
    (tmp_path / "orders.csv").unlink()
    refused(tmp_path, "orders.parquet.gz: is packed in a way that is not read", "bytes")
    (tmp_path / "retainkit.toml").write_text('[orders]\npath = "orders.parquet.gz"\n')
    error = refused(tmp_path, "orders.parquet.gz: is packed")
    (tmp_path / "retainkit.toml").unlink()
    subprocess.run(shlex.split(error.remedy), check=True)
    assert rk.overview(rk.open_shop(tmp_path)).revenue[0] == 35


def test_a_column_is_switched_off_by_an_empty_line_and_a_needed_one_is_not(tmp_path):
    text = "order_id,customer_id,ordered_at,amount,order_type\n1,ann,2026-01-01,5,web\n2,bob,2026-01-02,6,shop\n"
    assert "order_type = \"\", which leaves it unread" in str(refused(folder_with(tmp_path, text), "order_type"))
    folder_with(tmp_path, '[orders]\npath = "orders.csv"\norder_type = ""\n', "retainkit.toml")
    shop = rk.open_shop(tmp_path)
    assert (shop.ledger["kept"].item(), shop.has("orders.order_type")) == (2, False)
    folder_with(tmp_path, '[orders]\npath = "orders.csv"\namount = ""\n', "retainkit.toml")
    refused(tmp_path, 'amount = ""', "orders needs it")


@pytest.mark.parametrize("empty", ["", "3,cy,2026-03-01,\n", "3,cy,2026-03-01,\n" * 9 + "4,cy\n"])
def test_a_month_in_which_a_column_is_empty_does_not_stop_a_mapping_that_calculates(tmp_path, empty):
    head = "order_id,customer_id,ordered_at,amount\n"
    folder_with(tmp_path, head + "1,ann,2026-01-31,10\n2,bob,2026-02-01,5\n", "m1.csv")
    folder_with(tmp_path, head + empty, "m2.csv")
    folder_with(tmp_path, '[orders]\npath = "m*.csv"\namount = "amount * 2"\n', "retainkit.toml")
    shop = rk.open_shop(tmp_path)
    assert shop.sql("select sum(amount) as a from all_orders")["a"][0] == 30
    assert len(shop.rejected("orders")) == empty.count("\n")


def test_a_month_of_words_where_numbers_belong_is_refused_and_not_read_as_empty(tmp_path):
    folder_with(tmp_path, GOOD, "m1.csv")
    folder_with(tmp_path, GOOD.splitlines()[0] + "\n9,cy,2026-03-01,soon\n", "m2.csv")
    folder_with(tmp_path, '[orders]\npath = "m*.csv"\namount = "amount * 2"\n', "retainkit.toml")
    refused(tmp_path, "amount * 2", "m2.csv")


def test_rows_of_a_joined_file_that_cannot_be_split_are_kept_with_their_reason(tmp_path: Path) -> None:
    (tmp_path / "o.csv").write_text("order_id,cust,ordered_at,amount\n1,a,2026-01-01,5\n2,b,2026-01-02,6\n")
    (tmp_path / "c.csv").write_text("cust,customer_id\na,A\nz,1,2,3\nb,B\n")
    (tmp_path / "retainkit.toml").write_text('[orders]\npath = "o.csv"\n[[orders.join]]\npath = "c.csv"\non = "cust"\n')
    shop = rk.open_shop(tmp_path)
    assert shop.ledger[["file", "rows", "kept", "rejected"]].values.tolist() == [["o.csv", 2, 2, 0], ["c.csv (joined)", 1, 0, 1]]
    assert shop.rejected("orders")[["file", "row", "found"]].values.tolist() == [["c.csv (joined)", 3, "z,1,2,3"]]


def test_a_shop_of_rejected_rows_only_says_why_also_where_its_last_day_is_stated(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("order_id,customer_id,ordered_at,amount\n1,,2026-01-01,5\n2,,2026-01-02,6\n")
    with pytest.raises(rk.RetainkitError, match=r"no row that could be kept.*2 rows \(the first is row 2\): `customer_id` is empty"):
        rk.open_shop(tmp_path, as_of="2026-01-31")


def test_a_column_that_one_of_several_files_lacks_is_empty_there_if_that_is_typed(tmp_path: Path) -> None:
    (tmp_path / "a1.csv").write_text("order_id,customer_id,ordered_at,amount,state\n1,a,2026-01-01,5,paid\n")
    (tmp_path / "a2.csv").write_text("order_id,customer_id,ordered_at,amount\n2,b,2026-01-02,6\n")
    toml = '[orders]\npath = "a*.csv"\nstatus = "lower(state)"\n'
    (tmp_path / "retainkit.toml").write_text(toml)
    with pytest.raises(rk.RetainkitError, match=r'or missing = "empty" under \[orders\], if only some of its files have that column'):
        rk.open_shop(tmp_path)
    (tmp_path / "retainkit.toml").write_text(toml + 'missing = "empty"\n')
    assert rk.open_shop(tmp_path).ledger["kept"].sum() == 2


def test_files_of_which_no_row_is_kept_leave_the_table_of_what_was_read_whole(tmp_path: Path) -> None:
    head = "order_id,customer_id,ordered_at,amount\n"
    for name, rows in {"a1": "1,a,2026-01-05,5\n2,b,2026-02-02,6\n", "a2": "", "a3": "7,,2026-01-01,5\n"}.items():
        (tmp_path / f"{name}.csv").write_text(head + rows)
    (tmp_path / "retainkit.toml").write_text('[orders]\npath = "a*.csv"\n')
    shop = rk.open_shop(tmp_path)
    row = read_and_left_out(shop).iloc[0]
    assert [str(row[c]) for c in ("rows read", "kept", "left out", "first_day", "last_day")] == ["3", "2", "1", "2026-01-05", "2026-02-02"]
    assert "2026-02-02" in cards.health(shop)


@pytest.mark.parametrize("name", ['orde"red_at', '"ordered at"', '"', "o'r", 'a" as ordered_at, "c'])
def test_a_column_with_quotes_in_its_name_is_a_column(tmp_path, name):
    written = name.replace('"', '""')
    (tmp_path / "orders.csv").write_text(f'order_id,customer_id,"{written}",amount\n1,a,2026-01-05,9\n')
    with pytest.raises(rk.errors.MissingDataError, match="has no column `ordered_at`"):
        rk.open_shop(tmp_path)
    (tmp_path / "retainkit.toml").write_text('[orders]\npath = "orders.csv"\nordered_at = "when_"\n[[orders.join]]\npath = "more.csv"\non = "customer_id"\n')
    (tmp_path / "more.csv").write_text(f'customer_id,when_,"x{written}"\na,2026-01-05,1\n')
    assert rk.open_shop(tmp_path / "retainkit.toml").ledger["kept"].tolist() == [1]


def test_a_packed_file_that_is_cut_short_and_no_text_is_said_to_be(tmp_path):
    (tmp_path / "orders.csv.gz").write_bytes(gzip.compress("order_id,customer_id,ordered_at,amount\n".encode("utf-16"))[:39])
    with pytest.raises(rk.errors.BadValueError):
        rk.open_shop(tmp_path)


def test_columns_that_are_missing_are_named_where_the_rows_cannot_be_split_either(tmp_path):
    (tmp_path / "orders.csv").write_bytes(b"order_id|customer_i\n1000|c1|0001-01-01|185.78\r,,x\n")
    with pytest.raises(rk.errors.MissingDataError, match="has no columns `customer_id`, `ordered_at`, `amount`"):
        rk.open_shop(tmp_path)


@pytest.mark.parametrize("rows", ['order_id,customer_id,"amo""unt",day\n1,a,9,2026-01-05\n', "order_id,customer_id,amount,day\n1,a,9,2026-01-05\r,,x\n"])
def test_a_wrong_line_of_the_mapping_is_said_whatever_the_columns_are_called_and_hold(tmp_path, rows):
    (tmp_path / "o.csv").write_bytes(rows.encode())
    (tmp_path / "retainkit.toml").write_text('[orders]\npath = "o.csv"\nordered_at = "xxyyzz + 1"\namount = "zzz + 2"\n')
    with pytest.raises(rk.errors.RetainkitError, match="To fix it"):
        rk.open_shop(tmp_path / "retainkit.toml")


LETTERS_LATE = "".join(f"{i},{100 + i % 50 if i < 25_000 else f'A{i % 40:03}'},2026-01-{1 + i % 28:02},5\n" for i in range(30_000))


@pytest.mark.parametrize(("said", "first", "last", "customers"), [
    ("coalesce(cust::varchar, 'x')", "100", "A039", 90), ("nullif(cust, '0')", "100", "A039", 90), ("'shop-' || cust", "shop-100", "shop-A039", 90), ("cast(cust as text)", "100", "A039", 90)])
def test_an_id_in_an_expression_is_what_the_file_says_also_where_only_late_rows_show_that_it_is_no_number(tmp_path, said, first, last, customers):
    folder_with(tmp_path, f"order_id,cust,ordered_at,amount\n{LETTERS_LATE}")
    folder_with(tmp_path, f"[orders]\npath = 'orders.csv'\ncustomer_id = \"{said}\"\n", "retainkit.toml")
    shop = rk.open_shop(tmp_path)
    assert (shop.ledger.kept[0], shop.ledger.rejected[0]) == (30_000, 0)
    assert shop.sql("select min(customer_id) as a, max(customer_id) as b, count(*) as n from ids").values.tolist() == [[first, last, customers]]


@pytest.mark.parametrize(("ids", "said", "known"), [
    (["007", "7"], "nullif(cust, 'x')", ["007", "7"]), (["9007199254740993", "9007199254740992"], "'n' || cust", ["n9007199254740992", "n9007199254740993"]),
    (["100", "101"], "'shop-' || cust", ["shop-100", "shop-101"]), (["100", "101"], "cust + 1", ["101", "102"]), (["-0", "3"], "cust || '-x'", ["0-x", "3-x"]), (["1e5", "100000"], "nullif(cust, '')", ["100000", "1e5"])])
def test_an_id_that_looks_like_a_number_stays_the_one_it_is(tmp_path, ids, said, known):
    folder_with(tmp_path, "order_id,cust,ordered_at,amount\n" + "".join(f"{i},{who},2026-01-0{1 + i},5\n" for i, who in enumerate(ids)))
    folder_with(tmp_path, f"[orders]\npath = 'orders.csv'\ncustomer_id = \"{said}\"\n", "retainkit.toml")
    assert rk.open_shop(tmp_path).sql("select customer_id from ids order by 1")["customer_id"].tolist() == known


@pytest.mark.parametrize("none", ["NaN", "nan", "-inf", "Infinity"])
def test_a_value_that_is_no_number_is_rejected_with_its_row_and_not_with_its_column(tmp_path, none):
    rows = "".join(f"{i},c{i % 9},2026-01-05,2,{none if i == 7 else 3}\n" for i in range(80))
    folder_with(tmp_path, f"order_id,customer_id,ordered_at,qty,price\n{rows}")
    folder_with(tmp_path, "[orders]\npath = 'orders.csv'\namount = 'qty * price'\n", "retainkit.toml")
    shop = rk.open_shop(tmp_path)
    assert (shop.ledger.kept[0], shop.ledger.rejected[0], rk.overview(shop).revenue[0]) == (79, 1, 474)


def test_a_row_of_too_many_columns_does_not_stop_a_mapping_that_calculates(tmp_path):
    rows = "".join(f"{i};c{i % 9};2026-01-{1 + i % 28:02};{1 + i % 5};2\n" for i in range(80))
    folder_with(tmp_path, f"no;who;day;qty;price\n{rows}99;c1;2026-01-05;1;2;x;y\n")
    mapping = {"order_id": "no", "customer_id": "who", "ordered_at": "day", "amount": "qty * price"}
    folder_with(tmp_path, "[orders]\npath = 'orders.csv'\n" + "".join(f"{k} = '{v}'\n" for k, v in mapping.items()), "retainkit.toml")
    shop = rk.open_shop(tmp_path)
    assert (shop.ledger.kept[0], shop.ledger.rejected[0], rk.overview(shop).revenue[0]) == (80, 1, 480)


def test_numbers_and_texts_in_one_expression_are_told_what_makes_them_one(tmp_path):
    folder_with(tmp_path, "order_id,cust,mail,ordered_at,amount\n1,100,a@x.org,2026-01-01,5\n2,,b@x.org,2026-01-02,5\n")
    toml = "[orders]\npath = 'orders.csv'\ncustomer_id = '{}'\n"
    folder_with(tmp_path, toml.format("coalesce(cust, mail)"), "retainkit.toml")
    error = refused(tmp_path, "Cannot mix values")
    folder_with(tmp_path, f"[orders]\npath = 'orders.csv'\n{error.remedy.split(' under ')[0]}\n", "retainkit.toml")
    assert rk.open_shop(tmp_path).sql("select customer_id from ids order by 1")["customer_id"].tolist() == ["100", "b@x.org"]


@pytest.mark.parametrize("text", [GOOD.replace("\n", "\r\n")[:-2] + "\n", GOOD.replace("\n", "\r\n", 1), GOOD.replace("20\n", "20\r\n")])
def test_lines_that_end_in_two_ways_are_lines(tmp_path, text):
    shop = rk.open_shop(folder_with(tmp_path, text))
    assert (shop.ledger.rows[0], shop.ledger.kept[0], rk.overview(shop).revenue[0]) == (3, 3, 35)
    assert not rk.open_shop(folder_with(tmp_path, text)).ledger.rejected[0]
    assert examine([tmp_path / "orders.csv"]).shop.ledger.kept[0] == 3


def test_a_file_beside_its_copy_counts_once_or_is_refused(tmp_path):
    folder_with(tmp_path, GOOD)
    (tmp_path / "orders-latest.csv").symlink_to(tmp_path / "orders.csv")
    folder_with(tmp_path, "[orders]\npath = 'orders*.csv'\n", "retainkit.toml")
    assert rk.overview(rk.open_shop(tmp_path)).revenue[0] == 35
    (tmp_path / "orders-latest.csv").unlink()
    folder_with(tmp_path, GOOD, "orders (1).csv")
    assert refused(tmp_path, "once more, byte for byte", "count twice").remedy.startswith('overlap = "once" under [orders]')
    folder_with(tmp_path, "[orders]\npath = 'orders*.csv'\noverlap = 'once'\n", "retainkit.toml")
    assert rk.overview(rk.open_shop(tmp_path)).revenue[0] == 35
    for name in ("orders.csv", "orders (1).csv"):
        folder_with(tmp_path, GOOD.splitlines()[0] + "\n", name)  # two days on which nobody bought
    folder_with(tmp_path, GOOD, "orders-3.csv")
    folder_with(tmp_path, "[orders]\npath = 'orders*.csv'\n", "retainkit.toml")
    assert rk.overview(rk.open_shop(tmp_path)).revenue[0] == 35


def test_settings_saved_on_windows_are_read_and_a_path_of_it_is_told_how_to_be_written(tmp_path):
    folder_with(tmp_path, GOOD)
    folder_with(tmp_path, b"\xef\xbb\xbf[orders]\npath = 'orders.csv'\n", "retainkit.toml")
    assert rk.overview(rk.open_shop(tmp_path)).revenue[0] == 35
    folder_with(tmp_path, '[orders]\npath = "C:\\Users\\x.csv"\n', "retainkit.toml")
    assert refused(tmp_path, "not valid TOML", "line 2").remedy == 'path = "C:/Users/x.csv"'


def test_a_folder_where_a_file_is_read_says_how_its_files_are_named(tmp_path):
    (tmp_path / "orders.csv").mkdir()
    folder_with(tmp_path / "orders.csv", GOOD, "part-0.csv")
    error = refused(tmp_path, "orders.csv: is a folder, where a file is read")
    folder_with(tmp_path, f"[orders]\n{error.remedy.split(' under ')[0]}\n", "retainkit.toml")
    assert rk.overview(rk.open_shop(tmp_path)).revenue[0] == 35


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_nobody_may_read_is_one_clear_error(tmp_path):
    folder_with(tmp_path, GOOD)
    (tmp_path / "orders.csv").chmod(0)
    refused(tmp_path, "cannot be read", "Permission denied")
