-- Contracts whose end the customer carried on past, with another contract: how renewals look in this export.
select count(*) as ended, sum(case when s.ended_on is null or s.ended_on > c.ended_on then 1 else 0 end) as carried_on
from contracts c
join spells s on s.customer = c.customer and c.started_on >= s.started_on
  and (s.ended_on is null or c.ended_on <= s.ended_on)
where c.ended_on is not null
