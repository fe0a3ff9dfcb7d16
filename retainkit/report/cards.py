"""The index page: a card a question with its answer, its change and a small chart; then the health of the data."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from html import escape

import pandas as pd

from retainkit.errors import capital, counted
from retainkit.estimate.smalln import GATES
from retainkit.load.schema import TABLES
from retainkit.load.shop import Shop
from retainkit.report import pages
from retainkit.report.plan import period
from retainkit.report.since import Trend
from retainkit.show.begin import held_back, in_parts, on_several_days, read_and_left_out
from retainkit.show.charts import plot_months
from retainkit.show.display import picture, rendered
from retainkit.show.style import canvas, finish

BEHIND = "days before the end"


def trend_chart(trend: Trend | None, shop: Shop, stem: str) -> str:
    """The months of a card's number as a small chart with its data, as HTML; months of fewer than 20 are left open, and
    "" stands for fewer than two others.
    """
    if not trend:
        return ""
    enough = (trend.months["n"].isna() & (trend.months["value"].notna())) | (trend.months["n"] >= GATES["customers_full"].least)
    months = trend.months.assign(when=[period(m) for m in trend.months["month"]], value=trend.months["value"].where(enough),
                                 usual=trend.months["usual"].where(trend.months["low"].notna()))  # no line of months too few to say what is usual
    if months["value"].notna().sum() < 2:
        return ""
    fig, ax = canvas(width=5, height=2.9)
    plot_months(months, ax=ax)
    newest, words = months.dropna(subset=["value"]).iloc[-1], capital(trend.label)
    usual = f"{newest.low:.1%} to {newest.high:.1%}" if newest.low == newest.low else ""
    of = f"of the {newest.n:,.0f} from" if trend.began else f"of {newest.n:,.0f} in" if newest.n == newest.n else "in"
    finding = f"{newest.value:.0%} {of} {newest.when}" if newest.n < 100 else f"{newest.value:.1%} {of} {newest.when}"
    finish(
        ax,
        finding=finding,
        measure=f"{words}, by month{f'; grey: usual, {usual}' if usual else ''}{'' if newest.month == months['month'].iloc[-1] else '; later months have fewer than 20'}",
        source=f"{trend.tables}, complete to {shop.as_of:%d %B %Y}",
    )
    alt = f"{words}, {counted(len(months), 'month')} from {months['when'].iloc[0]}: {finding}{f', usual is {usual}' if usual else ''}."
    data, facts = picture(fig, alt=alt)
    link = pages.csv_link(data["text/csv"], f"{stem}-months")
    return pages.framed("picture", "image/png", data["image/png"], facts["image/png"], "", link)


def health(shop: Shop) -> str:
    """The rows read and left out by table, and how many days before the report's end each table's last row lies, as
    HTML; which one ends too early, and how many orders lie on several days.
    """
    table = read_and_left_out(shop)
    last = pd.to_datetime(table["last_day"])
    table[BEHIND] = (pd.Timestamp(shop.as_of) - last).dt.days.clip(lower=0).astype("Int64")
    markup, _ = rendered(table, caption="Rows read and left out, by table", formats={}, units={}, rows=99)
    return markup + "".join(f"\n<p>{escape(said)}</p>" for said in (held_back(shop), in_parts(shop)) if said)


def much_left_out(shop: Shop) -> str:
    """Which tables have lost a twentieth of their rows or more, to what first, and to the mapping's own `where`; "" where none has."""
    sums = shop.ledger.groupby("table", sort=False)[["rows", "rejected"]].sum()
    lost_to: list[str] = []
    chosen: list[str] = []
    for name, rows in sums[sums["rejected"] * 20 >= sums["rows"].clip(lower=1)].iterrows():
        why = shop.rejected(str(name))["reason"]
        ours = why.str.startswith("left out by where")
        for reasons, said in ((why[~ours], lost_to), (why[ours], chosen)):
            if len(reasons) * 20 >= rows["rows"]:
                most = f", {_most(reasons)}" if said is lost_to else ""
                said.append(f"{len(reasons):,} of {rows['rows']:,} rows of {name} ({len(reasons) / rows['rows']:.0%}){most}")
    told = [f"Left out: {'; '.join(lost_to)}."] if lost_to else []
    told += [f"Not looked at, by the mapping's where: {'; '.join(chosen)}."] if chosen else []
    return " ".join([*told, "What stands here is made of the others."]) if told else ""


def warning(shop: Shop) -> str:
    """What every page says first of its data: tables that have lost many rows, and a twentieth or more of the orders on several days; "" where neither is so."""
    several, orders = shop._store.several_days
    return " ".join(filter(None, (much_left_out(shop), on_several_days(shop) if several * 20 >= orders else "")))


def _most(reasons: pd.Series) -> str:
    """How many rows were lost to the reason that most were lost to."""
    n, why = reasons.value_counts().iloc[0], reasons.value_counts().index[0].replace("`", "")
    return f"{'all' if n == len(reasons) else f'{n:,}'} of them because {why}"


def absent(shop: Shop) -> list[dict[str, str]]:
    """The tables this shop has not, with what a row of each would be."""
    return [{"name": name, "row": table.row} for name, table in TABLES.items() if not shop.has(name)]


def age(shop: Shop, today: date) -> str:
    """When the report was made, and how old its data were then, in words."""
    days = (today - shop.as_of).days
    long = counted(abs(days), "day") if abs(days) < 1000 else counted(round(abs(days) / 365.25), "year")
    return f"Made on {today.day} {today:%B %Y}, {long} {'before' if days < 0 else 'after'} the last day it counts."


def made_on() -> date:
    """Today; the day that SOURCE_DATE_EPOCH says where it is set, so that a rebuild can give the same bytes."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    return datetime.fromtimestamp(int(epoch), UTC).date() if epoch.isdigit() else date.today()
