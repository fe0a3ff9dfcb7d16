-- Order lines as they stood at the end of :as_of. Cancelled lines never happened; a refund made later is not known yet.
select o.customer, o.order_id, o.ordered_on, o.amount, o.product_line, o.quantity, o.order_type,
  case when o.status = 'refunded' and coalesce(o.refunded_on, o.ordered_on) > :as_of then 'paid' else o.status end as status,
  case when o.status = 'refunded' and coalesce(o.refunded_on, o.ordered_on) <= :as_of then coalesce(o.refunded_on, o.ordered_on) end as refunded_on
from all_orders o
where o.ordered_on <= :as_of and o.status <> 'cancelled'
