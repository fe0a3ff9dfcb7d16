"""What a room gets: learners' copies without the solutions, the instructor's folder with them, and one zip."""

from __future__ import annotations

import ast
import json
import re
import shlex
import shutil
import zipfile
from hashlib import blake2b
from importlib.metadata import requires
from pathlib import Path
from random import Random

import nbformat
import pandas as pd
from nbformat import NotebookNode

from retainkit.errors import BadValueError, RetainkitError, listed
from retainkit.load.opening import open_shop
from retainkit.load.shop import Shop
from retainkit.report.committed import execute
from retainkit.report.kernel import TIMEOUT
from retainkit.resources import notebooks_folder, sample_folder
from retainkit.simulate import SEED, write_sample
from retainkit.simulate.world import NAMES
from retainkit.workshop.check import untold, worked_out
from retainkit.workshop.questions import QUESTIONS

HIDDEN = ("solution", "instructor")
KEY = "answer_key.json"
WRITTEN = ".retainkit-workshop.json"  # what a build wrote, so that the next one knows it again
LEFT = ("__pycache__", ".ipynb_checkpoints")
CODE = ("__pycache__", "_notebooks", "_sample", "_constraints.txt")
THEN = (1980, 1, 1, 0, 0, 0)  # the oldest time a zip can say: the same bytes whenever it is made


def build(out: Path, *, seed: int = SEED, jobs: int = 2, timeout: int = TIMEOUT) -> Path:
    """Write `out/learner`, `out/instructor` and the learners' zip, for the company of a seed; the zip's path.

    For another seed than the sample's the company is made, the reps' names are dealt again, and the solutions are run.

    Raises
    ------
    RetainkitError
        When the seed's company cannot ask one of the questions, or a solution does not run.
    """
    learner, instructor = out / "learner", out / "instructor"
    clear(out, [learner, instructor])
    data = company(instructor / "data", seed)
    shop = open_shop(data)
    if bad := untold(shop):
        raise BadValueError("seed", "makes a company that cannot ask every question", f"{seed}: {listed(bad)}", f"SEED={seed + 1}, or any other")
    for name, notebook in lessons().items():
        save(at_home(notebook), instructor / name)
        save(learner_copy(at_home(notebook)), learner / name)
    if seed != SEED and any(faults := [f"{n}: {e}" for n, e in execute(instructor, jobs=jobs, timeout=timeout).items() if e]):
        raise RetainkitError("solutions", "did not run", listed(faults))
    shutil.copy(notebooks_folder() / "workshop" / "README.md", instructor)
    (instructor / "answers.md").write_text(answers(shop, seed), encoding="utf-8")
    furnish(learner, data)
    (out / WRITTEN).write_text(json.dumps(_prints([learner, instructor], out)), encoding="utf-8")
    return pack(learner, out / f"retainkit-workshop-{seed}.zip")


def clear(out: Path, folders: list[Path]) -> None:
    """Remove what an earlier build wrote here. What somebody else put there, or changed since, is theirs: then nothing is removed."""
    wrote = out / WRITTEN
    known = json.loads(wrote.read_text(encoding="utf-8")) if wrote.exists() else {}
    there = _prints(folders, out)
    if theirs := sorted(name for name, made in there.items() if known.get(name) != made):
        raise BadValueError(str(out), "holds files that no earlier build wrote, or that were changed since", listed(theirs, limit=5),
                            f"retainkit workshop --out {shlex.quote(f'{out}-2')}, or move them away")
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _prints(folders: list[Path], out: Path) -> dict[str, str]:
    """What tells the files of the folders from others, by name; not of what running and looking at notebooks leaves behind."""
    files = (path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file() and not set(path.parts) & set(LEFT))
    return {path.relative_to(out).as_posix(): blake2b(path.read_bytes()).hexdigest() for path in files}


def company(folder: Path, seed: int) -> Path:
    """The sample company, or another seed's in which other reps play the parts."""
    if seed == SEED:
        return Path(shutil.copytree(sample_folder(), folder))
    write_sample(folder, seed=seed)
    dealt = dict(zip(NAMES, Random(seed).sample(NAMES, len(NAMES)), strict=True))
    for path in folder.iterdir():
        text = path.read_bytes().decode()
        path.write_bytes(re.sub("|".join(map(re.escape, NAMES)), lambda found: dealt[found[0]], text).encode())
    return folder


def lessons() -> dict[str, NotebookNode]:
    """The taught notebooks by file name."""
    return {path.name: nbformat.read(path, as_version=4) for path in sorted((notebooks_folder() / "workshop").glob("*.ipynb"))}


def at_home(notebook: NotebookNode) -> NotebookNode:
    """The notebook with the company's tables beside it."""
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", []):
            cell.source = cell.source.replace('source = "sample"', 'source = "data"')
    return notebook


def learner_copy(notebook: NotebookNode) -> NotebookNode:
    """The notebook without solutions, instructor's cells, outputs, and whatever metadata could tell of them."""
    copy = nbformat.v4.new_notebook(metadata={k: notebook.metadata[k] for k in ("kernelspec", "language_info")})
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type == "code" and "instructor" not in tags:
            source = emptied(cell.source) if "solution" in tags else cell.source
            copy.cells.append(nbformat.v4.new_code_cell(source, metadata={"tags": ["parameters"]} if "parameters" in tags else {}))
        elif cell.cell_type == "markdown" and not set(tags) & set(HIDDEN):
            copy.cells.append(nbformat.v4.new_markdown_cell(cell.source))
    for number, cell in enumerate(copy.cells, start=1):
        cell.id = f"cell-{number}"
    return copy


def emptied(source: str) -> str:
    """A solution's cell for the learner: the names its check asks for, not yet made, and the check.

    >>> print(emptied('half = 10 / 2\\nshare = half / 10\\n\\ncheck.near("mature", share)'))
    share = ...  # your answer
    <BLANKLINE>
    check.near("mature", share)
    """
    checks = [s.value for s in ast.parse(source).body if isinstance(s, ast.Expr) and isinstance(s.value, ast.Call)]
    checks = [call for call in checks if ast.unparse(call.func).startswith("check.")]
    asked = [name.id for call in checks for part in call.args[1:] for name in ast.walk(part) if isinstance(name, ast.Name)]
    stubs = [f"{name} = ...  # your answer" for name in dict.fromkeys(asked)]
    return "\n".join([*stubs, "", *(str(ast.get_source_segment(source, call)) for call in checks)])


def answers(shop: Shop, seed: int) -> str:
    """The answers to every check, for the instructor."""
    lines = [f"# Answers for seed {seed}", "", "| question | answer |", "|---|---|"]
    for name, asked in QUESTIONS.items():
        found = worked_out(asked.right, shop)
        lines.append(f"| {name} | {', '.join(map(_short, found.iloc[:, 0] if isinstance(found, pd.DataFrame) else [found]))} |")
    return "\n".join([*lines, "", f"The truth behind the tables is in `data/{KEY}`.", ""])


def _short(value: float) -> str:
    return "blank" if pd.isna(value) else f"{value:.4g}"


def furnish(learner: Path, data: Path) -> None:
    """Put beside the learners' notebooks what they need offline: tables, codebook, the package, what to install."""
    shutil.copytree(data, learner / "data", ignore=shutil.ignore_patterns(KEY))
    codebook = learner / "data" / "README.md"
    codebook.write_text(codebook.read_text(encoding="utf-8").split("## What is planted")[0], encoding="utf-8")
    package, text = Path(__file__).parent.parent, notebooks_folder() / "workshop"
    shutil.copytree(package, learner / "retainkit", ignore=shutil.ignore_patterns(*CODE))
    shutil.copytree(text / "binder", learner / "binder")
    shutil.copy(text / "LEARNERS.md", learner / "README.md")
    shutil.copy(text / "LICENSE.md", learner)
    needed = [r for r in requires("retainkit") or [] if "extra ==" not in r]
    pins = (package / "_constraints.txt", package.parent / "constraints.txt")  # of a wheel, and of a checkout
    shutil.copy(next(path for path in pins if path.exists()), learner / "constraints.txt")
    needed.insert(0, "-c constraints.txt")
    (learner / "requirements.txt").write_text("\n".join([*needed, ""]))


def pack(folder: Path, target: Path) -> Path:
    """The folder as a zip with the same bytes each time."""
    with zipfile.ZipFile(target, "w") as bundle:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            entry = zipfile.ZipInfo(f"retainkit-workshop/{path.relative_to(folder).as_posix()}", THEN)
            entry.external_attr, entry.create_system = 0o644 << 16, 3
            bundle.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return target


def save(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
