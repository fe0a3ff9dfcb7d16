"""Headline numbers are the ones the notebooks publish, and their months are whole and of equal age."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import timedelta

import pandas as pd
import pytest

from retainkit import open_shop
from retainkit.metrics.headlines import MAKERS, headlines
from retainkit.report.kernel import recorded
from retainkit.resources import notebooks_folder


@pytest.fixture(scope="module")
def shop():
    return open_shop("sample")


@pytest.fixture(scope="module")
def numbers(shop):
    return headlines(shop)


def named(numbers, metric, horizon=None):
    return next(h for h in numbers if h.metric == metric and horizon in (None, h.horizon))


def test_every_headline_is_the_number_its_notebook_publishes(shop, numbers):
    import nbformat

    published = {}
    for path in sorted(notebooks_folder().glob("0[1-4]*.ipynb")):
        for metric, group, horizon, value, low, high, n, *_ in csv.reader(recorded(nbformat.read(path, as_version=4)) or []):
            published[metric, group, horizon] = (value, low, high, n)
    if not published:
        pytest.skip("the notebooks hold no outputs")
    for h in numbers:
        found = h.find(shop)
        assert published[h.metric, found.group, str(h.horizon or "")] == tuple(f"{x:.12g}" for x in found[:4]), h.label


def test_horizons_come_from_the_notebooks_parameters_and_are_shortened_as_they_do(shop):
    got = headlines(shop, within=45, window=60, horizons=[365], within_days=90, lapse_after=0, unknown_parameter=1)
    assert {(h.metric, h.horizon) for h in got} >= {("second_purchase.share", 45), ("cross_sell.any", 60), ("deals.win_by", 90)}
    assert [h.label for h in got if h.metric == "cross_sell.share_in_window"] == ["cross-sells of the first 365 days that come in the first 60"]
    young = headlines(shop.at("2024-03-31"), only=["second_purchase.share"])
    assert [h.horizon for h in young] == [30, 90]  # nobody has been followed for a year


def test_only_what_the_shop_can_answer():
    orders = pd.DataFrame({"order_id": range(6), "customer_id": list("aaabbc"), "amount": 5, "ordered_at": [
        "2026-01-01", "2026-01-11", "2026-02-20", "2026-01-05", "2026-03-01", "2026-01-02"]})
    bare = headlines(open_shop({"orders": orders}, as_of="2026-03-31"))
    assert {h.metric for h in bare} == {"second_purchase.share", "next_purchase.share", "repeat_revenue.share", "churn.survival", "churn.monthly"}
    assert named(bare, "churn.survival").label == "new customers not lapsed (40 days without a purchase) after 30 days"
    deals = pd.DataFrame({"deal_id": [1, 2], "rep": "Ada", "opened_at": "2026-01-02", "closed_at": ["2026-01-05", "2026-02-05"], "outcome": ["won", "lost"]})
    assert {h.metric for h in headlines(open_shop({"deals": deals}))} == {"deals.win_rate", "deals.win_by"}


def test_contracts_that_say_no_end_are_no_survival():
    orders = pd.DataFrame({"order_id": range(6), "customer_id": ["ann", "bob"] * 3, "amount": 5, "product_line": "tea",
                           "ordered_at": ["2026-01-01", "2026-01-02", "2026-02-10", "2026-02-11", "2026-03-22", "2026-03-23"]})
    book = pd.DataFrame({"contract_id": [1, 2], "customer_id": ["ann", "bob"], "started_at": "2026-01-03"})
    bought = headlines(open_shop({"orders": orders, "contracts": book}, as_of="2026-03-31"), lapse_after=20)
    assert named(bought, "churn.survival").label.startswith("new customers not lapsed (20 days")
    assert named(bought, "churn.survival").tables == ("orders",)
    assert not [h for h in headlines(open_shop({"contracts": book}, as_of="2026-03-31")) if h.metric.startswith("churn")]
    ended = headlines(open_shop({"orders": orders, "contracts": book.assign(ended_at=None)}, as_of="2026-03-31"))
    assert named(ended, "churn.survival").label.startswith("customers still under contract")


def test_names_can_be_chosen_and_every_maker_makes_what_it_says(shop, numbers):
    assert [h.metric for h in headlines(shop, only=["deals.win_by", "no.such"])] == ["deals.win_by"]
    assert {h.metric for h in numbers} == {m for maker in MAKERS for m in maker.metrics}


@pytest.mark.parametrize("month", ["2025-04", "2026-09"])
def test_a_month_of_second_purchases_is_what_a_plain_count_says(shop, numbers, month):
    days = shop.sql("select customer, on_day, is_new from days where ordinal > 0 order by customer, on_day")
    n = hits = 0
    for _, rows in days[days["is_new"]].groupby("customer"):
        first, *later = pd.to_datetime(rows["on_day"]).dt.date
        if f"{first:%Y-%m}" == month:
            n, hits = n + 1, hits + any((day - first).days <= 30 for day in later)
    got = named(numbers, "second_purchase.share", 30).months(shop).set_index("month").loc[month]
    assert (got["hits"], got["n"]) == (hits, n)


def test_a_month_of_third_purchases_is_what_a_plain_count_says(shop, numbers):
    days = shop.sql("select customer, on_day from days where is_new and ordinal > 0 order by customer, on_day")
    n, hits = Counter(), Counter()
    for _, rows in days.groupby("customer"):
        when = list(pd.to_datetime(rows["on_day"]).dt.date)
        if len(when) > 1 and (when[1] - when[0]).days <= 365:
            n[f"{when[1]:%Y-%m}"] += 1
            hits[f"{when[1]:%Y-%m}"] += len(when) > 2 and (when[2] - when[1]).days <= 365
    got = named(numbers, "next_purchase.share").months(shop)
    assert got["month"].tolist()[0] == "2024-11"  # a year after the history began: before, only fast buyers had bought twice
    assert got["month"].tolist()[-1] == "2025-10"
    assert [(r.hits, r.n) for r in got.itertuples()] == [(hits[m], n[m]) for m in got["month"]]


def test_months_of_deals_are_what_a_plain_count_says(shop, numbers):
    deals = shop.sql("select opened_on, closed_on, outcome from deals")
    deals = deals.assign(opened=pd.to_datetime(deals["opened_on"]), closed=pd.to_datetime(deals["closed_on"]), won=deals["outcome"] == "won")
    deals = deals.assign(soon=deals["won"] & ((deals["closed"] - deals["opened"]).dt.days <= 180))
    for metric, day, hit in (("deals.win_rate", "closed", "won"), ("deals.win_by", "opened", "soon")):
        counts = deals.dropna(subset=[day]).groupby(deals[day].dt.strftime("%Y-%m"))[hit].agg(["sum", "count"])
        months = named(numbers, metric).months(shop)
        assert len(months) == 30  # all but the six whose deals are too young, or could only be closed fast
        assert [(r.hits, r.n) for r in months.itertuples()] == [tuple(counts.loc[m]) for m in months["month"]], metric


def test_cross_sold_months_add_up_to_the_customers_and_cross_sells_there_are(shop, numbers):
    late = shop.at("2026-10-31")
    months = named(numbers, "cross_sell.share_in_window").months(late)
    last = months["known_on"].max() - timedelta(days=365)
    sold = shop.sql("select age, first_on from days where is_new and cross_ordinal > 0 and age <= 365")
    sold = sold[pd.to_datetime(sold["first_on"]) <= last]
    assert (months["n"].sum(), months["hits"].sum()) == (len(sold), (sold["age"] <= 90).sum())


def test_months_of_the_cross_sold_are_what_a_plain_count_says(shop, numbers):
    days = shop.sql("select first_on, ordinal, cross_ordinal, age, left_age from days where is_new").fillna({"left_age": 99_999})
    month = pd.to_datetime(days["first_on"]).dt.strftime("%Y-%m")
    crossed = (days["cross_ordinal"] == 1) & (days["age"] <= 90) & (days["age"] <= days["left_age"])
    counts = pd.DataFrame({"hits": crossed.groupby(month).sum(), "n": (days["ordinal"] == 1).groupby(month).sum()})
    got = named(numbers, "cross_sell.any").months(shop)
    assert [(r.hits, r.n) for r in got.itertuples()] == [tuple(counts.loc[m]) for m in got["month"]]


def test_a_month_counts_only_once_its_youngest_customer_is_old_enough(shop, numbers):
    second = named(numbers, "second_purchase.share", 30)
    assert second.months(shop.at("2026-10-29"))["month"].iloc[-1] == "2026-08"  # 30 September + 30 days is the 30th
    assert second.months(shop.at("2026-10-30"))["month"].iloc[-1] == "2026-09"
    churn = named(numbers, "churn.monthly")
    assert churn.months(shop.at("2026-10-30"))["month"].iloc[-1] == "2026-09"


def test_every_series_is_in_order_without_a_month_twice(shop, numbers):
    for h in numbers:
        if h.months is None:
            assert h.why_no_months
            continue
        months = h.months(shop)
        assert months["month"].is_monotonic_increasing, h.metric
        assert months["month"].is_unique, h.metric
        assert (months["hits"] <= months["n"]).all(), h.metric
        assert months["known_on"].max() <= pd.Timestamp(shop.as_of), h.metric


def test_nothing_known_yet_is_nan_and_nobody(shop):
    early = shop.at(shop.history_start)  # the first day: no month is over, nobody has had time
    for h in headlines(shop):
        found = h.find(early)
        assert found.n >= 0
        assert not (found.value == found.value and found.n == 0), h.metric


def test_the_labels_say_the_horizon(numbers):
    assert all(str(h.horizon) in h.label for h in numbers if h.horizon)
