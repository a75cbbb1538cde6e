"""Figures as files and as part of the page: PNG on white, SVG that stands alone, SVG in the page's own colours."""

from __future__ import annotations

import io
import re

from markupsafe import Markup, escape
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from bench.report import light
from bench.report.blocks import Picture
from bench.report.legible import legible
from bench.report.style import INK, MUTED, PAPER, RULE

IDS = re.compile(r'\b(id="|url\(#|href="#)')
VIEW_BOX = re.compile(r'viewBox="0 0 ([\d.]+)')
DPI = 140
"""Of a PNG, and of what is drawn as pixels in an SVG."""
FULL_WIDTH = 749
"""Of a figure of three panels, points."""


def draw(figure: Figure) -> tuple[str, bytes]:
    """A figure as SVG text without a background, and as PNG on white. Laid out once."""
    for text in figure.findobj(Text):
        if isinstance(text, Text):
            text.set_text(legible(text.get_text()))
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        figure.set_layout_engine(None)  # any engine, even "none", has it drawn twice for each file
    pixels = io.BytesIO()
    figure.savefig(pixels, format="rgba", facecolor="white", dpi=DPI)
    width, height = (figure.get_size_inches() * DPI).astype(int)
    picture = Image.frombytes("RGBA", (int(width), int(height)), pixels.getvalue()).convert("RGB")
    for ground in (figure.patch, *(ax.patch for ax in figure.axes)):
        ground.set_alpha(0)  # what ``transparent=True`` does at the cost of seconds where there are many axes
    vector = io.BytesIO()
    figure.savefig(vector, format="svg", facecolor="none", dpi=DPI, metadata={"Date": None, "Creator": None})
    drawing = legible(vector.getvalue().decode())  # of ticks: XML with a control character is none
    return light.svg(drawing), light.png(picture)


def standalone(svg: str, picture: Picture) -> str:
    """An SVG file: described, on white."""
    described = f"<title>{escape(legible(picture.title))}</title><desc>{escape(legible(picture.alternative))}</desc>"
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
        f'<svg role="img" aria-label="{escape(legible(picture.alternative))}" '
        f'style="width:{share:.1f}%;min-width:{0.95 * width:.0f}px"'
    )
    opening, rest = body.split(">", 1)
    opening = re.sub(r' (width|height)="[^"]*"', "", opening).replace("<svg", head, 1)
    body = f"{opening}>{rest}"
    return Markup(body)  # made by matplotlib, which escapes text
