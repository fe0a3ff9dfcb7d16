"""Every tally once more on a real PostgreSQL, from the same checked tables: equal, row for row.

Skips where no PostgreSQL server is installed; nothing is left behind, and no running server is touched.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest

from retainkit import open_shop
from retainkit.load.shop import Shop
from retainkit.tally import render
from tests.test_sql import FILES, SAMPLE, carried, sqlglot

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres")) or [Path(p) for p in [shutil.which("postgres")] if p]
RECORDED = ("ids", "customers", "orders", "deals", "contracts")  # what the loader writes
MADE = ("known_orders", "known_deals", "known_contracts", "line_starts", "spells", "days", "buyers")  # what SQL makes of it, in this order
pytestmark = pytest.mark.skipif(not BINARIES, reason="no PostgreSQL server is installed")
