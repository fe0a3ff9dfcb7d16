"""What may be said when there are few customers, in which words, and what is said of a claim."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retainkit.errors import RetainkitError
from retainkit.estimate.smalln import GATES, WIDTHS, in_words, judge, short_of, verdict

NAN = float("nan")


@pytest.mark.parametrize(
    ("said", "rate", "low", "high", "n", "at_risk", "kind"),
    [
        ("hidden", 0.5, 0.48, 0.52, 4, None, "proportion"),  # four customers, however narrow
        ("hidden", NAN, NAN, NAN, 0, None, "survival"),
        ("unknown", NAN, NAN, NAN, 400, 0, "survival"),  # past the last follow-up
        ("range", NAN, 0.97, 1.0, 536, None, "proportion"),  # weights carried the share past 1
        ("range", 0.62, 0.55, 0.70, 14, None, "survival"),  # 5 to 19 at the start
        ("range", 0.62, 0.55, 0.70, 19, 12, "survival"),
        ("number", 0.62, 0.55, 0.70, 20, 10, "survival"),
        ("range", 0.62, 0.55, 0.70, 300, 9, "survival"),  # 9 left at the horizon
        ("range", 0.62, 0.55, 0.70, 14, None, "proportion"),
        ("range", 700.0, 650.0, 750.0, 19, None, "money"),
        ("number", 14.0, 8.0, 20.0, 15, None, "score"),
        ("number", 0.5, 0.40, 0.60, 96, None, "proportion"),  # 10 points is still a headline
        ("number", 0.1, 0.0, 0.2, 96, None, "proportion"),
        ("rough", 0.5, 0.39, 0.61, 80, None, "proportion"),
        ("rough", 0.5, 0.30, 0.70, 24, None, "proportion"),
        ("range", 0.5, 0.29, 0.71, 22, None, "proportion"),
        ("number", 700.0, 600.0, 800.0, 900, None, "money"),
        ("rough", 700.0, 500.0, 900.0, 90, None, "money"),
        ("range", 700.0, 300.0, 1_100.0, 30, None, "money"),
        ("range", 3.0, 1.2, math.inf, 40, None, "ratio"),
    ],
)
def test_how_much_may_be_said(said, rate, low, high, n, at_risk, kind):
    assert judge(rate, low, high, n, at_risk=at_risk, kind=kind) == said


@pytest.mark.parametrize(
    ("words", "rate", "low", "high", "n", "more"),
    [
        ("22.8% (95% interval 22.2%–23.3%, n = 3,120)", 0.2279, 0.2221, 0.2334, 3_120, {}),
        ("25% (95% interval 21%–29%, n = 480)", 0.2487, 0.2119, 0.2891, 480, {}),  # never 24.87%
        ("22.81% (95% interval 22.77%–22.85%, n = 4,000,000)", 0.22811, 0.2277, 0.2285, 4_000_000, {}),
        ("roughly 25% (90% interval 12%–45%, n = 40)", 0.25, 0.12, 0.45, 40, {"level": 0.9}),
        ("between 41% and 83% (n = 14)", 0.62, 0.41, 0.83, 14, {"kind": "survival"}),
        ("too few to say (n < 5)", 1.0, 0.3, 1.0, 2, {}),
        ("not known yet (n = 400)", NAN, NAN, NAN, 400, {"kind": "survival", "at_risk": 0}),
        ("$720 (95% interval $670–$780, n = 1,500)", 723.4, 671.2, 781.9, 1_500, {"kind": "money", "unit": "$"}),
        ("EUR 72.34 (95% interval EUR 71.94–EUR 72.74, n = 9,000)", 72.34, 71.94, 72.74, 9_000,
         {"kind": "money", "unit": "EUR "}),
        ("$12,400 (95% interval $11,000–$13,800, n = 70)", 12_412.0, 11_033.0, 13_790.0, 70,
         {"kind": "money", "unit": "$"}),
        ("−$30 (95% interval −$35 to −$26, n = 70)", -30.4, -34.9, -25.6, 70, {"kind": "money", "unit": "$"}),
        ("310 days (95% interval 284–361, n = 228)", 310.0, 284.0, 361.0, 228, {"kind": "days"}),
        ("1.8 (95% interval 1.6–2.0, n = 500)", 1.83, 1.62, 2.04, 500, {"kind": "average"}),
        ("roughly 2.7 times (95% interval 1.4–4.9, n = 150)", 2.67, 1.44, 4.9, 150, {"kind": "ratio"}),
        ("above 1.2 times (n = 40)", 3.0, 1.2, math.inf, 40, {"kind": "ratio"}),
        ("+3.2 points (95% interval +0.3 to +6.1, n = 900)", 0.032, 0.003, 0.061, 900, {"kind": "points"}),
    ],
)  # fmt: skip
def test_an_estimate_in_words_has_no_more_digits_than_its_interval_supports(words, rate, low, high, n, more):
    assert in_words(rate, low, high, n, **more) == words


@given(st.floats(-1000, 1000), st.floats(0, 500), st.floats(0, 500), st.sampled_from(sorted(WIDTHS)))
def test_below_zero_stands_a_minus_sign_and_before_nothing_none(rate, below, above, kind):
    said = in_words(rate, rate - below, rate + above, 500, kind=kind, unit="$")
    assert "-" not in said
    assert kind == "points" or not re.search(r"−\$?0(\.0+)?(?![\d.,])", said)


@given(st.floats(0, 1), st.floats(0, 0.5), st.floats(0, 0.5), st.integers(0, 10_000), st.sampled_from(sorted(WIDTHS)))
def test_more_customers_and_a_narrower_interval_never_say_less(rate, below, above, n, kind):
    order = ["hidden", "range", "rough", "number"]

    def rank(half: float, customers: int) -> int:
        return order.index(judge(rate, rate - half * below, rate + half * above, customers, kind=kind))

    assert rank(0.5, n) >= rank(1.0, n)
    assert rank(1.0, n + 20) >= rank(1.0, n)
    assert in_words(rate, rate - below, rate + above, n, kind=kind)


@pytest.mark.parametrize(
    ("said", "low", "high"),
    [
        ("consistent with", 0.26, 0.34),
        ("consistent with", 0.25, 0.35),
        ("higher than claimed", 0.351, 0.40),
        ("lower than claimed", 0.10, 0.249),
        ("cannot tell", 0.10, 0.25),  # touches the edge
        ("cannot tell", 0.24, 0.30),
        ("cannot tell", 0.20, 0.40),  # wider than the claim
        ("cannot tell", NAN, NAN),
    ],
)
def test_a_claim_is_met_missed_or_left_open(said, low, high):
    assert verdict(low, high, 0.25, 0.35) == said
    assert said in ("consistent with", "higher than claimed", "lower than claimed", "cannot tell")


def test_a_claim_of_one_value_can_be_contradicted_but_not_met():
    assert verdict(0.30, 0.40, 0.75, 0.75) == "lower than claimed"
    assert verdict(0.70, 0.80, 0.75, 0.75) == "cannot tell"


def test_the_gates_of_the_ratio_are_thirty_ten_and_thirty():
    assert short_of({"cross_sells": 30, "late_cross_sells": 10, "observed_past": 30}) == []
    assert short_of({"cross_sells": 29, "late_cross_sells": 9, "observed_past": 29}) == [
        "needs 30 cross-sells up to the horizon, has 29",
        "needs 10 cross-sells after the early window, has 9",
        "needs 30 customers observed past the horizon, has 29",
    ]
    assert short_of({"expected_losses": NAN}) == ["needs 1 expected losses, has nan"]


def test_every_gate_says_what_it_counts_and_why():
    assert all(gate.least > 0 and gate.counted and gate.reason for gate in GATES.values())


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: short_of({"cross_sell": 3}), "gate: 'cross_sell' is not a gate"),
        (lambda: short_of({"cross_sell": 3}), "To fix it: cross_sells"),
        (lambda: judge(0.5, 0.4, 0.6, 50, kind="percent"), "kind: is not a kind of estimate. Found: percent"),
        (lambda: verdict(0.1, 0.2, 0.5, 0.4), "claim: begins above its end. Found: 0.5 to 0.4"),
    ],
)
def test_a_slip_in_a_name_or_a_claim_is_refused_in_words(call, words):
    with pytest.raises(RetainkitError) as caught:
        call()
    assert words in str(caught.value)


def test_ends_that_are_one_number_are_said_once():
    """Six deals of thirty days each "took between 30 and 30 days"."""
    assert in_words(30, 30, 30, 6, kind="days") == "30 days (n = 6)"
