-- New customers by unit and by the month (year * 12 + month - 1) of their first purchase: how many, and how many bought again
-- within :within days.
select b.unit, b.month, sum(b.first) as n, sum(b.hit) as hits
from (
  select :by as unit, extract(year from d.first_on) * 12 + extract(month from d.first_on) - 1 as month,
    case when d.ordinal = 1 then 1 else 0 end as first, case when d.ordinal = 2 and d.age <= :within then 1 else 0 end as hit
  from days d
  where d.is_new and d.ordinal between 1 and 2
) b
where b.unit is not null
group by b.unit, b.month
order by b.unit, b.month
