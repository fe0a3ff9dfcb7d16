"""Whatever ends a run, the month in place is the old one or the new one, whole, and the exit code says which."""

from __future__ import annotations

import json
import multiprocessing
import random
import signal
import sys
import time
from pathlib import Path

import in_process
import pytest
from nb_fixtures.make import write_notebook, write_shop

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sends signals, sets limits and forks")
IMPORTED = ["in_process", "retainkit.report.run", "lifelines", "matplotlib.backends.backend_agg", "nbconvert.exporters.html", "nbconvert.filters", "IPython.display"]
FORKED = multiprocessing.get_context("forkserver") if sys.platform == "linux" else None
SHOWN = (
    "import pandas as pd\nfrom retainkit.show.display import record, say\nsay('Within {d} days.', d=within_days)\n"
    "record({'a.days': pd.DataFrame({'value': [within_days]})})"
)
STEMS = ("01_a", "02_b")


class Place:
    """A shop, two notebooks and an output folder; each run is told its number, which every file repeats."""

    def __init__(self, folder: Path) -> None:
        self.out = folder / "out"
        self.words = ["report", "-j1", str(write_shop(folder / "shop")), "--out", str(self.out), "--notebooks", str(folder / "books")]
        for stem in STEMS:
            write_notebook(folder / "books", stem, last=SHOWN)

    def start(self, number: int, most_bytes: int | None = None):
        FORKED.set_forkserver_preload(IMPORTED)
        process = FORKED.Process(target=in_process.main, args=([*self.words, "--set", f"within_days={number}"], most_bytes))
        process.start()
        return process

    def run(self, number: int, most_bytes: int | None = None) -> int:
        process = self.start(number, most_bytes)
        process.join(120)
        return process.exitcode

    def published(self) -> int:
        """The number of the run that is published, when all files of the folder are there and are of that run."""
        folder = self.out / "2026-03"
        files = {"definitions.html", "index.html", "metrics.csv", "notebooks", "rejected", "run.json"} | {f"{stem}.html" for stem in STEMS}
        assert files <= {p.name for p in folder.iterdir()}
        run = json.loads((folder / "run.json").read_text())
        (number,) = {book["parameters"]["within_days"] for book in run["notebooks"]}
        assert {book["status"] for book in run["notebooks"]} == {"ok"}
        for stem in STEMS:
            page = (folder / f"{stem}.html").read_text()
            assert f'<p>Within <span class="whole">{number} days</span>.</p>' in page
            assert page.rstrip().endswith("</html>")
        assert (folder / "metrics.csv").read_text().count(f"a.days,,,{number},") == 2
        assert (folder / "index.html").read_text().rstrip().endswith("</html>")
        return number


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    made = Place(tmp_path_factory.mktemp("killed"))
    assert made.run(1000) == 0  # reads the shop into its store, and is the first month in place
    assert made.published() == 1000
    return made


@pytest.mark.parametrize("times", [10, pytest.param(60, marks=pytest.mark.slow)])
def test_a_run_killed_at_any_moment_leaves_the_old_or_the_new_month(times, place):
    began = time.monotonic()
    assert place.run(1000) == 0
    whole, chance, ended = time.monotonic() - began, random.Random(times), []
    for number in range(1, times + 1):
        before = place.published()
        process = place.start(number)
        time.sleep(whole * chance.uniform(0.02, 1.1))
        sign = chance.choice([signal.SIGKILL, signal.SIGTERM])
        (process.kill if sign == signal.SIGKILL else process.terminate)()
        process.join(60)
        ended.append(process.exitcode)
        after = place.published()
        assert after in (before, number)
        assert process.exitcode in (0, -sign, 128 + sign)
        assert process.exitcode or after == number
    assert any(ended)
    assert place.run(2000) == 0
    assert place.published() == 2000
    assert sorted(p.name for p in place.out.iterdir()) == [".lock", ".memory", "2026-03"]


@pytest.mark.parametrize("most_bytes", [0, 100, 1_000, 3_000, 9_000, 12_000, 10_000_000])
def test_a_disk_that_is_full_gives_1_and_leaves_the_old_month(most_bytes, place):
    before = place.published()
    number = 3000 + min(most_bytes, 20_000)  # a parameter of days has its limits
    code = place.run(number, most_bytes)
    assert (code, place.published()) in [(1, before), (0, number)]
    assert code == (0 if most_bytes == 10_000_000 else 1)
    assert sorted(p.name for p in place.out.iterdir()) == [".lock", ".memory", "2026-03"]


def test_of_two_runs_at_once_one_publishes_and_the_other_gives_2(place):
    both = [place.start(number) for number in (4001, 4002)]
    for process in both:
        process.join(120)
    codes = {process.exitcode: number for process, number in zip(both, (4001, 4002), strict=True)}
    if set(codes) == {0, 2}:
        assert place.published() == codes[0]
    else:  # the first was through before the second had the lock
        assert set(codes) == {0}
        assert place.published() in (4001, 4002)


def test_an_output_that_cannot_be_written_gives_2(place, tmp_path):
    (tmp_path / "file").write_text("")
    process = FORKED.Process(target=in_process.main, args=([*place.words, "--out", str(tmp_path / "file" / "out")],))
    process.start()
    process.join(120)
    assert process.exitcode == 2
