-- The plain check: of the new customers followed for the whole horizon, how many bought again within it.
with cells as (
  select :by as grp, date_diff('day', d.first_on, :as_of) as followup, case when d.ordinal = 2 then d.age end as age, count(*) as n
  from days d
  where d.is_new and d.ordinal between 1 and 2
  group by 1, 2, 3
)
select c.grp, h.days as horizon_days,
  cast(sum(case when c.age is null and c.followup >= h.days then c.n else 0 end) as bigint) as n,
  cast(sum(case when c.age <= h.days and c.followup >= h.days then c.n else 0 end) as bigint) as hits,
  cast(sum(case when c.age is null and c.followup < h.days then c.n else 0 end) as bigint) as too_young,
  cast(sum(case when c.age <= h.days then c.n else 0 end) as bigint) as hits_so_far
from cells c
cross join :horizons h
group by c.grp, h.days
order by c.grp, h.days
