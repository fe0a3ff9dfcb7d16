"""The house chart style: readable by everyone, the same everywhere, and nobody else's settings touched."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from retainkit.show.charts import (
    _short,
    plot_areas,
    plot_curve,
    plot_months,
    plot_parts,
    plot_rates,
    plot_series,
)
from retainkit.show.matrix import plot_matrix
from retainkit.show.style import INK, MUTED, PALETTE, canvas, finish

# How reds, greens and blues mix for people without one kind of cone (Machado, Oliveira and Fernandes 2009).
SEEN_BY = {
    "everyone": np.eye(3),
    "no red cones": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    "no green cones": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]]),
    "no blue cones": np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]]),
}


def _light(colour: str) -> np.ndarray:
    """Linear red, green and blue."""
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def _lab(light: np.ndarray) -> np.ndarray:
    """The place in CIE Lab, where distance is roughly how different two colours look."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ np.clip(light, 0, 1) / [0.9505, 1, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("colour", [*PALETTE, INK, MUTED])
def test_every_colour_is_readable_as_text_on_white(colour):
    assert 1.05 / (_light(colour) @ [0.2126, 0.7152, 0.0722] + 0.05) >= 4.5


@pytest.mark.parametrize("eyes", SEEN_BY)
def test_no_two_colours_look_alike_to_anyone(eyes):
    seen = [_lab(SEEN_BY[eyes] @ _light(c)) for c in PALETTE]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 20


def test_a_chart_changes_no_setting():
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    fig, ax = canvas()
    finish(ax, finding="a", measure="b", source="c")
    fig.draw_without_rendering()
    assert dict(mpl.rcParams) == before


def test_long_words_wrap_inside_the_figure_and_above_the_axes():
    fig, ax = canvas(height=5)
    finish(ax, finding="A finding that goes on and on " * 5, measure="What is drawn, by whom, when, " * 6, source="orders, deals " * 20)
    fig.draw_without_rendering()
    boxes = [text.get_window_extent() for text in fig.texts]
    assert max(box.x1 for box in boxes) <= fig.bbox.width
    assert min(boxes[0].y0, boxes[1].y0) >= ax.get_tightbbox().y1
    assert boxes[0].y0 >= boxes[1].y1
    assert boxes[2].y1 <= ax.get_tightbbox().y0


def test_money_in_a_title_is_not_mathematics_and_a_theme_set_later_does_not_change_the_letters():
    import matplotlib as mpl

    with mpl.rc_context({"font.family": "serif"}):
        fig, ax = canvas()
        ax.barh(["$a$ <b>"], [1])
        finish(ax, finding="From $5 to $9", measure="b", source="c")
    texts = [*fig.texts, *ax.get_yticklabels()]
    assert {t.get_fontfamily()[0] for t in texts} == {"DejaVu Sans"}
    assert not any(t.get_parse_math() for t in texts)


def test_a_chart_cannot_go_out_without_its_source():
    _, ax = canvas()
    with pytest.raises(TypeError, match="source"):
        finish(ax, finding="a", measure="b")


def test_every_number_of_a_matrix_reads_against_its_cell_and_young_cells_have_none():
    cells = pd.DataFrame({"cohort": pd.Timestamp("2026-01-01"), "period": range(12), "rate": np.linspace(1, 0, 12), "n": 30, "mature": [True] * 11 + [False]})
    _, ax = canvas()
    shades, numbers = plot_matrix(cells, row="cohort", column="period", ax=ax).collections
    under, ink = shades.to_rgba(cells["rate"][:11] * 100), numbers.get_facecolor()
    assert len(numbers.get_paths()) == 11  # the last is too young for one
    light = [np.array([_light(to_hex(colour)) @ [0.2126, 0.7152, 0.0722] for colour in colours]) for colours in (under, ink)]
    assert ((np.maximum(*light) + 0.05) / (np.minimum(*light) + 0.05) >= 4).all()


def _cohorts(many):
    """A matrix of so many months, the first of three customers."""
    months = pd.date_range("2023-11-01", periods=many, freq="MS")
    rows = [(month, k, 0.1, 1000 + i if i else 3, True, 1000 + i if i else 3) for i, month in enumerate(months) for k in range(many - i)]
    return pd.DataFrame(rows, columns=["cohort", "period", "rate", "n", "mature", "customers"])


def test_a_matrix_of_three_years_names_every_month_and_its_customers_and_no_two_touch():
    fig, ax = canvas(height=6.6)
    finish(plot_matrix(_cohorts(36), row="cohort", column="period", ax=ax), finding="a", measure="b", source="c")
    fig.draw_without_rendering()
    months, (head, *beside) = ax.get_yticklabels(), ax.texts
    assert [t.get_text() for t in months] == [f"{m:%b %Y}" for m in pd.date_range("2023-11-01", periods=36, freq="MS")]
    assert [head.get_text(), *(t.get_text() for t in beside)] == ["n", "under 5", *(f"{1000 + i:,}" for i in range(1, 36))]  # three customers are not counted out
    assert {t.get_fontsize() for t in months} == {t.get_fontsize() for t in beside}
    assert months[0].get_fontsize() >= 6.5
    for texts in (months, [head, *beside]):
        boxes = [t.get_window_extent() for t in texts]
        assert all(above.y0 > below.y1 - 0.5 for above, below in itertools.pairwise(boxes))
    assert max(t.get_window_extent().x1 for t in months) < min(t.get_window_extent().x0 for t in beside)
    assert max(t.get_window_extent().x1 for t in beside) < ax.get_window_extent().x0
    assert min(t.get_window_extent().x0 for t in months) >= 0


@pytest.mark.parametrize("many", [1, 60, 120])
def test_months_of_a_matrix_are_left_out_only_where_they_would_be_too_small_to_read(many):
    fig, ax = canvas(height=6.6)
    finish(plot_matrix(_cohorts(many).drop(columns="customers"), row="cohort", column="period", ax=ax), finding="a", measure="b", source="c")
    fig.draw_without_rendering()
    assert ax.get_yticklabels()[0].get_fontsize() >= 6.5
    assert len(ax.get_yticklabels()) == {1: 1, 60: 30, 120: 40}[many]
    assert not ax.texts  # nobody said how many customers there are


@pytest.mark.parametrize("many", [1, 2, 24])
def test_no_month_of_a_cards_chart_touches_the_axis_of_the_values(many):
    months = pd.DataFrame({"month": pd.date_range("2024-11-01", periods=many, freq="MS"), "value": 0.25, "n": 90, "usual": 0.23, "low": 0.1, "high": 0.3, "fresh": False})
    fig, ax = canvas(width=3.7, height=2.2)
    finish(plot_months(months, ax=ax), finding="a", measure="b", source="c")
    fig.draw_without_rendering()
    values, names = ([t.get_window_extent() for t in axis.get_ticklabels() if t.get_text()] for axis in (ax.yaxis, ax.xaxis))
    assert not [(v, n) for v in values for n in names if v.overlaps(n)]
    assert max(n.x1 for n in names) <= fig.bbox.width


def test_an_axis_of_money_has_its_commas_and_one_of_small_numbers_its_decimals():
    for top, label in ((2500, "2,500"), (0.5, "0.5")):
        fig, ax = canvas()
        plot_curve(pd.DataFrame({"time": [0, 100], "rate": [0, top]}), ax=ax, percent=False, at_risk=None)
        fig.canvas.draw()
        assert label in [t.get_text() for t in ax.get_yticklabels()]


@pytest.mark.parametrize("top", [0.012, 0.05, 0.0833, 0.19, 0.24, 0.5, 1.0])
def test_every_label_of_a_percent_axis_says_where_its_tick_is(top):
    fig, ax = canvas()
    plot_series(pd.DataFrame({"month": ["a", "b"], "rate": [top / 2, 0.9 * top], "low": 0.0, "high": top}), x="month", ax=ax)
    fig.canvas.draw()
    labels = dict(zip(ax.get_yticks(), (t.get_text() for t in ax.get_yticklabels()), strict=True))
    assert all(float(words.rstrip("%")) / 100 == pytest.approx(at) for at, words in labels.items())
    assert len(set(np.diff(list(labels)).round(9))) == 1


@pytest.mark.parametrize(("value", "words"), [
    (0, "0"), (0.5, "0.5"), (50, "50"), (10_000, "10 k"), (12_500, "12.5 k"), (50_000, "50 k"), (100_000, "100 k"), (1_250_000, "1.25 M"), (10_000_000, "10 M"), (-20_000, "-20 k")])
def test_no_zero_of_a_large_number_is_lost_from_an_axis(value, words):
    assert _short(value) == words


def test_values_far_from_zero_do_not_hide_their_bars_and_others_begin_there():
    for values, from_zero in (([0.79, 0.84], False), ([0.2, 0.5], True)):
        for draw, end in ((plot_series, "y"), (plot_rates, "x")):
            _, ax = canvas()
            table = pd.DataFrame({"month": ["2025-10", "2026-10"], "rate": values}).assign(low=lambda t: t.rate - 0.03, high=lambda t: t.rate + 0.03)
            draw(table, ax=ax, **{"x" if end == "y" else "by": "month"})
            assert (getattr(ax, f"get_{end}lim")()[0] == 0) == from_zero


def test_the_legend_of_rates_lies_above_the_intervals_and_words_stand_only_where_a_band_has_room_for_them():
    fig, ax = canvas()
    table = pd.DataFrame({"step": ["a", "b"], "rate": 0.5, "low": 0.0, "high": 1.0, "other": 0.4})
    plot_rates(table, by="step", ax=ax, second="other", names=("seen", "expected"))
    fig.canvas.draw()
    assert ax.get_legend().get_window_extent().y0 >= ax.get_window_extent().y1
    for wide, inside in ((0.09, True), (0.05, False)):
        _, ax = canvas()
        areas = pd.DataFrame({"time": range(100), "a": [0.3 + (i > 72) * 0.3 for i in range(100)], "b": [wide] * 100}).assign(c=lambda t: 1 - t.a - t.b)
        plot_areas(areas, x="time", parts={"a": "bought", "b": "left", "c": "neither"}, ax=ax)
        left = next(t for t in ax.texts if t.get_text() == "left")
        assert (left.get_color() == "white") is inside
        assert not inside or abs(left.get_position()[0] - 72) > 9  # where the band steps up


def test_the_words_of_an_area_lie_inside_it_and_what_never_happens_has_none():
    steps = pd.DataFrame({"time": [0, 2, 22, 26, 27, 79], "a": [0, 0.33, 0.33, 0.5, 0.66, 0.66], "b": [0, 0, 0.17, 0.17, 0.17, 0.17], "no": [0.0] * 6})
    steps["c"] = 1 - steps["a"] - steps["b"]
    _, ax = canvas()
    plot_areas(steps, x="time", parts={"a": "bought", "b": "left", "no": "never", "c": "neither"}, ax=ax)
    now, base = steps.set_index("time"), {"bought": (0, 0.33), "left": (0.66, 0.83), "neither": (0.83, 1)}
    assert {t.get_text() for t in ax.texts} == set(base)
    for text in ax.texts:
        x, y = text.get_position()
        there = now[now.index <= x].iloc[-1]
        bottom = {"bought": 0, "left": there["a"], "neither": there["a"] + there["b"]}[text.get_text()]
        assert bottom < y < bottom + there[{"bought": "a", "left": "b", "neither": "c"}[text.get_text()]]
        assert not any(abs(x - day) < 0.1 * 79 for day in (22, 26, 27))  # no word crosses a step


def test_a_title_is_not_broken_between_a_number_and_its_unit_or_at_a_hyphen():
    _, ax = canvas()
    finish(ax, finding="Roughly 27% cross-sold within 90 days, 6% gone before it came to that", measure="m", source="orders")
    assert all(not line.endswith(("90", "-")) for line in ax.figure.texts[0].get_text().split("\n"))
    assert "90 days" in ax.figure.texts[0].get_text()


def test_what_carries_data_stands_out_from_white():
    _, ax = canvas()
    plot_parts(pd.DataFrame({"month": [1, 2], "new": [1.0, 2], "old": [2.0, 3]}), x="month", parts={"new": "new", "old": "old"}, ax=ax)
    _, rates = canvas()
    plot_rates(pd.DataFrame({"by": ["a"], "rate": [0.2], "low": [0.1], "high": [0.3], "n": [90]}), by="by", ax=rates)
    colours = [bar.get_facecolor() for bar in ax.patches] + list(rates.collections[0].get_colors())
    for red, green, blue, seen in colours:
        shown = "#" + "".join(f"{round(255 * (seen * part + 1 - seen)):02x}" for part in (red, green, blue))
        assert 1.05 / (_light(shown) @ [0.2126, 0.7152, 0.0722] + 0.05) >= 3


def test_two_points_do_not_fill_the_height_of_a_chart():
    _, ax = canvas()
    plot_series(pd.DataFrame({"month": ["a", "b"], "rate": [0.15, 0.17], "low": [0.14, 0.16], "high": [0.16, 0.18]}), x="month", ax=ax)
    low, high = ax.get_ylim()
    assert high - low >= 0.1
    assert low <= 0.14 < 0.18 <= high


def test_what_stands_under_a_curve_is_called_what_it_is_and_a_step_back_has_a_minus_sign():
    _, ax = canvas()
    plot_curve(pd.DataFrame({"age": [0, 90], "value": [0.0, 0.2], "observed": [30, 20]}), x="age", y="value", ax=ax, percent=False, at_risk="observed")
    assert ax.get_xlabel() == "days; below: customers observed"
    _, ax = canvas()
    plot_series(pd.DataFrame({"month": ["-1", "+0"], "rate": [-2.0, 1.0], "low": -3.0, "high": 2.0}), x="month", ax=ax, percent=False)
    assert [t.get_text() for t in ax.get_xticklabels()] == ["−1", "+0"]
