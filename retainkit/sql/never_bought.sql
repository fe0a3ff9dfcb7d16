-- Customers who have signed up within the recorded history, and those of them without a purchase.
select count(*) as n, cast(coalesce(sum(case when b.customer is null then 1 else 0 end), 0) as bigint) as never
from customers c
left join buyers b on b.customer = c.customer
where c.signed_up_on >= :history_start and c.signed_up_on <= :as_of
