-- What happened to the base of buyers, day by day, by the lapse rule of :days: a customer is in the base from a purchase
-- until :days after the last one that no other followed. Days are counted from 2000-01-01, because a lapse is the date of
-- a purchase plus a number of days.
with opened as (
  select d.customer, d.on_day as opened_on, date_diff('day', cast('2000-01-01' as date), d.on_day) as opened, d.ordinal,
    date_diff('day', cast('2000-01-01' as date), d.on_day) - d.gap as last_before
  from days d
  where d.ordinal = 1 or (d.ordinal > 1 and d.gap > :days)
), lasts as (
  select d.customer, date_diff('day', cast('2000-01-01' as date), max(d.on_day)) as last_day
  from days d
  where d.ordinal > 0
  group by d.customer
), spells_bought as (
  select o.customer, o.opened, case when o.ordinal = 1 then 'new' else 'reactivated' end as movement,
    date_diff('day', o.opened_on, last_day(o.opened_on)) as days_left,
    coalesce(lead(o.last_before) over (partition by o.customer order by o.ordinal), l.last_day) + :days as closed
  from opened o
  join lasts l on l.customer = o.customer
)
select m.on_day, m.movement, count(*) as customers
from (
  select s.opened as on_day, s.movement from spells_bought s
  union all
  select s.closed as on_day, case when s.closed - s.opened <= s.days_left then 'lost_intra' else 'lost' end as movement
  from spells_bought s
  where s.closed <= date_diff('day', cast('2000-01-01' as date), :as_of)
  union all
  select date_diff('day', cast('2000-01-01' as date), :as_of) as on_day, 'here' as movement
  from spells_bought s
  where s.closed > date_diff('day', cast('2000-01-01' as date), :as_of)
) m
group by 1, 2
order by 1, 2
