-- Days from the first purchase to the first later day with a product line the customer had not bought before, with
-- leaving (the first day without a contract) as the competing end, or to :as_of. Both on one day: the purchase first.
select f.grp,
  case when x.age is not null and x.age <= coalesce(f.left_age, x.age) then x.age
    when f.left_age is not null then f.left_age else f.followup end as duration,
  case when x.age is not null and x.age <= coalesce(f.left_age, x.age) then 'cross_sell'
    when f.left_age is not null then 'churn' else '' end as cause,
  count(*) as n
from (
  select d.customer, :by as grp, date_diff('day', d.first_on, :as_of) as followup,
    date_diff('day', d.first_on, l.left_on) as left_age
  from days d
  left join (
    select s.customer, min(s.ended_on) as left_on
    from spells s
    join days b on b.customer = s.customer and b.ordinal = 1 and s.ended_on >= b.first_on
    group by s.customer
  ) l on l.customer = d.customer
  where d.is_new and d.ordinal = 1
) f
left join days x on x.customer = f.customer and x.cross_ordinal = 1
group by 1, 2, 3
order by 1, 2, 3
