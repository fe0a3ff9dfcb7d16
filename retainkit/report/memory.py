"""What a publication remembers, so that the next one can tell history rewritten from time passing, to the row.

Kept beside the published months, in a folder of the owner's own: one number a row, a salted hash of what the row says. From it one can
tell how many rows came, went or changed since, and nothing else: no id, no amount, no date.
"""

from __future__ import annotations

import csv
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from retainkit.load.shop import Shop
from retainkit.metrics.months import last_day, month_of
from retainkit.sqltext import literal, one_file

FOLDER = ".memory"
_IDS = " join ids i on i.customer = t.customer"
# By table: the columns that headline numbers are made of, and where they stand. A customer's sign-up day is part of each order.
REMEMBERED: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "orders": ("orders t" + _IDS + " left join customers c on c.customer = t.customer", (
        "i.customer_id", "t.order_id", "t.ordered_on", "t.amount", "t.product_line", "t.status", "t.refunded_on", "t.order_type", "c.signed_up_on")),
    "contracts": ("contracts t" + _IDS, ("i.customer_id", "t.contract_id", "t.started_on", "t.ended_on")),
    "deals": ("deals t", ("t.deal_id", "t.opened_on", "t.closed_on", "t.outcome")),
}  # fmt: skip


@dataclass(frozen=True)
class Last:
    """The latest earlier month published in the same folder: its numbers as they were published, and what it remembered."""

    name: str
    day: date
    published: dict[tuple[str, str, int | None], float] = field(default_factory=dict)
    run: dict[str, Any] = field(default_factory=dict)  # its run.json
    memory: Path | None = None
    fault: str = ""  # why its numbers cannot be read


def last_publication(out: Path, as_of: date) -> Last | None:
    """The latest month in `out` that ended before `as_of` and has its numbers; None when there is none."""
    ends = {p.parent.name: last_day(n) for p in out.glob("*/metrics.csv") if (n := month_of(p.parent.name)) is not None}
    name = max((n for n, day in ends.items() if day < as_of), default=None)
    if name is None:
        return None
    try:
        numbers = _numbers(out / name / "metrics.csv")
        run = dict(json.loads((out / name / "run.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as err:
        return Last(name, ends[name], fault=f"what was published of {name} cannot be read ({type(err).__name__})")
    return Last(name, ends[name], numbers, run, out / FOLDER / Path(run["memory"]).name if run.get("memory") else None)


def _numbers(path: Path) -> dict[tuple[str, str, int | None], float]:
    """The values in a metrics.csv by metric, group and horizon."""
    with path.open(encoding="utf-8", newline="") as file:
        return {
            (r["metric"], r["group"], int(r["horizon_days"]) if r["horizon_days"] else None): float(r["value"] or "nan")
            for r in csv.DictReader(file)
        }


def keep(shop: Shop, out: Path, name: str) -> str:
    """Remember the shop's rows for the publication `name`; what the file is called, for the publication to say.

    A report up to some day within a month is never looked back on: nothing is remembered, and "" is returned. Memories
    of the same month stay until `settle` is called, so that a run that is killed leaves the right one in place.
    """
    if month_of(name) is None:
        return ""
    folder = out / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    aside = folder / f".{os.getpid()}.aside"
    order = "select * from marks order by name, mark"
    shop.sql(f"with marks as ({_marks(folder)}) {order}", into=aside)
    final = f"{name}.{_recipe(folder)}.{sha256(aside.read_bytes()).hexdigest()[:12]}.parquet"
    aside.replace(folder / final)
    return final


def settle(out: Path, name: str, kept: str) -> None:
    """Once `name` is published: forget what its earlier publications remembered."""
    for path in (out / FOLDER).glob(f"{name}.*.parquet"):
        if path.name != kept:
            path.unlink(missing_ok=True)


def rewritten(shop: Shop, last: Last) -> tuple[dict[str, tuple[int, int]] | None, str]:
    """Rows up to the end of an earlier month that were added and removed since it was published, by table, or why nobody knows.

    A row that changed is removed and added; two customers merged into one are the rows of one of them, removed and added.

    Parameters
    ----------
    shop
        The shop as it is now, whole.
    last
        The publication to compare with.

    Returns
    -------
    tuple
        The counts, or None; and in words why there are none.
    """
    path = last.memory
    if path is None or not path.exists():
        return None, f"the rows behind {last.name} were not kept, so nobody can count which of them changed"
    if path.name.split(".")[1] != _recipe(path.parent):
        return None, f"the rows behind {last.name} were kept by another version of retainkit, or with another salt, and cannot be compared"
    try:
        table = _compared(shop.at(last.day), path)
    except duckdb.Error as err:
        return None, f"the rows kept behind {last.name} cannot be read ({type(err).__name__})"
    return {str(name): (int(added), int(removed)) for name, added, removed in table.itertuples(index=False)}, ""


def _compared(then: Shop, path: Path) -> pd.DataFrame:
    """Rows by table that are there and were not kept, and that were kept and are not there."""
    return then.sql(
        f"""with kept as (select name, mark, count(*) as n from read_parquet({one_file(path)}) group by name, mark),
        today as (select name, mark, count(*) as n from ({_marks(path.parent)}) m group by name, mark)
        select name, sum(greatest(coalesce(today.n, 0) - coalesce(kept.n, 0), 0)) as added,
            sum(greatest(coalesce(kept.n, 0) - coalesce(today.n, 0), 0)) as removed
        from kept full join today using (name, mark) group by name order by name""")


def _marks(folder: Path) -> str:
    """The query for a mark a row: 48 bits of the hash of its content and this folder's salt. Sorted, they take four bytes each."""
    salt = literal(_salt(folder / "salt"))
    return " union all ".join(
        f"select {literal(name)} as name, cast('0x' || substr(sha256(concat_ws(chr(31), {salt}, {', '.join(map(_text, columns))})), 1, 12) as bigint) as mark from {place}"
        for name, (place, columns) in REMEMBERED.items()
    )


def _recipe(folder: Path) -> str:
    """What tells apart marks that cannot be compared: other columns, or another salt."""
    return sha256(f"{REMEMBERED} {_salt(folder / 'salt')}".encode()).hexdigest()[:6]


def _text(column: str) -> str:
    """A column's value as text, "" where it has none."""
    return f"coalesce(cast({column} as varchar), '')"


def _salt(path: Path) -> str:
    """The folder's own salt, made the first time."""
    if not path.exists():
        aside = path.with_suffix(".aside")
        aside.write_text(secrets.token_hex(16))
        aside.chmod(0o600)
        aside.replace(path)
    return path.read_text()
