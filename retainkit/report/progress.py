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
        self._bar: Any = None
        if sys.stderr is not None and sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=cells, unit="cell", desc="report", leave=False)

    def tick(self, **_: Any) -> None:
        """One more cell has run."""
        if self._bar is not None:
            with suppress(OSError):  # the terminal was closed
                self._bar.update()

    def step(self, step: str, **facts: Any) -> None:
        """A step is done."""
        if self._bar is not None:
            with suppress(OSError):
                self._bar.set_postfix_str(str(facts.get("notebook", step)))
                if facts.get("error"):
                    self._bar.write(f"{facts.get('notebook', step)} {facts.get('status', 'failed')}: {facts['error']}", file=sys.stderr)
        else:
            now = datetime.now(UTC).isoformat(timespec="seconds")
            tell(json.dumps({"time": now, "step": step, **facts}), sys.stderr)

    def close(self) -> None:
        """Take the bar off the terminal."""
        if self._bar is not None:
            with suppress(OSError):
                self._bar.close()
