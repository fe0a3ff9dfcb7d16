"""A sample of a large text file, taken from parts all over it, so that not all of it is read to know what it is like."""

from __future__ import annotations

from pathlib import Path

PARTS, PART = 64, 1 << 16  # how many, and the most bytes of each
LINES = 400  # of each: enough of short lines, where the bytes hold more
LINE = 1 << 20  # the longest line that is waited for
PLAIN = (".csv", ".tsv", ".txt")


def parts_of(path: Path, encoding: str, most: int, folder: Path) -> list[tuple[Path, int]]:
    """A file in `folder` of the same name, with lines from evenly all over a text file, and how many; none where it has no more than about `most`."""
    size, found = path.stat().st_size, []
    if not path.name.lower().endswith(PLAIN) or encoding == "utf-16" or size < 2 * PARTS * PART:
        return []
    with path.open("rb") as whole:
        part = PART
        for n in range(PARTS):
            whole.seek(size * n // PARTS)
            if n:
                whole.readline(LINE)
            found.append(whole.read(part) + whole.readline(LINE))
            part = min(PART, max(1, LINES * len(found[0]) // max(1, found[0].count(b"\n"))))
    text = b"".join(found)
    lines = text.count(b"\n")
    if size * lines <= most * len(text):
        return []
    (folder / path.name).write_bytes(text)
    return [(folder / path.name, lines)]
