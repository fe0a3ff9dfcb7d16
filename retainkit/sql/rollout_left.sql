-- Customers by unit and by the month (year * 12 + month - 1) in which their first contract began: how many, and how many were
-- without a contract within :within days. Contracts older than the recorded history are left out: their early leavers are not in it.
-- Tells who has left.
select b.unit, b.month, count(*) as n, sum(b.hit) as hits
from (
  select :by as unit, extract(year from s.started_on) * 12 + extract(month from s.started_on) - 1 as month,
    case when date_diff('day', s.started_on, s.ended_on) <= :within then 1 else 0 end as hit
  from spells s
  left join customers c on c.customer = s.customer
  left join (select k.deal_id, k.rep from deals k) d on d.deal_id = s.deal_id
  where s.spell = 1 and s.started_on >= :history_start
) b
where b.unit is not null
group by b.unit, b.month
order by b.unit, b.month
