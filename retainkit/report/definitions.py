"""The page of plain definitions: every number in metrics.csv, said once, in `glossary.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any


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


def facts(used: Collection[str]) -> dict[str, Any]:
    """What the page tells: `words` that every page uses, `keys` of the column `group`, and under each question its metrics.

    With each metric stands whether it is among this report's `used` ones. Metrics that only a notebook of one's own records
    have a section of their own, which says where to look.
    """
    found: dict[str, list[tuple[Meaning, bool]]] = {}
    own = "The notebook that recorded it says what it means: look there."
    others = [Meaning(name, "Numbers of your own notebooks", name, own, "", "", "", "") for name in sorted(set(used) - set(glossary()))]
    for meaning in [*glossary().values(), *others]:
        found.setdefault(meaning.question, []).append((meaning, meaning.metric in used))
    return {"words": _read()["words"], "keys": _read()["keys"], "sections": found}


@cache
def _read() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "glossary.toml").read_text(encoding="utf-8"))
