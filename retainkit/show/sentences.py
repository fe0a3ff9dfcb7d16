"""Sentences and checks built from metric tables: an estimate's row in words, and identities that must hold."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from retainkit.errors import RetainkitError
from retainkit.estimate.smalln import hide_few, in_words, judge
from retainkit.show.display import table
from retainkit.show.words import missing


def words(row: Any, *, kind: str = "proportion", unit: str = "", level: float = 0.95, brief: bool = False) -> str:
    """A row of a metric table (`rate` or `value`, `low, high, n`, perhaps `at_risk`) as words its interval supports.

    `brief` leaves out the interval and n, for the title of a chart that shows them; what is withheld is withheld there, too. A curve of
    late arrivals speaks of those still here at the age it was `given`, and the words say so.

    Examples
    --------
    >>> words({"rate": 0.2279, "low": 0.2221, "high": 0.2334, "n": 3120})
    '22.8% (95% interval 22.2%–23.3%, n = 3,120)'
    >>> words({"rate": 0.96, "low": 0.9, "high": 0.99, "n": 89, "at_risk": 4}, kind="survival", brief=True)
    'between 90% and 99%'
    """
    said = _told(row, kind=kind, unit=unit, level=level, form="brief" if brief else "sentence")
    given = dict(row).get("given", 0)
    return f"{said} of those still here at day {given:.0f}" if given and judged(row, kind=kind) not in ("hidden", "unknown") else said


def _told(row: Any, **how: Any) -> str:
    """A row in one of the forms of `in_words`."""
    return in_words(*_estimate(row), at_risk=dict(row).get("at_risk"), **how)


def judged(row: Any, *, kind: str = "proportion") -> str:
    """What `judge` says of a row of a metric table."""
    return judge(*_estimate(row), at_risk=dict(row).get("at_risk"), kind=kind)


def _estimate(row: Any) -> tuple[float, float, float, int]:
    """The estimate of a row, its ends, and of how many it is."""
    get = dict(row)
    return float(get["rate"] if "rate" in get else get["value"]), float(get["low"]), float(get["high"]), int(get["n"])


def shown(rates: pd.DataFrame, *, kind: str = "proportion", unit: str = "", name: str = "estimate") -> pd.DataFrame:
    """The table with its estimate and interval in one column of words, as the small-n rules allow, and n after it.

    Examples
    --------
    >>> shown(pd.DataFrame({"source": ["ads", "fair"], "rate": [0.36, 0.5], "low": [0.33, 0.25], "high": [0.39, 0.75], "n": [900, 12]}))
      source estimate (95% interval)    n
    0    ads           36% (33%–39%)  900
    1   fair                 25%–75%   12
    """
    said = [_told(row, kind=kind, unit=unit, form="cell") for row in rates.to_dict("records")]
    place = list(rates.columns).index("rate" if "rate" in rates else "value")
    kept = hide_few(rates).drop(columns=[c for c in ("rate", "value", "low", "high", "n", "at_risk") if c in rates])
    kept = kept if kept.get("given", pd.Series(0)).any() else kept.drop(columns="given", errors="ignore")
    kept = kept.rename(columns={"given": "of those still here at day"})
    kept.insert(min(place, kept.shape[1]), "n", hide_few(rates)["n"])
    kept.insert(min(place, kept.shape[1] - 1), f"{name} (95% interval)", said)
    return kept


def against(groups: pd.DataFrame, *, kind: str = "survival", name: str = "estimate") -> pd.DataFrame:
    """Groups against all the others (`cross_sell_compared` and its like): the estimate, the difference and q, in words.

    Examples
    --------
    >>> against(pd.DataFrame({"source": ["ads"], "rate": [0.36], "low": [0.33], "high": [0.39], "n": [900], "difference": [0.1],
    ...                       "difference_low": [0.06], "difference_high": [0.14], "q": [0.0002]})).iloc[0, 3:].tolist()
    ['+10.0 points (+6.0 to +14.0)', '< 0.001']
    """
    gaps = [_told(row, kind="points", form="cell") for row in differences(groups)]
    kept = groups.drop(columns=[c for c in ("horizon_days", "p", "difference", "difference_low", "difference_high", "q") if c in groups])
    told = shown(kept, kind=kind, name=name)
    told["difference (95% interval)"], told["q"] = gaps, groups["q"].map(of_chance)
    return told


def differences(groups: pd.DataFrame) -> list[dict[Hashable, Any]]:
    """How far each group is from all the others, as rows for `words`; of one too small to have a q the ends alone."""
    apart = groups[["difference", "difference_low", "difference_high", "n"]].set_axis(["rate", "low", "high", "n"], axis=1)
    return apart.assign(at_risk=groups["q"].notna() * 1e6).to_dict("records")


def of_chance(q: float) -> str:
    """A q as it is written; a group too small for one has none.

    >>> of_chance(0.0421), of_chance(0.0002), of_chance(float("nan"))
    ('0.042', '< 0.001', 'too few')
    """
    return "too few" if missing(q) else "< 0.001" if q < 0.001 else f"{q:.3f}"


def checks(identities: Mapping[str, tuple[float, float]], *, tolerance: float = 1e-9) -> None:
    """Show identities that must hold on this page's numbers, and stop the page when one does not.

    Each is a sentence with its two sides. They are compared to within `tolerance` of the larger side. A side that
    is not known (NaN) on both sides is left as it is: there is nothing to check.

    Raises
    ------
    RetainkitError
        Naming the first identity that does not hold, with both sides.
    """
    rows = []
    for name, (left, right) in identities.items():
        unknown = missing(left) and missing(right)
        if not unknown and not abs(left - right) <= tolerance * max(1.0, abs(left), abs(right)):
            raise RetainkitError("this page's checks", f"{name} does not hold", f"{left!r} and {right!r}",
                                 "report it with the notebook: a number on this page is wrong")
        rows.append({"what must hold": name, "left": round(left, 4), "right": round(right, 4), "holds": "nothing to check" if unknown else "yes"})
    table(
        pd.DataFrame(rows, columns=["what must hold", "left", "right", "holds"]),
        caption="Checks made on the numbers of this page",
        rows=len(rows),
        formats={"left": ",.12g", "right": ",.12g"},
    )


def numbers(table: pd.DataFrame | pd.Series, *keys: str, value: str = "", low: str = "", high: str = "", n: str = "n") -> pd.DataFrame:
    """The columns of a metric table that `record` is given: the group `keys`, the horizon, the estimate with its interval, counts
    and the note.

    `value`, `low`, `high` and `n` name the columns where the estimate is not `rate` or `value`; an estimate so named has an interval only
    if that is named, too. A row (a Series) is a table of one.

    Examples
    --------
    >>> numbers(pd.DataFrame({"rep": ["Ada"], "rate": [0.6], "n": [5], "won": [3]}), "rep")
       rep  value  n
    0  Ada    0.6  5
    >>> numbers(pd.Series({"rate": 0.6, "n": 5, "won": 3}), value="won")
       value    n
    0    3.0  5.0
    """
    table = table.to_frame().T if isinstance(table, pd.Series) else table
    ends = {"low": low, "high": high} if value else {"low": "low", "high": "high"}
    wanted = {**{key: key for key in keys}, "horizon_days": "horizon_days", "value": value or ("rate" if "rate" in table else "value"), **ends,
              "n": n, "too_young": "too_young", "note": "note"}
    there = {new: old for new, old in wanted.items() if old in table or new in keys or (new == "value" and old)}
    return table[list(there.values())].set_axis(list(there), axis=1)


def tidy(*tables: pd.DataFrame) -> pd.DataFrame:
    """Tables of one metric (overall, by rep, by segment) under each other, with the columns that `record` keeps.

    Text columns are group keys (or the note) and stay; counts that are not `n` or `too_young` are dropped.

    Examples
    --------
    >>> tidy(pd.DataFrame({"rate": [0.5], "n": [10], "won": [5]}), pd.DataFrame({"rep": ["Ada"], "rate": [0.6], "n": [5]}))
       rate   n  rep
    0   0.5  10  NaN
    1   0.6   5  Ada
    """
    told = [t.dropna(axis=1, how="all") for t in tables if len(t)] or list(tables[:1])  # pandas warns where a table says nothing in a column
    both = pd.concat(told, ignore_index=True).reindex(columns=list(dict.fromkeys(c for t in tables for c in t)))
    numbers = {"rate", "value", "low", "high", "n", "too_young", "horizon_days"}
    return both[[c for c in both if c in numbers or (both[c].dtype == object and c != "place")]]
