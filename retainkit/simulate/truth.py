"""The answer key: what is true of the company, measured on a far larger copy that is followed to the end.

Nothing is typed in. The copy is lived by the same code; every customer is followed for three years (no
truncation, no last day), cancelled and refunded orders are left out, and plain shares are taken.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from . import world
from .buying import lines, orders
from .lives import MONTH, live, reps, treatment
from .service import survey

FOLLOWED = 1100  # days
HORIZONS = (30, 60, 90, 180, 365)
Truth = dict[str, Any]


def rep_truth() -> list[Truth]:
    """Each rep's archetype, odds ratio of winning and hazard ratio of the accounts' leaving.

    >>> rep_truth()[0]["archetype"], rep_truth()[0]["churn_hr"]
    ('closer_high_churn', 2.1)
    """
    found = reps().rename(columns={"first": "from_share", "last": "to_share", "pace": "deals_a_month"})
    return [{str(k): v for k, v in row.items()} for row in found.to_dict("records")]


def population_truth(*, seed: int, scale: float = 20.0) -> Truth:
    """What a complete record of a company `scale` times as large shows.

    Left out: customers who joined before the export, sign-ups that never ordered (from the order figures),
    cancelled and refunded orders. The sampling error of a share at the default scale is about .002 for
    consumers and up to .02 for ENT.

    Parameters
    ----------
    seed
        The seed of the copy.
    scale
        How many times larger than the sample the copy is.

    Returns
    -------
    dict
        `second_purchase`, `third_purchase`, `cross_sell`, `revenue`, `survival`, `leaving` (each by segment),
        `deals`, `programme`, `nps` and more; shares between 0 and 1, money in the shop's currency.

    Examples
    --------
    >>> truth = population_truth(seed=1, scale=1)
    >>> 0.1 < truth["second_purchase"]["B2C"]["by_30"] < 0.3
    True
    """
    deals, people = live(seed, scale)
    days = _purchase_days(seed, people)
    joined = people[(people["start"] >= world.START) & (people["start"] < world.END)]
    return {
        "copy": {"seed": seed, "scale": scale, "customers": len(joined), "days_followed": FOLLOWED},
        **_by_segment(days, {"second_purchase": _second, "third_purchase": _third}),
        **_by_segment(days, {"cross_sell": _cross, "revenue": _revenue}),
        **_by_segment(joined, {"survival": _survival, "leaving": _leaving}),
        "survival_by_start_year": _by_year(joined),
        "deals": {"by_source": _deals(deals, "source", world.SOURCES),
                  "by_segment": _deals(deals, "segment", world.SEGMENTS)},
        "left_within_60_days_by_archetype": _early(joined),
        "programme": _programme(joined),
        "nps": _nps(seed, people),
    }  # fmt: skip


def export_truth(seed: int, scale: float) -> Truth:
    """Counts that one export hides: losses that look open, refunds still to come, customers it never saw."""
    deals, people = live(seed, scale)
    found = orders(seed, people, np.full(len(people), world.END + 1))
    recent = deals[(deals["opened"] >= world.START) & (deals["opened"] < world.END)]
    there = (people["start"] < world.END) & (people["left"] >= world.END)
    return {
        "deals_lost_but_never_closed": int((~recent["logged"]).sum()),
        "orders_refunded_after_the_export": int((found["refund_day"] >= world.END).sum()),
        "customers_gone_before_the_export": int((people["left"] <= world.START).sum()),
        "consumers_still_there_on_the_last_day": int((there & (people["segment"] == 0)).sum()),
        "sign_ups_that_never_order": int((~people["buys"] & (people["left"] > world.START)).sum()),
    }


def _share(part: Any, whole: Any = 1) -> float | None:
    """A number rounded to four places; None where there is nothing to divide by."""
    return round(float(part) / float(whole), 4) if whole else None


def _by_segment(rows: pd.DataFrame, parts: dict[str, Any]) -> Truth:
    groups = {"all": rows} | {name: rows[rows["segment"] == code] for code, name in enumerate(world.SEGMENTS)}
    return {name: {group: measure(of) for group, of in groups.items() if len(of)}
            for name, measure in parts.items()}  # fmt: skip


def _purchase_days(seed: int, people: pd.DataFrame) -> pd.DataFrame:
    """The kept customer-days of those who first bought in the exported months: nth, age, gap, new, revenue."""
    found = orders(seed, people, people["first_order"].to_numpy() + FOLLOWED)
    kept = ~found["cancelled"].to_numpy() & (found["refund_day"].to_numpy() < 0)
    line = lines(found[kept].reset_index(drop=True))
    source = found.loc[kept, ["customer", "day"]].to_numpy()[line["order"]]
    line["customer"], line["day"] = source[:, 0], source[:, 1]
    line["new"] = ~line.sort_values("day", kind="stable").duplicated(["customer", "line"])
    by_day = line.groupby(["customer", "day"], as_index=False)
    days = by_day.agg(new=("new", "any"), revenue=("amount", "sum"))
    days["first"] = days.groupby("customer")["day"].transform("min")
    days = days[(days["first"] >= world.START) & (days["first"] < world.END)].copy()
    days["nth"] = days.groupby("customer").cumcount() + 1
    days["age"], days["gap"] = days["day"] - days["first"], days.groupby("customer")["day"].diff()
    days["segment"] = people["segment"].to_numpy()[days["customer"]]
    return days


def _second(days: pd.DataFrame) -> Truth:
    n, age = (days["nth"] == 1).sum(), days.loc[days["nth"] == 2, "age"]
    return {"n": int(n)} | {f"by_{h}": _share((age <= h).sum(), n) for h in HORIZONS}


def _third(days: pd.DataFrame) -> Truth:
    """Third within 365 days of the second, among those whose second came within 365 days of the first."""
    second = days.loc[(days["nth"] == 2) & (days["age"] <= 365), "customer"]
    third = days[(days["nth"] == 3) & days["customer"].isin(second)]
    return {"n": len(second), "by_365": _share((third["gap"] <= 365).sum(), len(second))}


def _cross(days: pd.DataFrame) -> Truth:
    n, age = (days["nth"] == 1).sum(), days.loc[days["new"] & (days["age"] > 0), ["customer", "age"]]
    counts = {h: (age["age"] <= h).sum() for h in (90, 365, 730)}
    anyone = age.loc[age["age"] <= 90, "customer"].nunique()
    return {
        "n": int(n), "any_by_90": _share(anyone, n),
        **{f"mean_by_{h}": _share(k, n) for h, k in counts.items()},
        **{f"share_90_of_{h}": _share(counts[90], counts[h]) for h in (365, 730)},
    }  # fmt: skip


def _revenue(days: pd.DataFrame) -> Truth:
    n = (days["nth"] == 1).sum()
    total = {h: days.loc[days["age"] <= h, "revenue"].sum() for h in (30, 365)}
    mean = round(float(total[365] / n), 2)
    return {"n": int(n), "mean_by_365": mean, "share_30_of_365": _share(total[30], total[365])}


def _survival(people: pd.DataFrame) -> Truth:
    age = people["left"] - people["start"]
    return {"n": len(people)} | {f"at_{h}": _share((age > h).mean()) for h in (90, 365, 730)}


def _by_year(people: pd.DataFrame) -> Truth:
    """S(365) by segment and year of joining, the first exported year first; the hazard falls month by month."""
    year = ((people["start"] - world.START) / MONTH // 12).clip(0, 2).astype(int)
    of = [_by_segment(people[year == y], {"s": _survival})["s"] for y in range(3)]
    return {f"year_{y + 1}": {name: row["at_365"] for name, row in of[y].items()} for y in range(3)}


def _leaving(people: pd.DataFrame) -> Truth:
    """Rate of leaving at ages 1 to 90 over that at ages 91 to 365, in events per customer-day."""
    age = (people["left"] - people["start"]).to_numpy()
    early = (age <= 90).sum() / np.minimum(age, 90).sum()
    later = ((age > 90) & (age <= 365)).sum() / np.clip(age - 90, 0, 275).sum()
    return {"n": len(age), "left_by_365": int((age <= 365).sum()), "early_rate_per_100_days": _share(100 * early), "later_rate_per_100_days": _share(100 * later),
            "rate_ratio": _share(early, later)}  # fmt: skip


def _deals(deals: pd.DataFrame, by: str, names: list[str]) -> Truth:
    """True chance of winning, won within 180 days of opening, and the closed-only rate an export shows."""
    opened = deals[(deals["opened"] >= world.START) & (deals["opened"] < world.END)]
    closed = opened[opened["logged"] & (opened["closed"] < world.END)]
    fast = opened["won"] & (opened["closed"] - opened["opened"] <= 180)
    return {
        name: {"n": int((opened[by] == code).sum()), "won": _share(opened.loc[opened[by] == code, "won"].mean()),
               "won_by_180": _share(fast[opened[by] == code].mean()),
               "closed_only": _share(closed.loc[closed[by] == code, "won"].mean())}
        for code, name in enumerate(names) if (opened[by] == code).any()
    }  # fmt: skip


def _early(people: pd.DataFrame) -> Truth:
    firms = people[people["rep"] >= 0]
    kind = reps()["archetype"].to_numpy()[firms["rep"]]
    gone = (firms["left"] - firms["start"] <= 60).groupby(kind, sort=True).mean()
    return {str(name): _share(share) for name, share in gone.items()}


def _programme(people: pd.DataFrame) -> Truth:
    """The effect of the onboarding programme on those who had it: the same customers with and without it."""
    treated = people[treatment(people)]
    firms = (treated["rep"] >= 0).to_numpy()
    found: Truth = {"n": len(treated), "hazard_ratio": world.PROGRAMME_HR}
    for name, column in (("with", "left"), ("without", "left_untreated")):
        age = (treated[column] - treated["start"]).to_numpy()
        found[f"early_rate_per_100_days_{name}"] = _share(100 * (age <= 90).sum(), np.minimum(age, 90).sum())
        found[f"left_by_90_{name}"] = _share((age <= 90).mean())
        found[f"left_by_90_{name}_firms"] = _share((age <= 90)[firms].mean())
    return found


def _nps(seed: int, people: pd.DataFrame) -> Truth:
    """Net promoter score of everybody asked, and of those who answered."""

    def score(of: pd.Series) -> float:
        return round(100 * float((of >= 9).mean() - (of <= 6).mean()), 1)

    asked = survey(seed, people)
    answered = (asked["day"] >= 0).to_numpy()
    return {"everybody": score(asked["score"]), "respondents": score(asked["score"][answered]),
            "response_rate": _share(answered.mean())}  # fmt: skip
