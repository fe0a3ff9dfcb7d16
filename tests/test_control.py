"""A month is news only where chance would not put it: exact limits around twelve months or more."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from retainkit.estimate.control import control_limits, value_limits

YEAR = pd.DataFrame({"hits": [21, 27, 24, 22, 25, 23, 26, 22, 25, 24, 20, 29], "n": 100})


def test_the_limits_are_the_exact_quantiles_of_a_binomial():
    got = control_limits(YEAR, sizes=[100, 400])
    for row in got.itertuples():
        low, high = binom.ppf([0.001, 0.999], row.n, row.usual)
        assert (low - 1) / row.n < row.low <= low / row.n  # interpolated between two counts
        assert high / row.n <= row.high < (high + 1) / row.n  # so many come more often than once in 1,000
    assert (got["high"] - got["low"]).is_monotonic_decreasing


def test_a_month_lies_outside_only_where_chance_would_not_put_it_once_in_a_thousand():
    year = pd.DataFrame({"hits": [3, 2, 1, 3, 1, 5, 3, 3, 1, 3, 4, 2], "n": [5, 3, 4, 4, 3, 8, 4, 7, 3, 4, 6, 2]})
    for row in control_limits(year, sizes=range(1, 60)).itertuples():
        share = np.arange(row.n + 1) / row.n
        out = binom.pmf(np.arange(row.n + 1), row.n, row.usual)[(share < row.low) | (share > row.high)]
        assert out.sum() <= 0.002  # in a month of four, all of them staying is no news


def test_hits_and_misses_are_treated_alike():
    a, b = control_limits(YEAR, sizes=[7, 80]), control_limits(YEAR.assign(hits=YEAR["n"] - YEAR["hits"]), sizes=[7, 80])
    assert (a["low"] + b["high"]).to_numpy() == pytest.approx(1)


def test_months_that_spread_more_than_chance_push_the_limits_out():
    wild = YEAR.assign(hits=[5, 43, 24, 10, 38, 23, 26, 8, 40, 24, 6, 41])
    assert wild["hits"].sum() == YEAR["hits"].sum()
    calm, wide = control_limits(YEAR, sizes=[100]).iloc[0], control_limits(wild, sizes=[100]).iloc[0]
    assert wide["high"] - wide["usual"] > 2 * (calm["high"] - calm["usual"])


def test_months_that_spread_less_than_chance_do_not_pull_them_in():
    still = YEAR.assign(hits=24)
    assert control_limits(still, sizes=[100])["high"].iloc[0] == control_limits(YEAR, sizes=[100])["high"].iloc[0]


@pytest.mark.parametrize(("baseline", "why"), [
    (YEAR.head(11), "needs 12 baseline months, has 11"),
    (YEAR.assign(n=YEAR["n"].where(YEAR.index > 0, 0), hits=YEAR["hits"].where(YEAR.index > 0, 0)), "needs 12 baseline months, has 11"),
    (YEAR.assign(hits=[0] * 11 + [9]), "needs 10 events in each window, has 9"),
    (YEAR.assign(hits=[100] * 11 + [95]), "needs 10 events in each window, has 5"),
    (YEAR.head(0), "needs 12 baseline months, has 0"),
])
def test_too_little_to_compare_with_gives_no_limits_and_says_why(baseline, why):
    row = control_limits(baseline, sizes=[100]).iloc[0]
    assert np.isnan(row["low"])
    assert np.isnan(row["high"])
    assert row["note"] == why


def test_in_months_of_one_true_share_five_in_a_thousand_or_fewer_lie_outside():
    rng, out = np.random.default_rng(6), 0
    for _ in range(400):
        hits = rng.binomial(150, 0.25, size=25)
        limits = control_limits(pd.DataFrame({"hits": hits[:24], "n": 150}), sizes=[150]).iloc[0]
        out += not limits["low"] <= hits[24] / 150 <= limits["high"]
    assert out <= 5  # 400 times .0045 is 2; six or more would be one seed in seventy


def test_a_month_that_lost_nothing_is_no_news_where_sums_are_small():
    small, steady = [0.0, 0.02, 0.01, 0.03, 0.0, 0.01] * 2, [0.04, 0.05, 0.045] * 4
    assert value_limits(small, of="sum")["low"] == 0
    assert value_limits(steady, of="sum")["low"] > 0


def test_a_month_that_won_nobody_is_news_only_where_months_win_many():
    few, many = [100 / n for n in (1, 3, 2, 1, 4, 2) * 2], [100 / n for n in (90, 110, 100, 95) * 3]
    assert value_limits(few, of="cost")["high"] == float("inf")
    assert value_limits(many, of="cost")["high"] < 2


@pytest.mark.parametrize("of", ["average", "sum", "cost"])
def test_the_unit_of_money_changes_no_verdict(of):
    year = np.array([3.0, 4, 5, 4, 6, 3, 4, 5, 4, 5, 6, 4])
    cents, euros = value_limits(100 * year, of=of), value_limits(year, of=of)
    assert [cents[name] for name in ("usual", "low", "high")] == pytest.approx([100 * euros[name] for name in ("usual", "low", "high")])
