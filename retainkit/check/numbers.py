"""How a column of texts writes its numbers: thousands, decimals, currency signs; asked when 1,234 may be either."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

SHARE = 0.9
_PLAIN = r"[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?"
_GAPS = " \u00a0\u202f\u2009"  # between thousands, or before a sign
_MINUS = "\u2212-"
_DRESSED = rf"[ (+{_MINUS}]*([$€£¥₹]|[A-Z]{{2,3}}[$]?|kr[.]?|zł|Fr[.]?|R[$])?[{_GAPS}(+{_MINUS}]*[0-9][0-9.,'’{_GAPS}]*([$€£¥₹%]|[A-Z]{{3}}|kr[.]?|zł)?[ ){_MINUS}]*"


@dataclass(frozen=True)
class Numbers:
    """How a column writes its numbers: nothing to do, or SQL that reads them."""

    sql: str = ""  # empty: plain numbers
    doubt: bool = False  # every separator could be either
    proof: str = ""
    mark: str = ""  # what stands before decimals, where that is proved


def numbers_in(con: duckdb.DuckDBPyConnection, values: str, sql: str, decimal: str = "") -> Numbers | None:
    """How a column writes numbers, or None when it does not: `values` is a table of its texts `v`, each `n` times."""
    dressed = _DRESSED.replace("'", "''")
    n, plain, other = con.execute(f"""select sum(n), sum(case when regexp_full_match(v, '{_PLAIN}') then n else 0 end),
        sum(case when regexp_full_match(v, '{dressed}') then n else 0 end) from {values}""").fetchone() or (0, 0, 0)
    if not n or max(plain, other) < SHARE * n:
        return None
    if plain >= other and decimal != ",":
        pointed, thousandlike = _points(con, values)
        doubt = bool(pointed and pointed == thousandlike and not decimal)
        return Numbers(proof="plain numbers", doubt=doubt, mark="." if pointed and not doubt else "")
    marks = {
        "point": "v like '%.%'", "comma": "v like '%,%'",
        "decimal point": "v like '%,%.%' or v like '%,%,%' or regexp_matches(v, '^[^.,]*[.]([0-9]{0,2}|[0-9]{4,})[^0-9.,]*$')",
        "decimal comma": "v like '%.%,%' or v like '%.%.%' or regexp_matches(v, '^[^.,]*,([0-9]{0,2}|[0-9]{4,})[^0-9.,]*$')"}
    counts = ", ".join(f"sum(case when {test} then n else 0 end)" for test in marks.values())
    found = dict(zip(marks, con.execute(f"select {counts} from {values}").fetchone() or (), strict=True))
    mark = decimal or ("," if found["decimal comma"] > found["decimal point"] else ".")
    doubt = not decimal and bool(found["point"] or found["comma"]) and not found["decimal comma"] and not found["decimal point"]
    proved = "" if doubt or not (found["point"] or found["comma"]) else mark
    return Numbers(_cleaned(f"trim({sql})", mark), doubt, f"decimals after a {'comma' if mark == ',' else 'point'}", proved)


def _points(con: duckdb.DuckDBPyConnection, values: str) -> tuple[int, int]:
    """How many have a point, and how many where one between thousands would stand: 1.100, but neither 0.125 nor 1100.5."""
    alike = "regexp_full_match(v, '[-+]?[1-9][0-9]{0,2}[.][0-9]{3}')"
    pointed, thousandlike = con.execute(
        f"select count(case when v like '%.%' then 1 end), count(case when {alike} then 1 end) from {values}"
    ).fetchone() or (0, 0)
    return pointed, thousandlike


def _cleaned(text: str, mark: str) -> str:
    """SQL that reads a dressed number: signs and thousands are dropped, brackets and a trailing minus mean below zero."""
    kept = f"regexp_replace({text}, '[^0-9{mark}]', '', 'g')"
    number = f"replace({kept}, ',', '.')" if mark == "," else kept
    return f"try_cast(case when regexp_matches({text}, '^[ (]*[-\u2212]|[(]|[-\u2212]$') then '-' else '' end || {number} as double)"
