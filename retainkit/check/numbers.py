"""How a column of texts writes its numbers: thousands, decimals, currency signs; asked when 1,234 may be either."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from retainkit.load.engine import GAPS, MINUS
from retainkit.sqltext import literal

if TYPE_CHECKING:
    import duckdb

SHARE = 0.9
_PLAIN = r"[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?"
_SIGNS = r"[$€£¥₹￥₩₽₺₴\\]|kr[.]?|zł|Fr[.]?|[RA][$]|Rs[.]?|S/|руб[.]?|Kč|Ft|lei|TL|円|元|원|Euro"  # of currencies; a yen is a \ in Japanese encodings
_DRESSED = rf"[ (+{MINUS}]*({_SIGNS}|[A-Z]{{2,3}}[$]?)?[{GAPS}(+{MINUS}]*[0-9][0-9.,'’{GAPS}]*(%|{_SIGNS}|[A-Z]{{3}})?[ ){MINUS}]*"
_NAMES = {".": "point", ",": "comma"}


@dataclass(frozen=True)
class Numbers:
    """How a column writes its numbers: nothing to do, or SQL that reads them."""

    sql: str = ""  # empty: plain numbers
    doubt: bool = False  # every separator could be either
    proof: str = ""
    mark: str = ""  # what stands before decimals, where that is proved
    both: bool = False  # some values prove one mark, and others the other one


def numbers_in(con: duckdb.DuckDBPyConnection, values: str, sql: str, decimal: str = "") -> Numbers | None:
    """How a column writes numbers, or None when it does not: `values` is a table of its texts `v`, each `n` times.

    What can be read with one mark before the decimals only proves that mark; what reads with both as two numbers may be either.
    """
    n, plain, other, pointed, thousandlike, points, commas, either = con.execute(f"""select sum(n), sum(case when regexp_full_match(v, '{_PLAIN}') then n else 0 end),
        sum(case when regexp_full_match(v, {literal(_DRESSED)}) then n else 0 end), count(case when v like '%.%' then 1 end),
        count(case when v like '%.%' and comma is not null then 1 end), sum(case when comma is null and point is not null then n else 0 end),
        sum(case when point is null and comma is not null then n else 0 end), sum(case when point <> comma then n else 0 end)
        from (select v, n, read_number(v, '.') as point, read_number(v, ',') as comma from {values}) t""").fetchall()[0]
    if not n or max(plain, other) < SHARE * n:
        return None
    whole = bool(pointed and pointed == thousandlike)
    if plain >= other and not (whole and decimal == ","):
        doubt = whole and not decimal
        return Numbers(proof="plain numbers", doubt=doubt, mark="." if pointed and not doubt else "")
    proved = ("," if commas > points else ".") if (points > 0) != (commas > 0) else ""
    mark = proved or decimal or ("," if commas > points else ".")
    number, proof = f"read_number({sql}, '{mark}')", f"decimals after a {_NAMES[mark]}"
    if points and commas:  # no way to read all of them: each by what proves itself, if all do
        proof = f"decimals after a point in {points:,} of its values, and after a comma in {commas:,}"
        other = "." if mark == "," else ","
        number = number if decimal else f"coalesce({number}, read_number({sql}, '{other}'))"
    return Numbers(number, bool(either) and not decimal and not proved, proof, proved, bool(points and commas))
