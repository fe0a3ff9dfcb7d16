"""The committed page: tables with the seed and the command, written between markers of README.md."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from .coverage import HIGH, LOW

README = Path(__file__).with_name("README.md")
TITLES = {
    "01": "Notebook 01: cross-sell in the first 90 days", "02": "Notebook 02: the second purchase",
    "03": "Notebook 03: churn", "04": "Notebook 04: deals and reps", "05": "Notebook 05: the scorecard"}  # fmt: skip
HEAD = ("| number | truth | shops | holds the truth | misses below / above | mean error | mean width | naive reads |", "|---|---|---|---|---|---|---|---|")


def written(table: pd.DataFrame, *, command: str, seed: int, seconds: float) -> str:
    """What `counted` found, as Markdown: a table a notebook, and the explanation of every row outside."""
    parts = [f"`{command}`, seed {seed}, {seconds / 60:.0f} minutes.", ""]
    for page, rows in table.groupby("page"):
        parts += [f"### {TITLES[str(page)]}", "", *HEAD, *(_row(r) for _, r in rows.iterrows()), ""]
        odd = rows[(rows["coverage"] < LOW) | (rows["coverage"] > HIGH)]
        parts += [f"* **{r['says'].capitalize()}** ({r['coverage']:.1%}): {r['why'] or 'NOT EXPLAINED'}" for _, r in odd.iterrows()]
        parts += [""] if len(odd) else []
    return "\n".join(parts)


def put(name: str, text: str, *, into: Path = README) -> None:
    """Write a text between the markers of that name, leaving the rest of the page as it is."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    page = into.read_text(encoding="utf-8")
    new, found = re.subn(f"{begin}.*?{end}", lambda _: f"{begin}\n{text.strip()}\n{end}", page, flags=re.DOTALL)
    if found != 1:
        raise ValueError(f"{into.name} has no markers {begin} ... {end}")
    into.write_text(new, encoding="utf-8")


def _row(r: pd.Series) -> str:
    """A promise as a line of the table; bold where it is not between 93 % and 97 %."""
    held = f"{r['coverage']:.1%} ± {1.96 * r['error']:.1%}"
    held = held if LOW <= r["coverage"] <= HIGH else f"**{held}**"
    naive = f"{_number(r['naive_reads'], r['unit'])} ({r['naive']})" if r["naive"] and r["naive_reads"] == r["naive_reads"] else ""
    cells = f"{r['shops']:,}" if r["shops"] == r["cells"] else f"{r['shops']:,} ({r['cells']:,} intervals)"
    error = f"{_number(r['bias'], r['unit'], sign='+')} ± {_number(1.96 * r['bias_error'], r['unit'])}"
    return f"| {r['says']} | {_number(r['truth'], r['unit'])} | {cells} | {held} | {r['below']:.1%} / {r['above']:.1%} | {error} | {_number(r['width'], r['unit'])} | {naive} |"


def _number(value: float, unit: str, *, sign: str = "") -> str:
    """A number with its unit: shares in per cent, money and days without decimals where they are large."""
    if unit == "%":
        return f"{value:{sign}.1%}"
    return f"{value:{sign},.0f}" if abs(value) >= 100 else f"{value:{sign}.2f}"
