"""Tables in hand: what pandas can hold is read or refused in words, and what is said to type on the frame works."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pandas
import pytest

import retainkit as rk


def orders(**columns) -> pandas.DataFrame:
    days = ["2026-01-31", "2026-02-13", "2026-03-14"]
    return pandas.DataFrame({"order_id": ["1", "2", "3"], "customer_id": ["ann", "bob", "ann"], "ordered_at": days, "amount": [10.0, 20.0, 5.5], **columns})


def after(frame: pandas.DataFrame, remedy: str) -> pandas.DataFrame:
    """The frame once somebody typed what the message says."""
    typed = remedy.split(", or the format")[0].split(", if a point")[0].split(", each of")[0].split("; or ")[0]
    if typed.startswith('frame["'):
        exec(typed, {"frame": frame, "pandas": pandas})
        return frame
    return eval(typed, {"frame": frame, "pandas": pandas})


def revenue(frame: pandas.DataFrame) -> float:
    return float(rk.open_shop({"orders": frame}, tz="UTC").sql("select sum(amount) as a from orders")["a"][0])


@pytest.mark.parametrize("frame", [
    orders(tags=pandas.arrays.SparseArray([0, 0, 1])), orders(amount=pandas.arrays.SparseArray([10.0, 20.0, 5.5])), orders(z=[1 + 2j] * 3),
    orders(tags=[["a"], [], None]), orders(amount=pandas.Series([10, 20, 5.5], dtype="Float64"))])
def test_columns_the_engine_has_no_type_for_are_read_all_the_same(frame):
    assert revenue(frame) == 35.5


@pytest.mark.parametrize(("frame", "words"), [
    (orders().set_index("order_id"), "reset_index()"), (orders().set_index(["customer_id", "order_id"]), "reset_index()"),
    (orders().set_axis(pandas.MultiIndex.from_product([["shop"], orders().columns]), axis=1), "get_level_values(1)"),
    (orders().rename(columns=str.upper), '"ORDER_ID": "order_id", "CUSTOMER_ID": "customer_id"'),
    (orders(amount=["10.00 EUR", "20.00 EUR", "5.50 EUR"]), "to_numeric"), (orders(amount=["10,00", "20,00", "5,50"]), "to_numeric"),
    (orders(amount=["1,050.00", "(1,010.00)", "4.50-"]), "to_numeric"), (orders(amount=["€ 1.040,-", "€ -1.000,00", "4,50-"]), "to_numeric"),
    (orders(ordered_at=["31.01.2026", "13.02.2026", "14.03.2026"]), "%d.%m.%Y"), (orders(ordered_at=["01/31/2026", "02/13/2026", "2026-03-14"]), "%m/%d/%Y"), (orders(ordered_at=pandas.period_range("2026-01", periods=3, freq="M")), "%Y-%m"),
    (orders(ordered_at=np.array([1769817600, 1770940800, 1773446400]) * 1000), 'unit="ms"'), (orders(ordered_at=[1769817600, 1770940800, 1773446400]), 'unit="s"')])
def test_what_is_said_to_type_on_a_frame_works_when_typed(frame, words):
    with pytest.raises(rk.RetainkitError) as told:
        revenue(frame)
    assert words in told.value.remedy
    assert "toml" not in told.value.remedy
    assert revenue(after(frame, told.value.remedy)) == 35.5


def test_a_status_of_other_words_says_how_to_map_it_or_do_without():
    with pytest.raises(rk.RetainkitError, match=r"each of your words to one of paid, cancelled, refunded; or frame.drop\(columns=\"status\"\)"):
        revenue(orders(status=[True, True, True]))


def test_a_column_that_is_called_what_it_is_is_not_offered_as_another():
    with pytest.raises(rk.RetainkitError) as told:
        revenue(orders().drop(columns="order_id"))
    assert told.value.remedy == 'frame.rename(columns={"...": "order_id"})'


def test_no_table_at_all_says_how_one_is_named():
    with pytest.raises(rk.RetainkitError) as told:
        rk.open_shop({})
    assert str(told.value).startswith("the dict of tables: is empty. Found: {}. To fix it: open_shop({\"orders\": frame})")
    assert isinstance(eval(told.value.remedy.split(", with")[0], {"open_shop": rk.open_shop, "frame": orders()}), rk.load.shop.Shop)


def test_a_column_called_as_the_number_of_a_row_is_a_column():
    assert revenue(orders(row_no=[7, 7, 7])) == 35.5


def test_a_frame_alone_is_told_to_be_named():
    with pytest.raises(rk.RetainkitError, match=r'open_shop\(\{"orders": frame\}\)'):
        rk.open_shop(orders())


@pytest.mark.parametrize("fact", ["as_of", "history_start"])
def test_no_day_is_no_day(fact):
    with pytest.raises(rk.RetainkitError, match=f"{fact}: is not a date"):
        rk.open_shop({"orders": orders()}, tz="UTC", **{fact: pandas.NaT})


def test_an_amount_of_memory_that_is_none_is_refused():
    with pytest.raises(rk.RetainkitError, match=r"memory: is no amount of memory\. Found: 'lots'"):
        rk.open_shop({"orders": orders()}, memory="lots")


def test_customers_in_hand_lie_in_the_cache_only_and_only_while_the_shop_does(tmp_path, monkeypatch):
    monkeypatch.setenv("RETAINKIT_CACHE", str(tmp_path / "cache"))
    shop = rk.open_shop({"orders": orders()})
    assert [p.parent.name for p in (tmp_path / "cache").glob(".tables-*/store")] == [Path(shop._temporary.name).name]
    assert (tmp_path / "cache").stat().st_mode & 0o077 == 0
    del shop
    gc.collect()
    assert not list((tmp_path / "cache").glob(".tables-*"))
