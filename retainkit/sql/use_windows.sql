-- Customers there throughout each window [opens, closes), and how many of them used the product in it. There: under
-- contract; where nobody has a contract, after the day they first used it: on that day everybody does.
with here as (
  select s.customer, s.started_on, coalesce(s.ended_on, cast('9999-12-31' as date)) as until_on, 0 as by_use
  from spells s
  union all
  select a.customer, min(a.active_on) as started_on, cast('9999-12-31' as date) as until_on, 1 as by_use
  from activity a
  where not exists (select 1 from spells p)
  group by a.customer
), used as (
  select w.opens, w.closes, a.customer
  from :windows w
  join activity a on a.active_on >= w.opens and a.active_on < w.closes
  group by w.opens, w.closes, a.customer
)
select w.opens, w.closes, count(*) as n, count(u.customer) as hits
from :windows w
join here h on h.until_on >= w.closes and (h.started_on < w.opens or h.started_on = w.opens and h.by_use = 0)
left join used u on u.opens = w.opens and u.closes = w.closes and u.customer = h.customer
where exists (select 1 from activity)
group by w.opens, w.closes
order by w.closes, w.opens
