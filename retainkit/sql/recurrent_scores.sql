-- The sums by follow-up behind the interval of M(:early) and M(:late): each customer's :value up to each age, every
-- event weighted by all customers over those observed at its age. Sums are decimal, so that they come out the same
-- in whatever order the engine adds.
with followed as (
  select date_diff('day', d.first_on, :as_of) as followup, count(*) as n
  from days d
  where d.is_new and d.ordinal = 1
  group by 1
), weights as (
  select a.age, cast((select sum(n) from followed) * 1.0 / sum(f.n) as decimal(18, 9)) as weight
  from (select distinct followup as age from followed union select distinct d.age from days d where d.is_new and d.age between 0 and :late) a
  join followed f on f.followup >= a.age
  where a.age <= :late
  group by a.age
), customers_scored as (
  select d.customer, date_diff('day', d.first_on, :as_of) as followup,
    cast(sum(case when d.age <= :early then :value * w.weight else 0 end) as double) as a_early,
    cast(sum(:value * w.weight) as double) as a_late
  from days d
  join weights w on w.age = d.age
  where d.is_new and d.age between 0 and :late and :value <> 0
  group by d.customer, date_diff('day', d.first_on, :as_of)
)
select c.followup,
  sum(cast(c.a_early as decimal(38, 9))) as a_early, sum(cast(c.a_late as decimal(38, 9))) as a_late,
  sum(cast(c.a_early * c.a_early as decimal(38, 6))) as aa_early,
  sum(cast(c.a_late * c.a_late as decimal(38, 6))) as aa_late,
  sum(cast(c.a_early * c.a_late as decimal(38, 6))) as a_cross
from customers_scored c
group by c.followup
order by c.followup
