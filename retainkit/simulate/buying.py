"""Latent orders: everything a customer buys until leaving, with what later happens to it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from . import world
from .draws import Ints, arrivals, choose, lognormal, stream, uniform
from .lives import table


def orders(seed: int, people: pd.DataFrame, until: Ints) -> pd.DataFrame:
    """One row per order before the day `until` (one a person) and before leaving, by customer and day.

    Columns: customer (row of `people`), day, age (days since the first order), cross (meant to add a product
    line), twin (the second order of a day), value, cancelled, refund_day (-1: kept), line and line2 (product
    codes; -1: none), share (of the value that falls to `line`).
    """
    last = np.minimum(people["left"], until) - 1 - people["first_order"]
    buyers = np.flatnonzero(people["buys"] & (last >= 0))
    found = _occasions(seed, people.iloc[buyers], np.asarray(last)[buyers])
    found["customer"] = buyers[found["customer"]]
    rng, n = stream(seed, "order values"), len(found)
    segment = people["segment"].to_numpy()[found["customer"]]
    median, sd = table(world.ORDER_VALUE, segment).T
    found["value"] = lognormal(rng, median, sd)
    rng = stream(seed, "order fates")
    found["cancelled"] = uniform(rng, n) < world.CANCELLED
    refunded = (uniform(rng, n) < world.REFUNDED) & ~found["cancelled"]
    lag = np.ceil(lognormal(rng, np.full(n, world.REFUND_DAYS), world.REFUND_SD)).astype(int)
    found["day"] = people["first_order"].to_numpy()[found["customer"]] + found["age"]
    found["refund_day"] = np.where(refunded, found["day"] + lag, -1)
    return _with_lines(seed, found)


def _occasions(seed: int, people: pd.DataFrame, days: Ints) -> pd.DataFrame:
    """First orders, repeats, cross-sells and the second orders of a day; customer: position in `people`."""
    habit, segment, n = people["habit"].to_numpy(), people["segment"], len(people)
    parts = [(np.arange(n), np.zeros(n, np.int64), 0)]
    for concern, rates, turn, cross in (
        ("repeats", world.REPEAT, world.REPEAT_DAYS, 0), ("cross-sells", world.CROSS, world.CROSS_DAYS, 1)
    ):  # fmt: skip
        early, late = table(rates, segment).T * habit
        parts.append((*arrivals(stream(seed, concern), early=early, late=late, turn=turn, days=days), cross))
    found = pd.concat([pd.DataFrame({"customer": who, "age": age, "cross": c}) for who, age, c in parts])
    found = found.sort_values(["customer", "age", "cross"], kind="stable").assign(twin=0)
    twins = found[uniform(stream(seed, "same day"), len(found)) < world.SAME_DAY].assign(twin=1)
    both = pd.concat([found, twins]).sort_values(["customer", "age", "cross", "twin"], kind="stable")
    return both.reset_index(drop=True)


def _with_lines(seed: int, found: pd.DataFrame) -> pd.DataFrame:
    """Give each order its lines: a customer takes product lines up in a personal sequence, one a cross-sell."""
    rng, n, kinds = stream(seed, "product lines"), len(found), len(world.LINES)
    people = int(found["customer"].max()) + 1 if n else 0
    keys = -np.log(uniform(rng, people * kinds).reshape(people, kinds)) / np.array(world.LINE_WEIGHT)
    taste = np.argsort(keys, axis=1, kind="stable")
    bundle = 1 + (uniform(rng, people) < world.BUNDLE)
    steps = ((found["cross"] == 1) & (found["twin"] == 0)).groupby(found["customer"]).cumsum().to_numpy()
    had = bundle[found["customer"]] + steps
    owned = np.minimum(had, kinds)
    pick = np.floor(owned * uniform(rng, n)).astype(int)
    pick = np.where((found["cross"] == 1) & (had <= kinds), owned - 1, pick)
    more = np.where(found["cross"] == 1, 0, world.SECOND_LINE)
    two = (uniform(rng, n) < more) & (owned > 1)
    first = (found["age"] == 0) & (found["cross"] == 0)
    pick, two = np.where(first, 0, pick), np.where(first, owned > 1, two)
    who = found["customer"].to_numpy()
    other = np.where(two, taste[who, (pick + 1) % owned], -1)
    return found.assign(line=taste[who, pick], line2=other, share=0.35 + 0.3 * uniform(rng, n))


def lines(found: pd.DataFrame) -> pd.DataFrame:
    """One row per order line: columns order (row of `found`), line, amount."""
    two = found["line2"].to_numpy() >= 0
    total = np.round(found["value"].to_numpy(), 2)
    part = np.where(two, np.round(total * found["share"].to_numpy(), 2), total)
    at = np.arange(len(found))
    first = pd.DataFrame({"order": at, "line": found["line"].to_numpy(), "amount": part})
    rest = np.round(total - part, 2)
    second = pd.DataFrame({"order": at, "line": found["line2"].to_numpy(), "amount": rest})
    return pd.concat([first, second[two]]).sort_values("order", kind="stable").reset_index(drop=True)


def hours(rng: np.random.Generator, n: int, *, evening: bool) -> Ints:
    """Seconds after local midnight, 7:00 to 23:59; consumers also shop in the evening, firms hardly."""
    late = [5.0, 6, 6, 6, 5, 5] if evening else [0.6, 0.4, 0.3, 0.2, 0.1, 0.1]
    at = choose(rng, n, [1.0, 3, 5, 6, 6, 5, 5, 5, 5, 5, 4, *late])
    return ((7 + at + uniform(rng, n)) * 3600).astype(np.int64).clip(max=86_399)
