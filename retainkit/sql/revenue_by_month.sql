-- Revenue of each calendar month: new (first purchases and first invoices of new customers) and repeat (everything else); what is
-- paid back is taken from the side it had come to, on the day it was. A customer is counted on the first purchase of the month: the one
-- whose gap is at least as long as the days of the month gone by.
select cast(date_trunc('month', t.on_day) as date) as month, sum(t.total) as total, sum(t.new) as new,
  sum(t.repeat) as repeat, cast(sum(t.new_customers) as bigint) as new_customers,
  cast(sum(t.customers) as bigint) as customers
from (
  select d.on_day, sum(d.amount) as total, sum(case when d.is_first then d.amount else 0 end) as new,
    sum(case when d.is_first then 0 else d.amount end) as repeat,
    sum(case when d.ordinal = 1 and d.is_new then 1 else 0 end) as new_customers,
    sum(case when d.ordinal = 1 or (d.ordinal > 1 and d.gap >= extract(day from d.on_day)) then 1 else 0 end) as customers
  from days d
  group by d.on_day
  union all
  select b.on_day, 0 as total, sum(b.to_new) as new, -sum(b.to_new) as repeat, 0 as new_customers, 0 as customers
  from paid_back b
  group by b.on_day
) t
group by 1
order by 1
