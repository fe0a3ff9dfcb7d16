-- What is paid back is taken from the side of revenue it had come to, on the day it is paid: of a day on which the other side had
-- the money moved, what is to be counted as new and not as repeat (less than 0 where a first purchase is returned).
select r.customer, r.refunded_on as on_day, cast(sum(case when f.is_first then -r.amount else r.amount end) as decimal(18, 4)) as to_new
from orders r
join days f on f.customer = r.customer and f.on_day = r.ordered_on
join days t on t.customer = r.customer and t.on_day = r.refunded_on
where r.status = 'refunded' and f.is_first <> t.is_first
group by r.customer, r.refunded_on
order by r.customer, r.refunded_on
