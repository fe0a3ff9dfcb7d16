"""When contracts ended: by the day they were cancelled where nothing else says it, and never by a term that renews itself."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from retainkit.check.examine import Examined, examine
from retainkit.check.say import as_text


def contracts(folder: Path, header: str, *rows: str) -> Examined:
    (folder / "contracts.csv").write_text("\n".join([header, *rows]) + "\n")
    found = examine([folder / "contracts.csv"])
    assert found.shop, found.trouble
    return found


def ended(found: Examined) -> list[str]:
    assert found.shop
    return found.shop.sql("select coalesce(cast(ended_on as varchar), '') as day from all_contracts order by contract_id")["day"].tolist()


@pytest.mark.parametrize(("words", "days"), [(["active", "cancelled", "active"], ["", "2026-03-05", ""]), (None, ["", "2026-03-05", "2026-04-01"])])
def test_the_day_of_cancelling_is_the_end_where_no_column_says_another(tmp_path: Path, words: list[str] | None, days: list[str]) -> None:
    """With a status, of those only that are cancelled: the others are cancelled for a day to come, or came back."""
    cancelled = ["", "2026-03-05", "2026-04-01"]
    rows = [f"s{i},c{i},2026-01-0{i + 1},{day}{',' + words[i] if words else ''}" for i, day in enumerate(cancelled)]
    found = contracts(tmp_path, f"subscription_id,customer_id,start_date,cancelled_at{',status' if words else ''}", *rows)
    assert ended(found) == days
    assert "likely: no column says when contracts ended: the day they were cancelled is taken for it" in as_text(found)


def test_an_end_that_a_column_says_is_kept_beside_the_day_of_cancelling(tmp_path: Path) -> None:
    found = contracts(tmp_path, "contract_id,customer_id,start_date,cancelled_at,end_date", "k0,c0,2026-01-01,2026-02-01,2026-03-01", "k1,c1,2026-01-05,,")
    assert ended(found) == ["2026-03-01", ""]
    assert "no column says when" not in as_text(found)


@pytest.mark.parametrize(("renews", "days"), [(["yes", "yes", "no"], ["2025-12-31", "", "2025-12-31"]), (["", "no", "No"], ["2025-12-31"] * 3)])
def test_a_term_that_renews_itself_does_not_end_a_contract_until_it_is_cancelled(tmp_path: Path, renews: list[str], days: list[str]) -> None:
    rows = [f"k{i},c{i},2025-01-0{i + 1},2025-12-31,{'2025-10-03' if i == 0 else ''},{word}" for i, word in enumerate(renews)]
    found = contracts(tmp_path, "contract_no,account,start_date,end_date,cancellation_date,auto_renew", *rows)
    assert ended(found) == days
    assert ("of 1 row it is the end of a term: `auto_renew` says that it renews itself" in as_text(found)) == ("yes" in renews)


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%d.%m.%Y"])
@pytest.mark.parametrize("gap", [0, 1])
def test_an_end_after_which_the_next_contract_begins_is_the_last_day_and_is_read_as_the_day_after(tmp_path: Path, form: str, gap: int) -> None:
    day = lambda year, n, later=0: f"{date(year, 3, 13 + n) + timedelta(days=later):{form}}"  # noqa: E731
    rows = [f"k{n}{year},c{n},{day(year, n)},{day(year + 1, n, -gap)}" for n in range(6) for year in (2024, 2025)]
    found = contracts(tmp_path, "contract_id,customer_id,start_date,end_date", *rows, "k9,c9,2024-03-01,soon" if form == "%Y-%m-%d" else "k9,c9,01.03.2024,")
    assert ended(found)[:2] == ["2025-03-13", "2026-03-13"]
    assert ("likely: the day after end_date: of 6 contracts that follow another one, 6 begin then" in as_text(found)) == (gap == 1)


def test_the_end_of_what_is_paid_is_none_of_a_contract_that_a_status_calls_active(tmp_path: Path) -> None:
    rows = ["k0,c0,2026-01-01,,2026-02-28,Active", "k1,c1,2026-01-02,,2026-03-01,Cancelled", "k2,c2,2026-01-03,2026-02-20,2026-03-03,Active", "k3,c3,2026-03-05,,,Active"]
    found = contracts(tmp_path, "contract_no,account,start_date,cancellation_date,end_date,status", *rows)
    assert ended(found) == ["", "2026-03-01", "2026-03-03", ""]
    assert "likely: of 1 row it is the end of a term, or of what is paid: `status` says active" in as_text(found)


@pytest.mark.parametrize(("left", "kept"), [("0", False), ("49", True)])
def test_values_that_are_0_in_all_that_ended_count_no_money_that_left(tmp_path: Path, left: str, kept: bool) -> None:
    rows = [f"k{i},c{i},2026-01-0{i + 1},{'2026-03-01' if i < 5 else ''},{left if i < 5 else 49}" for i in range(9)]
    found = contracts(tmp_path, "contract_id,customer_id,start_date,end_date,mrr", *rows)
    assert found.shop
    assert found.shop.has("contracts.monthly_value") == kept
    assert ("`mrr` is 0 in all 5 contracts that ended, so what left cannot be counted in money" in as_text(found)) != kept
