"""BG/NBD and Gamma-Gamma: the published CDNOW numbers, and the constant-habits funnel against simulated customers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, gamma

from retainkit.errors import RetainkitError
from retainkit.estimate.repeat_buying import (
    BGNBD,
    GammaGamma,
    expected_funnel,
    expected_orders,
    expected_value,
    fit_bg_nbd,
    fit_gamma_gamma,
    p_alive,
)

CDNOW_FILE = Path(__file__).parents[1].parent / "shared" / "data" / "cdnow" / "CDNOW_sample.txt"
CDNOW = BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426, loglik=-9582.4)  # Fader, Hardie and Lee (2005), weeks
CDNOW_VALUES = GammaGamma(p=6.25, q=3.74, v=15.44, loglik=0.0)
BUYERS = pd.DataFrame({"x": [0, 1, 2, 5], "t_x": [0, 20, 60, 95], "T": 100, "n": [60, 20, 12, 8]})


@pytest.fixture(scope="module")
def cdnow() -> pd.DataFrame:
    return calibration(CDNOW_FILE)


def calibration(path: Path) -> pd.DataFrame:
    """The first 39 weeks: one row a customer."""
    if not path.exists():
        pytest.skip("the CDNOW file is not here")
    rows = pd.read_csv(path, sep=r"\s+", header=None, names=["master", "who", "on", "units", "usd"])
    rows["on"] = pd.to_datetime(rows["on"], format="%Y%m%d")
    end = pd.Timestamp("1997-09-30")
    days = rows[rows["on"] <= end].groupby(["who", "on"])["usd"].sum().reset_index()
    first = days.groupby("who")["on"].transform("min")
    days["again"] = days["usd"].where(days["on"] > first)
    who = days.groupby("who").agg(first=("on", "min"), last=("on", "max"), x=("again", "count"), m=("again", "mean"))
    return pd.DataFrame({"x": who["x"], "t_x": (who["last"] - who["first"]).dt.days / 7,
                         "T": (end - who["first"]).dt.days / 7, "m": who["m"], "n": 1})


def test_bg_nbd_reproduces_the_published_cdnow_fit(cdnow):
    counted = cdnow.groupby(["x", "t_x", "T"])["n"].sum().reset_index()
    fit = fit_bg_nbd(counted)
    assert counted["n"].sum() == 2357
    assert (fit.r, fit.alpha, fit.a, fit.b) == pytest.approx((0.243, 4.414, 0.793, 2.426), abs=6e-4)
    assert round(fit.loglik, 1) == -9582.4


def test_gamma_gamma_reproduces_the_published_cdnow_fit(cdnow):
    assert (cdnow["x"] > 0).sum() == 946
    fit = fit_gamma_gamma(cdnow)
    assert (fit.p, fit.q, fit.v) == pytest.approx((6.25, 3.74, 15.44), abs=0.006)


def test_conditional_expectation_reproduces_the_published_customer():
    assert expected_orders(CDNOW, 2, 30.43, 38.86, within=39) == pytest.approx(1.226, abs=6e-4)


def test_p_alive_reproduces_the_reference_customer():
    assert p_alive(CDNOW, 23, 39, 39) == pytest.approx(0.9686, abs=5e-5)


@pytest.mark.parametrize(("x", "m", "value"), [(2, 22.35, 24.65), (1, 11.77, 18.91), (0, 0, 35.17), (7, 73.74, 71.46)])
def test_gamma_gamma_conditional_means_reproduce_the_published_ones(x, m, value):
    assert expected_value(CDNOW_VALUES, x, m) == pytest.approx(value, abs=0.05)  # the parameters are rounded


def test_the_likelihood_is_that_of_a_buyer_averaged_over_rates_and_chances():
    fit = fit_bg_nbd(BUYERS)
    share = (np.arange(200_000) + 0.5) / 200_000
    rate, stops = gamma.ppf(share, fit.r, scale=1 / fit.alpha), beta.ppf(share, fit.a, fit.b)

    def chance(x: int, t_x: float, T: float) -> float:
        """Density of x purchases, the last at t_x, until T: still buying, or stopped after the last."""
        buying = (rate**x * np.exp(-rate * T)).mean() * ((1 - stops) ** x).mean()
        return buying + ((rate**x * np.exp(-rate * t_x)).mean() * (stops * (1 - stops) ** (x - 1)).mean() if x else 0)

    by_hand = sum(row.n * np.log(chance(row.x, row.t_x, row.T)) for row in BUYERS.itertuples())
    assert fit.loglik == pytest.approx(by_hand, abs=1e-3)


def simulated(fit: BGNBD, n: int, purchases: int, seed: int) -> np.ndarray:
    """Days of each customer's repeat purchases, infinite once they have stopped."""
    rng = np.random.default_rng(seed)
    rate, stops = rng.gamma(fit.r, 1 / fit.alpha, n), rng.beta(fit.a, fit.b, n)
    times = np.cumsum(rng.exponential(size=(n, purchases)) / rate[:, None], axis=1)
    going = np.cumprod(rng.random((n, purchases)) > stops[:, None], axis=1)  # the coin is tossed after each repeat
    times[:, 1:][going[:, :-1] == 0] = np.inf
    return times


def test_the_constant_habits_funnel_is_what_simulated_customers_do():
    times = simulated(CDNOW, 300_000, 6, seed=1)
    days = np.column_stack([np.zeros(len(times)), times])
    expected = expected_funnel(CDNOW, within=26, horizon=39, k=5)["rate"]
    for k in range(5):
        reached = days[:, k] <= 39
        next_one = days[reached, k + 1] <= days[reached, k] + 26
        assert next_one.mean() == pytest.approx(expected[k], abs=4 * 0.5 / np.sqrt(reached.sum()))


def test_rising_chances_come_from_selection_alone():
    rates = expected_funnel(CDNOW, within=26, horizon=52, k=8)["rate"]
    assert (np.diff(rates) > 0).all()


def test_expected_orders_and_p_alive_are_what_simulated_customers_do():
    times = simulated(CDNOW, 400_000, 60, seed=2)
    alike = (times <= 39).sum(axis=1) == 2
    alike &= (times[:, 1] > 20) & (times[:, 1] <= 39)
    later = ((times[alike] > 39) & (times[alike] <= 78)).sum(axis=1)
    last = times[alike, 1]
    assert later.mean() == pytest.approx(expected_orders(CDNOW, 2, last, 39, within=39).mean(), abs=0.03)
    assert np.isfinite(times[alike, 2]).mean() == pytest.approx(p_alive(CDNOW, 2, last, 39).mean(), abs=0.01)


def test_counted_buyers_and_days_for_weeks_change_nothing_that_should_not_change():
    fit = fit_bg_nbd(BUYERS)
    uncounted = fit_bg_nbd(BUYERS.loc[BUYERS.index.repeat(BUYERS["n"])].assign(n=1))
    slow = fit_bg_nbd(BUYERS.assign(t_x=BUYERS["t_x"] * 7, T=BUYERS["T"] * 7))
    assert uncounted.loglik == pytest.approx(fit.loglik, rel=1e-9)
    assert slow.alpha == pytest.approx(7 * fit.alpha, rel=1e-3)
    assert (expected_orders(slow, 2, 420, 700, within=70)
            == pytest.approx(expected_orders(fit, 2, 60, 100, within=10), rel=1e-3))


def test_money_in_cents_gives_the_same_customers_in_cents():
    values = pd.DataFrame({"x": [1, 1, 5, 5], "m": [15.0, 90.0, 20.0, 70.0], "n": 10})
    euros, cents = fit_gamma_gamma(values), fit_gamma_gamma(values.assign(m=values["m"] * 100))
    assert expected_value(cents, 3, 4000) == pytest.approx(100 * expected_value(euros, 3, 40), rel=1e-4)


@settings(deadline=None)
@given(st.floats(0.1, 3), st.floats(1, 50), st.floats(0.2, 4), st.floats(0.3, 6), st.integers(1, 20), st.floats(0.1, 1))
def test_expectations_stay_in_their_bounds_and_grow_with_the_window(r, alpha, a, b, x, when):
    fit = BGNBD(r, alpha, a, b, 0.0)
    near, far = (expected_orders(fit, x, 50 * when, 50, within=w) for w in (10, 40))
    assert 0 <= near <= far
    assert 0 < p_alive(fit, x, 50 * when, 50) < 1
    assert p_alive(fit, 0, 0, 50) == 1
    funnel = expected_funnel(fit, within=30, horizon=90)["rate"]
    assert funnel.between(0, 1).all()


def test_stopping_chances_that_average_to_a_singular_formula_are_still_answered():
    beside, *at = (expected_orders(BGNBD(0.5, 10, a, 2, 0), 2, 30, 40, within=20) for a in (1.001, 1.0, 0.99999))
    assert at == pytest.approx([beside, beside], rel=1e-3)


def test_gamma_gamma_without_a_mean_says_so():
    assert np.isnan(expected_value(GammaGamma(2.0, 0.9, 10.0, 0.0), 0, 0))


def test_an_order_value_of_zero_is_refused_in_words():
    with pytest.raises(RetainkitError, match=r"values.m: must be above zero for those who bought again"):
        fit_gamma_gamma(pd.DataFrame({"x": [1, 2], "m": [0.0, 10.0], "n": 1}))
