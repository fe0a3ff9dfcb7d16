"""Shops without contracts: a customer has lapsed after so many days without a purchase, and may come back.

Nobody says goodbye in a shop, so churn is a rule, and the rule is a choice: `lapse_rule` makes it from the shop's own gaps
between purchases and says how. A lapse is dated so many days after the last purchase, when it becomes true, never on the
last purchase itself: that would call customers lost on days when nobody could have known.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pandas as pd

from retainkit.estimate.survival import kaplan_meier
from retainkit.load.shop import Shop
from retainkit.metrics.churn import HORIZONS
from retainkit.metrics.months import CLOCK_START, balance, churn_rates, first_whole, last_closed
from retainkit.metrics.reading import NUMBERS, identities, shares, stacked, survival_read
from retainkit.tally import asked_once, tally

SHARE, LEAST_DAYS = 0.9, 30


@asked_once
def lapse_rule(shop: Shop, *, days: int | None = None, share: float = SHARE, least_days: int = LEAST_DAYS) -> pd.DataFrame:
    """After how many days without a purchase a customer counts as lapsed, and where that number comes from.

    The time within which `share` of the gaps between purchases are over, among customers with three or more, each one's
    running gap included as still open; at least `least_days`. Left out: customers with one or two purchases, whose gaps
    say little about a habit.

    Parameters
    ----------
    shop
        The shop.
    days
        A number to use instead.
    share
        The share of gaps that the rule must cover.
    least_days
        The least number of days to choose.

    Returns
    -------
    DataFrame
        One row: `days` (NaN when it cannot be chosen), `chosen_by`, `gaps` (finished), `running`, `note`.

    Examples
    --------
    Ann buys every 40 days.

    >>> from retainkit import open_shop
    >>> orders = pd.DataFrame({"order_id": [1, 2, 3], "customer_id": "ann", "amount": 10,
    ...                        "ordered_at": ["2026-01-01", "2026-02-10", "2026-03-22"]})
    >>> lapse_rule(open_shop({"orders": orders}, as_of="2026-03-31"))[["days", "gaps", "running"]]
       days  gaps  running
    0  40.0     2        1
    """
    if days is not None:
        return pd.DataFrame([{"days": float(days), "chosen_by": "given", "gaps": 0, "running": 0, "note": ""}])
    cells = tally(shop, "lapse_gaps")
    curve = kaplan_meier(cells).table
    reached = curve.loc[curve["survival"] <= 1 - share + 1e-12, "time"]
    found = float(reached.iloc[0]) if len(reached) else float("nan")
    chosen = max(found, float(least_days)) if len(reached) else found
    running, gaps = (int(cells.loc[cells["event"] == ended, "n"].sum()) for ended in (0, 1))
    over = f"{share:.0%} of the gaps of customers with 3 or more purchases are over by"
    why = f"the least allowed, since {over} day {found:.0f}" if chosen > found else f"{over} then"
    note = ("" if len(reached) else f"fewer than {share:.0%} of the gaps are over in the time observed: say after how many days" if gaps else
            "nobody has bought three times, so there is no habit to take the rule from: say after how many days")
    return pd.DataFrame([{"days": chosen, "chosen_by": why, "gaps": gaps, "running": running, "note": note}])


def lapse_survival(
    shop: Shop, *, days: int | None = None, horizons: Sequence[int] = HORIZONS, level: float = 0.95
) -> pd.DataFrame:
    """Share of new customers who have never lapsed by so many days after their first purchase, by the rule, half and double.

    Customers under contract count like all others, and their invoices are no purchases: `lapse_under_contract` says how many of
    them the rule would call lost. Left out: customers who bought before the recorded history began. A purchase on the very day of the lapse counts as
    in time. Customers who lapsed and came back stay lapsed here; `lapse_returns` counts them. Before the rule's days are over
    nobody can lapse, and no share is given.

    Returns
    -------
    DataFrame
        A row a rule and horizon: `lapse_days`, `horizon_days`, `rate`, `low`, `high`, `n`, `too_young`, `at_risk`,
        `given` (0: all are seen from the start), `note`.
        Empty when the rule cannot be chosen (`lapse_rule` says why).
    """
    columns = ["lapse_days", *NUMBERS]
    tables = []
    for x in _rules(shop, days):
        cells = tally(shop, "lapse_lives", days=x)
        tables.append(survival_read(cells, kaplan_meier(cells, level=level), horizons, nobody="no new customers").assign(lapse_days=x))
    read = stacked(tables, columns)[columns]
    certain = read["horizon_days"] < read["lapse_days"]
    unsaid = "nobody can lapse before day " + read["lapse_days"].astype(str)
    return read.assign(**{c: read[c].mask(certain) for c in ("rate", "low", "high")}, note=read["note"].mask(certain, unsaid))


def lapse_returns(shop: Shop, *, days: int | None = None, within: int = 180, level: float = 0.95) -> pd.DataFrame:
    """Of the customers a lapse rule called lost, how many bought again: what the rule is worth.

    Counted are all lapses, also second ones, that are at least `within` days old; younger ones have not had their time.

    Returns
    -------
    DataFrame
        A row for half the rule, the rule and its double: `lapse_days`, `rate` (bought again within `within` days), `low`,
        `high`, `n` (lapses old enough), `too_young`, `horizon_days`, `lapses`, `returned_so_far`.
    """
    columns = ["lapse_days", "rate", "low", "high", "n", "too_young", "horizon_days", "lapses", "returned_so_far"]
    tables = []
    for x in _rules(shop, days):
        counts = tally(shop, "lapse_returns", days=x, within=within).fillna(0).astype(int)
        rated = shares(counts["returned"], counts["old_enough"], level=level)
        tables.append(counts.assign(lapse_days=x, **rated, too_young=counts["lapses"] - counts["old_enough"], horizon_days=within)[columns])
    return stacked(tables, columns)


def lapse_under_contract(shop: Shop, *, days: int | None = None, level: float = 0.95) -> pd.DataFrame:
    """Of the new customers who are under contract today, the share without a purchase for so long that the rule calls them lapsed.

    They pay, so the rule is wrong about them. Left out: customers without a contract today, and those `lapse_survival` leaves out.

    Returns
    -------
    DataFrame
        A row for half the rule, the rule and its double: `lapse_days, rate, low, high, n` (new customers under contract), `past`.
    """
    tables = []
    for x in _rules(shop, days):
        counts = tally(shop, "lapse_under_contract", days=x)
        tables.append(pd.DataFrame({"lapse_days": x, **shares(counts["past"], counts["n"], level=level), "past": counts["past"]}))
    return stacked(tables, ["lapse_days", "rate", "low", "high", "n", "past"])


@asked_once
def monthly_lapse(shop: Shop, *, days: int | None = None, level: float = 0.95) -> pd.DataFrame:
    """Customers who lapsed in each closed month, of those the month opened with.

    In the base is who has bought within the last `days` days. Left out: the running month, and the first months of the
    recorded history, until it is as old as the rule: before that nobody knows who was in the base.

    Returns
    -------
    DataFrame
        As `monthly_churn`, with `lapse_days`: active_start + new + reactivated - lost - lost_intra = active_end. Empty
        when the rule cannot be chosen (`lapse_rule` says why).
    """
    rule, events = _ruled(shop, days)
    x = rule or LEAST_DAYS
    first, last = first_whole(shop.history_start + timedelta(days=x)), last_closed(shop.as_of)
    table = churn_rates(balance(events, first=first, last=last), level=level).assign(too_young=0, lapse_days=x)
    return table if rule else table.iloc[:0]


def lapse_checks(shop: Shop, *, days: int | None = None) -> pd.DataFrame:
    """Identities that must hold, worked out two ways: `check, left, right, holds`."""
    _, events = _ruled(shop, days)
    running = last_closed(shop.as_of) + 1
    end = int(balance(events, first=running, last=running)["active_end"].sum())
    here = int(events.loc[events["movement"] == "here", "customers"].sum())
    return identities([("customers who came minus those who lapsed are those who have not lapsed", end, here)])


def _rules(shop: Shop, days: int | None) -> list[int]:
    """Half the rule, the rule, and double; nothing when it cannot be chosen. Half a day is none."""
    rule = lapse_rule(shop, days=days)["days"].iloc[0]
    return [x for x in (int(rule) // 2, int(rule), 2 * int(rule)) if x] if rule == rule else []


def _ruled(shop: Shop, days: int | None) -> tuple[int, pd.DataFrame]:
    """The rule, 0 where it cannot be chosen, and what it makes of the base of customers: the days on which they came, lapsed and returned."""
    rule = lapse_rule(shop, days=days)["days"].fillna(0).astype(int).iloc[0]
    events = tally(shop, "lapse_days", days=int(rule) or LEAST_DAYS)
    return int(rule), events.assign(on_day=pd.Timestamp(CLOCK_START) + pd.to_timedelta(events["on_day"], unit="D"))
