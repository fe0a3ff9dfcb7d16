"""How a column of texts writes its numbers: thousands, decimals, currency signs; asked when 1,234 may be either."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from retainkit.load.engine import GAPS, MINUS

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
    """How a column writes numbers, or None when it does not: `values` is a table of its texts `v`, each `n` times."""
    dressed = _DRESSED.replace("'", "''")
    alike = "regexp_full_match(v, '[-+]?[1-9][0-9]{0,2}[.][0-9]{3}')"  # as one between thousands: 1.100, but neither 0.125 nor 1100.5
    n, plain, other, pointed, thousandlike = con.execute(f"""select sum(n), sum(case when regexp_full_match(v, '{_PLAIN}') then n else 0 end),
        sum(case when regexp_full_match(v, '{dressed}') then n else 0 end), count(case when v like '%.%' then 1 end), count(case when {alike} then 1 end)
        from {values}""").fetchall()[0]
    if not n or max(plain, other) < SHARE * n:
        return None
    either = bool(pointed and pointed == thousandlike)
    if plain >= other and not (either and decimal == ","):
        doubt = either and not decimal
        return Numbers(proof="plain numbers", doubt=doubt, mark="." if pointed and not doubt else "")
    marks = {
        "point": "v like '%.%'", "comma": "v like '%,%'", "either": "regexp_matches(v, '^[^.,]*[.,][0-9]{3}[^0-9.,]*$')",
        "decimal point": "v like '%,%.%' or v like '%,%,%' or regexp_matches(v, '^[^.,]*[.]([0-9]{0,2}|[0-9]{4,})[^0-9.,]*$')",
        "decimal comma": "v like '%.%,%' or v like '%.%.%' or regexp_matches(v, '^[^.,]*,([0-9]{0,2}|[0-9]{4,})[^0-9.,]*$')"}
    counts = ", ".join(f"sum(case when {test} then n else 0 end)" for test in marks.values())
    found = dict(zip(marks, con.execute(f"select {counts} from (select regexp_replace(v, '\\pL[.]', '', 'g') as v, n from {values}) t").fetchone() or (), strict=True))
    points, commas = found["decimal point"], found["decimal comma"]
    proved = ("," if commas > points else ".") if (points > 0) != (commas > 0) else ""
    mark = proved or decimal or ("," if commas > points else ".")
    number, proof = f"read_number({sql}, '{mark}')", f"decimals after a {_NAMES[mark]}"
    if points and commas:  # no way to read all of them: each by what proves itself, if all do
        proof = f"decimals after a point in {points:,} of its values, and after a comma in {commas:,}"
        other = "." if mark == "," else ","
        number = number if decimal else f"coalesce({number}, read_number({sql}, '{other}'))"
    doubt = not decimal and bool(found["either"] if points and commas else (found["point"] or found["comma"]) and not proved)
    return Numbers(number, doubt, proof, proved, bool(points and commas))
