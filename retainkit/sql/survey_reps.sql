-- The latest survey answer of each account, by the rep who owned its first won deal when it was won.
select v.rep, sum(case when v.score >= 9 then 1 else 0 end) as promoters,
  sum(case when v.score <= 6 then 1 else 0 end) as detractors, count(*) as n
from (
  select f.rep, r.score, row_number() over (partition by f.customer order by r.answered_on desc, r.score) as latest
  from (
    select d.customer, d.rep,
      row_number() over (partition by d.customer order by d.closed_on, d.opened_on, d.deal_id) as nth
    from deals d
    where d.outcome = 'won' and d.customer is not null
  ) f
  join responses r on r.customer = f.customer and r.kind = 'customer'
  where f.nth = 1 and f.rep is not null
) v
where v.latest = 1
group by v.rep
order by v.rep
