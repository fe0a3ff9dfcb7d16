-- How long first spells last: days to the first day without a contract, or to :as_of for those still running, and the
-- cause. A spell is an early cancellation when the customer asked to leave (or, if nobody asked, left) within :early_days.
-- Contracts older than the recorded history enter at the age they had when it began. `followed` is how long ago the oldest of them began.
-- Tells who has left.
select l.grp, l.entry, l.duration, l.event,
  case when l.event = 0 then '' when l.asked_age <= :early_days then 'early_cancel' else 'churn' end as cause,
  count(*) as n, max(l.followed) as followed
from (
  select :by as grp,
    case when s.started_on < :history_start then date_diff('day', s.started_on, :history_start) else 0 end as entry,
    date_diff('day', s.started_on, coalesce(s.ended_on, :as_of)) as duration,
    case when s.ended_on is null then 0 else 1 end as event,
    date_diff('day', s.started_on, coalesce(s.cancel_requested_on, s.ended_on)) as asked_age,
    date_diff('day', s.started_on, :as_of) as followed
  from spells s
  left join customers c on c.customer = s.customer
  where s.spell = 1
) l
group by 1, 2, 3, 4, 5
order by 1, 2, 3, 4, 5
