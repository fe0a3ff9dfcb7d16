"""Data that is sound and says little: every page works, or is left out with the reason; no page says nan."""

from __future__ import annotations

import csv
import html
import re
from pathlib import Path

import in_process
import pandas as pd
import pytest

import retainkit as rk
from retainkit import cli
from retainkit.metrics.rep_map import RepMap
from retainkit.resources import sample_folder
from retainkit.tell import selling

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
LONG = "2026-10-31"
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
    "one customer": ({"orders": orders(customer_id="c0").head(3)}, "2026-03-31"),
    "one customer of five purchases": ({"orders": orders(customer_id="c0", amount=[20.53, 78.61, 136.64, 84.56, 23.73] * 12).head(5)}, "2026-03-31"),
    "one month of orders": ({"orders": orders().head(20)}, "2026-01-31"),
    "all have left, and nobody noted when they asked to": ({"contracts": CONTRACTS.assign(ended_at="2026-04-10")}, LONG),
    "one contract": ({"contracts": CONTRACTS.head(1), "orders": orders()}, LONG),
    "units of a change that nobody has": ({"orders": orders(), "changes": pd.DataFrame({"change": "calls", "unit": ["North"], "started_on": "2026-02-01"})}, "2026-03-31"),
    "a change and nothing to judge it by": ({"activity": pd.DataFrame({"customer_id": ["c0"] * 3, "active_on": ["2026-01-05", "2026-02-05", "2026-03-05"]}),
                                             "changes": pd.DataFrame({"change": "calls", "unit": ["North"], "started_on": "2026-02-01"})}, "2026-03-31"),
    "deals that are all still to come": ({"deals": deals("2026-10-27", ["open"]), "contracts": CONTRACTS}, "2026-06-30"),
    "a month of use under contract": ({"contracts": CONTRACTS, "customers": pd.DataFrame({"customer_id": [f"c{i}" for i in range(40)], "segment": "SMB"}),
                                       "activity": pd.DataFrame({"customer_id": [f"c{i}" for i in range(40)], "active_on": "2026-03-20"})}, "2026-03-31"),
    "one deal": ({"deals": deals("2026-01-10", ["won"]).head(1)}, LONG),
}


@pytest.fixture
def sample_deals(tmp_path):
    """A shop of the sample's deals alone."""
    folder = tmp_path / "deals_only"
    folder.mkdir()
    (folder / "deals.csv").write_bytes((sample_folder() / "deals.csv").read_bytes())
    (folder / "retainkit.toml").write_text('[shop]\ntz = "America/New_York"\nas_of = "2026-10-31"\n', encoding="utf-8")
    return str(folder)


def said(page: Path) -> str:
    """What a reader sees of a page."""
    text = re.sub(r"<(script|style|pre|details)[\s\S]*?</\1>", "", page.read_text(encoding="utf-8"))
    return html.unescape(re.sub(r"<[^>]+>", " ", re.sub(r'<span class="whole">(.*?)</span>', r"\1", text)))


@pytest.mark.filterwarnings("error::UserWarning")  # they would stand on the page
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
        assert not re.search(r"(?<![A-Za-z])(?:[nN]a[nNT]|inf|None)(?![A-Za-z])(?! of )", text)
    for page in (tmp_path / "out").rglob("0[1235]_*.html"):
        heads_alone = re.findall(r"<caption[^>]*><span>([^<]*)</span></caption>\s*<thead>(?:(?!</thead>).)*</thead>\s*<tbody>\s*</tbody>", page.read_text(encoding="utf-8"))
        assert heads_alone == []
    if name == "nobody is new":
        assert "It needs customers who first bought on or after" in pages["index"]
        assert "02_second_purchase_funnel" not in pages
    if name == "nobody buys twice":
        assert "How long customers stay cannot be said yet." in pages["03_cohort_churn"]
    if name == "all deals are young":
        assert "Nobody can say yet whether the reps who win most also lose most:" in pages["04_win_rate_vs_churn_by_rep"]
        assert "Not computed: no deal was opened 180 days ago or earlier." in pages["04_win_rate_vs_churn_by_rep"]
        assert "n/a" not in pages["04_win_rate_vs_churn_by_rep"]
        assert "The shaded corner" not in pages["04_win_rate_vs_churn_by_rep"]  # where no map is drawn
    if name == "one customer":  # whoever has one customer must not read what that one did
        assert not re.search(r"\d%|from 1 customers|100\.00 points", pages["02_second_purchase_funnel"].partition("Checks, definitions")[0].replace("95% interval", ""))
    if name == "all have left, and nobody noted when they asked to":
        assert "cancellation cannot be told from churn" in pages["03_cohort_churn"]
        assert "Left out: asked_to_leave, because nobody noted" in pages["03_cohort_churn"]
        assert "asked_to_leave" not in (tmp_path / "out").rglob("metrics.csv").__next__().read_text()
    if name == "units of a change that nobody has":
        assert "the units are not all in one of the columns a unit may stand in" in pages["05_scorecard_and_claims"]
    if name == "a change and nothing to judge it by":
        assert "changes: needs something to be judged by" in pages["05_scorecard_and_claims"]


def test_without_a_month_that_is_over_the_report_is_of_the_last_day(tmp_path, monkeypatch):
    monkeypatch.setenv("RETAINKIT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "shop").mkdir()
    orders().head(10).to_csv(tmp_path / "shop" / "orders.csv", index=False)
    with in_process.no_kernels():
        assert cli.main(["report", str(tmp_path / "shop"), "--only", "02_second_purchase_funnel", "--out", str(tmp_path / "out")]) == 0
    rows = list(csv.reader((tmp_path / "out" / "2026-01-10" / "metrics.csv").open(encoding="utf-8")))
    assert any(row[1] == "orders.customers" and float(row[4]) == 10 for row in rows[1:])


def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> dict[str, str]:
    """The texts of the pages of a report, made without kernels, and its metrics.csv."""
    monkeypatch.setenv("RETAINKIT_CACHE", str(tmp_path / "cache"))
    with in_process.no_kernels():
        assert cli.main(["report", *words, "--out", str(tmp_path / "out")]) == 0
    return {page.stem: said(page) for page in (tmp_path / "out").rglob("*.html")} | {"metrics": next((tmp_path / "out").rglob("metrics.csv")).read_text(encoding="utf-8")}


@pytest.mark.filterwarnings("error::UserWarning")
def test_the_first_month_of_a_history_has_its_pages(tmp_path, monkeypatch):
    pages = published(tmp_path, monkeypatch, "sample", "--month", "2023-11")
    assert "It needs new customers who can be followed for 30 days" in pages["index"]  # page 01
    assert {"02_second_purchase_funnel", "03_cohort_churn", "04_win_rate_vs_churn_by_rep", "05_scorecard_and_claims"} < set(pages)


@pytest.mark.filterwarnings("error::UserWarning")
def test_five_months_are_no_year_and_six_customers_no_finding(tmp_path, monkeypatch):
    stems = ("01_first_90_days_cross_sell", "02_second_purchase_funnel", "03_cohort_churn")
    pages = published(tmp_path, monkeypatch, "sample", "--month", "2024-03", "--only", *stems)
    first, second, third = (pages[stem] for stem in stems)
    assert re.search(r"set against no share of the first 90 days that can be said here:\s+cannot tell", first)  # it was "higher than claimed", of 90 days in 90
    assert "100% (95% interval" not in first
    for page in (first, second):
        assert not re.search(r"ENT [−+-][\d.]+ ?(%|points)[^.]*against the rest", page)  # nobody of six: q was 0.000
        assert "too few" in page
    assert not re.search(r"0% and \d+%[^)]*\(n = 374\)", third)  # of customers nobody followed so long
    shop = rk.open_shop("sample").at("2024-03-31")
    assert rk.lapse_survival(shop, horizons=[365])["rate"].isna().all()


@pytest.mark.filterwarnings("error::UserWarning")
def test_no_month_is_accused_by_limits_that_rest_on_less_than_a_year(tmp_path, monkeypatch):
    pages = published(tmp_path, monkeypatch, "sample", "--month", "2024-08", "--only", "03_cohort_churn")
    charts = " ".join(re.findall(r'alt="([^"]*)"', next((tmp_path / "out").rglob("03_cohort_churn.html")).read_text(encoding="utf-8")))
    assert "Too little to say what is usual: needs 12 baseline months, has 9" in charts
    assert not re.search("Outside of what|No month is outside", charts)
    assert [row[5] for row in csv.reader(pages["metrics"].splitlines()) if row[1] == "churn.usual"] == [""]


def test_a_month_in_which_nobody_bought_is_not_the_month_of_the_last_buyers(tmp_path, monkeypatch):
    orders().head(59).to_csv(tmp_path / "orders.csv", index=False)  # the last on 28 February
    (tmp_path / "retainkit.toml").write_text('[shop]\nas_of = "2026-03-31"\n[orders]\npath = "orders.csv"\n')
    page = published(tmp_path, monkeypatch, str(tmp_path / "retainkit.toml"), "--only", "05_scorecard_and_claims")["05_scorecard_and_claims"]
    assert "repeat purchase rate a month 2026-02 0%" in " ".join(page.split())


def test_where_nobody_could_stand_out_the_funnels_say_so(tmp_path, monkeypatch):
    published(tmp_path, monkeypatch, "sample", "--month", "2024-03", "--only", "04_win_rate_vs_churn_by_rep")
    charts = " ".join(re.findall(r'alt="([^"]*)"', next((tmp_path / "out").rglob("04_*.html")).read_text(encoding="utf-8")))
    assert "Too few deals a rep to tell anybody from luck" in charts
    assert "Too few accounts a rep to tell anybody from luck" in charts


def test_the_title_of_the_map_is_of_the_reps_on_it():
    reps = pd.DataFrame({"rep": ["ann", "bob", "cy"], "n": [40, 4, 60], "departed": [False, False, True], "p_joint": [0.1, 0.4, 0.6], "words": ""})
    assert selling.on_the_map(RepMap(reps, reps, "", [])) == "Nobody reaches the watch line; the highest probability is 10%"
    assert selling.on_the_map(RepMap(reps[1:], reps, "", [])) == "Nobody drawn here is still a rep, so nobody is watched"


def test_of_a_rep_of_three_deals_no_probability_is_told(tmp_path, monkeypatch):
    """Every third deal is lost, but for the newcomer's, and every fourth account leaves."""
    reps = ["eve"] * 3 + [f"rep {i % 6}" for i in range(297)]
    table = pd.DataFrame({"deal_id": range(300), "customer_id": [f"c{i}" for i in range(300)], "rep": reps, "opened_at": "2026-01-05",
                          "closed_at": "2026-02-01", "outcome": ["lost" if i % 3 == 0 and i > 2 else "won" for i in range(300)]})
    table.to_csv(tmp_path / "deals.csv", index=False)
    book = pd.DataFrame({"contract_id": range(300), "customer_id": [f"c{i}" for i in range(300)], "started_at": "2026-02-01"})
    book.assign(ended_at=["2026-06-01" if i % 4 == 0 else "" for i in range(300)]).to_csv(tmp_path / "contracts.csv", index=False)
    (tmp_path / "retainkit.toml").write_text('[shop]\nas_of = "2026-09-30"\n[deals]\npath = "deals.csv"\n[contracts]\npath = "contracts.csv"\n')
    pages = published(tmp_path, monkeypatch, str(tmp_path / "retainkit.toml"), "--only", "04_win_rate_vs_churn_by_rep")
    likely = {(row[1], row[2].split(";")[-1]) for row in csv.reader(pages["metrics"].splitlines()) if row[1] in ("reps.both_high", "reps.one_high")}
    assert ("reps.both_high", "rep=rep 1") in likely
    assert not any("eve" in rep for _, rep in likely)
    assert "than the average; left out: 1 of fewer than five deals" in pages["04_win_rate_vs_churn_by_rep"]


def test_a_rep_without_a_flag_has_a_word_and_one_without_a_position_no_ratio(tmp_path, monkeypatch):
    page = published(tmp_path, monkeypatch, "sample", "--month", "2024-06", "--only", "04_win_rate_vs_churn_by_rep")["04_win_rate_vs_churn_by_rep"]
    losses, map_ = page.partition("Accounts lost by the rep")[2].partition("Both together")[::2]
    assert "Hamza Thornbury no flag" in " ".join(map_.split())
    assert "Do winning and losing go together among this company's reps? Nobody can say: only 2 reps have 2 expected losses; 10 are needed. A correlation" in page
    words = [(float(e), ratio) for e, ratio in re.findall(r"[a-z] +\d+ +(\d+\.\d) +(–|\d+\.\d+) ", " ".join(losses.split()))]
    assert len(words) > 10
    assert all((ratio == "–") == (expected < 1) for expected, ratio in words if expected != 1)
    assert [e for e, _ in words] == sorted((e for e, _ in words), reverse=True)


def test_reps_whose_accounts_nobody_follows_are_compared_on_like_deals(tmp_path, monkeypatch, sample_deals):
    page = published(tmp_path, monkeypatch, sample_deals, "--only", "04_win_rate_vs_churn_by_rep")["04_win_rate_vs_churn_by_rep"]
    assert "nothing in this picture is adjusted" in page
    assert "Win odds, in the table further down, are adjusted for segment, source (strata); the funnel, and win rates, for nothing." in page
    assert "Wins alone: win odds against the other reps on like deals" in page
    assert "each account's time under contract" not in page.partition("Checks, definitions")[0]
    assert "a long gap between orders" not in page  # there is no table of orders


@pytest.mark.filterwarnings("error::UserWarning")
def test_contracts_older_than_the_history_speak_of_those_still_here_on_every_page_and_in_metrics_csv(tmp_path, monkeypatch):
    start = pd.Timestamp("2023-06-05") - pd.to_timedelta(pd.Series(range(400)) * 193 % 180, unit="D")
    end = start + pd.to_timedelta(1 + pd.Series(range(400)) * 211 % 1500, unit="D")
    book = pd.DataFrame({"contract_id": range(400), "customer_id": range(400), "started_at": start, "ended_at": end.where(end <= "2026-10-31"), "end_reason": "left"})
    (tmp_path / "shop").mkdir()
    book[end >= "2024-01-01"].to_csv(tmp_path / "shop" / "contracts.csv", index=False)
    (tmp_path / "shop" / "retainkit.toml").write_text('[shop]\nhistory_start = "2024-01-01"\nas_of = "2026-10-31"\n', encoding="utf-8")
    pages = published(tmp_path, monkeypatch, str(tmp_path / "shop"), "--only", "03_cohort_churn", "05_scorecard_and_claims")
    third, fifth, index = (" ".join(pages[name].split()) for name in ("03_cohort_churn", "05_scorecard_and_claims", "index"))
    day = re.search(r"\) of those still here at day (\d+) were still under contract", third)[1]
    assert f"of those still here at day {day}" in index
    assert f", given still here at day {day}" in fifth
    assert "How many left early cannot be said" in third
    assert "cancelled early" not in third
    rows = [row for row in csv.reader(pages["metrics"].splitlines()) if row[1] in ("churn.survival", "churn.later", "churn.ended_for", "churn.early") and row[4]]
    assert {row[0] for row in rows if row[1] == "churn.survival"} == {"03_cohort_churn", "05_scorecard_and_claims"}
    assert all(f"given still here at day {day}" in row[-1] for row in rows)
    assert "churn.early" not in {row[1] for row in rows}


def test_half_of_the_shortest_rule_is_no_rule(tmp_path, monkeypatch):
    pages = published(tmp_path, monkeypatch, "sample", "--only", "03_cohort_churn", "--set", "lapse_after=1")
    assert {row[2] for row in csv.reader(pages["metrics"].splitlines()) if row[1] == "lapse.returned"} == {"lapse_days=1", "lapse_days=2"}


@pytest.mark.filterwarnings("error::UserWarning")
def test_a_rule_that_most_of_the_lapsed_break_is_called_too_short_and_old_customers_are_no_trend(tmp_path, monkeypatch):
    first = pd.to_datetime("2025-01-01") + pd.to_timedelta(pd.Series(range(60)) * 3, unit="D")
    log = pd.DataFrame([(f"c{c}", day + pd.Timedelta(days=60 * k)) for c, day in enumerate(first) for k in range(4)], columns=["customer_id", "ordered_at"])
    (tmp_path / "shop").mkdir()
    log.assign(order_id=range(len(log)), amount=10).to_csv(tmp_path / "shop" / "orders.csv", index=False)
    stems = ("02_second_purchase_funnel", "03_cohort_churn")
    pages = published(tmp_path, monkeypatch, str(tmp_path / "shop"), "--set", "lapse_after=30", "--only", *stems)
    second, third = (" ".join(pages[stem].split()) for stem in stems)
    assert "had never let 30 days pass without buying" in third
    assert "30 days are too short for a rule" in third
    assert "Whether newer cohorts come back faster cannot be told: nobody said whether the early months hold old customers" in second
    assert all('Nobody said where the history begins (history_start), so many of these "new" customers may be old ones.' in page for page in (second, third, pages["index"]))
    assert "The same share without those first seen in the first days of the history" in second
    assert "second_purchase.burn_in,burn_in=180,30," not in pages["metrics"]  # nobody is left to know it of
    assert "second_purchase.burn_in,burn_in=0,30," in pages["metrics"]
    assert "Of the customers new since January 2025" in second
    assert not re.search(r"[a-z]\.[A-Z][a-z]+ [a-z]", (second + third).partition("Checks, definitions")[0])  # a sentence begins after a space
    assert not re.search(r"second_purchase.trend,,\S*?,-?0\.", pages["metrics"])


def test_a_trend_too_wide_to_give_has_no_direction_and_its_months_are_named(tmp_path, monkeypatch):
    page = " ".join(published(tmp_path, monkeypatch, "sample", "--only", "02_second_purchase_funnel", "--set", "segment=ENT")["02_second_purchase_funnel"].split())
    assert "Whether newer cohorts come back faster cannot be told. The share back within 30 days among those who first bought in April 2025 to September 2026" in page
    assert "These are too few customers to say more." in page
    assert re.search(r"Months with fewer than five new customers are not drawn: \d+ of \d+\.", page)
    assert "Of the 0 months" not in page


def test_contracts_that_never_say_an_end_are_no_retention_of_100_percent(tmp_path, monkeypatch):
    (tmp_path / "shop").mkdir()
    weeks = pd.date_range("2026-01-01", periods=30, freq="7D").strftime("%Y-%m-%d")
    log = pd.DataFrame([(f"c{c}", day) for c in range(40) for day in weeks[c % 10 :: 1 + c % 3][: 3 + c % 7]], columns=["customer_id", "ordered_at"])
    log.assign(order_id=range(len(log)), amount=10).to_csv(tmp_path / "shop" / "orders.csv", index=False)
    (tmp_path / "shop" / "retainkit.toml").write_text('[shop]\nas_of = "2026-08-31"\n[orders]\npath = "orders.csv"\n[contracts]\npath = "contracts.csv"\n', encoding="utf-8")
    CONTRACTS.assign(started_at="2026-01-05").drop(columns="ended_at").to_csv(tmp_path / "shop" / "contracts.csv", index=False)
    pages = published(tmp_path, monkeypatch, str(tmp_path / "shop"), "--only", "03_cohort_churn", "--set", "lapse_after=40")
    assert "days pass without buying" in pages["03_cohort_churn"]
    assert "do not say when one ended (contracts.ended_at), so nobody could be seen to leave" in pages["03_cohort_churn"].replace("`", "")
    assert "under contract" not in pages["03_cohort_churn"].partition("Behind these numbers")[0].partition("Three cautions")[0]
    CONTRACTS.assign(started_at="2026-01-05", ended_at="").to_csv(tmp_path / "shop" / "contracts.csv", index=False)  # the column is there: nobody has left, it says
    pages = published(tmp_path, monkeypatch, str(tmp_path / "shop"), "--only", "03_cohort_churn", "--set", "lapse_after=40")
    assert "No contract here has an end: nobody has left, or nobody wrote it down." in pages["03_cohort_churn"]


def test_a_segment_without_contracts_goes_by_the_rule_of_purchases(tmp_path, monkeypatch):
    page = published(tmp_path, monkeypatch, "sample", "--only", "03_cohort_churn", "--set", "segment=B2C")["03_cohort_churn"]
    assert "No customer of the segment B2C has a contract." in page
    assert "days pass without buying" in page
    assert not re.search("were lost|nobody to lose|Too few customers", page)
    assert "called lapsed" in page


def test_the_title_of_the_matrix_compares_the_same_customers(tmp_path, monkeypatch):
    """January's customers buy every month, those who came later never again: nobody comes back more often with age."""
    keen = [(f"k{c}", f"2026-{m:02}-10") for c in range(40) for m in range(1, 7)]
    late = [(f"l{m}{c}", f"2026-{m:02}-05") for m in range(2, 7) for c in range(40)]
    (tmp_path / "shop").mkdir()
    log = pd.DataFrame(keen + late, columns=["customer_id", "ordered_at"])
    log.assign(order_id=range(len(log)), amount=10).to_csv(tmp_path / "shop" / "orders.csv", index=False)
    (tmp_path / "shop" / "retainkit.toml").write_text('[shop]\nas_of = "2026-06-30"\n', encoding="utf-8")
    published(tmp_path, monkeypatch, str(tmp_path / "shop"), "--only", "03_cohort_churn")
    charts = " ".join(re.findall(r'alt="([^"]*)"', next((tmp_path / "out").rglob("03_*.html")).read_text(encoding="utf-8")))
    assert "The cohort seen to month 5: 100% buy in month 1 after the first, 100% in month 5." in charts


def test_a_report_of_one_segment_says_so_on_every_page_and_in_every_row(tmp_path, monkeypatch):
    pages = published(tmp_path, monkeypatch, "sample", "--only", "02_second_purchase_funnel", "--set", "segment=SMB")
    assert all("Only customers of the segment SMB." in pages[stem] for stem in ("index", "02_second_purchase_funnel"))
    assert all(line.endswith("only segment SMB") for line in pages["metrics"].splitlines()[1:])


def test_the_scorecard_of_one_segment_does_not_divide_the_whole_company_s_money_by_it(tmp_path, monkeypatch):
    pages = published(tmp_path, monkeypatch, "sample", "--only", "05_scorecard_and_claims", "--set", "segment=SMB")
    page = pages["05_scorecard_and_claims"]
    assert "Spending is known of the whole company, not of segment SMB" in page
    assert "times what winning one costs" not in page
    assert not re.search("^[^,]*,(cac|clv.to_cost|clv.payback|nps.response)", pages["metrics"], re.MULTILINE)


def test_a_segment_without_contracts_and_deals_is_judged_by_what_it_has(tmp_path, monkeypatch):
    """Four customers in five: fifteen rows of 'too few', and reasons that were untrue."""
    pages = published(tmp_path, monkeypatch, "sample", "--only", "05_scorecard_and_claims", "--set", "segment=B2C")
    page = " ".join(pages["05_scorecard_and_claims"].split())
    card = page.partition("What the data of these customers cannot say")[0]
    assert "customers who lapsed (434 days without a purchase) in the latest finished month" in card
    assert re.search(r"Of those who had lapsed, \d+% \(95% interval .*?\) bought again within 180 days", card)
    assert "too few" not in card
    assert "none of these customers is in one" in page
    assert "new customers who buy again within 30 days (B2C)" in page  # its own goal
    assert not re.search(r"No deal has been won yet|No velocity yet|under contract for twelve|n/a|No week of a finished", page)
    assert re.search(r"lapse\.returned,lapse_days=434,180,0\.\d+", pages["metrics"])


def test_contracts_that_say_no_end_are_no_retention_of_all(tmp_path, monkeypatch):
    (tmp_path / "shop").mkdir()
    CONTRACTS.drop(columns="ended_at").to_csv(tmp_path / "shop" / "contracts.csv", index=False)
    page = published(tmp_path, monkeypatch, str(tmp_path / "shop"), "--only", "05_scorecard_and_claims")["05_scorecard_and_claims"]
    assert "These data give no number of the scorecard" in page
    assert "so that nobody could be seen to leave." in page
    assert "100%" not in page.partition("What to ask next")[0].partition("What we found")[2]


def test_one_difference_has_one_verdict_and_a_caution_is_not_cut(tmp_path, monkeypatch):
    """Page 04 had +18 points with q 0.15, page 05 +18.5 without a word on the other sources."""
    page = published(tmp_path, monkeypatch, "sample", "--only", "05_scorecard_and_claims", "--month", "2024-06")["05_scorecard_and_claims"]
    text = " ".join(page.split())
    assert "As they are the difference is roughly +18.1 points (95% interval +1.0 to +35.7, n = 35); q over 4 sources is 0.151: that can be chance. Who is referred" in text
    assert "cannot tell: day 102 at the earliest, perhaps not within 180 days" in text
    assert "…" not in text.partition("What we found")[2]


def test_quiet_numbers_that_could_show_nothing_are_no_all_clear(tmp_path, monkeypatch):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "contracts.csv").write_bytes((sample_folder() / "contracts.csv").read_bytes())
    (tmp_path / "shop" / "retainkit.toml").write_text('[shop]\ntz = "America/New_York"\nas_of = "2026-10-31"\n', encoding="utf-8")
    page = published(tmp_path, monkeypatch, str(tmp_path / "shop"), "--only", "05_scorecard_and_claims")["05_scorecard_and_claims"]
    assert "No month twice as bad would have shown in any of the 5 numbers that can be judged, of 8: that nothing did is no news" in page
    assert "3 of the 8 numbers cannot be judged, and in 5 more a month twice as bad would have looked like chance: that the 5 that can be did not move is no all-clear." in page
    assert "Leave things alone" not in page
    assert "1 claims" not in page


def test_the_scorecard_of_a_short_history_says_what_it_lacks_and_nothing_untrue(tmp_path, monkeypatch):
    page = published(tmp_path, monkeypatch, "sample", "--only", "05_scorecard_and_claims", "--month", "2024-03")["05_scorecard_and_claims"]
    assert "Not computed: no deal was opened 180 days ago or earlier" in page
    assert "No change in the table changes had begun by 31 March 2024." in page.replace("`", "")
    assert "Referrals cannot be compared with the rest: it takes five closed deals of the source referral, and of others, opened 180 days ago or earlier" in page
    assert "No rep has five answers of their customers." in page
    assert "What is usual cannot be said yet: it needs 12 baseline months, has 4" in next((tmp_path / "out").rglob("05*.html")).read_text(encoding="utf-8")  # a chart's words
    assert "Goals reached: 0 of 5. The others: 5 set for a later time." in page
    assert not re.search(r"\d to n/a|n/a|[a-z0-9]\.[A-Z][a-z]+ [a-z]", page.partition("Checks, definitions")[0])


def test_a_table_that_lost_a_twentieth_of_its_rows_is_named_beside_the_headline(tmp_path, monkeypatch):
    (tmp_path / "shop").mkdir()
    broken = orders().assign(ordered_at=lambda t: t["ordered_at"].where(t.index % 20 > 0, "soon"), channel=["web", "till"] * (N // 2))
    broken.to_csv(tmp_path / "shop" / "orders.csv", index=False)
    mapping = '[orders]\npath = "orders.csv"\nwhere = "channel = \'web\'"\n'
    (tmp_path / "shop" / "retainkit.toml").write_text(mapping, encoding="utf-8")
    pages = published(tmp_path, monkeypatch, str(tmp_path / "shop"), "--only", "02_second_purchase_funnel")
    said_there = "Left out: 3 of 60 rows of orders (5%), all of them because ordered_at is not a date."
    assert said_there in pages["index"]
    assert said_there in pages["02_second_purchase_funnel"]
    mended = broken.assign(ordered_at=orders()["ordered_at"])  # what the mapping leaves out is no loss, and is said all the same
    mended.to_csv(tmp_path / "shop" / "orders.csv", index=False)
    page = published(tmp_path, monkeypatch, str(tmp_path / "shop"), "--only", "02_second_purchase_funnel")["index"]
    assert "Left out:" not in page
    assert "Not looked at, by the mapping's where: 30 of 60 rows of orders (50%). What stands here is made of the others." in page.replace("&#39;", "'")


@pytest.mark.filterwarnings("error::UserWarning")
def test_one_quiet_number_of_ten_is_no_all_clear_and_that_nobody_new_came_is_said(tmp_path, monkeypatch):
    """A log of one cohort: it bought for two years more, nobody new came, and hardly a number can be judged."""
    days = pd.date_range("2024-01-01", "2026-03-31")
    came = [(f"c{c}", days[(c % 90) + wait * (c % 7 + 14)]) for c in range(300) for wait in range(33) if (c % 90) + wait * (c % 7 + 14) < len(days) and (c + wait) % 3]
    (tmp_path / "shop").mkdir()
    pd.DataFrame({"order_id": range(len(came)), "customer_id": [c for c, _ in came], "ordered_at": [d.strftime("%Y-%m-%d") for _, d in came], "amount": 10.0}).to_csv(tmp_path / "shop" / "orders.csv", index=False)
    page = published(tmp_path, monkeypatch, str(tmp_path / "shop"), "--only", "05_scorecard_and_claims")["05_scorecard_and_claims"]
    assert "The last to buy for the first time did so in April 2024." in page
    assert "is no all-clear" in page
    assert "Leave things alone" not in page
    assert not re.search(r"[a-z0-9)]\.[A-Z]|[a-z]\((?!s\))[0-9]", page.partition("Definitions")[2].partition("Behind these numbers")[0])  # a sentence begins after a space


def test_the_scorecard_says_since_when_and_its_twelve_months_are_recorded(tmp_path, monkeypatch):
    """Of some customers no goal is asked for, which is not that none is set."""
    pages = published(tmp_path, monkeypatch, "sample", "--only", "05_scorecard_and_claims", "--set", "segment=SMB")
    page = pages["05_scorecard_and_claims"]
    assert "As known at the end of 31 October 2026. Now: of all since November 2023, unless the row says otherwise." in page
    assert "(95% range; of all since November 2023, unless said otherwise)" in page
    assert "NPS of the latest survey" in page  # its row says otherwise
    assert "Goals are set, but none for this group" in page
    assert "No goal is set" not in page
    for metric, words in (("repeat_rate", "repeat purchase rate"), ("returning_share", "returning share")):
        row = re.search(rf"purchases\.{metric}_of_year,month=2026-10[^,]*,,([\d.]+)", pages["metrics"])
        assert row
        assert re.search(rf"{words}\s+twelve months\s+2026-10\s+{float(row[1]):.0%} ", page)


def test_where_only_who_decided_early_was_followed_for_long_nothing_is_known_yet(tmp_path, monkeypatch):
    """Ann was cross-sold on day 5 and followed for 60, the others for ten days: the page failed at day 30."""
    (tmp_path / "shop").mkdir()
    rows = [("ann", "2026-01-30", "tea"), ("ann", "2026-02-04", "mugs"), *((f"c{i}", "2026-03-21", "tea") for i in range(5)), ("c0", "2026-03-31", "tea")]
    pd.DataFrame(rows, columns=["customer_id", "ordered_at", "product_line"]).assign(order_id=range(len(rows)), amount=5).to_csv(tmp_path / "shop" / "orders.csv", index=False)
    page = published(tmp_path, monkeypatch, str(tmp_path / "shop"), "--only", "01_first_90_days_cross_sell")
    assert "How many new customers are cross-sold within 30 days: not known yet (n = 6)." in page["01_first_90_days_cross_sell"]


def test_a_year_as_the_window_has_its_page(tmp_path, monkeypatch):
    pages = published(tmp_path, monkeypatch, "sample", "--only", "01_first_90_days_cross_sell", "--set", "window=365")
    assert "In the first 365 days of their first contract customers leave" in pages["01_first_90_days_cross_sell"]
    assert "days cannot be said yet" not in pages["01_first_90_days_cross_sell"]
    assert "month_one_revenue.share_after_first,horizon=365," in pages["metrics"]


def test_of_one_segment_it_is_not_said_that_nobody_has_a_segment(tmp_path, monkeypatch):
    (tmp_path / "shop").mkdir()
    orders().to_csv(tmp_path / "shop" / "orders.csv", index=False)
    pd.DataFrame({"customer_id": [f"c{i}" for i in range(N)], "segment": ["A", "B"] * (N // 2)}).to_csv(tmp_path / "shop" / "customers.csv", index=False)
    (tmp_path / "shop" / "retainkit.toml").write_text('[shop]\nas_of = "2026-03-31"\n', encoding="utf-8")
    pages = published(tmp_path, monkeypatch, str(tmp_path / "shop"), "--only", "01_first_90_days_cross_sell", "02_second_purchase_funnel", "--set", "segment=A")
    for stem in ("01_first_90_days_cross_sell", "02_second_purchase_funnel"):
        assert "There is nothing to compare these customers by: no other segment" in pages[stem]


@pytest.mark.filterwarnings("error::UserWarning")
def test_thirty_contracts_are_followed_as_far_as_twenty_of_them_and_eighteen_make_no_year_and_no_definition(tmp_path, monkeypatch):
    start = pd.date_range("2025-01-10", periods=30, freq="12D")
    book = pd.DataFrame({"contract_id": range(30), "customer_id": [f"c{i}" for i in range(30)], "started_at": start.strftime("%Y-%m-%d")})
    book["ended_at"] = [str((day + pd.Timedelta(days=70)).date()) if i % 2 else "" for i, day in enumerate(start)]
    (tmp_path / "shop").mkdir()
    book.to_csv(tmp_path / "shop" / "contracts.csv", index=False)
    (tmp_path / "shop" / "retainkit.toml").write_text('[shop]\nas_of = "2026-02-28"\n\n[contracts]\npath = "contracts.csv"\n', encoding="utf-8")
    page = published(tmp_path, monkeypatch, str(tmp_path / "shop"), "--only", "03_cohort_churn")["03_cohort_churn"]
    assert re.search(r"180 days after a customer's first contract began, roughly \d+%", page)  # it said day 30, at which nobody had left
    assert "Too few customers have been followed for 365 days, so it is said of day 180." in page
    assert "Fewer than 20 customers were under contract in February 2026: too few to compare definitions by." in page
    assert "or it began with fewer than 20: too few to make a year of" in page
    rates = re.findall(r"2025-1\d\s+1\d\s+[\d\s]+\s(–|\d+\.\d%)\s+\d+\.\d%\s", page)
    assert rates
    assert set(rates) == {"–"}  # of fewer than 20 only the ends
    assert not re.search(r"2025-02\s+2\s", page)  # what became of two customers
