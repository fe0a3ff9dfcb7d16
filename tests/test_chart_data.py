"""Every chart carries the table it was drawn from: those numbers, no group under five, and no formula."""

from __future__ import annotations

import csv
import io
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import retainkit as rk
from retainkit.estimate.funnel import binomial_limits, places
from retainkit.show import charts, rep_charts
from retainkit.show.data import chart_data
from retainkit.show.style import canvas, letters

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))


def read(text):
    return list(csv.reader(io.StringIO(text)))


def stored():
    """The charts in the stored outputs of the notebooks, with the notebook's name."""
    for path in NOTEBOOKS:
        for cell in json.loads(path.read_text())["cells"]:
            yield from ((path.stem, output["data"]) for output in cell.get("outputs", []) if "image/png" in output.get("data", {}))


def test_every_chart_of_every_notebook_carries_its_data():
    found = [(stem, "".join(data.get("text/csv", ""))) for stem, data in stored()]
    assert len(found) >= 15
    for stem, text in found:
        rows = read(text)
        assert len(rows) > 2, stem
        assert {len(row) for row in rows} == {len(rows[0])}


def test_no_chart_of_a_notebook_tells_of_a_group_under_five():
    for stem, data in stored():
        head, *rows = read("".join(data["text/csv"]))
        for count in {"n", "at_risk", "observed"} & set(head):
            counts = [float(row[head.index(count)] or 0) for row in rows]
            assert all(c == 0 or c >= 5 for c in counts), (stem, count)


def test_the_data_are_the_columns_that_are_drawn_with_four_digits_or_six():
    _, ax = canvas()
    table = pd.DataFrame({"by": ["a", "b"], "rate": [1 / 3, 0.5], "low": 0.1, "high": 0.9, "n": [20, 2_500_000], "secret": ["ann", "bob"]})
    charts.plot_rates(table, by="by", ax=ax)
    assert chart_data(ax.figure) == "by,rate,low,high,n\na,0.3333,0.1,0.9,20\nb,0.5,0.1,0.9,2500000\n"


def test_a_group_of_one_to_four_is_named_and_neither_drawn_nor_told():
    _, ax = canvas()
    charts.plot_rates(pd.DataFrame({"by": ["a", "b"], "rate": [0.4, 1.0], "low": 0.1, "high": 0.9, "n": [20, 4]}), by="by", ax=ax)
    assert chart_data(ax.figure) == "by,rate,low,high,n\na,0.4,0.1,0.9,20\nb,,,,\n"
    assert np.isnan(ax.lines[0].get_xdata()[1])
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a  (n = 20)", "b  (n = under 5)"]


def test_of_five_to_nineteen_customers_the_ends_are_drawn_and_no_estimate():
    """As in every sentence and table."""
    _, ax = canvas()
    charts.plot_rates(pd.DataFrame({"by": ["a", "b"], "rate": [0.4, 0.5], "low": 0.1, "high": 0.9, "n": [19, 20]}), by="by", ax=ax)
    assert read(chart_data(ax.figure)) == [["by", "rate", "low", "high", "n"], ["a", "", "0.1", "0.9", "19"], ["b", "0.5", "0.1", "0.9", "20"]]


@pytest.mark.parametrize(("at_risk", "shown"), [([30, 12, 10, 9, 5], 3), ([19, 15, 12, 9, 5], 0), ([20, 15, 10, 3, 0], 3)])
def test_a_curve_is_a_band_alone_where_fewer_than_ten_are_left_or_there_were_never_twenty(at_risk, shown):
    _, ax = canvas()
    curve = pd.DataFrame({"time": range(5), "rate": [0.1, 0.2, 0.3, 0.4, 0.5], "low": 0.05, "high": 0.9, "at_risk": at_risk})
    charts.plot_curve(curve, ax=ax)
    rows = read(chart_data(ax.figure))[1:]
    assert [bool(row[1]) for row in rows] == [True] * shown + [False] * (5 - shown)
    assert [bool(row[2]) for row in rows] == [n == 0 or n >= 5 for n in at_risk]


def test_a_line_ends_by_the_rule_of_its_own_group():
    """One rule was taken for all: beside a group of 30, the line of one that never had 20 was drawn."""
    _, ax = canvas()
    curve = pd.DataFrame({"kind": ["large"] * 2 + ["small"] * 2, "time": [0, 10] * 2, "rate": 0.2, "low": 0.05, "high": 0.9, "at_risk": [30, 12, 15, 12]})
    charts.plot_curve(curve, ax=ax, by="kind")
    assert [bool(row[2]) for row in read(chart_data(ax.figure))[1:]] == [True, True, False, False]


def test_a_curve_ends_where_fewer_than_five_are_followed():
    _, ax = canvas()
    curve = pd.DataFrame({"time": [0, 10, 20], "rate": [0.0, 0.2, 0.9], "low": 0.0, "high": 1.0, "at_risk": [30, 5, 4]})
    charts.plot_curve(curve, ax=ax)
    assert read(chart_data(ax.figure))[-1] == ["20", "", "", "", ""]
    assert np.isnan(ax.lines[0].get_ydata()[-1])


def test_a_rep_with_fewer_than_five_accounts_is_no_dot():
    _, ax = canvas()
    limits = dict.fromkeys(["low95", "low998"], 0.0) | dict.fromkeys(["high95", "high998"], 1.0)
    rep_charts.plot_funnel(pd.DataFrame({"rep": ["Ada", "Eve"], "n": [9, 3], "rate": [0.5, 1.0], "place": "inside", **limits}), ax=ax, x="n", y="rate", centre=0.5)
    assert sum(len(line.get_xdata()) for line in ax.lines if line.get_marker() == "o") == 1


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "+A1", "-1+1|cmd", "@x", "\t=1"])
def test_no_cell_runs_as_a_formula(name):
    _, ax = canvas()
    charts.plot_rates(pd.DataFrame({"by": [name], "rate": [0.4], "low": 0.1, "high": 0.9, "n": [10]}), by="by", ax=ax)
    assert read(chart_data(ax.figure))[1][0][0] == "'"


def test_a_chart_drawn_by_hand_has_no_data():
    fig, ax = canvas()
    ax.plot([1, 2])
    assert chart_data(fig) == ""


def test_what_no_font_can_draw_stands_by_its_name():
    assert letters("🔥 sale") == "[fire] sale"
    assert letters("Ελλάδα, Привет") == "Ελλάδα, Привет"
    assert letters("\U000e1234") == "[U+E1234]"
    assert "شركة" in letters("شركة")  # DejaVu has the letters, and matplotlib joins them


def test_two_reps_close_together_have_names_that_do_not_touch():
    fig, ax = canvas(height=5.6)
    row = {"odds_ratio": 1.30, "or_low": 1.1, "or_high": 1.5, "hr_low": 1.1, "hr_high": 1.6, "p_joint": 0.8, "departed": False}
    reps = pd.DataFrame([{**row, "rep": f"Priya Hathersage {i}", "hazard_ratio": 1.4 + 0.01 * i} for i in range(3)])
    rep_charts.plot_rep_map(reps, ax=ax)
    fig.draw_without_rendering()
    boxes = [t.get_window_extent() for t in ax.texts]
    assert len(boxes) == 4  # and the name of the corner
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    assert all(t.arrow_patch for t in ax.texts if t.get_text().startswith("Priya"))  # one name lay above the dot of another rep


def test_the_corner_of_the_map_reaches_the_ends_of_its_axes_and_those_who_left_are_rings():
    fig, ax = canvas(height=5.6)
    row = {"or_low": 0.7, "or_high": 1.9, "hr_low": 0.6, "hr_high": 2.4, "p_joint": 0.3, "odds_ratio": 1.2, "hazard_ratio": 1.1}
    rep_charts.plot_rep_map(pd.DataFrame([{**row, "rep": "Ada", "departed": False}, {**row, "rep": "Eve", "odds_ratio": 0.9, "departed": True}]), ax=ax)
    corner = ax.collections[-1].get_paths()[0].vertices.max(axis=0)
    assert corner.tolist() == [ax.get_xlim()[1], ax.get_ylim()[1]]
    assert corner[1] > 2.4
    assert [line.get_markerfacecolor() == "white" for line in ax.lines if line.get_marker() == "o"] == [False, True]
    key = next(other for other in fig.axes if other is not ax)
    fig.draw_without_rendering()
    assert [t.get_text() for t in key.get_yticklabels()] == ["0%", "50%", "80%", "100%"]


def test_who_has_no_probability_is_a_grey_dot_without_a_name():
    _, ax = canvas(height=5.6)
    row = {"or_low": 0.7, "or_high": 1.9, "hr_low": 0.6, "hr_high": 2.4, "odds_ratio": 1.2, "hazard_ratio": 1.1, "departed": False}
    rep_charts.plot_rep_map(pd.DataFrame([{**row, "rep": "Ada", "p_joint": 0.3}, {**row, "rep": "Eve", "odds_ratio": 0.9, "p_joint": float("nan")}]), ax=ax)
    assert [line.get_color() == rep_charts.GREY for line in ax.lines if line.get_marker() == "o"] == [False, True]
    assert [t.get_text() for t in ax.texts if t.get_text() in ("Ada", "Eve")] == ["Ada"]


def test_a_rep_between_the_lines_is_named_only_where_asked_for_and_who_left_never():
    reps = pd.DataFrame({"rep": ["Ada", "Eve", "Ben"], "n": [100, 90, 80], "rate": [0.42, 0.6, 0.3], "departed": [False, True, False]})
    reps = pd.concat([reps, binomial_limits(reps["n"], p0=0.3).drop(columns="n")], axis=1).assign(place=lambda t: places(t["rate"], t))
    for named, names in ((None, []), ([], []), (["Ben"], ["Ben"])):
        _, ax = canvas()
        rep_charts.plot_funnel(reps, ax=ax, x="n", y="rate", centre=0.3, named=named)
        assert [t.get_text() for t in ax.texts] == names


def test_who_has_too_little_behind_them_is_grey_and_never_named():
    for x, y, few, centre in (("n", "rate", 9, 0.1), ("expected", "value", 0.9, 1.0)):
        _, ax = canvas()
        reps = pd.DataFrame({"rep": ["Ada", "Eve"], x: [few, 12], y: [9 * centre, 1.1 * centre], "low95": 0.0, "low998": 0.0, "high95": 2 * centre, "high998": 3 * centre, "place": ["too few", "inside"]}).assign(n=lambda t: t.get("n", 20))
        rep_charts.plot_funnel(reps, ax=ax, x=x, y=y, centre=centre, named=["Ada"])
        assert not ax.texts
        dots = {line.get_xdata()[0]: line.get_color() for line in ax.lines if line.get_marker() == "o"}
        assert dots == {few: rep_charts.GREY, 12: rep_charts.ACCENT}


def test_a_line_to_a_name_crosses_no_other_name():
    fig, ax = canvas()
    reps = pd.DataFrame({"rep": ["Ada", "Bram", "Esra Lindqvist", "Priya Hathersage", "Tomasz", "Xiomara"], "n": [132, 144, 149, 144, 135, 139], "rate": [0.341, 0.396, 0.423, 0.403, 0.333, 0.396]})
    reps = pd.concat([reps, binomial_limits(reps["n"], p0=0.3).drop(columns="n")], axis=1).assign(place=lambda t: places(t["rate"], t))
    rep_charts.plot_funnel(reps, ax=ax, x="n", y="rate", centre=0.3, named=["Priya Hathersage", "Esra Lindqvist"])
    fig.draw_without_rendering()
    boxes = [t.get_bbox_patch().get_window_extent() for t in ax.texts]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    for text in ax.texts:
        line = text.arrow_patch and text.arrow_patch.get_path().transformed(text.arrow_patch.get_transform()).interpolated(20).vertices
        assert line is None or not any(other.get_window_extent().contains(*point) for other in ax.texts if other is not text for point in line)


def test_a_funnels_lines_are_those_of_every_size_and_whoever_is_asked_for_is_named():
    fig, ax = canvas()
    reps = pd.DataFrame({"rep": ["Ada", "Eve"], "n": [40, 90], "rate": [0.3, 0.28], "departed": [False, True]})
    reps = pd.concat([reps, binomial_limits(reps["n"], p0=0.3).drop(columns="n")], axis=1).assign(place=lambda t: places(t["rate"], t))
    lines = binomial_limits(range(40, 91), p0=0.3)
    rep_charts.plot_funnel(reps, ax=ax, x="n", y="rate", centre=0.3, percent=True, lines=lines, named=pd.Series(["Ada"]))
    assert [len(line.get_xdata()) for line in ax.lines[:4]] == [51] * 4
    assert [t.get_text() for t in ax.texts] == ["Ada"]
    assert ax.lines[-1].get_markerfacecolor() == "white"
    fig.draw_without_rendering()
    assert ax.bbox.x0 < 0.15 * fig.bbox.width  # a rep far out that is not there takes no room
    assert ax.bbox.y0 < 0.15 * fig.bbox.height


@pytest.mark.parametrize("count", [1, 2, 7, 24, 60])
def test_names_of_months_never_touch(count):
    fig, ax = canvas()
    months = pd.DataFrame({"month": [f"{m:%Y-%m}" for m in pd.date_range("2021-01-01", periods=count, freq="MS")], "rate": 0.2, "low": 0.1, "high": 0.3, "n": 50})
    charts.plot_series(months, x="month", ax=ax)
    fig.draw_without_rendering()
    ends = [t.get_window_extent() for t in ax.get_xticklabels()]
    assert all(a.x1 + 5 < b.x0 for a, b in pairwise(ends))
    assert ax.get_xticklabels()[-1].get_text() == f"{pd.Timestamp(months['month'].iloc[-1]):%b %Y}"


@pytest.mark.parametrize(("n", "said"), [(4, "Too few to say."), (5, "[figure] Dots. Too few to say.")])
def test_a_chart_of_which_nothing_may_be_drawn_is_a_sentence(n, said, capsys):
    """An empty frame under a title is no chart."""
    shop = rk.open_shop({"orders": pd.DataFrame({"order_id": [1], "customer_id": "ann", "amount": 5, "ordered_at": "2026-01-01"})}, as_of="2026-01-31")
    with rk.chart(shop, "orders", finding="Too few to say", measure="A share", alt="Dots.") as ax:
        charts.plot_rates(pd.DataFrame({"by": ["a"], "rate": [0.5], "low": [0.1], "high": [0.9], "n": [n]}), by="by", ax=ax)
    assert capsys.readouterr().out.strip() == said
    with rk.chart(shop, "orders", finding="Too few to say", measure="A share", alt="Curve.") as ax:
        charts.plot_curve(pd.DataFrame({"time": [0, 9], "rate": [0.5, 0.6], "low": [0.1, 0.2], "high": [0.9, 0.9], "at_risk": [n, n]}), ax=ax)
    assert ("[figure]" in capsys.readouterr().out) == (n > 4)


FLAT = {"rate": [0.0, 0.0], "at_risk": [5, 5]}


@pytest.mark.parametrize("curve", [
    pd.DataFrame({"time": [0], "rate": [0.0], "low": [0.0], "high": [0.4], "at_risk": [400]}),  # one time is no line
    pd.DataFrame({"time": [0, 9], "low": [np.nan] * 2, "high": [np.nan] * 2, **FLAT}),  # nobody knows how far it is from five
])
def test_a_curve_of_six_customers_without_ends_or_of_one_time_is_a_sentence(curve, capsys):
    """Under "not known yet by day 30" the line of five customers lay on zero; under "between 0% and 43%" stood an empty frame."""
    shop = rk.open_shop({"orders": pd.DataFrame({"order_id": [1], "customer_id": "ann", "amount": 5, "ordered_at": "2026-01-01"})}, as_of="2026-01-31")
    with rk.chart(shop, "orders", finding="Not known yet", measure="A share", alt="Curve.") as ax:
        charts.plot_curve(curve, ax=ax)
    assert capsys.readouterr().out.strip() == "Not known yet."


@pytest.mark.parametrize(("n", "drawn"), [(19, False), (20, True)])
def test_areas_of_fewer_than_twenty_are_not_drawn(n, drawn, capsys):
    """Areas have no ends, which is all that may be said: "Too few deals to say" stood above 40% won."""
    shop = rk.open_shop({"orders": pd.DataFrame({"order_id": [1], "customer_id": "ann", "amount": 5, "ordered_at": "2026-01-01"})}, as_of="2026-01-31")
    paths = pd.DataFrame({"time": [0, 9], "won": [0.0, 0.4], "open": [1.0, 0.6], "n": n})
    with rk.chart(shop, "orders", finding="Too few to say", measure="A share", alt="Areas.") as ax:
        charts.plot_areas(paths, x="time", parts={"won": "won", "open": "open"}, ax=ax)
    assert ("[figure]" in capsys.readouterr().out) == drawn
