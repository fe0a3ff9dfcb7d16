-- Deals by unit and by the month (year * 12 + month - 1) in which they were opened: how many, and how many were won within
-- :within days.
select b.unit, b.month, count(*) as n, sum(b.hit) as hits
from (
  select :by as unit, extract(year from d.opened_on) * 12 + extract(month from d.opened_on) - 1 as month,
    case when d.outcome = 'won' and date_diff('day', d.opened_on, d.closed_on) <= :within then 1 else 0 end as hit
  from deals d
  where d.opened_on >= :history_start
) b
where b.unit is not null
group by b.unit, b.month
order by b.unit, b.month
