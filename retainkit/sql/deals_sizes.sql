-- Won deals with an amount by the month they were won in: how many, and how much.
select cast(date_trunc('month', d.closed_on) as date) as month, count(*) as n, sum(d.amount) as total
from deals d
where d.outcome = 'won' and d.amount is not null
group by 1
order by 1
