"""What the user states in retainkit.toml besides tables: goals, and claims to be put to the test. Checked for form, not against data."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from importlib import resources
from typing import Any, TypeAlias

from retainkit.errors import BadValueError, MissingDataError, listed, one_of, saying

Record: TypeAlias = dict[str, Any]
GOAL = {"metric": str, "target": float, "by": date, "group": str, "since": date, "horizon_days": int, "better": str}
CLAIM = {"claim": str, "sentence": str, "measure": str, "low": float, "high": float, "arguments": dict, "take": dict, "column": str,
         "read_as": str, "said_by": str, "population": str, "source_says": str, "estimand": str, "kind": str, "unit": str, "needs": list,
         "caution": str, "whole_life": bool}
KINDS = {str: "a text", float: "a number", date: "a date", int: "a whole number", dict: "a table", list: "a list", bool: "true or false"}
NEEDED = {"goals": ("metric", "target", "by"), "claims": ("claim", "sentence", "measure", "low", "high")}
CHOICES = {
    "better": ("higher", "lower"),
    "kind": ("test", "arithmetic", "reference"),
    "unit": ("share", "points", "times", "number", "money", "days"),
}
EXAMPLES = {"metric": '"second_purchase.share"', "target": "0.25", "by": "2027-06-30", "claim": '"back_in_30"', "sentence": '"30 % buy again"',
            "measure": '"second_purchase"', "low": "0.25", "high": "0.35"}


def goals_stated(records: Any, where: str = "goals") -> tuple[Record, ...]:
    """The goals, each with `metric`, `target`, `by` and perhaps `group`, `since`, `horizon_days`, `better`.

    >>> goals_stated([{"metric": "churn.monthly", "target": 0.02, "by": "2027-06-30"}])
    ({'metric': 'churn.monthly', 'target': 0.02, 'by': datetime.date(2027, 6, 30)},)
    """
    goals = tuple(_records(records, "goals", GOAL, where))
    for goal in goals:
        if "since" in goal and goal["since"] >= goal["by"]:
            raise BadValueError(
                where,
                "has a goal whose `since` is not before its `by`",
                f"{goal['since']} and {goal['by']}",
                "since = the day it was set",
            )
    return goals


def claims_stated(records: Any, where: str = "claims") -> tuple[Record, ...]:
    """The claims, each with `claim` (its short name), `sentence`, `measure`, `low`, `high` and what else `CLAIM` lists."""
    claims = tuple(_records(records, "claims", CLAIM, where))
    for claim in claims:
        if claim["low"] > claim["high"]:
            raise BadValueError(where, f"the claim `{claim['claim']}` begins above its end", f"{claim['low']} to {claim['high']}", "low, then high")
    return claims


def claims_quoted() -> tuple[Record, ...]:
    """The claims that come with the kit, from claims.toml.

    >>> [c["claim"] for c in claims_quoted()][:2]
    ['cross_sell_90_of_365', 'cross_sell_90_of_730']
    """
    text = resources.files("retainkit").joinpath("claims.toml").read_text(encoding="utf-8")
    return claims_stated(tomllib.loads(text)["claims"], "claims.toml")


def settings(
    body: Any, known: Collection[str], where: str, needed: Mapping[str, str] | None = None, *, whose: str = "", wrong: str = "has no setting `{}`"
) -> None:
    """Refuse a section with a setting that is none of those known, or without one that is needed, each with an example."""
    given = body if isinstance(body, dict) else {} if needed else {str(body): ""}  # a text where a section belongs
    for key in given:
        one_of(key, known, where, f"{whose}{wrong.format(key)}", "{} = ...", limit=30)
    for key, example in (needed or {}).items():
        if key not in given:
            raise MissingDataError(where, f"{whose}has no `{key}`", listed(body) if given else repr(body), f"{key} = {example}")


def _records(records: Any, kind: str, fields: dict[str, Any], where: str) -> Iterable[Record]:
    if not isinstance(records, list | tuple) or not all(isinstance(r, dict) for r in records):
        raise BadValueError(where, f"{kind} are a list of records", repr(records)[:60], f"[[{kind}]] above each, with two brackets")
    for record in records:
        settings(record, fields, where, {key: EXAMPLES[key] for key in NEEDED[kind]}, whose="a record ")
        yield {key: _value(key, value, fields[key], where) for key, value in record.items()}


def _value(key: str, value: Any, kind: Any, where: str) -> Any:
    """The value, once it is of the kind that the setting has."""
    with saying(where, f"`{key}` is not {KINDS[kind]}", f"{key} = {EXAMPLES.get(key, '...')}", TypeError, ValueError, found=repr(value)):
        found = _day(value) if kind is date else float(value) if kind is float and not isinstance(value, str) else value
        if not isinstance(found, kind) or isinstance(value, bool) != (kind is bool):
            raise TypeError
    if key in CHOICES:
        said = f"{found!r}; choices: {listed(CHOICES[key])}"
        one_of(found, CHOICES[key], where, f"`{key}` is none of its choices", f'{key} = "{{}}"', found=said)
    return found


def _day(value: Any) -> date:
    return value.date() if isinstance(value, datetime) else value if isinstance(value, date) else date.fromisoformat(value)
