-- Which line led to which: the line of a new customer's first purchase, and the new line of the first cross-sell.
-- A day that opened several new lines counts once for each; crossed is the number of first cross-sells behind them.
select x.entry_line, s.product_line as next_line, count(*) as n, min(e.crossed) as crossed
from days x
join line_starts s on s.customer = x.customer and s.started_on = x.on_day
join (
  select c.entry_line, count(*) as crossed
  from days c
  where c.is_new and c.cross_ordinal = 1
  group by c.entry_line
) e on e.entry_line = x.entry_line
where x.is_new and x.cross_ordinal = 1
group by x.entry_line, s.product_line
order by x.entry_line, s.product_line
