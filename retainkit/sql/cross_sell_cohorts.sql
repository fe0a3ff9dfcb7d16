-- By month of first purchase: new customers, those cross-sold within :within days (before they left), and all their
-- cross-sells within :within and within :horizon days.
select cast(date_trunc('month', d.first_on) as date) as month,
  cast(sum(case when d.ordinal = 1 then 1 else 0 end) as bigint) as customers,
  cast(sum(case when d.cross_ordinal = 1 and d.age <= :within and d.age <= coalesce(d.left_age, d.age) then 1 else 0 end) as bigint) as crossed,
  cast(sum(case when d.cross_ordinal > 0 and d.age <= :within then 1 else 0 end) as bigint) as early,
  cast(sum(case when d.cross_ordinal > 0 and d.age <= :horizon then 1 else 0 end) as bigint) as sold
from days d
where d.is_new and (d.ordinal = 1 or d.cross_ordinal > 0)
group by 1
order by 1
