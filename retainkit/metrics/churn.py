"""Contracts: how long customers stay, how many of the base leave a month, and how many leave early.

A customer is here from the first day of a contract until the first day without any: contracts that overlap or follow
each other on the same day are one stay. Leaving is dated on that first day without; asking to leave is another matter.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from retainkit.errors import counted
from retainkit.estimate.competing import aalen_johansen
from retainkit.estimate.intervals import benjamini_hochberg, square_and_add
from retainkit.estimate.risk import in_view
from retainkit.estimate.smalln import GATES
from retainkit.estimate.survival import at_times, kaplan_meier, logrank, rmst, rmst_limits
from retainkit.load.shop import Shop
from retainkit.metrics.churn_money import customer_retention
from retainkit.metrics.months import balance, churn_rates, first_whole, flows_by_month, last_closed
from retainkit.metrics.reading import each_group, identities, incidence_read, survival_read, too_young
from retainkit.sqltext import Value
from retainkit.tally import UNKNOWN, asked_once, or_unknown, split_by, tally

HORIZONS = (30, 90, 180, 365, 730)
EARLY_DAYS = 60
NOBODY = "no contracts"
OTHER, REASONS = "other reasons", 6
CONTRACT_GROUPS = ("segment", "region", "source", "owner", "start_year")


@asked_once
def contract_survival(
    shop: Shop, *, by: str | None = None, horizons: Sequence[int] = HORIZONS, level: float = 0.95
) -> pd.DataFrame:
    """Share of customers still under contract so many days after their first contract began.

    Everybody counts for as long as they were seen. Contracts older than the recorded history count from the age they
    had when it began: their owners would not be in the export had they left before. Left out: later stays of
    customers who came back (`contract_checks` counts them), and contracts that ended before the history began.

    Parameters
    ----------
    shop
        The shop.
    by
        Split by `segment`, `region`, `source`, `owner` or `start_year`.
    horizons
        Ages in days.
    level
        Confidence level.

    Returns
    -------
    DataFrame
        A row a group and horizon: the group, `horizon_days`, `rate`, `low`, `high`, `n` (customers), `too_young`
        (still here, but seen for less than that long), `at_risk`, `given` (0; where fewer than 10 were seen from their first day, the
        age from which 10 were: the rates are of those still here at it), `note`. NaN beyond the longest follow-up.

    Notes
    -----
    Kaplan-Meier with delayed entry and log-log limits.

    Examples
    --------
    Ann leaves after 36 days, Bob and Cy are still here.

    >>> from retainkit import open_shop
    >>> book = pd.DataFrame({
    ...     "contract_id": [1, 2, 3], "customer_id": ["ann", "bob", "cy"],
    ...     "started_at": ["2026-01-05", "2026-01-20", "2026-02-01"], "ended_at": ["2026-02-10", None, None]})
    >>> shop = open_shop({"contracts": book}, as_of="2026-03-10")
    >>> contract_survival(shop, horizons=[30, 40]).round(2).drop(columns=["given", "note"])
       horizon_days  rate   low  high  n  too_young  at_risk
    0            30  1.00  0.44  1.00  3          0        3
    1            40  0.67  0.05  0.95  3          1        1
    """
    def read(cells: pd.DataFrame) -> pd.DataFrame:
        return survival_read(cells, kaplan_meier(cells, level=level), horizons, nobody=NOBODY)

    return each_group(_lives(shop, by), by, read)


def churn_curve(shop: Shop, *, by: str | None = None, level: float = 0.95) -> pd.DataFrame:
    """The whole curve behind `contract_survival`, for drawing: `time, at_risk, events, censored, survival, low, high`."""
    return each_group(_lives(shop, by), by, lambda cells: kaplan_meier(cells, level=level).table)


@asked_once
def early_cancellation(
    shop: Shop, *, by: str | None = None, early_days: int = EARLY_DAYS, horizons: Sequence[int] = HORIZONS,
    level: float = 0.95,
) -> pd.DataFrame:
    """Share of customers gone by so many days: early cancellations and later churn apart, and those still here.

    An early cancellation is a stay whose owner asked to leave within `early_days` of its start (where nobody asked:
    left by then). It counts on the day the contract ended, like all churn. Who is left out is as in `contract_survival`. Where fewer than 10 were seen
    from their first day nobody knows how many cancelled early, and `early_cancel` is NaN.

    Returns
    -------
    DataFrame
        A row a group, cause (`early_cancel`, `churn`, `event_free`) and horizon: `cause`, `horizon_days`, `rate`,
        `low`, `high`, `n`, `too_young`, `at_risk`, `given`, `note`. The rates of a horizon add up to 1.

    Notes
    -----
    Aalen-Johansen: the causes compete, and days with both need no jitter.
    """
    def read(cells: pd.DataFrame) -> pd.DataFrame:
        curve = aalen_johansen(cells, causes=["early_cancel", "churn"], level=level)
        table = incidence_read(cells, curve, horizons, nobody=NOBODY)
        unseen = (table["cause"] == "early_cancel") & (table["given"] > 0)
        return table.assign(**{name: table[name].mask(unseen) for name in ("rate", "low", "high")})

    return each_group(_lives(shop, by, early_days=early_days), by, read)


@asked_once
def why_ended(shop: Shop, *, horizons: Sequence[int] = HORIZONS, level: float = 0.95) -> pd.DataFrame:
    """Share of customers gone by so many days, by the reason their contract ended for (`contracts.end_reason`, the last contract's).

    The reasons compete: whoever did not pay can no longer cancel. They add up to all churn, which counts every one of them. Reasons beyond
    the six most frequent, and those of fewer than five customers, are `other reasons`. Who is left out is as in `contract_survival`.

    Returns
    -------
    DataFrame
        A row a reason (the most frequent first; `unknown` where none was noted) and horizon: `reason`, `horizon_days`, `rate`, `low`, `high`,
        `n`, `too_young`, `at_risk`, `given`, `note`. Empty where nobody has left, or no reason is on record.

    Notes
    -----
    Aalen-Johansen.
    """
    cells = in_view(tally(shop, "contract_lives", by=or_unknown("s.end_reason"), early_days=EARLY_DAYS))
    ended = cells[cells["event"] == 1].groupby("grp")["n"].sum().sort_values(ascending=False, kind="stable")
    reasons = list(ended[ended >= GATES["customers_shown"].least].index[:REASONS])
    cause = cells["grp"].where(cells["grp"].isin(reasons), OTHER).where(cells["event"] == 1, "")
    causes = [*reasons, *([OTHER] if len(ended) > len(reasons) else [])] if set(ended.index) - {UNKNOWN} else []
    table = incidence_read(cells, aalen_johansen(cells.assign(cause=cause), causes=causes, level=level), horizons, nobody=NOBODY)
    return table[table["cause"].isin(causes)].rename(columns={"cause": "reason"}).reset_index(drop=True)


def days_kept(shop: Shop, *, by: str, within: int = 365, level: float = 0.95) -> pd.DataFrame:
    """Average days kept of the first `within`, by group, and whether each group's curve differs from all the others'.

    Who is left out is as in `contract_survival`. A group not followed for `within` days from its start has no average; one of
    fewer than 20 customers, or whose rest is, has no p and no q.

    Returns
    -------
    DataFrame
        A row a group: `value` (days), `low`, `high`, `n`, `too_young`, `at_risk` (on the last of those days),
        `horizon_days`, `difference` (from the average of all the others; NaN with fewer than 10 at risk on either side), `difference_low`,
        `difference_high`, `p` (log-rank over all the time seen, this group
        against the rest), `q` (Benjamini-Hochberg over the groups), `p_any` (log-rank over all groups), `note`.
    """
    cells = in_view(_lives(shop, by))

    def read(group: pd.DataFrame) -> pd.DataFrame:
        _, others = sides = group, cells.drop(group.index)
        mine, rest = ((rmst(side, tau=within)[0], *rmst_limits(side, tau=within, level=level)) for side in sides)
        n, known = int(group["n"].sum()), mine[0] == mine[0]
        left, others_left = (int(at_times(kaplan_meier(side), within)["at_risk"].iloc[0]) for side in sides)
        few = min(n, others["n"].sum()) < GATES["customers_full"].least
        few_left = min(left, others_left) < GATES["at_risk"].least
        apart = square_and_add(mine, (float("nan"),) * 3 if few or few_left else rest)
        p = _differs(cells.assign(group=cells.index.isin(group.index)), "group") if known and not few else float("nan")
        note = "" if known else f"not followed for {counted(within, 'day')} from the start"
        columns = ["value", "low", "high", "n", "too_young", "at_risk", "horizon_days",
                   "difference", "difference_low", "difference_high", "p", "note"]
        return pd.DataFrame([[*mine, n, too_young(group, within), left, within, *apart, p, note]], columns=columns)

    table = each_group(cells, by, read)
    return table.assign(q=benjamini_hochberg(table["p"]), p_any=_differs(cells, "grp"))


@asked_once
def monthly_churn(shop: Shop, *, by: str | None = None, level: float = 0.95) -> pd.DataFrame:
    """Customers lost in each calendar month, of those the month opened with.

    Only closed months: one that still runs on `as_of` is not shown. A customer who comes and leaves in the same month
    (`lost_intra`) was not in the opening base and is in no rate; one who comes back after more than a day without a contract
    (`reactivated`) is never `new`. Months before the recorded history are left out.

    Returns
    -------
    DataFrame
        A row a group and month: `month`, `active_start`, `new`, `reactivated`, `lost`, `lost_intra`, `active_end`,
        `rate` (lost / active_start), `low`, `high`, `n` (active_start), `too_young` (0: the month is over for everybody).
        active_start + new + reactivated - lost - lost_intra = active_end, which is the next active_start.

    Examples
    --------
    Ann leaves in February; March still runs on the 10th.

    >>> from retainkit import open_shop
    >>> book = pd.DataFrame({
    ...     "contract_id": [1, 2, 3], "customer_id": ["ann", "bob", "cy"],
    ...     "started_at": ["2026-01-05", "2026-01-20", "2026-02-03"], "ended_at": ["2026-02-10", None, None]})
    >>> shop = open_shop({"contracts": book}, as_of="2026-03-10")
    >>> monthly_churn(shop)[["month", "active_start", "new", "lost", "active_end", "rate"]]
         month  active_start  new  lost  active_end  rate
    0  2026-02             2    1     1           2   0.5
    """
    return _monthly(shop, by, "lost", level)


@asked_once
def monthly_cancellation(shop: Shop, *, by: str | None = None, level: float = 0.95) -> pd.DataFrame:
    """Customers who asked to leave in each closed month, of those it opened with: dated on the request, not the end.

    A request counts, once a month, if on its day the customer has no contract left that nobody asked to end. Left out:
    requests that another contract followed without a break before the month was over (a change of plan; one that comes
    later could not be known when the month closed, and changes nothing); from the rate, requests in the month a customer
    came (`asked_intra`). Ends that nobody asked for (non-payment) are not here but in `monthly_churn`.

    Returns
    -------
    DataFrame
        As `monthly_churn`, with `asked` and `asked_intra`; `rate` is asked / active_start.
    """
    return _monthly(shop, by, "asked", level)


def contract_checks(shop: Shop) -> pd.DataFrame:
    """Identities that must hold, worked out two ways: `check, left, right, holds`."""
    days = tally(shop, "contract_days", by="all")
    whole = last_closed(shop.as_of) + 1  # the running month included, so that the balance reaches as_of
    end = int(balance(days, first=whole, last=whole)["active_end"].sum())
    here = int(days.loc[days["movement"] == "here", "customers"].sum())
    causes = early_cancellation(shop).groupby("horizon_days")["rate"].sum(min_count=3).dropna()
    alone = contract_survival(shop).set_index("horizon_days")["rate"].dropna()
    free = early_cancellation(shop).query("cause == 'event_free'").set_index("horizon_days")["rate"].dropna()
    gap = float((alone - free).abs().max()) if len(alone) else 0.0
    moved, one_by_one = (table.set_index("month")[name] for table, name in ((monthly_churn(shop), "active_start"), (customer_retention(shop, months=1), "n")))
    off = moved.sub(one_by_one, fill_value=0).abs().max() if len(moved) else 0.0
    rows = [("here when each month began: from all that came and left, and counted one by one (largest gap)", float(off), 0.0),
            ("customers who came minus those who left are those here", end, here),
            ("early cancellation, churn and still here add up to 1", float(causes.max()) if len(causes) else 1.0, 1.0),
            ("still here is the same with one cause and with two (largest gap)", gap, 0.0)]
    return identities(rows)


def _differs(cells: pd.DataFrame, by: str) -> float:
    """The log-rank p over the groups in column `by`; NaN without anybody."""
    return logrank(cells, by=by)[1] if len(cells) else float("nan")


def _lives(shop: Shop, by: str | None, *, early_days: int = EARLY_DAYS) -> pd.DataFrame:
    """Counted durations of first stays by group."""
    return tally(shop, "contract_lives", by=_split(by), early_days=early_days)


def _split(by: str | None) -> Value:
    """What a contract tally is split by; the year is that in which the stay began."""
    split = split_by(by, CONTRACT_GROUPS)
    return or_unknown("extract(year from s.started_on)") if by == "start_year" else split


def _monthly(shop: Shop, by: str | None, lost: str, level: float) -> pd.DataFrame:
    """The balance of every closed month of the recorded history, and the share of the opening base in `lost`."""
    first, last = first_whole(shop.history_start), last_closed(shop.as_of)

    def read(days: pd.DataFrame) -> pd.DataFrame:
        months = balance(days, first=first, last=last)
        if lost == "asked":
            asked = flows_by_month(days, ["asked", "asked_intra"], last=last).reindex(range(first, last + 1), fill_value=0)
            months = pd.concat([months, asked.reset_index(drop=True)], axis=1)
        return churn_rates(months, lost=lost, level=level).assign(too_young=0)

    return each_group(tally(shop, "contract_days", by=_split(by)), by, read)
