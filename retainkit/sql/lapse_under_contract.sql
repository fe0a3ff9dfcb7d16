-- New customers who are under contract today, and those of them whose last purchase is :days or longer ago.
select count(*) as n, cast(coalesce(sum(case when date_diff('day', c.last_on, :as_of) >= :days then 1 else 0 end), 0) as bigint) as past
from (
  select d.customer, max(d.on_day) as last_on
  from days d
  where d.ordinal > 0 and d.is_new
  group by d.customer
) c
join (
  select s.customer
  from spells s
  where s.started_on <= :as_of and (s.ended_on is null or s.ended_on > :as_of)
  group by s.customer
) u on u.customer = c.customer
