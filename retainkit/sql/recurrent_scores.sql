-- The sums by follow-up behind the interval of M(:early) and M(:late), by group: each customer's :value up to each age, every
-- event weighted by all customers over those observed at its age. What is added over customers is decimal, so that it
-- comes out the same in whatever order the engine adds; one customer's few events lie side by side, and what their order
-- could change is far behind the last decimal. Every age has a weight, whether anything happened at it or not: to look for the
-- ages at which something did would cost another pass. Ages are made of digits and grouped by: an engine that so knows how few they
-- are looks a weight up by its place. Past :early an event weighs nothing in the early sum, which costs less than to ask each
-- its age; what a customer is stands in `buyers` once, and is not gathered from the events.
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
  select o.grp, a.age, min(o.everybody / o.seen) as weight, min(case when a.age <= :early then o.everybody / o.seen else 0 end) as early
  from ages a
  join observed o on o.age = a.age
  where o.seen > 0 and a.age <= :late
  group by o.grp, a.age
), customers_scored as (
  select e.customer, sum(e.early) as a_early, sum(e.late) as a_late
  from (
    select d.customer, cast(:value as double) * w.early as early, cast(:value as double) * w.weight as late
    from days d
    join weights w on w.age = d.age and w.grp = :by
    where d.is_new and d.age between 0 and :late and :value <> 0
  ) e
  group by e.customer
)
select s.grp, s.followup, s.a_early, s.a_late, s.aa_early, s.aa_late, s.a_cross
from (
  select :by as grp, date_diff('day', b.first_on, :as_of) as followup,
    sum(cast(c.a_early as decimal(38, 9))) as a_early, sum(cast(c.a_late as decimal(38, 9))) as a_late,
    sum(cast(c.a_early * c.a_early as decimal(38, 6))) as aa_early,
    sum(cast(c.a_late * c.a_late as decimal(38, 6))) as aa_late,
    sum(cast(c.a_early * c.a_late as decimal(38, 6))) as a_cross
  from customers_scored c
  join buyers b on b.customer = c.customer
  group by 1, 2
) s
order by s.grp, s.followup
