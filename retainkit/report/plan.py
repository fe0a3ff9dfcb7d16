"""What a report run will do, settled before any kernel starts: the day, the notebooks, their parameters."""

from __future__ import annotations

import ast
import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import nbformat

from retainkit.asked import limits
from retainkit.errors import BadValueError, MissingDataError, closest, listed
from retainkit.load.opening import open_shop
from retainkit.load.shop import Shop
from retainkit.metrics.goals import check_goals
from retainkit.metrics.months import last_day, month_name, month_number, month_of
from retainkit.resources import lacks, nobody, notebooks_folder
from retainkit.show.begin import check_parameters, to_type

SIMPLE = (str, int, float, bool)


@dataclass
class Job:
    """One notebook of the report, and the values its parameters get."""

    path: Path
    notebook: nbformat.NotebookNode
    defaults: dict[str, Any]
    question: str = ""
    first: bool = False  # whether its card leads the index
    given: dict[str, Any] = field(default_factory=dict)
    lacks: str = ""  # what the shop would need for it to run

    @property
    def stem(self) -> str:
        return self.path.stem

    @property
    def segment(self) -> str:
        """The only segment it looks at; "" where it looks at everybody."""
        return str({**self.defaults, **self.given}.get("segment") or "")


@dataclass
class Plan:
    """A whole run: the shop as it was known on its last day, the folder's name, the notebooks."""

    source: str
    shop: Shop
    name: str
    jobs: list[Job]


def make_plan(
    source: str,
    *,
    month: str = "",
    as_of: str = "",
    only: Sequence[str] = (),
    settings: Sequence[str] = (),
    notebooks: Path | None = None,
) -> Plan:
    """Settle a run, or say in one error what is wrong with what was asked or with the data.

    `settings` are `NAME=VALUE` texts; each value becomes what the notebook's default is (text stays text).
    """
    folder = notebooks or notebooks_folder()
    jobs = read_jobs(folder, only)
    values = dict(_setting(text, jobs, folder) for text in settings)
    source = placed(source)
    shop = open_shop(source)
    check_goals(shop.goals)
    day = _day(shop, month, as_of)
    shop = shop.at(day)
    for job in jobs:
        job.given = {n: _typed(n, values[n], default) for n, default in job.defaults.items() if n in values}
        about = job.notebook.metadata.retainkit
        job.lacks = lacks(shop, about.get("needs", []))
        if not job.lacks:
            others = {n: v for n, v in {**job.defaults, **job.given}.items() if n not in ("source", "as_of")}
            check_parameters(shop, others, usual=job.defaults)
            part = shop.only(segment=job.segment)
            of = f" of customers whose segment is {job.segment}"
            job.lacks = "".join(f"{what}{of}" for what in [lacks(part, about.get("needs", []))] if what) or nobody(part, about.get("some", {}))
        job.given |= {"source": source, "as_of": day.isoformat()}
    if not all(job.lacks for job in jobs):
        shop.prepare()  # once, before several notebooks ask for it at a time
    return Plan(source, shop, f"{day:%Y-%m}" if day == last_day(month_number(day)) else day.isoformat(), jobs)


def months(text: str, source: str = "") -> list[str]:
    """The months from the first to the last of `2026-01..2026-10`, in order; all of them in the data of `source`, if it is given."""
    begins, _, ends = text.partition("..")
    first, last = month_of(begins), month_of(ends)
    if first is None or last is None:
        raise BadValueError("--months", "needs two months with two dots between", repr(text), "--months 2026-01..2026-10")
    if last < first:
        raise BadValueError("--months", "ends before it begins", text, f"--months {ends}..{begins}")
    if source:
        shop = open_shop(placed(source))
        least, most = month_number(shop.history_start), month_of(shop.closed_through) or 0
        if not least <= first <= last <= most:
            wrong = "ends after the last month that is over in this data" if last > most else "begins before this data"
            both = (least, most) if first > most or last < least else (max(first, least), min(last, most))
            remedy = f"--months {month_name(both[0])}..{month_name(both[1])}" if least <= most else f"--as-of {shop.as_of}"
            raise BadValueError(f"--months {text}", wrong, f"data from {shop.history_start} to {shop.as_of}", remedy)
    return [month_name(number) for number in range(first, last + 1)]


def placed(source: str) -> str:
    """A source that may be named from where one is, as it is found from anywhere."""
    return source if source == "sample" else str(Path(source).resolve())


def read_jobs(folder: Path, only: Sequence[str] = ()) -> list[Job]:
    """The notebooks of a folder that say in their metadata that they belong to the report: those marked `first`, then in order of name."""
    if not folder.is_dir():
        beside = sorted(p.name for p in folder.parent.iterdir() if p.is_dir()) if folder.parent.is_dir() else []
        near = closest(folder.name, beside)
        raise MissingDataError(str(folder), "is no folder", f"folders in {folder.parent}: {listed(beside) or 'none'}",
                               f"--notebooks {shlex.quote(str(folder.parent / near))}" if near else "retainkit notebooks --copy my-notebooks, then --notebooks my-notebooks")
    found = [job for p in sorted(folder.glob("*.ipynb")) if (job := _job(p))]
    jobs = {job.stem: job for job in sorted(found, key=lambda job: not job.first)}
    if not jobs:
        raise MissingDataError(
            str(folder),
            "holds no notebook with `retainkit` in its metadata",
            listed(sorted(p.name for p in folder.iterdir())) or "an empty folder",
            "retainkit notebooks --copy my-notebooks, then --notebooks my-notebooks",
        )
    if taken := [job.path.name for job in found if job.stem.lower() in ("index", "definitions")]:
        raise BadValueError(
            str(folder / taken[0]),
            "is called as a page that every report has",
            taken[0],
            f"mv {shlex.quote(str(folder / taken[0]))} {shlex.quote(str(folder / ('00_' + taken[0])))}",
        )
    wanted = [_begun(stem.removesuffix(".ipynb"), jobs) for stem in only] or list(jobs)
    for stem in wanted:
        if stem not in jobs:
            guess = (
                next((s for s in jobs if stem and stem.lower() in s.lower()), None)
                or closest(stem, jobs)
                or next((s for s in jobs if s[:2] == stem[:2]), next(iter(jobs)))
            )
            raise BadValueError("--only", f"there is no notebook {stem!r}", listed(jobs), f"--only {guess}")
    return [job for stem, job in jobs.items() if stem in wanted]


def _begun(stem: str, jobs: Collection[str]) -> str:
    """The only notebook whose name begins so: 02 is enough to say which."""
    found = [job for job in jobs if stem and job.startswith(stem)]
    return found[0] if len(found) == 1 else stem


def _job(path: Path) -> Job | None:
    """The notebook as a job, or None if it is not part of the report."""
    try:
        notebook = nbformat.read(path, as_version=4)
    except Exception as err:  # nbformat raises whatever its JSON and schema readers raise
        raise BadValueError(path.name, "is not a notebook that can be read", str(err).splitlines()[0]) from err
    if "retainkit" not in notebook.metadata:
        return None
    if not tagged(notebook, "headline"):
        raise MissingDataError(path.name, "has no cell tagged `headline`", remedy="tag the cell that says the finding")
    about = notebook.metadata.retainkit
    return Job(path, notebook, declared(notebook, path.name), str(about.get("question") or path.stem), bool(about.get("first")))


def tagged(notebook: nbformat.NotebookNode, tag: str) -> list[Any]:
    """The cells that carry a tag."""
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


def declared(notebook: nbformat.NotebookNode, name: str) -> dict[str, Any]:
    """The parameters of a notebook and their defaults, read from its `parameters` cell without running it."""
    cells = tagged(notebook, "parameters")
    if not cells:
        raise MissingDataError(name, "has no cell tagged `parameters`", remedy="tag the cell that sets source and as_of")
    try:
        found = dict(_assigned(node) for node in ast.parse(cells[0].source).body)
    except (SyntaxError, ValueError) as err:
        line = 'a line `horizon_days = 90  # what it means`, with a text, number, True, False or list of these'
        raise BadValueError(name, "its `parameters` cell holds more than simple values", str(err), line) from err
    if missing := {"source", "as_of"} - set(found):
        raise MissingDataError(name, f"its `parameters` cell does not set {listed(sorted(missing))}", listed(found))
    return found


def _assigned(node: ast.stmt) -> tuple[str, Any]:
    """The name and value of one line of a `parameters` cell."""
    target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
    value = getattr(node, "value", None)
    if not isinstance(target, ast.Name) or value is None:
        raise ValueError(f"line {node.lineno} is not `name = value`")
    found = ast.literal_eval(value)
    if not all(isinstance(v, SIMPLE) for v in (found if isinstance(found, list) else [found])):
        raise ValueError(f"line {node.lineno}: {target.id} is a {type(found).__name__}")
    return target.id, found


def _setting(text: str, jobs: Sequence[Job], folder: Path) -> tuple[str, str]:
    """`NAME=VALUE` as a pair, if at least one of the notebooks has such a parameter; `folder` is where all of them are."""
    name, sign, value = text.partition("=")
    usual = {n: value for job in jobs for n, value in job.defaults.items() if n not in ("source", "as_of")}
    known = sorted(usual)
    if not sign or name not in known:
        if name in ("source", "as_of"):
            how = f"retainkit report {shlex.quote(value) or 'SOURCE'}" if name == "source" else f"--as-of {value or 'DAY'}"
            raise BadValueError("--set", f"{name} is not set this way", text, how)
        if not sign and (text == "sample" or Path(text).exists()):
            raise BadValueError("--set", "takes settings; what is reported stands first", text, f"retainkit report {text} --set NAME=VALUE")
        if sign and (others := [job.stem for job in read_jobs(folder) if name in job.defaults]):
            raise BadValueError("--set", f"no notebook that --only names has a parameter {name!r}", f"it is one of {listed(others)}",
                                f"--only {' '.join([*(job.stem for job in jobs), others[0]])} --set {shlex.quote(text)}")
        guess = closest(name, known) or (known[0] if known else "NAME")
        wrong = f"no notebook has a parameter {name!r}" if sign else "needs NAME=VALUE"
        raise BadValueError(
            "--set",
            wrong,
            f"parameters: {listed(known, limit=20)}",
            to_type(guess, usual, _meant(guess, value, usual.get(guess, ""))),
        )
    return name, value


def _meant(name: str, text: str, default: Any) -> Any:
    """What was typed for a parameter, if it may be that, else its default."""
    try:
        value = _typed(name, text, default)
    except BadValueError:
        return default
    least, most, _ = limits(name)
    return value if text and all(least <= n <= most for n in (value if isinstance(value, list) else [value]) if type(n) in (int, float)) else default


def _typed(name: str, text: str, default: Any) -> Any:
    """The text as the kind of value the default is: "0012" for a text stays "0012"."""
    if isinstance(default, list):
        like = default[0] if default else ""
        return [_typed(name, part.strip(), like) for part in text.strip("[] ").split(",") if part.strip()]
    kind = type(default)
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    try:
        return words[text.lower()] if kind is bool else kind(text)
    except (KeyError, ValueError):
        wanted = {bool: "true or false", int: "a whole number", float: "a number"}[kind]
        raise BadValueError(f"--set {name}", f"must be {wanted}", repr(text), to_type(name, {}, default)) from None


def _day(shop: Shop, month: str, as_of: str) -> date:
    """The last day the report counts: of the month asked for, or the day itself; it must be over, and in the data."""
    if as_of:
        day, asked, latest = _date(as_of), f"--as-of {as_of}", f"--as-of {shop.as_of}"
    else:
        begun_only = shop.closed_through < f"{shop.history_start:%Y-%m}"  # no month of this data is over
        if begun_only and not month:
            return shop.as_of
        month, latest = month or shop.closed_through, f"--as-of {shop.as_of}" if begun_only else f"--month {shop.closed_through}"
        if (number := month_of(month)) is None:
            raise BadValueError("--month", "is not a month", repr(month), latest)
        day, asked = last_day(number), f"--month {month}"
    if not shop.history_start <= day <= shop.as_of:
        wrong = "is not over yet in this data" if day > shop.as_of else "lies before this data"
        raise BadValueError(asked, wrong, f"data from {shop.history_start} to {shop.as_of}", f"type {latest}")
    return day


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadValueError("--as-of", "is not a day", repr(text), "--as-of 2026-10-31") from None


def period(name: str) -> str:
    """A report's folder name as words: "2026-10" is October 2026."""
    parts = [int(p) for p in name.split("-")]
    words = f"{date(parts[0], parts[1], 1):%B %Y}"
    return f"{parts[2]} {words}" if len(parts) == 3 else words
