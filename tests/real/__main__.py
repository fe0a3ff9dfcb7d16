"""The claims of the articles on the public data sets: `python -m tests.real [--write]`."""

from __future__ import annotations

import argparse
import sys

from tests.truth.page import put

from .bench import tables
from .sets import DATA, HERE


def main() -> None:
    """Print the tables; with --write also put them into README.md."""
    parser = argparse.ArgumentParser(prog="python -m tests.real", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the tables into README.md")
    of = parser.parse_args()
    if not DATA.exists():
        sys.exit(f"the data sets are not here: {DATA}")
    for name, text in tables().items():
        print(text, end="\n\n")
        if of.write:
            put(name, text, into=HERE / "README.md")


if __name__ == "__main__":
    main()
