"""The sentences of page 03 where there are few customers, or one of something."""

from __future__ import annotations

import pandas as pd
import pytest

import retainkit as rk
from retainkit.show.card import card_numbers, card_table
from retainkit.tell import staying

BOOK = pd.DataFrame({"contract_id": [1, 2, 3], "customer_id": ["ann", "bob", "cy"], "started_at": ["2026-01-05", "2026-01-20", "2026-02-01"],
                     "ended_at": ["2026-02-10", None, None], "cancel_requested_at": ["2026-02-01", None, None]})


@pytest.fixture
def shop():
    return rk.open_shop({"contracts": BOOK}, as_of="2026-03-10")


def test_of_fewer_than_five_customers_no_share_is_said(shop, capsys):
    staying.early(shop, rk.early_cancellation(shop, horizons=[30]), early_days=60)
    staying.under_contract(rk.contract_survival(shop, horizons=[30]), rk.monthly_churn(shop), ends=1)
    staying.cancelled(shop, rk.monthly_churn(shop), rk.monthly_cancellation(shop))
    staying.revenue_kept(pd.DataFrame({"measure": ["grr", "nrr"], "value": [0.5, 0.75], "low": 0.1, "high": 0.9, "n": 3}))
    assert "%" not in (said := capsys.readouterr().out)
    assert "Too few were here when February 2026 began to say how many of them were lost." in said


def test_revenue_kept_is_said_no_more_exactly_than_its_interval_supports(capsys):
    staying.revenue_kept(pd.DataFrame({"measure": ["grr", "nrr"], "value": [0.6, 0.9], "low": [0.3, 0.86], "high": [0.8, 0.94], "n": 60}))
    assert "twelve months ago, between 30% and 80% is still paid" in (said := capsys.readouterr().out)
    assert "and 90% with what they added" in said


def test_revenue_of_those_who_came_back_and_contracts_of_unknown_value_are_said(capsys):
    """A shop with 40 unpriced contracts of 278, and one whose customers had left and come back, read like any other."""
    kept = pd.DataFrame({"measure": ["grr", "nrr"], "value": [0.6, 0.9], "low": [0.55, 0.86], "high": [0.65, 0.94], "n": 60, "opening": 400,
                         "came_back": [float("nan"), 50], "note": "left out: 21 customers of unknown value"})
    staying.revenue_kept(kept)
    said = capsys.readouterr().out
    assert "with what they added since (net; 12.5 points of it from customers who left and came back)." in said
    assert "Left out: 21 customers of unknown value." in said
    staying.revenue_kept(kept.assign(came_back=0, note=""))
    assert len(capsys.readouterr().out.splitlines()) == 1


@pytest.mark.parametrize(("entered", "said"), [(0, "All contracts here began"), (1, "1 contract began before the recorded history and counts"),
                                               (2, "2 contracts began before the recorded history and count from")])
def test_one_contract_counts_and_two_count(shop, capsys, entered, said):
    staying.cautions(shop, rk.monthly_churn(shop), asked=30, age=30, rule={}, entered=entered)
    assert said in capsys.readouterr().out


def test_a_difference_of_less_than_a_day_keeps_its_sign(capsys):
    kept = pd.DataFrame({"segment": ["SMB"], "value": [29.0], "low": [28.6], "high": [29.3], "n": [800], "at_risk": 300, "q": [0.001],
                         "difference": [-0.6], "difference_low": [-1.1], "difference_high": [-0.1]})
    assert staying.days_apart(kept).iloc[0, 3] == "−0.6 (−1.1 to −0.1)"
    staying.longer(kept, age=30)
    assert "SMB stays 0.6 days less than the others." in capsys.readouterr().out


def test_a_segment_without_orders_is_not_a_shop_without_them(capsys):
    people = pd.DataFrame({"customer_id": ["ann", "bob", "cy", "dee"], "segment": ["A", "A", "A", "B"]})
    orders = pd.DataFrame({"order_id": [1], "customer_id": ["dee"], "amount": [5], "ordered_at": ["2026-01-01"]})
    shop = rk.open_shop({"contracts": BOOK, "customers": people, "orders": orders}, as_of="2026-03-10").only(segment="A")
    staying.lacking(shop, "A", "orders")
    assert "No customer of the segment A has an order." in capsys.readouterr().out


def test_one_more_loss_is_said_of_a_base_that_it_moves(capsys):
    """With 2,550 customers "small and noisy" stood beside "moves it by 0.04 points"."""
    for base, words in ((18, "noisy: with 18 customers at its start, one more loss moves it by 5.56 points."), (2550, "noisy.")):
        staying.cautions(rk.open_shop({"contracts": BOOK}, as_of="2026-03-10"), pd.DataFrame({"n": [base]}), asked=30, age=30, rule={}, entered=0)
        assert f"2. A month's churn is small and {words}\n" in capsys.readouterr().out


def test_of_fewer_than_twenty_under_contract_no_share_is_said(shop, capsys):
    for n, words in ((16, "would call 6 at X = 42 lapsed"), (20, "would call 6 (30%) at X = 42 lapsed")):
        staying.wrong_about(shop, pd.DataFrame({"n": [n], "past": 6, "rate": [6 / n], "lapse_days": 42}))
        assert words in capsys.readouterr().out


def test_of_how_many_gaps_a_rule_is_made_is_said_and_which_rule_nobody_was_followed_for(capsys):
    """Two gaps chose a rule in silence, and of double the rule the page had no row and no word."""
    rule = {"days": 40.0, "chosen_by": "90% of the gaps are over then", "gaps": 2, "running": 1}
    staying.lapse_rule(pd.Series(rule))
    staying.lapse_rule(pd.Series({**rule, "gaps": 20, "running": 1306}))
    staying.lapse_rule(pd.Series({**rule, "chosen_by": "given", "gaps": 0}))
    few, enough, given = capsys.readouterr().out.splitlines()
    assert few.endswith("over then (of 2 gaps that are over, and 1 that still run, too few for more than a guess).")
    assert enough.endswith("(of 20 gaps that are over, and 1,306 that still run).")
    assert given == "X = 40 days: given."
    staying.unlapsed(pd.DataFrame({"lapse_days": [20, 40, 40]}), pd.DataFrame({"lapse_days": [20, 40, 80]}))
    assert capsys.readouterr().out == "Nobody has been followed for long enough to say how many have not lapsed by X = 80.\n"


def test_where_no_rule_says_who_has_lapsed_it_is_said_of_no_day(capsys):
    staying.cautions(rk.open_shop({"contracts": BOOK}, as_of="2026-03-10"), pd.DataFrame({"n": []}), asked=365, age=30, rule={"days": float("nan")}, entered=None)
    assert "so it is said of day" not in capsys.readouterr().out


@pytest.fixture
def late():
    """400 contracts begun 7 to 13 months before the history, and of them only those that had not ended by then."""
    days, begun = range(400), pd.Timestamp("2024-01-01")
    start = [begun - pd.Timedelta(days=210 + i * 193 % 180) for i in days]
    end = [day + pd.Timedelta(days=1 + i * 211 % 1200) for i, day in zip(days, start, strict=True)]
    book = pd.DataFrame({"contract_id": days, "customer_id": days, "started_at": start, "ended_at": end, "monthly_value": 100})
    book = book[book["ended_at"] >= begun].assign(ended_at=lambda b: b["ended_at"].where(b["ended_at"] <= pd.Timestamp("2026-10-31")))
    return rk.open_shop({"contracts": book}, as_of="2026-10-31", history_start="2024-01-01")


def test_of_whom_a_curve_of_late_arrivals_speaks_is_said_wherever_its_number_is(late, capsys):
    """S(365 | here at day 191) stood on the page, the card, the scorecard and in metrics.csv as S(365)."""
    still = rk.contract_survival(late, horizons=[365])
    day = still["given"].iloc[0]
    assert day > 200
    staying.under_contract(still, rk.monthly_churn(late), ends=1)
    assert f"of those still here at day {day} were still under contract." in capsys.readouterr().out
    assert staying.still_here(still).endswith(f" of those still here at day {day} are still here after 365 days")
    assert f"given still here at day {day}" in rk.numbers(still)["note"].iloc[0]
    card = rk.scorecard(late).query("metric == 'churn.survival'")
    assert card_table(card)["now"].iloc[0].endswith(f", given still here at day {day}")
    assert card_numbers(card)["churn.survival"]["note"].iloc[0] == f"given still here at day {day}"


def test_of_early_cancellations_that_nobody_could_see_no_share_is_said(late, capsys):
    """"By day 730, leaving within 60 days has taken 0% of all customers" was said of contracts seen from day 191 on."""
    causes = rk.early_cancellation(late, horizons=[60, 365, 730])
    assert causes.loc[causes["cause"] == "early_cancel", ["rate", "low", "high"]].isna().all(axis=None)
    staying.early(late, causes.dropna(subset=["rate"]), early_days=60)
    assert "%" not in (said := capsys.readouterr().out)
    assert "How many left early cannot be said" in said


def test_where_nobody_is_left_no_range_is_called_usual():
    """The title said "now nan% to nan% is usual" of a month that began with nobody."""
    months = pd.DataFrame({"month": ["2026-09", "2026-10"], "rate": [0.1, None], "low998": [0.0, None], "high998": [0.4, None]})
    limits = pd.DataFrame({"low": [0.0, None], "high": [0.4, None], "note": ""})
    assert staying.unusual(months, limits) == "No month is outside of what chance explains"


def test_of_whom_a_curve_speaks_is_no_column_where_it_speaks_of_everybody(shop, late):
    tables = [rk.shown(rk.contract_survival(s, horizons=[365]).drop(columns="note"), kind="survival") for s in (shop, late)]
    assert ["of those still here at day" in table for table in tables] == [False, True]
