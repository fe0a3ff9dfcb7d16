-- The sums behind P(next purchase within :within days of the :k-th | the :k-th within :latest days of the first):
-- every purchase seen stands for those who were not followed that long (weight N / number followed that long).
with followed as (
  select date_diff('day', d.first_on, :as_of) as followup, count(*) as n
  from days d
  where d.is_new and d.ordinal = 1
  group by 1
), pairs as (
  select d.ordinal, d.age, case when d.ordinal = :k then d.age else d.age - d.gap end as since,
    date_diff('day', d.first_on, :as_of) as followup, count(*) as n
  from days d
  where d.is_new and (
    (d.ordinal = :k and d.age <= :latest)
    or (d.ordinal = :k + 1 and d.age - d.gap <= :latest and d.gap <= :within))
  group by 1, 2, 3, 4
), ages as (
  select p.age from pairs p union select p.since as age from pairs p
), weights as (
  select a.age, cast((select sum(n) from followed) * 1.0 / sum(f.n) as decimal(18, 9)) as weight
  from ages a
  join followed f on f.followup >= a.age
  group by a.age
)
select
  sum(case when p.ordinal = :k then p.n * w.weight else 0 end) as den,
  sum(case when p.ordinal = :k then p.n * cast(w.weight * w.weight as decimal(38, 12)) else 0 end) as den2,
  sum(case when p.ordinal = :k + 1 then p.n * w.weight else 0 end) as num,
  sum(case when p.ordinal = :k + 1 then p.n * cast(w.weight * w.weight as decimal(38, 12)) else 0 end) as num2,
  sum(case when p.ordinal = :k + 1 then p.n * cast(w.weight * s.weight as decimal(38, 12)) else 0 end) as cross_sum,
  cast(coalesce(sum(case when p.ordinal = :k then p.n else 0 end), 0) as bigint) as n,
  cast(coalesce(sum(case when p.ordinal = :k + 1 then p.n else 0 end), 0) as bigint) as seen,
  cast(coalesce(sum(case when p.ordinal = :k and p.followup < :latest + :within then p.n else 0 end), 0) as bigint) as too_young,
  cast(coalesce(sum(case when p.ordinal = :k and p.followup >= :latest + :within then p.n else 0 end), 0) as bigint) as mature_n,
  cast(coalesce(sum(case when p.ordinal = :k + 1 and p.followup >= :latest + :within then p.n else 0 end), 0) as bigint) as mature_hits
from pairs p
join weights w on w.age = p.age
join weights s on s.age = p.since
