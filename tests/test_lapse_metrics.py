"""Churn where nobody says goodbye: the rules of `retainkit.metrics.lapse`."""

from __future__ import annotations

import re
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from engines import TestEngine, tables
from hypothesis import given, settings
from hypothesis import strategies as st

import retainkit as rk
from retainkit.errors import BadValueError
from retainkit.metrics.lapse import (
    lapse_checks,
    lapse_returns,
    lapse_rule,
    lapse_survival,
    lapse_under_contract,
    monthly_lapse,
)

ORIGIN = date(2025, 1, 1)
FLOWS = ["active_start", "new", "reactivated", "lost", "lost_intra", "active_end"]


def shop_of(rows: list[tuple[str, int]], *, as_of: int) -> TestEngine:
    """Purchases given in days after 1 January 2025."""
    bought = [(name, str(ORIGIN + timedelta(days=n))) for name, n in rows]
    return tables(as_of=str(ORIGIN + timedelta(days=as_of)), purchases=bought, history_start=str(ORIGIN))


def test_the_rule_is_the_time_within_which_nine_gaps_of_ten_are_over() -> None:
    ann = [("ann", sum(range(30, 30 + i))) for i in range(11)]  # ten gaps of 30, 31 .. 39 days
    got = lapse_rule(shop_of([*ann, ("bob", 0), ("bob", 200)], as_of=ann[-1][1])).iloc[0]
    assert (got["days"], got["gaps"], got["running"]) == (38, 10, 1)  # bob bought twice: he has no habit yet
    assert "3 or more purchases" in got["chosen_by"]


def test_a_running_gap_is_not_a_short_one() -> None:
    rows = [(name, day) for name in "abcdefghij" for day in (0, 40, 80)]
    soon, late = (lapse_rule(shop_of(rows, as_of=day))["days"].item() for day in (85, 200))
    assert soon == 40
    assert np.isnan(late)  # a third of the gaps is still open after 120 days: nine in ten are over nobody knows when


def test_the_rule_has_a_floor_and_can_be_given() -> None:
    rows = [("ann", 7 * i) for i in range(10)]
    rule = lapse_rule(shop_of(rows, as_of=63)).iloc[0]
    assert rule["days"] == 30
    assert re.fullmatch(r"the least allowed, since 90% of the gaps .* are over by day \d\d?", rule["chosen_by"])  # the floor chose it, not the gaps
    assert lapse_rule(shop_of(rows, as_of=63), days=14).iloc[0][["days", "chosen_by"]].tolist() == [14, "given"]


def test_a_lapse_is_dated_when_the_days_are_over_and_a_purchase_on_that_day_is_in_time() -> None:
    rows = [("ann", 0), ("ann", 40), ("bob", 0), ("bob", 41), ("cy", 0)]
    got = lapse_survival(shop_of(rows, as_of=60), days=40, horizons=[40]).query("lapse_days == 40")["rate"]
    assert got.item() == pytest.approx(1 / 3)  # bob, a day late, and cy; ann bought on day 40
    a_day_early = lapse_survival(shop_of([("cy", 0)], as_of=39), days=40, horizons=[40]).query("lapse_days == 40")
    assert (a_day_early["rate"].isna().item(), a_day_early["too_young"].item()) == (True, 1)


def test_each_month_balances_by_hand() -> None:
    # 40-day rule. ann: 10 Jan .. 19 Feb, back on 1 March, until 10 April; bob: 1 Jan, 5 Feb, lapses on 17 March; cy buys again
    # on the very day, so stays from 11 January until 1 April
    rows = [("ann", 9), ("ann", 59), ("bob", 0), ("bob", 35), ("cy", 10), ("cy", 50)]
    got = monthly_lapse(shop_of(rows, as_of=120), days=40)
    assert got["month"].tolist() == ["2025-03", "2025-04"]  # in February the history is younger than the rule
    assert got[FLOWS].to_numpy().tolist() == [[2, 0, 1, 1, 0, 2], [2, 0, 0, 2, 0, 0]]


def test_returns_count_lapses_old_enough_and_say_how_many_are_not() -> None:
    rows = [("ann", 0), ("ann", 100), ("bob", 0), ("bob", 200), ("cy", 0), ("dee", 200)]
    got = lapse_returns(shop_of(rows, as_of=250), days=40, within=60).set_index("lapse_days").loc[40]
    assert got[["n", "lapses", "returned_so_far"]].tolist() == [4, 6, 2]  # ann twice, bob twice, cy, dee; bob's and dee's last are young
    assert got["rate"] == pytest.approx(1 / 4)  # ann came back 60 days after the lapse, bob 160
    assert got["too_young"] == 2


purchases = st.lists(st.tuples(st.sampled_from("abcde"), st.integers(0, 320)), min_size=1, max_size=40)


def spans(rows: list[tuple[str, int]], days: int) -> list[tuple[str, int, int]]:
    """Second route: (customer, first day, day of the lapse) of every stay, one purchase after the other."""
    out = []
    for name in sorted({n for n, _ in rows}):
        bought = sorted({d for n, d in rows if n == name})
        start = bought[0]
        for day, after in zip(bought, [*bought[1:], 10**6], strict=True):
            if after - day > days:
                out.append((name, start, day + days))
                start = after
    return out


@settings(max_examples=25, deadline=None)
@given(purchases, st.sampled_from([5, 15, 30, 31, 60]))
def test_every_month_counts_the_same_as_following_every_customer(rows: list[tuple[str, int]], days: int) -> None:
    stays = spans(rows, days)
    shop = shop_of(rows, as_of=330)
    for month in monthly_lapse(shop, days=days).to_dict("records"):
        opens = (pd.Timestamp(month["month"]).date() - ORIGIN).days
        closes = ((pd.Timestamp(month["month"]) + pd.offsets.MonthBegin(1)).date() - ORIGIN).days
        base = [s for s in stays if s[1] < opens <= s[2]]
        wanted = {"active_start": len(base), "lost": sum(s[2] < closes for s in base),
                  "lost_intra": sum(opens <= s[1] and s[2] < closes for s in stays),
                  "active_end": sum(s[1] < closes <= s[2] for s in stays)}
        assert {k: month[k] for k in wanted} == wanted
        assert month["active_start"] + month["new"] + month["reactivated"] - month["lost"] - month["lost_intra"] == month["active_end"]
    assert lapse_checks(shop, days=days)["holds"].all()


@settings(max_examples=20, deadline=None)
@given(purchases, st.sampled_from([30, 60]))
def test_survival_and_returns_agree_with_following_every_customer(rows: list[tuple[str, int]], days: int) -> None:
    shop, as_of, within = shop_of(rows, as_of=330), 330, 90
    stays = spans(rows, days)
    firsts = {}
    for name, start, lapse in stays:
        firsts.setdefault(name, (start, lapse))
    lapsed = sum(lapse - start <= 150 and lapse <= as_of for start, lapse in firsts.values())
    followed = all(as_of - start >= 150 or (lapse <= as_of and lapse - start <= 150) for start, lapse in firsts.values())
    got = lapse_survival(shop, days=days, horizons=[150]).query("lapse_days == @days").iloc[0]
    if followed:
        assert got["rate"] == pytest.approx(1 - lapsed / len(firsts))
    all_lapses = [(name, lapse, [s[1] for s in stays if s[0] == name and s[1] > lapse]) for name, _, lapse in stays if lapse <= as_of]
    old = [(lapse, later) for _, lapse, later in all_lapses if as_of - lapse >= within]
    counts = lapse_returns(shop, days=days, within=within).query("lapse_days == @days").iloc[0]
    assert (counts["lapses"], counts["n"]) == (len(all_lapses), len(old))
    assert counts["returned_so_far"] == sum(bool(later) for _, _, later in all_lapses)
    if old:
        assert counts["rate"] == pytest.approx(np.mean([bool(later) and min(later) - lapse <= within for lapse, later in old]))


@settings(max_examples=10, deadline=None)
@given(purchases, st.integers(60, 330))
def test_cutting_the_log_earlier_never_changes_a_closed_month(rows: list[tuple[str, int]], cut: int) -> None:
    shop = shop_of(rows, as_of=330)
    early = monthly_lapse(shop.at(ORIGIN + timedelta(days=cut)), days=45)
    pd.testing.assert_frame_equal(early, monthly_lapse(shop, days=45).head(len(early)), check_dtype=False)


def test_three_cohorts_that_buy_every_35_days_have_lost_nobody_and_the_running_month_is_not_shown() -> None:
    rows = []
    for month in ((2024, 12), (2025, 1), (2025, 2)):
        for i in range(10):
            day = date(*month, 1 + i)
            while day <= date(2025, 3, 5):
                rows.append((f"{month}{i}", str(day)))
                day += timedelta(days=35)
    shop = tables(as_of="2025-03-05", purchases=rows)
    assert lapse_rule(shop)["days"].item() == 35
    got = monthly_lapse(shop)
    assert got["month"].tolist() == ["2025-02"]
    assert got["lost"].sum() == 0
    rule = lapse_survival(shop, horizons=[70]).set_index("lapse_days")["rate"]
    assert (rule[35], rule[70]) == (1, 1)
    assert rule[17] == 0  # half the rule calls everybody lost: why it is shown


def test_a_refund_does_not_keep_a_customer_from_lapsing() -> None:
    rows = [("ann", "2025-01-01"), ("ann", "2025-02-20", -10), ("bob", "2025-01-01")]
    got = lapse_survival(tables(as_of="2025-06-30", purchases=rows), days=60, horizons=[60]).query("lapse_days == 60")
    assert (got["rate"].item(), got["n"].item()) == (0, 2)


def test_without_a_habit_there_is_no_rule_and_the_answer_says_what_to_do() -> None:
    shop = shop_of([("ann", 0), ("bob", 5), ("bob", 50)], as_of=300)
    assert "say after how many days" in lapse_rule(shop)["note"].item()
    for table in (monthly_lapse, lapse_survival, lapse_returns):
        assert table(shop).empty
    assert not monthly_lapse(shop, days=60).empty


def test_the_error_says_what_to_type() -> None:
    with pytest.raises(BadValueError, match=r"days: must be from 1 to 36,500. Found: 0. To fix it: days=90"):
        rk.lapse_rule(shop_of([("ann", 0)], as_of=10), days=0)


def test_before_the_rules_days_are_over_no_share_is_given_because_nobody_can_lapse() -> None:
    shop = shop_of([("ann", 0), ("bob", 0), ("bob", 100), ("cy", 0)], as_of=400)
    got = lapse_survival(shop, days=60, horizons=[59, 60, 119]).set_index(["lapse_days", "horizon_days"])
    assert np.isnan(got.loc[(60, 59), "rate"])
    assert got.loc[(60, 59), "note"] == "nobody can lapse before day 60"
    assert got.loc[(60, 60), "rate"] == pytest.approx(0, abs=0.4)  # all three are silent for 60 days
    assert np.isnan(got.loc[(120, 119), "low"])
    assert got.loc[(30, 59), "note"] == ""


def test_when_the_last_one_followed_lapses_nothing_is_said_of_later_days() -> None:
    ten = [(f"old{i}", 0) for i in range(10)]  # they lapse on day 44; nine more are followed for 40 days only
    got = lapse_survival(shop_of([*ten, *((f"new{i}", 20) for i in range(9))], as_of=60), days=44, horizons=[44, 60, 365]).query("lapse_days == 44")
    assert got["rate"].tolist() == pytest.approx([0, np.nan, np.nan], nan_ok=True)  # "between 0% and 79%" was said of day 365
    assert got["note"].iloc[-1] == "nobody followed that long"
    everybody = lapse_survival(shop_of(ten, as_of=60), days=44, horizons=[60]).query("lapse_days == 44")
    assert everybody["rate"].item() == 0  # nobody is left, for good


def test_the_rule_is_wrong_about_those_who_are_under_contract_and_says_how_often() -> None:
    bought = [(name, str(ORIGIN)) for name in ("ann", "bob", "cy", "dee")] + [("dee", "2025-03-01")]
    book = [("ann", "2025-01-01", None), ("bob", "2025-01-01", "2025-02-01"), ("dee", "2025-01-01", "2026-01-01")]
    got = lapse_under_contract(tables(as_of="2025-03-31", purchases=bought, contracts=book, history_start=str(ORIGIN)), days=60)
    assert got["lapse_days"].tolist() == [30, 60, 120]
    assert got["past"].tolist() == [2, 1, 0]  # ann, and dee after 30 days; bob is under contract no more, cy never was
    assert got["n"].tolist() == [2, 2, 2]
