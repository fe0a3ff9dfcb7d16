-- What happened to the contract base, day by day: customers who came (new, or back after a break), who left (from the
-- base the month opened with, or in the month they came), who asked to leave, and who are here at the end of :as_of.
with split as (
  select coalesce(cast(:by as varchar), 'unknown') as grp, s.spell, s.started_on, s.ended_on, s.cancel_requested_on
  from spells s
  left join customers c on c.customer = s.customer
)
select m.grp, m.on_day, m.movement, count(*) as customers
from (
  select s.grp, s.started_on as on_day, case when s.spell = 1 then 'new' else 'reactivated' end as movement
  from split s
  union all
  select s.grp, s.ended_on as on_day,
    case when cast(date_trunc('month', s.started_on) as date) = cast(date_trunc('month', s.ended_on) as date) then 'lost_intra' else 'lost' end as movement
  from split s
  where s.ended_on is not null
  union all
  select s.grp, s.cancel_requested_on as on_day,
    case when cast(date_trunc('month', s.started_on) as date) = cast(date_trunc('month', s.cancel_requested_on) as date) then 'asked_intra' else 'asked' end as movement
  from split s
  where s.cancel_requested_on is not null
  union all
  select s.grp, :as_of as on_day, 'here' as movement
  from split s
  where s.ended_on is null
) m
group by 1, 2, 3
order by 1, 2, 3
