"""Puts a month's folder in place whole: written aside, then swapped in; a reader sees the old one or the new."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from retainkit.aside import removed
from retainkit.errors import BadValueError, NotPublishedError, RetainkitError, listed
from retainkit.load.schema import TABLES

_EXCHANGE = 2  # the flag of Linux's renameat2 and of macOS's renamex_np alike
_MONTH = r"\d{4}-\d\d(-\d\d)?"  # what a report's folder is called
_NOBODYS = (".ipynb_checkpoints", ".DS_Store", "Thumbs.db", "desktop.ini")  # what Jupyter and systems leave wherever somebody looks


@contextlib.contextmanager
def workplace(out: Path, name: str, *, reads: Iterable[Path] = (), pages: Mapping[str, str] | None = None) -> Iterator[Path]:
    """A new folder beside `out/name` to write the report in, while no other run writes to `out`.

    What runs that were killed left behind is put right first; the new folder is gone afterwards unless published. Refused is a folder
    in the month's place that this report may not replace: see `may_replace`, which is given `reads` and `pages`.
    """
    stage = out / f".{name}.{os.getpid()}.new"
    with contextlib.ExitStack() as held:
        try:
            out.mkdir(parents=True, exist_ok=True)
            held.enter_context(_lock(out / ".lock"))
            _recover(out)
            may_replace(out / name, reads, pages)
            held.enter_context(removed(stage))
            stage.mkdir()
        except OSError as err:
            nowhere = (
                f"a link to {os.readlink(out)}, which is not there" if out.is_symlink() and not out.exists() else ""
            )
            raise BadValueError(
                f"--out {out}",
                "cannot be written to",
                nowhere or _said(err),
                "--out reports, or another folder that you may write to",
            ) from err
        try:
            yield stage
        except OSError as err:
            full = err.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
            raise NotPublishedError(
                str(out),
                "the report was begun and could not be written",
                _said(err),
                f"make room there (df -h {shlex.quote(str(out))}), and run it again"
                if full
                else "run it again with --debug to see where",
            ) from err


def folder(out: str | Path) -> Path:
    """The folder that `--out` names: `~` is the home also where no shell says so (crontab, YAML), and an address is none."""
    if found := re.match(r"([a-z][a-z0-9+.-]+):/+", str(out), re.IGNORECASE):
        plain = "/" + str(out)[found.end():] if found[1].lower() == "file" else "reports, and copy the month there"
        raise BadValueError(f"--out {out}", "is an address, and reports are written to a folder", found[1], f"--out {plain}")
    try:
        return Path(out).expanduser()
    except RuntimeError as err:
        raise BadValueError(f"--out {out}", "is in the home of somebody who is not known here", str(err), "--out with the whole path") from err


def _said(err: OSError) -> str:
    """What the system says, and of which file."""
    return (err.strerror or str(err)) + (f": {err.filename}" if err.filename else "")


def may_replace(live: Path, reads: Iterable[Path] = (), pages: Mapping[str, str] | None = None) -> None:
    """Refuse to replace what no report wrote, what this one reads, and a month that has more than this report will have.

    Parameters
    ----------
    live
        The folder in the month's place, if there is one.
    reads
        The files this report is made from.
    pages
        Of a report of some notebooks only, or of a segment: each notebook's name and the segment it looks at ("" for everybody).
    """
    if not os.path.lexists(live) or (live.is_dir() and not live.is_symlink() and not any(live.iterdir())):
        return
    refused, elsewhere = partial(BadValueError, str(live)), f"--out {shlex.quote(str(live.parent / 'published'))}"
    run = _run(live)
    if run is None:
        wrong = "is in the way of the report, and no report wrote it"
        raise refused(wrong, "no run.json of a report in it", f"{elsewhere}, or call it something else")
    if inside := [str(file) for file in reads if file.resolve().is_relative_to(live.resolve())]:
        raise refused("would be replaced, and this report is made from what it holds", listed(inside), elsewhere)
    if strange := _strange(live, run):
        wrong = "would be replaced, and holds what no report wrote"
        raise refused(wrong, listed(strange), f"move it out of the way, or {elsewhere}")
    before = {str(n["notebook"]): str(n["parameters"].get("segment") or "") for n in run["notebooks"] if (live / f"{n['notebook']}.html").exists()}
    if pages is not None and (lost := [stem for stem, segment in before.items() if pages.get(stem) != segment]):
        own = shlex.quote(str(live.parent / next(filter(None, pages.values()), next(iter(pages)))))
        wrong = "has pages that this report would take away: it is made of some notebooks only, or of one segment"
        raise refused(wrong, listed(lost), f"--out {own}")


def _run(live: Path, name: str = "") -> dict[str, Any] | None:
    """What its run.json says, if a report wrote the folder, as the month it is called or as `name`."""
    try:
        run = dict(json.loads((live / "run.json").read_text(encoding="utf-8")))
        told = all({"notebook", "parameters"} <= set(n) for n in run["notebooks"])
        return run if told and run["month"] == (name or live.name) and not live.is_symlink() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _strange(live: Path, run: dict[str, Any]) -> list[str]:
    """The files in a published month that the report which published it did not write."""
    stems = [str(n["notebook"]) for n in run["notebooks"]]
    wrote = {"metrics.csv", "run.json", *(f"rejected/{name}.csv" for name in TABLES), *(f"notebooks/{stem}.ipynb" for stem in stems),
             *(f"{stem}{kind}" for stem in ("index", "definitions", *stems) for kind in (".html", ".pdf"))}
    there = (path.relative_to(live) for path in live.rglob("*") if not path.is_dir())
    return sorted(str(path) for path in there if path.as_posix() not in wrote and not set(path.parts) & set(_NOBODYS))


def publish(stage: Path, live: Path) -> None:
    """Make `stage` the folder `live`, in one step where the system can exchange two folders."""
    if not os.path.lexists(live):
        stage.rename(live)
    elif any(live.iterdir()) and not _run(live):
        wrong = "came into the way of the report while it was made"
        raise NotPublishedError(str(live), wrong, "no run.json of a report in it", "move it, and run the report again")
    elif not _exchange(stage, live):
        live.rename(_old(live))
        stage.rename(live)
        shutil.rmtree(_old(live))


def _old(live: Path) -> Path:
    """Where the old folder waits for a moment when two folders cannot be exchanged."""
    return live.with_name(f".{live.name}.old")


def _recover(out: Path) -> None:
    """Undo what a killed run left: put a folder that was moved aside back, delete what was never published."""
    for old in out.glob(".*.old"):
        live = out / old.name[1:-4]
        if not re.fullmatch(_MONTH, live.name):
            continue
        if not live.exists():
            old.rename(live)
        elif _run(old, live.name):
            shutil.rmtree(old)
    for stage in out.glob(".*.new"):
        if re.fullmatch(rf"\.{_MONTH}\.\d+\.new", stage.name):
            shutil.rmtree(stage, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two folders in one step; False where the system cannot."""
    names = os.fsencode(one), os.fsencode(other)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "darwin":
            return bool(libc.renamex_np(*names, _EXCHANGE) == 0)
        return bool(libc.renameat2(-100, names[0], -100, names[1], _EXCHANGE) == 0)  # -100: relative to here
    except (AttributeError, OSError, TypeError):
        return False


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Hold a lock that ends with this process, however it ends."""
    with path.open("a") as file:
        try:
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError) as err:  # what else may go wrong (a disk without locks) waiting does not mend
            raise RetainkitError(str(path.parent), "another report is being written there", "", "wait for it, or give --out another folder") from err
        yield


def earlier(out: Path, name: str) -> list[str]:
    """The reports published in `out` before `name`, the newest first."""
    found = [p.name for p in out.glob("*/index.html") for p in [p.parent] if re.fullmatch(_MONTH, p.name)]
    return sorted((n for n in found if n < name), reverse=True)
