-- Contracts as they stood at the end of :as_of: an end or a cancellation that comes later is not known yet.
select c.contract_id, c.customer, c.started_on, c.monthly_value, c.deal_id,
  case when c.cancel_requested_on <= :as_of then c.cancel_requested_on end as cancel_requested_on,
  case when c.ended_on <= :as_of then c.ended_on end as ended_on,
  case when c.ended_on <= :as_of then c.end_reason end as end_reason
from all_contracts c
where c.started_on <= :as_of
