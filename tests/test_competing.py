"""Aalen-Johansen on counted cells: exact with ties, day-0 events and late arrivals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.duration.survfunc import CumIncidenceRight

from retainkit.estimate.competing import EVENT_FREE, aalen_johansen, incidence_at
from retainkit.estimate.intervals import wilson
from retainkit.estimate.survival import kaplan_meier

# duration, cause, entry: our own forty customers, made with ties and late arrivals
TINY = [
    (1, 1, 0), (7, 1, 0), (7, 2, 0), (14, 1, 0), (14, 0, 5), (14, 2, 0), (21, 1, 0), (30, 1, 0), (30, 2, 10),
    (30, 0, 0), (30, 1, 0), (45, 0, 0), (45, 2, 30), (60, 1, 0), (60, 1, 20), (60, 2, 0), (60, 0, 0), (60, 0, 40),
    (75, 2, 0), (75, 0, 60), (90, 1, 0), (90, 2, 30), (90, 0, 0), (90, 0, 75), (105, 0, 0), (120, 2, 0),
    (120, 1, 90), (120, 0, 0), (150, 0, 60), (150, 2, 0), (180, 1, 100), (180, 0, 0), (180, 0, 0), (180, 0, 120),
    (180, 2, 0), (210, 0, 0), (210, 0, 150), (240, 2, 0), (240, 0, 200), (270, 0, 0),
]  # fmt: skip
TIMES = [7, 30, 60, 90, 180]

rows = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2), st.integers(1, 5)), min_size=1, max_size=30)
late_rows = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 2), st.integers(1, 5), st.integers(0, 9)), min_size=1, max_size=40
)


def cells_of(durations, causes, n=1, **more) -> pd.DataFrame:
    return pd.DataFrame({"duration": durations, "cause": causes, "n": n, **more})


def tiny(*, entry: bool) -> pd.DataFrame:
    duration, cause, came = zip(*TINY, strict=True)
    return cells_of(duration, cause, entry=came if entry else 0)


def column(table: pd.DataFrame, cause: object, name: str = "incidence") -> list[float]:
    return table.loc[table["cause"] == cause, name].tolist()


# ---- by hand and against R --------------------------------------------------------------------------------


def test_incidences_and_errors_are_r_s_on_tied_data():
    got = incidence_at(aalen_johansen(tiny(entry=False)), TIMES)
    expected = {
        1: [0.05, 0.15220588, 0.20742337, 0.23904793, 0.32222053],
        2: [0.025, 0.075735294, 0.129966757, 0.191709949, 0.315994478],
        EVENT_FREE: [0.925, 0.77205882, 0.66260987, 0.56924212, 0.36178499],
    }
    for cause, incidence in expected.items():
        np.testing.assert_allclose(column(got, cause), incidence, atol=5e-9)
    errors = [0.034460122, 0.057251561, 0.065486767, 0.070074876, 0.083447458]
    np.testing.assert_allclose(column(got, 1, "se"), errors, atol=1e-9)


def test_incidences_of_late_arrivals_are_r_s():
    curve = aalen_johansen(tiny(entry=True))
    got = incidence_at(curve, TIMES)
    assert (curve.starts_at, curve.dropped) == (0, 0)
    expected = {
        1: [0.075443787, 0.217455621, 0.285080304, 0.318892646, 0.392152719],
        2: [0.036982249, 0.107988166, 0.173922232, 0.241546915, 0.351437025],
        EVENT_FREE: [0.88757396, 0.67455621, 0.54099746, 0.43956044, 0.25641026],
    }
    for cause, incidence in expected.items():
        np.testing.assert_allclose(column(got, cause), incidence, atol=6e-9)


def test_events_on_day_0_and_at_the_first_time_are_kept():
    got = incidence_at(aalen_johansen(cells_of([0, 0, 1, 2, 3], [1, 2, 1, 0, 2])), [0, 1, 3])
    np.testing.assert_allclose(column(got, 1), [0.2, 0.4, 0.4])
    np.testing.assert_allclose(column(got, EVENT_FREE), [0.6, 0.4, 0.0], atol=1e-15)


def test_a_cause_that_begins_late_is_not_understated():
    got = incidence_at(aalen_johansen(cells_of([1, 2, 3, 4, 5, 6], [0, 1, 1, 2, 2, 0])), [3, 4, 5, 6])
    np.testing.assert_allclose(column(got, 2), [0.0, 0.2, 0.4, 0.4])


# ---- laws -------------------------------------------------------------------------------------------------


@settings(max_examples=80, deadline=None)
@given(late_rows)
def test_the_incidences_of_a_time_and_the_event_free_share_sum_to_1(cells):
    duration, cause, n, entry = map(list, zip(*cells, strict=True))
    table = aalen_johansen(cells_of(duration, cause, n, entry=entry)).table
    sums = table.groupby("time")["incidence"].sum(min_count=1)
    assert sums.isna().all() or (sums - 1).abs().max() < 1e-12


@settings(max_examples=80, deadline=None)
@given(rows)
def test_incidence_rises_inside_an_interval_that_is_never_of_zero_width(cells):
    table = aalen_johansen(cells_of(*map(list, zip(*cells, strict=True)))).table
    for cause, part in table.groupby("cause"):
        steps = np.diff(part["incidence"]) * (-1 if cause == EVENT_FREE else 1)
        assert (steps >= -1e-12).all()
        assert part["low"].between(0, part["incidence"] + 1e-12).all()
        assert part["high"].between(part["incidence"] - 1e-12, 1).all()
        assert (part["high"] > part["low"]).all()


@settings(max_examples=60, deadline=None)
@given(late_rows, st.randoms(use_true_random=False))
def test_counted_cells_in_any_order_are_a_row_a_customer(cells, random):
    duration, cause, n, entry = map(list, zip(*cells, strict=True))
    counted = cells_of(duration, cause, n, entry=entry)
    rowwise = counted.loc[counted.index.repeat(counted["n"])].assign(n=1)
    shuffled = rowwise.iloc[random.sample(range(len(rowwise)), len(rowwise))]
    pd.testing.assert_frame_equal(aalen_johansen(counted).table, aalen_johansen(shuffled).table)


@settings(max_examples=60, deadline=None)
@given(late_rows)
def test_the_event_free_share_is_kaplan_meier_of_any_event(cells):
    duration, cause, n, entry = map(list, zip(*cells, strict=True))
    table = aalen_johansen(cells_of(duration, cause, n, entry=entry)).table
    free = table[table["cause"] == EVENT_FREE].reset_index(drop=True)
    km = kaplan_meier(pd.DataFrame({"duration": duration, "event": np.sign(cause), "n": n, "entry": entry})).table
    for ours, theirs in (("incidence", "survival"), ("low", "low"), ("high", "high")):
        np.testing.assert_allclose(free[ours], km[theirs], atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(rows)
def test_splitting_a_cause_in_two_changes_no_sum(cells):
    duration, cause, n = map(list, zip(*cells, strict=True))
    split, whole = (aalen_johansen(cells_of(duration, c, n)).table for c in (cause, np.sign(cause)))
    halves = split[split["cause"] != EVENT_FREE].groupby("time")["incidence"].sum()
    one = whole[whole["cause"] == 1].set_index("time")["incidence"]
    if len(halves):
        np.testing.assert_allclose(halves, one, atol=1e-12)


# ---- second routes ----------------------------------------------------------------------------------------


def test_tied_incidences_and_errors_agree_with_statsmodels():
    rng = np.random.default_rng(11)
    duration, cause = rng.integers(1, 25, 500), rng.integers(0, 4, 500)
    got = aalen_johansen(cells_of(duration, cause))
    theirs = CumIncidenceRight(duration, cause)
    for k in (1, 2, 3):
        ours = incidence_at(got, theirs.times).query(f"cause == {k}")
        np.testing.assert_allclose(ours["incidence"], theirs.cinc[k - 1], atol=1e-12)
        np.testing.assert_allclose(ours["se"], theirs.cinc_se[k - 1], atol=1e-12)


def test_the_one_pass_error_is_the_sum_over_risk_sets_written_out():
    rng = np.random.default_rng(12)
    entry = rng.integers(0, 15, 300)
    counted = cells_of(entry + rng.integers(1, 30, 300), rng.integers(0, 3, 300), entry=entry)
    table = aalen_johansen(counted).table
    free, mine = (table[table["cause"] == cause].reset_index(drop=True) for cause in (EVENT_FREE, 1))
    survival, n, taken = free["incidence"], free["at_risk"], mine["incidence"]
    for at in range(len(free)):
        variance = 0.0
        for j in range(at + 1):
            before = survival[j - 1] if j else 1.0
            if n[j] == 0 or survival[j] == 0:
                continue
            own, every = mine["events"][j] / n[j], free["events"][j] / n[j]
            coming = (taken[at] - taken[j]) / survival[j]
            first, second = own + (1 - every) * coming, own + (1 - every) * coming**2
            variance += before**2 * (second - first**2) / n[j]
        if survival[at] > 0:
            assert mine["se"][at] == pytest.approx(np.sqrt(variance), abs=1e-10)


# ---- edges ------------------------------------------------------------------------------------------------


def test_a_cause_that_took_nobody_is_listed_with_wilson_s_upper_limit():
    got = incidence_at(aalen_johansen(cells_of([5, 9], ["left", ""], [4, 16]), causes=["upgrade", "left"]), 9)
    nobody = got.iloc[0]
    assert got["cause"].tolist() == ["upgrade", "left", EVENT_FREE]
    assert (nobody["incidence"], nobody["low"], nobody["high"]) == (0, 0, wilson(0, 16)[1])


def test_everybody_taken_by_one_cause_leaves_wilson_s_lower_limit():
    got = incidence_at(aalen_johansen(cells_of([5], ["left"], [12])), 5).iloc[0]
    assert (got["incidence"], got["low"], got["high"]) == (1, wilson(12, 12)[0], 1)


def test_nothing_is_said_past_the_last_follow_up():
    got = incidence_at(aalen_johansen(cells_of([5, 9], ["left", ""], 3)), [9, 10])
    assert column(got, "left") == [0.5, pytest.approx(np.nan, nan_ok=True)]
    assert column(got, "left", "at_risk") == [3, 0]


def test_no_customers_give_nan_not_0():
    got = aalen_johansen(cells_of([], [], []), causes=["left"]).table
    assert len(got) == 2
    assert got["incidence"].isna().all()
    assert got["low"].isna().all()


def test_unseen_and_early_customers_are_counted_as_in_kaplan_meier():
    cells = cells_of([7, 2, 30, 40, 40], ["a", "a", "b", "a", ""], [9, 1, 3, 5, 6], entry=[8, 0, 0, 10, 20])
    curve = aalen_johansen(cells)
    assert (curve.starts_at, curve.dropped, curve.skipped) == (20, 9, 1)
