"""Order lines of a made-up shop, as many as you like: the same rows for the same arguments (and version of DuckDB).

A tenth as many customers as lines. About a third of them buy on one day only; the others follow a long tail, up to 300
orders. They come all through three years, buy less often as time goes by, mostly one of twelve product lines.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import duckdb

FIRST_DAY, DAYS = "2023-01-01", 1096
LINES = ("Coffee", "Tea", "Cups", "Kettles", "Grinders", "Filters", "Syrups", "Snacks", "Books", "Gifts", "Spares", "Courses")
IDS = {"number": "c.i", "text": "cast(md5(cast(c.i as varchar)) as uuid)::varchar"}
FORMS = {"parquet": "(format parquet)", "csv": "(format csv, header)"}

WORLD = """
create or replace temp macro draw(i, salt) as (hash(i, salt) % 1000003) / 1000003.0;
copy (
  with customers as (
    select i, cast(floor({days} * 0.97 * draw(i, 1)) as integer) as start,
      case when draw(i, 2) < 0.33 then 1
        else least(1 + cast(ceil(2.25 * power((1 - draw(i, 2)) / 0.67, -0.62)) as integer), 300) end as orders
    from range({customers}) t(i)
  ), orders as (
    select c.i * 512 + j as id, {customer_id} as customer_id, c.i % 12 as favourite,
      date '{first_day}' + c.start + cast(floor(({days} - c.start) * power(draw(c.i * 512 + j, 3), 1.6)) as integer) * cast(j > 0 as integer) as ordered_at,
      case when draw(c.i * 512 + j, 4) < 0.02 then 'cancelled' when draw(c.i * 512 + j, 4) < 0.05 then 'refunded' else 'paid' end as status
    from customers c, unnest(range(c.orders)) o(j)
  )
  select o.id as order_id, o.customer_id, o.ordered_at, cast(2 + 80 * power(draw(o.id * 4 + n, 5), 3) as decimal(18, 2)) as amount,
    {lines}[1 + case when draw(o.id * 4 + n, 6) < 0.6 then o.favourite else cast(floor(12 * power(draw(o.id * 4 + n, 7), 2)) as integer) end] as product_line,
    o.status, case when o.status = 'refunded' then o.ordered_at + 1 + cast(hash(o.id, 8) % 20 as integer) end as refunded_at
  from orders o, unnest(range(1 + cast(hash(o.id, 9) % 3 as integer))) l(n)
  order by o.ordered_at, o.id, n
  limit {rows}
) to '{path}' {form}
"""


def folder() -> Path:
    """Where the made-up shops and their caches are kept: RETAINKIT_BENCHMARKS, or a folder among the temporary ones."""
    return Path(os.environ.get("RETAINKIT_BENCHMARKS") or Path(tempfile.gettempdir()) / "retainkit-benchmarks")


def world(rows: int, *, ids: str = "number", form: str = "parquet") -> Path:
    """A folder with one file of `rows` order lines, made if it is not there yet.

    Parameters
    ----------
    rows
        Order lines.
    ids
        "number" for whole numbers, "text" for customer ids of 36 characters.
    form
        "parquet" or "csv".
    """
    home = folder() / f"{rows}_{ids}_{form}"
    path = home / f"orders.{form}"
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        aside = home / "writing"
        text = WORLD.format(rows=rows, customers=max(rows // 10, 1), days=DAYS, first_day=FIRST_DAY, lines=list(LINES),
                            customer_id=IDS[ids], path=aside, form=FORMS[form])
        with duckdb.connect() as con:
            con.execute(f"set temp_directory = '{home / 'spill'}'; set memory_limit = '4GB'")
            for statement in text.split(";"):
                con.execute(statement)
        aside.rename(path)
    return home
