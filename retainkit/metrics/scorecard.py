"""The scorecard: every number a manager follows in one table, with what it was before and whether a change of it is news."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Any

import pandas as pd

from retainkit.errors import counted
from retainkit.estimate.smalln import written
from retainkit.load.shop import Shop
from retainkit.metrics import lines_business as business
from retainkit.metrics import lines_customers as customers
from retainkit.metrics.acquisition import WHOLE
from retainkit.metrics.changes import USUAL, judged, unjudged, verdict
from retainkit.metrics.headlines import MAKERS as HEADLINES
from retainkit.metrics.line import SECTIONS, Found, Headline, Maker, tellable, unsaid
from retainkit.metrics.reading import given_here
from retainkit.metrics.voices import promoter_changes

SETTINGS: Mapping[str, Any] = {"margin": 1.0, "early_days": 60, "referral": "referral"}
INVITED, STAFF = "everybody: invitations are counted for the whole company only", "everybody: employees belong to no group of customers"
SURE = 0.998  # of two surveys between which nothing changed, 2 in 1,000 are called news
COLUMNS = ["section", "metric", "group", "horizon_days", "label", "kind", "better", "value", "low", "high", "n", "at_risk", "too_young", "month_ago", "year_ago",
           "month", "month_value", "month_n", "noise_low", "noise_high", "news", "note"]


def _of_other_pages(*metrics: str) -> Maker:
    """Makes headline numbers of the other pages."""
    maker = next(m for m in HEADLINES if metrics[0] in m.metrics)
    return maker._replace(metrics={m: maker.metrics[m] for m in metrics}, make=partial(customers.of_other_pages, metrics))


def _of_voices(kind: str) -> tuple[Maker, Maker]:
    """Makes the score of the latest survey of one kind of people, and who answered it."""
    (name, short, who), staff = customers.ASKED_OF[kind], STAFF if kind == "employee" else ""
    score, response = (partial(make, kind) for make in (customers.voices, customers.answered))
    asked = f"answers of {who}"
    return (Maker({f"{name}.score": short}, ("responses",), score, asked, staff),
            Maker({f"{name}.response": f"{short} response"}, ("responses.invited",), response, asked, staff or INVITED))


MAKERS = (
    _of_other_pages("second_purchase.share", "next_purchase.share"),
    _of_other_pages("cross_sell.any"),
    Maker(
        {"purchases.repeat_rate": "repeat purchase rate", "purchases.returning_share": "returning share"},
        ("orders",),
        customers.buying,
    ),
    _of_other_pages("repeat_revenue.share"),
    _of_other_pages("churn.survival", "churn.monthly"),
    Maker(
        {
            "retention.customers": "customer retention",
            "churn.cancellation": "cancellations",
            "churn.early": "early cancellation",
        },
        ("contracts.ended_at",),
        customers.staying,
        "contracts.cancel_requested_at",
    ),
    Maker(
        {"churn.mrr_churn": "revenue churn", "churn.nrr": "NRR", "churn.grr": "GRR"},
        ("contracts.ended_at", "contracts.monthly_value"),
        business.revenue,
    ),
    Maker({"clv.revenue": "customer lifetime value"}, ("orders",), business.worth),
    Maker(
        {"cac.cost": "CAC", "clv.to_cost": "LTV to CAC", "clv.payback": "payback"},
        ("spend", "orders"),
        business.costs,
        whole=f"everybody: {WHOLE}",
    ),
    *_of_voices("customer"),
    *_of_voices("employee"),
    _of_other_pages("deals.win_rate", "deals.win_by"),
    Maker(
        {
            "deals.average_won": "average deal size",
            "deals.median_won": "median deal size",
            "deals.velocity": "sales velocity",
        },
        ("deals.amount",),
        business.sizes,
    ),
    Maker({"deals.cycle_days": "sales cycle"}, ("deals",), business.cycle),
    Maker(
        {"deals.referral_gap": "referrals against the rest"},
        ("deals.source",),
        business.referrals,
        "closed deals of the source referral, and of others, that were opened long enough ago, and lost ones among them",
    ),
    Maker(
        {"engagement.weekly_active": "weekly active", "engagement.went_quiet": "went quiet"},
        ("activity",),
        customers.use,
    ),
)


def lines(shop: Shop, **settings: Any) -> list[Headline]:
    """The lines of the scorecard that this shop can give, section by section.

    Left out: numbers that need a table or column the shop has not, and of some customers (`Shop.only`) those that are known of the
    whole company only (`missing_lines` names them).

    Parameters
    ----------
    shop
        The shop as it is now; each line can then be asked of the same shop at another day.
    settings
        Parameters of the notebooks that differ from their defaults: those of `headlines`, and `margin`, `early_days`, `referral`.
        Others are ignored.

    Returns
    -------
    list of Headline
    """
    asked = {**SETTINGS, **settings}
    found = [line for maker in MAKERS if not unsaid(shop, maker) for line in maker.make(shop, asked)]
    return sorted(found, key=lambda line: SECTIONS.index(line.section))


def missing_lines(shop: Shop, **settings: Any) -> pd.DataFrame:
    """What the scorecard cannot say of this shop, and the table, column or rows it would need: `about, needs`."""
    given = {line.metric for line in lines(shop, **settings)}
    rows = [{"about": words, "needs": unsaid(shop, m) or m.rows} for m in MAKERS for metric, words in m.metrics.items() if metric not in given]
    table = pd.DataFrame(rows, columns=["about", "needs"])
    return table.groupby("needs", sort=False)["about"].agg(", ".join).reset_index()[["about", "needs"]]


def scorecard(shop: Shop, **settings: Any) -> pd.DataFrame:
    """Every number of the scorecard now, a month ago and a year ago, with its interval and whether it is news.

    Left out: numbers that need a table or column the shop has not (`missing_lines`). Earlier values are the same number, of
    the same ages, as it was known at the end of that day; NaN where the recorded history had not begun, and where those known then
    were too few for a number (`judge`).

    Parameters
    ----------
    shop
        The shop as of today.
    settings
        As for `lines`.

    Returns
    -------
    DataFrame
        A row a number: `section`, `metric` and `group` (as in metrics.csv), `horizon_days`, `label`, `kind` (as in `in_words`), `better`
        ("higher", "lower" or ""), `value`, `low`, `high`, `n`, `at_risk` (of a curve: customers at risk at the horizon;
        infinite of other numbers), `too_young` (NaN where that is not counted), `month_ago`, `year_ago`; the newest
        `month` that came of age since a month ago, its `month_value` and `month_n` (customers or deals; NaN of money), and `noise_low` to `noise_high`,
        where 998 of 1,000 months lie when nothing changes (of a survey: where chance
        alone takes the score of the one before); `news`; `note`.

    Notes
    -----
    Shares: a p-chart of months of equal age (`control_limits`); money: prediction limits of months on the scale on
    which they spread evenly (`value_limits`); surveys:
    the change since the survey before, with a 99.8 % interval. The rest is not judged, and `news` says why.

    Examples
    --------
    >>> from retainkit import open_shop
    >>> orders = pd.DataFrame({"order_id": range(4), "customer_id": ["ann", "ann", "bob", "di"], "amount": 5,
    ...                        "ordered_at": ["2026-01-01", "2026-01-05", "2026-02-03", "2026-01-01"]})
    >>> card = scorecard(open_shop({"orders": orders}, as_of="2026-02-28"))
    >>> card.loc[card["metric"] == "second_purchase.share", ["value", "n", "month_ago"]].round(2)
       value  n  month_ago
    0   0.33  3        NaN
    """
    month, year = (earlier(shop.as_of, months) for months in (1, 12))
    then = {day: shop.at(day) for day in (month, year) if day >= shop.history_start}
    rows = [{**_now(line, line.find(shop)), "month_ago": _then(line, then.get(month)), "year_ago": _then(line, then.get(year)),
             **(_survey(line, shop) if line.survey else judged(line, shop, month))} for line in lines(shop, **settings)]
    return pd.DataFrame(rows, columns=COLUMNS).astype({"horizon_days": float})


def blind_numbers(card: pd.DataFrame) -> int:
    """Of the scorecard's numbers that are no news: how many would not have been in a month twice as bad either.

    Twice as bad is double where less is better, half where more is; of a share that most keep, twice as many who go. Left out:
    scores and differences, of which twice is not worse where they are 0.

    Examples
    --------
    Of 20 % who come back, 10 % would have been noise; of 90 % who stay, 80 % would have been news.

    >>> quiet = {"news": "within the usual noise", "kind": "proportion", "better": "higher"}
    >>> card = pd.DataFrame([{**quiet, "value": 0.2, "noise_low": 0.05, "noise_high": 0.4}, {**quiet, "value": 0.9, "noise_low": 0.85, "noise_high": 0.95}])
    >>> blind_numbers(card)
    1
    """
    quiet = card[card["news"].str.startswith(USUAL) & ~card["kind"].isin(["score", "points"])]  # twice -10 points is worse, twice 0 is not
    step = quiet["better"].map({"lower": 1.0}).fillna(-0.5)
    most_keep = (quiet["better"] != "lower") & quiet["kind"].isin(["proportion", "survival"]) & (quiet["value"] > 2 / 3)
    worse = (quiet["value"] + step * quiet["value"].abs()).mask(most_keep, 2 * quiet["value"] - 1)
    return int(worse.between(quiet["noise_low"], quiet["noise_high"]).sum())


def earlier(day: date, months: int) -> date:
    """The same day so many months earlier; a month's last day stays one.

    >>> earlier(date(2026, 2, 28), 1), earlier(date(2026, 3, 30), 1)
    (datetime.date(2026, 1, 31), datetime.date(2026, 2, 28))
    """
    stamp = pd.Timestamp(day)
    step = pd.offsets.MonthEnd(months) if stamp.is_month_end else pd.DateOffset(months=months)
    return (stamp - step).date()


def _now(line: Headline, found: Found) -> dict[str, Any]:
    """What the line says today."""
    note = f"not within {counted(line.horizon or 0, 'day')}" if math.isinf(found.value) else "" if found.value == found.value else "not known yet"
    note = note or (given_here(found.given) if found.given else "")
    told = {name: getattr(line, name) for name in ("section", "metric", "label", "kind", "better")}
    return {**told, "horizon_days": line.horizon, **found._asdict(), "note": note}


def _then(line: Headline, shop: Shop | None) -> float:
    """The line's value at an earlier day; NaN where the history had not begun, or so few were there that no number would have been shown."""
    found = line.find(shop) if shop is not None else Found()
    return found.value if tellable(line, found) else float("nan")


def _survey(line: Headline, shop: Shop) -> dict[str, Any]:
    """The latest survey's score against the one before."""
    changes = promoter_changes(shop, kind=line.survey, level=SURE)
    if changes.empty or changes["note"].iloc[-1]:
        return unjudged(changes["note"].iloc[-1] if len(changes) else "there is one survey only")
    row = changes.iloc[-1]
    value = line.find(shop).value
    before, reach = value - row["value"], (row["high"] - row["low"]) / 2
    low, high = before - reach, before + reach
    usual = " to ".join(written(end, 1, line.kind, "") for end in (low, high))
    return verdict(str(row["wave"]), value, low, high, f"{usual} after {row['before']}")
