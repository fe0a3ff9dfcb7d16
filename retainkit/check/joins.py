"""Which files may add their columns to another: those with a column that names one row each."""

from __future__ import annotations

import re
from collections.abc import Sequence

from retainkit.check.look import Column, Look
from retainkit.load.names import plain
from retainkit.load.parse import plain_id

Links = list[tuple[Look, str, str]]  # a file, the column it is joined by, and the file that has that column


def links_of(base: Look, looks: Sequence[Look]) -> Links:
    """The files whose columns may be added to those of `base`: matched by a column that names one row each.

    Two columns that are called `id` number the rows of two files, and agree by chance: they join files of as many rows only.
    """
    have = dict.fromkeys(base.columns, base)
    links: Links = []
    more = True
    while more:
        more = False
        for look in looks:
            if look is base or any(look is found for found, _, _ in links) or len(look.files) > 1:
                continue
            unique = [n for n, c in look.columns.items() if c.kind != "day" and c.distinct == look.rows > 1 and not measure(c)]
            pairs = [(n, n) for n in unique if n in have and (plain(n) != "id" or look.rows == have[n].rows)] + [
                (n, i) for i in unique if plain(i) == "id" for n in have if plain(n) in its_id(look)
            ]
            pair = next(((mine, theirs) for mine, theirs in pairs if _share(have[mine], mine, look, theirs) >= 0.5), None)
            if pair:
                links.append((look, pair[0] if pair[0] == pair[1] else " = ".join(pair), have[pair[0]].table))
                have |= {n: look for n in look.columns if n not in have}
                more = True
    return links


def its_id(look: Look) -> set[str]:
    """What other files call the `id` of a file named after its rows: order id of orders.csv."""
    name = plain(look.files[0].name.split(".")[0])
    return {f"{one} id" for one in (name, name.removesuffix("s"), name.removesuffix("es"), re.sub("ies$", "y", name))}


def measure(column: Column) -> bool:
    """A number with decimals is no key."""
    return column.kind == "number" and any("." in v and not v.endswith(".0") for v in column.values)


def _share(left: Look, mine: str, right: Look, theirs: str) -> float:
    one, other = (
        f"select {plain_id(look.columns[key].sql)} as k from {look.table} where {look.columns[key].sql} is not null"
        for look, key in ((left, mine), (right, theirs))
    )
    row = left.con.execute(f"select avg(case when k in ({other}) then 1.0 else 0 end) from (select distinct k from ({one}) a limit 2000) b").fetchone()
    return float(row[0] or 0) if row else 0.0


def used_of(look: Look, links: Links, columns: list[Column]) -> list[tuple[Look, str]]:
    """The joins that the mapping needs, and those they stand on."""
    wanted = {other.table for other, _, _ in links for c in columns if any(c is own for own in other.columns.values())}
    for other, _, stands_on in reversed(links):
        if other.table in wanted and stands_on != look.table:
            wanted.add(stands_on)
    return [(other, key) for other, key, _ in links if other.table in wanted]
