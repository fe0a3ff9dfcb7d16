-- Money spent by calendar month and category.
select cast(date_trunc('month', s.month) as date) as month, s.category, sum(s.amount) as amount
from spend s
group by 1, 2
order by 1, 2
