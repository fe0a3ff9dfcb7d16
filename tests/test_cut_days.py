"""Cutting the log on any day never changes a cell that was closed on that day, whichever way it is cut.

Two ways: the shop looked at as of an earlier day (`shop.at`), and an export really made on that day, in which later orders
are missing and later ends and outcomes are blank. Without refunds, which may rightly take back what was bought.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import retainkit as rk
from retainkit.load.shop import Shop
from retainkit.simulate import simulate
from retainkit.simulate.world import EXPORT_START, LAST_DAY, TZ

FIRST, LAST = date.fromisoformat(EXPORT_START), date.fromisoformat(LAST_DAY)
CUTS = st.dates(FIRST + timedelta(days=75), LAST)
SOME = settings(max_examples=10, deadline=None, derandomize=True)
Frames = dict[str, pd.DataFrame]


@cache
def everything() -> Frames:
    """The tables of a small company, with its refunds paid back."""
    tables = simulate(seed=11, scale=0.06).tables
    orders = tables["orders"].assign(refunded_at=pd.NaT)
    orders["status"] = orders["status"].replace("refunded", "paid")
    return {"orders": orders, **{name: tables[name] for name in ("customers", "contracts", "deals")}}


def exported(day: date) -> Frames:
    """The tables as an export at the end of that day would have shown them."""
    orders, customers, contracts, deals = everything().values()

    def later(column: pd.Series) -> pd.Series:
        when = pd.to_datetime(column)
        return (when.dt.tz_convert(TZ).dt.date if when.dt.tz else when.dt.date) > day

    closed = later(deals["closed_at"]).fillna(False)
    return {
        "orders": orders[~later(orders["ordered_at"])],
        "customers": customers[~later(customers["signed_up_at"])],
        "contracts": contracts[~later(contracts["started_at"])].assign(**{
            name: contracts[name].mask(later(contracts[name])) for name in ("cancel_requested_at", "ended_at")}),
        "deals": deals.assign(closed_at=deals["closed_at"].mask(closed), outcome=deals["outcome"].mask(closed, "open"))[~later(deals["opened_at"])],
    }  # fmt: skip


@cache
def opened(day: date) -> Shop:
    """The shop made of the export of that day."""
    return rk.open_shop(exported(day), as_of=day, tz=TZ, history_start=FIRST)


def closed_cells(shop: Shop, *, by: date) -> dict[str, pd.DataFrame]:
    """Every cell that was closed at the end of the day `by`, as the shop has it."""
    month = f"{by + timedelta(days=1) - timedelta(days=(by + timedelta(days=1)).day):%Y-%m}"
    matrix, contracts = rk.retention_matrix(shop), rk.contract_retention_matrix(shop)
    cohorts, revenue = rk.second_purchase_by_cohort(shop), rk.revenue_by_month(shop)
    months = {
        "churn": rk.monthly_churn(shop), "requests": rk.monthly_cancellation(shop), "money": rk.revenue_churn(shop),
        "money moved": rk.mrr_movements(shop), "lapses": rk.monthly_lapse(shop, days=90), "quick lapses": rk.monthly_lapse(shop, days=20),
        "revenue": revenue[revenue["closed"]].assign(month=lambda t: pd.to_datetime(t["month"]).dt.strftime("%Y-%m"))}  # fmt: skip
    return {
        "matrix": matrix[matrix["mature"]], "contract matrix": contracts[contracts["mature"]],
        "cohorts": cohorts[cohorts["mature"]].drop(columns="too_young"), **months,
        **{f"{name} by segment": table for name, table in (("churn", rk.monthly_churn(shop, by="segment")),)},
        "definitions": rk.churn_definitions(shop, month=month).assign(month=month),
    }  # fmt: skip


KEYS = {"matrix": ["cohort", "period"], "contract matrix": ["cohort", "period"], "cohorts": ["cohort"], "money": ["measure", "month"],
        "churn by segment": ["segment", "month"], "definitions": ["definition"]}  # fmt: skip


def assert_kept(before: dict[str, pd.DataFrame], after: dict[str, pd.DataFrame]) -> None:
    """Every row of `before` is in `after`, unchanged."""
    for name, table in before.items():
        keys = KEYS.get(name, ["month"])
        found = after[name].set_index(keys).reindex(pd.MultiIndex.from_frame(table[keys]) if len(keys) > 1 else table[keys[0]])
        pd.testing.assert_frame_equal(found.reset_index(drop=True), table.drop(columns=keys).reset_index(drop=True), check_dtype=False, obj=name)


@SOME
@given(CUTS, CUTS)
def test_no_closed_cell_changes_with_what_happens_later(one, other):
    earlier, later = min(one, other), max(one, other)
    shop = opened(LAST)
    assert_kept(closed_cells(shop.at(earlier), by=earlier), closed_cells(shop.at(later), by=earlier))


@SOME
@given(CUTS)
def test_the_shop_as_of_a_day_is_the_export_of_that_day(day):
    looked_back, made_then = closed_cells(opened(LAST).at(day), by=day), closed_cells(opened(day), by=day)
    assert_kept(looked_back, made_then)
    assert_kept(made_then, looked_back)


def test_a_cell_is_closed_on_the_day_its_last_customer_has_had_the_time_and_not_before():
    day = date(2026, 3, 31) + timedelta(days=30)  # the customers of 31 March have had 30 days
    for asked, closed in ((day, True), (day - timedelta(days=1), False)):
        cohorts = rk.second_purchase_by_cohort(opened(LAST).at(asked)).set_index("cohort")
        assert bool(cohorts.loc[pd.Timestamp("2026-03-01"), "mature"]) is closed
        assert pd.isna(cohorts.loc[pd.Timestamp("2026-03-01"), "rate"]) is not closed


@pytest.mark.parametrize("day", [date(2026, 2, 28), date(2024, 2, 29), date(2025, 12, 31)])
def test_a_month_counts_as_over_on_its_last_day(day):
    shop = opened(LAST).at(day)
    assert rk.monthly_churn(shop)["month"].iloc[-1] == f"{day:%Y-%m}" == shop.closed_through
    assert rk.monthly_churn(opened(LAST).at(day - timedelta(days=1)))["month"].iloc[-1] < f"{day:%Y-%m}"
