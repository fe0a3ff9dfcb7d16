-- By month of first purchase: who bought again within :within days, and how many could have (the window is over).
select cast(date_trunc('month', d.first_on) as date) as cohort,
  cast(sum(case when d.ordinal = 1 then 1 else 0 end) as bigint) as customers,
  cast(sum(case when d.ordinal = 1 and date_diff('day', d.first_on, :as_of) >= :within then 1 else 0 end) as bigint) as n,
  cast(sum(case when d.ordinal = 2 and d.age <= :within and date_diff('day', d.first_on, :as_of) >= :within then 1 else 0 end) as bigint) as hits
from days d
where d.is_new and d.ordinal between 1 and 2
group by 1
order by 1
