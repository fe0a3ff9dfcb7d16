-- Revenue from :opens to the day before :closes: of new customers' first purchases and first invoices against all other, with the sums by
-- customer that its interval needs. What was paid and paid back before any purchase that stood counts as new: there was none before it.
-- One customer's few amounts are added as they are; what is added over customers is decimal, so that it comes out the same in whatever order the engine adds.
select count(*) as n, sum(cast(c.repeat as decimal(38, 4))) as repeat, sum(cast(c.total as decimal(38, 4))) as total,
  sum(cast(c.repeat * c.repeat as decimal(38, 6))) as repeat2,
  sum(cast(c.total * c.total as decimal(38, 6))) as total2,
  sum(cast(c.repeat * c.total as decimal(38, 6))) as both_sum
from (
  select d.customer, sum(cast(d.amount as double)) as total,
    sum(case when d.is_first then 0 else cast(d.amount as double) end) as repeat
  from days d
  where d.on_day >= :opens and d.on_day < :closes
  group by d.customer
) c
