-- How many lapses by the rule of :days there were, how many are :within days old or more, and how many of those were
-- followed by a purchase within :within days; and how many were followed by one at all, so far.
select count(*) as lapses, sum(case when r.since >= :within then 1 else 0 end) as old_enough,
  sum(case when r.since >= :within and r.back_after <= :within then 1 else 0 end) as returned,
  sum(case when r.back_after is not null then 1 else 0 end) as returned_so_far
from (
  select date_diff('day', d.on_day, :as_of) + d.gap - :days as since, d.gap - :days as back_after
  from days d
  where d.ordinal > 1 and d.gap > :days
  union all
  select date_diff('day', l.last_on, :as_of) - :days as since, null as back_after
  from (select d.customer, max(d.on_day) as last_on from days d where d.ordinal > 0 group by d.customer) l
  where date_diff('day', l.last_on, :as_of) >= :days
) r
