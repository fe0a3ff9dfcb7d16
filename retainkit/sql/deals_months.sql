-- Deals by calendar month: closed in it, and how many of them were won; opened in it, and how many of them were won within
-- :days days.
select m.kind, m.month, cast(sum(m.hit) as bigint) as hits, count(*) as n
from (
  select 'closed' as kind, cast(date_trunc('month', d.closed_on) as date) as month,
    case when d.outcome = 'won' then 1 else 0 end as hit
  from deals d
  where d.closed_on is not null
  union all
  select 'opened' as kind, cast(date_trunc('month', d.opened_on) as date) as month,
    case when d.outcome = 'won' and date_diff('day', d.opened_on, d.closed_on) <= :days then 1 else 0 end as hit
  from deals d
) m
group by m.kind, m.month
order by m.kind, m.month
