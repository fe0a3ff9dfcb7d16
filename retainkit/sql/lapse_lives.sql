-- Age at which new customers first lapse: :days after a purchase without another one. A purchase on that very day still
-- counts, so a finished gap is a lapse only if it is longer; the running one as soon as it is that long.
select l.duration, l.event, count(*) as n
from (
  select case when c.before_lapse is not null then c.before_lapse + :days
      when c.follow_up - c.last_age >= :days then c.last_age + :days else c.follow_up end as duration,
    case when c.before_lapse is not null or c.follow_up - c.last_age >= :days then 1 else 0 end as event
  from (
    select d.customer, min(case when d.gap > :days then d.age - d.gap end) as before_lapse, max(d.age) as last_age,
      date_diff('day', min(d.first_on), :as_of) as follow_up
    from days d
    where d.ordinal > 0 and d.is_new
    group by d.customer
  ) c
) l
group by 1, 2
order by 1, 2
