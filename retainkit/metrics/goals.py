"""Goals that were set, and what may be said of each: reached, on the way, behind, no visible change, cannot tell."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd

from retainkit.errors import BadValueError, MissingDataError, closest, listed
from retainkit.estimate.goals import Read, standing
from retainkit.estimate.intervals import wilson
from retainkit.load.shop import GROUPS_OF_CUSTOMERS
from retainkit.load.stated import Record, goals_stated
from retainkit.metrics.headlines import Headline
from retainkit.metrics.line import Line
from retainkit.metrics.scorecard import lines

if TYPE_CHECKING:
    from retainkit.load.shop import Shop

MONTH = 365.25 / 12
NEVER = "the time before is too uncertain for a change this small to be told from it, however many customers come"
COLUMNS = ["metric", "group", "horizon_days", "label", "kind", "target", "by", "since", "baseline", "baseline_low", "baseline_high", "value",
           "low", "high", "n", "path", "status", "n_needed", "n_more", "months_more", "note"]


def goals(
    shop: Shop, stated: Sequence[Record] | None = None, *, chosen: Sequence[Line] | None = None, level: float = 0.95, **settings: Any
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
        A row a goal: `metric`, `group`, `horizon_days`, `label`, `kind` (as in `in_words`), `target`, `by`, `since`; `baseline` and `value` with their
        intervals; `n` (behind `value`), `path` (where the straight path is now), `status`, `n_needed` (customers since the goal was
        set for the change to the target to be seen four times of five; infinite where the time before was too uncertain), `n_more`,
        `months_more` (at the pace so far), `note`.

    Raises
    ------
    RetainkitError
        A metric, group or value that the shop has not; a target that is not a number.

    Notes
    -----
    See `retainkit.estimate.goals.standing`.

    Examples
    --------
    >>> from retainkit import open_shop
    >>> goals(open_shop("sample"), [{"metric": "second_purchase.share", "target": 0.5, "by": "2026-12-31", "group": "segment=B2C"}])[["label", "status", "n_more"]].values.tolist()
    [['new customers who buy again within 30 days', 'no visible change', 0.0]]
    """
    wanted = shop.goals if stated is None else goals_stated(stated)
    known = list(chosen) if chosen is not None else lines(shop, **settings) if wanted else []
    rows = [_row(shop, goal, *_meant(shop, goal, known), level) for goal in wanted]
    return pd.DataFrame(rows, columns=COLUMNS)


def _meant(shop: Shop, goal: Record, known: Sequence[Line]) -> tuple[Line, Shop]:
    """The number a goal is about, and the shop (of its group) to ask for it."""
    same = [line for line in known if line.headline.metric == goal["metric"]]
    if not same:
        names = sorted({line.headline.metric for line in known})
        raise BadValueError("goals", f"`{goal['metric']}` is not a number this shop can give", listed(names, limit=40), f'metric = "{closest(goal["metric"], names) or names[0]}"')
    ages = [line.headline.horizon for line in same]
    fits = [line for line in same if line.headline.horizon == goal.get("horizon_days", ages[0])]
    if not fits:
        raise BadValueError("goals", f"`{goal['metric']}` is not read at {goal['horizon_days']} days", listed(ages), f"horizon_days = {ages[0]}")
    group, whole = goal.get("group", ""), "spend" in fits[0].headline.tables or fits[0].survey == "employee"
    exact = [line for line in fits if group and line.headline.find(shop).group == group]
    if group and whole and not exact:
        raise BadValueError("goals", f"`{goal['metric']}` is a number of the whole company", f'group = "{group}"', 'group = ""')
    return (exact[0], shop) if exact else (fits[0], _only(shop, group))


def _only(shop: Shop, group: str) -> Shop:
    """The shop with the customers of a group written like `segment=SMB`."""
    for part in filter(None, group.split(";")):
        column, _, value = part.partition("=")
        if column not in GROUPS_OF_CUSTOMERS:
            raise BadValueError("goals", f"`{part}` is not a group of customers", listed(GROUPS_OF_CUSTOMERS), f'group = "{closest(column, GROUPS_OF_CUSTOMERS) or "segment"}=..."')
        if not shop.has(f"customers.{column}"):
            raise MissingDataError("goals", f"the customers of this shop have no {column}", listed(shop.tables), 'group = ""')
        values = sorted(shop.sql(f"select distinct cast({column} as varchar) as v from customers where {column} is not null")["v"])
        if value not in values:
            raise BadValueError("goals", f"no customer has the {column} `{value}`", listed(values), f'group = "{column}={closest(value, values) or values[0]}"')
        shop = shop.only(**{column: value})
    return shop


def _row(shop: Shop, goal: Record, line: Line, mine: Shop, level: float) -> dict[str, Any]:
    """A goal as a row: before, now, where it stands."""
    h = line.headline
    since = goal.get("since") or (pd.Timestamp(goal["by"]) - pd.DateOffset(years=1)).date()
    before, now, elapsed, pace = (_by_month if h.months else _by_day)(h, mine, since, goal["by"], level)
    better = goal.get("better") or line.better or "higher"
    found = standing(before, now, target=goal["target"], elapsed=elapsed, better=better, level=level)
    more = 0.0 if found.status == "reached" else max(found.n_needed - now.n, 0.0)
    return {"metric": h.metric, "group": goal.get("group", ""), "horizon_days": h.horizon, "label": h.label, "kind": line.kind, "target": goal["target"],
            "by": goal["by"], "since": since, "baseline": before.value, "baseline_low": before.low, "baseline_high": before.high,
            "value": now.value, "low": now.low, "high": now.high, "n": int(now.n), "path": found.path, "status": found.status,
            "n_needed": found.n_needed, "n_more": more, "months_more": more / pace if pace > 0 else float("nan"),
            "note": "; ".join(filter(None, [found.note, NEVER if more == float("inf") else ""]))}


def _by_month(h: Headline, shop: Shop, since: date, by: date, level: float) -> tuple[Read, Read, float, float]:
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


def _by_day(h: Headline, shop: Shop, since: date, by: date, level: float) -> tuple[Read, Read, float, float]:
    """As known then and now, the share of the time that is over, customers more a month."""
    now = Read(*h.find(shop)[:4])
    before = Read(*h.find(shop.at(min(since, shop.as_of)))[:4]) if since >= shop.history_start else Read(*(float("nan"),) * 3, 0)
    days = max((shop.as_of - since).days, 0)
    return before, now, days / (by - since).days, (now.n - before.n) / days * MONTH if days else float("nan")


def _share(months: pd.DataFrame, level: float) -> Read:
    """Months together as one share."""
    hits, n = float(months["hits"].sum()), float(months["n"].sum())
    low, high = wilson(hits, n, level=level)
    return Read(hits / n if n else float("nan"), float(low), float(high), n)
