-- Each rep's deals and the last day one was opened or closed; how many were won, and lost.
select d.rep, count(*) as deals, sum(case when d.outcome = 'won' then 1 else 0 end) as won,
  sum(case when d.outcome = 'lost' then 1 else 0 end) as lost,
  max(greatest(d.opened_on, coalesce(d.closed_on, d.opened_on))) as last_on
from deals d
where d.rep is not null
group by d.rep
order by d.rep
