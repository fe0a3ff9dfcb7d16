"""Winning and churn of every rep on one map: how sure it is that somebody wins more and loses more than the company does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from retainkit.estimate.case_mix import expected_wins, wins_by_rep
from retainkit.estimate.funnel import OVERDISPERSED, binomial_limits, dispersion, places, z_scores
from retainkit.estimate.intervals import benjamini_hochberg
from retainkit.estimate.rep_model import QUADRANTS, joint_rep_model, rep_words, too_few_for_rho
from retainkit.estimate.smalln import GATES
from retainkit.load.shop import Shop
from retainkit.metrics.deals import TOO_NEW, WITHIN_DAYS, account_clustering, win_rate, win_rate_withheld
from retainkit.metrics.reps import STRATA, coded, departed, expected_losses, rep_churn, rep_churn_withheld
from retainkit.tally import UNKNOWN, tally

_COLUMNS = ["rep", "words", "p_joint", "p_win_only", "p_churn_only", "p_neither", "n", "won", "expected_won", "rate", "low", "high",
            "odds_ratio", "or_low", "or_high", "or_low80", "or_high80", "observed", "expected", "hazard_ratio", "hr_low", "hr_high",
            "hr_low80", "hr_high80", "win_q", "churn_q", "self_share", "departed", "note"]
_COMPANY = ["quantity", "value", "low", "high", "p_positive", "note"]


class RepMap(NamedTuple):
    """What `rep_map` returns.

    Attributes
    ----------
    reps
        A row a rep; see `rep_map`.
    company
        A row a quantity: `quantity`, `value`, `low`, `high`, `p_positive`, `note`. Of the model: `win_rate`, `s_u`, `s_v`, `rho`. Variances
        over what chance gives (1), where they can be known: of reps' wins and of their churn (`spread_wins`,
        `spread_churn`), of the deals of one account (`clustering`).
    withheld
        Why the joint map cannot be drawn; empty when it can.
    notes
        What must be printed beside it: what was adjusted for and how, thresholds, clustering, spread between reps.
    """

    reps: pd.DataFrame
    company: pd.DataFrame
    withheld: str
    notes: list[str]


def rep_map(
    shop: Shop, *, days: int = WITHIN_DAYS, by: Sequence[str] = STRATA, odds: float = 1.1, hazard: float = 1.25,
    review: float = 0.80, watch: float = 0.50, reps: str = "names",
) -> RepMap:
    """Each rep's win odds and churn hazard against the other reps', and the probability that both are high.

    Wins: deals opened at least `days` days ago; what is still open was not won; an account counts once a quarter. Churn: as
    in `rep_churn`. A rep is set against the others on the same segments and sources: its own deals and losses are taken
    out of what is expected of it. Left out: younger deals. A rep known on one side only is placed on the other by how the
    company's reps differ. High wins and high churn can come from accounts nobody coded, product fit, territory or
    onboarding: they are a reason to read deals, not evidence of misconduct. A rep who left is never flagged.

    Parameters
    ----------
    shop
        The shop.
    days
        How old a deal must be to count.
    by
        What both sides are adjusted for.
    odds, hazard
        "High" is an odds ratio of winning above the first and a hazard ratio of churn above the second.
    review, watch
        Probabilities of both from which the words say so.
    reps
        "names" or "codes".

    Returns
    -------
    RepMap
        `reps`: `rep, words, p_joint, p_win_only, p_churn_only, p_neither, n, won, expected_won, rate, low, high` (shrunk
        win rate), `odds_ratio, or_low, or_high, or_low80, or_high80, observed, expected, hazard_ratio, hr_low, hr_high,
        hr_low80, hr_high80, win_q, churn_q` (Benjamini-Hochberg, one-sided), `self_share, departed, note`. Of a rep with fewer
        than 10 such deals, or less than one expected loss, the four probabilities are not known (`note` says why).

    Notes
    -----
    Joint bivariate model on grids; see `retainkit.estimate.rep_model`. Intervals are widened for deals of one account going
    together (`account_clustering`), never for reps who differ from each other: the model has that spread already, and to
    take it for noise would hide the reps it looks for.
    """
    wins, withheld = _expected(shop, days, by)
    if wins is None:
        return RepMap(pd.DataFrame(columns=_COLUMNS), pd.DataFrame(columns=_COMPANY), withheld, [])
    crude = wins_by_rep(wins).set_index("rep")
    churn = rep_churn(shop, by=by).set_index("rep")
    clustering = account_clustering(shop)
    over = {
        "spread_wins": dispersion(crude["z"]),
        "spread_churn": dispersion(z_scores(churn["observed"].astype(float), churn["expected"].astype(float))),
        "clustering": clustering,
    }
    model = joint_rep_model(wins, expected_losses(shop, by=by), odds=odds, hazard=hazard, win_phi=_widening(clustering))
    table = model.reps.set_index("rep").assign(
        expected_won=crude["expected"], win_q=pd.Series(benjamini_hochberg(crude["p_high"]), index=crude.index),
        churn_q=churn["q"], self_share=churn["self_share"], note=churn["note"]).reset_index()
    few = {f"no probability: less than {GATES['expected_losses'].least:g} expected loss": table["expected"] < GATES["expected_losses"].least,
           f"no probability: fewer than {GATES['closed_deals'].least:g} deals": table["n"] < GATES["closed_deals"].least}
    table.loc[np.any([*few.values()], axis=0), QUADRANTS] = np.nan
    notes = [[why for why, short in few.items() if short[i]] + [note] * bool(note) for i, note in enumerate(table["note"].fillna(""))]
    table = table.assign(departed=table["rep"].isin(departed(shop)), note=["; ".join(note) for note in notes])
    table["words"] = [
        rep_words(r["p_joint"], observed=r["observed"], expected=r["expected"], n_closed=r["n"], left=r["departed"], review=review, watch=watch)
        for r in table.to_dict("records")]
    company = pd.concat([model.company, pd.DataFrame({"quantity": over.keys(), "value": over.values(), "note": ""}).dropna()], ignore_index=True)
    return RepMap(
        coded(table, reps)[_COLUMNS],
        company,
        withheld or model.withheld,
        _notes(wins, by, over, (odds, hazard, review, watch), rep_churn_withheld(shop) == ""),
    )


def rep_correlation(shop: Shop, *, days: int = WITHIN_DAYS, by: Sequence[str] = STRATA) -> pd.DataFrame:
    """How far winning and losing go together over the reps of a company: the `rho` of `rep_map`, without the map.

    Who is left out is as in `rep_map`.

    Returns
    -------
    DataFrame
        One row: `value`, `low`, `high`, `p_positive`, `note`, `n` (reps), `withheld` (why the map cannot be drawn; empty when it can).
    """
    wins, withheld = _expected(shop, days, by)
    if wins is None:
        return pd.DataFrame([{**dict.fromkeys(_COMPANY[1:-1], np.nan), "note": "", "n": 0, "withheld": withheld}])
    model = joint_rep_model(wins, expected_losses(shop, by=by), win_phi=_widening(account_clustering(shop)), each=False)
    rho = model.company[model.company["quantity"] == "rho"].drop(columns="quantity")
    return rho.assign(n=len(model.reps), withheld=withheld or model.withheld).reset_index(drop=True)


def rep_correlations(shop: Shop, *, found: RepMap, days: int = WITHIN_DAYS, by: Sequence[str] = STRATA) -> pd.DataFrame:
    """How far winning and losing go together over the reps: in the whole company, and within each segment.

    A correlation over reps says nothing about a single deal, and over everybody it can come from what reps sell to whom:
    within a segment it cannot. Left out, with a note: segments in which fewer than 10 reps have 2 expected losses, and
    those without deals or contracts; deals whose segment is not known.

    Parameters
    ----------
    shop
        The shop.
    found
        What `rep_map` found of the whole company.
    days, by
        As in `rep_map`.

    Returns
    -------
    DataFrame
        A row for everybody, whose `segment` is empty, and a row a segment: `segment, value, low, high, n, p_positive, note`; `n` counts reps.
    """
    rest = [column for column in by if column != "segment"]
    rows = [found.company[found.company["quantity"] == "rho"].assign(segment=None, n=len(found.reps))]
    segments = set(tally(shop, "reps_wins", days=days)["segment"]) - {UNKNOWN}
    for segment in sorted(segments):
        within = shop.only(segment=str(segment))
        expected = expected_losses(within, by=rest).groupby("rep")["expected"].sum()
        few = too_few_for_rho(expected)
        company = pd.DataFrame([{"n": len(expected), "note": few}]) if few else rep_correlation(within, days=days, by=rest)
        rows.append(company.assign(segment=segment))
    return pd.concat(rows, ignore_index=True).reindex(columns=["segment", "value", "low", "high", "n", "p_positive", "note"])


def win_funnel(shop: Shop, *, by: str = "rep", reps: str = "names", level: float = 0.95) -> pd.DataFrame:
    """Closed-only win rate of each rep beside the lines between which a rep of average rate lies 95 and 99.8 % of the time.

    Left out: open deals, as in `win_rate`. Not adjusted for segments or sources: `rep_map` is.

    Returns
    -------
    DataFrame
        As `win_rate`, with `expected_rate` (the company's), `low998`, `low95`, `high95`, `high998`, `z`, `phi`
        (how much an account's deals go together; above 1.3 it widens the lines) and `place` (`above`, `below` the 95 %
        lines, `far above`, `far below` the
        99.8 % lines, `inside`, or `too few` where fewer than 10 deals are closed); of reps, whether they have `departed`.
    """
    table = win_rate(shop, by=by, level=level)
    if table.empty:
        return table.reindex(columns=[*table.columns, "expected_rate", "low998", "low95", "high95", "high998", "z", "phi", "place", "departed"])
    n = table["n"].astype(int)
    overall = float(table["won"].sum() / n.sum())
    z = z_scores(table["won"], n * overall, variance=n * overall * (1 - overall))
    phi = _widening(account_clustering(shop, by=by))
    lines = binomial_limits(n, p0=overall, phi=phi).drop(columns="n")
    table = pd.concat([table, lines], axis=1).assign(expected_rate=overall, z=z, phi=phi)
    table["place"] = places(table["rate"], table, few=n < GATES["closed_deals"].least)
    return coded(table.assign(departed=table["rep"].isin(departed(shop))), reps) if by == "rep" else table


def _expected(shop: Shop, days: int, by: Sequence[str]) -> tuple[pd.DataFrame | None, str]:
    """The wins expected of deals that are old enough, none where a win rate would be wrong, and what else is withheld;
    None where nothing can be said.
    """
    reasons = [win_rate_withheld(shop, by="rep"), rep_churn_withheld(shop)]
    withheld = " and ".join(filter(None, reasons))
    if all(reasons):
        return None, withheld
    cells = tally(shop, "reps_wins", days=days).rename(columns={"deals": "n"}).astype({"won": int, "n": int})
    wins = expected_wins(cells.iloc[:0] if reasons[0] else cells, by=by)
    nobody = wins.empty and (not withheld or expected_losses(shop, by=by).empty)
    return (None, withheld or TOO_NEW.format(days)) if nobody else (wins, withheld)


def _widening(clustering: float) -> float:
    """The clustering of an account's deals, where it is worth widening for; else 1."""
    return clustering if clustering > OVERDISPERSED else 1.0


def _notes(wins: pd.DataFrame, by: Sequence[str], over: dict[str, float], cuts: tuple[float, float, float, float], churn: bool) -> list[str]:
    """What a reader must know of how the map was made."""
    how = wins["method"].iloc[0] if len(wins) else "strata"
    known = [column for column in by if len(wins) and wins[column].nunique() > 1]
    odds, hazard, review, watch = cuts
    of_wins, of_churn, clustering = over.values()
    together = f"go together, so win intervals are {clustering**0.5:.2f} times as wide" if clustering > OVERDISPERSED else "hardly go together"
    mix, time = f"{', '.join(known) or 'nothing'} ({how})", "each account's time under contract; for nothing else"
    adjusted = (f"churn is adjusted for {', '.join(by)} and {time}" if wins.empty else f"adjusted for {mix}, and churn for {time}" if churn else
                f"win odds, in the table further down, are adjusted for {mix}; the funnel, and win rates, for nothing")
    told = [adjusted, f"high means win odds over {odds:g} and churn hazard over {hazard:g} times the company's; "
                      f"review from {review:.0%}, watch from {watch:.0%}"]
    if clustering == clustering:
        told.append(f"deals of one account {together} (variance {clustering:.2f} times that of independent deals)")
    if not np.isnan(of_wins + of_churn):
        told.append(f"were all reps alike, chance would still spread them: they are spread (variance) {of_wins:.2f} times as far "
                    f"in wins, {of_churn:.2f} times in churn")
    return told
