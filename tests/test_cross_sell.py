"""The first 90 days: the rules of `retainkit.metrics.cross_sell` and `first_days`."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import retainkit as rk
from retainkit.estimate.compare import against_the_rest, window_rates
from retainkit.estimate.intervals import newcombe, poisson_interval


def shop_of(rows: list[tuple[str, str, str]], *, as_of: str, contracts: pd.DataFrame | None = None, **facts: str) -> rk.Shop:
    """A shop of (customer, day, product line) order lines."""
    frame = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "product_line"]).assign(amount=10)
    tables = {"orders": frame.assign(order_id=range(len(frame)))}
    return rk.open_shop(tables | ({"contracts": contracts} if contracts is not None else {}), as_of=as_of, **facts)


def test_only_a_later_day_with_a_line_never_bought_before_is_a_cross_sell():
    rows = [
        ("ann", "2026-01-01", "tea"), ("ann", "2026-01-01", "cups"),  # a bundle
        ("ann", "2026-01-10", "tea"),  # a repeat
        ("ann", "2026-01-20", "pots"),  # a cross-sell
        ("ann", "2026-01-25", "pots"),  # a repeat again
        ("bob", "2026-01-01", "tea"),
    ]  # fmt: skip
    shop = shop_of(rows, as_of="2026-06-30")
    assert rk.cross_sell_any(shop, horizons=[18, 19]).rate.tolist() == pytest.approx([0, 0.5])
    assert rk.cross_sell_curve(shop).set_index("age").value[[0, 18, 19, 180]].tolist() == [0, 0, 0.5, 0.5]
    assert rk.cross_sells_made(shop, horizons=[18, 19]).value.tolist() == [0, 0.5]


def test_somebody_who_left_first_is_not_cross_sold():
    contracts = pd.DataFrame({"contract_id": ["k"], "customer_id": ["bob"], "started_at": ["2026-01-01"], "ended_at": ["2026-02-01"]})
    rows = [("ann", "2026-01-01", "tea"), ("bob", "2026-01-01", "tea"), ("bob", "2026-03-01", "pots")]
    got = rk.cross_sell_any(shop_of(rows, as_of="2026-06-30", contracts=contracts), horizons=[90]).iloc[0]
    assert (got.rate, got.left, got.waiting) == (0, 0.5, 0.5)


def test_a_cross_sell_on_the_day_of_leaving_comes_first():
    contracts = pd.DataFrame({"contract_id": ["k"], "customer_id": ["bob"], "started_at": ["2026-01-01"], "ended_at": ["2026-02-01"]})
    rows = [("ann", "2026-01-01", "tea"), ("bob", "2026-01-01", "tea"), ("bob", "2026-02-01", "pots")]
    got = rk.cross_sell_any(shop_of(rows, as_of="2026-06-30", contracts=contracts), horizons=[90]).iloc[0]
    assert (got.rate, got.left) == (0.5, 0)


def test_who_has_left_does_not_buy_again_whatever_comes_later():
    """By hand: bob buys again on day 59, but his contract ended on day 31; the plain curve counts him, this one does not."""
    contracts = pd.DataFrame({"contract_id": ["k"], "customer_id": ["bob"], "started_at": ["2026-01-01"], "ended_at": ["2026-02-01"]})
    rows = [("ann", "2026-01-01", "tea"), ("ann", "2026-01-05", "tea"), ("bob", "2026-01-01", "tea"), ("bob", "2026-03-01", "tea")]
    shop = shop_of(rows, as_of="2026-06-30", contracts=contracts)
    got = rk.second_purchase_before_leaving(shop, horizons=[90]).iloc[0]
    assert (got.rate, got.left, got.waiting) == (0.5, 0.5, 0)
    assert rk.second_purchase(shop, horizons=[90]).rate[0] == 1


def test_where_nobody_leaves_before_buying_again_leaving_changes_nothing():
    """Second route: the sample's consumers have no contracts, so Aalen-Johansen is Kaplan-Meier."""
    shop = rk.open_shop("sample")
    plain, competing = (ask(shop, by="segment").query("segment == 'B2C'").reset_index() for ask in (rk.second_purchase, rk.second_purchase_before_leaving))
    assert competing.left.tolist() == [0] * 5
    assert competing.rate.tolist() == pytest.approx(plain.rate.tolist(), abs=1e-12)


def test_without_contracts_nobody_is_said_to_leave():
    with pytest.raises(rk.MissingDataError, match="nobody is seen to leave"):
        rk.second_purchase_before_leaving(shop_of([("ann", "2026-01-01", "tea")], as_of="2026-06-30"))


def test_a_cross_sell_the_three_ends_add_up_to_one_on_the_sample():
    got = rk.cross_sell_any(rk.open_shop("sample"), by="segment")
    assert (got.rate + got.left + got.waiting).tolist() == pytest.approx([1] * len(got))
    for end in ("left", "waiting"):
        assert ((got[f"{end}_low"] <= got[end]) & (got[end] < got[f"{end}_high"])).all()


def test_rates_by_age_are_what_a_plain_count_of_customers_says_and_never_surer_than_poisson():
    """Second route: pandas, customer by customer, on the sample."""
    shop = rk.open_shop("sample")
    days = shop.sql("select customer, ordinal, cross_ordinal, age, left_age, first_on from days where is_new and (ordinal = 1 or cross_ordinal > 0)")
    gone = days["left_age"].fillna((pd.Timestamp(shop.as_of) - pd.to_datetime(days["first_on"])).dt.days)
    got = rk.cross_sell_rates(shop, bands=[(30, 90)]).iloc[0]
    inside = (days["cross_ordinal"] > 0) & days["age"].between(31, 90) & (days["age"] <= days["left_age"].fillna(99_999))
    each = pd.DataFrame({"customer": days["customer"], "events": inside, "days": (gone.clip(upper=90) - 30).clip(lower=0)})
    each = each.groupby("customer").agg({"events": "sum", "days": "max"}).query("days > 0")
    assert (got.events, got.days) == (each["events"].sum(), each["days"].sum())
    spread = ((each["events"] - each["days"] * got.events / got.days) ** 2).sum() / got.events
    low, high = poisson_interval(got.events)
    assert spread > 1.05  # one who takes a second line is likelier to take a third
    assert np.log(got.high / got.value) == pytest.approx(np.log(high / got.events) * spread**0.5)
    assert np.log(got.value / got.low) == pytest.approx(np.log(got.events / low) * spread**0.5)


def steady_shop(months: int) -> rk.Shop:
    """A new customer every day; each opens a new line on day 30, 60, 300 and 600: half of the cross-sells by day 90."""
    start, rows = pd.Timestamp("2024-01-01"), []
    end = start + pd.DateOffset(months=months) - pd.Timedelta(days=1)
    for i in range((end - start).days + 1):
        for line, day in enumerate((0, 30, 60, 300, 600)):
            when = start + pd.Timedelta(days=i + day)
            if when <= end:
                rows.append((f"c{i:04d}", str(when.date()), f"line {line}"))
    return shop_of(rows, as_of=str(end.date()), history_start="2024-01-01")


def test_a_short_log_makes_the_naive_share_and_not_ours():
    long, short = steady_shop(36), rk.short_log_shares(steady_shop(36), within_days=90, months=(6, 12, 36))
    assert rk.cross_sell_share(long, within_days=90, horizons=[730]).rate[0] == pytest.approx(0.5, abs=0.001)
    assert short.rate.iloc[0] == 1.0  # on six months every cross-sell seen is an early one
    assert short.rate.is_monotonic_decreasing
    assert short.rate.iloc[-1] > 0.52
    same = rk.short_log_shares(steady_shop(36), within_days=90, horizon=365, months=(36,)).rate[0]  # of the cross-sells of a year alone: 2 in 3 are early
    assert 2 / 3 < same < 0.75


def test_a_span_nobody_was_followed_for_has_no_share():
    got = rk.cross_sell_share(steady_shop(12), within_days=90, horizons=[730]).iloc[0]
    assert np.isnan(got.rate)
    assert got.observed == 0


def test_with_everybody_followed_the_share_is_a_plain_ratio_of_counts():
    shop = rk.open_shop("sample")
    cut = rk.cross_sell_share(shop, within_days=30, horizons=[60]).iloc[0]
    days = shop.sql("select age, count(*) as n from days where is_new and cross_ordinal > 0 group by age")
    followed = shop.sql("select customer from days where is_new and ordinal = 1 and date_diff('day', first_on, date '2026-10-31') >= 60")
    plain = shop.sql("select sum(case when age <= 30 then 1 else 0 end) * 1.0 / count(*) as r from days where is_new and cross_ordinal > 0 and age <= 60 "
                     "and date_diff('day', first_on, date '2026-10-31') >= 60").r[0]  # fmt: skip
    assert len(days) > 0
    assert len(followed) > 0
    assert cut.rate == pytest.approx(plain, abs=0.01)  # the two use the same customers but for those too young
    assert cut.low < plain < cut.high


def test_rates_divide_by_the_days_customers_were_there():
    rows = [("ann", "2026-01-01", "tea"), ("ann", "2026-01-11", "pots"), ("bob", "2026-01-01", "tea")]
    got = rk.cross_sell_rates(shop_of(rows, as_of="2026-01-31"), bands=[(0, 10), (10, 30)])
    assert got.events.tolist() == [1, 0]
    assert got.days.tolist() == [20, 40]
    assert got.value[0] == pytest.approx(100 * 30.44 / 20)


def test_without_product_lines_it_says_what_to_add():
    orders = pd.DataFrame({"order_id": [1], "customer_id": ["a"], "ordered_at": ["2026-01-01"], "amount": [1]})
    with pytest.raises(rk.MissingDataError, match=r"orders: has no `product_line`.*To fix it: product_line ="):
        rk.cross_sell_any(rk.open_shop({"orders": orders}))


def test_a_group_s_second_purchase_has_the_limits_it_has_alone():
    """Kaplan-Meier's, whichever function is asked; with nothing to compete, p and interval of the difference agree."""
    shop = rk.open_shop("sample")
    plain = rk.second_purchase(shop, by="segment", horizons=[90]).set_index("segment")
    compared = rk.second_purchase_compared(shop, by="segment", within_days=90).set_index("segment")
    for name in compared.index:
        assert compared.loc[name, ["rate", "low", "high"]].tolist() == pytest.approx(plain.loc[name, ["rate", "low", "high"]].tolist(), abs=1e-12)
    told = compared.dropna(subset=["p"])
    assert ((told["p"] < 0.05) == ((told["difference_low"] > 0) | (told["difference_high"] < 0))).all()


def test_who_had_gone_before_they_could_be_seen_is_no_loss_of_a_window():
    """40 are seen from day 60 on, and 5 of them leave; 30 had gone by day 60, and nobody can say of how many."""
    cells = pd.DataFrame({"entry": [60, 60, 60, 60], "duration": [50, 60, 80, 200], "event": [1, 1, 1, 0], "n": [20, 10, 5, 35]})
    table = window_rates(cells, windows=[(0, 90), (90, 200)])
    assert table["events"].tolist() == [5, 0]
    assert table["days"].tolist() == [5 * 20 + 35 * 30, 35 * 110]


def test_without_contracts_leaving_rates_say_what_to_add():
    with pytest.raises(rk.MissingDataError, match="contracts: is not there"):
        rk.leaving_rates(steady_shop(6))


def test_paths_are_shares_of_the_first_cross_sells():
    rows = [("a", "2026-01-01", "tea"), ("a", "2026-01-05", "pots"), ("b", "2026-01-01", "tea"), ("b", "2026-01-05", "cups"), ("b", "2026-01-05", "pots")]
    got = rk.cross_sell_paths(shop_of(rows, as_of="2026-02-01")).set_index("next_line")
    assert got.rate.to_dict() == {"cups": 0.5, "pots": 1.0}
    assert got.n.tolist() == [2, 2]


def test_month_one_with_and_without_the_first_order():
    orders = pd.DataFrame({
        "order_id": range(4), "customer_id": ["a"] * 4, "amount": [100, 20, 30, 50], "product_line": "tea",
        "ordered_at": ["2024-01-01", "2024-01-20", "2024-05-01", "2024-12-01"]})  # fmt: skip
    shop = rk.open_shop({"orders": orders}, as_of="2025-06-30")
    assert rk.month_one_revenue(shop).rate[0] == pytest.approx(0.6)
    assert rk.month_one_revenue(shop, first_order=False).rate[0] == pytest.approx(0.2)


def test_what_goes_back_of_the_first_day_is_no_loss_of_what_came_after_it():
    orders = pd.DataFrame({
        "order_id": [1, 1, 2, 3, 4, 5], "customer_id": "a", "amount": [100, 60, 20, 30, 50, 10], "product_line": "tea",
        "ordered_at": ["2024-01-01", "2024-01-01", "2024-01-20", "2024-05-01", "2024-12-01", "2024-01-25"],
        "status": ["paid", "refunded", "paid", "paid", "paid", "refunded"], "refunded_at": ["", "2024-01-20", "", "", "", "2024-01-27"]})  # fmt: skip
    shop = rk.open_shop({"orders": orders}, as_of="2025-06-30")
    assert rk.month_one_revenue(shop).rate[0] == pytest.approx(0.6)
    assert rk.month_one_revenue(shop, first_order=False).rate[0] == pytest.approx(0.2)


def test_groups_are_compared_with_everybody_else_and_pay_for_being_several():
    got = rk.cross_sell_compared(rk.open_shop("sample"), by="segment")
    assert (got.q >= got.p - 1e-12).all()
    assert ((got.difference_low > 0) == ((got.p < 0.05) & (got.difference > 0))).all()  # p and interval say the same
    biggest = got.loc[got.n.idxmax()]
    assert (biggest.difference > 0) == (biggest.rate > np.average(got.rate.drop(biggest.name), weights=got.n.drop(biggest.name)))


def test_a_group_of_a_few_that_saw_nothing_is_not_told_apart_from_the_rest():
    cells = pd.DataFrame({"grp": ["ENT", "MID", "MID", "SMB", "SMB"], "duration": [90, 5, 90, 5, 90], "cause": ["", "x", "", "x", ""], "n": [6, 1, 22, 80, 320]})
    got = against_the_rest(cells, cause="x", horizon=30).set_index("grp")
    assert got.loc["ENT", ["p", "q"]].isna().all()  # a normal interval of no width said p = 1e-20 of 0 in 6
    low, high = got.loc["ENT", ["difference_low", "difference_high"]]
    assert (low < -.2, high > .15) == (True, True)  # 0 of 6 may be 40 %
    assert got.loc["MID", "p"] == pytest.approx(.11, abs=.01)  # one of 23, by the limits that are printed; Fisher's is .06
    counted = newcombe(80, 400, 1, 29)
    assert got.loc["SMB", ["difference_low", "difference_high"]].tolist() == pytest.approx(counted[1:], abs=.05)
    said = rk.against(got.reset_index()).set_index("grp")
    assert said.loc["ENT", "q"] == "too few"
    assert said.loc["ENT", "difference (95% interval)"].startswith("−")
