"""What a public function of a shop may be asked: arguments that can be meant, as Python's own kinds. One rule for one name, whoever asks.

numpy's numbers become Python's, and any row of numbers a list, so that what is looked at below is of one kind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date
from functools import cache, wraps
from inspect import Parameter, signature
from math import inf
from numbers import Integral, Real
from typing import Any

from retainkit.errors import BadValueError

# The numbers an argument may be, by what its name says: from, to, and one that is sensible.
LIMITS = {
    "^level$": (0.5, 0.999, 0.95), "^(margin|review|watch|shares?)$": (0, 1, 0.8), "lapse|^lag_months|grace|^(windows|bands)$": (0, 36_500, 0),
    "month|^periods$": (1, 1_200, 12), "day|horizon|window|^within|^until|^seen|^period|^early|^late$": (1, 36_500, 90), "^(k|steps)$": (1, 1_000, 2), "": (0, 1e15, 1)}  # fmt: skip
A_DAY = "[date(2026, 3, 31)]"


def limits(name: str) -> tuple[float, float, float]:
    """The least and the most a number of that name may be, and a sensible one."""
    return next(found for pattern, found in LIMITS.items() if re.search(pattern, name))


@cache
def at_the_door(function: Callable[..., Any]) -> Callable[..., Any]:
    """A public function whose arguments are looked at first, if it is one of a shop; any other as it is."""
    told = signature(function) if callable(function) and not isinstance(function, type) else None
    if not told or next(iter(told.parameters), "") != "shop":
        return function

    @wraps(function)
    def asked(*args: Any, **settings: Any) -> Any:
        _shop(args[0] if args else settings.get("shop"))
        try:
            given = told.bind(*args, **settings)
        except TypeError as err:
            raise TypeError(f"{function.__name__}() {err}") from None
        for name, value in given.arguments.items():
            given.arguments[name] = _looked_at(told.parameters[name], value)
        return function(*given.args, **given.kwargs)

    asked.__module__ = "retainkit"  # where it is found again, by whoever sends it to another process
    return asked


def _looked_at(parameter: Parameter, value: Any) -> Any:
    """The value of one argument, if it can be meant."""
    name, kind = parameter.name, str(parameter.annotation)
    if parameter.kind is Parameter.VAR_KEYWORD:
        return {key: number(key, each) if isinstance(each, Real) and not isinstance(each, bool) else each for key, each in value.items()}
    if value is None and "None" in kind:
        return None
    if kind.startswith(("Sequence[int", "Sequence[float", "Sequence[str", "Sequence[tuple", "Sequence[date")):
        return _list(name, value, kind.removeprefix("Sequence["), A_DAY if "[date" in kind else list(parameter.default or (30, 90)))
    if kind.startswith(("int", "float")):
        return number(name, value, whole=kind.startswith("int"))
    if kind.startswith("str"):
        return _text(name, value, parameter.default)
    return value


def _text(name: str, value: Any, usual: Any = "") -> str:
    if isinstance(value, str):
        return value
    example = f"{value:%Y-%m}" if hasattr(value, "strftime") else usual if isinstance(usual, str) and usual else "segment" if name == "by" else "..."
    raise BadValueError(name, "is not a text", _shown(value), f'{name}="{example}"')


def _shop(value: Any) -> None:
    if hasattr(value, "sql") and hasattr(value, "as_of"):
        return
    frame = hasattr(value, "columns")
    example = (
        'open_shop({"orders": frame}), and that as the first argument'
        if frame
        else f"open_shop({value!r})"
        if isinstance(value, str)
        else 'open_shop("sample")'
    )
    raise BadValueError("shop", "is not a shop", f"a {type(value).__name__}", example)


def _list(name: str, values: Any, kind: str, example: list[Any] | str) -> list[Any]:
    """Numbers, texts, days or pairs of ages, each once, in the order they were asked in."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        one = int(values) if kind.startswith("int") and isinstance(values, str) and values.isdecimal() else values
        alone = isinstance(one, Integral) or (isinstance(one, str) and kind.startswith("str"))
        raise BadValueError(name, "is not a list", _shown(values), f"{name}={[one] if alone else example}")
    looked_at: Callable[[Any], Any] = {
        "str": lambda value: _text(name, value, example[0]),
        "date": lambda value: _day(name, value),
        "tuple": lambda value: _ages(name, value, example),
    }.get(kind.partition("]")[0].partition("[")[0], lambda value: number(name, value, whole=kind.startswith("int"), like=example))
    found = list(dict.fromkeys(looked_at(value) for value in values))
    if not found and kind.startswith(("int", "float", "tuple")):  # adjusted for nothing, a rep's churn is the crude one
        raise BadValueError(name, "is an empty list", "[]", f"{name}={example}")
    return found


def _ages(name: str, value: Any, example: list[Any] | str) -> tuple[int, int]:
    """A span of ages: from one day to a later one."""
    if isinstance(value, (tuple, list)) and len(value) == 2:
        first, last = (number(name, age, whole=True, like=example) for age in value)
        if first < last:
            return first, last
    raise BadValueError(name, "is not a list of ages from and to", _shown(value), f"{name}={example}")


def _day(name: str, value: Any) -> date:
    """A day, also of a time or as a text."""
    try:
        return date.fromisoformat(value[:10]) if isinstance(value, str) else date(value.year, value.month, value.day)
    except (AttributeError, TypeError, ValueError):
        raise BadValueError(name, "is not a list of days", _shown(value), f"{name}={A_DAY}") from None


def number(name: str, value: Any, *, whole: bool = False, like: Any = None) -> Any:
    """A number as Python's own, if one of that name can be meant; `like` is what to type instead."""
    least, most, sensible = limits(name)
    remedy = f"{name}={sensible if like is None else like}"
    real = isinstance(value, Real) and not isinstance(value, bool) and value == value and abs(value) != inf
    if not real or (whole and value != round(value)):
        raise BadValueError(name, f"is not a {'whole ' if whole else ''}number", _shown(value), remedy)
    if not least <= value <= most:
        raise BadValueError(name, f"must be from {least} to {most:,g}" if most < 1e15 else f"must be {least} or more", _shown(value), remedy)
    return int(value) if whole or isinstance(value, Integral) else float(value)


def _shown(value: Any) -> str:
    text = repr(value.item() if hasattr(value, "item") and getattr(value, "ndim", 1) == 0 else value)
    return text if "\n" not in text and len(text) < 60 else f"a {type(value).__name__}"
