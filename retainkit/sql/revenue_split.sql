-- Revenue from :opens to the day before :closes: of new customers' first purchases and first invoices against all other, with the sums by
-- customer that its interval needs. What was paid and paid back before any purchase that stood counts as new: there was none before it.
select count(*) as n, sum(c.repeat) as repeat, sum(c.total) as total,
  sum(cast(cast(c.repeat as double) * cast(c.repeat as double) as decimal(38, 6))) as repeat2,
  sum(cast(cast(c.total as double) * cast(c.total as double) as decimal(38, 6))) as total2,
  sum(cast(cast(c.repeat as double) * cast(c.total as double) as decimal(38, 6))) as both_sum
from (
  select d.customer, sum(d.amount) as total,
    sum(case when d.is_first then 0 else d.amount end) as repeat
  from days d
  where d.on_day >= :opens and d.on_day < :closes
  group by d.customer
) c
