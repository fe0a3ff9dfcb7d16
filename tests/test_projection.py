"""Renewal models: published fits, pooled cohorts, and a projection that is withheld unless it has earned its place."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from renewal_fits import Fit, fit_bdw, fit_sbg, model_survival
from scipy.optimize import minimize
from scipy.special import beta as beta_function

from retainkit.estimate.projection import hold_out, project
from retainkit.estimate.renewal import log_stay, resampled

# Fader and Hardie (2007): 1,000 customers a segment, seven renewals to fit on
REGULAR = [1000, 631, 468, 382, 326, 289, 262, 241]
HIGH_END = [1000, 869, 743, 653, 593, 551, 517, 491]


def table(kept: list[int], cohort: object = "a", first: int = 1) -> pd.DataFrame:
    """Survivors after each period, as the canonical table."""
    at_risk = kept[:-1]
    return pd.DataFrame({"cohort": cohort, "period": range(first, first + len(at_risk)), "at_risk": at_risk,
                         "lost": [n - after for n, after in zip(at_risk, kept[1:], strict=True)]})


def simulated(rng: np.random.Generator, *, cohorts: int = 16, size: int = 150, shock: int | None = None) -> pd.DataFrame:
    """Monthly cohorts of sBG customers, each followed to the same day; from period `shock` leaving becomes easier."""
    rows = []
    for cohort in range(cohorts):
        chance, here = rng.beta(0.8, 6.0, size), np.ones(size, dtype=bool)
        for period in range(1, cohorts - cohort + 1):
            p = chance if shock is None or period < shock else np.minimum(1, 3 * chance + 0.1)
            lost = here & (rng.random(size) < p)
            rows.append((cohort, period, int(here.sum()), int(lost.sum())))
            here &= ~lost
    return pd.DataFrame(rows, columns=["cohort", "period", "at_risk", "lost"])


@pytest.mark.parametrize(("kept", "alpha", "beta", "loglik", "later"), [
    (REGULAR, 0.704, 1.182, -1680.3, [22.0, 20.4, 19.1, 18.0, 17.0]),
    (HIGH_END, 0.668, 3.806, -1611.2, [46.0, 43.6, 41.4, 39.5, 37.8]),
])
def test_sbg_reproduces_fader_and_hardie(kept, alpha, beta, loglik, later):
    fit = fit_sbg(table(kept))
    assert (round(fit.alpha, 3), round(fit.beta, 3), round(fit.loglik, 1)) == (alpha, beta, loglik)
    assert (100 * model_survival(fit, np.arange(8, 13))).round(1).tolist() == later


@pytest.mark.parametrize(("kept", "parameters", "loglik", "later"), [
    (REGULAR, (0.456, 0.779, 1.283), -1679.6, None),
    (HIGH_END, (0.214, 1.427, 1.724), -1605.3, [46.8, 44.8, 43.2, 41.7, 40.4]),
])
def test_bdw_reproduces_the_reference_fit(kept, parameters, loglik, later):
    fit = fit_bdw(table(kept))
    assert (fit.alpha, fit.beta, fit.c) == pytest.approx(parameters, abs=0.0015)
    assert round(fit.loglik, 1) == loglik
    if later:
        assert (100 * model_survival(fit, np.arange(8, 13))).round(1).tolist() == later


def test_sbg_survival_by_hand():
    # alpha 1, beta 2: S(1) = 2/3; of those left the chance to stay is 3/4, then 4/5
    assert model_survival(Fit(1, 2), [0, 1, 2, 3]) == pytest.approx([1, 2 / 3, 1 / 2, 2 / 5])


def test_pooled_cohorts_of_different_ages_agree_with_a_likelihood_written_customer_by_customer():
    cohorts = [table([300, 200, 150, 120, 100], "old"), table([200, 140, 110], "mid"), table([80, 50], "new")]
    survivors = pd.concat(cohorts)

    def minus_log_lik(logs: np.ndarray) -> float:
        a, b = np.exp(logs)
        total = 0.0
        for rows in cohorts:
            for period, lost in zip(rows["period"], rows["lost"], strict=True):
                total += lost * np.log(beta_function(a + 1, b + period - 1) / beta_function(a, b))
            left = rows["at_risk"].iloc[-1] - rows["lost"].iloc[-1]
            total += left * np.log(beta_function(a, b + rows["period"].iloc[-1]) / beta_function(a, b))
        return -total

    found = minimize(minus_log_lik, [0, 0], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-10})
    fit = fit_sbg(survivors)
    assert (fit.alpha, fit.beta) == pytest.approx(np.exp(found.x), rel=1e-4)
    assert fit.loglik == pytest.approx(-found.fun, abs=1e-6)


def test_bdw_agrees_with_a_general_optimiser():
    kept, periods = np.array(HIGH_END, dtype=float), np.arange(1, 8)

    def minus_log_lik(logs: np.ndarray) -> float:
        stay = np.exp(log_stay(logs[None], periods)[0][0])
        return -float(((kept[:-1] - kept[1:]) * np.log(1 - stay) + kept[1:] * np.log(stay)).sum())

    found = minimize(minus_log_lik, [0, 0, 0], method="Nelder-Mead", options={"maxiter": 5000, "fatol": 1e-10})
    assert fit_bdw(table(HIGH_END)).loglik == pytest.approx(-found.fun, abs=1e-5)


@settings(deadline=None)
@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(-1, 1))
def test_survival_starts_at_one_and_never_rises_and_its_slopes_are_its_slopes(log_a, log_b, log_c):
    theta, ages = np.array([[log_a, log_b, log_c]]), np.arange(1, 9)
    survival = model_survival(Fit(*np.exp(theta[0])), np.arange(9))
    assert survival[0] == 1
    assert (np.diff(survival) <= 0).all()
    for k in range(3):
        step = np.eye(3)[k] * 1e-5
        slope = (log_stay(theta + step, ages)[0] - log_stay(theta - step, ages)[0]) / 2e-5
        assert log_stay(theta, ages)[1][..., k] == pytest.approx(slope, rel=1e-4, abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=4, max_size=8), st.integers(1, 200))
def test_splitting_a_cohort_changes_no_fit(lost, left):
    kept = [sum(lost[i:]) + left for i in range(len(lost) + 1)]
    half = [n // 2 for n in kept]
    rest = [n - h for n, h in zip(kept, half, strict=True)]
    split = pd.concat([table(half, "a"), table(rest, "b")])
    for fit in (fit_sbg, fit_bdw):
        assert fit(split).loglik == pytest.approx(fit(table(kept)).loglik, rel=1e-7)


def test_bdw_never_fits_worse_than_the_sbg_inside_it():
    for kept in (REGULAR, HIGH_END, [500, 460, 400, 310, 200, 120]):
        assert fit_bdw(table(kept)).loglik >= fit_sbg(table(kept)).loglik - 1e-6


def test_people_who_are_all_alike_give_a_constant_chance_and_no_failure():
    fit = fit_sbg(table([1000, 900, 810, 729, 656, 590]))
    assert model_survival(fit, [5])[0] == pytest.approx(0.59, abs=0.005)


def test_everybody_lost_is_a_fit_not_a_failure():
    assert model_survival(fit_sbg(table([100, 40, 10, 0])), [3])[0] < 0.05


def test_resampling_keeps_cohort_sizes_and_centres_on_the_counts():
    survivors = pd.concat([table([300, 200, 150, 120], "old"), table([90, 60], "late", first=2)])
    at_risk, lost = resampled(survivors, 4000, np.random.default_rng(1))
    assert (at_risk[:, 0] == 300).all()  # the late cohort comes into view in period 2
    assert lost.mean(axis=0) == pytest.approx([100, 80, 30], rel=0.02)
    assert at_risk.mean(axis=0) == pytest.approx([300, 290, 150], rel=0.02)
    assert lost[:, 0].var() == pytest.approx(300 / 9 * 2, rel=0.1)  # binomial(300, 1/3)


def test_the_hold_out_prediction_does_not_look_at_what_it_is_held_out_from():
    survivors = simulated(np.random.default_rng(2))
    later = survivors["period"] > 11  # 16 periods: the last 5 are held out
    shifted = survivors.assign(lost=survivors["lost"].where(~later, 0))
    before, after = (hold_out(t, draws=20) for t in (survivors, shifted))
    assert (before["rate"] == after["rate"]).all()
    assert before["period"].unique().tolist() == [12, 13, 14, 15, 16]


def test_the_model_is_chosen_by_what_it_predicts():
    survivors = simulated(np.random.default_rng(5))
    score = hold_out(survivors, draws=20).groupby("model")["log_score"].first()
    found = project(survivors, periods=30, draws=20)
    assert found.loc[found["chosen"], "model"].unique().tolist() == [score.idxmax()]
    assert set(found["model"]) == {"sBG", "BdW"}  # both are shown


def test_a_projection_holds_the_truth_and_starts_at_everybody():
    found = project(simulated(np.random.default_rng(6)), periods=48)
    truth = model_survival(Fit(0.8, 6.0), [48])[0]
    last = found[found["period"].eq(48) & found["model"].eq("sBG")].iloc[0]
    assert found["note"].eq("").all()
    assert last["low"] < truth < last["high"]
    assert found.loc[found["period"] == 0, ["rate", "low", "high"]].eq(1).all(axis=None)


def test_the_same_seed_gives_the_same_bands_and_another_seed_others():
    survivors = table(HIGH_END)
    first, again, other = (project(survivors, periods=12, draws=30, seed=seed) for seed in (4, 4, 5))
    pd.testing.assert_frame_equal(first, again)
    assert not first["low"].equals(other["low"])


def test_a_projection_that_misses_the_last_third_is_withheld():
    found = project(simulated(np.random.default_rng(4), shock=12), periods=24)
    assert found["note"].unique().tolist() == ["projection withheld: last periods not predicted"]
    assert re.fullmatch(r"Shown the first two thirds, the .* model \((sBG|BdW)\) said that [\d.]+% \(.*\) would be here after period \d+; [\d.]+% were\.", found["check"].iloc[0])
    assert found[["rate", "low", "high"]].isna().all(axis=None)


def test_one_period_missed_is_enough_to_withhold_a_projection():
    survivors = simulated(np.random.default_rng(4), shock=14)  # the first periods held out are still as they were
    held = hold_out(survivors, draws=40)
    inside = held.loc[held["model"] == held.sort_values("log_score")["model"].iloc[-1], "inside"]
    assert inside.any()
    assert not inside.all()
    assert project(survivors, periods=24, draws=40)["rate"].isna().all()


@pytest.mark.parametrize(("kept", "why"), [
    ([400, 300, 250, 220], "3 periods, where 4 are needed"), ([100, 95, 90, 86, 83], "17 losses, where 50 are needed"),
])
def test_too_little_is_said_and_nothing_is_projected(kept, why):
    found = project(table(kept), periods=12)
    assert found["note"].unique().tolist() == [f"projection withheld: {why}"]
    assert found["rate"].isna().all()
    assert not found["chosen"].any()
    assert hold_out(table(kept)).empty
