-- The days on which lines were bought that were given back, and those on which they were paid back. given_back, added to the amount of the day,
-- leaves the lines that stayed. to_new: what is paid back is taken from the side of revenue it had come to, so this much of the
-- day is new and not repeat (less than 0 where a first purchase is returned).
select m.customer, m.on_day, cast(sum(m.given_back) as decimal(18, 4)) as given_back, cast(sum(m.to_new) as decimal(18, 4)) as to_new
from (
  select b.customer, b.ordered_on as on_day, -b.amount as given_back, 0 as to_new
  from orders b
  where b.status = 'refunded'
  union all
  select r.customer, r.refunded_on as on_day, r.amount as given_back,
    case when f.is_first = t.is_first then 0 when f.is_first then -r.amount else r.amount end as to_new
  from orders r
  join days f on f.customer = r.customer and f.on_day = r.ordered_on
  join days t on t.customer = r.customer and t.on_day = r.refunded_on
  where r.status = 'refunded'
) m
group by m.customer, m.on_day
order by m.customer, m.on_day
