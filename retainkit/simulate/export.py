"""What an export of the company shows: the eight canonical tables, cut at its first and last hour."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from . import world
from .buying import hours, lines, orders
from .draws import choose, lognormal, stream, uniform
from .lives import live, programme_day, reps
from .service import contracts, dates, day_of_month, invoices, spend, staff, survey, use

DAY = 86_400
NOW = world.END * DAY + world.EXPORT_HOUR * 3600  # the second the export is drawn
Table = pd.DataFrame


def export(seed: int, scale: float, *, truncate: bool) -> dict[str, Table]:
    """The canonical tables by name; with `truncate` only what a 36-month export still holds."""
    deals, people = live(seed, scale)
    start = world.START if truncate else -(10**6)
    people = _stamped(seed, people)
    held = contracts(seed, people)
    return {
        "orders": _orders(seed, people, held, start),
        "customers": _customers(seed, people, start),
        "deals": _deals(seed, deals, people, start),
        "contracts": _contracts(seed, people, held, deals, start),
        "responses": _responses(seed, people),
        "spend": spend(seed, scale).assign(month=lambda t: [_date(day_of_month(m)) for m in t["month"]]),
        "activity": _activity(seed, people, start),
        "changes": Table([{"change": world.PROGRAMME, "unit": region, "started_on": _date(programme_day(region))}
                          for region in world.PROGRAMME_MONTH]),
    }  # fmt: skip


def _date(day: int) -> str:
    """A day as YYYY-MM-DD."""
    return str(dates(day))


def _texts(days: npt.ArrayLike) -> np.ndarray:
    """Days as YYYY-MM-DD."""
    return np.datetime_as_string(dates(days))


def _times(seconds: npt.ArrayLike, shown: npt.ArrayLike = True) -> pd.Index:
    """Local seconds since the first day as UTC timestamps, empty where not `shown`."""
    local = pd.DatetimeIndex(dates(seconds, "s"))
    return local.tz_localize(world.TZ).tz_convert("UTC").where(np.broadcast_to(np.asarray(shown), len(local)))


def _ids(letter: str, numbers: npt.ArrayLike, width: int = 5) -> np.ndarray:
    """Identifiers such as C00042, numbered from 1."""
    return np.array([f"{letter}{n + 1:0{width}}" for n in np.asarray(numbers)], dtype=object)


def _words(words: list[str], codes: npt.ArrayLike) -> np.ndarray:
    """The word of each code."""
    return np.array(words, dtype=object)[np.asarray(codes)]


def _where(shown: npt.ArrayLike, values: npt.ArrayLike, other: npt.ArrayLike | None = None) -> np.ndarray:
    """`values` where `shown`, elsewhere `other` (nothing, unless given)."""
    one, another = np.asarray(values, dtype=object), np.asarray(other, dtype=object)
    return np.where(np.asarray(shown, dtype=bool), one, another)


def _stamped(seed: int, people: Table) -> Table:
    """Add the seconds of sign-up and of the first order; who orders on the day signed up minutes before."""
    rng, n = stream(seed, "sign-up hours"), len(people)
    consumer = (people["segment"] == 0).to_numpy()
    first = np.where(consumer, hours(rng, n, evening=True), hours(rng, n, evening=False))
    before = 120 + np.floor(1080 * uniform(rng, n)).astype(int)
    at_once = consumer & (people["signed_up"] == people["start"])
    signed = people["signed_up"] * DAY + np.where(at_once, first - before, hours(rng, n, evening=False))
    return people.assign(first_second=first, signed=signed)


def _customers(seed: int, people: Table, start: int) -> Table:
    rng, everyone = stream(seed, "owners"), reps()["rep"].tolist()
    moved = uniform(rng, len(people)) < world.REASSIGNED
    shift = 1 + choose(rng, len(people), [1.0] * (len(everyone) - 1))
    owner = _words(everyone, (people["rep"] + np.where(moved, shift, 0)) % len(everyone))
    table = Table({
        "customer_id": _ids("C", people.index),
        "signed_up_at": _times(people["signed"]),
        "segment": _words(world.SEGMENTS, people["segment"]),
        "region": _words(world.REGIONS, people["region"]),
        "source": _words(world.SOURCES, people["source"]),
        "owner": _where(people["rep"] >= 0, owner),
    })  # fmt: skip
    return table[(people["signed"] <= NOW) & (people["left"] > start)].reset_index(drop=True)


def _orders(seed: int, people: Table, held: Table, start: int) -> Table:
    rows = pd.concat([_purchases(seed, people), _invoiced(held), _guests(seed)], ignore_index=True)
    rows = rows.sort_values(["at", "customer", "order"], kind="stable", ignore_index=True)
    table = Table({
        "order_id": _ids("O", pd.factorize(rows["order"])[0], 6),
        "customer_id": _where(rows["customer"] >= 0, _ids("C", rows["customer"])),
        "ordered_at": _times(rows["at"]),
        **{name: rows[name] for name in ("amount", "product_line", "quantity", "status")},
        "refunded_at": _times(rows["refunded"], rows["refunded"] > 0),
        "order_type": rows["order_type"],
    })  # fmt: skip
    return table[(rows["at"] <= NOW) & (rows["at"] >= start * DAY)].reset_index(drop=True)


def _purchases(seed: int, people: Table) -> Table:
    """The lines of all one-off orders, with what is known of their fate on the day of the export."""
    found = orders(seed, people, np.full(len(people), world.END + 1))
    rng, n = stream(seed, "order hours"), len(found)
    who = found["customer"].to_numpy()
    consumer = people["segment"].to_numpy()[who] == 0
    second = np.where(consumer, hours(rng, n, evening=True), hours(rng, n, evening=False))
    opening = (found["age"] == 0) & (found["twin"] == 0)
    second = np.where(opening, people["first_second"].to_numpy()[who], second)
    # the second order of a day stands right after the first one in `found`, and comes minutes later
    soon = np.minimum(np.roll(second, 1) + 60 + np.floor(5400 * uniform(rng, n)).astype(int), DAY - 1)
    at = found["day"].to_numpy() * DAY + np.where(found["twin"] == 1, soon, second)
    refund = found["refund_day"].to_numpy() * DAY + hours(rng, n, evening=False)
    refund = np.where((found["refund_day"] >= 0) & (refund <= NOW), refund, -1)
    status = np.where(found["cancelled"], "cancelled", np.where(refund > 0, "refunded", "paid"))
    line = lines(found)
    of = line["order"].to_numpy()
    return Table({
        "order": of, "customer": who[of], "at": at[of], "amount": line["amount"],
        "product_line": _words(world.LINES, line["line"]), "quantity": 1 + choose(rng, len(of), [0.7, 0.2, 0.1]),
        "status": status[of], "refunded": refund[of], "order_type": "one_off",
    })  # fmt: skip


def _invoiced(held: Table) -> Table:
    """The monthly invoices of contracts, drawn up at five in the morning."""
    due = invoices(held)
    of = due["contract"].to_numpy()
    return Table({
        "order": -1 - np.arange(len(due)), "customer": held["customer"].to_numpy()[of],
        "at": due["day"] * DAY + 5 * 3600,
        "amount": held["monthly"].to_numpy()[of], "product_line": world.PLAN, "quantity": 1,
        "status": "paid", "refunded": -1, "order_type": "recurring",
    })  # fmt: skip


def _guests(seed: int) -> Table:
    """A few checkouts of nobody: orders without a customer."""
    rng, n = stream(seed, "guests"), world.GUESTS
    day = world.START + np.floor((world.END - world.START) * uniform(rng, n)).astype(int)
    return Table({
        "order": -(10**9) - np.arange(n), "customer": -1, "at": day * DAY + hours(rng, n, evening=True),
        "amount": np.round(lognormal(rng, np.full(n, world.ORDER_VALUE[0][0]), 0.5), 2),
        "product_line": _words(world.LINES, choose(rng, n, world.LINE_WEIGHT)), "quantity": 1,
        "status": "paid", "refunded": -1, "order_type": "one_off",
    })  # fmt: skip


def _deals(seed: int, deals: Table, people: Table, start: int) -> Table:
    rng = stream(seed, "deal hours")
    opened = deals["opened"] * DAY + hours(rng, len(deals), evening=False)
    closed = deals["closed"] * DAY + hours(rng, len(deals), evening=False)
    firms = people[people["rep"] >= 0].rename_axis("customer").reset_index()
    # a customer signs up in the second in which the first deal is won
    closed = firms.set_index("deal")["signed"].reindex(deals.index).fillna(closed).astype(np.int64)
    known = deals["logged"] & (closed <= NOW)
    outcome = np.where(known, np.where(deals["won"], "won", "lost"), "open")
    table = Table({
        "deal_id": _ids("D", deals.index),
        "customer_id": _accounts(rng, deals["account"], firms),
        "rep": _words(reps()["rep"].tolist(), deals["rep"]),
        "opened_at": _times(opened), "closed_at": _times(closed, known),
        "outcome": outcome, "amount": np.round(12 * deals["monthly"].to_numpy(), 2),
        "source": _words(world.SOURCES, deals["source"]),
        "segment": _words(world.SEGMENTS, deals["segment"]),
        "region": _words(world.REGIONS, deals["region"]),
    })  # fmt: skip
    return table[((opened <= NOW) & (deals["opened"] >= start)).to_numpy()].reset_index(drop=True)


def _accounts(rng: np.random.Generator, account: pd.Series, firms: Table) -> np.ndarray:
    """The id of each deal's account: the customer's, or that of a prospect, which not everybody notes down."""
    signed = firms[firms["signed"] <= NOW].set_index("account")["customer"]
    prospect = pd.factorize(account)[0]
    noted = (uniform(rng, int(prospect.max(initial=0)) + 1) >= world.NO_ACCOUNT)[prospect]
    stranger = _where(noted, _ids("P", prospect))
    customer = account.map(signed)
    return _where(customer.notna(), _ids("C", customer.fillna(0).astype(int)), stranger)


def _contracts(seed: int, people: Table, held: Table, deals: Table, start: int) -> Table:
    rng = stream(seed, "contract hours")
    asked = held["asked"] * DAY + hours(rng, len(held), evening=False)
    ended = held["end"] <= world.END
    sold = deals["opened"].reindex(held["deal"]).to_numpy() >= start
    table = Table({
        "contract_id": _ids("K", held.index),
        "customer_id": _ids("C", held["customer"]),
        "started_at": _texts(held["start"]),
        "cancel_requested_at": _times(asked, (held["asked"] >= 0) & (asked <= NOW)),
        "ended_at": _where(ended, _texts(held["end"])), "end_reason": _where(ended, held["reason"]),
        "monthly_value": held["monthly"],
        "deal_id": _where(sold, _ids("D", held["deal"])),
    })  # fmt: skip
    shown = (people["left"].to_numpy()[held["customer"]] > start) & (held["start"] <= world.END)
    return table[shown].reset_index(drop=True)


def _responses(seed: int, people: Table) -> Table:
    rng, parts = stream(seed, "answer hours"), []
    for kind, asked in (("customer", survey(seed, people)), ("employee", staff(seed))):
        said = asked[asked["day"] >= 0]
        parts.append(Table({
            "customer_id": _ids("C", said["customer"]) if kind == "customer" else None,
            "answered_at": _times(said["day"] * DAY + hours(rng, len(said), evening=False)),
            "score": said["score"].to_numpy(), "kind": kind,
            "wave": [_date(day_of_month(m))[:7] for m in said["wave"]],
            "invited": said["wave"].map(asked.groupby("wave").size()).to_numpy(),
        }))  # fmt: skip
    return pd.concat(parts).sort_values("answered_at", kind="stable", ignore_index=True)


def _activity(seed: int, people: Table, start: int) -> Table:
    found = use(seed, people)
    found = found[(found["day"] >= start) & (found["day"] <= world.END)]
    return Table({"customer_id": _ids("C", found["customer"]), "active_on": _texts(found["day"])})
