"""Funnel limits: prediction limits at the expected value, never confidence limits of the observed one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from retainkit.errors import RetainkitError
from retainkit.estimate.funnel import binomial_limits, dispersion, poisson_limits, z_scores
from retainkit.estimate.intervals import poisson_interval

# OpenBUGS "Surgical": operations of twelve hospitals, and the limits at the overall share of deaths
OPERATIONS = [47, 148, 119, 810, 211, 196, 148, 215, 207, 97, 256, 360]
UPPER975 = [0.1464, 0.1152, 0.1202, 0.0918, 0.1087, 0.1102, 0.1152, 0.1085, 0.1092, 0.1247, 0.1055, 0.1007]
LOWER025 = [0, 0.0309, 0.0262, 0.0558, 0.0383, 0.0368, 0.0309, 0.0384, 0.0378, 0.0212, 0.0414, 0.0466]
UPPER999 = [0.2057, 0.1449, 0.1534, 0.1032, 0.1325, 0.1351, 0.1449, 0.1322, 0.1334, 0.1627, 0.1271, 0.1184]


def test_binomial_limits_reproduce_the_surgical_funnel():
    lines = binomial_limits(OPERATIONS, p0=0.0739161)
    assert lines["high95"].round(4).tolist() == UPPER975
    assert lines["low95"].round(4).tolist() == LOWER025
    assert lines["high998"].round(4).tolist() == UPPER999


def test_poisson_limits_reproduce_the_reference_predictions():
    lines = poisson_limits([15, 20, 30])
    assert lines["low95"].round(4).tolist() == [0.4907, 0.5603, 0.6411]
    assert lines["high95"].round(4).tolist() == [1.5055, 1.4373, 1.3572]


def test_confidence_limits_are_another_and_wrong_funnel():
    # what a chi-square funnel draws at E = 15: .5597 to 1.6493, and ours must not be that
    expected = np.array([15, 20, 30])
    wrong_low, wrong_high = (limit / expected for limit in poisson_interval(expected, exact=True))
    assert wrong_low.round(4).tolist() == [0.5597, 0.6108, 0.6747]
    assert wrong_high.round(4).tolist() == [1.6493, 1.5444, 1.4276]
    lines = poisson_limits(expected)
    assert (lines["high95"] < wrong_high - 0.05).all()
    assert (lines["low95"] < wrong_low - 0.03).all()


@pytest.mark.parametrize(("expected", "wrong"), [(3, 0.0038), (8, 0.0082), (30, 0.0148)])
def test_one_rep_in_forty_in_control_lies_above_our_line_and_far_fewer_above_the_wrong_one(expected, wrong):
    ours = poisson_limits(expected)["high95"][0] * expected
    theirs = poisson_interval(expected, exact=True)[1]
    assert stats.poisson.sf(np.ceil(ours) - 1, expected) == pytest.approx(0.028, abs=0.01)
    assert stats.poisson.sf(np.ceil(theirs) - 1, expected) == pytest.approx(wrong, abs=2e-4)


def test_a_limit_by_hand():
    # n 2, p0 1/2: P(0, 1, 2) = 1/4, 1/2, 1/4. P(R<=2) = 1 is the first >= .975, 1/10 of its step too much
    assert binomial_limits(2, p0=0.5)["high95"][0] == pytest.approx((2 - 0.025 / 0.25) / 2)


@settings(deadline=None)
@given(st.integers(1, 3000), st.floats(0.001, 0.999))
def test_interpolated_binomial_limits_lie_within_one_count_below_the_exact_quantile(n, p0):
    lines = binomial_limits(n, p0=p0)
    for name, q in {"low998": 0.001, "low95": 0.025, "high95": 0.975, "high998": 0.999}.items():
        exact = stats.binom.ppf(q, n, p0)
        assert max(exact - 1, 0) - 1e-6 <= lines[name][0] * n <= exact + 1e-6


@settings(deadline=None)
@given(st.floats(0.01, 2000))
def test_interpolated_poisson_limits_lie_within_one_count_below_the_exact_quantile(expected):
    lines = poisson_limits(expected)
    for name, q in {"low998": 0.001, "low95": 0.025, "high95": 0.975, "high998": 0.999}.items():
        exact = stats.poisson.ppf(q, expected)
        assert max(exact - 1, 0) - 1e-6 <= lines[name][0] * expected <= exact + 1e-6


@settings(deadline=None)
@example(1, 2.225e-308, 1.0)
@given(st.integers(1, 500), st.floats(0, 1), st.floats(0.5, 4))
def test_lines_are_nested_inside_the_unit_interval(n, p0, phi):
    row = binomial_limits(n, p0=p0, phi=phi).iloc[0]
    assert 0 <= row["low998"] <= row["low95"] <= row["high95"] <= row["high998"] <= 1


def test_over_dispersion_widens_by_its_root_and_only_above_1_3():
    plain, slight, wide = (poisson_limits(40, phi=phi).iloc[0] for phi in (1.0, 1.3, 1.44))
    assert (plain == slight).all()
    assert wide["high95"] - 1 == pytest.approx(1.2 * (plain["high95"] - 1))
    assert 1 - wide["low95"] == pytest.approx(1.2 * (1 - plain["low95"]))


def test_nothing_closed_or_expected_has_no_limits():
    assert binomial_limits([0], p0=0.3).drop(columns="n").isna().all(axis=None)
    assert poisson_limits([0]).drop(columns="expected").isna().all(axis=None)


def test_a_share_of_none_or_all_has_limits_there():
    assert binomial_limits(20, p0=0.0)["high998"][0] == 0
    assert binomial_limits(20, p0=1.0)["low998"][0] > 0.95


def test_z_scores_by_hand():
    assert z_scores(9, 4) == pytest.approx(2.5)
    assert z_scores([30], [20], variance=[16]).tolist() == [2.5]
    assert np.isnan(z_scores([0], [0])).all()


def test_dispersion_is_one_in_control_whatever_is_trimmed_and_finds_clusters():
    z = np.random.default_rng(1).standard_normal(20_000)
    assert dispersion(z) == pytest.approx(1, abs=0.03)
    assert dispersion(1.5 * z) == pytest.approx(2.25, abs=0.06)


def test_dispersion_is_not_moved_by_a_few_offenders():
    z = np.random.default_rng(2).standard_normal(200)
    assert dispersion(np.append(z, [9, 9, 9])) == pytest.approx(dispersion(z), abs=0.12)
    assert (np.append(z, [9, 9, 9]) ** 2).mean() > 1.8


def test_dispersion_leaves_out_reps_without_a_z_and_needs_two():
    assert dispersion([1.0, -1.0, np.nan]) == dispersion([1.0, -1.0])
    assert np.isnan(dispersion([1.0, np.nan]))


@pytest.mark.parametrize(("call", "words"), [
    (lambda: binomial_limits(10, p0=1.2), "p0: must lie between 0 and 1"),
    (lambda: binomial_limits(10.5, p0=0.2), "n: must be whole numbers"),
    (lambda: poisson_limits(-1), "expected: must not be negative"),
    (lambda: poisson_limits(1, phi=0), "phi: must be more than 0"),
])
def test_impossible_requests_are_refused_in_words(call, words):
    with pytest.raises(RetainkitError, match=words):
        call()
