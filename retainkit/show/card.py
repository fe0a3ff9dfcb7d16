"""The scorecard and the goals as people read them: every number with the digits it supports, and in a word what may be said of it."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from retainkit.errors import counted
from retainkit.estimate.smalln import AFTER, GATES, TOLD, in_words, judge, written
from retainkit.metrics.changes import NEWS
from retainkit.metrics.line import group_keys
from retainkit.show.words import missing

SHOWN = ["goal", "target", "by", "before", "since then", "the straight path is at", "status", "to be able to tell"]


def card_table(card: pd.DataFrame, *, unit: str = "", goals: pd.DataFrame | None = None) -> pd.DataFrame:
    """The table of `scorecard` in words.

    Parameters
    ----------
    card
        What `scorecard` returned.
    unit
        Written before amounts of money.
    goals
        What `goals` returned: those set for everybody get a column of their own, where there is one for any of these numbers.

    Returns
    -------
    DataFrame
        A row a number: `number` (its short name), `now` with its 95 % interval, or that alone where it is wide, `n`, `a month ago`, `a year ago`,
        `news or noise`, `goal` (target and status) where there are goals.

    Examples
    --------
    >>> card = pd.DataFrame([{"label": "closed deals that were won", "kind": "proportion", "value": 0.296, "low": 0.279, "high": 0.313, "n": 2698,
    ...                       "month_ago": 0.295, "year_ago": float("nan"), "news": "news: lower than chance explains (31.0% to 43.5%)",
    ...                       "month": "2026-10", "month_value": 0.2, "month_n": 130, "noise_low": 0.31, "noise_high": 0.435}])
    >>> [str(cell) for cell in card_table(card).iloc[0, 1:]]
    ['30% (28%–31%)', '2698', '30%', '–', 'NEWS: 20% in Oct 2026 (n = 130), usual is 31%–44%']
    """
    rows = [_row(row, unit) for row in card.to_dict("records")]
    table = pd.DataFrame(rows, columns=["number", "now", "n", "a month ago", "a year ago", "news or noise"])
    if goals is None or goals.empty:
        return table
    whole = goals[goals["group"] == ""]
    words = [f"{row['target']}: {status}" for row, status in zip(goal_table(whole, unit=unit).to_dict("records"), whole["status"], strict=True)]
    said = {(str(g["metric"]), _days(g["horizon_days"])): text for g, text in zip(whole.to_dict("records"), words, strict=True)}
    mine = [said.get((str(m), _days(h)), "–") for m, h in zip(card["metric"], card["horizon_days"], strict=True)]
    return table.assign(goal=mine) if set(mine) != {"–"} else table


def card_numbers(card: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The scorecard's numbers by metric, as `record` takes them: what is not reached within its horizon is not known.

    Examples
    --------
    >>> card = pd.DataFrame([{"metric": "next_purchase.share", "group": "k=2", "horizon_days": 365.0, "value": 0.7, "low": 0.6, "high": 0.8, "n": 90, "too_young": 5, "note": ""}])
    >>> card_numbers(card)["next_purchase.share"].values.tolist()
    [[365.0, 0.7, 0.6, 0.8, 90, 5, '', '2']]
    """
    numbers = ["horizon_days", "value", "low", "high", "n", "too_young", "note"]
    known = card.assign(**{name: card[name].where(card[name].abs() != math.inf) for name in ("value", "low", "high")})
    return {str(metric): part[numbers].assign(**group_keys(part["group"].iloc[0])) for metric, part in known.groupby("metric", sort=False)}


def _days(horizon: float) -> str:
    """A horizon as a goal names it."""
    return "" if missing(horizon) else str(int(horizon))


def _row(row: dict[Any, Any], unit: str) -> dict[str, Any]:
    """One number in words."""
    told, of = (row["value"], row["low"], row["high"], int(row["n"])), {"at_risk": row.get("at_risk"), "kind": row["kind"]}
    half, known = (row["high"] - row["low"]) / 2, judge(*told, **of) in TOLD
    earlier = [_like(row[name], half, row["kind"], unit) if known else "–" for name in ("month_ago", "year_ago")]
    never = math.isinf(row["low"]) and row["n"] >= GATES["customers_shown"].least
    now = f"not within {row['horizon_days']:.0f} days" if never else in_words(*told, **of, unit=unit, form="cell")
    now = f"{now}, {row['note']}" if row.get("note") and math.isfinite(row["value"]) else now
    return {"number": str(row["label"]).partition(":")[0], "now": now, "n": int(row["n"]), "a month ago": earlier[0],
            "a year ago": earlier[1], "news or noise": _news(row, unit)}


def _like(value: float, half: float, kind: str, unit: str, after: str = "") -> str:
    """Another value with the digits of one that is known to within `half`; of one that is not, with about two."""
    if missing(value) or math.isinf(value):
        return "–" if missing(value) else "not reached"
    return written(float(value), half if math.isfinite(half) else abs(value) / 10, kind, unit) + after


def _news(row: dict[Any, Any], unit: str) -> str:
    """News, noise or neither, with the newest month and what is usual; of a survey, what chance makes of the score before it."""
    if missing(row["noise_low"]):
        return "not judged"
    low, high = float(row["noise_low"]), float(row["noise_high"])
    half = min((high - low) / 6 if math.isfinite(high) else low, low / 2 if row["kind"] == "money" and low > 0 else high)
    value, bottom, top = (
        written(float(row[name]), half, row["kind"], unit) if math.isfinite(row[name]) else ""
        for name in ("month_value", "noise_low", "noise_high")
    )
    word = "NEWS" if str(row["news"]).startswith(NEWS) else "noise"
    if row["kind"] == "score":
        return f"{word}: {value} in {row['month']}, chance after the survey before is {bottom} to {top}"
    usual = f"{bottom}–{top}" if math.isfinite(high) else f"{bottom} or more"
    n = f" (n = {row['month_n']:,.0f})" if row["month_n"] == row["month_n"] else ""
    return f"{word}: {value if math.isfinite(row['month_value']) else 'nobody came'} in {pd.Timestamp(row['month']):%b %Y}{n}, usual is {usual}"


def goal_table(goals: pd.DataFrame, *, unit: str = "") -> pd.DataFrame:
    """The table of `goals` in words.

    Parameters
    ----------
    goals
        What `retainkit.goals` returned.
    unit
        Written before amounts of money.

    Returns
    -------
    DataFrame
        A row a goal: `goal`, `target`, `by`, `before`, `since then` (with its interval and n), `the straight path is at`, `status`,
        `to be able to tell` (customers, answers or deals still needed, and months at the pace so far; nothing once it is told).

    Examples
    --------
    >>> row = {"label": "customers lost in a month", "group": "", "kind": "proportion", "target": 0.015, "by": "2026-12-31", "baseline": 0.0199,
    ...        "baseline_low": 0.0169, "baseline_high": 0.0234, "value": 0.019, "low": 0.0155, "high": 0.0232, "n": 4800, "path": 0.0175,
    ...        "status": "cannot tell", "n_more": 2100.0, "unit": "customer-months", "months_more": 3.2, "note": "short of the straight path, but not by more than chance"}
    >>> goal_table(pd.DataFrame([row])).iloc[0].tolist()[1:]
    ['1.5%', '2026-12-31', '2.0% (1.7%–2.3%)', '1.9% (1.6%–2.3%), n = 4,800', '1.8%', 'cannot tell: short of the straight path, but not by more than chance', '2,100 more customer-months, about 4 months']
    """
    return pd.DataFrame([_goal(row, unit) for row in goals.to_dict("records")], columns=SHOWN)


def _goal(row: dict[Any, Any], unit: str) -> dict[str, str]:
    """One goal in words."""
    half = (row["high"] - row["low"]) / 2
    half = half if math.isfinite(half) and half > 0 else (row["baseline_high"] - row["baseline_low"]) / 2
    target, path = (_like(row[name], half, row["kind"], unit, AFTER.get(row["kind"], "")) for name in ("target", "path"))
    if row["kind"] in ("proportion", "survival", ""):  # the digits of a target are the user's own
        target = f"{row['target'] * 100:g}%" if row["kind"] else f"{row['target']:g}"
    now = _said(row, "value", "low", "high", int(row["n"]), unit)
    return {
        "goal": row["label"] + (f" ({', '.join(group_keys(row['group']).values())})" if row["group"] else ""),
        "target": target,
        "by": str(row["by"]),
        "before": _said(row, "baseline", "baseline_low", "baseline_high", int(GATES["customers_full"].least), unit),
        "since then": f"{now}, n = {int(row['n']):,}" if row["n"] >= GATES["customers_shown"].least else now,
        "the straight path is at": path,
        "status": f"{row['status']}: {row['note'].split(';')[0]}" if row["note"] else row["status"],
        "to be able to tell": _more(row),
    }


def _said(row: dict[Any, Any], value: str, low: str, high: str, n: int, unit: str) -> str:
    """An estimate and its ends."""
    if not row["kind"] or (row["status"] == "not yet set" and value == "value"):
        return "–"
    return in_words(row[value], row[low], row[high], n, kind=row["kind"], unit=unit, form="cell") if n else "not known yet"


def _more(row: dict[Any, Any]) -> str:
    """What it still takes."""
    if not row["kind"] or row["status"] == "not yet set":
        return "–"
    if row["status"] in ("reached", "no visible change", "behind"):
        return "nothing"
    if missing(row["n_more"]):
        return "not known"
    if math.isinf(row["n_more"]):
        return "no number is enough: the time before is too uncertain"
    if row["n_more"] <= 0:
        return "time only: not all of the change is due yet"
    months = "" if missing(row["months_more"]) or math.isinf(row["months_more"]) else f", about {counted(math.ceil(row['months_more']), 'month')}"
    return f"{row['n_more']:,.0f} more {row['unit']}{months}"
