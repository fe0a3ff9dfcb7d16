"""Text that is not UTF-8, as a UTF-8 copy in the cache: the engine reads no other encoding without fetching something."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import os
import uuid
from pathlib import Path
from typing import Any

from retainkit.errors import BadValueError

PIECE = 1 << 20
SAME = {"latin-1": "cp1252", "latin1": "cp1252", "iso-8859-1": "cp1252"}  # what is called latin-1 is nearly always Windows'


def _as_byte(err: UnicodeError) -> tuple[str, int]:
    """The five bytes that mean nothing in Windows-1252 stay the characters of their numbers."""
    assert isinstance(err, UnicodeDecodeError)
    return err.object[err.start : err.end].decode("latin-1"), err.end


codecs.register_error("retainkit-byte", _as_byte)


def opened(path: Path, encoding: str) -> Any:
    """A text file, packed or not, open to be read; a byte order mark is no text."""
    opener: Any = gzip.open if path.suffix.lower() == ".gz" else open
    known = SAME.get(encoding.lower(), encoding)
    return opener(path, "rt", encoding="utf-8-sig" if known.lower() in ("utf-8", "utf8") else known, newline="", errors="retainkit-byte" if known == "cp1252" else "strict")


def utf8(path: Path, encoding: str, label: str, cache: Path) -> Path:
    """The file itself when it is UTF-8, else a copy in the cache that is, made a piece at a time.

    Raises
    ------
    RetainkitError
        An encoding nobody knows, or a file that is not in it.
    """
    if encoding.lower() in ("utf-8", "utf8"):
        return path
    stat = path.stat()
    key = hashlib.sha256(repr((str(path.resolve()), stat.st_size, stat.st_mtime_ns, stat.st_ino, encoding)).encode()).hexdigest()[:24]
    place = cache / f"recoded-{key}"
    copy = place / path.name.removesuffix(".gz")
    if not (place / "done").exists():
        place.mkdir(parents=True, exist_ok=True)
        aside = place / f".{os.getpid()}-{uuid.uuid4().hex[:8]}"
        try:
            with opened(path, encoding) as text, aside.open("w", encoding="utf-8", newline="", errors="surrogatepass") as out:
                while piece := text.read(PIECE):
                    out.write(piece)
            os.replace(aside, copy)
        except (UnicodeError, LookupError) as err:
            raise BadValueError(label, f"is not {encoding} text", str(err), 'encoding = "cp1252" (Windows), or the one it was exported in') from err
        finally:
            aside.unlink(missing_ok=True)
    (place / "done").touch()
    return copy
