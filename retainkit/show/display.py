"""What a notebook shows: a computed sentence, a table, a chart, and the numbers for metrics.csv.

Each function shows its result, returns None, and shows the same bytes every time.
"""

from __future__ import annotations

import base64
import csv
import html
import io
import re
import string
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from numbers import Number
from typing import TYPE_CHECKING, Any

import pandas as pd

from retainkit.errors import BadValueError, listed, one_of
from retainkit.estimate.smalln import hide_few
from retainkit.show.words import clean, marked, missing, sheet_text, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from retainkit.load.shop import Shop

NUMBERS = ("value", "low", "high", "n", "too_young")
WRITTEN = re.compile(r"(?:[<>] )?[−+-]?(?:[$€£]|[A-Z]{3} )?\d[\d,.]*(?: ?%)?")  # a number in words of its own
NEITHER = ("–", "", "not known", "too few", "nothing")  # what stands in its place where there is none
COLUMNS = ("metric", "group", "horizon_days", *NUMBERS, "note")


def say(text: str, **values: Any) -> None:
    """Show a sentence in Markdown, its `{name:format}` places filled from `values`.

    Words from the data are shown character by character, whatever they contain; a number that is not known
    reads "n/a"; a dollar sign is a dollar sign.

    >>> say("**{share:.0%}** of {segment} came back ({n:,})", share=0.25, segment="<b>SMB", n=1200)
    **25%** of <b>SMB came back (1,200)
    """
    dollars = re.sub(r"(?<!\\)\$", r"\\$", text)
    _show({"text/markdown": _Filled(marked).vformat(dollars, (), values), "text/plain": _Filled(clean).format(text, **values)})


class _Filled(string.Formatter):
    """`str.format` that passes every text through `safe` and says n/a where nothing is known."""

    def __init__(self, safe: Any) -> None:
        self.safe = safe

    def format_field(self, value: Any, format_spec: str) -> str:
        if missing(value):
            return "n/a"
        shown = format(value, format_spec)
        return _typeset(value, shown) if isinstance(value, Number) else str(self.safe(short(shown, 600)))


def table(
    df: pd.DataFrame,
    *,
    caption: str,
    formats: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    rows: int = 20,
    folded: bool = False,
) -> None:
    """Show the first `rows` rows of a table, rounded, with its caption; a cut is said in the caption.

    `formats` gives a column its format (`{"rate": ".0%"}`), `units` what stands behind its name
    (`{"days": "median"}`). By default a `rate` and its `low` and `high` are percentages, other numbers have as
    many decimals as their size supports, a value that is not known is a dash. A named index is shown as columns.
    One that is `folded` shows its caption alone until somebody opens it, searches the page or prints it.
    """
    markup, plain = rendered(df, caption=caption, formats=formats or {}, units=units or {}, rows=rows)
    if folded:
        markup = f'<details class="folded"><summary>{html.escape(clean(caption))}</summary>\n{markup}\n</details>'
    _show({"text/html": markup, "text/plain": plain})


def rendered(
    df: pd.DataFrame, *, caption: str, formats: Mapping[str, str], units: Mapping[str, str], rows: int
) -> tuple[str, str]:
    """The table as HTML and as plain text, by the rules of `table`."""
    df = hide_few(df.reset_index() if any(df.index.names) else df)
    for name in [*formats, *units]:
        one_of(name, list(df.columns), f"table {caption!r}", f"has no column {name!r}", "use '{}'")
    cut = f" (first {rows:,} of {len(df):,} rows)" if len(df) > rows else ""
    caption = short(clean(caption), 400) + cut
    names = list(df.columns)
    told = [short(clean(n)).replace("_", " ").replace("horizon days", "days") for n in names]
    heads = [head + (f" ({clean(units[n])})" if n in units else "") for n, head in zip(names, told, strict=True)]
    specs = [formats.get(n) or _format(df, n) for n in names]
    columns = [[_typeset(value, short(_cell(value, spec), 1000)) for value in df.iloc[:rows, i]] for i, spec in enumerate(specs)]
    right = [pd.api.types.is_numeric_dtype(t) and not pd.api.types.is_bool_dtype(t) for t in df.dtypes]
    right = [numeric or (i > 0 and _numbers(column)) for i, (numeric, column) in enumerate(zip(right, columns, strict=True))]
    body = list(zip(*columns, strict=True))
    return _html(caption, heads, body, right), _plain(caption, heads, body, right)


def _format(df: pd.DataFrame, name: Any) -> str:
    """How a column's numbers are written unless the call says otherwise."""
    column = df[name]
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return ""
    if name == "rate" or (name in ("low", "high") and "rate" in df.columns):
        return ".1%"
    size = column.astype(float).abs().max()
    whole = pd.api.types.is_integer_dtype(column) or size >= 1000
    return ",.0f" if whole else ",.1f" if size >= 10 else ",.2f"


def _numbers(column: list[str]) -> bool:
    """Whether the cells of a column are numbers, written out with their signs and units, or the dash that stands for each."""
    told = [cell for cell in column if cell not in NEITHER]
    return all(map(WRITTEN.fullmatch, told)) and (bool(told) or set(column) == {"–"})


def _cell(value: Any, spec: str) -> str:
    if missing(value):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, pd.Timestamp) and value == value.normalize() and not spec:
        return f"{value:%Y-%m-%d}"
    return clean(format(value, spec)) if spec else clean(value)


def _typeset(value: Any, shown: str) -> str:
    """The text of a number with a minus sign, not a hyphen."""
    return shown.replace("-", "\N{MINUS SIGN}") if isinstance(value, Number) else shown


def _html(caption: str, heads: list[str], body: list[tuple[str, ...]], right: list[bool]) -> str:
    """The table as HTML that needs no style sheet: a caption, headers with their scope, numbers to the right."""
    side = ['style="text-align:right"' if r else 'style="text-align:left"' for r in right]
    cell = ["th", *["td"] * (len(right) - 1)]  # the first column names its row
    scope = [' scope="row"', *[""] * (len(right) - 1)]
    top = "".join(f'<th scope="col" {s}>{html.escape(h)}</th>' for h, s in zip(heads, side, strict=True))
    lines = [
        "<tr>"
        + "".join(f"<{c}{o} {s}>{html.escape(v).replace('_', '_<wbr>')}</{c}>" for c, o, s, v in zip(cell, scope, side, row, strict=True))
        + "</tr>"
        for row in body
    ]
    words = html.escape(caption)
    above = f'<div class="rk-table" role="group" tabindex="0" aria-label="{words}">\n<table>'
    above += f'\n<caption style="text-align:left"><span>{words}</span></caption>\n<thead><tr>{top}</tr></thead>\n<tbody>'
    return "\n".join([above, *lines, "</tbody>\n</table>\n</div>"])


def _plain(caption: str, heads: list[str], body: list[tuple[str, ...]], right: list[bool]) -> str:
    """The same table as aligned text."""
    rows = [tuple(heads), *body]
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
    aligned = (
        "  ".join(v.rjust(w) if r else v.ljust(w) for v, w, r in zip(row, wide, right, strict=True)).rstrip() for row in rows
    )
    return "\n".join([caption, *aligned])


@contextmanager
def chart(
    shop: Shop, tables: str, *, finding: str, measure: str, alt: str, also: str = "", width: float = 7.2, height: float = 4.2
) -> Iterator[Axes]:
    """Axes to draw one chart on, shown when the `with` ends: with what was found, what is drawn and where it is from.

    Where nothing of its table may be drawn, of nobody or of fewer than five, what was found is said instead.

    Parameters
    ----------
    shop
        The shop; its last day stands in the source.
    tables
        The tables the numbers are made of, as in "orders and contracts".
    finding, measure
        The title, and the line below it (`finish`).
    alt
        What kind of chart it is, in a sentence; for who cannot see it the finding follows, and then `also`.
    width, height
        Inches.

    Examples
    --------
    >>> from retainkit import open_shop
    >>> shop = open_shop({"orders": pd.DataFrame({"order_id": [1], "customer_id": ["ann"], "amount": 5, "ordered_at": ["2026-01-01"]})}, as_of="2026-01-31")
    >>> with chart(shop, "orders", finding="Most stay", measure="Share still active", alt="Falling curve.") as ax:
    ...     _ = ax.plot([0, 30, 60], [1.0, 0.9, 0.8])
    [figure] Falling curve. Most stay.
    """
    from retainkit.show.data import blank
    from retainkit.show.style import canvas, finish

    fig, ax = canvas(width=width, height=height)
    yield ax
    if blank(fig):
        return say("{finding}.", finding=finding)
    finish(ax, finding=finding, measure=measure, source=f"{tables}, complete to {shop.as_of:%d %B %Y}")
    figure(fig, alt=f"{alt} {finding}.{also and ' '}{also}")


def figure(fig: Figure, *, alt: str) -> None:
    """Show a chart as a small, sharp, reproducible PNG and close it; `alt` says in words what it shows.

    The table it was drawn from goes with it as CSV.
    """
    data, facts = picture(fig, alt=alt)
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close(fig)
    _show(data, facts)


def picture(fig: Figure, *, alt: str) -> tuple[dict[str, str], dict[str, Any]]:
    """A chart as a notebook's output: its PNG, words and data by kind, and what is to be known of the PNG."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    from retainkit.show.data import chart_data
    from retainkit.show.style import STYLE

    alt = short(clean(alt), 2000)
    if not alt:
        raise BadValueError("figure", "has no alt text", remedy='figure(fig, alt="what the chart shows, with its key numbers")')
    fig.set_dpi(160)
    canvas, small = FigureCanvasAgg(fig), io.BytesIO()
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a name in letters the font lacks shows as boxes
        canvas.draw()  # half the work of savefig, which lays the figure out twice and packs all its colours
    pixels = Image.frombuffer("RGBA", canvas.get_width_height(), canvas.buffer_rgba()).convert("RGB")
    image = pixels.quantize(colors=128, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)  # a third of the run's drawing with others
    image.putpalette([255 if shade > 252 else shade for shade in image.getpalette() or []])  # white is white
    image.save(small, format="png", compress_level=6)
    size = {"width": image.width // 2, "height": image.height // 2}
    data = {"image/png": base64.b64encode(small.getvalue()).decode(), "text/plain": f"[figure] {alt}"}
    if behind := chart_data(fig):
        data["text/csv"] = behind
    return data, {"image/png": {**size, "alt": alt}}


def record(metrics: Mapping[str, pd.DataFrame]) -> None:
    """Hand the notebook's numbers to metrics.csv: `record({"second_purchase.share": table})`.

    In each table `rate` (or `value`), `low`, `high`, `n`, `too_young`, `note` and `horizon_days` are the numbers;
    every other column is a group key, left out of `group` where it is not known. Groups of one to four are named
    without their numbers, and the note of a row without a value says why it has none. Numbers keep 12 significant digits. Every notebook of the
    report ends with this call: without it the run counts as failed.
    """
    rows = sorted({(r[0], r[1], float(r[2] or -1)): r for name, df in metrics.items() for r in _rows(name, df)}.items())
    count = sum(map(len, metrics.values()))
    if len(rows) != count:
        raise BadValueError("record", "two rows have the same metric, group and horizon_days", f"{count - len(rows)} too many")
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(row for _, row in rows)
    said = "1 number goes" if count == 1 else f"{count:,} numbers go"
    _show({"text/plain": f"{said} to metrics.csv"}, {"retainkit": {"metrics": out.getvalue().splitlines()}})


def _rows(name: str, df: pd.DataFrame) -> list[list[str]]:
    """One metric's table as rows of text in the order of `COLUMNS`."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*", name):
        raise BadValueError("record", "a metric is named like `second_purchase.share`", repr(name))
    df = df.rename(columns={"rate": "value"})
    if list(df.columns).count("value") != 1:
        raise BadValueError(f"record {name}", "needs one column `rate` or `value`", listed(df.columns), "rename the estimate to `rate`")
    keys = [str(c) for c in df.columns if c not in COLUMNS]
    df = _without_few(df)
    return [
        [name, _group(row, keys), _digits(row.get("horizon_days"))]
        + [_digits(row.get(c)) for c in NUMBERS]
        + [("" if missing(row.get("note")) else sheet_text(clean(row["note"]))) or _why_none(row)]
        for row in df.to_dict("records")
    ]


def _why_none(row: Mapping[Any, Any]) -> str:
    """Why a row has no value, where its metric does not say it: as far as its other numbers tell; "" where there is a value."""
    if not missing(row.get("value")):
        return ""
    if not (missing(row.get("low")) and missing(row.get("high"))):
        return "only ends of the interval are known"
    early = (0 if missing(row.get("too_young")) else row["too_young"]) > 0
    if not missing(row.get("n")) and row["n"] == 0:
        return "none has been followed for so long yet" if early else "there is none to count"
    return "too few have been followed for so long" if early else "cannot be worked out from these data"


def _without_few(df: pd.DataFrame) -> pd.DataFrame:
    """The metric's table without the numbers of groups under five, and a note where there were any."""
    allowed = hide_few(df[[c for c in NUMBERS if c in df]])
    hidden = (allowed.isna() & df[allowed.columns].notna()).any(axis=1)  # a count without a number is one of few, too
    if not hidden.any():
        return df
    notes = df["note"] if "note" in df else pd.Series("", index=df.index)
    return df.assign(**allowed, note=notes.mask(hidden, "fewer than 5: not shown"))


def _group(row: Mapping[Any, Any], keys: list[str]) -> str:
    """`key=value` pairs joined by `;`; the two signs inside a value get a backslash."""
    named = {k: re.sub(r"([\\;=])", r"\\\1", clean(_cell(row[k], ""))) for k in keys if not missing(row[k])}
    return sheet_text(";".join(f"{k}={v}" for k, v in named.items()))


def _digits(value: Any) -> str:
    """A number with 12 significant digits, or nothing where it is not known."""
    return "" if missing(value) else format(float(value), ".12g")


def _show(data: dict[str, str], metadata: dict[str, Any] | None = None) -> None:
    """Send an output to the notebook; outside one, print its plain text."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is None:
        print(data["text/plain"])
    else:
        shell.display_pub.publish(data=data, metadata=metadata or {})
