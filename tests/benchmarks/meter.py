"""Run measurements one after the other, in rounds: every job once a round, so that a busy minute hits all of them."""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
Job = dict[str, Any]


def run(job: Job, python: str = sys.executable) -> dict[str, Any]:
    """One job in a process of its own."""
    done = subprocess.run([python, "-m", "tests.benchmarks.work", json.dumps(job)], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{job}: {done.stderr.strip().splitlines()[-1:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def rounds(jobs: dict[str, Job], n: int, python: str = sys.executable) -> dict[str, list[dict[str, Any]]]:
    """What every job cost in each of `n` rounds."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in jobs}
    for _ in range(n):
        for name, job in jobs.items():
            found[name].append(run(job, python))
    return found


def middle(found: list[dict[str, Any]], what: str = "cpu") -> float:
    """The median of one figure."""
    return statistics.median(f[what] for f in found)


def times(found: list[dict[str, Any]], base: list[dict[str, Any]], what: str = "cpu") -> float:
    """How many times its base a job costs: the median of the ratios, each within one round."""
    return statistics.median(f[what] / b[what] for f, b in zip(found, base, strict=True))


def import_ms(statement: str, n: int) -> float:
    """Milliseconds that Python says an import took, in the quickest of `n` processes: it tells wall time."""
    found = []
    for _ in range(n):
        told = subprocess.run([sys.executable, "-X", "importtime", "-c", statement], cwd=ROOT, capture_output=True, text=True, check=True).stderr
        name = statement.split()[-1]
        found += [int(m.group(1)) / 1000 for m in re.finditer(rf"\|\s+(\d+) \| {name}$", told, re.M)]
    return min(found)


def command(argv: list[str]) -> tuple[float, float]:
    """Seconds and CPU seconds of a command with everything it starts."""
    import resource

    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(argv, cwd=ROOT, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - began, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
