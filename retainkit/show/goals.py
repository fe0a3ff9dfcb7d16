"""Goals as people read them: where they were, where they are, and what it takes to be able to tell."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from retainkit.errors import counted
from retainkit.estimate.smalln import AFTER, GATES, in_parts, written
from retainkit.show.words import missing

SHOWN = ["goal", "target", "by", "before", "since then", "the straight path is at", "status", "to be able to tell"]


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
    ['1.5%', '2026-12-31', '2.0% (1.7%–2.3%)', '1.9% (1.6%–2.3%), n 4,800', '1.8%', 'cannot tell: short of the straight path, but not by more than chance', '2,100 more customer-months, about 4 months']
    """
    return pd.DataFrame([_row(row, unit) for row in goals.to_dict("records")], columns=SHOWN)


def _row(row: dict[Any, Any], unit: str) -> dict[str, str]:
    """One goal in words."""
    half = (row["high"] - row["low"]) / 2
    half = half if math.isfinite(half) and half > 0 else (row["baseline_high"] - row["baseline_low"]) / 2
    after = AFTER.get(row["kind"], "")

    def like(value: float) -> str:
        return "–" if missing(value) else written(float(value), half if math.isfinite(half) else abs(value) / 10, row["kind"], unit) + after

    # the digits of a target are the user's own
    target = f"{row['target'] * 100:g}%" if row["kind"] in ("proportion", "survival") else like(row["target"]) if row["kind"] else f"{row['target']:g}"
    now = _said(row, "value", "low", "high", int(row["n"]), unit)
    return {"goal": row["label"] + (f" ({row['group']})" if row["group"] else ""), "target": target, "by": str(row["by"]),
            "before": _said(row, "baseline", "baseline_low", "baseline_high", int(GATES["customers_full"].least), unit),
            "since then": f"{now}, n {int(row['n']):,}" if row["n"] >= GATES["customers_shown"].least else now, "the straight path is at": like(row["path"]),
            "status": f"{row['status']}: {row['note'].split(';')[0]}" if row["note"] else row["status"], "to be able to tell": _more(row)}


def _said(row: dict[Any, Any], value: str, low: str, high: str, n: int, unit: str) -> str:
    """An estimate and its ends."""
    if not row["kind"]:
        return "–"
    said, middle, bottom, top = in_parts(float(row[value]), float(row[low]), float(row[high]), n, kind=row["kind"], unit=unit)
    if said in ("hidden", "unknown"):
        return "too few" if said == "hidden" and n else "not known yet"
    return f"{middle} ({bottom}–{top})" if middle else f"{bottom} to {top}"


def _more(row: dict[Any, Any]) -> str:
    """What it still takes."""
    if not row["kind"]:
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
