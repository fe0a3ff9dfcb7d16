"""The sentences and tables of page 04 where a rep, or a source, has few deals."""

from __future__ import annotations

import in_process
import numpy as np
import pandas as pd
import pytest

import retainkit as rk
from retainkit import cli
from retainkit.estimate.rep_grid import Posterior, posterior
from retainkit.metrics.deals import _wide as wide
from retainkit.metrics.rep_map import RepMap
from retainkit.tell import selling


def shop_of(*groups: tuple[str, int, int, int, int], by: str = "rep") -> rk.Shop:
    """Deals of a year ago by rep or source: its name, and how many are won, lost, open, and open since last month."""
    rows = [{by: name, "outcome": outcome, "opened_at": "2026-10-01" if outcome == "fresh" else "2025-10-01", "closed_at": None if outcome in ("open", "fresh") else "2025-12-01"}
            for name, *counts in groups for outcome, n in zip(("won", "lost", "open", "fresh"), counts, strict=True) for _ in range(n)]
    deals = pd.DataFrame(rows).replace({"outcome": {"fresh": "open"}})
    return rk.open_shop({"deals": deals.assign(deal_id=range(len(deals)), **({} if by == "rep" else {"rep": "ann"}))}, as_of="2026-10-31")


def by_rep(shop: rk.Shop, **names: str) -> pd.DataFrame:
    table = selling.by_rep(rk.win_funnel(shop, **names), rk.win_by(shop, by="rep", **names), rk.stale_deals(shop, by="rep", **names), days=180)
    return table.set_index("rep")


REPS = shop_of(("ann", 30, 70, 2, 18), ("bob", 3, 9, 1, 9), ("cy", 1, 2, 3, 1), ("dee", 20, 20, 12, 20))
LONG = "of the open, for 180 days or longer (95% interval)"


def test_a_reps_share_won_is_written_as_its_deals_allow():
    """It stood as one number, from five deals on, beside an interval of fifty points."""
    told = by_rep(REPS)
    assert told["won of the closed (95% interval)"].to_dict() == {"ann": "30% (22%–40%)", "dee": "about 50% (35%–65%)", "bob": "9%–53%", "cy": "too few"}
    assert told["n closed"].isna().to_dict() == {"ann": False, "dee": False, "bob": False, "cy": True}


def test_a_rep_who_leaves_many_deals_open_is_marked_beside_the_share_won_of_all_opened(capsys):
    """The warning was there for the company alone: the ranking by closed deals rewards whoever closes no loss."""
    told = by_rep(REPS)
    assert told["closed share"].to_dict() == {"ann": "", "dee": "too high", "bob": "", "cy": ""}  # 10%, 38%, 10%; of four nothing
    assert told[LONG].to_dict() == {"ann": "about 10% (3%–30%)", "dee": "about 38% (23%–55%)", "bob": "2%–40%", "cy": "too few"}
    assert told["of all opened, won within 180 days (95% interval)"].to_dict() == {"ann": "21%–38%", "dee": "about 38% (25%–51%)", "bob": "6%–47%", "cy": "1%–52%"}
    assert told["n opened"].to_dict() == {"ann": 120, "dee": 72, "bob": 22, "cy": 7}
    selling.left_open(told, days=180)
    assert capsys.readouterr().out.startswith("Of 1 of 4 reps, more than 10% of the open deals have been open for 180 days or longer: their share won")
    selling.left_open(told.drop("dee"), days=180)
    assert capsys.readouterr().out == ""


def test_under_pseudonyms_a_reps_deals_stand_in_the_same_row():
    told = by_rep(REPS, reps="codes")
    assert told.index.str.match("rep [0-9a-f]{6}$").all()
    assert told.reset_index(drop=True).equals(by_rep(REPS).reset_index(drop=True))


def test_of_a_source_with_few_deals_neither_rate_is_said_and_of_others_with_its_interval():
    """The two rates that are not biased stood as bare percents, and of three deals too, were it not for one line."""
    shop = shop_of(("ads", 30, 70, 20, 10), ("fair", 3, 9, 0, 10), ("web", 1, 2, 0, 0), by="source")
    told = selling.by_source(rk.source_win_rates(shop)).set_index("source")
    assert told["won (95% interval)"].to_dict() == {"ads": "30% (22%–40%)", "fair": "9%–53%", "web": "too few"}
    assert told["standardised"].to_dict() == {"ads": "30% (22%–40%)", "fair": "9%–53%", "web": "too few"}
    assert told["by_days"].to_dict() == {"ads": "25% (18%–33%)", "fair": "6%–50%", "web": "too few"}
    assert told[["n", "by_days_n"]].isna().all(axis=1).to_dict() == {"ads": False, "fair": False, "web": True}


def test_where_it_can_be_told_of_nobody_yet_the_map_says_so():
    reps = pd.DataFrame({"rep": ["ann", "bob"], "n": [40, 40], "departed": False, "p_joint": float("nan"), "words": "cannot tell yet"})
    assert selling.on_the_map(RepMap(reps, reps, "", [])).startswith("Of nobody can it be told yet")
    assert selling.nearest(reps) == "Highest probability of both high: not known."
    assert selling.nearest(reps.assign(p_joint=[0.1, None], odds_ratio=1.2, hazard_ratio=1.1)) == "Highest probability of both high: ann 1.20 and 1.10, 10%."


def one_too_many(counts: pd.DataFrame) -> pd.DataFrame:
    """Deals by outcome of which one that was lost is counted twice."""
    table = wide(counts)
    return table.assign(lost=table["lost"] + (table.index == 0))


def a_tenth_too_much(*args: object, **how: object) -> Posterior:
    """Chances that both are high, too great for one rep and too small for another."""
    found = posterior(*args, **how)
    return found._replace(both_high=found.both_high + 0.1 * np.array([1, -1] + [0] * (len(found.both_high) - 2)))


@pytest.mark.parametrize(("name", "broken", "check"), [
    ("retainkit.metrics.deals._wide", one_too_many, "won + lost = deals with a day on which they were closed"),
    ("retainkit.estimate.rep_model.posterior", a_tenth_too_much, "the four corners of the map add up to one, for every rep"),
])
def test_a_page_whose_numbers_do_not_add_up_is_stopped(name, broken, check, tmp_path, monkeypatch, capsys):
    """Both checks held whatever the numbers were: one compared a sum with itself, the other what is too much with what is too little."""
    monkeypatch.setenv("RETAINKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(name, broken)
    with in_process.no_kernels():
        assert cli.main(["report", "sample", "--month", "2026-06", "--only", "04_win_rate_vs_churn_by_rep", "--out", str(tmp_path / "out")]) == 2
    assert check in capsys.readouterr().err


def test_what_the_velocity_is_made_of_stands_beside_it_each_part_with_its_own_number_of_deals():
    """Of four numbers that are multiplied none was printed; three won deals were told as 40."""
    deals = pd.DataFrame({"deal_id": range(40), "rep": "ann", "opened_at": "2025-10-01", "closed_at": [f"2025-11-{1 + i % 28:02}" for i in range(40)],
                          "outcome": ["won"] * 24 + ["lost"] * 16, "amount": [100 + i for i in range(22)] + [None] * 18})
    pace = rk.sales_velocity(rk.open_shop({"deals": deals}, as_of="2026-06-30")).set_index("measure")
    told = selling.velocity_parts(pace, unit="$").set_index("part")
    assert told["n"].to_dict() == {"won, of the deals opened": 40, "amount of a won deal": 22, "days to win one": 24}
    assert told.iloc[:, 0].tolist() == ["about 60% (45%–74%)", "$110 ($108–$113)", "42 days (40–45)"]
    few = rk.sales_velocity(rk.open_shop({"deals": deals.iloc[20:28]}, as_of="2026-06-30")).set_index("measure")
    assert selling.velocity_parts(few, unit="$").set_index("part").iloc[:, 0].to_dict()["amount of a won deal"] == "too few"
    assert selling.velocity_parts(rk.sales_velocity(rk.open_shop({"deals": deals.iloc[24:]}, as_of="2026-06-30")).set_index("measure"), unit="$").empty


def test_a_rep_who_is_compared_mostly_with_itself_is_told_so_in_words():
    """The share stood there, and what it means nowhere."""
    churn = pd.DataFrame({"self_share": [0.12, 0.62, float("nan")], "note": ["", "compared mostly with self", ""]})
    assert selling.own_losses(churn) == ["12%", "62%, compared mostly with self", "–"]
