-- How many lapses by the rule of :days there were, how many are :within days old or more, and how many of those were
-- followed by a purchase within :within days; and how many were followed by one at all, so far. Every purchase old enough for
-- one is a lapse, less those that another followed in time. Flat counts of purchases, by their age and by what came before
-- them: 1 another within :days, which would be a lapse by now (2 if :within old); 3 another within :within after those (4 if
-- its lapse is :within old); 5 another before that; 0 none, or one too young.
select sum(case when c.since >= :days then c.n else 0 end - case when c.kind in (1, 2) then c.n else 0 end) as lapses,
  sum(case when c.since >= :days + :within then c.n else 0 end - case when c.kind = 2 then c.n else 0 end) as old_enough,
  sum(case when c.kind = 4 then c.n else 0 end) as returned,
  sum(case when c.kind >= 3 then c.n else 0 end) as returned_so_far
from (
  select p.since,
    case when p.gap <= :days then case when p.since + p.gap < :days then 0 when p.since + p.gap < :days + :within then 1 else 2 end
      when p.gap <= :days + :within then case when p.since + p.gap < :days + :within then 3 else 4 end
      when p.gap is not null then 5 else 0 end as kind, count(*) as n
  from (select d.gap, date_diff('day', d.on_day, :as_of) as since from days d where d.ordinal > 0) p
  group by 1, 2
) c
