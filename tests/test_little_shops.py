"""Some customers, tables and months cut out of the sample at random: whatever is left, every page works or is left out with the reason."""

from __future__ import annotations

import os
import random
import re
from pathlib import Path

import in_process
import pandas as pd
import pytest
from test_thin_shops import said

from retainkit import cli
from retainkit.load.schema import TABLES
from retainkit.resources import sample_folder

SAMPLE = {path.stem: pd.read_csv(path, dtype=str, keep_default_na=False) for path in sample_folder().glob("*.csv")}
FIRST, LAST = map(int, os.environ.get("RETAINKIT_SHOPS", "0..40").split(".."))
UNSAID = re.compile(r"(?<![A-Za-z])(?:[nN]a[nNT]|inf|None|NaT)(?![A-Za-z])(?! of )")


def cut(folder: Path, seed: int) -> dict[str, int]:
    """A shop's folder with what is left of the sample; the rows of its tables."""
    draw = random.Random(seed)
    names = [name for name in sorted(SAMPLE) if draw.random() < 0.6] or ["orders"]
    some = set(draw.sample(SAMPLE["customers"]["customer_id"].tolist(), draw.choice([1, 1, 2, 3, 5, 20, 100, 400])))
    start, end = draw.choice(["2023-11-01", "2023-11-01", "2025-01-01", "2026-08-01"]), draw.choice(["2026-10-31", "2026-10-31", "2024-02-15", "2025-03-31", "2026-09-20"])
    rows, mapping = {}, ['[shop]\ntz = "Europe/London"\n']
    for name in names:
        table, day = SAMPLE[name], TABLES[name].dated_by
        table = table[table["customer_id"].isin(some)] if "customer_id" in table else table
        table = table[table[day].str[:10].between(start, end)] if day and name != "customers" else table
        needed = {c.name for c in TABLES[name].columns if c.required}
        table = table.drop(columns=[c for c in table if draw.random() < 0.08 and c not in needed])
        table.to_csv(folder / f"{name}.csv", index=False)
        rows[name] = len(table)
        mapping.append(f'[{name}]\npath = "{name}.csv"\n')
    (folder / "retainkit.toml").write_text("\n".join(mapping), encoding="utf-8")
    return rows


@pytest.mark.slow
@pytest.mark.filterwarnings("error::UserWarning", "error::RuntimeWarning", "error::FutureWarning")  # they would stand on the page
@pytest.mark.parametrize("seed", range(FIRST, LAST))
def test_a_shop_cut_out_of_the_sample_has_its_pages_or_one_clear_error(seed, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("RETAINKIT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "shop").mkdir()
    rows = cut(tmp_path / "shop", seed)
    with in_process.no_kernels():
        code = cli.main(["report", str(tmp_path / "shop" / "retainkit.toml"), "--out", str(tmp_path / "out")])
    pages = {page.name: said(page) for page in (tmp_path / "out").rglob("*.html")}
    assert code == 0 or "To fix it: " in capsys.readouterr().err, rows
    assert bool(pages) == (code == 0)
    assert not [f"{name}: {found.string[max(found.start() - 80, 0):found.end() + 40]}" for name, text in pages.items() for found in UNSAID.finditer(text)], rows
