-- What has happened to each table's rows since the end of :since: rows of those who were there by then (customers by their
-- first order or contract row, each deal on its own) that are dated later, rows of theirs that changed later (paid back, ended,
-- decided), and rows of newcomers.
select r.name, count(*) as rows_now,
  cast(sum(case when r.first_on <= :since and r.on_day > :since then 1 else 0 end) as bigint) as rows_since,
  cast(sum(case when r.on_day <= :since and r.changed_on > :since then 1 else 0 end) as bigint) as rows_changed,
  cast(sum(case when r.first_on > :since then 1 else 0 end) as bigint) as rows_new
from (
  select 'orders' as name, o.ordered_on as on_day, o.refunded_on as changed_on, f.first_on
  from orders o
  join (select w.customer, min(w.ordered_on) as first_on from orders w group by w.customer) f on f.customer = o.customer
  union all
  select 'contracts' as name, c.started_on as on_day, c.ended_on as changed_on, g.first_on
  from contracts c
  join (select v.customer, min(v.started_on) as first_on from contracts v group by v.customer) g on g.customer = c.customer
  union all
  select 'deals' as name, d.opened_on as on_day, d.closed_on as changed_on, d.opened_on as first_on
  from deals d
) r
group by r.name
order by r.name
