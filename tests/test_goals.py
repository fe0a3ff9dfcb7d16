"""A goal is reached when the whole interval is there; until then what is said depends on the straight path and on chance."""

from __future__ import annotations

import itertools
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from retainkit import goals, open_shop
from retainkit.errors import BadValueError, MissingDataError
from retainkit.estimate.goals import Found, standing
from retainkit.estimate.intervals import wilson
from retainkit.load.stated import goals_stated
from retainkit.metrics.line import Headline
from retainkit.metrics.scorecard import MAKERS, lines
from retainkit.report.plan import make_plan

# Four would leave one case without a true word: a number that has visibly moved and is visibly short of its path is neither on the
# way nor without a visible change, and one can tell. It is `behind`.
STATUSES = ("reached", "on the way", "behind", "no visible change", "cannot tell")


@pytest.fixture(scope="module")
def shop():
    return open_shop("sample")


BEFORE = Found(.20, .18, .22, 1600)


@pytest.mark.parametrize(("now", "elapsed", "status"), [
    (Found(.28, .25, .31, 900), .5, "reached"),  # all of the interval is at the target or beyond
    (Found(.28, .249, .31, 900), .5, "on the way"),  # nearly
    (Found(.23, .20, .26, 700), .5, "on the way"),  # the path is at 22.5 %
    (Found(.22, .19, .25, 700), .5, "cannot tell"),  # short, but the interval reaches the path
    (Found(.20, .19, .21, 6000), .5, "no visible change"),  # short by more than chance, and where it was
    (Found(.222, .22, .2245, 90000), .5, "behind"),  # has moved, but not enough
    (Found(.15, .13, .17, 1600), .5, "behind"),  # the wrong way
    (Found(.23, .20, .26, 700), 0, "cannot tell"),  # set today
    (Found(.26, .23, .29, 700), 1, "cannot tell"),  # the last day is over: there is no way left to be on
    (Found(float("nan"), float("nan"), float("nan"), 0), .5, "cannot tell"),
])  # fmt: skip
def test_the_status_by_hand(now, elapsed, status):
    assert standing(BEFORE, now, target=.25, elapsed=elapsed).status == status
    mirrored = [Found(1 - r.value, 1 - r.high, 1 - r.low, r.n) for r in (BEFORE, now)]
    assert standing(*mirrored, target=.75, elapsed=elapsed, better="lower").status == status


def test_the_path_is_straight_and_stops_at_the_target():
    at = [standing(BEFORE, BEFORE, target=.30, elapsed=e).path for e in (0, .25, .5, 1, 2)]
    assert at == pytest.approx([.20, .225, .25, .30, .30])
    assert standing(BEFORE, BEFORE, target=.10, elapsed=.5, better="lower").path == pytest.approx(.15)


def test_a_target_that_was_met_before_asks_for_no_change():
    assert standing(BEFORE, Found(.21, .19, .23, 1600), target=.15, elapsed=.5).status == "reached"
    assert standing(BEFORE, Found(.16, .14, .18, 1600), target=.15, elapsed=.5)[:2] == ("behind", "it has moved the wrong way")


def test_a_better_estimate_never_makes_the_status_worse():
    order = ["it has moved the wrong way", "no visible change", "behind", "cannot tell", "on the way", "reached"]
    for elapsed, half in itertools.product((.2, .5, .9), (.005, .02, .06)):
        found = [standing(BEFORE, Found(v, v - half, v + half, 500), target=.25, elapsed=elapsed)[:2] for v in np.arange(.1, .34, .002)]
        places = [order.index(note if note in order else status) for status, note in found]
        assert places == sorted(places)


def test_customers_needed_are_those_at_which_simulated_cohorts_see_the_target():
    """Second route: 80 % of cohorts of that size, held against the same year before, are told from it."""
    before = Found(480 / 2000, *wilson(480, 2000), 2000)
    now = Found(75 / 250, *wilson(75, 250), 250)
    n = int(standing(before, now, target=.30, elapsed=.5).n_needed)
    rng = np.random.default_rng(5)
    past, later = rng.binomial(2000, .24, 20_000) / 2000, rng.binomial(n, .30, 20_000) / n
    z = (later - past) / np.sqrt(later * (1 - later) / n + past * (1 - past) / 2000)
    assert (z > 1.96).mean() == pytest.approx(.80, abs=.02)


def test_cohorts_since_are_held_against_the_year_before(shop):
    """By hand: the months of second_purchase_cohorts, added up."""
    got = goals(shop, [{"metric": "second_purchase.share", "target": .25, "by": "2026-12-31", "since": "2026-01-01"}]).iloc[0]
    months = shop.sql("""
        select date_trunc('month', first_on) as month, sum(case when ordinal = 1 then 1 else 0 end) as n,
          sum(case when ordinal = 2 and age <= 30 then 1 else 0 end) as hits
        from days where is_new and ordinal between 1 and 2 group by 1 order by 1""").set_index("month")
    year, since = months["2025-01-01":"2025-12-01"].sum(), months["2026-01-01":"2026-09-01"].sum()  # October is too young
    assert (got["baseline"], got["value"], got["n"]) == pytest.approx((year["hits"] / year["n"], since["hits"] / since["n"], since["n"]))


def test_a_group_is_asked_alone(shop):
    whole = {"metric": "second_purchase.share", "target": .25, "by": date(2026, 12, 31)}
    mine = goals(shop, [{**whole, "group": "segment=SMB"}]).iloc[0]
    alone = goals(shop.only(segment="SMB"), [whole]).iloc[0]
    assert (mine["value"], mine["n"], mine["group"]) == (alone["value"], alone["n"], "segment=SMB")


def test_a_number_without_months_is_taken_as_known_then_and_now(shop):
    got = goals(shop, [{"metric": "repeat_revenue.share", "target": .9, "by": "2026-12-31", "since": "2026-01-01"}]).iloc[0]
    from retainkit import repeat_revenue

    assert (got["baseline"], got["value"]) == (repeat_revenue(shop.at("2026-01-01")).loc[0, "rate"], repeat_revenue(shop).loc[0, "rate"])


def test_a_row_of_the_chosen_numbers_may_be_the_group(shop):
    paid = Headline("cac.cost", "cost of a customer", ("spend",), horizon=None, find=lambda s: Found(90.0, 80.0, 100.0, 400, "source=paid"), kind="money", better="lower")
    got = goals(shop, [{"metric": "cac.cost", "group": "source=paid", "target": 120.0, "by": "2027-06-30", "since": "2026-06-30"}], chosen=[paid]).iloc[0]
    assert (got["status"], got["value"], got["n_more"]) == ("reached", 90.0, 0.0)  # costs are better lower


def test_a_goal_that_was_met_before_it_was_set_asks_for_nothing_and_says_so(shop):
    easy, real = goals(shop, [{"metric": "second_purchase.share", "group": "segment=B2C", "target": t, "by": "2027-03-31", "since": "2025-11-01"} for t in (.20, .30)]).itertuples()
    assert (easy.status, easy.note) == ("reached", "it was there when it was set")
    assert easy.baseline > .20
    assert "was there" not in real.note


def test_a_goal_of_a_later_time_is_not_judged_yet(shop):
    got = goals(shop.at("2024-03-31"), [{"metric": "churn.monthly", "target": .015, "by": "2026-12-31", "since": "2026-01-01"}]).iloc[0]
    assert (got["status"], got["note"]) == ("not yet set", "it is set from 2026-01-01 on")
    assert (got["n"], np.isnan(got["value"]), np.isnan(got["path"])) == (0, True, True)
    assert np.isnan(got["n_more"])  # no number of customers makes it judgeable now


def test_what_was_known_before_a_goal_is_set_does_not_stand_under_since_then(shop):
    """The score of the survey before stood on both sides of a goal of 2026, in a page of March 2024."""
    from retainkit import goal_table

    early = goals(shop.at("2024-03-31"), [{"metric": "nps.score", "target": 25, "by": "2026-12-31", "since": "2026-01-01"}])
    said = goal_table(early).iloc[0]
    assert said[["since then", "the straight path is at", "status", "to be able to tell"]].tolist() == ["–", "–", "not yet set: it is set from 2026-01-01 on", "–"]
    assert said["before"] != "–"


def test_before_the_history_nothing_is_known_and_nothing_is_pretended(shop):
    got = goals(shop, [{"metric": "repeat_revenue.share", "target": .99, "by": "2027-06-30", "since": "2020-01-01"}]).iloc[0]
    assert (got["status"], got["note"]) == ("cannot tell", "what it was before is not known")
    assert np.isnan(got["baseline"])


def test_no_goals_is_an_empty_table(shop):
    assert goals(shop, []).empty
    assert list(goals(shop, [])) == list(goals(shop, [{"metric": "churn.monthly", "target": .01, "by": "2027-01-01"}]))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pd.DataFrame({"order_id": range(8), "customer_id": list("aabbccdd"), "amount": 5, "ordered_at": [
        "2026-01-01", "2026-01-11", "2026-02-20", "2026-03-05", "2026-03-01", "2026-04-02", "2026-01-02", "2026-04-30"]}).to_csv(tmp_path / "orders.csv", index=False)
    return tmp_path


def test_goals_come_from_the_toml(folder):
    (folder / "retainkit.toml").write_text('[[goals]]\nmetric = "second_purchase.share"\ntarget = 0.5\nby = 2026-12-31\nsince = 2026-02-01\n\n[orders]\npath = "orders.csv"\n')
    got = goals(open_shop(folder))
    assert got[["metric", "target", "status"]].values.tolist() == [["second_purchase.share", .5, "on the way"]]


@pytest.mark.parametrize(("written", "said"), [
    ('[[goals]]\nmetric = "second_purchase.share"\ntarget = 0.5', "retainkit.toml [[goals]]: a record has no `by`. Found: metric, target. To fix it: by = 2027-06-30"),
    ('[[goals]]\nmetrik = "x"', "retainkit.toml [[goals]]: a record has no setting `metrik`. Found: metric, target, by, group, since, horizon_days, better. To fix it: metric = ..."),
    ('[[goals]]\nmetric = "x"\ntarget = "25 %"\nby = 2026-12-31', "retainkit.toml [[goals]]: `target` is not a number. Found: '25 %'. To fix it: target = 0.25"),
    ('[[goals]]\nmetric = "x"\ntarget = 1\nby = "soon"', "retainkit.toml [[goals]]: `by` is not a date. Found: 'soon'. To fix it: by = 2027-06-30"),
    ('[[goals]]\nmetric = "x"\ntarget = 1\nby = 2026-12-31\nsince = 2027-01-01', "a goal whose `since` is not before its `by`"),
    ('[[goals]]\nmetric = "x"\ntarget = 1\nby = 2026-12-31\nbetter = "less"', "`better` is none of its choices. Found: 'less'; choices: higher, lower."),
    ('[goals]\nmetric = "x"', "retainkit.toml [[goals]]: goals are a list of records. Found: {'metric': 'x'}. To fix it: [[goals]] above each, with two brackets"),
])  # fmt: skip
def test_a_goal_that_cannot_be_meant_says_what_to_type(folder, written, said):
    (folder / "retainkit.toml").write_text(written + '\n\n[orders]\npath = "orders.csv"\n')
    with pytest.raises((BadValueError, MissingDataError)) as err:
        open_shop(folder)
    assert said in str(err.value)


@pytest.mark.parametrize(("goal", "said"), [
    ({"metric": "second_purchase.shares"}, 'goals: `second_purchase.shares` is not a number of the scorecard. Found: the nearest are second_purchase.share, next_purchase.share, purchases.returning_share. To fix it: metric = "second_purchase.share"'),
    ({"metric": "velocity"}, 'To fix it: metric = "deals.velocity"'),
    ({"group": "sgment=SMB"}, 'goals: `sgment=SMB` is not a group of customers. Found: segment, region, source, owner. To fix it: group = "segment=..."'),
])  # fmt: skip
def test_a_metric_or_group_that_nobody_has(shop, goal, said):
    with pytest.raises(BadValueError) as err:
        goals(shop, [{"metric": "second_purchase.share", "target": .25, "by": "2026-12-31", **goal}])
    assert said in str(err.value)


@pytest.mark.parametrize(("goal", "why"), [
    ({"metric": "deals.win_rate"}, "this shop has no deals table"),
    ({"metric": "churn.cancellation"}, "this shop has no contracts.ended_at"),
    ({"metric": "clv.payback"}, "this shop has no spend table"),
    ({"metric": "churn.nrr"}, "this shop has no contracts.ended_at and contracts.monthly_value"),
    ({"horizon_days": 31}, "it is read at 30 days here"),
    ({"group": "segment=SMB"}, "this shop's customers have no segment"),
])  # fmt: skip
def test_what_a_shop_cannot_give_is_a_line_that_says_why_and_stops_nothing(folder, goal, why):
    from retainkit import goal_table

    mine = {"metric": "second_purchase.share", "target": .25, "by": "2026-12-31", **goal}
    table = goals(open_shop(folder), [{"metric": "second_purchase.share", "target": .5, "by": "2026-12-31"}, mine])
    assert table["status"].tolist()[1:] == ["cannot tell"]
    said = goal_table(table).iloc[1]
    assert said[["status", "before", "since then", "to be able to tell"]].tolist() == [f"cannot tell: {why}", "–", "–", "–"]


@pytest.mark.parametrize(("goal", "why"), [
    ({"metric": "cac.cost", "group": "source=paid"}, "it is a number of the whole company"),
    ({"group": "segment=SBM"}, "no customer has the segment SBM, only B2C, ENT, MID, SMB"),
])  # fmt: skip
def test_a_group_a_number_has_not_is_a_line_that_says_why(shop, goal, why):
    row = goals(shop, [{"metric": "second_purchase.share", "target": .25, "by": "2026-12-31", **goal}]).iloc[0]
    assert (row["status"], row["note"]) == ("cannot tell", why)


def test_every_number_of_the_scorecard_can_be_a_goal_and_nothing_else(shop):
    """The names that goals are checked against, before any data is looked at, are those that the sample gives."""
    assert {m for maker in MAKERS for m in maker.metrics} == {line.metric for line in lines(shop)}


def test_a_misspelt_goal_is_refused_before_anything_runs(folder, tmp_path):
    (folder / "retainkit.toml").write_text('[[goals]]\nmetric = "second_purchase.shar"\ntarget = 0.5\nby = 2026-12-31\n\n[orders]\npath = "orders.csv"\n')
    with pytest.raises(BadValueError, match=r"goals: `second_purchase\.shar` is not a number of the scorecard\. Found: the nearest are second_purchase\.share, .*To fix it: metric = "):
        make_plan(str(folder))


def test_stated_goals_are_read_the_same_from_a_list():
    [goal] = goals_stated([{"metric": "churn.monthly", "target": 1, "by": "2027-06-30"}])
    assert goal == {"metric": "churn.monthly", "target": 1.0, "by": date(2027, 6, 30)}


@pytest.mark.slow
def test_with_no_change_a_goal_is_hardly_ever_called_reached_or_behind():
    """A true 20 % that stays: a target of 25 % is called reached in no more than a few of a thousand years."""
    rng = np.random.default_rng(3)
    found = pd.Series(0, index=STATUSES)
    for _ in range(2_000):
        before, now = (Found(k / n, *wilson(k, n), n) for k, n in ((rng.binomial(1200, .2), 1200), (rng.binomial(600, .2), 600)))
        found[standing(before, now, target=.25, elapsed=.5).status] += 1
    assert found["reached"] / 2_000 < .005
    assert found["behind"] / 2_000 < .035  # the wrong way, by the 2.5 % that an interval allows on a side
    assert found["on the way"] / 2_000 < .15


def test_a_goal_is_read_out_with_what_it_still_takes(shop):
    from retainkit import goal_table

    said = goal_table(goals(shop), unit="$").set_index("goal")
    assert len(said) == len(shop.goals) == 5  # those of the sample's retainkit.toml
    assert said.loc["new customers who buy again within 30 days (B2C)", ["status", "to be able to tell"]].tolist() == ["reached: it was there when it was set", "nothing"]
    assert said["target"].tolist() == ["30%", "20%", "1.5%", "25 points", "32%"]
    assert said["status"].str.split(":").str[0].isin(STATUSES).all()
    assert said["to be able to tell"].tolist() == ["time only: not all of the change is due yet", "nothing", "10,031 more customer-months, about 15 months",
                                                   "time only: not all of the change is due yet", "3,071 more deals, about 37 months"]


def test_a_goal_nobody_can_read_yet_says_so():
    from retainkit import goal_table

    nan = float("nan")
    row = {"label": "x", "group": "", "kind": "money", "target": 100.0, "by": "2026-12-31", "baseline": nan, "baseline_low": nan, "baseline_high": nan, "value": nan,
           "low": nan, "high": nan, "n": 0, "path": nan, "status": "cannot tell", "n_more": float("inf"), "months_more": nan, "note": "not known yet"}
    said = goal_table(pd.DataFrame([row]), unit="$").iloc[0]
    assert said[["target", "before", "since then", "to be able to tell"]].tolist() == [
        "$100", "not known yet", "not known yet", "no number is enough: the time before is too uncertain"]
