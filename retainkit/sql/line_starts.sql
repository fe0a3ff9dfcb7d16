-- The first day each customer bought each product line.
select o.customer, o.product_line, min(o.ordered_on) as started_on
from orders o
where o.order_type = 'one_off' and o.amount >= 0 and o.product_line is not null
  and (o.status = 'paid' or :refunds = 'in')
group by o.customer, o.product_line
order by o.customer, o.product_line
