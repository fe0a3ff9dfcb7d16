-- Customers who used the product in their first :early days and were still there :within days after their start, by
-- the month they started in; and how many of them did not use it at all in the last :late of those days. There: as in use_windows.
-- Left out: those who began before the recorded history, and those not followed for :within days yet.
with here as (
  select s.customer, s.started_on, coalesce(s.ended_on, cast('9999-12-31' as date)) as until_on
  from spells s
  where s.spell = 1
  union all
  select a.customer, min(a.active_on) as started_on, cast('9999-12-31' as date) as until_on
  from activity a
  where not exists (select 1 from spells p)
  group by a.customer
), ages as (
  select h.customer, h.started_on,
    max(case when date_diff('day', h.started_on, a.active_on) between 0 and :early - 1 then 1 else 0 end) as used_early,
    max(case when date_diff('day', h.started_on, a.active_on) between :within - :late and :within - 1 then 1 else 0 end) as used_late
  from here h
  join activity a on a.customer = h.customer and a.active_on >= h.started_on
  where h.started_on >= :history_start and date_diff('day', h.started_on, :as_of) >= :within
    and date_diff('day', h.started_on, h.until_on) > :within
  group by h.customer, h.started_on
)
select :by as grp, cast(date_trunc('month', g.started_on) as date) as month, count(*) as n,
  sum(1 - g.used_late) as hits
from ages g
left join customers c on c.customer = g.customer
where g.used_early = 1
group by 1, 2
order by 1, 2
