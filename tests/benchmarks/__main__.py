"""`python -m tests.benchmarks`: measure, print, and with `--write` keep the tables in README.md beside this file."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import sys
from importlib.metadata import version
from pathlib import Path

from .questions import QUESTIONS
from .tables import BENCHMARKS, Plan

README = Path(__file__).with_name("README.md")


def main(argv: list[str] | None = None) -> int:
    """Run the named benchmarks (all of them when none is named)."""
    given = parser().parse_args(argv)
    chosen = [name for name in BENCHMARKS if not given.names or name in given.names]
    questions = [q for q in QUESTIONS if q in given.names] or list(QUESTIONS)
    if set(given.names) & set(QUESTIONS):
        chosen = ["tallies", *[name for name in chosen if name != "tallies"]]
    plan = Plan(given.rows, given.rounds, given.ids, given.peers, questions)
    made = {}
    for name in chosen:
        made[name] = f"{BENCHMARKS[name].__doc__}\n\n{BENCHMARKS[name](plan)}"
        print(f"\n### {name}\n\n{made[name]}", flush=True)
    if given.write:
        write(made, shlex.join(argv if argv is not None else sys.argv[1:]), plan)
    return 0


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[*BENCHMARKS, *QUESTIONS, []],
                        help=f"a benchmark ({', '.join(BENCHMARKS)}) or one tally by its name; all when none is given")
    parser.add_argument("--rows", type=int, default=10_000_000, help="order lines (10,000,000; memory takes five times as many)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of which the median counts (5)")
    parser.add_argument("--ids", choices=["number", "text"], default="number", help="customer ids: whole numbers, or text of 36 characters")
    parser.add_argument("--peers", default=sys.executable, metavar="PYTHON", help="a Python that has lifetimes and repeatradar (this one)")
    parser.add_argument("--write", action="store_true", help="keep the tables in README.md")
    return parser


def write(made: dict[str, str], arguments: str, plan: Plan) -> None:
    """Put each table between its marks in README.md, with the command that made it."""
    text = README.read_text(encoding="utf-8")
    how = (f"`python -m tests.benchmarks {arguments}`: {plan.rows:,} lines, {os.cpu_count()} cores, Python {sys.version.split()[0]}, "
           f"DuckDB {version('duckdb')}, pandas {version('pandas')}.")
    for name, table in made.items():
        body = f"<!-- {name} -->\n{table}\n\n{how}\n<!-- end {name} -->"
        text = re.sub(rf"<!-- {name} -->.*?<!-- end {name} -->", lambda _: body, text, flags=re.S)  # noqa: B023
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
