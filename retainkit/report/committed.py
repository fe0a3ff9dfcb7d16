"""The kit's own notebooks: run again in place with outputs that are the same bytes every time, or copied out."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from retainkit.errors import BadValueError
from retainkit.report.kernel import TIMEOUT, executed
from retainkit.report.warm import kernels
from retainkit.resources import PACKAGED, notebooks_folder


@kernels()
def execute(folder: Path | None = None, *, jobs: int = 2, timeout: int = TIMEOUT) -> dict[str, str]:
    """Run every notebook of a folder (the kit's: the workshop's too) and keep its outputs; the error of each by name, "" where there was none.

    A notebook that fails keeps what it had. Those inside an installed package are not written to.
    """
    if not folder and (kit := notebooks_folder()).name == PACKAGED:
        raise BadValueError("--execute", "would write into the installed package: it is for a checkout of retainkit", str(kit),
                            "retainkit notebooks --copy my-notebooks, then retainkit report --notebooks my-notebooks")
    paths = (
        sorted(folder.glob("*.ipynb"))
        if folder
        else [p for part in ("", "workshop") for p in sorted((notebooks_folder() / part).glob("*.ipynb"))]
    )
    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        return dict(zip([p.name for p in paths], pool.map(lambda p: _execute(p, timeout), paths), strict=True))


def _execute(path: Path, timeout: int) -> str:
    notebook = nbformat.read(path, as_version=4)
    if error := executed(notebook, timeout=timeout, resources={"metadata": {"path": str(path.resolve().parent)}}):
        return error
    aside = path.with_suffix(".aside")
    aside.write_text(nbformat.writes(settled(notebook)) + "\n", encoding="utf-8")
    os.replace(aside, path)
    return ""


def settled(notebook: NotebookNode) -> NotebookNode:
    """The notebook without what differs from one machine or run to the next."""
    kept = {k: v for k, v in notebook.metadata.items() if k == "retainkit"}
    python = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    notebook.metadata = NotebookNode({**kept, "kernelspec": python, "language_info": {"name": "python"}})
    for cell in notebook.cells:
        cell.metadata = NotebookNode({k: v for k, v in cell.metadata.items() if k in ("tags", "retainkit")})
    return notebook


def copy(folder: Path) -> Path:
    """Copy the kit's notebooks into a new folder of one's own, to change there."""
    if os.path.lexists(folder):
        raise BadValueError(f"--copy {folder}", "is there already", remedy="name a folder that does not exist yet")
    try:
        return Path(shutil.copytree(notebooks_folder(), folder, ignore=shutil.ignore_patterns(".*")))
    except OSError as err:
        shutil.rmtree(folder, ignore_errors=True)
        raise BadValueError(f"--copy {folder}", "cannot be made", err.strerror or str(err), "--copy with a folder that you may write to") from err
