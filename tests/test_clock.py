"""How far each table reaches, which of them ends what is counted, and that this is said with what to type."""

from __future__ import annotations

from html import escape
from pathlib import Path
from threading import Thread

import pandas as pd
import pytest

import retainkit as rk
from retainkit.check.examine import examine
from retainkit.check.say import as_text
from retainkit.load import clock
from retainkit.report import cards
from retainkit.show.begin import held_back, read_and_left_out

ORDERS = "order_id,customer_id,ordered_at,amount\n" + "".join(f"{i},c{i % 4},2026-{1 + i:02}-15,10\n" for i in range(9))
STARTS = "contract_id,customer_id,started_at,{end}\n" + "".join(f"k{i},c{i},2026-01-{20 + i},{{d{i}}}\n" for i in range(4))


def shop_of(tmp_path: Path, contracts: str, *, end: str = "ended_at", **days: str) -> Path:
    """Orders from January to September, and contracts that all begin in January."""
    (tmp_path / "orders.csv").write_text(ORDERS)
    (tmp_path / "contracts.csv").write_text(contracts.format(end=end, **{f"d{i}": days.get(f"d{i}", "") for i in range(4)}))
    return tmp_path


def test_contracts_reach_as_far_as_their_last_end_and_a_planned_one_proves_nothing(tmp_path):
    assert str(rk.open_shop(shop_of(tmp_path, STARTS, d0="2026-05-01", d1="2199-01-01", d2="9999-12-31")).as_of) == "2026-05-01"


def test_where_cancellations_are_written_down_ends_are_known_ahead_and_do_not_count(tmp_path):
    path = shop_of(tmp_path, STARTS, end="cancel_requested_at,ended_at", d0="2026-02-03,2026-08-01", d1=",", d2=",", d3=",")
    assert str(rk.open_shop(path).as_of) == "2026-02-03"


def test_the_table_that_ends_first_is_named_with_the_rows_it_leaves_out_and_what_to_type(tmp_path):
    path = shop_of(tmp_path, STARTS, d0="2026-05-01")
    said = as_text(examine([path]))
    assert "the table contracts ends first, on 2026-05-01, and no later day is counted: 5 of 9 rows of orders are dated later" in said
    assert "--as-of 2026-09-15" in said
    shop = examine([path], {"as-of": "2026-09-15"}).shop
    assert shop
    assert shop.ledger["after_as_of"].sum() == 0
    assert not clock.held_back(shop)
    assert not clock.held_back(rk.open_shop({"orders": shop.sql("select order_id, customer as customer_id, ordered_on as ordered_at, amount from orders")}))  # of one table nothing is


def test_a_report_says_that_one_table_ended_long_before_the_others_unless_it_was_asked_for(tmp_path):
    path = shop_of(tmp_path, STARTS, d0="2026-05-01")
    shop = rk.open_shop(path)
    assert 'as_of = "2026-09-15" under [shop] in retainkit.toml' in held_back(shop)
    assert "5 of 9 rows of orders" in cards.health(shop)
    assert "The table contracts ends first, on 2026-05-01" in held_back(shop)
    assert read_and_left_out(shop).set_index("table")["last_day"].to_dict() == {"orders": "2026-09-15", "contracts": "2026-05-01"}  # the same day in both
    assert "5 of 9 rows of orders" in cards.health(shop.at("2026-04-30"))  # the last whole month
    assert not held_back(shop.at("2026-02-28"))  # an early month has later rows anyway
    shop_of(tmp_path, STARTS, d0="2026-09-01")
    assert not held_back(rk.open_shop(path))  # a fortnight is how exports are


def test_tables_that_have_no_day_together_say_which_ends_first(tmp_path):
    (tmp_path / "orders.csv").write_text(ORDERS)
    (tmp_path / "contracts.csv").write_text("contract_id,customer_id,started_at\nk1,c1,2025-03-01\n")
    with pytest.raises(rk.RetainkitError, match="contracts: its last day is 2025-03-01, before the first day of orders") as told:
        rk.open_shop(tmp_path)
    assert "--as-of 2026-09-15" in told.value.remedy
    assert rk.open_shop(tmp_path, as_of="2026-09-15").has("contracts")


def test_ends_of_contracts_alone_do_not_say_how_far_the_data_reach(tmp_path):
    shop_of(tmp_path, STARTS, d0="2026-05-01", d1="2199-01-01")
    (tmp_path / "orders.csv").unlink()
    said = "the last contract begins on 2026-01-23, and no later day is counted, though contracts end until 2026-05-01: ends are often written down before they come. "
    assert f"{said}If these did come, and all others to that day are in the data: --as-of 2026-05-01" in as_text(examine([tmp_path]))
    shop = rk.open_shop(tmp_path)
    assert str(shop.as_of) == "2026-01-23"
    assert held_back(shop) == f'T{said[1:]}To count to there, if these did come: as_of = "2026-05-01" under [shop] in retainkit.toml.'
    assert escape(held_back(shop)) in cards.health(shop)
    assert not held_back(rk.open_shop(tmp_path, as_of="2026-05-01"))
    (tmp_path / "retainkit.toml").write_text('[shop]\nas_of = "2026-05-01"\n')
    assert not held_back(rk.open_shop(tmp_path))


def test_a_day_on_which_an_open_deal_may_be_closed_is_none_the_data_reach(tmp_path):
    deals = "deal_id,rep,opened_at,closed_at,outcome\nd1,Kim,2026-01-05,2026-02-01,won\nd2,Kim,2026-01-09,2026-06-30,open\n"
    (tmp_path / "deals.csv").write_text(deals)
    assert str(rk.open_shop(tmp_path).as_of) == "2026-02-01"


@pytest.mark.parametrize(("typed", "meant"), [("AREA/CITY", "Europe/Berlin"), ("Europe/Berlim", "Europe/Berlin"), ("europe/paris", "Europe/Paris"), ("qqq", "Europe/Berlin"),
                                              ("CEST", "Europe/Berlin"), ("PST", "Europe/Berlin"), ("new york", "America/New_York"), ("Mars/Olympus", "Europe/Berlin"), ("localtime", "Europe/Berlin")])
def test_a_time_zone_that_is_none_is_answered_with_one_that_is(typed, meant):
    with pytest.raises(rk.RetainkitError) as told:
        rk.open_shop("sample", tz=typed)
    assert told.value.remedy == f'tz = "{meant}"'


def test_a_shop_asked_for_what_it_is_is_itself_and_is_not_asked_again():
    shop = rk.open_shop("sample")
    assert shop.at(shop.as_of) is shop.only(segment="") is shop.counting_refunds("out") is shop
    assert shop.only(segment="SMB").only(segment="SMB") is shop.only(segment="SMB") is not shop


def test_a_part_of_a_shop_has_what_its_own_customers_have():
    orders = pd.DataFrame({"order_id": [1, 2], "customer_id": ["ann", "bob"], "ordered_at": "2026-01-01", "amount": 1, "product_line": ["tea", None]})
    customers = pd.DataFrame({"customer_id": ["ann", "bob"], "segment": ["B2C", "SMB"]})
    book = pd.DataFrame({"contract_id": [1], "customer_id": ["bob"], "started_at": ["2026-01-01"], "ended_at": [None]})
    shop = rk.open_shop({"orders": orders, "customers": customers, "contracts": book.astype({"ended_at": "string"})}, as_of="2026-02-01")
    asked = ("orders", "orders.product_line", "contracts", "contracts.ended_at", "contracts.monthly_value", "deals")
    assert [shop.has(a) for a in asked] == [True, True, True, True, False, False]
    assert [shop.only(segment="B2C").has(a) for a in asked] == [True, True, False, False, False, False]
    assert [shop.only(segment="SMB").has(a) for a in asked] == [True, False, True, True, False, False]


def test_a_part_of_whom_nobody_has_left_is_not_one_of_whom_nobody_could():
    book = pd.DataFrame({"contract_id": range(60), "customer_id": range(60), "started_at": "2025-01-01", "ended_at": ["2025-06-01" if i < 15 else None for i in range(60)]})
    people = pd.DataFrame({"customer_id": range(60), "segment": ["SMB" if i < 30 else "ENT" for i in range(60)]})
    shop = rk.open_shop({"contracts": book, "customers": people}, as_of="2026-02-01").only(segment="ENT")
    assert shop.has("contracts.ended_at")
    assert rk.contract_survival(shop, horizons=[200])["rate"].item() == 1


def test_without_customers_deals_alone_are_of_a_kind():
    deals = pd.DataFrame({"deal_id": [1], "customer_id": ["ann"], "rep": ["eve"], "segment": ["SMB"], "opened_at": ["2026-01-01"], "outcome": ["open"]})
    orders = pd.DataFrame({"order_id": [1], "customer_id": ["ann"], "ordered_at": "2026-01-01", "amount": 1})
    part = rk.open_shop({"deals": deals, "orders": orders}, as_of="2026-02-01").only(segment="SMB")
    assert [part.has(table) for table in ("deals", "orders", "customers")] == [True, False, False]


def test_what_a_part_has_does_not_depend_on_the_day_it_is_asked_of():
    """The scorecard asks the same lines of a month and of a year ago; then nobody had left, and nothing said of what line a sale was."""
    book = pd.DataFrame({"contract_id": range(60), "customer_id": range(60), "started_at": "2024-01-01", "ended_at": ["2025-12-01" if i < 30 else None for i in range(60)]})
    people = pd.DataFrame({"customer_id": range(60), "segment": ["SMB" if i < 50 else "ENT" for i in range(60)]})
    orders = pd.DataFrame({"order_id": range(60), "customer_id": range(60), "amount": 5, "ordered_at": "2024-02-01", "product_line": None}).astype({"product_line": "string"})
    late = orders.assign(order_id=lambda t: t.order_id + 100, ordered_at="2025-12-15", product_line="tea")
    shop = rk.open_shop({"contracts": book, "customers": people, "orders": pd.concat([orders, late])}, as_of="2025-12-31").only(segment="SMB")
    then = shop.at("2024-12-31")
    assert [then.has(c) for c in ("contracts.ended_at", "orders.product_line")] == [True, True]
    assert len(rk.scorecard(shop)) > 5


def test_contracts_that_do_not_say_when_one_ended_have_no_churn_and_no_retention():
    """100 % were still here, for nobody could be seen to leave. Where the column is there and empty, nobody has left."""
    book = pd.DataFrame({"contract_id": range(30), "customer_id": range(30), "started_at": "2025-01-01"})
    never = book.assign(ended_at=None).astype({"ended_at": "string"})
    assert rk.contract_survival(rk.open_shop({"contracts": never}, as_of="2026-02-01"), horizons=[90])["rate"].tolist() == [1.0]
    unsaid = rk.open_shop({"contracts": book}, as_of="2026-02-01")
    for ask in (rk.contract_survival, rk.monthly_churn, rk.customer_retention, rk.revenue_churn, rk.contract_retention_matrix, rk.early_cancellation):
        with pytest.raises(rk.RetainkitError, match="does not say when one ended"):
            ask(unsaid)
    assert "do not say when one ended" in rk.rep_churn_withheld(unsaid)


def test_threads_that_share_a_shop_each_get_their_own_answer():
    shop, got = rk.open_shop("sample"), list[tuple[int, int]]()

    def ask(i: int) -> None:
        got.extend((i, int(shop.sql(f"select {i} as i, count(*) as n from orders")["i"][0])) for _ in range(60))
        got.append((0, 0 if len(rk.overview(shop.only(segment=("SMB", "ENT")[i % 2]))) else 1))

    threads = [Thread(target=ask, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 4 * 61
    assert all(asked == said for asked, said in got)


@pytest.mark.parametrize(("text", "words"), [
    ("drop view orders", "takes one question"), ("copy (select 1) to 'x.csv'", "takes one question"), ("", "nothing"), ("select 1; select 2", "takes one question"),
    ("select * from ordres", "ordres"), ("select amunt from orders", "amunt"), ("selct 1", "selct")])
def test_a_shop_is_asked_and_never_changed_and_says_what_it_does_not_understand(text, words):
    shop = rk.open_shop("sample")
    with pytest.raises(rk.RetainkitError, match=r"shop\.sql: ") as told:
        shop.sql(text)
    assert words in str(told.value)
    assert "orders" in told.value.remedy
    assert shop.sql("select count(*) as n from orders")["n"][0] > 0


def test_rows_rejected_of_a_table_nobody_knows_are_refused():
    with pytest.raises(rk.RetainkitError, match=r'`orderz` is not a table retainkit knows.*rejected\("orders"\)'):
        rk.open_shop("sample").rejected("orderz")
