-- The sums by follow-up behind the interval of M(:early) and M(:late), by group: each customer's :value up to each age, every
-- event weighted by all customers over those observed at its age. Sums are decimal, so that they come out the same
-- in whatever order the engine adds. Every age has a weight, whether anything happened at it or not: to look for the
-- ages at which something did would cost another pass. Weights are wide, for a product of two narrow decimals is narrow too,
-- and one large order would not fit.
with digits as (
  select 0 as i union all select 1 as i union all select 2 as i union all select 3 as i union all select 4 as i
  union all select 5 as i union all select 6 as i union all select 7 as i union all select 8 as i union all select 9 as i
), followed as (
  select :by as grp, date_diff('day', b.first_on, :as_of) as age, count(*) as n
  from buyers b
  where b.is_new
  group by 1, 2
), weights as (
  select o.grp, o.age, cast(o.everybody * 1.0 / o.observed as decimal(28, 9)) as weight
  from (
    select t.grp, t.age, sum(t.n) over (partition by t.grp order by t.age desc) as observed, sum(t.n) over (partition by t.grp) as everybody
    from (
      select u.grp, u.age, sum(u.n) as n
      from (
        select f.grp, f.age, f.n from followed f
        union all
        select k.grp, g.age, 0 as n
        from (
          select a.i + 10 * b.i + 100 * c.i + 1000 * d.i + 10000 * e.i as age
          from digits a cross join digits b cross join digits c cross join digits d cross join digits e
          where 1000 * d.i <= :late and 10000 * e.i <= :late
        ) g
        cross join (select f.grp from followed f group by f.grp) k
        where g.age <= :late
      ) u
      group by u.grp, u.age
    ) t
  ) o
  where o.observed > 0 and o.age <= :late
), customers_scored as (
  select min(:by) as grp, date_diff('day', min(d.first_on), :as_of) as followup,
    cast(sum(case when d.age <= :early then :value * w.weight else 0 end) as double) as a_early,
    cast(sum(:value * w.weight) as double) as a_late
  from days d
  join weights w on w.age = d.age and w.grp = :by
  where d.is_new and d.age between 0 and :late and :value <> 0
  group by d.customer
)
select c.grp, c.followup,
  sum(cast(c.a_early as decimal(38, 9))) as a_early, sum(cast(c.a_late as decimal(38, 9))) as a_late,
  sum(cast(c.a_early * c.a_early as decimal(38, 6))) as aa_early,
  sum(cast(c.a_late * c.a_late as decimal(38, 6))) as aa_late,
  sum(cast(c.a_early * c.a_late as decimal(38, 6))) as a_cross
from customers_scored c
group by c.grp, c.followup
order by c.grp, c.followup
