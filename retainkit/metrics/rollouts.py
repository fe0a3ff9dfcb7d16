"""Did what we rolled out change anything: each unit that has it against those that do not have it yet, before and after."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from retainkit.errors import BadValueError, MissingDataError, RetainkitError, closest, listed, one_of
from retainkit.estimate.planning import detectable
from retainkit.estimate.rollout import Grid, average_effect, by_age, by_month, grid
from retainkit.estimate.smalln import GATES, short_of
from retainkit.load.shop import Shop
from retainkit.metrics.months import first_whole, month_name, month_number
from retainkit.metrics.rollout_units import roll_out_notes, units_before_and_after
from retainkit.resources import names_in
from retainkit.sqltext import Column
from retainkit.tally import tally


class Outcome(NamedTuple):
    """What a roll-out may change: its SQL, what a shop needs for it, the columns a unit may stand in, and which end is bad."""

    query: str
    needs: str
    words: str
    units: dict[str, str]  # the column, and where the shop has it
    bad: str


OUTCOMES = {
    "left": Outcome("rollout_left", "contracts.ended_at", "customers gone within {} days of their contract's start", {
        "c.region": "customers.region", "c.segment": "customers.segment", "c.source": "customers.source", "d.rep": "deals.rep",
        "c.owner": "customers.owner"}, "high"),
    "second_purchase": Outcome("rollout_again", "orders", "new customers who buy again within {} days", {
        f"d.{c}": f"customers.{c}" for c in ("region", "segment", "source", "owner")}, "low"),
    "won": Outcome("rollout_won", "deals", "opened deals won within {} days", {
        f"d.{c}": f"deals.{c}" for c in ("rep", "region", "segment", "source")}, "low"),
}


class Rollout(NamedTuple):
    """What `rollout` returns.

    Attributes
    ----------
    words
        What is measured, for a sentence.
    power
        One row, to be read first: `detectable` (the smallest effect seen four times of five), `n`, `units_with`, `units_without`,
        `horizon_days`, `table` (what the outcome is counted from), `note`.
    effect
        One row: `rate` (a difference of shares; below zero is fewer), `low`, `high`, `n`, `p`, `p_shuffled`, `low_shuffled`,
        `high_shuffled`, `moved` (how far the units with it moved) and `moved_without` (how far the others did, in the same months),
        `method`, `horizon_days`, `note`. With fewer than 4 units in an arm there is no interval and no p: the chance in who the
        customers were is the smaller part of it, and how units drift such few do not show; `note` says so.
    months, by_age
        Effects by starting month and month, and by months since the start (negative: the picture before it).
    units
        A row a unit: `unit`, `started_on`, `rate` and `n` (in its base months; of a unit that never began, the last months), `after`,
        `n_after`, `worst` (in what way it was at its worst when it began), `rebound` (what chance alone then gives back).
    notes
        What must be printed beside it.
    """

    words: str
    power: pd.DataFrame
    effect: pd.DataFrame
    months: pd.DataFrame
    by_age: pd.DataFrame
    units: pd.DataFrame
    notes: list[str]


def rolled_out(shop: Shop) -> pd.DataFrame:
    """The rows of the `changes` table: `change`, `unit`, `started_on`, a row a change and unit.

    Examples
    --------
    >>> from retainkit import open_shop
    >>> rolled_out(open_shop("sample"))["unit"].tolist()
    ['East', 'North', 'South']
    """
    return tally(shop, "rollout_starts")


def rollout_withheld(shop: Shop, *, change: str = "") -> str:
    """Why nothing can be said of a roll-out, or nothing: what `rollout` of this change would raise, as a sentence.

    Examples
    --------
    >>> from retainkit import open_shop
    >>> rollout_withheld(open_shop("sample"), change="onboarding programme")
    ''
    """
    try:
        _column(shop, _outcome(shop, "")[1], _starts(shop, change)[1])
    except RetainkitError as err:
        return str(err)
    return ""


def rollout(
    shop: Shop, *, change: str = "", outcome: str = "", within_days: int = 90, base_months: int = 12, level: float = 0.95
) -> Rollout:
    """The effect of a change that some units had and others had not, or had later: difference in differences of unit means.

    Customers count in the month they came in (deals: were opened in), all at the same age. Left out: months whose customers
    have not all been followed for `within_days`; months in which a unit had nobody or began half-way; customers of no unit;
    units that began before the recorded history, who have no "before". A rep's customers are those whose first contract came from
    the rep's deal (`contracts.deal_id`), whoever looks after them today. A unit's months with the change are held against its
    last `base_months` months before, less what the units without it did in the same months.

    Parameters
    ----------
    shop
        The shop; it needs `changes`.
    change
        Which one; may be empty where there is only one.
    outcome
        "left", "second_purchase" or "won"; the first that the shop can give unless stated.
    within_days
        The age at which the outcome is read.
    base_months
        Months before the start to compare with; 1 is the last month alone, which trusts less and has more noise.
    level
        Confidence level.

    Returns
    -------
    Rollout

    Raises
    ------
    RetainkitError
        No changes, an unknown change or outcome, a unit that is no region, segment, source, rep or owner of this shop.

    Notes
    -----
    One starting month: pooled t over units, units - 2 degrees of freedom. Several: group-time effects against not-yet-treated
    units (Callaway and Sant'Anna 2021), averaged, with re-assigned starts as the interval. Never a regression with unit and
    month effects, which takes the long since treated for a comparison (Goodman-Bacon 2021).

    Examples
    --------
    Ten new customers a month in four regions; from March on, in the North and the South two more of ten come back.

    >>> from retainkit import open_shop
    >>> people = pd.DataFrame({"customer_id": range(160), "region": ["North", "South", "East", "West"] * 40})
    >>> first = people.assign(ordered_at=[f"2026-{1 + i // 40:02d}-01" for i in range(160)], amount=5)
    >>> more = [i for i in range(160) if i % 40 < (20 if i >= 80 and i % 4 < 2 else 12)]
    >>> again = first.loc[more].assign(ordered_at=lambda t: t["ordered_at"].str[:8] + "15")
    >>> orders = pd.concat([first, again], ignore_index=True).rename_axis("order_id").reset_index()
    >>> changes = pd.DataFrame({"change": "calls", "unit": ["North", "South"], "started_on": "2026-03-01"})
    >>> shop = open_shop({"orders": orders, "customers": people, "changes": changes}, as_of="2026-06-30")
    >>> found = rollout(shop, within_days=30)
    >>> found.effect[["rate", "n", "note"]].round(2).values.tolist()
    [[0.2, 160, 'to be described only: needs 4 units in each arm, has 2']]
    """
    name, starts = _starts(shop, change)
    which, asked = _outcome(shop, outcome)
    cells = tally(shop, asked.query, by=_column(shop, asked, starts), within=within_days).astype({"month": int, "n": int, "hits": int})
    first, last = first_whole(shop.history_start), month_number(shop.as_of - timedelta(days=within_days) + timedelta(days=1)) - 1
    cells = cells[cells["month"].between(first, last)]
    partial = [month_number(day) for day in starts.values() if day.day > 1]
    data = grid(cells, {u: first_whole(day) for u, day in starts.items()}, partial=partial)
    found = average_effect(data, base=base_months, level=level)
    reason = _too_few(data, found)
    ages = by_age(data, base=base_months, level=level)
    units = units_before_and_after(data, starts, base_months, asked.bad)
    labels = {"change": name, "outcome": which, "horizon_days": within_days}
    return Rollout(
        asked.words.format(within_days), pd.DataFrame([{**labels, **_power(data, found, base_months, level), "table": asked.needs.partition(".")[0], "note": reason}]),
        pd.DataFrame([{**labels, **_effect(found, bool(reason)), "note": reason}]),
        _named(by_month(data, base=base_months, level=level)), ages.assign(low=np.nan, high=np.nan) if reason else ages, units,
        roll_out_notes(data, units, starts, base_months, shop))


def _starts(shop: Shop, change: str) -> tuple[str, dict[str, date]]:
    """The change that is meant, and when each unit began."""
    table = rolled_out(shop) if shop.has("changes") else pd.DataFrame()
    if table.empty:
        raise MissingDataError(
            "changes",
            "is not there, so nothing is known to have been rolled out",
            "",
            "a changes table: change, unit, started_on",
        )
    names = sorted(table["change"].unique())
    name = change or (names[0] if len(names) == 1 else "")
    wrong = f"`{change}` is not one of the changes" if change else "has several changes, and one must be chosen"
    one_of(name, names, "changes", wrong, 'change="{}"')
    mine = table[table["change"] == name]
    return name, {str(u): pd.Timestamp(d).date() for u, d in zip(mine["unit"], mine["started_on"], strict=True)}


def _outcome(shop: Shop, outcome: str) -> tuple[str, Outcome]:
    can = [name for name, o in OUTCOMES.items() if shop.has(o.needs)]
    if not can:
        raise MissingDataError(
            "changes",
            "needs something to be judged by",
            listed(shop.tables),
            f"one of {listed([o.needs for o in OUTCOMES.values()])}",
        )
    name = one_of(outcome or can[0], OUTCOMES, "outcome", f"`{outcome}` is not something a roll-out is judged by", 'outcome="{}"')
    if name not in can:
        raise MissingDataError(
            OUTCOMES[name].needs,
            f"is not there, and without it `{name}` is not known",
            listed(shop.tables),
            f'outcome="{can[0]}"',
        )
    return name, OUTCOMES[name]


def _column(shop: Shop, asked: Outcome, starts: dict[str, date]) -> Column:
    """The column in which every unit of the change stands."""
    linked = asked.needs == "deals" or shop.has("contracts.deal_id")  # else nobody knows whose deal a contract came from
    values = {column: set(names_in(shop, place)) if linked or column != "d.rep" else set() for column, place in asked.units.items()}
    fits = [column for column, known in values.items() if set(starts) <= known]
    if not fits:
        unknown = next((u for u in starts if not any(u in v for v in values.values())), next(iter(starts)))
        kinds = [place for column, place in asked.units.items() if values[column]]
        known = sorted(set().union(*values.values()))
        raise BadValueError(
            "changes",
            f"the units are not all in one of {listed(kinds) or 'the columns a unit may stand in'}",
            listed(sorted(starts)),
            f'unit = "{closest(unknown, known) or (known[0] if known else "North")}"',
        )
    return Column(f"cast({fits[0]} as varchar)")


def _effect(found: pd.Series, few: bool) -> dict[str, Any]:
    """The effect, with its interval where there are units enough for one, and the two movements it is the difference of."""
    names = ("rate", "low", "high", "n", "p", "p_shuffled", "low_shuffled", "high_shuffled")
    row: dict[str, Any] = {name: found[name] for name in names}
    method = "starts re-assigned among the units" if found["staggered"] else "t over units"
    if few:  # too few units to see how units drift, and the choice of customers alone finds an effect three times too often
        row |= dict.fromkeys(("low", "high", "p"), np.nan)
        method = "described only"
    return {**row, "moved": found["moved"], "moved_without": found["moved"] - found["rate"], "n": int(found["n"]), "method": method}


def _too_few(data: Grid, found: pd.Series) -> str:
    """Why the effect may only be described, or nothing."""
    if np.isnan(found["rate"]):
        return "no month with the change has come of age" if len(data.months) else "no month in which every unit had customers"
    arms = {"units_per_arm": min(found["units_with"], found["units_without"])}
    return f"to be described only: {short}" if (short := "; ".join(short_of(arms))) else ""


def _power(data: Grid, found: pd.Series, base: int, level: float) -> dict[str, Any]:
    """What could be seen: from the number of customers, and from how units drift where there are enough to know."""
    if np.isnan(found["rate"]):
        return {"detectable": np.nan, "n": 0, "units_with": 0, "units_without": 0, "drift": np.nan}
    k, m = int(found["units_with"]), int(found["units_without"])
    enough = min(k, m) >= GATES["units_per_arm"].least
    drift = _drift(data, base) if enough else np.nan
    se = float(np.sqrt(found["se_sampling"] ** 2 + (drift * (1 / k + 1 / m) if enough else 0)))
    df = k + m - 2 if enough else 1e6  # too few units: what customers alone allow, at best
    return {"detectable": detectable(se, df=df, level=level), "n": int(found["n"]), "units_with": k, "units_without": m, "drift": drift}


def _drift(data: Grid, base: int) -> float:
    """Variance between units of how they changed within their base months, over what the choice of customers gives."""
    changes, chance = [], []
    for i, start in enumerate(data.begins):
        months = np.arange(max(start - base, 0), start)
        if len(months) < 2:
            continue
        early, late = months[: len(months) // 2], months[len(months) // 2 :]
        p = (data.rate[i] * data.n[i])[months].sum() / data.n[i][months].sum()
        changes.append(data.rate[i][late].mean() - data.rate[i][early].mean())
        chance.append(p * (1 - p) * sum((1 / data.n[i][half]).sum() / len(half) ** 2 for half in (early, late)))
    return max(float(np.var(changes, ddof=1)) - float(np.mean(chance)), 0.0) if len(changes) > 1 else float("nan")


def _named(months: pd.DataFrame) -> pd.DataFrame:
    return months.assign(began=[month_name(int(m)) for m in months["began"]], month=[month_name(int(m)) for m in months["month"]])
