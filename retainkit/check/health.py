"""What is healthy about an export and what is not: each finding is a sentence with its numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from retainkit.check.amounts import currencies
from retainkit.check.examine import Examined
from retainkit.errors import counted, listed
from retainkit.load.clock import ends_ahead, held_back
from retainkit.load.names import plain, words
from retainkit.load.schema import TABLES
from retainkit.resources import lacks, notebooks_folder
from retainkit.sqltext import literal, quoted

if TYPE_CHECKING:
    from retainkit.check.look import Column
    from retainkit.check.proposal import Proposal
    from retainkit.load.shop import Shop


def rows_read(shop: Shop) -> Iterator[str]:
    """Rows read, kept and rejected, with the commonest reasons and an example of each."""
    ledger = shop.ledger.groupby("table", sort=False)[["rows", "kept", "rejected"]].sum()
    for table, row in ledger.iterrows():
        yield f"{table}: {counted(row['rows'], 'row')} read = {row['kept']:,} kept + {row['rejected']:,} rejected"
        if row["rejected"]:
            rejected = shop.rejected(str(table))
            reasons = (
                rejected.groupby("reason", sort=False)
                .agg(n=("row", "size"), row=("row", "min"), file=("file", "first"))
                .sort_values("n", ascending=False, kind="stable")
            )
            for reason, found in reasons.head(5).iterrows():
                yield f"  {found['n']:,}: {reason} (first: {found['file']} row {found['row']:,})"
            if len(reasons) > 5:
                yield f"  and {counted(len(reasons) - 5, 'more reason')}"


def guests(shop: Shop) -> Iterator[str]:
    """Rows that name no customer."""
    for table in ("orders", "contracts"):
        if table in shop.tables:
            n = int((shop.rejected(table)["reason"] == "`customer_id` is empty (a guest?)").sum())
            total = int(shop.ledger.set_index("table").loc[[table], "rows"].sum())
            yield (
                f"{table}: {n:,} of {counted(total, 'row')} name no customer ({n / max(total, 1):.1%}): they are rejected, and no share counts them"
                if n
                else f"{table}: every row names a customer"
            )


def stand_ins(found: Examined) -> Iterator[str]:
    """One customer with very many rows, who is likely to stand for all those who have no name."""
    orders = next((p for p in found.proposals if p.table == "orders"), None)
    if not found.shop or not orders:
        return
    top = found.shop.sql("""select i.customer_id, t.customer, t.n, t.rows from (select customer, count(*) as n, sum(count(*)) over () as rows from (
        select customer from all_orders using sample reservoir(20000 rows) repeatable (8)) s group by 1) t join ids i on i.customer = t.customer order by t.n desc, i.customer_id limit 20""")
    if len(top) < 20:
        return
    share, nobody = top["n"] / top["rows"], top["customer_id"].map(plain).isin(words()["also"]["nobody"])
    for i in top.index[(nobody & (share >= 0.005)) | ((share >= 0.1) & (top["n"] > 10 * top["n"][1]))]:
        asked = f"select count(case when customer = {top['customer'][i]} then 1 end) as n, count(*) as rows from all_orders"
        n, rows = found.shop.sql(asked).astype(int).iloc[0]
        who = str(top["customer_id"][i])
        line = orders.lines["customer_id"]
        sql = f'trim("{quoted(line)}")' if line in orders.look.names else line
        yield (
            f"orders: the customer {who} has {n:,} of {rows:,} lines ({n / rows:.1%}). If it stands for buyers without a name, they count as one who comes back all the time: "
            f"customer_id = '''nullif({sql}, {literal(who)})''' leaves them out, as guests"
        )


def duplicates(found: Examined) -> Iterator[str]:
    """Rows that are there twice in all their columns."""
    for p in found.proposals:
        if len(p.look.columns) <= 60:
            n = p.one(f"select count(*) - (select count(*) from (select distinct * from {p.look.table}) d) from {{file}}")[0]
            if n:
                kept = "only the first of a key is kept" if TABLES[p.table].key else "they are kept: lines of an order may repeat"
                if p.look.settings.get("overlap") == "once":
                    kept = "of those of several files one is kept"
                yield f"{p.look.seen}: {n:,} rows repeat another one in every column; {kept}"


def fates(shop: Shop) -> Iterator[str]:
    """Cancelled and refunded rows."""
    if "orders" not in shop.tables:
        return
    counts = shop.sql("select status, count(*) as n, count(refunded_on) as dated from all_orders group by 1 order by 1")
    total = int(counts["n"].sum())
    for status, n, dated in zip(counts["status"], counts["n"], counts["dated"], strict=True):
        if status != "paid":
            silent = "none of them says when" if not dated else f"{n - dated:,} of them do not say when"
            undated = f"; {silent}, so they count as given back on the day of the order" if status == "refunded" and n > dated else ""
            yield f"orders: {n:,} of {counted(total, 'line')} {'is' if n == 1 else 'are'} {status} ({n / total:.1%}){undated}"
    below = shop.sql("select count(*) as n, sum(amount) as amount from all_orders where amount < 0").iloc[0]
    if below["n"]:
        yield f"orders: {counted(int(below['n']), 'line has', 'lines have')} an amount below zero ({float(below['amount']):,.2f} in all): money given back, no purchase"
    if not shop.has("orders.status") and not below["n"]:
        yield "orders: no column is read as what became of an order, so all of them count as paid"


def zones(found: Examined) -> Iterator[str]:
    """The time zone, and what a wrong one would move."""
    tz = found.answers.get("tz")
    for p in found.proposals:
        column = p.dated.get(TABLES[p.table].dated_by)
        if not p.timed or not column or not column.days or not column.days.timed:
            continue
        at = column.days.read(column.sql)
        exact = column.days.zoned
        kind = (
            "are counted from 1970, in UTC"
            if "to_timestamp" in at
            else "carry their own offset"
            if exact
            else "carry no offset: they are " + ("read as UTC" if p.utc else "taken as local")
        )
        said = f"{p.look.name}: the times in `{_day_column(p, column)}` {kind}"
        if not tz or tz.removeprefix("Etc/") in ("UTC", "UCT", "GMT", "Zulu", "Universal", "Greenwich"):
            yield said
            continue
        moment = "told" if exact else "timezone('UTC', told)"
        day = f"cast(timezone({literal(tz)}, {moment}) as date)"
        utc = f"cast(timezone('UTC', {moment}) as date)"
        n, days, months, *_ = p.one(f"""
            select count(told), count(case when {day} <> {utc} then 1 end),
                count(case when date_trunc('month', {day}) <> date_trunc('month', {utc}) then 1 end)
            from (select {at} as told from {{file}}) t""")
        if n:
            what = f"by days of UTC instead of {tz}" if exact or p.utc else f"if they are really UTC and not {tz}"
            yield f"{said}; {what}, {days:,} of {counted(n, 'row')} ({days / n:.1%}) fall on another day and {months:,} in another month"


def formats(found: Examined) -> Iterator[str]:
    """How days are written, and what proves it."""
    for p in found.proposals:
        for name, column in p.dated.items():
            if column.days and not column.days.doubt:
                how = "; ".join(filter(None, (" or ".join(column.days.formats), column.days.proof or "the only reading")))
                yield f"{p.behind(column.sql).name} `{_day_column(p, column)}` ({p.table}.{name}): {how}"


def _day_column(p: Proposal, column: Column) -> str:
    """The file's own column that days are read from, also where an expression reads others beside it."""
    return next((n for n in p.reads(column.sql) if n in p.look.columns and p.look.columns[n].kind == "day"), p.column_of(column.sql))


def money(found: Examined) -> Iterator[str]:
    """Currencies that are mixed, or not said."""
    if (
        not any(p.currency for p in found.proposals)
        and "currency" not in found.answers
        and any("amount" in p.lines or "monthly_value" in p.lines for p in found.proposals)
    ):
        yield "no column says which currency the amounts are in: --currency EUR puts it beside them"
    for p in found.proposals:
        counts = currencies(p)
        mixed = found.answers.get("mixed")
        if len(counts) == 1:
            yield f"{p.look.name}: every row is in {next(iter(counts))}"
        elif counts and mixed:
            how = "added as they stand" if mixed == "ALL" else f"only {mixed} is counted"
            yield f"{p.look.name}: {listed(f'{c} {n:,}' for c, n in counts.items())}; {how}"


def calendar(shop: Shop) -> Iterator[str]:
    """First and last day of each table, days without rows, and an end that is not whole."""
    for name in shop.tables:
        table, day = TABLES[name], TABLES[name].day
        row = shop.sql(f"select min({day}) as a, max({day}) as b, count(distinct {day}) as filled from all_{name}").iloc[0]
        if row["a"] != row["a"] or row["a"] is None:
            continue
        first, last = _day(row["a"]), _day(row["b"])
        span = (last - first).days + 1
        without = span - int(row["filled"]) if name in ("orders", "activity") else 0
        empty = f"; {without:,} of the {span:,} days have no row" if without else ""
        by = f" (by {table.dated_by}; other days of it may be later)" if len(table.clock) > 1 else ""
        yield f"{name}: {first} to {last}{by}{empty}"
        if empty and name == "orders":
            yield from _gaps(shop, day)
    yield from _ends(shop)


def _gaps(shop: Shop, day: str) -> Iterator[str]:
    weekdays = shop.sql(f"select dayname({day}) as d from all_orders group by 1")["d"].tolist()
    missing = [d for d in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday") if d not in weekdays]
    if missing and len(missing) < 4:
        yield f"  never an order on a {' or '.join(missing)}"
    gap = shop.sql(f"""select d, next, date_diff('day', d, next) as n, before, rows - before as after from (select d, lead(d) over (order by d) as next,
        sum(n) over (order by d) as before, sum(n) over () as rows from (select {day} as d, count(*) as n from all_orders group by 1) t) g where next is not null order by n desc, d limit 1""")
    if len(gap) and gap["n"][0] > 3:
        last, following, n, before, after = _day(gap["d"][0]), _day(gap["next"][0]), *(int(gap[c][0]) for c in ("n", "before", "after"))
        yield f"  the longest gap: {counted(n - 1, 'day')} after {last}"
        if n > 180 and min(before, after) * 200 < before + after and shop.history_start <= last and following <= shop.as_of:
            few, where, typed = (before, "before", f"--history-start {following}") if before < after else (after, "after", f"--as-of {last}")
            yield f"  only {few:,} of {before + after:,} lines lie {where} it: mistyped days? With them, months and cohorts of years without a shop are counted. To do without: {typed}"


def _ends(shop: Shop) -> Iterator[str]:
    end = shop.as_of
    if held := held_back(shop):
        yield f"{held[0]}. To count them, with the tables that end earlier as they were: --as-of {held[1]}"
    elif ahead := ends_ahead(shop):
        yield f"{ahead[0]}. If these did come, and all others to that day are in the data: --as-of {ahead[1]}"
    if (end + timedelta(days=1)).day != 1:
        yield f"the last month, {end:%B %Y}, ends on day {end.day}: it is never shown as a whole month; the last whole one is {shop.closed_through}"
    if "orders" in shop.tables:
        counts = shop.sql(
            f"select ordered_on as d, count(*) as n from all_orders where ordered_on > cast('{end}' as date) - 57 and ordered_on <= cast('{end}' as date) group by 1"
        )
        rows = {_day(d): int(n) for d, n in zip(counts["d"], counts["n"], strict=True)}
        before = sorted(rows.get(end - timedelta(days=7 * k), 0) for k in range(1, 9))
        usual = (before[3] + before[4]) / 2
        if rows.get(end, 0) * 2 < usual:
            yield f"the last day, {end}, has {counted(rows.get(end, 0), 'row')} where the same weekday usually has {usual:,.0f}: it may be unfinished. To leave it out: --as-of {end - timedelta(days=1)}"


def history(shop: Shop) -> Iterator[str]:
    """The day before which nothing is known, and whether early customers look new when they are not."""
    if "orders" not in shop.tables:
        yield f"{' and '.join(t for t in shop.tables if TABLES[t].clock)} begin on {shop.history_start}: what was before is not known"
        return
    firsts = shop.sql(
        "select date_trunc('month', f) as m, count(*) as n from (select customer, min(ordered_on) as f from all_orders group by 1) t group by 1 order by 1"
    )
    counts = [int(n) for n in firsts["n"]]
    yield f"orders begin on {shop.history_start}: who bought before is not known, and counts as new when first seen"
    later = sorted(counts[1:-1])
    typical = later[len(later) // 2] if len(later) >= 3 else counts[0]
    if counts[0] > max(1.5 * typical, typical + 3 * typical**0.5):  # no month of a few customers, by chance
        yield (
            f"  the first month brings {counted(counts[0], 'customer')}, a later one {typical:,}: many of the first are likely old customers. If you know when the history begins, "
            "say --history-start; the pages on second purchases then start with customers who are really new"
        )
    if shop.has("customers.signed_up_at"):
        n = int(shop.sql(f"select count(*) as n from customers where signed_up_on < {literal(shop.history_start)}")["n"][0])
        if n:
            yield f"  {counted(n, 'customer')} signed up before that day: their first order here may not be their first"


def late_columns(shop: Shop) -> Iterator[str]:
    """Columns that are empty at first and filled later on."""
    for name in shop.tables:
        table = TABLES[name]
        may = (c for c in table.columns if not c.required and c.default is None and c.kind != "day" and c.name != "customer_id")
        columns = [c for c in may if shop.has(f"{name}.{c.name}")]
        firsts = "".join(f", min(case when {c.sql_name} is not null then {table.day} end) as {c.sql_name}" for c in columns)
        row = shop.sql(f"select min({table.day}) as first{firsts} from all_{name}").iloc[0]
        for c in columns:
            if row["first"] == row["first"] and row[c.sql_name] == row[c.sql_name] and (_day(row[c.sql_name]) - _day(row["first"])).days > 31:
                yield f"{name}.{c.name} is filled from {_day(row[c.sql_name])} on, while {name} begins on {_day(row['first'])}: earlier rows have none"


def reports(shop: Shop) -> Iterator[str]:
    """Which pages the data supports, and what would open the others."""
    for path in sorted(notebooks_folder().glob("*.ipynb")):
        about = json.loads(path.read_text(encoding="utf-8"))["metadata"].get("retainkit")
        if about:
            missing = lacks(shop, about.get("needs", []))
            yield f"{'no ' if missing else 'yes'}  {about.get('question', path.stem)}" + (f" It needs {missing}." if missing else "")


def _day(what: Any) -> date:
    return what if type(what) is date else date.fromisoformat(str(what)[:10])
