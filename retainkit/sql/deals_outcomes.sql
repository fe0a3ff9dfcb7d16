-- Deals by outcome, and whether they were opened at least :days days before the end of :as_of.
select :by as grp, d.outcome,
  case when date_diff('day', d.opened_on, :as_of) >= :days then 1 else 0 end as mature, count(*) as deals
from deals d
group by 1, 2, 3
order by 1, 2, 3
