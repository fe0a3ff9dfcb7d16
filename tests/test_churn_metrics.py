"""How long customers stay and how many leave: the rules of `retainkit.metrics.churn`, `churn_money` and `definitions`."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from engines import TestEngine, tables
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.errors import BadValueError
from retainkit.estimate.intervals import benjamini_hochberg
from retainkit.metrics import months
from retainkit.metrics.churn import (
    churn_curve,
    contract_checks,
    contract_survival,
    days_kept,
    early_cancellation,
    monthly_cancellation,
    monthly_churn,
    why_ended,
)
from retainkit.metrics.churn_money import mrr_movements, revenue_churn
from retainkit.metrics.definitions import DEFINITIONS, churn_bridge, churn_definitions
from retainkit.show.sentences import numbers, tidy, words
from retainkit.tell.staying import days_apart

FLOWS = ["active_start", "new", "reactivated", "lost", "lost_intra", "active_end"]
BOOK = [  # customer, started, first day without, asked to leave, pays a month
    ("ann", "2025-12-10", "2026-02-01", "2026-01-20", 100),  # lost on 1 February: in February
    ("ann", "2026-02-20", None, None, 80),  # and back in the same month
    ("bob", "2026-01-05", None, None, 50),
    ("cy", "2026-01-20", "2026-01-25", None, 10),  # came and left in January
    ("dee", "2025-06-01", "2026-01-01", None, 100),  # a renewal at a higher price: nobody left
    ("dee", "2026-01-01", None, None, 130),
    ("eve", "2025-07-01", "2025-12-15", None, 70),
    ("fay", "2025-07-01", None, None, 90),  # two contracts side by side: the end of one is no churn
    ("fay", "2025-08-01", "2026-02-10", None, 40),
]


@pytest.fixture
def book() -> TestEngine:
    return tables(as_of="2026-03-10", history_start="2025-12-01", contracts=BOOK)


def days_between(start: str, days: int) -> str:
    return str(pd.Timestamp(start).date() + timedelta(days=days))


# --- by hand ------------------------------------------------------------------------------------------------------

def test_contracts_that_touch_or_overlap_are_one_stay_and_days_without_end_it(book: TestEngine) -> None:
    stays = book.sql("select * from spells order by customer, spell")
    assert stays.groupby("customer").size().tolist() == [2, 1, 1, 1, 1, 1]  # ann came back; dee and fay never left
    assert str(stays.loc[0, "ended_on"])[:10] == "2026-02-01"
    assert stays.loc[4, "monthly_value"] == 100  # of the first contract


def test_a_contract_that_begins_the_day_after_the_one_before_ended_carries_it_on() -> None:
    """Many systems note a contract's last day as its end: with yearly renewals nobody would have stayed for a year."""
    terms = [("ann", f"{year}-01-01", f"{year}-12-31", None, 10) for year in (2023, 2024, 2025)]
    terms += [("bob", "2023-01-01", "2023-12-31", None, 10), ("bob", "2024-01-02", "2024-12-31", None, 10)]  # none on two days, the 31st and the 1st
    stays = tables(as_of="2026-06-30", history_start="2023-01-01", contracts=terms).sql("select customer, spell, cast(ended_on as varchar) as ended_on from spells order by 1, 2")
    assert stays["ended_on"].tolist() == ["2025-12-31", "2023-12-31", "2024-12-31"]


@pytest.mark.parametrize("as_of", ["2024-12-31", "2025-01-31"])
def test_who_carries_on_the_next_day_is_not_lost_in_the_month_between_nor_is_their_money(as_of: str) -> None:
    """On the last day of the year, too: what begins tomorrow is in the data, as an end that lies ahead is."""
    terms = [(f"c{i}", f"{year}-01-01", f"{year}-12-31", None, 100) for i in range(40) for year in (2023, 2024, 2025)]
    shop = tables(as_of=as_of, history_start="2023-01-01", contracts=terms)
    assert monthly_churn(shop).set_index("month").loc["2024-12", ["active_start", "lost", "active_end"]].tolist() == [40, 0, 40]
    money = mrr_movements(shop).set_index("month").loc["2024-12"]
    assert (money["opening"], money["contraction"], money["closing"]) == (4_000, 0, 4_000)


def test_each_month_balances_and_churn_is_of_those_it_opened_with(book: TestEngine) -> None:
    months = monthly_churn(book)
    assert months["month"].tolist() == ["2025-12", "2026-01", "2026-02"]  # March still runs
    assert months[FLOWS].to_numpy().tolist() == [[3, 1, 0, 1, 0, 3], [3, 2, 0, 0, 1, 4], [4, 0, 1, 1, 0, 4]]
    assert months["rate"].tolist() == pytest.approx([1 / 3, 0, 1 / 4])
    assert (months["low"] < months["high"]).all()  # never a zero width


def test_a_cancellation_counts_when_it_is_asked_for_and_churn_when_it_happens(book: TestEngine) -> None:
    asked, lost = monthly_cancellation(book).set_index("month"), monthly_churn(book).set_index("month")
    assert (asked.loc["2026-01", "asked"], lost.loc["2026-01", "lost"]) == (1, 0)
    assert (asked.loc["2026-02", "asked"], lost.loc["2026-02", "lost"]) == (0, 1)


def test_a_request_counts_once_no_contract_is_left_that_nobody_asked_to_end() -> None:
    book = [("fay", "2025-07-01", None, "2026-01-10"), ("fay", "2025-08-01", None, "2026-02-10"),  # two side by side
            ("gus", "2025-07-01", "2026-01-31", "2026-01-10"), ("gus", "2026-01-31"),  # a change of plan within the month
            ("hal", "2025-07-01", "2026-02-01", "2026-01-10"), ("hal", "2026-02-01")]  # not known to be one when January closed
    shop = tables(as_of="2026-03-31", history_start="2026-01-01", contracts=book)
    assert monthly_cancellation(shop)["asked"].tolist() == [1, 1, 0]  # hal in January, fay in February
    asked = [churn_definitions(shop, month=m).set_index("definition").loc["asked_to_leave", "lost"] for m in ("2026-01", "2026-02")]
    assert asked == [1, 1]
    assert monthly_churn(shop)["lost"].sum() == 0


def test_survival_by_hand_with_a_late_arrival() -> None:
    # ann is seen from age 30 on; bob leaves on day 40 (at risk 3), cy on day 60 (at risk 2: ann, cy)
    rows = [("ann", "2025-12-02", None), ("bob", "2026-01-01", "2026-02-10"), ("cy", "2026-01-01", "2026-03-02")]
    shop = tables(as_of="2026-03-31", history_start="2026-01-01", contracts=rows)
    got = contract_survival(shop, horizons=(39, 40, 60, 500))
    assert got["rate"].tolist()[:3] == pytest.approx([1, 2 / 3, 1 / 3])
    assert np.isnan(got["rate"].iloc[3])
    assert got["note"].iloc[3].startswith("nobody followed that long")
    assert got[["n", "too_young"]].to_numpy().tolist() == [[3, 0], [3, 0], [3, 0], [3, 1]]


def test_early_cancellation_goes_by_the_day_it_was_asked_for() -> None:
    rows = [("ann", "2026-01-01", "2026-03-20", "2026-02-20"),  # asked on day 50, gone on day 78
            ("bob", "2026-01-01", "2026-03-20", "2026-03-15"),  # asked on day 73
            ("cy", "2026-01-01", "2026-02-15"),  # nobody asked: gone on day 45
            ("dee", "2026-01-01")]
    got = early_cancellation(tables(as_of="2026-03-31", contracts=rows), horizons=(44, 45, 78)).set_index(["cause", "horizon_days"])["rate"]
    assert got["early_cancel"].tolist() == pytest.approx([0, 1 / 4, 1 / 2])
    assert got["churn"].tolist() == pytest.approx([0, 0, 1 / 4])


def test_revenue_is_kept_lost_and_won_back_by_hand(book: TestEngine) -> None:
    month = mrr_movements(book).set_index("month").loc["2026-02"]
    assert month[["opening", "lost", "contraction", "expansion", "came_back", "new", "reactivated", "closing"]].tolist() == [
        410, 100, 40, 0, 80, 0, 0, 350]  # ann leaves at 100 and returns at 80; fay keeps 90 of 130
    kept = revenue_churn(book, months=2).set_index(["measure", "month"])
    assert kept.loc[("grr", "2026-02"), "value"] == pytest.approx((100 + 90) / 330)  # dee capped at 100, ann had a break
    assert kept.loc[("nrr", "2026-02"), "value"] == pytest.approx((80 + 130 + 90) / 330)
    assert kept.loc[("nrr", "2026-02"), "came_back"] == 80
    assert kept.loc[("mrr_churn", "2026-02"), "value"] == pytest.approx(140 / 410)


def test_customers_of_unknown_value_are_named_and_not_among_n() -> None:
    rows = [("ann", "2025-06-01", None, None, 100), ("bob", "2025-06-01", "2026-02-10", None, 50), ("cy", "2025-06-01", None, None, None),
            ("dee", "2025-06-01", "2026-02-10", None, None), ("dee", "2026-02-10", None, None, 70),  # 70 is no growth on something unknown
            ("eve", "2026-02-03", None, None, None),  # new, and not in the base
            ("ann", "2025-07-01", None, None, None)]  # beside one that is known
    kept = revenue_churn(tables(as_of="2026-02-28", history_start="2025-06-01", contracts=rows), months=1).query("month == '2026-02'").set_index("measure")
    assert kept["n"].tolist() == [2, 2, 2]
    assert kept["value"].tolist() == pytest.approx([100 / 150, 100 / 150, 50 / 150])
    assert set(kept["note"]) == {"left out: 2 customers of unknown value; a contract of unknown value of 1 customer with others counts as 0"}


def test_one_month_under_every_convention_by_hand(book: TestEngine) -> None:
    got = churn_definitions(book, month="2026-02").set_index("definition")
    assert got["lost"].to_dict() == {
        "opening_base": 1, "chartmogul_standard": 0, "joined_and_left_counted": 1, "stripe": 1, "baremetrics_30d": 1,
        "baremetrics_365d": 3, "asked_to_leave": 0, "renewal_eligible": 1, "chartmogul_shopify": 1}
    assert got.loc["opening_base", "n"] == 4
    assert got.loc["stripe", "n"] == 5  # the 30 days reach back to 30 January; ann's return counts as a subscriber
    assert got.loc["chartmogul_shopify", "rate"] == pytest.approx(1 / 4)  # all on the first day


def test_where_nobody_noted_when_customers_asked_to_leave_no_share_of_them_is_made_up() -> None:
    shop = tables(as_of="2026-03-31", contracts=[("ann", "2026-01-05", "2026-02-10"), ("bob", "2026-01-20")])
    row = churn_definitions(shop, month="2026-02").set_index("definition").loc["asked_to_leave"]
    assert np.isnan([row["rate"], row["low"], row["high"]]).all()
    assert "nobody noted" in row["note"]


def test_the_30_days_of_another_convention_are_not_the_month() -> None:
    rows = [("ann", "2025-01-01", "2026-01-01"), *((name, "2025-01-01") for name in "bcde"), ("fay", "2026-01-02")]
    got = churn_definitions(tables(as_of="2026-02-15", contracts=rows, history_start="2025-06-01"), month="2026-01")
    lost = got.set_index("definition")["lost"]
    assert (lost["opening_base"], lost["baremetrics_30d"]) == (1, 0)  # 1 January is the 31st day back, fay joined on the 30th
    bridge = churn_bridge(tables(as_of="2026-02-15", contracts=rows, history_start="2025-06-01"), month="2026-01", definition="baremetrics_30d")
    assert bridge["customers"].tolist() == [1, -1, 0, 5, -1, 4]
    assert "not in its last 30 days" in bridge["step"].iloc[1]


def test_a_year_of_losses_is_not_told_of_a_log_that_is_shorter(book: TestEngine) -> None:
    assert "shorter than the 365 days" in churn_definitions(book, month="2026-02").set_index("definition").loc["baremetrics_365d", "note"]
    rows = [("ann", "2024-01-01", "2025-04-01"), ("bob", "2024-01-01"), ("cy", "2025-06-01", "2025-07-01"), ("dee", "2024-01-01", "2025-02-28"), ("eve", "2025-09-01")]
    shop = tables(as_of="2026-03-10", contracts=rows, history_start="2024-01-01")
    year = churn_definitions(shop, month="2026-02").set_index("definition").loc["baremetrics_365d"]
    assert (year["lost"], year["n"], year["note"]) == (2, 2, "")  # ann and cy left in it; ann and bob were here on 1 March 2025
    bridge = churn_bridge(shop, month="2026-02", definition="baremetrics_365d")
    assert bridge.loc[bridge["side"] == "base", "customers"].tolist() == [2, 1, -1, 2]  # plus ann, minus eve


# --- laws ---------------------------------------------------------------------------------------------------------

starts = st.integers(0, 300)
contracts = st.lists(st.tuples(st.sampled_from("abcdefgh"), starts, st.none() | st.integers(0, 200), st.none() | st.integers(0, 60),
                               st.integers(0, 5)), min_size=1, max_size=14)


def shop_of(rows: list[tuple[str, int, int | None, int | None, int]], *, history: int = 60, as_of: int = 330) -> TestEngine:
    """Contracts given in days after 2025-01-01."""
    origin = date(2025, 1, 1)
    book = []
    for name, start, length, asked, value in rows:
        end = None if length is None else origin + timedelta(days=start + length)
        request = None if asked is None or length is None else origin + timedelta(days=start + min(asked, length))
        book.append((name, origin + timedelta(days=start), end, request, value))
    return tables(as_of=str(origin + timedelta(days=as_of)), history_start=str(origin + timedelta(days=history)), contracts=book)


@settings(max_examples=20, deadline=None)
@given(contracts)
def test_a_month_counts_the_same_as_looking_at_every_day_of_it(rows: list) -> None:
    """Second route: the sets of customers here on each day, in plain Python."""
    shop = shop_of(rows)
    origin = pd.Timestamp("2025-01-01")
    spans = [(n, origin + pd.Timedelta(days=s), origin + pd.Timedelta(days=9999 if k is None or s + k > 330 else s + k)) for n, s, k, _, _ in rows]
    here = {day: {n for n, s, e in spans if s <= day < e} for day in pd.date_range(origin - pd.Timedelta(days=1), "2025-12-01")}
    for month in monthly_churn(shop).to_dict("records"):
        days = pd.date_range(month["month"], periods=1).append(pd.date_range(month["month"], pd.Timestamp(month["month"]) + pd.offsets.MonthEnd(0)))[1:]
        opening, closing = here[days[0] - pd.Timedelta(days=1)], here[days[-1]]
        gone = {n for n in opening if any(n not in here[d] for d in days)}
        assert (month["active_start"], month["active_end"], month["lost"]) == (len(opening), len(closing), len(gone))
        assert month["active_start"] + month["new"] + month["reactivated"] - month["lost"] - month["lost_intra"] == month["active_end"]


@settings(max_examples=10, deadline=None)
@given(contracts, st.integers(100, 330))
def test_cutting_the_log_earlier_never_changes_a_closed_month(rows: list, cut: int) -> None:
    late, early = shop_of(rows), shop_of(rows, as_of=cut)
    for table in (monthly_churn, monthly_cancellation, mrr_movements):
        known = table(early)
        pd.testing.assert_frame_equal(known, table(late).head(len(known)), check_dtype=False)


@settings(max_examples=10, deadline=None)
@given(contracts)
def test_money_moves_and_bridges_add_up(rows: list) -> None:
    shop = shop_of(rows)
    assert contract_checks(shop)["holds"].all()
    asked, month = (t.set_index("month") if "month" in t else t.set_index("definition") for t in (monthly_cancellation(shop), churn_definitions(shop, month="2025-10")))
    assert asked.loc["2025-10", "asked"] == month.loc["asked_to_leave", "lost"]
    m = mrr_movements(shop)
    moved = m["opening"] - m["lost"] - m["contraction"] + m["expansion"] + m["came_back"] + m["new"] + m["reactivated"]
    assert np.allclose(moved, m["closing"])
    assert np.allclose(m["opening"].iloc[1:], m["closing"].iloc[:-1])
    for definition in DEFINITIONS:
        for _, side in churn_bridge(shop, month="2025-10", definition=definition).groupby("side"):
            assert side["customers"].iloc[:-1].sum() == side["customers"].iloc[-1]


def test_rows_in_another_order_and_a_contract_signed_later_change_nothing(book: TestEngine) -> None:
    shuffled = tables(as_of="2026-03-10", history_start="2025-12-01", contracts=[*reversed(BOOK), ("new", "2026-03-11")])
    for table in (monthly_churn, contract_survival, churn_curve, revenue_churn):
        pd.testing.assert_frame_equal(table(book), table(shuffled))


def test_groups_add_up_to_everybody() -> None:
    people = [(name, "SMB" if name < "d" else "ENT") for name in "abcdef"]  # g is in no table: unknown
    rows = [(name, "2026-01-01", days_between("2026-01-15", i * 9)) for i, name in enumerate("abcdefg")]
    shop = tables(as_of="2026-04-30", contracts=rows, customers=people)
    split = monthly_churn(shop, by="segment")
    assert set(split["segment"]) == {"SMB", "ENT", "unknown"}
    pd.testing.assert_frame_equal(split.groupby("month")[FLOWS].sum(), monthly_churn(shop).set_index("month")[FLOWS])


# --- edges --------------------------------------------------------------------------------------------------------

def test_no_contracts_at_all_is_an_empty_answer_that_says_so() -> None:
    shop = tables(as_of="2026-03-10")
    assert monthly_churn(shop).empty
    assert days_kept(shop, by="segment").empty
    assert contract_survival(shop)["note"].tolist() == ["no contracts"] * 5
    assert contract_survival(shop)["rate"].isna().all()
    assert revenue_churn(shop).empty
    assert contract_checks(shop)["holds"].all()


def test_nobody_leaves_and_everybody_leaves() -> None:
    stay = tables(as_of="2026-06-30", contracts=[(str(i), "2026-01-01") for i in range(20)])
    assert contract_survival(stay, horizons=(90,))[["rate", "high"]].iloc[0].tolist() == [1, 1]
    assert 0.8 < contract_survival(stay, horizons=(90,))["low"].item() < 1
    assert monthly_churn(stay)["rate"].sum() == 0
    leave = tables(as_of="2026-06-30", contracts=[(str(i), "2026-01-01", "2026-02-10") for i in range(20)])
    gone = contract_survival(leave, horizons=(39, 90)).iloc[1]
    assert (gone["rate"], gone["at_risk"]) == (0, 0)  # nobody is left, for good
    assert 0 < gone["high"] < 0.2
    assert np.isnan(monthly_churn(leave).set_index("month").loc["2026-03", "rate"])  # nobody to lose


def test_an_export_made_on_the_tenth_shows_no_churn_for_the_month_that_runs() -> None:
    shop = tables(as_of="2026-03-10", contracts=[(name, "2026-01-10") for name in "abcd"])
    assert monthly_churn(shop)["month"].tolist() == ["2026-02"]  # January opened before the history did
    assert monthly_churn(shop)["rate"].tolist() == [0]


def test_a_contract_of_no_days_comes_and_goes_without_upsetting_the_balance() -> None:
    shop = tables(as_of="2026-02-28", history_start="2026-01-01", contracts=[("ann", "2026-01-05", "2026-01-05"), ("bob", "2026-01-02")])
    assert monthly_churn(shop).loc[0, FLOWS].tolist() == [0, 2, 0, 0, 1, 1]
    assert contract_survival(shop, horizons=(0, 10))["rate"].tolist() == [0.5, 0.5]  # the loss of day 0 is a step at 0


def test_contracts_that_ended_before_the_history_began_are_left_out_and_counted() -> None:
    shop = tables(as_of="2026-03-31", history_start="2026-01-01", contracts=[("ann", "2025-01-01", "2025-06-01"), ("bob", "2026-01-01")])
    row = contract_survival(shop, horizons=(30,)).iloc[0]
    assert (row["n"], row["rate"]) == (1, 1)
    assert "1 gone before the history began" in row["note"]


def test_ends_of_running_contracts_are_no_renewals_unless_most_are_followed_by_another() -> None:
    monthly = [("a", "2026-01-01", "2026-02-01"), ("a", "2026-02-01", "2026-03-01"), ("b", "2026-01-01", "2026-02-01")]
    rate = churn_definitions(tables(as_of="2026-03-31", contracts=[*monthly, ("a", "2026-03-01")]), month="2026-02").set_index("definition")["rate"]
    assert rate["renewal_eligible"] == pytest.approx(1 / 2)
    running = [("a", "2026-01-01", "2026-02-05"), ("b", "2026-01-01")]
    got = churn_definitions(tables(as_of="2026-03-31", contracts=running), month="2026-02").set_index("definition").loc["renewal_eligible"]
    assert np.isnan(got["rate"])
    assert "not renewal dates" in got["note"]


def test_survival_by_start_year_is_that_of_each_year_alone() -> None:
    """Over years that differ the pooled curve is an average that is true of no year."""
    rows = [(f"{year}-{i}", f"{year}-01-10", f"{year}-06-10" if i < left else None) for year, left in ((2023, 15), (2024, 10), (2025, 5)) for i in range(20)]
    got = contract_survival(tables(as_of="2026-06-30", history_start="2023-06-01", contracts=rows), by="start_year", horizons=[365]).set_index("start_year")
    assert got["rate"].tolist() == pytest.approx([0.25, 0.5, 0.75])
    assert got["given"].tolist() == [142, 0, 0]  # who had begun before the history is not seen from the start, so that year is not shown
    both = tidy(numbers(contract_survival(tables(contracts=rows[20:], as_of="2026-06-30"), horizons=[365])), numbers(got.reset_index(), "start_year"))
    assert set(both["note"]) == {"", "given still here at day 142"}  # in metrics.csv


def test_the_reasons_contracts_ended_for_add_up_to_all_churn() -> None:
    """Of the sample's ends a quarter were no cancellation: non-payment, and customers who changed to another product."""
    noted = ["cancelled"] * 20 + ["non_payment"] * 8 + [None] * 6 + ["fire"] * 4 + ["flood"] * 1
    rows = [(f"c{i}", "2025-01-01", days_between("2025-01-01", 3 + 2 * i) if i < 39 else None, None, None, noted[i] if i < 39 else None) for i in range(60)]
    shop = tables(as_of="2025-12-31", contracts=rows)
    got = why_ended(shop, horizons=[30, 200]).set_index(["reason", "horizon_days"])["rate"].unstack()
    assert got[200].to_dict() == pytest.approx({"cancelled": 20 / 60, "non_payment": 8 / 60, "unknown": 6 / 60, "other reasons": 5 / 60})
    assert got.sum().tolist() == pytest.approx((1 - contract_survival(shop, horizons=[30, 200])["rate"]).tolist())
    silent = tables(as_of="2025-12-31", contracts=[row[:3] for row in rows])
    assert why_ended(silent).empty
    assert list(why_ended(silent)) == list(why_ended(shop))


def test_a_base_that_does_not_balance_is_noticed(book: TestEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start and end were both worked out from the flows, and then held against the flows: no mistake in them could show."""
    assert contract_checks(book)["holds"].all()
    right = months.flows_by_month

    def a_month_early(days: pd.DataFrame, names: list[str], last: int) -> pd.DataFrame:
        return right(days, names, last=last).assign(lost=lambda flows: flows["lost"].shift(-1, fill_value=0))

    monkeypatch.setattr(months, "flows_by_month", a_month_early)
    assert contract_checks(tables(as_of="2026-03-10", history_start="2025-12-01", contracts=BOOK))["holds"].tolist() == [False, True, True, True]


# --- second routes ------------------------------------------------------------------------------------------------

def test_survival_agrees_with_lifelines_on_a_row_a_customer() -> None:
    from lifelines import KaplanMeierFitter

    rng = np.random.default_rng(3)
    length, gone = rng.integers(1, 200, 60), rng.random(60) < 0.6
    as_of = date(2026, 1, 1) + timedelta(days=200)
    rows = [(f"c{i}", as_of - timedelta(days=int(k)) if not e else date(2026, 1, 1), date(2026, 1, 1) + timedelta(days=int(k)) if e else None)
            for i, (k, e) in enumerate(zip(length, gone, strict=True))]
    got = churn_curve(tables(as_of=str(as_of), history_start="2026-01-01", contracts=rows)).set_index("time")["survival"]
    fit = KaplanMeierFitter().fit(length, gone).survival_function_["KM_estimate"]
    assert np.allclose(got.reindex(fit.index[1:]), fit.iloc[1:])


def test_days_kept_is_the_plain_mean_when_everybody_is_followed() -> None:
    rows = [(f"c{i}", "2025-01-01", days_between("2025-01-01", 5 * i + 1)) for i in range(60)]
    people = [(f"c{i}", "SMB" if i % 2 else "ENT") for i in range(60)]
    got = days_kept(tables(as_of="2026-06-30", contracts=rows, customers=people), by="segment", within=100).set_index("segment")
    for name, parity in (("ENT", 0), ("SMB", 1)):
        assert got.loc[name, "value"] == pytest.approx(np.mean([min(5 * i + 1, 100) for i in range(parity, 60, 2)]))
    assert got["p"].iloc[0] == pytest.approx(got["p"].iloc[1])  # of two groups each is the other's rest
    assert got["p_any"].iloc[0] == pytest.approx(got["p"].iloc[0])
    assert got["difference"].tolist() == pytest.approx([got.loc["ENT", "value"] - got.loc["SMB", "value"], got.loc["SMB", "value"] - got.loc["ENT", "value"]])
    assert (got["difference_low"] < got["difference"]).all()
    assert (got["difference"] < got["difference_high"]).all()


def test_days_kept_do_not_count_who_had_gone_before_the_history() -> None:
    rows = [(f"c{i}", "2024-01-01", "2024-06-01" if i % 3 == 0 else None) for i in range(90)] + [(f"d{i}", "2025-01-01", None) for i in range(30)]
    people = [(f"c{i}", "SMB") for i in range(90)] + [(f"d{i}", "ENT") for i in range(30)]
    got = days_kept(tables(as_of="2026-06-30", history_start="2024-09-01", contracts=rows, customers=people), by="segment").set_index("segment")
    assert got["n"].to_dict() == {"ENT": 30, "SMB": 60}


def test_days_kept_by_a_few_of_whom_nobody_left_have_a_range_and_no_q() -> None:
    rows = [(f"c{i}", "2025-01-01", None if i < 6 else days_between("2025-01-01", 5 * i + 1)) for i in range(60)]
    people = [(f"c{i}", "ENT" if i < 6 else "SMB") for i in range(60)]
    got = days_kept(tables(as_of="2026-06-30", contracts=rows, customers=people), by="segment", within=180).set_index("segment")
    assert (got.loc["ENT", "value"], round(got.loc["ENT", "low"]), got.loc["ENT", "high"]) == (180, 110, 180)  # 180.00 to 180.00, once
    assert got[["q", "difference", "difference_low"]].isna().all(axis=None)
    assert words(got.loc["ENT"], kind="days_kept") == "between 110 and 180 days (n = 6)"


def test_days_kept_with_few_left_at_risk_are_a_range_and_no_difference() -> None:
    """Of 49 customers, 4 of them followed to day 365, "roughly 305 days" was said."""
    rows = [(f"c{i}", "2025-01-01" if i < 64 else "2025-09-01", days_between("2025-01-01", 6 * i + 1) if i < 60 and i % 2 else None) for i in range(109)]
    people = [(f"c{i}", "ENT" if i >= 60 else "SMB") for i in range(109)]
    got = days_kept(tables(as_of="2026-06-30", contracts=rows, customers=people), by="segment").set_index("segment")
    assert (got.loc["ENT", "at_risk"], got.loc["ENT", "n"]) == (4, 49)
    assert got["difference"].isna().all()  # nor has the other group, whose rest this is
    told = days_apart(got.reset_index()).set_index("segment").loc["ENT"]
    assert told.iloc[0].count("–") == 1
    assert "(" not in told.iloc[0]
    assert told["against the others, days"] == "too few"


def test_the_q_of_days_kept_is_that_of_several_groups() -> None:
    rows = [(f"c{i}", "2025-01-01", days_between("2025-01-01", (3 + i % 4) * (i // 4) + 1)) for i in range(160)]
    people = [(f"c{i}", "ABCD"[i % 4]) for i in range(160)]
    got = days_kept(tables(as_of="2026-12-31", contracts=rows, customers=people), by="segment", within=90)
    assert got["q"].tolist() == pytest.approx(benjamini_hochberg(got["p"]).tolist())
    assert (got["q"] >= got["p"]).all()
    assert (got["q"] > 1.2 * got["p"]).any()  # not p itself


# --- the error's words --------------------------------------------------------------------------------------------

def test_errors_say_what_to_type(book: TestEngine) -> None:
    with pytest.raises(BadValueError, match=r"month: is not a month the data covers .* Found: '2026-03'; covered: 2025-12 to 2026-02\. To fix it: month=\"2026-02\""):
        churn_definitions(book, month="2026-03")  # it still runs
    with pytest.raises(BadValueError, match="is not written YYYY-MM"):
        churn_definitions(book, month="2026-13")
    with pytest.raises(BadValueError, match='definition="stripe"'):
        churn_bridge(book, month="2026-02", definition="strip")
    with pytest.raises(BadValueError, match='by="segment"'):
        monthly_churn(book, by="segmnt")


def test_why_a_convention_has_no_rate_is_true_where_nobody_has_left_or_been_there() -> None:
    """"Only 0% of ended contracts were followed by another", of none that ended; "nobody to lose", of 85 customers."""
    book = tables(as_of="2026-10-31", history_start="2025-01-01", contracts=[("a", "2026-02-10"), ("b", "2026-02-10")])
    notes = churn_definitions(book, month="2026-10").set_index("definition")["note"]
    assert notes["renewal_eligible"] == "no contract has ended yet"
    assert notes["baremetrics_365d"] == "nobody was here 365 days before the month's end"
    assert notes["chartmogul_shopify"] == "n is the average over the days"
    assert churn_definitions(book, month="2026-01").set_index("definition")["note"]["chartmogul_shopify"] == "nobody to lose"
