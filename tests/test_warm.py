"""Kernels forked from a process that has imported already: the same results as fresh ones, and nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from retainkit.report import kernel, warm

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only")

ASKED = """import os, sys, numpy
print(os.getpid(), os.getppid(), "lifelines" in sys.modules, numpy.random.random(), __name__, os.environ.get("ASKED"), sys.stdin.isatty())"""


def ran(*cells: str) -> tuple[list[str], str]:
    """What each cell of a notebook printed, and the run's error."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    done, error = kernel.run(notebook, {}, tick=lambda **_: None)
    return ["".join(o.get("text", "") for o in c.outputs).strip() for c in done.cells], error


def alive(pid: int) -> bool:
    """Whether a process runs (one that has ended and was not asked for is no longer running)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def gone(pid: int) -> bool:
    """Whether a process ends within some seconds."""
    end = time.monotonic() + 20
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.1)
    return not alive(pid)


@pytest.fixture(scope="module")
def open_nursery() -> Iterator[None]:
    with warm.kernels():
        yield


@pytest.fixture
def nursery(open_nursery: None) -> warm.Nursery:
    """The one of all tests that leave it alive."""
    assert warm._nursery
    return warm._nursery


def test_kernels_are_forked_of_one_process_and_are_as_fresh_as_others(nursery: warm.Nursery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASKED", "later than the nursery")
    first, second = (ran(ASKED, "seen = 1"), ran(ASKED, "seen"))
    a, b = (found[0][0].split() for found in (first, second))
    assert [a[1], b[1]] == [str(nursery.process.pid)] * 2  # children of one
    assert a[0] != b[0]
    assert a[2] == b[2] == "True"
    assert a[3] != b[3], "chance is the same in both"
    assert a[4:] == b[4:] == ["__main__", "later", "than", "the", "nursery", "False"]
    assert second[1].startswith("NameError")  # nothing of the first notebook is left


def test_a_notebook_run_twice_is_the_same_bytes(nursery: warm.Nursery) -> None:
    cells = [nbformat.v4.new_code_cell("n = 1", id="a", metadata={"tags": ["parameters"]}), nbformat.v4.new_code_cell("print(n)\nn", id="b")]
    first, second = (nbformat.writes(kernel.run(nbformat.v4.new_notebook(cells=cells), {"n": 2}, tick=lambda **_: None)[0]) for _ in range(2))
    assert '"2"' in first
    assert first == second


def test_a_kernel_that_ends_itself_is_told_and_the_next_one_starts(nursery: warm.Nursery) -> None:
    assert ran("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")[1].startswith("DeadKernelError")
    assert ran("print(1)") == (["1"], "")


def test_an_interrupt_meets_one_kernel_only(nursery: warm.Nursery) -> None:
    stopped = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import time; time.sleep(30)")])
    assert kernel.run(stopped, {}, tick=lambda **_: None, timeout=1)[1].startswith("CellTimeoutError")
    assert nursery.process.poll() is None


def test_its_kernels_end_with_it_and_with_the_run(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    cell = f"import os, pathlib, time; pathlib.Path({str(told)!r}).write_text(f'{{os.getpid()}} {{os.getppid()}}'); time.sleep(60)"
    code = f"""import nbformat
from retainkit.report import kernel, warm
with warm.kernels():
    kernel.run(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell({cell!r})]), {{}}, tick=print)"""
    run = subprocess.Popen([sys.executable, "-c", code], env=os.environ | {"TMPDIR": str(tmp_path)})  # what is killed leaves its folder
    while run.poll() is None and not (told.exists() and told.read_text()):
        time.sleep(0.1)
    run.kill()
    run.wait()
    assert [gone(int(pid)) for pid in told.read_text().split()] == [True, True]  # the kernel, and what it was forked from


def test_a_run_that_is_stopped_while_a_kernel_is_being_forked_ends_that_kernel_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would go on to write into the folder that is removed next, and leave it behind: seen where the machine was busy."""
    slowly = f"""import os, time
from pathlib import Path
from retainkit.report import warm
fork = os.fork
def slow():
    if pid := fork():
        Path({str(tmp_path / "kernel")!r}).write_text(str(pid))
        time.sleep(1)
    return pid
os.fork = slow
warm.serve()"""
    monkeypatch.setattr(warm, "SERVE", [sys.executable, "-c", slowly])
    opened = warm.Nursery()
    asking = threading.Thread(target=lambda: opened.fork(file="no connection file", cwd=str(tmp_path), env={}), daemon=True)
    asking.start()
    end = time.monotonic() + 30
    while not (tmp_path / "kernel").exists() and time.monotonic() < end:
        time.sleep(0.01)
    opened.end()
    assert not alive(int((tmp_path / "kernel").read_text()))


def test_a_kernel_whose_parent_ended_before_it_began_ends_too(tmp_path: Path) -> None:
    parent = Path("/proc/sys/kernel/pid_max").read_text().strip()  # nobody has this number
    code = f"from retainkit.report.warm import _become_kernel; _become_kernel({str(tmp_path / 'kernel.json')!r}, '.', {dict(os.environ)!r}, {parent})"
    orphan = subprocess.run(["sh", "-c", '"$0" -c "$1" >/dev/null 2>&1 & echo $!', sys.executable, code], capture_output=True, text=True, check=True)
    assert gone(int(orphan.stdout))


def test_where_it_has_ended_kernels_start_by_themselves(nursery: warm.Nursery) -> None:  # the last one: it ends it
    os.kill(nursery.process.pid, signal.SIGKILL)
    nursery.process.wait()
    printed, error = ran("import os; print(os.getppid())")
    assert (printed, error) == ([str(os.getpid())], "")
