-- Won deals: how many, the mean of :measure with what its variance and skewness need (accounts are the unit, so sums are made by
-- account first; a deal without an account is its own), and the median with its rank interval for :z. Powers are added of parts of
-- the largest account, which fit a decimal in any currency; decimals come out the same in whatever order they are added.
with won as (
  select :by as grp, v.account, cast(:measure as double precision) as size
  from (
    select d.rep, d.source, d.segment, d.region, d.amount, date_diff('day', d.opened_on, d.closed_on) as cycle_days,
      coalesce(cast(d.customer as varchar), concat('deal ', d.deal_id)) as account
    from deals d
    where d.outcome = 'won'
  ) v
), ranked as (
  select w.grp, w.size, row_number() over (partition by w.grp order by w.size) as place,
    count(*) over (partition by w.grp) as n
  from won w
  where w.size is not null
), middles as (
  select r.grp, r.n, avg(case when abs(2 * r.place - r.n - 1) <= 1 then r.size end) as median,
    max(case when r.place = floor((r.n - :z * sqrt(r.n)) / 2 + 0.5) then r.size end) as median_low,
    max(case when r.place = floor(1.5 + (r.n + :z * sqrt(r.n)) / 2) then r.size end) as median_high
  from ranked r
  group by r.grp, r.n
), accounts as (
  select w.grp, w.account, count(w.size) as deals, sum(w.size) as total, count(*) - count(w.size) as missing
  from won w
  group by w.grp, w.account
), parts as (
  select a.grp, a.deals, a.total, a.missing, max(abs(a.total)) over (partition by a.grp) as largest,
    a.total / nullif(max(abs(a.total)) over (partition by a.grp), 0) as part
  from accounts a
), added as (
  select p.grp, count(*) as accounts, sum(p.deals) as deals, sum(p.missing) as missing, sum(cast(p.total as decimal(38, 6))) as total,
    max(p.largest) as largest, sum(cast(p.part * p.part as decimal(38, 18))) as part_part,
    sum(cast(p.part * p.deals as decimal(38, 18))) as part_deals, sum(p.deals * p.deals) as deals_deals,
    sum(cast(p.part * p.part * p.part as decimal(38, 18))) as part_3,
    sum(cast(p.part * p.part * p.deals as decimal(38, 18))) as part_2_deals,
    sum(cast(p.part * p.deals * p.deals as decimal(38, 18))) as part_deals_2, sum(p.deals * p.deals * p.deals) as deals_3
  from parts p
  group by p.grp
), sums as (
  select a.grp, a.accounts, a.deals, a.missing, a.total, a.part_part * a.largest * a.largest as total_total,
    a.part_deals * a.largest as total_deals, a.deals_deals, a.part_3 * a.largest * a.largest * a.largest as total_3,
    a.part_2_deals * a.largest * a.largest as total_2_deals, a.part_deals_2 * a.largest as total_deals_2, a.deals_3
  from added a
)
select s.grp, s.accounts, s.deals, s.missing, s.total, s.total_total, s.total_deals, s.deals_deals,
  s.total_3, s.total_2_deals, s.total_deals_2, s.deals_3, m.median, m.median_low, m.median_high
from sums s
left join middles m on m.grp = s.grp
order by s.grp
