-- By month of the :k-th purchase, if that came within :latest days of the first: new customers who made it, and those of them
-- who bought again within :within days of it.
select cast(date_trunc('month', d.on_day) as date) as month, count(*) as n,
  cast(sum(case when f.gap <= :within then 1 else 0 end) as bigint) as hits
from days d
left join days f on f.customer = d.customer and f.ordinal = :k + 1
where d.is_new and d.ordinal = :k and d.age <= :latest
group by 1
order by 1
