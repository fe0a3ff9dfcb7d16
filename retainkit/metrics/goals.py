"""Goals that were set, and what may be said of each: reached, on the way, behind, no visible change, cannot tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from difflib import get_close_matches
from typing import Any

import pandas as pd

from retainkit.errors import BadValueError, listed, one_of
from retainkit.estimate.goals import Found, standing
from retainkit.estimate.intervals import wilson
from retainkit.load.shop import GROUPS_OF_CUSTOMERS, Shop
from retainkit.load.stated import Record, goals_stated
from retainkit.metrics.line import Headline, Maker, group_keys, lacking
from retainkit.metrics.scorecard import MAKERS, lines
from retainkit.resources import names_in

MONTH = 365.25 / 12
NEVER = "the time before is too uncertain for a change this small to be told from it, however many customers come"
NOT_YET = "not yet set"
THERE = "it was there when it was set"
COLUMNS = ["metric", "group", "horizon_days", "label", "kind", "target", "by", "since", "baseline", "baseline_low", "baseline_high", "value",
           "low", "high", "n", "path", "status", "n_needed", "n_more", "unit", "months_more", "note"]


def goals(
    shop: Shop, stated: Sequence[Record] | None = None, *, chosen: Sequence[Headline] | None = None, level: float = 0.95, **settings: Any
) -> pd.DataFrame:
    """Where each goal stands, and how many customers or months it still takes to be able to tell.

    A number that has a monthly series is taken from the customers who came since the goal was set, at equal age, and held
    against those of the 12 months before: the number over all history hardly moves, whatever one does. Left out there: months
    too young to be known, and the month in which the goal was set, when that was not its first day. Other numbers are taken as
    known on the day the goal was set, and now.

    Parameters
    ----------
    shop
        The shop.
    stated
        The goals as records; those of its retainkit.toml unless given. Each has `metric`, `target`, `by` (a date), and perhaps
        `group` ("segment=SMB"), `since` (the day it was set; a year before `by` unless given), `horizon_days`, `better`.
    chosen
        The numbers a goal may be set for; the lines of the scorecard unless given.
    level
        Confidence level.
    settings
        Parameters of the notebooks, as for `scorecard`.

    Returns
    -------
    DataFrame
        A row a goal: `metric`, `group`, `horizon_days`, `label`, `kind` (as in `in_words`), `target`, `by`, `since`;
        `baseline` and `value` with their
        intervals; `n` (behind `value`), `path` (where the straight path is now), `status`, `n_needed` (customers since the goal was
        set for the change to the target to be seen four times of five; infinite where the time before was too uncertain), `n_more`,
        `unit` (what is counted: customers, customer-months, deals, or answers of one survey), `months_more` (at the pace so far), `note`.

    A goal whose time has not begun is `not yet set`, and nothing is said of the time since; one that was met before it
    was set is `reached`, and its note says so. A goal on a number that this shop cannot give is `cannot tell`, with the
    reason as its note.

    Raises
    ------
    RetainkitError
        A metric or a kind of group that nobody has (`check_goals`); a target that is not a number.

    Notes
    -----
    See `retainkit.estimate.goals.standing`.

    Examples
    --------
    >>> from retainkit import open_shop
    >>> goals(open_shop("sample"), [{"metric": "second_purchase.share", "target": 0.5, "by": "2026-12-31", "group": "segment=B2C"}])[["label", "status", "n_more"]].values.tolist()
    [['new customers who buy again within 30 days', 'no visible change', 0.0]]
    """
    wanted = check_goals(shop.goals if stated is None else goals_stated(stated))
    known = list(chosen) if chosen is not None else lines(shop, **settings) if wanted else []
    return pd.DataFrame([_judged(shop, goal, known, level) for goal in wanted], columns=COLUMNS)


def check_goals(stated: Sequence[Record]) -> Sequence[Record]:
    """The goals, once each is on a number and a kind of group that there is: what needs no data to be known.

    >>> check_goals([{"metric": "second_purchase.shares"}])
    Traceback (most recent call last):
    ...
    retainkit.errors.BadValueError: goals: `second_purchase.shares` is not a number of the scorecard. Found: the nearest are second_purchase.share, next_purchase.share, purchases.returning_share. To fix it: metric = "second_purchase.share"
    """
    names = sorted({metric for maker in MAKERS for metric in maker.metrics})
    for goal in stated:
        if goal["metric"] not in names:
            near = get_close_matches(goal["metric"], names, n=3, cutoff=0) or names
            wrong = f"`{goal['metric']}` is not a number of the scorecard"
            raise BadValueError("goals", wrong, f"the nearest are {listed(near)}", f'metric = "{near[0]}"')
        for column in group_keys(goal.get("group", "")):
            one_of(column, GROUPS_OF_CUSTOMERS, "goals", f"`{goal['group']}` is not a group of customers", 'group = "{}=..."')
    return stated


def _judged(shop: Shop, goal: Record, known: Sequence[Headline], level: float) -> dict[str, Any]:
    """A goal as a row; where this shop cannot give its number, why."""
    group, asked = goal.get("group", ""), group_keys(goal.get("group", ""))
    same = [line for line in known if line.metric == goal["metric"]]
    exact = [line for line in same if group and line.find(shop).group == group]
    fits = exact or [line for line in same if line.horizon == goal.get("horizon_days", line.horizon)]
    no_age = f"it is read at {listed(line.horizon for line in same)} days here"
    why = _no_number(goal["metric"], shop) if not same else no_age if not fits else "" if exact else _no_group(shop, fits[0], asked)
    if not why:
        return _row(goal, fits[0], shop if exact else shop.only(**asked), level)
    told = {"label": _maker(goal["metric"]).metrics[goal["metric"]], "kind": "", "status": "cannot tell", "note": why, "n": 0}
    return {**dict.fromkeys(COLUMNS, float("nan")), **goal, "group": group, "since": _since(goal), **told}


def _maker(metric: str) -> Maker:
    """What makes the line of a metric."""
    return next(maker for maker in MAKERS if metric in maker.metrics)


def _no_number(metric: str, shop: Shop) -> str:
    """What the shop lacks of a number that it cannot give."""
    if shop.part and _maker(metric).whole:
        return "it is a number of the whole company"
    lacks = lacking(shop, _maker(metric))
    return f"this shop has no {lacks}{'' if '.' in lacks else ' table'}" if lacks else f"it needs {_maker(metric).rows}"


def _no_group(shop: Shop, line: Headline, asked: Mapping[str, str]) -> str:
    """Why there is no such group of the customers behind a number; empty where there is."""
    if asked and _maker(line.metric).whole:
        return "it is a number of the whole company"
    for column, value in asked.items():
        values = names_in(shop, f"customers.{column}")
        if value not in values:
            return f"no customer has the {column} {value}, only {listed(values)}" if values else f"this shop's customers have no {column}"
    return ""


def _since(goal: Record) -> date:
    """The day a goal was set: a year before its last, unless it says."""
    return goal.get("since") or (pd.Timestamp(goal["by"]) - pd.DateOffset(years=1)).date()


def _row(goal: Record, h: Headline, mine: Shop, level: float) -> dict[str, Any]:
    """A goal as a row: before, now, where it stands."""
    since = _since(goal)
    early = since > mine.as_of
    told = f"it is set from {since} on" if early else ""
    before, now, elapsed, pace = (_by_month if _has_counts(h) else _by_day)(h, mine, since, goal["by"], level)
    now = Found() if early else now  # nobody came since
    found = standing(before, now, target=goal["target"], elapsed=elapsed, better=goal.get("better") or h.better or "higher", level=level)
    if found.status == "reached" and (before.value - goal["target"]) * (now.value - goal["target"]) > 0:
        told = THERE
    more = float("nan") if early else 0.0 if found.status == "reached" else max(found.n_needed - now.n, 0.0)
    note = "; ".join(filter(None, [told or found.note, NEVER if more == float("inf") else ""]))
    if early:
        found = found._replace(path=float("nan"), status=NOT_YET)
    return {
        **goal, "horizon_days": h.horizon, "label": h.label, "kind": h.kind, "since": since,
        "baseline": before.value, "baseline_low": before.low, "baseline_high": before.high,
        **now._asdict(), **found._asdict(), "group": goal.get("group", ""), "n": int(now.n), "unit": _unit(h),
        "n_more": more, "months_more": more / pace if pace > 0 and not h.survey else float("nan"), "note": note}


def _has_counts(h: Headline) -> bool:
    """Whether the months behind a number count customers, and so can be added up."""
    return h.months is not None and h.of == "share"


def _unit(h: Headline) -> str:
    """What is counted behind a number. Without a horizon, a customer counts again every month."""
    if h.survey or "responses" in h.tables:
        return "answers in one survey"
    return "deals" if "deals" in h.tables else "customer-months" if _has_counts(h) and h.horizon is None else "customers"


def _by_month(h: Headline, shop: Shop, since: date, by: date, level: float) -> tuple[Found, Found, float, float]:
    """From the months: the year before, those since, how far along the way the latter came on average, customers a month."""
    assert h.months is not None
    months = h.months(shop)
    begins = pd.to_datetime(months["first_on"])
    after = months[begins >= pd.Timestamp(since)]
    before = months[begins + pd.offsets.MonthEnd(0) < pd.Timestamp(since)].tail(12)
    n = float(after["n"].sum())
    middles = (pd.to_datetime(after["first_on"]) - pd.Timestamp(since)).dt.days + MONTH / 2
    elapsed = float((middles * after["n"]).sum() / n / (by - since).days) if n else 0.0
    return _share(before, level), _share(after, level), 1.0 if shop.as_of >= by else elapsed, n / len(after) if n else float("nan")


def _by_day(h: Headline, shop: Shop, since: date, by: date, level: float) -> tuple[Found, Found, float, float]:
    """As known then and now, the share of the time that is over, customers more a month."""
    now = h.find(shop)
    before = h.find(shop.at(min(since, shop.as_of))) if since >= shop.history_start else Found()
    days = max((shop.as_of - since).days, 0)
    return before, now, days / (by - since).days, (now.n - before.n) / days * MONTH if days else float("nan")


def _share(months: pd.DataFrame, level: float) -> Found:
    """Months together as one share."""
    hits, n = float(months["hits"].sum()), float(months["n"].sum())
    low, high = wilson(hits, n, level=level)
    return Found(hits / n if n else float("nan"), float(low), float(high), n)
