-- New customers by the last age at which they were watched and had not left, and how they were last seen.
select :by as grp, coalesce(d.left_age, date_diff('day', d.first_on, :as_of)) as last_age,
  case when d.left_age is null then 0 else 1 end as gone, count(*) as n
from days d
where d.is_new and d.ordinal = 1
group by 1, 2, 3
order by 1, 2, 3
