"""retainkit: who comes back, who leaves, and who sold it, on a company's own data.

Everything public is imported when it is first used, so that `import retainkit` costs next to nothing.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

from retainkit.errors import closest

__version__ = "0.1.0"

with open(f"{__file__}i", encoding="utf-8") as _stub:  # what type checkers read: one list for both
    _HOME_OF = {name: module for module, name in re.findall(r"^from (\S+) import (\w+)", _stub.read(), re.M)}

__all__ = ["__version__", *sorted(_HOME_OF)]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        near = closest(name, __all__)
        told = f"retainkit has no attribute {name!r}{f'; it has {near}' if near else ''}; dir(retainkit) lists all"
        raise AttributeError(told, name=name, obj=None)
    from retainkit.asked import at_the_door

    return at_the_door(getattr(import_module(_HOME_OF[name]), name))


def __dir__() -> list[str]:
    return __all__
