"""The monthly run: what fails is said, what ran is published, and a reader never sees half a month."""

from __future__ import annotations

import errno
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import in_process
import nbformat
import pytest
from nb_fixtures.make import NAUGHTY, PARAMETERS, SAY, write_notebook, write_shop

from retainkit import cli
from retainkit.errors import NotPublishedError, RetainkitError
from retainkit.report import publish
from retainkit.report.kernel import run as run_notebook
from retainkit.report.kernel import scrub
from retainkit.report.plan import make_plan, period
from retainkit.report.run import report
from retainkit.show.begin import begin, check_parameters, show_ledger

SHOW_USED = (
    "import os, sys\nfrom retainkit.show.display import say, table\nimport pandas as pd\n"
    "say('{d} {c} {k}', d=within_days, c=code, k=type(code).__name__)\n"
    "table(pd.DataFrame({'rep': ['<script>alert(1)</script>'], 'rate': [0.5]}), caption='Wins by rep')\n"
    "print(sys.executable, os.getcwd(), source)"
)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A folder whose name a format string would trip over."""
    return tmp_path_factory.mktemp("a {month} b")


@pytest.fixture(scope="module")
def published(base):
    """One run of a good notebook and of every way to fail, on a tiny shop: its folder, and whether all was well."""
    books = base / "note books"
    write_notebook(books, "01_good", SHOW_USED, needs=["deals.rep", "contracts.started_at|orders.ordered_at"])
    write_notebook(books, "02_raises", "raise ValueError(f'boom <b> {source}\\nmore')")
    write_notebook(books, "03_exits", "import sys\nsys.exit(0)")
    write_notebook(books, "04_dies", "import os\nos._exit(0)")
    write_notebook(books, "05_forgets", last="1 + 1")
    write_notebook(books, "06_hangs", "import time\ntime.sleep(60)")
    write_notebook(books, "07_lacks", needs=["contracts.started_at|activity", "orders.amount"])
    write_notebook(books, "08_loads", ("md", "![a](http://x.org/a.png)"))
    write_notebook(books, "09_silent", headline="1 + 1")
    shop = write_shop(base / "shop data")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("JUPYTER_PATH", str(_other_jupyter(base / "jupyter")))
        index, good = report(str(shop), out=base / "out {x}", settings=["within_days=7"], notebooks=books, timeout=10)
    return index.parent, good


def _other_jupyter(folder):
    """Somebody's Jupyter folder with a python3 kernel that is no Python and a template called like ours."""
    for path, text in (
        ("kernels/python3/kernel.json", '{"argv": ["false"], "display_name": "x", "language": "python"}'),
        ("nbconvert/templates/retainkit/page.html.j2", "not ours"),
    ):
        (folder / path).parent.mkdir(parents=True)
        (folder / path).write_text(text)
    return folder


@pytest.fixture(scope="module")
def run(published):
    return json.loads((published[0] / "run.json").read_text())


def test_a_failed_notebook_is_told_by_the_result_and_the_others_are_published(published):
    folder, good = published
    assert not good
    assert [p.name for p in sorted(folder.glob("*"))] == ["01_good.html", "definitions.html", "index.html", "metrics.csv", "notebooks", "rejected", "run.json"]


@pytest.mark.parametrize(("stem", "words"), [
    ("02_raises", "ValueError: boom <b> shop data"),
    ("03_exits", "SystemExit: 0: the notebook ended itself before its end"),
    ("04_dies", "DeadKernelError: Kernel died"),
    ("05_forgets", "its last cell recorded nothing"),
    ("06_hangs", "CellTimeoutError"),
    ("08_loads", "its page would load or run something"),
    ("09_silent", "its `headline` cell said nothing"),
])
def test_every_way_to_fail_counts_as_failed_and_says_why(stem, words, run):
    found = {n["notebook"]: n for n in run["notebooks"]}[stem]
    assert found["status"] == "failed"
    assert words in found["error"]


def test_the_index_shows_answers_failures_and_what_is_missing(published):
    index = (published[0] / "index.html").read_text()
    assert '<a href="01_good.html">Does 01_good work?</a>' in index
    assert "<strong>25%</strong> came back." in index
    assert "ValueError: boom &lt;b&gt; shop data" in index
    assert "02_raises.html" not in index
    assert "It needs a table <code>contracts</code> with <code>contract_id</code>, <code>customer_id</code>, <code>started_at</code> or a table <code>activity</code> with" in index
    assert "7 of 9 notebooks failed" in index


def test_the_numbers_of_the_notebooks_that_ran_are_in_one_file(published):
    assert (published[0] / "metrics.csv").read_bytes() == (
        b"notebook,metric,group,horizon_days,value,low,high,n,too_young,note\n"
        b"01_good,second_purchase.share,segment=SMB,,0.333333333333,,,12,,\n"
    )


def test_settings_reach_the_notebook_as_its_own_kinds_of_value(published, run):
    page = (published[0] / "01_good.html").read_text()
    assert "<p>7 0012 str</p>" in page
    assert run["notebooks"][0]["parameters"] == {"source": "shop data", "as_of": "2026-03-31", "within_days": 7, "code": "0012"}


def test_a_hostile_name_arrives_as_text(published):
    page = (published[0] / "01_good.html").read_text()
    assert NAUGHTY not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_nothing_published_names_this_machine(published, base):
    for path in published[0].rglob("*"):
        text = path.read_text() if path.is_file() else ""
        for private in (str(base), sys.prefix, str(Path.home()) + "/", os.getcwd()):
            assert private not in text, (path, private)


def test_rows_left_out_are_published_with_their_reason_and_counted(published, run):
    lines = (published[0] / "rejected" / "orders.csv").read_text().splitlines()
    assert lines == ["file,row,column,reason,found", "orders.csv,8,customer_id,`customer_id` is empty (a guest?),"]
    orders = run["tables"][0]
    assert (orders["rows"], orders["kept"], orders["rejected"]) == (8, 7, 1)
    assert {s["path"] for s in run["sources"]} == {"orders.csv", "deals.csv"}


def test_executed_notebooks_are_published_without_timings_and_can_be_run_again(published):
    book = nbformat.read(published[0] / "notebooks" / "01_good.ipynb", as_version=4)
    assert "papermill" not in book.metadata
    assert not any("papermill" in c.metadata for c in book.cells)
    assert [c.metadata.get("tags") for c in book.cells][1:3] == [["parameters"], ["injected-parameters"]]
    assert book.cells[2].id == "injected"  # the same in every run
    assert (published[0] / "notebooks" / "02_raises.ipynb").exists()


@pytest.mark.usefixtures("one_nursery")
def test_the_same_input_gives_the_same_numbers_to_the_byte_and_replaces_the_month(published, base):
    folder, _ = published
    before = (folder / "metrics.csv").read_bytes()
    index, good = report(str(base / "shop data"), out=base / "out {x}", only=["01_good"], notebooks=base / "note books")
    assert good
    assert index.parent == folder
    assert (folder / "metrics.csv").read_bytes() == before
    assert [p.name for p in (base / "out {x}").iterdir() if p.name not in (".lock", ".memory")] == ["2026-03"]
    assert "02_raises" not in (folder / "index.html").read_text()


@pytest.mark.parametrize(("done", "found"), [
    ("(at / 'orders.csv').write_text((at / 'orders.csv').read_text() + '9,eve,2026-03-30,4,tea\\n')", "orders.csv"),
    ("(at / 'deals.csv').unlink()", "deals.csv"),
    ("(at / 'contracts.csv').write_text('contract_id,customer_id,started_at\\n1,ann,2026-01-01\\n')", "contracts.csv"),
    ("(at / 'orders.csv').unlink(); (at / 'deals.csv').unlink()", "has no table retainkit knows"),
    ("(at / 'retainkit.toml').write_text('[shop]\\ncurrency = \"EUR\"')", "retainkit.toml"),
    ("(at / 'orders.csv').write_text((at / 'orders.csv').read_text())", ""),
])
def test_data_that_change_while_the_report_is_made_are_not_published(done, found, tmp_path):
    """Each notebook reads what is there when it opens: a month of two data would be published."""
    shop, books, live = write_shop(tmp_path / "shop"), tmp_path / "books", _month(tmp_path / "out" / "2026-03")
    write_notebook(books, "01_a", f"from pathlib import Path\nat = Path(source)\n{done}")
    with in_process.no_kernels():
        if not found:  # written again as it was
            assert report(str(shop), out=live.parent, notebooks=books)[1]
        else:
            with pytest.raises(NotPublishedError, match=f"shop: changed while the report was made.* nothing was published. Found: .*{found}.* run the report again once the export is complete"):
                report(str(shop), out=live.parent, notebooks=books)
            assert (live / "index.html").read_text() == "the old one"
            assert sorted(p.name for p in live.parent.iterdir() if p.name != ".memory") == [".lock", "2026-03"]


def _month(folder: Path, words: str = "the old one", notebooks: tuple[str, ...] = (), segment: str = "") -> Path:
    """A month's folder as a report writes it, as far as the next one looks."""
    folder.mkdir(parents=True)
    (folder / "index.html").write_text(words)
    for stem in notebooks:
        (folder / f"{stem}.html").write_text(words)
    books = [{"notebook": stem, "parameters": {"segment": segment}} for stem in notebooks]
    (folder / "run.json").write_text(json.dumps({"month": re.sub(r"^\.|\.old$|\.\d+\.new$", "", folder.name), "notebooks": books}))
    return folder


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_a_run_that_is_stopped_leaves_the_old_month_and_nothing_else(sign, tmp_path, monkeypatch):
    """One that is killed hears nothing: what it leaves in the folder the next one tidies up."""
    shop, books, out, temporary = write_shop(tmp_path / "shop"), tmp_path / "books", tmp_path / "out", tmp_path / "temporary"
    write_notebook(books, "01_slow", "import time\ntime.sleep(60)")
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.chdir(Path(__file__).parents[1])
    _month(out / "2026-03")
    command = [sys.executable, "-m", "retainkit.cli", "report", str(shop), "--out", str(out), "--notebooks", str(books)]
    with _heard(sign), subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        assert '"step": "planned"' in process.stderr.readline()
        kernels = _until(lambda: [c for nursery in _children(process.pid) for c in _children(int(nursery))])
        process.send_signal(sign)
        assert process.wait(30) == (-9 if sign == signal.SIGKILL else 128 + sign)
        assert "Traceback" not in process.stderr.read()
    _until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in kernels))
    assert (out / "2026-03" / "index.html").read_text() == "the old one"
    if sign == signal.SIGKILL:
        assert len(list(out.glob(".*.new"))) == 1
        with publish.workplace(out, "2026-03") as stage:
            assert list(out.glob(".*.new")) == [stage]
    else:
        assert sorted(p.name for p in out.iterdir() if p.name != ".memory") == [".lock", "2026-03"]
        assert not list(temporary.iterdir())


def test_a_signal_that_is_not_to_be_heard_is_not(tmp_path, monkeypatch):
    """As `nohup` asks for."""
    heard = []
    monkeypatch.setattr(cli, "_report", lambda given: heard.append(signal.getsignal(signal.SIGHUP)) or 0)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert cli.main(["report"]) == 0
    finally:
        signal.signal(signal.SIGHUP, before)
    assert heard == [signal.SIG_IGN]


@contextmanager
def _heard(sign: signal.Signals):
    """A process started meanwhile hears the signal: one that tests in the background (`make test &`, nohup) hands down that it does not."""
    before = signal.signal(sign, signal.default_int_handler) if sign != signal.SIGKILL else None
    try:
        yield
    finally:
        if before is not None:
            signal.signal(sign, before)


def _children(pid: int) -> list[str]:
    """The processes a process has started."""
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split() or [
        c for t in Path(f"/proc/{pid}/task").iterdir() for c in (t / "children").read_text().split()
    ]


def _until(done, seconds: float = 40):
    """What `done` gives once it gives something."""
    end = time.monotonic() + seconds
    while not (found := done()):
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)
    return found


@pytest.mark.parametrize("exchange", [True, False])
def test_a_month_is_swapped_in_whole_with_and_without_help_from_the_system(exchange, tmp_path, monkeypatch):
    if not exchange:
        monkeypatch.setattr(publish, "_exchange", lambda one, other: False)
    for words in ("first", "second"):
        with publish.workplace(tmp_path, "2026-03") as stage:
            stage.rmdir()
            _month(stage, words)
            publish.publish(stage, tmp_path / "2026-03")
    assert sorted(p.name for p in tmp_path.rglob("*")) == [".lock", "2026-03", "index.html", "run.json"]
    assert (tmp_path / "2026-03" / "index.html").read_text() == "second"


def test_a_run_killed_between_the_two_steps_of_a_swap_is_undone_by_the_next(tmp_path):
    _month(tmp_path / ".2026-03.old")
    with publish.workplace(tmp_path, "2026-04"):
        assert (tmp_path / "2026-03" / "index.html").read_text() == "the old one"


def test_hidden_folders_that_no_run_made_are_left_alone(tmp_path):
    for name in (".mine.new", ".backup.old", ".2026-03.new", ".2026-13.old.old"):
        (tmp_path / name / "a").mkdir(parents=True)
    (tmp_path / ".2026-02.old" / "a").mkdir(parents=True)
    _month(tmp_path / "2026-02")  # published, and what waits aside is no month of ours
    _month(tmp_path / ".2026-03.123.new")
    with publish.workplace(tmp_path, "2026-04"):
        pass
    assert sorted(p.name for p in tmp_path.iterdir()) == [".2026-02.old", ".2026-03.new", ".2026-13.old.old", ".backup.old", ".lock", ".mine.new", "2026-02"]


@pytest.mark.parametrize("what", ["folder", "file", "link", "another program's run.json", "a link to a month"])
def test_what_no_report_wrote_is_never_replaced(what, tmp_path):
    live = tmp_path / "out" / "2026-03"
    if what == "file":
        live.parent.mkdir()
        live.write_text("thesis")
    elif "link" in what:
        live.parent.mkdir()
        live.symlink_to(_month(tmp_path / "2026-03") if "month" in what else tmp_path / "nowhere")
    else:
        live.mkdir(parents=True)
        (live / ("thesis.docx" if what == "folder" else "run.json")).write_text('{"model": 1}')
    before = sorted((str(p), p.is_symlink() or p.is_dir() or p.read_text()) for p in tmp_path.rglob("*"))
    with pytest.raises(RetainkitError, match=r"2026-03: is in the way of the report, and no report wrote it.*To fix it: --out .*published, or call it something else"):
        with publish.workplace(live.parent, "2026-03"):
            pass
    (live.parent / ".lock").unlink()
    assert sorted((str(p), p.is_symlink() or p.is_dir() or p.read_text()) for p in tmp_path.rglob("*")) == before


def test_a_month_into_which_somebody_put_something_is_not_replaced(tmp_path):
    live = _month(tmp_path / "2026-03", notebooks=("01_a",))
    for ours in ("01_a.pdf", "metrics.csv", "notebooks/01_a.ipynb", "notebooks/.ipynb_checkpoints/x.ipynb", "rejected/orders.csv", ".DS_Store"):
        (live / ours).parent.mkdir(exist_ok=True, parents=True)
        (live / ours).write_text("")
    publish.may_replace(live)
    (live / "notes.md").write_text("")
    with pytest.raises(RetainkitError, match=r"holds what no report wrote. Found: notes.md. To fix it: move it out of the way, or --out"):
        publish.may_replace(live)


def test_a_report_does_not_replace_the_folder_it_is_made_from(tmp_path, monkeypatch):
    shop, books = write_shop(tmp_path / "exports" / "2026-03"), tmp_path / "books"
    write_notebook(books, "01_a")
    with pytest.raises(RetainkitError, match="is in the way of the report"):
        report(str(shop), out=tmp_path / "exports", notebooks=books)
    assert sorted(p.name for p in shop.iterdir()) == ["deals.csv", "orders.csv"]
    _month(tmp_path / "out" / "2026-03", notebooks=("01_a",))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RetainkitError, match=r"^out/2026-03: has pages.* To fix it: --out out/02_b$"):  # as it was typed
        publish.may_replace(Path("out/2026-03"), pages={"02_b": ""})
    with pytest.raises(RetainkitError, match=r"this report is made from what it holds. Found: .*01_a.html"):
        publish.may_replace(tmp_path / "out" / "2026-03", reads=[tmp_path / "out" / "2026-03" / "01_a.html"])


@pytest.mark.parametrize(("pages", "found", "own"), [
    ({"01_a": ""}, "02_b", "01_a"), ({"01_a": "", "02_b": ""}, "", ""), ({"01_a": "SMB", "02_b": "SMB"}, "01_a, 02_b", "SMB"), (None, "", "")])
def test_a_report_of_some_notebooks_or_of_a_segment_takes_no_page_away(pages, found, own, tmp_path):
    live = _month(tmp_path / "2026-03", notebooks=("01_a", "02_b"))
    if not found:
        publish.may_replace(live, pages=pages)
    else:
        with pytest.raises(RetainkitError, match=rf"has pages that this report would take away.* Found: {found}. To fix it: --out {tmp_path}/{own}$"):
            publish.may_replace(live, pages=pages)


def test_only_into_a_month_that_has_more_is_refused_before_work_and_what_it_says_to_type_works(published, base):
    folder, _ = published
    before = sorted((p, p.stat().st_mtime_ns) for p in folder.rglob("*"))
    with pytest.raises(RetainkitError) as told:
        report(str(base / "shop data"), out=folder.parent, only=["02_raises"], notebooks=base / "note books")
    assert "Found: 01_good" in str(told.value)
    assert sorted((p, p.stat().st_mtime_ns) for p in folder.rglob("*")) == before
    publish.may_replace(Path(shlex.split(told.value.remedy)[1]) / "2026-03")



def test_two_runs_do_not_write_to_one_folder_at_once(tmp_path):
    with publish.workplace(tmp_path, "2026-03"), pytest.raises(RetainkitError, match="another report is being written there"), publish.workplace(tmp_path, "2026-04"):
        pass


def test_a_folder_that_cannot_be_written_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RetainkitError, match=r"--out .*cannot be written to"), publish.workplace(tmp_path / "file" / "out", "2026-03"):
        pass


@pytest.mark.parametrize(("made", "found"), [
    (lambda out: out.symlink_to("nowhere"), "a link to nowhere, which is not there"), (lambda out: (out / ".lock").mkdir(parents=True), "Is a directory: .*[.]lock"),
    (lambda out: out.write_text(""), "File exists: ")])
def test_a_folder_that_cannot_be_written_says_which_and_why(made, found, tmp_path):
    made(tmp_path / "out")
    with pytest.raises(RetainkitError, match=f"cannot be written to. Found: {found}.*To fix it: --out reports, or another"), publish.workplace(tmp_path / "out", "2026-03"):
        pass


@pytest.mark.parametrize(("number", "words"), [(errno.EAGAIN, "another report is being written there"), (errno.EACCES, "another report"), (errno.ENOLCK, "--out .*cannot be written to. Found: No locks available")])
def test_only_a_lock_that_is_held_means_another_report(number, words, tmp_path, monkeypatch):
    def flock(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", flock)
    with pytest.raises(RetainkitError, match=words), publish.workplace(tmp_path, "2026-03"):
        pass


def test_a_disk_that_is_full_is_said_to_be_and_which(tmp_path):
    with pytest.raises(NotPublishedError, match=r"the report was begun and could not be written. Found: No space left on device: x.html. To fix it: make room there \(df -h .*out\)"):
        with publish.workplace(tmp_path / "out", "2026-03"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "x.html")


def test_a_home_is_found_where_no_shell_says_so_and_an_address_is_refused(monkeypatch):
    monkeypatch.setenv("HOME", "/home/eve")
    assert [str(publish.folder(out)) for out in ("~/www", Path("~/www"), "a/~b", "c:/x")] == ["/home/eve/www", "/home/eve/www", "a/~b", "c:/x"]
    for out, remedy in (("file:///srv/www", "--out /srv/www"), ("s3://pages/x", "--out reports, and copy the month there"), (Path("file:///srv/www"), "--out /srv/www"), ("~nobody-here/x", "--out with the whole path")):
        with pytest.raises(RetainkitError) as told:
            publish.folder(out)
        assert told.value.remedy == remedy


def test_earlier_months_are_listed_newest_first_and_later_ones_are_not(tmp_path):
    for name in ("2026-01", "2026-03", "2026-02", "2026-02-14", "x"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "index.html").write_text("")
    assert publish.earlier(tmp_path, "2026-03") == ["2026-02-14", "2026-02", "2026-01"]


@pytest.fixture(scope="module")
def books(base):
    folder = base / "plan"
    write_notebook(folder, "01_a", parameters=PARAMETERS + "\nshare = 0.5\nstrict = False\nhorizons = [30, 90]\nsegment = ''")
    write_notebook(folder, "02_b")
    return folder


@pytest.fixture(scope="module")
def shop_folder(base):
    return str(write_shop(base / "plan shop"))


@pytest.mark.parametrize(("setting", "name", "value"), [
    ("code=0012", "code", "0012"), ("code=1e5", "code", "1e5"), ("code=a=b", "code", "a=b"), ("code=", "code", ""),
    ("within_days=0012", "within_days", 12), ("share=1e-2", "share", 0.01), ("strict=TRUE", "strict", True),
    ("strict=no", "strict", False), ("horizons=30, 60", "horizons", [30, 60]), ("horizons=[7]", "horizons", [7]),
])
def test_a_setting_becomes_the_kind_of_value_its_default_is(setting, name, value, books, shop_folder):
    plan = make_plan(shop_folder, settings=[setting], notebooks=books)
    assert plan.jobs[0].given[name] == value
    assert type(plan.jobs[0].given[name]) is type(value)
    assert plan.jobs[0].given["as_of"] == "2026-03-31"


@pytest.mark.parametrize(("asked", "words"), [
    ({"settings": ["within_day=7"]}, r"no notebook has a parameter 'within_day'. Found: parameters: code, .*--set within_days=7"),
    ({"settings": ["within_days"]}, "needs NAME=VALUE"),
    ({"settings": ["within_days=soon"]}, r"must be a whole number. Found: 'soon'. To fix it: --set within_days=30"),
    ({"settings": ["strict=maybe"]}, "must be true or false"),
    ({"settings": ["within_days=0"]}, "parameter within_days: must be from 1 to 36,500. Found: 0. To fix it: --set within_days=30"),
    ({"settings": ["horizons="]}, r"parameter horizons: must be from 1 to 36,500. Found: \[\]. To fix it: --set horizons="),
    ({"settings": ["segment=SMB"]}, "parameter segment: this shop has no customers.segment"),
    ({"settings": ["as_of=2026-01-01"]}, "as_of is not set this way"),
    ({"only": ["01_b"]}, "there is no notebook '01_b'. Found: 01_a, 02_b. To fix it: --only "),
    ({"month": "2026-04"}, r"--month 2026-04: is not over yet in this data. Found: data from 2026-01-01 to 2026-03-31. To fix it: type --month 2026-03"),
    ({"month": "2025-12"}, "lies before this data"),
    ({"month": "March"}, "is not a month. Found: 'March'. To fix it: --month 2026-03"),
    ({"month": "2026-13"}, "is not a month"),
    ({"month": "0000-05"}, "is not a month. Found: '0000-05'"),
    ({"as_of": "2026-02-30"}, "is not a day. Found: '2026-02-30'"),
    ({"as_of": "2027-01-01"}, "is not over yet.*type --as-of 2026-03-31"),
])
def test_what_cannot_be_meant_is_refused_before_any_work_with_what_to_type(asked, words, books, shop_folder):
    with pytest.raises(RetainkitError, match=words):
        make_plan(shop_folder, notebooks=books, **asked)


@pytest.mark.parametrize(("asked", "name", "as_of"), [
    ({}, "2026-03", "2026-03-31"), ({"month": "2026-02"}, "2026-02", "2026-02-28"),
    ({"as_of": "2026-02-28"}, "2026-02", "2026-02-28"), ({"as_of": "2026-02-14"}, "2026-02-14", "2026-02-14"),
])
def test_a_whole_month_and_a_day_within_one_have_folders_of_their_own(asked, name, as_of, books, shop_folder):
    plan = make_plan(shop_folder, notebooks=books, **asked)
    assert (plan.name, str(plan.shop.as_of)) == (name, as_of)


@pytest.mark.parametrize(("parameters", "words"), [
    (None, "has no cell tagged `parameters`"),
    ("source = 'sample'", "does not set as_of. Found: source"),
    ("source = ''\nas_of = ''\nday = pd.Timestamp('2026')", "holds more than simple values"),
    ("source = ''\nas_of = ''\nday = None", "line 3: day is a NoneType"),
    ("source = ''\nas_of = ''\nimport os", "line 3 is not `name = value`"),
    ("source = ", "holds more than simple values"),
])
def test_a_notebook_whose_parameters_cannot_be_set_is_refused(parameters, words, tmp_path, shop_folder):
    write_notebook(tmp_path, "01_a", parameters=parameters)
    with pytest.raises(RetainkitError, match=f"01_a.ipynb: .*{words}"):
        make_plan(shop_folder, notebooks=tmp_path)


def test_a_folder_without_report_notebooks_and_a_file_that_is_none_are_refused(tmp_path, shop_folder):
    with pytest.raises(RetainkitError, match="holds no notebook"):
        make_plan(shop_folder, notebooks=tmp_path)
    (tmp_path / "01.ipynb").write_text("{")
    with pytest.raises(RetainkitError, match=r"01.ipynb: is not a notebook that can be read"):
        make_plan(shop_folder, notebooks=tmp_path)
    write_notebook(tmp_path, "01", headline="1")
    book = (tmp_path / "01.ipynb").read_text()
    (tmp_path / "01.ipynb").write_text(book.replace('"headline"', '"other"'))
    with pytest.raises(RetainkitError, match="has no cell tagged `headline`"):
        make_plan(shop_folder, notebooks=tmp_path)


def test_begin_opens_the_shop_of_the_parameters_and_checks_them(shop_folder, capsys):
    shop = begin(shop_folder, as_of="2026-02-28", within_days=30, product_line="tea")
    show_ledger(shop)
    assert capsys.readouterr().out.splitlines() == [
        "Data as known at the end of 28 February 2026.", "Rows read and left out",
        "table   rows read  kept  left out  kept, dated later  first day   last day",
        "orders          8     7         1                  2  2026-01-01  2026-03-31",
        "deals           2     2         0                  0  2026-01-01  2026-03-31",
    ]
    with pytest.raises(RetainkitError, match=r"parameter product_line: 'tee' is not in orders.product_line. Found: .*pots, tea. To fix it: product_line = \"tea\""):
        check_parameters(shop, {"product_line": "tee"})
    with pytest.raises(RetainkitError, match=r"parameter level: must be from 0.5 to 0.999. Found: 95. To fix it: level = 0.95"):
        check_parameters(shop, {"level": 95})
    with pytest.raises(RetainkitError, match=r"parameter watch: is above review, which asks for more. Found: 0.8 and 0.5. To fix it: watch = 0.5"):
        check_parameters(shop, {"review": 0.5, "watch": 0.8})


@pytest.mark.usefixtures("one_nursery")
def test_papermill_by_hand_cannot_pass_a_parameter_that_the_notebook_does_not_read(monkeypatch):
    monkeypatch.chdir(Path(__file__).parent.parent)
    book = nbformat.read("notebooks/02_second_purchase_funnel.ipynb", as_version=4)
    _, error = run_notebook(book, {"wihtin": 3, "as_of": "2026-06-30"}, tick=lambda **_: None)
    assert error == ("BadValueError: parameter wihtin: is not one of this notebook. Found: parameters: source, as_of, within, horizon, segment."
                     " To fix it: -p within VALUE")


@pytest.mark.parametrize(("asked", "words"), [
    ("within=-5", "must be from 1 to 36,500. Found: -5"), ("within=0", "Found: 0"), ("within=99999999999", "Found: 99999999999"), ("within=soon", "must be a whole number"),
    ("review=nan", "must be from 0 to 1"), ("margin=inf", "must be from 0 to 1"), ("names=foo", "is neither names nor codes"), ("segment=smb", "is not in customers.segment"),
    ("horizons=365,0", "Found: [365, 0]"), ("window=400", "is longer than the horizon it is a part of. Found: 400 days of 365"), ("horizon_days=0", "no notebook has a parameter"),
    ("within=400", "is longer than the horizon it is a part of. Found: 400 days of 365"), ("within", "needs NAME=VALUE")])
def test_a_value_that_cannot_be_meant_is_refused_before_any_kernel_starts_and_what_it_says_to_type_works(asked, words):
    with pytest.raises(RetainkitError) as told:
        make_plan("sample", settings=[asked])
    assert words in str(told.value)
    option, setting = shlex.split(told.value.remedy)
    assert option == "--set"
    assert setting != asked
    assert make_plan("sample", settings=[setting]).jobs


def test_a_path_is_replaced_only_where_it_is_one():
    names = {"/data/shop": "shop", "/data": "d"}
    assert scrub("in /data/shop/a.csv, /data/shopping/b, x/data", names) == "in shop/a.csv, d/shopping/b, x/data"


@pytest.mark.parametrize(("name", "words"), [("2026-10", "October 2026"), ("2026-02-14", "14 February 2026")])
def test_a_report_is_called_by_its_month_or_day(name, words):
    assert period(name) == words


def test_the_headline_fixture_is_what_the_tests_say():
    assert "0.25" in SAY


def test_the_page_and_the_card_on_reps_answer_their_question_and_keep_review_and_watch_apart(sample_report):
    for name in ("04_win_rate_vs_churn_by_rep.html", "index.html"):
        text = (sample_report / name).read_text(encoding="utf-8")
        assert "Cannot tell whether the reps who win most also lose most" in text
        assert "Review the deals of 1 rep; watch 1 rep, not enough evidence yet; nobody is accused." in text
        assert not re.search(r"\b1 of \d+ reps (lie|deserve)\b", text)


def test_what_its_user_starts_charts_and_sessions_with_does_not_reach_a_page(tmp_path, monkeypatch):
    """Of the same input the same pages: a matplotlibrc, an IPython profile and PYTHONSTARTUP are for somebody's own work."""
    shop, books, profile = write_shop(tmp_path / "shop"), tmp_path / "books", tmp_path / "ipython" / "profile_default"
    (profile / "startup").mkdir(parents=True)
    (profile / "startup" / "0.py").write_text("mine = 1")
    (profile / "ipython_kernel_config.py").write_text("c.IPKernelApp.exec_lines = ['mine = 2']")
    (tmp_path / "start.py").write_text("mine = 3")
    (tmp_path / "matplotlibrc").write_text("lines.markersize: 40")
    write_notebook(books, "01_mine", "import matplotlib\n('mine' in dir(), matplotlib.rcParams['lines.markersize'])")
    told = {"IPYTHONDIR": tmp_path / "ipython", "PYTHONSTARTUP": tmp_path / "start.py", "MATPLOTLIBRC": tmp_path / "matplotlibrc"}
    for name, path in told.items():
        monkeypatch.setenv(name, str(path))
    command = [sys.executable, "-m", "retainkit", "report", str(shop), "--out", str(tmp_path / "out"), "--notebooks", str(books)]
    assert subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, check=False).returncode == 0
    assert "(False, 6.0)" in (tmp_path / "out" / "2026-03" / "notebooks" / "01_mine.ipynb").read_text()
