-- What was bought, by whom: totals over the purchases (money of refunds and recurring invoices beside them).
select
  cast(coalesce(sum(case when d.ordinal = 1 then 1 else 0 end), 0) as bigint) as customers,
  cast(coalesce(sum(case when d.ordinal = 1 and d.is_new then 1 else 0 end), 0) as bigint) as new_customers,
  cast(coalesce(sum(case when d.ordinal > 0 then 1 else 0 end), 0) as bigint) as purchase_days,
  cast(coalesce(sum(d.orders), 0) as bigint) as orders,
  coalesce(sum(d.amount), 0) as revenue,
  cast(coalesce(sum(case when d.ordinal = 2 then 1 else 0 end), 0) as bigint) as bought_twice,
  cast(coalesce(sum(case when d.ordinal = 3 then 1 else 0 end), 0) as bigint) as bought_three_times
from days d
