"""The index page: each card's chart tells its number's months, and the health of the data says how old they are."""

from __future__ import annotations

import base64
import re
from datetime import date

import pandas as pd
import pytest

from retainkit import open_shop
from retainkit.report import cards
from retainkit.report.since import Trend
from retainkit.resources import lacks

MONTHS = pd.DataFrame({"month": ["2026-01", "2026-02", "2026-03"], "n": [40, 50, 60], "value": [0.2, 0.3, 0.25], "fresh": [False, False, True],
                       "usual": 0.24, "low": 0.1, "high": 0.4, "note": ""})


@pytest.fixture
def shop():
    orders = pd.DataFrame({"order_id": [1, 2], "customer_id": ["ann", "bob"], "amount": 5, "ordered_at": ["2026-01-01", "2026-03-30"]})
    deals = pd.DataFrame({"deal_id": ["d"], "rep": "Ada", "opened_at": "2026-03-01", "closed_at": "2026-03-11", "outcome": "won"})
    return open_shop({"orders": orders, "deals": deals}, as_of="2026-03-31")


def test_a_chart_says_its_newest_month_and_the_usual_range(shop):
    chart = cards.trend_chart(Trend("new customers who <b>", "orders", MONTHS), shop, "02_x")
    assert 'alt="New customers who &lt;b&gt;, 3 months from January 2026: 25% of 60 in March 2026, usual is 10.0% to 40.0%."' in chart
    assert 'download="02_x-months.csv"' in chart
    assert "month,value,n,usual,low,high,fresh%0A2026-01,0.2,40,0.24,0.1,0.4,no%0A" in chart
    assert base64.b64decode(re.search(r"base64,([^\"]*)", chart)[1]).startswith(b"\x89PNG")


def test_a_month_of_those_who_began_in_it_is_not_called_what_happened_in_it(shop):
    assert "25% of the 60 from March 2026" in cards.trend_chart(Trend("still here after 365 days", "orders", MONTHS, began=True), shop, "02_x")


def test_a_month_of_fewer_than_twenty_is_no_headline(shop):
    few = MONTHS.assign(n=[40, 50, 5], value=[0.2, 0.3, 0.0])
    chart = cards.trend_chart(Trend("back", "orders", few, began=True), shop, "02_x")
    assert "30% of the 50 from February 2026" in chart
    assert not re.search(r"(?<![\d.])0(\.0)?% of", chart)
    assert cards.trend_chart(Trend("back", "orders", few.assign(n=[19, 50, 5])), shop, "02_x") == ""


def test_without_a_usual_range_none_is_told(shop):
    chart = cards.trend_chart(Trend("a", "orders", MONTHS.assign(low=float("nan"), high=float("nan"))), shop, "02_x")
    assert "usual is" not in chart
    assert "2026-01,0.2,40,,,," in chart  # no line of it either


@pytest.mark.parametrize("trend", [None, Trend("a", "orders", MONTHS.head(1)), Trend("a", "orders", MONTHS.assign(value=float("nan")))])
def test_a_chart_of_less_than_two_months_is_left_away(trend, shop):
    assert cards.trend_chart(trend, shop, "02_x") == ""


def test_the_health_says_by_table_how_many_days_are_missing_at_the_end(shop):
    found = re.findall(r'<th scope="row"[^>]*>(\w+)</th>.*>(\d+|–)</td></tr>', cards.health(shop))
    assert found == [("orders", "1"), ("deals", "20")]  # closed on the 11th
    early = shop.at("2026-03-05")  # what is dated later is known to come: nothing is missing
    assert re.findall(r">(\d+|–)</td></tr>", cards.health(early)) == ["0", "0"]


def test_tables_that_are_missing_are_named_with_what_they_would_hold(shop):
    assert {"name": "contracts", "row": "a subscription or contract"} in cards.absent(shop)
    assert "orders" not in [table["name"] for table in cards.absent(shop)]


@pytest.mark.parametrize(("many", "said"), [(20, "1 of 20 orders has rows on several days, and each day counts as a purchase."), (21, "")])
def test_every_page_begins_with_orders_on_several_days_where_a_twentieth_of_them_are(many, said):
    orders = pd.DataFrame({"order_id": [0, *range(many)], "customer_id": ["c0", *(f"c{i}" for i in range(many))], "amount": 5, "ordered_at": ["2026-01-09", *["2026-01-01"] * many]})
    assert cards.warning(open_shop({"orders": orders})) == said


def test_what_a_notebook_needs_is_every_column_without_which_a_table_cannot_be_read_and_rows_where_it_has_none(shop):
    assert lacks(shop, ["contracts.ended_at"]) == "a table `contracts` with `contract_id`, `customer_id`, `started_at`, `ended_at`"
    assert lacks(shop, ["orders.product_line"]) == "a table `orders` with `product_line`"  # it has the others
    contracts = pd.DataFrame(columns=["contract_id", "customer_id", "started_at"])
    orders = shop.sql("select order_id, customer as customer_id, ordered_on as ordered_at, amount from orders")
    assert lacks(open_shop({"orders": orders, "contracts": contracts}), ["contracts.ended_at"]) == "rows in the table `contracts`, which has none"
    broken = contracts.reindex(["x"])
    assert lacks(open_shop({"orders": orders, "contracts": broken}), ["contracts"]) == "rows in the table `contracts`, of which none was kept"


@pytest.mark.parametrize(("today", "words"), [("2026-04-01", "Made on 1 April 2026, 1 day after the last day it counts."),
                                              ("2026-04-12", "Made on 12 April 2026, 12 days after the last day it counts."),
                                              ("2054-08-20", "Made on 20 August 2054, 28 years after the last day it counts."),
                                              ("2026-03-30", "Made on 30 March 2026, 1 day before the last day it counts.")])
def test_the_age_of_the_data_on_the_day_of_the_run_is_said(today, words, shop):
    assert cards.age(shop, date.fromisoformat(today)) == words


def test_a_rebuild_can_be_told_its_day(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1775131200")
    assert cards.made_on() == date(2026, 4, 2)
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    assert cards.made_on() == date.today()
