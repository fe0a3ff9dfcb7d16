-- Customers who answered in both of two waves, any two: what became of promoters (1), passives (0) and detractors (-1).
with dated as (
  select r.customer, r.answered_on, r.score, coalesce(r.wave,
    concat(cast(extract(year from r.answered_on) as varchar), '-Q', cast(extract(quarter from r.answered_on) as varchar))) as wave
  from responses r
  where r.kind = :kind and r.customer is not null
), lasts as (
  select n.customer, n.wave, case when n.score >= 9 then 1 when n.score <= 6 then -1 else 0 end as opinion
  from (
    select d.customer, d.wave, d.score,
      row_number() over (partition by d.wave, d.customer order by d.answered_on desc, d.score) as nth
    from dated d
  ) n
  where n.nth = 1
)
select b.wave as before, a.wave, b.opinion as earlier, a.opinion as later, count(*) as n
from lasts a
join lasts b on b.customer = a.customer and b.wave <> a.wave
group by 1, 2, 3, 4
order by 1, 2, 3, 4
