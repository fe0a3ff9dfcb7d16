"""Runs one notebook in a fresh kernel of this very Python, and says what went wrong with it, if anything."""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import nbformat
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import LocalProvisioner
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from retainkit.report import warm

Ticker = Callable[..., None]  # called after each cell, with what nbclient tells of it
TIMEOUT = 600  # seconds a cell may take
LONGEST = 80  # letters of a folder whose sockets' names every system allows


class Provisioner(LocalProvisioner):
    """Starts a kernel by forking, where a run has opened a nursery; as ever where not."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        self.cwd = str(kwargs.get("cwd") or Path.cwd())
        process = warm.forked(cmd, self.cwd, kwargs["env"])
        if warm.over:
            raise InterruptedError("the run was stopped")
        if not process:
            return await super().launch_kernel(cmd, **kwargs)
        self.process, self.pid, self.pgid = process, process.pid, process.pid  # type: ignore[assignment]
        return self.connection_info


class OwnKernel(AsyncKernelManager):
    """Starts this interpreter, whatever kernels are registered on the machine.

    They talk through files of a folder of their own: another program may take a port between its choice and its use.
    Where a system has no such sockets, through ports, encrypted.
    """

    measured: dict[str, Any] | None = None  # where it says what it took

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.folder = tempfile.TemporaryDirectory(prefix="retainkit-", ignore_cleanup_errors=True)  # nobody else may look into it
        self.connection_file = f"{self.folder.name}/kernel.json"
        if os.name == "posix" and len(self.folder.name) < LONGEST:
            self.transport = "ipc"
        elif self.has_trait("transport_encryption"):
            self.transport_encryption = "auto"  # otherwise the kernel warns on stderr at each start

    @property
    def kernel_spec(self) -> KernelSpec:
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", *warm.LAUNCH]
        return KernelSpec(argv=argv, language="python", metadata={"supported_encryption": ["curve"]})

    async def start_kernel(self, **kwargs: Any) -> None:  # type: ignore[override]
        """Start it by our provisioner, without what its user's IPython runs at each start: the same input makes the same pages."""
        kwargs["env"] = os.environ | {"IPYTHONDIR": self.folder.name}
        self.kernel_id = self.kernel_id or str(uuid4())
        self.provisioner = Provisioner(kernel_id=self.kernel_id, kernel_spec=self.kernel_spec, parent=self)
        await super().start_kernel(**kwargs)

    async def shutdown_kernel(self, now: bool = False, restart: bool = False) -> None:  # type: ignore[override]
        """End the kernel, and keep what memory it took."""
        if self.measured is not None:
            self.measured["peak_mb"] = peak_mb(getattr(self.provisioner, "pid", None))
        await super().shutdown_kernel(now, restart)


def peak_mb(pid: int | str | None) -> int | None:
    """The most memory a process has had so far, in MB; None where the system does not tell."""
    try:
        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return None
    return round(int(found[1]) / 1024) if found else None


def run(notebook: NotebookNode, parameters: Mapping[str, Any], *, tick: Ticker, timeout: int = TIMEOUT,
        measured: dict[str, Any] | None = None) -> tuple[NotebookNode, str]:
    """Run a notebook with papermill's parameters; the result, and the error that stopped it ("" when it ran to its end).

    `measured` is given the kernel's `peak_mb`.
    """
    from papermill.parameterize import parameterize_notebook

    notebook.metadata["papermill"] = {}
    for cell in notebook.cells:
        cell.metadata.setdefault("tags", [])
    if parameters:
        notebook = parameterize_notebook(notebook, dict(parameters), kernel_name="python3", language="python")
        for cell in notebook.cells:
            if "injected-parameters" in cell.metadata.get("tags", []):
                cell["id"] = "injected"  # else by chance, and no two runs publish the same bytes
    error = executed(notebook, timeout=timeout, measured=measured, on_cell_executed=tick)
    del notebook.metadata["papermill"]
    return notebook, error


class _Client(NotebookClient):
    def _cleanup_kernel(self) -> None:  # type: ignore[override]
        """Nothing: called when the run ends before its notebooks, with which their kernels end by themselves."""


def executed(notebook: NotebookNode, *, timeout: int, measured: dict[str, Any] | None = None, **how: Any) -> str:
    """Run a notebook's cells, in place; the error that stopped it ("" when it ran to its end). `how`: traits of nbclient."""
    if warm.over:
        return "the run was stopped"
    try:
        own = OwnKernel()
        own.measured = measured
        _Client(notebook, km=own, timeout=timeout, kernel_name="python3", coalesce_streams=True, record_timing=False, **how).execute(cleanup_kc=True)
    except CellExecutionError:
        return fault(notebook)
    except Exception as err:  # a dead kernel, a time-out: said by name, the other notebooks run on
        return f"{type(err).__name__}: {first_line(str(err))}"
    return fault(notebook)


def fault(notebook: NotebookNode) -> str:
    """What stopped an executed notebook: the last line of the first error, or the cell that never ran; "" if neither."""
    if errors := _errors(notebook):
        left = ": the notebook ended itself before its end" if errors[0].ename == "SystemExit" else ""
        return f"{errors[0].ename}: {first_line(errors[0].evalue)}".rstrip(": ") + left
    never = [cell for cell in _code(notebook) if cell.execution_count is None]
    return f"the notebook stopped before {never[0].source.splitlines()[0][:60]!r}" if never else ""


def tracebacks(folder: Path) -> str:
    """Where each executed notebook of a folder failed, as Python says it; "" where none did."""
    books = {path.stem: nbformat.read(path, as_version=4) for path in sorted(folder.glob("*.ipynb"))}
    told = (f"{stem}:\n" + plain("\n".join(o.traceback)) for stem, book in books.items() for o in _errors(book))
    return "\n\n".join(told)


def _errors(notebook: NotebookNode) -> list[NotebookNode]:
    """The errors of its cells."""
    return [o for cell in _code(notebook) for o in cell.outputs if o.output_type == "error"]


def _code(notebook: NotebookNode) -> list[NotebookNode]:
    """The cells that have something to run."""
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def recorded(notebook: NotebookNode) -> list[str] | None:
    """The lines the last code cell recorded for metrics.csv; None when it did not."""
    code = _code(notebook)
    for output in code[-1].outputs if code else []:
        if "retainkit" in output.get("metadata", {}):
            return list(output.metadata.retainkit["metrics"])
    return None


def scrub(text: str, names: Mapping[str, str]) -> str:
    """The text without this machine's folders: each path in `names` reads as its name, the longest first, so that the narrowest name wins."""
    own = {sys.prefix: "python", sys.base_prefix: "python", tempfile.gettempdir(): "tmp", str(Path.home()): "~", os.getcwd(): "."}
    for path, name in sorted({**own, **names}.items(), key=lambda pair: -len(pair[0])):
        for written in {path, json.dumps(path, ensure_ascii=False)[1:-1]} if len(path) > 1 else ():
            if written in text:  # much quicker to ask than to search for in pictures
                text = re.sub(rf"(?<![\w.]){re.escape(written)}(?![\w.-])", name.replace("\\", "/"), text)
    return re.sub(r"tmp/ipykernel_\d+/\d+\.py", "notebook", text)


def first_line(text: str) -> str:
    """The first line that says something, without terminal colours."""
    return next((line.strip() for line in plain(text).splitlines() if line.strip()), "")


def plain(text: str) -> str:
    """The text without terminal colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
