"""How a column of texts writes its days: proved from every value, never guessed between day-month and month-day."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from retainkit.errors import saying
from retainkit.load.names import single
from retainkit.sqltext import literal

if TYPE_CHECKING:
    import duckdb

MIXED = 0.02  # of the days, when only the other reading can be theirs: no typing error any more
SHARE = 0.9  # of the filled values must be dates for the column to be one of dates
NEVER = re.compile(r"(?<!\d)(9999|2999)(?!\d)")  # the year of a day that never comes
ZONES = ("Z", "z", "UTC", "utc", "GMT", "gmt")
_DAYS = (
    (r"\d{4}-\d{1,2}-\d{1,2}", ("%Y-%m-%d",)), (r"\d{4}/\d{1,2}/\d{1,2}", ("%Y/%m/%d",)), (r"\d{4}\.\d{1,2}\.\d{1,2}", ("%Y.%m.%d",)),
    (r"(19|20)\d{2}(0[1-9]|1[0-2])\d{2}", ("%Y%m%d",)),
    (r"\d{1,2}/\d{1,2}/\d{4}", ("%d/%m/%Y", "%m/%d/%Y")), (r"\d{1,2}\.\d{1,2}\.\d{4}", ("%d.%m.%Y", "%m.%d.%Y")),
    (r"\d{1,2}-\d{1,2}-\d{4}", ("%d-%m-%Y", "%m-%d-%Y")), (r"\d{1,2}/\d{1,2}/\d{2}", ("%d/%m/%y", "%m/%d/%y")),
    (r"\d{1,2}\.\d{1,2}\.\d{2}", ("%d.%m.%y", "%m.%d.%y")), (r"\d{1,2}-\d{1,2}-\d{2}", ("%d-%m-%y", "%m-%d-%y", "%y-%m-%d")),
    (r"\d{1,2} [a-z]{3} \d{4}", ("%d %b %Y",)), (r"\d{1,2} [a-z]{3,9} \d{4}", ("%d %B %Y",)), (r"\d{1,2}\. [a-z]{3,9} \d{4}", ("%d. %B %Y",)),
    (r"\d{1,2}-[a-z]{4,9}-\d{4}", ("%d-%B-%Y",)), (r"\d{1,2}/[a-z]{4,9}/\d{4}", ("%d/%B/%Y",)), (r"\d{1,2}-[a-z]{4,9}-\d{2}", ("%d-%B-%y",)),
    (r"\d{1,2}-[a-z]{3}-\d{4}", ("%d-%b-%Y",)), (r"\d{1,2}-[a-z]{3}-\d{2}", ("%d-%b-%y",)), (r"\d{1,2}/[a-z]{3}/\d{4}", ("%d/%b/%Y",)),
    (r"[a-z]{3} \d{1,2}, \d{4}", ("%b %d, %Y",)), (r"[a-z]{3,9} \d{1,2}, \d{4}", ("%B %d, %Y",)), (r"[a-z]{3,9} \d{1,2} \d{4}", ("%B %d %Y",)),
    (r"[a-z]{3}, \d{1,2} [a-z]{3} \d{4}", ("%a, %d %b %Y",)), (r"[a-z]{6,9}, \d{1,2} [a-z]{3,9} \d{4}", ("%A, %d %B %Y",)),
    (r"[a-z]{6,9}, [a-z]{3,9} \d{1,2}, \d{4}", ("%A, %B %d, %Y",)), (r"[a-z]{3} [a-z]{3} \d{1,2} \d{4}", ("%a %b %d %Y",)),
)  # fmt: skip
_TIMES = ((r"\d{1,2}:\d{2}", "%H:%M"), (r"\d{1,2}:\d{2}:\d{2}", "%H:%M:%S"), (r"\d{1,2}:\d{2}:\d{2}\.\d+", "%H:%M:%S.%f"))
_MONTHS = {
    language: [month.split() for month in names.split("|")]
    for language, names in {
        "English": "january jan|february feb|march mar|april apr|may|june jun|july jul|august aug|september sept sep|october oct|november nov|december dec",
        "German": "januar jänner jan|februar feb|märz mär mrz|april apr|mai|juni jun|juli jul|august aug|september sept sep|oktober okt|november nov|dezember dez",
        "French": "janvier janv|février févr fév|mars|avril avr|mai|juin|juillet juil|août|septembre sept|octobre oct|novembre nov|décembre déc",
        "Spanish": "enero ene|febrero feb|marzo mar|abril abr|mayo may|junio jun|julio jul|agosto ago|septiembre setiembre sept sep|octubre oct|noviembre nov|diciembre dic",
        "Italian": "gennaio gen|febbraio feb|marzo mar|aprile apr|maggio mag|giugno giu|luglio lug|agosto ago|settembre set|ottobre ott|novembre nov|dicembre dic",
        "Dutch": "januari jan|februari feb|maart mrt|april apr|mei|juni jun|juli jul|augustus aug|september sep|oktober okt|november nov|december dec",
        "Portuguese": "janeiro jan|fevereiro fev|março mar|abril abr|maio mai|junho jun|julho jul|agosto ago|setembro set|outubro out|novembro nov|dezembro dez",
    }.items()
}
_COUNTED = (  # the least and the most, whether they are times, how they are read, what they are
    (20_000, 80_000, False, "timestamp '1899-12-30' + to_seconds(cast(round({} * 86400) as bigint))", "days counted from 1899, as spreadsheets do"),
    (3e8, 4e9, True, "to_timestamp({})", "seconds counted from 1970"), (3e11, 4e12, True, "to_timestamp({} / 1000)", "milliseconds counted from 1970"),
)  # fmt: skip
_WHOLE = re.compile(
    r"(?P<day>.+?)(?:(?P<gap>,? |t)(?P<time>\d{1,2}:\d{2}(?::\d{2})?(?:\.\d+)?)(?P<noon> ?[ap]m)?(?P<zone> ?[+-]\d{2}(?::?\d{2})?| ?z| utc| gmt)?)?",
    re.IGNORECASE,
)
_NATIVE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([ tT]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?([zZ]|[+-]\d{2}(:?\d{2})?)?)?")


@dataclass(frozen=True)
class Days:
    """How a column writes its days, and what proves it."""

    formats: tuple[str, ...] = ()  # empty: written so that they need no format
    sql: str = ""  # SQL that reads them, where a format does not do
    doubt: tuple[str, str] | None = None  # two formats that both read every value
    proof: str = ""  # in words, with an example
    timed: bool = False
    zoned: bool = False
    nothing: tuple[str, ...] = ()  # texts that stand where there is no day

    @property
    def either(self) -> str:
        """The other format that reads them as well, in words."""
        return f' ("{self.doubt[1]}", if the month stands first: the days can be read as both)' if self.doubt else ""

    def settled(self, chosen: str, proof: str) -> Days:
        """The same days, once it is known which of the two formats in doubt is theirs."""
        formats = tuple(chosen if f in (self.doubt or ()) else f for f in self.formats)
        return replace(self, formats=formats, doubt=None, proof=proof)

    def read(self, sql: str) -> str:
        """SQL that reads a column of them as moments."""
        return self.sql or (
            f"try_strptime(trim({sql}), {list(self.formats)!r})"
            if self.formats
            else f"try_cast({sql} as timestamp{'tz' if self.zoned else ''})"
        )


def formats_of(text: str) -> tuple[str, ...]:
    """The formats that a written day may have, most likely first; empty when it is none.

    >>> formats_of("25/01/2026 14:30"), formats_of("2026-01-25"), formats_of("Jan 5, 2026"), formats_of("x")
    (('%d/%m/%Y %H:%M', '%m/%d/%Y %H:%M'), ('%Y-%m-%d',), ('%b %d, %Y',), ())
    """
    found = _WHOLE.fullmatch(text.strip())
    if not found:
        return ()
    days = next((formats for shape, formats in _DAYS if re.fullmatch(shape, found["day"], re.IGNORECASE)), ())
    if not found["time"]:
        return days
    time = next(form for shape, form in _TIMES if re.fullmatch(shape, found["time"]))
    if found["noon"]:
        time = time.replace("%H", "%I") + (" %p" if found["noon"].startswith(" ") else "%p")
    zone = found["zone"] or ""
    mark = zone if zone.strip().isalpha() else "%z"
    gap = "T" if found["gap"].lower() == "t" else found["gap"]
    return tuple(day + gap + time + (f"{' ' if zone.startswith(' ') else ''}{mark.strip()}" if zone else "") for day in days)


def days_in(con: duckdb.DuckDBPyConnection, values: str, everything: str, sql: str) -> Days | None:
    """How a column writes days, or None when it does not.

    `values` is a table of its distinct texts `v` with how often each stands there (a sample, when there are many), and
    `everything` all of them; `sql` is how the column is named where it is read.
    """
    nothing = tuple(
        v
        for (v,) in con.execute(
            f"select v from {values} where length(v) < 25 and (not regexp_matches(v, '[0-9]') or regexp_matches(v, '[29]999')) order by n desc, v limit 50"
        ).fetchall()
        if NEVER.search(v) or (not re.search(r"\d", v) and " ".join(re.findall(r"\w+", v.lower())) in single("no_day"))
    )
    others = f"(select * from {values} where v not in ({', '.join(map(literal, nothing))})) t" if nothing else values
    days = _translated(con, others, sql) or _days_in(con, others, everything, sql) or (_days_in(con, values, everything, sql) if nothing else None)
    return replace(_turned(con, others, days, sql), nothing=nothing) if days else None


def _turned(con: duckdb.DuckDBPyConnection, values: str, days: Days, sql: str) -> Days:
    """Days of which a spreadsheet of another country took those for dates that it could, up to the 12th, with day and month the wrong way round,
    and left the others as texts: its dates are turned back.
    """
    told, real = [f for f in days.formats if re.fullmatch("%[dm][-./]%[dm][-./]%Y", f)], "regexp_full_match(v, '[0-9]{4}-[0-9]{2}-[0-9]{2}( 00:00:00)?')"
    if len(told) != 1 or "%Y-%m-%d" not in days.formats:
        return days
    texts, late, dates, early = con.execute(f"""
        select count(case when not {real} then 1 end), count(case when not {real} and day(try_strptime(v, {literal(told[0])})) > 12 then 1 end),
            count(case when {real} then 1 end), count(case when {real} and day(try_cast(v as timestamp)) <= 12 then 1 end) from {values}""").fetchall()[0]
    if min(texts, dates) < 12 or texts > late or dates > early:
        return days
    back = f"coalesce(try_strptime(trim({sql}), {literal(told[0])}), try_strptime(strftime(try_cast({sql} as timestamp), '%Y-%d-%m'), '%Y-%m-%d'))"
    return replace(days, formats=(), sql=back, proof=f"{told[0]}; all {dates:,} real dates are up to the 12th of a month and all {texts:,} texts after it: "
                   "a spreadsheet took month and day of what it could read for each other, and they are turned back")


def days_said(con: duckdb.DuckDBPyConnection, rows: str, column: str, sql: str) -> Days | None:
    """How a column of some rows, a query, writes days: None where nothing reads nine in ten of them, nothing to read where it is empty."""
    con.execute(f"create or replace temp table said as select {column} as v, count(*) as n from ({rows}) r where {column} <> '' group by 1")
    if con.execute("select 1 from said limit 1").fetchone() is None:
        return Days()
    numbers = con.execute(
        "select min(try_cast(v as double)), max(try_cast(v as double)) from said having count(*) = count(try_cast(v as double))"
    ).fetchone()
    days = (counted_days(sql, *numbers) if numbers else None) or days_in(con, "said", "said", sql) or Days(("%Y-%m",))
    if days.sql or days.doubt:
        return days
    row = con.execute(f"select sum(case when {days.read('v')} is null then 0 else n end) / sum(n) from said").fetchone()
    return days if row and row[0] >= SHARE else None


def days_by(con: duckdb.DuckDBPyConnection, values: str, form: str) -> Days | None:
    """The days of a column, where a format that was said reads nine in ten of them."""
    read = f"case when try_strptime(v, {literal(form)}) is not null then n else 0 end"
    with saying("--date-format", "is no format of days", '--date-format "%d.%m.%Y"', Exception):
        row = con.execute(f"select sum({read}) / sum(n) from {values}").fetchone()
    timed, zoned = any(part in form for part in ("%H", "%I")), "%z" in form.lower()
    return Days((form,), proof="as you said", timed=timed, zoned=zoned) if row and row[0] >= SHARE else None


def months_in(con: duckdb.DuckDBPyConnection, values: str) -> Days | None:
    """How a column writes months without a day, where all of it does."""
    forms = ("%Y-%m", "%Y/%m", "%m/%Y", "%m.%Y", "%b-%y", "%b %Y", "%B %Y")
    shape = "regexp_full_match(v, '(19|20)[0-9]{2}[-/][0-9]{1,2}|[0-9]{1,2}[/.](19|20)[0-9]{2}|[A-Za-z]{3}-[0-9]{2}|[A-Za-z]{3,9} (19|20)[0-9]{2}')"
    fit = ", ".join(f"count(case when {shape} then try_strptime(v, '{form}') end)" for form in forms)
    n, *found = con.execute(f"select count(*), {fit} from {values}").fetchall()[0]
    formats = tuple(form for form, fits in zip(forms, found, strict=True) if fits)
    either = f"count(case when {shape} then try_strptime(v, {list(formats)!r}) end)"
    return Days(formats, proof="months") if formats and con.execute(f"select {either} from {values}").fetchall() == [(n,)] else None


def _translated(con: duckdb.DuckDBPyConnection, values: str, sql: str) -> Days | None:
    """Days whose months have names of another language: read in English, for the engine knows no other."""
    said = dict(
        con.execute(f"""select w, sum(n) from (select unnest(regexp_extract_all(lower(v), '\\p{{L}}{{3,}}')) as w, n from {values} where regexp_matches(v, '[0-9]') and length(v) < 40) t
        group by w order by 2 desc, 1 limit 200""").fetchall()
    )
    language = next(
        (
            name
            for name, months in _MONTHS.items()
            if sum(said.get(word, 0) for month in months for word in month) > SHARE * sum(said.values())
        ),
        "English",
    )
    if language == "English":
        return None

    def english(text: str) -> str:
        text = f"replace(lower(trim({text})), ' de ', ' ')"
        for names, (name, *_) in zip(_MONTHS[language], _MONTHS["English"], strict=True):
            text = f"regexp_replace({text}, '\\b({'|'.join(names)})\\b[.]?', '{name}')" if names != [name] else text
        return text

    con.execute(f"create or replace temp table in_english as select {english('v')} as v, n from {values}")
    days = _days_in(con, "in_english", "in_english", "v")
    return days and Days((), f"try_strptime({english(sql)}, {list(days.formats)!r})", days.doubt, f"months in {language}", days.timed)


def _days_in(con: duckdb.DuckDBPyConnection, values: str, everything: str, sql: str) -> Days | None:
    shape = "regexp_replace(regexp_replace(v, '[0-9]', '9', 'g'), '[A-Za-z]', 'a', 'g')"
    shapes = con.execute(f"select {shape} as shape, sum(n), min(v) from {values} group by 1 order by 2 desc, 1 limit 200").fetchall()
    total = sum(n for _, n, _ in shapes)
    by: dict[tuple[str, ...], int] = {}
    for _, n, example in shapes:
        if formats := formats_of(example):
            by[formats] = by.get(formats, 0) + n
    if not total or sum(by.values()) < SHARE * total:
        return None
    timed = any("%H" in f or "%I" in f for formats in by for f in formats)
    zoned = any("%z" in f or f.endswith(ZONES) for formats in by for f in formats)
    if all(_NATIVE.fullmatch(example) for _, _, example in shapes if formats_of(example)):
        return Days(timed=timed, zoned=zoned, proof="year first")
    readings = [_reading(con, values, everything, group) for group in sorted(by, key=lambda f: -by[f])]
    doubt = next((r[1] for r in readings if r[1]), None)
    proof = next((r[2] for r in readings if r[2]), "")
    formats = tuple(dict.fromkeys(r[0] for r in readings))
    if any(f.endswith(ZONES) and "%z" not in f for f in formats):  # a zone that is a letter is no part of a format that the loader knows
        reads = [f"timezone('UTC', try_strptime(trim({sql}), '{f}'))" if "%z" not in f else f"try_strptime(trim({sql}), '{f}')" for f in formats]
        return Days((), f"coalesce({', '.join(reads)})", doubt, proof, timed, True)
    return Days(formats, "", doubt, proof, timed, zoned)


def _reading(con: duckdb.DuckDBPyConnection, values: str, everything: str, group: tuple[str, ...]) -> tuple[str, tuple[str, str] | None, str]:
    """The format of a group that fits, the two that are in doubt, and what proves it."""
    if len(group) == 1:
        return group[0], None, "the month has a name" if re.search("%[bB]", group[0]) else "year first"
    for table in dict.fromkeys((values, everything)):  # all of them only when the sample leaves a doubt
        first, doubt, proof = _weighed(con, table, group)
        if not doubt:
            break
    return first, doubt, proof


def _weighed(con: duckdb.DuckDBPyConnection, table: str, group: tuple[str, ...]) -> tuple[str, tuple[str, str] | None, str]:
    reads = [f"try_strptime(v, '{form}')" for form in group]
    fit = ", ".join(f"{read} is not null as f{i}" for i, read in enumerate(reads))
    found = con.execute(f"select sum(n), min(v), bool_or({reads[0]} <> {reads[1]}), {fit} from {table} group by all").fetchall()
    first, other, *_ = sorted(range(len(group)), key=lambda i: -sum(n for n, _, _, *fits in found if fits[i]))
    # what the other reading cannot read proves this one, and what this one cannot read the other
    against, here = (min((v for _, v, _, *fits in found if any(fits) and not fits[i]), default=None) for i in (other, first))
    if not against and any(differ for _, _, differ, *_ in found):
        return group[first], (group[0], group[1]), ""
    only = sum(n for n, _, _, *fits in found if fits[other] and not fits[first])
    if against and here and only > MIXED * sum(n for n, _, _, *fits in found if fits[other] or fits[first]):
        return group[first], (group[0], group[1]), f"`{against}` can only be {group[first]} and `{here}` only {group[other]}"
    return group[first], None, f"`{against}` can be nothing else" if against else "both readings give the same days"


def counted_days(sql: str, least: float | None, most: float | None) -> Days | None:
    """How numbers count days or seconds, when they can be nothing else under such a name: spreadsheets from 1899, computers from 1970."""
    if least is None or most is None:
        return None
    number = f"try_cast({sql} as double)"
    found = (Days((), read.format(number), None, proof, timed, timed)
             for first, last, timed, read, proof in _COUNTED if first <= least and most <= last)
    return next(found, None)
