"""Puts a month's folder in place whole: written aside, then swapped in; a reader sees the old one or the new."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from retainkit.errors import BadValueError, RetainkitError

_EXCHANGE = 2  # the flag of Linux's renameat2 and of macOS's renamex_np alike


@contextlib.contextmanager
def workplace(out: Path, name: str) -> Iterator[Path]:
    """A new folder beside `out/name` to write the report in, while no other run writes to `out`.

    What runs that were killed left behind is put right first; the new folder is gone afterwards unless published.
    """
    stage = out / f".{name}.{os.getpid()}.new"
    with contextlib.ExitStack() as held:
        try:
            out.mkdir(parents=True, exist_ok=True)
            held.enter_context(_lock(out / ".lock"))
            _recover(out)
            stage.mkdir()
        except OSError as err:
            raise BadValueError(f"--out {out}", "cannot be written to", str(err.strerror), "--out FOLDER") from err
        held.callback(shutil.rmtree, stage, ignore_errors=True)
        yield stage


def publish(stage: Path, live: Path) -> None:
    """Make `stage` the folder `live`, in one step where the system can exchange two folders."""
    if not live.exists():
        stage.rename(live)
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
        if live.exists():
            shutil.rmtree(old)
        else:
            old.rename(live)
    for stage in out.glob(".*.new"):
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
        except OSError as err:
            raise RetainkitError(str(path.parent), "another report is being written there", "", "wait for it, or give --out another folder") from err
        yield


def earlier(out: Path, name: str) -> list[str]:
    """The reports published in `out` before `name`, the newest first."""
    found = [p.name for p in out.glob("*/index.html") for p in [p.parent] if re.fullmatch(r"\d{4}-\d\d(-\d\d)?", p.name)]
    return sorted((n for n in found if n < name), reverse=True)
