"""Kaplan-Meier, its median and area, and the log-rank test, on counted cells."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter
from lifelines.datasets import load_lung
from lifelines.statistics import multivariate_logrank_test
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

from retainkit.estimate.intervals import wilson
from retainkit.estimate.survival import (
    at_times,
    kaplan_meier,
    logrank,
    median_survival,
    rmst,
)

MAINTAINED = ([9, 13, 13, 18, 23, 28, 31, 34, 45, 48, 161], [1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 0])
NONMAINTAINED = ([5, 5, 8, 8, 12, 16, 23, 27, 30, 33, 43, 45], [1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1])


def cells_of(durations, events, n=1, **more) -> pd.DataFrame:
    return pd.DataFrame({"duration": durations, "event": events, "n": n, **more})


def lung() -> pd.DataFrame:
    return load_lung().rename(columns={"time": "duration", "status": "event"})[["duration", "event"]].assign(n=1)


rows = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 1), st.integers(1, 6)), min_size=1, max_size=30)
late_rows = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 1), st.integers(1, 6), st.integers(0, 12)), min_size=1, max_size=40
)


# ---- by hand and against R --------------------------------------------------------------------------------


def test_the_lung_curve_is_r_s_with_its_interval_and_numbers_at_risk():
    got = at_times(kaplan_meier(lung()), [90, 180, 365, 730])
    assert got["at_risk"].tolist() == [201, 160, 65, 13]
    np.testing.assert_allclose(got["survival"], [0.881579, 0.721671, 0.409242, 0.115693], atol=5e-7)
    np.testing.assert_allclose(got["low"], [0.8320713, 0.6583045, 0.3387143, 0.0676322], atol=1e-6)
    np.testing.assert_allclose(got["high"], [0.917214, 0.775315, 0.478381, 0.177825], atol=1e-6)


def test_the_lung_median_and_areas_are_r_s():
    assert median_survival(kaplan_meier(lung())) == (310, 284, 361)
    assert rmst(lung(), tau=365) == pytest.approx((263.221866482, 7.798859086), abs=1e-8)
    assert rmst(lung(), tau=730) == pytest.approx((357.07325161, 16.21934424), abs=1e-7)


@pytest.mark.parametrize(
    ("arm", "survival", "median", "area"),
    [
        (MAINTAINED, {9: 0.909091, 13: 0.818182, 18: 0.715909, 23: 0.613636, 31: 0.490909, 34: 0.368182,
                      48: 0.184091}, 31, (28.89772727, 3.467577679)),
        (NONMAINTAINED, {5: 0.8333333, 8: 0.6666667, 12: 0.5833333, 23: 0.4861111, 43: 0.0972222, 45: 0.0}, 23,
         (21.93055556, 3.835641163)),
    ],
)  # fmt: skip
def test_both_aml_curves_their_medians_and_areas_are_r_s(arm, survival, median, area):
    curve = kaplan_meier(cells_of(*arm))
    np.testing.assert_allclose(at_times(curve, list(survival))["survival"], list(survival.values()), atol=5e-7)
    assert median_survival(curve)[0] == median
    assert rmst(cells_of(*arm), tau=40) == pytest.approx(area, abs=1e-8)


def test_the_aml_interval_is_log_log():
    got = at_times(kaplan_meier(cells_of(*MAINTAINED)), [9, 48])
    expected = [[0.5080802, 0.986674], [0.0117385, 0.525015]]
    np.testing.assert_allclose(got[["low", "high"]], expected, atol=1e-6)


def test_the_aml_log_rank_is_r_s():
    cells = pd.concat([cells_of(*MAINTAINED, arm="maintained"), cells_of(*NONMAINTAINED, arm="not")])
    assert logrank(cells, by="arm") == pytest.approx((3.39639, 0.06534), abs=5e-6)


def test_late_entry_counts_customers_only_from_the_day_after_they_came_into_view():
    # heart-like: 12 from the start, 3 who come into view on day 5
    cells = cells_of([5, 8, 20, 8, 20], [1, 0, 0, 1, 0], [2, 4, 6, 1, 2], entry=[0, 0, 0, 5, 5])
    got = kaplan_meier(cells).table.set_index("time")
    assert got["at_risk"].tolist() == [12, 12, 13, 8]  # day 5: the newcomers of day 5 are not yet at risk
    np.testing.assert_allclose(got["survival"], [1, 10 / 12, 10 / 12 * 12 / 13, 10 / 12 * 12 / 13])


def test_an_end_no_later_than_the_entry_is_left_out_and_counted():
    clean = cells_of([10, 20], [1, 0], [20, 20])
    unseen = cells_of([7, 3], [1, 1], [4, 2], entry=[7, 9])
    curve = kaplan_meier(pd.concat([clean.assign(entry=0), unseen]))
    assert curve.dropped == 6
    assert curve.table["survival"].tolist() == pytest.approx(kaplan_meier(clean).table["survival"].tolist())


def test_a_curve_of_late_arrivals_starts_at_the_first_age_with_ten_at_risk():
    cells = cells_of([2, 30, 40, 40], [1, 1, 1, 0], [1, 3, 5, 6], entry=[0, 0, 10, 20])
    curve = kaplan_meier(cells)
    assert (curve.starts_at, curve.skipped) == (20, 1)  # 3 at risk after day 0, 8 after day 10, 14 after day 20
    assert curve.table["time"].tolist() == [20, 30, 40]
    np.testing.assert_allclose(curve.table["survival"], [1, 11 / 14, 11 / 14 * 6 / 11])
    assert at_times(curve, [10])["survival"].isna().all()
    assert np.isnan(rmst(cells, tau=30)).all()  # the first 20 days are not known


def test_ten_at_risk_is_enough_for_a_curve_of_late_arrivals_to_start():
    assert kaplan_meier(cells_of([30, 40], 0, [10, 5], entry=[0, 20])).starts_at == 0
    assert kaplan_meier(cells_of([30, 40], 0, [9, 5], entry=[0, 20])).starts_at == 20


def test_with_never_ten_at_risk_a_curve_starts_where_most_are():
    curve = kaplan_meier(cells_of([3, 9, 9], [1, 1, 0], [1, 2, 2], entry=[0, 4, 5]))
    assert (curve.starts_at, curve.table["at_risk"].iloc[0]) == (5, 4)


def test_day_0_events_are_a_step_at_0():
    got = kaplan_meier(cells_of([0, 5], [1, 0], [3, 7])).table
    assert got.loc[0, ["time", "at_risk", "events", "survival"]].tolist() == [0, 10, 3, pytest.approx(0.7)]
    assert median_survival(kaplan_meier(cells_of([0, 5], [1, 0], [7, 3])))[0] == 0


def test_the_median_is_the_first_day_on_which_half_have_left():
    assert median_survival(kaplan_meier(cells_of([10, 20], [1, 0], [5, 5])))[0] == 10


# ---- laws -------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(rows)
def test_survival_falls_from_at_most_1_inside_an_interval_that_is_never_of_zero_width(cells):
    got = kaplan_meier(cells_of(*map(list, zip(*cells, strict=True)))).table
    survival, low, high = (got[name].to_numpy() for name in ("survival", "low", "high"))
    assert (np.diff(survival, prepend=1) <= 1e-12).all()
    assert ((low <= survival + 1e-12) & (survival <= high + 1e-12)).all()
    assert (high - low > 0).all()
    assert (low >= 0).all()
    assert (high <= 1).all()


@settings(max_examples=40, deadline=None)
@given(rows, st.randoms(use_true_random=False))
def test_counted_cells_in_any_order_are_bit_for_bit_a_row_a_customer(cells, random):
    counted = cells_of(*map(list, zip(*cells, strict=True)))
    rowwise = counted.loc[counted.index.repeat(counted["n"])].assign(n=1)
    shuffled = rowwise.iloc[random.sample(range(len(rowwise)), len(rowwise))]
    pd.testing.assert_frame_equal(kaplan_meier(counted).table, kaplan_meier(shuffled).table, check_exact=True)
    assert rmst(counted, tau=1) == pytest.approx(rmst(shuffled, tau=1), nan_ok=True)


@settings(max_examples=60, deadline=None)
@given(rows)
def test_entry_0_changes_nothing(cells):
    counted = cells_of(*map(list, zip(*cells, strict=True)))
    plain, entered = kaplan_meier(counted), kaplan_meier(counted.assign(entry=0))
    pd.testing.assert_frame_equal(plain.table, entered.table)


@settings(max_examples=60, deadline=None)
@given(rows)
def test_the_area_is_at_most_tau_and_at_most_what_full_follow_up_shows(cells):
    counted = cells_of(*map(list, zip(*cells, strict=True)))
    tau = float(counted["duration"].max())
    value, se = rmst(counted, tau=tau)
    assert 0 <= value <= tau
    assert se >= 0
    everyone = counted.assign(event=1)
    mean = np.average(everyone["duration"], weights=everyone["n"])
    assert rmst(everyone, tau=tau)[0] == pytest.approx(mean)


# ---- edges ------------------------------------------------------------------------------------------------


def test_nothing_is_said_past_the_last_follow_up_nor_between_the_lines():
    curve = kaplan_meier(cells_of([10, 20], [1, 0], [5, 5]))
    got = at_times(curve, [9, 10, 19, 20, 21])
    assert got["survival"].tolist()[:4] == pytest.approx([1.0, 0.5, 0.5, 0.5])
    assert got["at_risk"].tolist() == [10, 10, 5, 5, 0]
    assert got.loc[4, ["survival", "low", "high"]].isna().all()
    assert np.isnan(rmst(cells_of([10, 20], [1, 0], [5, 5]), tau=21)).all()


def test_without_an_event_the_interval_is_wilson_s_with_those_still_at_risk():
    got = at_times(kaplan_meier(cells_of([50, 90], 0, [8, 12])), [50, 90])
    assert got["low"].tolist() == [wilson(20, 20)[0], wilson(12, 12)[0]]
    assert got["high"].tolist() == [1, 1]


def test_with_nobody_left_the_interval_is_wilson_s_with_the_last_at_risk():
    last = kaplan_meier(cells_of([5, 9], 1, [6, 4])).table.iloc[-1]
    assert (last["survival"], last["low"], last["high"]) == (0, 0, wilson(0, 4)[1])


def test_one_customer_still_has_a_curve_and_an_interval():
    got = kaplan_meier(cells_of([7], [0])).table
    assert got["survival"].tolist() == [1, 1]
    assert got["low"].iloc[0] == pytest.approx(wilson(1, 1)[0])


@pytest.mark.parametrize("late", [{}, {"entry": []}])
def test_no_customers_give_nan_not_1(late):
    curve = kaplan_meier(cells_of([], [], [], **late))
    assert curve.table["survival"].isna().all()
    assert at_times(curve, [0, 30])["survival"].isna().all()
    assert np.isnan(median_survival(curve)).all()
    assert np.isnan(rmst(cells_of([], [], []), tau=30)).all()
    assert kaplan_meier(cells_of([3], [1], [0])).table["survival"].isna().all()


def test_a_median_that_is_not_reached_is_nan_and_so_is_a_limit():
    assert np.isnan(median_survival(kaplan_meier(cells_of([10, 20], [1, 0], [2, 8])))[0])
    assert median_survival(kaplan_meier(lung())) == (310, 284, 361)
    assert median_survival(kaplan_meier(cells_of(*MAINTAINED))) == pytest.approx((31, 13, np.nan), nan_ok=True)


def test_a_risk_set_that_empties_half_way_does_not_stop_the_curve():
    # lifelines raises here: everybody has gone by day 5, and 30 more come into view on day 50
    cells = cells_of([5, 5, 60, 90], [1, 0, 1, 0], [2, 18, 6, 24], entry=[0, 0, 50, 50])
    curve = kaplan_meier(cells)
    assert at_times(curve, [60])["survival"].item() == pytest.approx(0.9 * 0.8)
    no_event = kaplan_meier(cells.assign(event=0)).table
    assert no_event.loc[no_event["at_risk"] == 0, "low"].tolist() == [wilson(20, 20)[0]]  # day 50: nobody is there


def test_log_rank_of_one_group_or_of_no_event_is_not_known():
    assert np.isnan(logrank(cells_of([3, 5], [1, 0], arm="a"), by="arm")).all()
    assert np.isnan(logrank(cells_of([3, 5], [0, 0], arm=["a", "b"]), by="arm")).all()
    assert np.isnan(logrank(cells_of([], [], [], arm=[]), by="arm")).all()


def test_a_group_never_at_risk_at_an_event_costs_no_degree_of_freedom():
    two = cells_of([5, 9, 9, 20], [1, 1, 1, 0], [8, 4, 3, 9], arm=list("aabb"))
    with_ghost = pd.concat([two, cells_of([1], [0], [50], arm="c")])
    assert logrank(with_ghost, by="arm") == pytest.approx(logrank(two, by="arm"))


# ---- second routes ----------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(late_rows)
def test_curves_of_late_arrivals_agree_with_a_plain_loop_over_customers(cells):
    counted = cells_of(*map(list, zip(*[row[:3] for row in cells], strict=True)), entry=[row[3] for row in cells])
    curve, survival = kaplan_meier(counted), 1.0
    if not curve.table["at_risk"].any():  # nobody could be seen
        assert curve.table["survival"].isna().all()
        return
    start = curve.starts_at
    kept = counted[(counted["entry"] < counted["duration"]) | (counted["entry"] == 0)]
    kept = kept[kept["duration"] > start] if start else kept
    for row in curve.table.itertuples():
        here = kept[(kept["duration"] >= row.time) & ((kept["entry"] < row.time) | (kept["entry"] <= start))]
        gone = here.loc[(here["duration"] == row.time) & (here["event"] == 1), "n"].sum()
        assert (row.at_risk, row.events) == (here["n"].sum(), gone)
        survival *= 1 - gone / row.at_risk if row.at_risk else 1.0
        assert row.survival == pytest.approx(survival, abs=1e-12)


def test_late_entry_agrees_with_lifelines_and_statsmodels_where_they_can():
    rng = np.random.default_rng(5)
    entry = rng.integers(0, 40, 300) * (rng.random(300) < 0.4)
    duration, event = entry + rng.integers(1, 60, 300), rng.integers(0, 2, 300)
    got = kaplan_meier(cells_of(duration, event, entry=entry)).table.set_index("time")
    fitter = KaplanMeierFitter().fit(duration, event, entry=entry)
    theirs = fitter.survival_function_.join(fitter.confidence_interval_).reindex(got.index)
    inside = (got["events"].cumsum() > 0) & (got["survival"] > 0)  # at 0 ours is Wilson's
    np.testing.assert_allclose(got.loc[inside, ["survival", "low", "high"]], theirs[inside], atol=1e-12)
    other = SurvfuncRight(duration, event, entry=entry)
    at_event = got.loc[other.surv_times]
    np.testing.assert_allclose(at_event["survival"], other.surv_prob, atol=1e-12)
    np.testing.assert_array_equal(at_event["at_risk"], other.n_risk)  # where lifelines counts same-day arrivals


def test_log_rank_agrees_with_lifelines_on_counts_and_with_statsmodels_on_late_entry():
    rng = np.random.default_rng(8)
    duration, event = rng.integers(0, 30, 400), rng.integers(0, 2, 400)
    arm, n = rng.choice(list("abcd"), 400), rng.integers(0, 4, 400)
    chi2, p = logrank(cells_of(duration, event, n, arm=arm), by="arm")
    theirs = multivariate_logrank_test(duration, arm, event, weights=n)
    assert (chi2, p) == pytest.approx((theirs.test_statistic, theirs.p_value), rel=1e-9)
    entry = rng.integers(1, 10, 400)
    chi2, p = logrank(cells_of(entry + 1 + duration, event, arm=arm, entry=entry), by="arm")
    assert (chi2, p) == pytest.approx(survdiff(entry + 1 + duration, event, arm, entry=entry), rel=1e-9)


def test_lifelines_change_to_numpy_s_settings_is_undone():
    with np.errstate(all="raise"):
        before = np.geterr()
        kaplan_meier(cells_of([5, 9], 1, [6, 4]))
        assert np.geterr() == before


# ---- words ------------------------------------------------------------------------------------------------
