"""What several test files share: the sample's month, published once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import in_process
import pytest

from retainkit.report.run import report

with suppress(ImportError):
    import fcntl


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Of the processes that test at once, one at a time; where the system has no such locks there must be one only."""
    with (folder / ".lock").open("w") as file:
        if "fcntl" in globals():
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def sample_report(tmp_path_factory):
    """The folder of the sample's October, made by all the kit's notebooks, with an earlier month beside it; by whichever process needs it first."""
    base = tmp_path_factory.getbasetemp()
    out = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "sample" / "out"
    (out / "2026-08").mkdir(parents=True, exist_ok=True)
    with one_at_a_time(out.parent):
        if not (out.parent / "good").exists():
            (out / "2026-08" / "index.html").write_text("<h1>August 2026</h1>")
            with in_process.no_kernels():
                index, good = report("sample", month="2026-10", out=out, jobs=1)
            assert good
            (out.parent / "good").write_text(index.parent.name)
    return out / "2026-10"
