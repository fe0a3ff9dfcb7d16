"""What is half made is gone when its making ends, also when a signal ends the process."""

from __future__ import annotations

import atexit
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def removed(path: Path) -> Iterator[None]:
    """Remove a file or folder, if it is there, when the block ends; or with the process, which a signal ends in the midst of a block."""
    def clear() -> None:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)

    atexit.register(clear)
    try:
        yield
    finally:
        clear()
        atexit.unregister(clear)
