"""Lifetime value beyond what was counted: by hand, on simulated habits, at the edge, and on CDNOW as published."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import retainkit as rk
from retainkit.errors import BadValueError
from retainkit.estimate.beyond import failed, fit_habits, hold_out, more_money
from retainkit.estimate.habits import bg_nbd, gamma_gamma
from retainkit.estimate.repeat_buying import BGNBD, expected_orders, fit_bg_nbd, p_alive, uncertainty
from retainkit.tally import tally

REAL = Path(__file__).parent / "real"
CDNOW_FILE = Path(__file__).parents[1].parent / "shared" / "data" / "cdnow" / "CDNOW_sample.txt"
BUYERS = pd.DataFrame({"x": [0, 1, 2, 5], "t_x": [0, 20, 60, 95], "T": 100, "n": [60, 20, 12, 8]})


def orders(n: int, *, seed: int, stops: bool = True, shock: bool = False) -> pd.DataFrame:
    """Orders of customers of constant habits, who began in the first 500 of 900 days; with a shock, habits double on day 600."""
    rng = np.random.default_rng(seed)
    rows = []
    for who in range(n):
        day, rate = float(rng.integers(0, 500)), rng.gamma(2, 1 / 100)
        chance, mean = (rng.beta(1, 4) if stops else 0.0), rng.gamma(9, 5)
        while day < 900:
            rows.append((who, int(day), round(rng.gamma(4, mean / 4) + 0.01, 2)))
            if rng.random() < chance:
                break
            day += 1 + rng.exponential(1 / rate) / (3 if shock and day > 500 else 1)
    table = pd.DataFrame(rows, columns=["customer_id", "day", "amount"])
    return pd.DataFrame({"order_id": range(len(table)), "customer_id": table["customer_id"].map("c{}".format), "amount": table["amount"],
                         "ordered_at": (pd.Timestamp("2024-01-01") + pd.to_timedelta(table["day"], unit="D")).dt.strftime("%Y-%m-%d")})


def shop(table: pd.DataFrame, **facts: str) -> rk.Shop:
    return rk.open_shop({"orders": table}, **{"as_of": "2026-06-18", **facts})


@pytest.fixture(scope="module")
def steady() -> rk.Shop:
    return shop(orders(700, seed=1))


@pytest.fixture(scope="module")
def found(steady):
    return rk.lifetime_value_beyond(steady, horizons=[730, 1095])


# ---- the models ---------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(-3, 3), min_size=4, max_size=4), st.booleans())
def test_the_slopes_of_the_likelihoods_are_their_slopes(logs, modified):
    values = pd.DataFrame({"x": [1, 2, 5], "m": [15.0, 40.0, 70.0], "n": 1})
    for each, at in ((bg_nbd(BUYERS, modified)[0], np.array(logs)), (gamma_gamma(values)[0], np.array(logs[:3]))):
        for k in range(len(at)):
            step = np.eye(len(at))[k] * 1e-5
            slope = (each(at + step)[0] - each(at - step)[0]) / 2e-5
            assert each(at)[1][:, k] == pytest.approx(slope, rel=1e-3, abs=1e-4)


def test_the_modified_model_lets_somebody_stop_after_the_first_purchase_by_hand():
    fit = BGNBD(r=1.0, alpha=10.0, a=1.0, b=3.0, loglik=0.0, modified=True)
    assert p_alive(fit, 0, 0, 0) == pytest.approx(3 / 4)  # before any time has gone by: the mean chance not to stop
    assert p_alive(fit, 0, 0, 30) == pytest.approx(1 / (1 + (1 / 3) * (40 / 10)))


@pytest.mark.parametrize("fit", [BGNBD(0.5, 10, 2864, 15306, 0), BGNBD(0.5, 10, 2e4, 2e4, 0), BGNBD(2e4, 2e4, 0.5, 1, 0)])
def test_parameters_too_large_for_the_closed_form_are_still_answered(fit):
    rng = np.random.default_rng(5)
    rate, stops = rng.gamma(fit.r + 1, 1 / (fit.alpha + 50), 100_000), rng.beta(fit.a, fit.b + 1, 100_000)
    by_chance = np.minimum(rng.poisson(rate * 60), rng.geometric(stops)).mean() * p_alive(fit, 1, 20, 50)
    assert float(expected_orders(fit, 1, 20, 50, within=60)) == pytest.approx(by_chance, rel=0.03)


def test_the_uncertainty_of_a_fit_is_how_much_fits_to_other_customers_differ():
    rng, each = np.random.default_rng(3), BUYERS.assign(n=BUYERS["n"] * 20)
    logs = [np.log(fit_bg_nbd(each.assign(n=rng.poisson(each["n"])))[:2]) for _ in range(150)]
    sure = np.sqrt(np.diag(uncertainty(fit_bg_nbd(each), each)))[:2]
    assert np.std(logs, axis=0) == pytest.approx(sure, rel=0.25)


def test_the_average_purchase_of_two_kinds_of_customers_is_counted_and_not_derived_by_hand():
    two = pd.DataFrame({"x": 3, "m": [50.0, 500.0], "n": [200, 100]})
    habits = fit_habits(BUYERS, two, modified=False)
    assert habits.mean == pytest.approx((200 * 50 + 100 * 500) / 300)
    assert habits.covariance[6, 6] == pytest.approx((200 * (50 / 200 - 1) ** 2 + 100 * (500 / 200 - 1) ** 2) / 300**2)
    p, q, v, _ = habits.values
    assert p * v / (q - 1) > 1.3 * habits.mean  # what the parameters have


def test_who_was_seen_to_spend_more_often_counts_more_in_the_average():
    seldom = pd.DataFrame({"x": [1, 1, 9, 9], "m": [20.0, 80, 30, 110], "n": [90, 60, 30, 50]})
    habits = fit_habits(BUYERS, seldom, modified=False)
    p, q, *_ = habits.values
    once, often = p / (p + q - 1), 9 * p / (9 * p + q - 1)
    sums = once * (90 * 20 + 60 * 80) + often * (30 * 30 + 50 * 110)
    assert once < often
    assert habits.mean == pytest.approx(sums / (150 * once + 80 * often))


# ---- the hold-out -------------------------------------------------------------------------------------------


def test_habits_that_stay_as_they_are_pass_and_the_totals_are_what_was_sold(steady, found):
    assert (found.value["note"] == "").all()
    assert found.held_out["inside"].all()
    cut = pd.Timestamp(found.held_out["since"].iloc[0])
    buys = steady.sql("select on_day, first_on, amount from days where ordinal > 0")
    later = buys[(buys["on_day"] >= cut) & (buys["first_on"] < cut)]
    came = found.held_out.set_index(["what", "who"])["came"]
    assert came["purchases", "everybody"] == len(later)
    assert came["money", "everybody"] == pytest.approx(float(later["amount"].sum()))
    assert came["purchases"].drop("everybody").sum() == len(later)


def test_habits_that_change_fail_and_the_note_has_both_numbers():
    changed = rk.lifetime_value_beyond(shop(orders(700, seed=2, shock=True)))
    total = changed.held_out[(changed.held_out["who"] == "everybody") & (changed.held_out["what"] == "money")].iloc[0]
    assert changed.value["value"].isna().all()
    assert changed.value["note"].iloc[0].startswith("withheld: for the ")
    assert f"{total.predicted:,.0f} in revenue, and {total.came:,.0f} came" in changed.value["note"].iloc[0]


def test_the_reason_has_the_currency_of_its_sums():
    assert " USD in revenue, and " in rk.lifetime_value_beyond(rk.open_shop("sample")).value["note"].iloc[0]


def test_a_total_ten_percent_off_fails_however_wide_its_range():
    rows = pd.DataFrame({"what": "purchases", "who": ["everybody", "everybody", "2 purchases"], "predicted": [1090.0, 1110, 500],
                         "came": [1000.0, 1000, 400], "inside": True})
    assert failed(rows).index.tolist() == [1]


def test_the_prediction_does_not_look_at_what_came_since():
    table = orders(500, seed=3)
    since = pd.to_datetime(table["ordered_at"]) > "2025-08-22"
    held = [rk.lifetime_value_beyond(shop(t), hold_days=300).held_out for t in (table, table.assign(amount=table["amount"].where(~since, 99.0)))]
    assert held[0]["predicted"].tolist() == held[1]["predicted"].tolist()


# ---- the value ----------------------------------------------------------------------------------------------


def test_the_value_is_the_count_plus_the_model_and_its_ends_are_sums_of_ends(steady, found):
    counted = rk.lifetime_value(steady, horizons=[365]).iloc[0]
    assert (found.value["value"] - found.value["modelled"]).tolist() == pytest.approx([counted["value"]] * 2)
    assert (found.value["low"] > counted["low"]).all()
    assert found.value["value"].is_monotonic_increasing


def test_what_the_model_adds_is_what_simulated_customers_bring():
    buyers = shop(orders(700, seed=1))
    later = rk.lifetime_value_beyond(buyers, horizons=[730]).value.iloc[0]
    real = rk.lifetime_value(shop(orders(700, seed=1), as_of="2026-06-18"), horizons=[730]).iloc[0]
    assert later["low"] <= real["value"] <= later["high"]


def test_a_margin_and_cents_scale_the_value_and_change_no_verdict(steady, found):
    half = rk.lifetime_value_beyond(steady, horizons=[730, 1095], margin=0.5)
    assert half.value["value"].tolist() == pytest.approx((found.value["value"] / 2).tolist())
    assert half.held_out["predicted"].tolist() == found.held_out["predicted"].tolist()


def test_more_money_is_none_at_the_age_that_was_counted(steady):
    buyers = tally(steady, "repeat_buyers", cut=steady.as_of).astype(float).assign(T=lambda t: t["weeks"])
    habits = fit_habits(buyers, tally(steady, "repeat_values", cut=steady.as_of), modified=True)
    near, far = more_money(habits, buyers, seen=52, horizons=[52.001, 104])["value"]
    assert near < far / 1000


# ---- the edge -----------------------------------------------------------------------------------------------

DEGENERATE = {
    "nobody comes back": orders(300, seed=4).drop_duplicates("customer_id"),
    "a handful": orders(8, seed=4),
    "everything is free": orders(300, seed=4).assign(amount=0.0),
    "nobody ever stops": orders(300, seed=4, stops=False),
    "one order is enormous": orders(300, seed=4).assign(amount=lambda t: t["amount"].where(t.index != 100, 1e9)),
    "one day": orders(300, seed=4).assign(ordered_at="2026-06-18"),
    "one cohort": orders(300, seed=4).sort_values("ordered_at"),
}


@pytest.mark.parametrize("table", DEGENERATE.values(), ids=DEGENERATE)
def test_whatever_the_orders_there_is_a_value_or_a_reason(table):
    value = rk.lifetime_value_beyond(shop(table)).value
    assert (value["value"].notna() == (value["note"] == "")).all()
    assert (value.loc[value["value"].notna(), "low"] <= value["value"].dropna()).all()


def test_a_log_that_is_short_says_nothing_of_years():
    value = rk.lifetime_value_beyond(shop(orders(700, seed=1)), horizons=[1095, 3650]).value
    assert value["note"].tolist() == ["", "not modelled: more than twice the 898 days that were seen"]


def test_groups_have_their_own_verdict():
    table, who = orders(700, seed=1), pd.DataFrame({"customer_id": [f"c{i}" for i in range(700)], "segment": ["big"] * 690 + ["tiny"] * 10})
    split = rk.lifetime_value_beyond(rk.open_shop({"orders": table, "customers": who}, as_of="2026-06-18"), by="segment")
    assert split.value.set_index("segment").loc["tiny", "note"].str.startswith("not modelled: needs 50 customers").all()
    assert set(split.held_out["segment"]) == {"big"}


def test_a_horizon_that_was_counted_is_refused_in_words():
    with pytest.raises(BadValueError, match=r"horizons: must lie beyond the 365 days that are counted. Found: 90, 730. To fix it: horizons=\[730\]"):
        rk.lifetime_value_beyond(shop(orders(8, seed=4)), horizons=[90, 730])


# ---- as published -------------------------------------------------------------------------------------------


@pytest.mark.skipif(not CDNOW_FILE.exists(), reason="the CDNOW file is not here")
def test_cdnow_is_predicted_at_half_a_year_and_not_from_its_39th_week():
    cdnow = rk.open_shop(REAL / "cdnow" / "retainkit.toml")
    buyers = tally(cdnow, "repeat_buyers", cut=pd.Timestamp("1997-09-30").date())
    fit = fit_bg_nbd(buyers.assign(t_x=(buyers["t_x"] - 0.5).clip(lower=0), T=buyers["weeks"] - 0.5))
    assert (fit.r, fit.a, fit.b) == pytest.approx((0.243, 0.793, 2.426), rel=0.02)  # published; here in weeks begun
    assert buyers["later"].sum() == 1882  # repeat purchases of weeks 40 to 78
    assert rk.lifetime_value_beyond(cdnow, horizons=[730]).value["note"].item() == ""
    longer = rk.lifetime_value_beyond(cdnow, horizons=[730], hold_days=273).value["note"].item()
    assert longer.startswith("withheld: for the 273 days after 30 September 1997 the model said ")
    values = tally(cdnow, "repeat_values", cut=pd.Timestamp("1997-09-30").date())
    assert hold_out(buyers.astype(float).assign(t_x=buyers["t_x"], T=buyers["weeks"]), values, within=39)[0].values[:3] == pytest.approx((6.25, 3.74, 15.44), rel=0.002)


def test_what_was_given_back_is_in_neither_half():
    """Of every second purchase a line is returned two weeks later: the models see what they would see had nobody ever bought it."""
    stayed = orders(60, seed=3)
    returned = stayed[::2].assign(amount=7, status="refunded")
    returned["refunded_at"] = (pd.to_datetime(returned["ordered_at"]) + pd.Timedelta(days=14)).clip(upper=pd.Timestamp("2026-06-18")).dt.strftime("%Y-%m-%d")
    both = pd.concat([stayed.assign(status="paid", refunded_at=""), returned])
    for name in ("repeat_buyers", "repeat_values"):
        seen, alone = (tally(shop(table), name, cut=pd.Timestamp("2025-08-23").date()) for table in (both, stayed))
        pd.testing.assert_frame_equal(seen, alone)
