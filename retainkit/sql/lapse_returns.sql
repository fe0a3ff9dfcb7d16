-- How many lapses by the rule of :days there were, how many are :within days old or more, and how many of those were
-- followed by a purchase within :within days; and how many were followed by one at all, so far. Every purchase that no other
-- followed within :days is a lapse: those old enough for one, less those that another purchase followed, plus those that it
-- followed too late.
select sum(r.old + r.late - r.followed) as lapses,
  sum(r.old_enough + r.late_enough - r.followed_enough) as old_enough,
  sum(case when r.late_enough = 1 and r.gap <= :days + :within then 1 else 0 end) as returned,
  sum(r.late) as returned_so_far
from (
  select p.gap,
    case when p.since >= :days then 1 else 0 end as old,
    case when p.since >= :days + :within then 1 else 0 end as old_enough,
    case when p.since + p.gap >= :days then 1 else 0 end as followed,
    case when p.since + p.gap >= :days + :within then 1 else 0 end as followed_enough,
    case when p.gap > :days then 1 else 0 end as late,
    case when p.gap > :days and p.since + p.gap >= :days + :within then 1 else 0 end as late_enough
  from (select d.gap, date_diff('day', d.on_day, :as_of) as since from days d where d.ordinal > 0) p
) r
