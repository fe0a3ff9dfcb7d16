-- Spells: stretches of time in which a customer had a contract without a break. Contracts that overlap, or follow each other on
-- the same day (a renewal, a change of plan), are one spell; a later return is the next spell. Ends are the first day without a contract; null is still running. Nothing is null in the windows: `nulls first` is there for engines
-- that cannot say the other way round.
with dated as (
  select c.contract_id, c.customer, c.started_on, c.cancel_requested_on, c.end_reason, c.monthly_value, c.deal_id,
    coalesce(c.ended_on, cast('9999-12-31' as date)) as until_on
  from contracts c
), covered as (
  select d.*, max(d.until_on) over (
    partition by d.customer order by d.started_on nulls first, d.until_on nulls first, d.contract_id nulls first
    rows between unbounded preceding and 1 preceding) as covered_until
  from dated d
), numbered as (
  select v.*, sum(case when v.covered_until >= v.started_on then 0 else 1 end) over (
    partition by v.customer order by v.started_on nulls first, v.until_on nulls first, v.contract_id nulls first
    rows between unbounded preceding and current row) as spell
  from covered v
), placed as (
  select n.*,
    row_number() over (partition by n.customer, n.spell order by n.started_on, n.until_on, n.contract_id) as nth,
    row_number() over (partition by n.customer, n.spell order by n.until_on desc, n.started_on desc, n.contract_id desc) as nth_last
  from numbered n
)
select p.customer, cast(p.spell as integer) as spell, min(p.started_on) as started_on,
  case when max(p.until_on) < cast('9999-12-31' as date) then max(p.until_on) end as ended_on,
  max(case when p.nth_last = 1 then p.cancel_requested_on end) as cancel_requested_on,
  max(case when p.nth_last = 1 then p.end_reason end) as end_reason,
  max(case when p.nth = 1 then p.monthly_value end) as monthly_value,
  max(case when p.nth = 1 then p.deal_id end) as deal_id
from placed p
group by p.customer, p.spell
order by p.customer, p.spell
