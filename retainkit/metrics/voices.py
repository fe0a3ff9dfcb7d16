"""What customers and employees say: the net promoter score of each survey wave, who answered, and whose customers are content.

A score only knows those who answered. Where those about to leave answer less, it flatters, and no interval covers that:
`response_by` shows it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from retainkit.errors import BadValueError
from retainkit.estimate.promoters import promoter_change, promoter_score
from retainkit.estimate.smalln import GATES, short_of
from retainkit.load.shop import GROUPS_OF_CUSTOMERS, Shop
from retainkit.metrics.reading import by_group, shares
from retainkit.metrics.reps import coded, rep_churn
from retainkit.tally import asked_once, split_by, tally

KINDS = ("customer", "employee")
SOON = 180  # days after a survey that count as leaving soon after it


@asked_once
def promoter_scores(shop: Shop, *, kind: str = "customer", by: str | None = None, level: float = 0.95) -> pd.DataFrame:
    """The net promoter score of every wave: share who answer 9 or 10, less share who answer 0 to 6, from -100 to 100.

    One answer a customer and wave, the last (of one day, the lowest: times of day are not kept). Anonymous answers count each.
    Answers without a `wave` belong to their calendar quarter. Left out: whoever did not answer; `response` is the share who did, where
    `invited` is known: of everybody, never of a group or of some customers (`Shop.only`). Employees are a small, whole group, so their
    interval covers only those of the invited who were silent; it and the score are hidden below 8 answers.

    Parameters
    ----------
    shop
        The shop.
    kind
        Who was asked: `customer` or `employee`.
    by
        Split by `segment`, `region`, `source` or `owner` of the customer.
    level
        Confidence level.

    Returns
    -------
    DataFrame
        A row a group and wave, in order of time: `wave`, `first_on`, `last_on`, `value`, `low`, `high`, `n` (answers), `invited`,
        `response`, `response_low`, `response_high`, `promoters`, `detractors`, `note`.

    Notes
    -----
    Adjusted Wald (Rocks 2016), for employees with the finite population correction; Wilson for the response rate.

    Examples
    --------
    >>> from retainkit import open_shop
    >>> answers = pd.DataFrame({"customer_id": ["ann", "bob", "cy", "cy"], "answered_at": ["2026-03-01"] * 3 + ["2026-03-02"],
    ...                         "score": [10, 9, 9, 3], "kind": "customer", "wave": "spring", "invited": 10})
    >>> scores = promoter_scores(open_shop({"responses": answers}, as_of="2026-03-31"))
    >>> scores[["wave", "value", "n", "response"]].round(2)
         wave  value  n  response
    0  spring  33.33  3       0.3
    """
    if kind not in KINDS:
        raise BadValueError("kind", "is neither customer nor employee", repr(kind), 'kind="customer"')
    found = tally(shop, "survey_waves", by=split_by(by, GROUPS_OF_CUSTOMERS))
    waves = found[found["kind"] == kind].astype({"promoters": int, "detractors": int, "n": int}).reset_index(drop=True)
    invited = waves["invited"].astype(float) if by is None and not shop.part else pd.Series(np.nan, index=waves.index)
    known = invited.where(invited >= waves["n"])  # more answers than invitations: one of the two is wrong
    value, low, high = promoter_score(waves["promoters"], waves["detractors"], waves["n"], level=level,
                                      population=known if kind == "employee" else None)
    response = shares(waves["n"].where(known.notna()), known, level=level)
    few = np.array(["; ".join(short_of({"staff_answers": n})) if kind == "employee" else "" for n in waves["n"]], dtype=object)
    shown = {name: np.where(few == "", limit, np.nan) for name, limit in (("value", value), ("low", low), ("high", high))}
    table = waves.assign(**shown, invited=invited, response=response["rate"], response_low=response["low"], response_high=response["high"], note=few)
    columns = ["wave", "first_on", "last_on", "value", "low", "high", "n", "invited", "response", "response_low", "response_high",
               "promoters", "detractors", "note"]
    return by_group(table, by, columns)


def promoter_changes(shop: Shop, *, kind: str = "customer", level: float = 0.95) -> pd.DataFrame:
    """Change of the score from each wave to the next, in points.

    Who is left out is as in `promoter_scores`. Customers who answered both waves make the change more certain.

    Returns
    -------
    DataFrame
        A row a wave but the first: `wave`, `before`, `value`, `low`, `high`, `n` (answers in the smaller of the two), `both`
        (customers who answered both), `note` (fewer than 30 answers in one of them).

    Notes
    -----
    Variances of both scores (adjusted Wald) less twice the covariance of customers who answered both.
    """
    waves = promoter_scores(shop, kind=kind).dropna(subset=["value"]).reset_index(drop=True)
    both, rows = tally(shop, "survey_pairs", kind=kind), []
    for i in range(1, len(waves)):
        before, now = waves.iloc[i - 1], waves.iloc[i]
        pairs = both[(both["wave"] == now["wave"]) & (both["before"] == before["wave"])]
        value, low, high = promoter_change(before, now, pairs, whole=kind == "employee", level=level)
        n = int(min(before["n"], now["n"]))
        rows.append({"wave": now["wave"], "before": before["wave"], "value": value, "low": low, "high": high, "n": n,
                     "both": int(pairs["n"].sum()), "note": "; ".join(short_of({"answers_compared": n}))})
    return pd.DataFrame(rows, columns=["wave", "before", "value", "low", "high", "n", "both", "note"])


def response_by(shop: Shop, *, by: str | None = None, days: int = SOON, level: float = 0.95) -> pd.DataFrame:
    """Of the customers under contract when a survey went out, the share who answered: those who left soon after, and the others.

    Left out: customers without a contract (nobody knows whether they were still customers), and waves less than `days` days
    ago. Not everybody need have been invited, so compare the rows, not their level.

    Returns
    -------
    DataFrame
        A row a group and fate: the group, `became` (`left soon after`, `stayed`), `rate`, `low`, `high`, `n` (customers times waves),
        `horizon_days`.

    Notes
    -----
    Wilson; a customer asked in several waves counts in each.
    """
    cells = tally(shop, "survey_answered", by=split_by(by, GROUPS_OF_CUSTOMERS), days=days)
    table = cells.assign(**shares(cells["answers"], cells["customers"], level=level), horizon_days=days)
    return by_group(table, by, ["became", "rate", "low", "high", "n", "horizon_days"])


def rep_voices(shop: Shop, *, reps: str = "names", level: float = 0.95) -> pd.DataFrame:
    """What the customers of each rep say, beside how many of them left against how many were expected to.

    An account belongs to the rep who owned its first won deal, and counts with its latest answer. Left out: reps with fewer
    than 5 answers, accounts that never answered, and churn of accounts that cannot be followed (see `rep_churn`).

    Returns
    -------
    DataFrame
        A row a rep: `rep`, `value` (score, -100 to 100), `low`, `high`, `n` (answers), `observed`, `expected`, `churn` (observed over
        expected), `churn_low`, `churn_high`, `note` (fewer than 15 answers).

    Notes
    -----
    Adjusted Wald for the score; churn as in `rep_churn`. Those who left unhappy may never have answered.
    """
    found = tally(shop, "survey_reps").astype({"promoters": int, "detractors": int, "n": int})
    found = found[found["n"] >= GATES["customers_shown"].least]
    value, low, high = promoter_score(found["promoters"], found["detractors"], found["n"], level=level)
    names = {"value": "churn", "low": "churn_low", "high": "churn_high"}
    kept = rep_churn(shop, level=level)[["rep", "observed", "expected", "value", "low", "high"]].rename(columns=names)
    table = found.assign(value=value, low=low, high=high, note=["; ".join(short_of({"answers": n})) for n in found["n"]])
    table = table[["rep", "value", "low", "high", "n", "note"]].merge(kept, on="rep", how="left")
    columns = ["rep", "value", "low", "high", "n", "observed", "expected", "churn", "churn_low", "churn_high", "note"]
    return coded(table.sort_values("rep", ignore_index=True), reps)[columns]
