"""`python -m retainkit.simulate FOLDER`: write a company's tables, settings, codebook and answer key."""

from __future__ import annotations

import argparse
import sys

from retainkit.errors import RetainkitError

from .company import SEED, write_sample


def main(arguments: list[str] | None = None) -> int:
    """Write the folder that the command line names; 2 when it asks for something impossible."""
    parser = argparse.ArgumentParser(prog="python -m retainkit.simulate", description=__doc__)
    parser.add_argument("folder", help="where to write; made when it is not there")
    parser.add_argument("--seed", type=int, default=SEED, help="another seed, another company (%(default)s)")
    parser.add_argument("--scale", type=float, default=1.0, help="how many times larger (%(default)s)")
    asked = parser.parse_args(arguments)
    try:
        folder = write_sample(asked.folder, seed=asked.seed, scale=asked.scale)
    except RetainkitError as err:
        print(err, file=sys.stderr)
        return 2
    print(f"{folder}: {sum(f.stat().st_size for f in folder.iterdir()) / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
