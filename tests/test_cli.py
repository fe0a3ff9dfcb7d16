"""The command line: exit codes that mean something, one clear sentence on stderr, nothing heavy for --help."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nb_fixtures.make import NAUGHTY, SAY, write_notebook, write_shop

from retainkit import cli
from retainkit.errors import NotPublishedError, RetainkitError
from retainkit.report import committed
from retainkit.report.plan import months
from retainkit.report.progress import Progress


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A working directory with a shop and a folder of one good and one failing notebook."""
    write_shop(tmp_path / "shop")
    write_notebook(tmp_path / "books", "01_good")
    write_notebook(tmp_path / "books", "02_bad", "1 / 0")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _run(*words: str) -> int:
    return cli.main(["report", "shop", "--notebooks", "books", *words])


def test_a_failed_notebook_gives_1_the_page_of_the_other_and_its_place_on_stdout(place, monkeypatch):
    (place / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(place / "temporary"))
    done = subprocess.run([sys.executable, "-m", "retainkit.cli", "report", "shop", "--notebooks", "books"], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout == "reports/2026-03/index.html\n"
    steps = [json.loads(line) for line in done.stderr.splitlines()]  # nor do kernels or an interpreter that ends say anything else
    assert not list(Path("temporary").iterdir())
    assert [s["step"] for s in steps] == ["planned", "notebook", "notebook", "published"]
    assert {s.get("notebook"): s.get("error") for s in steps[1:3]} == {"01_good": "", "02_bad": "ZeroDivisionError: division by zero"}
    assert Path("reports/2026-03/01_good.html").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="of its shells and full disks")
@pytest.mark.parametrize(("only", "code", "ends"), [
    ("01_good", 0, ">&-"), ("02_bad", 1, "<&- >&- 2>&-"), ("01_good", 0, ">/dev/full 2>/dev/full"), ("nothing", 2, "2>/dev/full"), ("02_bad", 1, "> >(true) 2> >(true)"), ("01_good", 0, "")])
def test_a_report_is_made_and_says_so_by_its_code_whether_or_not_anybody_listens(only, code, ends, place, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii" if not ends else "utf-8")
    command = f'"$0" -m retainkit.cli report shop --notebooks books --out "lö" --only "$1" {ends}'
    done = subprocess.run(["bash", "-c", command, sys.executable, only], capture_output=True, text=True)
    assert (done.returncode, Path("lö/2026-03/index.html").exists()) == (code, code < 2), done.stderr
    assert not re.search("Traceback|retainkit:", done.stderr)
    assert done.stdout == ("" if ends and code < 2 else "l\\xf6/2026-03/index.html\n" * (not ends))


@pytest.mark.usefixtures("one_nursery")
def test_debug_shows_where_a_notebook_failed(place, capfd):
    assert _run("--only", "02_bad", "--debug") == 1
    said = capfd.readouterr().err
    assert "02_bad:\n" in said
    assert re.search(r"Traceback \(most recent call last\)\n.*\n-+> 1 1 / 0\n", said)
    assert "\x1b" not in said


@pytest.mark.usefixtures("one_nursery")
def test_all_well_gives_0(place):
    assert _run("--only", "01_good", "--month", "2026-02", "--out", "elsewhere") == 0
    assert Path("elsewhere/2026-02/01_good.html").exists()


@pytest.mark.usefixtures("one_nursery")
def test_the_number_that_a_notebook_begins_with_says_which_and_the_bar_ends_with_its_last_cell(place, monkeypatch):
    told: list[int] = []

    class Counted(Progress):
        def __init__(self, cells: int) -> None:
            super().__init__(cells)
            told.append(cells)

        def tick(self, **_: object) -> None:
            told.append(-1)

    monkeypatch.setattr("retainkit.report.run.Progress", Counted)
    assert _run("--only", "01") == 0
    assert [page.stem for page in Path("reports/2026-03").glob("0*.html")] == ["01_good"]
    assert sum(told) == 0
    assert told[0] > 3


def test_a_parameter_of_a_notebook_that_only_leaves_out_is_said_to_be_its(place, capsys):
    path = place / "books/01_good.ipynb"
    book = nbformat.read(path, as_version=4)
    next(c for c in book.cells if "parameters" in c.metadata.get("tags", [])).source += "\nwithin = 30"
    nbformat.write(book, path)
    assert _run("--only", "02_bad", "--set", "within=60") == 2
    assert "no notebook that --only names has a parameter 'within'. Found: it is one of 01_good. To fix it: --only 02_bad 01_good --set within=60" in capsys.readouterr().err


@pytest.mark.usefixtures("one_nursery")
def test_months_are_reported_one_after_the_other_and_the_worst_code_counts(place, capfd, monkeypatch):
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    assert _run("--only", "01_good", "--months", "2026-02..2026-03", "--open") == 0
    assert capfd.readouterr().out == "reports/2026-02/index.html\nreports/2026-03/index.html\n"
    assert opened == [(place / "reports/2026-03/index.html").as_uri()]


@pytest.mark.parametrize(("codes", "worst"), [([True, True], 0), ([False, True], 1), ([True, ValueError], 1), ([NotPublishedError("a", "b"), True], 1), ([RetainkitError("a", "b"), False], 2)])
def test_one_month_that_goes_wrong_does_not_stop_the_next(codes, worst, place, monkeypatch):
    left = [*codes]

    def report(**asked):
        came = left.pop(0)
        if came not in (True, False):
            raise came
        return Path("x"), came

    monkeypatch.setattr("retainkit.report.run.report", report)
    assert _run("--months", "2026-01..2026-02") == worst
    assert not left


def test_months_run_from_the_first_to_the_last_over_the_year():
    assert months("2025-11..2026-02") == ["2025-11", "2025-12", "2026-01", "2026-02"]


def test_pdf_without_chromium_is_said_before_anything_runs(place, capsys, monkeypatch):
    monkeypatch.setenv("PATH", str(place))
    assert _run("--pdf") == 2
    said = capsys.readouterr().err
    assert "--pdf: needs Chromium or Chrome to print with. Found: none of chromium" in said
    assert "To fix it: install Chromium (Debian: apt-get install chromium)" in said
    assert not Path("reports").exists()


@pytest.mark.usefixtures("one_nursery")
def test_a_page_that_cannot_be_printed_gives_1_and_the_rest_is_published(place, capfd, monkeypatch):
    monkeypatch.setattr("retainkit.report.pdf.chromium", lambda: "false")
    assert _run("--only", "01_good", "--pdf") == 1
    assert "01_good: CalledProcessError: Chromium could not print it" in capfd.readouterr().err
    assert '<a href="01_good.pdf" aria-label="Print as PDF: Does 01_good work?">' in Path("reports/2026-03/index.html").read_text()


@pytest.mark.usefixtures("one_nursery")
def test_the_run_says_seconds_and_memory_of_each_step(place):
    assert _run("--only", "01_good") == 0
    run = json.loads(Path("reports/2026-03/run.json").read_text())
    assert set(run["steps"]) == {"plan", "notebooks", "pages"}
    assert run["seconds"] == pytest.approx(sum(run["steps"].values()), abs=0.02)
    (book,) = run["notebooks"]
    assert 0 < book["page_seconds"] < book["seconds"] + book["page_seconds"] <= run["steps"]["notebooks"] + 0.02
    if sys.platform == "linux":
        assert 30 < book["peak_mb"] < 3000
        assert 30 < run["peak_mb"] < 3000


@pytest.mark.usefixtures("one_nursery")
def test_with_one_at_a_time_notebooks_run_one_after_the_other(place):
    assert _run("-j", "1") == 1
    run = json.loads(Path("reports/2026-03/run.json").read_text())
    assert len(run["notebooks"]) == 2
    assert 0 < sum(book["seconds"] for book in run["notebooks"]) <= run["steps"]["notebooks"] + 0.02


@pytest.mark.parametrize(("words", "told"), [
    (["--month", ""], "--month: is empty (a variable that is not set?). Found: ''. To fix it: --month 2026-10"),
    (["--set", ""], "--set: is empty (a variable that is not set?). Found: ''. To fix it: --set within=30"),
    (["--as-of", ""], "--as-of: is empty"), (["--months", ""], "--months: is empty"), (["--out", ""], "--out: is empty"), (["--only", ""], "--only: is empty"),
    (["--months", "2026-02..2026-05"], "--months 2026-02..2026-05: ends after the last month that is over in this data. Found: data from 2026-01-01 to 2026-03-31. To fix it: --months 2026-02..2026-03"),
    (["--months", "2025-11..2026-02"], "begins before this data. Found: data from 2026-01-01 to 2026-03-31. To fix it: --months 2026-01..2026-02"),
    (["--months", "2027-11..2028-02"], "To fix it: --months 2026-01..2026-03"),
    (["--only", "good"], "To fix it: --only 01_good"), (["--notebooks", "shop"], "shop: holds no notebook with `retainkit` in its metadata. Found: deals.csv, orders.csv. To fix it: retainkit notebooks --copy"),
    (["--months", "2026-03"], "--months: needs two months with two dots between. Found: '2026-03'. To fix it: --months 2026-01..2026-10"),
    (["--months", "2026-03..2026-01"], "ends before it begins. Found: 2026-03..2026-01. To fix it: --months 2026-01..2026-03"),
    (["--months", "2026-1..2026-02"], "needs two months"),
    (["--set", "within_day=3"], "--set: no notebook has a parameter 'within_day'"),
    (["--set", "code=3", "shop"], "--set: takes settings; what is reported stands first. Found: shop. To fix it: retainkit report shop --set NAME=VALUE"),
    (["--month", "2026-04"], "To fix it: type --month 2026-03"),
    (["--only", "03"], "--only: there is no notebook '03'. Found: 01_good, 02_bad"), (["--only", "0"], "--only: there is no notebook '0'"),
    (["--notebooks", "boks"], "boks: is no folder. Found: folders in .: books, shop. To fix it: --notebooks books"),
    (["--notebooks", "a/b"], "a/b: is no folder. Found: folders in a: none. To fix it: retainkit notebooks --copy my-notebooks, then --notebooks my-notebooks"),
    (["--set", "source=my shop"], "--set: source is not set this way. Found: source=my shop. To fix it: retainkit report 'my shop'"),
    (["--set", "as_of=2026-03-01"], "--set: as_of is not set this way. Found: as_of=2026-03-01. To fix it: --as-of 2026-03-01"),
])
def test_bad_input_gives_2_one_sentence_and_no_folder(words, told, place, capsys):
    assert _run(*words) == 2
    said = capsys.readouterr()
    assert told in said.err
    assert said.err.startswith("retainkit: ")
    assert said.err.count("\n") == 1
    assert not said.out
    assert not Path("reports").exists()


@pytest.mark.parametrize("source", ["", "nowhere", "a {month} b", NAUGHTY])
def test_a_source_that_is_not_there_gives_2(source, place, capsys):
    assert cli.main(["report", source, "--notebooks", "books"]) == 2
    assert capsys.readouterr().err.startswith("retainkit: ")


@pytest.mark.parametrize("name", ["index", "Definitions"])
def test_a_notebook_called_as_a_page_of_every_report_is_refused(name, place, capsys):
    write_notebook(place / "books", name)
    assert _run() == 2
    assert f"books/{name}.ipynb: is called as a page that every report has" in capsys.readouterr().err


@pytest.mark.parametrize("epoch", ["", "abc", "-1", "99999999999999"])
def test_a_day_of_the_rebuild_that_is_none_is_refused(epoch, place, capsys, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    assert _run() == 2
    assert f"SOURCE_DATE_EPOCH: is no number of seconds since 1970. Found: {epoch!r}. To fix it: export SOURCE_DATE_EPOCH=$(date +%s), or unset" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["report", "shop", "--notebooks", "books"], ["report", "shop", "--notebooks", "books", "--months", "2026-01..2026-02"], ["check", "shop"], ["init", "new", "--from", "shop"]])
def test_what_this_user_may_not_read_gives_2_and_four_parts(words, place, capsys, monkeypatch):
    def refuses(self, *_, **__):
        raise PermissionError(13, "Permission denied", "shop/retainkit.toml")

    monkeypatch.setattr("retainkit.report.plan.open_shop", refuses)
    monkeypatch.setattr("retainkit.check.examine.examine", refuses)
    monkeypatch.setattr("retainkit.check.project.examine", refuses)
    assert cli.main(words) == 2
    assert re.fullmatch(r"retainkit: shop/retainkit.toml: cannot be .*[.] Found: Permission denied[.] To fix it: .*\n", capsys.readouterr().err)


def test_debug_shows_where_an_error_came_from(place):
    with pytest.raises(ValueError, match="2026-04"):
        _run("--month", "2026-04", "--debug")


def test_an_unexpected_error_gives_1_and_says_how_to_see_more(place, capsys, monkeypatch):
    monkeypatch.setattr("retainkit.report.run.report", lambda **asked: 1 / 0)
    assert _run() == 1
    assert capsys.readouterr().err == "retainkit: ZeroDivisionError: division by zero (run it again with --debug to see where)\n"


@pytest.mark.parametrize(("words", "said"), [
    ("report --outt x", "retainkit report: has no --outt. Found: -h, --help, .*. To fix it: --out reports"), ("report --zzz=1", "retainkit report: has no --zzz. .* To fix it: retainkit report --help"),
    ("check --tzz UTC x", "retainkit check: has no --tzz. .* To fix it: --tz Europe/Berlin"), ("--debug report", "retainkit report: --debug belongs behind it. Found: --debug. To fix it: retainkit report --debug"),
    ("report --month 2026-01 --as-of 2026-01-31", "--as-of: not allowed with argument --month. Found: --month 2026-01 --as-of 2026-01-31. To fix it: --as-of 2026-10-31"),
    ("report -j 0", "-j: '0' is not a whole number of 1 or more. Found: -j 0. To fix it: -j 2"), ("report --month", "--month: expected one argument. Found: --month. To fix it: --month 2026-10"),
    ("report a b", "retainkit report: takes no further words. Found: b. To fix it: retainkit report --help"), ("check", "retainkit check: .*required: PATH. Found: nothing. To fix it: retainkit check exports"),
    ("notebooks", "retainkit notebooks: .* required. Found: nothing. To fix it: retainkit notebooks --execute"), ("repotr", "COMMAND: is none of retainkit's. Found: 'repotr'. To fix it: retainkit report")])
def test_words_that_make_no_command_give_2_and_the_four_parts(words, said, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(words.split())
    assert stopped.value.code == 2
    assert re.fullmatch(f"retainkit: {said}\n", capsys.readouterr().err)


def test_help_and_version_import_nothing_heavy():
    code = (
        "import sys\nfrom retainkit import cli\n"
        "for words in (['--version'], ['report', '--help']):\n"
        "    try: cli.main(words)\n    except SystemExit as stop: assert stop.code == 0\n"
        "print(sorted({'pandas', 'numpy', 'duckdb', 'nbformat', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[0] == "retainkit 0.1.0"
    assert lines[-1] == "[]"
    assert "--set NAME=VALUE" in done.stdout


def test_on_a_terminal_there_is_a_bar_and_no_json(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    progress = Progress(3)
    progress.tick()
    progress.step("notebook", notebook="01_good", status="failed", error="boom")
    progress.close()
    said = capsys.readouterr().err
    assert "1/3" in said
    assert "01_good failed: boom" in said
    assert "{" not in said


@pytest.mark.usefixtures("one_nursery")
def test_notebooks_run_again_in_place_are_the_same_bytes(tmp_path, monkeypatch, capsys):
    path = write_notebook(tmp_path, "01_good", "print('a')\nprint('b')", headline=SAY)
    book = nbformat.read(path, as_version=4)
    book.metadata["language_info"] = {"name": "python", "version": "3.1"}
    book.cells[0].metadata["collapsed"] = True
    nbformat.write(book, path)
    monkeypatch.setattr(committed, "notebooks_folder", lambda: tmp_path)
    assert cli.main(["notebooks", "--execute"]) == 0
    first = path.read_bytes()
    assert cli.main(["notebooks", "--execute"]) == 0
    assert path.read_bytes() == first
    ran = nbformat.reads(first.decode(), as_version=4)
    assert [c.execution_count for c in ran.cells if c.cell_type == "code"] == [1, 2, 3, 4]
    assert ran.metadata.language_info == {"name": "python"}
    assert "collapsed" not in ran.cells[0].metadata
    assert [c.id for c in ran.cells] == [c.id for c in book.cells]
    assert first.endswith(b"}\n")
    assert b"execution\"" not in first
    assert capsys.readouterr().err == "01_good.ipynb: done\n" * 2


@pytest.mark.usefixtures("one_nursery")
def test_a_notebook_that_fails_again_keeps_what_it_had_and_gives_1(tmp_path, monkeypatch, capsys):
    path = write_notebook(tmp_path, "02_bad", "1 / 0")
    before = path.read_bytes()
    monkeypatch.setattr(committed, "notebooks_folder", lambda: tmp_path)
    assert cli.main(["notebooks", "--execute"]) == 1
    assert path.read_bytes() == before
    assert capsys.readouterr().err == "02_bad.ipynb: ZeroDivisionError: division by zero\n"


@pytest.mark.usefixtures("one_nursery")
def test_a_notebook_that_takes_too_long_is_said_to_and_not_to_have_been_interrupted(tmp_path):
    write_notebook(tmp_path, "03_slow", "import time; time.sleep(30)")
    assert committed.execute(tmp_path, timeout=1)["03_slow.ipynb"].startswith("CellTimeoutError")


def test_notebooks_are_copied_to_a_new_folder_and_never_over_one(place, monkeypatch, capsys):
    monkeypatch.setattr(committed, "notebooks_folder", lambda: place / "books")
    assert cli.main(["notebooks", "--copy", "mine"]) == 0
    assert sorted(p.name for p in Path("mine").iterdir()) == ["01_good.ipynb", "02_bad.ipynb"]
    assert cli.main(["notebooks", "--copy", "mine"]) == 2
    assert "is there already" in capsys.readouterr().err


@pytest.mark.parametrize(("words", "told"), [
    (["notebooks", "--copy", ""], "--copy: is empty (a variable that is not set?). Found: ''. To fix it: --copy my-notebooks"),
    (["notebooks", "--copy", "afile/mine"], "--copy afile/mine: cannot be made. Found: Not a directory. To fix it: --copy with a folder"),
    (["notebooks", "--execute"], "--execute: would write into the installed package: it is for a checkout of retainkit. Found: "),
    (["check", ""], "PATH: is empty (a variable that is not set?). Found: ''. To fix it: exports"),
    (["init", "project", "--from", "shop", ""], "PATH: is empty"),
    (["check", "shp"], "shp: does not exist. Found: in .: "),
    (["check", "shpo"], "To fix it: shop\n"),
    (["check", "shop", "--as-of", "31.10.2026"], "--as-of: is not a date. Found: '31.10.2026'. To fix it: --as-of 2026-10-31"),
    (["check", "shop", "--html", "nowhere/x.html"], "--html nowhere/x.html: is in no folder that can be written to. Found: nowhere. To fix it: --html check.html"),
])
def test_what_would_be_written_where_nobody_meant_is_refused_before_work(words, told, place, monkeypatch, capsys):
    wheel = place / "_notebooks"
    write_notebook(wheel, "01_good")
    monkeypatch.setattr(committed, "notebooks_folder", lambda: wheel)
    (place / "afile").write_text("")
    before = {p: p.read_bytes() for p in place.rglob("*") if p.is_file()}
    assert cli.main(words) == 2
    said = capsys.readouterr()
    assert (told in said.err, said.out) == (True, "")
    assert {p: p.read_bytes() for p in place.rglob("*") if p.is_file()} == before


def test_flags_that_are_given_twice_count_twice(place):
    """Of `--only A --only B` the last alone counted, without a word."""
    write_notebook(place / "books", "03_third")
    assert _run("--only", "01_good", "--only", "03_third") == 0
    assert {page.stem for page in Path("reports/2026-03").glob("0*.html")} == {"01_good", "03_third"}
    given = cli._parser().parse_args(["report", "shop", "--only", "a", "b", "--only", "c", "--set", "x=1", "y=2", "--set", "z=3"])
    assert (given.only, given.settings) == (["a", "b", "c"], ["x=1", "y=2", "z=3"])


def test_no_command_shows_which_there_are(capsys):
    assert cli.main([]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert all(re.search(rf"\n    {name}\s", said.err) for name in ("report", "check", "init", "notebooks", "workshop"))
