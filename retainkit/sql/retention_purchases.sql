-- Customers who bought in each calendar month, by the month of their first purchase; months are counted as year * 12 + month - 1.
-- A purchase is the customer's first of its month when the gap to the one before is at least as long as the days of the
-- month gone by, so nobody is counted twice and no customer has to be gathered up. Refunds and invoices (ordinal 0) are
-- no purchase.
select m.cohort + 24000 as cohort, m.month + 24000 as month, m.active
from (
  select date_diff('month', cast('2000-01-01' as date), d.first_on) as cohort,
    date_diff('month', cast('2000-01-01' as date), d.on_day) as month, count(*) as active
  from days d
  where d.is_new and d.ordinal > 0 and (d.ordinal = 1 or d.gap > 30 or d.gap >= extract(day from d.on_day))
  group by 1, 2
) m
order by 1, 2
