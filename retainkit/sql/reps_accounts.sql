-- Accounts by the rep who owned their first won deal when it was won, and how long the account's first spell of contracts
-- has lasted: all of it, and its first :early_days days up to a request to cancel. Whoever looks after the account today
-- changes nothing (reassigned says it is somebody else). An account without a contract, or whose contract is more than
-- :grace_days days older than the deal, cannot be followed from the sale: status says so.
with firsts as (
  select f.customer, f.rep, f.closed_on, f.segment, f.source, f.region
  from (
    select d.customer, d.rep, d.closed_on, d.segment, d.source, d.region,
      row_number() over (partition by d.customer order by d.closed_on, d.opened_on, d.deal_id) as nth
    from deals d
    where d.outcome = 'won' and d.customer is not null
  ) f
  where f.nth = 1
), followed as (
  select f.rep, coalesce(f.segment, c.segment, 'unknown') as segment, coalesce(f.source, c.source, 'unknown') as source,
    coalesce(f.region, c.region, 'unknown') as region,
    case when c.owner <> f.rep then 1 else 0 end as reassigned,
    case when s.customer is null then 'no_contract'
      when date_diff('day', s.started_on, f.closed_on) > :grace_days then 'older_contract' else 'followed' end as status,
    case when s.started_on < :history_start then date_diff('day', s.started_on, :history_start) else 0 end as entry,
    date_diff('day', s.started_on, coalesce(s.ended_on, :as_of)) as duration,
    case when s.ended_on is null then 0 else 1 end as event,
    date_diff('day', s.started_on, least(coalesce(s.cancel_requested_on, s.ended_on), coalesce(s.ended_on, s.cancel_requested_on))) as asked_age
  from firsts f
  left join spells s on s.customer = f.customer and s.spell = 1
  left join customers c on c.customer = f.customer
  where f.rep is not null
)
select w.rep, w.segment, w.source, w.region, w.reassigned, w.status, w.entry, w.duration, w.event,
  least(coalesce(w.asked_age, w.duration), :early_days) as early_duration,
  case when w.asked_age <= :early_days then 1 else 0 end as early_event, count(*) as n
from followed w
group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
order by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
