"""The house chart style in two functions: `canvas` opens a chart, `finish` writes its three lines of text.

Nothing here changes a matplotlib setting outside its own figure, and pyplot is never needed.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from retainkit.show.words import clean, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED = "#1f2328", "#57606a"
ACCENT = "#0b5fa5"
# Each is readable as text on white (4.5:1) and apart from the others under every kind of colour blindness.
PALETTE = (ACCENT, "#aa6600", "#770011", "#221188", "#dd2266", "#551155")
FONT = "DejaVu Sans"  # ships with matplotlib, so every machine draws the same letters
# For the scripts it lacks, where the machine has one of them.
FALLBACKS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Microsoft YaHei",
    "Yu Gothic",
    "Malgun Gothic",
    "PingFang SC",
    "Hiragino Sans",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
)
STYLE: Any = {
    "font.family": FONT,
    "font.size": 11.5,
    "text.parse_math": False,  # "$5 to $9" is money, not mathematics
    "text.color": INK,
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#e6e9ed",
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "lines.linewidth": 2.2,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "savefig.bbox": None,
}


def canvas(*, width: float = 7.2, height: float = 4.2) -> tuple[Figure, Axes]:
    """Open one chart in the house style: a figure `width` by `height` inches and its axes.

    7.2 inches fill the text column of a page. Nothing is left out; nothing is drawn yet.

    Examples
    --------
    >>> fig, ax = canvas()
    >>> _ = ax.plot([0, 30, 60], [1.0, 0.9, 0.8])
    >>> ax is finish(ax, finding="Most stay", measure="Share still active", source="orders")
    True
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        fig = Figure(figsize=(width, height), layout="constrained")
        ax = fig.add_subplot()
    ax.tick_params(length=0, pad=6)
    return fig, ax


def figure_of(ax: Axes) -> Figure:
    """The figure that axes belong to."""
    fig = ax.get_figure(root=True)
    assert fig is not None, "a chart is drawn on axes that belong to a figure"
    return fig


def beside(ax: Axes, words: str, at: Any, away: tuple[float, float], **look: Any) -> None:
    """Write words so many points away from a place of the data."""
    ax.annotate(words, at, xytext=away, textcoords="offset points", **look)


def finish(ax: Axes, *, finding: str, measure: str, source: str) -> Axes:
    """Give the chart of `ax` its three lines of text: what was found, what is drawn, where from.

    `finding` becomes the title; `measure` says measure, group, period and interval; `source` names the
    tables and their last day. All three are required, so no chart goes out without its source.
    Returns `ax`.
    """
    fig = figure_of(ax)
    width, height = fig.get_size_inches()
    spent = 0.08 / height
    for text, size, color, weight, fit in ((finding, 14, INK, "bold", 116), (measure, 11, MUTED, "normal", 130)):
        lines = _balanced(letters(text, 400), int(width * fit / size))
        fig.text(0.012, 1 - spent, "\n".join(lines), va="top", size=size, color=color, weight=weight, linespacing=1.25)
        spent += (len(lines) * size * 1.36 + 3) / 72 / height
    foot = textwrap.wrap("Source: " + letters(source), int(width * 16))
    fig.text(0.012, 0.06 / height, "\n".join(foot), va="bottom", size=9.5, color=MUTED)
    below = (len(foot) * 9.5 * 1.36 + 10) / 72 / height
    spent += 0.1 / height
    if engine := fig.get_layout_engine():
        engine.set(rect=(0.0, below, 1.0, 1 - spent - below))  # type: ignore[call-arg]
    _settle(fig)
    return ax


def _balanced(text: str, limit: int) -> list[str]:
    """The text in as few lines of `limit` letters as it takes, and those about equally long; a number stays with its unit."""
    text = re.sub(r"(?<=\d) (?=days|months|points|times)", "\N{NO-BREAK SPACE}", text)
    wrap = partial(textwrap.wrap, text, break_on_hyphens=False)
    fewest = len(wrap(limit))
    widths = (w for w in range(max(1, limit // 3), limit + 1) if len(wrap(w)) <= fewest)
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in wrap(next(widths, limit))] or [""]


def _settle(fig: Figure) -> None:
    """Hold every text of the figure to the house letters, whatever theme was set meanwhile; no mathematics."""
    from matplotlib.text import Text

    for text in fig.findobj(Text):
        assert isinstance(text, Text)
        text.set_fontfamily(list(_fonts()))
        text.set_parse_math(False)


def letters(text: object, most: int = 200) -> str:
    """Text from the data as a chart can show it: on one line, cut, and what no font here can draw by its name.

    >>> letters("hot \N{FIRE}")
    'hot [fire]'
    """
    return "".join(c if _drawable(c) else _named(c) for c in short(clean(text), most))


def _drawable(c: str) -> bool:
    """Whether one of the fonts has the letter, or it shows nothing anyway (a joiner, a direction mark)."""
    return unicodedata.category(c) in ("Cf", "Mn") or any(font.get_char_index(ord(c)) for font in _fonts().values())


def _named(c: str) -> str:
    """A letter by its name, or its number when the name is only that."""
    name = unicodedata.name(c, "-")
    return f"[U+{ord(c):04X}]" if "-" in name else f"[{name.lower()}]"


@cache
def _fonts() -> dict[str, Any]:
    """The fonts that charts are lettered in, the first that has a letter first."""
    from matplotlib.font_manager import findfont, get_font, get_font_names

    there = {FONT, *get_font_names()}
    return {name: get_font(findfont(name)) for name in (FONT, *FALLBACKS) if name in there}
