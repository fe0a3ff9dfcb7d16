"""The sentences of page 03 where there are few customers, or one of something."""

from __future__ import annotations

import pandas as pd
import pytest

import retainkit as rk
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


@pytest.mark.parametrize(("entered", "said"), [(0, "All contracts here began"), (1, "1 contract began before the recorded history and counts"),
                                               (2, "2 contracts began before the recorded history and count from")])
def test_one_contract_counts_and_two_count(shop, capsys, entered, said):
    staying.cautions(shop, rk.monthly_churn(shop), asked=30, age=30, rule={}, entered=entered)
    assert said in capsys.readouterr().out


def test_a_difference_of_less_than_a_day_keeps_its_sign(capsys):
    kept = pd.DataFrame({"segment": ["SMB"], "value": [29.0], "low": [28.6], "high": [29.3], "n": [800], "q": [0.001],
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


def test_where_no_rule_says_who_has_lapsed_it_is_said_of_no_day(capsys):
    staying.cautions(rk.open_shop({"contracts": BOOK}, as_of="2026-03-10"), pd.DataFrame({"n": []}), asked=365, age=30, rule={"days": float("nan")}, entered=None)
    assert "so it is said of day" not in capsys.readouterr().out
