"""Do the reps who win most also lose most afterwards: what each rep's accounts lost, beside what they would have lost.

An account belongs to the rep who owned its first won deal when it was won, whoever looks after it today. What is expected of a
rep comes from the whole company's accounts of the same segments and sources, each at its own length of follow-up, so that
neither an easy territory nor a short time in the job counts for or against anybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256

import pandas as pd

from retainkit.errors import BadValueError, counted
from retainkit.estimate.exposure import churn_by_rep, expected_churn
from retainkit.estimate.funnel import places, poisson_limits
from retainkit.estimate.intervals import benjamini_hochberg
from retainkit.estimate.smalln import GATES
from retainkit.load.shop import Shop
from retainkit.metrics.reading import identities
from retainkit.tally import asked_once, sees_leaving, tally

STRATA = ("segment", "source")
NO_CONTRACT = "none of the accounts has a contract, so nobody knows when one left"
EARLY_DAYS, GRACE_DAYS, GONE_DAYS = 60, 30, 120
_COLUMNS = ["rep", "observed", "expected", "value", "low", "high", "n", "p_high", "q", "crude_value", "low95", "high95", "low998",
            "high998", "place", "early_observed", "early_expected", "early_value", "kept_value", "self_share", "departed", "note"]


@asked_once
def rep_churn(
    shop: Shop, *, by: Sequence[str] = STRATA, early_days: int = EARLY_DAYS, grace_days: int = GRACE_DAYS,
    reps: str = "names", level: float = 0.95,
) -> pd.DataFrame:
    """Accounts each rep signed that have left, beside how many would have left in average hands.

    Accounts are followed from their first contract until they are without one. Left out, and counted by `rep_accounts`:
    accounts without a contract, and accounts that were customers more than `grace_days` days before their first won
    deal on record. Accounts that somebody else looks after today stay with the rep who sold; `kept_value` is the same
    ratio without them.

    Parameters
    ----------
    shop
        The shop.
    by
        What is adjusted for: any of `segment`, `source`, `region`. What is not in it is not adjusted for.
    early_days
        A request to leave (or, without one, an end) within so many days is an early cancellation.
    grace_days
        How much older than the deal a contract may be.
    reps
        "names", or "codes" for pseudonyms.
    level
        Confidence level.

    Returns
    -------
    DataFrame
        A row a rep: `rep`, `observed`, `expected`, `value` (observed / expected), `low`, `high`, `n` (accounts), `p_high`, `q`
        (Benjamini-Hochberg), `crude_value` (adjusted for follow-up only), `low95`, `high95`, `low998`, `high998` (where a
        rep in control lies), `place` (as in `win_funnel`; `too few` where less than one loss is expected),
        `early_observed`, `early_expected`, `early_value`, `kept_value`, `self_share`, `departed`,
        `note`. `observed` and `expected` have the same sum. Empty when nothing can be computed (`rep_churn_withheld`
        says why).

    Examples
    --------
    Ann lost one of her two accounts on day 10, Bob his on day 30.

    >>> from retainkit import open_shop
    >>> deals = pd.DataFrame({
    ...     "deal_id": [1, 2, 3], "rep": ["ann", "ann", "bob"], "customer_id": ["a", "b", "c"], "outcome": "won",
    ...     "opened_at": "2026-01-05", "closed_at": "2026-01-25"})
    >>> book = pd.DataFrame({"contract_id": [1, 2, 3], "customer_id": ["a", "b", "c"], "started_at": "2026-01-25",
    ...                      "ended_at": ["2026-02-04", None, "2026-02-24"]})
    >>> shop = open_shop({"deals": deals, "contracts": book}, as_of="2026-03-10")
    >>> rep_churn(shop)[["rep", "observed", "expected", "n"]].round(2)
       rep  observed  expected  n
    0  ann         1      1.17  2
    1  bob         1      0.83  1
    """
    everybody = _cells(shop, early_days, grace_days)
    if _withheld(everybody):
        return pd.DataFrame(columns=_COLUMNS)
    cells = _followed(everybody)
    seen = (_seen(cells, "duration", "event"), _seen(cells, "early_duration", "early_event"),
            _seen(cells[cells["reassigned"] != 1], "duration", "event"))
    table, early, kept = (churn_by_rep(some, by=by, level=level).set_index("rep") for some in seen)
    lines = poisson_limits(table["expected"]).set_index(table.index).drop(columns="expected")
    early = early[["observed", "expected", "value"]].add_prefix("early_")
    table = table.join([lines, early, kept["value"].rename("kept_value")])
    few = table["expected"] < GATES["expected_losses"].least
    table = table.assign(place=places(table["value"], table, few=few), q=benjamini_hochberg(table["p_high"]),
                         departed=table.index.isin(departed(shop)))
    return coded(table.reset_index(), reps)[_COLUMNS]


def expected_losses(shop: Shop, *, by: Sequence[str] = STRATA) -> pd.DataFrame:
    """The losses behind `rep_churn` by rep and stratum: `rep`, the columns of `by`, `n, observed, expected, own, share_of_events`."""
    everybody = _cells(shop, EARLY_DAYS, GRACE_DAYS)
    if _withheld(everybody):
        return pd.DataFrame(columns=["rep", *by, "n", "observed", "expected", "own", "share_of_events"], dtype=float)
    return expected_churn(_seen(_followed(everybody), "duration", "event"), by=by)


def rep_churn_withheld(shop: Shop, *, early_days: int = EARLY_DAYS, grace_days: int = GRACE_DAYS) -> str:
    """Why churn by rep cannot be computed; empty when it can."""
    if not sees_leaving(shop):
        return "the contracts do not say when one ended (contracts.ended_at), so nobody could be seen to leave"
    gap = ": a long gap between orders is not taken for it" if shop.has("orders") else ""
    why = _withheld(_cells(shop, early_days, grace_days))
    return why + gap if why == NO_CONTRACT else why


def rep_accounts(shop: Shop, *, early_days: int = EARLY_DAYS, grace_days: int = GRACE_DAYS) -> pd.DataFrame:
    """How many accounts with a won deal can be followed, and why the others cannot.

    Returns
    -------
    DataFrame
        `status` (`followed`; `gone_before`: had left when the recorded history began; `no_contract`; `older_contract`: was a
        customer before the first won deal on record), `accounts`, `reassigned` (somebody else looks after them today).
    """
    return _counts(_cells(shop, early_days, grace_days))


def departed(shop: Shop) -> set[str]:
    """Reps who have neither opened nor closed a deal in the last 120 days: of all customers, whichever the shop was restricted to."""
    last = tally(shop.whole, "reps_activity").set_index("rep")["last_on"]
    return set(last.index[pd.to_datetime(last) < pd.Timestamp(shop.as_of - timedelta(days=GONE_DAYS))])


def rep_checks(shop: Shop, *, by: Sequence[str] = STRATA) -> pd.DataFrame:
    """Identities that must hold: `check, left, right, holds`."""
    table = rep_churn(shop, by=by).fillna({"early_observed": 0, "early_expected": 0})
    sums = table[["observed", "expected", "early_observed", "early_expected"]].sum().astype(float)
    return identities([("accounts lost are as many as were expected over all reps", sums["observed"], sums["expected"]),
                       ("early cancellations are as many as were expected", sums["early_observed"], sums["early_expected"])], within=1e-6)


def coded(table: pd.DataFrame, reps: str) -> pd.DataFrame:
    """The table with the reps' names, or with pseudonyms that depend on the name alone, and so stay the same.

    They hide who is who from a reader of the page, not from somebody who tries out a list of names.

    Examples
    --------
    >>> coded(pd.DataFrame({"rep": ["Ann", "Bob"]}), "codes")["rep"].tolist()
    ['rep ...', 'rep cd9fb1']
    """
    if reps not in ("names", "codes"):
        raise BadValueError("reps", "is neither names nor codes", repr(reps), 'reps="codes"')
    if reps == "names":
        return table
    return table.assign(rep=["rep " + sha256(str(name).encode()).hexdigest()[:6] for name in table["rep"]])


def _cells(shop: Shop, early_days: int, grace_days: int) -> pd.DataFrame:
    """Accounts by rep, stratum, status and follow-up; those who left before the recorded history began are marked."""
    cells = tally(shop, "reps_accounts", early_days=early_days, grace_days=grace_days)
    unseen = (cells["status"] == "followed") & (cells["entry"] > 0) & (cells["entry"] >= cells["duration"])
    return cells.assign(status=cells["status"].where(~unseen, "gone_before"))


def _counts(cells: pd.DataFrame) -> pd.DataFrame:
    """Accounts by status."""
    table = cells.assign(reassigned=cells["n"] * cells["reassigned"]).groupby("status")[["n", "reassigned"]].sum()
    return table.rename(columns={"n": "accounts"}).astype("int64").reset_index()


def _withheld(cells: pd.DataFrame) -> str:
    """Why churn by rep cannot be computed from these accounts; empty when it can."""
    counts = _counts(cells).set_index("status")["accounts"]
    accounts, usable = int(counts.sum()), int(counts.get("followed", 0))
    if not accounts:
        return "no won deal with a rep belongs to a customer, so no account can be followed"
    if counts.get("no_contract", 0) == accounts:
        return NO_CONTRACT
    if not usable:
        return f"none of the {counted(accounts, 'account')} can be followed from its first won deal on record"
    if not (cells["n"] * cells["event"])[cells["status"] == "followed"].sum():
        return f"none of the {counted(usable, 'account')} has left, so churn does not differ between reps"
    return ""


def _followed(cells: pd.DataFrame) -> pd.DataFrame:
    """The accounts that can be followed, with how long each was and how that ended."""
    return cells[cells["status"] == "followed"].astype({"duration": int, "event": int, "early_duration": int})


def _seen(cells: pd.DataFrame, duration: str, event: str) -> pd.DataFrame:
    """The cells under the names an estimator asks for, without those that nobody could have seen end."""
    table = cells[["rep", "segment", "source", "region", "n"]].assign(
        duration=cells[duration], event=cells[event], entry=cells["entry"].where(cells["entry"] > 0).astype(float))
    return table[~(table["entry"] >= table["duration"])]
