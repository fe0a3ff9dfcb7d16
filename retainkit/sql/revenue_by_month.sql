-- Revenue of each calendar month: new (first purchase day of a new customer) and repeat (everything else).
select cast(date_trunc('month', d.on_day) as date) as month, sum(d.amount) as total,
  sum(case when (d.is_new and d.age <= 0) or d.first_on is null then d.amount else 0 end) as new,
  sum(case when (d.is_new and d.age <= 0) or d.first_on is null then 0 else d.amount end) as repeat,
  cast(sum(case when d.ordinal = 1 and d.is_new then 1 else 0 end) as bigint) as new_customers,
  count(distinct case when d.ordinal > 0 then d.customer end) as customers
from days d
group by 1
order by 1
