"""What the pages and cards say of a change: in words, with an arrow for news only, and with what could not be compared."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from nb_fixtures.make import write_shop
from nbformat.v4 import new_notebook

import retainkit
from retainkit import open_shop
from retainkit.metrics.changes import changes
from retainkit.metrics.headlines import headlines
from retainkit.report.memory import Last
from retainkit.report.plan import Job
from retainkit.report.since import Back, as_records, on_card, on_page

FEBRUARY = date(2026, 2, 28)
SECOND = ("second_purchase.share", "", 30)


@pytest.fixture
def shop(tmp_path):
    return open_shop(write_shop(tmp_path / "shop"), as_of="2026-03-31")


@pytest.fixture
def back(shop, tmp_path):
    return looking_back(shop, tmp_path, Last("2026-02", FEBRUARY, {SECOND: 0.25}, {"history_start": "2026-01-01", "tz": ""}))


def looking_back(shop, tmp_path, last):
    found = Back(shop, tmp_path)
    found.last = last
    return found


def job(**parameters):
    return Job(Path("02_second.ipynb"), new_notebook(), {"source": "", "as_of": "", "segment": "", "within": 30, **parameters})


def line(shop, value=None, n=4):
    """What a notebook would have recorded of its second purchases."""
    [number] = [h for h in headlines(shop) if (h.metric, h.horizon) == ("second_purchase.share", 30)]
    return [f"second_purchase.share,,30,{number.find(shop).value if value is None else value:.12g},,,{n},,"]


def crowd(n=60):
    """So many customers of one day, of whom one comes back twice."""
    who = [*(f"c{i}" for i in range(n)), "c0", "c0"]
    orders = pd.DataFrame({"order_id": range(n + 2), "customer_id": who, "amount": 1, "ordered_at": ["2026-01-05"] * n + ["2026-01-09", "2026-03-01"]})
    return open_shop({"orders": orders}, as_of="2026-03-31")


def table(shop, news="within the usual noise (20.0% to 30.0%)", **more):
    row = {"month": "2026-02", "month_value": 0.21, "month_n": 140, "rows_added": 3, "rows_removed": 1, "rows_restated": 4, **more}
    got = changes(shop, FEBRUARY, {SECOND: 0.25}).head(1).assign(news=news, n=1200, **row)
    return got.assign(last=0.25, recomputed=0.26, same_customers=0.255, now=0.26, restated=0.01, matured=-0.005, new=0.005)


def test_only_numbers_the_notebook_recorded_and_counts_alike_are_compared(shop, back):
    shop = crowd()
    back.shop = shop
    assert back.compared(job(), line(shop))[["metric", "horizon_days"]].values.tolist() == [["second_purchase.share", 30]]
    assert back.compared(job(), line(shop, value=0.123)).empty  # the notebook has a way of its own
    assert back.compared(job(), []).empty


def test_numbers_of_which_only_the_range_may_be_said_are_not_shown(shop, back):
    """What the headline withholds stood below it to the hundredth."""
    assert back.compared(job(), line(shop)).empty  # of fewer than five
    back.shop = crowd(12)
    assert back.compared(job(), line(back.shop)).empty


def test_before_the_history_began_there_is_nothing_to_compare_with(shop, tmp_path):
    early = Back(shop.at("2026-01-20"), tmp_path)
    assert early.last == Last("2025-12", date(2025, 12, 31))
    assert early.compared(job(), line(shop)).empty
    assert on_page(pd.DataFrame(), early, job()) == on_card(pd.DataFrame(), early) == ""
    assert as_records(pd.DataFrame()) == []


def test_the_table_says_the_values_the_steps_and_the_rows(shop, back):
    page = on_page(table(shop), back, job())
    for words in ("What changed since 28 February 2026", "Feb 2026", "Mar 2026", "25.00%", "26.00%", "+1.00", "−0.50", "+0.50",
                  "Within the usual noise (20.0% to 30.0%): 21.0% of the 140 from February 2026", "4 restated (3 added, 1 removed)"):
        assert words in page


def test_a_number_of_one_month_is_of_another_month_and_nobody_matured(shop, back):
    page = on_page(table(shop).assign(group="month=2026-03", matured=-0.0031, new=0.0), back, job())
    assert "another month: −0.31" in page
    assert "and what made it, in points" in page
    assert "of another month (orders)" in page
    assert " matured, " not in page.partition("<details>")[0]
    assert "another month:" not in on_page(table(shop), back, job())


def test_an_arrow_stands_for_news_only_and_news_comes_first(shop, back):
    calm = on_card(table(shop), back)
    assert "▲" not in calm
    assert "▼" not in calm
    assert calm.endswith("(+1.00 points). By itself, the newest month that is old enough is within the usual noise (20.0% to 30.0%): 21.0% of the 140 from February 2026.")
    lower = table(shop, "news: lower than chance explains (22.0% to 30.0%)").assign(label="the number that moved")
    both = on_card(pd.concat([table(shop), lower], ignore_index=True), back)
    assert both.startswith("Since 28 February 2026: the number that moved, from 25.00% to 26.00% (+1.00 points). ")
    assert '<span aria-hidden="true">▼</span> News: lower than chance explains' in both
    assert "▲" in on_card(lower.assign(news="news: higher than chance explains (1.0% to 2.0%)"), back)


def test_what_is_not_known_is_said(shop, back):
    blank = table(shop, "cannot tell yet: needs 12 baseline months, has 2", month="", rows_restated=None, rows_added=None, rows_removed=None)
    page = on_page(blank.assign(last=float("nan"), restated=float("nan")), back, job())
    assert "not known" in page
    assert "Rows behind it: " in page
    assert "restated (" not in page
    assert ">restated</th>" not in page  # a column of "not known"
    assert ">matured</th>" in page
    assert "Cannot tell yet: needs 12 baseline months, has 2</td>" in page
    assert "The rows behind 2026-02 were not kept, so nobody can count which of them changed." in page


def test_a_number_that_was_not_known_then_has_no_change(shop, back):
    nan = float("nan")
    fresh = table(shop).assign(last=nan, recomputed=nan, restated=nan, matured=nan)
    assert "new customers who buy again within 30 days, 26.00% (not known then). " in on_card(fresh, back)
    assert "newest month" not in on_card(table(shop, "cannot tell yet: needs 12 baseline months, has 2", month=""), back)
    assert "21.0% of 140 in February 2026" in on_page(table(shop).assign(horizon_days=None), back, job())  # a month's own losses
    assert "nan" not in on_card(fresh, back) + on_page(fresh, back, job())


@pytest.mark.parametrize(("last", "words"), [
    (Last("2026-02", FEBRUARY), "No report of February 2026 was published here: its values are today's, and what was restated is not known."),
    (Last("2026-02", FEBRUARY, fault="what was published of 2026-02 cannot be read (KeyError)"),
     "What was published of 2026-02 cannot be read (KeyError): its values are today's, and what was restated is not known."),
    (Last("2026-02", FEBRUARY, {SECOND: 0.2}, {"notebooks": [{"notebook": "02_second", "parameters": {"segment": "SMB", "source": "x"}}]}),
     "The page of February 2026 was made with other settings (segment): its values are today's, and what was restated is not known."),
    (Last("2026-02", FEBRUARY, {SECOND: 0.2}, {"history_start": "2025-12-01", "versions": {"retainkit": retainkit.__version__}}),
     "Restated holds what came of another history_start (2025-12-01, now 2026-01-01)."),
])
def test_whatever_keeps_the_months_from_being_compared_is_said(shop, tmp_path, last, words):
    assert words in looking_back(shop, tmp_path, last).notes(job())


def test_last_months_value_is_not_taken_from_a_page_with_other_settings(shop, tmp_path):
    shop = crowd()
    last = Last("2026-02", FEBRUARY, {SECOND: 0.2}, {"notebooks": [{"notebook": "02_second", "parameters": {"segment": "SMB"}}]})
    row = looking_back(shop, tmp_path, last).compared(job(), line(shop)).iloc[0]
    assert row["last"] != row["last"]
    same = Last("2026-02", FEBRUARY, {SECOND: 0.2}, {"notebooks": [{"notebook": "02_second", "parameters": {"segment": ""}}]})
    assert looking_back(shop, tmp_path, same).compared(job(), line(shop)).iloc[0]["last"] == 0.2
