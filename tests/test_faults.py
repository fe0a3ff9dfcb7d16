"""Faults that were reproduced in other tools, end to end: each has a test that this kit does not have it.

Most of them run on one company of which the truth is known: three monthly cohorts of ten customers, everybody buys again
exactly 35 days later, and again, and the log is cut on 2025-03-05. Nobody has ever left.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import in_process
import numpy as np
import pandas as pd
import pytest
from nb_fixtures.make import write_notebook, write_shop

from retainkit import cli, open_shop
from retainkit.errors import RetainkitError
from retainkit.load.shop import Shop
from retainkit.metrics.buying import revenue_by_month
from retainkit.metrics.churn import contract_survival, monthly_churn
from retainkit.metrics.cross_sell import cross_sell_any, cross_sell_share, first_cross_sell_naive
from retainkit.metrics.definitions import churn_definitions
from retainkit.metrics.first_days import short_log_shares
from retainkit.metrics.lapse import lapse_survival, monthly_lapse
from retainkit.metrics.purchases import (
    overview,
    second_purchase,
    second_purchase_by_cohort,
    second_purchase_mature,
)
from retainkit.metrics.retention import contract_retention_matrix, pooled_retention, retention_matrix

CUT = date(2025, 3, 5)
LOADS = re.compile(r"<(script|iframe|object|embed)\b|<link\b(?![^>]*href=.data:)|\bsrc=(?!.?data:)|@import|url\((?!.?data:)", re.IGNORECASE)


def orders(rows: list[tuple[object, ...]], *more: str) -> pd.DataFrame:
    """Order lines from (customer, time, amount, ...)."""
    frame = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "amount", *more])
    return frame.assign(order_id=[f"o{i}" for i in range(len(frame))])


@pytest.fixture(scope="module")
def steady() -> Shop:
    """Three cohorts of ten: December to February, a purchase every 35 days, known up to CUT."""
    rows = []
    for month in (date(2024, 12, 1), date(2025, 1, 1), date(2025, 2, 1)):
        for number in range(10):
            day = month + timedelta(days=2 * number)
            while day <= CUT:
                rows.append((f"{month:%b}{number}", str(day), 10))
                day += timedelta(days=35)
    return open_shop({"orders": orders(rows)}, as_of=CUT)


def test_an_immature_cell_is_not_zero_retained(steady: Shop) -> None:
    matrix = retention_matrix(steady)
    young = matrix[(matrix["cohort"] == "2025-02") & (matrix["period"] == 1)].iloc[0]
    assert np.isnan([young["rate"], young["low"], young["high"]]).all()
    assert not young["mature"]
    assert matrix.loc[matrix["mature"], "rate"].min() == 1.0  # 35 days later is always the next month, or the one after it


def test_a_cohort_too_young_for_the_window_has_no_rate(steady: Shop) -> None:
    table = second_purchase_by_cohort(steady, within_days=35)
    assert table["mature"].tolist() == [True, False, False]  # somebody may have come on 31 January
    assert table["rate"].fillna(-1).tolist() == [1.0, -1, -1]
    assert table["too_young"].tolist() == [0, 0, 10]


def test_nobody_who_is_still_in_time_counts_as_not_come_back(steady: Shop) -> None:
    assert second_purchase(steady, horizons=[34, 35])["rate"].tolist() == [0.0, 1.0]
    assert second_purchase_mature(steady, horizons=[35])[["rate", "n", "hits"]].iloc[0].tolist() == [1.0, 20, 20]


def test_nobody_has_churned(steady: Shop) -> None:
    kept = lapse_survival(steady, days=60, horizons=[60, 90]).query("lapse_days == 60")
    assert kept["rate"].tolist() == [1.0, 1.0]
    assert (kept["low"] < 1.0).all()
    assert monthly_lapse(steady, days=60)["lost"].sum() == 0


def test_the_running_month_is_not_a_finished_one(steady: Shop) -> None:
    early = steady.at("2025-02-20")
    assert early.closed_through == "2025-01"
    assert revenue_by_month(early)["closed"].tolist() == [True, True, False]
    february = retention_matrix(early).query("cohort == '2024-12' and period == 2").iloc[0]
    assert february["active"] == 6  # so far
    assert np.isnan(february["rate"])
    assert not february["mature"]
    assert pooled_retention(retention_matrix(early))["period"].max() == 1
    assert "2025-02" not in monthly_lapse(early, days=60)["month"].astype(str).str[:7].tolist()


def test_an_export_of_the_tenth_with_nobody_cancelling_has_no_churn() -> None:
    starts = [date(2025, 1, 1) + timedelta(days=9 * i) for i in range(30)]  # to 2025-09-19
    contracts = pd.DataFrame({"contract_id": range(30), "customer_id": [f"c{i}" for i in range(30)], "started_at": [str(d) for d in starts],
                              "ended_at": None, "monthly_value": 100})
    shop = open_shop({"contracts": contracts}, as_of="2025-10-10")
    months = monthly_churn(shop)
    assert months["month"].astype(str).str[:7].max() == "2025-09"
    assert months["lost"].sum() == 0
    assert months["rate"].dropna().eq(0).all()
    survival = contract_survival(shop, horizons=[180])
    assert survival["rate"].item() == 1.0
    assert survival["low"].item() < 1.0  # never of zero width
    matrix = contract_retention_matrix(shop)
    assert matrix.loc[matrix["mature"], "rate"].eq(1.0).all()
    with pytest.raises(RetainkitError, match="2025-10"):
        churn_definitions(shop, month="2025-10")


@pytest.mark.parametrize("how", ["a negative line", "a refunded order"])
def test_a_refund_is_neither_a_visit_nor_a_repeat_purchase(how: str) -> None:
    rows = [("ann", "2025-01-10", 50, "paid", ""), ("bob", "2025-01-12", 50, "paid", ""), ("bob", "2025-03-31", 5, "paid", "")]
    if how == "a negative line":
        rows.append(("ann", "2025-02-20", -50, "paid", ""))
    else:
        rows[0] = ("ann", "2025-01-10", 50, "refunded", "2025-02-20")
        rows.append(("ann", "2025-01-09", 1, "paid", ""))
    shop = open_shop({"orders": orders(rows, "status", "refunded_at")}, as_of="2025-03-31")
    february = retention_matrix(shop).query("cohort == '2025-01' and period == 1")
    assert february[["active", "rate"]].iloc[0].tolist() == [0, 0.0]
    assert overview(shop).loc[0, ["customers", "purchase_days", "bought_twice"]].tolist() == [2, 3, 1]  # bob's return only
    money = revenue_by_month(shop).set_index("month")["total"].astype(float)
    assert money.loc["2025-02-01"] == -50


def test_half_past_eleven_on_31_january_in_new_york_is_january() -> None:
    rows = [("ann", "2025-02-01T04:30:00Z", 10), ("bob", "2025-02-01T05:30:00Z", 10)]
    shop = open_shop({"orders": orders(rows)}, tz="America/New_York")
    assert retention_matrix(shop).query("period == 0")[["cohort", "active"]].values.tolist() == [["2025-01", 1], ["2025-02", 1]]


@pytest.mark.parametrize("ids", [["17850", None, "17850", ""], [17850.0, np.nan, 17850.0, np.nan]], ids=["text", "floats"])
def test_guests_are_set_aside_and_counted(ids: list[object]) -> None:
    rows = [(customer, f"2025-01-{day:02d}", 10) for customer, day in zip(ids, (1, 2, 20, 25), strict=True)]
    shop = open_shop({"orders": orders(rows)}, as_of="2025-01-31")
    assert overview(shop).loc[0, ["customers", "purchase_days"]].tolist() == [1, 2]
    assert shop.sql("select customer_id from ids")["customer_id"].tolist() == ["17850"]
    assert shop.rejected("orders")["reason"].tolist() == ["`customer_id` is empty (a guest?)"] * 2
    assert shop.ledger.loc[0, ["rows", "kept", "rejected"]].tolist() == [4, 2, 2]


def test_tied_causes_give_one_answer_whatever_the_order_of_rows() -> None:
    """Ten customers. Day 10: two cross-sells, two leave. Day 20: one of each. By hand: .2 + .6 / 6 = .3 of either."""
    first, rows, contracts = date(2025, 1, 1), [], []
    for i in range(10):
        rows.append((f"c{i}", str(first), 10, "A"))
        day = first + timedelta(days=10 if i < 4 else 20)
        if i in (0, 1, 4):
            rows.append((f"c{i}", str(day), 10, "B"))
        contracts.append((f"k{i}", f"c{i}", str(first), str(day) if i in (2, 3, 5) else ""))
    lines = orders(rows, "product_line")
    held = pd.DataFrame(contracts, columns=["contract_id", "customer_id", "started_at", "ended_at"])
    answers = []
    for seed in range(6):
        shuffled = {"orders": lines.sample(frac=1, random_state=seed), "contracts": held.sample(frac=1, random_state=seed)}
        answers.append(cross_sell_any(open_shop(shuffled, as_of="2025-03-01"), horizons=[10, 20, 30]))
    assert answers[0]["rate"].round(12).tolist() == [0.2, 0.3, 0.3]
    assert answers[0]["left"].round(12).tolist() == [0.2, 0.3, 0.3]
    for answer in answers[1:]:
        pd.testing.assert_frame_equal(answer, answers[0], check_exact=True)


def test_a_misspelt_parameter_stops_before_any_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["report", "sample", "--set", "within_dayz=30", "--out", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "within_dayz" in said
    assert "within_days" in said.replace("within_dayz", "")  # and what was meant
    assert not any(tmp_path.iterdir())


def test_a_page_loads_nothing(tmp_path: Path) -> None:
    write_notebook(tmp_path / "books", "01_small")
    shop = write_shop(tmp_path / "shop")
    with in_process.no_kernels():
        assert cli.main(["report", str(shop), "--notebooks", str(tmp_path / "books"), "--out", str(tmp_path / "out")]) == 0
    pages = {page.name: page.read_text(encoding="utf-8") for page in (tmp_path / "out").rglob("*.html")}
    assert set(pages) == {"01_small.html", "definitions.html", "index.html"}
    for text in pages.values():
        assert not LOADS.search(text)
        assert len(text) < 150_000


@pytest.fixture(scope="module")
def slow_burner() -> Shop:
    """36 months of a company whose customers make 32 % of the first 24 months' cross-sells in the first 90 days.

    Customers arrive evenly, four a day. Their cross-sells come at a constant rate up to day 200 and at 15.3 % of it after; at
    most one each. The ages are spread by a golden-ratio sequence, so that nothing is left to chance.
    """
    start, days, late = date(2023, 1, 1), 1096, 0.153
    spread = (np.arange(4 * days) * 0.6180339887498949) % 1 * (200 + late * 896) / 0.5  # half of them have made one by the end
    age = np.where(spread <= 200, spread, 200 + (spread - 200) / late)
    rows: list[tuple[object, ...]] = []
    for i, a in enumerate(np.ceil(age).astype(int)):
        first = start + timedelta(days=i // 4)
        rows.append((f"c{i:05d}", str(first), 10, "A"))
        if i // 4 + a < days:
            rows.append((f"c{i:05d}", str(first + timedelta(days=int(a))), 10, "B"))
    return open_shop({"orders": orders(rows, "product_line")}, as_of=start + timedelta(days=days - 1))


def test_a_short_log_does_not_make_the_75_percent_claim(slow_burner: Shop) -> None:
    """True shares: 90 / 180 of the first 180 days, 90 / 225 of the first 365, 90 / 281 = 32 % of the first 730."""
    full = cross_sell_share(slow_burner, within_days=90, horizons=(180, 365, 730)).set_index("horizon")
    truth = {180: 90 / 180, 365: 90 / (200 + 0.153 * 165), 730: 90 / (200 + 0.153 * 530)}
    assert truth[730] == pytest.approx(0.32, abs=0.001)
    for horizon, share in truth.items():
        assert full.loc[horizon, "rate"] == pytest.approx(share, abs=0.01)
        assert full.loc[horizon, "low"] < share < full.loc[horizon, "high"]
    naive = short_log_shares(slow_burner, within_days=90, months=(6, 12)).set_index("months")["rate"]
    assert naive[6] == pytest.approx(0.75, abs=0.02)
    assert naive[12] == pytest.approx(0.52, abs=0.02)


@pytest.mark.parametrize(("cut", "horizon", "truth", "naive"), [("2023-06-30", 175, 90 / 175, 0.75), ("2023-12-31", 360, 90 / (200 + 0.153 * 160), 0.52)])
def test_the_share_stays_near_the_truth_where_the_naive_one_is_made_by_the_log(
        slow_burner: Shop, cut: str, horizon: int, truth: float, naive: float) -> None:
    short = slow_burner.at(cut)
    found = cross_sell_share(short, within_days=90, horizons=(horizon, 730))
    assert found.loc[0, "low"] < truth < found.loc[0, "high"]
    assert found.loc[0, "rate"] == pytest.approx(truth, abs=0.05)
    assert np.isnan(found.loc[1, "rate"])  # nobody has been followed for 730 days
    assert first_cross_sell_naive(short).loc[0, "rate"] == pytest.approx(naive, abs=0.02)
