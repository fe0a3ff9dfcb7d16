-- One row a customer who ever bought: the first purchase, and what is known of the customer.
select d.customer, i.customer_id, d.first_on, d.is_new, e.entry_line, c.signed_up_on,
  c.segment, c.region, c.source, c.owner
from days d
join ids i on i.customer = d.customer
left join customers c on c.customer = d.customer
left join (
  select s.customer, s.started_on, case when count(*) = 1 then min(s.product_line) else 'several' end as entry_line
  from line_starts s
  group by s.customer, s.started_on
) e on e.customer = d.customer and e.started_on = d.first_on
where d.ordinal = 1
order by d.customer
