"""What is made aside and renamed into place once it is whole: half made, it is gone when its making ends, also when a signal ends the process."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


@contextmanager
def removed(path: Path, *, keep: bool = False) -> Iterator[None]:
    """Remove a file or folder, if it is there, when the block ends (to `keep` it: where the block fails); or with the process, which a
    signal ends in the midst of a block.
    """
    whole = False

    def clear() -> None:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)

    atexit.register(clear)
    try:
        yield
        whole = keep
    finally:
        if not whole:
            clear()
        atexit.unregister(clear)


def write_aside(path: Path, write: Callable[[Path], Any]) -> None:
    """Let `write` make a file or folder beside `path`, then rename it into place; a whole folder that is there by then
    wins, a broken one gives way.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}-{os.getpid()}-{uuid.uuid4().hex[:8]}")
    with removed(aside):
        try:
            write(aside)
            if path.is_dir() and not _whole(path):
                with suppress(OSError):  # another run was quicker to take it away
                    path.rename(broken := aside.with_suffix(".broken"))
                    shutil.rmtree(broken, ignore_errors=True)
            os.replace(aside, path)
        except OSError:
            if not (path.is_dir() and _whole(path)):  # another run finished the same entry first
                raise


def ensure(folder: Path, build: Callable[[Path], Any]) -> Path:
    """The finished folder, built by `build` if it is not there yet."""
    if not _whole(folder):
        def make(aside: Path) -> None:
            aside.mkdir(parents=True)
            build(aside)
            (aside / "done").write_text(json.dumps({file.name: file.stat().st_size for file in aside.iterdir()}))

        write_aside(folder, make)
    os.utime(folder / "done")
    return folder


def _whole(folder: Path) -> bool:
    """Whether an entry was finished, and nobody has removed or cut a file of it since."""
    try:
        return all((folder / name).stat().st_size == size for name, size in json.loads((folder / "done").read_text()).items())
    except (OSError, ValueError):
        return False
