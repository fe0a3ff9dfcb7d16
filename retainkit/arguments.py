"""What is typed on the command line: read by argparse, and what is wrong with it said as every error is."""

from __future__ import annotations

import argparse
import re
import shlex
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from retainkit.errors import BadValueError, closest, listed
from retainkit.report.progress import tell

USED_BADLY = 2
EXAMPLES = {  # what to type where nothing was given
    "folder": "my-project", "source": "exports", "paths": "exports", "html": "check.html", "copy": "my-notebooks", "notebooks": "notebooks",
    "out": "reports", "month": "2026-10", "months": "2026-01..2026-10", "as_of": "2026-10-31",
    "only": "02_second_purchase_funnel", "settings": "within=30", "jobs": "2", "timeout": "600", "seed": "7", "tz": "Europe/Berlin"}


class Parser(argparse.ArgumentParser):
    """Says what is wrong with the words of a command as every error is said: where, what, what was found and what to type."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        self.typed = [*(sys.argv[1:] if args is None else args)]
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        about = re.fullmatch(r"argument ([^:]*): (.*)", message)
        name, said = about.groups() if about else (self.prog, message)
        value = re.search("'([^']*)'", said)
        if name == "COMMAND" and value and self._subparsers:
            names = [choice for action in self._subparsers._group_actions for choice in action.choices or ()]
            self.refuse(name, "is none of retainkit's", repr(value[1]), f"retainkit {closest(value[1], names) or '--help'}")
        named = {name.partition("/")[0]} if about else set(re.findall(r"[\w-]+", said))
        action = next((a for a in self._actions if named & {a.metavar, *a.option_strings}), None)
        self.refuse(name, said, shlex.join(self.typed) or "nothing", f"{'' if about else self.prog + ' '}{typed(action)}")

    def refuse(self, where: str, wrong: str, found: str, remedy: str) -> NoReturn:
        """Say what is wrong, and end with the code of what was not begun."""
        tell(f"retainkit: {BadValueError(where, wrong, found, remedy)}", sys.stderr)
        raise SystemExit(USED_BADLY)

    def refuse_left(self, words: Sequence[str]) -> NoReturn:
        """Refuse words that the command takes no more of, or a flag it has not, with the nearest one it has."""
        flags = list(self._option_string_actions)
        if not (unknown := next((word for word in words if word.startswith("-")), "")):
            self.refuse(self.prog, "takes no further words", shlex.join(words), f"{self.prog} --help")
        name = unknown.partition("=")[0]
        if name in flags:
            self.refuse(self.prog, f"{name} belongs behind it", shlex.join(words), f"{self.prog} {typed(self._option_string_actions[name])}")
        near = closest(name, flags, alike=0.7)
        self.refuse(self.prog, f"has no {name}", listed(flags, limit=20), typed(self._option_string_actions[near]) if near else f"{self.prog} --help")


def typed(action: argparse.Action | None) -> str:
    """An option, or what a command needs, as it is typed."""
    if action is None:
        return "--help"
    value = None if action.nargs == 0 else EXAMPLES.get(action.dest, action.metavar)
    return " ".join(str(word) for word in (*action.option_strings[-1:], value) if word)


def positive(text: str) -> int:
    """A whole number, 1 or more."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def filled(given: argparse.Namespace) -> argparse.Namespace:
    """Refuse what was given as nothing, as a shell does for a variable that is not set: it would mean here, or everything."""
    for name, example in EXAMPLES.items():
        said = getattr(given, name, None)
        if said == "" or (isinstance(said, list) and "" in said):
            flag = {"folder": "DIR", "source": "SOURCE", "paths": "PATH", "settings": "--set"}.get(name, "--" + name.replace("_", "-"))
            raise BadValueError(flag, "is empty (a variable that is not set?)", "''", example if flag.isupper() else f"{flag} {example}")
    return given
