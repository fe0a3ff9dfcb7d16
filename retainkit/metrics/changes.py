"""What moved each headline number since an earlier day: new customers, time passing, or history rewritten.

Four values: A, as it was published then; B, what today's data give for then; C, today's value of only those known then; D, today's
value. B - A is history rewritten (restated), C - B is time passing (matured), D - C is newcomers (new): together D - A.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from retainkit.estimate.control import control_limits, value_limits
from retainkit.load.clock import as_date
from retainkit.load.shop import Shop
from retainkit.metrics.headlines import headlines
from retainkit.metrics.line import Found, Headline
from retainkit.tally import tally

Key = tuple[str, str, int | None]  # metric, group, horizon_days: what names a number in metrics.csv
Rewritten = Mapping[str, tuple[int, int]]  # by table: rows that were not there then, rows that were and are not
BASELINE = 24  # months before the newest that say what is usual
NEWS, USUAL, UNKNOWN = "news", "within the usual noise", "cannot tell yet"
ROWS = ("rows_now", "rows_since", "rows_changed", "rows_new")


def changes(
    shop: Shop, previous: str | date, published: Mapping[Key, float] | None = None, *, rewritten: Rewritten | None = None,
    chosen: Sequence[Headline] | None = None,
) -> pd.DataFrame:
    """Each headline number now and at the end of `previous`, what moved it, and whether that is more than chance.

    Left out: nobody. "Known then" means, in each table, who had a row dated up to `previous` in today's data: a customer by an
    order or a contract, a deal by being opened. What cannot be known is NaN: `restated` without a published value,
    its row counts without `rewritten`.

    Parameters
    ----------
    shop
        The shop as of today.
    previous
        The day the earlier report was as of.
    published
        The numbers it published, by metric, group and horizon as in metrics.csv.
    rewritten
        Rows dated up to `previous` that were added and removed since it was published, by table; a changed row is both.
    chosen
        The headline numbers; all that the shop can give unless stated.

    Returns
    -------
    DataFrame
        A row a number: `metric`, `group`, `horizon_days`, `label`, `tables`; `last`, `recomputed`, `same_customers`, `now` (A to D);
        `restated`, `matured`, `new`; `low`, `high`, `n` (of D); `rows_added` + `rows_removed` = `rows_restated`;
        `rows_since` (later rows of those known then) + `rows_changed` (theirs, paid back, ended or decided since)
        = `rows_matured`; `rows_new`; `rows_now`; `news`, with the `month` it rests on, `month_value`, `month_n`,
        `noise_low`, `noise_high`.

    Notes
    -----
    Values are compared with the 12 digits that metrics.csv keeps. News is a month that came of age since `previous` and
    lies outside the .001 and .999 limits of the 12 to 24 months before it (see `control_limits`).

    Examples
    --------
    Bob is back in February (time passing), Di never, and Cy is new.

    >>> from retainkit import open_shop
    >>> orders = pd.DataFrame({"order_id": range(6), "customer_id": ["ann", "ann", "bob", "bob", "cy", "di"], "amount": 5,
    ...                        "ordered_at": ["2026-01-01", "2026-01-05", "2026-01-08", "2026-02-03", "2026-02-10", "2026-01-01"]})
    >>> shop = open_shop({"orders": orders}, as_of="2026-02-28")
    >>> table = changes(shop, "2026-01-31", {("second_purchase.share", "", 30): 1 / 3})
    >>> table.loc[0, ["last", "recomputed", "same_customers", "now", "restated", "matured", "rows_matured", "rows_new"]].map(float).round(2).tolist()
    [0.33, 0.33, 0.67, 0.62, 0.0, 0.33, 1.0, 1.0]
    """
    day = as_date(previous, "previous")
    then, same = shop.at(day), shop.known_by(day)
    moved = tally(shop, "rows_since", since=day).set_index("name")
    rows = []
    for h in headlines(shop) if chosen is None else chosen:
        now, before = h.find(shop), h.find(then)
        last = (published or {}).get((h.metric, before.group, h.horizon), float("nan"))
        rows.append(
            {
                "metric": h.metric,
                "group": now.group,
                "horizon_days": h.horizon,
                "label": h.label,
                "tables": ", ".join(t for t in h.tables if shop.has(t)),
                **_parts(last, before.value, h.find(same).value, now),
                **_rows(h, moved, rewritten),
                **judged(h, shop, day),
            }
        )
    return pd.DataFrame(rows)


def _parts(last: float, recomputed: float, same: float, now: Found) -> dict[str, Any]:
    """The four values and the three steps between them."""
    a, b, c, d = (Decimal(f"{value:.12g}") for value in (last, recomputed, same, now.value))
    parts = {"last": a, "recomputed": b, "same_customers": c, "now": d, "restated": b - a, "matured": c - b, "new": d - c}
    return {**{name: float(part) for name, part in parts.items()}, "low": now.low, "high": now.high, "n": now.n}


def _rows(h: Headline, moved: pd.DataFrame, rewritten: Rewritten | None) -> dict[str, Any]:
    """The rows behind each step, over the tables the number is made of."""
    counts: dict[str, Any] = {name: int(moved[name].reindex(h.tables, fill_value=0).sum()) for name in ROWS}
    counts |= dict.fromkeys(("rows_added", "rows_removed", "rows_restated"))
    if rewritten is not None:
        added, removed = (sum(rewritten.get(table, (0, 0))[side] for table in h.tables) for side in (0, 1))
        counts |= {"rows_added": added, "rows_removed": removed, "rows_restated": added + removed}
    return counts | {"rows_matured": counts["rows_since"] + counts["rows_changed"]}


def ranged(months: pd.DataFrame, previous: date, of: str = "average") -> pd.DataFrame:
    """The months behind a number, each at the same age, with the range that chance leaves it.

    The range is that of the 12 to 24 months known by `previous`; NaN when they are too few.

    Parameters
    ----------
    months
        `month`, `known_on`, and shares (`hits` of `n`) or values (`value`).
    previous
        The day the earlier report was as of: months that came of age since are `fresh`.
    of
        What a value is, as in `value_limits`.

    Returns
    -------
    DataFrame
        A row a month: `month`, `n`, `value`, `fresh`, `usual`, `low`, `high`, `note` (why there is no range).

    Examples
    --------
    >>> from retainkit import open_shop
    >>> from retainkit.metrics.headlines import headlines
    >>> orders = pd.DataFrame({"order_id": [1, 2, 3], "customer_id": ["ann", "ann", "bob"], "amount": 5,
    ...                        "ordered_at": ["2026-01-01", "2026-01-11", "2026-01-05"]})
    >>> shop = open_shop({"orders": orders}, as_of="2026-03-31")
    >>> ranged(headlines(shop)[0].months(shop), date(2026, 2, 28))[["month", "n", "value", "fresh"]]
         month  n  value  fresh
    0  2026-01  2    0.5   True
    """
    fresh = months["known_on"] > pd.Timestamp(previous)
    usual = months[~fresh].tail(BASELINE)
    if "hits" in months:
        limits = control_limits(usual, sizes=months["n"].to_numpy())
        values = (months["hits"] / months["n"].where(months["n"] > 0)).to_numpy()
    else:
        limits = pd.DataFrame([value_limits(usual["value"], of=of)], index=np.zeros(len(months))).assign(n=np.nan).reset_index(drop=True)
        values = months["value"].to_numpy()
    return limits.drop(columns="months").assign(month=months["month"].to_numpy(), value=values, fresh=fresh.to_numpy())


def judged(h: Headline, shop: Shop, previous: date) -> dict[str, Any]:
    """Whether what came of age of a headline number since `previous` is more than chance: as `judged_months`."""
    if h.months is None:
        return unjudged(h.why_no_months)
    return judged_months(h.months(shop), previous, ",.0f" if h.kind == "money" else ".1%", h.of)


def judged_months(months: pd.DataFrame, previous: date, form: str = ".1%", of: str = "average") -> dict[str, Any]:
    """The month that came of age since `previous` and lies farthest out, held against what is usual; limits are written as `form` says."""
    table = ranged(months, previous, of)
    fresh = table[table["fresh"] & table["value"].notna()]
    if fresh.empty or fresh["note"].any():
        return unjudged("no month has come of age since" if fresh.empty else fresh["note"].iloc[0])
    far = (fresh["value"] - fresh["usual"]).abs() / (fresh["high"] - fresh["low"])
    row = fresh.iloc[int(far.fillna(0).to_numpy().argmax())]
    if "hits" in months and row["low"] <= 0 and row["high"] >= 1:
        return unjudged(f"the newest month old enough has n = {row['n']:,.0f}, of whom chance alone gives any share")
    upper = f"to {row['high']:{form}}" if np.isfinite(row["high"]) else "or more"
    return verdict(row["month"], row["value"], row["low"], row["high"], f"{row['low']:{form}} {upper}", n=row["n"])


def verdict(month: str, value: float, low: float, high: float, usual: str, *, n: float = float("nan")) -> dict[str, Any]:
    """A month's value against its limits, in numbers and words."""
    side = "lower" if value < low else "higher"
    news = f"{USUAL} ({usual})" if low <= value <= high else f"{NEWS}: {side} than chance explains ({usual})"
    return {"month": month, "month_value": value, "month_n": n, "noise_low": low, "noise_high": high, "news": news}


def unjudged(why: str) -> dict[str, Any]:
    """Nothing is said of a month, and why."""
    return {"month": "", **dict.fromkeys(("month_value", "month_n", "noise_low", "noise_high"), float("nan")), "news": f"{UNKNOWN}: {why}"}
