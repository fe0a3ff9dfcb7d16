"""Read a workbook as people send it: titles above the header, merged cells, totals at the bottom, sheets that overlap."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, TypeVar

from retainkit.errors import BadValueError, MissingDataError, listed, saying
from retainkit.load.mapping import apart

TOTALS = re.compile(r"\s*(grand |sub|sub-)?(total|totals|sum|summe|gesamt|gesamtsumme|zwischensumme|somme|totaal|totale|suma)\s*:?\s*", re.IGNORECASE)
T = TypeVar("T")
LOOKED = 40  # rows in which the header is looked for


@dataclass
class Sheet:
    """One sheet as a table of texts: its columns, its rows by the number a person sees, and the rows that are none."""

    name: str
    header: list[str]
    rows: list[tuple[int, list[str | None]]] = field(default_factory=list)
    rejected: list[tuple[int, str, str]] = field(default_factory=list)  # row, why, text


def sheets_of(path: Path, wanted: Sequence[str] = ()) -> tuple[list[Sheet], list[list[str]]]:
    """The sheets that hold the same table as the largest one, in their order, and the names of the others, those of one table together.

    A sheet is of a table if it has its columns, or most of them and no other one; capital letters are small ones there. A row that says
    total, or repeats the header, is rejected with its reason.
    """
    cells_of = dict(_cells(path, wanted))
    found = [sheet for name, cells in cells_of.items() if (sheet := _sheet(name, cells))]
    if not found:
        where = f"has no sheet with a header and rows{f' among {listed(wanted)}' if wanted else ''}"
        raise MissingDataError(path.name, where, remedy="one table a sheet, its column names in one row")
    groups = in_groups(found, lambda sheet: len(sheet.rows), lambda largest, sheet: _of_one_table(largest.header, sheet.header))
    alike, *others = (sorted(group, key=found.index) for group in groups)
    if wanted and others:
        one, other = alike[0], others[0][0]
        raise BadValueError(path.name, "has sheets of several tables among its `sheets`",
                            f"{one.name} has columns {listed(one.header)}; {other.name} has {listed(other.header)}",
                            f"sheets = [{', '.join(json.dumps(s.name, ensure_ascii=False) for s in alike)}], or the same names over the columns of all of them")
    spelt = {name.lower(): name for name in groups[0][0].header}
    for sheet in alike:
        sheet.header = [spelt.get(name.lower(), name) for name in sheet.header]
    empty = [[name] for name, cells in cells_of.items() if all(name != s.name for s in found) and any(c != "" for row in cells for c in row)]
    return alike, [[s.name for s in group] for group in others] + empty


def in_groups(items: Iterable[T], size: Callable[[T], int], alike: Callable[[T, T], bool]) -> list[list[T]]:
    """The items, each with those that are like a larger one, which stands first."""
    groups: list[list[T]] = []
    for item in sorted(items, key=size, reverse=True):
        group = next((group for group in groups if alike(group[0], item)), None)
        if group is None:
            groups.append(group := [])
        group.append(item)
    return groups


def _of_one_table(base: list[str], header: list[str]) -> bool:
    """Whether one of two headers has the columns of the other, and few others."""
    few, many = sorted(({name.lower() for name in names} for names in (base, header)), key=len)
    return few <= many and 3 * len(few) >= 2 * len(many)


def _cells(path: Path, wanted: Sequence[str]) -> Iterator[tuple[str, list[list[Any]]]]:
    try:
        import python_calamine as calamine
    except ImportError as err:
        raise MissingDataError(
            path.name,
            "is a workbook, and what reads workbooks is not installed",
            remedy="pip install python-calamine, or save the sheet as CSV",
        ) from err
    mend = "open it, save it again without a password, or save the sheet as CSV"
    with saying(path.name, "cannot be read as a workbook", mend, calamine.CalamineError, OSError):
        with calamine.load_workbook(path) as book:
            if missing := [name for name in wanted if name not in book.sheet_names]:
                raise MissingDataError(path.name, f"has no sheet {missing[0]!r}", listed(book.sheet_names), f'sheets = ["{book.sheet_names[0]}"]')
            for name in wanted or book.sheet_names:
                sheet = book.get_sheet_by_name(name)
                cells = [list(row) for row in sheet.to_python(skip_empty_area=False)]
                for (top, left), (bottom, right) in sheet.merged_cell_ranges or ():
                    for r in range(top, min(bottom + 1, len(cells))):
                        for c in range(left, min(right + 1, len(cells[r]))):
                            if r > top and left == right:  # down a column: one value for several rows
                                cells[r][c] = cells[top][left]
                yield name, cells


def _sheet(name: str, cells: list[list[Any]]) -> Sheet | None:
    """One sheet's table, or None when it holds none."""
    at = header_row(cells)
    if at is None:
        return None
    header = [" ".join((_text(c) or "").split()) for c in cells[at]]
    columns = [i for i, text in enumerate(header) if text]
    dated = {i for i in columns if sum(isinstance(row[i], date) for row in cells[at + 1 :]) * 2 > sum(row[i] != "" for row in cells[at + 1 :])}
    sheet = Sheet(name, apart([header[i] for i in columns]))
    for number, row in enumerate(cells[at + 1 :], at + 2):
        texts = [_text(row[i], dated=i in dated) for i in columns]
        if not any(texts):
            continue
        if why := _no_row(texts, sheet.header):
            sheet.rejected.append((number, why, " | ".join(t or "" for t in texts)))
        else:
            sheet.rows.append((number, texts))
    return sheet if sheet.rows or sheet.rejected else None


def header_row(cells: list[list[Any]]) -> int | None:
    """The first row that is as wide as the table below it and names its columns in words."""
    widths = [sum(c != "" for c in row) for row in cells]
    if not widths or max(widths) < 2:
        return None
    usual = sorted(w for w in widths[: LOOKED * 5] if w)[-max(1, len([w for w in widths[: LOOKED * 5] if w]) // 2)]
    for i, row in enumerate(cells[:LOOKED]):
        words = [c for c in row if isinstance(c, str) and c.strip()]
        if widths[i] >= max(2, 0.6 * usual) and len(words) >= 0.8 * widths[i] and 3 * len(set(words)) >= 2 * len(words):  # a name may stand twice
            return i + _is_a_group(row, cells[i + 1 :])
    return None


def _is_a_group(names: list[Any], below: list[list[Any]]) -> bool:
    """Whether a row of names stands above groups of columns, with gaps between them, and the next row names each column in words."""
    row = below[0] if below else []
    words = {c for c in row if isinstance(c, str) and c.strip() and not re.search("[0-9]", c)}
    filled = [i for i, c in enumerate(names) if c != ""]
    return len(words) == len(row) > len(filled) and filled != list(range(filled[0], filled[-1] + 1))


def _text(cell: Any, dated: bool = False) -> str | None:
    """A cell as text: days as YYYY-MM-DD, whole numbers without a point; a number among days is a day counted from 1899."""
    if isinstance(cell, str):
        return cell.strip() or None
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ") if cell.time() != time() else cell.date().isoformat()
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        if dated and 1 <= cell < 110_000:
            return _text(datetime(1899, 12, 30) + timedelta(days=cell))
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    return None if cell is None else str(cell)


def _no_row(texts: list[str | None], header: list[str]) -> str:
    """Why a row is none of the table: a total, or the header again."""
    filled = [t for t in texts if t]
    if [t or "" for t in texts] == header:
        return "the header again"
    if any(TOTALS.fullmatch(t) for t in filled) and len(filled) <= max(2, 0.7 * len(header)):
        return "a line of totals"
    return ""
