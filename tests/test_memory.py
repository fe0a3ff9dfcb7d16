"""What a publication remembers: enough to count the rows that history rewrote, and nothing that anybody could read."""

from __future__ import annotations

import csv
import json
import re
import shutil
from datetime import date
from decimal import Decimal

import in_process
import pandas as pd
import pytest
from nb_fixtures.make import write_notebook

from retainkit import open_shop
from retainkit.report import memory
from retainkit.report.memory import Last, keep, last_publication, rewritten, settle
from retainkit.report.run import report
from retainkit.resources import sample_folder

ORDERS = pd.DataFrame({
    "order_id": ["o1", "o2", "o2", "o3", "o4"], "customer_id": ["ann@example.org", "ann@example.org", "ann@example.org", "bob", "cy"],
    "ordered_at": ["2026-08-01", "2026-09-02", "2026-09-02", "2026-09-30", "2026-10-05"], "amount": [1234.56, 20, 20, 30, 40],
    "status": "paid", "refunded_at": None})
SEPTEMBER = date(2026, 9, 30)


def shop_of(orders=ORDERS, **more):
    return open_shop({"orders": orders, **more}, as_of="2026-10-31", history_start="2026-01-01")


def kept(tmp_path, shop=None):
    """September as it was published."""
    name = keep((shop or shop_of()).at(SEPTEMBER), tmp_path, "2026-09")
    return Last("2026-09", SEPTEMBER, memory=tmp_path / memory.FOLDER / name)


def changed(row, **values):
    frame = ORDERS.copy()
    for column, value in values.items():
        frame.loc[row, column] = value
    return frame


@pytest.mark.parametrize(("orders", "counts"), [
    (ORDERS, (0, 0)),
    (pd.concat([ORDERS, ORDERS.iloc[[0]]]), (1, 0)),  # the same line once more is one row more
    (pd.concat([ORDERS, ORDERS.iloc[[4]]]), (0, 0)),  # October is not September's business
    (ORDERS.drop(index=1), (0, 1)),  # of two like lines one is gone
    (changed(0, amount=1234.57), (1, 1)),
    (changed(3, status="refunded", refunded_at="2026-09-30"), (1, 1)),  # a refund of September, booked late
    (changed(3, status="refunded", refunded_at="2026-10-01"), (0, 0)),  # one of October is time passing
    (changed(3, customer_id="ann@example.org"), (1, 1)),  # bob was ann: merged
    (changed(4, ordered_at="2026-09-29"), (1, 0)),
    (changed(0, ordered_at="2026-10-02"), (0, 1)),
    (ORDERS.assign(amount=ORDERS["amount"] + 1), (4, 4)),
])
def test_rows_added_and_removed_are_counted_one_by_one(tmp_path, orders, counts):
    assert rewritten(shop_of(orders), kept(tmp_path)) == ({"orders": counts}, "")


def test_the_order_of_rows_and_customers_who_come_later_change_nothing(tmp_path):
    more = pd.concat([ORDERS.sample(frac=1, random_state=1), ORDERS.iloc[[4]].assign(customer_id="aa")])
    assert rewritten(shop_of(more), kept(tmp_path)) == ({"orders": (0, 0)}, "")


def test_contracts_deals_and_sign_up_days_count_and_what_merely_describes_does_not(tmp_path):
    deals = pd.DataFrame({"deal_id": ["d1"], "rep": "Ada", "opened_at": "2026-09-01", "closed_at": [None], "outcome": "open", "amount": 5})
    contracts = pd.DataFrame({"contract_id": ["k1"], "customer_id": "ann@example.org", "started_at": "2026-09-01", "ended_at": [None], "monthly_value": 9})
    customers = pd.DataFrame({"customer_id": ["bob"], "signed_up_at": "2026-08-01", "segment": "SMB", "owner": "Ada"})
    last = kept(tmp_path, shop_of(deals=deals, contracts=contracts, customers=customers))
    told = shop_of(deals=deals.assign(rep="Eve", amount=6), contracts=contracts.assign(monthly_value=8), customers=customers.assign(segment="B2C", owner="Eve"))
    assert rewritten(told, last)[0] == {"orders": (0, 0), "deals": (0, 0), "contracts": (0, 0)}
    moved = shop_of(deals=deals.assign(closed_at="2026-09-20", outcome="lost"), contracts=contracts.assign(ended_at="2026-09-15"),
                    customers=customers.assign(signed_up_at="2025-01-01"))
    assert rewritten(moved, last)[0] == {"orders": (1, 1), "deals": (1, 1), "contracts": (1, 1)}
    grown = shop_of(deals=deals.assign(closed_at="2026-10-20", outcome="won"), contracts=contracts.assign(ended_at="2026-10-15"), customers=customers)
    assert rewritten(grown, last)[0] == {"orders": (0, 0), "deals": (0, 0), "contracts": (0, 0)}


def test_nothing_can_be_read_from_it_and_nobody_else_may_try(tmp_path):
    last = kept(tmp_path)
    for word in (b"ann", b"example", b"o1", b"1234", b"2026-08"):
        assert word not in last.memory.read_bytes()
    assert last.memory.parent.stat().st_mode & 0o777 == 0o700
    assert (last.memory.parent / "salt").stat().st_mode & 0o777 == 0o600


def test_two_folders_salt_the_same_rows_differently(tmp_path):
    one, two = (pd.read_parquet(kept(folder).memory) for folder in _folders(tmp_path))
    assert len(one) == len(two) == 4
    assert set(one["mark"]).isdisjoint(two["mark"])


def _folders(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        yield tmp_path / name


def test_it_takes_five_bytes_a_row(tmp_path):
    many = pd.DataFrame({"order_id": range(20_000), "customer_id": range(20_000), "ordered_at": "2026-09-01", "amount": 1})
    assert kept(tmp_path, shop_of(many)).memory.stat().st_size < 5.5 * 20_000


def test_what_is_missing_or_cannot_be_read_is_said_and_never_guessed(tmp_path):
    last = kept(tmp_path)
    none = rewritten(shop_of(), Last("2026-09", SEPTEMBER))
    assert none == (None, "the rows behind 2026-09 were not kept, so nobody can count which of them changed")
    other = last.memory.rename(last.memory.with_name("2026-09.0000.abc.parquet"))
    assert rewritten(shop_of(), Last("2026-09", SEPTEMBER, memory=other)) == (
        None, "the rows behind 2026-09 were kept by another version of retainkit, or with another salt, and cannot be compared")
    last.memory.write_bytes(b"half a file")
    counts, why = rewritten(shop_of(), last)
    assert counts is None
    assert why.startswith("the rows kept behind 2026-09 cannot be read (")


def test_a_lost_salt_is_no_history_rewritten(tmp_path):
    last = kept(tmp_path)
    (last.memory.parent / "salt").unlink()
    counts, why = rewritten(shop_of(), last)
    assert counts is None
    assert "with another salt" in why


def test_the_memory_a_publication_names_outlives_a_run_that_is_killed(tmp_path):
    first = kept(tmp_path)
    second = keep(shop_of(changed(0, amount=1)).at(SEPTEMBER), tmp_path, "2026-09")  # and then it is killed
    assert rewritten(shop_of(), first) == ({"orders": (0, 0)}, "")
    settle(tmp_path, "2026-09", second)
    assert [p.name for p in (tmp_path / memory.FOLDER).glob("*.parquet")] == [second]


def test_a_report_up_to_some_day_is_not_remembered(tmp_path):
    assert keep(shop_of(), tmp_path, "2026-10-15") == ""
    assert not (tmp_path / memory.FOLDER).exists()


def test_the_earlier_month_is_the_latest_that_ended_before_and_has_its_numbers(tmp_path):
    for name in ("2026-07", "2026-08", "2026-08-15", "2026-10", ".2026-09.1.new", "2026-13"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "metrics.csv").write_text("notebook,metric,group,horizon_days,value,low,high,n,too_young,note\n02,a.b,k=2,30,.25,,,,,\n02,a.c,,,,,,,,\n")
        (tmp_path / name / "run.json").write_text('{"memory": "x.parquet"}')
    (tmp_path / "2026-09").mkdir()  # a run that left no numbers
    last = last_publication(tmp_path, date(2026, 10, 31))
    assert (last.name, last.day, last.published["a.b", "k=2", 30]) == ("2026-08", date(2026, 8, 31), 0.25)
    assert last.memory == tmp_path / memory.FOLDER / "x.parquet"
    assert last_publication(tmp_path, date(2026, 11, 30)).name == "2026-10"
    assert last_publication(tmp_path, date(2026, 7, 31)) is None
    (tmp_path / "2026-08" / "run.json").write_text("{")
    assert last_publication(tmp_path, date(2026, 10, 31)).fault == "what was published of 2026-08 cannot be read (JSONDecodeError)"


# The story of a month that is published again: from the command's own function, on the sample, without kernels.

RECORD = """
import retainkit as rk
shop = rk.open_shop(source, as_of=as_of)
second, third = rk.second_purchase(shop, horizons=[30, 365]).drop(columns="at_risk"), rk.next_purchase(shop, k=[2])
rk.record({
    "second_purchase.share": second, "next_purchase.share": third[["k", "horizon_days", "rate", "low", "high", "n"]],
    "repeat_revenue.share": rk.repeat_revenue(shop)[["rate", "low", "high", "n"]],
    "cross_sell.any": rk.cross_sell_any(shop, horizons=[90])[["horizon_days", "rate", "low", "high", "n"]],
    "churn.monthly": rk.monthly_churn(shop)[["month", "rate", "low", "high", "n"]],
    "deals.win_rate": rk.win_rate(shop)[["rate", "low", "high", "n"]]})
"""
TABLES = ("orders", "customers", "deals", "contracts")


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """August, September, October; then late refunds and a merged customer, and October again: both Octobers' run.json and folder."""
    base = tmp_path_factory.mktemp("story")
    shop, books, out = base / "shop", base / "books", base / "out"
    shop.mkdir()
    for name in TABLES:
        shutil.copy(sample_folder() / f"{name}.csv", shop)
    maps = "\n".join(f'[{t}]\npath = "{t}{"*" if t == "orders" else ""}.csv"' for t in TABLES)
    (shop / "retainkit.toml").write_text((sample_folder() / "retainkit.toml").read_text() + maps)
    write_notebook(books, "01_all", parameters='source = "sample"  # what to open\nas_of = ""  # the last day', last=RECORD)
    runs = {}
    with in_process.no_kernels():
        for month in ("2026-08", "2026-09", "2026-10"):
            index, good = report(str(shop), out=out, month=month, notebooks=books, jobs=1)
            runs[month] = json.loads((index.parent / "run.json").read_text())
            assert good, runs[month]
        edits = _rewrite(shop)
        index, good = report(str(shop), out=out, month="2026-10", notebooks=books, jobs=1)
        assert good
        runs["again"] = json.loads((index.parent / "run.json").read_text())
    return {"runs": runs, "edits": edits, "out": out, "shop": shop}


def _rewrite(folder):
    """Late refunds (a file of their own), refunds booked late on old rows, and two new customers found to be one; row counts of each."""
    with (folder / "orders.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    fields = list(rows[0])
    paid = [r for r in rows if r["status"] == "paid" and r["order_type"] == "one_off" and r["customer_id"]]
    summer = [r for r in paid if "2026-08-01" < r["ordered_at"] < "2026-09-15"]
    with (folder / "orders_late_refunds.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fields)
        writer.writeheader()
        writer.writerows({**r, "amount": f"-{r['amount']}", "ordered_at": "2026-09-25T15:00:00Z"} for r in summer[:17])
        writer.writerows({**r, "amount": f"-{r['amount']}", "ordered_at": "2026-10-12T15:00:00Z"} for r in summer[:4])  # not history: October
    for row in summer[20:23]:
        row |= {"status": "refunded", "refunded_at": "2026-09-20T15:00:00Z"}
    flipped = {r["customer_id"] for r in summer[20:23]}
    first = {}
    for row in sorted(paid, key=lambda r: r["ordered_at"]):
        first.setdefault(row["customer_id"], row["ordered_at"])
    new = [c for c, day in first.items() if "2025-01-01" < day < "2026-01-01" and c not in flipped and sum(r["customer_id"] == c for r in paid) > 2]
    stays, goes = new[0], new[1]
    moved = [r for r in rows if r["customer_id"] == goes and r["status"] != "cancelled" and r["ordered_at"] < "2026-10-01T04:00:00Z"]
    for row in rows:
        row["customer_id"] = stays if row["customer_id"] == goes else row["customer_id"]
    with (folder / "orders.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fields)
        writer.writeheader()
        writer.writerows(rows)
    people = (folder / "customers.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "customers.csv").write_text("".join(line for line in people if not line.startswith(f"{goes},")), encoding="utf-8")
    return {"late": 17, "october": 4, "flipped": 3, "merged": len(moved)}


def exact(value):
    return Decimal(repr(value))


def moves(story, run):
    return {(r["metric"], r["horizon_days"]): r for r in story["runs"][run]["notebooks"][0]["changes"]}


@pytest.mark.parametrize("run", ["2026-09", "2026-10", "again"])
def test_story_new_matured_and_restated_are_the_change_to_the_last_digit(story, run):
    rows = moves(story, run)
    assert len(rows) == 7
    for row in rows.values():
        assert exact(row["restated"]) + exact(row["matured"]) + exact(row["new"]) == exact(row["now"]) - exact(row["last"]), row["metric"]


def test_story_what_is_said_of_last_month_is_what_was_published(story):
    with (story["out"] / "2026-09" / "metrics.csv").open(newline="") as file:
        published = {(r["metric"], r["group"], r["horizon_days"]): float(r["value"]) for r in csv.DictReader(file) if r["value"]}
    for row in moves(story, "again").values():
        group = "month=2026-09" if row["metric"] == "churn.monthly" else row["group"]
        assert row["last"] == published[row["metric"], group, f"{row['horizon_days'] or 0:g}" if row["horizon_days"] else ""]


def test_story_nothing_is_restated_while_the_data_only_grow(story):
    for run in ("2026-09", "2026-10"):
        for row in moves(story, run).values():
            assert (row["restated"], row["rows_restated"]) == (0, 0), (run, row["metric"])
    assert story["runs"]["2026-10"]["previous"] == "2026-09"


def test_story_rewritten_rows_are_counted_to_the_row(story):
    edits, rows = story["edits"], moves(story, "again")
    second = rows["second_purchase.share", 30]
    assert edits["merged"] > 2
    assert second["rows_removed"] == edits["merged"] + edits["flipped"]
    assert second["rows_added"] == edits["merged"] + edits["flipped"] + edits["late"]
    assert rows["deals.win_rate", None]["rows_restated"] == rows["churn.monthly", None]["rows_restated"] == 0
    assert second["restated"] != 0
    assert rows["repeat_revenue.share", None]["restated"] < 0  # refunds take repeat revenue away


def test_story_matured_and_new_rows_are_what_a_plain_count_says(story):
    orders = open_shop(story["shop"]).sql("select customer, ordered_on, refunded_on from orders")
    day, refunded = pd.to_datetime(orders["ordered_on"]), pd.to_datetime(orders["refunded_on"])
    known = day.groupby(orders["customer"]).transform("min") <= pd.Timestamp(SEPTEMBER)
    since = known & (day > pd.Timestamp(SEPTEMBER))
    changed_since = (day <= pd.Timestamp(SEPTEMBER)) & (refunded > pd.Timestamp(SEPTEMBER))
    row, before = moves(story, "again")["second_purchase.share", 30], moves(story, "2026-10")["second_purchase.share", 30]
    assert (row["rows_since"], row["rows_changed"], row["rows_new"]) == (since.sum(), changed_since.sum(), (~known).sum())
    assert row["rows_since"] == before["rows_since"] + story["edits"]["october"]
    then = before["rows_now"] - before["rows_since"] - before["rows_new"]  # as September was published
    assert then + row["rows_added"] - row["rows_removed"] + row["rows_since"] + row["rows_new"] == row["rows_now"] == len(orders)


def test_story_page_and_index_tell_it_and_metrics_stay_what_they_were(story):
    page, index = ((story["out"] / "2026-10" / name).read_text() for name in ("01_all.html", "index.html"))
    assert "What changed since 30 September 2026" in page
    rows = story["edits"]["merged"] + 3
    assert f"{2 * rows + 17} restated ({rows + 17} added, {rows} removed)" in page
    assert page.index("came back") < page.index("What changed since")
    said = re.sub("<.*?>", "", index)
    assert re.search(r"Since 30 September 2026: new customers who buy again within 30 days, from 22\.\d\d% to 22\.\d\d% \([−+]0\.\d\d points\)", said)
    assert not re.search("[▲▼]", index)  # nothing is news, so no arrow
    assert "restated" not in (story["out"] / "2026-10" / "metrics.csv").read_text()


def test_story_the_first_report_says_that_nothing_was_published_before(story):
    assert story["runs"]["2026-08"]["previous"] == "2026-07"
    rows = moves(story, "2026-08")
    assert all(r["last"] is None and r["restated"] is None and r["rows_restated"] is None for r in rows.values())
    assert "No report of July 2026 was published here: its values are today&#39;s" in (story["out"] / "2026-08" / "01_all.html").read_text()


def test_story_every_published_month_has_one_memory_of_its_own(story):
    names = sorted(p.name.split(".")[0] for p in (story["out"] / memory.FOLDER).glob("*.parquet"))
    assert names == ["2026-08", "2026-09", "2026-10"]
    assert (story["out"] / memory.FOLDER / story["runs"]["again"]["memory"]).exists()
