-- New customers by the month of their first purchase and where they came from.
select cast(date_trunc('month', b.first_on) as date) as month, coalesce(b.source, 'unknown') as source, count(*) as n
from buyers b
where b.is_new
group by 1, 2
order by 1, 2
