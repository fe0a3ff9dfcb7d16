"""How many deals are won, how large and how fast: the rules of `retainkit.metrics.deals`, `deals_values`."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from engines import TestEngine, tables
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.errors import BadValueError
from retainkit.estimate.intervals import newcombe, wilson
from retainkit.metrics.deals import (
    account_clustering,
    stale_deals,
    win_by,
    win_curve,
    win_rate,
    win_rate_withheld,
)
from retainkit.metrics.deals_values import cycle_days, deal_size, sales_velocity, source_win_rates
from retainkit.metrics.rep_map import win_funnel

AS_OF = date(2026, 6, 30)


def day(age: int) -> str:
    """The day so many days before the end of the log."""
    return str(AS_OF - timedelta(days=age))


def deal(rep: str | None, opened: int, closed: int | None, outcome: str = "open", **more: object) -> dict[str, object]:
    """A deal opened, and closed, so many days before the end of the log."""
    return {"rep": rep, "opened_on": day(opened), "closed_on": None if closed is None else day(closed), "outcome": outcome, **more}


PIPELINE = [
    deal("Ann", 300, 280, "won", amount=100, source="referral"), deal("Ann", 300, 200, "won", amount=400, source="paid"),
    deal("Ann", 300, 250, "lost", amount=0, source="paid"), deal("Ann", 190, None, source="paid"),
    deal("Bob", 300, 50, "won", amount=1000, source="referral"), deal("Bob", 100, 10, "lost", source="paid"),
    deal("Bob", 30, None, source="paid"),
]


@pytest.fixture
def pipeline() -> TestEngine:
    return tables(as_of=str(AS_OF), deals=PIPELINE)


# --- by hand ------------------------------------------------------------------------------------------------------

def test_the_win_rate_is_of_deals_won_or_lost_and_counts_what_lies_open(pipeline: TestEngine) -> None:
    got = win_rate(pipeline, by="rep").set_index("rep")
    assert got[["won", "lost", "n", "too_young", "stale"]].to_numpy().tolist() == [[2, 1, 3, 1, 1], [1, 1, 2, 1, 0]]
    assert got["rate"].tolist() == pytest.approx([2 / 3, 1 / 2])
    assert win_rate(pipeline)["rate"].item() == pytest.approx(3 / 5)


def test_a_win_after_the_horizon_is_not_a_win_by_it(pipeline: TestEngine) -> None:
    # day 20: 1 of 7 won; day 50: 1 of 6 lost; (30 out); day 90: 1 of 4 lost; day 100: 1 of 3 won; then 190 open, 250 won
    by_180 = win_by(pipeline, days=180).iloc[0]
    left = 6 / 7
    won = 1 / 7
    left *= 4 / 5  # day 50: 5 at risk, the youngest open deal left on day 30
    left *= 3 / 4
    won += left / 3
    assert by_180["rate"] == pytest.approx(won)
    assert by_180[["n", "too_young", "at_risk"]].tolist() == [7, 1, 2]
    assert win_by(pipeline, days=250)["rate"].item() > by_180["rate"]


def test_stale_deals_are_said_out_loud(pipeline: TestEngine) -> None:
    got = stale_deals(pipeline).iloc[0]
    assert got[["stale", "n"]].tolist() == [1, 2]
    assert got["of_old"] == pytest.approx(1 / 5)  # of five deals opened 180 days ago or earlier one is open
    assert got["note"] == "50% of the open deals (1 of 2) are 180 days old or more"
    assert stale_deals(tables(as_of=str(AS_OF), deals=[deal("Ann", 179, None), deal("Ann", 179, 1, "lost")]))["note"].item() == ""


def test_size_and_cycle_of_won_deals_by_hand(pipeline: TestEngine) -> None:
    size = deal_size(pipeline).set_index("measure")
    assert size["value"].to_dict() == {"mean": 500, "median": 400}
    assert size["n"].tolist() == [3, 3]
    cycle = cycle_days(pipeline).set_index("measure")
    assert cycle["value"].to_dict() == {"mean": pytest.approx((20 + 100 + 250) / 3), "median": 100, "median_to_outcome": 100}
    assert cycle["n"].tolist() == [3, 3, 7]


def test_velocity_takes_all_four_numbers_from_the_same_old_enough_deals(pipeline: TestEngine) -> None:
    got = sales_velocity(pipeline).set_index("measure")["value"]
    assert got["opportunities"] == 5  # opened 180 days ago or earlier
    assert got["win_rate"] == pytest.approx(2 / 5)  # Bob's win came after 250 days
    assert got["won_amount"] == 250
    assert got["won_cycle_days"] == 60
    assert got["velocity"] == pytest.approx(5 * 2 / 5 * 250 / 60)


def test_a_won_deal_of_unknown_amount_counts_as_won_and_not_as_0_in_the_average() -> None:
    rows = [deal("Ann", 300, 280, "won", amount=100), deal("Ann", 300, 200, "won", amount=400), deal("Ann", 300, 260, "won", amount=None), deal("Ann", 300, 250, "lost")]
    table = sales_velocity(tables(as_of=str(AS_OF), deals=rows)).set_index("measure")
    got = table["value"]
    assert got[["win_rate", "won_amount", "won_cycle_days"]].tolist() == pytest.approx([3 / 4, 250, 160 / 3])
    assert got["velocity"] == pytest.approx(4 * 3 / 4 * 250 / (160 / 3))
    assert set(table["note"]) == {"without an amount, and so in no average of amounts: 1 of 3 won deals"}


def test_an_account_that_buys_again_and_again_is_one_unit() -> None:
    alone = [deal("Ann", 200, 100, "won", amount=a, customer=f"c{i}") for i, a in enumerate([10, 10, 90, 90])]
    together = [d | {"customer": str(d["amount"])} for d in alone]
    wide, narrow = (deal_size(tables(as_of=str(AS_OF), deals=rows)).iloc[0] for rows in (together, alone))
    assert (wide["accounts"], narrow["accounts"]) == (2, 4)
    assert wide["value"] == narrow["value"]
    assert wide["high"] > narrow["high"]


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e9])
def test_a_deal_size_and_its_interval_are_the_same_in_any_currency(unit: float) -> None:
    """Cubes of amounts in rupiah, or dong, once were too large to be added."""
    sizes = lambda unit: deal_size(tables(as_of=str(AS_OF), deals=[deal("Ann", 200, 100, "won", amount=(1 + i * 37 % 100) * unit, customer=f"c{i % 40}") for i in range(60)]))  # noqa: E731
    assert sizes(unit)[["value", "low", "high"]].to_numpy() == pytest.approx(sizes(1.0)[["value", "low", "high"]].to_numpy() * unit)


def test_clustering_is_one_for_pairs_that_differ_nothing_for_lone_deals_and_the_size_of_clusters_that_go_together() -> None:
    lone = [deal("Ann", 99, 9, "won" if i % 4 == 0 else "lost", customer=f"c{i}") for i in range(80)]
    herds = [d | {"customer": f"c{i // 20}", "outcome": "won" if i < 20 else "lost"} for i, d in enumerate(lone)]
    assert np.isnan(account_clustering(tables(as_of=str(AS_OF), deals=lone)))  # it read "hardly go together", of no two
    pairs = [d | {"customer": f"c{i % 40 + 40 * (i >= 60)}"} for i, d in enumerate(lone)]
    assert account_clustering(tables(as_of=str(AS_OF), deals=pairs)) == pytest.approx(1, abs=0.5)
    assert account_clustering(tables(as_of=str(AS_OF), deals=herds)) == pytest.approx(20)
    reps = [d | {"rep": "Ann" if d["outcome"] == "won" else "Bob"} for d in lone]  # reps who differ are not clustering
    assert np.isnan(account_clustering(tables(as_of=str(AS_OF), deals=reps)))


# --- laws ---------------------------------------------------------------------------------------------------------

outcomes = st.lists(st.tuples(st.sampled_from(["Ann", "Bob", "Cy"]), st.integers(0, 400), st.integers(0, 300),
                              st.sampled_from(["won", "lost", "open"]), st.sampled_from(["SMB", "ENT", None])), min_size=1, max_size=30)


def pipeline_of(rows: list) -> list[dict[str, object]]:
    return [deal(rep, opened, max(opened - length, -50) if outcome != "open" else None, outcome, segment=segment)
            for rep, opened, length, outcome, segment in rows]


@settings(max_examples=20, deadline=None)
@given(outcomes)
def test_rates_agree_with_a_plain_count_in_pandas(rows: list) -> None:
    """What was decided after the log ended is still open: pandas has to be told."""
    shop = tables(as_of=str(AS_OF), deals=pipeline_of(rows), history_start=day(400))
    frame = pd.DataFrame(rows, columns=["rep", "opened", "length", "outcome", "segment"])
    later = frame["opened"] - frame["length"] < 0
    frame.loc[later, "outcome"] = "open"
    frame["segment"] = frame["segment"].fillna("unknown")
    for by in ("rep", "segment"):
        got = win_rate(shop, by=by)
        counts = frame.groupby([by, "outcome"]).size().unstack(fill_value=0).reindex(columns=["won", "lost", "open"], fill_value=0)
        lost = frame[frame["outcome"] == "lost"]
        if lost.empty or (by == "segment" and (lost[by] == "unknown").all()):
            assert got.empty
            assert win_rate_withheld(shop, by=by)
            continue
        assert got.set_index(by)[["won", "lost", "too_young"]].to_numpy().tolist() == counts.to_numpy().tolist()
        low, high = wilson(counts["won"], counts["won"] + counts["lost"])
        assert np.allclose(got["low"].astype(float), low, equal_nan=True)
        assert np.allclose(got["high"].astype(float), high, equal_nan=True)


@settings(max_examples=15, deadline=None)
@given(outcomes)
def test_won_lost_and_open_add_up_to_all_deals_at_every_age(rows: list) -> None:
    curve = win_curve(tables(as_of=str(AS_OF), deals=pipeline_of(rows), history_start=day(400)))
    assert np.allclose(curve.groupby("time")["incidence"].sum(), 1)


def test_what_is_decided_later_was_open_then(pipeline: TestEngine) -> None:
    before = pipeline.at(day(60))
    assert win_rate(before, by="rep").set_index("rep").loc["Bob", ["won", "n", "too_young"]].tolist() == [0, 0, 2]
    pd.testing.assert_frame_equal(win_rate(pipeline.at(day(20))), win_rate(pipeline.at(day(20)).at(day(20))))


def test_recent_deals_do_not_pull_the_rate_by_180_days_down() -> None:
    old = [deal("Ann", 400, 300, "won" if i < 30 else "lost") for i in range(100)]
    fresh = [deal("Ann", 5, None) for _ in range(100)]
    rates = [win_by(tables(as_of=str(AS_OF), deals=rows, history_start=day(400)))["rate"].item() for rows in (old, old + fresh)]
    assert rates == pytest.approx([0.3, 0.3])


# --- second routes ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("unpriced", [0.0, 0.4])
def test_velocitys_interval_agrees_with_drawing_the_deals_again(unpriced: float) -> None:
    rng, gaps = np.random.default_rng(11), np.random.default_rng(12)
    rows = []
    for i in range(300):
        won, days = rng.random() < 0.4, int(rng.gamma(2, 20))
        amount = round(float(rng.lognormal(5, 0.8)), 2)
        rows.append(deal("Ann", 181 + i % 300, 181 + i % 300 - days, "won" if won else "lost", amount=None if gaps.random() < unpriced else amount))
    shop = tables(as_of=str(AS_OF), deals=rows)
    got = sales_velocity(shop).set_index("measure").loc["velocity"]
    frame = pd.DataFrame(rows).query("outcome == 'won'").assign(days=lambda t: (pd.to_datetime(t["closed_on"]) - pd.to_datetime(t["opened_on"])).dt.days)
    table = np.zeros((300, 4))
    table[frame.index] = np.column_stack([np.ones(len(frame)), frame["amount"].notna(), frame["amount"].astype(float).fillna(0), frame["days"]])
    sums = [table[rng.integers(0, 300, 300)].sum(axis=0) for _ in range(2000)]
    w, priced, a, c = table.sum(axis=0)
    drawn = np.log([w**2 * a / priced / c for w, priced, a, c in sums])
    assert got["value"] == pytest.approx(w * (a / priced) / (c / w))
    assert (np.log(got["high"]) - np.log(got["low"])) / 2 / 1.96 == pytest.approx(drawn.std(), rel=0.08)


def test_the_interval_of_the_median_is_of_order_statistics() -> None:
    shop = tables(as_of=str(AS_OF), deals=[deal("Ann", 9, 8, "won", amount=i) for i in range(1, 26)] + [deal("Ann", 9, 8, "lost")])
    got = deal_size(shop).set_index("measure").loc["median"]
    from scipy.stats import binom

    assert got["value"] == 13
    assert (got["low"], got["high"]) == (8, 18)
    assert binom.cdf(17, 25, 0.5) - binom.cdf(7, 25, 0.5) >= 0.95
    assert binom.cdf(16, 25, 0.5) - binom.cdf(8, 25, 0.5) < 0.95  # one rank closer on each side would be too little


def test_a_source_is_compared_with_all_the_others_and_at_the_companys_mix() -> None:
    rows = [deal("Ann", 300, 250, "won" if i < won else "lost", source=source, segment=segment)
            for source, segment, won, n in (("referral", "SMB", 45, 90), ("referral", "ENT", 2, 10), ("paid", "SMB", 10, 20), ("paid", "ENT", 16, 80))
            for i in range(n)]
    got = source_win_rates(tables(as_of=str(AS_OF), deals=rows)).set_index("source")
    assert got["rate"].to_dict() == pytest.approx({"paid": 0.26, "referral": 0.47})
    assert got["standardised"].to_dict() == pytest.approx({"paid": 0.365, "referral": 0.365})  # SMB 110 of 200, ENT 90
    assert got.loc["referral", ["difference", "difference_low", "difference_high"]].tolist() == pytest.approx(list(newcombe(47, 100, 26, 100)))
    assert got["q"].tolist() == pytest.approx(got["p"].tolist())  # the same comparison twice
    assert got["by_days"].tolist() == pytest.approx(got["rate"].tolist())
    young = tables(as_of=str(AS_OF), deals=[*rows, *[deal("Ann", 30, None, source="paid", segment="SMB")] * 7])
    assert source_win_rates(young).set_index("source")[["n", "by_days_n"]].to_numpy().tolist() == [[100, 107], [100, 100]]


def test_the_funnel_has_prediction_limits_and_says_who_lies_outside() -> None:
    rows = [deal(rep, 99, 9, "won" if i < won else "lost", customer=f"{rep}{i}") for rep, won, n in (("Ann", 65, 100), ("Bob", 400, 1000), ("Cy", 2, 5)) for i in range(n)]
    got = win_funnel(tables(as_of=str(AS_OF), deals=rows)).set_index("rep")
    assert got["place"].to_dict() == {"Ann": "far above", "Bob": "inside", "Cy": "too few"}
    assert (got["low998"] <= got["low95"]).all()
    assert (got["high95"] <= got["high998"]).all()
    assert got.loc["Cy", "high95"] > got.loc["Ann", "high95"]  # fewer deals, more chance
    assert not got["departed"].any()
    assert win_funnel(tables(as_of=str(AS_OF + timedelta(days=400)), deals=rows))["departed"].all()
    assert win_funnel(tables(as_of=str(AS_OF), deals=rows), reps="codes")["rep"].str.match("rep [0-9a-f]{6}$").all()


# --- edges: nothing is faked ----------------------------------------------------------------------------------------

def test_without_lost_deals_there_is_no_win_rate_of_100_percent() -> None:
    shop = tables(as_of=str(AS_OF), deals=[deal("Ann", 100, 50, "won", amount=5), deal("Bob", 100, None)])
    assert win_rate_withheld(shop) == "no deal is recorded as lost: 1 won deals do not say how many were tried"
    for table in (win_rate, win_by, win_curve, win_funnel, source_win_rates):
        assert table(shop).empty
    assert deal_size(shop)["n"].tolist() == [1, 1]  # what was won is still known


def test_reps_known_only_on_won_deals_get_no_rate_each_while_the_company_has_one() -> None:
    shop = tables(as_of=str(AS_OF), deals=[deal("Ann", 100, 50, "won"), deal("Bob", 100, 50, "won"), deal(None, 90, 40, "lost")])
    assert "known only on deals that were not lost" in win_rate_withheld(shop, by="rep")
    assert win_rate(shop, by="rep").empty
    assert win_by(shop, by="rep").empty
    assert win_rate(shop)["rate"].item() == pytest.approx(2 / 3)


def test_reps_known_more_often_on_won_deals_come_with_a_warning() -> None:
    rows = [deal("Ann", 100, 50, "won"), deal("Ann", 100, 50, "lost"), deal(None, 90, 40, "lost")]
    assert win_rate(tables(as_of=str(AS_OF), deals=rows), by="rep")["note"].tolist() == ["rep is known on 100% of won and 50% of lost deals: too high"] * 2


def test_no_deals_all_lost_and_one_deal() -> None:
    nothing = tables(as_of=str(AS_OF))
    assert win_rate_withheld(nothing) == "there are no deals"
    assert deal_size(nothing).empty
    assert stale_deals(nothing).empty
    assert set(sales_velocity(nothing)["note"]) == {"there are no deals"}
    assert cycle_days(nothing, by="rep").empty
    lost = tables(as_of=str(AS_OF), deals=[deal("Ann", 200, 100, "lost")] * 20)
    assert win_rate(lost)["rate"].item() == 0
    assert 0 < win_rate(lost)["high"].item() < 0.2
    assert win_by(lost)["rate"].item() == 0
    assert np.isnan(sales_velocity(lost).set_index("measure").loc["velocity", "value"])


def test_deals_from_before_the_history_enter_late_so_that_gone_ones_are_not_missed() -> None:
    rows = [deal("Ann", 300, 250, "lost"), deal("Ann", 100, 60, "won"), deal("Ann", 100, 60, "lost")]
    got = win_by(tables(as_of=str(AS_OF), deals=rows, history_start=day(200)), days=90).iloc[0]
    assert (got["n"], got["rate"]) == (2, 0.5)
    assert "1 gone before the history began" in got["note"]


# --- the error's words --------------------------------------------------------------------------------------------

def test_errors_say_what_to_type(pipeline: TestEngine) -> None:
    with pytest.raises(BadValueError, match=r"by: `reps` is not something to split by. Found: rep, segment, source, region. To fix it: by=\"rep\""):
        win_rate(pipeline, by="reps")
    with pytest.raises(BadValueError, match=r"reps: is neither names nor codes. Found: 'hidden'. To fix it: reps=\"codes\""):
        win_funnel(pipeline, reps="hidden")
