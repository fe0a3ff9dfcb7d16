"""What several test files share: the sample's month, published once; and a process of which kernels are forked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import hypothesis
import in_process
import pytest

from retainkit.load import shop
from retainkit.report import warm
from retainkit.report.run import report

with suppress(ImportError):
    import fcntl

hypothesis.settings.register_profile("patient", deadline=None)  # how long an example takes says how busy the machine is
hypothesis.settings.load_profile("patient")


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


@pytest.fixture
def one_engine(monkeypatch, tmp_path):
    """For tests of many tiny shops, each done with before the next is opened: to start an engine takes as long as to read one."""
    engine = shop._connect(tmp_path, None)
    monkeypatch.setattr(shop, "_connect", lambda *_: engine)


@pytest.fixture(scope="module")
def one_nursery():
    """Reports of these tests fork their kernels from one process, which imports once, and not each from its own."""
    with warm.kernels():
        yield
