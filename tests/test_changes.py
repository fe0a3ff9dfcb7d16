"""What moved a number: restated, matured and new add up to the change, to the digit, and their rows to the row."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from retainkit import RetainkitError, open_shop
from retainkit.metrics.changes import changes, judged_months
from retainkit.metrics.headlines import headlines
from retainkit.metrics.line import Found, Headline

MARCH = "2026-03-31"
ROWS = [  # order_id, customer_id, ordered_at, amount, status, refunded_at
    (1, "ann", "2026-01-01", 10, "paid", None),
    (2, "ann", "2026-01-11", 10, "paid", None),
    (3, "bob", "2026-02-20", 10, "paid", None),
    (4, "bob", "2026-04-02", 10, "paid", None),  # back in April: time passing
    (5, "cy", "2026-03-05", 10, "refunded", "2026-04-10"),  # a purchase at the end of March, none today
    (6, "cy", "2026-03-20", 10, "paid", None),
    (7, "dee", "2026-04-03", 10, "paid", None),  # new
    (8, "dee", "2026-04-04", 10, "cancelled", None),  # never happened
    (9, "eve", "2026-03-31", 10, "paid", None),  # the last day counts as known
    (10, "dee", "2026-04-20", -4, "paid", None),
]


def shop_of(rows=ROWS, **more):
    frame = pd.DataFrame(rows, columns=["order_id", "customer_id", "ordered_at", "amount", "status", "refunded_at"])
    return open_shop({"orders": frame, **more}, as_of="2026-04-30", history_start="2026-01-01")


def exact(value):
    """The number as it is written, so that sums are those of the digits."""
    return Decimal(repr(float(value)))


def only(shop, name="second_purchase.share", horizon=30):
    return [h for h in headlines(shop, only=[name]) if h.horizon == horizon]


def test_by_hand_what_time_did_and_what_the_new_did():
    shop = shop_of()
    row = changes(shop, MARCH, {("second_purchase.share", "", 30): 0.75}, rewritten={"orders": (3, 2)}, chosen=only(shop)).iloc[0]
    # March: eve came on the last day; of the three others ann is back on day 10, and of bob and cy, cy on day 15
    assert row["recomputed"] == pytest.approx(1 - 2 / 3 * 1 / 2)
    assert row["last"] == 0.75
    assert row["restated"] == pytest.approx(row["recomputed"] - 0.75)
    # April: cy's first purchase is the 20th of March now, so nobody but ann is back within 30 days; bob came after 41
    assert row["same_customers"] == pytest.approx(1 / 4)
    assert row["now"] == pytest.approx(1 / 5)
    assert row[["rows_added", "rows_removed", "rows_restated"]].tolist() == [3, 2, 5]
    assert row[["rows_since", "rows_changed", "rows_matured", "rows_new", "rows_now"]].tolist() == [1, 1, 2, 2, 9]


def test_known_then_is_who_had_a_row_by_the_end_of_that_day():
    known = shop_of().known_by(MARCH)
    assert sorted(known.sql("select customer_id from buyers")["customer_id"]) == ["ann", "bob", "cy", "eve"]
    assert known.as_of == date(2026, 4, 30)
    assert known.sql("select count(*) as n from orders").n[0] == 7  # bob's April order is theirs


def test_deals_and_contracts_have_a_first_day_of_their_own():
    deals = pd.DataFrame({"deal_id": ["d1", "d2"], "customer_id": "ann", "rep": "Ada", "opened_at": ["2026-03-31", "2026-04-01"],
                          "closed_at": "2026-04-05", "outcome": ["won", "lost"]})
    contracts = pd.DataFrame({"contract_id": ["k1", "k2", "k3"], "customer_id": ["ann", "ann", "bob"], "started_at": ["2026-03-01", "2026-04-02", "2026-04-02"]})
    known = shop_of(deals=deals, contracts=contracts).known_by(MARCH)
    assert known.sql("select deal_id, outcome from deals").values.tolist() == [["d1", "won"]]
    assert sorted(known.sql("select contract_id from contracts")["contract_id"]) == ["k1", "k2"]  # ann was a customer already
    assert known.sql("select count(*) as n from spells").n[0] == 1


def test_only_and_known_by_restrict_together_in_either_order():
    customers = pd.DataFrame({"customer_id": ["ann", "bob", "dee"], "segment": ["SMB", "B2C", "SMB"]})
    shop = shop_of(customers=customers)
    for both in (shop.only(segment="SMB").known_by(MARCH), shop.known_by(MARCH).only(segment="SMB")):
        assert both.sql("select customer_id from buyers")["customer_id"].tolist() == ["ann"]


def test_known_by_is_the_shop_without_the_rows_of_newcomers():
    frame = [row for row in ROWS if row[1] != "dee"]
    for found, wanted in zip(headlines(shop_of()), headlines(shop_of(frame)), strict=True):
        assert found.find(shop_of().known_by(MARCH)) == pytest.approx(wanted.find(shop_of(frame)), nan_ok=True), found.metric


def test_with_nothing_since_nothing_matured_and_nothing_is_new():
    table = changes(shop_of(), "2026-04-30")
    assert (table[["matured", "new"]].fillna(0) == 0).all(axis=None)
    assert (table[["rows_matured", "rows_new"]] == 0).all(axis=None)


def test_what_was_not_published_or_not_kept_is_not_known():
    row = changes(shop_of(), MARCH).iloc[0]
    assert np.isnan(row["last"])
    assert np.isnan(row["restated"])
    assert row["rows_restated"] is None
    assert row["matured"] == pytest.approx(row["same_customers"] - row["recomputed"])


def test_a_value_published_with_twelve_digits_is_not_restated_by_the_thirteenth():
    shop = shop_of()
    [number] = only(shop, horizon=30)
    steady = Headline("a.b", "third", ("orders",), lambda s: Found(1 / 30, 0, 1, 30), months=number.months)
    row = changes(shop, MARCH, {("a.b", "", None): float(f"{1 / 30:.12g}")}, chosen=[steady]).iloc[0]
    assert row["restated"] == 0


orders = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 119), st.integers(-5, 50), st.sampled_from(["paid", "paid", "cancelled", "refunded"]),
                            st.integers(0, 60)), min_size=1, max_size=25)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], phases=[Phase.explicit, Phase.generate])
@given(orders, orders, st.integers(0, 1000))
def test_the_steps_add_up_to_the_change_and_the_rows_to_the_rows(then, late, published):
    def frame(rows):
        day = pd.Timestamp("2026-01-01")
        return [(i, f"c{c}", str(day + pd.Timedelta(days=d))[:10], a, status, str(day + pd.Timedelta(days=d + r))[:10] if status == "refunded" else None)
                for i, (c, d, a, status, r) in enumerate(rows)]

    shop = shop_of(frame(then + late))
    chosen, before = headlines(shop, only=["second_purchase.share", "repeat_revenue.share", "churn.monthly"]), shop.at(MARCH)
    last = {(h.metric, h.find(before).group, h.horizon): float(f"{published / 997:.12g}") for h in chosen}
    table = changes(shop, MARCH, last, chosen=chosen)
    known_then = before.sql("select count(*) as n from orders").n[0]
    for row in table.to_dict("records"):
        steps = [row[name] for name in ("restated", "matured", "new")]
        if not any(np.isnan(x) for x in [*steps, row["now"]]):
            assert sum(map(exact, steps)) == exact(row["now"]) - exact(row["last"]), row["metric"]
        assert known_then + row["rows_since"] + row["rows_new"] == row["rows_now"], row["metric"]


def series(hits, n=100, since=None):
    """A headline with months of these hits, the last of them come of age after March."""
    known = pd.date_range(end="2026-04-15", periods=len(hits), freq="31D")
    frame = pd.DataFrame({"month": [f"{d:%Y-%m}" for d in known], "first_on": known, "known_on": known, "hits": hits, "n": n})
    return Headline("a.b", "share", ("orders",), lambda s: Found(0.2, 0.1, 0.3, 50), months=lambda s: frame)


STEADY = [20, 24, 18, 22, 19, 21, 23, 17, 20, 22, 18, 21, 20]


@pytest.mark.parametrize(("last", "news"), [
    (21, "within the usual noise (8.3%"), (5, "news: lower than chance explains (8.3%"), (45, "news: higher than chance explains (8.3%")])
def test_a_month_is_news_only_outside_of_what_chance_explains(last, news):
    row = changes(shop_of(), MARCH, chosen=[series([*STEADY, last])]).iloc[0]
    assert row["news"].startswith(news)
    assert row["month_value"] == last / 100
    assert (row["noise_low"] <= row["month_value"] <= row["noise_high"]) == news.startswith("within")


def test_less_than_a_year_of_months_or_none_of_age_cannot_tell():
    assert changes(shop_of(), MARCH, chosen=[series(STEADY[:11])]).loc[0, "news"] == "cannot tell yet: needs 12 baseline months, has 10"
    assert changes(shop_of(), "2026-04-20", chosen=[series([*STEADY, 3])]).loc[0, "news"] == "cannot tell yet: no month has come of age since"
    assert changes(shop_of(), MARCH, chosen=[h for h in headlines(shop_of()) if h.metric == "repeat_revenue.share"]).loc[0, "news"] == \
        "cannot tell yet: it rises by itself as customers grow older"


def test_of_two_months_come_of_age_the_one_farther_out_speaks():
    two = changes(shop_of(), "2026-02-28", chosen=[series([*STEADY, 2, 21])]).iloc[0]
    assert (two["month_value"], two["news"][:11]) == (0.02, "news: lower")


def test_the_judged_months_are_never_their_own_baseline():
    row = changes(shop_of(), MARCH, chosen=[series([*[0] * 24, *[20] * 24, 40])]).iloc[0]
    assert row["noise_low"] > 0.05  # the 24 months before, not the 24 zeros before those, and not the 40
    assert row["news"].startswith("news: higher")


def test_a_day_that_is_none_is_refused_with_what_to_type():
    with pytest.raises(RetainkitError) as told:
        changes(shop_of(), "end of March")
    assert str(told.value) == "previous: is not a date. Found: 'end of March'. To fix it: previous = \"2026-10-31\""


@pytest.mark.parametrize(("n", "hits", "said"), [(3, 2, "cannot tell yet: the newest month old enough has n = 3, of whom chance alone gives any share"), (400, 250, "within the usual noise"), (400, 390, "news: higher")])
def test_a_month_of_which_chance_gives_any_share_is_not_judged(n: int, hits: int, said: str) -> None:
    days = pd.date_range("2025-01-31", periods=19, freq="ME")
    months = pd.DataFrame({"month": days.strftime("%Y-%m"), "known_on": days, "n": n, "hits": [*[round(n * 0.6)] * 18, hits]})
    assert judged_months(months, days[-2].date())["news"].startswith(said)
