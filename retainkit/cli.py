"""The command line: `retainkit check`, `init`, `report`, `notebooks` and `workshop`."""

from __future__ import annotations

import argparse
import atexit
import gc
import os
import shlex
import signal
import sys
import webbrowser
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import Any, NoReturn

import retainkit._fastjson  # noqa: F401  # before anything that imports nbformat
from retainkit.arguments import USED_BADLY, Parser, filled, positive
from retainkit.errors import BadValueError, NotPublishedError, RetainkitError
from retainkit.report.progress import tell

FAILED = 1
UNHEARD = 141  # 128 and the number of SIGPIPE: what shells say of a command whose reader went away


def command() -> NoReturn:
    """The command line as a process of its own, which ends at once: Python would first look through all its memory, for most of a second."""
    _open_ends()
    try:
        code = main()
    except SystemExit as stopped:
        code = stopped.code if isinstance(stopped.code, int) else FAILED
    atexit._run_exitfuncs()  # they remove temporary folders
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # what could not be said was no reason to fail, or is the code already
            stream.flush()
    os._exit(code)


def _open_ends() -> None:
    """Standard streams that were closed lead nowhere from now on: the next file that is opened would be given their numbers, and what is printed.

    And a path that the terminal's encoding has no letters for is printed all the same.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.dup2(nothing := os.open(os.devnull, os.O_RDWR), number)
            os.set_inheritable(number, True)
            if nothing != number:
                os.close(nothing)
            setattr(sys, name, open(number, "w" if number else "r", closefd=False))  # noqa: SIM115  # as long as the process
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _say(words: object) -> None:
    """Print what was asked for; where nobody reads any more (`retainkit check exports | head`), end without a word.

    Not by the signal's own default: a server that hangs up would end a report in the same way.
    """
    try:
        print(words, flush=True)
    except BrokenPipeError:
        raise SystemExit(UNHEARD) from None


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 when all went well, 1 when a notebook failed, 2 when nothing was started."""
    parser = _parser()
    given, left = parser.parse_known_args(argv)
    if left:
        getattr(given, "command", parser).refuse_left(left)
    if "run" not in given:  # no command
        parser.print_help(sys.stderr)
        return USED_BADLY
    # the same input makes the same pages, whatever somebody has charts and Python begin with
    os.environ["MATPLOTLIBRC"] = os.devnull
    os.environ.pop("PYTHONSTARTUP", None)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # notebooks run side by side: the threads of their matrix products would only wait for each other
    heard = [
        s
        for name in ("SIGINT", "SIGTERM", "SIGHUP")
        if (s := getattr(signal, name, None)) and signal.getsignal(s) != signal.SIG_IGN
    ]  # as nohup asks
    before = {sign: signal.signal(sign, _stop) for sign in heard}
    try:
        return _code(given, lambda: given.run(filled(given)))
    finally:
        for sign, then in before.items():
            signal.signal(sign, then)


def _code(given: argparse.Namespace, work: Callable[[], int]) -> int:
    """The exit code of a piece of work, its errors said on stderr."""
    try:
        return work()
    except RetainkitError as err:
        return _complain(err, str(err), FAILED if isinstance(err, NotPublishedError) else USED_BADLY, given.debug)
    except (PermissionError, FileExistsError, FileNotFoundError, IsADirectoryError, NotADirectoryError) as err:  # of a report that was begun it is the one above
        told = BadValueError(
            str(err.filename or "a file"),
            "cannot be used as it was meant",
            str(err.strerror or err),
            "name another, or let this user read and write it",
        )
        return _complain(err, str(told), USED_BADLY, given.debug)
    except Exception as err:
        words = f"{type(err).__name__}: {err} (run it again with --debug to see where)"
        return _complain(err, words, FAILED, given.debug)


def _stop(number: int, *_: object) -> NoReturn:
    """Leave at once, and nothing half made."""
    for sign in (number, signal.SIGINT, signal.SIGTERM):  # once is enough
        signal.signal(sign, signal.SIG_IGN)
    with suppress(OSError):  # nobody hears it
        os.write(2, b"retainkit: stopped; every published month is whole\n")
    if "retainkit.report.warm" in sys.modules:  # the kernels first
        sys.modules["retainkit.report.warm"].end(stopped=True)
    atexit._run_exitfuncs()  # they remove temporary folders, and the month that was begun
    os._exit(128 + number)


def _complain(err: Exception, words: str, code: int, debug: bool) -> int:
    """Say on stderr what is wrong, with the traceback only when it was asked for."""
    if debug:
        raise err
    tell(f"retainkit: {words}", sys.stderr)
    return code


def _parser() -> Parser:
    """The commands and their options."""
    import retainkit

    debug = Parser(add_help=False)
    debug.add_argument("--debug", action="store_true", help="show the traceback of an error")
    debug.add_argument("-j", dest="jobs", type=positive, default=2, metavar="N", help="notebooks to run at a time (2)")
    debug.add_argument("--timeout", type=positive, default=600, metavar="SECONDS", help="for one cell (600)")
    parser = Parser(prog="retainkit", description="Who comes back, who leaves, and who sold it.")
    parser.add_argument("--version", action="version", version=f"retainkit {retainkit.__version__}")
    commands = parser.add_subparsers(metavar="COMMAND")
    _add_report(commands.add_parser("report", parents=[debug], help="write a month's pages", description="Write a month's pages."))
    _add_check(commands)
    books = commands.add_parser("notebooks", parents=[debug], help="re-run the kit's notebooks in place, or copy them")
    what = books.add_mutually_exclusive_group(required=True)
    what.add_argument("--execute", action="store_true", help="run them all again and keep the outputs")
    what.add_argument("--copy", metavar="FOLDER", help="copy them to a folder of your own")
    books.set_defaults(run=_notebooks)
    room = commands.add_parser("workshop", parents=[debug], help="write the workshop's copies for learners and instructor, and their zip")
    room.add_argument("--seed", type=int, metavar="N", help="another company, with other answers (the sample's)")
    room.add_argument("--out", type=Path, default=Path("build/workshop"), metavar="DIR", help="where they go (build/workshop)")
    room.set_defaults(run=_workshop)
    for command in commands.choices.values():
        command.set_defaults(command=command)
    return parser


def _add_check(commands: Any) -> None:
    plain = Parser(add_help=False)
    plain.add_argument("--debug", action="store_true", help="show the traceback of an error")
    for flag, said in (
        ("tz", "the time zone of your days: Europe/Berlin"),
        ("date-format", 'd/m, m/d, or a format such as "%%d.%%m.%%Y"'),
        ("decimal", "the decimal mark: . or ,"),
        ("encoding", "how text that is not UTF-8 is written: cp1252, cp932"),
        ("currency", "three letters that stand beside amounts"),
        ("history-start", "the first day of the recorded history"),
        ("as-of", "the last day to count"),
    ):
        plain.add_argument(f"--{flag}", metavar=flag.upper(), help=said)
    plain.add_argument("--answer", action="append", default=[], metavar="KEY=VALUE", help="answer a question of the check")
    check = commands.add_parser(
        "check",
        parents=[plain],
        help="say what an export is, and what retainkit would do with it",
        description="A health report of an export; nothing is changed.",
    )
    check.add_argument("paths", nargs="+", metavar="PATH", help="files or folders")
    check.add_argument("--html", metavar="FILE", help="write the report as a page too")
    check.set_defaults(run=_check)
    init = commands.add_parser(
        "init",
        parents=[plain],
        help="make a project of your own from an export",
        description="Write retainkit.toml, notebooks and a Makefile.",
    )
    init.add_argument("folder", metavar="DIR", help="where the project goes")
    init.add_argument(
        "--from",
        dest="paths",
        nargs="+",
        default=[],
        metavar="PATH",
        help="the exports (default: those in DIR, else the sample company)",
    )
    init.set_defaults(run=_init)


def _add_report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", nargs="?", default="sample", help="a folder of tables, a retainkit.toml, or sample (the default)")
    when = parser.add_mutually_exclusive_group()
    when.add_argument("--month", metavar="YYYY-MM", help="the month to report (the last one that is over)")
    when.add_argument("--months", metavar="FIRST..LAST", help="these months, one after the other: 2026-01..2026-10")
    when.add_argument("--as-of", metavar="DAY", help="count what was known at the end of this day")
    parser.add_argument("--out", default="reports", metavar="DIR", help="where the month's folder goes (reports)")
    parser.add_argument("--only", nargs="+", action="extend", default=[], metavar="STEM", help="run only these notebooks")
    parser.add_argument("--set", dest="settings", nargs="+", action="extend", default=[], metavar="NAME=VALUE", help="set a notebook's parameter")
    parser.add_argument("--notebooks", metavar="FOLDER", help="report these notebooks, not the kit's")
    parser.add_argument("--pdf", dest="paper", action="store_true", help="print each page as an A4 PDF too (needs Chromium)")
    parser.add_argument("--open", action="store_true", help="show the index page in the browser when it is there")
    parser.set_defaults(run=_report)


def _answers(given: argparse.Namespace) -> dict[str, str]:
    """What the flags say, by question."""
    from retainkit.check.answers import FLAGS

    answers = {flag: getattr(given, flag.replace("-", "_")) for flag in FLAGS}
    for text in given.answer:
        key, sign, value = text.partition("=")
        if not sign:
            raise BadValueError("--answer", "needs KEY=VALUE", text, "--answer returns=out")
        answers[key] = value
    return {key: value for key, value in answers.items() if value}


def _check(given: argparse.Namespace) -> int:
    """Print the health report of an export."""
    from retainkit.check.examine import examine
    from retainkit.check.say import as_html, as_text

    if given.html is not None and not (Path(given.html).parent.is_dir() and os.access(Path(given.html).parent, os.W_OK)):
        raise BadValueError(f"--html {given.html}", "is in no folder that can be written to", str(Path(given.html).parent), "--html check.html")
    found = examine(given.paths, _answers(given))
    _say(as_text(found))
    if given.html:
        Path(given.html).write_text(as_html(found), encoding="utf-8")
        _say(f"\n{given.html}")
    return 0


def _init(given: argparse.Namespace) -> int:
    """Make a project; what to type next on stdout."""
    from retainkit.check.health import rows_read
    from retainkit.check.project import init, shell_name
    from retainkit.check.say import aside

    found = init(Path(given.folder), given.paths, _answers(given))
    for proposal in found.proposals:
        _say(f"{proposal.table}: {proposal.look.name} ({proposal.sure})")
    assert found.shop  # or init would have refused
    for line in (*rows_read(found.shop), *aside(found)):
        _say(line)
    for question in found.questions:
        if question.key not in found.answers:
            _say(f"may still be answered: {question.text}: {' or '.join(question.answers)}")
    _say(
        f"{given.folder}: every line of retainkit.toml says what it does. Next:\n  cd {shlex.quote(given.folder)} && {shell_name()} report retainkit.toml --notebooks notebooks"
    )
    return 0


def _report(given: argparse.Namespace) -> int:
    """Report one month, or several, each whether or not the one before went well; the worst exit code of them."""
    from retainkit.report.warm import kernels

    epoch = os.environ.get("SOURCE_DATE_EPOCH", "0")
    if not (epoch.isdecimal() and int(epoch) < 253_402_300_800):  # libraries read it too, and fail on it one by one
        raise BadValueError(
            "SOURCE_DATE_EPOCH",
            "is no number of seconds since 1970",
            repr(epoch),
            "export SOURCE_DATE_EPOCH=$(date +%s), or unset SOURCE_DATE_EPOCH",
        )
    gc.set_threshold(20_000, 20, 50)  # what it imports and reads stays: looking through it so often finds nothing
    with kernels():  # first of all: it imports while this process does, and plans
        from retainkit.load.database import one_answer
        from retainkit.report.plan import months

        if not given.months:
            return _one(given, given.month or "")
        with one_answer():
            return max([_code(given, partial(_one, given, month)) for month in months(given.months, given.source)])


def _one(given: argparse.Namespace, month: str) -> int:
    """Report one month; its index page on stdout."""
    from retainkit.report.kernel import tracebacks
    from retainkit.report.run import report

    names = ("source", "out", "jobs", "timeout", "only", "settings", "paper")
    asked: dict[str, Any] = {name: getattr(given, name) for name in names}
    index, good = report(month=month, as_of=given.as_of or "", notebooks=Path(given.notebooks) if given.notebooks else None, **asked)
    tell(index, sys.stdout)
    if given.debug and (where := tracebacks(index.parent / "notebooks")):
        tell(where, sys.stderr)
    if given.open and month in (given.month, (given.months or "").rpartition("..")[2]):
        webbrowser.open(index.resolve().as_uri())
    return 0 if good else FAILED


def _notebooks(given: argparse.Namespace) -> int:
    from retainkit.report.committed import copy, execute

    if given.copy is not None:
        _say(copy(Path(given.copy)))
        return 0
    faults = execute(jobs=given.jobs, timeout=given.timeout)
    for name, error in faults.items():
        tell(f"{name}: {error or 'done'}", sys.stderr)
    return FAILED if any(faults.values()) else 0


def _workshop(given: argparse.Namespace) -> int:
    """Write a room's copies; the zip's path on stdout."""
    from retainkit.workshop.copies import SEED, build

    _say(build(given.out, seed=SEED if given.seed is None else given.seed, jobs=given.jobs, timeout=given.timeout))
    return 0


if __name__ == "__main__":
    command()
