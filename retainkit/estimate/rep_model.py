"""Win rate and churn of every rep together: counts by rep in, shrunk ratios and quadrant probabilities out.

Deals: logit P(won) = offset + u. Churn: lost ~ Poisson(expected * exp(v)). What is expected of a rep was counted with
the rep's own deals and losses in it, which draws every ratio to one: both likelihoods are therefore of the rep against
the others, given what the stratum won and lost (for churn a partial likelihood, Cox 1975). Over the reps (u, v) is
bivariate normal, with means, spreads and a correlation rho that are estimated too. Everything is a sum over a grid:
no sampling, no seed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit

from retainkit.estimate.intervals import Array
from retainkit.estimate.rep_grid import Fit, LogLik, Posterior, along, centres, fit_grid, posterior, quantiles
from retainkit.estimate.smalln import GATES, short_of

ESTIMATES = ["value", "low", "high", "p_positive"]
QUADRANTS = ["p_joint", "p_win_only", "p_churn_only", "p_neither"]
REVIEW, WATCH, UNKNOWN = "review the deals of this rep", "watch, not enough evidence", "cannot tell yet"
EXPECTED_FOR_RHO = 2.0


class RepModel(NamedTuple):
    """What `joint_rep_model` returns; `withheld` says why the joint map cannot be drawn, if it cannot."""

    reps: pd.DataFrame
    company: pd.DataFrame
    withheld: str


def joint_rep_model(
    deals: pd.DataFrame,
    churn: pd.DataFrame,
    *,
    odds: float = 1.1,
    hazard: float = 1.25,
    win_phi: float = 1.0,
    each: bool = True,
) -> RepModel:
    """Odds ratio of winning and hazard ratio of churn for every rep, shrunk, and the chance that both are
    high.

    Nobody is left out: a rep known on one side only is placed on the other by the company's own spread and
    correlation. Where the company has no information on one side at all, that side and all joint quantities
    are NaN and `withheld` says why. The ratios compare a rep with the others of the company: where everybody
    over-sells nobody stands out.

    Parameters
    ----------
    deals
        `rep`, `offset` (expected log-odds of winning), `won`, `n`: one row per rep and stratum.
    churn
        `rep`, `observed` (accounts lost), `expected`: one row per rep and stratum, or per rep.

        Either may have `own`, as `expected_wins` and `expected_churn` return it: how far what is expected rests on the
        rep's own rows. Without it, on others only.
    odds, hazard
        "High" means an odds ratio above the first, a hazard ratio above the second.
    win_phi
        Over-dispersion: the deals count as 1 / phi of themselves, so that intervals widen by about sqrt(phi).
    each
        False leaves the reps' own estimates out, which take most of the time: `reps` are counts only.

    Returns
    -------
    RepModel
        `reps`: `rep, n, won, observed, expected`; shrunk win rate at the rep's own mix `rate, low, high`;
        posterior medians `odds_ratio`, `hazard_ratio` with 95 % `or_low, or_high, hr_low, hr_high` and 80 %
        `or_low80, ...`;
        `p_joint` (both high), `p_win_only, p_churn_only, p_neither`, which sum to 1.
        `company`: `quantity` (`win_rate` of a rep in the middle, `s_u`, `s_v`, `rho`), posterior mean
        `value`, 95 %
        `low, high`, `p_positive`, `note`. `rho` is NaN, with a note, unless 10 reps have 2 expected losses.

    Examples
    --------
    >>> deals = pd.DataFrame({"rep": ["ann", "bob", "cy"], "offset": -0.74, "won": [62, 30, 24], "n": 120})
    >>> churn = pd.DataFrame({"rep": deals["rep"], "observed": [24, 6, 5], "expected": [14.0, 11.0, 10.0]})
    >>> joint_rep_model(deals, churn).reps[["rep", "odds_ratio", "hazard_ratio", "p_joint"]].round(2)
       rep  odds_ratio  hazard_ratio  p_joint
    0  ann        2.05          1.55     0.83
    1  bob        0.72          0.69     0.00
    2   cy        0.57          0.64     0.00
    """
    counts, table = _read(deals, churn)
    blind = _blind(table)
    sides = [_of_deals(table, counts, deals, win_phi), _of_losses(table, churn)]
    fit = fit_grid(sides, [not why for why in blind])
    reps, company = table.copy(), _company(fit, counts, table)
    if each:
        found = posterior(fit, cut_u=np.log(odds), cut_v=np.log(hazard))
        ratios = _ratios(found, fit)
        reps = pd.concat([table, _rates(found, fit, counts, ratios), ratios], axis=1)
    _hide(reps, company, blind)
    reasons = " and ".join(dict.fromkeys(why for why in blind if why))
    return RepModel(reps, company, f"the joint map cannot be drawn: {reasons}" if reasons else "")


def rep_words(
    p_joint: float,
    *,
    observed: float,
    expected: float,
    n_closed: float,
    left: bool = False,
    review: float = 0.80,
    watch: float = 0.50,
) -> str:
    """What the page says of a rep: review, watch, cannot tell yet, or nothing.

    A rep who left is never flagged. Too few closed deals or expected losses, or no joint probability: cannot
    tell. A probability that would call for a review, on too few observed or expected losses for a flag, is a
    watch. How many are too few says `retainkit.estimate.smalln`.

    Examples
    --------
    >>> rep_words(0.9, observed=12, expected=6.1, n_closed=80)
    'review the deals of this rep'
    >>> rep_words(0.9, observed=2, expected=1.1, n_closed=80)
    'watch, not enough evidence'
    """
    if left:
        return ""
    if np.isnan(p_joint) or short_of({"expected_losses": expected, "closed_deals": n_closed}):
        return UNKNOWN
    if p_joint >= review and not short_of({"flag_observed": observed, "flag_expected": expected}):
        return REVIEW
    return WATCH if p_joint >= watch else ""


def _read(deals: pd.DataFrame, churn: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Closed deals by rep (rows) and offset (columns), and one row of totals for each rep of either table."""
    inside = deals.assign(offset=deals["offset"].clip(-30, 30))  # a stratum nobody won, or lost, says nothing
    counts = inside.pivot_table(index="rep", columns="offset", values="n", aggfunc="sum", fill_value=0)
    totals = [deals.groupby("rep")[["n", "won"]].sum(), churn.groupby("rep")[["observed", "expected"]].sum()]
    table = pd.concat(totals, axis=1).fillna(0.0).sort_index().rename_axis("rep").reset_index()
    return counts.reindex(table["rep"], fill_value=0).astype(float), table


def _blind(table: pd.DataFrame) -> tuple[str, str]:
    """Why nothing can be said of winning, and of churn; empty strings when something can."""
    if len(table) < 2:
        return ("it takes two reps to compare",) * 2
    n, won = table["n"].sum(), table["won"].sum()
    win = "no deal was closed" if n == 0 else "every deal was lost" if won == 0 else ""
    churn = "" if table["observed"].sum() else "no account of these reps has been lost yet"
    return "every deal was won" if won == n > 0 else win, churn


def _of_deals(table: pd.DataFrame, counts: pd.DataFrame, deals: pd.DataFrame, phi: float) -> LogLik:
    """Binomial log-likelihood of each rep's deals over all strata, given what the strata won, up to a constant.

    A rep with a share c of the information moves the strata's log-odds by -c u, and so stands (1 - c) u above them.
    """
    n, offsets, won = counts.to_numpy(), counts.columns.to_numpy(dtype=float), table[["won"]].to_numpy()
    spread = deals["n"] * expit(deals["offset"]) * expit(-deals["offset"])
    sums = deals.assign(spread=spread, own=deals.get("own", 0.0)).groupby("rep")[["own", "spread"]].sum().reindex(table["rep"])
    shares = _share(sums["own"], sums["spread"])

    def log_lik(u: Array) -> Array:
        out = np.empty((len(table), len(u)))
        for share in np.unique(shares):
            mine, w = shares == share, (1 - share) * u
            out[mine] = (won[mine] * w - n[mine] @ np.logaddexp(0, offsets[:, None] + w)) / (1 - share)
        return out / phi

    return log_lik


def _of_losses(table: pd.DataFrame, churn: pd.DataFrame) -> LogLik:
    """Log-likelihood of each rep's losses given those of the strata, up to a constant: was it the rep's, or another's.

    A rep's shares of the accounts at risk are taken for equal within a stratum, at the value that gives the right slope
    and curvature where v is zero.
    """
    rows = churn.assign(share=_share(churn.get("own", 0 * churn["expected"]), churn["expected"]))
    expected = rows.pivot_table(index="rep", columns="share", values="expected", aggfunc="sum", fill_value=0).reindex(table["rep"], fill_value=0)
    weight, shares, observed = expected.to_numpy(dtype=float), expected.columns.to_numpy(dtype=float)[:, None], table[["observed"]].to_numpy()
    return lambda v: observed * v - weight @ (np.log1p(shares * np.expm1(v)) / shares)


def _share(own: pd.Series, of: pd.Series) -> Array:
    """One in terms of the other to a thousandth (never 0 or 1: the formulas divide by both ends)."""
    part = np.divide(own, of, out=np.zeros(len(of)), where=of.to_numpy(dtype=float) > 0)
    return np.clip(np.round(np.asarray(part, dtype=float), 3), 1e-9, 1 - 1e-9)


def _ratios(found: Posterior, fit: Fit) -> pd.DataFrame:
    """Medians, 95 and 80 % intervals of both ratios, and the four quadrants."""
    out: dict[str, Array] = {}
    for name, short, margin, weights in (
        ("odds_ratio", "or", fit.margins[0], found.u), ("hazard_ratio", "hr", fit.margins[1], found.v)
    ):
        columns = [name, f"{short}_low", f"{short}_high", f"{short}_low80", f"{short}_high80"]
        limits = np.exp(quantiles(margin, weights, (0.5, 0.025, 0.975, 0.1, 0.9)))
        out |= dict(zip(columns, limits.T, strict=True))
    both, win, lost = found.both_high, found.win_high, found.churn_high
    quadrants = (both, win - both, lost - both, found.neither)
    return pd.DataFrame(out | dict(zip(QUADRANTS, quadrants, strict=True)))


def _rates(found: Posterior, fit: Fit, counts: pd.DataFrame, ratios: pd.DataFrame) -> pd.DataFrame:
    """Each rep's win rate at the rep's own mix of strata: posterior mean and 95 % interval."""
    n, offsets = counts.to_numpy(), counts.columns.to_numpy(dtype=float)
    closed = n.sum(axis=1, keepdims=True)
    mix = n / np.where(closed > 0, closed, np.nan)
    rate = (mix * (found.u @ expit(offsets + fit.margins[0].effects[:, None]))).sum(axis=1)
    limits = np.log(ratios[["or_low", "or_high"]].to_numpy())
    low, high = ((mix * expit(offsets + limits[:, [side]])).sum(axis=1) for side in (0, 1))
    return pd.DataFrame({"rate": rate, "low": low, "high": high})


def _company(fit: Fit, counts: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Posterior mean and 95 % interval of the hyper-parameters that the page shows."""
    offsets, n = counts.columns.to_numpy(dtype=float), counts.to_numpy().sum(axis=0)
    rows = []
    for quantity, axis in (("win_rate", 0), ("s_u", 1), ("s_v", 4), ("rho", 2)):
        edges, weights = fit.edges[axis], along(fit.weights, axis)
        up_to = np.concatenate([[0], np.cumsum(weights)])
        points = np.append(np.interp((0.025, 0.975), up_to, edges), centres(edges))
        if quantity == "win_rate":
            points = expit(offsets[:, None] + points).T @ n / max(n.sum(), 1)
        rows.append([quantity, points[2:] @ weights, points[0], points[1], 1 - np.interp(0, edges, up_to)])
    company = pd.DataFrame(rows, columns=["quantity", *ESTIMATES]).assign(note="")
    if why := too_few_for_rho(table["expected"]):
        company.loc[3, "note"] = why
        company.loc[3, ESTIMATES] = np.nan
    company.loc[company["quantity"] != "rho", "p_positive"] = np.nan
    return company


def too_few_for_rho(expected: pd.Series) -> str:
    """Why there is no correlation over reps with these expected losses; empty where enough of them have enough.

    >>> too_few_for_rho(pd.Series([2.5, 1.0]))
    'only 1 rep has 2 expected losses; 10 are needed'
    """
    able, needed = int((expected >= EXPECTED_FOR_RHO).sum()), GATES["correlated_reps"].least
    who = f"{f'only {able}' if able else 'no'} rep{'s have' if able > 1 else ' has'}"
    return "" if able >= needed else f"{who} {EXPECTED_FOR_RHO:g} expected losses; {needed:g} are needed"


def _hide(reps: pd.DataFrame, company: pd.DataFrame, blind: tuple[str, str]) -> None:
    """Blank, in place, what the data cannot say."""
    for why, prefixes, quantities in (
        (blind[0], ("odds_ratio", "or_", "rate", "low", "high"), ["win_rate", "s_u"]),
        (blind[1], ("hazard_ratio", "hr_"), ["s_v"]),
    ):
        if why:
            reps.loc[:, reps.columns.str.startswith(prefixes) | reps.columns.isin(QUADRANTS)] = np.nan
            hidden = company["quantity"].isin([*quantities, "rho"])
            company.loc[hidden, ESTIMATES] = np.nan
            company.loc[hidden, "note"] = why
