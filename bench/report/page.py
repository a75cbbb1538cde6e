"""From a page's blocks to files: `index.html`, `report.md`, figures, tables."""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pandas as pd
from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup, escape
from matplotlib.figure import Figure

from bench.files import write_atomically
from bench.report.blocks import Facts, Finding, Page, Picture, Table, Text, Verbatim
from bench.report.style import INK, MUTED, PAPER, RULE

IDS = re.compile(r'\b(id="|url\(#|href="#)')
VIEW_BOX = re.compile(r'viewBox="0 0 ([\d.]+)')
ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(\x07|\x1b\\)|[ -/]*[0-Z\\^-~])")
"""Of a terminal (ECMA-48): colours, cursor moves, titles."""
UNSEEN = frozenset({"Cc", "Cs"})
"""Unicode's control characters and halves of surrogate pairs."""
TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of the text after them."""
FULL_WIDTH = 749
"""Of a figure of three panels, points."""


def write_page(page: Page, reports: Path) -> Path:
    """Write everything, and return the path of ``index.html``, which is written last."""
    inlined: dict[str, Markup] = {}
    for picture in pictures(page):
        svg, png = draw(picture.figure)
        write_atomically(reports / "figures" / f"{picture.name}.svg", _standalone(svg, picture).encode())
        write_atomically(reports / "figures" / f"{picture.name}.png", png)
        inlined[picture.name] = inline(svg, picture)
    for name, table in page.csv.items():
        write_atomically(reports / "tables" / f"{name}.csv", _legible_table(table).to_csv(index=False).encode())
    templates = _templates()
    markdown = templates.get_template("report.md.j2").render(page=page)
    write_atomically(reports / "report.md", re.sub(r"\n{3,}", "\n\n", markdown).encode())
    html = templates.get_template("template.html.j2").render(page=page, inlined=inlined)
    write_atomically(reports / "index.html", html.encode())
    return reports / "index.html"


def pictures(page: Page) -> Iterator[Picture]:
    """All pictures, in order."""
    for section in page.sections:
        yield from (block for block in section.blocks if isinstance(block, Picture))


def draw(figure: Figure) -> tuple[str, bytes]:
    """A figure as SVG text without a background, and as PNG on white. Laid out once."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        figure.set_layout_engine("none")
    picture = io.BytesIO()
    figure.savefig(picture, format="png", facecolor="white")
    vector = io.BytesIO()
    figure.savefig(vector, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return vector.getvalue().decode(), picture.getvalue()


def _standalone(svg: str, picture: Picture) -> str:
    """An SVG file: described, on white."""
    described = f"<title>{escape(picture.title)}</title><desc>{escape(picture.alternative)}</desc>"
    background = '<rect width="100%" height="100%" fill="#ffffff"/>'
    return re.sub(r"(<svg\b[^>]*>)", lambda match: match[1] + described + background, svg, count=1)


def inline(svg: str, picture: Picture) -> Markup:
    """The SVG as part of the page: its own ids, the page's colours, as wide as there is room."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = IDS.sub(lambda match: f"{match[1]}{picture.name}-", body)
    for color, name in ((INK, "ink"), (MUTED, "muted"), (RULE, "rule"), (PAPER, "paper")):
        body = body.replace(color, f"var(--{name})")
    width = float((VIEW_BOX.search(body) or ["", "749"])[1])
    share = min(100.0, 100 * width / FULL_WIDTH)
    head = (
        f'<svg role="img" aria-label="{escape(picture.alternative)}" '
        f'style="width:{share:.1f}%;min-width:{0.95 * width:.0f}px"'
    )
    opening, rest = body.split(">", 1)
    opening = re.sub(r' (width|height)="[^"]*"', "", opening).replace("<svg", head, 1)
    body = f"{opening}>{rest}"
    return Markup(body)  # made by matplotlib, which escapes text


def legible(text: str) -> str:
    """Text without what a terminal would obey: escape sequences gone, other control characters replaced by ``�``.

    Logs are full of them, and a page, a fence of Markdown or a CSV that holds a NUL is none.
    """
    flat = ESCAPES.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    if flat.isprintable():
        return flat
    return "".join(letter if _is_shown(letter) else "\ufffd" for letter in flat)


def _is_shown(letter: str) -> bool:
    return letter in "\n\t" or not (letter in TURNS or unicodedata.category(letter) in UNSEEN)


def _legible_table(table: pd.DataFrame) -> pd.DataFrame:
    """The table with all of its text legible."""
    words = table.select_dtypes(exclude=["number", "bool"])
    return table.assign(**{str(name): words[name].map(_legible_entry) for name in words})


def _legible_entry(entry: object) -> object:
    return legible(entry) if isinstance(entry, str) and not isinstance(entry, Markup) else entry


def markdown_text(text: object) -> Markup:
    """Text that Markdown and HTML show as it stands, on one line."""
    flat = " ".join(legible(str(text)).split())
    marked = re.sub(r"([\\`*_{}\[\]#!|~$]|^[-+>])", r"\\\1", flat)
    return Markup(str(escape(marked)).replace("://", ":&#47;/").replace("@", "&#64;"))


def breakable(text: str) -> Markup:
    """Text whose lines may break after an opening bracket, where a browser would not."""
    return Markup(str(escape(legible(text))).replace("(", "(<wbr>"))


def fenced(text: str) -> Markup:
    """Verbatim text in a fence longer than any in it."""
    text = legible(text)
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return Markup(f"{fence}\n{text.rstrip()}\n{fence}")  # nothing inside a fence is markup


def _templates() -> Environment:
    folder = resources.files("bench.report")
    environment = Environment(
        loader=FunctionLoader(lambda name: (folder / name).read_text(encoding="utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_legible_entry,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"md": markdown_text, "fenced": fenced, "breakable": breakable}
    kinds = {Finding: "finding", Table: "table", Picture: "picture", Text: "text", Facts: "facts", Verbatim: "verbatim"}
    environment.filters["kind"] = lambda block: kinds[type(block)]
    return environment
