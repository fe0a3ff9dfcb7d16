-- As revenue_split, without the invoices of contracts: what was bought order by order, and what of that was paid back.
select count(*) as n, sum(c.repeat) as repeat, sum(c.total) as total,
  sum(cast(cast(c.repeat as double) * cast(c.repeat as double) as decimal(38, 6))) as repeat2,
  sum(cast(cast(c.total as double) * cast(c.total as double) as decimal(38, 6))) as total2,
  sum(cast(cast(c.repeat as double) * cast(c.total as double) as decimal(38, 6))) as both_sum
from (
  select d.customer, sum(o.amount) as total,
    sum(case when d.is_new and coalesce(d.age, 0) <= 0 then 0 else o.amount end) as repeat
  from (
    select l.customer, l.ordered_on as on_day, l.amount
    from orders l
    where l.order_type = 'one_off'
    union all
    select r.customer, r.refunded_on as on_day, -r.amount as amount
    from orders r
    where r.order_type = 'one_off' and r.status = 'refunded'
  ) o
  join days d on d.customer = o.customer and d.on_day = o.on_day
  where d.on_day >= :opens and d.on_day < :closes
  group by d.customer
) c
