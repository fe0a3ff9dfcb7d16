"""Runs a report's notebooks in this process, without kernels: seconds where kernels take minutes."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import Any
from unittest import mock

from nbformat import NotebookNode
from nbformat.v4 import new_output

from retainkit import cli
from retainkit.report import kernel, plan, warm
from retainkit.show import display

ONE = Lock()


def run(notebook: NotebookNode, parameters: Mapping[str, Any], **_: Any) -> tuple[NotebookNode, str]:
    """Stands in for `kernel.run`: the notebook with the outputs of its cells; an error is raised, not reported.

    One notebook at a time, however many are asked for: what they show is caught by the whole process.
    """
    with ONE:
        _run_cells(notebook, parameters)
    return notebook, ""


def _run_cells(notebook: NotebookNode, parameters: Mapping[str, Any]) -> None:
    names: dict[str, Any] = {"__name__": "__main__"}
    settings = plan.tagged(notebook, "parameters")
    for number, cell in enumerate([c for c in notebook.cells if c.cell_type == "code"], start=1):
        cell.outputs, cell.execution_count = [], number

        def show(data: dict[str, str], metadata: dict[str, Any] | None = None, *, to: NotebookNode = cell) -> None:
            to.outputs.append(new_output("display_data", data, metadata=metadata or {}))

        with mock.patch.object(display, "_show", show):
            exec(cell.source, names)
        if cell in settings:
            names |= parameters


@contextmanager
def no_kernels() -> Iterator[None]:
    """Reports run their notebooks here; nor is the process started of which kernels are forked: it would import for nobody."""
    with mock.patch.object(kernel, "run", run), mock.patch.object(warm, "_nursery", object()):
        yield


def main(words: list[str], most_bytes: int | None = None) -> None:
    """Run the command line in a process of its own, with no file of more than so many bytes; exit with its code."""
    if most_bytes is not None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
    with no_kernels():
        sys.exit(cli.main(words))
