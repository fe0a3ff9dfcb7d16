"""The words of the scorecard's page where there is little: one number, none, and what nobody can know."""

from __future__ import annotations

import pandas as pd

import retainkit as rk
from retainkit import open_shop
from retainkit.metrics.scorecard import blind_numbers
from retainkit.tell import claims, selling
from retainkit.tell import scorecard as tell

ORDERS = pd.DataFrame({"order_id": [1], "customer_id": ["ann"], "amount": 5, "ordered_at": ["2026-01-05"]})


def card(*news: str) -> pd.DataFrame:
    """A scorecard with these verdicts."""
    return pd.DataFrame({"label": [f"number {i}" for i in range(len(news))], "section": "use", "month": "2026-01", "news": list(news)}, dtype=object)


def said(capsys) -> str:
    """What was shown since the last look."""
    return " ".join(capsys.readouterr().out.split())


def test_one_number_is_not_one_of_one_numbers():
    assert tell.moved(card("news: lower"), blind=0) == "The one number that can be judged, of 1, moved more than chance explains: number 0"
    assert tell.moved(card("cannot tell yet: a year"), blind=0) == "The one number there is cannot be judged yet"
    assert tell.moved(card("within the usual noise"), blind=1).startswith("No month twice as bad would have shown in the one number that can be judged, of 1:")
    assert tell.moved(card(), blind=0) == "These data give no number of the scorecard"


def test_several_numbers_are_counted():
    usual = ["within the usual noise"] * 3
    assert tell.moved(card("news: lower", *usual), blind=0).startswith("1 of the 4 numbers that can be judged, of 4, moved")
    assert tell.moved(card(*usual), blind=1).endswith("; in 1 of them even a month twice as bad would have looked like chance")


def test_where_all_are_judged_and_most_are_blind_nobody_says_that_none_cannot_be_judged(capsys):
    tell.ask(card(*["within the usual noise"] * 4), ["Why?"], blind=2)
    assert said(capsys) == "In 2 of the 4 numbers a month twice as bad would have looked like chance: that none moved is no all-clear. (1) Why?"


def test_that_nobody_new_came_is_said_of_months_that_are_over():
    assert tell.nobody_new(pd.Timestamp("2025-11-30"), "2026-01") == "The last to buy for the first time did so in November 2025."
    assert tell.nobody_new(pd.Timestamp("2026-01-01"), "2026-01") == tell.nobody_new(pd.NaT, "2026-01") == tell.nobody_new(None, "2026-01") == ""


def test_spending_of_the_whole_company_is_not_said_to_be_of_no_part(capsys):
    """Where nobody had bought for the first time, the page said "not of : what winning one costs"."""
    spend = pd.DataFrame({"month": ["2026-01-01"], "category": ["ads"], "amount": [60]})
    tell.no_costs(open_shop({"orders": ORDERS, "spend": spend}, as_of="2026-01-31"))
    assert said(capsys) == ""
    tell.no_costs(open_shop({"orders": ORDERS}, as_of="2026-01-31"))
    assert said(capsys).startswith("Acquisition cost, value over cost and payback need a table")


def test_value_and_cost_of_all_customers_stand_in_one_row():
    number = pd.DataFrame({"value": [500.0], "low": [450.0], "high": [560.0], "n": [900]})
    times = pd.DataFrame({"value": [2.5], "low": [2.1], "high": [2.9], "n": [900]})
    back = pd.DataFrame({"value": [40.0], "low": [30.0], "high": [float("nan")], "n": [900], "note": "upper limit not within 365 days"})
    wide = tell.value_and_cost({"worth": number, "cost": number, "times": times, "back": back}, by=None, unit="$", days=365)
    assert list(wide) == ["value in 365 days (95% interval)", "n", "cost of winning one (95% interval)", "n (cost)",
                          "value over cost (95% interval)", "cost covered by"]
    assert wide["cost covered by"].item() == "day 40 (30 to later than 365)"
    assert wide["value over cost (95% interval)"].item().startswith("2.5 times")
    few = tell.value_and_cost({"worth": number, "cost": number, "times": times, "back": back.assign(n=3)}, by=None, unit="$", days=365)
    assert few["cost covered by"].item() == "too few customers to say"


def test_of_fewer_than_twenty_only_the_ends_are_said_and_of_fewer_than_five_nothing():
    years = pd.DataFrame({"rate": [0.6], "low": [0.36], "high": [0.8], "n": [15], "month": ["2025-12"]})
    assert tell.stayed(years) == "Between 36% and 80% of the customers of twelve months before December 2025 have stayed"
    times = pd.DataFrame({"source": ["ads", "tiny"], "value": [0.5, 0.02], "low": [0.3, 0.01], "high": [0.8, 0.04], "n": [9, 3]})
    (asked,) = tell.ask_price(times, by="source", days=180, margin=1)
    assert asked.startswith("ads: all revenue of a customer in 180 days is between 0.3 and 0.8 times what winning one costs.")
    curve = pd.DataFrame({"age": [0, 30], "value": [5, 119.4], "low": [3, 80.0], "high": [9, 150.0], "observed": [12, 9]})
    assert tell.brings(curve, unit="€", margin=1) == "On average a new customer brings between €80 and €150 of revenue in 30 days"
    assert tell.brings(curve.assign(observed=1), unit="€", margin=1) == "Too few customers to say"


def test_a_number_of_too_few_is_no_half_of_a_sentence(capsys):
    shop = open_shop({"orders": ORDERS}, as_of="2026-01-31", history_start="2026-01-01")
    now = pd.DataFrame({"number": ["closed deals that were won"], "now": ["too few"], "n": [3]})
    tell.headline(shop, card(), now, blind=0, back=card(), dried="")
    assert "closed deals that were won: too few to say." in said(capsys)


def test_the_largest_kind_of_customer_is_never_that_of_those_of_whom_it_is_not_known(capsys):
    kinds = pd.DataFrame({"segment": ["A", "B", "unknown"], "value": [50.0, 20, 19], "low": [45.0, 15, 18], "high": [55.0, 25, 20], "n": [300, 100, 600]})
    tell.largest(kinds, kinds[:0], unit="€")
    assert "30% of the new customers are A, who bring €50" in said(capsys)


def test_page_03_and_the_scorecard_are_named_only_where_they_have_a_rule(capsys):
    shop = open_shop({"orders": ORDERS}, as_of="2026-01-31")
    tell.no_retention(shop, ruled=False)
    assert said(capsys) == "Without contracts nobody says goodbye."
    tell.no_retention(shop, ruled=True)
    assert "page 03 has the rule" in said(capsys)


def test_spending_of_the_same_months_is_not_that_of_no_months_earlier():
    assert tell.bought_when(pd.DataFrame({"lag_months": [0]}), by=None, margin=1).endswith("spending is of the months in which they came")
    assert tell.bought_when(pd.DataFrame({"lag_months": [1]}), by=None, margin=1).endswith("spending is that of 1 month earlier")


def test_how_long_a_deal_takes_is_said_of_five_or_more(capsys):
    cycle = pd.DataFrame({"measure": ["median", "median_to_outcome"], "value": [30.0, 40], "low": [21.0, 30], "high": [50.0, 60], "n": [16, 40]}).set_index("measure")
    claims.time_to_win(cycle)
    assert said(capsys) == ("Of the deals that were won, the middle one took between 21 and 50 days (n = 16); "
                            "counting those still open, the middle one is decided after roughly 40 days (95% interval 30–60, n = 40).")
    claims.time_to_win(cycle.assign(n=4))
    assert said(capsys) == "Too few deals have been won to say how long it takes."


def deals(outcome: list[str], opened: str, **more: str) -> pd.DataFrame:
    """Sixty deals of a week each, every one opened on a day of its own."""
    days = pd.date_range(opened, periods=60, freq="7D")
    closed = (days + pd.Timedelta(days=7)).strftime("%Y-%m-%d")
    return pd.DataFrame({"deal_id": range(60), "rep": "ann", "outcome": (outcome * 60)[:60], "opened_at": days.strftime("%Y-%m-%d"), "closed_at": closed,
                         "amount": [100 + i % 7 for i in range(60)], "source": (["referral", "ads", "web"] * 20), **more})


def test_velocity_says_why_there_is_none(capsys):
    """Of deals of five years ago it read "no deal was opened 180 days ago or earlier"; of won ones alone pages 04 and 05 differed."""
    old = open_shop({"deals": deals(["won", "lost"], "2020-03-01")}, as_of="2025-12-31")
    selling.velocity(rk.sales_velocity(old).set_index("measure"), unit="")
    assert said(capsys) == "Not computed: no deal was opened from 2024-07-05 to 2025-07-04."
    won = open_shop({"deals": deals(["won"], "2024-09-01")}, as_of="2025-12-31")
    pace = rk.sales_velocity(won).set_index("measure")
    selling.velocity(pace, unit="")
    assert said(capsys) == "Not computed: no deal is recorded as lost: 60 won deals do not say how many were tried."
    assert pace["value"].isna().tolist() == [False, True, False, False, True, False]


def test_the_mix_of_segments_is_named_where_deals_have_one(capsys):
    for more, words in (({}, "are won, against 50% of the others: "), ({"segment": "A"}, "are won at the company's mix of segments, against")):
        shop = open_shop({"deals": deals(["won", "lost"], "2024-03-01", **more)}, as_of="2025-12-31")
        claims.referrals(rk.referral_gap(shop), rk.source_win_rates(shop), source="referral", mixed=shop.has("deals.segment"), days=180)
        assert words in (told := said(capsys))
        assert ("As they are the difference is" in told) is bool(more)
    few = open_shop({"deals": deals(["won", "lost"], "2024-03-01")[:10]}, as_of="2025-12-31")
    claims.referrals(rk.referral_gap(few), rk.source_win_rates(few), source="referral", mixed=False, days=180)
    assert "it takes five closed deals of the source referral" in said(capsys)  # it had a q


def test_a_referral_in_capitals_is_one_in_every_number(capsys):
    """Page 04 and a claim knew it; the comparison on page 05, and the claim about the others, did not."""
    table = deals(["won", "lost"], "2024-03-01")
    small, large = (open_shop({"deals": table.assign(source=table["source"].map(how))}, as_of="2025-12-31") for how in (str.lower, str.upper))
    gap = rk.referral_gap(large)
    assert (gap["source"].item(), gap["rate"].item()) == ("REFERRAL", rk.referral_gap(small)["rate"].item())
    claims.referrals(gap, rk.source_win_rates(large), source="referral", mixed=False, days=180)
    assert "deals from REFERRAL" in said(capsys)
    measured = [rk.claim_bench(shop).set_index("claim").loc[["referrals_close", "others_close"], "n"].tolist() for shop in (small, large)]
    assert measured[0] == measured[1]
    assert 0 not in measured[0]


def test_the_goal_that_is_shown_is_one_of_getting_better_in_a_year(capsys):
    shop = open_shop({"orders": ORDERS}, as_of="2026-01-31")
    numbers = pd.DataFrame({"value": [0.69, 0.04], "n": [900, 40], "kind": "proportion", "better": ["higher", "lower"]}, index=["churn.survival", "churn.monthly"])
    claims.no_goal(shop, numbers, segment="")
    assert 'metric = "churn.survival", target = 0.721, by = 2027-01-31.' in said(capsys)
    claims.no_goal(shop, numbers[1:], segment="")
    assert 'metric = "churn.monthly", target = 0.036,' in said(capsys)
    for none in (numbers.assign(n=4), numbers.assign(n=19), numbers.assign(value=0.0)):  # the target is the number and a tenth, and a tenth of none is none
        claims.no_goal(shop, none, segment="")
        assert said(capsys) == "No goal is set, and there is no number yet that one could be set for."


def test_no_score_is_blind_for_twice_of_nothing_is_nothing():
    score = {"news": "within the usual noise", "better": "higher", "value": 0.0, "noise_low": -20.0, "noise_high": 20.0}
    assert blind_numbers(pd.DataFrame([{**score, "kind": kind} for kind in ("score", "points")])) == 0
