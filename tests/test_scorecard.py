"""The metrics of the scorecard: by hand, by law, at the edge, and by a second route on the sample."""

from __future__ import annotations

import re
from datetime import date

import numpy as np
import pandas as pd
import pytest

import retainkit as rk
from retainkit.errors import BadValueError
from retainkit.estimate.control import value_limits
from retainkit.estimate.smalln import judge
from retainkit.metrics.acquisition import cycle_months
from retainkit.metrics.scorecard import COLUMNS, earlier, lines
from retainkit.resources import sample_folder
from retainkit.tally import asked_once
from retainkit.tell import scorecard as tell_scorecard

DAY = pd.Timestamp("2026-10-31")


@pytest.fixture(scope="module")
def sample():
    return rk.open_shop("sample")


@pytest.fixture(scope="module")
def card(sample):
    return rk.scorecard(sample).drop_duplicates("metric").set_index("metric")


@pytest.fixture(scope="module")
def days(sample):
    return sample.sql("select * from days").astype({"on_day": "datetime64[ns]", "first_on": "datetime64[ns]", "amount": float})


def buys(*rows, **facts):
    orders = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "amount"])
    return rk.open_shop({"orders": orders.assign(order_id=range(len(orders)))}, **facts)


# ---- by hand ----------------------------------------------------------------------------------------------------------


def test_repeat_rate_looks_inside_the_month_and_returning_share_before_it():
    shop = buys(("ann", "2026-01-10", 5), ("ann", "2026-02-03", 5), ("ann", "2026-02-09", 5), ("bob", "2026-02-01", 5),
                ("bob", "2026-02-01", 5),  # the same day: one purchase
                ("cy", "2026-01-31", 5), ("cy", "2026-02-28", 5), as_of="2026-02-28", history_start="2026-01-01")
    table = rk.repeat_buying(shop).set_index(["measure", "month"])
    assert table.loc[("repeat_rate", "2026-02"), ["hits", "n"]].tolist() == [1, 3]  # ann
    assert table.loc[("returning_share", "2026-02"), ["hits", "n"]].tolist() == [2, 3]  # ann and cy


def test_nobody_can_have_been_seen_before_the_history_began():
    """Nought of those who bought in a log's first year were customers before it, as far as the log goes: that is not known, and no 0%."""
    rows = [("ann", "2024-01-10", 5), ("ann", "2025-12-03", 5), ("bob", "2025-12-09", 5), ("cy", "2024-03-09", 5), ("di", "2025-03-01", 5)]
    year = rk.repeat_buying(buys(*rows, as_of="2025-12-31", history_start="2024-01-01"), months=12).query("measure == 'returning_share'").set_index("month")
    assert np.isnan(year.loc["2024-12", "rate"])
    assert np.isnan(year.loc["2025-11", "rate"])  # a year before it is not all on record
    assert year.loc["2025-12", ["hits", "n"]].tolist() == [1, 3]
    people = pd.DataFrame({"customer_id": ["ann"], "signed_up_at": "2020-01-01"})
    orders = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "amount"]).assign(order_id=range(5))
    old = rk.open_shop({"orders": orders, "customers": people}, as_of="2025-12-31", history_start="2024-01-01")
    assert rk.repeat_buying(old, months=12).query("measure == 'returning_share'")["rate"].iloc[0] == 0.5  # ann, known from before


def test_the_first_months_of_a_log_in_which_most_buyers_are_new_are_no_baseline():
    """Who came in a quarter had no time to come twice in it: those months made the usual range twice as wide."""
    came = [(f"c{c}", pd.Timestamp("2025-01-01") + pd.Timedelta(days=int(c % 90))) for c in range(180)]
    back = [(f"c{c}", pd.Timestamp(f"{month}-0{day}")) for month in pd.period_range("2025-04", "2026-09", freq="M") for c in range(60) for day in ((1, 5) if c % 3 else (1,))]
    log = pd.DataFrame([*came, *back], columns=["customer_id", "ordered_at"]).astype({"ordered_at": str})
    shop = rk.open_shop({"orders": log.assign(order_id=range(len(log)), amount=5)}, as_of="2026-09-30")
    rate = rk.repeat_buying(shop).query("measure == 'repeat_rate'")
    assert rate.loc[rate["opening"], "month"].tolist() == ["2025-01", "2025-02", "2025-03"]
    [line] = [line for line in lines(shop) if line.metric == "purchases.repeat_rate"]
    assert line.months(shop)["month"].min() == "2025-04"
    growing = buys(*[(f"c{i}", f"2026-{i % 6 + 1:02d}-05", 5) for i in range(60)], as_of="2026-06-30")  # new customers only: no month to begin with
    assert not rk.repeat_buying(growing)["opening"].any()


def test_a_month_that_still_runs_has_no_rate():
    shop = buys(("ann", "2026-01-10", 5), ("ann", "2026-02-03", 5), as_of="2026-02-27", history_start="2026-01-01")
    assert set(rk.repeat_buying(shop)["month"]) == {"2026-01"}


def test_who_left_and_came_back_has_not_stayed():
    book = pd.DataFrame({"contract_id": [1, 2, 3], "customer_id": ["ann", "ann", "bob"], "started_at": ["2024-12-01", "2025-06-10", "2024-12-01"],
                         "ended_at": ["2025-06-01", None, None]})
    for as_of, stayed in (("2025-12-31", 1), ("2026-05-31", 1), ("2026-06-30", 2)):  # a year before the last ann was here again
        kept = rk.customer_retention(rk.open_shop({"contracts": book}, as_of=as_of)).iloc[-1]
        assert (kept["month"], kept["stayed"], kept["n"]) == (as_of[:7], stayed, 2)


def test_lifetime_value_counts_the_left_and_takes_refunds_off():
    orders = pd.DataFrame({"order_id": range(4), "customer_id": ["ann", "ann", "bob", "cy"], "amount": [100, 50, 30, 20], "ordered_at": [
        "2026-01-01", "2026-01-12", "2026-01-01", "2026-01-21"], "status": ["paid", "refunded", "paid", "paid"], "refunded_at": [None, "2026-01-15", None, None]})
    shop = rk.open_shop({"orders": orders}, as_of="2026-01-31")
    table = rk.lifetime_value(shop, horizons=[12, 20], margin=0.5).set_index("horizon_days")
    assert table.loc[20, "value"] == pytest.approx(0.5 * (150 / 3 + 0))  # day 0: 150 over three; the 50 came and went
    assert table.loc[12, ["observed", "too_young"]].tolist() == [2, 1]
    assert table.loc[12, "value"] == pytest.approx(0.5 * (150 / 3 + 50 / 2))  # on day 11 only ann and bob are observed


def shop_with_spend(**facts):
    orders = pd.DataFrame({"order_id": range(4), "customer_id": ["a", "b", "c", "d"], "amount": 40, "ordered_at": ["2026-02-03", "2026-02-05", "2026-03-01", "2026-03-31"]})
    people = pd.DataFrame({"customer_id": ["a", "b", "c", "d"], "source": ["paid", "paid", "inbound", "paid"]})
    spend = pd.DataFrame({"month": ["2026-01-01", "2026-01-01", "2026-02-01", "2026-02-01", "2026-03-01"], "amount": [60, 500, 30, 20, 900],
                          "category": ["paid", "retention", "paid", "inbound", "paid"]})
    return rk.open_shop({"orders": orders, "customers": people, "spend": spend}, as_of="2026-03-31", history_start="2026-01-01", **facts)


def test_cost_takes_the_money_of_the_month_before_and_leaves_out_retention():
    cost = rk.acquisition_cost(shop_with_spend(), by="source", lag_months=1).set_index("source")
    assert cost.loc["paid", ["spend", "n", "value"]].tolist() == [90, 3, 30]
    assert cost.loc["inbound", ["spend", "n", "value"]].tolist() == [20, 1, 20]
    whole = rk.acquisition_cost(shop_with_spend(), lag_months=1).iloc[0]
    assert (whole["spend"], whole["n"], whole["value"], whole["first_month"]) == (110, 4, 27.5, "2026-02")


def test_without_deals_there_is_no_lag():
    assert cycle_months(shop_with_spend()) == 0
    assert rk.acquisition_cost(shop_with_spend()).iloc[0]["spend"] == 60 + 30 + 20 + 900


def test_of_some_customers_nobody_knows_what_winning_them_cost():
    """All the company's spending over one segment's customers would call every customer too dear."""
    shop = rk.open_shop("sample")
    part = shop.only(segment="SMB")
    assert (shop.part, part.part, part.at("2026-06-30").part) == ("", "segment=SMB", "segment=SMB")
    for table in (rk.acquisition_cost(part), rk.acquisition_cost(part, by="source"), rk.payback(part), rk.value_to_cost(part), rk.keeping_cost(part).drop(columns="n")):
        assert table["value"].isna().all()
    assert set(rk.acquisition_cost(part)["note"]) | set(rk.payback(part)["note"]) == {"spending is known of the whole company only"}
    assert rk.keeping_cost(part)["times"].isna().all()
    left_out = rk.missing_lines(part).set_index("about")["needs"]
    assert left_out["CAC, LTV to CAC, payback"] == "everybody: spending is known of the whole company only"
    assert not set(rk.scorecard(part)["metric"]) & {"cac.cost", "clv.to_cost", "clv.payback", "nps.response"}
    aim = {"metric": "cac.cost", "target": 300, "by": "2027-06-30"}
    assert rk.goals(part, [aim])["note"].item() == rk.goals(shop, [aim | {"group": "segment=SMB"}])["note"].item() == "it is a number of the whole company"


def test_a_number_says_how_many_have_not_had_the_whole_time_on_every_page():
    shop = rk.open_shop("sample")
    card = rk.card_numbers(rk.scorecard(shop))
    assert card["clv.revenue"]["too_young"].item() == rk.lifetime_value(shop, horizons=[365])["too_young"].item()
    assert card["second_purchase.share"]["too_young"].tolist() == rk.second_purchase(shop, horizons=[30, 365])["too_young"].tolist()


def test_where_nobody_came_payback_is_not_known_rather_than_late():
    people = [f"c{i}" for i in range(30)]
    orders = pd.DataFrame({"order_id": people, "customer_id": people, "amount": 5, "ordered_at": "2024-01-05"})
    spend = pd.DataFrame({"month": pd.period_range("2024-01", "2026-01", freq="M").astype(str) + "-01", "category": "paid", "amount": 60})
    card = rk.scorecard(rk.open_shop({"orders": orders, "spend": spend}, as_of="2026-01-31", history_start="2024-01-01")).set_index("metric")
    assert np.isnan(card.loc["clv.payback", "value"])
    assert card.loc["clv.payback", "note"] == card.loc["cac.cost", "note"] == "not known yet"


def test_invitations_to_everybody_are_no_base_for_the_answers_of_some():
    part = rk.open_shop("sample").only(segment="SMB")
    scores = rk.promoter_scores(part)
    assert scores["value"].notna().all()
    assert scores[["invited", "response", "response_low", "response_high"]].isna().all(axis=None)
    aim = {"metric": "nps.response", "target": 0.4, "by": "2027-06-30", "group": "segment=SMB"}
    assert rk.goals(rk.open_shop("sample"), [aim])["note"].item() == "it is a number of the whole company"


def test_payback_is_not_within_the_horizon_when_it_is_not():
    back = rk.payback(shop_with_spend(), horizon=30).iloc[0]  # 40 a customer against 252.5
    assert np.isnan(back["value"])
    assert back["note"] == "not within 30 days"
    back = rk.payback(shop_with_spend(), horizon=30, lag_months=1).iloc[0]  # 40 on the first day against 27.5
    assert back["value"] == 0


def test_the_last_answer_of_a_customer_in_a_wave_counts_alone():
    answers = pd.DataFrame({"customer_id": ["ann", "ann", None, None], "answered_at": ["2026-03-01", "2026-03-05", "2026-03-01", "2026-03-01"],
                            "score": [10, 2, 9, 9], "kind": "customer", "wave": "w"})
    row = rk.promoter_scores(rk.open_shop({"responses": answers}, as_of="2026-03-31")).iloc[0]
    assert (row["promoters"], row["detractors"], row["n"]) == (2, 1, 3)  # ann's second thought; nobody knows who the others are


def test_answers_without_a_wave_belong_to_their_quarter():
    answers = pd.DataFrame({"customer_id": ["ann", "bob"], "answered_at": ["2026-03-31", "2026-04-01"], "score": [10, 2], "kind": "customer"})
    assert rk.promoter_scores(rk.open_shop({"responses": answers}, as_of="2026-04-30"))["wave"].tolist() == ["2026-Q1", "2026-Q2"]


def test_a_small_team_s_score_is_hidden():
    answers = pd.DataFrame({"answered_at": "2026-03-01", "score": [10] * 7, "kind": "employee", "invited": 9})
    row = rk.promoter_scores(rk.open_shop({"responses": answers}, as_of="2026-03-31"), kind="employee").iloc[0]
    assert np.isnan(row["value"])
    assert row["note"] == "needs 8 answers, has 7"


def test_a_score_of_seven_employees_is_too_few_and_not_still_to_come():
    answers = pd.DataFrame({"customer_id": None, "answered_at": "2026-03-01", "score": [9, 8, 7, 6, 10, 9, 3], "kind": "employee", "wave": "spring", "invited": 9})
    shop = rk.open_shop({"responses": answers}, as_of="2026-03-31")
    card = rk.scorecard(shop)
    assert rk.card_table(card[card["metric"] == "enps.score"])["now"].item() == "too few"
    assert rk.shown(rk.promoter_scores(shop, kind="employee")[["wave", "value", "low", "high", "n"]], kind="score").iloc[0, 1] == "too few"


def test_quiet_is_looked_for_at_equal_age_among_those_still_there():
    book = pd.DataFrame({"contract_id": range(4), "customer_id": ["ann", "bob", "cy", "di"], "started_at": ["2026-01-01"] * 3 + ["2026-02-15"],
                         "ended_at": [None, None, "2026-03-20", None]})
    use = pd.DataFrame({"customer_id": ["ann", "ann", "bob", "cy", "di"], "active_on": ["2026-01-30", "2026-03-02", "2026-01-01", "2026-01-02", "2026-02-16"]})
    shop = rk.open_shop({"contracts": book, "activity": use}, as_of="2026-04-30", history_start="2026-01-01")
    row = rk.went_quiet(shop).iloc[0]  # ann used it on day 60, the first of the last thirty; cy has left; di is too young
    assert (row["rate"], row["n"]) == (0.5, 2)


def test_who_joined_or_left_in_the_week_is_in_no_week():
    book = pd.DataFrame({"contract_id": range(3), "customer_id": ["ann", "bob", "cy"], "started_at": ["2026-01-01", "2026-01-01", "2026-01-26"], "ended_at": [None, "2026-01-31", None]})
    use = pd.DataFrame({"customer_id": ["ann", "bob", "cy"], "active_on": ["2026-01-25", "2026-01-26", "2026-01-27"]})
    row = rk.weekly_active(rk.open_shop({"contracts": book, "activity": use}, as_of="2026-01-31", history_start="2026-01-01")).iloc[0]
    assert (row["n"], row["hits"]) == (1, 1)  # ann, used on the first of the seven days


def test_without_contracts_who_first_used_it_in_the_week_is_not_in_it_not_even_on_its_first_day():
    use = pd.DataFrame({"customer_id": ["ann", "bob", "cy"], "active_on": ["2026-01-01", "2026-01-24", "2026-01-25"]})
    row = rk.weekly_active(rk.open_shop({"activity": use}, as_of="2026-01-31", history_start="2026-01-01")).iloc[0]
    assert (row["n"], row["hits"]) == (2, 0)  # cy came on the first of the seven days, and would be active in them by definition


def test_months_of_money_are_judged_by_their_own_spread():
    even, odd = [100.0] * 6 + [110.0] * 6, [100.0] * 6 + [300.0] * 6
    assert value_limits(even)["high"] < value_limits(odd)["high"]
    short = value_limits([100.0] * 11)
    assert (np.isnan(short["high"]), short["note"]) == (True, "needs 12 baseline months, has 11")


# ---- laws -------------------------------------------------------------------------------------------------------------


def test_a_month_s_retention_is_one_less_its_churn(sample):
    kept, lost = rk.customer_retention(sample, months=1), rk.monthly_churn(sample)
    assert kept["month"].tolist() == lost["month"].tolist()
    np.testing.assert_allclose(kept["rate"], 1 - lost["rate"])


def test_the_overall_cost_lies_between_those_of_the_sources(sample):
    by, whole = rk.acquisition_cost(sample, by="source"), rk.acquisition_cost(sample).iloc[0]
    assert by["value"].min() < whole["value"] < by["value"].max()
    assert by["n"].sum() == whole["n"]


def test_a_higher_margin_never_pays_back_later(sample):
    some, all_of_it = rk.payback(sample, margin=0.3).iloc[0], rk.payback(sample).iloc[0]
    assert some["value"] >= all_of_it["value"]
    assert some["low"] <= some["value"] <= (some["high"] if some["high"] == some["high"] else np.inf)


def test_a_number_is_worked_out_once_and_each_who_asks_has_their_own(sample):
    asked = []

    @asked_once
    def ask(shop, *, days=30):
        asked.append((shop.as_of, days))
        return pd.DataFrame({"value": [days]})

    ask(sample)["value"] = 0
    assert ask(sample, days=30)["value"].tolist() == [30]
    assert ask(sample.at("2026-09-30"))["value"].tolist() == [30]
    assert ask(sample, days=60)["value"].tolist() == [60]
    assert asked == [(sample.as_of, 30), (date(2026, 9, 30), 30), (sample.as_of, 60)]


def test_value_over_cost_is_one_where_it_is_paid_back(sample):
    day = int(rk.payback(sample, by="source").set_index("source")["value"]["paid"])
    before, after = (rk.value_to_cost(sample, by="source", horizon=h).set_index("source")["value"]["paid"] for h in (day - 1, day))
    assert before < 1 <= after


def test_earlier_values_are_what_the_number_was_then(sample, card):
    then = sample.at("2026-09-30")
    for line in lines(sample):
        row = card.loc[line.metric]
        if row["horizon_days"] == line.horizon or line.horizon is None:
            found = line.find(then)
            said = judge(*found[:3], int(found.n), at_risk=found.at_risk, kind=line.kind)
            assert row["month_ago"] == pytest.approx(found.value if said in ("number", "rough") else np.nan, nan_ok=True), line.metric


@pytest.mark.parametrize(("day", "months", "then"), [("2026-10-31", 1, "2026-09-30"), ("2026-10-31", 12, "2025-10-31"), ("2026-02-28", 12, "2025-02-28"), ("2024-02-29", 12, "2023-02-28"),
                                               ("2026-03-30", 1, "2026-02-28")])
def test_a_month_s_end_has_an_end_of_month_before_it(day, months, then):
    assert earlier(date.fromisoformat(day), months) == date.fromisoformat(then)


# ---- news -------------------------------------------------------------------------------------------------------------


def monthly_orders(shares, n=200):
    """Month by month `n` buyers, of whom a share buys on a second day."""
    rows = [(f"m{m}c{i}", f"{2024 + m // 12}-{m % 12 + 1:02d}-{day:02d}", 10) for m, share in enumerate(shares) for i in range(n) for day in ((3, 9) if i < share * n else (3,))]
    return buys(*rows, as_of=str((pd.Timestamp("2024-01-01") + pd.offsets.MonthEnd(len(shares))).date()), history_start="2024-01-01")


def test_a_month_unlike_all_others_is_news_and_a_usual_one_is_not():
    usual = [0.20, 0.22, 0.18, 0.21, 0.19] * 3
    for last, word in ((0.45, "news: higher"), (0.05, "news: lower"), (0.22, "within the usual noise")):
        table = rk.scorecard(monthly_orders([*usual, last])).set_index("metric")
        assert table.loc["purchases.repeat_rate", "news"].startswith(word)


def test_money_that_doubles_is_news_when_months_were_even():
    rows = [(f"m{m}c{i}", f"{2024 + m // 12}-{m % 12 + 1:02d}-03", (60 if m == 16 else 30) + i % 7 + m % 3) for m in range(18) for i in range(40)]
    table = rk.scorecard(buys(*rows, as_of="2025-06-30", history_start="2024-01-01"), horizon=30).set_index("metric")
    assert table.loc["clv.revenue", ["month", "horizon_days"]].tolist() == ["2025-05", 30]
    assert table.loc["clv.revenue", "news"].startswith("news: higher")


# ---- the edge ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tables", [("orders",), ("contracts",), ("deals",), ("responses",), ("activity",), ("orders", "spend")])
def test_each_table_alone_gives_its_lines_and_the_rest_is_named(tables):
    frames = {name: pd.read_csv(f"{sample_folder()}/{name}.csv", dtype=str) for name in tables}
    shop = rk.open_shop(frames, tz="America/New_York", as_of="2026-10-31", history_start="2025-05-01")
    table = rk.scorecard(shop)
    assert len(table)
    assert list(table.columns) == COLUMNS
    assert (table["news"] != "").all()
    missing = rk.missing_lines(shop)
    assert not missing["needs"].str.contains("|".join(tables) + r"\b(?!\.)").any()
    assert len(rk.card_table(table)) == len(table)


def test_every_number_a_table_does_not_give_is_named_with_what_it_needs():
    deals = pd.DataFrame({"deal_id": range(30), "rep": "ann", "opened_at": "2026-01-05", "closed_at": "2026-01-25", "outcome": ["won", "lost"] * 15})
    answers = pd.DataFrame({"answered_at": "2026-03-01", "score": [10] * 20, "kind": "customer", "wave": "w"})
    missing = rk.missing_lines(rk.open_shop({"deals": deals, "responses": answers}, as_of="2026-03-10")).set_index("needs")["about"]
    assert missing["deals.amount"] == "average deal size, median deal size, sales velocity"
    assert missing["deals.source"] == "referrals against the rest"
    assert missing["answers of employees"] == "eNPS"
    assert missing["responses.invited"] == "NPS response, eNPS response"
    assert missing["contracts.ended_at or orders"] == "customers who stay, churn"


def test_deals_opened_before_the_log_are_no_months_to_compare_with():
    """Of those only the slow ones are in it."""
    opened = pd.date_range("2025-01-10", periods=15, freq="MS")
    deals = pd.DataFrame({"deal_id": range(15), "rep": "ann", "opened_at": opened, "closed_at": opened + pd.Timedelta(days=40), "outcome": "won"})
    shop = rk.open_shop({"deals": deals}, as_of="2026-10-31", history_start="2025-06-01")
    [number] = [line for line in lines(shop) if line.metric == "deals.win_by"]
    assert number.months(shop)["month"].min() == "2025-06"


def test_two_orders_are_too_few_for_anything_but_not_an_error():
    table = rk.scorecard(buys(("ann", "2026-01-01", 1), ("bob", "2026-01-31", 2)))
    assert table["month_ago"].isna().all()
    assert set(rk.card_table(table)["now"]) <= {"too few", "not known yet"}


def test_the_chart_of_a_number_and_the_scorecard_have_one_usual_range(sample, card):
    rates = rk.repeat_buying(sample).query("measure == 'repeat_rate'").tail(25).reset_index(drop=True)
    last = rk.control_limits(rates[:-1], sizes=rates["n"]).iloc[-1]  # as page 05 draws it
    assert card.loc["purchases.repeat_rate", ["noise_low", "noise_high"]].tolist() == last[["low", "high"]].tolist()


def card_row(**more):
    row = {"label": "payback at 30% margin: days until", "kind": "days", "value": 90.0, "low": 40.0, "high": 300.0, "n": 494, "horizon_days": 365.0, "month_ago": np.nan, "year_ago": np.nan,
           "news": "cannot tell yet: so", "month": "", "month_value": np.nan, "month_n": np.nan, "noise_low": np.nan, "noise_high": np.nan}
    return rk.card_table(pd.DataFrame([row | more])).iloc[0]


def test_what_would_not_be_shown_now_is_not_shown_of_then_nor_of_a_curve_of_few(sample):
    """A year ago 97 % of 18 stood beside 81 % of 31, as if something had fallen; a curve's 96 % had eight customers left."""
    some = rk.scorecard(sample.only(segment="ENT")).set_index("metric")
    assert np.isnan(some.loc["nps.score", "month_ago"])  # of 13 answers
    assert np.isnan(some.loc["purchases.repeat_rate", "month_ago"]) or some.loc["purchases.repeat_rate", "n"] > 20
    share = {"kind": "proportion", "value": .96, "low": .90, "high": .99, "n": 89}
    assert card_row(**share, at_risk=8.0)["now"] == "90%–99%"
    assert card_row(**share, at_risk=float("inf"))["now"] == "96% (90%–99%)"
    assert {"at_risk"} <= set(COLUMNS)


def test_days_have_no_decimals_and_the_reason_of_a_small_month_is_a_sentence(sample):
    assert card_row(value=0.0, low=0.0, high=1.0)["now"] == "about 0 days (0–1)"
    news = rk.scorecard(sample.only(segment="ENT")).set_index("metric")["news"]
    assert news["engagement.went_quiet"] == "cannot tell yet: the newest month old enough has n = 2, of whom chance alone gives any share"


def test_what_does_not_happen_in_time_has_no_unit_and_what_does_has_one():
    assert card_row()["now"] == "40–300 days"
    assert card_row(high=np.inf)["now"] == "above 40 days"
    assert card_row(value=np.inf, low=np.inf, high=np.inf)["now"] == "not within 365 days"


def test_the_newest_month_is_named_with_its_n_and_a_survey_with_the_one_before():
    share = {"kind": "proportion", "value": .23, "low": .21, "high": .24, "news": "within the usual noise", "month": "2026-09", "month_value": .25, "month_n": 156.0, "noise_low": .13, "noise_high": .34}
    assert card_row(**share)["news or noise"] == "noise: 25% in Sep 2026 (n = 156), usual is 13%–34%"
    assert card_row(**share | {"kind": "money", "value": 400.0, "low": 380.0, "high": 425.0, "month_value": 340.0, "month_n": np.nan, "noise_low": 260.0, "noise_high": 680.0})["news or noise"] == "noise: 340 in Sep 2026, usual is 260–680"
    wave = share | {"kind": "score", "value": 14.0, "low": 7.0, "high": 21.0, "month_value": 14.0, "month_n": np.nan, "noise_low": -3.0, "noise_high": 31.0}
    assert card_row(**wave)["news or noise"] == "noise: 14 in 2026-09, chance after the survey before is −3 to 31"  # no usual range of the score


def test_every_name_says_of_when_and_at_what_margin(sample):
    """The words before the colon stand alone in the headline and on the scorecard."""
    short = {line.metric: line.label.partition(":")[0] for line in lines(sample, margin=0.3)}
    assert short["retention.customers"] == "customer retention over twelve months"
    assert short["clv.revenue"] == "customer lifetime value of 365 days at 30% margin"
    assert short["clv.to_cost"] == "LTV to CAC of 365 days at 30% margin"
    assert short["clv.payback"] == "payback at 30% margin"
    plain = {line.metric: line.label.partition(":")[0] for line in lines(sample)}
    young = {line.metric: line.label.partition(":")[0] for line in lines(sample.at("2024-06-30"))}  # 8 months of spending, deals of two
    assert (young["cac.cost"], young["deals.velocity"]) == ("CAC of 8 months", "sales velocity a day, of the deals of 63 days")
    assert (plain["clv.payback"], plain["clv.revenue"]) == ("payback at 100% margin", "customer lifetime value of 365 days (revenue)")
    assert all(re.search(r"\d+ days|of twelve months|a month|a day|finished month|last week", short[m]) for m in ("churn.early", "cac.cost", "churn.mrr_churn", "churn.nrr", "purchases.repeat_rate", "engagement.weekly_active", "deals.velocity"))


def test_without_contracts_lapsing_is_one_number_and_not_called_kept(sample):
    """"Kept in a month 92%" was quoted as retention; and it was judged a second time, as the 8% who lapsed."""
    bought = sample.sql("select order_id, cast(customer as varchar) as customer_id, ordered_on as ordered_at, amount from orders where order_type = 'one_off'")
    shop = rk.open_shop({"orders": bought}, as_of="2026-10-31")
    days = int(rk.lapse_rule(shop)["days"].iloc[0])
    names = {line.metric: line.label.partition(":")[0] for line in lines(shop)}
    assert "retention.customers" not in names
    assert names["churn.monthly"] == f"customers who lapsed ({days} days without a purchase) in the latest finished month"


def test_contracts_that_never_say_an_end_give_no_number_of_leaving(sample):
    began = sample.sql("select contract_id, cast(customer as varchar) as customer_id, started_on as started_at, monthly_value from contracts")
    shop = rk.open_shop({"contracts": began}, as_of="2026-10-31")
    assert rk.scorecard(shop).empty
    assert "contracts.ended_at" in set(rk.missing_lines(shop)["needs"])
    bench = rk.claim_bench(shop).set_index("claim")
    assert (bench.loc[["first_90_riskiest", "profit_25_to_95"], "verdict"] == "not measured").all()


def test_a_segment_without_contracts_has_no_line_of_theirs(sample):
    mine = {line.metric for line in lines(sample.only(segment="B2C"))}
    assert not mine & {"churn.nrr", "churn.grr", "retention.customers", "churn.early", "deals.win_rate"}
    assert "churn.monthly" in mine


def test_no_source_called_referral_is_no_line_and_no_error(sample):
    assert rk.referral_gap(sample, source="friends").empty
    assert "deals.referral_gap" not in [line.metric for line in lines(sample, referral="friends")]


def test_a_kind_nobody_asks_is_an_error_that_says_what_to_type(sample):
    with pytest.raises(BadValueError, match='kind="customer"'):
        rk.promoter_scores(sample, kind="customers")


# ---- a second route, on the sample --------------------------------------------------------------------------------------


def test_repeat_buying_in_pandas(days, card):
    bought = days[(days["ordinal"] > 0) & (days["on_day"] >= "2026-10-01")].groupby("customer").agg(times=("on_day", "nunique"), first=("first_on", "first"), new=("is_new", "first"))
    assert card.loc["purchases.repeat_rate", "value"] == pytest.approx((bought["times"] >= 2).mean())
    assert card.loc["purchases.returning_share", "value"] == pytest.approx(((bought["first"] < "2026-10-01") | ~bought["new"]).mean())
    assert card.loc["purchases.repeat_rate", "n"] == len(bought)


def test_lifetime_value_in_pandas(days, card):
    new = days[days["is_new"] & days["first_on"].notna() & (days["age"] >= 0)]
    followed = (DAY - new.groupby("customer")["first_on"].first()).dt.days.to_numpy()
    value = sum(amount / (followed >= age).sum() for age, amount in new[new["age"] <= 365].groupby("age")["amount"].sum().items())
    assert card.loc["clv.revenue", "value"] == pytest.approx(value)
    assert card.loc["clv.revenue", "n"] == len(followed)


@pytest.mark.parametrize("by", ["source", "segment"])
def test_what_a_group_brings_is_what_a_shop_of_that_group_alone_brings(sample, by):
    values, curves = rk.lifetime_value(sample, by=by, horizons=[90, 365, 700]), rk.lifetime_value_curve(sample, by=by)
    for name in values[by].unique():
        alone = sample.only(**{by: name})
        one, drawn = rk.lifetime_value(alone, horizons=[90, 365, 700]), rk.lifetime_value_curve(alone)
        pd.testing.assert_frame_equal(values[values[by] == name].drop(columns=by).reset_index(drop=True), one)
        pd.testing.assert_frame_equal(curves[curves[by] == name].drop(columns=by).reset_index(drop=True), drawn)
    assert set(values[by]) == set(curves[by]) == set(sample.sql(f"select distinct {by} from customers where {by} is not null")[by])


def test_lifetime_value_by_segment_is_near_the_planted_truth(sample):
    """People have no invoices: what they bring is what the answer key measured on a copy twenty times as large."""
    row = rk.lifetime_value(sample, by="segment").set_index("segment").loc["B2C"]
    assert row["low"] < 212.25 < row["high"]


def test_acquisition_cost_in_pandas(sample, card):
    spend = pd.read_csv(f"{sample_folder()}/spend.csv", parse_dates=["month"])
    lagged = spend[(spend["category"] != "retention") & spend["month"].between("2025-10-01", "2026-09-30")]["amount"].sum()
    new = sample.sql("select count(*) as n from buyers where is_new and first_on >= date '2025-11-01'")["n"][0]
    assert cycle_months(sample) == 1
    assert card.loc["cac.cost", "value"] == pytest.approx(lagged / new)
    assert card.loc["clv.to_cost", "value"] == pytest.approx(card.loc["clv.revenue", "value"] / (lagged / new))


def test_scores_in_pandas(card):
    answers = pd.read_csv(f"{sample_folder()}/responses.csv")
    for kind, metric in (("customer", "nps"), ("employee", "enps")):
        wave = answers[(answers["kind"] == kind) & (answers["wave"] == "2026-09")]
        score = 100 * ((wave["score"] >= 9).mean() - (wave["score"] <= 6).mean())
        assert card.loc[f"{metric}.score", "value"] == pytest.approx(score)
        assert card.loc[f"{metric}.response", "value"] == pytest.approx(len(wave) / wave["invited"].max())


def test_those_who_answer_are_happier_than_everybody(card):
    """Everybody would have scored 2.2, those who answer 15.5: no interval covers who is silent."""
    assert card.loc["nps.score", "low"] < 15.5 < card.loc["nps.score", "high"]
    assert card.loc["nps.score", "low"] > 2.2


def test_use_in_pandas(card):
    book = pd.read_csv(f"{sample_folder()}/contracts.csv", parse_dates=["started_at", "ended_at"])
    use = pd.read_csv(f"{sample_folder()}/activity.csv", parse_dates=["active_on"])
    first, last = (set(book.loc[(book["started_at"] <= day) & ~(book["ended_at"] <= day), "customer_id"]) for day in ("2026-10-25", "2026-10-31"))
    here = pd.Series(sorted(first & last))  # one of them changed the plan in between
    week = set(use.loc[use["active_on"].between("2026-10-25", "2026-10-31"), "customer_id"])
    assert card.loc["engagement.weekly_active", "n"] == len(here)
    assert card.loc["engagement.weekly_active", "value"] == pytest.approx(here.isin(week).mean())
    stays = book.sort_values("started_at").groupby("customer_id").agg(start=("started_at", "min"), end=("ended_at", lambda s: s.max() if s.notna().all() else pd.NaT))
    stays = stays[(stays["start"] >= "2023-11-01") & (stays["start"] <= DAY - pd.Timedelta(days=90)) & ~((stays["end"] - stays["start"]).dt.days < 90)]
    ages = use[use["active_on"] <= DAY].merge(stays["start"], left_on="customer_id", right_index=True)
    age = (ages["active_on"] - ages["start"]).dt.days
    early, late = (set(ages.loc[age.between(*span), "customer_id"]) for span in ((0, 29), (60, 89)))
    assert card.loc["engagement.went_quiet", "n"] == len(early)
    assert card.loc["engagement.went_quiet", "value"] == pytest.approx(1 - len(early & late) / len(early))


def test_referrals_against_the_rest_by_hand_standardisation(sample, card):
    deals = pd.read_csv(f"{sample_folder()}/deals.csv", parse_dates=["opened_at"])
    old = deals[(DAY + pd.Timedelta(days=1) - deals["opened_at"].dt.tz_convert("America/New_York").dt.tz_localize(None)).dt.days >= 180]
    closed = old[(old["outcome"] != "open")].assign(won=lambda t: t["outcome"] == "won", it=lambda t: t["source"] == "referral")
    mix = closed["segment"].value_counts(normalize=True)
    rates = closed.groupby(["it", "segment"])["won"].mean()
    gap = sum(mix[s] * (rates[True, s] - rates[False, s]) for s in mix.index)
    assert card.loc["deals.referral_gap", "value"] == pytest.approx(gap, abs=0.004)  # days are counted in whole local days


def test_a_lifetime_value_that_fewer_than_ten_were_watched_for_has_its_ends_only():
    """METHODS 0.3 asks for ten at risk at the horizon of a curve: 37 of these 40 came in the last days."""
    days = ["2026-01-01"] * 3 + ["2026-02-20"] * 37
    bought = pd.DataFrame({"order_id": range(40), "customer_id": [f"c{i}" for i in range(40)], "ordered_at": days, "amount": [10.0 + i % 7 for i in range(40)],
                           "product_line": "tea"})
    shop = rk.open_shop({"orders": bought}, as_of="2026-02-28")
    assert rk.lifetime_value(shop, horizons=[30])[["n", "observed"]].values.tolist() == [[40, 3]]
    card = rk.scorecard(shop)
    assert rk.card_table(card[card["metric"] == "clv.revenue"])["now"].tolist() == ["12.27–13.51"]
    spend = pd.DataFrame({"month": ["2025-12-01", "2026-01-01", "2026-02-01"], "category": "paid", "amount": 80.0})
    priced = rk.scorecard(rk.open_shop({"orders": bought, "spend": spend}, as_of="2026-02-28"))
    assert re.fullmatch(r"[\d.]+–[\d.]+ times", rk.card_table(priced[priced["metric"] == "clv.to_cost"])["now"].item())
    assert "brings between $12.27 and $13.51 of revenue" in tell_scorecard.brings(rk.lifetime_value_curve(shop, until=30), unit="$", margin=1)
