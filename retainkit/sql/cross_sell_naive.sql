-- The first cross-sells seen so far, and how many of them fell within :within days: what a short log makes of the claim.
select cast(coalesce(sum(case when d.age <= :within then 1 else 0 end), 0) as bigint) as hits, count(*) as n,
  cast(coalesce(sum(case when d.age <= :within and date_diff('day', d.first_on, :as_of) >= :horizon then 1 else 0 end), 0) as bigint) as followed_hits,
  cast(coalesce(sum(case when d.age <= :horizon and date_diff('day', d.first_on, :as_of) >= :horizon then 1 else 0 end), 0) as bigint) as followed_n
from days d
where d.is_new and d.cross_ordinal = 1
