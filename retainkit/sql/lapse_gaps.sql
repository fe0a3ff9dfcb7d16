-- Days between one purchase and the next, of customers with three or more: finished gaps (event 1) and the running one of
-- each customer (event 0). Flat counts, no customer is gathered up: the third purchase's age less its gap is the first gap,
-- and the customers whose last purchase was on a day are the purchases of that day less those that another followed.
-- One pass: every purchase is counted by its gap, by the gap before it, by how long ago it was, and by how long ago the one
-- before it was.
select g.duration, g.event, cast(sum(g.n) as bigint) as n
from (
  select coalesce(b.gap, b.first_gap, b.running, b.was_running) as duration,
    case when b.gap is null and b.first_gap is null then 0 else 1 end as event,
    case when b.was_running is null then b.n else -b.n end as n
  from (
    select f.gap, f.first_gap, f.running, f.was_running, count(*) as n
    from (
      select d.gap, case when d.ordinal = 3 then d.age - d.gap end as first_gap, date_diff('day', d.on_day, :as_of) as running,
        case when d.ordinal >= 4 then date_diff('day', d.on_day, :as_of) + d.gap end as was_running
      from days d where d.ordinal >= 3
    ) f
    group by grouping sets ((f.gap), (f.first_gap), (f.running), (f.was_running))
  ) b
) g
where g.duration is not null
group by g.duration, g.event
having sum(g.n) > 0
order by g.duration, g.event
