"""Exports as they break on the way: a seed makes one, the same each time, with what is known of it."""

from __future__ import annotations

import csv
import gzip
import io
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

# name of a layout: its columns (what stands in them: {i} a number, {c} a customer, {d} a day, {a} an amount), and those of id, customer, day and amount
LAYOUTS: dict[str, tuple[dict[str, str], tuple[str, str, str, str]]] = {
    "own": ({"order_id": "{i}", "customer_id": "{c}", "ordered_at": "{d}", "amount": "{a}"}, ("order_id", "customer_id", "ordered_at", "amount")),
    "shopify": ({
        "Name": "#{i}", "Email": "{c}@example.org", "Financial Status": "paid", "Paid at": "{d} 10:00:00 +0100", "Currency": "EUR", "Subtotal": "{a}", "Total": "{a}", "Created at": "{d} 10:00:00 +0100",
        "Lineitem quantity": "1", "Lineitem name": "Tea - Green", "Lineitem price": "{a}", "Cancelled at": "", "Phone": "", "Lineitem discount": "0.00"}, ("Name", "Email", "Created at", "Lineitem price")),
    "woocommerce": ({
        "order_id": "{i}", "order_date": "{d} 10:00:00", "status": "completed", "order_currency": "EUR", "customer_id": "0", "billing_email": "{c}@example.org", "item_name": "Tea", "item_quantity": "1",
        "item_total": "{a}", "item_refunded": "0", "refunds": ""}, ("order_id", "billing_email", "order_date", "item_total")),
    "stripe_dashboard": ({
        "id": "ch_{i}", "Created date (UTC)": "{d} 10:00:00", "Amount": "{a}", "Amount Refunded": "0.00", "Currency": "eur", "Refunded date (UTC)": "", "Status": "Paid", "Customer ID": "cus_{c}", "Customer Email": "",
        "Invoice ID": ""}, ("id", "Customer ID", "Created date (UTC)", "Amount")),
    "pipedrive": ({
        "Deal - ID": "{i}", "Deal - Title": "Machines", "Deal - Organization": "{c}", "Deal - Owner": "Ada", "Deal - Value": "{a}", "Deal - Currency of Value": "EUR", "Deal - Status": "Won", "Deal - Deal created": "{d} 10:00:00",
        "Deal - Won time": "2027-01-01 10:00:00", "Deal - Lost time": ""}, ("Deal - ID", "Deal - Organization", "Deal - Deal created", "Deal - Value")),
    "hubspot": ({
        "Record ID": "{i}", "Deal Name": "Machines", "Deal Stage": "Closed won", "Close Date": "2027-01-01 10:00", "Create Date": "{d} 10:00", "Deal owner": "Ada", "Amount": "{a}", "Associated Company IDs (Primary)": "{c}"},
        ("Record ID", "Associated Company IDs (Primary)", "Create Date", "Amount")),
    "chargebee": ({
        "id": "{i}", "customer_id": "{c}", "status": "active", "currency_code": "EUR", "started_at": "{d}T10:00:00Z", "cancelled_at": "", "cancel_reason": "", "mrr": "900"}, ("id", "customer_id", "started_at", "mrr")),
}  # fmt: skip
DATES = [
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%d-%m-%y", "%y-%m-%d",
    "%d %b %Y", "%d %B %Y", "%d. %B %Y", "%d-%b-%Y", "%d-%b-%y", "%d/%b/%Y", "%b %d, %Y", "%B %d, %Y", "%B %d %Y", "%a, %d %b %Y", "%A, %d %B %Y", "%A, %B %d, %Y", "%a %b %d %Y",
    "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%d %H:%M:%S +0200", "%Y-%m-%dT%H:%M:%S+02:00", "%Y-%m-%d %H:%M:%S-05",
    "%d/%m/%Y %H:%M", "%m/%d/%Y %I:%M %p", "%m/%d/%Y %I:%M:%S %p", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y, %H:%M", "%b %d, %Y %I:%M %p", "%Y-%m-%dT%H:%M:%S.123Z", "%Y-%m-%d %H:%M:%S.123456",
    "%Y-W%W-%w", "%Y-%j", "%H:%M %d/%m/%Y", "%s", "%Y", "%m/%Y", "%A", "%c", "%x",
]  # fmt: skip
NUMBERS: list[Callable[[float], str]] = [
    lambda v: f"{v:.2f}", lambda v: f"{v:,.2f}", lambda v: f"{v:.2f}".replace(".", ","), lambda v: f"{v:,.2f}".translate(str.maketrans(",.", ".,")), lambda v: f"${v:,.2f}", lambda v: f"€ {v:.2f}",
    lambda v: f"{v:.2f} EUR", lambda v: f"({v:.2f})", lambda v: f"{v:.2f}-", lambda v: f"{v:,.2f}".replace(",", " "), lambda v: f"{v:,.2f}".replace(",", "'"), lambda v: f"{v:.3e}", lambda v: f"{v:,.0f}",
    lambda v: f"{v:.2f}%", lambda v: "n/a", lambda v: "NaN", lambda v: "1e400", lambda v: "-" * 3, lambda v: "∞", lambda v: "٣٫٥", lambda v: f"{v:.12f}", lambda v: "9" * 40,
]  # fmt: skip
ODD = ['"', '""', "'", "\\", "a\"b", ",", ";", "\t", "a\nb", "a\r\nb", "\x00", "\x01", "\ufeff", "Ünïcödé", "日本語", "😀", "=1+1", "<script>", "NULL", "null", "None", "-", " ", "\u00a0", "x" * 5000, "%s", "{}", "$1", "--", "/*", "';drop table x;--"]
NAMES = ["row_no", "file", "why", "col", "found", "select", "order by", "a\"b", "it's", "{x}", "%", "Ünï", "日付", "😀", " spaced ", "", "1", "stage_orders", "as written amount", "amount ", "t", "s", "v", "x" * 300, "customer", "raw_amount", "zoned", "left_out", "rowid"]


Roles = tuple[str, str, str, str]


@dataclass
class Broken:
    """One export: its bytes and name, how many rows it has if that can be known, and what was done to it."""

    data: bytes
    name: str
    rows: int | None
    done: list[str] = field(default_factory=list)
    layout: str = "own"


def sound(layout: str, n: int = 20, seed: int = 1) -> bytes:
    """An export of a layout with nothing wrong with it."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([list(LAYOUTS[layout][0]), *_rows(random.Random(seed), n, layout)])
    return out.getvalue().encode()


def broken(seed: int, most: int = 40) -> Broken:
    """The export of a seed, half of them in a vendor's layout: some rows with one to four things wrong with them."""
    r = random.Random(seed)
    n = r.choice([0, 1, 2, 7, 20, most])
    layout = "own" if seed % 2 else r.choice(list(LAYOUTS))
    head, rows = list(LAYOUTS[layout][0]), _rows(r, n, layout)
    roles = LAYOUTS[layout][1]
    done: list[str] = [layout]
    style = {"delimiter": ",", "newline": "\n", "encoding": "utf-8", "quoting": csv.QUOTE_MINIMAL}
    for change in r.sample([_dates, _amounts, _odd, _columns, _names, _twice, _style, _style, _encoding, _wide, _late_change, _dst], r.randint(1, 4)):
        change(r, head, rows, style, roles)
        done.append(change.__name__)
    out = io.StringIO()
    csv.writer(out, delimiter=str(style["delimiter"]), lineterminator=str(style["newline"]), quoting=int(style["quoting"])).writerows([head, *rows])  # type: ignore[arg-type]
    data, known = out.getvalue().encode(str(style["encoding"]), errors="replace"), len(rows)
    whole: int | None = known if not any(not any(c.strip() for c in row) for row in rows) else None
    for damage in r.sample([_none, _none, _none, _ragged, _nul, _quote, _cut, _blank_lines, _bom, _title, _mixed, _bytes, _gzip, _total, _nested], 1):
        data, sound = damage(r, data)
        whole = whole if sound else None
        done.append(damage.__name__)
    name = r.choice(["orders.csv", "orders.tsv", "orders.txt"]) + (".gz" if data[:2] == b"\x1f\x8b" else "")
    return Broken(data, name, whole, done, layout)


def _rows(r: random.Random, n: int, layout: str) -> list[list[str]]:
    start = datetime(2025, 1, 1, 12)
    rows = []
    for i in range(n):
        said = {"i": str(1000 + i), "c": f"c{r.randint(1, max(1, n // 2))}", "d": f"{start + timedelta(days=r.randint(0, 400)):%Y-%m-%d}", "a": f"{r.uniform(1, 2000):.2f}"}
        rows.append([cell.format_map(said) for cell in LAYOUTS[layout][0].values()])
    return rows


def _dates(r: random.Random, head: list[str], rows: list[list[str]], style: dict, roles: Roles) -> None:
    forms, at = r.sample(DATES, r.choice([1, 1, 1, 2])), head.index(roles[2])
    for row in rows:
        day = datetime(2025, 1, 1, r.randint(0, 23), r.randint(0, 59)) + timedelta(days=r.randint(0, 400))
        row[at] = day.strftime(r.choice(forms))


def _amounts(r: random.Random, head: list[str], rows: list[list[str]], style: dict, roles: Roles) -> None:
    forms, at = r.sample(NUMBERS, r.choice([1, 1, 2])), head.index(roles[3])
    for row in rows:
        row[at] = r.choice(forms)(r.uniform(1, 30000))


def _odd(r: random.Random, head: list[str], rows: list[list[str]], style: dict, roles: Roles) -> None:
    for row in rows:
        if r.random() < 0.3:
            row[r.randrange(len(row))] = r.choice(ODD)


def _columns(r: random.Random, head: list[str], rows: list[list[str]], style: dict, roles: Roles) -> None:
    i = r.randrange(len(head))
    head.insert(0, head.pop(i))
    for row in rows:
        row.insert(0, row.pop(i) if i < len(row) else "")


def _names(r: random.Random, head: list[str], rows: list[list[str]], style: dict, roles: Roles) -> None:
    for name in r.sample(NAMES, r.randint(1, 4)):
        head.append(name)
        for row in rows:
            row.append(r.choice(["", "1", "x", "2025-01-01"]))


def _twice(r: random.Random, head: list[str], rows: list[list[str]], style: dict, roles: Roles) -> None:
    for name in (r.choice(head), r.choice(head).upper()):
        head.append(name)
        for row in rows:
            row.append("7")


def _style(r: random.Random, head: list[str], rows: list[list[str]], style: dict, roles: Roles) -> None:
    style |= {"delimiter": r.choice(",;\t|"), "newline": r.choice(["\n", "\r\n"]), "quoting": r.choice([csv.QUOTE_ALL, csv.QUOTE_MINIMAL])}


def _encoding(r: random.Random, head: list[str], rows: list[list[str]], style: dict, roles: Roles) -> None:
    style["encoding"] = r.choice(["latin-1", "utf-16", "cp1252", "cp1252", "utf-8-sig", "utf-16-le", "utf-16-be", "shift-jis", "cp1250"])
    for row in rows[::3]:
        row[head.index(roles[1])] = r.choice(["josé", "Müller", "ß€", "“the boss” – 5 €"])


def _wide(r: random.Random, head: list[str], rows: list[list[str]], style: dict, roles: Roles) -> None:
    n = r.choice([10, 50, 1000]) if len(rows) < 21 else 10
    head += [f"extra {i}" for i in range(n)]
    for row in rows:
        row += ["1"] * n


def _late_change(r: random.Random, head: list[str], rows: list[list[str]], style: dict, roles: Roles) -> None:
    for row in rows[len(rows) * 2 // 3 :]:
        row[head.index(roles[0])], row[head.index(roles[3])] = "late", "none"


def _dst(r: random.Random, head: list[str], rows: list[list[str]], style: dict, roles: Roles) -> None:
    for row in rows:
        row[head.index(roles[2])] = r.choice(["2025-03-30 02:30:00", "2025-03-09 02:30:00", "2025-10-26 02:30:00", "2025-11-02 01:30:00-05:00", "2025-02-29", "0001-01-01", "9999-12-31", "2025-13-01", "1970-01-01 00:00:00"])


def _none(r: random.Random, data: bytes) -> tuple[bytes, bool]:
    return data, True


def _ragged(r: random.Random, data: bytes) -> tuple[bytes, bool]:
    lines = data.split(b"\n")
    for _ in range(3):
        i = r.randrange(len(lines))
        lines[i] = lines[i] + b",,x" if r.random() < 0.5 else lines[i][: len(lines[i]) // 2]
    return b"\n".join(lines), False


def _nul(r: random.Random, data: bytes) -> tuple[bytes, bool]:
    i = r.randrange(len(data) + 1)
    return data[:i] + b"\x00" + data[i:], False


def _quote(r: random.Random, data: bytes) -> tuple[bytes, bool]:
    i = r.randrange(len(data) + 1)
    return data[:i] + b'"' + data[i:], False


def _cut(r: random.Random, data: bytes) -> tuple[bytes, bool]:
    return data[: r.randrange(len(data) + 1)], False


def _blank_lines(r: random.Random, data: bytes) -> tuple[bytes, bool]:
    return data.replace(b"\n", b"\n\n", r.randint(1, 5)) + b"\n\n", False


def _bom(r: random.Random, data: bytes) -> tuple[bytes, bool]:
    return b"\xef\xbb\xbf" + data, False


def _title(r: random.Random, data: bytes) -> tuple[bytes, bool]:
    return b"Report of sales\nprinted today\n\n" + data, False


def _mixed(r: random.Random, data: bytes) -> tuple[bytes, bool]:
    return data.replace(b"\n", b"\r\n", max(1, data.count(b"\n") // 2)).replace(b"\r\r", b"\r"), False


def _bytes(r: random.Random, data: bytes) -> tuple[bytes, bool]:
    out = bytearray(data or b"x")
    for _ in range(5):
        out[r.randrange(len(out))] = r.randrange(256)
    return bytes(out), False


def _gzip(r: random.Random, data: bytes) -> tuple[bytes, bool]:
    packed = gzip.compress(data, mtime=0)
    return (packed, True) if r.random() < 0.5 else (packed[: len(packed) // 2], False)


def _total(r: random.Random, data: bytes) -> tuple[bytes, bool]:
    return data + r.choice([b"Total,,,99.50\n", b"Grand total:,99.50\n", b",Total,,99.50\n", b"Summe;;;99,50\n"]), False


def _nested(r: random.Random, data: bytes) -> tuple[bytes, bool]:
    lines = data.split(b"\n")
    i = r.randrange(len(lines))
    lines[i] = r.choice([b'"a ""b"" c",' + lines[i], b'"a "b" c",' + lines[i], lines[i] + b',"', b'"""' + lines[i], lines[i].replace(b",", b'","')])
    return b"\n".join(lines), False
