-- Deals opened in [:opens, :closes), each followed for :days days: how many were won in that time, for how much, after how
-- long. The sums of squares and products give the variance and skewness of their combination, the deal being the unit.
select count(*) as opened, sum(v.won) as won, sum(v.amount) as amount, sum(v.cycle) as cycle,
  sum(v.amount * v.amount) as amount_amount, sum(v.cycle * v.cycle) as cycle_cycle, sum(v.amount * v.cycle) as amount_cycle,
  sum(v.amount * v.amount * v.amount) as amount_3, sum(v.amount * v.amount * v.cycle) as amount_2_cycle,
  sum(v.amount * v.cycle * v.cycle) as amount_cycle_2, sum(v.cycle * v.cycle * v.cycle) as cycle_3,
  sum(case when v.won = 1 and v.known = 0 then 1 else 0 end) as without_amount
from (
  select w.won, w.won * coalesce(w.amount, 0) as amount, w.won * w.cycle as cycle, w.known
  from (
    select case when d.outcome = 'won' and date_diff('day', d.opened_on, d.closed_on) <= :days then 1 else 0 end as won,
      cast(d.amount as double precision) as amount, case when d.amount is null then 0 else 1 end as known,
      cast(coalesce(date_diff('day', d.opened_on, d.closed_on), 0) as double precision) as cycle
    from deals d
    where d.opened_on >= :opens and d.opened_on < :closes
  ) w
) v
