-- Deals opened in [:opens, :closes), each followed for :days days: how many were won in that time, for how much, after how
-- long; those won for an unknown amount (without_amount) in a row of their own. The sums of squares and products give the
-- variance and skewness of their combination, the deal being the unit.
select v.without_amount, count(*) as opened, sum(v.won) as won, sum(v.amount) as amount, sum(v.cycle) as cycle,
  sum(v.amount * v.amount) as amount_amount, sum(v.cycle * v.cycle) as cycle_cycle, sum(v.amount * v.cycle) as amount_cycle,
  sum(v.amount * v.amount * v.amount) as amount_3, sum(v.amount * v.amount * v.cycle) as amount_2_cycle,
  sum(v.amount * v.cycle * v.cycle) as amount_cycle_2, sum(v.cycle * v.cycle * v.cycle) as cycle_3
from (
  select w.won, w.won * coalesce(w.amount, 0) as amount, w.won * w.cycle as cycle,
    case when w.won = 1 and w.amount is null then 1 else 0 end as without_amount
  from (
    select case when d.outcome = 'won' and date_diff('day', d.opened_on, d.closed_on) <= :days then 1 else 0 end as won,
      cast(d.amount as double precision) as amount,
      cast(coalesce(date_diff('day', d.opened_on, d.closed_on), 0) as double precision) as cycle
    from deals d
    where d.opened_on >= :opens and d.opened_on < :closes
  ) w
) v
group by v.without_amount
order by v.without_amount
