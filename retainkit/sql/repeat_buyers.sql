-- New customers by repeat purchases (x), weeks from first to last purchase (t_x) and weeks followed (T), weeks begun.
select c.x, c.t_x, c.weeks, count(*) as n
from (
  select d.customer, max(d.ordinal) - 1 as x,
    cast(floor((max(d.age) + 6) / 7) as integer) as t_x,
    cast(floor((max(date_diff('day', d.first_on, :as_of)) + 6) / 7) as integer) as weeks
  from days d
  where d.is_new and d.ordinal > 0
  group by d.customer
) c
group by c.x, c.t_x, c.weeks
order by c.x, c.t_x, c.weeks
