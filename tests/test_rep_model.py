"""The joint rep model: the Surgical hospitals, brute force, laws, and the words that may be said of a rep."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from scipy.stats import binom, nchypergeom_fisher

from retainkit.estimate import rep_grid
from retainkit.estimate.case_mix import expected_wins
from retainkit.estimate.rep_grid import along, centres
from retainkit.estimate.rep_model import QUADRANTS, _of_deals, _of_losses, joint_rep_model, rep_words
from tests.truth import reps as truth

# OpenBUGS "Surgical": operations and deaths of twelve hospitals, and its posterior means
OPERATIONS = [47, 148, 119, 810, 211, 196, 148, 215, 207, 97, 256, 360]
DEATHS = [0, 18, 8, 46, 8, 13, 9, 31, 14, 8, 29, 24]
OPENBUGS = [0.0528, 0.103, 0.07071, 0.05925, 0.05147, 0.06915, 0.06683, 0.1237, 0.06967, 0.07849, 0.1022, 0.06865]
QUADRATURE = [0.0532, 0.1032, 0.0707, 0.0593, 0.0518, 0.0693, 0.0667, 0.1231, 0.07, 0.0785, 0.1021, 0.0685]
NO_CHURN = pd.DataFrame({"rep": [], "observed": [], "expected": []})


def gamma_precision(spread: np.ndarray) -> np.ndarray:
    """Log density of a spread whose precision is gamma(.001, .001), the prior of the OpenBUGS example."""
    return -1.002 * np.log(spread) - 0.001 / spread**2


def company(seed: int, *, reps: int = 12, deals: int = 80, expected: float = 8.0, u: object = None, v: object = None):
    """Deals of two strata and losses of reps whose effects are u and v."""
    rng = np.random.default_rng(seed)
    u, v = (np.zeros(reps) if effect is None else np.asarray(effect, dtype=float) for effect in (u, v))
    table = pd.DataFrame({"rep": np.repeat(np.arange(reps), 2), "offset": [-1.5, -0.5] * reps, "n": deals // 2})
    table["won"] = rng.binomial(table["n"], expit(table["offset"] + np.repeat(u, 2)))
    return table, pd.DataFrame({"rep": range(reps), "observed": rng.poisson(expected * np.exp(v)), "expected": expected})


def test_one_margin_reproduces_the_surgical_hospitals(monkeypatch):
    fits = []
    fit_grid = rep_grid.fit_grid
    monkeypatch.setattr("retainkit.estimate.rep_model.fit_grid", lambda *a, **k: fits.append(fit_grid(*a, **k)) or fits[-1])
    offset = logit(sum(DEATHS) / sum(OPERATIONS))
    deals = pd.DataFrame({"rep": range(12), "offset": offset, "won": DEATHS, "n": OPERATIONS})
    monkeypatch.setattr(rep_grid, "MEAN_SD", 10.0)
    monkeypatch.setattr(rep_grid, "spread_prior", gamma_precision)
    model = joint_rep_model(deals, NO_CHURN)
    rates = model.reps["rate"].to_numpy()
    assert rates == pytest.approx(QUADRATURE, abs=0.0001)
    assert rates == pytest.approx(OPENBUGS, abs=0.0006)
    company = model.company.set_index("quantity")["value"]
    assert company["win_rate"] == pytest.approx(0.07258, abs=0.0003)
    assert company["s_u"] == pytest.approx(0.4077, abs=0.0045)
    means = centres(fits[0].edges[0])
    assert company["win_rate"] == pytest.approx(expit(offset + means) @ along(fits[0].weights, 0))


def test_two_reps_agree_with_brute_force_over_the_priors():
    # a million draws from the priors, weighed by the likelihood of both reps
    deals = pd.DataFrame({"rep": ["a", "b"], "offset": -1.0, "won": [16, 8], "n": [40, 30]})
    churn = pd.DataFrame({"rep": ["a", "b"], "observed": [5, 2], "expected": [3.0, 4.0]})
    found = joint_rep_model(deals, churn)
    rng, draws = np.random.default_rng(1), 1_000_000
    mean, spread = rng.normal(0, 0.15, (2, draws, 1)), np.abs(rng.normal(0, 0.5, (2, draws, 1)))
    rho, z = 2 * rng.beta(2, 2, (draws, 1)) - 1, rng.standard_normal((2, draws, 2))
    u = mean[0] + spread[0] * z[0]
    v = mean[1] + spread[1] * (rho * z[0] + np.sqrt(1 - rho**2) * z[1])
    log = (np.array([16, 8]) * u - np.array([40, 30]) * np.logaddexp(0, u - 1)).sum(axis=1)
    log += (np.array([5, 2]) * v - np.array([3.0, 4.0]) * np.exp(v)).sum(axis=1)
    weight = np.exp(log - log.max())
    weight /= weight.sum()
    assert 1 / (weight**2).sum() > 50_000  # draws that count
    both = weight @ ((u > np.log(1.1)) & (v > np.log(1.25)))
    assert found.reps["p_joint"].to_numpy() == pytest.approx(both, abs=0.008)
    high = weight @ (u > np.log(1.1))
    assert (found.reps["p_joint"] + found.reps["p_win_only"]).to_numpy() == pytest.approx(high, abs=0.008)
    for rep, effect, name in ((0, u, "or"), (1, v, "hr")):
        order = np.argsort(effect[:, rep])
        limits = np.interp([0.025, 0.975, 0.1, 0.9], np.cumsum(weight[order]), effect[order, rep])
        columns = [f"{name}_low", f"{name}_high", f"{name}_low80", f"{name}_high80"]
        assert np.log(found.reps.loc[rep, columns].astype(float)).to_numpy() == pytest.approx(limits, abs=0.02)
    hyper = found.company.set_index("quantity")["value"]
    assert (hyper["s_u"], hyper["s_v"]) == pytest.approx((weight @ spread[0, :, 0], weight @ spread[1, :, 0]), abs=0.005)


def bent(log_lik, effects, rep: int) -> np.ndarray:
    """A rep's log-likelihood, zero at its highest."""
    values = log_lik(effects)[rep]
    return values - values.max()


def test_a_rep_s_losses_are_set_against_those_of_the_others():
    # with the same share of the accounts at risk at each of 7 losses, which of them are the rep's is binomial
    table = pd.DataFrame({"rep": ["a", "b"], "observed": [5, 2]})
    share, v = np.array([0.4, 0.6]), np.linspace(-2, 2, 41)
    churn = table.assign(expected=7 * share, own=7 * share**2)
    for rep in (0, 1):
        p = share[rep] * np.exp(v) / (1 - share[rep] + share[rep] * np.exp(v))
        exact = binom.logpmf(table.loc[rep, "observed"], 7, p)
        assert bent(_of_losses(table, churn), v, rep) == pytest.approx(exact - exact.max(), abs=1e-9)


def test_a_rep_s_wins_are_set_against_those_of_the_others():
    # given the 86 deals that both won, those of the rep are hypergeometric with the odds ratio
    table = pd.DataFrame({"rep": ["a", "b"], "won": [24, 62], "n": [60, 240]})
    deals = expected_wins(table.assign(segment="S"), by=["segment"])
    counts, u = deals.pivot_table(index="rep", columns="offset", values="n"), np.linspace(0, 1.3, 27)
    exact = nchypergeom_fisher.logpmf(24, 300, 60, 86, np.exp(u))
    found, alone = (bent(_of_deals(table, counts, rows, 1.0), u, 0) for rows in (deals, deals.drop(columns="own")))
    assert found == pytest.approx(exact - exact.max(), abs=0.3)
    assert np.abs(alone - exact + exact.max()).max() > 1  # as if the yardstick had not moved with the rep


def test_a_rep_who_is_alone_at_risk_is_like_one_of_whom_nothing_is_known():
    deals, churn = company(19)
    alone = churn.assign(own=0.02 * churn["expected"])
    alone.loc[0, ["observed", "expected", "own"]] = 9
    known, unknown = (joint_rep_model(deals, losses).reps.set_index("rep").loc[0] for losses in (alone, alone[alone["rep"] != 0]))
    for column in ("hazard_ratio", "hr_low", "hr_high", "p_joint"):
        assert known[column] == pytest.approx(unknown[column], rel=0.02)


def test_taking_a_rep_out_of_its_own_yardstick_widens_and_frees_the_interval():
    deals, churn = company(20, v=np.linspace(-0.7, 0.7, 12))
    usual, freed = joint_rep_model(deals, churn).reps, joint_rep_model(deals, churn.assign(own=0.15 * churn["expected"])).reps
    assert (freed["hr_high"] / freed["hr_low"]).mean() > (usual["hr_high"] / usual["hr_low"]).mean()
    assert np.log(freed["hazard_ratio"]).std() > np.log(usual["hazard_ratio"]).std()


@pytest.mark.slow
def test_hazard_ratios_hold_the_truth_also_with_forty_deals_a_rep():
    found = pd.DataFrame([truth.one(("rho 0.0", 40, shop, 3)) for shop in range(60)])
    assert found["hazard"].sum() / (truth.REPS * len(found)) > 0.91  # 87 to 90 % while reps were compared with themselves too


def test_a_finer_grid_gives_the_same_answer(monkeypatch):
    deals, churn = company(2, u=np.linspace(-0.6, 0.6, 12), v=np.linspace(-0.7, 0.7, 12))
    usual = joint_rep_model(deals, churn).reps
    monkeypatch.setattr(rep_grid, "JOINT", (9, 12, 14, 9, 12))
    monkeypatch.setattr(rep_grid, "BINS", (61, 63))
    finer = joint_rep_model(deals, churn).reps
    assert usual[QUADRANTS].to_numpy() == pytest.approx(finer[QUADRANTS].to_numpy(), abs=0.005)
    assert np.log(usual["hr_high"]).to_numpy() == pytest.approx(np.log(finer["hr_high"]).to_numpy(), abs=0.02)


@pytest.mark.slow
def test_probabilities_and_intervals_hold_what_they_say_when_the_priors_are_true():
    rng, inside, said, true = np.random.default_rng(3), [], [], []
    for _ in range(150):
        mean, spread = rng.normal(0, 0.15, 2), np.abs(rng.normal(0, 0.5, 2))
        rho, z = 2 * rng.beta(2, 2) - 1, rng.standard_normal((2, 15))
        u, v = mean[0] + spread[0] * z[0], mean[1] + spread[1] * (rho * z[0] + np.sqrt(1 - rho**2) * z[1])
        n, expected = rng.integers(5, 200, 15), rng.uniform(0.3, 25, 15)
        deals = pd.DataFrame({"rep": range(15), "offset": -1.0, "n": n, "won": rng.binomial(n, expit(u - 1))})
        churn = pd.DataFrame({"rep": range(15), "observed": rng.poisson(expected * np.exp(v)), "expected": expected})
        found = joint_rep_model(deals, churn).reps
        if found["p_joint"].isna().any():
            continue
        inside += [(found[f"{name}_low{level}"] <= np.exp(effect)) & (np.exp(effect) <= found[f"{name}_high{level}"])
                   for name, effect in (("or", u), ("hr", v)) for level in ("", "80")]
        said += [found["p_joint"]]
        true += [(u > np.log(1.1)) & (v > np.log(1.25))]
    share = np.array(inside).reshape(-1, 4, 15).mean(axis=(0, 2))
    assert share == pytest.approx([0.95, 0.80, 0.95, 0.80], abs=0.025)
    said, true = np.concatenate(said), np.concatenate(true)
    for low, high in ((0, 0.1), (0.1, 0.4), (0.4, 1)):
        here = (said >= low) & (said < high)
        assert true[here].mean() == pytest.approx(said[here].mean(), abs=0.06)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 1000), st.integers(2, 6), st.floats(0.2, 10))
def test_the_quadrants_are_a_whole_and_the_intervals_are_nested(seed, reps, expected):
    deals, churn = company(seed, reps=reps, deals=20, expected=expected)
    model = joint_rep_model(deals, churn)
    if model.withheld:
        return
    assert model.reps[QUADRANTS].sum(axis=1).to_numpy() == pytest.approx(1)
    assert model.reps[QUADRANTS].min(axis=None) > -1e-9
    for name, middle in (("or", "odds_ratio"), ("hr", "hazard_ratio")):
        limits = model.reps[[f"{name}_low", f"{name}_low80", middle, f"{name}_high80", f"{name}_high"]]
        assert (np.diff(limits, axis=1) > 0).all()
    assert (model.reps["low"] < model.reps["rate"]).all()
    assert (model.reps["rate"] < model.reps["high"]).all()


def test_order_names_and_splitting_of_rows_change_nothing():
    deals, churn = company(4)
    usual = joint_rep_model(deals, churn)
    split = pd.concat([deals.assign(n=deals["won"]), deals.assign(n=deals["n"] - deals["won"], won=0)])
    other = joint_rep_model(split.sample(frac=1, random_state=1), churn.sample(frac=1, random_state=2))
    pd.testing.assert_frame_equal(usual.reps, other.reps)
    renamed = joint_rep_model(deals.assign(rep=11 - deals["rep"]), churn.assign(rep=11 - churn["rep"]))
    assert renamed.reps["p_joint"].to_numpy()[::-1] == pytest.approx(usual.reps["p_joint"].to_numpy())


def test_it_gives_the_same_numbers_every_time():
    deals, churn = company(5)
    pd.testing.assert_frame_equal(joint_rep_model(deals, churn).reps, joint_rep_model(deals, churn).reps)


def test_one_more_loss_never_lowers_a_reps_hazard_ratio():
    deals, churn = company(6)
    ratios = []
    for lost in (4, 8, 12, 20):
        churn.loc[0, "observed"] = lost
        ratios.append(joint_rep_model(deals, churn).reps.loc[0, "hazard_ratio"])
    assert ratios == sorted(ratios)


def test_ratios_are_shrunk_and_with_much_data_hardly():
    u = np.linspace(-0.5, 0.5, 12)
    few, many = (joint_rep_model(*company(7, u=u, deals=deals)) for deals in (20, 4000))
    for model, most in ((few, 0.75), (many, 1.05)):
        raw = logit(model.reps["won"] / model.reps["n"]) - logit(model.reps["won"].sum() / model.reps["n"].sum())
        assert np.std(np.log(model.reps["odds_ratio"])) < most * np.std(raw)
    assert np.log(many.reps["odds_ratio"]).to_numpy() == pytest.approx(u, abs=0.12)


def test_three_planted_reps_among_thirty_are_found_and_nobody_else():
    u, v = (np.r_[np.full(3, np.log(ratio)), np.zeros(27)] for ratio in (1.8, 2.2))
    found = joint_rep_model(*company(8, reps=30, deals=300, expected=20, u=u, v=v)).reps["p_joint"]
    assert (found[:3] > 0.5).all()
    assert (found[3:] < 0.5).all()


def test_reps_who_are_all_the_same_are_all_left_in_peace():
    for seed in range(5):
        assert joint_rep_model(*company(seed, reps=30, deals=120, expected=10)).reps["p_joint"].max() < 0.5


def test_rho_has_the_sign_of_the_truth():
    z = np.random.default_rng(9).standard_normal(40)
    for sign in (1, -1):
        line = joint_rep_model(*company(9, reps=40, deals=200, expected=15, u=0.5 * z, v=sign * 0.5 * z)).company.iloc[3]
        assert np.sign(line["value"]) == sign
        assert line["p_positive"] > 0.99 if sign == 1 else line["p_positive"] < 0.01
        assert line["low"] < line["value"] < line["high"]


def test_rho_is_not_printed_for_fewer_than_ten_reps_with_two_expected_losses():
    deals, churn = company(10, reps=12)
    churn.loc[[0, 1, 2], "expected"] = 1.9
    line = joint_rep_model(deals, churn).company.set_index("quantity").loc["rho"]
    assert np.isnan(line["value"])
    assert line["note"] == "only 9 reps have 2 expected losses; 10 are needed"


def test_over_dispersion_widens_the_intervals_by_about_its_root():
    deals, churn = company(11, deals=2000, expected=300, u=np.linspace(-1, 1, 12), v=np.linspace(-1, 1, 12))
    plain, wide = joint_rep_model(deals, churn).reps, joint_rep_model(deals, churn, win_phi=2.0).reps
    widths = [np.log(reps["or_high"] / reps["or_low"]).mean() for reps in (plain, wide)]
    assert widths[1] / widths[0] == pytest.approx(np.sqrt(2), abs=0.12)


def test_a_rep_known_on_one_side_only_is_placed_by_the_others():
    deals, churn = company(12)
    found = joint_rep_model(deals[deals["rep"] != 0], churn[churn["rep"] != 1]).reps.set_index("rep")
    assert found.loc[0, "n"] == 0
    assert np.isnan(found.loc[0, "rate"])
    assert found.loc[0, "or_low"] < 1 < found.loc[0, "or_high"]
    assert found.loc[1, "hr_low"] < 1 < found.loc[1, "hr_high"]
    assert found["p_joint"].between(0, 1).all()


@pytest.mark.parametrize(("change", "why", "empty"), [
    (lambda d, c: (d, c.assign(observed=0)), "no account of these reps has been lost yet", "hazard_ratio"),
    (lambda d, c: (d, c.assign(observed=0, expected=0.0)), "no account of these reps has been lost yet", "hr_high80"),
    (lambda d, c: (d, NO_CHURN), "no account of these reps has been lost yet", "hr_low"),
    (lambda d, c: (d.assign(won=0), c), "every deal was lost", "odds_ratio"),
    (lambda d, c: (d.assign(won=d["n"], offset=np.inf), c), "every deal was won", "rate"),
    (lambda d, c: (d.iloc[:0], c), "no deal was closed", "or_low"),
    (lambda d, c: (d[d["rep"] == 0], c[c["rep"] == 0]), "it takes two reps to compare", "odds_ratio"),
])
def test_a_side_without_information_is_named_and_the_other_still_answers(change, why, empty):
    model = joint_rep_model(*change(*company(13)))
    assert model.withheld == f"the joint map cannot be drawn: {why}"
    assert model.reps[[*QUADRANTS, empty]].isna().all(axis=None)
    assert np.isnan(model.company.set_index("quantity").loc["rho", "value"])
    other = "odds_ratio" if empty.startswith("h") else "hazard_ratio"
    if "two reps" not in why:
        assert model.reps[other].notna().all()


def test_a_stratum_nobody_won_says_nothing_of_its_reps():
    deals, churn = company(14)
    hopeless = pd.DataFrame({"rep": [0, 1], "offset": -np.inf, "won": 0, "n": [500, 3]})
    usual, more = joint_rep_model(deals, churn).reps, joint_rep_model(pd.concat([deals, hopeless]), churn).reps
    assert more["odds_ratio"].to_numpy() == pytest.approx(usual["odds_ratio"].to_numpy(), abs=0.003)


ABLE = {"observed": 6, "expected": 4.0, "n_closed": 50}


@pytest.mark.parametrize(("p_joint", "change", "words"), [
    (0.80, {}, "review the deals of this rep"),
    (0.79, {}, "watch, not enough evidence"),
    (0.50, {}, "watch, not enough evidence"),
    (0.49, {}, ""),
    (0.95, {"observed": 2}, "watch, not enough evidence"),
    (0.95, {"expected": 2.9}, "watch, not enough evidence"),
    (0.95, {"expected": 3.0, "observed": 3}, "review the deals of this rep"),
    (0.95, {"expected": 0.99}, "cannot tell yet"),
    (0.10, {"expected": 0.99}, "cannot tell yet"),
    (0.95, {"n_closed": 9}, "cannot tell yet"),
    (float("nan"), {}, "cannot tell yet"),
    (0.95, {"expected": float("nan")}, "cannot tell yet"),
    (0.95, {"left": True}, ""),
    (float("nan"), {"left": True}, ""),
    (0.70, {"review": 0.65}, "review the deals of this rep"),
    (0.45, {"watch": 0.40}, "watch, not enough evidence"),
])
def test_what_may_be_said_of_a_rep(p_joint, change, words):
    assert rep_words(p_joint, **{**ABLE, **change}) == words


def test_the_truth_tables_run_and_say_who_was_accused():
    jobs = [(world, 40, shop, 1) for world in ("identical", "offenders", "rho 0.6") for shop in range(2)]
    results = pd.DataFrame([truth.one(job) for job in jobs])
    assert results["true"].map(lambda counts: max(counts) <= truth.OFFENDERS).all()
    text = truth.report(results, "python -m tests.truth.reps --shops 2")
    assert "| P_joint >= .8 |" in text
    assert text.count("| both above the company average |") == 2
    again = pd.DataFrame([truth.one(job) for job in jobs[::2]], index=results.index[::2])
    pd.testing.assert_frame_equal(results.iloc[::2], again)  # seeded: one of each world


def test_the_simulated_company_has_the_odds_and_hazards_it_was_given():
    u, v = np.r_[np.full(15, np.log(1.8)), np.zeros(15)], np.r_[np.zeros(15), np.full(15, np.log(2.2))]
    deals, cells, _ = truth.company(np.random.default_rng(18), 3000, u, v)
    alike = deals.query("segment == 'SMB' and source == 'inbound'")
    won, n = (alike.groupby(alike["rep"] < 15)[column].sum() for column in ("won", "n"))
    odds = logit(won / n)
    assert odds[True] - odds[False] == pytest.approx(np.log(1.8), abs=0.1)
    assert odds[False] == pytest.approx(logit(0.28) + np.log(1.1), abs=0.1)
    ratio = truth.churn_by_rep(cells)
    assert ratio.loc[15:, "value"].mean() / ratio.loc[:14, "value"].mean() == pytest.approx(2.2, rel=0.06)
