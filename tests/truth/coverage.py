"""How often the 95 % intervals hold the truth: shops simulated in batches, every number read in each, then counted.

A world says how its customers live (`live`), what a log shows of them (`export`) and what is true when nothing limits
what is seen (`truth`): plain shares and averages of a far larger copy, in which no estimator has a part.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from multiprocessing import get_context
from typing import Any

import numpy as np
import pandas as pd

from .promises import ALL, PROMISES, Promise
from .questions import ASKED, EVERY, NAIVE, Reading
from .shops import real_shop, small_shops

SEED, BATCH, COPIES = 2026, 20, 600  # shops of a batch; shops' worth of customers behind each truth
LOW, HIGH = 0.93, 0.97
Truths = dict[tuple[str, Any], float]


def asked(name: str, wanted: Sequence[str]) -> list[str]:
    """The metrics that are wanted of a world; all of them when nothing is said."""
    return [metric for metric in ASKED[name] if not wanted or metric in wanted]


def batch(name: str, number: int, shops: int, wanted: Sequence[str], seed: int = SEED) -> pd.DataFrame:
    """Every reading of one batch of shops: `world, shop, name, cell, value, low, high`; naive counts as `naive`."""
    here = import_module(f".{name}", __package__)
    rows: list[tuple[Any, ...]] = []
    for shop in small_shops(here.export(here.live(seed + number, shops)), here.CLOCK):
        at = number * BATCH + shop.number
        due = [metric for metric in asked(name, wanted) if shop.number % EVERY.get(metric, 1) == 0]
        rows += [(at, *reading, np.nan) for metric in due for reading in ASKED[name][metric](shop)]
        rows += [(at, *key, np.nan, np.nan, np.nan, value) for key, value in NAIVE[name](shop).items()]
    return pd.DataFrame(rows, columns=["shop", "name", "cell", "value", "low", "high", "naive"]).assign(world=name)


def truths(name: str, copies: int = COPIES, seed: int = SEED) -> Truths:
    """What is true in a world."""
    here: Any = import_module(f".{name}", __package__)
    return here.truth(seed - 1, copies)  # type: ignore[no-any-return]


def simulated(wanted: Sequence[str] = (), *, shops: int, jobs: int, copies: int = COPIES, seed: int = SEED) -> tuple[pd.DataFrame, dict[str, Truths]]:
    """The readings of so many shops of every world that is asked something, and the truths of the worlds."""
    worlds = [name for name in ASKED if asked(name, wanted)]
    sizes = [min(BATCH, shops - begun) for begun in range(0, shops, BATCH)]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        known = {name: pool.submit(truths, name, copies, seed) for name in worlds}
        parts = [pool.submit(batch, name, number, size, wanted, seed) for name in worlds for number, size in enumerate(sizes)]
        return pd.concat([part.result() for part in parts], ignore_index=True), {name: of.result() for name, of in known.items()}


def furthest(name: str, shops: int, wanted: Sequence[str] = ()) -> float:
    """The largest gap between the batch's readings and those of `open_shop`'s shops, relative to the number's size."""
    here, gaps = import_module(f".{name}", __package__), [0.0]
    frames = here.export(here.live(SEED, BATCH))
    for small in small_shops(frames, here.CLOCK):
        if small.number == shops:
            break
        real = real_shop(frames, here.CLOCK, small.number)
        for metric in asked(name, wanted):
            ours, theirs = (pd.DataFrame(ASKED[name][metric](shop), columns=Reading._fields) for shop in (small, real))
            a, b = (t[["value", "low", "high"]].astype(float).to_numpy() for t in (ours, theirs))
            same = ours["cell"].tolist() == theirs["cell"].tolist() and (np.isnan(a) == np.isnan(b)).all()
            gaps.append(np.nanmax(np.abs(a - b) / np.maximum(np.abs(a), 1e-9), initial=0.0) if same else np.inf)
    return max(gaps)


def counted(readings: pd.DataFrame, known: dict[str, Truths], promises: Sequence[Promise] = tuple(PROMISES)) -> pd.DataFrame:
    """A row a promise that was read: how often its interval holds the truth, its error and its width.

    Returns
    -------
    DataFrame
        The fields of `Promise` and `truth, shops` (that print it), `cells` (intervals), `coverage, error` (its standard
        error; cells of one shop are not taken for independent), `below, above` (intervals all below, all above the
        truth), `bias, bias_error, width, naive_reads`.
    """
    rows = []
    for promise in promises:
        mine = readings[(readings["world"] == promise.world) & (readings["name"] == promise.name)]
        mine = mine[np.array([cell != "all" if promise.cell is ALL else cell == promise.cell for cell in mine["cell"]], dtype=bool)]
        cells = mine.dropna(subset=["value", "low", "high"])
        if len(cells):
            truth = np.array([known[promise.world][promise.name, cell] for cell in cells["cell"]])
            rows.append(promise._asdict() | _counted(cells, truth) | {"naive_reads": mine["naive"].mean()})
    return pd.DataFrame(rows)


def _counted(cells: pd.DataFrame, truth: Any) -> dict[str, Any]:
    """What is counted over the intervals of one promise."""
    below, above = (cells["high"] < truth).to_numpy(), (cells["low"] > truth).to_numpy()
    held, wrong = ~(below | above), cells["value"].to_numpy(dtype=float) - truth
    return {
        "truth": truth.mean(), "shops": cells["shop"].nunique(), "cells": len(cells), "coverage": held.mean(),
        "error": _error(held, cells["shop"]), "below": below.mean(), "above": above.mean(), "bias": wrong.mean(),
        "bias_error": _error(wrong, cells["shop"]), "width": (cells["high"] - cells["low"]).mean()}  # fmt: skip


def _error(values: Any, shops: pd.Series) -> float:
    """Standard error of a mean over cells, the shop being the unit: binomial where a shop has one cell."""
    off = pd.Series(values - np.mean(values)).groupby(shops.to_numpy()).sum()
    return float(np.sqrt((off**2).sum())) / len(values)


def outside(table: pd.DataFrame) -> pd.DataFrame:
    """The promises whose coverage is not between 93 % and 97 %."""
    return table[(table["coverage"] < LOW) | (table["coverage"] > HIGH)]
