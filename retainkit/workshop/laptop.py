"""`python -m retainkit.workshop.laptop`: is this laptop ready for the workshop, and if not, what is wrong?

Run in the unpacked folder. Imports nothing but Python's own until it knows that the packages are there.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
import webbrowser
from importlib import metadata
from pathlib import Path

LESSONS = "0*.ipynb"


def main() -> int:
    """Say line by line what was looked at; 0 when all is well, 1 with what to do when it is not."""
    for step in (python, packages, folder, room, browser, shop, lesson):
        began = time.monotonic()
        try:
            told, wrong = step(), ""
        except Exception as err:  # whatever it is, the teacher needs the words of it
            told, wrong = step.__name__, str(err) or type(err).__name__
        print(f"{'NOT' if wrong else 'ok ':4}{told}{f': {wrong}' if wrong else ''}  ({time.monotonic() - began:.0f} s)", flush=True)
        if wrong:
            print("\nThis laptop is not ready yet. Do what the last line says, then run this again.")
            return 1
    print("\nReady. Start with: jupyter lab 01_distrust_a_file.ipynb")
    return 0


def python() -> str:
    """Which Python this is."""
    if sys.version_info < (3, 11):  # noqa: UP036  # here to be said in words
        raise RuntimeError(f"this is {sys.version.split()[0]} and 3.11 or newer is needed: install it from python.org")
    return f"Python {sys.version.split()[0]}"


def packages() -> str:
    """Whether every package is there, and new enough."""
    names = [line for line in Path("requirements.txt").read_text().splitlines() if re.match(r"\w", line)]
    if bad := [why for line in names if (why := lacking(line))]:
        raise RuntimeError(f"{', '.join(bad)}; type: {Path(sys.executable).name} -m pip install -r requirements.txt")
    return f"{len(names)} packages"


def lacking(line: str) -> str:
    """Why a line of requirements.txt is not met; empty when it is.

    >>> lacking("no-such-package>=2.0")
    'no-such-package is missing'
    """
    name, least = re.match(r"([\w.-]+)(?:>=([\d.]+))?", line).groups()  # type: ignore[union-attr]
    try:
        found = metadata.version(name)
    except metadata.PackageNotFoundError:
        return f"{name} is missing"
    parts = [tuple(int(n) for n in re.findall(r"\d+", text)[:3]) for text in (found, least or "0")]
    return f"{name} is {found}, and {least} is needed" if parts[0] < parts[1] else ""


def folder() -> str:
    """Whether this is the unpacked folder, and may be written to."""
    if not (list(Path().glob(LESSONS)) and Path("data", "orders.csv").exists()):
        raise RuntimeError(f"{Path.cwd()} has no lessons: unpack the zip (opening it is not enough), then type: cd retainkit-workshop")
    if not os.access(".", os.W_OK):
        raise RuntimeError(f"{Path.cwd()} cannot be written to: unpack the zip in your own documents")
    return f"{len(list(Path().glob(LESSONS)))} lessons"


def room() -> str:
    """Whether there is room for the checked tables."""
    free = shutil.disk_usage(".").free / 1e9
    if free < 0.5:
        raise RuntimeError(f"only {free:.1f} GB are free, and half a GB is needed")
    return "disk"


def browser() -> str:
    """Whether there is a browser for JupyterLab to open in."""
    try:
        webbrowser.get()
    except webbrowser.Error:
        return "no browser found from here: open the address that jupyter lab prints in one yourself"
    return "a browser"


def shop() -> str:
    """Whether the tables can be read."""
    from retainkit.load.opening import open_shop

    return f"the tables, to {open_shop('data').as_of}"


def lesson() -> str:
    """Whether a lesson runs in a kernel, from its first cell to its last; nothing is saved."""
    import retainkit._fastjson  # noqa: F401  # before anything that imports nbformat, I001

    # isort: split
    import nbformat

    from retainkit.report.kernel import executed

    first = sorted(Path().glob(LESSONS))[0]
    notebook = nbformat.read(first, as_version=4)
    if error := executed(notebook, timeout=180, resources={"metadata": {"path": "."}}):
        raise RuntimeError(f"{first} stopped with {error}")
    return f"{first} runs"


if __name__ == "__main__":
    sys.exit(main())
