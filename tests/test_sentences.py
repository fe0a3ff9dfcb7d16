"""Words and checks: what a page may say of an estimate, and what stops it."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

import retainkit as rk


def test_few_customers_get_a_range_and_fewer_get_nothing():
    assert rk.words({"rate": 0.62, "low": 0.41, "high": 0.83, "n": 14}, kind="survival") == "between 41% and 83% (n = 14)"
    assert rk.words({"rate": 1.0, "low": 0.3, "high": 1.0, "n": 2}) == "too few to say (n < 5)"


def test_shown_hides_what_the_rules_hide():
    got = rk.shown(pd.DataFrame({"segment": ["a", "b"], "rate": [0.5, 0.5], "low": [0.4, 0.1], "high": [0.6, 0.9], "n": [400, 3]}))
    assert list(got.columns) == ["segment", "estimate (95% interval)", "n"]
    assert got.iloc[0].tolist() == ["a", "50% (40%–60%)", 400]
    assert got["estimate (95% interval)"][1] == "too few"
    assert got["n"].isna().tolist() == [False, True]


def test_a_table_says_once_that_its_ranges_are_intervals_and_has_n_in_a_column(capsys):
    """Every row said "95% interval" and "n =" again, and no two numbers stood below each other."""
    rk.table(rk.shown(pd.DataFrame({"horizon_days": [30, 60], "rate": [0.2, 0.3], "low": [0.1, 0.2], "high": [0.4, 0.4], "n": [12, 3532]})), caption="Back")
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["Back"], ["days", "estimate", "(95%", "interval)", "n"], ["30", "10%–40%", "12"], ["60", "30%", "(20%–40%)", "3,532"]]


def test_an_identity_that_does_not_hold_stops_the_page_with_both_sides():
    with pytest.raises(rk.RetainkitError, match=r"new \+ old = all does not hold. Found: 3.0 and 4.0"):
        rk.checks({"new + old = all": (3.0, 4.0)})


def test_a_side_that_is_not_known_on_one_side_only_stops_the_page():
    with pytest.raises(rk.RetainkitError):
        rk.checks({"a = b": (float("nan"), 1.0)})


def test_identities_that_hold_are_shown(capsys):
    rk.checks({"one is one": (1.0, 1.0), "nobody knows": (float("nan"), float("nan"))})
    said = capsys.readouterr().out
    assert "one is one" in said
    assert "nothing to check" in said


@pytest.mark.filterwarnings("error")
def test_a_table_that_says_nothing_changes_nothing_below_or_above_it():
    told = pd.DataFrame({"rate": [0.5], "n": [10]})
    unknown = pd.DataFrame({"rate": [None], "n": [3], "rep": [None]})
    assert rk.tidy(told, told[:0]).to_dict("list") == {"rate": [0.5], "n": [10]}
    assert rk.tidy(told, unknown)["n"].tolist() == [10, 3]
    assert rk.tidy(told[:0]).empty


def test_the_sides_of_a_check_are_written_as_people_write_numbers(capsys):
    rk.checks({"money": (15179812.34, 15179812.34), "few": (1 / 3, 1 / 3)})
    said = capsys.readouterr().out
    assert "15,179,812.34" in said
    assert "0.3333" in said
    assert "e+" not in said


def test_the_sentences_of_the_pages_have_one_kind_of_quotes():
    """Three sentences had curly ones among hundreds of straight."""
    package = Path(rk.__file__).parent
    told = [*package.glob("tell/*.py"), *package.glob("show/*.py"), *package.glob("report/**/*.j2"), package / "report" / "glossary.toml"]
    assert len(told) > 20
    assert [path.name for path in told if re.search("[‘’“”]", path.read_text(encoding="utf-8"))] == []
