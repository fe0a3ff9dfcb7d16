"""Net promoter scores: published figures, laws and the words of errors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retainkit import open_shop
from retainkit.estimate.promoters import promoter_change, promoter_score
from retainkit.estimate.smalln import in_words
from retainkit.metrics.voices import rep_voices

NOBODY = pd.DataFrame({"earlier": pd.Series(dtype=int), "later": pd.Series(dtype=int), "n": pd.Series(dtype=int)})


def wave(promoters: int, detractors: int, n: int, invited: float = 0) -> pd.Series:
    return pd.Series({"promoters": promoters, "detractors": detractors, "n": n, "invited": invited})


def test_the_published_adjusted_interval():
    value, low, high = promoter_score(162, 54, 324)
    assert (round(value, 3), round(low, 2), round(high, 2)) == (33.333, 24.95, 41.11)  # Rocks 2016; Wald would say 25.22 to 41.45


def test_the_published_variance_of_one_answer():
    """Shares 1/2, 1/3, 1/6: variance 5/9; the 3 added answers vanish in so many."""
    n = 6_000_000
    _, low, high = promoter_score(n // 2, n // 6, n)
    assert ((high - low) / 200 / 1.959964) ** 2 * n == pytest.approx(5 / 9, rel=1e-5)


def test_a_third_each_of_1024_is_known_to_five_points():
    _, low, high = promoter_score(1024 / 3, 1024 / 3, 1024)
    assert high - low == pytest.approx(10.0, abs=0.02)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))
def test_swapping_promoters_and_detractors_turns_the_score_round(up, down, between):
    n = up + down + between
    if n:
        value, low, high = promoter_score(up, down, n)
        turned = promoter_score(down, up, n)
        assert np.allclose(turned, (-value, -high, -low))
        assert -100 <= low <= value <= high <= 100


@given(st.integers(1, 60), st.integers(0, 30))
def test_an_interval_always_has_a_width(up, down):
    _, low, high = promoter_score(up, down, up + down)
    assert low < high


def test_when_everybody_in_the_team_answered_only_the_added_answers_are_left():
    _, low, high = promoter_score(20, 10, 40, population=40)
    assert (low, high) == pytest.approx((100 * 10 / 43, 25.0))


def test_half_of_a_team_makes_a_narrower_interval_than_the_same_of_a_crowd():
    few, many = (promoter_score(13, 12, 40, population=p) for p in (64, None))
    assert (few[2] - few[1]) / (many[2] - many[1]) == pytest.approx(np.sqrt((64 - 40) / 63))


def test_a_shop_in_which_no_account_of_a_rep_has_answered_gives_no_rows():
    deals = pd.DataFrame({"deal_id": [1, 2], "customer_id": ["ann", "bob"], "rep": "rita", "opened_at": "2026-01-05", "closed_at": "2026-02-01",
                          "outcome": ["won", "lost"]})
    answers = pd.DataFrame({"response_id": [1, 2], "customer_id": ["cy", "di"], "kind": "customer", "score": [9, 3], "answered_at": "2026-03-01"})
    voices = rep_voices(open_shop({"deals": deals, "responses": answers}, as_of="2026-10-31"))
    assert voices.empty
    assert {"rep", "value", "n", "churn"} <= set(voices)


def test_nobody_gives_nan_not_zero():
    assert np.isnan(promoter_score(0, 0, 0)).all()


def test_the_change_of_two_separate_waves_has_both_their_variances():
    change, low, high = promoter_change(wave(50, 20, 100), wave(60, 20, 100), NOBODY)
    spread = [(high - low) / 2 for _, low, high in (promoter_score(50, 20, 100), promoter_score(60, 20, 100))]
    assert change == pytest.approx(10)
    assert (high - low) / 2 == pytest.approx(np.hypot(*spread))


def test_people_who_answer_the_same_twice_make_a_change_nearly_certain():
    same = pd.DataFrame({"earlier": [1, 0, -1], "later": [1, 0, -1], "n": [50, 30, 20]})
    _, low, high = promoter_change(wave(50, 20, 100), wave(50, 20, 100), same)
    assert high - low < 4  # separate waves: 43


def test_a_paired_change_is_the_paired_t_standard_error():
    """All answered both: the variance is that of the differences, but for the answers added."""
    rng = np.random.default_rng(5)
    first, second = rng.integers(-1, 2, 4000), rng.integers(-1, 2, 4000)
    second = np.where(rng.random(4000) < 0.6, first, second)
    pairs = pd.DataFrame({"earlier": first, "later": second}).value_counts().rename("n").reset_index()
    waves = [wave(int((x == 1).sum()), int((x == -1).sum()), 4000) for x in (first, second)]
    _, low, high = promoter_change(*waves, pairs)
    assert (high - low) / 200 / 1.959964 == pytest.approx((second - first).std(ddof=1) / np.sqrt(4000), rel=2e-3)


def test_fewer_than_fifteen_answers_are_said_as_a_range():
    value, low, high = (float(x) for x in promoter_score(12, 0, 14))
    assert in_words(value, low, high, 14, kind="score").startswith("between")
