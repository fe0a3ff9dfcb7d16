"""`retainkit check` on exports in several files: what a joined file may say of an order, and what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

import retainkit as rk
from retainkit.check.examine import Examined, examine
from retainkit.check.say import as_text

PEOPLE = "customer_id,region,{name}\n" + "".join(f"c{i},{'NS'[i % 2]},{{{'v'}{i % 2}}}\n" for i in range(4))
ORDERS = [(i, f"c{i % 4}", f"2026-0{i % 6 + 1}-1{i % 9}", 10 + i) for i in range(12)]
TOTAL = sum(row[3] for row in ORDERS)


def folder(tmp_path: Path, **files: str) -> Path:
    for name, text in files.items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    return tmp_path


def lines(head: str, rows: list[tuple[object, ...]]) -> str:
    return head + "\n" + "".join(",".join(map(str, row)) + "\n" for row in rows)


def paid(found: Examined) -> tuple[float, int]:
    assert found.shop, found.trouble
    row = rk.overview(found.shop).iloc[0]
    return float(row["revenue"]), int(row["orders"])


@pytest.mark.parametrize(("name", "one", "other"), [("cancelled_at", "2026-05-01", ""), ("total_refunded", "5.5", "0"), ("quantity", "3", "7"), ("created_at", "2020-01-01", "2021-01-01"),
                                                    ("status", "active", "closed"), ("status", "paid", "cancelled"), ("department", "Sales", "IT")])
def test_what_a_list_of_customers_says_of_them_is_nothing_about_their_orders(tmp_path, name, one, other):
    people = PEOPLE.format(name=name, v0=one, v1=other)
    found = examine([folder(tmp_path, orders=lines("order_id,customer_id,date,total", ORDERS), customers=people)])
    orders = next(p for p in found.proposals if p.table == "orders")
    assert set(orders.lines) == {"order_id", "customer_id", "ordered_at", "amount"}
    assert paid(found) == (TOTAL, 12)


ITEMS = [(i // 2, f"sku{i % 5}", i % 3 + 1, 2.5 + i % 4) for i in range(24)]


def test_price_times_quantity_of_the_lines_beats_the_total_of_their_order(tmp_path):
    headers = lines("order_id,customer_id,date,total", ORDERS)
    found = examine([folder(tmp_path, order_items=lines("order_id,sku,qty,price", ITEMS), orders=headers)])
    assert paid(found) == (sum(qty * price for _, _, qty, price in ITEMS), 12)


def test_the_total_of_an_order_is_spread_over_its_lines_where_they_have_no_price(tmp_path):
    found = examine([folder(tmp_path, order_items=lines("order_id,sku,category", [(o, s, "tea") for o, s, *_ in ITEMS]), headers=lines("order_id,customer_id,date,total", ORDERS))])
    assert paid(found) == (pytest.approx(TOTAL, abs=0.01), 12)
    assert "total, spread over the lines of its order" in as_text(found)


@pytest.mark.parametrize("base", ["order_items", "items"])
def test_files_of_a_database_are_joined_by_the_id_of_what_they_are_named_after(tmp_path, base):
    files = {base: lines("id,order_id,product_id,qty,price", [(900 + i, o, int(s[3:]), q, p) for i, (o, s, q, p) in enumerate(ITEMS)]),
             "orders": lines("id,customer_id,created_at", [row[:3] for row in ORDERS]), "products": lines("id,name,category", [(i, f"P{i}", "tea" if i < 3 else "cups") for i in range(5)])}
    found = examine([folder(tmp_path, **files)])
    assert paid(found) == (sum(qty * price for _, _, qty, price in ITEMS), 12)
    assert found.shop.sql("select distinct product_line as p from all_orders order by 1")["p"].tolist() == ["cups", "tea"]


def test_a_join_on_two_names_says_which_of_them_is_not_there(tmp_path):
    folder(tmp_path, orders=lines("order_id,customer_id,date,total", ORDERS), more="id,x\n1,2\n")
    (tmp_path / "retainkit.toml").write_text('[orders]\npath = "orders.csv"\nordered_at = "date"\namount = "total"\n[[orders.join]]\npath = "more.csv"\non = "order_id = no"\n')
    with pytest.raises(rk.RetainkitError, match=r"more.csv: has no column `no` to join on. Found: id, x. To fix it: on = "):
        rk.open_shop(tmp_path)


@pytest.mark.parametrize("name", ["amount_cents", "total_in_cents", "TotalMinorUnits"])
def test_money_counted_in_hundredths_is_divided(tmp_path, name):
    found = examine([folder(tmp_path, orders=lines(f"order_id,customer_id,date,{name}", [(a, b, c, d * 100) for a, b, c, d in ORDERS]))])
    assert paid(found) == (TOTAL, 12)
    assert "counted in hundredths" in as_text(found)


@pytest.mark.parametrize("gap", [" ", "\u00a0", "\u202f", "\u2009"])
def test_blanks_between_thousands_of_every_width(tmp_path, gap):
    found = examine([folder(tmp_path, orders=lines("order_id,customer_id,date,total", [(a, b, c, f"1{gap}2{d}.50") for a, b, c, d in ORDERS]))])
    assert paid(found) == (sum(1200.5 + d for *_, d in ORDERS), 12)


def test_a_minus_of_typesetters_is_one(tmp_path):
    rows = [(a, b, c, f"\u2212{d}.50" if a == 11 else f"{d}.50") for a, b, c, d in ORDERS]
    found = examine([folder(tmp_path, orders=lines("order_id,customer_id,date,total", rows))], {"returns": "in"})
    assert found.shop.sql("select min(amount) as a from all_orders")["a"][0] == -21.5


@pytest.mark.parametrize("sign", ["", "$"])
def test_lost_deals_keep_the_amount_they_were_worth(tmp_path, sign):
    rows = [(i, f"c{i % 4}", "Ada", f"2026-01-{i % 28 + 1:02}", f"2026-03-{i % 28 + 1:02}", ("won", "lost")[i % 2], f'"{sign}1,{100 + i}.00"') for i in range(12)]
    found = examine([folder(tmp_path, deals=lines("deal_id,account,rep,created,closed_at,stage,amount", rows))])
    assert found.shop.sql("select min(amount) as a from deals where outcome = 'lost'")["a"][0] == 1101


def test_files_with_the_same_columns_in_another_order_are_one_table(tmp_path):
    turned = lines("total,date,order_id,customer_id", [(d, c, 100 + a, b) for a, b, c, d in ORDERS])
    found = examine([folder(tmp_path, a=lines("order_id,customer_id,date,total", ORDERS), b=turned)])
    assert paid(found) == (2 * TOTAL, 24)


def test_other_columns_that_could_be_the_money_or_the_day_are_named(tmp_path):
    rows = [(a, b, c, "2026-07-01", d, d * 1.19) for a, b, c, d in ORDERS]
    found = examine([folder(tmp_path, orders=lines("order_id,customer_id,order date,paid at,net amount,gross amount", rows))])
    assert "orders.amount is `net amount`; it could be `gross amount` as well" in as_text(found)
    assert "orders.ordered_at is `order date`; it could be `paid at` as well" in as_text(found)
    assert paid(found) == (TOTAL, 12)


def test_a_day_that_may_be_two_is_read_as_the_days_of_another_column(tmp_path):
    rows = [(a, b, f"0{a % 9 + 1}.02.2026", f"{a + 14}.03.2026", d) for a, b, _, d in ORDERS]
    found = examine([folder(tmp_path, orders=lines("order_id,customer_id,Bestelldatum,Versand,Betrag", rows))])
    assert not found.open_questions
    assert found.shop.sql("select cast(min(ordered_on) as varchar) as a, cast(max(ordered_on) as varchar) as b from all_orders").values.tolist() == [["2026-02-01", "2026-02-09"]]
    assert "%d.%m.%Y; as in `Versand`" in as_text(found)


def test_customers_that_differ_in_capital_letters_are_one_with_the_line_that_is_told(tmp_path):
    rows = [(a, b.upper() if a % 2 else b, c, d) for a, b, c, d in [(i, f"ab-{i % 3}", f"2026-01-{i + 1:02}", 5) for i in range(12)]]
    said = as_text(examine([folder(tmp_path, orders=lines("order_id,Customer No,date,total", rows))]))
    assert "6 different customers by `Customer No`, in rows kept and rejected alike; 3 differ from another only in capital letters" in said
    line = said.split("capital letters: ")[1].split(" makes them one")[0]
    (tmp_path / "retainkit.toml").write_text(f'[orders]\npath = "orders.csv"\n{line}\nordered_at = "date"\namount = "total"\n')
    assert rk.overview(rk.open_shop(tmp_path)).customers[0] == 3


@pytest.mark.parametrize(("odd", "needed"), [(1, False), (3, True)])
def test_words_nobody_knows_must_be_answered_where_they_are_many(tmp_path, odd, needed):
    rows = [(i, f"c{i % 4}", f"2026-01-{i % 28 + 1:02}", 5, "parked" if i < odd else "paid") for i in range(40)]
    found = examine([folder(tmp_path, orders=lines("order_id,customer_id,date,total,status", rows))])
    assert [q.needed for q in found.questions if q.key == "status"] == [needed]


@pytest.mark.parametrize(("join", "said"), [('path = "o.csv"', "has no `on`. Found: path. To fix it: on = "), ('on = "order_id"', "has no `path`. Found: on. To fix it: path = "),
                                             ('path = "o.csv"\non = "order_id"\nencodng = "cp1252"', "has no setting `encodng`. Found: path, on, query, skip, header, columns, delimiter, encoding, sheets. To fix it: encoding = ")])
def test_a_join_without_a_path_or_what_it_is_matched_on_is_one_clear_error(tmp_path, join, said):
    (tmp_path / "o.csv").write_text("order_id,customer_id,ordered_at,amount\n1,ann,2026-01-01,5\n")
    (tmp_path / "retainkit.toml").write_text(f'[orders]\npath = "o.csv"\n[[orders.join]]\n{join}\n')
    with pytest.raises(rk.RetainkitError, match=r"retainkit.toml \[orders\] join: " + said):
        rk.open_shop(tmp_path)
