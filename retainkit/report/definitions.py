"""The page of plain definitions: every number in metrics.csv, said once, in `glossary.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any

OWN = {"means": "The notebook that recorded it says what it means: look there.", "unit": "", "left_out": "", "source": ""}


def facts(used: Collection[str]) -> dict[str, Any]:
    """What the page tells: `words` that every page uses, `keys` of the column `group`, and the `sections`: under each question its metrics.

    Of each metric, by its name in metrics.csv: its `name` in words, what it `means`, its `unit`, who is `left_out`, the `source` of its
    method and the public function that is its `call`. `used` are this report's; those that only a notebook of one's own records
    have a section of their own, which says where to look.
    """
    sections = tomllib.loads((Path(__file__).parent / "glossary.toml").read_text(encoding="utf-8"))
    told = {name: sections.pop(name) for name in ("words", "keys")}
    if others := sorted(set(used).difference(*sections.values())):
        sections["Numbers of your own notebooks"] = {metric: {"name": metric, **OWN} for metric in others}
    return {**told, "sections": sections, "used": used}
