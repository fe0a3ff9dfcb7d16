-- Customers who bought in each window [opens, closes): how many there were, on how many of them two purchase days or more
-- fell, and how many were customers before the window began.
select c.opens, c.closes, count(*) as buyers, sum(case when c.purchases > 1 then 1 else 0 end) as repeaters,
  sum(c.came_before) as returning_buyers
from (
  select w.opens, w.closes, d.customer, count(*) as purchases,
    max(case when d.first_on < w.opens or not d.is_new then 1 else 0 end) as came_before
  from :windows w
  join days d on d.on_day >= w.opens and d.on_day < w.closes
  where d.ordinal > 0
  group by w.opens, w.closes, d.customer
) c
group by c.opens, c.closes
order by c.closes, c.opens
