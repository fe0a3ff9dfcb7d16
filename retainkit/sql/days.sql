-- Customer-days: everything a customer bought on one day is one purchase. A line of negative amount, a refund and the
-- invoice of a running contract move money but are no purchase (ordinal 0). Refunded lines are no purchase unless
-- :refunds = 'in'. The money of a refund falls on the day it was paid back. What is known of the customer stands
-- beside every day, so that most tallies are flat group-bys of this one table; left_age is the age at which the customer
-- first was without a contract, for those who had one; is_first marks the money of a new customer's first purchase, and of an invoice
-- that came before it as the first one. One pass over the lines, one sort, and joins to keys that are
-- grouped where they are made, once for the two that need them. Purchases are sorted before the days without one, so that
-- a place in the row is the ordinal and the row before is the previous purchase: no frame has to be searched.
with lines as (
  select o.customer, o.ordered_on as on_day, o.order_id, o.amount,
    case when o.order_type = 'one_off' and o.amount >= 0 and (o.status = 'paid' or :refunds = 'in') then 1 else 0 end as bought
  from orders o
  union all
  select r.customer, r.refunded_on as on_day, r.order_id, -r.amount as amount, 0 as bought
  from orders r
  where r.status = 'refunded'
), by_order as (
  select l.customer, l.on_day, l.order_id, cast(sum(l.amount) as decimal(18, 4)) as amount, cast(sum(l.bought) as integer) as bought
  from lines l
  group by l.customer, l.on_day, l.order_id
), by_day as (
  select b.customer, b.on_day, cast(sum(b.amount) as decimal(18, 4)) as amount, cast(sum(b.bought) as integer) as bought,
    case when sum(b.bought) > 0 then b.on_day end as bought_on, case when sum(b.bought) > 0 then 0 else 1 end as idle,
    cast(sum(case when b.bought > 0 then 1 else 0 end) as integer) as orders
  from by_order b
  group by b.customer, b.on_day
), starts as (
  select t.customer, t.started_on, count(*) as new_lines, min(t.product_line) as first_line
  from line_starts t
  group by t.customer, t.started_on
), numbered as (
  select d.customer, d.on_day, d.amount, d.orders, d.bought, cast(coalesce(s.new_lines, 0) as integer) as new_lines,
    row_number() over (partition by d.customer order by d.idle nulls first, d.on_day nulls first) as nth,
    lag(d.on_day) over (partition by d.customer order by d.idle nulls first, d.on_day nulls first) as previous_on,
    first_value(d.bought_on) over (partition by d.customer order by d.idle nulls first, d.on_day nulls first
      rows between unbounded preceding and current row) as first_on,
    count(s.new_lines) over (partition by d.customer order by d.idle nulls first, d.on_day nulls first
      rows between unbounded preceding and current row) as nth_new
  from by_day d
  left join starts s on s.customer = d.customer and s.started_on = d.on_day
)
select n.customer, n.on_day,
  cast(case when n.bought > 0 then n.nth else 0 end as integer) as ordinal,
  cast(date_diff('day', n.first_on, n.on_day) as integer) as age,
  cast(case when n.bought > 0 then date_diff('day', n.previous_on, n.on_day) end as integer) as gap,
  cast(case when n.new_lines > 0 and n.on_day > n.first_on
    then n.nth_new - case when e.new_lines > 0 then 1 else 0 end else 0 end as integer) as cross_ordinal,
  n.amount, n.orders, n.bought as lines, n.new_lines, n.first_on,
  coalesce(n.first_on, n.on_day) >= :history_start and coalesce(c.signed_up_on, n.first_on, n.on_day) >= :history_start as is_new,
  case when n.on_day > n.first_on then false when n.on_day < n.first_on or n.first_on is null then n.on_day = coalesce(v.invoiced_on, n.on_day)
    else true end
    and coalesce(case when n.on_day = n.first_on then n.first_on else v.invoiced_on end, n.first_on, n.on_day) >= :history_start
    and coalesce(c.signed_up_on, case when n.on_day = n.first_on then n.first_on else v.invoiced_on end, n.first_on, n.on_day) >= :history_start as is_first,
  case when e.new_lines > 1 then 'several' else e.first_line end as entry_line,
  c.segment, c.region, c.source, c.owner,
  cast(date_diff('day', n.first_on, l.left_on) as integer) as left_age
from numbered n
left join starts e on e.customer = n.customer and e.started_on = n.first_on
left join customers c on c.customer = n.customer
left join (
  select f.customer, min(s.ended_on) as left_on
  from (
    select o.customer, min(o.ordered_on) as first_on
    from orders o
    where o.order_type = 'one_off' and o.amount >= 0 and (o.status = 'paid' or :refunds = 'in')
    group by o.customer
  ) f
  join spells s on s.customer = f.customer and s.ended_on > f.first_on
  group by f.customer
) l on l.customer = n.customer
left join (
  select o.customer, min(o.ordered_on) as invoiced_on
  from orders o
  where o.order_type = 'recurring' and o.amount > 0 and (o.status = 'paid' or :refunds = 'in')
  group by o.customer
) v on v.customer = n.customer
order by n.customer, n.on_day
