-- Won and lost deals by group, with what tells whether the deals of one account go together: sums over accounts of products
-- of their deals and wins. A deal without an account is its own.
select a.grp, count(*) as accounts, sum(a.deals) as deals, sum(a.won) as won, sum(a.won * a.won) as won_won,
  sum(a.won * a.deals) as won_deals, sum(a.deals * a.deals) as deals_deals
from (
  select :by as grp,
    coalesce(cast(d.customer as varchar), concat('deal ', d.deal_id)) as account, count(*) as deals,
    sum(case when d.outcome = 'won' then 1 else 0 end) as won
  from deals d
  where d.outcome <> 'open'
  group by 1, 2
) a
group by 1
order by 1
