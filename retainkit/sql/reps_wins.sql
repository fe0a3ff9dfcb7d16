-- Deals of each rep that have had their time (opened at least :days days before the end of :as_of), by stratum: how many,
-- and how many were won; what is still open was not won. An account counts once a quarter and rep, with the first deal opened.
select r.rep, r.segment, r.source, r.region, sum(r.won) as won, count(*) as deals
from (
  select d.rep, coalesce(d.segment, 'unknown') as segment, coalesce(d.source, 'unknown') as source,
    coalesce(d.region, 'unknown') as region, case when d.outcome = 'won' then 1 else 0 end as won,
    row_number() over (
      partition by d.rep, coalesce(cast(d.customer as varchar), concat('deal ', d.deal_id)), cast(date_trunc('quarter', d.opened_on) as date)
      order by d.opened_on, d.deal_id) as nth
  from deals d
  where d.rep is not null and date_diff('day', d.opened_on, :as_of) >= :days
) r
where r.nth = 1
group by 1, 2, 3, 4
order by 1, 2, 3, 4
