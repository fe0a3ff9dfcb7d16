-- Customers under contract on each survey wave's first day, and how many of them answered it: by :by, and by whether they
-- left within :days days of that day. Left out: waves so recent that this is not known yet.
-- Tells who has left.
with dated as (
  select r.customer, r.answered_on, coalesce(r.wave,
    concat(cast(extract(year from r.answered_on) as varchar), '-Q', cast(extract(quarter from r.answered_on) as varchar))) as wave
  from responses r
  where r.kind = 'customer'
), waves as (
  select d.wave, min(d.answered_on) as first_on
  from dated d
  group by d.wave
), here as (
  select w.wave, s.customer,
    case when s.ended_on is not null and date_diff('day', w.first_on, s.ended_on) <= :days then 'left soon after' else 'stayed' end as became
  from waves w
  join spells s on s.started_on <= w.first_on and (s.ended_on is null or s.ended_on > w.first_on)
  where date_diff('day', w.first_on, :as_of) >= :days
), answered as (
  select distinct d.wave, d.customer
  from dated d
  where d.customer is not null
)
select :by as grp, h.became, count(*) as customers, count(a.customer) as answers
from here h
left join answered a on a.wave = h.wave and a.customer = h.customer
left join customers c on c.customer = h.customer
group by 1, 2
order by 1, 2
