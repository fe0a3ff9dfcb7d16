-- Contracts as they stood at the end of :as_of: an end or a cancellation that comes later is not known yet. A contract that ends
-- the day before the next one of its customer begins ends on that day: many systems note the last day as the end.
with starts as (
  select distinct a.customer, a.started_on as next_on
  from all_contracts a
), ended as (
  select c.contract_id, c.customer, c.started_on, c.monthly_value, c.deal_id, c.cancel_requested_on, c.end_reason,
    coalesce(s.next_on, c.ended_on) as ended_on
  from all_contracts c
  left join starts s on s.customer = c.customer and date_diff('day', c.ended_on, s.next_on) = 1
)
select e.contract_id, e.customer, e.started_on, e.monthly_value, e.deal_id,
  case when e.cancel_requested_on <= :as_of then e.cancel_requested_on end as cancel_requested_on,
  case when e.ended_on <= :as_of then e.ended_on end as ended_on,
  case when e.ended_on <= :as_of then e.end_reason end as end_reason
from ended e
where e.started_on <= :as_of
