"""The public data sets in ../shared/data: where each mapping is, what the set is, and from when on a customer counts as new."""

from __future__ import annotations

import runpy
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from retainkit import open_shop
from retainkit.load.shop import Shop

HERE = Path(__file__).parent
DATA = HERE.parents[2] / "shared" / "data"


@dataclass(frozen=True)
class Set:
    """One data set, and what must be known of it before its numbers are read."""

    title: str
    what: str
    burn_in: int = 0  # days at the beginning of the log: whoever is first seen in them was probably there before it
    unfit: dict[str, str] = field(default_factory=dict)  # claim: why the set cannot say


SETS = {
    "cdnow": Set("CDNOW", "a seller of music on the web: 2,357 customers who first bought in the first quarter of 1997, followed to June 1998",
                 unfit={"repeat_20_first_months": "the new customers of one quarter, not a company's revenue"}),
    "online_retail": Set("Online Retail", "a British wholesaler of gifts, December 2010 to 9 December 2011 (UCI); its customers are mostly shops", burn_in=90),
    "complete_journey": Set("Complete Journey", "a year of the baskets of 2,469 households at a grocer's (84.51° and dunnhumby, 2017)", burn_in=90),
    "northwind": Set("Northwind", "a food trader with 89 customers, July 1996 to May 1998; invented"),
    "crm_sales": Set("CRM Sales", "8,800 deals of a maker of computers, 2016 and 2017, without sources; it says of no account when it left; invented (Maven Analytics)"),
}


def opened(name: str, folder: Path, *, burn_in: int | None = None) -> Shop:
    """A set as a shop; customers first seen in the first `burn_in` days (the set's own unless given) do not count as new."""
    shop = open_shop(mapping(name, folder))
    days = SETS[name].burn_in if burn_in is None else burn_in
    return open_shop(mapping(name, folder), history_start=shop.history_start + timedelta(days=days)) if days else shop


def mapping(name: str, folder: Path) -> Path:
    """The path of a set's mapping; Northwind's tables are taken out of its dump first, into `folder`."""
    here = HERE / name
    if name != "northwind":
        return here / "retainkit.toml"
    if not (folder / "retainkit.toml").exists():
        runpy.run_path(str(here / "prepare.py"))["prepare"](DATA / "northwind" / "northwind.sql", folder)
    return folder / "retainkit.toml"
