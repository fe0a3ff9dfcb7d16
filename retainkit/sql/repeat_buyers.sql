-- New customers known by :cut, by repeat purchases up to then (x), weeks from first to last purchase (t_x) and weeks followed
-- (weeks), weeks begun; what their repeat purchases came to; and what they bought, and brought in all, after :cut. What was given back is in
-- none of it, neither as money that came nor as money that went: a day's money is that of the lines that stayed.
select c.x, c.t_x, c.weeks, count(*) as n, sum(c.money) as money, sum(c.later) as later, sum(c.later * c.later) as later2,
  sum(c.later_money) as later_money, sum(cast(cast(c.later_money as double) * cast(c.later_money as double) as decimal(38, 6))) as later_money2
from (
  select d.customer,
    sum(case when d.ordinal > 1 and d.on_day <= :cut then 1 else 0 end) as x,
    cast(floor((max(case when d.ordinal > 0 and d.on_day <= :cut then d.age else 0 end) + 6) / 7) as integer) as t_x,
    cast(floor((max(date_diff('day', d.first_on, :cut)) + 6) / 7) as integer) as weeks,
    sum(case when d.ordinal > 1 and d.on_day <= :cut then d.amount + coalesce(b.given_back, 0) else 0 end) as money,
    sum(case when d.ordinal > 1 and d.on_day > :cut then 1 else 0 end) as later,
    sum(case when d.on_day > :cut then d.amount + coalesce(b.given_back, 0) else 0 end) as later_money
  from days d
  left join paid_back b on b.customer = d.customer and b.on_day = d.on_day
  where d.is_new and d.first_on <= :cut
  group by d.customer
) c
group by c.x, c.t_x, c.weeks
order by c.x, c.t_x, c.weeks
