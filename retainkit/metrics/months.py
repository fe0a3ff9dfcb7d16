"""Calendar months as whole numbers (year * 12 + month - 1), and which of them a shop has seen from end to end."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, timedelta

import pandas as pd

from retainkit.errors import BadValueError
from retainkit.tally import Column, Engine, few_rows

CLOCK_START = date(2000, 1, 1)  # the day that tallies count days from


def month_number(day: date) -> int:
    """The month a day lies in.

    >>> month_number(date(2026, 10, 31)) - month_number(date(2025, 12, 1))
    10
    """
    return day.year * 12 + day.month - 1


def month_numbers(days: pd.Series) -> pd.Series:
    """The months that days lie in."""
    found = pd.to_datetime(days).dt
    return (found.year * 12 + found.month - 1).astype(int)


def month_name(number: int) -> str:
    """The month as text.

    >>> month_name(month_number(date(2026, 10, 31)))
    '2026-10'
    """
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


def first_day(number: int) -> date:
    """The month's first day; the month before ended the day before it.

    >>> first_day(month_number(date(2025, 12, 9)) + 1)
    datetime.date(2026, 1, 1)
    """
    return date(number // 12, number % 12 + 1, 1)


def last_closed(as_of: date) -> int:
    """The last month that is over at the end of `as_of`.

    >>> month_name(last_closed(date(2026, 10, 30))), month_name(last_closed(date(2026, 10, 31)))
    ('2026-09', '2026-10')
    """
    return month_number(as_of + timedelta(days=1)) - 1


def first_whole(start: date) -> int:
    """The first month that begins on `start` or later.

    >>> month_name(first_whole(date(2026, 1, 1))), month_name(first_whole(date(2026, 1, 2)))
    ('2026-01', '2026-02')
    """
    return month_number(start - timedelta(days=1)) + 1


def closed_month(shop: Engine, month: str) -> int:
    """The number of a month written YYYY-MM, once it is known that the shop has seen all of it."""
    first, last = first_whole(shop.history_start), last_closed(shop.as_of)
    found = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", month)
    number = int(found[1]) * 12 + int(found[2]) - 1 if found else -1
    if not first <= number <= last:
        wrong = "is not a month the data covers from its first day to its last" if found else "is not written YYYY-MM"
        covered = f"{month_name(first)} to {month_name(last)}" if first <= last else "no whole month"
        raise BadValueError("month", wrong, f"{month!r}; covered: {covered}", f'month="{month_name(last)}"')
    return number


def windows(pairs: Iterable[tuple[date, date]]) -> Column:
    """Spans of days, each from a first day to before another, as something a tally can join; one without a day where there are none."""
    return few_rows(["opens", "closes"], list(pairs) or [(date.min, date.min)])


def month_windows(shop: Engine, months: int) -> Column:
    """The `windows` of so many months in the recorded history, one ending with each closed month."""
    closings = range(first_whole(shop.history_start) + months, last_closed(shop.as_of) + 2)
    return windows((first_day(c - months), first_day(c)) for c in closings)
