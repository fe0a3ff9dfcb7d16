"""Each benchmark as a table of text, in the order they are printed."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .meter import command, import_ms, middle, rounds, run, times
from .peers import PEERS
from .world import folder, world

KERNEL = "import duckdb, pandas, matplotlib.pyplot, seaborn, lifelines, IPython.display"


@dataclass(frozen=True)
class Plan:
    """How much to measure."""

    rows: int
    rounds: int
    ids: str
    peers: str  # the Python that has the other packages
    questions: Sequence[str]


def tallies(plan: Plan) -> str:
    """Every tally as a multiple of reading its columns: from the store, and from the order lines as they lie."""
    size = {"rows": plan.rows, "ids": plan.ids}
    loaded = run({"what": "load", "form": "parquet", **size})["cpu"]
    run({"what": "again", "form": "parquet", **size})  # the store is made outside the measurement
    found = rounds({"all": {"what": "tallies", "questions": list(plan.questions), **size}}, plan.rounds)["all"]
    kinds = ("store_scan", "store", "lines_scan", "lines")
    told = {question: [[f[question][kind] for f in found] for kind in kinds] for question in plan.questions}
    if len(told) > 1:
        told["all of them"] = [[{"cpu": sum(f[question][kind]["cpu"] for question in plan.questions)} for f in found] for kind in kinds]
    rows = []
    for question, (scan, kept, raw_scan, raw) in told.items():
        rows.append([question, ms(middle(scan)), ms(middle(kept)), f"{times(kept, scan):.1f}", ms(middle(raw_scan)), ms(middle(raw)),
                     f"{times(raw, raw_scan):.1f}", f"{(loaded + middle(kept)) / middle(raw_scan):.1f}"])
    head = ["tally", "scan of the store", "from the store", "times", "scan of the lines", "from the lines", "times", "load + tally, times"]
    return markdown(head, rows)


def least(plan: Plan) -> str:
    """What the tallies are made of, asked of the order lines by queries written for nothing else, each as a multiple of reading its columns."""
    found = rounds({"": {"what": "least", "rows": plan.rows, "ids": plan.ids}}, plan.rounds)[""]
    rows = []
    for name in found[0]:
        scan, cost = ([f[name][kind] for f in found] for kind in ("scan", "least"))
        rows.append([name, ms(middle(scan)), ms(middle(cost)), f"{times(cost, scan):.1f}"])
    return markdown(["asked of the lines", "scan of the lines", "CPU ms", "times"], rows)


def load(plan: Plan) -> str:
    """What it takes to check and store an export, and to open it again."""
    rows = []
    for form in ("parquet", "csv"):
        world(plan.rows, ids=plan.ids, form=form)
        jobs = {what: {"what": what, "rows": plan.rows, "ids": plan.ids, "form": form} for what in ("load", "again")}
        found = rounds(jobs, min(plan.rounds, 3))
        for what, told in (("load", "first open"), ("again", "second open")):
            f = found[what]
            rows.append([form, told, f"{middle(f, 'seconds'):.1f}", f"{middle(f):.1f}", f"{middle(f, 'peak_mb'):,.0f}"])
    return markdown(["file", "", "seconds", "CPU seconds", "peak MB"], rows)


READERS = {"table": "DuckDB, into a table of the canonical types, in memory", "guessed": "DuckDB, into a table of the types it guesses", "parquet": "DuckDB, into Parquet of the canonical types", "check": "retainkit check: looked at, checked and loaded",
           "open": "the first open_shop: checked and loaded", "all": "check, open_shop, and everything derived"}


def csv(plan: Plan) -> str:
    """Reading one CSV file: what DuckDB takes to make a typed table of it, and what the kit takes to check and load it."""
    world(plan.rows, ids=plan.ids, form="csv")
    found = rounds({way: {"what": "csv", "way": way, "rows": plan.rows, "ids": plan.ids} for way in READERS}, min(plan.rounds, 3))
    rows = []
    for way, told in READERS.items():
        ratios = [f"{times(found[way], found[base], what):.1f}" for base in ("table", "guessed") for what in ("seconds", "cpu")]
        rows.append([told, f"{middle(found[way], 'seconds'):.1f}", f"{middle(found[way]):.1f}", f"{middle(found[way], 'peak_mb'):,.0f}", *ratios])
    return markdown(["", "seconds", "CPU seconds", "peak MB", "times the table: seconds", "CPU", "times the guessed: seconds", "CPU"], rows)


def peers(plan: Plan) -> str:
    """Other tools, from Parquet to answer, beside the kit."""
    size = {"rows": plan.rows, "ids": plan.ids}
    run({"what": "again", "form": "parquet", **size})
    rows = []
    for name, (_, _, question) in PEERS.items():
        other = rounds({name: {"what": "peer", "name": name, **size}}, min(plan.rounds, 3), plan.peers)[name]
        mine = [f[question] for f in rounds({"": {"what": "tallies", "questions": [question], **size}}, min(plan.rounds, 3))[""]]
        if "missing" in other[0]:
            rows.append([name, "not installed", "", "", "", ""])
            continue
        scan, *kit = (middle([f[kind] for f in mine]) for kind in ("lines_scan", "lines", "store"))
        rows.append([name, ms(middle(other)), f"{middle(other) / scan:.0f}", f"{middle(other, 'peak_mb'):,.0f}", *map(ms, kit)])
    head = ["tool", f"CPU ms, {size['rows']:,} lines", "times the scan", "peak MB", "the kit from the lines", "the kit from the store"]
    return markdown(head, rows)


def imports(plan: Plan) -> str:
    """What `import retainkit` takes: wall time, the quickest of some processes."""
    rows = [[name, f"{import_ms(f'import {name}', plan.rounds + 4):.0f}"] for name in ("retainkit", "duckdb", "pandas")]
    return markdown(["import", "ms"], rows)


def report(plan: Plan) -> str:
    """`retainkit report` on the sample, four notebooks of it and all, against as many bare kernels that import duckdb, pandas, matplotlib, seaborn and lifelines."""
    stems = [path.stem for path in sorted((Path(__file__).parents[2] / "notebooks").glob("0[1-9]*.ipynb"))]
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        kit = [sys.executable, "-m", "retainkit.cli", "report", "sample"]
        command([*kit, "--out", f"{scratch}/first"])  # the store of the sample is made once
        for n, asked, name in ((4, ["--only", *stems[:4]], "the first four notebooks"), (len(stems), [], "retainkit report")):
            kernels, reports, pages = [], [], []
            for _ in range(min(plan.rounds, 5)):
                kernels.append(command([sys.executable, "-m", "tests.benchmarks.kernels", str(n), KERNEL]))
                reports.append(command([*kit, "--out", f"{scratch}/{n}", *asked]))
                run = json.loads(next(Path(scratch, str(n)).glob("*/run.json")).read_text())
                pages.append(sum(job["page_seconds"] for job in run["notebooks"]) / 2 + run["steps"]["pages"])
            floor, page = (sorted(costs)[len(costs) // 2] for costs in (kernels, reports))
            rows += [[f"{n} bare kernels, two at a time", f"{floor[0]:.1f}", f"{floor[1]:.1f}", "1"],
                     [name, f"{page[0]:.1f}", f"{page[1]:.1f}", f"{page[0] / floor[0]:.1f}"]]
    made = statistics.median(pages)
    rows.append(["of it: pages made while the next notebooks run (half their seconds), and the index", f"{made:.1f}", "", f"{made / floor[0]:.1f}"])
    return markdown(["", "seconds", "CPU seconds", "times"], rows)


def reps(plan: Plan) -> str:
    """The joint model of reps, fitted once."""
    rows = []
    for n in (25, 200):
        found = rounds({"": {"what": "reps", "n": n}}, plan.rounds)[""]
        rows.append([f"{n}", ms(middle(found)), f"{middle(found, 'peak_mb'):,.0f}"])
    return markdown(["reps", "CPU ms", "peak MB of the process"], rows)


def memory(plan: Plan) -> str:
    """Five times the lines within 2 GiB (2,048 MB): each step in a process of its own, Python and what it imports included."""
    size, cache = {"rows": plan.rows * 5, "ids": plan.ids}, f"cache-{os.getpid()}"
    world(**size)
    told = {"open": "the first open: checked and stored", "derive": "the derived tables"}
    rows = []
    try:
        for step in (*told, *plan.questions):
            found = run({"what": "small_memory", "step": step, "cache": cache, **size})
            rows.append([told.get(step, step), f"{found['seconds']:.1f}", f"{found['cpu']:.1f}", f"{found['peak_mb']:,.0f}"])
            print(rows[-1], file=sys.stderr, flush=True)
    finally:
        shutil.rmtree(folder() / cache, ignore_errors=True)
    return markdown([f"{size['rows']:,} lines", "seconds", "CPU seconds", "peak MB of the process"], rows)


BENCHMARKS: dict[str, Callable[[Plan], str]] = {f.__name__: f for f in (tallies, least, load, csv, peers, imports, report, reps, memory)}


def ms(seconds: float) -> str:
    """Seconds as milliseconds."""
    return f"{seconds * 1000:,.0f}"


def markdown(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table, numbers to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
