"""What `pip install` gives without a checkout: a wheel that carries the notebooks, the pages' template and the sample."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

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
