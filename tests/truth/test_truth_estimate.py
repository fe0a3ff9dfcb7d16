"""Statistical promises of the estimates, on worlds whose truth is known: unbiased, and covering as often as said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from retainkit.estimate.competing import aalen_johansen, incidence_at
from retainkit.estimate.recurrent import (
    cumulative_share,
    late_weight,
    mean_cumulative_at,
    next_purchase_share,
)
from retainkit.estimate.survival import at_times, kaplan_meier

pytestmark = pytest.mark.slow
SIMS = 300


def followed(rng: np.random.Generator, n: int) -> np.ndarray:
    """Days of follow-up when a company has grown seven-fold in three years: most customers are recent."""
    return np.floor(1_095 * (1 - np.log1p(6 * rng.random(n)) / np.log(7))).astype(int)


def covered(hits: list[bool]) -> float:
    return float(np.mean(hits))


# ---- curves -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [20, 50])
def test_the_survival_interval_covers_also_in_small_samples_without_an_event(n):
    rng, hits = np.random.default_rng(1), []
    for _ in range(500):
        life, seen = np.ceil(rng.exponential(1_755, n)), rng.integers(90, 730, n)  # S(90) = .95
        cells = pd.DataFrame({"duration": np.minimum(life, seen), "event": (life <= seen) * 1, "n": 1})
        got = at_times(kaplan_meier(cells), 90).iloc[0]
        hits.append(got["low"] <= np.exp(-90 / 1_755) <= got["high"])
    assert 0.92 < covered(hits) < 0.985


def test_an_export_that_starts_mid_life_is_put_right_by_delayed_entry():
    rng, ours, ignored, hits = np.random.default_rng(2), [], [], []
    for _ in range(200):
        n = 1_500
        rate = rng.gamma(1 / 0.6, 0.6, n) * 0.0017
        start, life = rng.integers(0, 1_825, n), np.ceil(rng.exponential(1 / rate))
        seen = start + life > 730  # the export begins on day 730 of five years
        start, life = start[seen], life[seen]
        window = 1_825 - start
        cells = pd.DataFrame({"duration": np.minimum(life, window), "event": (life <= window) * 1, "n": 1})
        got = at_times(kaplan_meier(cells.assign(entry=np.maximum(730 - start, 0))), 365).iloc[0]
        ours.append(got["survival"])
        ignored.append(at_times(kaplan_meier(cells), 365)["survival"].item())
        hits.append(got["low"] <= (1 + 0.6 * 0.0017 * 365) ** (-1 / 0.6) <= got["high"])
    truth = (1 + 0.6 * 0.0017 * 365) ** (-1 / 0.6)
    assert abs(np.mean(ours) - truth) < 0.005
    assert np.mean(ignored) > truth + 0.05  # the survivors' bias that delayed entry removes
    assert covered(hits) > 0.91


def test_incidence_covers_when_causes_compete():
    rng, hits, naive = np.random.default_rng(3), [], []
    bought, left, t = 0.004, 0.002, 90
    truth = bought / (bought + left) * (1 - np.exp(-(bought + left) * t))
    for _ in range(SIMS):
        life, seen = np.ceil(rng.exponential(1 / (bought + left), 300)), followed(rng, 300)
        cause = np.where(life > seen, "", np.where(rng.random(300) < bought / (bought + left), "buy", "leave"))
        cells = pd.DataFrame({"duration": np.minimum(life, seen), "cause": cause, "n": 1})
        got = incidence_at(aalen_johansen(cells), t).query("cause == 'buy'").iloc[0]
        hits.append(got["low"] <= truth <= got["high"])
        one_cause = cells.assign(event=(cells["cause"] == "buy") * 1)
        naive.append(1 - at_times(kaplan_meier(one_cause), t)["survival"].item())
    assert 0.925 < covered(hits) < 0.975
    assert np.mean(naive) > truth + 0.01  # censoring the leavers promises too much


# ---- what happens again -----------------------------------------------------------------------------------


def cross_sells(rng: np.random.Generator, followup: np.ndarray, *, horizon: int = 730) -> pd.DataFrame:
    """Cross-sell days: brisk up to day 90, then slow; customers differ and leave."""
    n = len(followup)
    pace, life = rng.gamma(1.25, 0.8, n), rng.exponential(1 / (rng.gamma(1 / 0.6, 0.6, n) + 1e-9) / 0.0019)
    parts = []
    for begin, end, rate in ((0, 90, 0.0042), (90, horizon, 0.0013)):
        stop = np.minimum(np.minimum(followup, life), end)
        who = np.repeat(np.arange(n), rng.poisson(pace * rate * np.maximum(stop - begin, 0)))
        parts.append(pd.DataFrame({"customer": who, "age": np.ceil(begin + rng.random(len(who)) * (stop[who] - begin))}))
    events = pd.concat(parts).assign(value=1.0)
    return events[events["age"].between(1, followup[events["customer"]])]


def counted(followup: np.ndarray, events: pd.DataFrame) -> list[pd.DataFrame]:
    """The small tables that the engine would count: totals, follow-up."""
    histogram = pd.Series(followup).value_counts().rename_axis("followup").rename("n").reset_index()
    return [events.groupby("age", as_index=False)["value"].sum(), histogram]


def scored(followup: np.ndarray, events: pd.DataFrame, horizon: int) -> np.ndarray:
    """The score of every customer."""
    mine = events[events["age"] <= horizon]
    there = len(followup) - np.searchsorted(np.sort(followup), mine["age"], side="left")
    return np.bincount(mine["customer"], weights=mine["value"] * len(followup) / there, minlength=len(followup))


def summed(followup: np.ndarray, a: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"followup": followup, "a": a, "aa": a * a}).groupby("followup", as_index=False).sum()


@pytest.mark.parametrize(("n", "least"), [(400, 0.92), (1_500, 0.92)])
def test_the_share_in_the_first_90_days_is_unbiased_and_covers_where_the_naive_share_is_far_off(n, least):
    rng = np.random.default_rng(4)
    everybody = cross_sells(rng, np.full(300_000, 730))
    truth, average = (everybody["age"] <= 90).mean(), len(everybody) / 300_000
    rates, naive, hits, means = [], [], [], []
    for _ in range(SIMS):
        followup = followed(rng, n)
        events = cross_sells(rng, followup)
        totals, histogram = counted(followup, events)
        early, late = scored(followup, events, 90), scored(followup, events, 730)
        scores = summed(followup, early - late_weight(totals, histogram, early=90, late=730) * late)
        got = cumulative_share(totals, histogram, scores, early=90, late=730).iloc[0]
        rates.append(got["rate"])
        naive.append((events["age"] <= 90).mean())
        hits.append(got["low"] <= truth <= got["high"])
        at = summed(followup, late).assign(horizon=730)
        mean = mean_cumulative_at(totals, histogram, at, horizons=[730]).iloc[0]
        means.append(mean["low"] <= average <= mean["high"])
    assert abs(np.mean(rates) - truth) < 0.008
    assert np.mean(naive) > truth + 0.1
    assert least < covered(hits) < 0.975
    assert least - 0.01 < covered(means) < 0.975


def purchases(rng: np.random.Generator, n: int) -> np.ndarray:
    """Days of the first four purchases of n customers (infinite when there is none), by BG/NBD habits."""
    rate, drop = np.maximum(rng.gamma(0.9, 1 / 60, n), 1e-9), rng.beta(0.8, 2.4, n)
    days = [np.zeros(n)]
    for _ in range(3):
        days.append(days[-1] + np.where(rng.random(n) > drop, np.ceil(rng.exponential(1 / rate)), np.inf))
    return np.array(days)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_next_purchase_share_is_unbiased_and_covers_where_the_naive_share_is_not(k):
    rng, within, up_to = np.random.default_rng(5), 365, 365

    def made(days: np.ndarray, followup: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        here, there = days[k - 1], days[k]
        started = here <= np.minimum(followup, up_to)
        return started, started & (there <= np.minimum(followup, np.where(started, here, 0) + within))

    started, came = made(purchases(rng, 400_000), np.full(400_000, 5_000))
    truth, rates, naive, hits = came.sum() / started.sum(), [], [], []
    for _ in range(SIMS):
        followup, days = followed(rng, 600), purchases(rng, 600)
        started, came = made(days, followup)
        share = [600 / (600 - np.searchsorted(np.sort(followup), day, side="left").clip(0, 599)) for day in days]
        d, x = np.where(started, share[k - 1], 0), np.where(came, share[k], 0)
        sums = {"den": d, "den2": d * d, "num": x, "num2": x * x, "cross": d * x}
        got = next_purchase_share(pd.DataFrame([{name: v.sum() for name, v in sums.items()}])).iloc[0]
        rates.append(got["rate"])
        naive.append(came.sum() / started.sum())
        hits.append(got["low"] <= truth <= got["high"])
    assert abs(np.mean(rates) - truth) < 0.006
    assert np.mean(naive) < truth - 0.05
    assert 0.925 < covered(hits) < 0.985
