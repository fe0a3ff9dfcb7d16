"""What the tallies are made of, asked of the order lines by queries written for nothing else: the least they can cost there.

Each counts a purchase as `days.sql` does; the money of refunds, orders and what is known of a customer are left out.
"""

from __future__ import annotations

from .world import LINES

DAY = ("customer_id", "ordered_at", "refunded_at", "status", "amount")
LINE = (*DAY, "product_line")

BOUGHT = "o.amount >= 0 and o.status = 'paid'"
FIRSTS = f"(select o.customer, min(o.ordered_on) as first_on from orders o where {BOUGHT} group by o.customer)"
DAYS = f"(select o.customer, o.ordered_on as on_day from orders o where {BOUGHT} group by o.customer, o.ordered_on)"
ROW = "over (partition by d.customer order by d.on_day"
NUMBER, GAP = f"row_number() {ROW}) as ordinal", f"date_diff('day', lag(d.on_day) {ROW}), d.on_day) as gap"
AGE = f"date_diff('day', first_value(d.on_day) {ROW} rows between unbounded preceding and current row), d.on_day) as age"
NEW = """with starts as (select l.customer, l.started_on from line_starts l), firsts as (
  select s.customer, min(s.started_on) as first_on from starts s group by s.customer
), new as (
  select distinct s.customer, f.first_on, s.started_on, date_diff('day', f.first_on, s.started_on) as age
  from starts s
  join firsts f on f.customer = s.customer
  where s.started_on > f.first_on
)"""
SCORED = """(select n.customer, min(n.first_on) as first_on, sum(case when n.age <= 90 then 0.8 else -0.2 end) as score
  from new n where n.age <= 365 group by n.customer)"""

MINIMA = ", ".join(f"min(case when o.product_line = '{line}' then o.ordered_on end) as line_{i}" for i, line in enumerate(LINES))
SCORES = " + ".join(f"case when date_diff('day', w.first_on, w.line_{i}) between 1 and 90 then 0.8 when date_diff('day', w.first_on, w.line_{i}) between 91 and 365 then -0.2 else 0 end" for i in range(len(LINES)))
WIDE = f"""(select w.first_on, {SCORES} as score
  from (select o.customer, min(o.ordered_on) as first_on, {MINIMA} from orders o where {BOUGHT} group by o.customer) w)"""

# what is asked: the columns of the lines it reads, and its query
LEAST: dict[str, tuple[tuple[str, ...], str]] = {
    "first day of each customer": (DAY, f"select count(f.first_on) from {FIRSTS} f"),
    "days on which each bought": (DAY, f"select count(d.on_day) from {DAYS} d"),
    "these numbered": (DAY, f"select sum(d.ordinal) from (select {NUMBER} from {DAYS} d) d"),
    "with the gap": (DAY, f"select sum(d.ordinal), sum(d.gap) from (select {NUMBER}, {GAP} from {DAYS} d) d"),
    "with the gap and the age": (DAY, f"select sum(d.ordinal), sum(d.gap), sum(d.age) from (select {NUMBER}, {GAP}, {AGE} from {DAYS} d) d"),
    "first day of each product line": (LINE, "select count(l.started_on) from line_starts l"),
    "days with a new one, by age": (LINE, f"{NEW} select n.age, count(*) as n from new n group by 1"),
    "these scored by customer, by follow-up": (LINE, f"{NEW} select s.first_on, sum(s.score), sum(s.score * s.score) from {SCORED} s group by 1"),
    "new lines scored, of twelve that are named": (LINE, f"select s.first_on, sum(s.score), sum(s.score * s.score) from {WIDE} s group by 1"),
}
