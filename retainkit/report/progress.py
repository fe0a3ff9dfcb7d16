"""What a run says while it works: a bar on a terminal, one JSON line a step everywhere else."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import Any


class Progress:
    """Counts cells on a terminal; writes each step to stderr as a JSON line otherwise."""

    def __init__(self, cells: int) -> None:
        self._bar: Any = None
        if sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=cells, unit="cell", desc="report", leave=False)

    def tick(self, **_: Any) -> None:
        """One more cell has run."""
        if self._bar is not None:
            self._bar.update()

    def step(self, step: str, **facts: Any) -> None:
        """A step is done."""
        if self._bar is not None:
            self._bar.set_postfix_str(str(facts.get("notebook", step)))
            if facts.get("error"):
                self._bar.write(f"{facts['notebook']} {facts['status']}: {facts['error']}", file=sys.stderr)
        else:
            now = datetime.now(UTC).isoformat(timespec="seconds")
            print(json.dumps({"time": now, "step": step, **facts}), file=sys.stderr, flush=True)

    def close(self) -> None:
        """Take the bar off the terminal."""
        if self._bar is not None:
            self._bar.close()
