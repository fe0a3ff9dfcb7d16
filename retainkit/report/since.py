"""What changed since last month: a run looks back once, and each page and card says it of its own headline numbers."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

import retainkit
from retainkit.errors import capital
from retainkit.estimate.smalln import hide_few
from retainkit.load.shop import Shop
from retainkit.metrics.changes import NEWS, changes, ranged
from retainkit.metrics.headlines import SETTINGS, headlines
from retainkit.metrics.line import Headline, tellable
from retainkit.report import pages
from retainkit.report.memory import Last, last_publication, rewritten
from retainkit.report.plan import Job, period
from retainkit.show.display import rendered
from retainkit.show.words import missing

STEPS = ("restated", "matured", "new")


@dataclass(frozen=True)
class Trend:
    """The months behind the number a card tells."""

    label: str
    tables: str
    months: pd.DataFrame
    began: bool = False  # a month is that of those who began, or were opened, in it: not what happened in it


class Back:
    """What a run looks back on: the latest earlier month as it was published in the same folder, or else as today's data have it."""

    def __init__(self, shop: Shop, out: Path) -> None:
        self.shop = shop.at(shop.as_of)
        eve = shop.as_of.replace(day=1) - timedelta(days=1)
        self.last = last_publication(out, shop.as_of) or Last(f"{eve:%Y-%m}", eve)
        self.numbers: dict[str, tuple[Shop, list[Headline]]] = {}  # by notebook: those compared, and the shop they are of

    @property
    def day(self) -> str:
        """The end of the earlier month, in words."""
        return f"{self.last.day.day} {self.last.day:%B %Y}"

    @cached_property
    def counts(self) -> tuple[dict[str, tuple[int, int]] | None, str]:
        """Rows rewritten since then, by table, or why nobody knows."""
        return rewritten(self.shop, self.last) if self.last.published else (None, "")

    def compared(self, job: Job, lines: Sequence[str]) -> pd.DataFrame:
        """The changes of the headline numbers a notebook recorded.

        Left out: numbers of which only the range may be said, and those that the notebook counts in a way of its own. Empty when
        the history had not begun at the end of that month.
        """
        ours = {(r[0], r[1], r[2]): float(r[3] or "nan") for r in csv.reader(lines)}
        given = {**job.defaults, **job.given}
        if self.last.day < self.shop.history_start:
            return pd.DataFrame()
        shop = self.shop.only(segment=job.segment)
        chosen = headlines(shop, only={m for m, *_ in ours} or {""}, **{n: given[n] for n in SETTINGS if n in given})
        table = changes(shop, self.last.day, {} if self.unlike(job) else self.last.published, rewritten=self.counts[0], chosen=chosen)
        same = [
            ours.get((h.metric, group, str(h.horizon or ""))) == now and tellable(h, h.find(shop))
            for h, group, now in zip(chosen, table.get("group", []), table.get("now", []), strict=True)
        ]
        shown = pd.Series(same, dtype=bool)
        self.numbers[job.stem] = shop, [h for h, kept in zip(chosen, shown, strict=True) if kept]
        return table[shown].reset_index(drop=True)

    def trend(self, job: Job, table: pd.DataFrame) -> Trend | None:
        """The months of the number that a card tells, else of the first that has any; months of fewer than five have no value."""
        shop, numbers = self.numbers.get(job.stem, (self.shop, []))
        for h in [*numbers[leading(table) :], *numbers]:
            if h.months:
                months = hide_few(ranged(h.months(shop), self.last.day))
                return Trend(h.label, " and ".join(t for t in h.tables if shop.has(t)), months, h.horizon is not None)
        return None

    def unlike(self, job: Job) -> list[str]:
        """The parameters of a notebook that were others when the earlier month was published."""
        then: dict[str, Any] = next((n["parameters"] for n in self.last.run.get("notebooks", []) if n.get("notebook") == job.stem), {})
        now = {**job.defaults, **job.given}
        return [name for name in now if name in then and name not in ("source", "as_of") and then[name] != now[name]]

    def notes(self, job: Job) -> list[str]:
        """What a reader of the changes must know besides: what could not be compared, and why."""
        month = period(self.last.name)
        if self.last.fault:
            return [f"{capital(self.last.fault)}: its values are today's, and what was restated is not known."]
        if not self.last.published:
            return [f"No report of {month} was published here: its values are today's, and what was restated is not known."]
        if unlike := self.unlike(job):
            return [
                f"The page of {month} was made with other settings ({', '.join(unlike)}): its values are today's, and what was restated is not known."
            ]
        now = {"retainkit": retainkit.__version__, "history_start": str(self.shop.history_start), "tz": self.shop.tz}
        then: dict[str, Any] = {**self.last.run, **self.last.run.get("versions", {})}
        other = [f"{name} ({then[name]}, now {value})" for name, value in now.items() if then.get(name, value) != value]
        return [
            text
            for text in (
                self.counts[1] and f"{capital(self.counts[1])}.",
                f"Restated holds what came of another {', '.join(other)}." if other else "",
            )
            if text
        ]


def on_page(table: pd.DataFrame, back: Back, job: Job) -> str:
    """The changes as the small table under a page's headline, as HTML; "" where there are none. Folded on the first page, which has a larger one."""
    if table.empty:
        return ""
    rows = table.to_dict("records")
    steps = [step for step in STEPS if table[step].notna().any()]  # of what is known of no number the notes speak
    shown = pd.DataFrame({
        "number": [capital(label) for label in table["label"]],
        f"{back.last.day:%b %Y}": table["last"].fillna(table["recomputed"]), f"{back.shop.as_of:%b %Y}": table["now"],
        **{step: [_step(row, step) for row in rows] for step in steps}, "news?": [_judged(row) for row in rows]})
    markup, _ = rendered(
        shown,
        caption=f"What changed since {back.day}, and what made it, in points",
        formats=dict.fromkeys(shown.columns[1:3], ".2%"),
        units={},
        rows=len(shown),
    )
    notes = [f"Rows behind it: {'; '.join(dict.fromkeys(map(_behind, rows)))}.", *back.notes(job)]
    return pages.framed("since", markup, notes, back.day, job.first)


def on_card(table: pd.DataFrame, back: Back) -> str:
    """The change of the number that is news, else of the first, in a sentence of HTML; an arrow only for news."""
    if table.empty:
        return ""
    row = table.iloc[leading(table)]
    news = row["news"].startswith(NEWS)
    last = row["recomputed"] if row["last"] != row["last"] else row["last"]
    arrow = ("▼" if ": lower" in row["news"] else "▲") if news else ""
    told = (
        f"from {last:.2%} to {row['now']:.2%} ({_points(round(row['now'], 4) - round(last, 4))} points)"
        if last == last
        else f"{row['now']:.2%} (not known then)"
    )
    said = f"Since {back.day}: {row['label']}, {told}. "
    judged = _judged(dict(row))
    alone = f"By itself, the newest month that is old enough is {judged[0].lower()}{judged[1:]}" if row["month"] and not news else judged
    return pages.framed("moved", said, arrow, f"{alone}.")


def leading(table: pd.DataFrame) -> int:
    """Which of a page's changes its card tells: the first that is news, else the first."""
    return int(table["news"].str.startswith(NEWS).to_numpy().argmax()) if len(table) else 0


def as_records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The changes for run.json, with every digit."""
    return list(json.loads(table.to_json(orient="records", double_precision=15)))


def _points(step: float) -> str:
    """A step in percentage points."""
    if step != step:
        return "not known"
    return "0.00" if abs(step) < 5e-5 else f"{step * 100:+.2f}".replace("-", "−")


def _another(row: dict[Any, Any]) -> bool:
    """Whether the number is of one calendar month: now it is of another one."""
    return str(row["group"]).startswith("month=")


def _step(row: dict[Any, Any], step: str) -> str:
    """A step of the change; of a number of one month what is not restated is another month."""
    if step == "restated" or not _another(row):
        return _points(row[step])
    return f"another month: {_points(row['matured'] + row['new'])}" if step == "matured" else "–"


def _behind(row: dict[Any, Any]) -> str:
    """The rows behind the three steps of a number; of those restated, where that is known."""
    known = row["rows_restated"] is not None and row["rows_restated"] == row["rows_restated"]
    restated = f"{row['rows_restated']:,.0f} restated ({row['rows_added']:,.0f} added, {row['rows_removed']:,.0f} removed), " if known else ""
    since = (
        f"{row['rows_matured'] + row['rows_new']:,} since, of another month"
        if _another(row)
        else f"{row['rows_matured']:,} matured, {row['rows_new']:,} new"
    )
    return f"{restated}{since} ({row['tables']})"


def _judged(row: dict[Any, Any]) -> str:
    """Whether the change is more than chance, and the month that says so."""
    of = f"of {row['month_n']:,.0f} in" if missing(row["horizon_days"]) else f"of the {row['month_n']:,.0f} from"
    month = f": {row['month_value']:.1%} {of} {period(row['month'])}" if row["month"] else ""
    return capital(row["news"]) + month
