-- As revenue_split, without the invoices of contracts: what was bought order by order, and what of that was paid back. Both are of the
-- day it was bought on, and counted on the day the money moved.
select count(*) as n, sum(cast(c.repeat as decimal(38, 4))) as repeat, sum(cast(c.total as decimal(38, 4))) as total,
  sum(cast(c.repeat * c.repeat as decimal(38, 6))) as repeat2,
  sum(cast(c.total * c.total as decimal(38, 6))) as total2,
  sum(cast(c.repeat * c.total as decimal(38, 6))) as both_sum
from (
  select d.customer, sum(cast(o.amount as double)) as total,
    sum(case when d.is_new and coalesce(d.age, 0) <= 0 then 0 else cast(o.amount as double) end) as repeat
  from (
    select l.customer, l.ordered_on, l.ordered_on as moved_on, l.amount
    from orders l
    where l.order_type = 'one_off'
    union all
    select r.customer, r.ordered_on, r.refunded_on as moved_on, -r.amount as amount
    from orders r
    where r.order_type = 'one_off' and r.status = 'refunded'
  ) o
  join days d on d.customer = o.customer and d.on_day = o.ordered_on
  where o.moved_on >= :opens and o.moved_on < :closes
  group by d.customer
) c
