-- Every spell that touches one of three windows, the calendar month [:opens, :closes) and the days [:since, :closes) and
-- [:year, :closes), counted by what it did in each: enough to work out a month's churn under any convention, and the gaps between them.
-- A request to leave counts if, on its day, the customer has no contract left that nobody asked to end, and before the month
-- is over no other has followed without a break (a change of plan).
-- Tells who has left.
with requests as (
  select k.customer, k.cancel_requested_on as asked_on
  from contracts k
  where k.cancel_requested_on is not null and not exists (
    select 1 from contracts j
    where j.customer = k.customer and j.started_on <= k.cancel_requested_on
      and coalesce(j.ended_on, cast('9999-12-31' as date)) > k.cancel_requested_on
      and coalesce(j.cancel_requested_on, cast('9999-12-31' as date)) > k.cancel_requested_on
  )
  group by k.customer, k.cancel_requested_on
)
select f.base, f.came, f.gone, f.base_days, f.came_days, f.gone_days, f.base_year, f.gone_year, f.asked, f.due, f.back, f.returned,
  count(*) as customers
from (
  select
    case when s.started_on < :opens and s.until_on >= :opens then 1 else 0 end as base,
    case when s.started_on >= :opens and s.started_on < :closes then 1 else 0 end as came,
    case when s.until_on >= :opens and s.until_on < :closes then 1 else 0 end as gone,
    case when s.started_on < :since and s.until_on >= :since then 1 else 0 end as base_days,
    case when s.started_on >= :since and s.started_on < :closes then 1 else 0 end as came_days,
    case when s.until_on >= :since and s.until_on < :closes then 1 else 0 end as gone_days,
    case when s.started_on < :year and s.until_on >= :year then 1 else 0 end as base_year,
    case when s.until_on >= :year and s.until_on < :closes then 1 else 0 end as gone_year,
    case when exists (
      select 1 from requests r
      where r.customer = s.customer and r.asked_on >= :opens and r.asked_on < :closes and r.asked_on >= s.started_on
        and r.asked_on <= s.until_on and not exists (
          select 1 from contracts n
          where n.customer = s.customer and n.started_on > r.asked_on and n.started_on < :closes and n.started_on <= s.until_on
        )
    ) then 1 else 0 end as asked,
    case when exists (
      select 1 from contracts k
      where k.customer = s.customer and k.started_on >= s.started_on and k.started_on < s.until_on
        and k.started_on < :opens and k.ended_on >= :opens and k.ended_on < :closes
    ) then 1 else 0 end as due,
    case when exists (
      select 1 from spells b
      where b.customer = s.customer and b.spell > s.spell and b.started_on < :closes
        and coalesce(b.ended_on, cast('9999-12-31' as date)) >= :closes
    ) then 1 else 0 end as back,
    case when s.spell > 1 then 1 else 0 end as returned
  from (
    select p.customer, p.spell, p.started_on,
      coalesce(p.ended_on, cast('9999-12-31' as date)) as until_on
    from spells p
  ) s
  where s.started_on < :closes and (s.until_on >= :opens or s.until_on >= :since or s.until_on >= :year)
) f
group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
order by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
