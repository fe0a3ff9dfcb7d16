"""Take the tables out of Northwind's PostgreSQL dump and write them as CSV, beside a copy of the mapping.

    python tests/real/northwind/prepare.py ../shared/data/northwind/northwind.sql FOLDER
"""

from __future__ import annotations

import csv
import re
import shutil
import sys
from pathlib import Path

TABLES = ("orders", "order_details", "products", "categories", "customers")
VALUE = re.compile(r"\s*(?:'((?:[^']|'')*)'|([^,]*))(?:,|$)")


def rows(dump: str, table: str) -> list[list[str]]:
    """The column names of a table, then its rows; SQL's null becomes empty.

    >>> rows("CREATE TABLE t (\\n a int,\\n b text\\n);\\nINSERT INTO t VALUES (1, 'it''s, so');\\nINSERT INTO t VALUES (2, NULL);\\n", "t")
    [['a', 'b'], ['1', "it's, so"], ['2', '']]
    """
    created = re.search(rf"^CREATE TABLE {table} \((.*?)^\);", dump, re.DOTALL | re.MULTILINE)
    assert created, f"no table {table} in the dump"
    names = [line.split()[0] for line in created.group(1).strip().splitlines()]
    inserted = re.findall(rf"^INSERT INTO {table} VALUES \((.*?)\);$", dump, re.DOTALL | re.MULTILINE)
    return [names, *([_value(m) for m in list(VALUE.finditer(text))[: len(names)]] for text in inserted)]


def _value(found: re.Match[str]) -> str:
    quoted, bare = found.groups()
    return quoted.replace("''", "'") if quoted is not None else "" if bare.strip() == "NULL" else bare.strip()


def prepare(dump: Path, folder: Path) -> Path:
    """Write the tables into `folder`; the mapping's path in it."""
    folder.mkdir(parents=True, exist_ok=True)
    text = dump.read_text(encoding="utf-8")
    for table in TABLES:
        with (folder / f"{table}.csv").open("w", encoding="utf-8", newline="") as out:
            csv.writer(out).writerows(rows(text, table))
    return Path(shutil.copy(Path(__file__).with_name("retainkit.toml"), folder))


if __name__ == "__main__":
    print(prepare(Path(sys.argv[1]), Path(sys.argv[2])))
