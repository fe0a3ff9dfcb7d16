"""The SQL files stay in the subset that other engines understand: DuckDB runs them here, SQLGlot carries them elsewhere.

`test_sql_postgres.py` runs them on a real PostgreSQL where there is one.
"""

from __future__ import annotations

import re
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify

import retainkit
from retainkit import open_shop
from retainkit.sqltext import Column, Value, few_rows, render
from retainkit.tally import OF_LEAVING, split_by

FILES = {path.stem: path.read_text(encoding="utf-8") for path in sorted((Path(retainkit.__file__).parent / "sql").glob("*.sql"))}
DIALECTS = ("spark", "bigquery", "snowflake", "postgres")
VIEWS = {name for name in FILES if name.startswith("known_")}  # what a table is, row by row: it has no order
BASE = ("orders", "customers", "deals", "contracts", "responses", "spend", "activity", "ids", "days", "buyers", "line_starts", "paid_back", "spells")

# A literal for every placeholder there is, so that each file can be rendered by name alone.
SAMPLE: dict[str, Value] = {
    "as_of": date(2026, 10, 31), "history_start": date(2023, 11, 1), "refunds": "out", "by": split_by("segment"),
    "value": Column("d.amount"), "measure": Column("amount"), "horizons": few_rows(["days"], [[30], [90]]),
    "windows": Column("(select cast('2026-09-01' as date) as opens, cast('2026-10-01' as date) as closes)"),
    "opens": date(2026, 9, 1), "closes": date(2026, 10, 1), "cut": date(2026, 9, 1), "since": date(2026, 9, 1), "year": date(2025, 10, 1), "hit": Column("d.ordinal = 2"), "bands": Column("(select 0 as first_age, 90 as last_age)"), "days": 90, "early": 90,
    "early_days": 60, "grace_days": 30, "horizon": 365, "k": 2, "late": 365, "share": 0.2, "latest": 180, "period_days": 30,
    "within": 30, "z": 1.96, "kind": "customer"}

every_file = pytest.mark.parametrize("name", FILES)


def rendered(name: str) -> str:
    """A file with the sample literals."""
    return render(FILES[name], **SAMPLE)


@cache
def parsed(name: str) -> exp.Expression:
    """A file's syntax tree."""
    return sqlglot.parse_one(rendered(name), read="duckdb")


@cache
def typed(name: str) -> exp.Expression:
    """A file's syntax tree with the type of every expression, worked out from the tables' columns."""
    tree = qualify(parsed(name).copy(), schema=columns(), dialect="duckdb")
    return annotate_types(tree, schema=columns(), dialect="duckdb")


@cache
def columns() -> dict[str, dict[str, str]]:
    """The tables a file may read, with their columns' types."""
    shop = open_shop("sample")
    known = {t: shop.sql(f"select column_name, column_type from (describe {t})") for t in BASE}
    types = {t: dict(zip(c["column_name"], c["column_type"], strict=True)) for t, c in known.items()}
    return {**types, **{f"all_{t}": types[t] for t in ("orders", "deals", "contracts")}}


def carried(name: str, dialect: str) -> str:
    """A file in another dialect; whatever that cannot say is an error."""
    [text] = sqlglot.transpile(rendered(name), read="duckdb", write=dialect, unsupported_level=ErrorLevel.RAISE)
    return text


@every_file
@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_can_say_it_and_read_it_back(name: str, dialect: str) -> None:
    sqlglot.parse_one(carried(name, dialect), read=dialect)


@every_file
def test_postgres_own_parser_accepts_it(name: str) -> None:
    pglast = pytest.importorskip("pglast")
    assert len(pglast.parse_sql(carried(name, "postgres"))) == 1


@every_file
def test_it_begins_with_the_question(name: str) -> None:
    comment = re.match(r"(-- .*\n)+", FILES[name])
    assert comment, "no comment at the top"
    words = " ".join(line.removeprefix("-- ") for line in comment.group().splitlines())
    assert len(words.split()) >= 6
    assert re.search(r"[.:]$", words), "the comment stops in the middle of a sentence"


@every_file
def test_it_is_one_select(name: str) -> None:
    assert len(sqlglot.parse(rendered(name), read="duckdb")) == 1
    assert isinstance(parsed(name), exp.Query)


@every_file
def test_only_the_common_subset(name: str) -> None:
    banned = (exp.Qualify, exp.Array, exp.ArrayAgg, exp.List, exp.Struct, exp.Map, exp.Lambda, exp.Unnest, exp.Pivot, exp.Filter)
    assert [node.sql("duckdb") for node in parsed(name).find_all(*banned)] == []
    stars = [star.sql("duckdb") for star in parsed(name).find_all(exp.Star) if star.args.get("except_") or star.args.get("except")]
    assert stars == []
    assert [node.sql("duckdb") for node in parsed(name).find_all(exp.Distinct) if node.args.get("on")] == []


@every_file
def test_every_subquery_has_an_alias(name: str) -> None:
    bare = [q.sql("duckdb")[:80] for q in parsed(name).find_all(exp.Subquery) if isinstance(q.parent, (exp.From, exp.Join)) and not q.alias]
    assert bare == []


@every_file
def test_dates_are_never_added_or_subtracted(name: str) -> None:
    sums = typed(name).find_all(exp.Add, exp.Sub)
    assert [s.sql("duckdb") for s in sums if any(_kind(side) in ("DATE", "TIMESTAMP", "INTERVAL", "UNKNOWN") for side in (s.left, s.right))] == []


@every_file
def test_date_trunc_is_cast_to_a_date(name: str) -> None:
    truncated = parsed(name).find_all(exp.DateTrunc, exp.TimestampTrunc)
    assert [t.parent.sql("duckdb") for t in truncated if not (isinstance(t.parent, exp.Cast) and t.parent.is_type("date"))] == []


@every_file
def test_dates_that_are_compared_are_dates(name: str) -> None:
    """A date beside a text is compared as one or the other, depending on the engine."""
    def mixed(node: exp.Binary) -> bool:
        return sum(_kind(side) == "DATE" for side in (node.left, node.right)) == 1

    assert [n.sql("duckdb") for n in typed(name).find_all(exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE) if mixed(n)] == []


@every_file
def test_rows_come_in_a_fixed_order(name: str) -> None:
    query = parsed(name)
    one_row = not query.args.get("group") and any(e.find(exp.AggFunc) and not e.find(exp.Window) for e in query.expressions)
    if one_row or name in VIEWS:
        return
    order = query.args.get("order")
    assert order, "no `order by` at the end"
    group = query.args.get("group")
    if group:  # an order that leaves ties leaves them to the engine
        assert {_place(e, query) for e in group.expressions} <= {_place(e.this, query) for e in order.expressions}


def test_every_placeholder_has_a_sample() -> None:
    asked = {name for text in FILES.values() for name in re.findall(r"(?<![:\w]):([a-z_]\w*)", text)}
    assert asked == set(SAMPLE)


def test_the_checks_see_what_they_are_there_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each rule, broken once."""
    broken: dict[str, tuple[Any, str]] = {
        "qualify": (test_only_the_common_subset, "select d.age from days d qualify row_number() over (order by d.age) = 1"),
        "exclude": (test_only_the_common_subset, "select * exclude (age) from days d order by 1"),
        "list": (test_only_the_common_subset, "select list(d.age) as ages from days d"),
        "distinct on": (test_only_the_common_subset, "select distinct on (d.age) d.gap from days d order by 1"),
        "subtraction": (test_dates_are_never_added_or_subtracted, "select d.on_day - d.first_on as age from days d order by 1"),
        "addition": (test_dates_are_never_added_or_subtracted, "select d.on_day + 1 as next_day from days d order by 1"),
        "truncated": (test_date_trunc_is_cast_to_a_date, "select date_trunc('month', d.on_day) as month from days d order by 1"),
        "text": (test_dates_that_are_compared_are_dates, "select d.age from days d where d.on_day > '2026-01-01' order by 1"),
        "order": (test_rows_come_in_a_fixed_order, "select d.age, count(*) as n from days d group by 1"),
        "ties": (test_rows_come_in_a_fixed_order, "select d.age, d.gap, count(*) as n from days d group by 1, 2 order by 1"),
        "comment": (test_it_begins_with_the_question, "select 1 as one"),
    }
    for name, (_, text) in broken.items():
        monkeypatch.setitem(FILES, name, text)
    for name, (check, _) in broken.items():
        with pytest.raises(AssertionError):
            check(name)
    monkeypatch.setitem(FILES, "unsupported", "select sum(d.age) over (order by d.on_day rows unbounded preceding) as s from days d order by 1")
    with pytest.raises(sqlglot.errors.UnsupportedError):
        carried("unsupported", "bigquery")


def _kind(node: exp.Expression) -> str:
    """The name of an expression's type, without its width."""
    kind = node.type.this if node.type else None
    name = getattr(kind, "name", "UNKNOWN")
    return "UNKNOWN" if kind is None else "TIMESTAMP" if name.startswith("TIMESTAMP") else str(name)


def _place(node: exp.Expression, query: exp.Query) -> str:
    """What a `group by` or `order by` names: the expression at its position, or of its alias."""
    if node.is_int:
        node = query.expressions[int(node.name) - 1]
    elif isinstance(node, exp.Column) and not node.table:
        node = next((e for e in query.expressions if e.alias == node.name), node)
    return str(node.unalias().sql("duckdb"))


@every_file
def test_what_becomes_of_contracts_is_marked_as_told_by_their_ends(name):
    """Where contracts say no end, such a file counts everybody as still here. Whose answer is the same then, or guarded elsewhere, is named."""
    same = {"contract_followup", "rows_since", "lapse_under_contract", "use_quiet", "use_windows", "churn_renewals", "reps_accounts", "known_contracts", "spells", "days"}
    reads = bool(re.search(r"\bended_on\b", re.sub("--.*", "", FILES[name])))
    assert (OF_LEAVING in FILES[name]) == (reads and name not in same)
