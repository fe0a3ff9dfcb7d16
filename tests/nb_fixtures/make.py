"""Tiny notebooks and a tiny shop for the tests of the report, written where a test asks for them."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

PARAMETERS = 'source = "sample"  # what to open\nas_of = ""  # the last day\nwithin_days = 30  # how soon\ncode = "0012"  # an account'
RECORD = (
    "import pandas as pd\n"
    "from retainkit.show.display import figure, record, say, table\n"
    'record({"second_purchase.share": pd.DataFrame({"segment": ["SMB"], "rate": [1 / 3], "n": [12]})})'
)
SAY = 'from retainkit.show.display import say\nsay("**{share:.0%}** came back.", share=0.25)'
NAUGHTY = "<script>alert(1)</script>"


def write_notebook(
    folder: Path, stem: str, *body: object, parameters: str | None = PARAMETERS, headline: str = SAY,
    last: str = RECORD, needs: list[str] | None = None,
) -> Path:
    """A report notebook: question, parameters, headline, then `body` (text is code, a pair is ("md", text)), then record."""
    cells = [new_markdown_cell(f"# Does {stem} work?\n\nA sentence about it.")]
    if parameters is not None:
        cells.append(new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    cells.append(new_code_cell(headline, metadata={"tags": ["headline"]}))
    for piece in body:
        cells.append(new_code_cell(piece) if isinstance(piece, str) else new_markdown_cell(piece[1]))
    cells.append(new_code_cell(last))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    about = {"retainkit": {"question": f"Does {stem} work?", "needs": needs or []}}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stem}.ipynb"
    nbformat.write(new_notebook(cells=cells, metadata=about), path)
    return path


def write_shop(folder: Path) -> Path:
    """A folder with seven readable order lines, one guest's, over three months, and two reps' deals."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "orders.csv").write_text(
        "order_id,customer_id,ordered_at,amount,product_line\n"
        "1,ann,2026-01-01,10,tea\n2,ann,2026-01-31,20,pots\n3,bob,2026-01-05,5,tea\n4,cy,2026-02-10,7.5,tea\n"
        "5,bob,2026-02-20,5,pots\n6,dee,2026-03-03,9,tea\n7,,2026-03-04,9,tea\n8,cy,2026-03-31,1,=cmd()\n"
    )
    (folder / "deals.csv").write_text(
        "deal_id,customer_id,rep,opened_at,closed_at,outcome,amount\n"
        f"d1,ann,{NAUGHTY},2026-01-01,2026-01-20,won,100\nd2,bob,Eve,2026-01-02,2026-03-31,lost,50\n"
    )
    return folder
