-- Revenue from :opens to the day before :closes: of new customers' first purchases and first invoices against all other, with the sums by
-- customer that its interval needs. What was paid and paid back before any purchase that stood counts as new: there was none before it.
-- What is paid back later is taken from the side it had come to: a returned first order is no loss of repeat revenue.
-- One customer's few amounts are added as they are; what is added over customers is decimal, so that it comes out the same in whatever order the engine adds.
select count(*) as n, sum(c.repeat) as repeat, sum(c.total) as total, sum(cast(c.repeat as decimal(38, 4)) * c.repeat) as repeat2,
  sum(cast(c.total as decimal(38, 4)) * c.total) as total2, sum(cast(c.repeat as decimal(38, 4)) * c.total) as both_sum
from (
  select cast(sum(m.total) as decimal(18, 4)) as total, cast(sum(m.repeat) as decimal(18, 4)) as repeat
  from (
    select d.customer, cast(d.amount as double) as total, case when d.is_first then 0 else cast(d.amount as double) end as repeat
    from days d
    where d.on_day >= :opens and d.on_day < :closes
    union all
    select b.customer, cast(0 as double) as total, -cast(b.to_new as double) as repeat
    from paid_back b
    where b.to_new <> 0 and b.on_day >= :opens and b.on_day < :closes
  ) m
  group by m.customer
) c
