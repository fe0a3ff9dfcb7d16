-- First spells by the month they began and by the period of :period_days in which they ended (null: still running; period 1
-- ends on the day :period_days after the start). Contracts older than the recorded history are left out.
-- Tells who has left.
select extract(year from s.started_on) * 12 + extract(month from s.started_on) - 1 as cohort,
  cast(ceil(date_diff('day', s.started_on, s.ended_on) / cast(:period_days as double precision)) as integer) as ended_in,
  count(*) as customers
from spells s
where s.spell = 1 and s.started_on >= :history_start
group by 1, 2
order by 1, 2
