"""`retainkit check` on exports as systems and people make them: the money, the rows and the words come out as they are."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from retainkit import cli, overview
from retainkit.check.examine import Examined, examine
from retainkit.check.say import as_text
from retainkit.errors import RetainkitError
from retainkit.load.opening import open_shop


def checked(folder: Path, files: dict[str, str], **answers: str) -> Examined:
    """Files of these texts, examined together; answers as `date_format="d/m"`."""
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return examine([folder], {"tz": "UTC", **{k.replace("_", "-"): v for k, v in answers.items()}})


def lines(found: Examined, table: str = "orders") -> dict[str, str]:
    """The mapping of one table."""
    return next(p.lines for p in found.proposals if p.table == table)


def money(found: Examined, status: str = "") -> float:
    """What all orders add up to, or those of one status."""
    assert found.shop, found.trouble
    return float(found.shop.sql(f"select coalesce(sum(amount), 0) as a from all_orders {f'where status = {status!r}' if status else ''}")["a"][0])


CUSTOMERS = "id,email,created_at\n" + "".join(f"{c},c{c}@example.com,2025-01-01\n" for c in range(1, 11))
ORDERS = "id,customer_id,created_at,total\n" + "".join(f"{100 + i},{1 + i % 5},2026-0{1 + i % 9}-11,{30 if i % 2 else 10}\n" for i in range(10))
ITEMS = "id,order_id,product_id,quantity,unit_price\n" + "".join(f"{1 + i},{100 + i},{1 + i % 2},{3 if i % 2 else 1},10\n" for i in range(10)) + "11,100,2,1,7\n"


def test_numbers_of_rows_that_agree_by_chance_join_nothing(tmp_path):
    found = checked(tmp_path, {"customers.csv": CUSTOMERS, "orders.csv": ORDERS, "order_items.csv": ITEMS})
    assert {p.table for p in found.proposals} == {"orders", "customers"}
    assert found.proposals[0].look.name == "order_items.csv"
    assert (lines(found)["order_id"], lines(found)["customer_id"]) == ("order_id", "customer_id")
    assert [other.name for other, _ in found.proposals[0].joins] == ["orders.csv"]
    assert money(found) == 5 * 10 + 5 * 30 + 7
    (tmp_path / "orders.csv").unlink()
    assert [p.table for p in examine([tmp_path]).proposals] == ["customers"]  # the items name nobody


def product_lines(unit: bool) -> str:
    """Forty lines of two products, one to three pieces each, at the price of a piece or of all of them."""
    return "order_id,date,customer_id,product,quantity,price\n" + "".join(
        f"{i},2026-01-{1 + i % 28:02d},c{i % 7},{'Mug' if i % 2 else 'Bag'},{1 + i % 3},{(5 if i % 2 else 40) * (1 if unit else 1 + i % 3)}\n" for i in range(40))


@pytest.mark.parametrize("unit", [True, False])
def test_a_price_that_grows_with_the_pieces_of_a_product_is_that_of_the_line(tmp_path, unit):
    found = checked(tmp_path, {"sales.csv": product_lines(unit)})
    assert money(found) == sum((5 if i % 2 else 40) * (1 + i % 3) for i in range(40))
    assert ("the price of the whole line and not of a piece" in as_text(found)) is not unit


def test_fewer_than_no_pieces_are_given_back_whatever_the_amount_says(tmp_path):
    rows = [(-1 if i % 6 == 0 else 1, 10) for i in range(60)]
    text = "order_id,date,customer_id,quantity,total\n" + "".join(f"{i},2026-02-{1 + i % 28:02d},c{i % 9},{q},{total}\n" for i, (q, total) in enumerate(rows))
    found = checked(tmp_path, {"sales.csv": text})
    assert money(found) == 50 * 10 - 10 * 10
    assert "`quantity` is below zero in 10 rows whose total is above" in as_text(found)
    below = checked(tmp_path, {"sales.csv": text.replace(",-1,10", ",-1,-10")})
    assert (money(below), lines(below)["amount"]) == (400, "total")


DEALS = "Opportunity ID,Account,Sales Rep,Created,Closed,Stage,Value\n" + "".join(
    f"OP{i},Acc {i % 30},{'Ann' if i % 2 else 'Bob'},2025-{1 + i % 12:02d}-03,{f'2026-01-{1 + i % 28:02d}' if i % 3 else ''},{('Proposal', 'Declined', 'Signed')[i % 3]},{1000 + i}\n" for i in range(90))


def outcomes(found: Examined) -> dict[str, int]:
    assert found.shop, found.trouble
    rows = found.shop.sql("select outcome, count(*) as n from deals group by 1")
    return dict(zip(rows["outcome"], rows["n"].astype(int), strict=True))


def test_deals_whose_stages_nobody_knows_are_deals_and_each_stage_is_asked(tmp_path):
    found = checked(tmp_path, {"pipeline.csv": DEALS})
    assert [p.table for p in found.proposals] == ["deals"]
    assert [q.key for q in found.open_questions] == ["outcome"]
    assert "`Stage` is declined (30), signed (30) in 60 rows" in as_text(found)
    assert '--answer "outcome:signed=WHAT-IT-IS"' in as_text(found)
    answered = {"tz": "UTC", "outcome:signed": "won", "outcome:declined": "lost"}
    assert outcomes(examine([tmp_path], answered)) == {"won": 30, "lost": 30, "open": 30}
    assert outcomes(examine([tmp_path], {"tz": "UTC", "outcome": "lost"})) == {"lost": 60, "open": 30}
    assert outcomes(examine([tmp_path], {**answered, "outcome:declined": "out"})) == {"won": 30, "open": 30}
    with pytest.raises(RetainkitError, match="is not one of its answers"):
        examine([tmp_path], {"outcome:signed": "paid"})


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%d.%m.%Y"])
def test_days_of_winning_and_of_losing_in_two_columns_are_both_read(tmp_path, form):
    day = [f"{date(2026, 1, 1 + i % 28):{form}}" for i in range(90)]
    rows = (f"OP{i},Acc {i % 30},Ann,{date(2025, 1 + i % 12, 3):{form}},{day[i] if i % 3 == 1 else ''},{day[i] if i % 3 == 2 else ''},{('Open', 'Won', 'Lost')[i % 3]},5\n" for i in range(90))
    found = checked(tmp_path, {"pipeline.csv": "Deal ID,Account,Owner,Created,Won Date,Lost Date,Stage,Value\n" + "".join(rows)})
    assert outcomes(found) == {"won": 30, "lost": 30, "open": 30}
    assert "likely: Lost Date where Won Date is empty" in as_text(found)


def test_a_name_that_repeats_is_no_number_of_a_deal(tmp_path):
    text = DEALS.replace("Opportunity ID", "Opportunity Name").replace("Signed", "Closed Won").replace("Declined", "Closed Lost")
    for i in range(90):
        text = text.replace(f"\nOP{i},", f"\nAcc {i % 30} deal,")
    found = checked(tmp_path, {"report.csv": text})
    assert lines(found, "deals")["deal_id"] == "row_no"
    assert outcomes(found) == {"won": 30, "lost": 30, "open": 30}
    assert lines(checked(tmp_path, {"report.csv": text.replace("Opportunity Name", "Opportunity ID")}), "deals")["deal_id"] == "Opportunity ID"


def test_the_line_that_takes_refunds_off_works_as_it_is_written(tmp_path):
    refunds = "id,order_id,amount,created_at,reason\n" + "".join(f"{i},{100 + 2 * i},4,2026-09-{10 + i},broken\n" for i in range(1, 4))
    found = checked(tmp_path, {"orders.csv": ORDERS, "refunds.csv": refunds})
    said = as_text(found)
    path, on = re.search(r'path = ("[^"]+").* and on = ("[^"]+")', said).groups()
    amount = re.search(r"amount = '''(.+?)'''", said)[1]
    assert on == '"id = order_id"'
    (tmp_path / "retainkit.toml").write_text(re.sub("amount = .*", f"amount = '''{amount}'''", found.toml(tmp_path)) + f"\n[[orders.join]]\npath = {path}\non = {on}\n")
    assert float(open_shop(tmp_path).sql("select sum(amount) as a from all_orders")["a"][0]) == 5 * 30 + 5 * 10 - 3 * 4


def statuses(found: Examined) -> dict[str, int]:
    assert found.shop, found.trouble
    rows = found.shop.sql("select status, count(*) as n from all_orders group by 1")
    return dict(zip(rows["status"], rows["n"].astype(int), strict=True))


def test_part_of_an_order_given_back_leaves_it_a_sale(tmp_path):
    said = ["Returned", "Partially returned", "part refund", "teilweise erstattet", "Partiellement remboursé", "partially_refunded", "Refunded", "Partially cancelled", "Delivered", "In transit"]
    text = "order_id,customer_id,ordered_at,amount,status\n" + "".join(f"{i},c{i % 3},2026-01-0{1 + i % 9},10,{word}\n" for i, word in enumerate(said))
    assert statuses(checked(tmp_path, {"orders.csv": text})) == {"refunded": 2, "paid": 8}


def test_one_row_an_order_has_its_refund_taken_off_and_a_whole_one_is_refunded(tmp_path):
    refunds = {0: 50, 1: 50, 2: 20}
    text = "ID,Purchase Date,Customer Email,Subtotal,Status,Total Refunded\n" + "".join(
        f"{i:09},2026-01-{1 + i % 28:02d},c{i % 9}@x.com,50.00,{'Closed' if refunds.get(i) == 50 else 'Complete'},{refunds.get(i, 0)}.00\n" for i in range(30))
    found = checked(tmp_path, {"export.csv": text})
    assert lines(found)["order_id"] == "ID"
    assert statuses(found) == {"refunded": 2, "paid": 28}
    assert money(found, "paid") == 28 * 50 - 20
    assert money(found, "refunded") == 0  # already taken off
    assert "is not taken off" not in as_text(found)
    several = text.replace("ID,", "Order ID,", 1).replace("000000001,", "000000000,").replace("000000003,", "000000002,").replace("000000005,", "000000004,")
    assert "is not taken off the amounts: orders have several rows" in as_text(checked(tmp_path, {"export.csv": several}))


@pytest.mark.parametrize("head", [
    "Beleg-Nr.,Belegdatum,Kd-Nr.,Betrag", "Auftrag,Datum,KdNr,Umsatz", "VBELN,ERDAT,KUNNR,NETWR", "Sales Order,Order Date,sold_to_party,Amount", "OrderNo,OrderDate,CustNo,Amount", "Sale,Date,ContactName,Total",
    "Facture,Date facture,Code client,Montant HT", "注文番号,注文日,顧客番号,金額", "Nr zamówienia,Data,Klient,Kwota", "Номер заказа,Дата,Клиент,Сумма", "Transaction ID,Date,From Email Address,Gross"])
def test_orders_are_known_by_what_their_columns_are_called_elsewhere(tmp_path, head):
    found = checked(tmp_path, {"export.csv": head + "\n" + "".join(f"A{i // 2},2026-01-{1 + i:02d},k{i % 5},{10 + i}.50\n" for i in range(20))})
    assert lines(found) == dict(zip(("order_id", "ordered_at", "customer_id", "amount"), head.split(","), strict=True))


def test_the_words_of_a_status_and_its_column_in_french(tmp_path):
    text = "id,Client,Total,État,Date\n" + "".join(f"{i},K{i % 4},10,{word},2026-01-{1 + i:02d}\n" for i, word in enumerate(["Livré", "Livré", "Remboursé", "Annulé", "Expédié", "Livré"]))
    assert statuses(checked(tmp_path, {"orders.csv": text})) == {"paid": 4, "refunded": 1, "cancelled": 1}


@pytest.mark.parametrize(("column", "said"), [
    ("État", "Livrée Expédiée Annulée Remboursée"), ("Bestellstatus", "Zugestellt Versandbereit Storno Retoure"), ("Stato", "Spedito In-lavorazione Annullato Rimborsato"),
    ("Estado", "Enviado Entregada Anulado Reembolsado"), ("Status", "Verzonden Bezorgd Geannuleerd Geretourneerd"), ("ステータス", "発送済み 完了 キャンセル 返品")])
def test_the_words_of_a_status_in_other_languages(tmp_path, column, said):
    text = f"id,Client,Total,{column},Date\n" + "".join(f"{i},K{i % 4},10,{word.replace('-', ' ')},2026-01-{1 + i:02d}\n" for i, word in enumerate(said.split()))
    assert statuses(checked(tmp_path, {"orders.csv": text})) == {"paid": 2, "refunded": 1, "cancelled": 1}


@pytest.mark.parametrize(("column", "said"), [("Status", "Completed Pending Denied"), ("Order Status", "Dispatched Back-ordered RMA-closed"), ("order_status", "1 2 9"), ("Auftragsstatus", "A B C")])
def test_a_column_called_after_a_status_is_asked_of_whatever_its_words_are(tmp_path, column, said):
    first, *others = said.split()
    text = f"id,Client,Total,{column},Date\n" + "".join(f"{i},K{i % 4},10,{word},2026-01-{1 + i:02d}\n" for i, word in enumerate([first] * 4 + others))
    found = checked(tmp_path, {"orders.csv": text})
    asked = next(q for q in found.open_questions if q.key == "status")
    assert all(f"{word.lower()} (1)" in asked.text for word in others)


def test_a_state_that_people_live_in_is_no_status(tmp_path):
    text = "id,Client,Total,State,Date\n" + "".join(f"{i},K{i % 4},10,{word},2026-01-{1 + i:02d}\n" for i, word in enumerate(["OK", "NY", "CA", "NY", "TX"]))
    found = checked(tmp_path, {"orders.csv": text})
    assert "status" not in lines(found)


def test_of_two_columns_called_after_a_status_that_is_taken_whose_words_are_known(tmp_path):
    text = "id,Client,Total,Status,Payment Status,Date\n" + "".join(f"{i},K{i % 4},10,{i % 3},{'Paid' if i else 'Voided'},2026-01-{1 + i:02d}\n" for i in range(6))
    assert statuses(checked(tmp_path, {"orders.csv": text})) == {"paid": 5, "cancelled": 1}


def test_a_list_of_members_tells_when_they_joined_and_left(tmp_path):
    text = "Member ID,Name,Join Date,Leave Date,Monthly Fee,Status\n" + "".join(f"{i},N{i},2025-0{1 + i % 9}-02,{'2026-01-05' if i % 4 == 0 else ''},39,{'Left' if i % 4 == 0 else 'Active'}\n" for i in range(20))
    found = checked(tmp_path, {"members.csv": text})
    assert {k: lines(found, "contracts")[k] for k in ("started_at", "ended_at", "monthly_value")} == {"started_at": "Join Date", "ended_at": "Leave Date", "monthly_value": "Monthly Fee"}
    assert found.shop
    assert int(found.shop.sql("select count(ended_on) as n from all_contracts")["n"][0]) == 5


def test_a_list_of_customers_that_says_what_they_pay_is_of_contracts_too(tmp_path):
    text = "Company,Email,Status,MRR,Customer Since,Country,Plan,Subscription Start Date,Canceled Date,UUID\n" + "".join(
        f"Firm {i},f{i}@x.com,{'Cancelled' if i < 3 else 'Active'},49,2025-0{1 + i % 9}-11,DE,Pro,2025-0{1 + i % 9}-11,{'2026-02-01' if i < 3 else ''},u{i}\n" for i in range(20))
    found = checked(tmp_path, {"customers.csv": text})
    assert [p.table for p in found.proposals] == ["customers", "contracts"]
    assert found.shop
    assert found.shop.sql("select count(*) as n, count(ended_on) as ended from contracts").values.tolist() == [[20, 3]]


def test_users_with_one_row_each_are_no_days_of_use(tmp_path):
    users = "User ID,Email,Signed up,Last seen,Country\n" + "".join(f"u{i},c{i}@x.com,2025-01-03,2026-10-{1 + i:02d},Germany\n" for i in range(20))
    assert [p.table for p in checked(tmp_path, {"users.csv": users}).proposals] == ["customers"]
    seen = "User ID,Last seen,Web sessions\n" + "".join(f"u{i // 2},2026-10-{1 + i:02d},{i}\n" for i in range(20))
    assert [p.table for p in checked(tmp_path, {"users.csv": seen}).proposals] == ["activity"]
    once = "User ID,Last seen,Web sessions\n" + "".join(f"u{i},2026-10-{1 + i:02d},{i}\n" for i in range(20))
    with pytest.raises(StopIteration):
        lines(checked(tmp_path, {"users.csv": once}), "activity")


def test_milliseconds_in_lines_of_json_are_days(tmp_path):
    found = checked(tmp_path, {"activity.ndjson": "".join(f'{{"user_id": "u{i % 5}", "event": "login", "ts": {1773963142000 + i * 86400000}}}\n' for i in range(20))})
    assert found.shop
    days = found.shop.sql("select cast(min(active_on) as varchar) as a, cast(max(active_on) as varchar) as b from activity")
    assert days.values.tolist() == [["2026-03-19", "2026-04-07"]]


def test_seconds_of_a_known_system_are_said_to_be_seconds(tmp_path):
    charges = "id,object,amount,amount_refunded,created,currency,customer,paid,refunded,status\n" + "".join(f"ch_{i},charge,3370,0,{1793298708 + i},eur,cus_{i % 4},true,false,succeeded\n" for i in range(8))
    said = as_text(checked(tmp_path, {"charges.csv": charges}))
    assert "`created` (orders.ordered_at): seconds counted from 1970" in said
    assert "year first" not in said


def test_companies_that_the_deals_name_are_the_customers(tmp_path):
    companies = "Record ID,Company name,Company owner,Create Date,Industry\n" + "".join(f"90{i},Firm {i},Bob,2025-01-0{1 + i},SOFTWARE\n" for i in range(9))
    contacts = "Record ID,First Name,Last Name,Email,Contact owner,Create Date\n" + "".join(f"1{i},Anna,M,p{i}@x.com,Bob,2025-02-03\n" for i in range(9))
    deals = "Record ID,Deal Name,Deal Stage,Close Date,Deal owner,Amount,Create Date,Associated Company IDs (Primary)\n" + "".join(
        f"30{i},D{i},Closed {'Won' if i % 2 else 'Lost'},2026-02-0{1 + i},Eve,100,2026-01-0{1 + i},90{i}\n" for i in range(9))
    found = checked(tmp_path, {"companies.csv": companies, "contacts.csv": contacts, "deals.csv": deals})
    assert {p.table: p.look.name for p in found.proposals} == {"customers": "companies.csv", "deals": "deals.csv"}


def test_invoices_of_the_dashboard_are_orders_where_no_payments_are(tmp_path):
    head = "id,Amount Due,Currency,Customer,Date (UTC),Number,Paid,Subscription,Total,Amount Paid,Status,Customer Email\n"
    text = head + "".join(f"in_{i},99.00,eur,cus_{i % 3},2026-01-{1 + i:02d} 15:07,A-{i},{'true' if i else 'false'},{'sub_1' if i % 2 else ''},99.00,{'99.00' if i else '0.00'},{'paid' if i else 'open'},b@x.io\n" for i in range(10))
    found = checked(tmp_path, {"invoices.csv": text})
    assert statuses(found) == {"paid": 9, "cancelled": 1}
    assert money(found) == 9 * 99
    assert found.shop
    assert found.shop.sql("select count(*) as n from all_orders where order_type = 'recurring'")["n"][0] == 5


def test_files_of_one_layout_are_read_in_their_order_and_rejected_rows_keep_their_place(tmp_path):
    head = "order_id,customer_id,ordered_at,amount\n"
    months = {f"orders-{m:02d}.csv": head + "".join(f"{m}{i},c{i},2026-{m:02d}-0{i},{'oops' if (m, i) in ((2, 3), (11, 1)) else 10 * m}\n" for i in range(1, 5)) for m in range(1, 13)}
    found = checked(tmp_path, months)
    assert found.shop
    assert found.shop.rejected("orders")[["file", "row", "found"]].values.tolist() == [["orders-02.csv", 4, "oops"], ["orders-11.csv", 2, "oops"]]
    assert money(found) == sum(4 * 10 * m for m in range(1, 13)) - 20 - 110
    assert found.shop.ledger["kept"].tolist() == [4, 3, *[4] * 8, 3, 4]


def test_money_taken_out_of_an_account_is_no_sale_and_no_refund(tmp_path):
    kinds = ["Express Checkout Payment"] * 12 + ["Payment Refund"] * 2 + ["General Withdrawal"]
    text = "Date,Type,Status,Gross,From Email Address,Transaction ID\n" + "".join(f"2026-01-{1 + i:02d},{kind},Completed,{10 if kind.startswith('E') else -10 if kind.startswith('P') else -90}.50,c{i % 5}@x.com,T{i}\n" for i, kind in enumerate(kinds))
    found = checked(tmp_path, {"Download.csv": text})
    assert money(found) == 10 * 10.5
    assert "`Type` says General Withdrawal, which is no sale and no money given back: left out" in as_text(found)


def test_words_of_a_status_in_a_joined_file_are_asked_too(tmp_path):
    orders = ORDERS.replace("created_at,total", "created_at,total,status").replace("0\n", "0,completed\n").replace("0,completed\n", "0,parked\n", 2)
    found = checked(tmp_path, {"orders.csv": orders, "order_items.csv": ITEMS})
    assert found.proposals[0].look.name == "order_items.csv"
    assert "orders.csv: `status` is parked in 2 rows, which retainkit does not know" in as_text(found)
    assert statuses(examine([tmp_path], {"status:parked": "cancelled"})) == {"paid": 8, "cancelled": 3}


def test_lines_in_several_files_whose_customers_stand_in_another_are_compared_without_them(tmp_path):
    head, *rows = ITEMS.splitlines()
    changed = rows[0].replace(",10", ",12")
    files = {"order_items_01.csv": [head, *rows[:7]], "order_items_02.csv": [head, *rows[6:], changed]}
    found = checked(tmp_path, {"orders.csv": ORDERS, **{name: "\n".join(lines) + "\n" for name, lines in files.items()}})
    assert found.proposals[0].look.name == "order_items_01.csv and 1 more"
    assert "in more than one file with other values" in as_text(found)
    assert "with another customer" not in as_text(found)


def test_signs_of_a_currency_in_the_totals_of_a_joined_file_are_no_column_of_the_lines(tmp_path):
    orders = ORDERS.replace(",30\n", ",$30.00\n").replace(",10\n", ",$10.00\n")
    items = "\n".join(line.rpartition(",")[0] for line in ITEMS.splitlines()) + "\n"
    found = checked(tmp_path, {"orders.csv": orders, "order_items.csv": items})
    assert as_text(found)
    assert money(found) == 200
    (tmp_path / "orders.csv").write_text(orders.replace("$30", "€30"), encoding="utf-8")
    assert "2 currencies are mixed: $ 5 (50.0%), € 5 (50.0%)" in as_text(examine([tmp_path], {"tz": "UTC"}))
    assert money(examine([tmp_path], {"tz": "UTC", "mixed": "€"})) == 150


LINES = [("1001", "ann", "2026-01-01", 10, "tea"), ("1001", "ann", "2026-01-01", 5, "cup"), ("1002", "bob", "2026-01-15", 20, "tea"), ("1003", "ann", "2026-02-01", 7, "pot"), ("1003", "ann", "2026-02-01", 8, "cup"),
         ("1003", "ann", "2026-02-01", 9, "tea")]  # fmt: skip


def with_blanks(*blank: int) -> str:
    """Twelve orders of one to three lines, of which all but the first lack some of the columns; and one of a guest."""
    rows, seen = [], set()
    for turn in range(4):
        for number, who, day, amount, product in LINES:
            cells = [f"{number}{turn}", who, day, str(amount), product]
            rows.append(",".join("" if n in blank and cells[0] in seen else cell for n, cell in enumerate(cells)))
            seen.add(cells[0])
    return "Order Number,Customer ID,Order Date,Total,Category\n" + "\n".join([*rows, "2000,,2026-03-01,3,tea", "Total,,,239,"]) + "\n"


@pytest.mark.parametrize("blank", [(1, 2), (1,), (0, 1, 2)])
def test_what_stands_on_the_first_row_of_an_order_is_of_all_its_rows(tmp_path, blank):
    found = checked(tmp_path, {"orders.csv": with_blanks(*blank)})
    assert found.shop
    assert money(found) == 4 * (10 + 5 + 20 + 7 + 8 + 9)
    assert found.shop.sql("select count(distinct order_id) as n, count(*) as rows from all_orders").values.tolist() == [[12, 24]]
    assert found.shop.rejected("orders")["row"].tolist() == [26, 27]  # a guest stays one, and a line of totals, too
    assert "likely: 12 rows without " in as_text(found)


def test_an_amount_that_stands_once_an_order_is_shared_by_its_rows_and_not_asked_about(tmp_path):
    found = checked(tmp_path, {"orders.csv": with_blanks(1, 2, 3)})
    assert not found.open_questions
    assert round(money(found), 2) == 4 * (10 + 20 + 7)
    assert found.shop.sql("select amount from all_orders where order_id = '10030'")["amount"].astype(float).round(2).tolist() == [2.33] * 3


def test_an_order_of_two_customers_keeps_both_where_others_are_filled_from_their_first_row(tmp_path):
    rows = [f"{i},{who},2026-01-{1 + i:02d},10,tea" for i in range(9) for who in (f"c{i % 3}", "")] + ["99,ann,2026-01-20,10,tea", "99,bob,2026-01-20,10,tea", "99,,2026-01-20,10,tea"]
    found = checked(tmp_path, {"orders.csv": "\n".join(["Order Number,Customer ID,Order Date,Total,Category", *rows]) + "\n"}, totals="line")
    assert found.shop
    assert found.shop.sql("select count(*) as n from all_orders where order_id <> '99'")["n"][0] == 18
    assert found.shop.rejected("orders")["row"].tolist() == [21, 22]  # another one's order, and whose the blank is nobody knows


def test_amounts_that_stand_on_several_rows_of_an_order_stay_where_they_are(tmp_path):
    rows = [f"{i},c{i % 3},2026-01-{1 + i:02d},{a},{p}" for i in range(9) for a, p in ((10, "tea"), (10, "cup"), ("", "pot"))]
    found = checked(tmp_path, {"orders.csv": "\n".join(["Order Number,Customer ID,Order Date,Total,Category", *rows]) + "\n"}, totals="line")
    assert money(found) == 180


def test_customers_that_stand_on_the_first_row_of_a_block_are_said_with_a_line_that_reads_them(tmp_path):
    text = "Customer,Order No,Order Date,Amount\n" + "".join(f"{f'c{i // 4}' if i % 4 == 0 else ''},{i},2026-01-{1 + i:02d},10\n" for i in range(24))
    found = checked(tmp_path, {"orders.csv": text})
    said = re.search(r"18 rows name no customer, and each customer is named once: .* (customer_id = '''.*?''')", as_text(found))
    assert said
    (tmp_path / "retainkit.toml").write_text(f"[orders]\npath = 'orders.csv'\norder_id = 'Order No'\nordered_at = 'Order Date'\namount = 'Amount'\n{said[1]}\n")
    assert open_shop(tmp_path).sql("select count(distinct customer) as who, count(*) as n from orders").values.tolist() == [[6, 24]]


def test_a_file_that_is_the_same_table_under_other_names_is_said_with_lines_that_read_both(tmp_path, capsys):
    rows = [[f"{n}{i},c{i % 3},2026-0{n}-{1 + i:02d},10" for i in range(6)] for n in (1, 2)]
    for n, head in ((1, "Order No,Customer,Order Date,Total"), (2, "Order Number,Client ID,Date,Amount")):
        (tmp_path / f"orders-{n}.csv").write_text("\n".join([head, *rows[n - 1]]) + "\n")
    said = as_text(examine([tmp_path]))
    assert "orders-2.csv: 6 rows, 4 columns; is not used: by itself it is orders, too, under other names than orders-1.csv, and its rows are in no count. If they are no rows" in said
    assert cli.main(["init", str(tmp_path / "p"), "--from", str(tmp_path)]) == 0
    assert "orders-2.csv is not used: by itself it is orders, too" in capsys.readouterr().out
    typed = re.search(r"has: (path = .*''')$", said, re.M)
    assert typed
    (tmp_path / "retainkit.toml").write_text("[orders]\n" + re.sub(r", (missing|order_id|customer_id|ordered_at|amount) = ", r"\n\1 = ", typed[1].replace(" (their paths)", "")) + "\n")
    assert open_shop(tmp_path).ledger["kept"].sum() == 12


NAMESAKES = "Order No,Customer,{},Date,Total\n" + "".join(f"{i},Brown {i % 3},K{i % 9},2026-01-{1 + i % 28:02d},10\n" for i in range(36))


def test_a_number_of_customers_is_taken_before_a_name_that_several_have(tmp_path):
    assert lines(checked(tmp_path, {"orders.csv": NAMESAKES.format("Customer Code")}))["customer_id"] == "Customer Code"


@pytest.mark.parametrize(("head", "told"), [("Company Key", True), ("Shipment Key", False)])
def test_a_name_of_which_some_have_several_numbers_is_said_with_what_to_type(tmp_path, head, told):
    found = checked(tmp_path, {"orders.csv": NAMESAKES.format(head)})
    assert lines(found)["customer_id"] == "Customer"
    said = f"`Customer` (3 different ones), of which some have several of `{head}` (9): if that numbers customers, --answer 'orders.customer_id={head}'"
    assert (said in as_text(found)) == told


def typed_in(found: Examined, folder: Path, file: str, *names: str) -> None:
    """The proposed mapping with the lines that are said of a file beside, and that file joined."""
    text, said = found.toml(folder), as_text(found).split(f"{file}: ")[1]
    for name in names:
        line = said.split(f"{name} = '''")[1].split("'''")[0]
        text = re.sub(rf"(?m)^{name} = .*\n", "", text) + f"{name} = '''{line}'''\n"
    (folder / "retainkit.toml").write_text(f'{text}\n[[orders.join]]\npath = "{file}"\non = "order_id"\n', encoding="utf-8")


@pytest.mark.parametrize("rows", [1, 2])
def test_an_order_of_which_all_was_given_back_in_another_file_is_refunded_by_the_lines_that_are_said(tmp_path, rows):
    orders = "order_id,customer_id,date,total\n" + "".join(f"{i},c{i},2026-01-{i + 1:02},10\n" for i in range(9) for _ in range(rows))
    found = checked(tmp_path, {"orders.csv": orders, "refunds.csv": f"refund_id,order_id,refund_date,amount\n1,3,2026-02-01,4\n2,5,2026-02-01,{10 * rows}\n"})
    typed_in(found, tmp_path, "refunds.csv", "amount", "status")
    shop = open_shop(tmp_path)
    assert shop.sql("select distinct order_id as o from all_orders where status = 'refunded'")["o"].tolist() == ["5"]
    assert overview(shop)[["customers", "revenue"]].values.tolist() == [[8, 90 * rows - 4 - 10 * rows]]


def test_a_file_of_cancelled_orders_is_said_with_lines_that_leave_them_out(tmp_path):
    orders = "order_id,customer_id,date,total\n" + "".join(f"{i},c{i},2026-01-{i + 1:02},10\n" for i in range(9))
    found = checked(tmp_path, {"orders.csv": orders, "cancellations.csv": "order_id,cancelled_on,reason\n3,2026-02-01,x\n5,2026-02-01,y\n"})
    assert "cancellations.csv: 2 rows, 3 columns; is not used: orders that were cancelled stand in it (2 rows), and count as if they were not" in as_text(found)
    typed_in(found, tmp_path, "cancellations.csv", "status")
    assert overview(open_shop(tmp_path))["customers"][0] == 7


def test_days_that_prove_both_formats_say_what_each_answer_costs_and_again_once_it_is_given(tmp_path):
    days = ["13/01/2026", "14/01/2026", "15/01/2026", "01/28/2026", "02/28/2026", "02/03/2026"]
    text = "Order No,Customer,Date,Total\n" + "".join(f"{i},c{i % 2},{day},10\n" for i, day in enumerate(days))
    said = as_text(checked(tmp_path, {"orders.csv": text}))
    assert "Rows that the answer does not fit are rejected (2 by %d/%m/%Y, 3 by %m/%d/%Y), and others of their kind read wrong" in said
    answered = checked(tmp_path, {"orders.csv": text}, date_format="d/m")
    assert answered.shop
    assert answered.shop.ledger["rejected"].tolist() == [2]
    assert "as you said, though `13/01/2026` can only be %d/%m/%Y" in as_text(answered)


@pytest.mark.parametrize(("head", "row", "table"), [
    ("Mitgliedsnummer,Name,Eintritt,Austritt,Austrittsgrund,Monatsbeitrag", "{i},N,2025-01-{d},2025-12-{d},Umzug,30", "contracts"),
    ("Chancen-Nr,Firma,Verkäufer,Verkaufsphase,Betrag,Angelegt am,Abgeschlossen am", "{i},F{i},Ann,Gewonnen,10,2025-01-{d},2025-02-{d}", "deals")])
def test_members_and_opportunities_are_known_by_their_german_columns(tmp_path, head, row, table):
    found = checked(tmp_path, {"export.csv": head + "\n" + "".join(row.format(i=i, d=10 + i) + "\n" for i in range(12))})
    assert [p.table for p in found.proposals] == [table]
    assert set(head.split(",")) - {"Name"} <= set(found.proposals[0].reads("\n".join(found.proposals[0].lines.values())))


def test_one_column_that_numbers_orders_and_customers_is_said(tmp_path):
    text = "order_id,day,amount,product\n" + "".join(f"{i // 2},2026-01-{1 + i:02d},10,p{i % 3}\n" for i in range(20))
    (tmp_path / "orders.csv").write_text(text)
    assert "`order_id` is called after orders, and is read as the customer: if it numbers orders" in as_text(examine([tmp_path], {"orders.customer_id": "order_id"}))


def test_a_title_that_a_spreadsheet_fills_up_with_marks_stands_above_the_header(tmp_path):
    rows = "".join(f"{n};K{n % 3};{12 + n:02d}.02.2026;1.{n}00,50 EUR;Tee\r\n" for n in range(1, 9))
    text = f"Umsätze 2026;;;;\r\nStand 01.03.2026;;;;\r\n;;;;\r\nAuftragsnr;Kundennr;Datum;Umsatz (netto);Warengruppe\r\n{rows}Summe;;;12.000;\r\n"
    found = checked(tmp_path, {"umsatz.csv": text})
    assert found.looks[0].settings["skip"] == 3
    assert money(found) == 8 * 1000.5 + 3600
    assert found.shop
    assert found.shop.rejected("orders")[["row", "reason"]].values.tolist() == [[13, "a line of totals"]]


@pytest.mark.parametrize("name", ["Total (net)", "Total (EUR)", "Total incl. VAT", "Amount excl. of tax", "Net total", "Umsatz brutto"])
def test_what_stands_behind_the_name_of_an_amount_is_no_other_name(tmp_path, name):
    assert lines(checked(tmp_path, {"sales.csv": ORDERS.replace("total", name).replace("id,c", "order id,c", 1)}))["amount"] == name


def test_a_tax_alone_is_no_amount(tmp_path):
    assert not checked(tmp_path, {"sales.csv": ORDERS.replace("total", "total tax")}).proposals


def monthly(day: int, *, channel: bool) -> str:
    """The orders of ten days from one on, of a system that says a channel since its last release."""
    head, said = ("Order,Customer,Date,Amount,Channel\n", ",web") if channel else ("Order,Customer,Date,Amount\n", "")
    return head + "".join(f"{n},C{n % 4},2026-03-{n:02d},{n}.50{said}\n" for n in range(day, day + 10))


def test_orders_that_say_a_channel_are_no_spending(tmp_path):
    found = checked(tmp_path, {"sales.csv": monthly(1, channel=True)})
    assert lines(found)["order_id"] == "Order"
    assert [p.table for p in found.proposals] == ["orders"]


def test_a_row_that_overlaps_is_the_same_whatever_one_of_the_files_does_not_say(tmp_path):
    files = {"sales_1.csv": monthly(1, channel=False), "sales_2.csv": monthly(6, channel=True), "sales_3.csv": monthly(11, channel=False)}
    found = checked(tmp_path, files)
    assert found.looks[0].shared == 10
    assert "once keeps 20 of 30 rows" in as_text(found)
    assert "sales_1.csv, sales_3.csv have no Channel: empty there" in as_text(found)
    found = checked(tmp_path, files, overlap="once")
    assert money(found) == sum(range(1, 21)) + 20 * 0.5
    assert "in more than one file with other values" not in as_text(found)


@pytest.mark.parametrize("months", ["2026-01 2026-02 2026-12", "01/2026 02/2026 12/2026", "Jan-26 Feb-26 Dec-26", "May_2026 January_2026 March_2026"])
def test_spending_by_month_needs_no_day(tmp_path, months):
    rows = "".join(f"{month.replace('_', ' ')},google,{n}0\n" for n, month in enumerate(months.split(), 1))
    found = checked(tmp_path, {"orders.csv": ORDERS, "marketing_spend.csv": f"Month,Channel,Cost\n{rows}"})
    assert lines(found, "spend")["month"] == "Month"
    assert found.shop, found.trouble
    assert not len(found.shop.rejected("spend"))
    assert found.shop.sql("select cast(min(month) as varchar) as m from all_spend").m[0] == "2026-01-01"


def test_months_are_no_days_of_orders_and_words_where_words_are_meant(tmp_path):
    assert not checked(tmp_path, {"sales.csv": "Order,Customer,Month,Amount\n" + "".join(f"{n},c{n % 3},2026-0{n},5\n" for n in range(1, 9))}).proposals
    survey = "customer_id,answered_at,score,kind,wave\n" + "".join(f"c{n},2026-03-0{n},{n},customer,2026-03\n" for n in range(1, 9))
    found = checked(tmp_path, {"responses.csv": survey, "orders.csv": ORDERS})
    assert lines(found, "responses")["wave"] == "wave"
    assert found.shop, found.trouble
    assert set(found.shop.sql("select wave from responses").wave) == {"2026-03"}


def test_of_a_very_wide_file_the_columns_that_say_something_are_looked_at(tmp_path):
    head, *rows = ORDERS.splitlines()
    names = [f"Property {n}" for n in range(200)]
    wide = [",".join([*names, head.replace("total", "Sum of all")]), *(f"{'x,' * 200}{row}" for row in rows)]
    found = checked(tmp_path, {"orders.csv": "\n".join(wide) + "\n"}, **{"orders.amount": "Sum of all"})
    assert "204 columns (150 of them looked at); becomes orders" in as_text(found)
    assert money(found) == 200


@pytest.mark.parametrize("head", ["Deal ID;Firma ID;Besitzer ID;Erstellt am;Abgeschlossen am;Phase;Betrag", "Oportunidad ID;Cuenta;Propietario ID;Fecha de creación;Fecha de cierre;Etapa;Importe"])
def test_deals_are_known_by_what_their_columns_are_called_elsewhere(tmp_path, head):
    rows = "".join(f"{n};{n % 3};u{n % 2};2026-01-{n:02d};2026-02-{n:02d};{'gewonnen' if n % 2 else 'verloren'};{n},50\n" for n in range(1, 21))
    assert lines(checked(tmp_path, {"export.csv": f"{head}\n{rows}"}), "deals")["rep"] == head.split(";")[2]


def test_what_is_next_of_deals_that_lack_a_column_is_the_column_and_what_was_said(tmp_path):
    rows = "".join(f"{n},u{n % 2},2026-01-{n:02d},2026-02-{n:02d},{'won' if n % 2 else 'lost'}\n" for n in range(1, 21))
    found = checked(tmp_path, {"pipeline.csv": f"deal id,whose,opened at,closed at,outcome\n{rows}"})
    assert as_text(found).endswith(f"retainkit check {tmp_path} --tz UTC --answer deals.rep=COLUMN")
    assert lines(checked(tmp_path, {}, **{"deals.rep": "whose"}), "deals")["rep"] == "whose"


def test_of_two_columns_of_one_name_the_other_is_said(tmp_path):
    text = "Order,Customer,Date,Amount,Amount\n" + "".join(f"{n},c{n % 3},2026-03-{n:02d},{n}.50,{n}.99\n" for n in range(1, 21))
    assert "orders.amount is `Amount_4`; it could be `Amount_5` as well" in as_text(checked(tmp_path, {"sales.csv": text}))


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_names_of_groups_above_the_names_of_columns_are_a_title(tmp_path, kind):
    rows = [["Order", "", "Customer", "Money", ""], ["Number", "Date", "ID", "Net", "Gross"]]
    rows += [[f"A{n}", f"2026-03-{n:02d}", f"c{n % 3}", f"{n}.50", f"{n}.90"] for n in range(1, 21)]
    if kind == "csv":
        (tmp_path / "sales.csv").write_text("".join(",".join(row) + "\n" for row in rows))
    else:
        pd.DataFrame(rows).to_excel(tmp_path / "sales.xlsx", header=False, index=False)
    found = examine([tmp_path], {"orders.customer_id": "ID"})
    assert money(found) == sum(range(1, 21)) + 10
    assert found.shop
    assert [(f["rows"], f["kept"]) for f in found.shop.ledger.to_dict("records")] == [(20, 20)]


def test_a_column_without_a_name_makes_no_names_of_the_first_row(tmp_path):
    text = "Name,Town,\n" + "".join(f"{name},Bonn,remark\n" for name in ("Ann", "Bob", "Cy"))
    assert "skip" not in checked(tmp_path, {"people.csv": text}).looks[0].settings


@pytest.mark.parametrize(("when", "form"), [("2026030{n}143000", "%Y%m%d%H%M%S"), ("0{n}.03.2026, 14:30 Uhr", "%d.%m.%Y, %H:%M Uhr"), ("{n}|3|26", "%d|%m|%y")])
def test_days_of_any_form_are_read_by_the_one_that_is_said(tmp_path, when, form):
    text = "Order,Customer,Date,Amount\n" + "".join(f'{n},c{n % 3},"{when.format(n=n)}",{n}\n' for n in range(1, 9))
    assert not checked(tmp_path, {"sales.csv": text}).proposals
    found = examine([tmp_path], {"tz": "UTC", "date-format": form})
    assert found.shop, found.trouble
    assert found.shop.sql("select cast(max(ordered_on) as varchar) as day from orders")["day"][0] == "2026-03-08"


def test_a_format_that_reads_nothing_is_said_to_do_nothing(tmp_path):
    found = checked(tmp_path, {"orders.csv": ORDERS}, date_format="d/m")
    assert "--date-format d/m: nothing in these files asks it, so it does nothing" in as_text(found)
    with pytest.raises(RetainkitError, match="is no format of days"):
        checked(tmp_path, {"orders.csv": ORDERS}, date_format="%Q")


def test_invoices_that_name_their_contract_are_said_with_a_line_that_counts_them_as_such(tmp_path):
    rows = "".join(f"I{n},{f'S{n % 4}' if n % 5 else ''},c{n % 4},2026-0{1 + n // 4}-05,49\n" for n in range(20))
    found = checked(tmp_path, {"invoices.csv": f"invoice_id,subscription_id,customer_id,invoice_date,amount\n{rows}"})
    said = next(note for note in found.proposals[0].notes if "subscription_id" in note)
    assert said.startswith("`subscription_id` stands in 16 of 20 rows: if they are invoices of running contracts, each counts as a purchase")
    line = said.partition("order_type = ")[2].removesuffix(" counts them as invoices")
    (tmp_path / "retainkit.toml").write_text(found.toml(tmp_path).replace("amount = ", f"order_type = {line}\namount = "))
    assert overview(open_shop(tmp_path)).orders[0] == 4
