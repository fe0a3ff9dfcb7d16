-- Days between one purchase and the next, of customers with three or more: finished gaps (event 1) and the running one of
-- each customer (event 0). Flat counts, no customer is gathered up: the third purchase's age less its gap is the first gap,
-- and the customers whose last purchase was on a day are the purchases of that day less those that another followed.
select g.duration, g.event, cast(sum(g.n) as bigint) as n
from (
  select d.gap as duration, 1 as event, count(*) as n from days d where d.ordinal >= 3 group by 1, 2
  union all
  select d.age - d.gap as duration, 1 as event, count(*) as n from days d where d.ordinal = 3 group by 1, 2
  union all
  select date_diff('day', d.on_day, :as_of) as duration, 0 as event, count(*) as n from days d where d.ordinal >= 3 group by 1, 2
  union all
  select date_diff('day', d.on_day, :as_of) + d.gap as duration, 0 as event, -count(*) as n from days d where d.ordinal >= 4 group by 1, 2
) g
group by g.duration, g.event
having sum(g.n) > 0
order by g.duration, g.event
