"""Data that is sound and says little: every page works, or is left out with the reason; no page says nan."""

from __future__ import annotations

import csv
import html
import re
from pathlib import Path

import in_process
import pandas as pd
import pytest

from retainkit import cli

N = 60


def orders(**columns: object) -> pd.DataFrame:
    """Sixty customers who each buy once, on days in a row."""
    days = pd.date_range("2026-01-01", periods=N).strftime("%Y-%m-%d")
    return pd.DataFrame({"order_id": range(N), "customer_id": [f"c{i}" for i in range(N)], "ordered_at": days, "amount": 10.0, "product_line": "tea"}).assign(**columns)


def deals(opened: str, outcome: list[str], closed: str = "2026-02-20") -> pd.DataFrame:
    """Forty deals of four reps, with what became of them in turn."""
    came = [outcome[i % len(outcome)] for i in range(40)]
    return pd.DataFrame({"deal_id": range(40), "customer_id": [f"c{i}" for i in range(40)], "rep": [f"rep {i % 4}" for i in range(40)], "opened_at": opened,
                         "closed_at": ["" if c == "open" else closed for c in came], "outcome": came, "amount": 100.0})


CONTRACTS = pd.DataFrame({"contract_id": range(40), "customer_id": [f"c{i}" for i in range(40)], "started_at": "2026-02-21", "ended_at": ["2026-06-01" if i % 5 == 0 else "" for i in range(40)]})
LONG = "2027-01-31"
SHOPS: dict[str, tuple[dict[str, pd.DataFrame], str]] = {
    "nobody buys twice": ({"orders": orders()}, "2026-03-01"),
    "everything was given back": ({"orders": orders(status="refunded", refunded_at="2026-03-02")}, "2026-03-31"),
    "no amount is above zero": ({"orders": orders(amount=-5.0)}, "2026-03-01"),
    "nobody is new": ({"orders": orders(), "customers": pd.DataFrame({"customer_id": [f"c{i}" for i in range(N)], "signed_up_at": "2020-01-01"})}, "2026-03-01"),
    "one day": ({"orders": orders(ordered_at="2026-01-01")}, "2026-01-01"),
    "no deal is open": ({"deals": deals("2026-01-10", ["won", "lost"]), "contracts": CONTRACTS}, LONG),
    "no deal is won": ({"deals": deals("2026-01-10", ["lost", "open"])}, LONG),
    "all deals are young": ({"deals": deals("2026-02-10", ["won", "lost", "open"]), "contracts": CONTRACTS}, "2026-06-30"),
    "all reps have left": ({"deals": deals("2026-01-10", ["won", "lost", "open"]), "contracts": CONTRACTS}, LONG),
    "one deal": ({"deals": deals("2026-01-10", ["won"]).head(1)}, LONG),
}


def said(page: Path) -> str:
    """What a reader sees of a page."""
    text = re.sub(r"<(script|style|pre|details)[\s\S]*?</\1>", "", page.read_text(encoding="utf-8"))
    return html.unescape(re.sub(r"<[^>]+>", " ", text))


@pytest.mark.parametrize("name", SHOPS)
def test_every_page_works_or_says_what_it_needs(name, tmp_path, monkeypatch):
    monkeypatch.setenv("RETAINKIT_CACHE", str(tmp_path / "cache"))
    tables, as_of = SHOPS[name]
    (tmp_path / "shop").mkdir()
    mapping = [f'[shop]\nas_of = "{as_of}"\n']
    for table, frame in tables.items():
        frame.to_csv(tmp_path / "shop" / f"{table}.csv", index=False)
        mapping.append(f'[{table}]\npath = "{table}.csv"\n')
    (tmp_path / "shop" / "retainkit.toml").write_text("\n".join(mapping), encoding="utf-8")
    with in_process.no_kernels():
        assert cli.main(["report", str(tmp_path / "shop"), "--as-of", as_of, "--out", str(tmp_path / "out")]) == 0
    pages = {page.stem: said(page) for page in (tmp_path / "out").rglob("*.html")}
    assert len(pages) >= 3
    for text in pages.values():
        assert not re.search(r"(?<![A-Za-z])[nN]a[nNT](?![A-Za-z])", text)
    if name == "nobody is new":
        assert "It needs customers who first bought on or after" in pages["index"]
        assert "02_second_purchase_funnel" not in pages
    if name == "nobody buys twice":
        assert "How long customers stay cannot be said yet." in pages["03_cohort_churn"]


def test_without_a_month_that_is_over_the_report_is_of_the_last_day(tmp_path, monkeypatch):
    monkeypatch.setenv("RETAINKIT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "shop").mkdir()
    orders().head(10).to_csv(tmp_path / "shop" / "orders.csv", index=False)
    with in_process.no_kernels():
        assert cli.main(["report", str(tmp_path / "shop"), "--only", "02_second_purchase_funnel", "--out", str(tmp_path / "out")]) == 0
    rows = list(csv.reader((tmp_path / "out" / "2026-01-10" / "metrics.csv").open(encoding="utf-8")))
    assert any(row[1] == "orders.customers" and float(row[4]) == 10 for row in rows[1:])
