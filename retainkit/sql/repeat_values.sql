-- New customers who bought again by :cut, by repeat purchases (x) and what one came to on average, to the nearest 5 %: m is the
-- mean of those within it, without what was given back. Left out: customers whose repeat purchases came to nothing.
select v.x, count(*) as n, cast(sum(cast(v.m as decimal(28, 9))) as double) / count(*) as m
from (
  select p.customer, p.x, cast(p.money as double) / p.x as m
  from (
    select d.customer, count(*) as x, sum(d.amount + coalesce(b.amount, 0)) as money
    from days d
    left join (
      select m.customer, m.on_day, cast(sum(m.amount) as decimal(18, 4)) as amount
      from (
        select r.customer, r.ordered_on as on_day, -r.amount as amount from orders r where r.status = 'refunded'
        union all
        select p.customer, p.refunded_on as on_day, p.amount from orders p where p.status = 'refunded'
      ) m
      group by m.customer, m.on_day
    ) b on b.customer = d.customer and b.on_day = d.on_day
    where d.is_new and d.ordinal > 1 and d.on_day <= :cut
    group by d.customer
  ) p
  where p.money > 0
) v
group by v.x, floor(ln(v.m) * 20)
order by v.x, floor(ln(v.m) * 20)
