"""Make an analyst's project from an export: settings proposed from the check, the notebooks, a Makefile, and no data in git."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

from retainkit.aside import removed
from retainkit.check.examine import Examined, examine
from retainkit.check.proposal import relative
from retainkit.check.say import flags, next_command
from retainkit.errors import BadValueError, MissingDataError, listed
from retainkit.load.database import is_address
from retainkit.load.endings import DATABASES, PACKED, READ
from retainkit.resources import notebooks_folder, sample_folder

MAKEFILE = """\
.DEFAULT_GOAL := help
RETAINKIT ?= {command}
MONTH ?=
.PHONY: help report check lab

help: ## Show this list
	@grep -hE '^[a-z-]+:.*?## ' $(MAKEFILE_LIST) | awk -F ':.*?## ' '{printf "  %-8s %s\\n", $$1, $$2}'

report: ## Write a month's pages: make report, or make report MONTH=2026-10
	$(RETAINKIT) report retainkit.toml $(if $(MONTH),--month $(MONTH)) --notebooks notebooks --out reports

check: ## Say what the export is, and what is healthy about it
	$(RETAINKIT) check {paths}

lab: ## Open the notebooks
	jupyter lab --LabApp.default_url=/lab/tree/notebooks/{first}
"""
IGNORED = f"""\
# Customers' data and what is made from it stay out of git: add nothing here to it.
data/
reports/
{chr(10).join(f"*{ending}" for ending in (*READ, *DATABASES, *PACKED))}
!requirements*.txt
.env
.ipynb_checkpoints/
"""


def init(folder: Path, sources: Sequence[str | Path] = (), answers: Mapping[str, str] | None = None) -> Examined:
    """Write a project into a new folder (or one that holds only the exports), or say what must be answered first.

    Parameters
    ----------
    folder
        Where the project goes.
    sources
        The exports; they stay where they are. Without them: those in the folder, else a copy of the sample company.
    answers
        As in `examine`.

    Raises
    ------
    RetainkitError
        A project or another Makefile that is there already, a question that is open, an export that makes no table.
    """
    anew = "a new folder: retainkit init another-folder --from ..."
    if folder.exists() and not folder.is_dir():
        raise BadValueError(str(folder), "is a file, and a project is a folder", remedy=anew)
    if there := [name for name in ("retainkit.toml", "notebooks", "Makefile") if os.path.lexists(folder / name)]:
        raise BadValueError(str(folder), "holds what init would write", listed(there), anew)
    given = dict(answers or {})
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise BadValueError(str(folder), "cannot be made", str(err.strerror), anew) from err

    with removed(folder, keep=True) if made else nullcontext():  # half a project would only stand in the way
        paths, given = _sources(folder, sources, given)
        found = examine(paths, given)
        _settled(found, folder)
        _write(found, folder)
    return found


def _sources(folder: Path, sources: Sequence[str | Path], given: dict[str, str]) -> tuple[list[str | Path], dict[str, str]]:
    if sources:
        return list(sources), given
    if any(folder.iterdir()):
        return [folder], given
    shutil.copytree(sample_folder(), folder / "data", ignore=shutil.ignore_patterns("*.toml", "*.json", "*.md"))
    return [folder / "data"], {"tz": "America/New_York", "currency": "USD", "as-of": "2026-10-31", "history-start": "2023-11-01", **given}


def _settled(found: Examined, folder: Path) -> None:
    """Nothing is written while something must be answered, or while the mapping does not work."""
    if found.open_questions and not found.lacking:
        texts = "; ".join(q.text for q in found.open_questions)
        raise MissingDataError("retainkit init", f"something must be answered first: {texts}", remedy=next_command(found, str(folder)))
    if found.trouble or not found.shop:
        raise BadValueError(
            "retainkit init",
            f"{'' if found.lacking else 'the proposed mapping does not work: '}{found.trouble}",
            remedy="retainkit check, and a retainkit.toml of your own (README.md shows how)",
        )


def _write(found: Examined, folder: Path) -> None:
    (folder / "retainkit.toml").write_text(found.toml(folder), encoding="utf-8")
    with (folder / ".gitignore").open("a", encoding="utf-8") as file:  # what is ignored there stays so
        file.write("\n" * bool(file.tell()) + IGNORED)
    names = _notebooks(folder / "notebooks")
    paths = " ".join(shlex.quote(p if is_address(p) else relative(Path(p), folder)) for p in found.paths)
    text = (
        MAKEFILE.replace("{command}", shell_name().replace("$", "$$"))
        .replace("{paths}", f"{paths} {flags(found)}".strip().replace("$", "$$"))
        .replace("{first}", names[0])
    )
    (folder / "Makefile").write_text(text, encoding="utf-8")


def shell_name() -> str:
    """How this very retainkit is called from a shell: by its name where that is found, else by its Python."""
    found = shutil.which("retainkit")
    return (
        "retainkit"
        if found and Path(found).resolve().parent == Path(sys.executable).parent.resolve()
        else f"{shlex.quote(sys.executable)} -m retainkit"
    )


def _notebooks(folder: Path) -> list[str]:
    """The kit's notebooks without the sample's outputs, opening this project's data."""
    folder.mkdir()
    for path in sorted(notebooks_folder().glob("*.ipynb")):
        book = json.loads(path.read_text(encoding="utf-8"))
        for cell in book["cells"]:
            if cell["cell_type"] == "code":
                cell["outputs"], cell["execution_count"] = [], None
                if "parameters" in cell["metadata"].get("tags", []):
                    cell["source"] = [line.replace('source = "sample"', 'source = "../retainkit.toml"') for line in cell["source"]]
        (folder / path.name).write_text(json.dumps(book, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return [p.name for p in sorted(folder.glob("*.ipynb"))]
