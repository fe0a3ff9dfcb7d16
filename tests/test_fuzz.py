"""Broken exports: never a traceback of a library, never a hang, never a lost row: rows in = rows kept + rows rejected."""

from __future__ import annotations

import csv
import faulthandler
import functools
import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from broken_exports import LAYOUTS, Broken, broken, sound
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import retainkit as rk
from retainkit.check.dialect import dialect
from retainkit.check.examine import examine
from retainkit.check.say import as_html, as_text
from retainkit.load.plan import toml

FAST, SLOW = 120, 5_000
SECONDS = 60


@contextmanager
def no_hang() -> Iterator[None]:
    """Ends what takes longer than a minute; what then does not listen, after another, with all of it."""

    def late(*_: object) -> None:
        raise TimeoutError(f"more than {SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    faulthandler.dump_traceback_later(2 * SECONDS, exit=True)
    try:
        yield
    finally:
        signal.alarm(0)
        faulthandler.cancel_dump_traceback_later()
        signal.signal(signal.SIGALRM, before)


def told(err: rk.RetainkitError) -> None:
    """An error of ours says where, what is wrong, and what was found or what to type."""
    assert err.where
    assert err.wrong
    assert err.found or err.remedy


@functools.cache
def mapping(layout: str) -> str:
    """The retainkit.toml that check proposes for a sound export of a layout."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "export.csv").write_bytes(sound(layout))
        found = examine([folder], {"tz": "Europe/Berlin"})
        assert found.shop, (layout, found.trouble)
        assert len(found.proposals) == 1
        return found.toml(Path(folder))


def written(folder: Path, case: Broken) -> Path:
    """The case as a project: with the settings that check says for the file, in one of two."""
    (folder / "retainkit.toml").unlink(missing_ok=True)
    path = folder / case.name
    path.write_bytes(case.data)
    if case.layout != "own" or len(case.data) % 2:
        try:
            settings = dialect(path)
        except rk.RetainkitError as err:
            told(err)
            settings = {}
        lines = [f"{key} = {toml(settings[key])}" for key in ("encoding", "skip") if key in settings]
        (folder / "retainkit.toml").write_text(mapping(case.layout).replace('path = "export.csv"', "\n".join([f'path = "{case.name}"', *lines])), encoding="utf-8")
    return path


def load(folder: Path, seed: int) -> None:
    """Load a broken export as a shop: one clear error, or every row accounted for."""
    case = broken(seed)
    path = written(folder, case)
    try:
        with no_hang():
            shop = rk.open_shop(folder, tz="Europe/Berlin")
            ledger, rejected = shop.ledger, shop.rejected(shop.ledger["table"][0])
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
            found = examine([path], {"tz": "Europe/Berlin", "date-format": "d/m", "decimal": "."} if seed % 4 < 2 else {"tz": "Europe/Berlin"})
            assert as_text(found)
            assert "<script>" not in as_html(found)
        if found.shop is not None and case.rows is not None and len(found.proposals) == 1:
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
    failed = []
    for seed in range(first, last):
        for what in (load, check) if seed % 10 < 2 else (load,):
            try:
                what(tmp_path, seed)
            except BaseException as err:
                failed.append(f"{what.__name__} {seed}: {type(err).__name__} {str(err)[:300]}")
                print(failed[-1], flush=True)
                if not isinstance(err, Exception):
                    raise
    assert not failed


@pytest.mark.slow
@pytest.mark.parametrize("column", range(4))
def test_a_column_that_changes_its_type_at_row_100000_loses_nothing(tmp_path: Path, cache: Path, column: int) -> None:
    rows = [["1", "c1", "2026-01-01", "5.00"]] * 100_000 + [[("late" if i == column else v) for i, v in enumerate(["1", "c1", "2026-01-01", "5.00"])]] * 50
    (tmp_path / "orders.csv").write_text("order_id,customer_id,ordered_at,amount\n" + "\n".join(",".join(r) for r in rows) + "\n")
    ledger = rk.open_shop(tmp_path).ledger
    assert ledger[["rows", "kept", "rejected"]].values.tolist() == [[100_050, 100_050 - 50 * (column > 0), 50 * (column > 0)]]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layouts_are_recognised_while_they_are_sound(layout: str, cache: Path) -> None:
    assert mapping(layout)
    assert ("recognised by its columns" in mapping(layout)) == (layout == "own")


@example(names=["a", "aa"], rows=[["", ";;b"], ["", ";;"]])  # more semicolons in the values than commas between them
@given(names=st.lists(st.text("abcdefghij", min_size=1, max_size=8), min_size=2, max_size=6, unique=True), rows=st.lists(st.lists(st.text("abc 0123456789.,;", max_size=9), min_size=2, max_size=6), max_size=6))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_header_on_the_first_line_is_never_taken_for_a_title(tmp_path: Path, names: list[str], rows: list[list[str]]) -> None:
    with (tmp_path / "orders.csv").open("w", newline="") as file:
        csv.writer(file).writerows([names, *([(row * 6)[: len(names)] for row in rows])])
    assert "skip" not in dialect(tmp_path / "orders.csv")


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
