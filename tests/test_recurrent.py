"""Averages of what happens again, their robust intervals, and the SQL that counts for them."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.errors import RetainkitError
from retainkit.estimate.intervals import wilson
from retainkit.estimate.recurrent import (
    cumulative_share,
    late_weight,
    mean_cumulative,
    mean_cumulative_at,
    next_purchase_share,
)
from retainkit.sqltext import Column, render, text_of

AS_OF = pd.Timestamp("2026-10-31")


# ---- customers by hand, and the same customers as counts --------------------------------------------------


def company(seed: int, n: int = 200) -> tuple[pd.Series, pd.DataFrame]:
    """Follow-up by customer, and their later purchase days (customer, age, value)."""
    rng = np.random.default_rng(seed)
    followup = pd.Series(rng.integers(0, 500, n))
    often, big = rng.gamma(1.2, 0.006, n), np.exp(rng.normal(0, 0.8, n))
    events = [
        (i, int(age), round(40 * big[i] * np.exp(rng.normal(0, 0.4)), 2))
        for i in range(n)
        for age in sorted(set(np.cumsum(np.ceil(rng.exponential(1 / often[i], 60)))))
        if age <= followup[i]
    ]
    return followup, pd.DataFrame(events, columns=["customer", "age", "value"])


def histogram(followup: pd.Series) -> pd.DataFrame:
    return followup.value_counts().rename_axis("followup").rename("n").reset_index()


def totals(events: pd.DataFrame) -> pd.DataFrame:
    return events.groupby("age", as_index=False)["value"].sum()


def score(followup: pd.Series, events: pd.DataFrame, horizon: float) -> pd.Series:
    """Each customer's score, customers with no event included."""
    seen = events[events["age"] <= horizon]
    weight = [len(followup) / (followup >= age).sum() for age in seen["age"]]
    return (seen["value"] * weight).groupby(seen["customer"]).sum().reindex(followup.index, fill_value=0.0)


def scores_at(followup: pd.Series, events: pd.DataFrame, horizons: list[float]) -> pd.DataFrame:
    parts = []
    for horizon in horizons:
        a = score(followup, events, horizon)
        sums = pd.DataFrame({"followup": followup, "horizon": horizon, "a": a, "aa": a**2})
        parts.append(sums.groupby(["followup", "horizon"], as_index=False).sum())
    return pd.concat(parts)


def share_scores(followup: pd.Series, events: pd.DataFrame, early: float, late: float) -> pd.DataFrame:
    weight = late_weight(totals(events), histogram(followup), early=early, late=late)
    a = score(followup, events, early) - weight * score(followup, events, late)
    return pd.DataFrame({"followup": followup, "a": a, "aa": a**2}).groupby("followup", as_index=False).sum()


def share_of(followup: pd.Series, events: pd.DataFrame, early: float, late: float, **more: float) -> pd.Series:
    scores = share_scores(followup, events, early, late)
    return cumulative_share(totals(events), histogram(followup), scores, early=early, late=late, **more).iloc[0]


def average(followup: pd.Series, events: pd.DataFrame, horizon: float) -> float:
    """The average up to the horizon, added up event by event."""
    return sum(e.value / (followup >= e.age).sum() for e in events.itertuples() if e.age <= horizon)


# ---- by hand ----------------------------------------------------------------------------------------------


def test_each_event_is_divided_by_those_observed_at_its_age():
    events = pd.DataFrame({"age": [30, 0, 10, 10], "value": [3.0, 4.0, 1.0, 2.0]})
    followup = pd.DataFrame({"followup": [5, 10, 30], "n": [1, 2, 1]})
    got = mean_cumulative(events, followup)
    assert got["age"].tolist() == [0, 10, 30]
    assert got["observed"].tolist() == [4, 3, 1]  # followed to day 10: observed on day 10
    assert got["total"].tolist() == [4, 3, 3]
    assert got["value"].tolist() == [1, 2, 5]


def test_customers_who_stopped_buying_stay_in_the_average():
    # four bought once and never again, all followed a year: one of them orders on day 200
    got = mean_cumulative(pd.DataFrame({"age": [200], "value": [1]}), pd.DataFrame({"followup": [365], "n": [4]}))
    assert got["value"].iloc[-1] == 0.25


# ---- laws -------------------------------------------------------------------------------------------------


def test_with_full_follow_up_it_is_the_plain_mean_with_its_plain_error():
    followup, events = company(1)
    followup[:] = 600
    per_customer = events.groupby("customer")["value"].sum().reindex(followup.index, fill_value=0.0)
    scores = scores_at(followup, events, [600])
    got = mean_cumulative_at(totals(events), histogram(followup), scores, horizons=[600]).iloc[0]
    assert got["value"] == pytest.approx(per_customer.mean())
    error = per_customer.std(ddof=1) / np.sqrt(len(followup))
    assert np.log(got["high"] / got["value"]) == pytest.approx(1.959964 * error / per_customer.mean(), rel=1e-5)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_the_average_never_falls_when_nothing_is_negative(seed):
    followup, events = company(seed, 40)
    assert (np.diff(mean_cumulative(totals(events), histogram(followup))["value"]) >= 0).all()


def test_money_in_another_unit_changes_no_share():
    followup, events = company(2)
    one, cents = (share_of(followup, events.assign(value=events["value"] * k), 30, 365) for k in (1, 100))
    assert one[["rate", "low", "high"]].tolist() == pytest.approx(cents[["rate", "low", "high"]].tolist())


def test_the_share_is_the_ratio_of_the_two_averages_and_its_interval_holds_it():
    followup, events = company(3)
    got = share_of(followup, events, 90, 365)
    curve = mean_cumulative(totals(events), histogram(followup)).set_index("age")["value"]
    assert got["rate"] == pytest.approx(curve.loc[:90].iloc[-1] / curve.loc[:365].iloc[-1])
    assert 0 < got["low"] < got["rate"] < got["high"] < 1
    assert (got["n"], got["observed"] + got["too_young"]) == (200, 200)
    assert got["too_young"] == (followup < 365).sum()
    assert got["total_late"] == pytest.approx(events.loc[events["age"] <= 365, "value"].sum())
    assert share_of(followup, events, 90, 365, level=0.5)["low"] > got["low"]


# ---- second routes ----------------------------------------------------------------------------------------


def test_the_error_is_the_spread_of_each_customer_s_influence_written_out():
    followup, events = company(4)
    n, ages = len(followup), sorted(events["age"].unique())
    observed = {age: (followup >= age).sum() for age in ages}
    step = {age: events.loc[events["age"] == age, "value"].sum() / observed[age] for age in ages}

    def influence(i: int, horizon: float) -> float:
        own = events[(events["customer"] == i) & (events["age"] <= horizon)]
        return sum(e.value / observed[e.age] for e in own.itertuples()) - sum(
            step[age] / observed[age] for age in ages if age <= min(horizon, followup[i])
        )

    late = np.array([influence(i, 365) for i in range(n)])
    early = np.array([influence(i, 90) for i in range(n)])
    assert late.sum() == pytest.approx(0, abs=1e-9)
    value = average(followup, events, 365)
    scores = scores_at(followup, events, [365])
    got = mean_cumulative_at(totals(events), histogram(followup), scores, horizons=[365]).iloc[0]
    error = np.sqrt((late**2).sum() * n / (n - 1))
    assert got[["value", "low"]].tolist() == pytest.approx([value, value * np.exp(-1.959964 * error / value)])
    rate = average(followup, events, 90) / value
    error = np.sqrt((((early - rate * late) / value) ** 2).sum() * n / (n - 1))
    low = 1 / (1 + np.exp(-np.log(rate / (1 - rate)) + 1.959964 * error / (rate * (1 - rate))))
    assert share_of(followup, events, 90, 365)[["rate", "low"]].tolist() == pytest.approx([rate, low])


def test_the_share_s_interval_agrees_with_a_bootstrap_of_customers():
    followup, events = company(5, 400)
    got, rng = share_of(followup, events, 90, 300), np.random.default_rng(0)
    by_age = events.pivot_table(index="customer", columns="age", values="value", aggfunc="sum", fill_value=0.0)
    by_age = by_age.reindex(followup.index, fill_value=0.0)
    ages, there = by_age.columns.to_numpy(), followup.to_numpy()[:, None] >= by_age.columns.to_numpy()
    shares = []
    for _ in range(600):
        weight = np.bincount(rng.integers(0, 400, 400), minlength=400)
        steps = weight @ by_age.to_numpy() / np.maximum(weight @ there, 1)
        shares.append(steps[ages <= 90].sum() / steps[ages <= 300].sum())
    low, high = np.quantile(shares, [0.025, 0.975])
    assert got["low"] == pytest.approx(low, abs=0.015)
    assert got["high"] == pytest.approx(high, abs=0.015)


# ---- next purchase ----------------------------------------------------------------------------------------


def purchase_sums(followup: pd.Series, events: pd.DataFrame, k: int, *, within: int, up_to: int) -> pd.DataFrame:
    """The weighted sums, customer by customer; purchase 1 is on day 0."""
    den, num = np.zeros(len(followup)), np.zeros(len(followup))
    for i in followup.index:
        days = [0, *events.loc[events["customer"] == i, "age"].sort_values()]
        if len(days) < k or days[k - 1] > up_to:
            continue
        den[i] = 1 / (followup >= days[k - 1]).mean()
        if len(days) > k and days[k] - days[k - 1] <= within:
            num[i] = 1 / (followup >= days[k]).mean()
    return pd.DataFrame([{"k": k, "n": (den > 0).sum(), "den": den.sum(), "den2": (den**2).sum(),
                          "num": num.sum(), "num2": (num**2).sum(), "cross": (den * num).sum()}])  # fmt: skip


def test_with_full_follow_up_the_next_purchase_share_is_a_plain_proportion():
    followup, events = company(6)
    followup[:] = 600
    got = next_purchase_share(purchase_sums(followup, events, 2, within=90, up_to=600)).iloc[0]
    second = events.groupby("customer")["age"].nsmallest(2).groupby(level=0).agg(["min", "max", "count"])
    again = (second["count"] == 2) & (second["max"] - second["min"] <= 90)
    assert got["rate"] == pytest.approx(again.mean())
    reach = 1.959964 * np.sqrt(again.mean() * (1 - again.mean()) / len(again)) / (again.mean() * (1 - again.mean()))
    assert np.log(got["high"] / (1 - got["high"])) == pytest.approx(
        np.log(again.mean() / (1 - again.mean())) + reach, rel=1e-5
    )


def test_the_next_purchase_share_handles_none_all_and_nobody():
    sums = pd.DataFrame({"den": [20.0, 20.0, 0.0, 20.0], "den2": [20.0, 20.0, 0.0, 25.0],
                         "num": [0.0, 20.0, 0.0, 21.0], "num2": [0.0, 20.0, 0.0, 30.0],
                         "cross": [0.0, 20.0, 0.0, 26.0], "group": list("abcd")})  # fmt: skip
    got = next_purchase_share(sums).set_index("group")
    assert got["rate"].tolist() == [0, 1, *[pytest.approx(np.nan, nan_ok=True)] * 2]  # d: more than is possible is no estimate
    assert got.loc["a", ["low", "high"]].tolist() == [0, pytest.approx(0.1611, abs=5e-5)]  # Wilson's 0 of 20
    assert got.loc["b", "high"] == 1
    assert (got.loc[["a", "b", "d"], "high"] > got.loc[["a", "b", "d"], "low"]).all()
    assert got.loc["c", ["low", "high"]].isna().all()


def test_near_one_the_weights_do_not_make_the_next_purchase_share_certain_nor_unknown():
    sums = pd.DataFrame({"den": [726.0, 726.0, 726.0, 50.0], "den2": [979.4, 979.4, 979.4, 50.0],
                         "num": [733.9, 725.9, 640.0, 49.0], "num2": [1_135.0, 1_111.0, 990.0, 49.0],
                         "cross": [986.0, 974.0, 850.0, 49.0]})  # fmt: skip
    got = next_purchase_share(sums)
    assert got["rate"].tolist() == [pytest.approx(np.nan, nan_ok=True), pytest.approx(0.99986, abs=1e-5), pytest.approx(0.8815, abs=1e-4), 0.98]
    assert got.loc[:1, "low"].between(0.94, 0.98).all()  # se .016: neither Wilson's .993 nor the log-odds' 0
    assert got["high"].tolist()[:2] == [1, 1]
    assert got.loc[2, "high"] < 1  # far enough from 1, symmetric in log-odds as ever
    assert got.loc[3, "low"] == pytest.approx(wilson(49, 50)[0])  # equal weights: not shorter than Wilson's


# ---- edges ------------------------------------------------------------------------------------------------


def test_past_the_last_follow_up_there_is_no_answer():
    followup, events = company(7)
    beyond = int(followup.max()) + 1
    scores = scores_at(followup, events, [beyond])
    got = mean_cumulative_at(totals(events), histogram(followup), scores, horizons=[beyond]).iloc[0]
    assert got[["value", "low", "high"]].isna().all()
    assert (got["observed"], got["too_young"]) == (0, 200)
    assert share_of(followup, events, 90, beyond)[["rate", "low", "high"]].isna().all()


def test_before_anything_has_happened_there_is_no_interval():
    nothing = pd.DataFrame({"age": [], "value": []})
    followup = pd.DataFrame({"followup": [10, 30], "n": [2, 2]})
    empty = pd.DataFrame({"followup": [], "horizon": [], "a": [], "aa": []})
    got = mean_cumulative_at(nothing, followup, empty, horizons=[30]).iloc[0]
    assert got["value"] == 0
    assert got[["low", "high"]].isna().all()
    none = cumulative_share(nothing, followup, pd.DataFrame(columns=["followup", "a", "aa"]), early=5, late=30).iloc[0]
    assert none[["rate", "low", "high"]].isna().all()


def test_one_customer_has_an_average_and_no_interval():
    followup, events = pd.Series([100]), pd.DataFrame({"customer": [0], "age": [5], "value": [2.0]})
    scores = scores_at(followup, events, [50])
    got = mean_cumulative_at(totals(events), histogram(followup), scores, horizons=[50]).iloc[0]
    assert got["value"] == 2
    assert got[["low", "high"]].isna().all()


def test_no_customers_have_no_average():
    nothing, nobody = pd.DataFrame({"age": [], "value": []}), pd.DataFrame({"followup": [], "n": []})
    empty = pd.DataFrame({"followup": [], "horizon": [], "a": [], "aa": []})
    got = mean_cumulative_at(nothing, nobody, empty, horizons=[30]).iloc[0]
    assert got[["value", "low", "high"]].isna().all()
    assert got["n"] == 0


def test_everything_early_gives_wilson_s_lower_limit_and_refunds_may_pass_1():
    followup = pd.Series([400] * 30)
    events = pd.DataFrame({"customer": range(30), "age": 5, "value": 10.0})
    got = share_of(followup, events, 90, 365)
    assert (got["rate"], got["high"]) == (1, 1)
    assert got["low"] == pytest.approx(0.8865, abs=5e-5)  # 30 of 30
    refunded = pd.concat([events, pd.DataFrame({"customer": [1], "age": [200], "value": [-10.0]})])
    got = share_of(followup, refunded, 90, 365)
    assert got["rate"] == pytest.approx(300 / 290)
    assert got["low"] < got["rate"] < got["high"]


# ---- words ------------------------------------------------------------------------------------------------


def test_scores_that_do_not_add_up_to_the_events_are_refused_in_words():
    followup, events = company(8)
    scores = scores_at(followup, events, [90])
    with pytest.raises(RetainkitError, match="scores: do not add up to the events"):
        mean_cumulative_at(totals(events), histogram(followup), scores.assign(a=scores["a"] * 2), horizons=[90])


# ---- the SQL that counts ----------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def store():
    """A company as the table `days`, with some customers who are not new."""
    followup, events = company(9)
    first = pd.DataFrame({"customer": followup.index, "age": 0, "value": 25.0})
    days = pd.concat([first, events]).sort_values(["customer", "age"], ignore_index=True)
    days["ordinal"] = days.groupby("customer").cumcount() + 1
    days["gap"] = days.groupby("customer")["age"].diff()
    days["cross_ordinal"] = days["ordinal"].where(days["age"] % 3 == 1)
    days["first_on"] = AS_OF - pd.to_timedelta(days["customer"].map(followup), unit="D")
    days["is_new"] = True
    old = days[days["customer"] < 30].assign(is_new=False, customer=lambda d: d["customer"] + 1_000)
    con = duckdb.connect()
    con.register("raw", pd.concat([days, old]))
    con.execute("create table days as select *, cast(value as decimal(18, 4)) as amount from raw")
    con.execute("alter table days alter first_on type date")
    con.execute("create view buyers as select * from days where ordinal = 1")
    return con, followup, days


def asked(con, name: str, **values) -> pd.DataFrame:
    return con.execute(render(text_of(name), as_of=AS_OF.date(), **values)).df()


@pytest.mark.parametrize("share", [0.0, 0.37, 1.0])
@pytest.mark.parametrize("value", ["case when d.cross_ordinal > 0 then 1 else 0 end", "d.amount"])
def test_the_sql_scores_are_the_customers_scores(store, value, share):
    con, followup, days = store
    got = asked(con, "recurrent_scores", value=Column(value), early=90, late=365, share=share, by="all")
    events = days if value == "d.amount" else days[days["cross_ordinal"].notna()].assign(value=1.0)
    a = score(followup, events, 90) - share * score(followup, events, 365)
    want = pd.DataFrame({"followup": followup, "a": a, "aa": a**2}).groupby("followup", as_index=False).sum()
    merged = want.merge(got, on="followup", how="left", suffixes=("", "_sql")).fillna({"a_sql": 0, "aa_sql": 0})
    for name in ("a", "aa"):
        np.testing.assert_allclose(merged[f"{name}_sql"].astype(float), merged[name], rtol=1e-6, atol=1e-4)


def test_the_sql_sums_for_the_next_purchase_are_the_customers_sums(store):
    con, followup, days = store
    for k in (1, 2, 3):
        got = asked(con, "next_purchase", k=k, within=150, latest=250).rename(columns={"cross_sum": "cross"})
        got = next_purchase_share(got.astype(float).assign(k=k))
        want = next_purchase_share(purchase_sums(followup, days[days["age"] > 0], k, within=150, up_to=250))
        for name in ("n", "rate", "low", "high"):
            assert got[name][0] == pytest.approx(want[name][0], abs=1e-6)
