"""A process that has imported what notebooks import, from which each kernel is forked: it starts at once, and shares that memory.

Linux only. Elsewhere forking a process that has loaded such libraries is not safe, and each kernel imports for itself.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any, NoReturn

SERVE = [sys.executable, "-c", "from retainkit.report.warm import serve; serve()"]
LAUNCH = ["--log-level=CRITICAL"]  # what a kernel logs (mostly that it was interrupted to end) would stand between our own lines on stderr
_nursery: Nursery | None = None  # the one that is open
over = False  # the run is being stopped: no kernel starts any more


class Nursery:
    """The process that forks kernels; asked for one at a time, over its standard input."""

    def __init__(self) -> None:
        # a session of its own: Ctrl-C is for the run, which then ends this by closing its input
        self.process = subprocess.Popen(SERVE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
        self.lock, self.ready = Lock(), False

    def fork(self, **what: Any) -> int:
        """The number of a kernel's process that it has forked; an OSError where it is gone."""
        assert self.process.stdin
        assert self.process.stdout
        with self.lock:
            self.ready = self.ready or bool(self.process.stdout.readline())  # said once all is imported: from then on it is asked, and may fork
            print(json.dumps(what), file=self.process.stdin, flush=True)
            answer = self.process.stdout.readline()
        if not answer:
            raise ConnectionError("the process that starts the kernels has ended")
        return int(answer)

    def end(self) -> None:
        """End it and its kernels, before their folders are removed: they would write on."""
        assert self.process.stdin
        with suppress(OSError):
            self.process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(10 if self.ready else 0)  # else it still imports, and no kernel was asked for
        self.process.kill()
        self.process.wait()


class Forked:
    """A kernel's process as jupyter_client wants it: what `Popen` offers, for a child of the nursery."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def poll(self) -> int | None:
        """None while it runs. Once it has ended it is a zombie until the nursery ends, so that no other process has its number; or gone with it."""
        with suppress(OSError):
            if Path(f"/proc/{self.pid}/stat").read_text().rpartition(") ")[2][0] != "Z":
                return None
        return 1

    wait = poll  # asked only once it has ended

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


def forked(command: list[str], cwd: str, env: dict[str, str]) -> Forked | None:
    """The kernel that this command would start, or None where there is no nursery to fork."""
    try:
        return Forked(_nursery.fork(file=command[command.index("-f") + 1], cwd=cwd, env=env)) if _nursery else None
    except OSError:  # it has ended
        return None


@contextmanager
def kernels() -> Iterator[None]:
    """Fork the kernels that are started meanwhile, where that is safe."""
    global _nursery
    if sys.platform != "linux" or _nursery is not None:
        yield
        return
    _nursery = Nursery()
    try:
        yield
    finally:
        end()


def end(stopped: bool = False) -> None:
    """End the process that is open, if one is; and where the run is `stopped` start no other."""
    global _nursery, over
    over, gone, _nursery = stopped, _nursery, None
    if isinstance(gone, Nursery):
        gone.end()


def serve() -> None:
    """Import, then fork a kernel for each line that asks for one, until standard input ends; then end those that still run."""
    _import_all()
    print("ready", flush=True)
    begun: list[int] = []
    for line in iter(sys.stdin.readline, ""):
        asked, own = json.loads(line), os.getpid()
        pid = os.fork()
        if not pid:
            _become_kernel(**asked, parent=own)
        begun.append(pid)
        with suppress(OSError):  # here and in the kernel, whoever comes first: a signal to it must not meet the others
            os.setpgid(pid, pid)
        with suppress(OSError):  # the run has ended, and so will standard input
            print(pid, flush=True)
    for pid in begun:
        with suppress(OSError):
            os.killpg(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    os._exit(0)


def _import_all() -> None:
    """What the notebooks import, and what their kernels do; and a first chart, which finds the fonts."""
    gc.disable()
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")  # as a kernel does before it imports matplotlib
    for name in ("ipykernel.kernelapp", "duckdb", "lifelines", "seaborn"):
        import_module(name)
    import retainkit
    from retainkit.show.display import picture
    from retainkit.show.style import canvas, finish

    for name in retainkit.__all__:
        getattr(retainkit, name)
    fig, ax = canvas()
    finish(ax, finding="0", measure="0", source="0")
    picture(fig, alt="0")
    gc.freeze()  # what is shared is not looked through again in every kernel
    gc.enable()


def _become_kernel(file: str, cwd: str, env: dict[str, str], parent: int) -> NoReturn:
    """Run a kernel in this process, which ends with it, or soon after its parent: also when that has ended already."""
    import numpy
    from ipykernel.kernelapp import IPKernelApp

    os.setpgid(0, 0)
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)  # what was standard output is the nursery's line to the run
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    numpy.random.seed()  # or chance would be the same in every kernel
    sys.argv = ["ipykernel_launcher", "-f", file, f"--IPKernelApp.parent_handle={parent}", *LAUNCH]  # the environment is read at import, too early
    IPKernelApp.launch_instance(argv=sys.argv[1:])
    atexit._run_exitfuncs()  # they remove temporary folders
    os._exit(0)  # Python would first look through the memory that is shared, and so copy it
