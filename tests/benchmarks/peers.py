"""The same questions as answered elsewhere: the pandas of the tutorials, lifetimes, and repeatradar.

The pandas here is written the way tutorials write it, not the way pandas is fastest.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

END = "2025-12-31"


def second_purchase(lines: pd.DataFrame) -> pd.DataFrame:
    """Days to the second purchase, each customer's days ranked."""
    days = lines[["customer_id", "ordered_at"]].drop_duplicates().sort_values(["customer_id", "ordered_at"])
    days["nth"] = days.groupby("customer_id").cumcount() + 1
    first = days[days["nth"] == 1].set_index("customer_id")["ordered_at"]
    second = days[days["nth"] == 2].set_index("customer_id")["ordered_at"]
    wait = (second - first).dt.days
    followed = (pd.Timestamp(END) - first).dt.days
    return pd.DataFrame({"duration": wait.fillna(followed), "event": wait.notna()}).groupby(["duration", "event"]).size().reset_index(name="n")


def retention_purchases(lines: pd.DataFrame) -> pd.DataFrame:
    """The cohort matrix of the tutorials: month strings, a transform, and a count of distinct customers."""
    table = lines[["customer_id", "ordered_at"]].copy()
    table["month"] = table["ordered_at"].dt.to_period("M")
    table["cohort"] = table.groupby("customer_id")["ordered_at"].transform("min").dt.to_period("M")
    return table.groupby(["cohort", "month"])["customer_id"].nunique().reset_index(name="active")


def revenue_by_month(lines: pd.DataFrame) -> pd.DataFrame:
    """New and repeat revenue by month."""
    table = lines[["customer_id", "ordered_at", "amount"]].copy()
    table["first"] = table.groupby("customer_id")["ordered_at"].transform("min")
    table["kind"] = (table["ordered_at"] == table["first"]).map({True: "new", False: "repeat"})
    return table.groupby([table["ordered_at"].dt.to_period("M"), "kind"])["amount"].sum().unstack().reset_index()


def cross_sell_first(lines: pd.DataFrame) -> pd.Series:
    """Days to the first new product line: what each bought on the first day as a set, and every later line looked up in it."""
    table = lines[["customer_id", "ordered_at", "product_line"]].copy()
    table["first"] = table.groupby("customer_id")["ordered_at"].transform("min")
    basket = table[table["ordered_at"] == table["first"]].groupby("customer_id")["product_line"].agg(set).rename("basket")
    later = table[table["ordered_at"] > table["first"]].merge(basket, on="customer_id")
    other = later[later.apply(lambda row: row["product_line"] not in row["basket"], axis=1)]
    return (other.groupby("customer_id")["ordered_at"].min() - other.groupby("customer_id")["first"].min()).dt.days.value_counts()


def summary(lines: pd.DataFrame) -> pd.DataFrame:
    """Frequency, recency and money a customer."""
    from lifetimes.utils import summary_data_from_transaction_data

    return summary_data_from_transaction_data(lines, "customer_id", "ordered_at", "amount", observation_period_end=END).mean()


def matrix(lines: pd.DataFrame) -> pd.DataFrame:
    """repeatradar's cohort matrix, calendar months."""
    from repeatradar import generate_cohort_data

    return generate_cohort_data(lines, "ordered_at", "customer_id", cohort_period="M", period_duration="M", output_format="long")


# peer: (its function, the packages it needs, the kit's tally that answers the same)
PEERS: dict[str, tuple[Callable[[pd.DataFrame], Any], str, str]] = {
    "pandas, days to the second purchase": (second_purchase, "", "second_purchase"),
    "pandas, cohort matrix": (retention_purchases, "", "retention_purchases"),
    "pandas, revenue by month": (revenue_by_month, "", "revenue_by_month"),
    "pandas, first cross-sell": (cross_sell_first, "", "cross_sell_first"),
    "lifetimes, customer summary": (summary, "lifetimes", "second_purchase"),
    "repeatradar, cohort matrix": (matrix, "repeatradar", "retention_purchases"),
}


def prepared(name: str, path: Path) -> Callable[[], Any]:
    """The peer's work from Parquet to answer, its packages imported beforehand."""
    work, package, _ = PEERS[name]
    if package:
        __import__(package)

    def run() -> Any:
        lines = pd.read_parquet(path)
        lines = lines[lines["status"] == "paid"].assign(ordered_at=lambda t: pd.to_datetime(t["ordered_at"]), amount=lambda t: t["amount"].astype(float))
        return len(work(lines))

    return run
