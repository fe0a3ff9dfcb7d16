"""Where a quotation mark of a text file goes wrong: looked for in the file itself, once the engine has stumbled over it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from retainkit.errors import BadValueError, counted
from retainkit.load.recode import LONGEST, opener

if TYPE_CHECKING:
    import duckdb

FAULTS = ("UNQUOTED VALUE", "LINE SIZE OVER MAXIMUM")
REMEDY = 'write it twice ("") where it belongs to the text, or close it where the value ends'


def too_long(con: duckdb.DuckDBPyConnection, rejects: str) -> bool:
    """Whether a row was left out because of its length."""
    return con.execute(f"select count(*) from {rejects} where error_type = '{FAULTS[1]}'").fetchone() != (0,)


def check_marks(con: duckdb.DuckDBPyConnection, rejects: str, path: Path, label: str, delimiter: str) -> None:
    """Refuse a file whose quotation marks do not pair: what follows such a mark is read as one value, rows and all.

    A row that is only split wrongly, and ends where its line ends, is one rejected row like others.

    Raises
    ------
    RetainkitError
        With the row, the line in the file and its text, and whether the mark is never closed or closes inside a value.
    """
    row = con.execute(f"""select line, min(line_byte_position), max(csv_line) from {rejects} group by line
        having bool_or(error_type in {FAULTS}) and (count(distinct error_type) = 1 or contains(rtrim(max(csv_line), chr(13) || chr(10)), chr(10))) order by line limit 1""").fetchone()
    if row:
        number, start, text = row
        with opener(path)(path, "rb") as file:
            wrong, found, remedy = _fault(file, max(int(start or 1) - 9, 0), str(text or "")[:40].encode(), delimiter.encode())
        raise BadValueError(f"{label} row {number:,}", wrong, found, remedy)


def _fault(file: IO[Any], start: int, begins: bytes, delimiter: bytes) -> tuple[str, str, str]:
    """What is wrong with the first mark from `start` on that has no partner, what was found, and what to do."""
    line = 1
    while start > 0 and (before := file.read(min(start, 1 << 20))):
        line, start = line + before.count(b"\n"), start - len(before)
    piece = file.read(2 * LONGEST)
    opened, closed = _unpaired(piece, max(piece.find(begins), 0), delimiter)
    if opened < 0:
        return (
            f"is longer than {LONGEST >> 20} MB, and cannot be read",
            f"a row of more than {LONGEST:,} bytes",
            "leave the column with the long text out of the export",
        )
    line += piece.count(b"\n", 0, opened)
    text = piece[piece.rfind(b"\n", 0, opened) + 1 :].split(b"\n", 1)[0][:80].decode("utf-8", "replace").strip()
    if closed < 0:
        after = counted(piece.count(b"\n", opened), "line")
        far = f"{after} from there" if len(piece) < 2 * LONGEST else f"the next {after}, as far as was looked"
        return (
            "a quotation mark opens there and is never closed, so nothing after it can be read",
            f"line {line:,}: {text}, and no mark that closes it in {far}",
            REMEDY,
        )
    on, next_to = line + piece.count(b"\n", opened, closed), piece[closed + 1 : closed + 16].splitlines()[0].decode("utf-8", "replace")
    return (
        "a quotation mark opens there and closes in the middle of a value",
        f"line {line:,}: {text}; the next mark, on line {on:,}, stands before {next_to!r}",
        REMEDY,
    )


def _unpaired(text: bytes, at: int, delimiter: bytes) -> tuple[int, int]:
    """Where the first mark opens that is not closed at the end of a value, and where it is closed; -1 for nowhere."""
    marked, ends = rb'"(?:[^"]++|"")*+"', re.escape(delimiter) + rb"\r\n"
    value = re.compile(rb'(?:%b|(?!")[^%b]*+)(?:[%b]|\Z)' % (marked, ends, ends))
    while at < len(text) and (found := value.match(text, at)):
        at = found.end()
    if at >= len(text):
        return -1, -1
    closed = re.compile(marked).match(text, at)
    return at, closed.end() - 1 if closed else -1
