"""A simulated company in hand, and as a folder: CSV tables, retainkit.toml, codebook and answer key."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from retainkit.errors import BadValueError

from . import world
from .export import export
from .truth import export_truth, population_truth, rep_truth

SEED = 8
TOML = """\
# The sample company's settings: open_shop(folder) reads them. README.md in this folder is the codebook.
[shop]
tz = "{tz}"  # every time of day becomes a local date in this zone
as_of = "{as_of}"  # the last complete day; the few rows of the day after are counted, not used
history_start = "{history_start}"  # the export's first day: whoever signed up before it is not a new customer
currency = "{currency}"  # what every amount is in

[[goals]]  # what the company wants: judged on what has happened since it was set
metric = "second_purchase.share"  # a number of the scorecard, by its name in metrics.csv
target = 0.30
since = 2025-11-01  # the day it was set
by = 2027-03-31

[[goals]]
metric = "second_purchase.share"
group = "segment=B2C"
target = 0.20
since = 2025-11-01
by = 2027-03-31

[[goals]]
metric = "churn.monthly"
target = 0.015
since = 2026-01-01
by = 2026-12-31

[[goals]]
metric = "nps.score"
target = 25
since = 2026-01-01
by = 2027-06-30

[[goals]]
metric = "deals.win_by"
target = 0.32
since = 2026-01-01
by = 2027-06-30
"""


@dataclass(frozen=True)
class Company:
    """The eight canonical tables, the facts `open_shop` needs beside them, and (when asked for) the truth."""

    seed: int
    scale: float
    tables: dict[str, pd.DataFrame] = field(repr=False)

    @property
    def facts(self) -> dict[str, str]:
        """`tz`, `as_of`, `history_start` and `currency`, by the names `open_shop` gives them."""
        clock = {"tz": world.TZ, "as_of": world.LAST_DAY, "history_start": world.EXPORT_START}
        return {**clock, "currency": world.CURRENCY}

    @cached_property
    def truth(self) -> dict[str, Any]:
        """The answer key: each rep's truth, what this export hides, and the population's figures."""
        return {
            "reps": rep_truth(),
            "this_export": export_truth(self.seed, self.scale),
            "population": population_truth(seed=self.seed),
        }


def simulate(*, seed: int, scale: float = 1.0, truncate: bool = True) -> Company:
    """A company's eight canonical tables, lived for 60 months and exported for the last 36.

    Left out with `truncate`: customers who had gone before the export's first day, with their contracts; deals
    opened, orders placed and days of use before it. Contracts that were running on that day stay, with the day
    they really started. Nothing after the hour of the export is known in either case.

    Parameters
    ----------
    seed
        Another seed is another company of the same kind; a whole number of at least 0.
    scale
        How many times as many customers, deals and dollars spent; the 25 reps and 64 employees stay.
    truncate
        False for the export of a company that kept everything.

    Returns
    -------
    Company
        `.tables` (name -> DataFrame with canonical columns; times of day in UTC, days as YYYY-MM-DD text),
        `.facts` and `.truth`.

    Raises
    ------
    BadValueError
        For a negative seed, or a scale that is not above 0.

    Examples
    --------
    >>> company = simulate(seed=1, scale=0.02)
    >>> sorted(company.tables)
    ['activity', 'changes', 'contracts', 'customers', 'deals', 'orders', 'responses', 'spend']
    >>> company.facts["as_of"]
    '2026-10-31'
    """
    if seed < 0:
        raise BadValueError("seed", "is negative", str(seed), "a whole number, for example seed=8")
    if not 0 < scale < float("inf"):
        raise BadValueError("scale", "is not a number above 0", str(scale), "scale=1 for the size of the sample")
    return Company(seed, scale, export(seed, scale, truncate=truncate))


def write_sample(folder: str | Path, *, seed: int = SEED, scale: float = 1.0) -> Path:
    """Write a company as a folder: eight CSV files, retainkit.toml, README.md (codebook), answer_key.json.

    The same seed and scale give the same bytes. orders.csv also gets a few rows that cannot be read, as real
    exports have; `simulate(...).tables` does not hold those.

    Parameters
    ----------
    folder
        Where to write; made when it is not there. Files of the same names are replaced.
    seed, scale
        As for `simulate`.

    Returns
    -------
    Path
        The folder.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     len(list(write_sample(folder, seed=1, scale=0.05).iterdir()))
    11
    """
    company, folder = simulate(seed=seed, scale=scale), Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    texts = {f"{name}.csv": csv(table) for name, table in company.tables.items()}
    texts["orders.csv"] += "".join(f"{line}\n" for line in unreadable(company.tables["orders"]))
    texts["retainkit.toml"] = TOML.format(**company.facts)
    texts["README.md"] = codebook(company, {name: len(text.encode()) for name, text in texts.items()})
    texts["answer_key.json"] = json.dumps(company.truth, indent=1, ensure_ascii=False) + "\n"
    for name, text in texts.items():
        (folder / name).write_bytes(text.encode())
    return folder


def csv(table: pd.DataFrame) -> str:
    """A table as CSV text: UTC times to the second, money to the cent, "\\n" at every line's end.

    >>> csv(pd.DataFrame({"paid_at": pd.to_datetime(["2026-01-31T23:30:00Z"]), "amount": [5.0]}))
    'paid_at,amount\\n2026-01-31T23:30:00Z,5.00\\n'
    """
    return table.to_csv(index=False, lineterminator="\n", float_format="%.2f", date_format="%Y-%m-%dT%H:%M:%SZ")


def unreadable(orders: pd.DataFrame) -> list[str]:
    """Rows that somebody keyed in by hand at the end of orders.csv, each of which a loader has to turn away."""
    one, two, three, four = orders["customer_id"].dropna().drop_duplicates().iloc[:4]
    return [
        f"H01,{one},2025-02-30T15:00:00Z,64.00,Beans,1,paid,,one_off",  # a day that does not exist
        f"H02,{two},2025-06-12T14:05:00Z,n/a,Grinders,1,paid,,one_off",  # no amount
        f"H03,{three},2025-09-03T10:40:00Z,289.50,Machines,1,shipped,,one_off",  # a status nobody knows
        f"H04,{four},2026-03-20T16:20:00Z,41.00,Beans,1,refunded,2026-03-02T09:00:00Z,one_off",  # too early
    ]


def codebook(company: Company, sizes: dict[str, int]) -> str:
    """README.md of the folder: the text beside this module, with counts and examples taken from the tables."""
    tables, facts = company.tables, {"seed": str(company.seed), "scale": f"{company.scale:g}", **company.facts}
    facts["again"] = "" if company.seed == SEED else f" --seed {company.seed}"
    facts["again"] += "" if company.scale == 1 else f" --scale {company.scale:g}"
    extra = {"orders": len(unreadable(tables["orders"]))}
    counts = {name: len(table) + extra.get(name, 0) for name, table in tables.items()}
    facts["counts"] = "\n".join(
        f"| `{name}.csv` | {counts[name]:,} | {sizes[f'{name}.csv'] / 1000:,.0f} |" for name in sorted(tables)
    )
    facts |= {f"rows.{name}": f"{n:,}" for name, n in counts.items()}
    for name, table in tables.items():
        for column in table:
            shown = table.loc[table[column].notna(), [column]].head(1)
            facts[f"{name}.{column}"] = csv(shown).splitlines()[1].strip('"') if len(shown) else ""
    text = Path(__file__).with_name("codebook.md").read_text(encoding="utf-8")
    return re.sub(r"\{\{([\w.]+)\}\}", lambda found: facts[found[1]], text)
