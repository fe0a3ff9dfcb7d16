-- Customers with a contract by the days since their first one began, gone or not.
select date_diff('day', s.started_on, :as_of) as followup, count(*) as n
from spells s
where s.spell = 1
group by 1
order by 1
