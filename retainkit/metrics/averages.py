"""What new customers did or brought by each age, on average: everybody counts at every age reached so far."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from retainkit.estimate.intervals import Array
from retainkit.estimate.recurrent import mean_cumulative, mean_cumulative_at
from retainkit.estimate.risk import before
from retainkit.load.shop import Shop
from retainkit.metrics.reading import by_group, stacked
from retainkit.sqltext import Column
from retainkit.tally import split_by, tally

COLUMNS = ["horizon_days", "value", "low", "high", "n", "observed", "too_young"]
CROSS_SELLS = Column("case when d.cross_ordinal > 0 then 1 else 0 end")
SECOND_PURCHASES = Column("case when d.ordinal = 2 then 1 else 0 end")
REVENUE = Column("d.amount")
LATER_REVENUE = Column(  # what goes back later of the first day's money is no loss of what came after it
    "case when d.age > 0 then d.amount + coalesce((select sum(r.amount) from orders r join days f on f.customer = r.customer and f.on_day = r.ordered_on "
    "where r.status = 'refunded' and f.age <= 0 and r.customer = d.customer and r.refunded_on = d.on_day), 0) else 0 end")


def averages(shop: Shop, value: Column, *, horizons: Sequence[int], by: str | None, level: float) -> pd.DataFrame:
    """The average of a value of customer-days up to each horizon: a row a group and horizon, the group and `COLUMNS`."""
    tables = []
    for name, events, followup in _counted(shop, value, by):
        table = mean_cumulative_at(events, followup, _scores(shop, value, by, name, horizons), horizons=horizons, level=level)
        tables.append(table.assign(grp=name))
    return by_group(stacked(tables, ["grp", *COLUMNS]), by, COLUMNS)


def average_curve(shop: Shop, value: Column, *, until: int, at: Array, by: str | None, level: float) -> pd.DataFrame:
    """The average at every age up to `until` or the longest follow-up, with its band: the group, `age, value, low, high, observed`.

    The relative width of the band is worked out `at` these parts of the ages, and drawn between them; before the first at which
    anything has come there is none.
    """
    columns, tables = ["age", "value", "low", "high", "observed"], []
    for name, events, followup in _counted(shop, value, by):
        curve = mean_cumulative(events, followup)
        ages = np.arange(0, min(until, int(followup["followup"].max())) + 1)
        average = curve["value"].to_numpy()[np.searchsorted(curve["age"], ages, side="right") - 1]
        points = [int(a) for a in np.unique((ages[-1] * at).round())]
        read = mean_cumulative_at(events, followup, _scores(shop, value, by, name, points), horizons=points, level=level)
        known = read["value"].gt(0) & read["high"].notna()
        widths = np.log(read["high"] / read["value"])[known]
        reach = np.interp(ages, np.array(points)[known], widths, left=np.nan) if known.any() else np.full(len(ages), np.nan)
        days, n = (followup[column].to_numpy() for column in ("followup", "n"))
        observed = (n.sum() - before(days, n, ages)).astype(int)
        band = {"value": average, "low": average / np.exp(reach), "high": average * np.exp(reach)}
        tables.append(pd.DataFrame({"grp": name, "age": ages, **band, "observed": observed}))
    return by_group(stacked(tables, ["grp", *columns]), by, columns)


def _counted(shop: Shop, value: Column, by: str | None) -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame]]:
    """What came at each age, and how long they were followed: all of them, or each group by name."""
    events, followup = (tally(shop, t, by=split_by(by), **v) for t, v in (("recurrent_events", {"value": value}), ("followup", {})))
    for name in sorted(followup["grp"].unique()):
        yield name, events[events["grp"] == name], followup[followup["grp"] == name]


def _scores(shop: Shop, value: Column, by: str | None, group: str, horizons: Sequence[int]) -> pd.DataFrame:
    """The sums behind the intervals of a group at every horizon."""
    tables = []
    for age in horizons:
        sums = tally(shop, "recurrent_scores", value=value, early=age, late=age, share=0, by=split_by(by))
        tables.append(sums[sums["grp"] == group].assign(horizon=age))
    return pd.concat(tables, ignore_index=True)
