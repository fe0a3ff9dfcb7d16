"""Do they come back: the rules of `retainkit.metrics.purchases`."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import retainkit as rk


def orders_of(rows: list[tuple[str, str]]) -> pd.DataFrame:
    """Purchases (customer, day) of 10 each."""
    frame = pd.DataFrame(rows, columns=["customer_id", "ordered_at"]).assign(amount=10)
    return frame.assign(order_id=range(len(frame)))


def shop_of(rows: list[tuple[str, str]], *, as_of: str, **facts: str) -> rk.Shop:
    """A shop of (customer, day) purchases of 10 each."""
    return rk.open_shop({"orders": orders_of(rows)}, as_of=as_of, **facts)


ANN_BOB_CY = [("ann", "2026-01-01"), ("ann", "2026-01-31"), ("bob", "2026-01-01"), ("cy", "2026-03-20")]


def test_the_window_includes_its_last_day():
    at = {h: rk.second_purchase_mature(shop_of(ANN_BOB_CY, as_of="2026-06-30"), horizons=[h]).rate[0] for h in (29, 30)}
    assert at[29] == 0  # day 30 is one day too late for 29
    assert at[30] == pytest.approx(1 / 3)


def test_a_customer_too_young_for_the_window_is_in_neither_count_of_the_plain_check():
    got = rk.second_purchase_mature(shop_of(ANN_BOB_CY, as_of="2026-04-18"), horizons=[30]).iloc[0]
    assert (got.hits, got.n, got.too_young) == (1, 2, 1)  # cy has been followed for 29 days


def test_a_horizon_nobody_has_reached_is_nan_not_a_flat_line():
    got = rk.second_purchase(shop_of(ANN_BOB_CY, as_of="2026-04-18"), horizons=[30, 200])
    assert np.isfinite(got.rate[0])
    assert got.loc[1, ["rate", "low", "high"]].isna().all()


def test_two_orders_on_one_day_are_one_purchase():
    rows = [("ann", "2026-01-01"), ("ann", "2026-01-01"), ("bob", "2026-01-02")]
    shop = shop_of(rows, as_of="2026-03-01")
    assert rk.overview(shop).loc[0, ["orders", "purchase_days"]].tolist() == [3, 2]
    assert rk.second_purchase(shop, horizons=[30]).rate[0] == 0


def test_a_customer_who_bought_before_the_history_begins_is_nobodys_new_customer():
    shop = shop_of(ANN_BOB_CY, as_of="2026-06-30", history_start="2026-02-01")
    assert rk.second_purchase(shop, horizons=[30]).n[0] == 1  # cy alone
    assert rk.overview(shop).new_customers[0] == 1


def test_a_customer_who_signed_up_before_the_history_is_not_new_even_if_the_first_order_seen_is_later():
    orders = pd.DataFrame({"order_id": [1], "customer_id": ["old"], "ordered_at": ["2026-02-10"], "amount": [5]})
    customers = pd.DataFrame({"customer_id": ["old"], "signed_up_at": ["2025-01-01"]})
    shop = rk.open_shop({"orders": orders, "customers": customers}, as_of="2026-03-01", history_start="2026-02-01")
    assert rk.overview(shop).new_customers[0] == 0


def test_nobody_repeats_gives_an_interval_that_is_not_zero_wide():
    got = rk.second_purchase(shop_of([(f"c{i}", "2026-01-01") for i in range(20)], as_of="2026-03-01"), horizons=[30]).iloc[0]
    assert got.rate == 0
    assert 0.1 < got.high < 0.3


def test_one_customer_works():
    shop = shop_of([("ann", "2026-01-01")], as_of="2026-03-01")
    assert rk.second_purchase(shop, horizons=[30]).n[0] == 1
    assert rk.next_purchase(shop).n[0] == 1
    assert rk.repeat_revenue(shop).rate[0] == 0


ONE_ENGINE = [HealthCheck.function_scoped_fixture]  # it may stay from one example to the next
purchases = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 120)), min_size=1, max_size=40)


@given(purchases)
@settings(max_examples=25, deadline=None, suppress_health_check=ONE_ENGINE)
def test_the_curve_is_lifelines_on_a_row_a_customer(rows):
    from lifelines import KaplanMeierFitter

    start = pd.Timestamp("2026-01-01")
    shop = shop_of([(c, str((start + pd.Timedelta(days=d)).date())) for c, d in rows], as_of="2026-06-30")
    days = pd.DataFrame(rows, columns=["c", "d"]).drop_duplicates().sort_values("d").groupby("c")["d"].agg(list)
    end = (pd.Timestamp("2026-06-30") - start).days
    duration = days.map(lambda d: d[1] - d[0] if len(d) > 1 else end - d[0])
    expected = 1 - KaplanMeierFitter().fit(duration, days.map(len) > 1).predict(60)
    assert rk.second_purchase(shop, horizons=[60]).rate[0] == pytest.approx(expected)


@given(purchases)
@settings(max_examples=25, deadline=None, suppress_health_check=ONE_ENGINE)
def test_orders_after_as_of_change_nothing(rows):
    start = pd.Timestamp("2026-01-01")
    named = [(c, str((start + pd.Timedelta(days=d)).date())) for c, d in rows if d <= 60] or [("a", "2026-01-01")]
    late = [(c, str((start + pd.Timedelta(days=d)).date())) for c, d in rows if d > 60]
    before, after = (rk.second_purchase(shop_of(r, as_of="2026-03-02", history_start="2026-01-01")) for r in (named, named + late))
    pd.testing.assert_frame_equal(before, after)


def test_the_third_given_the_second_counts_slow_repeaters_that_a_plain_gap_count_loses():
    # everybody buys on day 0 and 50; half buy again 50 days later; half of the customers were cut off before that
    rows, cut = [], pd.Timestamp("2026-10-31")
    for i in range(200):
        first = cut - pd.Timedelta(days=80 if i % 2 else 400)
        for day in (0, 50, *([100] if i % 4 < 2 else [])):
            if first + pd.Timedelta(days=day) <= cut:
                rows.append((f"c{i}", str((first + pd.Timedelta(days=day)).date())))
    got = rk.next_purchase(shop_of(rows, as_of="2026-10-31"), k=[2], within_days=60).iloc[0]
    assert got.rate == pytest.approx(0.5, abs=0.01)
    assert got.n == 200


def test_who_bought_the_second_time_late_is_counted_beside_the_share_of_the_early_ones_and_not_in_it():
    # within a month of the first: 10 of 20 buy a third time; a hundred days later: all 30 do
    early = [(f"e{i}", day) for i in range(20) for day in ("2025-01-01", "2025-01-11", *(["2025-01-21"] if i < 10 else []))]
    late = [(f"l{i}", day) for i in range(30) for day in ("2025-01-01", "2025-04-11", "2025-04-21")]
    got = rk.next_purchase(shop_of([*early, *late], as_of="2026-10-31"), k=[1, 2, 3], within_days=30).set_index("k")
    assert got.loc[2, ["rate", "n", "late", "latest"]].tolist() == [0.5, 20, 30, 30]
    assert got["late"].tolist() == [0, 30, 30]


def test_the_share_after_the_first_purchase_is_the_curve_when_nobody_is_too_young():
    rows = [(f"c{i}", "2025-01-01") for i in range(50)] + [(f"c{i}", "2025-02-01") for i in range(20)]
    shop = shop_of(rows, as_of="2026-10-31")
    assert rk.next_purchase(shop, k=[1], within_days=90).rate[0] == pytest.approx(0.4)
    assert rk.second_purchase(shop, horizons=[90]).rate[0] == pytest.approx(0.4)


def test_a_month_whose_last_customer_is_too_young_has_no_rate():
    rows = [("ann", "2026-01-31"), ("bob", "2026-01-02"), ("cy", "2026-02-01")]
    got = rk.second_purchase_by_cohort(shop_of(rows, as_of="2026-03-02"), within_days=30)
    assert got.mature.tolist() == [True, False]  # 31 January + 30 days is 2 March
    assert np.isnan(got.rate[1])


def test_repeat_and_new_revenue_are_the_total():
    shop = rk.open_shop("sample")
    months, once = rk.revenue_by_month(shop), rk.repeat_revenue(shop).iloc[0]
    assert (months.new + months.repeat).sum() == pytest.approx(months.total.sum())
    assert months.repeat.sum() == pytest.approx(once["repeat"])
    assert rk.overview(shop).revenue[0] == pytest.approx(months.total.sum())


def test_invoices_are_revenue_but_can_be_left_out_of_what_was_bought():
    orders = pd.DataFrame({
        "order_id": list("abcde"), "customer_id": ["ann", "ann", "ann", "bob", "cy"], "amount": [10, 30, 100, 60, 500],
        "ordered_at": ["2026-01-01", "2026-01-10", "2026-01-10", "2026-01-01", "2026-01-05"], "order_type": ["one_off", "one_off", "recurring", "one_off", "recurring"]})
    shop = rk.open_shop({"orders": orders}, as_of="2026-03-01")
    alone = rk.repeat_revenue(shop, invoices=False).iloc[0]
    assert (alone["rate"], alone["total"], alone["n"]) == (0.3, 100, 2)  # the invoice of the same day too, and cy has bought nothing
    assert rk.repeat_revenue(shop).loc[0, ["total", "n"]].tolist() == [700, 3]


def test_who_signed_up_and_has_only_a_refund_or_an_invoice_never_bought():
    orders = pd.DataFrame({"order_id": list("abc"), "customer_id": ["ann", "bob", "cy"], "ordered_at": "2026-01-05", "amount": 10,
                           "status": ["paid", "refunded", "paid"], "refunded_at": [None, "2026-01-09", None], "order_type": ["one_off", "one_off", "recurring"]})
    people = pd.DataFrame({"customer_id": ["ann", "bob", "cy", "dee", "eve", "fay"], "signed_up_at": [*["2026-01-01"] * 4, "2026-02-02", "2025-06-01"]})
    shop = rk.open_shop({"orders": orders, "customers": people}, as_of="2026-01-31", history_start="2026-01-01")
    assert rk.never_bought(shop).loc[0, ["never", "n"]].tolist() == [3, 4]  # eve has not signed up yet; fay may have bought last year


@pytest.mark.parametrize(("of", "ask"), [("second_purchase", rk.second_purchase), ("cross_sell_any", rk.cross_sell_any)])
def test_a_burn_in_is_the_share_of_a_history_that_begins_so_much_later(of, ask):
    rng = np.random.default_rng(5)
    first = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.repeat(rng.integers(0, 800, 150), 3), unit="D")
    log = pd.DataFrame({"customer_id": [f"c{i // 3}" for i in range(450)], "ordered_at": first + pd.to_timedelta(rng.integers(0, 300, 450), unit="D"),
                        "product_line": rng.choice(["tea", "cups"], 450), "amount": 5, "order_id": range(450)})
    log = log[log["ordered_at"] <= "2026-06-30"]
    begins = log["ordered_at"].min()
    got = rk.burn_in(rk.open_shop({"orders": log}, as_of="2026-06-30"), of=of, horizons=[30, 200])
    assert got["burn_in"].drop_duplicates().tolist() == [0, 180, 365, 540]
    for days, rows in got.groupby("burn_in"):
        later = rk.open_shop({"orders": log}, as_of="2026-06-30", history_start=begins + pd.Timedelta(days=days))
        same = ["horizon_days", "rate", "low", "high", "n", "too_young", "at_risk"]
        pd.testing.assert_frame_equal(rows[same].reset_index(drop=True), ask(later, horizons=[30, 200])[same])
        assert rows["left_out"].unique().tolist() == [log["customer_id"].nunique() - rows["n"].iloc[0]]


def test_a_burn_in_longer_than_the_log_leaves_nobody():
    got = rk.burn_in(shop_of(ANN_BOB_CY, as_of="2026-06-30"), horizons=[30]).set_index("burn_in")
    assert got["left_out"].tolist() == [0, 3, 3, 3]
    assert got.loc[180, ["n", "too_young"]].tolist() == [0, 0]
    assert np.isnan(got.loc[180, "rate"])
    with pytest.raises(rk.BadValueError, match="`third` is not a share of new customers"):
        rk.burn_in(shop_of(ANN_BOB_CY, as_of="2026-06-30"), of="third")


def test_the_newer_half_of_the_months_is_held_against_the_older():
    rows = [(f"{name}{m}", f"2026-0{m}-01") for m in range(1, 6) for name in "abcd"] + [(f"a{m}", f"2026-0{m}-11") for m in (3, 4, 5)]
    given = {"as_of": "2026-07-31", "history_start": "2026-01-01"}
    people = pd.DataFrame({"customer_id": sorted({name for name, _ in rows}), "signed_up_at": "2026-01-01"})
    shop = rk.open_shop({"orders": orders_of(rows), "customers": people}, **given)
    got = rk.second_purchase_trend(shop).iloc[0]
    assert (got.value, got.n, got.months) == (0.25, 16, 2)  # March is the middle
    assert got.low < 0 < got.high
    assert np.isnan(rk.second_purchase_trend(rk.open_shop({"orders": orders_of(rows[:4]), "customers": people}, **given)).value[0])
    for unsure in (shop_of(rows, as_of="2026-07-31"), shop_of(rows, **given)):
        assert rk.second_purchase_trend(unsure).loc[0, ["value", "low", "high"]].isna().all()  # the early months may hold old customers


def test_a_refund_is_no_purchase_but_its_money_falls_on_its_day():
    orders = pd.DataFrame({
        "order_id": ["a", "b"], "customer_id": "ann", "ordered_at": ["2026-01-01", "2026-01-10"], "amount": [10, 20],
        "status": ["paid", "refunded"], "refunded_at": [None, "2026-02-05"]})  # fmt: skip
    shop = rk.open_shop({"orders": orders}, as_of="2026-03-01")
    assert rk.overview(shop).purchase_days[0] == 1
    assert rk.revenue_by_month(shop).total.tolist() == [30, -20]
    assert rk.overview(shop.counting_refunds("in")).purchase_days[0] == 2
    assert rk.overview(shop.at("2026-01-31")).purchase_days[0] == 2  # not refunded yet


def test_an_unknown_group_is_refused_with_the_nearest_name():
    with pytest.raises(rk.RetainkitError, match=r'by: `segmnt` is not something to split by.*by="segment"'):
        rk.second_purchase(rk.open_shop("sample"), by="segmnt")


def test_groups_add_up_to_everybody():
    shop = rk.open_shop("sample")
    assert rk.second_purchase(shop, by="segment", horizons=[30]).n.sum() == rk.second_purchase(shop, horizons=[30]).n[0]
    only = rk.second_purchase(shop.only(segment="SMB"), horizons=[30]).iloc[0]
    grouped = rk.second_purchase(shop, by="segment", horizons=[30]).set_index("segment").loc["SMB"]
    assert (only.rate, only.n) == (pytest.approx(grouped.rate), grouped.n)


def test_past_the_last_follow_up_nothing_is_known_unless_hardly_anybody_was_left_undecided():
    """Ann was followed for 89 days and came back on day 10; of Bob, followed for 30, nobody knows. Ann alone is known for 89 days."""
    rows = [("ann", "2026-01-01"), ("ann", "2026-01-11"), ("bob", "2026-03-01")]
    got = rk.second_purchase(shop_of(rows, as_of="2026-03-31"), horizons=[30, 31, 89])
    assert got.rate.notna().tolist() == [True, False, False]
    alone = rk.second_purchase(shop_of(rows[:2], as_of="2026-03-31"), horizons=[60, 89, 90])
    assert alone.rate.fillna(-1).tolist() == [1, 1, -1]
    assert alone.at_risk.tolist() == [0, 0, 0]
    many = rows + [(f"c{i}", day) for i in range(98) for day in ("2026-01-01", "2026-01-11")]
    most = rk.second_purchase(shop_of(many, as_of="2026-03-31"), horizons=[60]).iloc[0]
    assert (most.rate, most.high, most.at_risk) == (pytest.approx(0.99), 1, 0)  # of 100, Bob alone is not known: he may have bought, too
    assert most.low == pytest.approx(rk.second_purchase(shop_of(many, as_of="2026-03-31"), horizons=[30]).low[0])


def test_the_invoices_of_who_never_bought_are_new_revenue_once():
    """Ann is invoiced 100 in each month of 2024 and buys nothing; Bob buys for 50 twice. Cy was invoiced before the history began."""
    months = [f"2024-{m:02}-01" for m in range(1, 13)]
    rows = [("ann", day, 100, "recurring") for day in months] + [("bob", "2024-03-05", 50, "one_off"), ("bob", "2024-04-05", 50, "one_off")]
    orders = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "amount", "order_type"]).assign(order_id=range(14))
    got = rk.repeat_revenue(rk.open_shop({"orders": orders}, as_of="2024-12-31")).iloc[0]
    assert (got["repeat"], got["total"]) == (1_150, 1_300)
    assert rk.revenue_by_month(rk.open_shop({"orders": orders}, as_of="2024-12-31"))["new"].tolist() == [100, 0, 50] + [0] * 9
    known = pd.concat([orders, orders.head(12).assign(customer_id="cy", order_id=range(20, 32)), orders.head(1).assign(customer_id="cy", order_id=40, ordered_at="2023-12-01")])
    got = rk.repeat_revenue(rk.open_shop({"orders": known}, as_of="2024-12-31", history_start="2024-01-01")).iloc[0]
    assert (got["repeat"], got["total"]) == (1_150 + 1_300, 1_300 + 1_300)


def test_an_order_paid_back_after_the_first_invoice_is_no_negative_repeat_revenue():
    """100 that were paid back take nothing from what is repeat: new are the first 20, repeat the second."""
    orders = pd.DataFrame({"order_id": [1, 2, 3], "customer_id": "ann", "ordered_at": ["2026-01-01", "2026-01-05", "2026-02-05"], "amount": [100, 20, 20],
                           "order_type": ["one_off", "recurring", "recurring"], "status": ["refunded", "paid", "paid"], "refunded_at": ["2026-01-20", None, None]})
    for day in ("2026-01-20", "2026-01-05"):  # later, or on the day of that invoice
        got = rk.repeat_revenue(rk.open_shop({"orders": orders.replace("2026-01-20", day)}, as_of="2026-02-28")).iloc[0]
        assert (got["repeat"], got["total"]) == (20, 40)


def test_customers_of_millions_have_an_interval_too():
    """Squares of their revenue have more digits than the money of one order may."""
    orders = pd.DataFrame([(f"{who}{day}", who, f"2026-01-0{day}", 3e9 + day) for who in "abc" for day in (1, 2, 3)], columns=["order_id", "customer_id", "ordered_at", "amount"])
    got = rk.repeat_revenue(rk.open_shop({"orders": orders}, as_of="2026-01-31")).iloc[0]
    assert got["total"] == 3 * (9e9 + 6)
    assert got["rate"] == pytest.approx(2 / 3, abs=1e-6)


def test_what_is_paid_back_is_taken_from_the_side_it_had_come_to():
    """Ann returns half of her first purchase, and Bob all of his, when he has bought again; of 70 that stay, Ann's second 20 are repeat."""
    orders = pd.DataFrame([
        (1, "ann", "2026-01-01", 30, ""), (1, "ann", "2026-01-01", 30, "2026-02-05"), (2, "ann", "2026-02-05", 20, ""),
        (3, "bob", "2026-01-02", 40, "2026-02-10"), (4, "bob", "2026-01-20", 20, ""), (5, "bob", "2026-02-01", 10, "2026-02-20"),
    ], columns=["order_id", "customer_id", "ordered_at", "amount", "refunded_at"])
    orders["status"] = orders["refunded_at"].map(lambda day: "refunded" if day else "paid")
    shop = rk.open_shop({"orders": orders}, as_of="2026-02-28")
    for invoices in (True, False):
        got = rk.repeat_revenue(shop, invoices=invoices).iloc[0]
        assert (got["repeat"], got["total"]) == (20, 70)
    months = rk.revenue_by_month(shop)
    assert months["new"].tolist() == [120, -70]  # the money goes back on its day
    assert months["repeat"].tolist() == [0, 20]


def test_the_first_purchase_asks_for_one_window_and_not_two():
    """Its window begins at age 0: who was followed for it has had the whole time, and the plain check counts them all."""
    shop = rk.open_shop("sample")
    again, plain = rk.next_purchase(shop, k=[1], within_days=365).iloc[0], rk.second_purchase(shop, horizons=[365]).iloc[0]
    assert (again.n, again.too_young) == (plain.n, plain.too_young)
    mature = rk.second_purchase_mature(shop, horizons=[365]).iloc[0]
    assert (again.mature_rate, again.mature_n) == (pytest.approx(mature.rate), mature.n)


def test_a_window_nobody_was_followed_for_has_no_next_purchase():
    assert rk.next_purchase(rk.open_shop("sample"), k=[1, 2], within_days=1_500)["rate"].isna().all()


def test_a_segment_called_unknown_is_the_row_unknown_whether_it_is_a_row_or_the_whole_page():
    """Of five customers one has no segment, one is of a segment really called so, one is not on the list: the row of them is what a report of it says."""
    orders = pd.DataFrame({"order_id": range(5), "customer_id": ["ann", "bob", "cy", "di", "eve"], "amount": [5, 6, 7, 8, 11], "ordered_at": "2026-01-05"})
    people = pd.DataFrame({"customer_id": ["ann", "bob", "cy", "di"], "segment": ["SMB", None, "unknown", "SMB"]})
    shop = rk.open_shop({"orders": orders, "customers": people}, as_of="2026-03-31", history_start="2026-01-01")
    row = rk.lifetime_value(shop, by="segment", horizons=[30]).set_index("segment").loc["unknown"]
    alone = rk.lifetime_value(shop.only(segment="unknown"), horizons=[30]).iloc[0]
    assert (row["n"], row["value"]) == (alone["n"], alone["value"]) == (3, 8)


def test_customers_of_no_group_have_one_name_in_every_table():
    """Of four customers one has no segment: she is "unknown" wherever a number is split, and in no comparison of groups."""
    days = [f"2024-{m:02}-05" for m in range(1, 13)]
    orders = pd.DataFrame([(c, day) for c in "abcd" for day in days], columns=["customer_id", "ordered_at"])
    orders = orders.assign(order_id=range(len(orders)), amount=10, product_line=["x", "y"] * 24)
    people = pd.DataFrame({"customer_id": list("abcd"), "segment": ["SMB", "ENT", "SMB", None]})
    book = pd.DataFrame({"contract_id": range(4), "customer_id": list("abcd"), "started_at": "2024-01-05", "ended_at": ["2024-06-01", None, None, "2024-07-01"]})
    shop = rk.open_shop({"orders": orders, "customers": people, "contracts": book}, as_of="2024-12-31")
    asked = (rk.second_purchase, rk.second_purchase_curve, rk.second_purchase_mature, rk.cross_sell_any, rk.lifetime_value,
             rk.lifetime_value_curve, rk.contract_survival, rk.churn_curve, rk.days_kept, rk.monthly_churn)
    for ask in asked:
        assert set(ask(shop, by="segment")["segment"]) == {"SMB", "ENT", "unknown"}, ask.__name__
    assert rk.lifetime_value(shop, by="segment", horizons=[90]).set_index("segment")["n"].to_dict() == {"ENT": 1, "SMB": 2, "unknown": 1}
    assert "unknown" not in set(rk.second_purchase_compared(shop, by="segment")["segment"])
    assert set(rk.lifetime_value_beyond(shop, by="segment", seen=60, horizons=[90]).value["segment"]) == {"SMB", "ENT"}
