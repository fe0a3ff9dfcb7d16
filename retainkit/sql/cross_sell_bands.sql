-- Cross-sells of new customers and the days on which they were watched and had not left, by band of age. The sums of
-- squares and products give the variance of the rate, customers being the unit: one who takes a second line is likelier
-- to take a third.
select s.first_age, s.last_age, count(*) as customers, cast(sum(s.events) as bigint) as events, cast(sum(s.days) as bigint) as days,
  cast(sum(s.events * s.events) as bigint) as events_events, cast(sum(s.events * s.days) as bigint) as events_days,
  cast(sum(s.days * s.days) as bigint) as days_days
from (
  select b.first_age, b.last_age, d.customer,
    sum(case when d.cross_ordinal > 0 and d.age > b.first_age and d.age <= b.last_age and d.age <= coalesce(d.left_age, d.age) then 1 else 0 end) as events,
    max(case when coalesce(d.left_age, date_diff('day', d.first_on, :as_of)) < b.last_age
      then coalesce(d.left_age, date_diff('day', d.first_on, :as_of)) else b.last_age end - b.first_age) as days
  from days d
  cross join :bands b
  where d.is_new and (d.ordinal = 1 or d.cross_ordinal > 0)
  group by b.first_age, b.last_age, d.customer
) s
where s.days > 0
group by s.first_age, s.last_age
order by s.first_age, s.last_age
