"""The words of the scorecard's page where there is little: one number, none, and what nobody can know."""

from __future__ import annotations

import pandas as pd

from retainkit import open_shop
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
    assert tell.nobody_new(pd.Timestamp("2025-11-30"), "2026-01") == "Nobody has bought for the first time since November 2025."
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
    assert list(wide) == ["value in 365 days", "cost of winning one", "value over cost", "cost covered by"]
    assert wide["cost covered by"].item() == "day 40 (30 to later than 365)"
    assert wide["value over cost"].item().startswith("2.5 times")
