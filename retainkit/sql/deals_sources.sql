-- Deals opened at least :days days before the end of :as_of, by source and segment: closed and won.
select coalesce(d.source, 'unknown') as source, coalesce(d.segment, 'unknown') as segment,
  sum(case when d.outcome = 'won' then 1 else 0 end) as won,
  sum(case when d.outcome = 'open' then 0 else 1 end) as closed
from deals d
where date_diff('day', d.opened_on, :as_of) >= :days
group by 1, 2
order by 1, 2
