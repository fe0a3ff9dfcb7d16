"""Expected wins and losses in average hands: what sums must be equal, and what is compared with what."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import NelsonAalenFitter
from scipy.special import expit, logit
from scipy.stats import poisson
from statsmodels.genmod.families import Binomial
from statsmodels.genmod.generalized_linear_model import GLM
from statsmodels.tools.tools import add_constant

from retainkit.estimate.case_mix import expected_wins, standardised_rates, wins_by_rep
from retainkit.estimate.exposure import churn_by_rep, expected_churn


def counted_deals(seed: int, *, deals: int = 3000, reps: int = 8) -> pd.DataFrame:
    """Deals of reps with different mixes of three segments and four sources."""
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame({"rep": rng.integers(reps, size=deals), "segment": rng.choice(["SMB", "MID", "ENT"], deals),
                         "source": rng.choice(["referral", "inbound", "outbound", "paid"], deals), "n": 1})
    odds = rows["segment"].map({"SMB": -0.5, "MID": -1.0, "ENT": -1.5}) + rows["source"].eq("referral")
    rows["won"] = (rng.random(deals) < expit(odds)).astype(int)
    return rows.groupby(["rep", "segment", "source"])[["won", "n"]].sum().reset_index()


CELLS = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["SMB", "ENT", None]), st.integers(0, 12), st.integers(0, 1),
              st.integers(1, 4)), min_size=1, max_size=40,
).map(lambda rows: pd.DataFrame(rows, columns=["rep", "segment", "duration", "event", "n"]))


def test_expected_wins_by_hand():
    deals = pd.DataFrame({"rep": ["a", "b", "a", "b"], "segment": ["S", "S", "E", "E"],
                          "won": [10, 20, 4, 2], "n": [20, 80, 20, 20]})
    found = expected_wins(deals, by=["segment"]).set_index(["rep", "segment"])
    assert found["expected"].to_dict() == pytest.approx({("a", "S"): 6, ("b", "S"): 24, ("a", "E"): 3, ("b", "E"): 3})
    assert found.loc[("a", "S"), "offset"] == pytest.approx(logit(0.3))


def test_one_thin_stratum_turns_all_of_them_into_main_effects():
    deals = counted_deals(1)
    assert expected_wins(deals)["method"].unique().tolist() == ["strata"]
    more = pd.DataFrame({"rep": [0], "segment": ["ENT"], "source": ["fair"], "won": [5], "n": [30]})
    for change, method in (({}, "strata"), ({"n": 29}, "main effects"), ({"won": 4}, "main effects"),
                           ({"won": 26}, "main effects"), ({"won": 25}, "strata")):
        assert expected_wins(pd.concat([deals, more.assign(**change)]))["method"].unique().tolist() == [method]


def test_main_effects_agree_with_statsmodels():
    deals = counted_deals(2, deals=400)
    found = expected_wins(deals)
    assert found["method"].unique().tolist() == ["main effects"]
    design = pd.get_dummies(deals[["segment", "source"]], drop_first=True).astype(float)
    result = GLM(np.column_stack([deals["won"], deals["n"] - deals["won"]]), add_constant(design),
                    family=Binomial()).fit()
    assert found["offset"].to_numpy() == pytest.approx(logit(result.fittedvalues.to_numpy()), abs=1e-4)


@pytest.mark.parametrize("deals", [400, 3000])
def test_over_all_reps_as_many_wins_are_expected_as_there_were_in_each_segment_and_source(deals):
    found = expected_wins(counted_deals(3, deals=deals))
    assert found["expected"].sum() == pytest.approx(found["won"].sum(), abs=1e-6)
    for column in ("segment", "source"):
        sums = found.groupby(column)[["expected", "won"]].sum()
        assert sums["expected"].to_numpy() == pytest.approx(sums["won"].to_numpy(), abs=1e-4)


def test_a_source_nobody_won_stays_finite_and_expects_nothing():
    deals = pd.concat([counted_deals(4, deals=400),
                       pd.DataFrame({"rep": [1], "segment": ["SMB"], "source": ["fair"], "won": [0], "n": [25]})])
    found = expected_wins(deals)
    assert np.isfinite(found["offset"]).all()
    assert found.loc[found["source"] == "fair", "expected"].sum() < 0.01


@pytest.mark.parametrize("won", [0, 10])
def test_a_company_that_lost_or_won_everything_expects_just_that(won):
    found = expected_wins(pd.DataFrame({"rep": ["a", "b"], "segment": "S", "won": won, "n": 10}), by=["segment"])
    assert found["expected"].tolist() == [won, won]


def test_deals_without_a_segment_are_a_stratum_and_are_not_dropped():
    deals = counted_deals(5).replace({"segment": {"ENT": None}})
    found = expected_wins(deals)
    assert found["n"].sum() == deals["n"].sum()
    assert found["segment"].isna().any()
    assert found["expected"].sum() == pytest.approx(found["won"].sum())


def test_wins_by_rep_by_hand():
    deals = pd.DataFrame({"rep": ["a", "b"], "segment": "S", "won": [30, 20], "n": [50, 50]})
    row = wins_by_rep(expected_wins(deals, by=["segment"])).set_index("rep").loc["a"]
    assert (row["rate"], row["expected"]) == (0.6, 25)
    assert row["z"] == pytest.approx(5 / np.sqrt(12.5))
    assert row["low"] < 0.6 < row["high"]


def test_what_rests_on_the_rep_itself_is_its_share_of_the_stratum():
    deals = pd.DataFrame({"rep": ["a", "b"], "segment": "S", "won": [12, 24], "n": [20, 40]})
    found = expected_wins(deals, by=["segment"])
    assert (found["own"] / (found["n"] * 0.6 * 0.4)).tolist() == pytest.approx([1 / 3, 2 / 3])


def test_what_rests_on_the_rep_itself_is_what_refitting_takes_from_the_likelihood():
    # second route: let one rep's log-odds differ by h, fit everything else again, and look how the likelihood bends
    deals = counted_deals(6)
    found = expected_wins(deals, min_deals=10_000)
    assert found["method"].eq("main effects").all()
    design = add_constant(pd.get_dummies(found[["segment", "source"]], drop_first=True, dtype=float))
    answer = found[["won"]].assign(lost=found["n"] - found["won"])

    def profile(rep: object, h: float) -> float:
        return GLM(answer, design, Binomial(), offset=h * (found["rep"] == rep)).fit(tol=1e-12).llf

    rep, h = found["rep"].iloc[0], 0.02
    bend = (2 * profile(rep, 0) - profile(rep, h) - profile(rep, -h)) / h**2
    mine = found[found["rep"] == rep]
    assert bend == pytest.approx((mine["expected"] * (1 - mine["expected"] / mine["n"]) - mine["own"]).sum(), rel=1e-3)


def test_order_and_splitting_of_rows_change_nothing():
    deals = counted_deals(6)
    shuffled = pd.concat([deals.assign(won=0, n=deals["n"] - deals["won"]), deals.assign(n=deals["won"])]).sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(expected_wins(shuffled), expected_wins(deals), check_dtype=False)


def test_expected_losses_by_hand():
    # day 5: 1 of 4 lost; day 9: 1 of 2. Ann was there for both; Bob left sight on day 7; Cy was lost on day 9
    cells = pd.DataFrame({"rep": ["ann", "bob", "cy", "cy"], "segment": "S", "duration": [9, 7, 5, 9],
                          "event": [0, 0, 1, 1], "n": 1})
    found = churn_by_rep(cells, by=["segment"]).set_index("rep")
    assert found["expected"].to_dict() == pytest.approx({"ann": 0.75, "bob": 0.25, "cy": 1.0})
    own = expected_churn(cells, by=["segment"]).set_index("rep")["own"]  # squares of the shares of those at risk
    assert own.to_dict() == pytest.approx({"ann": 1 / 16 + 1 / 4, "bob": 1 / 16, "cy": 1 / 4 + 1 / 4})
    assert found.loc["cy", "value"] == pytest.approx(2.0)
    assert found.loc["cy", "note"] == "compared mostly with self"
    assert found.loc["ann", "note"] == ""


@settings(deadline=None, max_examples=40)
@given(CELLS)
def test_in_every_stratum_as_many_losses_are_expected_as_there_were(cells):
    sums = expected_churn(cells, by=["segment"]).groupby("segment", dropna=False)[["observed", "expected", "n"]].sum()
    assert sums["expected"].to_numpy() == pytest.approx(sums["observed"].to_numpy(), abs=1e-10)
    assert sums["n"].sum() == cells["n"].sum()


@settings(deadline=None, max_examples=40)
@given(CELLS, st.randoms(use_true_random=False))
def test_late_entries_keep_the_sums_equal(cells, random):
    cells["entry"] = [random.choice([np.nan, random.randint(-3, int(d) - 1)]) for d in cells["duration"]]
    sums = expected_churn(cells, by=["segment"]).groupby("segment", dropna=False)[["observed", "expected"]].sum()
    assert sums["expected"].to_numpy() == pytest.approx(sums["observed"].to_numpy(), abs=1e-10)


def test_the_hazard_is_that_of_lifelines():
    rng = np.random.default_rng(7)
    cells = pd.DataFrame({"rep": range(60), "duration": rng.integers(1, 30, 60), "event": rng.integers(0, 2, 60),
                          "n": rng.integers(1, 5, 60), "entry": -1})
    fitter = NelsonAalenFitter(nelson_aalen_smoothing=False)
    fitter.fit(cells["duration"], cells["event"], weights=cells["n"])
    hazard = fitter.cumulative_hazard_at_times(cells["duration"]).to_numpy()
    assert expected_churn(cells, by=[])["expected"].to_numpy() == pytest.approx(cells["n"] * hazard)


def test_a_late_entry_is_expected_only_what_came_after_it():
    cells = pd.DataFrame({"rep": ["a", "b"], "duration": [10, 10], "event": [0, 0], "n": [5, 5], "entry": [np.nan, 6.0]})
    lost = pd.DataFrame({"rep": "c", "duration": [6, 8], "event": 1, "n": 1})
    found = expected_churn(pd.concat([cells, lost]), by=[]).set_index("rep")["expected"]
    assert found["a"] == pytest.approx(5 * (1 / 7 + 1 / 11))  # day 6: b has not come in yet
    assert found["b"] == pytest.approx(5 * (1 / 11))


def test_new_reps_are_not_favoured_by_short_follow_up():
    rng = np.random.default_rng(8)
    followed = np.r_[rng.integers(1, 120, 3000), rng.integers(300, 700, 3000)]
    life = np.ceil(rng.exponential(1000, 6000))
    cells = pd.DataFrame({"rep": np.repeat(["new", "old"], 3000), "duration": np.minimum(life, followed),
                          "event": (life <= followed).astype(int), "n": 1})
    found = churn_by_rep(cells, by=[]).set_index("rep")
    assert found.loc["new", "observed"] < found.loc["old", "observed"] / 4
    assert found["low"].lt(1).all()
    assert found["high"].gt(1).all()


def test_case_mix_clears_a_rep_who_only_sells_to_those_who_leave():
    rng = np.random.default_rng(9)
    segment = np.r_[np.full(400, "SMB"), rng.choice(["SMB", "ENT"], 1600)]
    lost = rng.random(2000) < np.where(segment == "SMB", 0.3, 0.1)
    cells = pd.DataFrame({"rep": np.r_[np.full(400, "x"), rng.integers(5, size=1600)], "segment": segment,
                          "duration": np.where(lost, rng.integers(1, 99, 2000), 100), "event": lost.astype(int), "n": 1})
    x = churn_by_rep(cells, by=["segment"]).set_index("rep").loc["x"]
    assert x["crude_value"] > 1.3
    assert x["low"] < 1 < x["high"]


def test_the_one_sided_p_is_the_mid_p_of_so_many_or_more():
    cells = pd.DataFrame({"rep": ["a", "a", "b"], "duration": [10, 20, 20], "event": [1, 0, 1], "n": [4, 6, 2]})
    row = churn_by_rep(cells, by=[]).set_index("rep").loc["a"]
    by_hand = poisson.sf(4, row["expected"]) + poisson.pmf(4, row["expected"]) / 2
    assert row["p_high"] == pytest.approx(by_hand)


@pytest.mark.parametrize(("own", "rest", "note"), [(2, 3, ""), (3, 4, "compared mostly with self")])
def test_more_than_forty_per_cent_of_the_events_is_mostly_self(own, rest, note):
    cells = pd.DataFrame({"rep": ["a", "b"], "duration": 10, "event": 1, "n": [own, rest]})
    row = churn_by_rep(cells, by=[]).iloc[0]
    assert (row["self_share"], row["note"]) == (pytest.approx(own / (own + rest)), note)


def test_one_rep_is_compared_with_nobody_but_self():
    cells = pd.DataFrame({"rep": "a", "duration": [10, 20], "event": [1, 0], "n": [4, 6]})
    row = churn_by_rep(cells, by=[]).iloc[0]
    assert row["value"] == pytest.approx(1)
    assert (row["self_share"], row["note"]) == (1, "compared mostly with self")


def test_where_nobody_was_lost_nothing_is_expected_and_no_ratio_is_given():
    found = churn_by_rep(pd.DataFrame({"rep": ["a", "b"], "duration": 10, "event": 0, "n": 3}), by=[])
    assert found["expected"].eq(0).all()
    assert found[["value", "low", "high", "crude_value", "p_high"]].isna().all(axis=None)
    assert found["note"].eq("").all()


def test_everybody_lost_on_the_first_day_is_as_expected():
    found = churn_by_rep(pd.DataFrame({"rep": ["a", "b"], "duration": 0, "event": 1, "n": 3}), by=[])
    assert found["value"].tolist() == [1, 1]


def test_rows_with_the_same_label_are_still_different_rows():
    cells = pd.DataFrame({"rep": ["a", "b", "a"], "segment": ["S", "E", "S"], "duration": [10, 20, 30],
                          "event": [1, 1, 0], "n": [2, 3, 4]})
    same = cells.set_index(pd.Index([0, 0, 0]))
    pd.testing.assert_frame_equal(churn_by_rep(same, by=["segment"]), churn_by_rep(cells, by=["segment"]))


def test_standardised_rates_by_hand():
    deals = pd.DataFrame({"source": ["r", "r", "p", "p"], "segment": ["S", "E", "S", "E"],
                          "won": [45, 1, 10, 8], "n": [90, 10, 10, 90]})
    found = standardised_rates(deals).set_index("source")
    assert found.loc["r", "crude"] == 0.46
    assert found.loc["r", "rate"] == pytest.approx(0.5 * 0.5 + 0.5 * 0.1)  # 100 deals in either segment
    assert found.loc["r", "low"] < 0.3 < found.loc["r", "high"]


def test_standardising_equal_mixes_leaves_the_crude_rate():
    deals = pd.DataFrame({"source": ["r", "r", "p", "p"], "segment": ["S", "E"] * 2, "won": [9, 4, 6, 1], "n": [30, 20] * 2})
    found = standardised_rates(deals)
    assert found["rate"].to_numpy() == pytest.approx(found["crude"].to_numpy())


def test_a_single_segment_has_wilsons_interval():
    deals = pd.DataFrame({"source": ["r"], "segment": ["S"], "won": [81], "n": [263]})
    row = standardised_rates(deals).iloc[0]
    assert (round(row["low"], 4), round(row["high"], 4)) == (0.2553, 0.3662)


def test_a_source_that_never_met_a_segment_says_how_much_of_the_mix_it_covers():
    deals = pd.DataFrame({"source": ["r", "p", "p"], "segment": ["S", "S", "E"], "won": [10, 5, 2], "n": [20, 40, 40]})
    row = standardised_rates(deals).set_index("source").loc["r"]
    assert (row["rate"], row["mix_covered"]) == (0.5, 0.6)


def test_the_standardised_interval_covers_as_it_says():
    rng, truth, n = np.random.default_rng(10), np.array([0.45, 0.25, 0.12]), np.array([40, 25, 15])
    deals = pd.DataFrame({"source": np.repeat(np.arange(2000), 3), "segment": ["S", "M", "E"] * 2000,
                          "won": rng.binomial(n, truth, (2000, 3)).ravel(), "n": np.tile(n, 2000)})
    rest = pd.DataFrame({"source": -1, "segment": ["S", "M", "E"], "won": 0, "n": 2000 * np.array([60, 75, 85])})
    found = standardised_rates(pd.concat([deals, rest])).query("source >= 0")
    mix = np.array([100, 100, 100]) / 300
    assert (found["low"].le(mix @ truth) & found["high"].ge(mix @ truth)).mean() == pytest.approx(0.95, abs=0.015)
