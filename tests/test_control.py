"""A month is news only where chance would not put it: exact limits around twelve months or more."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from retainkit.estimate.control import control_limits

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
