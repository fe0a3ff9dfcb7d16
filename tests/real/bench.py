"""The claim bench on the public data sets, as Markdown."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pandas as pd

from retainkit import claim_bench
from retainkit.load.stated import claims_quoted

from .sets import SETS, opened

SENSITIVE = ("online_retail", "complete_journey")
ABOUT_NEW = ("again_within_30", "again_within_365", "third_after_second", "cross_sell_90_of_365", "month_one_most")
BURN_INS = (0, 90, 180)
SAME_WINDOW = {"third_after_second": {"within_days": 90}}  # a shorter log would choose a shorter one
CONTRADICTED = ("higher than claimed", "lower than claimed")
VERDICTS = (*CONTRADICTED, "consistent with", "cannot tell")


def tables() -> dict[str, str]:
    """The page's tables by the name of their markers."""
    with tempfile.TemporaryDirectory() as folder:
        sets = "\n".join(f"* **{s.title}**{' †' if s.burn_in else ''}: {s.what}." for s in SETS.values())
        return {"sets": sets, "bench": written(benched(Path(folder))), "new": sensitivity(Path(folder)), "sources": sources()}


def benched(folder: Path) -> dict[str, pd.DataFrame]:
    """The bench of every set, a row a claim."""
    return {name: _unfit(name, claim_bench(opened(name, folder), claims=claims_quoted())).set_index("claim") for name in SETS}


def _unfit(name: str, bench: pd.DataFrame) -> pd.DataFrame:
    """The bench with the claims taken out that the set cannot speak to, however it is counted."""
    for claim, why in SETS[name].unfit.items():
        bench.loc[bench["claim"] == claim, ["measured", "verdict", "note"]] = ["", "not measured", why]
    return bench


def written(benches: dict[str, pd.DataFrame]) -> str:
    """The table of claim by data set, and what could not be measured on any of them."""
    claims = next(iter(benches.values()))
    answered = [c for c in claims.index if any(b.loc[c, "measured"] for b in benches.values())]
    sets = [name for name in benches if any(benches[name].loc[c, "measured"] for c in answered)]
    lines = [f"| the claim | {' | '.join(SETS[name].title + (' †' if SETS[name].burn_in else '') for name in sets)} |", f"|---|{'---|' * len(sets)}"]
    for claim in answered:
        row = claims.loc[claim]
        lines.append(f"| **{row['sentence']}**<br>tested as {row['claimed']} | {' | '.join(cell(benches[name].loc[claim]) for name in sets)} |")
    counts = pd.concat([benches[name].loc[answered, "verdict"] for name in sets]).value_counts()
    said = ", ".join(f"{counts.get(v, 0)} {v}" for v in VERDICTS)
    nothing = [SETS[name].title for name in benches if name not in sets]
    silent = [f"* {claims.loc[c, 'sentence']}: {_reason(benches, c)}." for c in claims.index if c not in answered]
    return "\n".join([*lines, "", f"Of {sum(counts.get(v, 0) for v in VERDICTS)} verdicts: {said}.", "", *(f"{name} has no column: it can say nothing of these.\n" for name in nothing), "No set can say:", "", *silent])


def cell(row: pd.Series) -> str:
    """What a set says of a claim, in a few words."""
    first = row["note"].split("; ")[0]
    if row["verdict"] == "not measured":
        return "–"
    if not row["measured"]:
        return f"{row['verdict']}:<br>{first.split(':')[0]}"
    verdict = f"**{row['verdict']}**" if row["verdict"] in CONTRADICTED else row["verdict"]
    return f"{verdict}:<br>{row['measured']}"


def _reason(benches: dict[str, pd.DataFrame], claim: str) -> str:
    """Why no set can say: what is in the way where the tables are there, else the tables."""
    notes = [b.loc[claim, "note"].split("; ")[0] for b in benches.values()]
    there = [n for n in notes if not n.startswith("needs")]
    return f"{there[0]} in the one set that has the tables" if len(there) == 1 else "; or ".join(dict.fromkeys(n.split(": ")[0] for n in there)) if there else notes[0]


def sensitivity(folder: Path) -> str:
    """What the daggered sets say when more or fewer of the customers at the beginning of the log count as old."""
    claims = [{**c, "arguments": {**c.get("arguments", {}), **SAME_WINDOW.get(c["claim"], {})}} for c in claims_quoted() if c["claim"] in ABOUT_NEW]
    benches = {(name, days): claim_bench(opened(name, folder, burn_in=days), claims=claims).set_index("claim") for name in SENSITIVE for days in BURN_INS}
    heads = [f"{SETS[name].title}: {f'those of the first {days} days' if days else 'nobody'}" for name, days in benches]
    lines = [f"| the claim | {' | '.join(heads)} |", f"|---|{'---|' * len(heads)}"]
    for claim in claims:
        cells = [cell(b.loc[claim["claim"]]).split(": ")[0] if b.loc[claim["claim"], "measured"] else "–" for b in benches.values()]
        if any(c != "–" for c in cells):
            lines.append(f"| {claim['sentence']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def sources() -> str:
    """What each claim is and where it comes from."""
    lines = ["| the claim | who says it, of whom | what the source says | here |", "|---|---|---|---|"]
    lines += [f"| {c['sentence']} | {c['said_by']}; {c['population']} | {c['source_says']} | {c['estimand']} (`{c['measure']}`) |" for c in claims_quoted()]
    return "\n".join(lines)
