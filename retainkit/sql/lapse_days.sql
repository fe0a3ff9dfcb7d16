-- What happened to the base of buyers, day by day, by the lapse rule of :days: a customer is in the base from a purchase
-- until :days after the last one that no other followed. Days are counted from 2000-01-01, because a lapse is the day of a
-- purchase plus a number of days. Flat counts: lapses are purchases less those that another followed in time. Only under a
-- rule of less than 31 days can a customer come and lapse in one month; such customers are looked for one by one, and
-- moved from lost to lost_intra.
with by_day as (
  select date_diff('day', cast('2000-01-01' as date), c.on_day) as nth_day, sum(c.n) as n,
    sum(case when c.kind = 1 then c.n else 0 end) as came, sum(case when c.kind = 2 then c.n else 0 end) as returned
  from (
    select d.on_day, case when d.ordinal = 1 then 1 when d.gap > :days then 2 else 0 end as kind, count(*) as n
    from days d
    where d.ordinal > 0
    group by 1, 2
  ) c
  group by 1
), followed as (
  select date_diff('day', cast('2000-01-01' as date), d.on_day) - d.gap as nth_day, count(*) as n
  from days d
  where d.ordinal > 1 and d.gap <= :days
  group by 1
), ends as (
  select e.nth_day + :days as closed, sum(e.n) as n
  from (select b.nth_day, b.n from by_day b union all select f.nth_day, -f.n as n from followed f) e
  group by e.nth_day
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
  select b.nth_day as on_day, 'new' as movement, b.came as n from by_day b
  union all
  select b.nth_day as on_day, 'reactivated' as movement, b.returned as n from by_day b
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
