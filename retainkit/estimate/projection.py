"""How many customers will still be there: survivors by cohort and period in, projected survival out.

Two models, sBG and BdW, are shown two thirds of what is known and judged by the rest; if the better one
misses that, there is no projection. Projections are drawn dashed and labelled "model".
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from retainkit.errors import counted
from retainkit.estimate.intervals import Array
from retainkit.estimate.renewal import FREE, log_stay, log_survival, maximise, pooled, resampled
from retainkit.estimate.smalln import GATES

COLUMNS = ["model", "period", "n", "observed", "rate", "low", "high", "inside", "log_score"]
WITHHELD = "projection withheld: last periods not predicted"
NAMES = {"sBG": "the shifted beta-geometric model (sBG)", "BdW": "the beta-discrete-Weibull model (BdW)"}


def hold_out(
    survivors: pd.DataFrame, *, level: float = 0.95, draws: int = 200, seed: int = 0
) -> pd.DataFrame:
    """What both models, shown only the first two thirds of the periods, say of the last third.

    The band holds both kinds of chance: customers of each cohort are drawn again (multinomial on the counts,
    seeded), the model is fitted to each of the `draws`, and the held-out losses are drawn from it.

    Returns
    -------
    DataFrame
        `model, period, n` (at risk), `observed` survival, predicted `rate, low, high`, `inside`, and
        `log_score`, the log-likelihood of all held-out losses under the model. Empty with fewer than 4
        periods or 50 losses.

    Examples
    --------
    >>> kept = [1000, 869, 743, 653, 593, 551, 517, 491]
    >>> survivors = pd.DataFrame({"cohort": "2020", "period": range(1, 8), "at_risk": kept[:-1]})
    >>> found = hold_out(survivors.assign(lost=survivors["at_risk"] - kept[1:]))
    >>> found[["model", "period", "observed", "rate", "inside"]].round(2)
      model  period  observed  rate  inside
    0   sBG       6      0.52  0.51    True
    1   sBG       7      0.49  0.47    True
    2   BdW       6      0.52  0.52    True
    3   BdW       7      0.49  0.49    True
    """
    data, rng = pooled(survivors), np.random.default_rng(seed)
    if _too_little(data):
        return pd.DataFrame(columns=COLUMNS)
    periods, n, lost = data
    known = len(periods) - max(1, len(periods) // 3)
    observed = np.cumprod(1 - lost / n)
    at_risk, drawn = (counts[:, :known] for counts in resampled(survivors, draws, rng))
    rows = []
    for model in FREE:
        theta, _ = maximise(model, periods[:known], n[None, :known], lost[None, :known])
        stay = np.exp(log_stay(theta, periods[known:])[0])
        again, _ = maximise(model, periods[:known], at_risk, drawn, start=theta)
        left = 1 - np.exp(log_stay(again, periods[known:])[0])
        losses = rng.binomial(n[known:].astype(int), left)
        future = observed[known - 1] * np.cumprod(1 - losses / n[known:], axis=1)
        low, high = np.quantile(future, [(1 - level) / 2, (1 + level) / 2], axis=0)
        score = (lost[known:] * np.log1p(-stay[0]) + (n - lost)[known:] * np.log(stay[0])).sum()
        rows.append(pd.DataFrame({
            "model": model, "period": periods[known:].astype(int), "n": n[known:].astype(int),
            "observed": observed[known:], "rate": observed[known - 1] * np.cumprod(stay[0]),
            "low": low, "high": high, "log_score": score}))
    found = pd.concat(rows, ignore_index=True)
    return found.assign(inside=found["observed"].between(found["low"], found["high"]))[COLUMNS]


def project(
    survivors: pd.DataFrame, *, periods: int, level: float = 0.95, draws: int = 200, seed: int = 0
) -> pd.DataFrame:
    """Survival of both models up to a period, with a bootstrap band, if the hold-out allows it.

    The model is chosen by its log-score on the last third of the periods, never by how it fits them. If that
    third is not inside the chosen model's hold-out band, or there are fewer than 4 periods or 50 losses, the
    projection is withheld: `rate, low, high` are NaN and `note` says why. Bands are approximate: they cover
    about nine times in ten.

    Returns
    -------
    DataFrame
        `model, period` (0 to `periods`), `observed` survival and `n` at risk where there is any, `rate, low,
        high`,
        `chosen`, `note`, and `check`: what the chosen model said of the last period held out (that it missed, if any),
        and what was seen.

    Examples
    --------
    >>> kept = [1000, 869, 743, 653, 593, 551, 517, 491]
    >>> survivors = pd.DataFrame({"cohort": "2020", "period": range(1, 8), "at_risk": kept[:-1]})
    >>> found = project(survivors.assign(lost=survivors["at_risk"] - kept[1:]), periods=12)
    >>> found[(found["period"] == 12)][["model", "rate", "low", "high", "chosen"]].round(2)
       model  rate   low  high  chosen
    12   sBG  0.38  0.34  0.42   False
    25   BdW  0.40  0.37  0.44    True
    """
    data, (alpha, rng) = pooled(survivors), (1 - level, np.random.default_rng(seed))
    held = hold_out(survivors, level=level, draws=draws, seed=seed)
    chosen = "" if held.empty else held.sort_values("log_score")["model"].iloc[-1]
    note = _too_little(data) or ("" if held.loc[held["model"] == chosen, "inside"].all() else WITHHELD)
    of_it = held[held["model"] == chosen]
    end = (of_it if of_it["inside"].all() else of_it[~of_it["inside"].astype(bool)]).tail(1)
    said = "Shown the first two thirds, {} said that {:.1%} ({:.1%} to {:.1%}) would be here after period {}; {:.1%} were."
    check = "".join(said.format(NAMES[r["model"]], r["rate"], r["low"], r["high"], r["period"], r["observed"]) for r in end.to_dict("records"))
    ages, (known, n, lost) = np.arange(periods + 1), data
    seen = pd.DataFrame({"n": n, "observed": np.cumprod(1 - lost / n)}, index=known).reindex(ages)
    out = []
    for model in FREE:
        rows = pd.DataFrame({
            "model": model, "period": ages, "n": seen["n"], "observed": seen["observed"], "rate": np.nan,
            "low": np.nan, "high": np.nan, "chosen": model == chosen, "note": note, "check": check})
        if not note:
            theta, _ = maximise(model, known, n[None], lost[None])
            again, _ = maximise(model, known, *resampled(survivors, draws, rng), start=theta)
            rows["rate"] = np.exp(log_survival(theta, ages)[0][0])
            band = np.exp(log_survival(again, ages)[0])
            rows["low"], rows["high"] = np.quantile(band, [alpha / 2, 1 - alpha / 2], axis=0)
        out.append(rows)
    return pd.concat(out, ignore_index=True)


def _too_little(data: tuple[Array, Array, Array]) -> str:
    """Why nothing can be projected at all; empty when something can."""
    periods, _, lost = data
    least, fewest = GATES["projected_periods"].least, GATES["projected_losses"].least
    if len(periods) >= least and lost.sum() >= fewest:
        return ""
    told = ((len(periods), least, "period", "periods"), (int(lost.sum()), fewest, "loss", "losses"))
    few = [f"{counted(n, one, many)}, where {need:g} are needed" for n, need, one, many in told if n < need]
    return f"projection withheld: {'; '.join(few)}"
