-- What was rolled out, to which unit, and from which day on (the first, where it is listed twice).
select g.change, g.unit, min(g.started_on) as started_on
from changes g
where g.change is not null and g.unit is not null and g.started_on is not null
group by g.change, g.unit
order by g.change, g.unit
