-- Days between one purchase and the next, of customers with three or more: finished gaps (event 1) and the running one of
-- each customer (event 0). The third purchase's age minus its gap is the first gap, so no customer is gathered up for it.
select g.duration, g.event, count(*) as n
from (
  select d.gap as duration, 1 as event from days d where d.ordinal >= 3
  union all
  select d.age - d.gap as duration, 1 as event from days d where d.ordinal = 3
  union all
  select date_diff('day', l.last_on, :as_of) as duration, 0 as event
  from (
    select d.customer, max(d.on_day) as last_on, max(d.ordinal) as purchases from days d where d.ordinal > 0 group by d.customer
  ) l
  where l.purchases >= 3
) g
group by 1, 2
order by 1, 2
