"""Five real data sets: every figure that was computed for them independently, as an assertion.

The data are not part of the project. They lie in `../shared/data` beside the checkout; without it these tests skip. The
mappings that read them are in `tests/real/`. Counts must agree exactly, rates to the six digits they were printed with.
"""

from __future__ import annotations

import hashlib
import runpy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import retainkit
from retainkit import cli, open_shop
from retainkit.estimate.repeat_buying import fit_bg_nbd, fit_gamma_gamma
from retainkit.load.shop import Shop
from retainkit.metrics.buying import repeat_revenue
from retainkit.metrics.cross_sell import cross_sell_any, first_cross_sell_naive
from retainkit.metrics.deals import win_rate
from retainkit.metrics.deals_values import cycle_days, deal_size
from retainkit.metrics.purchases import overview, second_purchase, second_purchase_mature
from retainkit.metrics.reps import rep_churn, rep_churn_withheld
from retainkit.metrics.retention import retention_matrix

HERE = Path(__file__).parent
DATA = HERE.parents[1] / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the real data sets are not here (../shared/data)")

HORIZONS = (30, 60, 90, 180, 365)


@dataclass(frozen=True)
class Buying:
    """What is known of a set with orders."""

    read: tuple[int, int]  # rows in the file, rows kept
    days: tuple[str, str]  # first and last
    totals: dict[str, float]
    second: tuple[float, ...]  # Kaplan-Meier at HORIZONS
    mature: tuple[tuple[int, int], ...]  # hits and n at HORIZONS
    repeat: float  # revenue after day 0 / revenue
    cohorts: dict[str, list[int]]  # active customers by period; the list may stop before the data do


@dataclass(frozen=True)
class Crossing:
    """What is known of the first purchase, on a later day, of a product line not bought on day 0."""

    rates: tuple[float, ...]  # Kaplan-Meier at HORIZONS
    mature_90: tuple[int, int]
    within_90: tuple[float, float]  # of the first cross-sells: seen so far, and of customers followed for a year


BUYING = {
    "online_retail": Buying(
        read=(541_909, 397_884), days=("2010-12-01", "2011-12-09"),
        totals={"customers": 4338, "orders": 18_532, "purchase_days": 16_763, "revenue": 8_911_407.90,
                "bought_twice": 2790, "bought_three_times": 1916},
        second=(0.191602, 0.355069, 0.459912, 0.657561, 0.848063),
        mature=((778, 4086), (1314, 3741), (1533, 3370), (1853, 2821), (500, 573)),
        repeat=0.777485,
        cohorts={"2010-12": [885, 324, 286, 340, 321, 352, 321, 309, 313, 350, 331, 445, 235],
                 "2011-01": [417, 92, 111, 96, 134, 120, 103, 101, 125, 136, 152, 49]}),
    "cdnow": Buying(
        read=(6919, 6919), days=("1997-01-01", "1998-06-30"),
        totals={"customers": 2357, "orders": 6919, "purchase_days": 6696, "revenue": 244_091.94,
                "bought_twice": 1139, "bought_three_times": 736},
        second=(0.17395, 0.254985, 0.291472, 0.376326, 0.455664),
        mature=((410, 2357), (601, 2357), (687, 2357), (887, 2357), (1074, 2357)),
        repeat=0.681432,
        cohorts={"1997-01": [781, 124, 95, 70, 65, 77, 65, 53, 52, 45, 62, 59, 45],
                 "1997-02": [857, 134, 110, 75, 77, 75, 61, 61, 74, 70, 59, 57, 59]}),
    "complete_journey": Buying(
        read=(1_469_307, 1_469_307), days=("2017-01-01", "2018-01-01"),
        totals={"customers": 2469, "orders": 155_848, "purchase_days": 126_824, "revenue": 4_596_039.58,
                "bought_twice": 2435, "bought_three_times": 2402},
        second=(0.850829, 0.927551, 0.957015, 0.980791, 0.993751),
        mature=((2096, 2463), (2278, 2453), (2344, 2447), (2356, 2396), (251, 251)),
        repeat=0.978496,
        cohorts={"2017-01": [1982, 1761, 1784, 1775, 1791, 1754, 1774, 1751, 1726, 1756, 1751, 1751, 69],
                 "2017-02": [185, 128, 119, 132, 127, 137, 127, 123, 127, 132, 128, 4]}),
    "northwind": Buying(
        read=(2155, 2155), days=("1996-07-04", "1998-05-06"),
        totals={"customers": 89, "orders": 830, "purchase_days": 823, "revenue": 1_265_793.04,
                "bought_twice": 88, "bought_three_times": 86},
        second=(0.303371, 0.494382, 0.606742, 0.775281, 0.955056),
        mature=((27, 89), (44, 89), (54, 89), (67, 87), (76, 80)),
        repeat=0.922173,
        cohorts={"1996-07": [20, 4, 4, 4, 4, 6, 7, 7, 6, 5, 8, 7, 7],
                 "1996-08": [14, 6, 4, 3, 3, 4, 5, 4, 6, 5, 7, 5, 3]}),
}

CROSSING = {
    "complete_journey": Crossing((0.75953, 0.86795, 0.912845, 0.962082, 0.987542), (2236, 2447), (0.933195, 0.98008)),
    "northwind": Crossing((0.280899, 0.426966, 0.561798, 0.764045, 0.932584), (50, 89), (0.574713, 0.621622)),
}

WON_AND_LOST = """
    Anna Snelling 208/128; Boris Faz 101/52; Cassey Cress 163/98; Cecily Lampkin 107/53; Corliss Cosme 150/79;
    Daniell Hammack 114/73; Darcel Schlecht 349/204; Donn Cantrell 158/117; Elease Gluck 80/46; Garret Kinder 75/48;
    Gladys Colclough 135/97; Hayden Neloms 107/45; James Ascencio 135/71; Jonathan Berthelot 171/93; Kami Bicknell 174/98;
    Kary Hendrixson 209/126; Lajuana Vencill 127/104; Markita Hansen 130/97; Marty Freudenburg 122/72; Maureen Marcano 149/64;
    Moses Frase 129/66; Niesha Huffines 105/70; Reed Clapper 155/82; Rosalina Dieter 72/38; Rosie Papadopoulos 78/43;
    Versie Hillebrand 176/88; Vicki Laflamme 221/126; Violet Mclelland 122/71; Wilburn Farren 55/24; Zane Levy 161/100"""
BY_REP = {rep: (int(won), int(lost)) for rep, won, lost in (
    (*entry.strip().rsplit(" ", 1)[:1], *entry.rsplit(" ", 1)[1].split("/")) for entry in WON_AND_LOST.split(";"))}

Opener = Callable[[str], Shop]


@pytest.fixture(scope="module")
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Opens a set by name, once; what was read is kept between runs, for as long as the loader is the same."""
    loader = sorted((Path(retainkit.__file__).parent / "load").glob("*.py"))
    state = hashlib.sha256(b"".join(f.read_bytes() for f in loader)).hexdigest()[:12]
    shops: dict[str, Shop] = {}

    def opener(name: str) -> Shop:
        if name not in shops:
            shops[name] = open_shop(mapping(name, tmp_path_factory))
        return shops[name]

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RETAINKIT_CACHE", str(request.config.cache.mkdir(f"real-data-{state}")))
        yield opener


def mapping(name: str, folders: pytest.TempPathFactory) -> Path:
    """The path of a set's mapping; Northwind's tables are taken out of its dump first."""
    folder = HERE / "real" / name
    if name != "northwind":
        return folder / "retainkit.toml"
    prepare = runpy.run_path(str(folder / "prepare.py"))["prepare"]
    return Path(prepare(DATA / "northwind" / "northwind.sql", folders.mktemp("northwind")))


def at_horizons(figures: tuple[Any, ...]) -> dict[int, Any]:
    """Figures in the order of HORIZONS, by horizon."""
    return dict(zip(HORIZONS, figures, strict=True))


@pytest.mark.parametrize("name", BUYING)
class TestBuying:
    """Sets with orders."""

    def test_every_row_is_kept_or_rejected(self, name: str, opened: Opener) -> None:
        row = opened(name).ledger.set_index("table").loc["orders"]
        assert (row["rows"], row["kept"]) == BUYING[name].read
        assert row["rows"] == row["kept"] + row["rejected"]

    def test_the_clock_runs_from_the_first_to_the_last_day(self, name: str, opened: Opener) -> None:
        shop = opened(name)
        assert (str(shop.history_start), str(shop.as_of)) == BUYING[name].days

    def test_totals(self, name: str, opened: Opener) -> None:
        found = overview(opened(name)).loc[0, list(BUYING[name].totals)].astype(float).round(2)
        assert found.to_dict() == BUYING[name].totals

    @pytest.mark.parametrize("horizon", HORIZONS)
    def test_second_purchase_by_kaplan_meier(self, name: str, horizon: int, opened: Opener) -> None:
        found = second_purchase(opened(name), horizons=[horizon]).loc[0, "rate"]
        assert round(found, 6) == at_horizons(BUYING[name].second)[horizon]

    def test_second_purchase_of_mature_customers(self, name: str, opened: Opener) -> None:
        found = second_purchase_mature(opened(name), horizons=HORIZONS)
        assert list(zip(found["hits"], found["n"], strict=True)) == list(BUYING[name].mature)

    def test_repeat_share_of_revenue(self, name: str, opened: Opener) -> None:
        assert round(repeat_revenue(opened(name)).loc[0, "rate"], 6) == BUYING[name].repeat

    def test_cohort_rows(self, name: str, opened: Opener) -> None:
        matrix = retention_matrix(opened(name))
        for cohort, active in BUYING[name].cohorts.items():
            assert matrix.loc[matrix["cohort"] == cohort, "active"].tolist()[: len(active)] == active

    def test_a_running_month_has_no_rate(self, name: str, opened: Opener) -> None:
        shop = opened(name)
        matrix = retention_matrix(shop)
        running = matrix[matrix["rate"].isna()]
        over = shop.closed_through == f"{shop.as_of:%Y-%m}"
        assert running.empty if over else len(running) == matrix["cohort"].nunique()


@pytest.mark.parametrize("name", CROSSING)
class TestCrossing:
    """Sets with product lines."""

    @pytest.mark.parametrize("horizon", HORIZONS)
    def test_first_cross_sell_by_kaplan_meier(self, name: str, horizon: int, opened: Opener) -> None:
        found = cross_sell_any(opened(name), horizons=[horizon]).loc[0, "rate"]
        assert round(found, 6) == at_horizons(CROSSING[name].rates)[horizon]

    def test_first_cross_sell_of_mature_customers(self, name: str, opened: Opener) -> None:
        followed = opened(name).sql("""
            select sum(case when cross_ordinal = 1 and age <= 90 then 1 else 0 end) as hits, sum(case when ordinal = 1 then 1 else 0 end) as n
            from days where is_new and date_diff('day', first_on, (select max(on_day) from days)) >= 90""")
        assert tuple(followed.loc[0].astype(int)) == CROSSING[name].mature_90

    def test_share_within_90_days_seen_so_far_and_followed(self, name: str, opened: Opener) -> None:
        found = first_cross_sell_naive(opened(name), within_days=90, horizon=365)
        assert tuple(found["rate"].round(6)) == CROSSING[name].within_90


def test_constant_habits_of_cdnow_are_those_in_print(opened: Opener) -> None:
    """BG/NBD on the first 39 weeks (Fader, Hardie and Lee 2005) and Gamma-Gamma on the repeaters (Fader and Hardie 2013)."""
    buyers = opened("cdnow").at("1997-09-30").sql("""
        select max(ordinal) - 1 as x, max(age) / 7.0 as t_x, max(date_diff('day', first_on, cast('1997-09-30' as date))) / 7.0 as T,
          sum(case when age > 0 then amount else 0 end) / nullif(max(ordinal) - 1, 0) as m, 1 as n
        from days where ordinal > 0 group by customer order by customer""")
    when, how_much = fit_bg_nbd(buyers), fit_gamma_gamma(buyers[buyers["x"] > 0])
    assert (len(buyers), (buyers["x"] > 0).sum()) == (2357, 946)
    assert [round(value, 4) for value in when[:4]] == [0.2426, 4.4136, 0.7929, 2.4259]
    assert round(when.loglik, 3) == -9582.429
    assert [round(value, 2) for value in how_much[:3]] == [6.25, 3.74, 15.44]


class TestDeals:
    """The CRM export: 8,800 opportunities."""

    def test_prospects_without_a_date_are_rejected_and_counted(self, opened: Opener) -> None:
        row = opened("crm_sales").ledger.set_index("table").loc["deals"]
        assert (row["rows"], row["kept"], row["rejected"]) == (8800, 8300, 500)
        assert set(opened("crm_sales").rejected("deals")["column"]) == {"opened_at"}

    def test_outcomes(self, opened: Opener) -> None:
        counts = opened("crm_sales").sql("select outcome, count(*) as n from deals group by 1")
        assert dict(zip(counts["outcome"], counts["n"], strict=True)) == {"won": 4238, "lost": 2473, "open": 1589}

    def test_closed_only_win_rate(self, opened: Opener) -> None:
        assert round(win_rate(opened("crm_sales")).loc[0, "rate"], 6) == 0.631501

    def test_won_and_lost_by_rep(self, opened: Opener) -> None:
        table = win_rate(opened("crm_sales"), by="rep")
        assert {r.rep: (r.won, r.lost) for r in table.itertuples()} == BY_REP
        assert len(BY_REP) == 30

    def test_average_won_deal_does_not_count_lost_ones_as_zero(self, opened: Opener) -> None:
        found = deal_size(opened("crm_sales")).set_index("measure").loc["mean"]
        assert (round(found["value"], 4), found["n"]) == (2360.9094, 4238)

    def test_cycle_of_won_deals(self, opened: Opener) -> None:
        found = cycle_days(opened("crm_sales")).set_index("measure")["value"]
        assert (round(found["mean"], 6), found["median"]) == (51.781973, 57)

    def test_months_at_the_end_of_a_quarter_win_more(self, opened: Opener) -> None:
        table = opened("crm_sales").sql("""
            select extract(month from closed_on) as month, sum(case when outcome = 'won' then 1 else 0 end) as won, count(*) as n
            from deals where outcome <> 'open' group by 1 order by 1""")
        ends, rate = table["month"] % 3 == 0, table["won"] / table["n"]
        assert rate[ends].between(0.78, 0.83).all()
        assert rate[~ends].between(0.485, 0.57).all()

    def test_accounts_nobody_could_see_leave_say_nothing_about_reps(self, opened: Opener) -> None:
        assert rep_churn_withheld(opened("crm_sales")) == "the contracts do not say when one ended (contracts.ended_at), so nobody could be seen to leave"
        assert rep_churn(opened("crm_sales")).empty


@pytest.mark.slow
@pytest.mark.parametrize("name", BUYING)
def test_the_report_writes_the_same_numbers(name: str, opened: Opener, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The whole way: mapping, notebooks, metrics.csv."""
    known = BUYING[name]
    assert cli.main(["report", str(mapping(name, tmp_path_factory)), "--as-of", known.days[1], "--out", str(tmp_path)]) == 0
    [path] = tmp_path.glob("*/metrics.csv")
    table = pd.read_csv(path, keep_default_na=False, na_values={"value": ""}).drop_duplicates(["metric", "group", "horizon_days", "value"])
    numbers = table.set_index(["metric", "group", "horizon_days"], verify_integrity=True)["value"]  # what two pages state is the same number
    for metric, column in (("customers", "customers"), ("orders", "orders"), ("purchase_days", "purchase_days"), ("revenue", "revenue")):
        assert round(numbers[f"orders.{metric}", "", ""], 2) == known.totals[column]
    for horizon, rate, (hits, n) in zip(HORIZONS, known.second, known.mature, strict=True):
        assert round(numbers["second_purchase.share", "", str(horizon)], 6) == rate
        assert numbers["second_purchase.share_mature", "", str(horizon)] == pytest.approx(hits / n, rel=1e-11)
    assert round(numbers["repeat_revenue.share", "", ""], 6) == known.repeat
    for cohort, active in known.cohorts.items():
        assert [numbers["retention.active", f"cohort={cohort};period={k}", ""] for k in range(len(active))] == active
    if name in CROSSING:
        crossing = CROSSING[name]
        assert tuple(round(numbers["cross_sell.any", "", str(h)], 6) for h in HORIZONS) == crossing.rates
        naive = (numbers["cross_sell.first_share_naive", f"who={who}", "90"] for who in ("everybody so far", "followed"))
        assert tuple(round(value, 6) for value in naive) == crossing.within_90


@pytest.mark.slow
def test_the_report_of_the_deals_writes_the_same_numbers(opened: Opener, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """And says nothing on churn by rep, because nobody could be seen to leave."""
    assert cli.main(["report", str(mapping("crm_sales", tmp_path_factory)), "--out", str(tmp_path)]) == 0
    table = pd.read_csv(tmp_path / "2017-12" / "metrics.csv", keep_default_na=False)
    numbers = {(row.metric, row.group): (float(row.value or "nan"), int(row.n or 0)) for row in table.itertuples()}
    for rep, (won, lost) in BY_REP.items():
        assert numbers["deals.win_rate", f"rep={rep}"] == (pytest.approx(won / (won + lost), rel=1e-11), won + lost)
    assert round(numbers["deals.win_rate", ""][0], 6) == 0.631501
    assert round(numbers["deals.average_won", ""][0], 4) == 2360.9094
    assert round(numbers["deals.cycle_days", "measure=mean"][0], 6) == 51.781973
    assert not {"reps.churn_observed", "reps.churn_expected"} & set(table["metric"])
    assert "the contracts do not say when one ended" in (tmp_path / "2017-12" / "04_win_rate_vs_churn_by_rep.html").read_text(encoding="utf-8")
