"""Intervals of proportions, differences, counts and rates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint, proportions_ztest

from retainkit.estimate import intervals as iv

counts = st.integers(1, 5_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(
    ("x", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_newcombe_s_published_intervals(x, n, low, high):
    assert iv.wilson(x, n) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("groups", "difference", "low", "high"),
    [((56, 70, 48, 80), 0.2, 0.0524, 0.3339), ((9, 10, 3, 10), 0.6, 0.1705, 0.8090),
     ((10, 10, 0, 20), 1.0, 0.6791, 1.0)],
)  # fmt: skip
def test_newcombe_gives_the_published_differences(groups, difference, low, high):
    assert iv.newcombe(*groups) == pytest.approx((difference, low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("exact", "rows"),
    [(True, {0: (0, 3.6889), 1: (0.0253, 5.5716), 5: (1.6235, 11.6683), 10: (4.7954, 18.3904)}),
     (False, {0: (0, 2.9957), 1: (0.05, 4.9319), 5: (1.832, 11.0824), 10: (5.0795, 17.8249)})],
)  # fmt: skip
def test_poisson_limits_are_the_published_exact_and_mid_p_ones(exact, rows):
    low, high = iv.poisson_interval(list(rows), exact=exact)
    np.testing.assert_allclose(np.transpose([low, high]), list(rows.values()), atol=6e-5)


def test_benjamini_hochberg_gives_the_published_q():
    p = [0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.216]
    q = [0.01, 0.04, 0.084, 0.084, 0.084, 0.1, 0.1057, 0.216, 0.216, 0.216]
    np.testing.assert_allclose(iv.benjamini_hochberg(p), q, atol=5e-5)


@given(counts, st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_agrees_with_statsmodels_holds_the_share_and_is_never_of_zero_width(row, level):
    x, n = row
    low, high = iv.wilson(x, n, level=level)
    assert (low, high) == pytest.approx(proportion_confint(x, n, 1 - level, "wilson"), abs=1e-12)
    assert 0 <= low <= x / n <= high <= 1
    assert low < high


@given(counts, counts)
def test_newcombe_holds_the_difference_and_turns_round_with_the_groups(one, two):
    difference, low, high = iv.newcombe(*one, *two)
    assert -1 <= low <= difference <= high <= 1
    assert iv.newcombe(*two, *one) == pytest.approx((-difference, -high, -low), abs=1e-12)


@given(counts, counts)
def test_the_two_proportion_p_is_the_pooled_score_test(one, two):
    (x1, n1), (x2, n2) = one, two
    p = iv.two_proportion_p(x1, n1, x2, n2)
    if 0 < x1 + x2 < n1 + n2:
        assert p == pytest.approx(proportions_ztest([x1, x2], [n1, n2])[1], abs=1e-9)
    else:
        assert p == 1


@given(st.lists(st.one_of(st.floats(0, 1), st.just(float("nan"))), max_size=30))
def test_benjamini_hochberg_agrees_with_statsmodels_and_passes_over_nan(p):
    values = np.array(p, dtype=float)
    q, tested = iv.benjamini_hochberg(values), ~np.isnan(values)
    assert np.isnan(q[~tested]).all()
    if tested.any():
        np.testing.assert_allclose(q[tested], multipletests(values[tested], method="fdr_bh")[1], atol=1e-12)


@given(st.integers(0, 100_000), st.sampled_from([0.8, 0.95, 0.998]))
def test_mid_p_poisson_limits_have_the_tails_they_promise_and_lie_inside_the_exact_ones(k, level):
    low, high = iv.poisson_interval(k, level=level)
    tail = (1 - level) / 2
    if k:
        assert stats.poisson.sf(k, low) + stats.poisson.pmf(k, low) / 2 == pytest.approx(tail, rel=1e-6)
    assert stats.poisson.cdf(k, high) - stats.poisson.pmf(k, high) / 2 == pytest.approx(tail, rel=1e-6)
    floor, ceiling = iv.poisson_interval(k, level=level, exact=True)
    assert floor <= low <= k < high < ceiling


@given(st.integers(0, 400), st.integers(0, 400), st.floats(1, 1e6), st.floats(1, 1e6))
def test_a_rate_ratio_has_the_mid_p_tails_it_promises(a, b, time1, time2):
    ratio, low, high = iv.rate_ratio(a, time1, b, time2)
    if a + b == 0:
        assert np.isnan([ratio, low, high]).all()
        return
    assert low <= ratio <= high
    share = [r * time1 / (r * time1 + time2) for r in (low, min(high, 1e300))]
    if a:
        assert stats.binom.sf(a, a + b, share[0]) + stats.binom.pmf(a, a + b, share[0]) / 2 == pytest.approx(0.025)
    if b:
        assert stats.binom.cdf(a, a + b, share[1]) - stats.binom.pmf(a, a + b, share[1]) / 2 == pytest.approx(0.025)
    assert np.isinf(high) == (b == 0)


def test_whole_columns_are_answered_at_once_and_scalars_stay_floats():
    low, high = iv.wilson([0, 15], np.array([20, 148]))
    assert low.shape == high.shape == (2,)
    assert isinstance(iv.wilson(1, 2)[0], float)
    assert iv.rate_ratio([1, 2], 10, [3, 0], [10, 20])[0].tolist() == [1 / 3, float("inf")]


def test_nobody_gives_nan_not_zero():
    assert np.isnan(iv.wilson(0, 0)).all()
    assert np.isnan(iv.newcombe(0, 0, 1, 2)).all()
    assert np.isnan(iv.two_proportion_p(0, 0, 1, 2))
    assert np.isnan(iv.rate_ratio(1, 0, 1, 5)).all()
    assert np.isnan(iv.log_log_interval([0, 1], 0.1)).all()
    assert np.isnan(iv.logit_interval([0, 1, -0.2], 0.1)).all()


# --- sums of amounts ----------------------------------------------------------------------------------------------

@given(st.integers(0, 200))
def test_amounts_of_one_each_are_a_count(count: int) -> None:
    got = iv.weighted_poisson_interval(count, count, typical=1, typical_square=1)
    assert got == pytest.approx(iv.poisson_interval(count, exact=True))


@given(st.lists(st.floats(0.5, 1e4), min_size=1, max_size=30), st.floats(0.01, 1e3))
def test_limits_of_money_do_not_depend_on_the_currency(amounts: list[float], rate: float) -> None:
    def limits(values: np.ndarray) -> tuple:
        return iv.weighted_poisson_interval(values.sum(), (values**2).sum(), typical=values.mean(), typical_square=(values**2).mean())

    here, there = limits(np.array(amounts)), limits(np.array(amounts) * rate)
    assert there == pytest.approx([rate * limit for limit in here], rel=1e-6)
    assert here[0] < sum(amounts) < here[1]


def test_where_nothing_was_lost_the_upper_limit_comes_from_what_could_have_been() -> None:
    low, high = iv.weighted_poisson_interval(0, 0, typical=250, typical_square=250**2)
    assert (low, high) == (0, pytest.approx(250 * iv.poisson_interval(0, exact=True)[1]))


@pytest.mark.slow
def test_a_month_that_loses_few_customers_of_uneven_value_keeps_its_promise() -> None:
    """700 customers, each lost with 1 % chance, worth very different amounts: 4,000 months."""
    chance = np.random.default_rng(5)
    worth = chance.lognormal(6, 1, 700)
    gone = chance.random((4_000, 700)) < 0.01
    lost, squares = gone @ worth, gone @ worth**2
    low, high = iv.weighted_poisson_interval(lost, squares, typical=worth.mean(), typical_square=(worth**2).mean())
    held = np.mean((low <= 0.01 * worth.sum()) & (0.01 * worth.sum() <= high))
    assert 0.93 <= held <= 0.98


# --- lopsided means -----------------------------------------------------------------------------------------------

@given(st.floats(-2, 2), st.floats(0.1, 30))
def test_limits_of_a_lopsided_mean_are_longer_on_its_long_side_and_turn_round_with_it(skew: float, se: float) -> None:
    low, high = iv.skewed_interval(1_000, se, skew=skew)
    turned = iv.skewed_interval(1_000, se, skew=-skew)
    assert (high - 1_000, 1_000 - low) == pytest.approx((1_000 - turned[0], turned[1] - 1_000), rel=1e-4)
    assert (high - 1_000 > 1_000 - low) == (skew > 0) or abs(skew) < 1e-5


def test_without_skew_they_are_the_usual_ones() -> None:
    assert iv.skewed_interval(10, 2, skew=0) == pytest.approx(stats.norm.interval(0.95, 10, 2), abs=1e-4)


@pytest.mark.slow
def test_the_mean_of_sixty_uneven_amounts_is_held_oftener_than_by_symmetric_limits() -> None:
    amounts = np.random.default_rng(3).lognormal(0, 1.1, (20_000, 60))
    mean, off = amounts.mean(axis=1), amounts - amounts.mean(axis=1, keepdims=True)
    squares, se, truth = (off**2).sum(axis=1), amounts.std(axis=1, ddof=1) / 60**0.5, np.exp(1.1**2 / 2)
    low, high = iv.skewed_interval(mean, se, skew=(off**3).sum(axis=1) / squares**1.5)
    assert 0.91 < np.mean((low <= truth) & (truth <= high)) < 0.96
    assert np.mean(np.abs(mean - truth) <= 1.96 * se) < 0.90
