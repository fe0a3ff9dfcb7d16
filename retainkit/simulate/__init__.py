"""The sample company: eight canonical tables of a firm that never existed, and the truth behind them.

`simulate` makes the tables, `population_truth` the answers, `write_sample` a folder with both that `open_shop`
reads. Everything follows from the seed; the magnitudes are in `world`.
"""

from __future__ import annotations

from .company import SEED, Company, simulate, write_sample
from .truth import population_truth, rep_truth

__all__ = ["SEED", "Company", "population_truth", "rep_truth", "simulate", "write_sample"]
