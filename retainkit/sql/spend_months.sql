-- Money spent by calendar month and category; what keeps customers does so in capitals, too.
select cast(date_trunc('month', s.month) as date) as month,
  case when lower(s.category) in ('retention', 'support') then lower(s.category) else s.category end as category, sum(s.amount) as amount
from spend s
group by 1, 2
order by 1, 2
