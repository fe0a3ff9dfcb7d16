"""Opening a shop: its files read, checked and stored, and whether they are still those."""

from __future__ import annotations

import json
import tempfile
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retainkit.aside import ensure
from retainkit.errors import RetainkitError
from retainkit.load.clock import known_zone
from retainkit.load.engine import cache_folder, connect
from retainkit.load.progress import quiet
from retainkit.load.shop import Shop, refunds_how
from retainkit.load.sources import plan_for
from retainkit.load.store import build_store, fingerprint, prune, sound, stored
from retainkit.load.stored import Stored

if TYPE_CHECKING:
    import pandas as pd


def open_shop(
    source: str | Path | dict[str, pd.DataFrame], *, as_of: str | date | None = None, tz: str | None = None,
    history_start: str | date | None = None, currency: str | None = None, refunds: str = "out", memory: str | None = None,
) -> Shop:
    """A company's tables, read, checked and ready to be asked.

    Left out: rows that cannot be read or contradict themselves (kept, with file, row number and reason, in
    `shop.rejected(table)`), and everything dated after `as_of`, which was not known then (counted in `shop.ledger`).

    Parameters
    ----------
    source
        A folder of canonical tables (CSV or Parquet, also .gz), a `retainkit.toml` that maps an export onto them,
        a dict of DataFrames by table name, or "sample" for the company that comes with the kit.
    as_of
        The last complete day to count, none that is still to come. Empty: the toml's, or the last day that every table with a clock reaches.
    tz
        The time zone whose calendar days are counted, for example "Europe/Berlin". Needed once there are times of day.
    history_start
        The first day of the recorded history: nobody is a new customer before it. Empty: the first day in the data.
    currency
        Three letters that stand beside amounts.
    refunds
        "out": a refunded purchase is no purchase; "in": it is one (its money is given back all the same).
    memory
        The most memory the engine may use, for example "8GB" (1.5GB if not given); it spills to the cache beyond.

    Returns
    -------
    Shop

    Raises
    ------
    RetainkitError
        A missing file or column, a column of the wrong kind, times of day without a zone: with what to type.

    Examples
    --------
    >>> import pandas as pd
    >>> orders = pd.DataFrame({
    ...     "order_id": ["a", "b", "c"], "customer_id": ["ann", "ann", None],
    ...     "ordered_at": ["2026-01-01", "2026-01-31", "2026-02-01"], "amount": [10, 20, 5]})
    >>> shop = open_shop({"orders": orders})
    >>> shop.as_of, shop.rejected("orders")[["row", "reason"]].values.tolist()
    (datetime.date(2026, 1, 31), [[3, '`customer_id` is empty (a guest?)']])
    """
    plan = plan_for(source)
    stated = {"as_of": as_of, "tz": tz, "history_start": history_start, "currency": currency}
    facts = {**plan.facts, **{name: value for name, value in stated.items() if value not in (None, "")}}
    zone = known_zone(facts.get("tz"), plan.where("tz", facts.get("tz")))
    temporary, sources = None, list[dict[str, Any]]()
    cache = cache_folder()
    con = quiet(connect(memory))
    if any(t.frame is not None for t in plan.tables.values()):
        temporary = tempfile.TemporaryDirectory(
            prefix=".tables-", dir=cache
        )  # a process that is killed leaves customers' rows in the cache, where they are pruned
        folder = ensure(Path(temporary.name) / "store", lambda aside: build_store(con, plan, zone, aside))
    else:
        folder, sources = stored(con, plan, zone)
    prune(cache)
    with sound(folder):
        return Shop(plan, Stored(con, folder, json.loads((folder / "facts.json").read_text())), facts, sources=sources, refunds=refunds_how(refunds), temporary=temporary)


def changed(shop: Shop, source: str) -> list[str]:
    """What of the source a shop was opened from is another by now: the names of the files, or of its retainkit.toml; empty when nothing is.

    Files that were not written to are not read again.
    """
    try:
        now = plan_for(source)
        key, files = fingerprint(now, known_zone(now.facts.get("tz")))
    except (RetainkitError, OSError) as err:  # just being replaced, say
        return [str(err)]
    if key == shop._store.folder.name and all(getattr(now, what) == getattr(shop._plan, what) for what in ("facts", "goals", "claims")):
        return []
    before, after = ({(f["path"], f["blake2b"]) for f in files} for files in (shop.sources, files))
    return sorted({Path(path).name for path, _ in before ^ after}) or [now.settings or Path(source).name]
