"""One renewal model fitted to survivors, by the arithmetic that projections fit all of theirs with."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from retainkit.estimate.renewal import log_survival, maximise, pooled


class Fit(NamedTuple):
    """S(t) = B(alpha, beta + t^c) / B(alpha, beta), c being 1 for the sBG."""

    alpha: float
    beta: float
    c: float = 1.0
    loglik: float = 0.0


def fitted(model: str, survivors: pd.DataFrame) -> Fit:
    """The model's parameters and log-likelihood, from `cohort, period, at_risk, lost`."""
    periods, at_risk, lost = pooled(survivors)
    theta, value = maximise(model, periods, at_risk[None], lost[None])
    return Fit(*np.exp(theta[0]), value[0])


fit_sbg, fit_bdw = partial(fitted, "sBG"), partial(fitted, "BdW")


def model_survival(fit: Fit, periods: Any) -> np.ndarray:
    """The model's share still there after each of `periods`."""
    return np.exp(log_survival(np.log([fit[:3]]), periods)[0][0])
