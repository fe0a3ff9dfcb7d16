-- What new customers brought at each age in days: :value summed over them, and how many customer-days that was.
select :by as grp, d.age, sum(:value) as value, count(*) as n
from days d
where d.is_new and d.age >= 0 and :value <> 0
group by 1, 2
order by 1, 2
