"""Where the files that travel with the package are: the notebooks and the sample company's tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from retainkit.errors import MissingDataError
from retainkit.load.schema import TABLES

if TYPE_CHECKING:
    from retainkit.load.shop import Shop


PACKAGED = "_notebooks"  # what a wheel calls their folder


def notebooks_folder() -> Path:
    """The folder of the kit's notebooks: the checkout's, or the copy inside an installed package."""
    return _folder(PACKAGED, "notebooks")


def sample_folder() -> Path:
    """The folder of the sample company's tables: the checkout's, or the copy inside an installed package."""
    return _folder("_sample", "data/sample")


def _folder(packaged: str, checkout: str) -> Path:
    """The packaged folder where there is one (a wheel), else the one beside the package (a checkout)."""
    package = Path(__file__).resolve().parent
    for folder in (package / packaged, package.parent / checkout):
        if folder.is_dir():
            return folder
    raise MissingDataError(
        "retainkit", f"the folder {checkout} is not installed with it", remedy="pip install --force-reinstall retainkit"
    )


def lacks(shop: Shop, needs: Sequence[str]) -> str:
    """What the shop lacks of a notebook's needs ("deals.rep", "a.x|b.y" for either), as words; empty when nothing."""
    return "; ".join(" or ".join(_place(shop, option) for option in need.split("|")) for need in unmet(shop, needs))


def unmet(shop: Shop, needs: Sequence[str]) -> list[str]:
    """Those of some needs that the shop does not meet."""
    return [need for need in needs if not any(shop.has(option) for option in need.split("|"))]


def nobody(shop: Shop, some: Mapping[str, str]) -> str:
    """What the shop has no row of (`from` and `where` of a query, with {as_of} where it needs that day, and what its
    rows are), as words; empty when there is one of each.
    """
    return "; ".join(what for rows, what in some.items() if not shop.sql(f"select count(*) as n from {rows.format(as_of=shop.as_of)}")["n"].item())


def names_in(shop: Shop, place: str) -> list[str]:
    """What stands in a column of a shop (`customers.segment`), as texts in order; nothing where it has no such column."""
    table, _, column = place.partition(".")
    asked = f"select distinct cast({column} as varchar) as name from {table} where {column} is not null"
    return sorted(shop.sql(asked)["name"]) if shop.has(place) else []


def _place(shop: Shop, need: str) -> str:
    """`deals.rep` as words: the column, with those its table cannot be read without where there is no such table; rows, where it has none."""
    name, _, column = need.partition(".")
    if name in shop.tables or name not in TABLES:
        columns = [column] if column else []
    elif name in shop._store.facts:
        return f"rows in the table `{name}`, {'of which none was kept' if sum(f['rows'] for f in shop._store.facts[name]['files']) else 'which has none'}"
    else:
        columns = [c.name for c in TABLES[name].columns if c.required or c.name == column]
    return f"a table `{name}`" + (f" with {', '.join(f'`{c}`' for c in columns)}" if columns else "")
