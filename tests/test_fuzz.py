"""Broken exports: never a traceback of a library, never a hang, never a lost row: rows in = rows kept + rows rejected."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from broken_exports import broken
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import retainkit as rk
from retainkit.check.examine import examine
from retainkit.check.say import as_html, as_text

FAST, SLOW = 120, 5_000
SECONDS = 60


@contextmanager
def no_hang() -> Iterator[None]:
    """Ends what takes longer than a minute."""

    def late(*_: object) -> None:
        raise TimeoutError(f"more than {SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def told(err: rk.RetainkitError) -> None:
    """An error of ours says where, what is wrong, and what was found or what to type."""
    assert err.where
    assert err.wrong
    assert err.found or err.remedy


def load(folder: Path, seed: int) -> None:
    """Load a broken export as a shop: one clear error, or every row accounted for."""
    case = broken(seed)
    path = folder / case.name
    path.write_bytes(case.data)
    try:
        with no_hang():
            shop = rk.open_shop(folder, tz="Europe/Berlin")
            ledger, rejected = shop.ledger, shop.rejected("orders")
    except rk.RetainkitError as err:
        told(err)
    else:
        assert (ledger["rows"] == ledger["kept"] + ledger["rejected"]).all(), case.done
        assert len(rejected) == ledger["rejected"].sum(), case.done
        assert (rejected["reason"].str.len() > 0).all(), case.done
        if case.rows is not None:
            assert ledger["rows"].sum() == case.rows, case.done
    finally:
        path.unlink()


def check(folder: Path, seed: int) -> None:
    """Check a broken export: a report, or one clear error."""
    case = broken(seed)
    path = folder / case.name
    path.write_bytes(case.data)
    try:
        with no_hang():
            found = examine([path], {"tz": "Europe/Berlin", "date-format": "d/m", "decimal": "."} if seed % 2 else {"tz": "Europe/Berlin"})
            assert as_text(found)
            assert "<script>" not in as_html(found)
        if found.shop is not None and case.rows is not None and [p.table for p in found.proposals] == ["orders"]:
            assert found.shop.ledger["rows"].sum() == case.rows, case.done
    except rk.RetainkitError as err:
        told(err)
    finally:
        path.unlink()


@pytest.fixture
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own: broken stores are not kept."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("RETAINKIT_CACHE", str(folder))
    return folder


def test_broken_exports_load_whole_or_say_why(tmp_path: Path, cache: Path) -> None:
    for seed in range(FAST):
        load(tmp_path, seed)


def test_broken_exports_are_checked_or_say_why(tmp_path: Path, cache: Path) -> None:
    for seed in range(10_000, 10_000 + FAST // 4):
        check(tmp_path, seed)


@pytest.mark.slow
def test_thousands_of_broken_exports(tmp_path: Path, cache: Path) -> None:
    first, last = map(int, os.environ.get("RETAINKIT_FUZZ", f"20000..{20_000 + SLOW}").split(".."))
    for seed in range(first, last):
        load(tmp_path, seed)
        if seed % 10 == 0:
            check(tmp_path, seed)


@given(st.lists(st.lists(st.text(max_size=12), min_size=4, max_size=4), max_size=8))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_texts_in_the_cells_of_a_table_in_hand_are_kept_or_rejected(rows: list[list[str]]) -> None:
    import pandas as pd

    frame = pd.DataFrame(rows, columns=["order_id", "customer_id", "ordered_at", "amount"])
    try:
        ledger = rk.open_shop({"orders": frame}, tz="Europe/Berlin", as_of="2026-01-01").ledger
    except rk.RetainkitError as err:
        told(err)
    else:
        assert ledger["rows"].sum() == len(rows)
        assert (ledger["rows"] == ledger["kept"] + ledger["rejected"]).all()


@given(st.binary(max_size=400))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_a_shop_or_one_clear_error(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "orders.csv").write_bytes(b"order_id,customer_id,ordered_at,amount\n" + data)
    try:
        ledger = rk.open_shop(tmp_path, tz="Europe/Berlin").ledger
    except rk.RetainkitError as err:
        told(err)
    else:
        assert (ledger["rows"] == ledger["kept"] + ledger["rejected"]).all()
