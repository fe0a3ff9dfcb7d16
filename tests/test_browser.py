"""The published pages in a real browser: nothing is fetched or run, nothing sticks out, and axe-core finds no fault."""

from __future__ import annotations

import csv
import io
import os
import shutil
from pathlib import Path
from urllib.parse import unquote

import in_process
import pytest
from PIL import Image

from retainkit.check.examine import examine
from retainkit.check.say import as_html
from retainkit.report import pdf
from retainkit.report.run import report
from retainkit.resources import notebooks_folder, sample_folder

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install -e '.[dev]')")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium on PATH (Debian: apt-get install chromium)"),
]
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
NARROW, DARK = ("target-size", "scrollable-region-focusable", "meta-viewport", "region"), ("color-contrast", "link-in-text-block")  # what else can differ there
PAPER = 674  # the width A4 leaves between the margins, in CSS pixels
LONG = "Long" * 2500
HOSTILE = (
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", '=HYPERLINK("http://example.org","a")', LONG,
    "invoice\u202egnp.exe", "شركة الاختبار", "👩‍👩‍👧‍👦🔥 emoji", '"><svg onload=alert(1)>', "{{7*7}} {0} $x$ **bold** `a`",
    "</style></title></textarea>--><script>alert(2)</script>", "-1+1|cmd", "a\\nb <b>",
)
STEMS = ("index", "definitions", *sorted(path.stem for path in notebooks_folder().glob("0[1-9]*.ipynb")))


@pytest.fixture(scope="session")
def browser():
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        yield started
        started.close()


@pytest.fixture(scope="session")
def hostile(tmp_path_factory):
    """The sample's October with every name of a product, a rep, a segment and a region replaced by an attack."""
    folder = shutil.copytree(sample_folder(), tmp_path_factory.mktemp("hostile") / "<b>shop & co")
    for path in folder.glob("*.csv"):
        _poison(path)
    settings = folder / "retainkit.toml"
    settings.write_text(settings.read_text().split("[[goals]]")[0])  # they name segments, which are gone
    return _published(str(folder), folder.parent)


def _poison(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for shift, column in enumerate(("product_line", "rep", "segment", "region", "unit")):
        known = sorted({row[column] for row in rows if row.get(column)})
        names = {name: HOSTILE[(shift * 3 + n) % len(HOSTILE)] for n, name in enumerate(known)}
        for row in rows:
            if column in row:
                row[column] = names.get(row[column], "")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def _published(source: str, out: Path) -> Path:
    with in_process.no_kernels():
        index, good = report(source, month="2026-10", out=out / "out", jobs=1)
    assert good
    return index.parent


def _open(browser, path: Path, width: int, **context):
    """The page, opened, with what it asked for, what it complained of and what it popped up."""
    page = browser.new_context(viewport={"width": width, "height": 900}, **context).new_page()
    heard: list[str] = []  # it goes on listening
    page.on("request", lambda r: r.url == path.as_uri() or heard.append(f"asks for {r.url[:80]}"))
    page.on("console", lambda m: heard.append(f"says {m.text}"))
    page.on("pageerror", lambda e: heard.append(f"fails {e}"))
    page.on("dialog", lambda d: (heard.append(f"pops up {d.message}"), d.dismiss()))
    page.goto(path.as_uri())
    return page, heard


def _sticks_out(page) -> list[str]:
    """What reaches beyond the right edge, if the page can be scrolled sideways."""
    return page.evaluate("""() => {
        const wide = document.documentElement.clientWidth
        if (document.documentElement.scrollWidth <= wide) return []
        return [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > wide + 1)
            .map(e => e.tagName + '.' + e.className + ' ' + e.textContent.trim().slice(0, 40)).slice(0, 8)
    }""")


def _faults(page, only: tuple[str, ...] = RULES) -> list[str]:
    """What axe-core finds wrong, by all rules for people or by some."""
    found = axe.Axe().run(page, options={"runOnly": list(only), "resultTypes": ["violations"]}).response["violations"]
    return [f"{v['id']}: {n['html'][:120]} {n['failureSummary'][:160]}" for v in found for n in v["nodes"][:4]]


@pytest.mark.parametrize("stem", STEMS)
def test_a_page_is_quiet_fits_prints_leads_somewhere_and_has_no_fault_that_axe_can_find(stem, browser, sample_report):
    page, heard = _open(browser, sample_report / f"{stem}.html", 1280)
    assert (_sticks_out(page), _faults(page)) == ([], []), "at 1280"
    page.set_viewport_size({"width": 390, "height": 844})
    assert (_sticks_out(page), _faults(page, NARROW)) == ([], []), "at 390"
    page.emulate_media(color_scheme="dark")
    assert _faults(page, DARK) == [], "dark"
    page.emulate_media(media="print", color_scheme="light")
    page.set_viewport_size({"width": PAPER, "height": 900})
    assert _sticks_out(page) == [], "in print"
    assert heard == []
    for link in page.evaluate("[...document.links].map(a => a.getAttribute('href')).filter(h => !h.startsWith('data:'))"):
        path, _, mark = link.partition("#")
        assert (sample_report / path).exists() if path else page.evaluate("name => !!document.getElementById(name)", mark), link
    assert (sample_report / f"{stem}.html").stat().st_size < 400_000
    page.context.close()


def test_the_page_of_a_check_is_quiet_fits_leads_to_each_part_and_has_no_fault_that_axe_can_find(browser, tmp_path):
    shop = shutil.copytree(sample_folder(), tmp_path / "shop", ignore=shutil.ignore_patterns("activity*", "responses*"))
    (tmp_path / "check.html").write_text(as_html(examine([shop])), encoding="utf-8")
    page, heard = _open(browser, tmp_path / "check.html", 1280)
    assert (_sticks_out(page), _faults(page), heard) == ([], [], [])
    assert page.locator("h1").text_content() == "Check of changes.csv, contracts.csv, customers.csv and 3 more"
    assert page.evaluate("[...document.querySelectorAll('nav a')].every(a => document.querySelector(a.getAttribute('href')).textContent == a.textContent)")
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    assert (_sticks_out(page), _faults(page, NARROW + DARK)) == ([], [])
    page.context.close()


def _scrolling(page, what: str) -> list[str]:
    """The boxes that hold more than they are wide, by their names."""
    return page.evaluate("what => [...document.querySelectorAll(what)].filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.getAttribute('aria-label'))", what)


@pytest.mark.parametrize("stem", [stem for stem in STEMS if stem[:1] == "0"])
def test_a_table_takes_the_free_space_and_what_changed_fits_a_telephone(stem, browser, sample_report):
    page, _ = _open(browser, sample_report / f"{stem}.html", 1280)
    assert _scrolling(page, ".rk-table, .chart") == []
    page.set_viewport_size({"width": 320, "height": 844})
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate("[...document.querySelectorAll('.changed :is(th, td)')].filter(e => e.scrollWidth > e.clientWidth).map(e => e.textContent)") == []
    assert (_scrolling(page, ".changed .rk-table"), _scrolling(page, "pre")) == ([], [])
    assert _scrolling(page, ".rk-table:is([aria-label^='Scorecard:'], [aria-label^='Goals,'])") == []  # what decides would be cut off
    assert page.evaluate("[...document.querySelectorAll('.rk-table[aria-label^=Scorecard] td')].filter(e => e.textContent == '–' && e == e.parentNode.lastChild && e.checkVisibility()).length") == 0
    assert page.locator(".changed .rk-table").count() == 1
    assert _faults(page, NARROW) == []
    page.context.close()


def test_the_parts_of_the_scorecard_line_up_and_a_number_does_not_touch_the_words_after_it(browser, sample_report):
    page, _ = _open(browser, sample_report / "05_scorecard_and_claims.html", 1280)
    places = page.evaluate("""() => [...document.querySelectorAll(".rk-table[aria-label^='Scorecard:'] thead tr")]
        .map(row => [...row.cells].map(cell => Math.round(cell.getBoundingClientRect().left)).slice(0, 6))""")
    assert len(places) > 4
    assert {tuple(row) for row in places} == {tuple(places[0])}
    for width in (1280, 961, 801, 390, PAPER):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(media="print" if width == PAPER else "screen")
        assert page.evaluate("""() => [...document.querySelectorAll(".rk-table[aria-label^='Scorecard:'] :is(th, td)")]
            .filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.textContent)""") == [], width
        assert page.evaluate("""() => [...document.querySelectorAll('td[style*=right] + td:not([style*=right])')].filter(e => {
            const [left, right] = [e.previousElementSibling, e].map(cell => getComputedStyle(cell))
            return e.getBoundingClientRect().height && left.display == 'table-cell' && parseFloat(left.paddingRight) + parseFloat(right.paddingLeft) < 12
        }).map(e => e.textContent)""") == [], width
    page.context.close()


@pytest.mark.parametrize("width", [801, 930, 1000, 1100, 1200])
def test_on_a_small_desk_no_range_is_broken_and_no_column_hidden(width, browser, sample_report):
    """With the contents beside it the text left the tables too little: ranges broke at their dash, and the judgement stood beyond the edge."""
    for stem in ("01_first_90_days_cross_sell", "05_scorecard_and_claims"):
        page, _ = _open(browser, sample_report / f"{stem}.html", width)
        assert page.locator("thead .whole").first.text_content() == "(95% interval)"
        assert page.evaluate("[...document.querySelectorAll('.rk-table .whole')].filter(e => e.getClientRects().length > 1).map(e => e.textContent)") == []
        assert width < 930 or _scrolling(page, ".rk-table") == []
        page.context.close()


def test_a_question_that_was_not_answered_comes_after_those_that_were_and_is_as_tall_as_its_words(browser, sample_report):
    """It stood in the middle of the index, an empty frame as tall as the chart beside it."""
    page, _ = _open(browser, sample_report / "index.html", 1280)
    top, tall, others = page.evaluate("""() => {
        const [, card, ...others] = document.querySelectorAll('.card')
        card.className = 'card skipped'
        card.replaceChildren('This data cannot answer it yet.')
        const box = card.getBoundingClientRect()
        return [box.top, box.height, others.map(e => e.getBoundingClientRect().top)]
    }""")
    assert top >= max(others)
    assert tall < 100
    page.context.close()


def test_a_wide_table_ends_where_the_page_does(browser, sample_report):
    for stem in STEMS:
        page, _ = _open(browser, sample_report / f"{stem}.html", 1600)
        assert page.evaluate("""() => [...document.querySelectorAll('.page .rk-table')].filter(e => e.getBoundingClientRect().right > document.querySelector('.bar p:last-child').getBoundingClientRect().right + 1)
            .map(e => e.getAttribute('aria-label'))""") == [], stem
        page.context.close()


def test_what_is_folded_can_be_found_and_is_printed(browser, sample_report):
    page, _ = _open(browser, sample_report / "05_scorecard_and_claims.html", 1280)
    height = "[...document.querySelectorAll('details.folded .rk-table')].map(e => e.checkVisibility({contentVisibilityAuto: true}) ? e.getBoundingClientRect().height : 0)"
    assert set(page.evaluate(height)) == {0}
    page.emulate_media(media="print")
    page.wait_for_function(f"{height}.length > 3 && {height}.every(high => high > 50)")
    page.context.close()


def test_no_name_is_broken_in_print(browser, sample_report):
    page, _ = _open(browser, sample_report / "04_win_rate_vs_churn_by_rep.html", PAPER)
    page.emulate_media(media="print")
    assert page.locator(".rk-table tbody th").count() > 75
    assert page.evaluate("""() => [...document.querySelectorAll('.rk-table tbody th')].map(e => {
        const line = document.createRange()
        line.selectNodeContents(e)
        return [e.textContent, line.getClientRects().length]
    }).filter(([words, lines]) => lines > words.split(' ').length)""") == []
    page.context.close()


@pytest.mark.parametrize("box", [".chart", ".rk-table[aria-label^='Movements']"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_shade_at_the_right_edge_says_that_there_is_more_until_its_end_is_reached(box, scheme, browser, sample_report):
    page, _ = _open(browser, sample_report / "03_cohort_churn.html", 390, color_scheme=scheme)
    found = page.locator(box).first
    shades = []
    for place in ("0", "e.scrollWidth"):
        found.evaluate(f"e => {{ e.scrollLeft = {place} }}")
        shot = Image.open(io.BytesIO(found.screenshot())).convert("L")
        shades.append(shot.getpixel((shot.width - 2, 4)) - shot.getpixel((shot.width - 40, 4)))  # the edge against what is further in
    assert abs(shades[0]) > 40
    assert abs(shades[1]) <= 3
    page.context.close()


@pytest.mark.parametrize("width", [500, 1000, 1100, 1280])
def test_there_is_no_shade_where_there_is_no_more(width, browser, sample_report):
    page, _ = _open(browser, sample_report / "03_cohort_churn.html", width)
    whole = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("L")
    ends = page.evaluate("""() => [...document.querySelectorAll('.rk-table')].filter(e => e.scrollWidth <= e.clientWidth && e.clientWidth)
        .map(e => e.getBoundingClientRect()).map(r => [Math.floor(r.right), Math.ceil(r.top + scrollY) + 3])""")
    assert len(ends) > 3
    assert [(x, y) for x, y in ends if min(whole.getpixel((x - back, y)) for back in range(3)) < 245] == []
    page.context.close()


@pytest.fixture(scope="session")
def read():
    """The text of each hostile page that was opened."""
    return {}


@pytest.mark.parametrize("stem", STEMS)
def test_names_that_attack_are_shown_and_do_nothing(stem, browser, hostile, read):
    page, heard = _open(browser, hostile / f"{stem}.html", 1280)
    assert _sticks_out(page) == [], "at 1280"
    page.set_viewport_size({"width": 390, "height": 844})
    assert _sticks_out(page) == [], "at 390"
    if stem[:2] in ("in", "04"):  # where most of the names are
        assert _faults(page) == []
    assert heard == []
    assert page.evaluate("document.querySelectorAll('script, iframe, body style, body title, img:not([src^=\"data:\"]), svg').length") == 0
    assert page.evaluate("document.documentElement.scrollHeight") < (50_000 if stem == "definitions" else 36_000)  # a name of 10,000 letters is cut
    page.emulate_media(media="print")
    page.set_viewport_size({"width": PAPER, "height": 900})
    assert _sticks_out(page) == [], "in print"
    read[stem] = page.evaluate("document.documentElement.textContent")
    data = [unquote(link) for link in page.evaluate("[...document.links].map(a => a.getAttribute('href')).filter(h => h.startsWith('data:'))")]
    cells = [cell for text in data for row in csv.reader(text.partition(",")[2].splitlines()) for cell in row]
    assert not [cell for cell in cells if cell[:1] in tuple("=+@\t") or (cell[:1] == "-" and not cell[1:2].isdigit())]
    page.context.close()


def test_the_attacks_can_be_read_as_they_are(browser, hostile, read):
    if set(read) < set(STEMS):
        pytest.skip("the pages were not opened")
    words = "".join(read.values())
    for name in ("<script>alert(1)</script>", "=HYPERLINK(", "شركة الاختبار", "👩‍👩‍👧‍👦🔥 emoji"):
        assert name in words
    assert "\u202e" not in words


def test_a_click_saves_the_data_of_a_chart_and_leaves_the_page_where_it_is(browser, sample_report):
    page, heard = _open(browser, sample_report / "02_second_purchase_funnel.html", 1280)
    with page.expect_download() as waiting:
        page.locator("figcaption a").first.click()
    assert waiting.value.suggested_filename == "02_second_purchase_funnel-1.csv"
    rows = list(csv.DictReader(waiting.value.path().read_text().splitlines()))
    assert {"time", "rate", "low", "high", "at_risk"} == set(rows[0])
    assert page.url == (sample_report / "02_second_purchase_funnel.html").as_uri()
    assert [words for words in heard if "text/csv" not in words] == []
    page.context.close()


def test_each_page_is_printed_as_a_tagged_a4_pdf_that_does_not_name_this_machine(sample_report, tmp_path):
    for stem in STEMS[:2]:
        shutil.copy(sample_report / f"{stem}.html", tmp_path)
    assert pdf.print_pages(tmp_path, pdf.chromium()) == ""
    for stem in STEMS[:2]:
        sheet = (tmp_path / f"{stem}.pdf").read_bytes()
        assert b"/StructTreeRoot" in sheet
        assert b"/MediaBox [0 0 594.9" in sheet
        assert b"/Lang (en)" in sheet
        assert len(sheet) < 2_000_000
        for private in (b"file:", str(tmp_path).encode(), tmp_path.name.encode()):
            assert private not in sheet


def test_a_page_that_cannot_be_printed_is_said(tmp_path):
    (tmp_path / "01_a.html").write_text("<p>a</p>")
    assert pdf.print_pages(tmp_path, shutil.which("false")) == "01_a: CalledProcessError: Chromium could not print it"


def test_the_keyboard_reaches_the_skip_link_first_and_can_open_the_code(browser, sample_report):
    page, _ = _open(browser, sample_report / f"{STEMS[2]}.html", 1280)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details[open]").count() == 1
    page.context.close()
