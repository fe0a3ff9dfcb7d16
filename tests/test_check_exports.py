"""`retainkit check` on exports as systems and people make them: the money, the rows and the words come out as they are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from retainkit.check.examine import Examined, examine
from retainkit.check.say import as_text
from retainkit.errors import RetainkitError
from retainkit.load.shop import open_shop


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


CUSTOMERS = "id,email,created_at\n" + "".join(f"{c},c{c}@example.com,2025-01-01\n" for c in range(1, 6))
ORDERS = "id,customer_id,created_at,total\n" + "".join(f"{100 + i},{1 + i % 5},2026-0{1 + i % 9}-11,{30 if i % 2 else 10}\n" for i in range(10))
ITEMS = "id,order_id,product_id,quantity,unit_price\n" + "".join(f"{1 + i},{100 + i},{1 + i % 2},{3 if i % 2 else 1},10\n" for i in range(10)) + "11,100,2,1,7\n"


def test_numbers_of_rows_that_agree_by_chance_join_nothing(tmp_path):
    found = checked(tmp_path, {"customers.csv": CUSTOMERS, "orders.csv": ORDERS, "order_items.csv": ITEMS})
    assert {p.table for p in found.proposals} == {"orders", "customers"}
    assert found.proposals[0].look.name == "order_items.csv"
    assert (lines(found)["order_id"], lines(found)["customer_id"]) == ("order_id", "customer_id")
    assert [other.name for other, _ in found.proposals[0].joins] == ["orders.csv"]
    assert money(found) == 5 * 10 + 5 * 30 + 7


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
