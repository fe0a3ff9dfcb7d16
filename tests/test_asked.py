"""What public functions may be asked: what cannot be meant is refused in four parts, and what can is taken in any library's kind."""

from __future__ import annotations

import pickle
from datetime import date

import numpy as np
import pandas as pd
import pytest

import retainkit as rk


@pytest.fixture(scope="module")
def shop() -> rk.Shop:
    return rk.open_shop("sample")


@pytest.mark.parametrize("horizons", [np.array([30, 60]), (h for h in (30, 60)), pd.Series([30, 60]), [np.int64(30), 60.0], (30, 60, 30), range(30, 61, 30)])
def test_days_of_any_kind_are_the_same_days(shop, horizons):
    pd.testing.assert_frame_equal(rk.second_purchase(shop, horizons=horizons), rk.second_purchase(shop, horizons=[30, 60]))


def test_a_public_function_can_be_sent_to_another_process():
    assert pickle.loads(pickle.dumps(rk.second_purchase)) is rk.second_purchase


def test_long_rows_of_numbers_are_told_apart():
    """numpy and pandas shorten what they are printed as, and the answer to one was given to the other."""
    orders = pd.DataFrame({"order_id": [1, 2], "customer_id": "ann", "ordered_at": ["2020-01-01", "2020-01-08"], "amount": 1})
    tiny, days = rk.open_shop({"orders": orders}, as_of="2024-12-31"), np.arange(1, 1_099)
    other = days.copy()
    other[500:600] = np.arange(5_000, 5_100)
    assert rk.second_purchase(tiny, horizons=days)["horizon_days"].tolist() == days.tolist()
    assert rk.second_purchase(tiny, horizons=other)["horizon_days"].tolist() == other.tolist()


@pytest.mark.parametrize(("name", "value", "words"), [
    ("horizons", 30, r"horizons: is not a list. Found: 30. To fix it: horizons=\[30\]"),
    ("horizons", [], r"horizons: is an empty list. Found: \[\]. To fix it: horizons=\[30, 60, 90, 180, 365\]"),
    ("horizons", [-1], "horizons: must be from 1 to 36,500. Found: -1. To fix it"),
    ("horizons", ["90"], "horizons: is not a whole number. Found: '90'"), ("horizons", "90", r"horizons: is not a list. Found: '90'. To fix it: horizons=\[90\]"),
    ("horizons", "x", r"horizons: is not a list. Found: 'x'. To fix it: horizons=\[30, 60, 90, 180, 365\]"),
    ("horizons", [30.5], "is not a whole number. Found: 30.5"), ("horizons", [np.nan], "is not a whole number. Found: nan"), ("horizons", [True], "is not a whole number"),
    ("level", 95, "level: must be from 0.5 to 0.999. Found: 95. To fix it: level=0.95"), ("level", "0.95", "level: is not a number. Found: '0.95'"),
    ("by", pd.Series(["segment"]), 'by: is not a text. Found: .* To fix it: by="segment"')])
def test_what_cannot_be_meant_says_what_to_type(shop, name, value, words):
    with pytest.raises(rk.BadValueError, match=words):
        rk.second_purchase(shop, **{name: value})


@pytest.mark.parametrize(("value", "words"), [
    (pd.DataFrame({"a": [1]}), r'shop: is not a shop. Found: a DataFrame. To fix it: open_shop\(\{"orders": frame\}\)'),
    ("sample", r"shop: is not a shop. Found: a str. To fix it: open_shop\('sample'\)"), (None, "is not a shop")])
def test_every_function_of_a_shop_says_how_to_open_one(value, words):
    asked = [getattr(rk, name) for name in rk.__all__ if getattr(getattr(rk, name), "__wrapped__", None)]
    assert len(asked) > 60
    for function in asked:
        with pytest.raises(rk.BadValueError, match=words):
            function(value)


@pytest.mark.parametrize(("ask", "how", "words"), [
    ("cross_sell_rates", {"bands": [0, 30]}, r"bands: is not a list of ages from and to. Found: 0. To fix it: bands=\[\(0, 30\)"),
    ("cross_sell_rates", {"bands": []}, "bands: is an empty list"), ("leaving_rates", {"windows": [(30, 0)]}, "windows: is not a list of ages"),
    ("leaving_rates", {"windows": [("0", "30")]}, "windows: is not a whole number. Found: '0'"), ("leaving_rates", {"windows": [(-5, 10)]}, "windows: must be from 0 to 36,500. Found: -5"),
    ("keeping_cost", {"shares": ["0.5"]}, "shares: is not a number. Found: '0.5'"), ("keeping_cost", {"shares": [2]}, "shares: must be from 0 to 1. Found: 2"),
    ("weekly_active", {"ends": [5]}, "ends: is not a list of days. Found: 5"), ("weekly_active", {"ends": "2026-03-31"}, "ends: is not a list"), ("weekly_active", {"ends": date(2026, 3, 31)}, r"To fix it: ends=\[date\(2026, 3, 31\)\]"),
    ("weekly_active", {"ends": ["2099-01-01"]}, "ends: must not lie after the shop's last day. Found: 2099-01-01")])
def test_lists_of_ages_days_and_shares_are_looked_at_like_numbers(shop, ask, how, words):
    with pytest.raises(rk.BadValueError, match=words):
        getattr(rk, ask)(shop, **how)


def test_a_day_is_a_day_in_any_kind(shop):
    tables = [rk.weekly_active(shop, ends=[day]) for day in ("2026-03-31", pd.Timestamp("2026-03-31 12:00"), pd.Timestamp("2026-03-31").date())]
    for table in tables[1:]:
        pd.testing.assert_frame_equal(table, tables[0])


def test_settings_of_the_scorecard_are_looked_at_and_a_missing_argument_names_its_function(shop):
    with pytest.raises(rk.BadValueError, match=r"margin: must be from 0 to 1. Found: 95"):
        rk.scorecard(shop, margin=95)
    with pytest.raises(TypeError, match=r"churn_definitions\(\) missing a required (keyword-only )?argument: 'month'"):
        rk.churn_definitions(shop)
    with pytest.raises(rk.BadValueError, match=r"is not a number|must be from"):
        rk.second_purchase(shop, level=10**400)
    assert len(rk.rep_churn(shop, by=[]))


def test_words_of_a_row_of_the_scorecard(shop):
    card = rk.scorecard(shop)
    assert all(rk.words(row) for _, row in card.iterrows() if row["value"] == row["value"] and row["low"] == row["low"])


def test_a_horizon_is_longer_than_the_window_that_is_a_part_of_it(shop):
    with pytest.raises(rk.BadValueError, match=r"horizons: must not be shorter than the 90 days that are a part of them. Found: 30"):
        rk.cross_sell_share(shop, horizons=[30])


def test_a_shop_of_no_whole_month_is_not_sent_in_a_circle():
    orders = pd.DataFrame({"order_id": [1], "customer_id": "ann", "ordered_at": "2026-01-05", "amount": 1})
    book = pd.DataFrame({"contract_id": [1], "customer_id": "ann", "started_at": "2026-01-05", "ended_at": pd.Series([None], dtype="string")})
    with pytest.raises(rk.BadValueError, match=r"no whole month. To fix it: data of a whole month"):
        rk.churn_definitions(rk.open_shop({"orders": orders, "contracts": book}, as_of="2026-01-20"), month="2026-03")


def test_without_activity_nobody_is_said_to_use_nothing():
    book = pd.DataFrame({"contract_id": [1, 2], "customer_id": ["ann", "bob"], "started_at": "2026-01-05"})
    assert rk.weekly_active(rk.open_shop({"contracts": book}, as_of="2026-03-31")).empty


def test_refunds_are_counted_in_one_of_two_ways(shop):
    with pytest.raises(rk.BadValueError, match=r"refunds: is neither in nor out. Found: 'both'"):
        shop.counting_refunds("both")


def test_yes_and_no_are_no_money():
    orders = pd.DataFrame({"order_id": [1, 2], "customer_id": ["ann", "bob"], "ordered_at": "2026-01-05", "amount": [True, False]})
    with pytest.raises(rk.RetainkitError, match="amount"):
        rk.overview(rk.open_shop({"orders": orders}, as_of="2026-01-20"))


def test_a_month_that_is_a_day_is_answered_with_its_month(shop):
    with pytest.raises(rk.BadValueError, match='To fix it: month="2026-03"'):
        rk.churn_definitions(shop, month=pd.Timestamp("2026-03-01"))


@pytest.mark.parametrize(("name", "value", "words"), [
    ("horizons", 365, "parameter horizons: is not a list. Found: 365"), ("window", "90", "parameter window: is not a number. Found: '90'"), ("within", None, "is not a number"),
    ("horizons", (), "parameter horizons: must be from 1"), ("horizons", (-1,), "parameter horizons: must be from 1"), ("margin", np.float64(95), "must be from 0 to 1")])
def test_a_parameter_of_a_notebook_is_looked_at_by_what_it_is(name, value, words):
    with pytest.raises(rk.BadValueError, match=words):
        rk.begin("sample", **{name: value})
