"""A page stands alone: it loads and runs nothing, reads in order, and says what the notebook said."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import nbformat
import pandas as pd
import pytest
from nb_fixtures.make import NAUGHTY, write_notebook
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from retainkit.errors import RetainkitError
from retainkit.report import pages
from retainkit.show import display
from retainkit.show.style import canvas, finish

FACTS = {"question": "Do they come back?", "stem": "02_x", "period": "March 2026", "day": "31 March 2026", "version": "1"}


class Attributes(HTMLParser):
    """Every tag of a page with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


@pytest.fixture
def ran(monkeypatch):
    """Makes an executed cell out of calls to the display helpers."""

    def make(*calls, tags=()):
        outputs = []
        monkeypatch.setattr(display, "_show", lambda data, metadata=None: outputs.append(new_output("display_data", data, metadata=metadata or {})))
        for call in calls:
            call()
        return new_code_cell("1 + 1", outputs=outputs, execution_count=1, metadata={"tags": list(tags)})

    return make


@pytest.fixture
def notebook(ran):
    """A whole executed notebook with a hostile name in a sentence, a table and a chart."""
    fig, ax = canvas()
    ax.barh([NAUGHTY], [1])
    finish(ax, finding=NAUGHTY, measure="wins", source="deals")
    return new_notebook(cells=[
        new_markdown_cell("# Do they come back?"),
        new_code_cell("source = 'x'", metadata={"tags": ["parameters"]}),
        ran(lambda: display.say("Read {n} rows.", n=8)),
        new_markdown_cell("## What we found"),
        ran(lambda: display.say("**{x:.0%}** came back to {rep}.", x=0.25, rep=NAUGHTY), tags=["headline"]),
        new_markdown_cell("**Cautions.** One."),
        new_markdown_cell("## Who are they?"),
        ran(lambda: display.table(pd.DataFrame({"rep": [NAUGHTY], "rate": [0.5]}), caption=f"By {NAUGHTY}")),
        new_markdown_cell("## Who are they?\n\n### More"),
        ran(lambda: display.figure(fig, alt=f'The best is "{NAUGHTY}" with 1')),
        ran(lambda: display.record({"a.b": pd.DataFrame({"rate": [0.5]})})),
    ])


def test_nothing_from_the_data_becomes_markup(notebook):
    page = pages.page(notebook, FACTS)
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 4  # caption, its label, the cell, the alt text
    assert "&#60;script&#62;" in page or "to &lt;script&gt;" in page


def test_the_alt_text_arrives_whole(notebook):
    reader = Attributes(pages.page(notebook, FACTS))
    assert [a["alt"] for tag, a in reader.found if tag == "img"] == [f'The best is "{NAUGHTY}" with 1']


def test_the_page_reads_question_finding_cautions_contents_sections_data(notebook):
    page = pages.page(notebook, FACTS)
    body = page[page.index("<main") :]
    order = ["<h1", "came back to", "Cautions.", '<nav class="contents"', 'id="Who-are-they?"', "By &lt;script", "metrics.csv", "Behind these numbers</h2>", "Read 8 rows."]
    places = [body.index(words) for words in order]
    assert places == sorted(places)


def test_two_sections_of_one_name_have_links_of_their_own(notebook):
    page = pages.page(notebook, FACTS)
    assert re.findall(r'<li><a href="#([^"]*)">', page) == ["Who-are-they?", "Who-are-they?-2", "behind-these-numbers"]
    ids = re.findall(r' id="([^"]*)"', page)
    assert len(ids) == len(set(ids))


def test_code_is_folded_away_but_there(notebook):
    page = pages.page(notebook, FACTS)
    assert page.count("<summary>Code</summary>") == 4  # one for all that is above the contents, and one for cells that follow each other
    assert "<summary>Parameters</summary>" in page
    assert "1 <" not in page.split("<details>")[0]


def test_a_page_has_language_landmarks_and_a_way_past_them(notebook):
    page = pages.page(notebook, FACTS)
    for part in ('<html lang="en">', '<a class="skip" href="#main">', "<title>Do they come back? – March 2026</title>"):
        assert part in page
    tags = [(tag, a.get("id")) for tag, a in Attributes(page).found if tag in ("main", "header", "footer", "nav")]
    assert tags == [("header", None), ("main", "main"), ("nav", None), ("footer", None)]
    assert "default-src 'none'" in page  # the browser itself would refuse to load


def test_warnings_and_prints_are_kept(notebook):
    notebook.cells.insert(7, new_code_cell("x", execution_count=2, outputs=[
        new_output("stream", name="stderr", text="careful <b>"), new_output("stream", name="stdout", text="a <i> print")]))
    page = pages.page(notebook, FACTS)
    assert "careful &lt;b&gt;" in page
    assert "a &lt;i&gt; print" in page


@pytest.mark.parametrize("markup", [
    '<img src="https://x.org/a.png">', '<img srcset="//x.org/a.png 2x">', "<script>1</script>", '<link rel="stylesheet" href="a.css">',
    '<p style="background:url(http://x.org/a)">', "<style>@import 'a.css';</style>", '<p onclick="x()">', '<a href="javascript:x()">a</a>',
    '<iframe src="a.html"></iframe>', '<meta http-equiv="refresh" content="0">', '<svg><image href="http://x.org/a"/></svg>', '<video poster="a.png"></video>',
    '<a href=" JavaScript:x()">a</a>', '<base href="http://x.org/">', '<img src="a.png">',
])
def test_a_page_that_would_load_or_run_something_is_refused(markup):
    with pytest.raises(RetainkitError, match="would load or run something"):
        pages.check(f"<h1>a</h1>{markup}", "02_x")


@pytest.mark.parametrize("markup", ['<a href="https://x.org">a</a>', '<a href="metrics.csv">a</a>', '<img src="data:image/png;base64,AA==">', "<p>src=http://x.org</p>", '<a href="#x">a</a>'])
def test_a_page_may_link_and_carry_its_own_pictures(markup):
    pages.check(f"<h1>a</h1>{markup}", "02_x")


@pytest.mark.parametrize("headings", ["<h2>a</h2>", "<h1>a</h1><h1>b</h1>", "<h1>a</h1><h3>b</h3>", "<p>a</p>", "<h2>a</h2><h1>b</h1>"])
def test_headings_out_of_order_are_refused(headings):
    with pytest.raises(RetainkitError, match="one h1, first, and no heading level left out"):
        pages.check(headings, "02_x")


def test_a_notebook_that_shows_a_picture_from_the_web_gets_no_page(tmp_path):
    notebook = nbformat.read(write_notebook(tmp_path, "x", ("md", "![a](http://x.org/a.png)")), as_version=4)
    with pytest.raises(RetainkitError, match=r"x: its page would load or run something. Found: <img src=\"http://x.org/a.png\">"):
        pages.page(notebook, {**FACTS, "stem": "x"})


def test_output_that_only_a_script_could_show_is_shown_as_text(notebook):
    bundle = {"application/javascript": "alert(1)", "image/svg+xml": "<svg onload='x()'/>", "text/plain": "a chart"}
    notebook.cells.insert(7, new_code_cell("x", execution_count=2, outputs=[new_output("display_data", bundle)]))
    page = pages.page(notebook, FACTS)
    assert "<pre>a chart</pre>" in page
    assert "alert(1)</script>" not in page
    assert "<svg" not in page


def test_every_pair_of_text_and_ground_in_the_style_has_enough_contrast():
    """WCAG AA: 4.5 to 1, by day and by night."""
    blocks = re.findall(r":root \{(.*?)\}", pages.css(), re.S)[:2]
    for block in blocks:
        colour = dict(re.findall(r"--([\w-]+): (#[0-9a-f]+)", block))
        for ground in ("paper", "card", "wash", "code", "alarm-wash"):
            inks = {"wash": ["ink"], "code": ["ink", "word", "text", "note"], "alarm-wash": ["ink", "soft", "alarm"]}
            for ink in inks.get(ground, ["ink", "soft", "accent", "alarm"]):
                assert _contrast(colour[ink], colour[ground]) >= 4.5, (ink, ground)


def _contrast(one: str, other: str) -> float:
    def light(colour: str) -> float:
        long = colour if len(colour) == 7 else "#" + "".join(2 * c for c in colour[1:])
        parts = [int(long[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted([light(one), light(other)])
    return (high + 0.05) / (low + 0.05)


def test_what_is_news_stands_out_and_what_is_noise_does_not(notebook, ran):
    rows = pd.DataFrame({"number": ["a", "b", "c"], "news or noise": ["NEWS: 9% in May 2026, usual is 1%–3%", "noise: 2%", "News: higher than usual"]})
    notebook.cells[7] = ran(lambda: display.table(rows, caption="Card"))
    assert re.findall('<td class="news">(.{4})', pages.page(notebook, FACTS)) == ["NEWS", "News"]


def test_each_printed_sheet_says_which_of_how_many_it_is():
    assert re.search(r'@page \{[^}]*@bottom-right \{ content: counter\(page\) " of " counter\(pages\)', pages.css())


@pytest.mark.parametrize("one", ["n = 3,532", "n 25", "34%–39%", "$2,700–$4,700", "−0.3 to +5.5", "13.0% to 34.5%", "50 to 70 %", "SEK 1,200–SEK 1,400", "−0.17 points", "12 to 24 months", "365 days", "2026-10", "2026-10-31"])
def test_no_line_ends_within_a_day_a_range_an_n_or_a_number_and_its_unit(one):
    assert pages.whole(f"<td>it is ({one}), usual</td>") == f'<td>it is (<span class="whole">{one}</span>), usual</td>'


@pytest.mark.parametrize("text", ["an = 3", "2026-10-3", "<td title='3 days'>", "<pre>3 days</pre>", "<style>a { n: 3 days }</style>", "30 daysleepers", "20%", "v1.2–beta", "<code>x</code>-2026-10"])
def test_what_is_no_range_and_what_is_no_text_stays_as_it_is(text):
    assert pages.whole(text) == text
