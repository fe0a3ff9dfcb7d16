"""Cutting the log on any day never changes a cell that was closed on that day, whichever way it is cut.

Two ways: the shop looked at as of an earlier day (`shop.at`), and an export really made on that day, in which later orders
are missing and later ends and outcomes are blank. Without refunds, which may rightly take back what was bought.
"""

from __future__ import annotations

import random
from datetime import date, timedelta
from functools import cache
from itertools import pairwise

import pandas as pd
import pytest

import retainkit as rk
from retainkit.load.shop import Shop
from retainkit.simulate import simulate
from retainkit.simulate.world import EXPORT_START, LAST_DAY, TZ

FIRST, LAST = date.fromisoformat(EXPORT_START), date.fromisoformat(LAST_DAY)
SWITCHED = ("2024-06", "2025-07")  # months for which every definition of churn is compared
KEYS = {"matrix": ["cohort", "period"], "contract matrix": ["cohort", "period"], "cohorts": ["cohort"], "money": ["measure", "month"],
        "churn by segment": ["segment", "month"], "definitions": ["month", "definition"]}  # fmt: skip
Frames = dict[str, pd.DataFrame]


def cuts(seed: int, n: int) -> list[date]:
    """Random days on which the log is cut, the last one uncut; the first leaves time for a closed month or two."""
    span = (LAST - FIRST).days
    return [FIRST + timedelta(days=d) for d in sorted(random.Random(seed).sample(range(75, span), n))] + [LAST]


DAYS = cuts(seed=11, n=7)


@cache
def everything() -> Frames:
    """The tables of a small company, with its refunds as if they had never been asked for."""
    tables = simulate(seed=11, scale=0.06).tables
    orders = tables["orders"].assign(refunded_at=pd.NaT)
    orders["status"] = orders["status"].replace("refunded", "paid")
    return {"orders": orders, **{name: tables[name] for name in ("customers", "contracts", "deals")}}


def later(column: pd.Series, day: date) -> pd.Series:
    """Which local dates lie after the day."""
    when = pd.to_datetime(column)
    return (when.dt.tz_convert(TZ) if when.dt.tz else when).dt.date > day


def exported(day: date) -> Frames:
    """The tables as an export at the end of that day would have shown them."""
    orders, customers, contracts, deals = everything().values()
    ends = {name: contracts[name].mask(later(contracts[name], day)) for name in ("cancel_requested_at", "ended_at")}
    undecided = later(deals["closed_at"], day)
    decided = {"closed_at": deals["closed_at"].mask(undecided), "outcome": deals["outcome"].mask(undecided, "open")}
    return {"orders": orders[~later(orders["ordered_at"], day)], "customers": customers[~later(customers["signed_up_at"], day)],
            "contracts": contracts.assign(**ends)[~later(contracts["started_at"], day)],
            "deals": deals.assign(**decided)[~later(deals["opened_at"], day)]}  # fmt: skip


@cache
def export_of(day: date) -> Shop:
    """The shop made of the export of that day."""
    return rk.open_shop(exported(day), as_of=day, tz=TZ, history_start=FIRST)


@cache
def as_of(day: date) -> Shop:
    """The shop of the whole log, looked at as of that day."""
    return export_of(LAST).at(day)


def closed_cells(shop: Shop) -> dict[str, pd.DataFrame]:
    """Every cell that is closed on the shop's last day."""
    matrix, contracts = rk.retention_matrix(shop), rk.contract_retention_matrix(shop)
    cohorts, revenue = rk.second_purchase_by_cohort(shop), rk.revenue_by_month(shop)
    switched = [rk.churn_definitions(shop, month=m).drop(columns="note").assign(month=m) for m in SWITCHED if m <= shop.closed_through]
    return {
        "matrix": matrix[matrix["mature"]], "contract matrix": contracts[contracts["mature"]],
        "cohorts": cohorts[cohorts["mature"]], "churn": rk.monthly_churn(shop), "churn by segment": rk.monthly_churn(shop, by="segment"),
        "requests": rk.monthly_cancellation(shop), "money": rk.revenue_churn(shop), "money moved": rk.mrr_movements(shop),
        "lapses": rk.monthly_lapse(shop, days=90), "quick lapses": rk.monthly_lapse(shop, days=20), "revenue": revenue[revenue["closed"]],
        **({"definitions": pd.concat(switched)} if switched else {})}  # fmt: skip


@cache
def cells_as_of(day: date) -> dict[str, pd.DataFrame]:
    return closed_cells(as_of(day))


def assert_kept(before: dict[str, pd.DataFrame], after: dict[str, pd.DataFrame]) -> None:
    """Every row of `before` is in `after`, unchanged."""
    for name, table in before.items():
        keys = KEYS.get(name, ["month"])
        found = table[keys].merge(after[name], on=keys, how="left")[list(table.columns)]
        pd.testing.assert_frame_equal(found, table.reset_index(drop=True), check_dtype=False, obj=name)


@pytest.mark.parametrize(("earlier", "day"), list(pairwise(DAYS)))
def test_no_closed_cell_changes_with_what_happens_until_the_next_cut(earlier, day):
    assert_kept(cells_as_of(earlier), cells_as_of(day))


@pytest.mark.parametrize("day", DAYS[1:-1:3])
def test_the_shop_as_of_a_day_is_the_export_made_on_that_day(day):
    made_then = closed_cells(export_of(day))
    assert_kept(cells_as_of(day), made_then)
    assert_kept(made_then, cells_as_of(day))


def test_the_cuts_see_every_kind_of_cell_and_more_of_them_every_time():
    first, last = cells_as_of(DAYS[2]), cells_as_of(LAST)
    assert set(last) == set(first) | {"definitions"}
    assert all(len(table) > len(first.get(name, ())) > 0 or name == "definitions" for name, table in last.items())


def test_a_cohort_is_closed_on_the_day_its_last_customer_has_had_the_time_and_not_before():
    day = date(2026, 3, 31) + timedelta(days=30)
    for asked, closed in ((day, True), (day - timedelta(days=1), False)):
        march = rk.second_purchase_by_cohort(as_of(asked)).set_index("cohort").loc["2026-03-01"].squeeze()
        assert bool(march["mature"]) is closed
        assert bool(pd.isna(march["rate"])) is not closed


@pytest.mark.parametrize("day", [date(2024, 2, 29), date(2025, 12, 31)])
def test_a_month_is_over_on_its_last_day_and_not_before(day):
    for asked, month in ((day, f"{day:%Y-%m}"), (day - timedelta(days=1), f"{day.replace(day=1) - timedelta(days=1):%Y-%m}")):
        assert rk.monthly_churn(as_of(asked))["month"].iloc[-1] == month == as_of(asked).closed_through
