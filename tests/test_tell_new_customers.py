"""The sentences of pages 01 and 02 where there are few new customers, a short log, or one of something."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

import retainkit as rk
from retainkit.tell import coming_back, common, cross_selling

DAYS = ["2026-01-01", "2026-01-01", "2026-01-05", "2026-01-05", "2026-01-09", "2026-02-01"]


def buyers(n, as_of, **given):
    """So many customers, a day apart, each of whom buys tea and, three days later, mugs."""
    first = pd.date_range("2026-01-01", periods=n)
    log = pd.concat([pd.DataFrame({"customer_id": [f"c{i}" for i in range(n)], "ordered_at": first + pd.Timedelta(days=3 * k), "product_line": line})
                     for k, line in enumerate(("tea", "mugs"))])
    return rk.open_shop({"orders": log.assign(order_id=range(2 * n), amount=5)}, as_of=as_of, **given)


def row(rate=0.5, low=0.4, high=0.6, n=100, **more):
    return {"rate": rate, "low": low, "high": high, "n": n, "at_risk": 50, **more}


@pytest.fixture
def shop():
    return buyers(8, "2026-03-31")


def test_days_are_counted_a_customer_and_the_old_ones_only_where_there_are_any(capsys):
    shop = buyers(8, "2026-03-31")
    common.followed(shop, rk.overview(shop).iloc[0])
    assert "8 customers made 16 purchases (orders of one day are one). 8 of them are **new**" in (said := capsys.readouterr().out)
    assert "left out" not in said
    shop = buyers(8, "2026-03-31", history_start="2026-01-02")
    common.followed(shop, rk.overview(shop).iloc[0])
    assert "The other was a customer before it" in capsys.readouterr().out


def test_a_page_of_new_customers_ends_in_words_where_there_are_none():
    shop = buyers(8, "2026-03-31", history_start="2026-02-01")
    with pytest.raises(rk.MissingDataError, match=r"names nobody who first bought .* on or after 1 February 2026"):
        common.followed(shop, rk.overview(shop).iloc[0])
    shop = rk.open_shop({"contracts": pd.DataFrame({"contract_id": [1], "customer_id": ["ann"], "started_at": ["2026-01-01"]})}, as_of="2026-03-31")
    with pytest.raises(rk.MissingDataError, match="orders: is not there"):
        common.followed(shop, rk.overview(shop).iloc[0])


def test_a_stated_first_day_does_not_say_who_was_a_customer_before_it(capsys):
    """A page of "new" customers of whom most were old read "customers known before are left out"; whoever is first seen after that day is in."""
    unsigned = buyers(8, "2026-03-31", history_start="2026-01-01")
    assert common.history(unsigned).startswith("No day of signing up (customers.signed_up_at) says who was a customer before the history begins")
    assert common.old_ones(unsigned).endswith('many of these "new" customers may be old ones.')
    assert "cannot be told: nobody said whether" in coming_back.faster(unsigned, row(rate=0.3, low=-0.3, high=0.3))
    coming_back.plain_count(unsigned, row(low=0.2, high=0.3, too_young=0, naive=0.5), row(horizon_days=30))
    assert "(no day of signing up (customers.signed_up_at) says" in capsys.readouterr().out
    people = pd.DataFrame({"customer_id": [f"c{i}" for i in range(8)], "signed_up_at": "2026-01-01"})
    log = unsigned.sql("select i.customer_id, o.order_id, o.ordered_on as ordered_at, o.amount from orders o join ids i on i.customer = o.customer")
    signed = rk.open_shop({"orders": log, "customers": people}, as_of="2026-03-31", history_start="2026-01-01")
    assert common.history(signed) == "The recorded history begins where the user said it does; customers known before are left out."
    assert common.old_ones(signed) == ""


def test_too_few_followed_for_longer_is_not_nobody(shop, capsys):
    share = cross_selling.gated(rk.cross_sell_share(shop, within_days=30, horizons=[30]))
    cross_selling.headline(shop, row(n=8, low=0.1, high=0.6), share, window=30)
    assert "takes a longer span, and enough customers followed for it" in (said := capsys.readouterr().out)
    assert "Nobody has been followed" not in said


def test_of_the_window_itself_something_can_be_said(shop, capsys):
    share = pd.DataFrame([{"horizon": 730, "n": 100, "too_young": 20}])
    cross_selling.cautions(shop, share, horizons=[730, 365], leaves=False)
    assert "cannot be said yet" not in capsys.readouterr().out
    cross_selling.cautions(shop, share, horizons=[365, 1000], leaves=False)
    assert "The share of 1000 days cannot be said yet." in capsys.readouterr().out
    cross_selling.cautions(shop, share.assign(too_young=0), horizons=[365], leaves=False)
    assert "2. Every new customer has been followed for 730 days or longer." in capsys.readouterr().out  # it read "0% of the new customers ... for less"


def test_of_few_customers_nobody_reads_who_left_or_waits():
    assert cross_selling.sold_by(row(left=0.1), window=90, leaves=True) == "50% cross-sold within 90 days, 10% gone before it came to that"
    assert cross_selling.sold_by(row(n=6, low=0.2, high=0.9, left=0.17), window=90, leaves=True) == "Between 20% and 90% cross-sold within 90 days"
    assert cross_selling.sold_by(row(n=40, rate=float("nan"), low=float("nan"), high=float("nan")), window=30, leaves=False) == "Not known yet"
    ends = {"left_low": 0.05, "left_high": 0.15, "waiting_low": 0.35, "waiting_high": 0.45}
    table = cross_selling.told(pd.DataFrame([row(left=0.1, waiting=0.4, **ends), row(n=6, left=0.1, waiting=0.4, **ends)]), leaves=True)
    assert table[["left first", "neither yet"]].values.tolist() == [["10% (5%–15%)", "40% (35%–45%)"], ["5%–15%", "35%–45%"]]
    assert "left first" not in cross_selling.told(pd.DataFrame([row(left=0.1, waiting=0.4, **ends)]), leaves=False)


def test_the_table_of_cross_sells_and_that_of_lines_are_read(capsys):
    cross_selling.by_the_end(pd.DataFrame([row(horizon_days=30, left=0.1), row(horizon_days=365, left=0.234)]), leaves=True)
    assert capsys.readouterr().out.strip() == "By day 365, 50% (95% interval 40%–60%, n = 100) had been cross-sold; 23% had left before it came to that."
    cross_selling.by_the_end(pd.DataFrame([row(horizon_days=365, left=0.234, n=12)]), leaves=True)
    assert capsys.readouterr().out.strip() == "By day 365, between 40% and 60% (n = 12) had been cross-sold."
    cross_selling.by_the_end(pd.DataFrame([row(n=4)])[:0], leaves=True)
    assert capsys.readouterr().out == ""
    cross_selling.leads({"rate": 0.5, "low": 0.45, "high": 0.55, "n": 400, "entry_line": "several", "next_line": "tea"})
    assert capsys.readouterr().out.strip() == "No other line has more of them than a first basket of several: of these, 50% (95% interval 45%–55%, n = 400) went to tea."


def test_averages_and_rates_of_few_are_no_one_number():
    made = pd.DataFrame({"horizon_days": [30, 90, 180], "value": [0.3, 0.67, 0.7], "low": [0.28, 0.3, 0.3], "high": [0.32, 1.2, 2.0], "n": 40, "observed": [40, 6, 4]})
    assert cross_selling.made_by(made) == "Cross-sells a customer has made: 0.30 by day 30, between 0.3 and 1.2 by day 90"
    assert cross_selling.made_by(made[2:]) == "Too few customers to say"
    rates = pd.DataFrame({"window": ["0-30", "31-90", "91-180"], "value": [9.0, 5.0, 0.0], "low": [8.0, 2.0, 0.0], "high": [10.0, 9.0, 5.0], "n": [400, 7, 0]})
    assert cross_selling.by_age(rates) == "Cross-sells per 100 customer-months: 9 in days 0-30, between 2 and 9 in days 31-90"
    assert cross_selling.by_age(rates[2:]) == "Too few cross-sells to say when they come"


@pytest.mark.parametrize(("window", "said"), [(90, "this company's share of 730 days: **lower than claimed**"), (30, "no share of the first 90 days that can be said here: **cannot tell**")])
def test_only_a_share_of_the_first_90_days_is_set_against_the_claim(capsys, window, said):
    shop = rk.open_shop("sample")
    cross_selling.three_quarters(shop, rk.cross_sell_share(shop, within_days=window, horizons=[730]))
    assert f"set against {said}." in capsys.readouterr().out


def test_page_01_gives_the_verdict_of_page_05(capsys):
    """One and the same data read "lower than claimed" on page 01 and "cannot tell" on page 05."""
    sample = rk.open_shop("sample")
    log = sample.sql("select i.customer_id, o.order_id, o.ordered_on as ordered_at, o.amount, o.product_line from orders o join ids i on i.customer = o.customer where o.status = 'paid'")
    for shop in (sample, rk.open_shop({"orders": log}, as_of="2026-10-31"), rk.open_shop({"orders": log}, as_of="2026-10-31", history_start="2023-11-01")):
        bench = rk.claim_bench(shop).set_index("claim")
        for span in (365, 730):
            cross_selling.three_quarters(shop, rk.cross_sell_share(shop, horizons=[span]))
            assert f"share of {span} days: **{bench.loc[f'cross_sell_90_of_{span}', 'verdict']}**" in (said := capsys.readouterr().out)
            assert ("**, for no" in said) == (shop is not sample)


def test_thirty_days_in_thirty_are_no_share_and_one_leaver_no_comparison(capsys):
    cross_selling.month_one(row(rate=1.0, n=6, observed=6), row(rate=1.0, n=6, observed=6), span=30, invoices=False)
    assert "%" not in capsys.readouterr().out
    cross_selling.month_one(row(observed=40), row(rate=float("nan"), observed=40), span=365, invoices=True)
    assert "The first 30 days bring 50% (95% interval 40%–60%, n = 100) of the first 365 days' revenue, the invoices of contracts included. \n" in capsys.readouterr().out
    rates = pd.DataFrame({"window": ["0-90", "91-365"], "events": [12, 1], "ratio_low": 1.1, "ratio_high": 9.0, "ratio": 3.0})
    cross_selling.leaving(rates, window=90)
    assert "Too few have left" in capsys.readouterr().out


def test_the_first_month_of_a_segment_is_told_of_thirty_followed_for_the_span(capsys):
    """A page read "from ENT, 22% (n = 20)": three of these twenty had been followed for the year."""
    kinds = [row(rate=rate, n=n, observed=observed, segment=name) for name, rate, n, observed in (("ENT", 0.2, 20, 29), ("MID", 0.3, 70, 30), ("B2C", 0.4, 900, 700))]
    told = cross_selling.followed_through([pd.DataFrame([kind]) for kind in kinds])
    cross_selling.month_one_by_segment(told, 990)
    assert "By segment it goes from MID, " in (said := capsys.readouterr().out)
    assert "ENT" not in said
    cross_selling.month_one_by_segment(told[:1], 990)
    assert capsys.readouterr().out == ""
    cross_selling.month_one(row(observed=9), row(observed=9), span=365, invoices=False)
    assert "The first 30 days bring between 40% and 60% (n = 100) of" in capsys.readouterr().out  # with nine to the end there is no one number


def test_where_nothing_is_known_yet_nobody_is_said_to_buy_again(capsys):
    shop = rk.open_shop({"orders": pd.DataFrame({"order_id": range(6), "customer_id": list("abcabc"), "ordered_at": DAYS, "amount": 5})}, as_of=date(2026, 2, 3))
    unknown = row(n=40, rate=float("nan"), low=float("nan"), high=float("nan"), horizon_days=30, too_young=40)
    third = row(n=2, latest=30, late=0, horizon_days=30)
    coming_back.headline(shop, unknown, unknown, third)
    assert "**How many of the customers new since January 2026 buy again within 30 days: not known yet (n = 40)**. " in capsys.readouterr().out
    coming_back.cautions(shop, unknown, third, asked=365)
    assert "are what this data can say" not in capsys.readouterr().out
    assert coming_back.back_by(unknown, unknown) == "Not known yet"


def test_the_early_part_of_the_second_purchases_is_said_once_with_its_span(capsys):
    shop = rk.open_shop("sample")
    again, early = rk.second_purchase(shop, horizons=[30, 365])["rate"], rk.early_second_purchase(shop)
    assert early["rate"].item() == pytest.approx(again[0] / again[1], abs=0.002)  # two ways to count whoever is still young
    coming_back.early(early)
    assert capsys.readouterr().out.startswith("Of those who buy again within 365 days, 39% (95% interval 37%–41%, n = 1,838) do so within 30. ")
    coming_back.early(early[:0])
    assert capsys.readouterr().out == ""


def test_a_share_too_many_at_one_horizon_is_not_made_good_by_one_too_few_at_another():
    """The checks of pages 01 and 02 added up all horizons: 1.1 and 0.9 passed for two."""
    ends = pd.DataFrame({"rate": [0.6, 0.4], "left": [0.2, 0.2], "waiting": 0.3})
    assert (ends["rate"] + ends["left"] + ends["waiting"]).sum() == pytest.approx(2)
    assert common.off_by(ends) == pytest.approx(0.1)
    assert common.off_by(ends[:0]) == 0


def test_who_left_is_said_where_the_others_are_a_number(shop, capsys):
    ends = pd.DataFrame([row(horizon_days=365, left=0.123, waiting=0.377)])
    coming_back.leaving(shop, ends, segment="")
    assert "12% leave first (no contract any more), and 38% have done neither." in capsys.readouterr().out
    coming_back.leaving(shop, ends.assign(at_risk=4), segment="")
    assert "within 365 days between 40% and 60% (n = 100) buy again before they leave." in capsys.readouterr().out


def test_one_step_is_not_compared_with_itself_and_one_share_of_few_stands_nowhere(shop, capsys):
    assert coming_back.first_and_last(pd.DataFrame([row()])) == "After the first it is 50%."
    coming_back.plain_count(shop, row(n=6, too_young=1, naive=0.67), row(n=7, low=0.3, high=0.9, horizon_days=30))
    assert "naive" not in capsys.readouterr().out


def test_the_early_share_asks_for_thirty_followed_past_its_span():
    """Each of the three gates by itself: thirty cross-sells, ten of them late, thirty customers observed past the span."""
    enough = {"total_late": 30, "total_early": 20, "observed": 30, "rate": 0.5, "low": 0.4, "high": 0.6}
    for short, why in (({}, ""), ({"observed": 29}, "needs 30 customers observed past the horizon, has 29"), ({"total_late": 29, "total_early": 15}, "needs 30 cross-sells up to the horizon, has 29"),
                       ({"total_early": 21}, "needs 10 cross-sells after the early window, has 9")):
        got = cross_selling.gated(pd.DataFrame([enough | short])).iloc[0]
        assert got["why"] == why
        assert got[["rate", "low", "high"]].isna().all() == bool(why)


@pytest.mark.parametrize(("counted", "said"), [(0.53, "inside the interval, so it does not matter here"), (0.63, "more than the interval's half-width apart, so say which one you mean")])
def test_refunds_that_move_a_share_by_more_than_its_half_width_are_said_to_matter(capsys, counted, said):
    without = pd.DataFrame([row(horizon_days=30), row(horizon_days=365)])
    coming_back.refunds(without, without.assign(rate=[0.5, counted]))
    assert f"(without them 50.0%): {said}." in capsys.readouterr().out
