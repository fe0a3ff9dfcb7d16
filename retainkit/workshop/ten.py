"""Ten customers to work out by hand: small enough to read, and others for every company.

Each table is invented, but drawn by luck that depends on the shop, so that no room has the answers of another.
`opened` makes a shop of a table, so that the package can be asked the same question.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import count, pairwise
from math import prod
from random import Random
from typing import Any

import pandas as pd

from retainkit.load.opening import open_shop
from retainkit.load.shop import Shop
from retainkit.metrics.definitions import churn_bridge

NAMES = ["Ann", "Bob", "Cy", "Dee", "Eve", "Fay", "Gus", "Hal", "Ida", "Jo"]
YEAR, EARLY, PERIOD, DEALS = 365, 90, 30, 40


def lines(shop: Shop) -> pd.DataFrame:
    """Ten lines of an order file as they stand in it, as text: some cannot be used, one or two were cancelled.

    Returns
    -------
    DataFrame
        `order_id, customer_id, ordered_at, amount, status, refunded_at`.
    """
    luck = _luck(shop, "lines")
    days = [shop.as_of - timedelta(days=luck.randrange(5, 60)) for _ in NAMES]
    faults: list[dict[str, str | None]] = [{"customer_id": None}, {"ordered_at": f"{shop.as_of.year}-02-30T15:00:00Z"}, {"amount": "n/a"}, {"status": "shipped"},
              {"status": "refunded", "refunded_at": f"{days[0] - timedelta(days=90)}T09:00:00Z"}]  # fmt: skip
    unusable, called_off = luck.choice([(3, 1), (3, 2), (4, 1)])
    odd = luck.sample(faults, unusable) + [{"status": "cancelled"}] * called_off
    odd += [{}] * (len(NAMES) - len(odd))
    luck.shuffle(odd)
    rows = [{"order_id": f"T{k}", "customer_id": name, "ordered_at": f"{day}T15:00:00Z", "amount": f"{luck.randrange(2000, 9000) / 100:.2f}",
             "status": "paid", "refunded_at": None, **fault} for k, (name, day, fault) in enumerate(zip(NAMES, days, odd, strict=True), 1)]  # fmt: skip
    return pd.DataFrame(rows)


def buyers(shop: Shop) -> pd.DataFrame:
    """Ten customers, how long each has been followed since the first purchase, and when each bought again.

    Returns
    -------
    DataFrame
        `customer, followed, again_after` (days; blank: not yet), no two on the same day.
    """
    def drawn(luck: Random) -> pd.DataFrame:
        old, young = [luck.randrange(400, 900) for _ in range(7)], [luck.randrange(60, 330) for _ in range(3)]
        back = luck.sample(range(5, 350), luck.randrange(4, 6))
        early = luck.randrange(5, young[0] - 10)
        again: list[int | None] = [*back, luck.randrange(YEAR + 5, old[len(back)] + 1) if old[len(back)] > YEAR + 5 else None]
        again += [None] * (7 - len(again)) + [early, None, None]
        return _named(luck, {"followed": [*old, *young], "again_after": [*again]})

    return _first(shop, "buyers", drawn, _tells)


def repeat_readings(ten: pd.DataFrame) -> dict[str, float]:
    """What `buyers` says of buying again within a year: the ways of counting, and what comes of not stopping at the year."""
    hit, old = ten["again_after"] <= YEAR, ten["followed"] >= YEAR
    ever = ten["again_after"].notna()
    seen = ten["again_after"].fillna(ten["followed"])
    waiting = {day: 1 - (ten["again_after"] == day).sum() / (seen >= day).sum() for day in ten["again_after"].dropna()}
    km, beyond = (1 - prod(still for day, still in waiting.items() if day <= last) for last in (YEAR, max(waiting)))
    return {"naive": hit.mean(), "mature": hit[old].mean(), "km": km, "ever": ever[old].mean(), "beyond": beyond, "all_ever": ever.mean()}


def crossed(shop: Shop) -> pd.DataFrame:
    """Ten customers, how long each has been followed, and when each first bought something from another line.

    Returns
    -------
    DataFrame
        `customer, followed, crossed_after` (days; blank: not yet).
    """
    luck = _luck(shop, "crossed")
    early, late = luck.randrange(1, 3), luck.randrange(2, 4)
    ages = [luck.randrange(5, 85) for _ in range(early)] + [luck.randrange(100, 350) for _ in range(late)] + [luck.randrange(380, 600)]
    after: list[int | None] = [*ages, *[None] * (7 - len(ages)), luck.randrange(5, 60), luck.randrange(5, 60), None]
    followed = [luck.randrange(620, 1000) for _ in range(7)] + [luck.randrange(90, 300) for _ in range(3)]
    return _named(luck, {"followed": [*followed], "crossed_after": [*after]})


def contracts(shop: Shop) -> pd.DataFrame:
    """Ten firms that signed in three months running, how long each could be seen, and when it left.

    Returns
    -------
    DataFrame
        `customer, month, started, seen, left_after` (days; blank: still here).
    """
    luck = _luck(shop, "contracts")
    months = pd.period_range(end=pd.Period(shop.closed_through, "M") - 1, periods=3, freq="M")
    soon, later = (5, 25), (35, 55)
    left = {0: [soon, later, None], 1: [soon, luck.choice([later, None]), None, None], 2: [soon, None, None]}
    rows = []
    for number, span in ((k, span) for k, spans in left.items() for span in spans):
        first = months[number].start_time + pd.Timedelta(days=luck.randrange(months[number].days_in_month - 1))
        gone = luck.randrange(*span) if span else None
        rows.append((str(months[number]), first.date(), (shop.as_of - first.date()).days, gone))
    table = pd.DataFrame(rows, columns=["month", "started", "seen", "left_after"]).astype({"left_after": float})
    return table.assign(customer=luck.sample(NAMES, len(NAMES)))[["customer", "month", "started", "seen", "left_after"]]


def reps(shop: Shop) -> pd.DataFrame:
    """Ten reps with forty closed deals each, every deal decided by the same dice: the company's own win rate.

    Returns
    -------
    DataFrame
        `rep, deals, won, rate`, the best first.
    """
    from retainkit.metrics.deals import win_rate

    chance = float(win_rate(shop)["rate"].iloc[0])
    luck_line = chance + 2 * (chance * (1 - chance) / DEALS) ** 0.5

    def drawn(luck: Random) -> pd.DataFrame:
        won = [sum(luck.random() < chance for _ in range(DEALS)) for _ in NAMES]
        table = pd.DataFrame({"rep": luck.sample(NAMES, len(NAMES)), "deals": DEALS, "won": won})
        return table.assign(rate=table["won"] / DEALS).sort_values(["won", "rep"], ascending=[False, True], ignore_index=True)

    return _first(shop, "reps", drawn, lambda t: t["rate"].max() < luck_line and t["rate"].max() - t["rate"].min() >= 0.2)


def month(shop: Shop) -> str:
    """The last finished month in which finance and support each lost customers whom the other did not (YYYY-MM).

    And in which no slip in counting them gives the right number, or another slip's; the last month where there is none.
    """
    months = [str(pd.Period(shop.closed_through, "M") - back) for back in range(24)]
    return next((name for name in months if _countable(shop, name)), months[0])


def _countable(shop: Shop, name: str) -> bool:
    steps = churn_bridge(shop, month=name, definition="asked_to_leave").query("side == 'lost'")["customers"]
    more, fewer, lost = int(steps.iloc[1:-1].clip(lower=0).sum()), int(-steps.iloc[1:-1].clip(upper=0).sum()), int(steps.iloc[0])
    return min(more, fewer) > 0 and lost != fewer and abs(more - fewer) not in (more, fewer)


def opened(shop: Shop, table: pd.DataFrame) -> Shop:
    """A shop of these ten customers only, on the same last day, to ask the package what was worked out by hand."""
    first = [shop.as_of - timedelta(days=int(d)) for d in table["followed"]] if "followed" in table else []
    if "ordered_at" in table:
        return open_shop({"orders": table}, tz=shop.tz, as_of=shop.as_of)
    if "left_after" in table:
        ended = [s + timedelta(days=int(d)) if d == d else None for s, d in zip(table["started"], table["left_after"], strict=True)]
        book = pd.DataFrame(
            {
                "contract_id": table["customer"],
                "customer_id": table["customer"],
                "started_at": table["started"].astype(str),
                "ended_at": ended,
            }
        )
        return open_shop({"contracts": book.astype({"ended_at": "string"})}, as_of=shop.as_of)
    later = "again_after" if "again_after" in table else "crossed_after"
    again = [(n, s + timedelta(days=int(d)), "Machines") for n, s, d in zip(table["customer"], first, table[later], strict=True) if d == d]
    days = [(n, s, "Beans") for n, s in zip(table["customer"], first, strict=True)] + again
    orders = pd.DataFrame(days, columns=["customer_id", "ordered_at", "product_line"])
    return open_shop(
        {
            "orders": orders.assign(
                order_id=range(len(orders)), amount=10.0, ordered_at=orders["ordered_at"].astype(str)
            )
        },
        as_of=shop.as_of,
    )


def _luck(shop: Shop, what: str) -> Random:
    """Luck that is the same for the same shop, whatever the version of numpy."""
    return Random(f"{what} " + " ".join(f"{row.table} {row.kept}" for row in shop.ledger.itertuples()))


def _first(shop: Shop, what: str, drawn: Callable[[Random], pd.DataFrame], telling: Callable[[pd.DataFrame], bool]) -> pd.DataFrame:
    """The first draw that can teach: one in which the ways of counting differ."""
    return next(table for k in count() if telling(table := drawn(_luck(shop, f"{what}{k}"))))


def _named(luck: Random, columns: dict[str, list[Any]]) -> pd.DataFrame:
    """The rows in any order, under the ten names in theirs."""
    table = pd.DataFrame(columns).astype(float).iloc[luck.sample(range(len(NAMES)), len(NAMES))]
    table = table.astype({"followed": int}).reset_index(drop=True)
    table.insert(0, "customer", NAMES)
    return table


def _tells(table: pd.DataFrame) -> bool:
    """Whether no two readings of a table of buyers, or what is left of them, could be taken for each other."""
    read = repeat_readings(table)
    values = sorted([*read.values(), 1 - read["mature"], 1 - read["km"], 1 - read["beyond"]])
    return table["again_after"].dropna().is_unique and min(b - a for a, b in pairwise(values)) > 0.02
