"""The workshop: solutions are right, learners' copies hold nothing of them, checks say what is wrong by name."""

from __future__ import annotations

import ast
import hashlib
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from unittest import mock

import in_process
import nbformat
import numpy as np
import pandas as pd
import pytest

from retainkit import open_shop, second_purchase_mature
from retainkit.errors import RetainkitError
from retainkit.load.shop import Shop
from retainkit.report import committed, plan
from retainkit.resources import notebooks_folder
from retainkit.workshop import copies, laptop, ten
from retainkit.workshop.check import RIGHT, TODO, Check, untold, verdict, worked_out
from retainkit.workshop.questions import QUESTIONS

LESSONS = sorted((Path(__file__).parent.parent / "notebooks" / "workshop").glob("*.ipynb"))
SEEDS = [8, pytest.param(7, marks=pytest.mark.slow), pytest.param(23, marks=pytest.mark.slow)]


@pytest.fixture(scope="module", params=SEEDS)
def room(request, tmp_path_factory) -> Path:
    """A room's folder as `make workshop SEED=...` writes it, the solutions run without kernels."""
    out = tmp_path_factory.mktemp(f"seed{request.param}")

    def run_here(folder: Path, **_: int) -> dict[str, str]:
        for path in sorted(folder.glob("*.ipynb")):
            copies.save(committed.settled(ran(nbformat.read(path, as_version=4), folder)), path)
        return {}

    with mock.patch.object(copies, "execute", run_here):
        copies.build(out, seed=request.param)
    return out


@pytest.fixture(scope="module")
def shop(room: Path) -> Shop:
    return open_shop(room / "learner" / "data")


def ran(notebook: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    """The notebook run in this process, in its folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return in_process.run(notebook, {})[0]


def read(folder: Path) -> dict[str, nbformat.NotebookNode]:
    return {path.name: nbformat.read(path, as_version=4) for path in sorted(folder.glob("*.ipynb"))}


def said(notebook: nbformat.NotebookNode) -> list[str]:
    """What the checks of a notebook that was run said."""
    cells = [c for c in notebook.cells if c.cell_type == "code" and re.search(r"^check\.", c.source, re.M)]
    return [output.data["text/plain"] for cell in cells for output in cell.outputs]


def tagged(notebook: nbformat.NotebookNode, tag: str) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


def values_of(way, shop: Shop) -> list:
    found = worked_out(way, shop)
    return found if isinstance(found, list) else [found]


# --- what a room gets -----------------------------------------------------------------------------------------
def test_every_question_is_asked_once_and_every_check_asks_a_question():
    asked = [name for path in LESSONS for name in re.findall(r'check\.\w+\(\\"(\w+)\\"', path.read_text())]
    assert sorted(asked) == sorted(QUESTIONS)


def test_the_solutions_are_right(room):
    words = [w for notebook in read(room / "instructor").values() for w in said(notebook)]
    assert words == [RIGHT] * len(QUESTIONS)


def test_in_the_learners_copies_everything_is_still_to_do_and_everything_runs(room):
    words = [w for notebook in read(room / "learner").values() for w in said(ran(notebook, room / "learner"))]
    assert words == [TODO] * len(QUESTIONS)


def test_with_the_solutions_typed_in_every_check_is_content(room):
    words = []
    for name, copy in read(room / "learner").items():
        solutions = [cell.source for cell in tagged(read(room / "instructor")[name], "solution") if cell.cell_type == "code"]
        empty = [cell for cell in copy.cells if "# your answer" in cell.source]
        assert len(empty) == len(solutions)
        for cell, source in zip(empty, solutions, strict=True):
            cell.source = source
        words += said(ran(copy, room / "learner"))
    assert words == [RIGHT] * len(QUESTIONS)


@pytest.mark.parametrize("name", QUESTIONS)
def test_each_usual_wrong_answer_is_told_by_its_name(shop, name):
    for hint, way in QUESTIONS[name].wrong.items():
        for wrong in values_of(way, shop):
            assert verdict(name, shop, wrong) == hint


def test_a_seed_that_cannot_ask_every_question_is_refused(shop, tmp_path):
    with mock.patch.object(copies, "untold", return_value=["mature"]), pytest.raises(RetainkitError, match=r"seed: .*Found: 8: mature.*SEED=9"):
        copies.build(tmp_path)
    assert untold(shop) == []


# --- nothing leaks --------------------------------------------------------------------------------------------
def test_no_solution_and_no_number_of_one_survives_in_a_learners_copy(room):
    for name, copy in read(room / "learner").items():
        taught, text = read(room / "instructor")[name], json.dumps(copy, ensure_ascii=False)
        hidden = [cell for tag in copies.HIDDEN for cell in tagged(taught, tag)]
        lines = {line for cell in hidden for line in cell.source.splitlines() if len(line) > 12 and not line.startswith("check.")}
        assert not [line for line in lines if json.dumps(line, ensure_ascii=False)[1:-1] in text]
        assert not re.search("solution|instructor", text, re.I)


def test_no_answer_stands_in_anything_a_learner_gets(room, shop):
    copy_text = " ".join(json.dumps(n) for n in read(room / "learner").values())
    for name, asked in QUESTIONS.items():
        right = worked_out(asked.right, shop)
        if not isinstance(right, pd.DataFrame) and asked.share:
            for digits in (f"{right:.4f}", f"{right:.3f}", f"{100 * right:.1f}%"):
                assert digits not in copy_text, (name, digits)
    everything = [p for p in (room / "learner").rglob("*") if p.is_file()]
    assert not [p for p in everything if p.name in (copies.KEY, "answers.md")]
    assert "What is planted" not in (room / "learner/data/README.md").read_text()


def test_a_learners_copy_has_no_outputs_counts_or_metadata(room):
    for copy in read(room / "learner").values():
        code = [c for c in copy.cells if c.cell_type == "code"]
        assert not [c for c in code if c.outputs or c.execution_count is not None]
        assert {json.dumps(c.metadata) for c in copy.cells} == {"{}", '{"tags": ["parameters"]}'}
        assert set(copy.metadata) == {"kernelspec", "language_info"}
        assert [c.id for c in copy.cells] == [f"cell-{k}" for k in range(1, len(copy.cells) + 1)]


def test_the_zip_has_the_same_bytes_each_time_and_what_is_needed(room, tmp_path):
    first = next(room.glob("*.zip"))
    again = copies.pack(room / "learner", tmp_path / first.name)
    assert hashlib.sha256(again.read_bytes()).digest() == hashlib.sha256(first.read_bytes()).digest()
    names = zipfile.ZipFile(first).namelist()
    for part in ("README.md", "requirements.txt", "LICENSE.md", "05_reps_and_luck.ipynb", "data/orders.csv", "retainkit/workshop/check.py", "binder/requirements.txt"):
        assert f"retainkit-workshop/{part}" in names
    assert not [n for n in names if "__pycache__" in n or "instructor" in n]


@pytest.mark.slow
def test_the_solutions_pass_strict_nbval_for_any_seed(tmp_path):
    copies.build(tmp_path, seed=7)
    words = [sys.executable, "-m", "pytest", "-q", "--nbval", "--nbval-current-env", "--nbval-cell-timeout", "120", "-c", "/dev/null", "."]
    done = subprocess.run(words, cwd=tmp_path / "instructor", capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.slow
def test_another_seed_is_another_company_in_which_other_reps_play_the_parts(tmp_path):
    made = {seed: json.loads((copies.company(tmp_path / str(seed), seed) / copies.KEY).read_text()) for seed in (8, 7)}
    closers = {seed: {r["rep"] for r in key["reps"] if r["archetype"] == "closer_high_churn"} for seed, key in made.items()}
    assert closers[8] != closers[7]
    sold = pd.read_csv(tmp_path / "7" / "deals.csv")["rep"].value_counts()
    assert set(sold.nlargest(5).index) & closers[7]


# --- the checks -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("answer", ["0.5", True, [], [0.1, 0.2], float("nan"), object(), pd.DataFrame(), {"a": 1}, lambda: 1, np.array(["x"]), -1e300, 10**400])
@pytest.mark.parametrize("kind", ["near", "table"])
def test_a_check_never_raises_and_never_praises_nonsense(shop, capsys, kind, answer):
    getattr(Check(shop), kind)("mature" if kind == "near" else "row", answer)
    assert capsys.readouterr().out.startswith("Not yet, because ")


@pytest.mark.parametrize("answer", [..., None, [1.0, ..., None]])
def test_what_is_not_filled_in_is_still_to_do(shop, capsys, answer):
    Check(shop).table("row", answer)
    assert capsys.readouterr().out.strip() == TODO


def test_a_check_that_does_not_exist_says_which_do(shop, capsys):
    Check(shop).near("matur", 1)
    assert "no question is called 'matur'; there are usable" in capsys.readouterr().out


def test_what_a_check_says_never_holds_the_answer(shop):
    for name, asked in QUESTIONS.items():
        right = worked_out(asked.right, shop)
        if not isinstance(right, pd.DataFrame):
            assert not [hint for hint in [*asked.wrong, verdict(name, shop, 0.123456789)] if f"{right:.2f}" in hint]


def test_a_percentage_a_rounded_share_and_a_table_of_one_number_are_understood(shop):
    right = worked_out(QUESTIONS["company"].right, shop)
    assert verdict("company", shop, round(right, 2)) == ""
    assert verdict("company", shop, pd.DataFrame({"rate": [right]})) == ""
    assert "in percent" in verdict("company", shop, 100 * right)


def test_a_table_with_other_columns_or_rows_is_told_so(shop):
    assert "rows where 4 belong" in verdict("row", shop, [1.0, 0.75])
    assert "a blank belongs there" in verdict("row", shop, [1.0, 0.1, 0.1, 0.1])
    assert "a blank where enough time" in verdict("row", shop, [1.0, None, None, None])
    assert "has no column rate" in verdict("row", shop, pd.DataFrame({"share": [1.0], "n": [4]}))


# --- ten customers --------------------------------------------------------------------------------------------
def test_ten_by_hand_is_what_the_package_makes_of_the_same_ten(shop):
    table = ten.buyers(shop)
    by_hand = ten.repeat_readings(table)
    plain = second_purchase_mature(ten.opened(shop, table), horizons=[365]).iloc[0]
    assert (plain["naive"], plain["rate"]) == pytest.approx((by_hand["naive"], by_hand["mature"]))
    assert worked_out(QUESTIONS["curve"].right, shop) == pytest.approx(by_hand["km"])


def test_the_same_shop_has_the_same_ten_and_another_shop_others(room, shop):
    again = open_shop(room / "instructor" / "data")
    other = open_shop({"orders": pd.DataFrame({"order_id": [1], "customer_id": ["a"], "ordered_at": ["2026-10-31"], "amount": [1]})})
    for made in (ten.lines, ten.buyers, ten.crossed, ten.contracts):
        pd.testing.assert_frame_equal(made(shop), made(again))
        assert not made(shop).equals(made(other))


# --- the taught notebooks -------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.stem)
def test_a_lesson_is_stored_as_it_runs_and_fits_a_small_screen(path):
    notebook = nbformat.read(path, as_version=4)
    code = [c for c in notebook.cells if c.cell_type == "code"]
    assert [c.execution_count for c in code] == list(range(1, len(code) + 1))
    assert not [o for c in code for o in c.outputs if o.output_type != "display_data"]
    assert max(len(line) for c in code if "parameters" not in c.metadata.get("tags", []) for line in c.source.splitlines()) <= 75
    assert max(len(c.source.splitlines()) for c in code) <= 12
    assert not [n for c in code for n in ast.walk(ast.parse(c.source)) if isinstance(n, (ast.FunctionDef, ast.ClassDef))]
    assert json.dumps(notebook) == json.dumps(committed.settled(nbformat.read(path, as_version=4)))


@pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.stem)
def test_a_lesson_has_its_minutes_its_questions_its_trap_and_its_last_sentence(path):
    notebook = nbformat.read(path, as_version=4)
    prose = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    total, taught, done = map(int, re.search(r"\*(\d+) minutes: (\d+) of teaching, (\d+) of exercises", prose).groups())
    minutes = [int(m) for m in re.findall(r"### Exercise \d: .*\((\d) minutes", prose)]
    assert total == taught + done
    assert sum(minutes) == done
    assert len(minutes) == len([c for c in tagged(notebook, "solution") if c.cell_type == "code"])
    for words in ("**Questions.**", "**You will be able to**", "## Say this in the meeting", "**You can now**"):
        assert prose.count(words) == 1
    assert prose.count("**Predict.**") == prose.count("**Run.**") == prose.count("**Explain.**") == len(minutes)
    assert prose.count("The trap of this lesson") == 1
    assert not re.findall(r"\d+\.\d+ ?%", prose)


def test_the_guides_minutes_are_the_lessons_and_fill_ninety():
    guide = (LESSONS[0].parent / "README.md").read_text()
    rows = [(int(m[1]) * 60 + int(m[2]), int(m[3])) for m in re.finditer(r"^\| (\d):(\d\d) \| (\d+) \|", guide, re.M)]
    assert [at for at, _ in rows] == [sum(m for _, m in rows[:k]) for k in range(len(rows))]
    assert sum(m for _, m in rows) == 90
    lessons = [int(re.search(r"\*(\d+) minutes", p.read_text())[1]) for p in LESSONS]
    assert [m for _, m in rows[1:-1]] == lessons


def test_the_lessons_are_run_again_with_the_others_and_are_no_pages_of_the_report():
    with mock.patch.object(committed, "_execute", return_value=""):
        run_again = committed.execute()
    assert {path.name for path in LESSONS} < set(run_again)
    assert not {path.stem for path in LESSONS} & {job.stem for job in plan.read_jobs(notebooks_folder(), [])}


# --- the laptop -----------------------------------------------------------------------------------------------
def test_the_laptop_check_says_what_is_wrong_and_what_to_do(room, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "requirements.txt").write_text("numpy>=1.0\nno-such-package>=2\npandas>=999\n")
    assert laptop.main() == 1
    told = capsys.readouterr().out
    assert "no-such-package is missing, pandas is" in told
    assert "-m pip install -r requirements.txt" in told
    (tmp_path / "requirements.txt").write_text("numpy>=1.0\n")
    assert laptop.main() == 1
    assert "unpack the zip" in capsys.readouterr().out


def test_the_laptop_check_finds_a_lesson_that_stops(room, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    broken = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0")])
    nbformat.write(broken, tmp_path / "01_x.ipynb")
    with pytest.raises(RuntimeError, match=r"01_x\.ipynb stopped with ZeroDivisionError"):
        laptop.lesson()


def test_a_build_replaces_what_a_build_wrote_and_nothing_else(tmp_path):
    """A teacher's own minutes, and a folder that only has the name, stay where they are."""
    for folder in ("learner", "instructor"):
        (tmp_path / folder).mkdir()
    (tmp_path / "learner" / "mine.txt").write_text("mine")
    with pytest.raises(RetainkitError, match=r"no earlier build wrote.*Found: learner/mine.txt.*To fix it: retainkit workshop --out"):
        copies.clear(tmp_path, [tmp_path / "learner", tmp_path / "instructor"])
    assert (tmp_path / "learner" / "mine.txt").read_text() == "mine"
    (tmp_path / copies.WRITTEN).write_text(json.dumps(copies._prints([tmp_path / "learner"], tmp_path)))
    (tmp_path / "learner" / "__pycache__").mkdir()
    (tmp_path / "learner" / "__pycache__" / "a.pyc").write_text("")
    copies.clear(tmp_path, [tmp_path / "learner", tmp_path / "instructor"])
    assert not (tmp_path / "learner").exists()
    (tmp_path / "learner").mkdir()
    (tmp_path / "learner" / "mine.txt").write_text("edited")
    with pytest.raises(RetainkitError, match="changed since"):
        copies.clear(tmp_path, [tmp_path / "learner"])
