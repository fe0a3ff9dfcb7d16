-- One row a customer who ever bought: the first purchase, and what is known of the customer.
select d.customer, i.customer_id, d.first_on, d.is_new, d.entry_line, d.segment, d.region, d.source, d.owner
from days d
join ids i on i.customer = d.customer
where d.ordinal = 1
order by d.customer
