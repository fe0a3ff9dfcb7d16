"""Presets: the export of a known system becomes the tables that the sample company's own files become, to the row."""

from __future__ import annotations

import tomllib
from pathlib import Path

import export_layouts
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import retainkit
from retainkit import open_shop
from retainkit.check.examine import examine
from retainkit.check.presets import presets
from retainkit.check.say import as_text
from retainkit.load.shop import Shop

PRESETS = Path(retainkit.__file__).parent / "presets"
ORDERS = "order_id, i.customer_id, ordered_on, amount, status"
DEALS = "deal_id, i.customer_id, rep, opened_on, closed_on, outcome, amount, source, segment, region"
CONTRACTS = "contract_id, i.customer_id, started_on, cancel_requested_on, ended_on, end_reason, monthly_value"
CUSTOMERS = "i.customer_id, signed_up_on, segment, region, source, owner"
PURCHASE = "order_type = 'one_off'"
MERGED = "(select order_id, customer, min(ordered_on) as ordered_on, sum(amount) as amount, min(status) as status, min(refunded_on) as refunded_on, min(order_type) as order_type from all_orders group by 1, 2)"
# system: its name, and for each table the columns its layout carries, what of the sample is in it, and how its ids are written
CARRIES = {
    "shopify": ("Shopify orders", {"orders": (f"{ORDERS}, product_line, quantity", "all_orders", PURCHASE, ("#{}", "{l}@example.org"))}),
    "woocommerce": ("WooCommerce orders", {"orders": (f"{ORDERS}, product_line, quantity, refunded_on", "all_orders", PURCHASE, ("{n}", "{n}"))}),
    "woocommerce_analytics": ("WooCommerce orders", {"orders": (ORDERS, MERGED, PURCHASE, ("{n}", "person {l}"))}),
    "stripe_dashboard": ("Stripe (exported from the dashboard)", {
        "orders": (f"{ORDERS}, order_type, refunded_on", MERGED, "true", ("ch_{}", "cus_{}")), "contracts": (CONTRACTS, "all_contracts", "true", ("sub_{}", "cus_{}"))}),
    "stripe": ("Stripe (objects of the API)", {
        "orders": (f"{ORDERS}, order_type", MERGED, "true", ("ch_{}", "cus_{}")), "contracts": (CONTRACTS, "all_contracts", "true", ("sub_{}", "cus_{}"))}),
    "invoices": ("Stripe (objects of the API)", {
        "orders": ("order_id, i.customer_id, ordered_on, amount, case when status = 'cancelled' then 'cancelled' else 'paid' end as status, order_type", MERGED, "true", ("in_{}", "cus_{}"))}),
    "hubspot": ("HubSpot", {"deals": (DEALS, "all_deals", "true", ("{}", "{}")), "customers": (CUSTOMERS, "all_customers", "true", ("", "{}"))}),
    "hubspot_contacts": ("HubSpot", {"deals": (DEALS, "all_deals", "true", ("{}", "9{}")), "customers": (CUSTOMERS, "all_customers", "true", ("", "9{}"))}),
    "salesforce": ("Salesforce", {"deals": (DEALS, "all_deals", "true", ("{}", "{}")), "customers": (CUSTOMERS, "all_customers", "true", ("", "{}"))}),
    "pipedrive": ("Pipedrive deals", {"deals": (DEALS, "all_deals", "true", ("{}", "{}"))}),
    "chargebee": ("Chargebee subscriptions", {"contracts": (CONTRACTS, "all_contracts", "true", ("{}", "{}"))}),
    "chartmogul": ("ChartMogul (MRR intervals)", {"contracts": ("i.customer_id, started_on, ended_on, monthly_value", "all_contracts", "true", ("", "cus_{}"))}),
}  # fmt: skip


@pytest.fixture(scope="module")
def sample() -> Shop:
    return open_shop("sample")


def rows(shop: Shop, columns: str, source: str, where: str = "true") -> pd.DataFrame:
    table = shop.sql(f"select {columns} from {source} t left join ids i on i.customer = t.customer where {where}")
    return table.sort_values(list(table.columns), ignore_index=True)


def written(text: str | None, form: str) -> str | None:
    """An id as a system writes it: {} as it is, {l} in small letters, {n} its number."""
    return form.replace("{l}", text.lower()).replace("{n}", str(int(text[1:])) if "{n}" in form else "").replace("{}", text) if text and text == text else text


@pytest.mark.parametrize("name", CARRIES)
def test_an_export_becomes_the_tables_of_the_sample_to_the_row(name: str, sample: Shop, tmp_path: Path) -> None:
    system, tables = CARRIES[name]
    found = examine([export_layouts.write(name, tmp_path / "export")], {"tz": export_layouts.TZ})
    assert not found.trouble
    assert {p.system for p in found.proposals} == {system}
    assert {p.table for p in found.proposals} == set(tables)
    assert found.shop
    assert not found.open_questions
    for table, (columns, source, where, (key, who)) in tables.items():
        expected = rows(sample, columns, source, where)
        expected["customer_id"] = [written(c, who) for c in expected["customer_id"]]
        if key:
            expected[expected.columns[0]] = [written(k, key) for k in expected.iloc[:, 0]]
        expected = expected.sort_values(list(expected.columns), ignore_index=True)
        assert len(expected) > 1000
        assert_frame_equal(rows(found.shop, columns, f"all_{table}"), expected)
    ledger = found.shop.ledger
    assert (ledger["rows"] == ledger["kept"] + ledger["rejected"]).all()
    read = {f.name for p in found.proposals for f in p.look.files}
    assert ledger["rows"].sum() == sum(len(t) for f, t in export_layouts.LAYOUTS[name]().items() if f in read)
    assert read == set(export_layouts.LAYOUTS[name]()) - ({"hubspot-crm-exports-all-contacts.csv"} if name == "hubspot" else set())  # deals are with companies


def test_check_says_which_columns_a_long_expression_is_worked_out_from(tmp_path: Path) -> None:
    said = as_text(examine([export_layouts.write("shopify", tmp_path / "export")], {"tz": export_layouts.TZ}))
    assert "customer_id          worked out from Name, Email, Phone   sure" in said
    assert "different customers by `Email`" in said
    mapping = said.split("Proposed mapping\n")[1].split("\n\n")[0]
    assert "..." not in mapping, "an expression is cut, which tells nobody what it does"


SHOPIFY = "Name,Email,Financial Status,Currency,Subtotal,Shipping,Taxes,Total,Created at,Lineitem quantity,Lineitem name,Lineitem price,{},Refunded Amount,Lineitem discount,Phone\n"


@pytest.mark.parametrize("cancelled", ["Cancelled at", "Canceled at"])
def test_what_shopify_says_was_given_back_in_part_is_taken_off_the_orders_lines(cancelled: str, tmp_path: Path) -> None:
    first = "#{},ann@x.org,{},USD,100.00,5.00,8.00,113.00,2026-03-0{} 10:00:00 +0000,1,Cups,60.00,{},{},0,\n"
    rest = "#{0},ann@x.org,,,,,,,2026-03-0{2} 10:00:00 +0000,1,Pans,40.00,,,0,\n"
    orders = [(1, "partially_refunded", 1, "", "32.40"), (2, "paid", 2, "", "0.00"), (3, "partially_refunded", 3, "", "113.00"), (4, "paid", 4, "2026-03-05 10:00:00 +0000", "0.00")]
    (tmp_path / "orders_export.csv").write_text(SHOPIFY.format(cancelled) + "".join(line.format(*order) for order in orders for line in (first, rest)))
    found = examine([tmp_path], {"tz": "UTC"})
    assert found.shop, found.trouble
    lines = found.shop.sql("select order_id, cast(amount as double) as amount, status from all_orders order by order_id, amount desc").values.tolist()
    # 32.40 of 108 with tax is 30 %; more than the goods cost is all of them
    assert lines == [["#1", 42.0, "paid"], ["#1", 28.0, "paid"], ["#2", 60.0, "paid"], ["#2", 40.0, "paid"], ["#3", 0.0, "paid"], ["#3", 0.0, "paid"],
                     ["#4", 60.0, "cancelled"], ["#4", 40.0, "cancelled"]]


def test_a_change_of_price_ends_no_subscription_and_trials_are_left_out(tmp_path: Path) -> None:
    head = "CUSTOMER_UUID,MRR,START_DATE,END_DATE,PLAN_UUID,QUANTITY,SUBSCRIPTION_UUID,SUBSCRIPTION_SET_UUID,SUB_SET_PLAN_UUIDS,IS_FREE,IS_TRIAL\n"
    rows = ["ann,0,2025-01-01,2025-01-31,p,1,s1,,,false,true", "ann,1000,2025-02-01,2025-05-31,p,1,s1,,,false,false",
            "ann,1500,2025-06-01,,q,1,s1,,,false,false", "bob,900,2025-01-01,2025-03-01,p,1,s2,,,false,false", "bob,900,2025-06-01,2025-07-01,p,1,s2,,,false,false"]  # fmt: skip
    (tmp_path / "intervals.csv").write_text(head + "\n".join(rows) + "\n")
    shop = examine([tmp_path], {"as-of": "2025-12-31"}).shop
    assert shop
    spells = shop.sql("select customer, cast(started_on as varchar) as a, coalesce(cast(ended_on as varchar), '') as b, monthly_value from spells order by 1, 2")
    assert spells.values.tolist() == [[1, "2025-02-01", "", 10], [2, "2025-01-01", "2025-03-01", 9], [2, "2025-06-01", "2025-07-01", 9]]
    assert shop.ledger[["rows", "kept", "rejected"]].values.tolist() == [[5, 4, 1]]


def test_a_line_that_was_refunded_whole_is_refunded_on_its_own_day(tmp_path: Path) -> None:
    head = "order_id,order_date,status,customer_id,billing_email,item_name,item_quantity,item_total,item_refunded,refunds\n"
    rows = ["1,2026-01-05 10:00:00,completed,7,a@x.org,Tea,1,5.00,-5.00,id:2|date:2026-02-03 09:00:00|amount:5.00|reason:", "1,2026-01-05 10:00:00,completed,7,a@x.org,Cup,1,9.00,0,id:2|date:2026-02-03 09:00:00|amount:5.00|reason:"]
    (tmp_path / "orders.csv").write_text(head + "\n".join(rows) + "\n")
    shop = examine([tmp_path], {"tz": "Europe/Berlin", "as-of": "2026-10-31"}).shop
    assert shop
    lines = shop.sql("select product_line, status, coalesce(cast(refunded_on as varchar), '') as day from orders order by 1")
    assert lines.values.tolist() == [["Cup", "paid", ""], ["Tea", "refunded", "2026-02-03"]]


def test_of_companies_and_contacts_those_are_the_customers_whom_the_orders_know(tmp_path: Path) -> None:
    for name in ("shopify", "hubspot"):
        export_layouts.write(name, tmp_path)
    found = examine([tmp_path], {"tz": export_layouts.TZ})
    assert found.shop
    assert {p.table: p.look.name for p in found.proposals}["customers"] == "hubspot-crm-exports-all-contacts.csv"
    assert found.shop.sql("select count(*) as n from orders o join customers c on c.customer = o.customer and c.segment is not null")["n"][0] > 10_000


def test_every_preset_names_its_sources_and_is_tried() -> None:
    assert {preset["name"] for preset in presets()} == {system for system, _ in CARRIES.values()}
    for preset in presets():
        assert preset["facts"]
        assert all(fact.startswith("https://") and ": " in fact for fact in preset["facts"])


@pytest.mark.parametrize("path", sorted(PRESETS.glob("*.toml")), ids=lambda p: p.stem)
def test_a_preset_says_only_what_the_loader_knows(path: Path) -> None:
    from retainkit.load.schema import TABLES

    stated = tomllib.loads(path.read_text(encoding="utf-8"))
    for table, ways in stated.items():
        for way in ways if isinstance(ways, list) else [ways]:
            if table in TABLES and isinstance(way, dict):
                assert set(way) <= {*TABLES[table].names, "signs", "where", "tz", "currency", "email"}


@pytest.mark.parametrize(("name", "said"), [
    ("stripe_dashboard", "`Created date (UTC)` carry no offset: they are read as UTC; by days of UTC instead of America/New_York"), ("stripe", "`created` are counted from 1970, in UTC; by days of UTC"),
    ("shopify", "`Created at` carry their own offset; by days of UTC"), ("pipedrive", "`Deal - Deal created` carry no offset: they are taken as local; if they are really UTC and not America/New_York")])
def test_what_is_said_of_times_is_how_they_are_read(name: str, said: str, tmp_path: Path) -> None:
    assert said in as_text(examine([export_layouts.write(name, tmp_path / "export")], {"tz": export_layouts.TZ})).split("Time zone\n")[1].split("\n\n")[0]


def few_shopify_orders(folder: Path, *orders: tuple[str, str]) -> Path:
    """An order of two lines for each status and price."""
    lines = ["#{0},{0}@x.org,{1},USD,{2},0,0,{2},2026-03-{3:02} 10:00:00 +0000,1,Cups,{2},,0,0,\n#{0},{0}@x.org,,,,,,,2026-03-{3:02} 10:00:00 +0000,1,Pans,0.00,,,0,\n".format(i, status, price, i + 1)
             for i, (status, price) in enumerate(orders)]
    (folder / "orders_export.csv").write_text(SHOPIFY.format("Cancelled at") + "".join(lines))
    return folder


@pytest.mark.parametrize(("answer", "counts"), [("", {"paid": 4, "refunded": 2}), ("out", {"paid": 4, "refunded": 2}), ("paid", {"paid": 6, "refunded": 2}), ("cancelled", {"paid": 4, "cancelled": 2, "refunded": 2})])
def test_rows_of_a_status_that_nobody_knows_are_rejected_until_it_is_said_what_it_is(answer: str, counts: dict[str, int], tmp_path: Path) -> None:
    """The loader would be told that they are paid, were it the last word of a case."""
    few_shopify_orders(tmp_path, ("paid", "5.00"), ("on fire (new)", "5.00"), ("refunded", "5.00"), ("partially_paid", "5.00"))
    found = examine([tmp_path], {"tz": "UTC"} | ({"status": answer} if answer else {}))
    assert found.shop, found.trouble
    assert found.shop.sql("select status, count(*) as n from all_orders group by 1 order by 1").set_index("status")["n"].to_dict() == counts
    asked = "orders_export.csv: `Financial Status` is on fire (new) in 2 rows, which retainkit does not know: rejected until you say what that is"
    assert (asked in as_text(found)) == (not answer)
    if answer in ("", "out"):
        rejected = found.shop.rejected("orders")[["row", "column", "reason", "found"]].values.tolist()
        assert rejected == [[row, "status", "`status` is not one of paid, cancelled, refunded", "on fire (new)"] for row in (4, 5)]


def test_a_system_in_words_that_nobody_knows_is_asked_and_not_guessed(tmp_path: Path) -> None:
    few_shopify_orders(tmp_path, ("bezahlt", "5.00"), ("bezahlt", "5.00"), ("paid", "5.00"))
    found = examine([tmp_path], {"tz": "UTC"})
    assert found.shop is None
    assert [q.key for q in found.open_questions] == ["status"]
    assert as_text(found).endswith("--tz UTC --answer status=WHAT-IT-IS")
    assert examine([tmp_path], {"tz": "UTC", "status": "paid"}).shop


@pytest.mark.parametrize(("layout", "column", "word"), [("woocommerce", "status", "shipped"), ("woocommerce_analytics", "Status", "shipped"), ("stripe_dashboard", "Status", "odd"), ("stripe", "status", "odd"), ("invoices", "status", "odd")])
def test_every_preset_of_orders_asks_what_a_word_is(layout: str, column: str, word: str, tmp_path: Path) -> None:
    table = next(iter(export_layouts.LAYOUTS[layout]().values()))
    table.loc[table.index[5:8], column] = word
    table.to_csv(tmp_path / "orders.csv", index=False)
    found = examine([tmp_path], {"tz": export_layouts.TZ})
    assert [q.text for q in found.questions] == [f"orders.csv: `{column}` is {word} in 3 rows, which retainkit does not know: rejected until you say what that is"]
    assert found.shop, found.trouble
    assert (found.shop.rejected("orders")["found"] == word).sum() == 3


def test_numbers_of_a_preset_are_read_however_they_are_written(tmp_path: Path) -> None:
    few_shopify_orders(tmp_path, ("paid", '"1,100.50"'), ("paid", '"2,200.00"'), ("paid", "12.25"))
    found = examine([tmp_path], {"tz": "UTC"})
    assert found.shop, found.trouble
    assert found.shop.ledger["rejected"].tolist() == [0]
    assert float(found.shop.sql("select sum(amount) as x from all_orders")["x"].item()) == 3312.75
    few_shopify_orders(tmp_path, ("paid", '"1.100,50"'), ("paid", '"2.200,00"'), ("paid", '"12,25"'))
    shop = examine([tmp_path], {"tz": "UTC"}).shop
    assert shop
    assert float(shop.sql("select sum(amount) as x from all_orders")["x"].item()) == 3312.75


def test_a_plain_column_of_a_preset_is_read_as_it_is_written_and_asked_where_it_may_be_either(tmp_path: Path) -> None:
    head = "Deal - ID,Deal - Title,Deal - Status,Deal - Owner,Deal - Organization,Deal - Deal created,Deal - Won time,Deal - Lost time,Deal - Value\n"
    row = '{0},a,Won,Ada,o{0},2026-01-0{0} 10:00:00,2026-02-0{0} 10:00:00,,"{1}"\n'
    (tmp_path / "deals.csv").write_text(head + row.format(1, "1,100.50") + row.format(2, "$2,200") + row.format(3, "300"))
    shop = examine([tmp_path], {"tz": "UTC"}).shop
    assert shop
    assert [float(x) for x in shop.sql("select amount from all_deals order by deal_id")["amount"]] == [1100.5, 2200, 300]
    (tmp_path / "deals.csv").write_text(head + row.format(1, "1,100") + row.format(2, "2,200") + row.format(3, "3,300"))
    assert [q.key for q in examine([tmp_path], {"tz": "UTC"}).open_questions] == ["decimal"]
    shop = examine([tmp_path], {"tz": "UTC", "decimal": "."}).shop
    assert shop
    assert float(shop.sql("select sum(amount) as x from all_deals")["x"].item()) == 6600


def test_a_column_of_ones_own_beside_a_systems_is_read_where_it_is_a_text(tmp_path: Path) -> None:
    """A text is somebody's own column; another kind is not what the system's own column says, and is left unread."""
    head = "Deal - ID,Deal - Title,Deal - Status,Deal - Owner,Deal - Organization,Deal - Deal created,Deal - Won time,Deal - Lost time,region,amount\n"
    (tmp_path / "deals.csv").write_text(head + "".join(f"{i},t,won,Ada,acme,2026-01-0{i} 10:00:00,2026-02-0{i} 10:00:00,,North,soon\n" for i in range(1, 5)))
    found = examine([tmp_path], {"tz": "UTC"})
    assert found.shop, found.trouble
    assert (found.shop.has("deals.region"), found.shop.ledger["kept"].item(), found.proposals[0].system, found.proposals[0].off) == (True, 4, "Pipedrive deals", ["amount"])


HUBSPOT = "Record ID,Deal Name,Deal Stage,Close Date,Deal owner,Amount,Create Date,{}Associated Company IDs\n"


@pytest.mark.parametrize(("heads", "flags"), [
    ("Is Closed Won,Is closed lost", ("true,false", "false,true", "false,false")), ("Is Closed Won,Is Deal Closed?", ("true,true", "false,true", "false,false")),
    ("Is Closed Won", ("true", "false", "false")), ("", ("", "", ""))])
def test_deals_of_hubspot_are_closed_where_a_flag_says_so_and_stages_of_ones_own_are_asked_where_none_can(tmp_path: Path, heads: str, flags: tuple[str, str, str]) -> None:
    rows = [("Contract signed", 0), ("No budget", 1), ("Demo", 2), ("Closed lost", 1), ("Contract sent", 2)]
    text = HUBSPOT.format(f"{heads}," if heads else "")
    text += "".join(f"{i},D,{stage},2026-0{3 + i}-01,Ann,10,2026-01-0{1 + i},{flags[what] + ',' if heads else ''}7{i}\n" for i, (stage, what) in enumerate(rows))
    (tmp_path / "deals.csv").write_text(text)
    unknown = {"outcome:contract signed": "won"} if not heads else {}
    if heads.count(",") == 0:
        assert [q.key for q in examine([tmp_path]).open_questions] == ["outcome"]
        unknown |= {"outcome:no budget": "lost", "outcome:demo": "open"}
    found = examine([tmp_path], unknown)
    assert found.shop, found.trouble
    told = found.shop.sql("select deal_id, outcome, cast(closed_on as varchar) as day from all_deals where outcome <> 'open' order by 1")
    assert told.values.tolist() == [["0", "won", "2026-03-01"], ["1", "lost", "2026-04-01"], ["3", "lost", "2026-06-01"]]
