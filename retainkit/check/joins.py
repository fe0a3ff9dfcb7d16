"""Which files may add their columns to another: those with a column that names one row each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from retainkit.check.look import Column, Look
from retainkit.load.parse import plain_id

if TYPE_CHECKING:
    import duckdb

Links = list[tuple[Look, str, str]]  # a file, the column it is joined by, and the file that has that column


def links_of(con: duckdb.DuckDBPyConnection, base: Look, looks: Sequence[Look]) -> Links:
    """The files whose columns may be added to those of `base`: matched by a column that names one row each."""
    have = dict.fromkeys(base.columns, base)
    links: Links = []
    more = True
    while more:
        more = False
        for look in looks:
            if look is base or any(look is found for found, _, _ in links) or len(look.files) > 1:
                continue
            keys = [n for n, c in look.columns.items() if n in have and c.kind != "day" and c.distinct == look.rows > 1 and not measure(c)]
            key = next((k for k in keys if _share(con, have[k], look, k) >= 0.5), None)
            if key:
                links.append((look, key, have[key].table))
                have |= {n: look for n in look.columns if n not in have}
                more = True
    return links


def measure(column: Column) -> bool:
    """A number with decimals is no key."""
    return column.kind == "number" and any("." in v and not v.endswith(".0") for v in column.values)


def _share(con: duckdb.DuckDBPyConnection, left: Look, right: Look, key: str) -> float:
    one, other = (f"select {plain_id(look.columns[key].sql)} as k from {look.table} where {look.columns[key].sql} is not null" for look in (left, right))
    row = con.execute(f"select avg(case when k in ({other}) then 1.0 else 0 end) from (select distinct k from ({one}) a limit 2000) b").fetchone()
    return float(row[0] or 0) if row else 0.0


def used_of(look: Look, links: Links, columns: list[Column]) -> list[tuple[Look, str]]:
    """The joins that the mapping needs, and those they stand on."""
    wanted = {other.table for other, _, _ in links for c in columns if any(c is own for own in other.columns.values())}
    for other, _, stands_on in reversed(links):
        if other.table in wanted and stands_on != look.table:
            wanted.add(stands_on)
    return [(other, key) for other, key, _ in links if other.table in wanted]
