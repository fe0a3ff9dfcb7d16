"""Days whose months have names: of six languages besides English, in full and short, and never by the shape of a word alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from retainkit.check.examine import Examined, examine
from retainkit.check.say import as_text
from retainkit.load.dates import _MONTHS

FIRST = date(2025, 1, 1)
DAYS = [FIRST + timedelta(days=3 * i) for i in range(120)]
WRITTEN: dict[str, Callable[[date, str], str]] = {
    "English": lambda d, month: f"{d.day} {month} {d.year}",
    "German": lambda d, month: f"{d.day}. {month.capitalize()} {d.year}",
    "French": lambda d, month: f"{d.day} {month}{'.' if len(month) < 4 else ''} {d.year}",
    "Spanish": lambda d, month: f"{d.day} de {month} de {d.year}",
    "Italian": lambda d, month: f"{d.day:02d}-{month.upper()}-{d.year}",
    "Dutch": lambda d, month: f"{d.day} {month} {d.year} 14:30",
    "Portuguese": lambda d, month: f"{d.day}/{month}/{d.year}",
}


def orders(folder: Path, days: list[str]) -> Examined:
    lines = ["order_id,customer_id,ordered_at,amount", *(f'{i},c{i % 30},"{day}",5' for i, day in enumerate(days))]
    (folder / "orders.csv").write_text("\n".join(lines), encoding="utf-8")
    return examine([folder / "orders.csv"], {"tz": "Europe/Berlin"})


@pytest.mark.parametrize("short", [False, True])
@pytest.mark.parametrize("language", WRITTEN)
def test_months_of_six_languages_are_read_on_every_day(language: str, short: bool, tmp_path: Path) -> None:
    found = orders(tmp_path, [WRITTEN[language](day, _MONTHS[language][day.month - 1][-1 if short else 0]) for day in DAYS])
    assert found.shop, found.trouble
    read = found.shop.sql("select ordered_on from all_orders order by order_id::int")["ordered_on"]
    assert [day.date() for day in read] == DAYS
    assert ("months in" in as_text(found)) == (language != "English")
    assert "their own offset" not in as_text(found)


def test_a_month_not_seen_yet_and_a_misspelt_one(tmp_path: Path) -> None:
    """What is proposed reads the months to come, too; what no language knows is rejected, and the others are not."""
    days = [WRITTEN["German"](day, _MONTHS["German"][day.month - 1][0]) for day in DAYS if day.month < 10]
    found = orders(tmp_path, [*days, "3. Janaur 2025"])
    assert found.shop, found.trouble
    assert found.shop.rejected("orders")["found"].tolist() == ["3. Janaur 2025"]
    assert "dezember|dez" in found.toml(tmp_path)


def test_words_of_the_shape_of_a_day_are_none(tmp_path: Path) -> None:
    found = orders(tmp_path, [f"{i % 28 + 1}. Filiale 2025" for i in range(60)])
    assert found.shop is None


def test_the_months_of_each_language_are_twelve_and_no_word_means_two() -> None:
    for months in _MONTHS.values():
        assert len(months) == 12
        words = [word for month in months for word in month]
        assert len(set(words)) == len(words)
