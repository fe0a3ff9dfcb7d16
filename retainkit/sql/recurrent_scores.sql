-- The sums by follow-up behind the interval of M(:early) - :share M(:late), by group: each customer's :value up to each age, every
-- event weighted by all customers over those observed at its age. What is added over customers is decimal, so that it
-- comes out the same in whatever order the engine adds; one customer's few events lie side by side, and what their order
-- could change is far behind the last decimal. Every age has a weight, whether anything happened at it or not: to look for the
-- ages at which something did would cost another pass. Ages are made of digits and grouped by: an engine that so knows how few they
-- are looks a weight up by its place. What a customer is stands in `buyers` once, and is not gathered from the events.
with digits as (
  select 0 as i union all select 1 as i union all select 2 as i union all select 3 as i union all select 4 as i
  union all select 5 as i union all select 6 as i union all select 7 as i union all select 8 as i union all select 9 as i
), ages as (
  select a.i + 10 * b.i + 100 * c.i + 1000 * d.i + 10000 * e.i as age
  from digits a cross join digits b cross join digits c cross join digits d cross join digits e
  where 1000 * d.i <= :late and 10000 * e.i <= :late
), followed as (
  select :by as grp, date_diff('day', b.first_on, :as_of) as age, count(*) as n
  from buyers b
  where b.is_new
  group by 1, 2
), observed as (
  select t.grp, t.age, cast(sum(t.n) over (partition by t.grp order by t.age desc) as double) as seen,
    cast(sum(t.n) over (partition by t.grp) as double) as everybody
  from (
    select u.grp, u.age, sum(u.n) as n
    from (
      select f.grp, f.age, f.n from followed f
      union all
      select f.grp, a.age, 0 as n from ages a cross join (select distinct grp from followed) f where a.age <= :late
    ) u
    group by u.grp, u.age
  ) t
), weights as (
  select o.grp, a.age,
    min(o.everybody / o.seen * (case when a.age <= :early then 1.0 else 0.0 end - cast(:share as double))) as weight
  from ages a
  join observed o on o.age = a.age
  where o.seen > 0 and a.age <= :late
  group by o.grp, a.age
), customers_scored as (
  select e.customer, sum(e.scored) as a
  from (
    select d.customer, cast(:value as double) * w.weight as scored
    from days d
    join weights w on w.age = d.age and w.grp = :by
    where d.is_new and d.age between 0 and :late and :value <> 0
  ) e
  group by e.customer
)
select s.grp, s.followup, s.a, s.aa
from (
  select :by as grp, date_diff('day', b.first_on, :as_of) as followup,
    sum(cast(c.a as decimal(38, 9))) as a, sum(cast(c.a * c.a as decimal(38, 6))) as aa
  from customers_scored c
  join buyers b on b.customer = c.customer
  group by 1, 2
) s
order by s.grp, s.followup
