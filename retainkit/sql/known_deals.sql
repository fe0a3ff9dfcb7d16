-- Opportunities as they stood at the end of :as_of: what was won or lost later is still open.
select d.deal_id, d.customer, d.rep, d.opened_on, d.amount, d.source, d.segment, d.region,
  case when d.outcome <> 'open' and d.closed_on <= :as_of then d.closed_on end as closed_on,
  case when d.outcome <> 'open' and d.closed_on <= :as_of then d.outcome else 'open' end as outcome
from all_deals d
where d.opened_on <= :as_of
