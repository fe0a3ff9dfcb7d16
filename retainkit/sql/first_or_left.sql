-- Days from the first purchase to the one later day on which :hit holds (the first cross-sell, or the second purchase), with
-- leaving (the first day without a contract) as the competing end, or to :as_of. Both on one day: the purchase first.
select s.grp, s.duration, s.cause, cast(sum(s.n) as bigint) as n
from (
  select :by as grp, d.age as duration, 'bought' as cause, count(*) as n
  from days d
  where d.is_new and :hit and d.age <= coalesce(d.left_age, d.age)
  group by 1, 2
  union all
  select :by as grp, coalesce(d.left_age, date_diff('day', d.first_on, :as_of)) as duration,
    case when d.left_age is null then '' else 'churn' end as cause,
    sum(case when d.ordinal = 1 then 1 else 0 end)
      - sum(case when :hit and d.age <= coalesce(d.left_age, d.age) then 1 else 0 end) as n
  from days d
  where d.is_new and (d.ordinal = 1 or :hit)
  group by 1, 2, 3
) s
group by s.grp, s.duration, s.cause
having sum(s.n) > 0
order by s.grp, s.duration, s.cause
