-- Days from opening to won or lost, or to :as_of for deals still open (cause ''). Deals opened before the recorded history
-- enter at the age they had when it began. `followed` is how long ago the oldest of them was opened.
select l.grp, l.entry, l.duration, l.cause, count(*) as n, max(l.followed) as followed
from (
  select :by as grp,
    case when d.opened_on < :history_start then date_diff('day', d.opened_on, :history_start) else 0 end as entry,
    date_diff('day', d.opened_on, coalesce(d.closed_on, :as_of)) as duration,
    case when d.closed_on is null then '' else d.outcome end as cause,
    date_diff('day', d.opened_on, :as_of) as followed
  from deals d
  where d.opened_on is not null
) l
where l.duration >= 0
group by 1, 2, 3, 4
order by 1, 2, 3, 4
