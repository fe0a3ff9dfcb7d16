"""Claims are put to the test with the numbers the pages print, judged by their intervals, and never confirmed."""

from __future__ import annotations

import math
import re
import tomllib
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

import retainkit as rk
from retainkit import claim_bench, open_shop
from retainkit.errors import BadValueError, MissingDataError
from retainkit.load.stated import claims_quoted, claims_stated
from retainkit.metrics.claim_measures import (
    early_leaving_ratio,
    five_points_more,
    month_one_by_segment,
    other_sources_win_rate,
    purchase_step,
    winning_over_keeping,
    wins_with_churn,
    worth_more,
)
from retainkit.metrics.claims import claimed, measured

VERDICTS = ("consistent with", "higher than claimed", "lower than claimed", "cannot tell", "arithmetic", "reference line", "not measured")

WORDS = ("30%", "75%", "20%", "50 to 70%", "10 to 30%", "5 to 25", "25 to 95%", "over-selling", "riskiest", "year three", "month one", "third time")


@pytest.fixture(scope="module")
def shop():
    return open_shop("sample")


@pytest.fixture(scope="module")
def bench(shop):
    return claim_bench(shop).set_index("claim")


def record(**more):
    return {"claim": "mine", "sentence": "so they say", "measure": "second_purchase", "low": .25, "high": .35, "arguments": {"horizons": [30]}, **more}


def judged(shop, **more):
    return claim_bench(shop, claims=[record(**more)]).iloc[0]


class TestTheRecords:
    def test_every_claim_of_the_articles_is_there(self):
        said = " ".join(c["sentence"] for c in claims_quoted())
        assert [w for w in WORDS if w not in said] == []

    def test_each_says_who_says_it_of_whom_and_what_the_source_says(self):
        for claim in claims_quoted():
            assert all(claim.get(field) for field in ("said_by", "population", "source_says", "estimand", "read_as")), claim["claim"]

    def test_short_names_are_stable_and_each_its_own(self):
        names = [c["claim"] for c in claims_quoted()]
        assert len(set(names)) == len(names) == 16
        assert all(n.isidentifier() for n in names)

    def test_claims_that_are_formulas_are_labelled(self):
        assert {c["claim"] for c in claims_quoted() if c.get("kind") == "arithmetic"} == {"keeping_5_to_25", "profit_25_to_95"}


class TestVerdicts:
    def test_every_verdict_is_one_of_the_vocabulary_and_none_is_confirmed(self, bench):
        assert set(bench["verdict"]) <= set(VERDICTS)
        assert not any("confirm" in v for v in VERDICTS)

    @pytest.mark.parametrize(("low", "high", "says"), [
        (.10, .15, "higher than claimed"), (.30, .40, "lower than claimed"), (.10, .40, "consistent with"), (.22, .40, "cannot tell"), (.225, .225, "cannot tell")])
    def test_the_interval_decides(self, shop, low, high, says):
        row = judged(shop, low=low, high=high)
        assert row["verdict"] == says
        assert (row["low"], row["high"]) == tuple(rk.second_purchase(shop, horizons=[30]).loc[0, ["low", "high"]])

    def test_who_is_new_is_not_known_of_a_log_whose_first_day_nobody_gave(self, shop):
        """Most of its "new" customers were old: a log told 85 % to be back in a month, where 61 % were."""
        log = shop.sql("select order_id, cast(customer as varchar) as customer_id, ordered_on as ordered_at, amount from orders where order_type = 'one_off'")
        asked = [{"claim": "mine", "sentence": "s", "measure": "second_purchase", "low": .5, "high": .6, "arguments": {"horizons": [30]}}]
        people = pd.DataFrame({"customer_id": log["customer_id"].unique(), "signed_up_at": "2023-11-01"})
        stated = {"as_of": "2026-10-31", "history_start": "2023-11-01"}
        unsaid, unsigned, said = (claim_bench(open_shop({"orders": log, **more}, **facts), claims=asked).iloc[0]
                                  for more, facts in (({}, {"as_of": "2026-10-31"}), ({}, stated), ({"customers": people}, stated)))
        assert (unsaid["verdict"], unsigned["verdict"], said["verdict"]) == ("cannot tell", "cannot tell", "lower than claimed")
        assert unsaid["measured"] == unsigned["measured"] == said["measured"]
        assert unsaid["note"].startswith("nobody said where the history begins (history_start)")
        assert unsigned["note"].startswith("no day of signing up (customers.signed_up_at)")  # a stated first day does not say who was there before it

    def test_retention_of_nobody_has_no_worth(self):
        """It read "at the nan% who stayed a year"."""
        book = pd.DataFrame({"contract_id": [1, 2], "customer_id": ["ann", "bob"], "started_at": "2026-01-10", "ended_at": ["2026-02-01", None]})
        row = five_points_more(open_shop({"contracts": book}, as_of="2026-10-31", history_start="2025-01-01")).iloc[0]
        assert (row["n"], row["note"]) == (0, "nobody was under contract twelve months ago")

    def test_a_claim_about_firms_is_a_line_and_a_formula_is_arithmetic_whatever_the_interval(self, shop):
        assert judged(shop, kind="reference")["verdict"] == "reference line"
        row = judged(shop, kind="arithmetic")
        assert (row["verdict"], row["note"].split(";")[0]) == ("arithmetic", "below the claimed range")

    def test_values_are_those_of_the_metrics(self, shop, bench):
        assert bench.loc["month_one_most", "value"] == rk.month_one_revenue(shop).loc[0, "rate"]
        assert bench.loc["third_after_second", "value"] == rk.next_purchase(shop, k=[2]).loc[0, "rate"]
        assert bench.loc["cross_sell_90_of_730", "value"] == rk.cross_sell_share(shop, horizons=[730]).loc[0, "rate"]
        sources = rk.source_win_rates(shop).set_index("source")
        assert bench.loc["referrals_close", "value"] == sources.loc["referral", "rate"]

    def test_the_sample_is_judged_as_its_truth_is(self, shop, bench):
        """The company was made so that none of these holds, and the verdicts say which way."""
        assert bench.loc[["cross_sell_90_of_365", "cross_sell_90_of_730", "again_within_30"], "verdict"].tolist() == ["lower than claimed"] * 3
        assert bench.loc[["first_90_riskiest", "third_after_second"], "verdict"].tolist() == ["consistent with"] * 2

    def test_what_a_short_window_has_not_reached_time_may_still_bring(self, shop):
        """"More than half buy a third time" names no time: of 60 days, which the log chose, a lower share contradicts nothing; the same share of a year agrees."""
        young = claim_bench(shop.at(date(2024, 3, 31))).set_index("claim").loc["third_after_second"]
        assert young["high"] < .5
        assert young["verdict"] == "cannot tell"
        assert re.fullmatch(r"about 36% \(26%\W+49%\) within 60 days, n = 92", young["measured"])
        assert "later it can only be higher" in young["note"]
        named = judged(shop.at(date(2024, 3, 31)), measure="next_purchase", low=.5, high=1.0, arguments={"k": [2], "within_days": 60})
        assert named["verdict"] == "lower than claimed"  # who names the sixty days is judged by them

    def test_an_end_beside_the_edge_of_a_claim_reads_on_its_side(self, bench):
        """−0.3 points printed as +0 made a row that cannot tell look like one that agrees; and n is that of the step that is told."""
        row = bench.loc["then_rising"]
        assert row["low"] < 0
        assert "(−0." in row["measured"]
        assert row["measured"].endswith(" within 365 days, n = 640")
        for value in (-.004, -.0004, .0004, .004):
            assert measured(.05, value, .11, 640, unit="points", edges=(0, 1)).startswith("+5.0 points (−0" if value < 0 else "+5.0 points (+0")
        assert "(+0.04 to" in measured(.05, .0004, .11, 640, unit="points", edges=(0, 1))
        assert measured(.52, .4996, .54, 640, edges=(.5, 1)) == "52% (49.96%–54%), n = 640"

    def test_a_log_that_begins_mid_life_does_not_say_what_the_first_months_were(self, bench):
        row = bench.loc["repeat_20_first_months"]
        assert (row["verdict"], row["measured"]) == ("cannot tell", "")
        assert row["note"].startswith("665 customers were there before the log begins")
        assert bench.loc["repeat_most_year_three", ["verdict", "measured", "note"]].tolist() == ["cannot tell", "", row["note"]]  # the third year of the log is a later one of the company

    def test_a_log_of_which_nobody_says_that_it_begins_with_the_company_says_nothing_of_its_first_months(self):
        orders = pd.DataFrame({"order_id": range(400), "customer_id": [f"c{i % 100}" for i in range(400)], "amount": 5.0, "ordered_at": pd.date_range("2023-01-01", periods=400, freq="3D")})
        of_age = ["repeat_20_first_months", "repeat_most_year_three"]
        people = pd.DataFrame({"customer_id": orders["customer_id"].unique(), "signed_up_at": "2023-01-01"})
        assumed, unsigned, stated = (claim_bench(open_shop({"orders": orders, **more}, as_of="2026-03-31", history_start=start)).set_index("claim").loc[of_age]
                                     for more, start in (({}, None), ({}, "2023-01-01"), ({"customers": people}, "2023-01-01")))
        assert assumed["verdict"].tolist() == unsigned["verdict"].tolist() == ["cannot tell"] * 2
        assert assumed["note"].str.startswith("nobody said where the history begins (history_start): its first months").all()
        assert (stated["measured"] != "").all()


class TestLaws:
    def test_a_wider_claim_is_never_contradicted_by_what_a_narrower_one_is_not(self, shop):
        order = {"consistent with": 2, "cannot tell": 1, "lower than claimed": 0, "higher than claimed": 0}
        for narrow, wide in (((.2, .3), (.1, .4)), ((.25, .3), (.2, .35)), ((.5, .6), (.4, .7))):
            a, b = (order[judged(shop, low=lo, high=hi)["verdict"]] for lo, hi in (narrow, wide))
            assert b >= a

    def test_what_is_not_measured_has_no_number(self, shop):
        bench = claim_bench(open_shop({"orders": shop.sql("select cast(customer as varchar) as customer_id, ordered_on as ordered_at, order_id, amount from orders where order_type = 'one_off'")}))
        missing = bench[bench["verdict"] == "not measured"]
        assert {"referrals_close", "keeping_5_to_25", "first_90_riskiest", "winners_oversell", "cross_sell_90_of_365"} <= set(missing["claim"])
        assert missing["value"].isna().all()
        assert (missing["measured"] == "").all()
        assert missing["note"].str.startswith("needs ").all()


class TestByHand:
    def test_the_share_of_month_one_is_said_of_each_segment_with_what_is_in_it(self, shop, bench):
        """Four customers in five are of the one segment to which the claim comes near; a few large accounts with contracts make the number of all."""
        row = bench.loc["month_one_most"]
        shares = {s: rk.month_one_revenue(shop.only(segment=s)).loc[0, "rate"] for s in ("B2C", "ENT", "MID", "SMB")}
        low, high = min(shares, key=shares.get), max(shares, key=shares.get)
        assert (low, high) == ("ENT", "B2C")
        assert row["measured"].endswith(f"; by segment {shares[low]:.0%} {low} to {shares[high]:.0%} {high}")
        assert row["note"].startswith("the invoices of contracts are in it; by segment: ENT")
        assert "B2C 52% (50%–53%) and 80% of the customers" in row["note"]
        part = month_one_by_segment(shop.only(segment="B2C")).iloc[0]
        assert (part["range"], part["rate"]) == ("", shares["B2C"])
        once = shop.sql("select order_id, cast(customer as varchar) as customer_id, ordered_on as ordered_at, amount from orders where order_type = 'one_off'")
        assert month_one_by_segment(open_shop({"orders": once}))["note"].tolist() == [""]  # no invoices, no segments, no word of them

    def test_other_sources_are_the_rest_added_up(self, shop):
        deals = shop.sql("select source, outcome from deals where outcome <> 'open' and date_diff('day', opened_on, date '2026-10-31') >= 180")
        rest = deals[deals["source"] != "referral"]
        got = other_sources_win_rate(shop).iloc[0]
        assert (got["n"], got["rate"]) == (len(rest), pytest.approx((rest["outcome"] == "won").mean()))
        assert other_sources_win_rate(shop, source="fairs").empty

    def test_early_over_later_is_the_rate_the_other_way_round(self, shop):
        later = rk.leaving_rates(shop).iloc[1]
        got = early_leaving_ratio(shop).iloc[0]
        assert (got["value"], got["low"], got["high"]) == pytest.approx((1 / later["ratio"], 1 / later["ratio_high"], 1 / later["ratio_low"]))

    def test_one_step_is_the_difference_of_two_rows_and_wider_than_either(self, shop):
        two = rk.next_purchase(shop, k=[2, 3])
        got = purchase_step(shop, steps=1).iloc[0]
        assert got["rate"] == pytest.approx(two["rate"].iloc[1] - two["rate"].iloc[0])
        assert got["high"] - got["low"] > (two["high"] - two["low"]).max()
        assert (got["n"], got["note"]) == (two["n"].iloc[1], "one step only")

    def test_every_further_purchase_is_judged_by_the_smallest_step_of_all(self, shop):
        """"Every further purchase" of which one step is looked at is another claim: the sample's first step alone is above zero."""
        rates = rk.next_purchase(shop, k=[2, 3, 4, 5])["rate"]
        got, first = (purchase_step(shop, steps=n).iloc[0] for n in (3, 1))
        assert got["rate"] == pytest.approx(rates.diff().min())
        assert got["rate"] < first["rate"]
        assert first["low"] > 0 > got["low"]
        assert purchase_step(shop.only(segment="ENT"), steps=40).iloc[0]["note"] == "one step only"  # no further step has twenty customers

    def test_five_points_more_of_the_methods_table(self):
        assert [round(100 * worth_more(r, points=.05, discount=.1)) for r in (.6, .7, .8, .9)] == [11, 14, 20, 33]

    def test_all_three_readings_of_five_percent_more_are_told(self, monkeypatch):
        """The claim says "5% more retention": the reading decides everything, and only the most generous was printed."""
        kept = pd.DataFrame([{"rate": 0.9, "low": 0.89, "high": 0.91, "n": 3_000}])
        monkeypatch.setattr("retainkit.metrics.claim_measures.customer_retention", lambda *_, **__: kept)
        got = five_points_more(open_shop("sample")).iloc[0]
        assert round(got["rate"], 2) == 0.33  # the three of METHODS at 90 %
        assert got["note"].endswith("5% more can also be read as 1.05 times as many who stay, which is 29%, or as 0.95 times as many who leave, which is 3%")

    @pytest.mark.parametrize(("early", "late", "says"), [(60, 40, r".*\d times \(.*\), n = 100"), (60, 9, r"\d\S*–\d\S* times, n = 69"), (60, 4, ""), (9, 60, r"\S+–\S+ times, n = 69")])
    def test_of_fewer_than_ten_in_a_window_the_interval_alone_is_told(self, early, late, says):
        """Page 01 said "between 8.6 and 35.7 times: one number would say too much", and the bench "about 16.7 times"."""
        ended = ["2025-01-31"] * early + ["2025-08-01"] * late + [None] * 100
        book = pd.DataFrame({"contract_id": range(len(ended)), "customer_id": range(len(ended)), "started_at": "2025-01-01", "ended_at": ended})
        row = claim_bench(open_shop({"contracts": book}, as_of="2026-06-30", history_start="2025-01-01")).set_index("claim").loc["first_90_riskiest"]
        assert re.fullmatch(says, row["measured"])
        assert pd.isna(row["value"]) == (min(early, late) < 10)
        assert ("needs 10 events in each window" in row["note"]) == (min(early, late) < 10)
        assert (row["verdict"] == "cannot tell") == (late == 4)

    def test_five_points_more_is_the_formula_at_the_shops_own_retention(self, shop):
        """The formula has one retention for every year of a life: that of all customers, and not of newcomers in their worst year."""
        year, first = rk.customer_retention(shop).iloc[-1], rk.contract_survival(shop, horizons=[365]).iloc[0]
        got = five_points_more(shop).iloc[0]
        assert got["rate"] == pytest.approx(.05 / (1.1 - year["rate"] - .05))
        assert got["low"] < got["rate"] < got["high"]
        newcomers = .05 / (1.1 - first["rate"] - .05)
        assert got["note"].startswith(f"{year['rate']:.0%} stayed a year; at the {first['rate']:.0%} of newcomers it would be {newcomers:.0%}; 5% more")
        assert newcomers < got["low"]

    def test_winning_over_keeping_from_the_files(self, shop):
        """Second route: the ledger of spending, divided by heads."""
        from retainkit.resources import sample_folder

        money = pd.read_csv(sample_folder() / "spend.csv", parse_dates=["month"]).set_index("month").sort_index()
        winning = money.loc["2025-10-01":"2026-09-30"].query("category != 'retention'")["amount"].sum() / rk.acquisition_cost(shop)["n"].iloc[0]
        table = rk.keeping_cost(shop)
        keeping = money.loc["2025-11-01":"2026-10-31"].query("category == 'retention'")["amount"].sum() / table["n"].iloc[0]
        assert table["winning"].iloc[0] == pytest.approx(winning)
        got = winning_over_keeping(shop).iloc[0]
        assert (got["low"], got["high"], got["n"]) == (pytest.approx(winning / keeping), pytest.approx(4 * winning / keeping), table["n"].iloc[0])

    def test_the_bench_takes_no_side_in_what_is_called_keeping(self, shop, bench):
        row, table = bench.loc["keeping_5_to_25"], rk.keeping_cost(shop)
        assert math.isnan(row["value"])
        assert row["measured"] == "2.8–11.2 times, n = 516"
        assert (row["low"], row["high"]) == (table["times"].min(), table["times"].max())
        assert not any(word in row["note"] for word in ("above the claimed", "below the claimed", "inside the claimed"))
        of_part = claim_bench(shop.only(segment="SMB")).set_index("claim").loc["keeping_5_to_25"]
        assert (of_part["verdict"], of_part["measured"], of_part["note"].split(";")[0]) == ("cannot tell", "", "spending is known of the whole company only")

    def test_the_part_of_support_that_is_called_keeping_decides_the_ratio(self, shop):
        table = rk.keeping_cost(shop).set_index("share")
        assert math.isnan(table["times"][0.0])
        assert table["times"][0.25] == pytest.approx(4 * table["times"][1.0]) == pytest.approx(2 * table["times"][0.5])

    def test_support_with_a_category_of_its_own_is_what_is_shared_out_and_wins_nobody(self):
        orders = pd.DataFrame({"order_id": [1, 2], "customer_id": ["ann", "bob"], "amount": 5, "ordered_at": ["2026-01-05", "2026-01-07"]})
        book = pd.DataFrame({"contract_id": [1, 2], "customer_id": ["ann", "bob"], "started_at": "2025-12-01", "ended_at": None})
        spend = pd.DataFrame({"month": "2026-01-01", "category": ["paid", "retention", "support"], "amount": [60, 10, 40]})
        mine = open_shop({"orders": orders, "contracts": book, "spend": spend}, as_of="2026-01-31", history_start="2025-12-01")
        got = rk.keeping_cost(mine, months=1)
        assert got["value"].tolist() == [5, 10, 15, 25]  # of two customers kept: 10, 10 + 10, 10 + 20, 10 + 40
        assert got["times"].tolist() == [6, 3, 2, 1.2]  # winning one cost 30

    def test_support_and_retention_in_capitals_win_nobody_either(self):
        orders = pd.DataFrame({"order_id": [1, 2], "customer_id": ["ann", "bob"], "amount": 5, "ordered_at": ["2026-01-05", "2026-01-07"]})
        spend = pd.DataFrame({"month": "2026-01-01", "category": ["Paid", "Retention", "retention", "SUPPORT"], "amount": [60, 10, 10, 40]})
        mine = open_shop({"orders": orders, "spend": spend}, as_of="2026-01-31", history_start="2026-01-01")
        assert rk.acquisition_cost(mine)["value"].item() == 30
        assert rk.acquisition_cost(mine, by="source")["source"].tolist() == ["Paid"]

    def test_money_of_half_a_year_is_not_what_keeping_a_year_costs(self):
        """Ten a month is spent: for two customers kept through twelve months 60 each, where it is known for all twelve."""
        def kept(*months):
            orders = pd.DataFrame({"order_id": [1, 2], "customer_id": ["ann", "bob"], "amount": 5, "ordered_at": "2026-01-05"})
            book = pd.DataFrame({"contract_id": [1, 2], "customer_id": ["ann", "bob"], "started_at": "2024-12-01", "ended_at": None})
            spend = pd.DataFrame({"month": pd.period_range(*months, freq="M").astype(str) + "-01", "category": "retention", "amount": 10})
            got = rk.keeping_cost(open_shop({"orders": orders, "contracts": book, "spend": spend}, as_of="2026-01-31", history_start="2024-12-01"))
            return got["value"].iloc[-1]

        assert kept("2025-02", "2026-01") == kept("2024-12", "2026-01") == 60
        assert kept("2024-12", "2025-12") == 60  # the books of January are not closed yet: the twelve months before
        assert math.isnan(kept("2025-08", "2026-01"))

    def test_wins_with_churn_is_the_maps_correlation(self, shop):
        rho = rk.rep_map(shop).company.set_index("quantity").loc["rho"]
        got = wins_with_churn(shop).iloc[0]
        assert (got["value"], got["low"], got["high"]) == (rho["value"], rho["low"], rho["high"])

    def test_revenue_between_months_adds_up_to_all_of_it(self, shop):
        parts = [rk.repeat_revenue_between(shop, first_month=a, last_month=b).iloc[0] for a, b in ((1, 12), (13, 24), (25, 36))]
        whole = rk.repeat_revenue(shop).iloc[0]
        assert sum(p["total"] for p in parts) == pytest.approx(whole["total"])
        assert sum(p["repeat"] for p in parts) == pytest.approx(whole["repeat"])
        assert math.isnan(rk.repeat_revenue_between(shop, first_month=37, last_month=37).loc[0, "rate"])  # has not happened yet


class TestEdges:
    def test_a_handful_of_customers_gets_no_verdict(self):
        orders = pd.DataFrame({"order_id": range(4), "customer_id": list("aabc"), "amount": 5, "ordered_at": ["2026-01-01", "2026-01-10", "2026-01-02", "2026-01-03"]})
        row = judged(open_shop({"orders": orders}, as_of="2026-03-31"))
        assert (row["verdict"], row["measured"]) == ("cannot tell", "too few")
        back = pd.DataFrame({"order_id": range(8), "customer_id": list("abcdabcd"), "amount": 5, "ordered_at": ["2026-01-01"] * 4 + ["2026-01-10"] * 4})
        row = judged(open_shop({"orders": back}, as_of="2026-03-31"), low=0.0, high=0.1)
        assert pd.isna(row["low"])  # the interval alone would contradict it
        assert (row["verdict"], row["note"]) == ("cannot tell", "needs 5 customers, has 4")

    def test_a_number_that_its_page_withholds_is_not_printed(self):
        """It read "59 % (49–69), n = 60" beside "cannot tell", of which page 01 said that nothing can be said yet."""
        lines = pd.DataFrame({"order_id": range(120), "customer_id": [i % 60 for i in range(120)], "amount": 5, "product_line": ["a"] * 60 + ["b"] * 60,
                              "ordered_at": ["2025-01-01"] * 5 + ["2025-10-01"] * 55 + ["2025-10-20"] * 35 + ["2026-06-20"] * 25})
        row = judged(open_shop({"orders": lines}, as_of="2026-06-30", history_start="2025-01-01"), measure="cross_sell_share", arguments={"horizons": [365]})
        assert (row["measured"], row["verdict"]) == ("too few", "cannot tell")
        assert row[["value", "low", "high"]].isna().all()

    def test_of_one_customer_it_is_not_said_who_stayed(self):
        """It read "below the claimed range; needs 5 customers, has 1; at the 0% who stayed a year"."""
        book = pd.DataFrame({"contract_id": [1], "customer_id": ["ann"], "started_at": "2025-01-01", "ended_at": ["2026-02-01"]})
        got = five_points_more(open_shop({"contracts": book}, as_of="2026-06-30")).iloc[0]
        assert (got["n"], got["note"]) == (1, "")
        book = pd.DataFrame({"contract_id": range(12), "customer_id": range(12), "started_at": "2025-01-01", "ended_at": ["2026-02-01"] * 5 + [None] * 7})
        assert five_points_more(open_shop({"contracts": book}, as_of="2026-06-30"))["note"].item() == "between 32% and 81% stayed a year"

    def test_a_large_order_does_not_break_the_sum_behind_an_interval(self):
        """A wholesaler's day of 168,469.60 times its weight does not fit a narrow decimal."""
        orders = pd.DataFrame({"order_id": range(80), "customer_id": [i % 40 for i in range(80)], "amount": 5_000_000.0,
                               "ordered_at": ["2025-01-01"] * 20 + ["2026-01-01"] * 20 + ["2026-01-09"] * 40})
        got = rk.month_one_revenue(open_shop({"orders": orders}, as_of="2026-03-31"), horizons=[400]).iloc[0]
        assert 0 < got["low"] < got["rate"] < got["high"] < 1

    def test_a_row_that_is_not_there_is_a_note(self, shop):
        row = judged(shop, measure="source_win_rates", arguments={}, take={"source": "fair"}, unit="share")
        assert (row["verdict"], row["note"]) == ("cannot tell", "no source `fair`; there are inbound, outbound, paid, referral")

    def test_words(self):
        assert measured(float("nan"), float("nan"), float("nan"), 0) == ""
        assert measured(.5, .2, .8, 4) == "too few"
        assert claimed(.3, .3) == "30%"


class TestYourOwn:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        pd.DataFrame({"order_id": range(60), "customer_id": [i % 30 for i in range(60)], "amount": 5,
                      "ordered_at": ["2026-01-01"] * 30 + ["2026-01-20"] * 12 + ["2026-04-01"] * 18}).to_csv(tmp_path / "orders.csv", index=False)
        return tmp_path

    def write(self, folder, text):
        (folder / "retainkit.toml").write_text(f'{text}\n\n[orders]\npath = "orders.csv"\n')
        return open_shop(folder)

    MINE = '[[claims]]\nclaim = "consultant"\nsentence = "Nine in ten are back in a month"\nlow = 0.85\nhigh = 0.95\nmeasure = "second_purchase"\narguments = { horizons = [30] }'

    def test_one_record_is_enough(self, folder):
        pd.DataFrame({"customer_id": range(30), "signed_up_at": "2026-01-01"}).to_csv(folder / "customers.csv", index=False)
        people = '[customers]\npath = "customers.csv"'
        bench = claim_bench(self.write(folder, f"[shop]\nhistory_start = 2026-01-01\n\n{people}\n\n{self.MINE}")).set_index("claim")
        assert len(bench) == 17
        assert bench.loc["consultant", ["claimed", "measured", "verdict"]].tolist() == ["85 to 95%", "about 40% (25%–60%), n = 30", "lower than claimed"]

    def test_a_record_of_the_same_name_replaces(self, folder):
        bench = claim_bench(self.write(folder, self.MINE.replace("consultant", "again_within_30")))
        assert len(bench) == 16
        assert bench.set_index("claim").loc["again_within_30", "claimed"] == "85 to 95%"

    @pytest.mark.parametrize(("change", "said"), [
        (("low = 0.85", "low = 0.99"), "retainkit.toml [[claims]]: the claim `consultant` begins above its end. Found: 0.99 to 0.95. To fix it: low, then high"),
        (("low = 0.85\n", ""), "retainkit.toml [[claims]]: a record has no `low`. Found: claim, sentence, high, measure, arguments. To fix it: low = 0.25"),
        (("sentence", "sentense"), "retainkit.toml [[claims]]: a record has no setting `sentense`"),
        (("[30] }", '[30] }\nunit = "percent"'), "retainkit.toml [[claims]]: `unit` is none of its choices. Found: 'percent'; choices: share, points, times"),
        (("[30] }", '[30] }\nwhole_life = "yes"'), "retainkit.toml [[claims]]: `whole_life` is not true or false. Found: 'yes'."),
    ])  # fmt: skip
    def test_a_record_that_cannot_be_meant_says_what_to_type(self, folder, change, said):
        with pytest.raises((BadValueError, MissingDataError)) as err:
            self.write(folder, self.MINE.replace(*change))
        assert said in str(err.value)

    @pytest.mark.parametrize(("more", "said"), [
        ({"measure": "second_purchas"}, 'claim `mine`: `second_purchas` is not a metric. Found: '),
        ({"measure": "second_purchas"}, 'To fix it: measure = "second_purchase"'),
        ({"arguments": {"level": 95}}, "level: must be from 0.5 to 0.999. Found: 95. To fix it: level=0.95"),
        ({"arguments": {"horizon": [30]}}, "claim `mine`: `second_purchase` has no argument `horizon`. Found: horizons, by, level. To fix it: horizons = ..."),
        ({"take": {"segmnt": "SMB"}}, "claim `mine`: `second_purchase` has no column `segmnt`."),
        ({"column": "rat"}, 'claim `mine`: `second_purchase` has no column `rat`. Found: horizon_days, rate, low'),
    ])  # fmt: skip
    def test_a_claim_the_metrics_cannot_answer_says_what_to_type(self, shop, more, said):
        with pytest.raises(BadValueError) as err:
            judged(shop, **more)
        assert said in str(err.value)

    def test_no_measure_can_be_anything_but_a_metric(self, shop):
        with pytest.raises(BadValueError, match="`open_shop` is not a metric"):
            judged(shop, measure="open_shop")

    def test_infinity_is_written_inf(self):
        [claim] = claims_stated(tomllib.loads(f"{self.MINE.replace('0.95', 'inf')}")["claims"])
        assert claim["high"] == math.inf


def test_a_formula_that_has_no_answer_at_the_upper_limit_has_none(monkeypatch):
    kept = pd.DataFrame([{"rate": 0.93, "low": 0.88, "high": 0.96, "n": 47}])
    monkeypatch.setattr("retainkit.metrics.claim_measures.customer_retention", lambda *_, **__: kept)
    row = five_points_more(open_shop("sample")).iloc[0]
    assert row[["rate", "low", "high"]].isna().all()
    assert row["note"] == "5% more than the 96% who may stay a year would be everybody, or more"
