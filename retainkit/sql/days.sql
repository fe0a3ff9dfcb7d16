-- Customer-days: everything a customer bought on one day is one purchase. A line of negative amount, a refund and the
-- invoice of a running contract move money but are no purchase (ordinal 0). Refunded lines are no purchase unless
-- :refunds = 'in'. The money of a refund falls on the day it was paid back. What is known of the customer stands
-- beside every day, so that most tallies are flat group-bys of this one table; left_age is the age at which the customer
-- first was without a contract, for those who had one.
with lines as (
  select o.customer, o.ordered_on as on_day, o.order_id, o.amount,
    case when o.order_type = 'one_off' and o.amount >= 0 and (o.status = 'paid' or :refunds = 'in') then 1 else 0 end as bought
  from orders o
  union all
  select r.customer, r.refunded_on as on_day, r.order_id, -r.amount as amount, 0 as bought
  from orders r
  where r.status = 'refunded'
), by_order as (
  select l.customer, l.on_day, l.order_id, sum(l.amount) as amount, sum(l.bought) as bought
  from lines l
  group by l.customer, l.on_day, l.order_id
), by_day as (
  select b.customer, b.on_day, sum(b.amount) as amount, sum(b.bought) as bought,
    sum(case when b.bought > 0 then 1 else 0 end) as orders
  from by_order b
  group by b.customer, b.on_day
), new_lines as (
  select s.customer, s.started_on as on_day, count(*) as new_lines, min(s.product_line) as first_line
  from line_starts s
  group by s.customer, s.started_on
), numbered as (
  select d.customer, d.on_day, d.amount, d.orders, d.bought, coalesce(n.new_lines, 0) as new_lines,
    first_value(case when n.new_lines > 1 then 'several' else n.first_line end)
      over (partition by d.customer order by case when d.bought > 0 then 0 else 1 end nulls first, d.on_day nulls first) as entry_line,
    sum(case when d.bought > 0 then 1 else 0 end) over (partition by d.customer order by d.on_day nulls first) as nth,
    max(case when d.bought > 0 then d.on_day end) over (partition by d.customer order by d.on_day nulls first rows between unbounded preceding and 1 preceding) as previous_on,
    min(case when d.bought > 0 then d.on_day end) over (partition by d.customer) as first_on
  from by_day d
  left join new_lines n on n.customer = d.customer and n.on_day = d.on_day
), leavers as (
  select f.customer, min(s.ended_on) as left_on
  from (select distinct customer, first_on from numbered) f
  join spells s on s.customer = f.customer and s.ended_on >= f.first_on
  group by f.customer
)
select n.customer, n.on_day,
  cast(case when n.bought > 0 then n.nth else 0 end as integer) as ordinal,
  cast(date_diff('day', n.first_on, n.on_day) as integer) as age,
  cast(case when n.bought > 0 then date_diff('day', n.previous_on, n.on_day) end as integer) as gap,
  cast(case when n.new_lines > 0 and n.on_day > n.first_on
    then sum(case when n.new_lines > 0 and n.on_day > n.first_on then 1 else 0 end) over (partition by n.customer order by n.on_day nulls first)
    else 0 end as integer) as cross_ordinal,
  cast(n.amount as decimal(18, 4)) as amount,
  cast(n.orders as integer) as orders, cast(n.bought as integer) as lines, cast(n.new_lines as integer) as new_lines,
  n.first_on,
  coalesce(n.first_on, n.on_day) >= :history_start and coalesce(c.signed_up_on, n.first_on, n.on_day) >= :history_start as is_new,
  n.entry_line, c.segment, c.region, c.source, c.owner,
  cast(date_diff('day', n.first_on, l.left_on) as integer) as left_age
from numbered n
left join customers c on c.customer = n.customer
left join leavers l on l.customer = n.customer
order by n.customer, n.on_day
