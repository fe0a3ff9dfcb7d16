"""What must be known before amounts are added: whose the amount is, and in which currency."""

from __future__ import annotations

from pathlib import Path

import pytest

import retainkit as rk
from retainkit.check.examine import examine
from retainkit.check.say import as_text

HEAD = "order_id,customer_id,order_date,amount"


def orders(folder: Path, header: str, rows: list[str]) -> Path:
    path = folder / "orders.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def revenue(path: Path, **answers: str) -> float:
    shop = examine([path], answers).shop
    assert shop
    return float(shop.sql("select sum(amount) as x from all_orders")["x"].item())


def of_order(folder: Path, header: str, last: str) -> Path:
    """Ten orders of three lines, each of which says 30."""
    return orders(folder, header, [f"{i // 3},c{i // 3 % 4},2026-01-{i // 3 + 1:02},30,{last.format(i % 3)}" for i in range(30)])


def test_an_amount_that_every_line_repeats_is_asked_and_shared_or_added(tmp_path: Path) -> None:
    path = of_order(tmp_path, f"{HEAD},sku", "p{}")
    found = examine([path])
    assert [q.key for q in found.open_questions] == ["totals"]
    assert "`amount` is the same on all lines of 10 of the 10 orders whose lines differ in `sku`" in as_text(found)
    assert as_text(found).endswith("retainkit init my-shop --from " + str(path) + " --answer totals=ORDER-OR-LINE")
    assert (revenue(path, totals="order"), revenue(path, totals="line")) == (300, 900)


@pytest.mark.parametrize("last", ["p1", "sale"])  # the same row again, and rows that differ in nothing that has a price
def test_rows_that_differ_in_no_product_are_not_asked_about(tmp_path: Path, last: str) -> None:
    assert not examine([of_order(tmp_path, f"{HEAD},{'sku' if last == 'p1' else 'reason'}", last)]).open_questions


def test_lines_of_several_prices_are_not_asked_about(tmp_path: Path) -> None:
    rows = [f"{i // 3},c{i // 3 % 4},2026-01-{i // 3 + 1:02},{10 + i % 3},p{i % 3}" for i in range(30)]
    assert not examine([orders(tmp_path, f"{HEAD},sku", rows)]).open_questions


@pytest.mark.parametrize(("header", "row"), [(f"{HEAD},currency", "{i},c{n},2026-01-{day:02},10.50,{word}"), (f"{HEAD},base_currency_code", "{i},c{n},2026-01-{day:02},10.50,{word}"), (HEAD, "{i},c{n},2026-01-{day:02},{sign}10.50")])
def test_currencies_that_are_mixed_are_asked_and_one_or_all_are_counted(tmp_path: Path, header: str, row: str) -> None:
    rows = [row.format(i=i, n=i % 4, day=i + 1, word="usd" if i % 3 else "EUR", sign="$" if i % 3 else "€") for i in range(12)]
    path = orders(tmp_path, header, rows)
    many, few = ("USD", "EUR") if "currency" in header else ("$", "€")
    found = examine([path])
    assert f"2 currencies are mixed: {many} 8 (66.7%), {few} 4 (33.3%)" in found.open_questions[0].text
    assert (revenue(path, mixed=many), revenue(path, mixed=few.lower()), revenue(path, mixed="all")) == (84, 42, 126)
    assert f"only {few} is counted" in as_text(examine([path], {"mixed": few}))
    assert f'currency = "{few}"' in examine([path], {"mixed": few}).toml(tmp_path)
    with pytest.raises(rk.RetainkitError, match=r"--answer mixed: is no currency of the file\. Found: YEN; orders.csv has"):
        examine([path], {"mixed": "yen"})


def test_one_row_of_another_currency_in_a_thousand_need_not_be_answered(tmp_path: Path) -> None:
    rows = [f"{i},c{i % 9},2026-01-{i % 28 + 1:02},10,{'EUR' if i else 'USD'}" for i in range(1000)]
    found = examine([orders(tmp_path, f"{HEAD},currency", rows)])
    assert [q.key for q in found.questions] == ["mixed"]
    assert not found.open_questions


def test_a_currency_on_the_first_line_of_an_order_is_that_of_all_its_lines(tmp_path: Path) -> None:
    rows = [f"{i // 2},c{i // 2},2026-01-{i // 2 + 1:02},10,{'' if i % 2 else 'EUR' if i < 12 else 'USD'}" for i in range(20)]
    assert revenue(orders(tmp_path, f"{HEAD},currency", rows), mixed="EUR") == 120


@pytest.mark.parametrize(("key", "text", "typed"), [("decimal", "POINT-OR-COMMA", '--decimal ","'), ("currency", "lemons", "--currency EUR")])
def test_answers_that_are_none_are_refused(tmp_path: Path, key: str, text: str, typed: str) -> None:
    path = orders(tmp_path, HEAD, ["1,c1,2026-01-01,5"])
    with pytest.raises(rk.RetainkitError, match=f"--{key}: is not .*Found: '{text}'.*{typed}"):
        examine([path], {key: text})


def test_what_is_only_answers_says_what_to_add_and_no_command_that_fails(tmp_path: Path) -> None:
    path = tmp_path / "nps.csv"
    path.write_text("Respondent ID,Email,NPS Score,Response Date\n" + "".join(f"{i},c{i}@f.org,{i},2026-01-0{i + 1} 10:00\n" for i in range(9)))
    said = as_text(examine([path]))
    assert "these are only responses: add what they did, a file of orders, deals or contracts" in said
    assert said.endswith(f"mend what stands in the way (above), then again: retainkit check {path}")


def test_pending_is_no_payment_until_it_is_said(tmp_path: Path) -> None:
    path = orders(tmp_path, f"{HEAD},status", [f"{i},c{i},2026-01-{i + 1:02},5,{'pending' if i < 2 else 'paid'}" for i in range(10)])
    assert "`status` is pending in 2 rows" in examine([path]).open_questions[0].text
    assert revenue(path, status="paid") == 50
    assert examine([path], {"status": "out"}).shop.ledger["rejected"].tolist() == [2]


@pytest.mark.parametrize(("head", "column"), [("Discount Amount,Item Total", "Item Total"), ("Rabattbetrag,Gesamt Brutto", "Gesamt Brutto"), ("Coupon Amount,Amount after tax", "Amount after tax")])
def test_a_discount_is_no_amount(tmp_path: Path, head: str, column: str) -> None:
    found = examine([orders(tmp_path, f"order_id,customer_id,order_date,{head}", [f"{i},c{i % 3},2026-01-0{i + 1},0.50,{10 + i}.25" for i in range(9)])])
    assert found.proposals[0].lines["amount"] == column


def test_an_amount_that_is_a_guess_beside_other_money_is_asked(tmp_path: Path) -> None:
    path = orders(tmp_path, "order_id,customer_id,order_date,VK Brutto,Warenwert", [f"{i},c{i % 3},2026-01-0{i + 1},5.50,{10 + i}.25" for i in range(9)])
    found = examine([path])
    assert [q.key for q in found.open_questions] == ["orders.amount"]
    assert "`VK Brutto` is a guess: which one is it?" in as_text(found)
    assert "--answer 'orders.amount=VK Brutto'   or   --answer orders.amount=Warenwert" in as_text(found)
    assert revenue(path, **{"orders.amount": "Warenwert"}) == sum(10.25 + i for i in range(9))


def test_an_order_whose_rows_lie_on_several_days_is_said_with_a_line_that_makes_one_of_it(tmp_path: Path) -> None:
    rows = [f"{i},c{i % 5},2026-0{1 + m}-{i + 1:02},10" for i in range(20) for m in range(3 if i % 3 == 0 else 1)]
    path = orders(tmp_path, HEAD, [*rows, "1,c1,2026-03-01,-4"])  # money given back is no further day of it
    said = as_text(examine([path]))
    assert "7 of 20 orders have rows on several days, and are counted once a day" in said
    line = said.split("ordered_at = '''")[1].split("'''")[0]
    (tmp_path / "retainkit.toml").write_text(f"[orders]\npath = 'orders.csv'\nordered_at = '''{line}'''\n")
    assert rk.overview(rk.open_shop(tmp_path))["orders"][0] == 20


@pytest.mark.parametrize("lines", [2, 3])
def test_a_row_that_is_the_sum_of_the_others_of_its_order_is_said_with_a_line_that_leaves_it_out(tmp_path: Path, lines: int) -> None:
    rows = [f"{i},c{i % 5},2026-01-{i + 1:02},{n + 3 + i},Item" for i in range(9) for n in range(lines)]
    path = orders(tmp_path, f"{HEAD},Row Type", [*rows, *(f"{i},c{i % 5},2026-01-{i + 1:02},{sum(n + 3 + i for n in range(lines))},Order" for i in range(9))])
    assert "is the sum of the others" in as_text(examine([orders(tmp_path, f"{HEAD},Row Type".replace("amount", "Total"), path.read_text().split("\n")[1:-1])]))
    said = as_text(examine([orders(tmp_path, f"{HEAD},Row Type", path.read_text().split("\n")[1:-1])]))
    assert "in 9 of the 9 orders of several rows one row is the sum of the others, and what they cost is counted twice" in said
    line = said.split("where = ")[1].split("\n")[0]
    (tmp_path / "retainkit.toml").write_text(f"[orders]\npath = 'orders.csv'\nordered_at = 'order_date'\nwhere = {line}\n")
    assert rk.overview(rk.open_shop(tmp_path))["revenue"][0] == sum(n + 3 + i for i in range(9) for n in range(lines))
    assert "is the sum of the others" not in as_text(examine([orders(tmp_path, f"{HEAD},sku", [row.replace("Item", "a") for row in rows])]))


def test_signs_in_the_amounts_of_a_known_system_are_currencies_as_well(tmp_path: Path) -> None:
    head = "Opportunity ID,Account Name,Opportunity Owner,Stage,Amount,Created Date,Close Date\n"
    (tmp_path / "deals.csv").write_text(head + "".join(f'{i},A{i},Ann,Closed Won,"{"JPY" if i % 3 else "USD"} 1,200.00",2026-01-0{i + 1},2026-02-0{i + 1}\n' for i in range(9)))
    assert "2 currencies are mixed: JPY 6 (66.7%), USD 3 (33.3%)" in examine([tmp_path]).open_questions[0].text
