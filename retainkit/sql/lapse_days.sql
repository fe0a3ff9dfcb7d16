-- What happened to the base of buyers, day by day, by the lapse rule of :days: a customer is in the base from a purchase
-- until :days after the last one that no other followed. Days are counted from 2000-01-01, because a lapse is the day of a
-- purchase plus a number of days. Flat counts: lapses are purchases less those that another followed in time. Only under a
-- rule of less than 31 days can a customer come and lapse in one month; such customers are looked for one by one, and
-- moved from lost to lost_intra.
with counted as (
  select date_diff('day', cast('2000-01-01' as date), d.on_day) as nth_day, d.gap, count(*) as n
  from days d
  where d.ordinal > 0
  group by 1, 2
), ends as (
  select e.closed, sum(e.n) as n
  from (
    select c.nth_day + :days as closed, c.n from counted c
    union all
    select c.nth_day - c.gap + :days as closed, case when c.gap > :days then 0 else -c.n end as n from counted c where c.gap is not null
  ) e
  group by e.closed
), opened as (
  select d.customer, d.ordinal, date_diff('day', cast('2000-01-01' as date), d.on_day) as nth_day, d.gap,
    date_diff('day', d.on_day, last_day(d.on_day)) as days_left
  from days d
  where :days < 31 and (d.ordinal = 1 or d.ordinal > 1 and d.gap > :days)
), lasts as (
  select d.customer, date_diff('day', cast('2000-01-01' as date), max(d.on_day)) as last_bought
  from days d where :days < 31 and d.ordinal > 0 group by d.customer
), short_spells as (
  select s.closed, count(*) as n
  from (
    select o.nth_day + o.days_left as month_ends,
      coalesce(lead(o.nth_day - o.gap) over (partition by o.customer order by o.ordinal), l.last_bought) + :days as closed
    from opened o
    join lasts l on l.customer = o.customer
  ) s
  where s.closed <= s.month_ends
  group by s.closed
)
select m.on_day, m.movement, cast(sum(m.n) as bigint) as customers
from (
  select c.nth_day as on_day, case when c.gap is null then 'new' else 'reactivated' end as movement, c.n
  from counted c where c.gap is null or c.gap > :days
  union all
  select e.closed as on_day, 'lost' as movement, e.n from ends e where e.closed <= date_diff('day', cast('2000-01-01' as date), :as_of)
  union all
  select date_diff('day', cast('2000-01-01' as date), :as_of) as on_day, 'here' as movement, e.n
  from ends e where e.closed > date_diff('day', cast('2000-01-01' as date), :as_of)
  union all
  select s.closed as on_day, 'lost' as movement, -s.n as n
  from short_spells s where s.closed <= date_diff('day', cast('2000-01-01' as date), :as_of)
  union all
  select s.closed as on_day, 'lost_intra' as movement, s.n
  from short_spells s where s.closed <= date_diff('day', cast('2000-01-01' as date), :as_of)
) m
group by m.on_day, m.movement
having sum(m.n) > 0
order by m.on_day, m.movement
