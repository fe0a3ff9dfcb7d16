-- The sums behind P(next purchase within :within days of the :k-th | the :k-th within :latest days of the first):
-- every purchase seen stands for those who were not followed that long (weight N / number followed that long).
-- Purchases are counted by age first, so that the weights meet a few thousand cells and not every purchase.
with counted as (
  select d.age, case when d.ordinal > :k then d.gap end as gap, count(*) as n,
    sum(case when date_diff('day', d.first_on, :as_of) >= :latest + :within then 1 else 0 end) as mature
  from days d
  where d.is_new and (
    (d.ordinal = :k and d.age <= :latest)
    or (d.ordinal = :k + 1 and d.age - d.gap <= :latest and d.gap <= :within))
  group by 1, 2
), weights as (
  select o.age, cast(o.everybody * 1.0 / o.observed as decimal(18, 9)) as weight
  from (
    select a.age, sum(a.n) over (order by a.age desc) as observed, sum(a.n) over () as everybody
    from (
      select u.age, sum(u.n) as n
      from (
        select date_diff('day', b.first_on, :as_of) as age, 1 as n from buyers b where b.is_new
        union all select c.age, 0 as n from counted c
        union all select c.age - c.gap as age, 0 as n from counted c where c.gap is not null
      ) u
      group by u.age
    ) a
  ) o
  where o.observed > 0
), by_age as (
  select c.age, cast(sum(case when c.gap is null then c.n else 0 end) as decimal(18, 0)) as kth,
    cast(sum(case when c.gap is null then c.mature else 0 end) as decimal(18, 0)) as kth_mature,
    cast(sum(case when c.gap is null then 0 else c.n end) as decimal(18, 0)) as again,
    cast(sum(case when c.gap is null then 0 else c.mature end) as decimal(18, 0)) as again_mature
  from counted c
  group by c.age
), by_since as (
  select p.since, sum(p.n * w.weight) as again
  from (
    select c.age - c.gap as since, c.age, cast(c.n as decimal(18, 0)) as n from counted c where c.gap is not null
  ) p
  join weights w on w.age = p.age
  group by p.since
)
select s.den, s.den2, s.num, s.num2, t.cross_sum, s.n, s.seen, s.too_young, s.mature_n, s.mature_hits,
  (select count(*) from days l where l.is_new and l.ordinal = :k and l.age > :latest) as late
from (
  select sum(a.kth * w.weight) as den, sum(a.kth * cast(w.weight * w.weight as decimal(38, 12))) as den2,
    sum(a.again * w.weight) as num, sum(a.again * cast(w.weight * w.weight as decimal(38, 12))) as num2,
    cast(coalesce(sum(a.kth), 0) as bigint) as n, cast(coalesce(sum(a.again), 0) as bigint) as seen,
    cast(coalesce(sum(a.kth - a.kth_mature), 0) as bigint) as too_young,
    cast(coalesce(sum(a.kth_mature), 0) as bigint) as mature_n,
    cast(coalesce(sum(a.again_mature), 0) as bigint) as mature_hits
  from by_age a
  join weights w on w.age = a.age
) s
cross join (
  select sum(x.again * w.weight) as cross_sum
  from by_since x
  join weights w on w.age = x.since
) t
order by s.n
