"""Cohort matrices: the rules of `retainkit.metrics.retention`."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from engines import tables
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.estimate.survival import at_times, kaplan_meier
from retainkit.metrics.churn import contract_survival
from retainkit.metrics.retention import (
    contract_retention_matrix,
    pooled_retention,
    renewals,
    retention_matrix,
)

BOUGHT = [("ann", "2026-01-05"), ("ann", "2026-02-28"), ("ann", "2026-03-01"), ("ann", "2026-03-31"),
          ("bob", "2026-01-31"), ("bob", "2026-02-01"), ("cy", "2026-02-10"), ("cy", "2026-04-02")]


def wide(matrix: pd.DataFrame, values: str) -> dict[str, list[float]]:
    """One list a cohort, period 0 first."""
    return {str(c): rows[values].tolist() for c, rows in matrix.groupby("cohort")}


def test_active_is_any_purchase_in_the_calendar_month_and_nobody_counts_twice() -> None:
    got = retention_matrix(tables(as_of="2026-04-05", purchases=BOUGHT))
    assert wide(got, "active") == {"2026-01": [2, 2, 1, 0], "2026-02": [1, 0, 1]}
    assert got[got["cohort"] == "2026-02"]["rate"].tolist()[:2] == [1, 0]  # cy skipped March: a true zero, of a finished month


def test_the_running_month_is_a_count_so_far_and_never_a_rate() -> None:
    got = retention_matrix(tables(as_of="2026-04-05", purchases=BOUGHT)).set_index(["cohort", "period"])
    running = got.loc[[("2026-01", 3), ("2026-02", 2)]]
    assert not running["mature"].any()
    assert running[["rate", "low", "high"]].isna().to_numpy().all()
    assert running["note"].str.contains("so far").all()
    closed = retention_matrix(tables(as_of="2026-04-30", purchases=BOUGHT)).set_index(["cohort", "period"])
    assert closed.loc[("2026-01", 3), "rate"] == 0  # the month is over, and ann did not buy in it
    assert not retention_matrix(tables(as_of="2026-04-29", purchases=BOUGHT)).set_index(["cohort", "period"]).loc[("2026-01", 3), "mature"]


def test_a_refund_neither_makes_a_customer_nor_keeps_one() -> None:
    refunds = [("bob", "2026-03-10", -10), ("dee", "2026-01-10", -5)]
    plain, with_refunds = (retention_matrix(tables(as_of="2026-04-30", purchases=BOUGHT + more, history_start="2026-01-01")) for more in ([], refunds))
    pd.testing.assert_frame_equal(plain, with_refunds)


def test_customers_from_before_the_history_are_in_no_cohort() -> None:
    got = retention_matrix(tables(as_of="2026-04-30", purchases=BOUGHT, history_start="2026-02-01"))
    assert got["cohort"].unique().tolist() == ["2026-02"]
    assert got["customers"].unique().tolist() == [1]


purchases = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 330)), min_size=1, max_size=40)


def dated(rows: list[tuple[str, int]]) -> list[tuple[str, str]]:
    return [(name, str(date(2025, 1, 15) + timedelta(days=n))) for name, n in rows]


@settings(max_examples=20, deadline=None)
@given(purchases)
def test_the_matrix_agrees_with_pandas_on_sets_of_customers(rows: list[tuple[str, int]]) -> None:
    got = retention_matrix(tables(as_of="2025-12-20", purchases=dated(rows)))
    frame = pd.DataFrame(dated(rows), columns=["customer", "day"]).assign(day=lambda t: pd.to_datetime(t["day"]))
    month = frame["day"].dt.to_period("M")
    first = month.groupby(frame["customer"]).transform("min")
    wanted = frame.assign(cohort=first.astype(str), period=[(a - b).n for a, b in zip(month, first, strict=True)])
    counts = wanted.groupby(["cohort", "period"])["customer"].nunique()
    cells = got.set_index(["cohort", "period"])["active"]
    assert cells[cells > 0].to_dict() == counts.to_dict()
    assert (got.groupby("cohort")["active"].first() == got.groupby("cohort")["customers"].first()).all()  # column 0


@settings(max_examples=15, deadline=None)
@given(purchases, st.integers(20, 330))
def test_cutting_the_log_earlier_never_changes_a_mature_cell(rows: list[tuple[str, int]], cut: int) -> None:
    late = tables(as_of="2025-12-20", purchases=dated(rows))
    early = retention_matrix(late.at(date(2025, 1, 15) + timedelta(days=cut)))
    both = early[early["mature"]].merge(retention_matrix(late), on=["cohort", "period"], suffixes=("", "_later"))
    assert len(both) == early["mature"].sum()
    assert (both[["active", "customers", "rate"]].to_numpy() == both[["active_later", "customers_later", "rate_later"]].to_numpy()).all()


def test_nobody_bought_gives_an_empty_matrix_and_one_customer_a_small_one() -> None:
    empty = retention_matrix(tables(as_of="2026-04-30"))
    assert empty.empty
    assert pooled_retention(empty).empty
    one = retention_matrix(tables(as_of="2026-02-28", purchases=[("ann", "2026-01-31")]))
    assert wide(one, "rate") == {"2026-01": [1.0, 0.0]}
    assert 0 < one["high"].iloc[1] < 1  # Wilson: one customer proves little


def test_pooling_is_sum_over_sum_of_mature_cells_zeros_included() -> None:
    got = pooled_retention(retention_matrix(tables(as_of="2026-04-05", purchases=BOUGHT))).set_index("period")
    assert got.loc[1, ["cohorts", "active", "n", "too_young"]].tolist() == [2, 2, 3, 0]
    assert got.loc[1, "rate"] == pytest.approx(2 / 3)
    assert got.loc[2, ["cohorts", "n", "too_young"]].tolist() == [1, 2, 1]  # February's second month still runs


# --- contracts ----------------------------------------------------------------------------------------------------

SIGNED = [("ann", "2026-01-01", "2026-01-31"),  # gone after 30 days: in period 1
          ("bob", "2026-01-10", "2026-02-10"),  # after 31: in period 2
          ("cy", "2026-01-31", None), ("dee", "2026-02-15", None)]


def test_contract_cells_are_equal_time_since_each_customers_own_start() -> None:
    got = contract_retention_matrix(tables(as_of="2026-04-01", contracts=SIGNED))
    assert wide(got, "active") == {"2026-01": [3, 2, 1, 1], "2026-02": [1, 1]}
    assert wide(got, "mature") == {"2026-01": [True, True, True, False], "2026-02": [True, True]}  # cy: 60 days on 1 April
    assert not contract_retention_matrix(tables(as_of="2026-03-31", contracts=SIGNED))["mature"].iloc[2]


signed = st.lists(st.tuples(st.sampled_from("abcdefghij"), st.integers(0, 200), st.none() | st.integers(0, 150)), min_size=1, max_size=15)


@settings(max_examples=20, deadline=None)
@given(signed)
def test_contract_rows_start_whole_and_never_rise_and_agree_with_a_plain_count(rows: list[tuple[str, int, int | None]]) -> None:
    origin = date(2025, 1, 1)
    book = [(n, origin + timedelta(days=s), None if k is None else origin + timedelta(days=s + k)) for n, s, k in rows]
    shop = tables(as_of="2025-10-01", contracts=book)
    got = contract_retention_matrix(shop)
    stays = shop.sql("select started_on, ended_on from spells where spell = 1")
    age = (stays["ended_on"].fillna(pd.Timestamp.max.normalize()) - stays["started_on"]).dt.days
    cohort = stays["started_on"].dt.strftime("%Y-%m")
    for cell in got[got["mature"] & (got["period"] > 0)].to_dict("records"):
        mine = cohort == cell["cohort"]
        assert cell["active"] == (age[mine] > 30 * cell["period"]).sum()
    assert (got[got["period"] == 0]["active"] == got[got["period"] == 0]["customers"]).all()
    assert (got.groupby("cohort")["active"].diff().dropna() <= 0).all()


def test_when_no_cell_is_missing_the_pooled_row_is_kaplan_meier() -> None:
    rng = np.random.default_rng(5)
    rows = [(f"c{i}", date(2025, 1, 1 + i % 28), date(2025, 1, 1 + i % 28) + timedelta(days=int(rng.integers(1, 150)))) for i in range(60)]
    shop = tables(as_of="2026-01-31", contracts=rows)
    pooled = pooled_retention(contract_retention_matrix(shop)).set_index("period")["rate"]
    kept = contract_survival(shop, horizons=(30, 60, 90, 120))["rate"]
    assert pooled.loc[1:4].tolist() == pytest.approx(kept.tolist())


def test_renewals_hold_the_losses_of_mature_cells_only() -> None:
    got = renewals(contract_retention_matrix(tables(as_of="2026-04-01", contracts=SIGNED)))
    assert got.to_dict("list") == {"cohort": ["2026-01", "2026-01", "2026-02"], "period": [1, 2, 1], "at_risk": [3, 2, 1], "lost": [1, 1, 0]}
    survival = at_times(kaplan_meier(pd.DataFrame({"duration": [1, 2, 2], "event": [1, 1, 0], "n": [1, 1, 1]})), [1, 2])["survival"]
    january = got[got["cohort"] == "2026-01"]
    assert np.cumprod(1 - january["lost"] / january["at_risk"]).tolist() == pytest.approx(survival.tolist())


def test_contracts_older_than_the_history_are_in_no_cohort() -> None:
    got = contract_retention_matrix(tables(as_of="2026-04-01", contracts=SIGNED, history_start="2026-02-01"))
    assert got["cohort"].unique().tolist() == ["2026-02"]
