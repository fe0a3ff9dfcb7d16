-- Customers who bought in each calendar month, by the month of their first purchase. A purchase is the customer's first of
-- its month when the gap to the one before is at least as long as the days of the month gone by, so nobody is counted
-- twice and no customer has to be gathered up. Refunds and invoices (ordinal 0) are no purchase.
select m.cohort, m.month, count(*) as active
from (
  select extract(year from d.first_on) * 12 + extract(month from d.first_on) - 1 as cohort,
    extract(year from d.on_day) * 12 + extract(month from d.on_day) - 1 as month
  from days d
  where d.is_new and d.ordinal > 0 and (d.ordinal = 1 or d.gap >= extract(day from d.on_day))
) m
group by 1, 2
order by 1, 2
