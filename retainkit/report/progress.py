"""What a run says while it works: a bar on a terminal, one JSON line a step everywhere else."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TextIO


def tell(words: object, file: TextIO | None) -> None:
    """Print what nobody need hear: a terminal that was closed, or a log on a full disk, ends no report."""
    if file is not None:
        with suppress(OSError, ValueError):
            print(words, file=file, flush=True)


class Progress:
    """Counts cells on a terminal; writes each step to stderr as a JSON line otherwise."""

    def __init__(self, cells: int) -> None:
        from tqdm import tqdm

        self._drawn = sys.stderr is not None and sys.stderr.isatty()
        self._bar = tqdm(total=cells, unit="cell", desc="report", leave=False, disable=not self._drawn)

    def tick(self, **_: Any) -> None:
        """One more cell has run."""
        with suppress(OSError):  # the terminal was closed
            self._bar.update()

    def step(self, step: str, **facts: Any) -> None:
        """A step is done."""
        if not self._drawn:
            now = datetime.now(UTC).isoformat(timespec="seconds")
            tell(json.dumps({"time": now, "step": step, **facts}), sys.stderr)
            return
        with suppress(OSError):
            name = str(facts.get("notebook", step))
            self._bar.set_postfix_str(name)
            if facts.get("error"):
                self._bar.write(f"{name} {facts.get('status', 'failed')}: {facts['error']}", file=sys.stderr)

    def close(self) -> None:
        """Take the bar off the terminal."""
        with suppress(OSError):
            self._bar.close()
