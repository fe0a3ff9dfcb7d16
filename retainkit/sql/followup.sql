-- New customers by the days they have been followed, from first purchase to :as_of.
select :by as grp, date_diff('day', d.first_on, :as_of) as followup, count(*) as n
from days d
where d.is_new and d.ordinal = 1
group by 1, 2
order by 1, 2
