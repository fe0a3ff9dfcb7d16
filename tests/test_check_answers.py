"""Columns that nobody recognises are named by who knows the file, and nothing else is taken for an answer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import retainkit as rk
from retainkit.check.examine import examine
from retainkit.check.project import init
from retainkit.check.say import as_text

SAID = {"orders.customer_id": "whose", "orders.ordered_at": "moment", "orders.amount": "money", "orders.order_id": "ref"}


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    path = tmp_path / "shopfile.csv"
    path.write_text("ref,whose,moment,money,paid\n" + "".join(f"{i // 2},c{i // 4},2026-0{i % 9 + 1}-03,5,7\n" for i in range(20)))
    return path


def test_a_file_that_is_like_nothing_says_how_its_columns_are_named(odd: Path) -> None:
    said = as_text(examine([odd]))
    assert "none of the files looks like orders" in said
    assert said.endswith(f"retainkit check {odd} --answer orders.customer_id=COLUMN")


def test_columns_that_were_named_make_a_project_whose_rows_are_those_of_the_file(odd: Path, tmp_path: Path) -> None:
    found = init(tmp_path / "mine", [odd], SAID)
    assert found.shop
    assert found.shop.sql("select count(distinct customer) as c, count(distinct order_id) as o, sum(amount) as a from all_orders").astype(int).values.tolist() == [[5, 10, 100]]
    assert "--answer orders.amount=money" in (tmp_path / "mine" / "Makefile").read_text()
    assert rk.open_shop(tmp_path / "mine").ledger["kept"].tolist() == [20]


def test_a_column_that_was_named_is_taken_before_one_with_a_better_name(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("order_id,customer_id,household,order_date,amount\n" + "".join(f"{i},c{i},h{i // 5},2026-01-{i + 1:02},5\n" for i in range(20)))
    assert len(examine([path]).shop.sql("select * from ids")) == 20
    found = examine([path], {"orders.customer_id": "household"})
    assert len(found.shop.sql("select * from ids")) == 4
    assert found.toml(tmp_path).count("customer_id") == 1  # and the other one is not read beside it


def test_what_a_file_lacks_is_said_with_what_to_type(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("order_id,xyz,order_date,amount\n1,a,2026-01-01,5\n2,a,2026-01-02,6\n")
    said = as_text(examine([path]))
    assert "to be orders, it lacks a column for `customer_id`" in said
    assert "if one is, say --answer orders.customer_id=COLUMN" in said
    assert examine([path], {"orders.customer_id": "xyz"}).shop


def test_a_column_that_no_file_has_and_a_name_that_is_none_are_refused(odd: Path) -> None:
    with pytest.raises(rk.RetainkitError, match=r"--answer orders.amount: is a column of none of the files\. Found: mony; they have ref, whose, moment, money, paid\. To fix it: --answer orders.amount=money"):
        examine([odd], SAID | {"orders.amount": "mony"})
    with pytest.raises(rk.RetainkitError, match=r"`orders.custmer_id` is nothing that is asked.*--answer orders.customer_id=\.\.\."):
        examine([odd], {"orders.custmer_id": "whose"})


def test_it_is_typed_as_it_is_said(odd: Path) -> None:
    typed = [part for key, column in SAID.items() for part in ("--answer", f"{key}={column}")]
    done = subprocess.run([sys.executable, "-m", "retainkit.cli", "check", str(odd), *typed], capture_output=True, text=True, check=True)
    assert "orders: 20 rows read = 20 kept + 0 rejected" in done.stdout


def test_an_answer_to_what_nothing_asks_is_said_to_do_nothing_and_not_typed_again(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("order_id,customer_id,date,amount,status\n" + "".join(f"{i},c{i % 3},2026-01-0{i + 1},10,{'livré' if i % 2 else 'parked'}\n" for i in range(8)))
    said = as_text(examine([tmp_path], {"totals": "order", "status:parkd": "paid", "status:parked": "paid"}))
    assert "--answer totals=order: nothing in these files asks it, so it does nothing" in said
    assert "--answer status:parkd=paid: nothing in these files asks it, so it does nothing" in said
    assert said.endswith("--answer status:parked=paid")
