"""How a text file is written: its encoding, what stands between values, whether a title stands above its header."""

from __future__ import annotations

import codecs
import csv
import re
import zlib
from pathlib import Path
from typing import Any

from retainkit.errors import saying
from retainkit.load.book import header_row
from retainkit.load.recode import DELIMITERS, opener

# what exports are written in, in the order in which a text that may be several is taken to be one
ENCODINGS = ("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "mac_roman", "cp850", "cp932", "euc_jp", "gb18030", "big5", "cp949")
BEYOND_ASCII = re.compile(rb"[^\x00-\x1f\",;\t|0-9.\-:/]*[\x80-\xff][^\x00-\x1f\",;\t|]*")
NUMBER = re.compile(r"\s*[-+]?[0-9][0-9.,:/ TZ-]*\s*")


def dialect(path: Path, encoding: str = "") -> dict[str, Any]:
    """Encoding, delimiter, title and header of a text file, as retainkit.toml names them; what is usual is not said.

    `encoding` is what a file that is not UTF-8 was said to be.
    """
    with saying(path.name, "cannot be read", "export it again, or unpack it", OSError, EOFError, zlib.error), opener(path)(path, "rb") as handle:
        start: bytes = handle.read(1 << 18)
        encoding = _encoding(start, handle, encoding)
    settings: dict[str, Any] = {} if encoding == "utf-8" else {"encoding": encoding}
    lines = start.decode(encoding, errors="replace").lstrip("\ufeff").splitlines(keepends=True)[:200]
    if title := _title(lines):
        return {**settings, "skip": title}
    lines = [line for line in lines[:50] if line.strip()]
    first = lines[0] if lines else ""
    delimiter = max(DELIMITERS, key=first.count)
    if (
        lines
        and not any(first.count(mark) for mark in DELIMITERS)
        and all(re.search(r"\S\s+\S", line) for line in lines)
        and len({len(line.split()) for line in lines}) == 1
    ):
        return {**settings, "header": False, "delimiter": "\t", "columns": ["line"]}
    cells = [cell.strip().strip('"') for cell in first.split(delimiter)]
    if any(cells) and all(NUMBER.fullmatch(cell) for cell in cells if cell):
        return {**settings, "header": False, "columns": [f"column{n + 1}" for n in range(len(cells))]}
    return settings


def _title(lines: list[str]) -> int:
    """How many lines stand above the header: those before the first row that is as wide as the table and names its columns.

    The first line's own mark where it divides every line as often: values may hold another mark more often than that. A spreadsheet fills up
    the lines of a title with marks, so that they are as wide as the table and say little.
    """
    named = next((line for line in lines if line.strip()), "")
    marks = max(DELIMITERS, key=named.count), max(DELIMITERS, key=lambda mark: sum(line.count(mark) for line in lines))
    cells: list[list[Any]] = []
    ends = [0]
    try:
        even = {len(row) for row in csv.reader(lines, delimiter=marks[0]) if row}
        reader = csv.reader(lines, delimiter=marks[len(even) != 1 or even == {1}])
        for row in reader:
            cells.append([0.0 if NUMBER.fullmatch(cell) else cell.strip() for cell in row])
            ends.append(reader.line_num)
    except csv.Error:
        return 0
    at, wide = header_row(cells), [len(row) for row in cells]
    filled = [sum(cell != "" for cell in row) for row in cells]
    return ends[at] if at and at + 1 < len(cells) and (wide[0] < wide[at] or filled[0] < filled[at]) and wide[at] == max(wide[at:], key=wide[at:].count) else 0


def _encoding(start: bytes, handle: Any, said: str) -> str:
    """utf-16 by its mark or its zeros, utf-8 when all of it is, else what was said, or what its letters are most like."""
    if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    for encoding, zeros in (("utf-16-le", start[1:400:2]), ("utf-16-be", start[0:400:2])):
        if zeros.count(0) > 0.8 * len(zeros) > 1:
            return encoding
    decoder = codecs.getincrementaldecoder("utf-8")()
    chunk = start
    try:
        while chunk:
            if decoder.getstate()[0] or not chunk.isascii():  # nearly always plain, which is seen ten times as quickly
                decoder.decode(chunk)
            chunk = handle.read(1 << 18)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return said or _likeliest(chunk + handle.read(1 << 18))
    return "utf-8"


def _likeliest(text: bytes) -> str:
    """The encoding that the words with other letters than those of ASCII are most like; that of Windows where they are few."""
    from charset_normalizer import from_bytes

    words = sorted(set(BEYOND_ASCII.findall(text)))[:300]
    if len(words) < 3:
        return ENCODINGS[0]
    matches = from_bytes(b" ".join(words), cp_isolation=list(ENCODINGS))
    best, usual = matches.best(), next((m for m in matches if m.encoding == ENCODINGS[0]), None)
    return (
        ENCODINGS[0]
        if best is None
        or (usual and usual.coherence >= 0.8 * best.coherence)
        or str(best) == b" ".join(words).decode(ENCODINGS[0], errors="replace")
        else best.encoding
    )
