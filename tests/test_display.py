"""What a notebook shows: safe whatever the data contain, complete or said to be cut, the same bytes every time."""

from __future__ import annotations

import base64
import html
import re
from html.parser import HTMLParser

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nb_fixtures.make import NAUGHTY
from nbconvert.filters import markdown2html

from retainkit.errors import RetainkitError
from retainkit.show import display
from retainkit.show.display import figure, record, say, table
from retainkit.show.style import canvas, finish
from retainkit.show.words import clean, marked, sheet_text


@pytest.fixture
def shown(monkeypatch):
    """The last output shown, as (data, metadata)."""
    outputs = []
    monkeypatch.setattr(display, "_show", lambda data, metadata=None: outputs.append((data, metadata or {})))
    return outputs


class Words(HTMLParser):
    """The tags and the text of some HTML."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text += data


@given(st.text(max_size=40))
def test_any_text_from_the_data_arrives_as_itself_and_as_nothing_else(text):
    page = Words(markdown2html("x " + marked(text) + " y"))
    assert page.tags == ["p"]
    assert page.text.strip() == " ".join(f"x {clean(text)} y".split(" ")).strip()


@pytest.mark.parametrize("name", [NAUGHTY, "**bold** _it_ `code`", "[a](http://x.org)", "http://x.org", "www.x.org", "$5 and $6", "# head", "1. one", "- item", "a\n\n## b"])
def test_a_name_that_is_markup_is_shown_letter_by_letter(name, shown):
    say("{rep} won {share:.0%}", rep=name, share=0.5)
    page = Words(markdown2html(shown[0][0]["text/markdown"]))
    assert (page.tags, page.text.strip()) == (["p"], f"{clean(name)} won 50%")
    assert shown[0][0]["text/plain"] == f"{clean(name)} won 50%"


def test_the_sentence_itself_keeps_its_markdown_and_a_dollar_is_a_dollar(shown):
    say("**{n:,}** orders of ${a:,.0f} and $5", n=1200, a=12.4)
    assert "<strong>1,200</strong> orders of $12 and $5" in markdown2html(shown[0][0]["text/markdown"])


@pytest.mark.parametrize("value", [float("nan"), None, pd.NA, pd.NaT])
def test_a_number_that_is_not_known_is_not_printed_as_nan(value, shown):
    say("{x:.0%} of {y:%Y}", x=value, y=pd.NaT)
    assert shown[0][0]["text/plain"] == "n/a of n/a"


def test_right_to_left_writing_cannot_turn_the_sentence_round():
    assert clean("\u202eevil") == "\u2068evil\u2069"
    assert clean("مرحبا") == "\u2068مرحبا\u2069"


def test_a_table_says_its_caption_its_headers_and_how_much_was_cut(shown):
    table(pd.DataFrame({"rep": [NAUGHTY, "Eve", "Bo"], "rate": [0.25, None, 1], "n": [1200, 0, 1]}), caption="Wins", units={"n": "deals"}, rows=2)
    page = shown[0][0]["text/html"]
    assert "<span>Wins (first 2 of 3 rows)</span></caption>" in page
    assert page.count('scope="col"') == 3
    assert page.count('scope="row"') == 2
    assert "<script" not in page
    assert html.escape(NAUGHTY) in page
    assert ">n (deals)</th>" in page
    assert ">25.0%</td>" in page
    assert ">–</td>" in page
    assert ">1,200</td>" in page
    assert shown[0][0]["text/plain"].splitlines() == [
        "Wins (first 2 of 3 rows)", "rep                         rate  n (deals)",
        "<script>alert(1)</script>  25.0%      1,200", "Eve                            –          0",
    ]


def test_a_number_below_zero_has_a_minus_sign_and_a_day_and_the_numbers_for_others_have_hyphens(shown):
    table(pd.DataFrame({"day": [pd.Timestamp("2026-10-31")], "change": [-0.25]}), caption="x", formats={"change": "+.0%"})
    assert "−25%" in shown[0][0]["text/plain"]
    assert "2026-10-31" in shown[0][0]["text/plain"]
    say("{low:+.2f} on {day}", low=-0.333, day="2026-10-31")
    assert shown[1][0]["text/plain"] == "−0.33 on 2026-10-31"
    record({"a.b": pd.DataFrame({"since": [-3], "value": [-0.5], "n": [9]})})
    assert shown[2][1]["retainkit"]["metrics"] == ["a.b,since=-3,,-0.5,,,9,,"]


def test_a_column_of_numbers_written_out_stands_to_the_right_as_numbers_do_and_words_to_the_left(shown):
    written = {"ago": ["$2,100", "+22.1", "–"], "q": ["< 0.001", "0.25", "too few"], "chance": ["5 %", "0.00", "SEK 20"], "gone": ["–"] * 3}
    words = {"day": ["2026-10-31", "–", "–"], "news": ["−3 to 31", "5", "5"], "none": ["not known"] * 3}
    table(pd.DataFrame({"code": ["1", "2", "3"], **written, **words}), caption="Both")
    heads = re.findall(r'<th scope="col" style="text-align:(\w+)">(\w+)', shown[0][0]["text/html"])
    assert [name for side, name in heads if side == "right"] == list(written)


def test_a_folded_table_shows_its_caption_and_holds_the_whole_table(shown):
    table(pd.DataFrame({"rep": ["Eve"]}), caption="Wins & losses", folded=True)
    page = shown[0][0]["text/html"]
    assert page.startswith('<details class="folded"><summary>Wins &amp; losses</summary>\n<div class="rk-table"')
    assert page.endswith("</div>\n</details>")


def test_a_name_of_several_parts_may_break_between_them(shown):
    table(pd.DataFrame({"definition": ["chartmogul_standard"], "n": [9]}), caption="x")
    assert ">chartmogul_<wbr>standard</th>" in shown[0][0]["text/html"]


def test_a_table_shows_every_row_it_does_not_say_it_cut(shown):
    table(pd.DataFrame({"a": range(20)}), caption="Twenty")
    assert shown[0][0]["text/html"].count("<tr>") == 21
    assert "first" not in shown[0][0]["text/html"]


def test_a_wrong_column_name_in_formats_is_named_with_the_right_one():
    with pytest.raises(RetainkitError, match=r"has no column 'raet'.*Found: rep, rate.*use 'rate'"):
        table(pd.DataFrame({"rep": ["a"], "rate": [1.0]}), caption="Wins", formats={"raet": ".0%"})


def _chart():
    fig, ax = canvas()
    ax.plot([0, 30, 60], [1, 0.9, 0.8])
    finish(ax, finding="Most stay", measure="Share", source="orders")
    return fig


def test_a_figure_is_the_same_bytes_every_time_small_and_carries_its_words(shown):
    figure(_chart(), alt="The curve falls to 80% at day 60")
    figure(_chart(), alt="The curve falls to 80% at day 60")
    (data, metadata), again = shown
    assert data == again[0]
    image = base64.b64decode(data["image/png"])
    assert image[:4] == b"\x89PNG"
    assert b"Software" not in image
    assert len(image) < 60_000
    assert data["text/plain"] == "[figure] The curve falls to 80% at day 60"
    assert metadata["image/png"] == {"width": 576, "height": 336, "alt": "The curve falls to 80% at day 60"}


def test_a_figure_without_words_is_refused():
    with pytest.raises(RetainkitError, match=r"has no alt text.*figure\(fig, alt="):
        figure(_chart(), alt=" ")


def test_a_pyplot_figure_is_closed_so_that_it_is_not_shown_twice(shown):
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    fig, _ = plt.subplots()
    figure(fig, alt="empty")
    assert not plt.fignum_exists(fig.number)


def test_recorded_rows_are_sorted_rounded_and_grouped(shown):
    shares = pd.DataFrame({
        "segment": ["b;1", None, "a=x"], "horizon_days": [90, 30, 180], "rate": [1 / 3, float("nan"), 1.0],
        "low": [0.1, None, 0.5], "n": [10, 0, 5], "note": ["", "=sum(A1)", None],
    })
    record({"second_purchase.share": shares, "orders.revenue": pd.DataFrame({"value": [8278873.90, 2.0], "k": [2, 1]})})
    data, metadata = shown[0]
    assert data["text/plain"] == "5 numbers go to metrics.csv"
    assert metadata["retainkit"]["metrics"] == [
        "orders.revenue,k=1,,2,,,,,", "orders.revenue,k=2,,8278873.9,,,,,",
        "second_purchase.share,,30,,,,0,,'=sum(A1)",
        "second_purchase.share,segment=a\\=x,180,1,0.5,,5,,",
        "second_purchase.share,segment=b\\;1,90,0.333333333333,0.1,,10,,",
    ]


def test_groups_of_one_to_four_are_recorded_and_shown_without_their_numbers(shown):
    few = pd.DataFrame({"rep": ["Ada", "Eve", "Bo"], "horizon_days": 90, "rate": [0.5, 1.0, 0.0], "low": 0.1, "high": 0.9, "n": [8, 4, 1], "won": [4, 4, 0]})
    record({"deals.win_by": few.drop(columns="won")})
    table(few, caption="Reps")
    assert shown[0][1]["retainkit"]["metrics"] == [
        "deals.win_by,rep=Ada,90,0.5,0.1,0.9,8,,", "deals.win_by,rep=Bo,90,,,,,,fewer than 5: not shown", "deals.win_by,rep=Eve,90,,,,,,fewer than 5: not shown"]
    assert [line.split() for line in shown[1][0]["text/plain"].splitlines()[2:]] == [
        ["Ada", "90", "50.0%", "10.0%", "90.0%", "8", "4"], ["Eve", "90", *"–––––"], ["Bo", "90", *"–––––"]]


@pytest.mark.parametrize(("row", "why"), [
    ({"n": 0, "too_young": 0}, "there is none to count"), ({"n": 0, "too_young": 9}, "none has been followed for so long yet"),
    ({"n": 60, "too_young": 9, "note": ""}, "too few have been followed for so long"), ({"n": 60, "low": 0.9}, "only ends of the interval are known"),
    ({"note": None}, "cannot be worked out from these data"), ({"n": 0, "note": "no contracts"}, "no contracts"), ({"n": 3}, "fewer than 5: not shown")])
def test_a_row_without_a_value_says_why_in_its_note(row, why, shown):
    record({"a.b": pd.DataFrame([{"rate": float("nan"), **row}])})
    assert shown[0][1]["retainkit"]["metrics"][0].rpartition(",")[2] == why


def test_one_number_is_recorded_in_the_singular(shown):
    record({"orders.orders": pd.DataFrame({"value": [1]})})
    assert shown[0][0]["text/plain"] == "1 number goes to metrics.csv"


@pytest.mark.parametrize(("metrics", "words"), [
    ({"Share": {"rate": [1]}}, "named like `second_purchase.share`. Found: 'Share'"),
    ({"a.b": {"n": [1]}}, "needs one column `rate` or `value`. Found: n"),
    ({"a.b": {"rate": [1], "value": [1]}}, "needs one column"),
    ({"a.b": {"rate": [1, 2], "k": [1, 1]}}, "two rows have the same metric, group and horizon_days. Found: 1 too many"),
])
def test_numbers_that_cannot_be_told_apart_are_refused(metrics, words):
    with pytest.raises(RetainkitError, match=re.escape(words)):
        record({name: pd.DataFrame(columns) for name, columns in metrics.items()})


@pytest.mark.parametrize(("cell", "safe"), [("=cmd()", "'=cmd()"), ("@x", "'@x"), ("+1+2", "'+1+2"), ("-cmd", "'-cmd"), ("-5", "-5"), ("5=5", "5=5"), ("\tx", "'\tx")])
def test_a_cell_that_a_spreadsheet_would_run_is_text(cell, safe):
    assert sheet_text(cell) == safe


def test_what_is_too_long_to_read_is_cut_where_it_is_shown_and_whole_in_the_numbers(shown):
    long = "Long" * 2500
    say("{a} and {b}", a=long, b="\u0634" * 10_000)
    table(pd.DataFrame({long: [long, "b"]}), caption=long)
    figure(_chart(), alt=long)
    record({"a.b": pd.DataFrame({"rep": [long + "1", long + "2"], "rate": [0.1, 0.2]})})
    said, tabled, drawn, recorded = shown
    assert len(said[0]["text/plain"]) == 600 + 5 + 602
    assert said[0]["text/plain"].endswith("…\u2069")
    assert len(tabled[0]["text/html"]) < 2500
    assert len(drawn[1]["image/png"]["alt"]) == 2000
    assert [line.count("Long") for line in recorded[1]["retainkit"]["metrics"]] == [2500, 2500]
