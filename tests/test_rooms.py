"""The rooms of the package: imports point one way, and what is public is the same for Python and for whoever checks types."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import retainkit

PACKAGE = Path(retainkit.__file__).parent
LEAVES = {"asked", "errors", "aside", "sqltext", "resources"}
# what each room may stand on, besides itself and the leaves
MAY = {
    "asked": set(), "errors": set(), "aside": set(), "sqltext": set(), "resources": {"load"},  # a type's name only
    "load": set(), "tally": {"load"}, "estimate": set(), "metrics": {"load", "tally", "estimate"}, "show": {"load", "estimate", "metrics"},
    "tell": {"load", "estimate", "metrics", "show"}, "report": {"load", "estimate", "metrics", "show"}, "check": {"load"}, "simulate": set(),
    "workshop": {"load", "tally", "estimate", "metrics", "show", "report", "simulate", "_fastjson"}, "_fastjson": set(),
    "arguments": {"report"}, "cli": {"arguments", "load", "check", "report", "workshop", "_fastjson"}, "__main__": {"cli"}, "__init__": set()}
CLOCKS = re.compile(r"\b(date\.today|datetime\.now|time\.time|open|read_text|read_csv|read_parquet)\(")


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def stands_on(path: Path) -> set[str]:
    """The rooms a module imports from, wherever in it."""
    named = (n.module for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.ImportFrom) and n.module)
    return {name.split(".")[1] for name in named if name.startswith("retainkit.")}


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_one_way(path):
    room = room_of(path)
    assert stands_on(path) <= MAY[room] | LEAVES | {room}


@pytest.mark.parametrize("path", sorted((PACKAGE / "estimate").glob("*.py")), ids=lambda p: p.stem)
def test_estimates_read_no_file_and_no_clock(path):
    assert not CLOCKS.search(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", sorted((PACKAGE / "metrics").glob("*.py")), ids=lambda p: p.stem)
def test_metrics_read_no_file_and_no_clock(path):
    code = re.sub(r">>>.*", "", path.read_text(encoding="utf-8"))
    assert not CLOCKS.search(code)


def test_the_names_told_to_type_checkers_are_those_there_are():
    stub = ast.parse((PACKAGE / "__init__.pyi").read_text(encoding="utf-8"))
    told = {alias.asname: node.module for node in stub.body if isinstance(node, ast.ImportFrom) and str(node.module).startswith("retainkit.") for alias in node.names}
    assert told == retainkit._HOME_OF
    assert {*told, "__version__"} == set(retainkit.__all__)
    for name in retainkit.__all__:
        getattr(retainkit, name)


def test_a_misspelt_name_is_answered_with_the_nearest():
    with pytest.raises(AttributeError, match=r"no attribute 'secnd_purchase'; it has second_purchase; dir\(retainkit\) lists all"):
        _ = retainkit.secnd_purchase
