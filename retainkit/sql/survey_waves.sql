-- Promoters, detractors and all answers of each survey wave, the last answer of a customer in a wave counting alone; anonymous
-- answers count as they are. Answers without a wave belong to their calendar quarter. From whom, and how many were asked.
with dated as (
  select r.kind, r.customer, r.answered_on, r.score, r.invited, coalesce(r.wave,
    concat(cast(extract(year from r.answered_on) as varchar), '-Q', cast(extract(quarter from r.answered_on) as varchar))) as wave
  from responses r
), numbered as (
  select d.kind, d.customer, d.answered_on, d.score, d.invited, d.wave,
    row_number() over (partition by d.kind, d.wave, d.customer order by d.answered_on desc, d.score) as nth
  from dated d
)
select n.kind, :by as grp, n.wave, min(n.answered_on) as first_on, max(n.answered_on) as last_on,
  sum(case when n.score >= 9 then 1 else 0 end) as promoters, sum(case when n.score <= 6 then 1 else 0 end) as detractors,
  count(*) as n, max(n.invited) as invited
from numbered n
left join customers c on c.customer = n.customer
where n.customer is null or n.nth = 1
group by 1, 2, 3
order by n.kind, min(n.answered_on), n.wave, 2
