"""What the models would say beyond what has been seen: survival of contracts, and the next purchase under constant habits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from retainkit.estimate.projection import project
from retainkit.metrics.retention import contract_retention_matrix

if TYPE_CHECKING:
    from retainkit.load.shop import Shop


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
