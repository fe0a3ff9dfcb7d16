-- Days from the first purchase to the second (event 1), or to :as_of where there is none yet (event 0).
select s.grp, s.duration, s.event, cast(sum(s.n) as bigint) as n
from (
  select :by as grp, d.age as duration, 1 as event, count(*) as n
  from days d
  where d.is_new and d.ordinal = 2
  group by 1, 2
  union all
  select :by as grp, date_diff('day', d.first_on, :as_of) as duration, 0 as event,
    sum(case when d.ordinal = 1 then 1 else -1 end) as n
  from days d
  where d.is_new and d.ordinal between 1 and 2
  group by 1, 2
) s
group by s.grp, s.duration, s.event
having sum(s.n) > 0
order by s.grp, s.duration, s.event
