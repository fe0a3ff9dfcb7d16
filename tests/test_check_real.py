"""Five real exports go through check and init with no mapping written by hand, and then give the figures computed for them independently.

At most two questions are answered; they skip where the data are not beside the checkout (see test_real_data.py).
"""

from __future__ import annotations

from typing import Any

import pytest
from test_real_data import BUYING, BY_REP, CROSSING, DATA, HORIZONS, mapping

from retainkit import open_shop
from retainkit.check.examine import Examined
from retainkit.check.project import init
from retainkit.metrics.buying import repeat_revenue
from retainkit.metrics.cross_sell import cross_sell_any
from retainkit.metrics.deals import win_rate
from retainkit.metrics.deals_values import cycle_days, deal_size
from retainkit.metrics.purchases import overview, second_purchase, second_purchase_mature
from retainkit.metrics.retention import retention_matrix

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the real data sets are not here (../shared/data)")
ANSWERS = {"online_retail": {"tz": "Europe/London", "returns": "out"}, "cdnow": {}, "complete_journey": {"tz": "America/New_York"}, "northwind": {}, "crm_sales": {}}


@pytest.fixture(scope="module")
def checked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Checks a set by name, once."""
    known: dict[str, Examined] = {}

    def check(name: str) -> Examined:
        if name not in known:
            folder = DATA / name
            if name == "northwind":
                folder = mapping(name, tmp_path_factory).parent
                (folder / "retainkit.toml").unlink()
            project = tmp_path_factory.mktemp(name) / "project"
            found = init(project, [folder], ANSWERS[name])
            found.shop = open_shop(project)  # what init wrote
            known[name] = found
        return known[name]

    return check


@pytest.mark.parametrize("name", BUYING)
def test_orders_are_found_and_give_the_known_figures(name: str, checked: Any) -> None:
    found, known = checked(name), BUYING[name]
    assert not found.open_questions
    assert len(found.answers) <= 2
    shop = found.shop
    ledger = shop.ledger.set_index("table").loc["orders"]
    assert (ledger["rows"], ledger["kept"]) == known.read
    assert (str(shop.history_start), str(shop.as_of)) == known.days
    assert overview(shop).loc[0, list(known.totals)].astype(float).round(2).to_dict() == known.totals
    assert tuple(second_purchase(shop, horizons=list(HORIZONS))["rate"].round(6)) == known.second
    mature = second_purchase_mature(shop, horizons=HORIZONS)
    assert tuple(zip(mature["hits"], mature["n"], strict=True)) == known.mature
    assert round(repeat_revenue(shop).loc[0, "rate"], 6) == known.repeat
    matrix = retention_matrix(shop)
    for cohort, active in known.cohorts.items():
        assert matrix.loc[matrix["cohort"] == cohort, "active"].tolist()[: len(active)] == active


@pytest.mark.parametrize("name", CROSSING)
def test_product_lines_are_found_by_joins(name: str, checked: Any) -> None:
    rates = cross_sell_any(checked(name).shop, horizons=list(HORIZONS))["rate"]
    assert tuple(rates.round(6)) == CROSSING[name].rates


def test_deals_are_found_and_give_the_known_figures(checked: Any) -> None:
    found = checked("crm_sales")
    assert not found.questions
    shop = found.shop
    counts = shop.sql("select outcome, count(*) as n from deals group by 1")
    assert dict(zip(counts["outcome"], counts["n"], strict=True)) == {"won": 4238, "lost": 2473, "open": 1589}
    assert round(win_rate(shop).loc[0, "rate"], 6) == 0.631501
    assert {r.rep: (r.won, r.lost) for r in win_rate(shop, by="rep").itertuples()} == BY_REP
    size = deal_size(shop).set_index("measure").loc["mean"]
    assert (round(size["value"], 4), size["n"]) == (2360.9094, 4238)
    cycle = cycle_days(shop).set_index("measure")["value"]
    assert (round(cycle["mean"], 6), cycle["median"]) == (51.781973, 57)
    ledger = shop.ledger.set_index("table").loc["deals"]
    assert (ledger["rows"], ledger["rejected"]) == (8800, 500)


