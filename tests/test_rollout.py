"""A roll-out is judged by units: against those without it, by differences that shared ups and downs cannot touch."""

from __future__ import annotations

import json
from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from truth.rollouts import WAVES, growing, made, read, teams, two_way

from retainkit import open_shop
from retainkit.errors import BadValueError, MissingDataError
from retainkit.estimate.planning import customers_needed, detectable, rebound, seen_share
from retainkit.estimate.rollout import average_effect, by_age, by_month, grid, weights
from retainkit.metrics.rollouts import rolled_out, rollout, rollout_withheld
from retainkit.resources import sample_folder


class TestByHand:
    def test_one_start_is_the_difference_of_the_differences_of_means(self):
        data = made([[.10, .20, .40, .50], [.20, .20, .30, .30], [.10, .10, .20, .20], [.30, .30, .30, .30]], [2, 2, 4, 4])
        # changes: .30 and .10 with it, .10 and .00 without: .20 - .05
        assert average_effect(data)["rate"] == pytest.approx(0.15)

    def test_the_base_is_the_last_months_before_the_start(self):
        data = made([[.90, .20, .40], [.10, .20, .20]], [2, 3])
        assert average_effect(data, base=1)["rate"] == pytest.approx(0.20)
        assert average_effect(data, base=2)["rate"] == pytest.approx((.40 - .55) - (.20 - .15))

    def test_a_later_unit_serves_until_it_begins_and_never_again(self):
        # unit 0 begins in month 1, unit 1 in month 2, unit 2 never. In month 2 unit 0 has only unit 2 to be held against.
        data = made([[.10, .30, .30], [.10, .10, .50], [.10, .20, .10]], [1, 2, 3])
        first = by_month(data, base=1).set_index(["began", "month"])["rate"]
        assert first[1, 1] == pytest.approx(.20 - (.00 + .10) / 2)
        assert first[1, 2] == pytest.approx(.20 - .00)
        assert first[2, 2] == pytest.approx(.40 - (-.10))
        assert average_effect(data, base=1)["rate"] == pytest.approx(first.mean())

    def test_months_with_an_empty_unit_or_a_half_month_are_left_out(self):
        cells = pd.DataFrame([(u, m, 1, 10) for u in "ab" for m in (1, 2, 3, 5)] + [("a", 4, 1, 10)], columns=["unit", "month", "hits", "n"])
        got = grid(cells, {"a": 3}, partial=[2])
        assert (got.months, got.dropped, got.begins.tolist()) == ([1, 3, 5], [2, 4], [1, 3])


class TestLaws:
    @pytest.fixture
    def anything(self):
        rng = np.random.default_rng(7)
        return made(rng.uniform(.1, .5, (9, 14)), [14, 14, 5, 5, 8, 8, 11, 14, 14])

    def test_what_all_units_share_in_a_month_and_what_a_unit_always_is_changes_nothing(self, anything):
        shaken = anything._replace(rate=anything.rate + np.linspace(-.1, .2, 14) ** 2 + np.arange(9)[:, None] / 20)
        for base in (1, 4, 12):
            assert average_effect(shaken, base=base)["rate"] == pytest.approx(average_effect(anything, base=base)["rate"], abs=1e-12)

    def test_a_constant_effect_is_found_to_the_last_digit_where_nothing_else_happens(self):
        begins = np.array([3, 6, 9, 12, 12])
        rate = .2 + .07 * (np.arange(12) >= begins[:, None]) + np.arange(12) / 100
        assert average_effect(made(rate, begins))["rate"] == pytest.approx(.07)
        assert np.allclose(by_month(made(rate, begins))["rate"], .07)
        ages = by_age(made(rate, begins)).set_index("since")["rate"]
        assert np.allclose(ages[ages.index >= 0], .07)
        assert np.allclose(ages[ages.index < 0], 0)

    def test_a_month_left_out_is_a_month_since_the_start_all_the_same(self):
        """Nobody came to one of the units in months 2, 4 and 5: month 6 is the second after the start in month 4, though the first to be seen."""
        cells = pd.DataFrame([{"unit": u, "month": m, "hits": 2, "n": 10} for u in "ab" for m in (1, 3, 4, 6, 7) if (u, m) != ("b", 4)])
        assert by_age(grid(cells, {"a": 4}))["since"].tolist() == [-3, -1, 2, 3]

    def test_weights_add_up_to_nothing_by_unit_and_by_month(self, anything):
        w = weights(anything.begins, 14)
        assert np.allclose(w.sum(axis=0), 0)
        assert np.allclose(w.sum(axis=1), 0)

    def test_what_those_with_it_moved_and_what_the_others_did(self):
        assert average_effect(made([[.1, .1, .4], [.3, .3, .2]], [2, 3]))[["rate", "moved"]].astype(float).tolist() == pytest.approx([.4, .3])

    def test_an_interval_moves_with_the_effect(self, anything):
        more = anything._replace(rate=anything.rate + .1 * (np.arange(14) >= anything.begins[:, None]))
        before, after = (average_effect(d)[["rate", "low", "high"]].astype(float) for d in (anything, more))
        assert np.allclose(after - before, .1)

    def test_a_long_treated_unit_is_never_a_comparison(self):
        """An effect that grows: two-way fixed effects take the early unit for a control and turn the sign; this does not."""
        begins = np.array([2, 8, 12])
        since = np.arange(12) - begins[:, None]
        data = made(.3 + .02 * np.clip(since + 1, 0, None), begins)
        true = (.02 * np.clip(since + 1, 0, None))[since >= 0].mean()
        assert average_effect(data)["rate"] == pytest.approx(true)
        assert two_way(data) < true / 2


class TestSecondRoute:
    def test_one_start_gives_the_pooled_t_of_the_units_changes(self):
        rng = np.random.default_rng(1)
        data = made(rng.uniform(.2, .4, (12, 10)), [5] * 6 + [10] * 6)
        change = data.rate[:, 5:].mean(axis=1) - data.rate[:, :5].mean(axis=1)
        theirs = stats.ttest_ind(change[:6], change[6:])
        low, high = theirs.confidence_interval()
        got = average_effect(data)
        assert (got["rate"], got["p"], got["low"], got["high"]) == pytest.approx((change[:6].mean() - change[6:].mean(), theirs.pvalue, low, high))

    def test_every_order_is_gone_through_where_there_are_few(self):
        rng = np.random.default_rng(2)
        data = made(rng.uniform(.2, .4, (8, 6)), [3] * 4 + [6] * 4)
        change = data.rate[:, 3:].mean(axis=1) - data.rate[:, :3].mean(axis=1)
        theirs = stats.permutation_test((change[:4], change[4:]), lambda a, b: abs(a.mean() - b.mean()), n_resamples=np.inf, alternative="greater")
        assert average_effect(data)["p_shuffled"] == pytest.approx(theirs.pvalue)

    def test_the_interval_is_every_effect_that_the_orders_do_not_reject(self):
        rng = np.random.default_rng(3)
        data = made(rng.uniform(.2, .4, (7, 9)), [3, 3, 5, 9, 9, 9, 9])
        got = average_effect(data)
        inside = np.arange(9) >= data.begins[:, None]

        def p(effect):
            return average_effect(data._replace(rate=data.rate - effect * inside))["p_shuffled"]

        for edge, out in ((got["low_shuffled"], -1), (got["high_shuffled"], 1)):
            assert p(edge - out * 1e-6) > .05
            assert p(edge + out * 1e-6) <= .05

    def test_statsmodels_agrees_with_the_interaction_of_two_periods(self):
        sm = pytest.importorskip("statsmodels.formula.api")
        rng = np.random.default_rng(4)
        data = made(rng.uniform(.2, .4, (10, 2)), [1] * 5 + [2] * 5)
        long = pd.DataFrame([(data.rate[i, t], t, int(i < 5)) for i in range(10) for t in (0, 1)], columns=["y", "after", "treated"])
        assert average_effect(data)["rate"] == pytest.approx(sm.ols("y ~ after * treated", long).fit().params["after:treated"])


class TestPublished:
    def test_card_and_krueger_1994(self):
        """Fast-food jobs, American Economic Review 84, table 3: 2.76 more (standard error 1.36), from the four means.

        New Jersey 20.44 to 21.03 (change .59, standard error .54), Pennsylvania 23.33 to 21.17 (-2.16, 1.25).
        """
        data = made([[20.44, 21.03], [23.33, 21.17]], [1, 2])
        assert average_effect(data)["rate"] == pytest.approx(2.76, abs=.011)
        assert np.hypot(.54, 1.25) == pytest.approx(1.36, abs=.005)

    def test_the_worst_of_twelve_months_gives_back_what_simulation_found(self):
        """Twelve months of 100 customers with no change: acting after the worst "improves" the next by about 7.8 points, a third."""
        assert rebound(.3, 100, of=12, worst="high") == pytest.approx(.078, abs=.005)
        rng = np.random.default_rng(1)
        assert rebound(.3, 100, of=12) == pytest.approx(.3 - rng.binomial(100, .3, (20_000, 12)).min(axis=1).mean() / 100, abs=.001)

    def test_twelve_teams_of_forty_a_month_see_six_points_about_two_times_in_five(self):
        """.38 with the team drift that makes the customer-level interval reject 13 to 15 % of the time."""
        chance = np.sqrt(.3 * .7 / 40 / 6 * 2 * (1 / 6 + 1 / 6))
        drifting = chance * 1.96 / stats.norm.isf(.14 / 2)  # the true error, if 1.96 of the smaller one is exceeded 14 % of the time
        assert seen_share(.06, se=drifting, df=10) == pytest.approx(.38, abs=.02)


class TestEdges:
    def test_nobody_without_it_gives_nothing(self):
        got = average_effect(made([[.1, .2], [.1, .3]], [1, 1]))
        assert np.isnan(got[["rate", "low", "high", "p"]].astype(float)).all()

    def test_a_unit_without_a_before_is_left_out(self):
        data = made([[.5, .9], [.1, .2], [.1, .1]], [0, 1, 2])
        assert average_effect(data)["rate"] == pytest.approx(.1)
        assert average_effect(data)["units_with"] == 1

    def test_two_units_have_no_interval(self):
        got = average_effect(made([[.1, .2, .3], [.1, .1, .1]], [2, 3]))
        assert np.isnan(got["low"])
        assert (got["low_shuffled"], got["high_shuffled"]) == (-np.inf, np.inf)

    def test_no_error_and_no_room_give_no_number(self):
        assert np.isnan(detectable(0.0, df=10))
        assert np.isnan(detectable(0.1, df=0))
        assert customers_needed(.2, 0.0) == np.inf
        assert np.isnan(rebound(.3, 0, of=12))

    def test_what_is_called_detectable_is_seen_four_times_of_five(self):
        for df in (2, 10, 1e6):
            assert seen_share(detectable(.02, df=df), se=.02, df=df) == pytest.approx(.8)

    def test_fleiss_table_of_sample_sizes(self):
        assert customers_needed(.1 * .9 + .2 * .8, .1) == pytest.approx(196, abs=1)  # 10 to 20 %: 199 with a correction


@pytest.fixture(scope="module")
def found():
    return rollout(open_shop("sample"))


@pytest.fixture(scope="module")
def truth():
    programme = json.loads((sample_folder() / "answer_key.json").read_text())["population"]["programme"]
    return programme["left_by_90_with_firms"] - programme["left_by_90_without_firms"]


class TestTheSample:
    """The onboarding programme: North, South, East one after the other; West never. Fewer leave early, by a known share."""

    def test_so_few_units_are_described_and_have_no_interval(self, found):
        """The chance in who the customers were alone calls an effect where there is none three times as often as it says."""
        assert found.effect[["low", "high", "p"]].isna().all(axis=None)
        assert found.effect["method"].item() == "described only"

    def test_the_effect_is_the_difference_of_two_movements(self, found):
        row, units = found.effect.iloc[0], found.units.set_index("unit")
        assert row["moved"] - row["moved_without"] == pytest.approx(row["rate"])
        assert row["moved"] == pytest.approx((units["after"] - units["rate"])[["North", "South"]].mean(), abs=.03)  # months alike, there customers alike

    def test_it_is_said_beforehand_that_it_could_not_be_seen(self, found, truth):
        power = found.power.iloc[0]
        assert power["detectable"] > 3 * abs(truth)
        assert power["note"] == "to be described only: needs 4 units in each arm, has 2"

    def test_the_east_began_too_late_and_counts_as_not_begun(self, found):
        assert any(note.startswith("East: begun, but nobody") for note in found.notes)
        assert set(found.months["began"]) == {"2025-07", "2026-02"}
        assert found.units.set_index("unit").loc["East", "n_after"] == 0

    def test_counts_agree_with_a_plain_loop(self, found):
        folder = sample_folder()
        people = pd.read_csv(folder / "customers.csv").set_index("customer_id")["region"]
        book = pd.read_csv(folder / "contracts.csv", parse_dates=["started_at", "ended_at"]).sort_values("started_at")
        left = {}  # a customer is there until the first day without a contract: a change of plan is no end
        for who, rows in book.groupby("customer_id"):
            start, until = rows["started_at"].iloc[0], rows["ended_at"].iloc[0]
            for row in rows.iloc[1:].itertuples():
                until = row.ended_at if until >= row.started_at else until
            if people.get(who) == "North" and date(2025, 7, 1) <= start.date() < date(2026, 8, 1):
                left[who] = (until - start).days <= 90
        north = found.units.set_index("unit").loc["North"]
        assert (north["n_after"], north["after"]) == (len(left), pytest.approx(sum(left.values()) / len(left)))

    def test_a_change_that_came_later_changes_nothing_that_was_known(self):
        shop = open_shop("sample")
        assert (rollout(shop.at("2025-12-31")).months["began"] == "2025-07").all()
        assert rolled_out(shop.at("2025-12-31"))["unit"].tolist() == ["North"]


class TestChosenForBeingBad:
    def shop(self, start):
        """Four regions a year before and after; the North begins after the month in which most left."""
        rows = []
        for region in ("North", "South", "East", "West"):
            for month in pd.date_range("2024-01-01", "2025-12-01", freq="MS"):
                bad = region == "North" and month == pd.Timestamp("2024-12-01")
                rows += [(region, month, i < (9 if bad else 3 + month.month % 2)) for i in range(15)]
        book = pd.DataFrame(rows, columns=["region", "started_at", "left"]).assign(customer_id=lambda t: t.index, contract_id=lambda t: t.index)
        book["ended_at"] = (book["started_at"] + pd.Timedelta(days=20)).where(book["left"])
        changes = pd.DataFrame({"change": ["calls"], "unit": ["North"], "started_on": [start]})
        return open_shop({"contracts": book[["contract_id", "customer_id", "started_at", "ended_at"]], "customers": book[["customer_id", "region"]], "changes": changes}, as_of="2026-04-30")

    def test_it_is_called_by_name(self):
        found = rollout(self.shop("2025-01-01"))
        assert found.units.set_index("unit")["worst"].to_dict() == {"East": "", "North": "its worst month of 12", "South": "", "West": ""}
        assert any(note.startswith("regression to the mean: North began after its worst month of 12; chance alone") for note in found.notes)

    def test_a_start_at_a_usual_month_is_not(self):
        assert not any("regression" in note for note in rollout(self.shop("2025-03-01"), base_months=2).notes)

    def test_a_start_in_the_middle_of_a_month_leaves_the_month_out(self):
        found = rollout(self.shop("2025-01-15"))
        assert found.months["began"].iloc[0] == "2025-02"
        assert "months left out because a unit had nobody in them, or began half-way: 2025-01" in found.notes


class TestReps:
    def shop(self, **less):
        """Ann and Bob sign ten customers a month each; half of Ann's leave at once until she is coached, and Bob looks after all who are left."""
        rows = [(rep, month, rep == "Ann" and month < pd.Timestamp("2025-04-01") and i < 5)
                for month in pd.date_range("2025-01-01", "2025-06-01", freq="MS") for rep in ("Ann", "Bob") for i in range(10)]
        book = pd.DataFrame(rows, columns=["rep", "started_at", "left"]).assign(customer_id=lambda t: t.index)
        book["ended_at"] = (book["started_at"] + pd.Timedelta(days=20)).where(book["left"])
        deals = pd.DataFrame({"deal_id": book.index, "customer_id": book.index, "rep": book["rep"], "opened_at": book["started_at"],
                              "closed_at": book["started_at"], "outcome": "won"})
        contracts = book[["customer_id", "started_at", "ended_at"]].assign(contract_id=book.index, deal_id=book.index)
        people = pd.DataFrame({"customer_id": book.index, "owner": book["rep"].where(book["left"], "Bob")})
        people.loc[people.index[-1], "owner"] = "Ann"
        changes = pd.DataFrame({"change": ["coaching"], "unit": ["Ann"], "started_on": ["2025-04-01"]})
        tables = {"deals": deals, "contracts": contracts, "customers": people, "changes": changes}
        return open_shop({name: table.drop(columns=less.get(name, [])) for name, table in tables.items()}, as_of="2025-09-30")

    def test_a_rep_s_customers_are_those_the_rep_signed_whoever_looks_after_them_today(self):
        """By today's owner all that Ann had before were customers who left."""
        found = rollout(self.shop(), outcome="left")
        assert found.effect["rate"].item() == pytest.approx(-.5)
        assert found.units.set_index("unit").loc["Ann", ["rate", "n", "n_after"]].tolist() == [.5, 30, 30]

    def test_where_nobody_noted_whose_deal_a_contract_came_from_it_is_the_owner(self):
        units = rollout(self.shop(contracts=["deal_id"]), outcome="left").units.set_index("unit")
        assert units.loc["Ann", "n"] < 30


class TestErrors:
    BOOK = pd.DataFrame({"contract_id": [1, 2], "customer_id": ["a", "b"], "started_at": "2026-01-01", "ended_at": None})
    PEOPLE = pd.DataFrame({"customer_id": ["a", "b"], "region": ["North", "South"]})

    def shop(self, **more):
        return open_shop({"contracts": self.BOOK, "customers": self.PEOPLE, **more}, as_of="2026-06-30")

    def changes(self, unit="North", name="calls"):
        return pd.DataFrame({"change": [name], "unit": [unit], "started_on": ["2026-03-01"]})

    def test_nothing_rolled_out(self):
        with pytest.raises(MissingDataError, match="changes: is not there, so nothing is known to have been rolled out"):
            rollout(self.shop())

    def test_a_unit_that_is_nothing(self):
        with pytest.raises(BadValueError) as err:
            rollout(self.shop(changes=self.changes("Nort")))
        assert str(err.value) == 'changes: the units are not all in one of customers.region. Found: Nort. To fix it: unit = "North"'
        assert rollout_withheld(self.shop(changes=self.changes("Nort"))) == str(err.value)
        assert rollout_withheld(self.shop(changes=self.changes())) == ""

    def test_contracts_without_ends_judge_nothing(self):
        """Nobody could be seen to leave, and the effect on leaving was 0.0 points."""
        without = self.shop(changes=self.changes(), contracts=self.BOOK.drop(columns="ended_at"))
        assert "contracts.ended_at" in rollout_withheld(without)

    def test_nothing_to_judge_it_by(self):
        said = rollout_withheld(open_shop({"changes": self.changes(), "activity": pd.DataFrame({"customer_id": ["a"], "active_on": ["2026-03-02"]})}))
        assert said == "changes: needs something to be judged by. Found: changes, activity. To fix it: one of contracts.ended_at, orders, deals"

    def test_an_unknown_change_and_outcome(self):
        shop = self.shop(changes=pd.concat([self.changes(), self.changes(name="mails")]))
        with pytest.raises(BadValueError, match=r'changes: has several changes, and one must be chosen. Found: calls, mails. To fix it: change="calls"'):
            rollout(shop)
        with pytest.raises(BadValueError, match=r'`mail` is not one of the changes. Found: calls, mails. To fix it: change="mails"'):
            rollout(shop, change="mail")
        with pytest.raises(BadValueError, match=r'outcome: `lefft` is not something .* To fix it: outcome="left"'):
            rollout(shop, change="mails", outcome="lefft")
        with pytest.raises(MissingDataError, match=r'deals: is not there, and without it `won` is not known. .* To fix it: outcome="left"'):
            rollout(shop, change="mails", outcome="won")

    def test_where_no_month_can_be_used_none_is_named(self):
        assert rollout(self.shop(changes=self.changes()).at("2026-03-15"), within_days=90).notes == []

    def test_too_little_to_compare_is_a_note_not_an_error(self):
        found = rollout(self.shop(changes=self.changes()))
        assert found.effect["note"].item() == "no month with the change has come of age"
        assert found.effect["rate"].isna().all()
        assert found.months.empty
        assert found.by_age.empty


@pytest.mark.slow
def test_with_no_effect_teams_are_wrong_five_times_in_a_hundred_and_customers_three_times_as_often():
    """Unit-level t .05, re-assigned starts .03 to .06, customer-level .13 to .15, before and after alone no better; power .38."""
    rng = np.random.default_rng(11)
    alone, customers, t, dealt = pd.DataFrame([read(teams(rng)) for _ in range(1_500)]).mean()
    assert t == pytest.approx(.05, abs=.017)
    assert .03 <= dealt <= .06
    assert .12 <= customers <= .17
    assert alone > .12
    assert np.mean([read(teams(rng, effect=.06))["against the others, teams counted (t): what the kit says"] for _ in range(800)]) == pytest.approx(.38, abs=.05)


@pytest.mark.slow
def test_staggered_starts_are_wrong_five_times_in_a_hundred_and_find_an_effect_that_grows():
    """Two-way fixed effects find less than half of an effect that grows; the units' answer finds it all."""
    rng = np.random.default_rng(12)
    assert np.mean([average_effect(teams(rng, months=24, begins=WAVES), base=6)["p"] <= .05 for _ in range(400)]) <= .075
    ours, theirs, true = np.mean([(average_effect(data, base=6)["rate"], two_way(data), true) for data, true in (growing(rng) for _ in range(200))], axis=0)
    assert ours == pytest.approx(true, abs=.004)
    assert theirs < true / 2
