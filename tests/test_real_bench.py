"""The committed page of claims by data set is what the command makes; its figures agree with plain pandas."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
from real import bench, sets

PAGE = (sets.HERE / "README.md").read_text(encoding="utf-8")
needs_data = pytest.mark.skipif(not sets.DATA.exists(), reason="the real data sets are not here (../shared/data)")


@pytest.fixture(scope="module", autouse=True)
def kept(request: pytest.FixtureRequest):
    """Stores are kept between runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RETAINKIT_CACHE", str(request.config.cache.mkdir("real-bench")))
        yield


def between(name: str) -> str:
    found = re.search(f"<!-- {name} -->\n(.*?)\n<!-- /{name} -->", PAGE, re.DOTALL)
    assert found, name
    return found.group(1)


@needs_data
def test_the_committed_tables_are_what_the_command_makes():
    for name, text in bench.tables().items():
        assert between(name) == text.strip(), name


def test_the_page_quotes_the_records():
    assert between("sources") == bench.sources()


def test_no_cell_confirms_and_every_number_has_its_n():
    cells = [c.strip() for line in between("bench").splitlines() if line.startswith("| **") for c in line.split("|")[2:-1]]
    assert len(cells) >= 28
    assert not any("confirm" in c for c in cells)
    assert all(c == "–" or c.startswith("cannot tell") or re.search(r":<br>.* n = [\d,]+$", c) for c in cells)


@needs_data
def test_cdnow_by_plain_pandas():
    """Each row an order; days apart; everybody was followed for 455 days or longer."""
    rows = pd.read_csv(sets.DATA / "cdnow" / "CDNOW_sample.txt", sep=r"\s+", header=None, names=["_", "who", "day", "units", "amount"])
    days = rows.assign(day=pd.to_datetime(rows["day"], format="%Y%m%d")).groupby(["who", "day"], as_index=False)["amount"].sum()
    nth = days.assign(nth=days.groupby("who").cumcount() + 1, first=days.groupby("who")["day"].transform("min"))
    nth = nth.assign(age=(nth["day"] - nth["first"]).dt.days, gap=nth.groupby("who")["day"].diff().dt.days)
    second = nth[(nth["nth"] == 2) & (nth["age"] <= 180)]
    third = nth[(nth["nth"] == 3) & nth["who"].isin(second["who"]) & (nth["gap"] <= 180)]
    money = nth[nth["age"] <= 365]
    wanted = {
        "again_within_30": f"{((nth['nth'] == 2) & (nth['age'] <= 30)).sum() / nth['who'].nunique():.0%}",
        "third_after_second": f"{len(third) / len(second):.0%}",
        "month_one_most": f"{money.loc[money['age'] <= 30, 'amount'].sum() / money['amount'].sum():.0%}"}
    rows_of = {c["claim"]: c["sentence"] for c in bench.claims_quoted()}
    for claim, share in wanted.items():
        line = next(line for line in between("bench").splitlines() if line.startswith(f"| **{rows_of[claim]}**"))
        assert line.split("|")[2].partition("<br>")[2].startswith(share), claim


@needs_data
def test_leaving_out_the_first_days_leaves_out_the_old_customers(tmp_path: Path):
    """By plain pandas: customers of the wholesaler who are first seen on 1 March 2011 or later."""
    rows = pd.read_csv(sets.DATA / "online_retail" / "online_retail_2010_2011.csv.gz", parse_dates=["InvoiceDate"], dtype={"InvoiceNo": str, "CustomerID": str},
                       usecols=["InvoiceNo", "CustomerID", "InvoiceDate", "Quantity", "UnitPrice"])
    kept = rows[rows["CustomerID"].notna() & ~rows["InvoiceNo"].str.startswith("C") & (rows["Quantity"] > 0) & (rows["UnitPrice"] > 0)]
    first = kept.groupby("CustomerID")["InvoiceDate"].min().dt.normalize()
    assert (first >= "2011-03-01").sum() == int(sets.opened("online_retail", tmp_path).sql("select count(*) as n from buyers where is_new")["n"].item())
