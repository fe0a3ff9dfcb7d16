-- Revenue from :opens to the day before :closes: of new customers' first purchases and first invoices against all other, with the sums by
-- customer that its interval needs. What was paid and paid back before any purchase that stood counts as new: there was none before it.
-- What is paid back later is taken from the side it had come to: a returned first order is no loss of repeat revenue.
-- One customer's few amounts are added as they are; what is added over customers is decimal, so that it comes out the same in whatever order the engine adds.
select count(*) as n, sum(cast(c.repeat as decimal(38, 4))) as repeat, sum(cast(c.total as decimal(38, 4))) as total,
  sum(cast(c.repeat * c.repeat as decimal(38, 6))) as repeat2,
  sum(cast(c.total * c.total as decimal(38, 6))) as total2,
  sum(cast(c.repeat * c.total as decimal(38, 6))) as both_sum
from (
  select d.customer, sum(cast(d.amount as double)) as total,
    sum(case when d.is_first then -coalesce(b.of_repeat, 0) else cast(d.amount as double) + coalesce(b.of_new, 0) end) as repeat
  from days d
  left join (
    select r.customer, r.refunded_on, sum(case when f.is_first then cast(r.amount as double) else 0 end) as of_new,
      sum(case when f.is_first then 0 else cast(r.amount as double) end) as of_repeat
    from orders r
    join days f on f.customer = r.customer and f.on_day = r.ordered_on
    where r.status = 'refunded'
    group by r.customer, r.refunded_on
  ) b on b.customer = d.customer and b.refunded_on = d.on_day
  where d.on_day >= :opens and d.on_day < :closes
  group by d.customer
) c
