-- Revenue of each calendar month: new (first purchases and first invoices of new customers) and repeat (everything else); what is
-- paid back is taken from the side it had come to, on the day it was. A customer is counted on the first purchase of the month: the one
-- whose gap is at least as long as the days of the month gone by.
select cast(date_trunc('month', t.on_day) as date) as month, sum(t.total) as total, sum(t.new) as new,
  sum(t.total - t.new) as repeat, cast(sum(t.new_customers) as bigint) as new_customers,
  cast(sum(t.customers) as bigint) as customers
from (
  select d.on_day, sum(d.amount) as total,
    sum(case when d.is_first then d.amount + coalesce(b.of_repeat, 0) else -coalesce(b.of_new, 0) end) as new,
    sum(case when d.ordinal = 1 and d.is_new then 1 else 0 end) as new_customers,
    sum(case when d.ordinal = 1 or (d.ordinal > 1 and d.gap >= extract(day from d.on_day)) then 1 else 0 end) as customers
  from days d
  left join (
    select r.customer, r.refunded_on, cast(sum(case when f.is_first then r.amount else 0 end) as decimal(18, 4)) as of_new,
      cast(sum(case when f.is_first then 0 else r.amount end) as decimal(18, 4)) as of_repeat
    from orders r
    join days f on f.customer = r.customer and f.on_day = r.ordered_on
    where r.status = 'refunded'
    group by r.customer, r.refunded_on
  ) b on b.customer = d.customer and b.refunded_on = d.on_day
  group by d.on_day
) t
group by 1
order by 1
