"""The errors retainkit raises on bad input: every one says where, what is wrong, what was found, what to type."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager


class RetainkitError(ValueError):
    """Base class: everything retainkit raises on bad input, in four parts.

    Parameters
    ----------
    where
        The table or file (and row, where there is one).
    wrong
        What is wrong with it, as a sentence without its full stop.
    found
        What was found instead; empty when there is nothing to show.
    remedy
        What to type or change.

    Examples
    --------
    >>> print(RetainkitError("orders.csv", "has no column `amount`", "order, who, total", "amount = \\"total\\""))
    orders.csv: has no column `amount`. Found: order, who, total. To fix it: amount = "total"
    """

    def __init__(self, where: str, wrong: str, found: str = "", remedy: str = "") -> None:
        self.where, self.wrong, self.found, self.remedy = where, wrong, found, remedy
        parts = [f"{where}: {wrong}"]
        if found:
            parts.append(f"Found: {found}")
        if remedy:
            parts.append(f"To fix it: {remedy}")
        super().__init__(". ".join(part if part.endswith("...") else part.removesuffix(".") for part in parts))

    def __reduce__(self) -> tuple[type[RetainkitError], tuple[str, str, str, str]]:
        """Exceptions cross process boundaries by their message alone unless told otherwise."""
        return type(self), (self.where, self.wrong, self.found, self.remedy)


class MissingDataError(RetainkitError):
    """A table, a column or a file that the request needs is not there."""


class BadValueError(RetainkitError):
    """A value is of the wrong kind, out of range, or not one of the allowed ones."""


class NotPublishedError(RetainkitError):
    """A report that was begun cannot be published; the month that was there is untouched."""


def first_line(err: BaseException) -> str:
    """The first line of what another library says, without its own prefix of the kind "Binder Error: ".

    >>> first_line(ValueError("Binder Error: no column x\\nLINE 1: ..."))
    'no column x'
    """
    line = str(err).strip().split("\n")[0]
    kind, _, rest = line.partition(" Error: ")
    return rest if rest and len(kind) < 30 else line or type(err).__name__


@contextmanager
def saying(where: str, wrong: str, remedy: str, *kinds: type[Exception], found: str = "") -> Iterator[None]:
    """Say what goes wrong in the block in another library, of these kinds, as an error of retainkit's; `found` in place of that library's words.

    >>> with saying("price", "is no number", "price = 5", ValueError):
    ...     float("five")
    Traceback (most recent call last):
    retainkit.errors.BadValueError: price: is no number. Found: could not convert string to float: 'five'. To fix it: price = 5
    """
    try:
        yield
    except kinds as err:
        raise BadValueError(where, wrong, found or first_line(err), remedy) from err


def closest(word: str, options: Iterable[str], *, alike: float = 0.5) -> str | None:
    """The one of `options` that `word` was most likely meant to be, in large letters or small, or None where none is that much `alike`.

    >>> closest("as_off", ["as_of", "horizon"]), closest("smb", ["B2C", "SMB"])
    ('as_of', 'SMB')
    """
    small = {str(o).lower(): str(o) for o in options}
    match = difflib.get_close_matches(str(word).lower(), small, n=1, cutoff=alike)
    return small[match[0]] if match else None


def listed(items: Iterable[object], *, limit: int = 10) -> str:
    """At most `limit` items as a sentence part, then how many more there are.

    >>> listed(range(3), limit=2)
    '0, 1 and 1 more'
    """
    words = [str(item) for item in items]
    shown = ", ".join(words[:limit])
    return shown if len(words) <= limit else f"{shown} and {len(words) - limit:,} more"


def one_of(value: str, options: Collection[str], where: str, wrong: str, remedy: str, *, usual: str = "", limit: int = 10, found: str = "") -> str:
    """The value, once it is one of the options; else an error that lists them (or says `found`), with the nearest (else `usual`, or the first)
    in the remedy's {}.

    >>> one_of("smb", ["B2C", "SMB"], "segment", "`smb` is none", 'segment="{}"')
    Traceback (most recent call last):
    retainkit.errors.BadValueError: segment: `smb` is none. Found: B2C, SMB. To fix it: segment="SMB"
    """
    if value not in options:
        near = closest(value, options) or usual or next(iter(options))
        raise BadValueError(where, wrong, found or listed(options, limit=limit), remedy.format(near))
    return value


def capital(text: str) -> str:
    """The text with a capital, as a sentence begins."""
    return text[:1].upper() + text[1:]


def counted(n: int, what: str, many: str = "") -> str:
    """A number with its noun, which says one or several.

    >>> counted(1, "row"), counted(2_000, "row"), counted(0, "currency", "currencies")
    ('1 row', '2,000 rows', '0 currencies')
    """
    return f"{n:,} {what if n == 1 else many or what + 's'}"
