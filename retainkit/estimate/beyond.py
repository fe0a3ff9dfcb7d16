"""Counted buyers in, what they will buy out: whether a model of habits predicts what was held back, and what it says beyond.

When they buy is BG/NBD or MBG/NBD, how much is Gamma-Gamma around an average that is counted. The models are fitted to the
buyers as of an earlier day, and have to predict what the same customers bought and brought since. Only then are they asked about
days nobody has seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from retainkit.estimate.intervals import Array, z_value
from retainkit.estimate.repeat_buying import (
    BGNBD,
    GammaGamma,
    expected_orders,
    expected_value,
    fit_bg_nbd,
    fit_gamma_gamma,
    uncertainty,
)
from retainkit.estimate.smalln import GATES, short_of

OFF = 0.10  # how far the predicted totals may be off
GROUPS = ("first purchase only", "2 purchases", "3 or 4 purchases", "5 or more")
LATER = {"purchases": "later", "money": "later_money"}
COLUMNS = ["what", "who", "n", "predicted", "low", "high", "came", "inside"]


class Habits(NamedTuple):
    """Both models as fitted, what a purchase of anybody comes to, and how sure: see `_logs`."""

    orders: BGNBD
    values: GammaGamma
    mean: float
    covariance: Array


def fit_habits(buyers: pd.DataFrame, values: pd.DataFrame, *, modified: bool) -> Habits:
    """When customers buy again, and how much, with how sure that is; see `fit_bg_nbd` and `fit_gamma_gamma`.

    The average purchase is not the one that Gamma-Gamma's parameters have, which is far too high where customers are of two
    kinds, but that of what customers were seen to spend, each with Gamma-Gamma's weight (Bühlmann and Straub 1970).
    """
    return _sure(fit_bg_nbd(buyers, modified=modified), fit_gamma_gamma(values), buyers, values)


def _sure(orders: BGNBD, money: GammaGamma, buyers: pd.DataFrame, values: pd.DataFrame) -> Habits:
    (x, m, n), covariance = (values[column].to_numpy(dtype=float) for column in ("x", "m", "n")), np.zeros((7, 7))
    weight = money.p * x / (money.p * x + max(money.q - 1, 0))  # of what a customer was seen to spend
    mean = (n * weight * m).sum() / (n * weight).sum()
    covariance[:4, :4], covariance[4:6, 4:6] = uncertainty(orders, buyers), uncertainty(money, values)[:2, :2]
    covariance[6, 6] = (n * (weight * (m / mean - 1)) ** 2).sum() / (n * weight).sum() ** 2
    return Habits(orders, money, mean, covariance)


def hold_out(buyers: pd.DataFrame, values: pd.DataFrame, *, within: float, level: float = 0.95) -> tuple[Habits, pd.DataFrame]:
    """What the models, shown customers up to a day, say of the time since, beside what came.

    Of BG/NBD and MBG/NBD the one is taken that is closer to what each customer did since, never the one that fits the
    past better.

    Parameters
    ----------
    buyers
        `x, t_x, T, n` (see `fit_bg_nbd`), `money` (sum over their repeat purchases), and since then `later` (purchases) and
        `later_money`, summed over the customers, with the sums of squares `later2`, `later_money2`.
    values
        `x, m, n`, see `fit_gamma_gamma`.
    within
        How long ago the day was, in the unit of `T`.
    level
        Confidence level.

    Returns
    -------
    tuple
        The models, and a row a question: `what` ("purchases", "money"), `who` ("everybody", or by purchases up to the day),
        `n, predicted, low, high, came, inside`. The range holds the chance in who the customers are, taken from how far each
        was off, and how sure the parameters are; those of the groups hold together. Groups under 20 are not in the table.

    Notes
    -----
    Fader, Hardie and Lee (2005), Marketing Science 24, 275-284, compare by frequency like this.
    """
    tried = [fit_bg_nbd(buyers, modified=modified) for modified in (False, True)]
    off = [_squares(buyers, "later", expected_orders(fit, buyers["x"], buyers["t_x"], buyers["T"], within=within)).sum() for fit in tried]
    best = _sure(tried[int(np.argmin(off))], fit_gamma_gamma(values), buyers, values)
    n, groups = buyers["n"].to_numpy(dtype=float), np.digitize(buyers["x"], [1, 2, 4])
    members = {"everybody": groups >= 0, **{name: groups == i for i, name in enumerate(GROUPS)}}
    asked = [("money", "everybody"), *(("purchases", who) for who in members)]
    asked = [(what, who) for what, who in asked if n[members[who]].sum() >= GATES["customers_full"].least]

    def totals(logs: Array) -> Array:
        each = dict(zip(LATER, _predicted(logs, best, buyers, within), strict=True))
        return np.array([(each[what] * n)[members[who]].sum() for what, who in asked])

    each, said = dict(zip(LATER, _predicted(_logs(best), best, buyers, within), strict=True)), totals(_logs(best))
    chance = np.array([_squares(buyers, LATER[what], each[what])[members[who]].sum() for what, who in asked])
    groups_asked = max(len(asked) - 2, 1)
    sure = [z_value(level if who == "everybody" else 1 - (1 - level) / groups_asked) for _, who in asked]
    reach = np.array(sure) * np.sqrt(chance + _variance(totals, best))
    came = [float(buyers[LATER[what]][members[who]].sum()) for what, who in asked]
    table = pd.DataFrame(asked, columns=["what", "who"]).assign(
        n=[int(n[members[who]].sum()) for _, who in asked], predicted=said, low=np.maximum(said - reach, 0), high=said + reach, came=came)
    return best, table.assign(inside=table["came"].between(said - reach, said + reach))[COLUMNS]


def short_of_buyers(buyers: pd.DataFrame) -> list[str]:
    """What is missing to fit and to judge a model, in words; empty when nothing is."""
    again = float(buyers.loc[buyers["x"] > 0, "n"].sum())
    return short_of({"repeat_buyers": again, "held_out": float(buyers["later"].sum())})


def failed(held: pd.DataFrame) -> pd.DataFrame:
    """The rows of a hold-out that the models did not predict: what came is outside of the range, or a total is off by 10 %."""
    total = held["who"] == "everybody"
    return held[~held["inside"] | (total & ~((held["predicted"] / held["came"] - 1).abs() < OFF))]


def more_money(habits: Habits, buyers: pd.DataFrame, *, seen: float, horizons: Sequence[float], level: float = 0.95) -> pd.DataFrame:
    """What a new customer brings between the age `seen` and each of `horizons`, if habits stay what they are.

    Purchases to expect of a new customer, times what those still to come from today's customers are worth on average:
    who buys often counts as often. Nobody is left out.

    Parameters
    ----------
    habits
        From `fit_habits`, on the same `buyers`.
    buyers
        `x, t_x, T, n, money`.
    seen, horizons
        Ages in the unit of `T`.
    level
        Confidence level.

    Returns
    -------
    DataFrame
        A row a horizon: `horizon, orders, value, low, high`; the interval is symmetric on the log scale (delta method, robust).
    """
    until, n = np.array(horizons, dtype=float), buyers["n"].to_numpy(dtype=float)

    def money(logs: Array) -> Array:
        orders, values = _predicted(logs, habits, buyers, until.max())
        return np.log(_fresh(logs, habits, seen, until) * ((values * n).sum() / (orders * n).sum()))

    logs = _logs(habits)
    value, reach = np.exp(money(logs)), np.exp(z_value(level) * np.sqrt(_variance(money, habits)))
    return pd.DataFrame({"horizon": until, "orders": _fresh(logs, habits, seen, until), "value": value, "low": value / reach, "high": value * reach})


def _fresh(logs: Array, habits: Habits, seen: float, until: Array) -> Array:
    """Purchases of a new customer between two ages."""
    fit, _ = _models(logs, habits)
    return np.array([float(expected_orders(fit, 0, 0, 0, within=u) - expected_orders(fit, 0, 0, 0, within=seen)) for u in until])


def _predicted(logs: Array, habits: Habits, buyers: pd.DataFrame, within: float) -> tuple[Array, Array]:
    """Purchases and money to expect within so long of a customer of each row."""
    fit, values = _models(logs, habits)
    x, t_x, horizon, n, money = (buyers[column].to_numpy(dtype=float) for column in ("x", "t_x", "T", "n", "money"))
    orders = expected_orders(fit, x, t_x, horizon, within=within)
    return orders, orders * expected_value(values, x, money / np.maximum(n * x, 1))


def _models(logs: Array, habits: Habits) -> tuple[BGNBD, GammaGamma]:
    """The models with other parameters; Gamma-Gamma's `v` is the one that has the given mean."""
    r, alpha, a, b, p, q, mean = np.exp(logs)
    return BGNBD(r, alpha, a, b, 0.0, habits.orders.modified), GammaGamma(p, q, mean * (q - 1) / p, 0.0)


def _squares(buyers: pd.DataFrame, column: str, each: Array) -> Array:
    """How far the customers of each row were off, squared and summed."""
    return buyers[f"{column}2"] - 2 * each * buyers[column] + buyers["n"] * each**2


def _logs(habits: Habits) -> Array:
    """The logarithms of the parameters, whose covariance `Habits` has: r, alpha, a, b; p, q, mean."""
    return np.log([*habits.orders[:4], *habits.values[:2], habits.mean])


def _variance(of: Callable[[Array], Array], habits: Habits, step: float = 1e-4) -> Array:
    """The variance of some numbers that follow from the parameters, by the delta method."""
    at, steps = _logs(habits), np.eye(7) * step
    slopes = np.array([(of(at + s) - of(at - s)) / (2 * step) for s in steps])
    return np.einsum("ik,ij,jk->k", slopes, habits.covariance, slopes)
