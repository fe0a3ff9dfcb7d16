-- New customers who bought again by :cut, by repeat purchases (x) and what one came to on average, to the nearest 5 %: m is the
-- mean of those within it, without what was given back. Left out: customers whose repeat purchases came to nothing.
select v.x, count(*) as n, cast(sum(cast(v.m as decimal(28, 9))) as double) / count(*) as m
from (
  select p.customer, p.x, cast(p.money as double) / p.x as m
  from (
    select d.customer, count(*) as x, sum(d.amount + coalesce(b.given_back, 0)) as money
    from days d
    left join paid_back b on b.customer = d.customer and b.on_day = d.on_day
    where d.is_new and d.ordinal > 1 and d.on_day <= :cut
    group by d.customer
  ) p
  where p.money > 0
) v
group by v.x, floor(ln(v.m) * 20)
order by v.x, floor(ln(v.m) * 20)
