"""Text as the engine can read it: UTF-8 (it reads no other encoding without fetching something), and no line so long that it would drop it."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import mmap
import re
import shutil
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

from retainkit.aside import ensure
from retainkit.errors import BadValueError, saying
from retainkit.load.engine import cache_folder

PIECE = 1 << 20
DELIMITERS = ",;\t|"
LONGEST = 1 << 25  # bytes of a line
SAME = {"latin-1": "cp1252", "latin1": "cp1252", "iso-8859-1": "cp1252"}  # what is called latin-1 is nearly always Windows'


def _as_byte(err: UnicodeError) -> tuple[str, int]:
    """The five bytes that mean nothing in Windows-1252 stay the characters of their numbers."""
    assert isinstance(err, UnicodeDecodeError)
    return err.object[err.start : err.end].decode("latin-1"), err.end


codecs.register_error("retainkit-byte", _as_byte)


def opener(path: Path) -> Any:
    """What opens a file: unpacked, where its name says that it is packed."""
    return gzip.open if path.suffix.lower() == ".gz" else open


def opened(path: Path, encoding: str, newline: str | None = "") -> Any:
    """A text file, packed or not, open to be read; a byte order mark is no text."""
    known = SAME.get(encoding.lower(), encoding)
    return opener(path)(
        path,
        "rt",
        encoding="utf-8-sig" if known.lower() in ("utf-8", "utf8") else known,
        newline=newline,
        errors="retainkit-byte" if known == "cp1252" else "strict",
    )


def no_text(path: Path) -> str:
    """The first row of a file that is not UTF-8, as Windows would read it; "" where the file ends too early to be unpacked so far."""
    row, line = 0, ""
    with suppress(EOFError, OSError, zlib.error), opener(path)(path, "rt", encoding="utf-8", errors="surrogateescape", newline="\n") as lines:
        row, line = next(((n, line) for n, line in enumerate(lines, 1) if not line.isascii() and re.search("[\udc80-\udcff]", line)), (0, ""))
    return (
        f"row {row}: {line.strip()[:80].encode('utf-8', 'surrogateescape').decode('cp1252', 'replace')!r}, were it written on Windows"
        if row
        else ""
    )


def stamp(file: Path) -> list[int]:
    """What is another once a file was changed: its size first, its time, and what no program sets back as it does a file's time."""
    stat = file.stat()
    return [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]


def uneven(err: Exception) -> bool:
    """Whether the engine gave up on a text file whose lines do not all end in one way."""
    return "state machine reached an invalid state" in str(err)


def utf8(path: Path, encoding: str, label: str, *, even: bool = False) -> Path:
    """The file itself when it is UTF-8, else a copy in the cache that is, made a piece at a time; with `even`, one whose lines all end alike.

    Raises
    ------
    RetainkitError
        An encoding nobody knows, or a file that is not in it.
    """
    if encoding.lower() in ("utf-8", "utf8") and not even:
        return path
    key = hashlib.sha256(repr((str(path.resolve()), stamp(path), encoding, even)).encode()).hexdigest()[:24]
    name = path.name.removesuffix(".gz")

    def write(folder: Path) -> None:
        with (
            saying(label, f"is not {encoding} text", 'encoding = "cp1252" (Windows), or the one it was exported in', UnicodeError, LookupError),
            opened(path, encoding, None if even else "") as text,
            (folder / name).open("w", encoding="utf-8", newline="", errors="surrogatepass") as out,
        ):
            shutil.copyfileobj(text, out, PIECE)

    return ensure(cache_folder() / f"recoded-{key}", write) / name


def no_endless_line(path: Path, label: str) -> None:
    """Whether every line is shorter than what the engine reads at a time: it would leave out a longer one without a word.

    Raises
    ------
    RetainkitError
        A stretch of 32 MB without the end of a line. Packed files are looked through where they unpack to very much more.
    """
    size = path.stat().st_size
    if path.suffix.lower() == ".gz":
        with path.open("rb") as packed:
            packed.seek(max(size - 4, 0))
            if int.from_bytes(packed.read(4), "little") < max(LONGEST, 100 * size):  # what it says it unpacks to
                return
        endless = False
        with gzip.open(path) as text, suppress(OSError, EOFError, zlib.error):  # what is damaged, its reader says
            stretches = iter(lambda: text.read(LONGEST), b"")
            endless = any(len(piece) == LONGEST and not (b"\n" in piece or b"\r" in piece) for piece in stretches)
    elif size < 2 * LONGEST:
        return
    else:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
            starts = range(0, size - LONGEST, LONGEST // 2)
            endless = any(all(text.find(end, at, at + LONGEST) < 0 for end in (b"\n", b"\r")) for at in starts)
    if endless:
        raise BadValueError(label, "holds a line that does not end", f"more than {LONGEST >> 20} MB without the end of a line",
                            "export it again; a quotation mark that is never closed, or a whole file in one field, makes such lines")
