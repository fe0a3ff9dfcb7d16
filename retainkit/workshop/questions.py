"""The workshop's questions: the right answer, and the wrong ones people give, each worked out from the shop in hand.

No answer is stored: a question holds how to get it, and learners' copies hold neither.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from retainkit.estimate.funnel import binomial_limits
from retainkit.load.shop import Shop
from retainkit.metrics.buying import revenue_by_month
from retainkit.metrics.churn import contract_survival
from retainkit.metrics.cross_sell import cross_sell_share, first_cross_sell_naive
from retainkit.metrics.deals import win_rate
from retainkit.metrics.definitions import churn_bridge, churn_definitions
from retainkit.metrics.first_days import short_log_shares
from retainkit.metrics.purchases import second_purchase, second_purchase_mature
from retainkit.metrics.rep_map import RepMap, rep_map
from retainkit.metrics.retention import contract_retention_matrix
from retainkit.tally import tally
from retainkit.workshop import ten

Way = Callable[[Shop], Any]
WATCHED, REVIEWED = "watch, not enough evidence", "review the deals of this rep"


@dataclass(frozen=True)
class Question:
    """How to get the right answer, how far off still counts, and the wrong answers by what they leave out."""

    right: Way
    wrong: dict[str, Way] = field(default_factory=dict)
    within: float = 0.005
    share: bool = True


# --- 1: read a shop and distrust it ---------------------------------------------------------------------------
def _kept(shop: Shop) -> int:
    return int(ten.opened(shop, ten.lines(shop)).ledger["kept"].sum())


def _cancelled(shop: Shop) -> int:
    return int((ten.lines(shop)["status"] == "cancelled").sum())


def _change(shop: Shop, last: int = -1) -> float:
    total = revenue_by_month(shop)["total"]
    return float(total.iloc[last] / total.iloc[last - 1] - 1)


@cache
def _a_day_later(shop: Shop) -> Shop:
    return shop.at(shop.as_of + timedelta(days=1))


def _first_month(shop: Shop, over: str = "customers") -> float:
    row = revenue_by_month(shop).iloc[0]
    return float(row["new_customers"] / row[over])


# --- 2: the second purchase -----------------------------------------------------------------------------------
def _of_ten(name: str) -> Way:
    return lambda shop: ten.repeat_readings(ten.buyers(shop))[name]


def _ten_by_package(shop: Shop) -> float:
    return float(second_purchase(ten.opened(shop, ten.buyers(shop)), horizons=[ten.YEAR])["rate"].iloc[0])


def _ten_mature(shop: Shop) -> float:
    return float(second_purchase_mature(ten.opened(shop, ten.buyers(shop)), horizons=[ten.YEAR])["rate"].iloc[0])


@cache
def _again(shop: Shop, days: int = ten.YEAR) -> float:
    return float(second_purchase(shop, horizons=[days])["rate"].iloc[0])


# --- 3: cohorts and churn -------------------------------------------------------------------------------------
@cache
def _row(shop: Shop) -> pd.DataFrame:
    matrix = contract_retention_matrix(ten.opened(shop, ten.contracts(shop)), period_days=ten.PERIOD)
    return matrix[matrix["cohort"] == sorted(set(matrix["cohort"]))[1]]


def _so_far(shop: Shop) -> pd.DataFrame:
    row = _row(shop)
    return pd.DataFrame({"rate": row["active"] / row["customers"]})


def _kept_a_year(shop: Shop) -> float:
    return float(contract_survival(shop, horizons=[ten.YEAR])["rate"].iloc[0])


def _careless(shop: Shop) -> float:
    """Kaplan-Meier as if every contract had been watched from its first day."""
    from retainkit.estimate.survival import at_times, kaplan_meier

    cells = tally(shop, "contract_lives", by="all", early_days=60)
    return float(at_times(kaplan_meier(cells.assign(entry=0)), [ten.YEAR])["survival"].iloc[0])


def _here_now(shop: Shop) -> float:
    lives = tally(shop, "contract_lives", by="all", early_days=60)
    return float(lives.loc[lives["event"] == 0, "n"].sum() / lives["n"].sum())


@cache
def _moved(shop: Shop) -> pd.Series:
    """Customers whom one of two definitions of the last month calls lost and the other does not: added, taken away."""
    bridge = churn_bridge(shop, month=ten.month(shop), definition="asked_to_leave").query("side == 'lost'")
    return bridge["customers"].iloc[1:-1]


def _opening(shop: Shop) -> int:
    return int(churn_definitions(shop, month=ten.month(shop))["lost"].iloc[0])


# --- 4: the first 90 days -------------------------------------------------------------------------------------
def _early_of_ten(shop: Shop, who: int = 1) -> float:
    return float(first_cross_sell_naive(ten.opened(shop, ten.crossed(shop)), within_days=ten.EARLY, horizon=ten.YEAR)["rate"].iloc[who])


def _early_without_end(shop: Shop) -> float:
    table = ten.crossed(shop)
    after = table.loc[table["followed"] >= ten.YEAR, "crossed_after"].dropna()
    return float((after <= ten.EARLY).mean())


def _early_of_customers(shop: Shop) -> float:
    table = ten.crossed(shop)
    return float((table.loc[table["followed"] >= ten.YEAR, "crossed_after"] <= ten.EARLY).mean())


def _log_of(months: int) -> Way:
    return lambda shop: float(short_log_shares(shop, months=[months])["rate"].iloc[0])


def _early_share(horizon: int) -> Way:
    return lambda shop: float(cross_sell_share(shop, within_days=ten.EARLY, horizons=[horizon])["rate"].iloc[0])


# --- 5: reps, luck and fairness -------------------------------------------------------------------------------
@cache
def _chance(shop: Shop) -> float:
    return float(win_rate(shop)["rate"].iloc[0])


def _luck_line(side: str) -> Way:
    return lambda shop: float(binomial_limits([ten.DEALS], p0=_chance(shop))[side].iloc[0])


def _spread(shop: Shop) -> float:
    return float(np.sqrt(_chance(shop) * (1 - _chance(shop)) / ten.DEALS))


@cache
def _map(shop: Shop) -> RepMap:
    return rep_map(shop)


def _said(*words: str) -> Way:
    return lambda shop: int(_map(shop).reps["words"].isin(words).sum())


def _league(shop: Shop) -> int:
    reps = _map(shop).reps
    over = reps["won"] / reps["n"] > reps["won"].sum() / reps["n"].sum()
    return int((over & (reps["observed"] > reps["expected"])).sum())


def _best(shop: Shop) -> pd.DataFrame:
    reps = _map(shop).reps.assign(raw=lambda r: r["won"] / r["n"])
    return reps.nlargest(1, "raw")


QUESTIONS = {
    "usable": Question(_kept, {
        "you kept all ten: a line without a customer, a day, an amount or a known status cannot be counted for anybody": lambda s: 10,
        "you left out the cancelled orders: they can be read. They are kept, and it is the metrics that do not count them as purchases":
            lambda s: _kept(s) - _cancelled(s),
        "that is the number of lines the reader turns away": lambda s: 10 - _kept(s),
    }, within=0, share=False),
    "change": Question(_change, {
        "you took a month that is still running: of its days only the first is in the file": lambda s: _change(_a_day_later(s)),
        "that is the ratio of the two months; the change is what is left after subtracting 1": lambda s: _change(s) + 1,
        "you divided the wrong way round: the month before is what the change is measured from": lambda s: 1 / (_change(s) + 1) - 1,
        "you are one month too early": lambda s: _change(s, -2),
    }),
    "new_share": Question(_first_month, {
        "everybody looks new in the first month of a file: the file begins there, the customers did not": lambda s: 1.0,
        "that is the share who were customers already": lambda s: 1 - _first_month(s),
    }),
    "mature": Question(_ten_mature, {
        "you counted customers who are too young: they have not had their year, and count as if they had failed": _of_ten("naive"),
        "you counted somebody who came back after the year was over": _of_ten("ever"),
        "you counted everybody who ever came back, over everybody: leave out who is too young, and stop at the year": _of_ten("all_ever"),
        "that is the share who did not come back": lambda s: 1 - _ten_mature(s),
    }),
    "curve": Question(_ten_by_package, {
        "you counted customers who are too young: they have not had their year, and count as if they had failed": _of_ten("naive"),
        "you dropped the customers who are too young: they still count for as long as they were seen": _of_ten("mature"),
        "you went on multiplying after the year was over": _of_ten("beyond"),
        "that is the share who have not bought again: take it from 1, and stop at the year":
            lambda s: [1 - _ten_by_package(s), 1 - _of_ten("beyond")(s)],
    }),
    "company": Question(_again, {
        "you counted customers who are too young: everybody who bought again so far, over everybody":
            lambda s: float(second_purchase_mature(s, horizons=[ten.YEAR])["naive"].iloc[0]),
        "you read the row of 30 days": lambda s: _again(s, 30),
        "that is the share who have not bought again yet": lambda s: 1 - _again(s),
        "that is 30 days out of those who come back within the year, not out of everybody": lambda s: _again(s, 30) / _again(s),
    }, within=0.003),
    "row": Question(lambda s: _row(s)[["rate"]], {
        "a blank is not a zero: that time has not passed for everybody in the row, so nobody can know": lambda s: _row(s)[["rate"]].fillna(0),
        "you gave a share where the time has not passed for everybody: those who are still here may yet leave": _so_far,
        "you counted those who left, not those who are still here": lambda s: 1 - _row(s)[["rate"]],
    }),
    "kept_year": Question(_kept_a_year, {
        "you counted contracts from before the file began as if they had been watched from their first day: those who left earlier are not in the file":
            _careless,
        "that is the share of all contracts that run today, whatever their age": _here_now,
        "that is the share who had left": lambda s: 1 - _kept_a_year(s),
    }, within=0.003),
    "disagree": Question(lambda s: int(_moved(s).abs().sum()), {
        "you subtracted the totals: they can be equal while the customers behind them differ": lambda s: abs(int(_moved(s).sum())),
        "you counted one side only: some are lost for finance and not for support, others the other way round":
            lambda s: [int(_moved(s).clip(lower=0).sum()), int(-_moved(s).clip(upper=0).sum())],
        "you counted everybody that either of them calls lost, those they agree on included":
            lambda s: int(_moved(s).clip(lower=0).sum() + _opening(s)),
    }, within=0, share=False),
    "early": Question(_early_of_ten, {
        "you let in customers who are too young: their early purchases are seen, their late ones are still to come": lambda s: _early_of_ten(s, 0),
        "you counted a purchase from after the year: say of how many days the share is, then stop there": _early_without_end,
        "you divided by customers; the question is about their first purchases from another line": _early_of_customers,
    }),
    "short": Question(_log_of(6), {
        "you read the longest log": _log_of(36),
        "you read the row of 12 months": _log_of(12),
        "that is the late share; the question asks for the early one": lambda s: 1 - _log_of(6)(s),
    }),
    "honest": Question(_early_share(730), {
        "you read the row of 365 days: the share of a shorter span is always larger": _early_share(365),
        "you counted customers who are too young: that is what the whole file says so far, late purchases still missing": _log_of(36),
        "you took the short log": _log_of(6),
    }, within=0.004),
    "luck": Question(_luck_line("high95"), {
        "that is the lower end, or only the distance from the average: the question asks how high luck reaches":
            lambda s: [_luck_line("low95")(s), 2 * _spread(s)],
        "the square root is missing": lambda s: _chance(s) + 2 * _spread(s) ** 2,
        "the forty belongs under the root, with the rest": lambda s: _chance(s) + 2 * np.sqrt(_chance(s) * (1 - _chance(s))) / ten.DEALS,
        "that is how much one deal varies: divide by the forty deals before you take the root": lambda s: _chance(s) + 2 * np.sqrt(_chance(s) * (1 - _chance(s))),
        "that is one spread above the average; luck reaches two": lambda s: _chance(s) + _spread(s),
    }, within=0.025),
    "flagged": Question(_said(REVIEWED), {
        "that is the league table's list: above average twice happens to one in four by luck alone": _league,
        "you counted `watch`: it says that there is not enough evidence": _said(REVIEWED, WATCHED),
        "you counted everybody": lambda s: len(_map(s).reps),
    }, within=0, share=False),
    "best": Question(lambda s: float(_best(s)["rate"].iloc[0]), {
        "that is the raw rate: part of being at the top of a list is luck, and luck does not come back": lambda s: float(_best(s)["raw"].iloc[0]),
        "that is the company's average: this rep's own deals count for something":
            lambda s: float(_map(s).reps["won"].sum() / _map(s).reps["n"].sum()),
    }),
}  # fmt: skip
