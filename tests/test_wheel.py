"""What `pip install` gives without a checkout: a wheel that carries the notebooks, the pages' template and the sample."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
CARRIED = {"notebooks": "retainkit/_notebooks", "data/sample": "retainkit/_sample", "retainkit": "retainkit"}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's files, as pip lays them out."""
    made, place = tmp_path_factory.mktemp("wheel"), tmp_path_factory.mktemp("site")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", made], cwd=ROOT, check=True, capture_output=True)
    with zipfile.ZipFile(next(made.glob("*.whl"))) as wheel:
        wheel.extractall(place)
    return place


def test_the_wheel_carries_every_file_of_the_package_its_notebooks_and_the_sample(installed: Path) -> None:
    for folder, name in CARRIED.items():
        files = {p.relative_to(ROOT / folder) for p in (ROOT / folder).rglob("*")
                 if p.is_file() and not {"__pycache__", ".ipynb_checkpoints"} & set(p.parts)}
        assert files
        assert {f for f in files if not (installed / name / f).is_file()} == set()
    assert (installed / "retainkit/_constraints.txt").read_text() == (ROOT / "constraints.txt").read_text()
    assert not [p for p in installed.rglob("*") if "tests" in p.relative_to(installed).parts or p.suffix == ".pyc"]


def test_everything_that_is_installed_for_the_kit_is_pinned() -> None:
    pinned = {canonicalize_name(line.partition("==")[0]) for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    left = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    needed = set[str]()
    while left:
        requirement = Requirement(left.pop())
        for extra in ("", *requirement.extras):
            name = canonicalize_name(requirement.name)
            if f"{name}[{extra}]" in needed:
                continue
            needed.add(f"{name}[{extra}]")
            try:
                more = [Requirement(text) for text in distribution(name).requires or []]
            except PackageNotFoundError:  # an optional one, where tests run without it
                continue
            left += [str(r).partition(";")[0] for r in more if not r.marker or r.marker.evaluate({"extra": extra})]
    assert len(needed) > 50
    assert {name.partition("[")[0] for name in needed} - pinned - {"setuptools"} == set()  # of an environment itself, as pip is


def test_a_report_of_the_sample_needs_no_checkout(installed: Path, tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(installed), "RETAINKIT_CACHE": str(tmp_path / "cache")}
    from_where = subprocess.run([sys.executable, "-c", "import retainkit; print(retainkit.__file__)"],
                                cwd=tmp_path, env=environment, check=True, capture_output=True, text=True)
    assert Path(from_where.stdout.strip()).is_relative_to(installed)
    done = subprocess.run([sys.executable, "-m", "retainkit.cli", "report", "--only", "02_second_purchase_funnel", "--out", "out"],
                          cwd=tmp_path, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    month = Path(tmp_path / done.stdout.strip()).parent
    assert "buy again within 30 days" in (month / "index.html").read_text()
    assert [(b["notebook"], b["status"]) for b in json.loads((month / "run.json").read_text())["notebooks"]] == [("02_second_purchase_funnel", "ok")]
