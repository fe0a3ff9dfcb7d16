"""What several test files share: the sample's month, published once; and a process of which kernels are forked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from unittest import mock

import duckdb
import hypothesis
import in_process
import pytest

from retainkit.report import warm
from retainkit.report.run import report

with suppress(ImportError):
    import fcntl

START = duckdb.connect
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


class Apart:
    """A connection to an empty database of its own, in an engine that runs already: what one shop makes there no other sees."""

    def __init__(self, con, base):
        self._con, self._base = con, base
        con.execute(f"attach if not exists ':memory:' as {base}")
        con.execute(f"use {base}")

    def cursor(self):
        return Apart(self._con.cursor(), self._base)

    def __getattr__(self, name):
        return getattr(self._con, name)


@pytest.fixture(scope="session", autouse=True)
def one_engine():
    """To start an engine takes as long as to read a small shop: one is started, and every shop has a database of its own in it."""
    engine, number, process = duckdb.connect(), count(), os.getpid()

    def connect(*where, config=None):
        if where or os.getpid() != process or not config or "threads" in config:
            return START(*where, config=config or {})
        return Apart(engine.cursor(), f"base_{next(number)}")

    with mock.patch.object(duckdb, "connect", connect):
        yield


@pytest.fixture(scope="module")
def engines_of_their_own(one_engine):
    """For tests of what an engine costs, remembers or leaves behind."""
    with mock.patch.object(duckdb, "connect", START):
        yield


@pytest.fixture(scope="module")
def one_nursery():
    """Reports of these tests fork their kernels from one process, which imports once, and not each from its own."""
    with warm.kernels():
        yield
