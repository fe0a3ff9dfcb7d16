"""Shops that sell again and again: notebooks 01 and 02, and the order-only part of 03.

About 400 new customers a shop over three years in which the number of newcomers triples, 100 older ones of whom only the
later orders are in the log; consumers, and small firms whose contract shows when they leave; orders cancelled and
refunded, two orders on one day. Rates are the sample company's, without its trend: nothing changes with the calendar.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from retainkit.estimate.compare import MONTH
from retainkit.simulate import world as sizes
from retainkit.simulate.buying import lines, orders
from retainkit.simulate.draws import exponential, gamma, stream, uniform
from retainkit.simulate.lives import table

from .shops import MORE, STRIDE, Clock, Frames, known

CLOCK = Clock(date(2023, 11, 1), date(2026, 10, 31))
NEW, TIMES, BEFORE, FOLLOWED, FIRMS = 400 * MORE, 3.0, 730, 1100, 0.4
SPENT = 5_500 * MORE  # a month, to win customers
LAPSE, RETURN, BANDS = 180, 180, ((0, 30), (30, 90), (90, 180), (180, 365), (365, 730))


def live(seed: int, shops: int, *, follow: bool = False, firms: float = FIRMS, times: int = 1) -> Frames:
    """The people of so many shops and all they order; with `follow`, for `FOLLOWED` days after the first order at least."""
    people = _people(seed, shops, firms, times)
    until = np.full(len(people), CLOCK.end + 1)
    if follow:
        until = np.maximum(until, people["first_order"] + FOLLOWED + 1)
    found = orders(seed, people, until)
    line = lines(found)
    of = line["order"].to_numpy()
    bought = found[["customer", "day", "cancelled", "refund_day"]].iloc[of].reset_index(drop=True)
    return {"people": people, "lines": bought.assign(order=of, line=line["line"], amount=line["amount"])}


def _people(seed: int, shops: int, firms: float, times: int) -> pd.DataFrame:
    """Who signs up when, with latent habits and the day of leaving; newcomers grow at a steady pace."""
    rng, pace = stream(seed, "people"), np.log(TIMES) / CLOCK.end
    reach = np.array([-BEFORE, 0, CLOCK.end + 1]) * pace
    mean = times * NEW * (np.exp(reach[2]) - np.exp(reach[0])) / (np.exp(reach[2]) - 1)
    n = np.random.default_rng(seed).poisson(mean, shops)
    shop = np.repeat(np.arange(shops), n)
    total = len(shop)
    start = np.floor(np.log(np.exp(reach[0]) + uniform(rng, total) * (np.exp(reach[2]) - np.exp(reach[0]))) / pace).astype(int)
    firm = uniform(rng, total) < firms
    ahead = np.where(~firm & (uniform(rng, total) < sizes.SIGN_UP_AHEAD), np.ceil(sizes.SIGN_UP_DAYS * uniform(rng, total)), 0).astype(int)
    wait = np.where(firm, np.floor(sizes.FIRST_ORDER_DAYS * exponential(rng, total)), 0).astype(int)
    people = pd.DataFrame({
        "shop": shop, "customer": shop * STRIDE + np.arange(total) - (np.cumsum(n) - n)[shop], "segment": firm.astype(int),
        "start": start, "signed_up": start - ahead, "first_order": start + wait, "buys": uniform(rng, total) >= sizes.NO_ORDER,
        "habit": gamma(rng, total, sizes.HABIT_VAR)})  # fmt: skip
    return people.assign(left=start + lifetime(rng, table(sizes.HAZARD, people["segment"])))


def lifetime(rng: np.random.Generator, hazard: Any) -> Any:
    """Whole days until leaving: a hazard that is higher at first, times each customer's own luck."""
    need = exponential(rng, len(hazard)) / gamma(rng, len(hazard), sizes.FRAILTY_VAR)
    early = hazard * sizes.EARLY_TIMES
    soon = need / early
    later = sizes.EARLY_DAYS + (need - early * sizes.EARLY_DAYS) / hazard
    return np.ceil(np.where(soon <= sizes.EARLY_DAYS, soon, later)).astype(np.int64)


def export(lived: Frames) -> Frames:
    """What the logs show: orders since the first day, and everybody who had not left by then."""
    people = lived["people"]
    line = lived["lines"].query("0 <= day <= @CLOCK.end")
    who = people.iloc[line["customer"]]
    paid_back = known(np.where(line["refund_day"] >= 0, line["refund_day"], np.nan), CLOCK)
    status = np.where(line["cancelled"], "cancelled", np.where(np.isnan(paid_back), "paid", "refunded"))
    here = people[people["left"] > 0]
    firms = here[here["segment"] == 1]
    return {
        "orders": pd.DataFrame({
            "shop": who["shop"].to_numpy(), "customer": who["customer"].to_numpy(), "customer_id": ids("c", who["customer"]),
            "order_id": ids("o", line["order"]), "ordered_at": CLOCK.dates(line["day"]), "amount": line["amount"].to_numpy(),
            "product_line": np.array(sizes.LINES)[line["line"]], "status": status, "refunded_at": CLOCK.dates(paid_back)}),
        "customers": pd.DataFrame({
            "shop": here["shop"].to_numpy(), "customer": here["customer"].to_numpy(), "customer_id": ids("c", here["customer"]),
            "signed_up_at": CLOCK.dates(here["signed_up"]), "segment": np.array(sizes.SEGMENTS)[here["segment"]]}),
        "contracts": pd.DataFrame({
            "shop": firms["shop"].to_numpy(), "customer": firms["customer"].to_numpy(), "customer_id": ids("c", firms["customer"]),
            "contract_id": ids("k", firms["customer"]), "started_at": CLOCK.dates(firms["start"]), "ended_at": CLOCK.dates(known(firms["left"], CLOCK))}),
        "spend": pd.DataFrame([{"shop": shop, "month": month, "category": "paid", "amount": SPENT} for shop in sorted(people["shop"].unique())
                               for month in pd.date_range(CLOCK.first, CLOCK.last, freq="MS")]),
    }  # fmt: skip


def ids(letter: str, numbers: Any) -> Any:
    """Numbers as identifiers: c17."""
    return np.char.add(letter, np.asarray(numbers).astype(str)).astype(object)


# ---- what is true ---------------------------------------------------------------------------------------------


def truth(seed: int, shops: int) -> dict[tuple[str, Any], float]:
    """Plain shares and averages of so many shops' customers, followed to the end."""
    lived = live(seed, shops, follow=True)
    people, days = lived["people"], purchase_days(lived)
    new = days[days["new"]]
    n, nth = int((new["nth"] == 1).sum()), {k: new[new["nth"] == k] for k in (1, 2, 3, 4)}
    second = {(name, h): (nth[2]["age"] <= h).sum() / n for name in ("second_purchase", "second_purchase_mature") for h in (30, 60, 90, 180, 365)}
    steps = {("next_purchase", k): _following(nth[k], 365) for k in (1, 2, 3)}
    return {
        **second, ("second_purchase_by_cohort", 30): second["second_purchase", 30], **steps, **_crossed(new, n, people),
        **_money(lived, new), **_earned(lived, new, shops), **_repeated(new, days), **_by_month(new), **_lapsed(days, new, n)}  # fmt: skip


def purchase_days(lived: Frames) -> pd.DataFrame:
    """The customer-days on which something was bought that was neither cancelled nor refunded.

    Columns: customer (place in `people`), day, revenue, crossed (a product line not bought before, not on the first day),
    first, nth, age, wait (days to the next purchase), new (first bought, and signed up, while the log ran).
    """
    kept = lived["lines"][~lived["lines"]["cancelled"] & (lived["lines"]["refund_day"] < 0)]
    kept = kept.sort_values(["customer", "day"], kind="stable")
    kept = kept.assign(crossed=~kept.duplicated(["customer", "line"]))
    days = kept.groupby(["customer", "day"], as_index=False).agg(revenue=("amount", "sum"), crossed=("crossed", "any"))
    by = days.groupby("customer")["day"]
    days["first"], days["nth"] = by.transform("min"), by.cumcount() + 1
    days["age"], days["wait"] = days["day"] - days["first"], -by.diff(-1)
    signed_up = lived["people"]["signed_up"].to_numpy()[days["customer"]]
    new = (days["first"] >= 0) & (days["first"] <= CLOCK.end) & (signed_up >= 0)
    return days.assign(new=new, crossed=days["crossed"] & (days["age"] > 0))


def _following(kth: pd.DataFrame, window: int) -> float:
    """Of the k-th purchases within a window of the first, the share followed by another within a window."""
    return float((kth.loc[kth["age"] <= window, "wait"] <= window).mean())


def _crossed(new: pd.DataFrame, n: int, people: pd.DataFrame) -> dict[tuple[str, Any], float]:
    """Cross-sells: the early share, anyone by an age, and the rate per 100 customer-months by band of age."""
    age = new.loc[new["crossed"], ["customer", "age"]]
    first = age.groupby("customer")["age"].min()
    start = new.loc[new["nth"] == 1, ["customer", "day"]]
    gone = people["left"].to_numpy()[start["customer"]] - start["day"].to_numpy()
    watched = np.where(people["segment"].to_numpy()[start["customer"]] == 1, gone, np.inf)
    rates = {("cross_sell_rates", f"{a}-{b}"): 100 * MONTH * age["age"].between(a + 1, b).sum() / (np.minimum(watched, b) - a).clip(0).sum()
             for a, b in BANDS}  # fmt: skip
    shares = {("cross_sell_share", h): (age["age"] <= 90).sum() / (age["age"] <= h).sum() for h in (365, 730)}
    made = {("cross_sells_made", h): (age["age"] <= h).sum() / n for h in (90, 365)}
    return rates | shares | made | {("cross_sell_any", h): (first <= h).sum() / n for h in (30, 60, 90, 180, 365)}


def _money(lived: Frames, new: pd.DataFrame) -> dict[tuple[str, Any], float]:
    """Revenue: month one's share of year one, and the repeat share of all that the log shows."""
    line, signed_up = lived["lines"], lived["people"]["signed_up"].to_numpy()
    line = line[~line["cancelled"]]
    moved = _moved(line, line["refund_day"] >= 0)
    first = new.drop_duplicates("customer").set_index("customer")["first"].reindex(moved["customer"]).to_numpy()
    age = moved["day"].to_numpy() - first
    amount = moved["amount"].to_numpy()
    counted = {"all": age >= 0, "later": moved["bought"].to_numpy() > first}  # what went back of the first day is its own
    total = {(kind, h): amount[which & (age <= h)].sum() for kind, which in counted.items() for h in (30, 365)}
    shares = {("month_one_revenue", kind): total[kind, 30] / total[kind, 365] for kind in counted}
    return shares | {("repeat_revenue", "all"): _repeat_share(line, signed_up)}


def worth(lived: Frames, new: pd.DataFrame) -> Any:
    """What a new customer brings by each age."""
    line, first = lived["lines"][~lived["lines"]["cancelled"]], new.drop_duplicates("customer").set_index("customer")["first"]
    moved = _moved(line, line["refund_day"] >= 0)
    age = moved["day"].to_numpy() - first.reindex(moved["customer"]).to_numpy()
    sums = pd.Series(moved["amount"].to_numpy()).groupby(age).sum().reindex(range(FOLLOWED), fill_value=0.0)
    return (sums.cumsum() / len(first)).to_numpy()


def _earned(lived: Frames, new: pd.DataFrame, shops: int) -> dict[tuple[str, Any], float]:
    """What a new customer brings, what one costs in the last twelve months, and the day on which the first reaches the second."""
    value = worth(lived, new)
    cost = 12 * SPENT * shops / (new.loc[new["nth"] == 1, "day"] >= CLOCK.day("2025-11-01")).sum()
    values = {("lifetime_value", h): value[h] for h in (90, 365)} | {("lifetime_value_beyond", h): value[h] for h in (730, 1095)}
    return {**values, ("acquisition_cost", "all"): cost, ("value_to_cost", 365): value[365] / cost, ("payback", "all"): float(np.argmax(value >= cost))}


def _repeated(new: pd.DataFrame, days: pd.DataFrame) -> dict[tuple[str, Any], float]:
    """Of the buyers of the last month: on two days of it, and customers before it."""
    month = CLOCK.day("2026-10-01")
    bought = days[days["day"].between(month, CLOCK.end)].groupby("customer").agg(times=("day", "size"), first=("first", "first"), new=("new", "first"))
    before = (bought["first"] < month) | ~bought["new"]
    return {("repeat_buying", "repeat_rate"): (bought["times"] > 1).mean(), ("repeat_buying", "returning_share"): before.mean()}


def _moved(line: pd.DataFrame, repaid: pd.Series) -> pd.DataFrame:
    """The money of order lines on the day it came, and that of the repaid ones on the day it went."""
    came = line.assign(bought=line["day"])
    back = came[repaid].assign(day=line["refund_day"], amount=-line["amount"])
    return pd.concat([came, back])[["customer", "day", "amount", "bought"]]


def _repeat_share(line: pd.DataFrame, signed_up: Any) -> float:
    """Of the money that stayed in the log's days, the part that is not of a new customer's first day."""
    stayed = line[line["day"].between(0, CLOCK.end) & ~line["refund_day"].between(0, CLOCK.end)]
    begun = stayed.groupby("customer")["day"].transform("min").to_numpy()
    is_new = (signed_up[stayed["customer"]] >= 0) & (stayed["day"].to_numpy() <= begun)
    return 1 - float(stayed["amount"].to_numpy()[is_new].sum() / stayed["amount"].sum())


def _by_month(new: pd.DataFrame) -> dict[tuple[str, Any], float]:
    """Cohorts by calendar month: share who buy in the k-th month after, over the cohorts old enough for it."""
    came, bought, last = CLOCK.month(new["first"]), CLOCK.month(new["day"]), CLOCK.month([CLOCK.end])[0]
    active = pd.DataFrame({"customer": new["customer"], "came": came, "later": bought - came}).drop_duplicates()
    sizes_by = active[active["later"] == 0].groupby("came").size()
    counts = active.groupby(["came", "later"]).size()
    cells = {("retention_matrix", (c, k)): counts.get((c, k), 0) / sizes_by[c] for c in sizes_by.index for k in range(1, last - c + 1)}
    pooled = {("pooled_retention", k): sum(counts.get((c, k), 0) for c in range(last - k + 1)) / sizes_by.loc[: last - k].sum() for k in (1, 12)}
    return cells | pooled


def _lapsed(days: pd.DataFrame, new: pd.DataFrame, n: int) -> dict[tuple[str, Any], float]:
    """The lapse rule: never lapsed by an age, came back in time, and a month's lapses of its opening base."""
    wait = new["wait"].fillna(np.inf)
    lapse = (new["age"] + LAPSE)[wait > LAPSE].groupby(new["customer"]).min()
    seen = days[(days["day"] >= 0)]
    waits = seen["wait"].fillna(np.inf)
    called = (waits > LAPSE) & (seen["day"] + LAPSE <= CLOCK.end - RETURN)
    month = CLOCK.day("2026-10-01")
    base = (seen["day"] < month) & (seen["day"] + LAPSE >= month) & (seen["day"] + waits >= month)
    lost = base & (waits > LAPSE) & (seen["day"] + LAPSE <= CLOCK.end)
    return {("lapse_survival", 365): 1 - (lapse <= 365).sum() / n, ("lapse_returns", LAPSE): float((waits[called] <= LAPSE + RETURN).mean()),
            ("monthly_lapse", "2026-10"): lost.sum() / base.sum()}  # fmt: skip
