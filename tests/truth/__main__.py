"""Simulate, count, print: `python -m tests.truth [--shops 400] [--only METRIC ...] [--times 1] [--seed 2026] [--jobs 2] [--write]`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from multiprocessing import get_context

import pandas as pd

from . import alarms, rollouts
from .coverage import COPIES, SEED, asked, counted, outside, simulated
from .page import put, written
from .questions import ASKED

BESIDE = {"reps", "rollouts", "alarms"}  # tables of their own


def main() -> None:
    """Print the tables; with --write also put them into README.md."""
    parser = argparse.ArgumentParser(prog="python -m tests.truth", description=__doc__)
    parser.add_argument("--shops", type=int, default=400, help="simulated shops of every kind")
    parser.add_argument("--only", nargs="+", default=[], metavar="METRIC", help=f"some of: {', '.join(m for w in ASKED.values() for m in w)}; reps; rollouts; alarms")
    parser.add_argument("--times", type=int, default=1, help="so many times the customers and deals a shop")
    parser.add_argument("--seed", type=int, default=SEED, help="of the shops; reps, rollouts and alarms have their own")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--write", action="store_true", help="put the tables into README.md")
    of = parser.parse_args()
    if unknown := set(of.only) - BESIDE - {m for w in ASKED for m in asked(w, ())}:
        parser.error(f"no metric {', '.join(sorted(unknown))}")
    if of.write and (set(of.only) - BESIDE or of.times != 1):
        parser.error("--write needs every metric of shops of the usual size: leave out --times and the metrics")
    os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "TRUTH_TIMES": str(of.times)}  # one core a process
    if not of.only or set(of.only) - BESIDE:
        _coverage(of)
    if find_spec(".reps", __package__) and (not of.only or "reps" in of.only):
        _reps(of)
    if not of.only or "rollouts" in of.only:
        print(text := rollouts.report(of.shops))
        if of.write:
            put("rollouts", text)
    if not of.only or "alarms" in of.only:
        number = of.shops if of.only else max(of.shops // 20, 1)  # two sizes, and every month of a shop
        print(text := alarms.report(alarms.counted(number, of.jobs), number))
        if of.write:
            put("alarms", text)


def _coverage(of: argparse.Namespace) -> None:
    """How often the intervals hold the truth."""
    begun = time.perf_counter()
    table = counted(*simulated(of.only, shops=of.shops, jobs=of.jobs, copies=COPIES // of.times, seed=of.seed))
    text = written(table, command=" ".join(["python -m tests.truth", *sys.argv[1:]]), seed=of.seed, seconds=time.perf_counter() - begun)
    print(text)
    if of.write:
        put("coverage", text)
    odd: pd.DataFrame = outside(table)
    print(f"{len(table) - len(odd)} of {len(table)} promises are kept to within 93 and 97 %; {(odd['why'] == '').sum()} of the others not explained")


def _reps(of: argparse.Namespace) -> None:
    """How often the rep page accuses the innocent, and finds the guilty."""
    from . import reps

    sizes, seed = (40, 120), 1
    jobs = [(world, size, shop, seed) for world in ("identical", "offenders", "rho 0.0", "rho 0.6") for size in sizes for shop in range(of.shops)]
    with ProcessPoolExecutor(of.jobs, mp_context=get_context("spawn")) as pool:
        found = pd.DataFrame(list(pool.map(reps.one, jobs, chunksize=8)))
    text = reps.report(found, f"python -m tests.truth.reps --shops {of.shops} --deals {' '.join(map(str, sizes))} --seed {seed}")
    print(text)
    if of.write:
        put("reps", text)


if __name__ == "__main__":
    main()
