"""One measurement, in a process of its own: `python -m tests.benchmarks.work '{"what": "load", ...}'` prints JSON.

CPU time is user and system of all threads, from after the imports and the opening of files to the answer in hand.
"""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from .least import LEAST
from .world import DAYS, FIRST_DAY, folder, world

AS_OF = date.fromordinal(date.fromisoformat(FIRST_DAY).toordinal() + DAYS - 1)
CLOCK: dict[str, Any] = {"as_of": AS_OF, "history_start": date.fromisoformat(FIRST_DAY)}
# reading every value of a column and doing as little as possible with it; a minimum would be read off the file's statistics
TOUCH = dict.fromkeys(("is_new", "is_first"), "sum(cast({0} as integer))")
TOUCH |= {"amount": "sum({0})", "to_new": "sum({0})", "on_day": "bit_xor(date_diff('day', date '2000-01-01', {0}))"}
TOUCH |= dict.fromkeys(("first_on", "ordered_at", "refunded_at"), TOUCH["on_day"])
TOUCH |= dict.fromkeys(("product_line", "status", "entry_line", "segment", "region", "source", "owner"), "sum(length({0}))")


def touched(columns: tuple[str, ...], table: str) -> str:
    """A query that reads the columns and no more."""
    return f"select {', '.join(TOUCH.get(c, 'bit_xor({0})').format(c) for c in columns)} from {table}"


def spent(work: Callable[[], Any]) -> dict[str, Any]:
    """What the work cost, and what came out."""
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    answer = work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return {"cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, "seconds": time.perf_counter() - began,
            "peak_mb": peak_mb(after.ru_maxrss), "answer": answer.to_csv(index=False) if hasattr(answer, "to_csv") else answer}


def peak_mb(otherwise: int) -> float:
    """The most memory this process has had: what `getrusage` says begins with the most that the process had which started it."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), otherwise) / 1024


def opened(rows: int, *, ids: str, form: str = "parquet", cache: str = "cache", memory: str | None = None) -> Any:
    """The made-up shop with its tables derived."""
    import pandas  # noqa: F401  # what every notebook has imported

    from retainkit.load.opening import open_shop

    os.environ["RETAINKIT_CACHE"] = str(folder() / cache)
    shop = open_shop(world(rows, ids=ids, form=form), tz="UTC", memory=memory, **CLOCK)
    shop.prepare()
    return shop


class Lines:
    """An engine that keeps nothing: customer-days are worked out for every question, once, from some columns of the order lines as they lie in the file, unchecked."""

    as_of, history_start = CLOCK["as_of"], CLOCK["history_start"]

    def __init__(self, path: Path, columns: tuple[str, ...]) -> None:
        import duckdb
        import pandas  # noqa: F401

        from retainkit.sqltext import render, text_of

        self._con = duckdb.connect()
        self._con.execute("set perfect_ht_threshold = 20")  # numbered customers are grouped as the store groups them
        self._con.execute(f"create view lines as from read_parquet('{path / 'orders.parquet'}')")
        order_id, product_line = (c if c in columns else f"cast(null as varchar) as {c}" for c in ("order_id", "product_line"))
        self._con.execute(f"""create view all_orders as select {order_id}, customer_id as customer, ordered_at as ordered_on,
            cast(amount as decimal(18, 4)) as amount, {product_line}, null as quantity, status, refunded_at as refunded_on,
            'one_off' as order_type from lines""")
        self._con.execute("""create view customers as select cast(null as bigint) as customer, cast(null as date) as signed_up_on,
            '' as segment, '' as region, '' as source, '' as owner where false""")
        self._con.execute("create view spells as select cast(null as bigint) as customer, cast(null as date) as ended_on where false")
        # rows have no order: one would keep the engine from leaving out what a tally does not ask for
        known, starts, days, paid_back = (render(text_of(name).rpartition("\norder by")[0] or text_of(name), refunds="out", **CLOCK) for name in ("known_orders", "line_starts", "days", "paid_back"))
        self._con.execute(f"create view orders as {known}")
        self._con.execute(f"create view line_starts as {starts}")
        self._days = f"with days as ({days}), buyers as (select * from days where ordinal = 1), paid_back as ({paid_back})"

    def sql(self, text: str) -> Any:
        asked = re.sub(r"^\s*--.*\n", "", text, flags=re.M).strip()
        return self._con.execute(f"{self._days}, {asked[5:]}" if asked.startswith("with ") else f"{self._days} {asked}").df()


def tallies(rows: int, ids: str, questions: list[str]) -> dict[str, Any]:
    """Each tally right after the scan of its columns, from the store and from the order lines."""
    from retainkit.tally import tally

    from .questions import QUESTIONS, columns_of, lines_of

    shop, found = opened(rows, ids=ids), {}
    for question in questions:
        name, values = QUESTIONS[question]
        bare = Lines(world(rows, ids=ids), lines_of(question))
        plain = touched(lines_of(question), "lines")
        if ids == "text":
            plain = plain.replace("bit_xor(customer_id)", "sum(length(customer_id))")
        reads = [touched(columns_of(question, table), table) for table in ("days", "buyers", "paid_back") if columns_of(question, table)]
        found[question] = {"store_scan": spent(lambda: len([shop.sql(text) for text in reads])),  # noqa: B023
                           "store": spent(lambda: tally(shop, name, **values)),  # noqa: B023
                           "lines_scan": spent(lambda: bare.sql(plain)),  # noqa: B023
                           "lines": spent(lambda: tally(bare, name, **values))}  # noqa: B023
    return found


def least(rows: int, ids: str) -> dict[str, Any]:
    """What the tallies are made of, asked of the order lines, right after the scan of its columns."""
    found = {}
    for name, (columns, text) in LEAST.items():
        bare = Lines(world(rows, ids=ids), columns)
        found[name] = {"scan": spent(lambda: bare.sql(touched(columns, "lines"))), "least": spent(lambda: bare.sql(text))}  # noqa: B023
    return found


def load(rows: int, ids: str, form: str) -> dict[str, Any]:
    """Checking, storing and deriving everything, into an empty cache."""
    import duckdb  # noqa: F401
    import pandas  # noqa: F401

    import retainkit.load.shop  # noqa: F401

    world(rows, ids=ids, form=form)
    cache = f"cache-{os.getpid()}"
    try:
        return spent(lambda: opened(rows, ids=ids, form=form, cache=cache).as_of.isoformat())
    finally:
        shutil.rmtree(folder() / cache, ignore_errors=True)


def csv(rows: int, ids: str, way: str) -> dict[str, Any]:
    """One way to read a CSV file: DuckDB alone, `retainkit check`, the first open, or check, open and everything derived.

    The canonical types are text for ids (007 is not 7), days, decimals; DuckDB's guess makes numbers of these ids.
    """
    import duckdb
    import pandas  # noqa: F401

    from retainkit.check.examine import examine
    from retainkit.check.say import as_text
    from retainkit.load.opening import open_shop

    file, scratch = world(rows, ids=ids, form="csv") / "orders.csv", folder() / f"cache-{os.getpid()}"
    scratch.mkdir()
    os.environ["RETAINKIT_CACHE"] = str(scratch)
    types = {"order_id": "varchar", "customer_id": "varchar", "ordered_at": "date", "amount": "decimal(18, 4)", "product_line": "varchar",
             "status": "enum('paid', 'cancelled', 'refunded')", "refunded_at": "date"}
    typed, guessed = f"select * from read_csv('{file}', types = {types})", f"select * from read_csv('{file}')"
    ways: dict[str, Callable[[], Any]] = {
        "table": lambda: duckdb.connect().execute(f"create table lines as {typed}").fetchall()[0][0],
        "guessed": lambda: duckdb.connect().execute(f"create table lines as {guessed}").fetchall()[0][0],
        "parquet": lambda: duckdb.connect().execute(f"copy ({typed}) to '{scratch}/lines.parquet'").fetchall()[0][0],
        "check": lambda: as_text(examine([file])),
        "open": lambda: open_shop(file.parent).as_of.isoformat(),
        "all": lambda: [as_text(examine([file])), open_shop(file.parent).prepare()][0]}
    try:
        return spent(ways[way])
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def again(rows: int, ids: str, form: str) -> dict[str, Any]:
    """Opening unchanged files a second time."""
    opened(rows, ids=ids, form=form)  # so that there is something to find
    return spent(lambda: opened(rows, ids=ids, form=form).as_of.isoformat())


def small_memory(rows: int, ids: str, step: str, cache: str) -> dict[str, Any]:
    """The first open, what is derived, or one tally, with the memory the engine is given when nobody says anything."""
    import pandas  # noqa: F401

    from retainkit.load.opening import open_shop
    from retainkit.tally import tally

    from .questions import QUESTIONS

    os.environ["RETAINKIT_CACHE"] = str(folder() / cache)
    source = world(rows, ids=ids)
    if step == "open":
        return spent(lambda: open_shop(source, tz="UTC", **CLOCK).as_of.isoformat())
    shop = open_shop(source, tz="UTC", **CLOCK)
    if step == "derive":
        return spent(shop.prepare)
    name, values = QUESTIONS[step]
    return spent(lambda: len(tally(shop, name, **values)))


def peer(rows: int, ids: str, name: str) -> dict[str, Any]:
    """Another tool at the same work."""
    from . import peers

    try:
        work = peers.prepared(name, world(rows, ids=ids) / "orders.parquet")
    except ImportError as err:
        return {"missing": str(err)}
    return spent(work)


def reps(n: int) -> dict[str, Any]:
    """The joint model of so many made-up reps, with 120 deals and 8 expected losses each."""
    import numpy as np
    import pandas as pd

    from retainkit.estimate.rep_model import joint_rep_model

    chance, names = np.random.default_rng(15), [f"rep {i}" for i in range(n)]
    u, v = 0.4 * chance.standard_normal((2, n))
    deals = pd.DataFrame({"rep": names, "offset": -1.0, "won": chance.binomial(120, 1 / (1 + np.exp(1 - u))), "n": 120})
    losses = pd.DataFrame({"rep": names, "observed": chance.poisson(8 * np.exp(v)).astype(float), "expected": 8.0})
    joint_rep_model(deals, losses)
    return spent(lambda: len(joint_rep_model(deals, losses).reps))


WORK: dict[str, Callable[..., dict[str, Any]]] = {
    f.__name__: f for f in (tallies, least, load, csv, again, small_memory, peer, reps)}

if __name__ == "__main__":
    job = json.loads(sys.argv[1])
    print(json.dumps(WORK[job.pop("what")](**job)))
