"""Executed notebooks as pages that stand alone: one file each, no script, nothing loaded from anywhere."""

from __future__ import annotations

import html
import re
import tomllib
from collections.abc import Collection, Mapping
from copy import deepcopy
from functools import cache, lru_cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

from nbformat import NotebookNode

from retainkit.errors import RetainkitError

TEMPLATES = Path(__file__).parent / "template"
SHOWN = ["text/html", "text/markdown", "image/png", "image/jpeg", "text/plain"]  # no script, no widget, no formula
CONTENTS = "<!--contents-->"
PLAIN = re.compile(r'<span class="(?:n|o|p|w|nb|nn|nf|mi|mf|kp|bp|se)">(.*?)</span>')  # marks of code that the style leaves plain
OWN = {"means": "The notebook that recorded it says what it means: look there.", "unit": "", "left_out": "", "source": ""}
_NUMBER = r"[−+]?(?:[$€£]|[A-Z]{3} )?\d(?:[\d,.]*\d)?(?: ?%)?"
# What stands on one line: a day, a number with its unit, a range, an n, the head of intervals. What is no text of the page is passed over.
_WHOLE = re.compile(rf"<(style|pre|title)\b.*?</\1>|<[^>]*>|(?<![\w.,;#/–−-])(\d{{4}}-\d\d(?:-\d\d)?(?![\w-])|(?:n (?:= )?(?=\d))?{_NUMBER}(?:(?:–| to ){_NUMBER})?(?: (?:points|times|days|months))?(?![\w/–-])|\(95% interval\))", re.S)
TEXTS = re.compile(r'(?:<span class="(?:s1?|s2|sd|sa|si)">[^<]*</span>)+')  # parts of one text, which the style shows in one colour


class PageError(RetainkitError):
    """A page that would not be fit to publish."""


def page(notebook: NotebookNode, facts: Mapping[str, Any]) -> str:
    """The page of one executed notebook.

    Headline and cautions stand first, the code is folded away, and the cells that set up and read the data come
    last. `facts` has question, stem, period, day, version and changed: what stands under the headline, as HTML.
    """
    shown = deepcopy(notebook)
    for cell, part in zip(shown.cells, _parts(notebook), strict=True):
        cell.metadata["part"] = part
    _fold_code(shown.cells)
    _link_data(shown, str(facts["stem"]))
    told = [cell for cell in shown.cells if "headline" in cell.metadata.get("tags", [])]
    told[-1].metadata["told"] = True
    resources = {**facts, "css": css(), "contents_mark": CONTENTS}
    text, _ = _exporter().from_notebook_node(shown, resources=resources)
    text = _unique_ids(text).replace(' style="text-align:left"', "")  # as the style has it: said in each cell, it is a twentieth of a page
    text = re.sub("<td>(?=NEWS|News)", '<td class="news">', text)
    text = text.replace("<td>–</td></tr>", '<td class="none">–</td></tr>')
    text = whole(text.replace(CONTENTS, _contents(text[text.find(CONTENTS) :]), 1))
    check(text, str(facts["stem"]))
    return text


@cache
def _exporter() -> Any:
    """What fills the template: one for all pages, because compiling it takes a while."""
    from nbconvert.exporters.templateexporter import TemplateExporter
    from nbconvert.filters import Highlight2HTML
    from traitlets.config import Config

    highlight = Highlight2HTML(pygments_lexer="ipython3")
    return TemplateExporter(  # not its HTML child, which adds themes and parses every page once more
        extra_template_basedirs=[str(TEMPLATES)],
        template_name="retainkit",
        template_file="page.html.j2",
        filters={
            "highlight_code": lru_cache(1000)(lambda code: _marked(highlight(code))),
            "markdown2html": markdown,
        },  # most cells are those of the last month
        config=Config(
            NbConvertBase={"display_data_priority": SHOWN}, Exporter={"optimistic_validation": True}
        ),  # validated once, not after each step that does nothing
    )


def _marked(code: str) -> str:
    """Code with the marks that its style shows, and no others: on a page of many cells they weigh more than what they mark."""
    return TEXTS.sub(lambda texts: f'<span class="s">{re.sub("<[^>]+>", "", texts[0])}</span>', PLAIN.sub(r"\1", code))


def _parts(notebook: NotebookNode) -> list[str]:
    """Where on the page each cell goes.

    "data": the parameters and the code after them, up to the next text or headline, which open and read the shop.
    "lede": all else up to the first section after the headline. "body": the rest.
    """
    parts, setting_up, told = [], False, False
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        setting_up = "parameters" in tags or (setting_up and cell.cell_type == "code" and "headline" not in tags)
        past = "body" in parts or (told and cell.cell_type == "markdown" and cell.source.startswith("## "))
        parts.append("data" if setting_up else "body" if past else "lede")
        told = told or "headline" in tags
    return parts


def _fold_code(cells: list[NotebookNode]) -> None:
    """Give the last of the code cells that follow each other the code of them all: one thing to open below what they show."""
    code: list[str] = []
    for cell, after in zip(cells, [*cells[1:], None], strict=True):
        if cell.cell_type == "code":
            code.append(cell.source)
            if cell.metadata.part == "data" or not after or (after.cell_type, after.metadata.part) != ("code", cell.metadata.part):
                cell.metadata["code"], code = "\n\n".join(filter(str.strip, code)), []


def _link_data(notebook: NotebookNode, stem: str) -> None:
    """Give every chart that has its data the link that holds them, under a file name of its own."""
    charts = [o for cell in notebook.cells for o in cell.get("outputs", []) if "text/csv" in o.get("data", {})]
    for number, chart in enumerate(charts, start=1):
        chart.metadata["link"] = csv_link(chart.data["text/csv"], f"{stem}-{number}")


def csv_link(text: str, name: str) -> dict[str, str]:
    """A link that holds a table: nothing is fetched, and a click saves it as a file."""
    return {"name": f"{name}.csv", "href": f"data:text/csv;charset=utf-8,{quote(text, safe=',:;/()!*')}"}


def _unique_ids(text: str) -> str:
    """The page with every id made its own: the second heading of the same words gets a number."""
    seen: dict[str, int] = {}

    def own(match: re.Match[str]) -> str:
        name = match[2]
        seen[name] = seen.get(name, 0) + 1
        return f'{match[1]}"{name}-{seen[name]}"' if seen[name] > 1 else match[0]

    return re.sub(r'(<h[1-6] id=)"([^"]*)"', own, text)


def _contents(text: str) -> str:
    """The contents list: a link to every second-level heading."""
    found = re.findall(r'<h2 id="([^"]*)">(.*?)</h2>', text, re.S)
    return framed("contents", [(name, re.sub("<[^>]*>", "", words)) for name, words in found]) if found else ""


def filled(name: str, **facts: Any) -> str:
    """A page that is no notebook's: `index` (a card a question, then the health of the data), or `definitions` (words, then every number)."""
    text = whole(str(_exporter().environment.get_template(f"{name}.html.j2").render(css=css(), **facts)))
    check(text, name)
    return text


def glossary(used: Collection[str]) -> dict[str, Any]:
    """What the page tells: `words` that every page uses, `keys` of the column `group`, and the `sections`: under each question its metrics.

    Of each metric, by its name in metrics.csv: its `name` in words, what it `means`, its `unit`, who is `left_out`, the `source` of its
    method and the public function that is its `call`. `used` are this report's; those that only a notebook of one's own records
    have a section of their own, which says where to look.
    """
    sections = tomllib.loads((TEMPLATES.parent / "glossary.toml").read_text(encoding="utf-8"))
    told = {name: sections.pop(name) for name in ("words", "keys")}
    if others := sorted(set(used).difference(*sections.values())):
        sections["Numbers of your own notebooks"] = {metric: {"name": metric, **OWN} for metric in others}
    return {**told, "sections": sections, "used": used}


def framed(macro: str, *facts: Any) -> str:
    """A part of a page, as the macro of that name writes it."""
    return str(getattr(_exporter().environment.get_template("frame.html.j2").module, macro)(*facts))


@cache
def css() -> str:
    """The style sheet that every page carries."""
    return (TEMPLATES / "retainkit" / "style.css").read_text(encoding="utf-8")


def markdown(text: str) -> str:
    """Markdown as HTML, as the pages show it: headings have ids, and no signs to click."""
    from nbconvert.filters import markdown2html

    return re.sub(r'<a class="anchor-link".*?</a>', "", markdown2html(text))


def whole(text: str) -> str:
    """The page with every day, range, number with its unit and "n = 1,234" kept on one line; what is read and copied stays the same.

    >>> whole("<p>20% (95% interval 19%–21%, n = 3,532), −0.17 points</p>")
    '<p>20% (95% interval <span class="whole">19%–21%</span>, <span class="whole">n = 3,532</span>), <span class="whole">−0.17 points</span></p>'
    """
    return _WHOLE.sub(lambda m: f'<span class="whole">{m[2]}</span>' if m[2] and re.search("[ –-]", m[2]) else m[0], text)


def check(text: str, name: str) -> None:
    """Refuse a page that would load or run anything, or that has not one h1 and whole steps of headings."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    if reader.faults:
        raise PageError(name, "its page would load or run something", reader.faults[0], "show tables and charts with `table` and `figure`")
    levels = reader.levels
    steps = [(a, b) for a, b in zip([0, *levels], levels, strict=False) if b > a + 1]
    if levels.count(1) != 1 or steps:
        found = " ".join(f"h{level}" for level in levels) or "no headings"
        raise PageError(name, "a page has one h1, first, and no heading level left out", found, "start the notebook with `# The question`, then `##`")


class _Reader(HTMLParser):
    """Reads a page for its headings and for everything a browser would fetch or run."""

    def __init__(self) -> None:
        super().__init__()
        self.levels: list[int] = []
        self.faults: list[str] = []
        self._style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._style = tag == "style"
        if re.fullmatch("h[1-6]", tag):
            self.levels.append(int(tag[1]))
        if tag in ("script", "iframe", "object", "embed", "base", "form", "frame"):
            self.faults.append(f"<{tag}>")
        for name, value in attrs:
            value = html.unescape(value or "").strip()
            linked = name == "href" and tag in ("a", "area") and not re.match(r"\s*(javascript|data|vbscript):", value, re.I)
            loads = name in ("src", "srcset", "href", "xlink:href", "poster", "background", "data", "action", "formaction")
            linked = linked or (tag == "a" and name == "href" and value.startswith("data:text/csv;"))  # a chart's data, to be saved
            harmless = not value or value.startswith(("#", "data:image/")) or linked
            if (loads and not harmless) or name.startswith("on") or (tag == "meta" and value.lower() == "refresh"):
                self.faults.append(f'<{tag} {name}="{value[:60]}">')
            if name == "style":
                self._check_css(value)

    def handle_data(self, data: str) -> None:
        if self._style:
            self._check_css(data)

    def handle_endtag(self, tag: str) -> None:
        self._style = False

    def _check_css(self, text: str) -> None:
        if found := re.search(r"@import|url\((?!\s*['\"]?(data:image/|#))[^)]*", text, re.I):
            self.faults.append(found[0])
