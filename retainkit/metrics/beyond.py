"""What a new customer brings beyond the days that were counted: a model, shown only where it predicts what was held back.

The same model says what the next purchases would be if habits never changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import pandas as pd

from retainkit.errors import BadValueError, RetainkitError, counted, listed
from retainkit.estimate.beyond import COLUMNS as HELD
from retainkit.estimate.beyond import Habits, failed, fit_habits, hold_out, more_money, short_of_buyers
from retainkit.estimate.repeat_buying import expected_funnel, fit_bg_nbd
from retainkit.estimate.smalln import short_of
from retainkit.load.shop import GROUPS_OF_CUSTOMERS, Shop
from retainkit.metrics.lifetime_value import lifetime_value
from retainkit.metrics.reading import by_group, stacked
from retainkit.tally import UNKNOWN, split_by, tally

WEEK = 7.0
FURTHEST = 2  # histories: a model is not asked about more than twice the time it has seen
COLUMNS = ["horizon_days", "value", "low", "high", "n", "counted", "modelled", "model", "note"]


class Beyond(NamedTuple):
    """What `lifetime_value_beyond` returns.

    Attributes
    ----------
    value
        A row a group and horizon: the group, `horizon_days`, `value, low, high` (the shop's currency), `n` (new customers), of which
        `counted` comes by the last age that was counted and `modelled` after it, `model`, `note`. NaN where the model is withheld,
        and `note` says why.
    held_out
        A row a question put to the model: the group, `what` ("purchases", "money"), `who` (everybody, or customers by their
        purchases before), `n, predicted, low, high, came, inside`, and `since`, the day from which on it had to predict.
    """

    value: pd.DataFrame
    held_out: pd.DataFrame


def lifetime_value_beyond(
    shop: Shop, *, seen: int = 365, horizons: Sequence[int] = (730, 1095), by: str | None = None, margin: float = 1.0,
    hold_days: int | None = None, level: float = 0.95,
) -> Beyond:
    """Revenue per new customer in more days than were counted: `lifetime_value` up to `seen`, a model of habits from there.

    The model first has to predict. It is shown the customers as of `hold_days` ago, and what they bought and brought since is
    held against it: purchases and revenue of everybody, and purchases by how often they had bought, must lie within the range it
    gives, the totals within 10 %. Where one does not, or there is too little to judge by, no value is given, and the note has
    the numbers. It knows purchases only: where invoices of contracts matter it fails, as it should.

    Left out: customers who first bought before `history_start`, and of groups those whose group is not known, or is called
    `unknown`. Purchases that were given back count in neither half.

    Parameters
    ----------
    shop
        The shop.
    seen
        The age in days up to which revenue is counted.
    horizons
        Ages in days; none further than twice the longest time a customer was followed.
    by
        Split by `segment`, `region`, `source` or `owner`; each group has its own model and hold-out.
    margin
        The share of revenue that is left after the cost of what was sold.
    hold_days
        How many days are held back; by default a third of the longest follow-up, a year at most.
    level
        Confidence level.

    Returns
    -------
    Beyond
        `value` and `held_out`. The intervals' ends are the sums of those of both parts (count: robust; model: delta method with
        robust covariance), which is wide rather than narrow. They hold if habits stay as they are: nothing covers that.

    Raises
    ------
    BadValueError
        A horizon that is not beyond `seen`.

    Notes
    -----
    BG/NBD (Fader, Hardie and Lee 2005, Marketing Science 24, 275-284) or MBG/NBD (Batislam, Denizel and Filiztekin 2007,
    International Journal of Research in Marketing 24, 201-209), whichever predicts better; Gamma-Gamma (Fader, Hardie and Lee
    2005, Journal of Marketing Research 42, 415-430) around an average that is counted (Bühlmann and Straub 1970, Mitteilungen der
    Vereinigung schweizerischer Versicherungsmathematiker 70, 111-133). The rule for passing is this kit's own.

    Examples
    --------
    Two customers teach nothing.

    >>> from retainkit import open_shop
    >>> orders = pd.DataFrame({"order_id": [1, 2, 3], "customer_id": ["ann", "ann", "bob"], "amount": [10, 30, 20],
    ...                        "ordered_at": ["2026-01-01", "2026-01-21", "2026-01-25"]})
    >>> found = lifetime_value_beyond(open_shop({"orders": orders}, as_of="2026-03-31"), seen=60, horizons=[120])
    >>> found.value["note"].item()
    'not modelled: needs 50 customers who bought again, has 1; needs 100 purchases held back, has 0'
    """
    split_by(by, GROUPS_OF_CUSTOMERS)
    if not seen < min(horizons):
        raise BadValueError("horizons", f"must lie beyond the {counted(seen, 'day')} that are counted", listed(horizons), f"horizons=[{2 * seen}]")
    followed = tally(shop, "followup", by="all")["followup"]
    longest = int(followed.max()) if len(followed) else 0
    days = hold_days or max(min(longest // 3, 365), 1)
    starts, cut = lifetime_value(shop, horizons=[seen], by=by, level=level), shop.as_of - timedelta(days=days)
    begun = {str(name): start for name, start in starts.groupby(by) if name != UNKNOWN} if by else {"": starts}
    found = [(name, _of_group(shop.only(**{by: name}) if by else shop, start, horizons, margin, cut, level)) for name, start in begun.items()]
    value, held = (_of_groups([(name, tables[i]) for name, tables in found], by, columns) for i, columns in ((0, COLUMNS), (1, [*HELD, "since"])))
    far = value["value"].notna() & (value["horizon_days"] > FURTHEST * longest)
    value.loc[far, ["value", "low", "high", "modelled"]] = np.nan
    value.loc[far, "note"] = f"not modelled: more than twice the {longest:,} days that were seen"
    return Beyond(value, held)


def constant_habits(shop: Shop, *, within_days: int, horizon: int, k: int = 5) -> pd.DataFrame:
    """What `next_purchase` would be if nobody's habits ever changed: the rise that selection alone makes.

    A BG/NBD model is fitted to when new customers bought (in weeks); those who buy often are over-represented after
    every purchase, so the share rises although each customer stays the same.

    Parameters
    ----------
    shop
        The shop.
    within_days
        The window after the k-th purchase, in days.
    horizon
        The k-th purchase counts up to this age in days.
    k
        The last purchase to say it for.

    Returns
    -------
    DataFrame
        `k, expected`; empty where the model cannot be fitted (fewer than 50 repeat buyers).

    Notes
    -----
    Fader, Hardie and Lee (2005), Marketing Science 24, 275-284.
    """
    buyers = tally(shop, "repeat_buyers", cut=shop.as_of).rename(columns={"weeks": "T"})
    if short_of({"repeat_buyers": buyers.loc[buyers["x"] > 0, "n"].sum()}):
        return pd.DataFrame(columns=["k", "expected"])
    funnel = expected_funnel(fit_bg_nbd(buyers), within=within_days / WEEK, horizon=max(horizon, 1) / WEEK, k=k)
    return funnel.rename(columns={"rate": "expected"})[["k", "expected"]]


def _of_group(shop: Shop, start: pd.DataFrame, horizons: Sequence[int], margin: float, cut: date, level: float) -> Beyond:
    """One group's hold-out, and its value where that is passed: from `start`, its revenue to day `seen`, on."""
    days = (shop.as_of - cut).days
    known = {"n": start["n"].sum(), "counted": start["value"].sum(min_count=1) * margin, "modelled": np.nan, "model": "", "note": ""}
    value = pd.DataFrame({"horizon_days": list(horizons), **dict.fromkeys(("value", "low", "high"), np.nan), **known})[COLUMNS]
    held, before = pd.DataFrame(columns=HELD), _buyers(shop, cut)
    short = short_of_buyers(before)
    try:
        if short:
            return Beyond(value.assign(note=f"not modelled: {'; '.join(short)}"), held)
        habits, held = hold_out(before, tally(shop, "repeat_values", cut=cut), within=days / WEEK, level=level)
        note = _why_not(held, days, cut, shop.currency)
        value = value.assign(note=note) if note else _modelled(shop, value, habits, start, margin, level)
    except RetainkitError as err:
        value = value.assign(note=f"not modelled: {err.where} {err.wrong}")
    return Beyond(value, held.assign(since=cut + timedelta(days=1)))


def _of_groups(tables: list[tuple[str, pd.DataFrame]], by: str | None, columns: list[str]) -> pd.DataFrame:
    """The groups' tables, one below the other, each row with its group's name."""
    return by_group(stacked([table.assign(grp=name) for name, table in tables if len(table)], ["grp", *columns]), by, columns)


def _modelled(shop: Shop, value: pd.DataFrame, habits: Habits, start: pd.DataFrame, margin: float, level: float) -> pd.DataFrame:
    """The values, counted up to one age and modelled from there on by habits as they are known today."""
    now = _buyers(shop, shop.as_of)
    habits = fit_habits(now, tally(shop, "repeat_values", cut=shop.as_of), modified=habits.orders.modified)
    more = more_money(habits, now, seen=start["horizon_days"].item() / WEEK, horizons=list(value["horizon_days"] / WEEK), level=level)
    ends = {c: (more[c] + start[c].item()) * margin for c in ("value", "low", "high")}
    note = "" if start["value"].notna().item() else f"nobody followed for {counted(start['horizon_days'].item(), 'day')}"
    return value.assign(**ends, modelled=more["value"] * margin, model="MBG/NBD" if habits.orders.modified else "BG/NBD", note=note)


def _buyers(shop: Shop, cut: date) -> pd.DataFrame:
    """Counted buyers as of a day: a week begun counts as half a week."""
    table = tally(shop, "repeat_buyers", cut=cut)
    sums = ["money", "later", "later2", "later_money", "later_money2"]
    middle = {"t_x": (table["t_x"] - 0.5).clip(lower=0), "T": (table["weeks"] - 0.5).clip(lower=0)}
    return table.astype(dict.fromkeys(sums, float)).assign(**middle)


def _why_not(held: pd.DataFrame, days: int, cut: date, currency: str) -> str:
    """What the model did not predict, with the numbers; empty when it predicted all."""
    wrong = failed(held)
    if wrong.empty:
        return ""
    row = wrong.iloc[0]
    if not np.isfinite(row["predicted"]):
        return "withheld: a few customers spend so much that the model has no average"
    what, who = (
        f"{currency} in revenue".strip() if row["what"] == "money" else "purchases",
        "" if row["who"] == "everybody" else f" of customers with {row['who']}",
    )
    return f"withheld: for the {days:,} days after {cut:%d %B %Y} the model said {row['predicted']:,.0f} {what}{who}, and {row['came']:,.0f} came"
