"""What the models would say beyond what has been seen: survival of contracts, and the next purchase under constant habits."""

from __future__ import annotations

import pandas as pd

from retainkit.estimate.projection import project
from retainkit.estimate.repeat_buying import expected_funnel, fit_bg_nbd
from retainkit.load.shop import Shop
from retainkit.metrics.retention import contract_retention_matrix
from retainkit.tally import tally


def survivors(shop: Shop, *, period_days: int = 30) -> pd.DataFrame:
    """Customers at risk and lost in each period since their own start, by the month they started in.

    Only cells in which everybody of the cohort has had the whole period. Left out: contracts older than the recorded
    history, and later stays of customers who came back.

    Returns
    -------
    DataFrame
        `cohort, period` (1, 2, ...), `at_risk, lost`.
    """
    cells = contract_retention_matrix(shop, period_days=period_days)
    cells = cells[cells["mature"]].sort_values(["cohort", "period"])
    before = cells.groupby("cohort")["active"].shift()
    table = cells.assign(at_risk=before, lost=before - cells["active"]).dropna(subset=["at_risk"])
    return table.loc[table["at_risk"] > 0, ["cohort", "period", "at_risk", "lost"]].astype({"at_risk": int, "lost": int})


def churn_projection(shop: Shop, *, periods: int = 48, period_days: int = 30, level: float = 0.95) -> pd.DataFrame:
    """Survival of contracts beyond the data by two models, only if they predict the last third of what is known.

    Returns
    -------
    DataFrame
        `model, period, n, observed, rate, low, high, chosen, note`; where the projection is withheld the rates are NaN
        and `note` says why. See `retainkit.estimate.projection.project`.

    Notes
    -----
    Shifted beta-geometric (Fader and Hardie 2007) and beta-discrete-Weibull; chosen by hold-out log-score.
    """
    return project(survivors(shop, period_days=period_days), periods=periods, level=level)


def constant_habits(shop: Shop, *, within_days: int, horizon: int, k: int = 5) -> pd.DataFrame:
    """What `next_purchase` would be if nobody's habits ever changed: the rise that selection alone makes.

    A BG/NBD model is fitted to when new customers bought (in weeks); those who buy often are over-represented after
    every purchase, so the share rises although each customer stays the same.

    Parameters
    ----------
    shop
        The shop.
    within_days
        The window after the k-th purchase, in days.
    horizon
        The k-th purchase counts up to this age in days.
    k
        The last purchase to say it for.

    Returns
    -------
    DataFrame
        `k, expected`; empty where the model cannot be fitted (fewer than 50 repeat buyers).

    Notes
    -----
    Fader, Hardie and Lee (2005), Marketing Science 24, 275-284.
    """
    buyers = tally(shop, "repeat_buyers", cut=shop.as_of).rename(columns={"weeks": "T"})
    if buyers.loc[buyers["x"] > 0, "n"].sum() < 50:
        return pd.DataFrame(columns=["k", "expected"])
    funnel = expected_funnel(fit_bg_nbd(buyers), within=within_days / 7, horizon=max(horizon, 1) / 7, k=k)
    return funnel.rename(columns={"rate": "expected"})[["k", "expected"]]
