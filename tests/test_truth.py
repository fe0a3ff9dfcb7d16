"""The machinery of `make truth`: shops of a batch are shops, the truths are true, and the page explains what it must."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from truth import alarms, buyers, coverage, page, promises, sellers, subscribers
from truth.promises import ALL, Promise
from truth.questions import ASKED, NAIVE

from retainkit.estimate.intervals import wilson
from retainkit.metrics.changes import judged_months
from retainkit.simulate.draws import stream

COLUMNS = ["world", "shop", "name", "cell", "value", "low", "high", "naive"]


def readings(*rows: tuple[object, ...]) -> pd.DataFrame:
    """Readings of one world, without naive figures."""
    return pd.DataFrame([("w", *row, np.nan) for row in rows], columns=COLUMNS)


# ---- what is counted --------------------------------------------------------------------------------------------


def test_an_interval_holds_the_truth_at_its_ends_and_misses_it_on_one_side_or_the_other():
    got = coverage.counted(
        readings((0, "x", 1, 0.4, 0.3, 0.5), (1, "x", 1, 0.6, 0.5, 0.7), (2, "x", 1, 0.2, 0.1, 0.4), (3, "x", 1, 0.8, 0.6, 0.9)),
        {"w": {("x", 1): 0.5}}, [Promise("w", "01", "x", 1, "x")]).iloc[0]  # fmt: skip
    assert (got["coverage"], got["below"], got["above"]) == (0.5, 0.25, 0.25)
    assert got["bias"] == pytest.approx(0)
    assert got["error"] == pytest.approx(np.sqrt(0.5 * 0.5 / 4))  # binomial: a shop has one cell


def test_cells_of_one_shop_are_not_taken_for_independent_and_a_number_that_is_not_printed_counts_for_nothing():
    rows = [(shop, "x", cell, 0.5, *((0.4, 0.6) if shop else (0.6, 0.7))) for shop in (0, 1) for cell in "abcd"]
    blank = (2, "x", "a", np.nan, np.nan, np.nan)
    got = coverage.counted(readings(*rows, blank), {"w": {("x", c): 0.5 for c in "abcd"}}, [Promise("w", "01", "x", ALL, "x")]).iloc[0]
    assert (got["shops"], got["cells"], got["coverage"]) == (2, 8, 0.5)
    assert got["error"] == pytest.approx(np.sqrt(0.5 * 0.5 / 2))  # as for two cells, not eight


def test_a_world_in_which_the_truth_is_covered_as_said_is_found_to_be_so():
    rng = np.random.default_rng(1)
    low, high = wilson(hits := rng.binomial(200, 0.3, 4_000), 200)
    rows = readings(*((i, "x", 1, h / 200, a, b) for i, (h, a, b) in enumerate(zip(hits, low, high, strict=True))))
    got = coverage.counted(rows, {"w": {("x", 1): 0.3}}, [Promise("w", "01", "x", 1, "x")])
    assert got["coverage"].item() == pytest.approx(0.95, abs=3 * got["error"].item())
    assert coverage.outside(got).empty


# ---- the worlds -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "metrics"), [
    ("buyers", ["second_purchase", "month_one_revenue"]), ("subscribers", ["contract_survival", "revenue_churn"]), ("sellers", ["win_rate", "rep_churn"]),
    ("consumers", ["lifetime_value_beyond"])])  # fmt: skip
def test_a_shop_of_a_batch_says_what_open_shop_says_of_the_same_tables(name, metrics):
    assert coverage.furthest(name, 1, metrics) < 1e-9


@pytest.mark.parametrize("name", list(ASKED))
def test_every_number_that_is_read_or_promised_has_a_truth(name):
    known, read = coverage.truths(name, 15), coverage.batch(name, 0, 1, [])
    assert set(zip(read["name"], read["cell"], strict=True)) <= set(known)
    assert {(p.name, p.cell) for p in promises.PROMISES if p.world == name and p.cell != ALL} <= set(known)
    assert np.isfinite([float(value) for value in known.values()]).all()
    assert set(NAIVE) == set(ASKED)


def test_lives_are_as_long_as_the_hazard_and_the_spread_between_customers_make_them():
    life = buyers.lifetime(stream(1, "test"), np.full(200_000, 0.001))
    for day in (90, 365):
        spent = 0.001 * (2.4 * min(day, 90) + max(day - 90, 0))
        assert (life > day).mean() == pytest.approx((1 + 0.6 * spent) ** (-1 / 0.6), abs=0.004)  # gamma frailty


def test_what_an_export_cannot_know_is_not_in_it():
    orders = buyers.export(buyers.live(3, 2))["orders"]
    assert orders["ordered_at"].between("2023-11-01", "2026-10-31").all()
    assert not (orders["refunded_at"] > "2026-10-31").any()
    contracts = subscribers.export(subscribers.live(3, 2))["contracts"]
    gone = contracts.groupby("customer_id")["ended_at"].agg(lambda ends: ends.max() if ends.notna().all() else pd.Timestamp("2100-01-01"))
    assert (gone > "2024-11-01").all()  # who had left before is missing,
    assert (contracts["started_at"] < "2024-11-01").any()  # who had not is there from the start
    deals = sellers.export(sellers.live(3, 2))["deals"]
    assert (deals["closed_at"].isna() == (deals["outcome"] == "open")).all()
    assert deals["closed_at"].dropna().between("2023-11-01", "2026-10-31").all()


# ---- the page ---------------------------------------------------------------------------------------------------


def test_a_promise_that_is_not_kept_is_bold_and_explained():
    row = {"world": "w", "page": "04", "name": "x", "cell": 1, "says": "deals won", "unit": "%", "naive": "", "why": "because.", "truth": 0.5, "shops": 400,
           "cells": 400, "coverage": 0.9, "error": 0.015, "below": 0.08, "above": 0.02, "bias": 0.01, "bias_error": 0.001, "width": 0.2, "naive_reads": np.nan}  # fmt: skip
    text = page.written(pd.DataFrame([row, row | {"says": "deals lost", "coverage": 0.95}]), command="python -m tests.truth", seed=2026, seconds=60)
    assert "| deals won | 50.0% | 400 | **90.0% ± 2.9%** |" in text
    assert "| deals lost | 50.0% | 400 | 95.0% ± 2.9% |" in text
    assert "* **Deals won** (90.0%): because." in text
    assert text.count("* **") == 1


def test_text_goes_between_its_markers_and_nowhere_else(tmp_path):
    (tmp_path / "page.md").write_text("a\n<!-- x -->\nold\n<!-- /x -->\nb\n")
    page.put("x", "new \\1", into=tmp_path / "page.md")
    assert (tmp_path / "page.md").read_text() == "a\n<!-- x -->\nnew \\1\n<!-- /x -->\nb\n"
    with pytest.raises(ValueError, match="no markers <!-- y -->"):
        page.put("y", "", into=tmp_path / "page.md")


def test_the_committed_page_has_a_row_for_every_promise_and_no_row_outside_without_a_reason():
    text = page.README.read_text(encoding="utf-8")
    assert all(f"| {promise.says} |" in text for promise in promises.PROMISES)
    assert "NOT EXPLAINED" not in text


@pytest.mark.slow
@pytest.mark.parametrize("name", list(ASKED))
def test_the_shops_of_a_whole_batch_say_in_everything_what_open_shop_says(name):
    assert coverage.furthest(name, coverage.BATCH) < 1e-9


@pytest.mark.slow
def test_every_interval_holds_the_truth_as_often_as_it_says_or_the_page_explains_why_not():
    table = coverage.counted(*coverage.simulated(shops=400, jobs=2))
    assert len(table) == len(promises.PROMISES)
    odd = coverage.outside(table)
    assert odd[odd["why"] == ""]["says"].tolist() == []

# ---- news where nothing changed ------------------------------------------------------------------------------------


def test_a_month_is_judged_as_the_scorecard_judges_it():
    """By the months before it only, twelve at least: the same verdicts as the page's own function."""
    ends = pd.date_range("2024-01-31", periods=16, freq="ME")
    hits = np.array([21, 27, 24, 22, 25, 23, 26, 22, 25, 24, 20, 29, 24, 45, 23, 5])
    for months, of in ((pd.DataFrame({"month": "m", "known_on": ends, "hits": hits, "n": 100}), "average"), (pd.DataFrame({"month": "m", "known_on": ends, "value": hits * 10.0}), "cost")):
        ours = list(alarms.months_judged(months, of))
        theirs = [judged_months(months[: at + 1], ends[at - 1].date(), of=of)["news"].startswith("news") for at in range(12, 16)]
        assert ours == theirs
        assert ours[0] is False
        assert ours[1] is True


def test_a_survey_is_called_news_about_as_seldom_as_it_should_be():
    assert alarms.surveys("customer", 200)["news"].mean() <= 0.02


def test_the_worlds_of_quiet_shops_leave_the_others_as_they_were():
    before = buyers.TIMES
    alarms._frames("orders", 1, 1, 2)
    assert before == buyers.TIMES
