-- What happened to the contract base, day by day: customers who came (new, or back after a break), who left (from the
-- base the month opened with, or in the month they came), who asked to leave, and who are here at the end of :as_of.
-- A request counts, once a month, if on its day the customer has no contract left that nobody asked to end, and before the
-- month is over no other has followed without a break (a change of plan).
-- Tells who has left.
with split as (
  select :by as grp, s.customer, s.spell, s.started_on, s.ended_on
  from spells s
  left join customers c on c.customer = s.customer
), requests as (
  select k.customer, k.cancel_requested_on as asked_on
  from contracts k
  where k.cancel_requested_on is not null and not exists (
    select 1 from contracts j
    where j.customer = k.customer and j.started_on <= k.cancel_requested_on
      and coalesce(j.ended_on, cast('9999-12-31' as date)) > k.cancel_requested_on
      and coalesce(j.cancel_requested_on, cast('9999-12-31' as date)) > k.cancel_requested_on
  )
  group by k.customer, k.cancel_requested_on
), asked as (
  select s.grp, s.customer, s.spell, s.started_on, min(r.asked_on) as asked_on
  from requests r
  join split s on s.customer = r.customer and s.started_on <= r.asked_on and (s.ended_on is null or s.ended_on >= r.asked_on)
  where not exists (
    select 1 from contracts n
    where n.customer = r.customer and n.started_on > r.asked_on and n.started_on <= last_day(r.asked_on)
      and (s.ended_on is null or n.started_on <= s.ended_on)
  )
  group by s.grp, s.customer, s.spell, s.started_on, cast(date_trunc('month', r.asked_on) as date)
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
  select a.grp, a.asked_on as on_day,
    case when cast(date_trunc('month', a.started_on) as date) = cast(date_trunc('month', a.asked_on) as date) then 'asked_intra' else 'asked' end as movement
  from asked a
  union all
  select s.grp, :as_of as on_day, 'here' as movement
  from split s
  where s.ended_on is null
) m
group by 1, 2, 3
order by 1, 2, 3
