-- Monthly value of the base at both ends of every window, by customer, then added up: what stayed, shrank,
-- grew, left and came. A customer stayed if one spell covers the whole window. Who was here, but nobody knows for how much, is not
-- `priced`, and what they pay later is no growth. The sums of squares and products give
-- the variance of the ratios, customers being the unit; they are decimal, so that they come out the same in whatever order the engine adds.
-- Tells who has left.
with amounts as (
  select w.opens, w.closes, c.customer,
    sum(case when c.started_on < w.opens and coalesce(c.ended_on, cast('9999-12-31' as date)) >= w.opens then coalesce(c.monthly_value, 0) else 0 end) as opening,
    sum(case when c.started_on < w.closes and coalesce(c.ended_on, cast('9999-12-31' as date)) >= w.closes then coalesce(c.monthly_value, 0) else 0 end) as closing,
    max(case when c.monthly_value is null then 1 else 0 end) as unpriced
  from :windows w
  join contracts c on c.started_on < w.closes and coalesce(c.ended_on, cast('9999-12-31' as date)) >= w.opens
  group by w.opens, w.closes, c.customer
), lives as (
  select w.opens, w.closes, s.customer, min(s.spell) as first_spell,
    max(case when s.started_on < w.opens and coalesce(s.ended_on, cast('9999-12-31' as date)) >= w.closes then 1 else 0 end) as stayed,
    max(case when s.started_on < w.opens and coalesce(s.ended_on, cast('9999-12-31' as date)) >= w.opens then 1 else 0 end) as was_here
  from :windows w
  join spells s on s.started_on < w.closes and coalesce(s.ended_on, cast('9999-12-31' as date)) >= w.opens
  group by w.opens, w.closes, s.customer
), parts as (
  select a.opens, a.closes, a.opening, a.closing, a.unpriced, l.stayed, l.was_here, l.first_spell,
    case when l.stayed = 1 then least(a.opening, a.closing) else 0 end as kept,
    case when l.was_here = 1 and (a.opening > 0 or a.unpriced = 0) then 1 else 0 end as priced,
    case when l.was_here = 1 and (a.opening > 0 or a.unpriced = 0) then a.closing else 0 end as later
  from amounts a
  join lives l on l.opens = a.opens and l.closes = a.closes and l.customer = a.customer
)
select p.opens, p.closes, sum(p.was_here) as customers, sum(p.was_here * (1 - p.stayed)) as left_or_broke, sum(p.opening) as opening, sum(p.kept) as kept,
  sum(p.later) as later, sum(p.closing) as closing,
  sum(case when p.was_here = 1 and p.stayed = 0 then p.opening else 0 end) as lost,
  sum(case when p.stayed = 1 and p.closing < p.opening then p.opening - p.closing else 0 end) as contraction,
  sum(case when p.stayed = 1 and p.closing > p.opening then p.closing - p.opening else 0 end) as expansion,
  sum(case when p.was_here = 1 and p.stayed = 0 then p.closing else 0 end) as came_back,
  sum(case when p.was_here = 0 and p.first_spell = 1 then p.closing else 0 end) as new_value,
  sum(case when p.was_here = 0 and p.first_spell > 1 then p.closing else 0 end) as reactivated_value,
  sum(p.priced) as priced, sum(p.was_here * p.unpriced) as unpriced,
  sum(cast(cast(p.opening as double precision) * cast(p.opening as double precision) as decimal(38, 6))) as opening_opening,
  sum(cast(cast(p.kept as double precision) * cast(p.kept as double precision) as decimal(38, 6))) as kept_kept,
  sum(cast(cast(p.kept as double precision) * cast(p.opening as double precision) as decimal(38, 6))) as kept_opening,
  sum(cast(cast(p.later as double precision) * cast(p.later as double precision) as decimal(38, 6))) as later_later,
  sum(cast(cast(p.later as double precision) * cast(p.opening as double precision) as decimal(38, 6))) as later_opening
from parts p
group by p.opens, p.closes
order by p.closes, p.opens
