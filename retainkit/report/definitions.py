"""The page of plain definitions: every number in metrics.csv, said once, in `glossary.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

UNITS = ("share", "probability", "count", "money", "days", "per 100 customer-months", "score")


@dataclass(frozen=True)
class Meaning:
    """What one metric means, in plain words."""

    metric: str  # its name in metrics.csv
    question: str  # the question it answers
    name: str
    means: str
    unit: str
    left_out: str
    source: str
    call: str  # the public function that computes it


@cache
def glossary() -> Mapping[str, Meaning]:
    """What every metric of the kit's own notebooks means, by its name in metrics.csv."""
    return {metric: Meaning(metric, question, **facts) for question, metrics in _read().items()
            if question not in ("words", "keys") for metric, facts in metrics.items()}


def words() -> Mapping[str, str]:
    """The words that every page uses."""
    return dict(_read()["words"])


def keys() -> Mapping[str, str]:
    """What the parts of the column `group` mean."""
    return dict(_read()["keys"])


@cache
def _read() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "glossary.toml").read_text(encoding="utf-8"))
