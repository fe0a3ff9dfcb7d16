"""The sample company in the layouts of other systems: what their exports of it would look like, made from its tables.

Only facts of the vendors' documentation (named in retainkit/presets/) went into these layouts; each function takes the
tables as text and gives the files of an export by name.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
TZ = "America/New_York"
Files = dict[str, pd.DataFrame]


@cache
def sample(name: str) -> pd.DataFrame:
    """A table of the sample company as text, without the rows that were keyed in by hand."""
    table = pd.read_csv(SAMPLE / f"{name}.csv", dtype=str, keep_default_na=False)
    return table[~table.iloc[:, 0].str.startswith("H")].reset_index(drop=True)


def moments(texts: pd.Series, form: str, tz: str = TZ, local: bool = False) -> pd.Series:
    """Times as a system in zone `tz` writes them; days, which are local, are the midnight of New York."""
    at = pd.to_datetime(texts.where(texts != ""), utc=not local, format="ISO8601")
    at = at.dt.tz_localize(TZ) if local else at
    return at.dt.tz_convert(tz).dt.strftime(form).fillna("")


def by_order(orders: pd.DataFrame) -> pd.DataFrame:
    """One row an order: its lines' amounts added."""
    total = orders.assign(amount=orders["amount"].astype(float)).groupby("order_id", sort=False)["amount"].sum().round(2)
    return orders.drop_duplicates("order_id").assign(amount=lambda t: t["order_id"].map(total)).reset_index(drop=True)


def shopify() -> Files:
    """A line a row; the order's own values on its first row only; times with the shop's offset."""
    lines = sample("orders")[lambda t: t["order_type"] == "one_off"].reset_index(drop=True)
    amount, quantity = lines["amount"].astype(float), lines["quantity"].astype(int)
    price = np.ceil((amount / quantity * 100).round(6)) / 100
    first = ~lines["order_id"].duplicated()
    at = moments(lines["ordered_at"], "%Y-%m-%d %H:%M:%S %z")
    subtotal = lines["order_id"].map(amount.groupby(lines["order_id"]).sum().round(2))
    total = (subtotal + 4.9).map("{:.2f}".format)

    def once(values: pd.Series) -> pd.Series:
        return values.where(first, "")

    table = pd.DataFrame({
        "Name": "#" + lines["order_id"], "Email": lines["customer_id"].map(lambda c: f"{c.lower()}@example.org" if c else ""),
        "Financial Status": once(lines["status"].map({"paid": "paid", "cancelled": "voided", "refunded": "refunded"})),
        "Paid at": once(at), "Fulfillment Status": once(pd.Series("fulfilled", lines.index)), "Currency": once(pd.Series("USD", lines.index)),
        "Subtotal": once(subtotal.map("{:.2f}".format)), "Shipping": once(pd.Series("4.90", lines.index)), "Total": once(total), "Created at": once(at),
        "Lineitem quantity": quantity, "Lineitem name": lines["product_line"] + " - Large", "Lineitem price": price.map("{:.2f}".format),
        "Cancelled at": once(at.where(lines["status"] == "cancelled", "")), "Refunded Amount": once(total.where(lines["status"] == "refunded", "0.00")),
        "Phone": "", "Id": once(pd.Series(range(10**9, 10**9 + len(lines)), lines.index).astype(str)),
        "Lineitem discount": (price * quantity - amount).round(2).map("{:.2f}".format)})  # fmt: skip
    half = int(first[first].index[first.sum() // 2])  # where an order begins
    return {"orders_export_1.csv": table.iloc[:half], "orders_export_2.csv": table.iloc[half:]}


def woocommerce() -> Files:
    """A line item a row, local times, a customer number of 0 for a guest, refunds with their days in one cell."""
    lines = sample("orders")[lambda t: t["order_type"] == "one_off"].reset_index(drop=True)
    table = pd.DataFrame({
        "order_id": lines["order_id"].str[1:].astype(int), "order_date": moments(lines["ordered_at"], "%Y-%m-%d %H:%M:%S"),
        "status": lines["status"].map({"paid": "completed", "cancelled": "cancelled", "refunded": "refunded"}), "order_currency": "USD",
        "customer_id": lines["customer_id"].map(lambda c: int(c[1:]) if c else 0), "billing_email": lines["customer_id"].map(lambda c: f"{c.lower()}@example.org" if c else ""),
        "item_name": lines["product_line"], "item_quantity": lines["quantity"], "item_total": lines["amount"],
        "item_refunded": lines["amount"].where(lines["status"] == "refunded", "0"),
        "refunds": moments(lines["refunded_at"], "id:7|date:2020-01-01 00:00:00|amount:1.00|reason:part;id:8|date:%Y-%m-%d %H:%M:%S|amount:9.00|reason:")})  # fmt: skip
    return {"woocommerce-orders.csv": table}


def woocommerce_analytics() -> Files:
    """The download every shop has: an order a row, a customer by name alone."""
    orders = by_order(sample("orders")[lambda t: (t["order_type"] == "one_off") & (t["customer_id"] != "")])
    return {"wc-orders-report-export.csv": pd.DataFrame({
        "Date": moments(orders["ordered_at"], "%Y-%m-%d %H:%M:%S"), "Order #": orders["order_id"].str[1:].astype(int), "N. Revenue (formatted)": "$" + orders["amount"].map("{:,.2f}".format),
        "Status": orders["status"].map({"paid": "completed", "cancelled": "failed", "refunded": "refunded"}), "Customer": "Person " + orders["customer_id"], "Customer type": "new",
        "Product(s)": "1× Coffee", "Items sold": "1", "Coupon(s)": "", "Net Sales": orders["amount"].map("{:.2f}".format), "Attribution": "Direct"})}  # fmt: skip


def stripe_dashboard() -> Files:
    """Payments in the main unit of the currency, subscriptions with a month's amount; times in UTC without saying so in the value."""
    orders, held = by_order(sample("orders")), sample("contracts")
    form = "%Y-%m-%d %H:%M:%S"
    payments = pd.DataFrame({
        "id": "ch_" + orders["order_id"], "Description": "", "Created date (UTC)": moments(orders["ordered_at"], form, "UTC"), "Amount": orders["amount"].map("{:.2f}".format),
        "Amount Refunded": orders["amount"].where(orders["status"] == "refunded", 0).map("{:.2f}".format), "Currency": "usd",
        "Refunded date (UTC)": moments(orders["refunded_at"], form, "UTC"), "Status": orders["status"].map({"paid": "Paid", "cancelled": "Failed", "refunded": "Refunded"}),
        "Customer ID": orders["customer_id"].map(lambda c: f"cus_{c}" if c else ""), "Customer Email": "",
        "Invoice ID": ("in_" + orders["order_id"]).where(orders["order_type"] == "recurring", "")})  # fmt: skip
    subscriptions = pd.DataFrame({
        "id": "sub_" + held["contract_id"], "Customer ID": "cus_" + held["customer_id"], "Plan": "price_1", "Quantity": 1, "Interval": "month", "Amount": held["monthly_value"],
        "Status": np.where(held["ended_at"] == "", "active", "canceled"), "Created (UTC)": moments(held["started_at"], form, "UTC", local=True),
        "Start (UTC)": moments(held["started_at"], form, "UTC", local=True), "Canceled At (UTC)": moments(held["cancel_requested_at"], form, "UTC"),
        "Ended At (UTC)": moments(held["ended_at"], form, "UTC", local=True), "Cancellation Reason": held["end_reason"]})  # fmt: skip
    return {"unified_payments.csv": payments, "subscriptions.csv": subscriptions}


def seconds(texts: pd.Series, local: bool = False) -> pd.Series:
    """Times as seconds since 1970, empty where there is none."""
    return pd.to_datetime(moments(texts, "%Y-%m-%dT%H:%M:%S", "UTC", local)).map(lambda t: "" if pd.isna(t) else str(int(t.timestamp())))


def stripe() -> Files:
    """Charges and subscriptions as the API has them: cents, seconds since 1970."""
    orders, held = by_order(sample("orders")), sample("contracts")
    cents = (orders["amount"] * 100).round().astype(int)
    charges = pd.DataFrame({
        "id": "ch_" + orders["order_id"], "amount": cents, "amount_refunded": cents.where(orders["status"] == "refunded", 0), "created": seconds(orders["ordered_at"]),
        "currency": "usd", "customer": orders["customer_id"].map(lambda c: f"cus_{c}" if c else ""), "status": np.where(orders["status"] == "cancelled", "failed", "succeeded"),
        "refunded": np.where(orders["status"] == "refunded", "true", "false"), "invoice": ("in_" + orders["order_id"]).where(orders["order_type"] == "recurring", "")})  # fmt: skip
    subscriptions = pd.DataFrame({
        "id": "sub_" + held["contract_id"], "customer": "cus_" + held["customer_id"], "status": np.where(held["ended_at"] == "", "active", "canceled"), "currency": "usd",
        "start_date": seconds(held["started_at"], True), "canceled_at": seconds(held["cancel_requested_at"]), "ended_at": seconds(held["ended_at"], True),
        "cancellation_reason": held["end_reason"], "plan_amount": (held["monthly_value"].astype(float) * 100).round().astype(int), "plan_interval": "month", "quantity": 1})  # fmt: skip
    return {"charges.csv": charges, "subscriptions.csv": subscriptions}


def invoices() -> Files:
    """Invoices alone, as the API has them."""
    orders = by_order(sample("orders"))
    table = pd.DataFrame({
        "id": "in_" + orders["order_id"], "amount_paid": (orders["amount"] * 100).round().astype(int), "billing_reason": np.where(orders["order_type"] == "recurring", "subscription_cycle", "manual"),
        "created": seconds(orders["ordered_at"]), "currency": "usd", "customer": orders["customer_id"].map(lambda c: f"cus_{c}" if c else ""),
        "status": np.where(orders["status"] == "cancelled", "void", "paid")})  # fmt: skip
    return {"invoices.csv": table}


def hubspot() -> Files:
    """Deals, companies and contacts with the labels of their properties, times of the account's zone to the minute."""
    deals, people = sample("deals"), sample("customers")
    form = "%Y-%m-%d %H:%M"
    close = moments(deals["closed_at"], form).where(deals["outcome"] != "open", "2027-01-31 12:00")
    table = pd.DataFrame({
        "Record ID": deals["deal_id"], "Deal Name": "Machines", "Deal Stage": deals["outcome"].map({"won": "Closed won", "lost": "Closed lost", "open": "Qualified to buy"}),
        "Close Date": close, "Create Date": moments(deals["opened_at"], form), "Deal owner": deals["rep"], "Amount": deals["amount"],
        "Associated Company IDs (Primary)": deals["customer_id"], "Associated Company IDs": deals["customer_id"] + ";K99", "Original Traffic Source": deals["source"], "Segment": deals["segment"], "Region": deals["region"]})  # fmt: skip
    companies = pd.DataFrame({
        "Record ID": people["customer_id"], "Company name": "A firm", "Company Domain Name": "", "Company owner": people["owner"], "Create Date": moments(people["signed_up_at"], form),
        "Original Traffic Source": people["source"], "Segment": people["segment"], "Region": people["region"]})  # fmt: skip
    contacts = pd.DataFrame({
        "Record ID": "9" + people["customer_id"], "First Name": "A", "Last Name": "B", "Email": people["customer_id"].str.lower() + "@example.org", "Contact owner": people["owner"],
        "Create Date": moments(people["signed_up_at"], form), "Original Traffic Source": people["source"], "Segment": people["segment"], "Region": people["region"]})  # fmt: skip
    return {"hubspot-crm-exports-all-companies.csv": companies, "hubspot-crm-exports-all-contacts.csv": contacts, "hubspot-crm-exports-all-deals.csv": table}


def hubspot_contacts() -> Files:
    """Deals and the contacts they are with."""
    _, contacts, deals = hubspot().items()
    ids = deals[1].pop("Associated Company IDs (Primary)")
    return dict([contacts, (deals[0], deals[1].drop(columns="Associated Company IDs").assign(**{"Associated Contact IDs": ("9" + ids).where(ids != "", "")}))])


def salesforce() -> Files:
    """A file an object, with the names of the API's fields; times in UTC, close dates as days."""
    deals, people = sample("deals"), sample("customers")
    form = "%Y-%m-%dT%H:%M:%S.000+0000"
    table = pd.DataFrame({
        "Id": deals["deal_id"], "IsDeleted": "false", "AccountId": deals["customer_id"], "Name": "Machines", "StageName": deals["outcome"].map({"won": "Closed Won", "lost": "Closed Lost", "open": "Proposal"}),
        "Amount": deals["amount"], "CloseDate": moments(deals["closed_at"], "%Y-%m-%d").where(deals["outcome"] != "open", "2027-01-31"), "LeadSource": deals["source"],
        "IsClosed": np.where(deals["outcome"] == "open", "false", "true"), "IsWon": np.where(deals["outcome"] == "won", "true", "false"), "OwnerId": deals["rep"],
        "CreatedDate": moments(deals["opened_at"], form, "UTC"), "Segment__c": deals["segment"], "Region__c": deals["region"]})  # fmt: skip
    accounts = pd.DataFrame({
        "Id": people["customer_id"], "IsDeleted": "false", "Name": "A firm", "Industry": "", "BillingCountry": "USA", "OwnerId": people["owner"], "AccountSource": people["source"],
        "CreatedDate": moments(people["signed_up_at"], form, "UTC"), "Segment__c": people["segment"], "Region__c": people["region"]})  # fmt: skip
    return {"Opportunity.csv": table, "Account.csv": accounts}


def pipedrive() -> Files:
    """Deals with headers that carry the kind of record."""
    deals = sample("deals")
    form = "%Y-%m-%d %H:%M:%S"
    closed = moments(deals["closed_at"], form)
    return {"deals.csv": pd.DataFrame({
        "Deal - ID": deals["deal_id"], "Deal - Title": "Machines", "Deal - Organization": deals["customer_id"], "Deal - Owner": deals["rep"], "Deal - Value": deals["amount"],
        "Deal - Currency of Value": "USD", "Deal - Status": deals["outcome"].str.title(), "Deal - Deal created": moments(deals["opened_at"], form),
        "Deal - Won time": closed.where(deals["outcome"] == "won", ""), "Deal - Lost time": closed.where(deals["outcome"] == "lost", ""),
        "Deal - Source channel": deals["source"], "Deal - Segment": deals["segment"], "Deal - Region": deals["region"]})}  # fmt: skip


def chargebee() -> Files:
    """Subscriptions with monthly revenue in cents."""
    held = sample("contracts")
    form = "%Y-%m-%dT%H:%M:%SZ"
    return {"subscriptions.csv": pd.DataFrame({
        "id": held["contract_id"], "customer_id": held["customer_id"], "status": np.where(held["ended_at"] == "", "active", "cancelled"), "currency_code": "USD",
        "started_at": moments(held["started_at"], form, "UTC", local=True), "cancel_schedule_created_at": moments(held["cancel_requested_at"], form, "UTC"),
        "cancelled_at": moments(held["ended_at"], form, "UTC", local=True), "cancel_reason": held["end_reason"], "mrr": (held["monthly_value"].astype(float) * 100).round().astype(int)})}  # fmt: skip


def chartmogul() -> Files:
    """MRR intervals in cents, one a contract."""
    held = sample("contracts")
    return {"mrr_intervals.csv": pd.DataFrame({
        "CUSTOMER_UUID": "cus_" + held["customer_id"], "MRR": (held["monthly_value"].astype(float) * 100).round().astype(int), "START_DATE": held["started_at"], "END_DATE": held["ended_at"],
        "PLAN_UUID": "pl_1", "QUANTITY": 1, "SUBSCRIPTION_UUID": "sub_" + held["contract_id"], "IS_FREE": "false", "IS_TRIAL": "false"})}  # fmt: skip


LAYOUTS = {f.__name__: cache(f) for f in (
    shopify, woocommerce, woocommerce_analytics, stripe_dashboard, stripe, invoices, hubspot, hubspot_contacts, salesforce, pipedrive, chargebee, chartmogul)}  # fmt: skip


def write(name: str, folder: Path) -> Path:
    """The files of an export, written into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for file, table in LAYOUTS[name]().items():
        table.to_csv(folder / file, index=False)
    return folder
