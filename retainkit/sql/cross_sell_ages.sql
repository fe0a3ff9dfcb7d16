-- Cross-sells of new customers by age in days, while they had not left.
select d.age, count(*) as n
from days d
where d.is_new and d.cross_ordinal > 0 and d.age <= coalesce(d.left_age, d.age)
group by 1
order by 1
