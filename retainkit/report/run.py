"""The whole monthly run: plan, run the notebooks side by side, write their pages, publish the folder."""

from __future__ import annotations

import csv
import json
import platform
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from importlib import import_module, metadata
from pathlib import Path
from time import perf_counter
from typing import Any

import nbformat
import pandas as pd
from nbformat import NotebookNode

import retainkit
from retainkit.errors import NotPublishedError, RetainkitError, listed
from retainkit.load.database import one_answer
from retainkit.load.opening import changed
from retainkit.report import cards, kernel, memory, pages, pdf, publish, since, warm
from retainkit.report.plan import Job, Plan, make_plan, period, tagged
from retainkit.report.progress import Progress
from retainkit.show.display import COLUMNS
from retainkit.show.words import missing, sheet_text

NAMED_VERSIONS = ("retainkit", "duckdb", "pandas", "numpy", "scipy", "lifelines", "matplotlib", "papermill", "nbconvert")


@dataclass
class Result:
    """What came of one notebook: ok, failed or skipped."""

    job: Job
    status: str
    error: str = ""
    seconds: float = 0.0
    page_seconds: float = 0.0
    peak_mb: int | None = None
    notebook: NotebookNode | None = None
    headline: str = ""  # as HTML
    metrics: Sequence[str] = ()
    changes: pd.DataFrame = field(default_factory=pd.DataFrame)  # of its headline numbers since the month before
    changed: str = ""  # the one to read first, as HTML
    trend: since.Trend | None = None  # its months
    chart: str = ""  # and what they look like, as HTML


@warm.kernels()
@one_answer()
def report(
    source: str = "sample",
    *,
    out: str | Path = "reports",
    jobs: int = 2,
    timeout: int = kernel.TIMEOUT,
    paper: bool = False,
    **asked: Any,
) -> tuple[Path, bool]:
    """Write and publish one month's folder of pages.

    Parameters
    ----------
    source
        What `open_shop` opens: a folder, a `retainkit.toml`, or "sample".
    out
        The folder that gets the month's folder.
    jobs
        How many notebooks run at a time.
    timeout
        Seconds after which a cell that is still running has failed.
    paper
        Whether each page is printed as a PDF too.
    asked
        `month` or `as_of`, `only`, `settings`, `notebooks`: as in `make_plan`.

    Returns
    -------
    tuple
        The path of the published index page, and whether every notebook ran to its end and was printed if asked.

    Raises
    ------
    RetainkitError
        Before any kernel starts: something asked for, or the data, cannot be used.
    NotPublishedError
        After: the data changed meanwhile, or there is no room. The month that was there is untouched.
    """
    began = perf_counter()
    printer, out = pdf.chromium() if paper else "", publish.folder(out)
    plan = make_plan(source, **asked)
    planned = perf_counter() - began
    part = {job.stem: job.segment for job in plan.jobs} if asked.get("only") or any(job.segment for job in plan.jobs) else None
    reads = [Path(plan.source), *(Path(file["path"]) for file in plan.shop.sources), *(job.path for job in plan.jobs)]
    with publish.workplace(out, plan.name, reads=reads, pages=part) as stage:
        back = since.Back(plan.shop, out)
        progress = Progress(sum(sum(c.cell_type == "code" for c in j.notebook.cells) + 1 for j in plan.jobs if not j.lacks))  # and the parameters given
        progress.step("planned", month=plan.name, notebooks=len(plan.jobs), seconds=round(planned, 2))
        results, kept = _run_all(plan, back, stage, progress, jobs, timeout, out)
        ran = perf_counter() - began
        _write_folder(plan, results, stage, publish.earlier(out, plan.name), paper)
        fault = pdf.print_pages(stage, printer) if printer else ""
        if printer:
            progress.step("printed", error=fault)
        steps = {"plan": planned, "notebooks": ran - planned, "pages": perf_counter() - began - ran}
        facts = {**_run_facts(plan, results, steps), "previous": back.last.name, "memory": kept}
        (stage / "run.json").write_text(json.dumps(facts, indent=1, default=str) + "\n", encoding="utf-8")
        if other := changed(plan.shop, plan.source):  # each notebook read what was there when it opened
            raise NotPublishedError(
                plan.shop.name,
                "changed while the report was made, so its pages do not tell of one and the same data: nothing was published",
                listed(other),
                "run the report again once the export is complete",
            )
        publish.publish(stage, out / plan.name)
        memory.settle(out, plan.name, kept)
        good = not fault and all(r.status != "failed" for r in results)
        progress.step("published", month=plan.name, good=good, seconds=round(perf_counter() - began, 2))
    return out / plan.name / "index.html", good


def _run_all(plan: Plan, back: since.Back, stage: Path, progress: Progress, jobs: int, timeout: int, out: Path) -> tuple[list[Result], Any]:
    """Every notebook run and its page made, the longest first; and what the next report is to know of this one."""
    pool = ThreadPoolExecutor(max_workers=max(1, jobs))
    try:
        longest = sorted(plan.jobs, key=lambda job: -sum(len(c.source) for c in job.notebook.cells if c.cell_type == "code"))
        running = {pool.submit(_ran, job, plan, progress, timeout) for job in longest}
        for name in ("lifelines", "matplotlib.backends.backend_agg"):  # while the kernels' process imports: pages need them soon
            import_module(name)
        kept = memory.keep(plan.shop, out, plan.name)
        made: dict[str, Result] = {}
        while running:  # a notebook's page is made while the next ones run
            ended, running = wait(running, timeout=1, return_when=FIRST_COMPLETED)  # awake every second, so that a signal is heard
            made |= {done.result().job.stem: _with_page(done.result(), plan, back, stage, progress) for done in ended}
        return [made[job.stem] for job in plan.jobs], kept
    finally:  # when interrupted, do not wait for the notebooks that still run
        pool.shutdown(wait=False, cancel_futures=True)
        progress.close()


def _ran(job: Job, plan: Plan, progress: Progress, timeout: int) -> Result:
    """Run one notebook, as far as it goes."""
    if job.lacks:
        return Result(job, "skipped", job.lacks)
    began, measured = perf_counter(), dict[str, Any]()
    ran, error = kernel.run(job.notebook, job.given, tick=progress.tick, timeout=timeout, measured=measured)
    measured["seconds"] = round(perf_counter() - began, 2)
    text, fault = (kernel.scrub(said, _names(plan, job)) for said in (nbformat.writes(ran), error))
    return Result(job, "failed", fault, notebook=nbformat.reads(text, as_version=4), **measured)


def _with_page(result: Result, plan: Plan, back: since.Back, stage: Path, progress: Progress) -> Result:
    """The result of a notebook that ran, its page written; a failure is a result, never an exception."""
    began = perf_counter()
    try:
        if not result.error:
            _finish(result, plan, back, stage)
    except OSError:  # no room for a page: half of one must not be published
        raise
    except Exception as err:  # a page that cannot be made is this notebook's failure, not the run's
        result.error = f"{type(err).__name__}: {kernel.first_line(str(err))}"
    result.page_seconds = round(perf_counter() - began, 2)
    progress.step("notebook", notebook=result.job.stem, status=result.status, seconds=result.seconds, error=result.error)
    return result


def _finish(result: Result, plan: Plan, back: since.Back, stage: Path) -> None:
    """Read headline and numbers off a notebook that ran, and write its page."""
    ran = result.notebook
    assert ran is not None
    said = [o.data.get("text/markdown", "") for c in tagged(ran, "headline") for o in c.get("outputs", []) if "data" in o]
    lines = kernel.recorded(ran)
    if lines is None or not "".join(said):
        wrong = "its last cell recorded nothing" if lines is None else "its `headline` cell said nothing"
        raise RetainkitError(result.job.stem, wrong, remedy="end with record({...}), and say(...) the headline")
    result.changes = back.compared(result.job, lines)
    result.changed, result.trend = since.on_card(result.changes, back), back.trend(result.job, result.changes)
    facts = {
        "question": result.job.question,
        "stem": result.job.stem,
        "changed": since.on_page(result.changes, back, result.job),
        **_about(plan, [result.job]),
    }
    (stage / f"{result.job.stem}.html").write_text(pages.page(ran, facts), encoding="utf-8")
    result.chart = cards.trend_chart(result.trend, plan.shop, result.job.stem)
    result.headline, result.metrics, result.status = pages.markdown("\n\n".join(said)), lines, "ok"


def _about(plan: Plan, jobs: Sequence[Job]) -> dict[str, str]:
    """What every page says of its run, and a page about one segment only says of that."""
    only = {job.segment for job in jobs}
    return {"period": period(plan.name), "day": f"{plan.shop.as_of.day} {plan.shop.as_of:%B %Y}", "version": retainkit.__version__,
            "only": f"Only customers of the segment {only.pop()}." if len(only) == 1 and all(only) else "", "warning": cards.warning(plan.shop)}


def _names(plan: Plan, job: Job) -> dict[str, str]:
    """What this run's folders are called in everything that is published."""
    package = Path(__file__).resolve().parents[1]
    source = Path(plan.source)
    folder = source.parent if source.suffix else source
    return {
        plan.source: source.name,
        str(folder): folder.name,
        str(job.path.resolve().parent): "notebooks",
        str(package): "retainkit",
        str(package.parent): ".",
    }


def _write_folder(plan: Plan, results: list[Result], stage: Path, earlier: list[str], paper: bool) -> None:
    """Everything in the month's folder besides the notebooks' own pages."""
    rejected = _write_rejected(plan, stage)
    _write_metrics(results, stage / "metrics.csv")
    (stage / "notebooks").mkdir()
    for result in results:
        if result.notebook is not None:
            nbformat.write(result.notebook, stage / "notebooks" / f"{result.job.stem}.ipynb")
    index = pages.filled(
        "index", **_about(plan, plan.jobs), source=plan.shop.name, cards=[(r, _chart(r, results)) for r in results],
        earlier=[(name, period(name)) for name in earlier], rejected=rejected,
        failed=sum(r.status == "failed" for r in results), ledger=cards.health(plan.shop), paper=paper,
        age=cards.age(plan.shop, cards.made_on()), absent=cards.absent(plan.shop), unread=plan.shop.unread,
    )
    (stage / "index.html").write_text(index, encoding="utf-8")
    used = {row[0] for r in results for row in csv.reader(r.metrics)}
    (stage / "definitions.html").write_text(pages.filled("definitions", **_about(plan, plan.jobs), **pages.glossary(used)), encoding="utf-8")


def _chart(result: Result, results: list[Result]) -> str:
    """The small chart of a card; the first card goes without one that another card has."""
    elsewhere = [r.trend.label for r in results if r.trend and not r.job.first]
    return "" if result.job.first and result.trend is not None and result.trend.label in elsewhere else result.chart


def _write_metrics(results: list[Result], path: Path) -> None:
    """Every recorded number of every notebook that ran, in one sorted file; of one segment only, the note says so."""
    rows = [[r.job.stem, *row[:-1], "; ".join(filter(None, [row[-1], r.job.segment and f"only segment {r.job.segment}"]))]
            for r in sorted(results, key=lambda r: r.job.stem) for row in csv.reader(r.metrics)]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([["notebook", *COLUMNS], *rows])


def _write_rejected(plan: Plan, stage: Path) -> list[str]:
    """A file of the rows left out for each table that had any; the names of those tables."""
    (stage / "rejected").mkdir()
    ledger = plan.shop.ledger
    tables = sorted(set(ledger.loc[ledger["rejected"] > 0, "table"]))
    for name in tables:
        rows = plan.shop.rejected(name).map(lambda cell: "" if missing(cell) else sheet_text(cell))
        rows.to_csv(stage / "rejected" / f"{name}.csv", index=False, lineterminator="\n")
    return tables


def _run_facts(plan: Plan, results: list[Result], steps: dict[str, float]) -> dict[str, Any]:
    """How the run went: seconds of each step, most memory of the run itself and of each kernel, in MB."""
    shop = plan.shop
    return {
        "month": plan.name,
        **{name: getattr(shop, name) for name in ("as_of", "history_start", "tz", "currency")},
        "source": Path(plan.source).name,
        "made_on": (made := cards.made_on()),
        "days_old": (made - shop.as_of).days,
        "seconds": round(sum(steps.values()), 2),
        "steps": {name: round(seconds, 2) for name, seconds in steps.items()},
        "peak_mb": kernel.peak_mb("self"),
        "versions": {"python": platform.python_version(), **{n: metadata.version(n) for n in NAMED_VERSIONS}},
        "sources": [{**s, "path": Path(s["path"]).name} for s in shop.sources],
        "tables": json.loads(shop.ledger.to_json(orient="records")),
        "notebooks": [
            {
                "notebook": r.job.stem,
                **{name: getattr(r, name) for name in ("status", "error", "seconds", "page_seconds", "peak_mb")},
                "numbers": len(r.metrics),
                "changes": since.as_records(r.changes),
                "parameters": {**r.job.defaults, **r.job.given, "source": Path(plan.source).name},
            }
            for r in results
        ],
    }
