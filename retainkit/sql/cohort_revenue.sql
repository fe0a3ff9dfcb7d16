-- New customers by the month of their first purchase, and what they brought in their first :within days.
select v.month, count(*) as n, sum(v.revenue) as revenue
from (
  select cast(date_trunc('month', d.first_on) as date) as month, d.customer,
    sum(case when d.age between 0 and :within then d.amount else 0 end) as revenue
  from days d
  where d.is_new and d.first_on is not null
  group by 1, 2
) v
group by v.month
order by v.month
