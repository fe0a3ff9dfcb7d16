"""`retainkit init`: a project that works at once, or one message and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import retainkit as rk
from retainkit import cli
from retainkit.check.project import init, shell_name

GOOD = "Order No,Customer,Date,Total\n1,ann,2026-01-01,10\n2,ann,2026-02-01,20\n3,bob,2026-01-15,5\n"


def put(tmp_path: Path, text: str = GOOD, name: str = "export.csv") -> Path:
    path = tmp_path / "exports" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def test_the_project_opens_as_the_check_did(tmp_path):
    found = init(tmp_path / "shop", [put(tmp_path)], {"currency": "EUR"})
    shop = rk.open_shop(tmp_path / "shop")
    assert found.shop
    assert rk.overview(shop).revenue[0] == 35
    assert shop.currency == "EUR"
    assert shop.ledger.equals(found.shop.ledger)


def test_every_line_of_the_settings_is_explained_and_paths_are_relative(tmp_path):
    init(tmp_path / "shop", [put(tmp_path)])
    text = (tmp_path / "shop" / "retainkit.toml").read_text()
    assert all("#" in line for line in text.splitlines() if line and not line.startswith(("path", "[shop]")))
    assert tomllib.loads(text)["orders"]["path"] == "../exports/export.csv"


def test_a_question_that_is_open_leaves_nothing_behind_and_says_what_to_type(tmp_path, capsys):
    path = put(tmp_path, GOOD.replace("2026-01-01", "01/02/2026").replace("2026-02-01", "02/03/2026").replace("2026-01-15", "04/05/2026"))
    assert cli.main(["init", str(tmp_path / "shop"), "--from", str(path)]) == 2
    assert not (tmp_path / "shop").exists()
    assert f'retainkit init {tmp_path / "shop"} --from {path} --date-format D/M-OR-M/D' in capsys.readouterr().err
    assert cli.main(["init", str(tmp_path / "shop"), "--from", str(path), "--date-format", "%d/%m/%Y"]) == 0


def test_a_project_is_never_written_over(tmp_path):
    init(tmp_path / "shop", [put(tmp_path)])
    before = (tmp_path / "shop" / "retainkit.toml").read_text()
    with pytest.raises(rk.RetainkitError, match=r"holds what init would write. Found: retainkit.toml, notebooks, Makefile"):
        init(tmp_path / "shop", [put(tmp_path)])
    assert (tmp_path / "shop" / "retainkit.toml").read_text() == before


def test_nobodys_makefile_is_written_over_and_a_gitignore_is_added_to(tmp_path):
    path, shop = put(tmp_path), tmp_path / "shop"
    shop.mkdir()
    (shop / "Makefile").write_text("deploy:")
    (shop / ".gitignore").write_text("secrets.env")
    with pytest.raises(rk.RetainkitError, match=r"holds what init would write. Found: Makefile. To fix it: a new folder"):
        init(shop, [path])
    assert ((shop / "Makefile").read_text(), sorted(p.name for p in shop.iterdir())) == ("deploy:", [".gitignore", "Makefile"])
    (shop / "Makefile").unlink()
    init(shop, [path])
    lines = (shop / ".gitignore").read_text().splitlines()
    assert {"secrets.env", "data/", "*.csv"} <= set(lines)


@pytest.mark.parametrize(("where", "words"), [("", "DIR: is empty (a variable that is not set?). Found: ''. To fix it: my-project"), ("file", "file: is a file, and a project is a folder"),
                                              ("file/project", "file/project: cannot be made. Found: Not a directory")])
def test_a_project_that_has_no_place_is_refused(where, words, tmp_path, monkeypatch, capsys):
    put(tmp_path)
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("")
    assert cli.main(["init", where, "--from", "exports"]) == 2
    assert words in capsys.readouterr().err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["exports", "file"]


def test_the_notebooks_open_the_project_and_carry_no_numbers_of_the_sample(tmp_path):
    init(tmp_path / "shop", [put(tmp_path)])
    books = sorted((tmp_path / "shop" / "notebooks").glob("*.ipynb"))
    assert len(books) >= 4
    for path in books:
        book = json.loads(path.read_text())
        assert all(not cell.get("outputs") for cell in book["cells"])
        assert 'source = "sample"' not in json.dumps(book).replace('\\"', '"')


def test_git_keeps_data_out(tmp_path):
    init(tmp_path / "shop", [put(tmp_path)])
    (tmp_path / "shop" / "data").mkdir()
    for name in ("orders.csv", "data/x.txt", "book.xlsx", "lines.jsonl"):
        (tmp_path / "shop" / name).write_text("secret")
    subprocess.run(["git", "init", "-q", str(tmp_path / "shop")], check=True)
    seen = subprocess.run(["git", "-C", str(tmp_path / "shop"), "status", "--short", "-uall"], check=True, capture_output=True, text=True).stdout
    assert {line[3:].split("/")[0] for line in seen.splitlines()} == {".gitignore", "Makefile", "notebooks", "retainkit.toml"}


def test_without_an_export_it_is_a_project_of_the_sample_company(tmp_path):
    init(tmp_path / "shop")
    assert rk.overview(rk.open_shop(tmp_path / "shop")).equals(rk.overview(rk.open_shop("sample")))


def test_the_makefile_carries_the_answers(tmp_path):
    path = put(tmp_path, GOOD.replace("2026-01-01", "2026-01-01T10:00:00Z"), "a $file.csv")
    init(tmp_path / "shop", [path], {"tz": "Europe/Berlin"})
    said = subprocess.run(["make", "--no-print-directory", "-n", "check", "RETAINKIT=retainkit"], cwd=tmp_path / "shop", check=True, capture_output=True, text=True).stdout
    assert said == "retainkit check '../exports/a $file.csv' --tz Europe/Berlin\n"


def test_what_is_left_aside_is_said(tmp_path, capsys):
    path = put(tmp_path)
    put(tmp_path, "", "empty.csv")
    put(tmp_path, "x", "notes.docx")
    assert cli.main(["init", str(tmp_path / "shop"), "--from", str(path.parent)]) == 0
    said = capsys.readouterr().out
    assert "not read: empty.csv: is an empty file" in said
    assert "not looked at: notes.docx: of a kind that is not read" in said


def test_what_it_says_to_type_next_works_where_no_environment_is_activated(tmp_path, monkeypatch, capsys):
    path = put(tmp_path)
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    assert cli.main(["init", str(tmp_path / "a shop"), "--from", str(path)]) == 0
    typed = capsys.readouterr().out.splitlines()[-1].strip()
    assert typed == f"cd '{tmp_path}/a shop' && {sys.executable} -m retainkit report retainkit.toml --notebooks notebooks"
    for line in (typed.replace("report retainkit.toml --notebooks notebooks", "--version"), f"make -sC '{tmp_path}/a shop' check"):
        assert subprocess.run(line, shell=True, capture_output=True, cwd=Path(__file__).parents[1], env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}).returncode == 0
    monkeypatch.setattr("shutil.which", lambda name: str(Path(sys.executable).with_name(name)))
    assert shell_name() == "retainkit"


@pytest.mark.skipif(sys.platform == "win32", reason="sends signals")
@pytest.mark.parametrize("sign", ["SIGINT", "SIGTERM"])
def test_a_project_that_is_stopped_half_way_is_gone_and_a_folder_that_was_there_stays(sign, tmp_path):
    """And what the loader writes aside, which holds customers' rows."""
    path = put(tmp_path)
    for folder, left in (("new", ["exports", "there"]), ("there", ["exports", "there"])):
        (tmp_path / "there").mkdir(exist_ok=True)
        code = f"""import os, signal
signal.signal(signal.{sign}, signal.default_int_handler)  # whatever the tests themselves were told not to hear
from pathlib import Path
from retainkit import cli
from retainkit.check import project
from retainkit.aside import write_aside
def stopped(found, folder):
    (folder / 'retainkit.toml').write_text('')
    write_aside(Path({str(tmp_path)!r}) / 'there' / 'store', lambda aside: (aside.mkdir(), os.kill(os.getpid(), signal.{sign})))
project._write = stopped
cli.main(['init', {str(tmp_path / folder)!r}, '--from', {str(path)!r}])"""
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (128 + getattr(signal, sign), "retainkit: stopped; every published month is whole\n")
        assert sorted(p.name for p in tmp_path.iterdir()) == left
        assert [p.name for p in (tmp_path / "there").iterdir()] == ["retainkit.toml"] * (folder == "there")
