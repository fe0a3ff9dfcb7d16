"""Text that is not UTF-8: read by its letters, shown, and read as it is said to be."""

from __future__ import annotations

from pathlib import Path

import pytest

from retainkit.check.dialect import dialect
from retainkit.check.examine import examine
from retainkit.check.say import as_text
from retainkit.errors import RetainkitError

NAMES = {
    "cp1252": ["Müller GmbH", "Café Zürich", "Société Générale", "José Peña", "Åsa Öberg", "Straße 5"],
    "cp1250": ["Łódź", "Zażółć", "Příbram", "Škoda", "Győr", "Čeněk"],
    "cp1251": ["Москва", "Иван Петров", "Оплачено", "Кофе"],
    "mac_roman": ["Müller GmbH", "Café Zürich", "Société Générale", "José Peña", "François"],
    "cp932": ["東京都", "田中太郎", "株式会社ヤマダ", "コーヒー", "支払済"],
    "gb18030": ["北京市", "王小明", "已付款", "咖啡", "上海公司", "李雷"],
    "cp949": ["서울", "김철수", "커피", "주문", "결제완료"],
}


def export(folder: Path, encoding: str, names: list[str], rows: int = 60) -> Path:
    """Orders of customers with these names, none of them within the first hundred thousand bytes."""
    lines = ["order_id,customer_id,ordered_at,amount", *(f"{i},Berlin,2025-01-{i % 28 + 1:02d},{i}.50" for i in range(4_000)),
             *(f"x{i},{names[i % len(names)]},2025-02-{i % 28 + 1:02d},{i}.50" for i in range(rows))]
    path = folder / "orders.csv"
    path.write_bytes("\n".join(lines).encode(encoding))
    return path


@pytest.mark.parametrize("encoding", NAMES)
def test_letters_say_the_encoding_and_every_name_is_read(tmp_path: Path, encoding: str) -> None:
    path = export(tmp_path, encoding, NAMES[encoding])
    assert dialect(path) == {"encoding": encoding}
    found = examine([path])
    assert found.shop
    assert set(found.shop.sql("select customer_id from ids")["customer_id"]) == {"Berlin", *NAMES[encoding]}
    assert f"it is not UTF-8; read as {encoding}: " in as_text(found)


@pytest.mark.parametrize("names", [["Müller"], ["5 €"], ["20 °C", "21 °C"], ["a – b"]])
def test_few_letters_prove_nothing_and_are_taken_for_windows(tmp_path: Path, names: list[str]) -> None:
    assert dialect(export(tmp_path, "cp1252", names)) == {"encoding": "cp1252"}


def test_what_is_said_is_believed_and_typed_on(tmp_path: Path) -> None:
    path = export(tmp_path, "iso8859_9", ["Şişli"])
    assert dialect(path) == {"encoding": "cp1252"}
    found = examine([path], {"encoding": "iso8859_9"})
    assert "read as iso8859_9: Şişli" in as_text(found)
    assert "--encoding iso8859_9" in as_text(found)
    assert 'encoding = "iso8859_9"' in found.toml(tmp_path)


def test_what_is_utf_8_stays_so_whatever_is_said(tmp_path: Path) -> None:
    path = export(tmp_path, "utf-8", NAMES["cp932"])
    assert dialect(path, "cp932") == {}
    assert "UTF-8" not in as_text(examine([path], {"encoding": "cp932"}))


def test_an_encoding_nobody_knows_is_refused_and_one_that_does_not_fit_is_told(tmp_path: Path) -> None:
    path = export(tmp_path, "cp1252", NAMES["cp1252"])
    with pytest.raises(RetainkitError, match=r"--encoding: is none that is known\. Found: klingon\. To fix it: --encoding cp1252"):
        examine([path], {"encoding": "klingon"})
    with pytest.raises(RetainkitError, match=r"orders.csv: is not cp932 text\. Found: .*illegal multibyte sequence\. To fix it: encoding = \"cp1252\""):
        examine([path], {"encoding": "cp932"})
