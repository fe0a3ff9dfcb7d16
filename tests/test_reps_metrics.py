"""Do the reps who win most lose most afterwards: the rules of `retainkit.metrics.reps` and `rep_map`."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from engines import TestEngine, tables
from hypothesis import given, settings
from hypothesis import strategies as st

import retainkit as rk
from retainkit.errors import BadValueError
from retainkit.estimate.rep_grid import posterior
from retainkit.metrics.rep_map import rep_correlations, rep_map, win_funnel
from retainkit.metrics.reps import departed, rep_accounts, rep_checks, rep_churn, rep_churn_withheld

START = date(2025, 1, 1)


def on(day: int | None) -> str | None:
    """A date given in days after 1 January 2025."""
    return None if day is None else str(START + timedelta(days=day))


def won(rep: str, account: str, day: int, *, opened: int | None = None, outcome: str = "won", segment: str = "SMB", source: str = "paid") -> dict:
    return {"rep": rep, "customer": account, "opened_on": on(day - 20 if opened is None else opened), "closed_on": on(day), "outcome": outcome,
            "segment": segment, "source": source}


def contract(account: str, day: int, end: int | None = None, *, asked: int | None = None) -> dict:
    return {"customer": account, "started_on": on(day), "ended_on": on(end), "cancel_requested_on": on(asked)}


# --- by hand ------------------------------------------------------------------------------------------------------

def test_expected_losses_by_hand() -> None:
    """Three accounts followed from the sale: one lost on day 10 of three at risk, one on day 30 of two."""
    deals = [won("ann", "a1", 50), won("ann", "a2", 50), won("bob", "b1", 50), won("bob", "x", 99, outcome="lost")]
    book = [contract("a1", 50, 60), contract("a2", 50), contract("b1", 50, 80)]
    got = rep_churn(tables(as_of=on(90), deals=deals, contracts=book)).set_index("rep")
    assert got["observed"].tolist() == [1, 1]
    assert got["expected"].tolist() == pytest.approx([1 / 3 + (1 / 3 + 1 / 2), 1 / 3 + 1 / 2])
    assert got["note"].tolist() == ["compared mostly with self"] * 2


def test_an_account_belongs_to_whoever_owned_its_first_won_deal_then() -> None:
    deals = [won("ann", "a1", 50), won("bob", "a1", 200), won("bob", "b1", 60), won("cy", "b1", 40, outcome="lost")]
    shop = tables(as_of=on(300), deals=deals, contracts=[contract("a1", 50, 100), contract("b1", 60, 250)], customers=[{"customer": "a1", "owner": "dee"}])
    got = rep_churn(shop).set_index("rep")
    assert got["observed"].to_dict() == {"ann": 1, "bob": 1}
    assert rep_accounts(shop).to_dict("records") == [{"status": "followed", "accounts": 2, "reassigned": 1}]
    assert np.isnan(got.loc["ann", "kept_value"])  # without the account that changed hands nothing of hers is left
    assert got.loc["bob", "kept_value"] == 1


def test_accounts_that_cannot_be_followed_from_the_sale_are_left_out_and_counted() -> None:
    deals = [won("ann", name, 400) for name in ("followed", "early", "older", "none", "gone")]
    book = [contract("followed", 400, 500), contract("early", 370), contract("older", 369), contract("gone", 0, 100)]
    counts = rep_accounts(tables(as_of=on(600), deals=deals, contracts=book)).set_index("status")["accounts"]
    assert counts.to_dict() == {"followed": 2, "no_contract": 1, "older_contract": 2}  # 30 days earlier is still the same sale


def test_early_cancellation_counts_requests_within_60_days_and_is_watched_only_that_long() -> None:
    deals = [won("ann", f"a{i}", 50) for i in range(3)] + [won("bob", f"b{i}", 50) for i in range(3)]
    book = [contract("a0", 50, 150, asked=100), contract("a1", 50, 150, asked=120), contract("a2", 50, 90), *(contract(f"b{i}", 50) for i in range(3))]
    got = rep_churn(tables(as_of=on(300), deals=deals, contracts=book)).set_index("rep")
    assert got["observed"].to_dict() == {"ann": 3, "bob": 0}
    assert got["early_observed"].to_dict() == {"ann": 2, "bob": 0}  # asked on day 50, left on day 40; the other asked on day 70
    assert got["early_expected"].sum() == pytest.approx(2)


def test_a_rep_of_short_tenure_is_expected_to_have_lost_little() -> None:
    deals = [won("old", f"o{i}", 10) for i in range(40)] + [won("new", f"n{i}", 680) for i in range(40)]
    book = [contract(f"o{i}", 10, 10 + 17 * i if i < 30 else None) for i in range(40)] + [contract(f"n{i}", 680, 690 if i == 0 else None) for i in range(40)]
    got = rep_churn(tables(as_of=on(700), deals=deals, contracts=book)).set_index("rep")
    assert got.loc["new", "expected"] < 2 < 25 < got.loc["old", "expected"]


def test_a_rep_without_a_deal_in_120_days_has_left() -> None:
    deals = [won("ann", "a", 100), won("bob", "b", 101), won("cy", "c", 90, opened=50), {**won("cy", "d", 101, opened=101), "closed_on": None, "outcome": "open"}]
    assert departed(tables(as_of=on(221), deals=deals)) == {"ann"}


# --- laws ---------------------------------------------------------------------------------------------------------

accounts = st.lists(st.tuples(st.sampled_from(["ann", "bob", "cy"]), st.integers(0, 500), st.none() | st.integers(0, 400), st.sampled_from(["SMB", "ENT"]),
                              st.sampled_from(["paid", "referral"])), min_size=2, max_size=25)


def company(rows: list, *, history: int = 100, as_of: int = 600) -> TestEngine:
    deals = [won(rep, f"c{i}", day, segment=segment, source=source) for i, (rep, day, _, segment, source) in enumerate(rows)]
    lost = [won(rep, f"p{i}", day, outcome="lost", segment=segment, source=source) for i, (rep, day, _, segment, source) in enumerate(rows)]
    book = [contract(f"c{i}", day, None if length is None else day + length) for i, (_, day, length, _, _) in enumerate(rows)]
    return tables(as_of=on(as_of), history_start=on(history), deals=deals + lost, contracts=book)


@settings(max_examples=10, deadline=None)
@given(accounts)
def test_losses_expected_are_losses_observed_and_agree_with_a_loop_over_accounts(rows: list) -> None:
    shop = company(rows)
    assert rep_checks(shop)["holds"].all()
    got = rep_churn(shop)
    if rep_churn_withheld(shop):
        assert got.empty
        return
    people = []
    for rep, day, length, segment, source in rows:
        end = 600 if length is None or day + length > 600 else day + length
        entry, age, gone = max(100 - day, 0) or -1, end - day, length is not None and day + length <= 600
        if entry < age:
            people.append((rep, (segment, source), entry, age, gone))
    wanted = dict.fromkeys({p[0] for p in people}, 0.0)
    for rep, stratum, entry, age, _ in people:
        for when in {p[3] for p in people if p[4] and p[1] == stratum and entry < p[3] <= age}:
            mine = [p for p in people if p[1] == stratum]
            wanted[rep] += sum(p[4] and p[3] == when for p in mine) / sum(p[2] < when <= p[3] for p in mine)
    assert got.set_index("rep")["expected"].to_dict() == pytest.approx(wanted)
    assert got["observed"].sum() == sum(p[4] for p in people) == pytest.approx(got["expected"].sum())


def twelve_reps() -> tuple[list, list]:
    """Deals and contracts of twelve reps of 120 deals; ann wins half of them and soon loses most, the others are alike."""
    rng = np.random.default_rng(2)
    deals, book = [], []
    for r in range(12):
        for i in range(120):
            name, day, wins = f"{r}-{i}", int(rng.integers(20, 500)), rng.random() < (0.5 if r == 0 else 0.25)
            deals.append(won(f"rep {r}" if r else "ann", name, day, outcome="won" if wins else "lost", segment=("SMB", "ENT")[i % 2],
                             source=("paid", "referral")[i // 2 % 2]))
            if wins:
                book.append(contract(name, day, day + int(rng.exponential(700 if r else 150)) + 1))
    return deals, book


@pytest.fixture(scope="module")
def sold() -> TestEngine:
    deals, book = twelve_reps()
    return tables(as_of=on(600), deals=deals, contracts=book)


def test_the_rep_who_wins_more_and_loses_more_is_to_be_read_and_nobody_else(sold: TestEngine) -> None:
    found = rep_map(sold)
    assert found.withheld == ""
    words = found.reps.set_index("rep")["words"]
    assert words["ann"] == "review the deals of this rep"
    assert (words.drop("ann") == "").all()
    quadrants = found.reps[["p_joint", "p_win_only", "p_churn_only", "p_neither"]]
    assert np.allclose(quadrants.sum(axis=1), 1)
    said = found.company.set_index("quantity")["value"]
    assert said.index.tolist() == ["win_rate", "s_u", "s_v", "rho", "spread_wins", "spread_churn"]  # no account has two deals, so nothing of clustering
    assert f"{said['spread_wins']:.2f} times as far in wins, {said['spread_churn']:.2f} times in churn" in found.notes[-1]
    assert "adjusted for segment, source (strata)" in found.notes[0]


def test_thresholds_are_parameters_and_codes_hide_names_but_keep_rows(sold: TestEngine) -> None:
    shy, named = rep_map(sold, review=1.0, watch=1.0, reps="codes").reps, rep_map(sold).reps
    assert (shy["words"] == "").all()
    assert shy["rep"].str.match("rep [0-9a-f]{6}$").all()
    assert shy["rep"].is_unique
    assert shy["p_joint"].tolist() == named["p_joint"].tolist()


def test_a_rep_who_left_is_shown_but_never_flagged(sold: TestEngine) -> None:
    found = rep_map(sold.at(on(700))).reps  # nobody has had a deal for six months
    assert found["departed"].all()
    assert (found["words"] == "").all()


def test_an_account_counts_once_a_quarter_on_the_win_side() -> None:
    again = [won("ann", "a", 60 + i, opened=10 + i) for i in range(8)] + [won("ann", "a", 160, opened=100)]
    alone = [won("bob", f"b{i}", 60, opened=10, outcome="lost") for i in range(9)]
    found = rep_map(tables(as_of=on(400), deals=again + alone, contracts=[contract("a", 60, 90)])).reps.set_index("rep")
    assert found["n"].to_dict() == {"ann": 2, "bob": 9}


def test_deals_that_have_not_had_their_time_do_not_count(sold: TestEngine) -> None:
    deals, book = twelve_reps()
    fresh = [won("rep 1", f"new{i}", 595, opened=590) for i in range(50)]
    more = tables(as_of=on(600), deals=deals + fresh, contracts=book)
    pd.testing.assert_series_equal(rep_map(more).reps["n"], rep_map(sold).reps["n"])


def test_a_rep_of_whom_it_cannot_be_told_yet_has_no_probability_and_the_note_says_why() -> None:
    """The page said "the highest probability is 13%" of a rep with less than one expected loss."""
    deals, book = twelve_reps()
    fresh = [won("new", f"n{i}", 590, opened=500, outcome="won" if i < 5 else "lost") for i in range(12)]
    late = [contract(f"n{i}", 690) for i in range(5)]
    few = [won("few", f"f{i}", 60, outcome="won" if i < 5 else "lost") for i in range(7)]
    book = [*book, *late, *[contract(f"f{i}", 60, 300) for i in range(5)]]
    found = rep_map(tables(as_of=on(700), deals=[*deals, *fresh, *few], contracts=book), by=[]).reps.set_index("rep")
    assert found.loc["new", "expected"] < 1 < found.loc["few", "expected"]
    unknown = found[["p_joint", "p_win_only", "p_churn_only", "p_neither"]].isna()
    assert unknown.all(axis=1).to_dict() == unknown.any(axis=1).to_dict() == {rep: rep in ("new", "few") for rep in found.index}
    assert found.loc[["new", "few"], "note"].tolist() == ["no probability: less than 1 expected loss", "no probability: fewer than 10 deals"]
    assert found.loc["new", "words"] == "cannot tell yet"
    assert found.loc["new", ["odds_ratio", "hazard_ratio"]].notna().all()


def test_the_corner_of_neither_is_not_what_the_others_leave(sold: TestEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was one less the others, and so they added up whatever they were."""
    from retainkit.estimate import rep_model

    monkeypatch.setattr(rep_model, "posterior", lambda *a, **k: (found := posterior(*a, **k))._replace(both_high=found.both_high * 1.1))
    sums = rep_map(sold).reps[rep_model.QUADRANTS].sum(axis=1)
    assert sums.min() < 0.99


# --- the deals of one account --------------------------------------------------------------------------------------

def of_accounts(*, together: bool) -> TestEngine:
    """Deals of six reps, each eight times with the same outcome: a quarter apart in one account, or in accounts of their own."""
    deals = [won(f"rep {r}", f"{r}-{i}" if together else f"{r}-{i}-{q}", 91 * q + 20, opened=91 * q + 1, outcome="lost" if i % 3 else "won")
             for r in range(6) for i in range(12) for q in range(8)]
    accounts = [deal["customer"] for deal in deals if deal["outcome"] == "won" and deal["closed_on"] == on(20)]
    return tables(as_of=on(1000), deals=deals, contracts=[contract(name, 20, 400 if i % 2 else None) for i, name in enumerate(accounts)])


def test_deals_of_one_account_that_go_together_widen_the_map_and_the_lines() -> None:
    shops = [of_accounts(together=one) for one in (False, True)]
    width = [np.log(found["or_high"] / found["or_low"]).mean() for found in (rep_map(shop).reps for shop in shops)]
    assert width[1] > 1.3 * width[0]
    lines = [win_funnel(shop) for shop in shops]
    assert (lines[1]["n"] == lines[0]["n"]).all()
    assert [table["phi"].iloc[0] for table in lines] == pytest.approx([1, 8], rel=0.1)
    assert ((lines[1]["high95"] - lines[1]["low95"]) > 2 * (lines[0]["high95"] - lines[0]["low95"])).all()


# --- edges: nothing is faked ----------------------------------------------------------------------------------------

def test_no_contracts_means_no_churn_by_rep_and_no_stand_in_for_it() -> None:
    deals = [won("ann", "a", 300, opened=200), won("bob", "b", 300, opened=200), won("bob", "c", 300, opened=200, outcome="lost"),
             won("ann", "d", 300, opened=200, outcome="lost")]
    shop = tables(as_of=on(400), deals=deals, purchases=[("a", on(50)), ("b", on(60))])
    assert "a long gap between orders is not taken for it" in rep_churn_withheld(shop)
    assert rep_churn(shop).empty
    found = rep_map(shop)
    assert found.withheld == rep_churn_withheld(shop)
    assert found.reps["p_joint"].isna().all()
    assert found.reps["odds_ratio"].notna().all()  # the win side stands
    assert (found.reps["words"] == "cannot tell yet").all()


def test_when_no_account_has_left_there_is_nothing_to_compare() -> None:
    shop = tables(as_of=on(400), deals=[won("ann", "a", 50), won("bob", "b", 50)], contracts=[contract("a", 50), contract("b", 50)])
    assert rep_churn_withheld(shop) == "none of the 2 accounts has left, so churn does not differ between reps"
    assert rep_churn(shop).empty
    assert rep_checks(shop)["holds"].all()


def test_reps_known_only_on_won_deals_have_churn_but_no_map() -> None:
    deals = [won("ann", "a", 50), won("bob", "b", 50)]
    found = rep_map(tables(as_of=on(400), deals=deals, contracts=[contract("a", 50, 100), contract("b", 50)]))
    assert "no deal is recorded as lost" in found.withheld
    assert found.reps["p_joint"].isna().all()
    assert found.reps["odds_ratio"].isna().all()
    assert found.reps["observed"].tolist() == [1, 0]


def test_an_empty_shop_and_a_company_of_one_rep() -> None:
    nothing = rep_map(tables(as_of=on(400)))
    assert nothing.reps.empty
    assert "there are no deals" in nothing.withheld
    one = [won("ann", f"a{i}", 50, outcome="won" if i % 2 else "lost") for i in range(20)]
    found = rep_map(tables(as_of=on(400), deals=one, contracts=[contract("a1", 50, 90), contract("a3", 50)]))
    assert "two reps" in found.withheld


def test_a_reps_name_may_be_anything() -> None:
    name = "<script>alert('1')</script>; drop table deals"
    shop = tables(as_of=on(400), deals=[won(name, "a", 50), won("bob", "b", 50)], contracts=[contract("a", 50, 90), contract("b", 50)])
    assert rep_churn(shop).set_index("rep").loc[name, "observed"] == 1


# --- the error's words --------------------------------------------------------------------------------------------

def test_errors_say_what_to_type(sold: TestEngine) -> None:
    with pytest.raises(BadValueError, match=r"reps: is neither names nor codes. Found: 'code'. To fix it: reps=\"codes\""):
        rep_map(sold, reps="code")
    with pytest.raises(BadValueError, match=r'by: `territory` is not something to compare reps within. Found: segment, source, region, .*To fix it: by='):
        rep_churn(sold, by=["territory"])
    assert len(rep_map(sold, by=["region"]).reps) == len(rep_map(sold).reps)


# --- within segments ----------------------------------------------------------------------------------------------

def test_a_segment_too_small_for_a_correlation_says_so_and_the_others_are_what_a_map_of_them_alone_says() -> None:
    shop = rk.open_shop("sample")
    got = rep_correlations(shop, found=rep_map(shop)).fillna({"segment": "everybody"}).set_index("segment")
    assert got.index.tolist() == ["everybody", "ENT", "MID", "SMB"]
    assert got.loc["ENT", "note"] == "only 1 rep has 2 expected losses; 10 are needed"
    assert np.isnan(got.loc["ENT", "value"])
    assert (got["n"] > 0).all()  # reps
    alone = rep_map(shop.only(segment="SMB"), by=["source"]).company.set_index("quantity").loc["rho"]
    assert got.loc["SMB", ["value", "low", "high"]].tolist() == pytest.approx(alone[["value", "low", "high"]].tolist())
    assert got.loc["SMB", "low"] < got.loc["SMB", "value"] < got.loc["SMB", "high"]


def test_a_segment_called_all_is_not_everybody() -> None:
    """It is a row of its own in metrics.csv, where two rows of one name end page 04."""
    deals = pd.DataFrame({"deal_id": range(40), "customer_id": range(40), "rep": ["ann", "bob"] * 20, "segment": "all", "opened_at": "2025-01-05",
                          "closed_at": "2025-02-01", "outcome": ["won", "won", "won", "lost"] * 10})
    book = pd.DataFrame({"contract_id": range(40), "customer_id": range(40), "started_at": "2025-02-01", "ended_at": ["2025-03-01", None] * 20})
    shop = rk.open_shop({"deals": deals, "contracts": book}, as_of="2026-03-31")
    assert rep_correlations(shop, found=rep_map(shop))["segment"].fillna("").tolist() == ["", "all"]


def test_a_rep_who_works_for_others_has_not_left_the_few():
    """Whether a rep has left is asked of all deals: one of other customers yesterday is a deal, whichever segment a page is of."""
    deals = pd.DataFrame({"deal_id": [1, 2, 3], "customer_id": ["ann", "bob", "ann"], "rep": ["eve", "eve", "max"], "segment": ["ENT", "SMB", "ENT"],
                          "opened_at": ["2025-01-01", "2026-03-01", "2026-03-01"], "closed_at": None, "outcome": "open"}).astype({"closed_at": "string"})
    people = pd.DataFrame({"customer_id": ["ann", "bob"], "segment": ["ENT", "SMB"]})
    shop = rk.open_shop({"deals": deals, "customers": people}, as_of="2026-03-31")
    assert departed(shop) == departed(shop.only(segment="ENT")) == set()
    assert shop.only(segment="ENT").whole.part == ""
