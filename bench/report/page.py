"""From a page's blocks to files: `index.html`, `report.md`, figures, tables."""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from bench.files import write_atomically
from bench.report import sorting
from bench.report.blocks import Facts, Finding, Page, Picture, Table, Text, Verbatim
from bench.report.drawn import drawn
from bench.report.latex import latex_table
from bench.report.legible import breakable, csv_table, fenced, legible_entry, markdown_text, slug
from bench.report.vector import inline, standalone


def write_page(page: Page, reports: Path) -> Path:
    """Write everything, and return the path of ``index.html``, which is written last."""
    inlined: dict[str, Markup] = {}
    for picture, (svg, png) in drawn(list(pictures(page))):
        write_atomically(reports / "figures" / f"{picture.name}.svg", standalone(svg, picture).encode())
        write_atomically(reports / "figures" / f"{picture.name}.png", png)
        inlined[picture.name] = inline(svg, picture)
    for name, table in page.csv.items():
        write_atomically(reports / "tables" / f"{name}.csv", csv_table(table).to_csv(index=False).encode())
    for name, shown in tables(page):
        write_atomically(reports / "tables" / f"{name}.tex", latex_table(shown, name).encode())
    templates = _templates(page)
    markdown = templates.get_template("report.md.j2").render(page=page)
    write_atomically(reports / "report.md", re.sub(r"\n{3,}", "\n\n", markdown).encode())
    script = _read("page.js")
    html = templates.get_template("template.html.j2").render(
        page=page,
        inlined=inlined,
        style=Markup(_read("page.css")),
        script=Markup(script),
        script_sha256=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
    write_atomically(reports / "index.html", html.encode())
    return reports / "index.html"


def pictures(page: Page) -> Iterator[Picture]:
    """All pictures, in order."""
    for section in page.sections:
        yield from (block for block in section.blocks if isinstance(block, Picture))


def tables(page: Page) -> list[tuple[str, Table]]:
    """All tables in order, each with a name of its own: its ``name``, or one made of its title; of two alike the second
    has ``-2`` at its end."""
    named: dict[str, Table] = {}
    for section in page.sections:
        for block in section.blocks:
            if isinstance(block, Table):
                base = name = slug(block.name or block.title)
                count = 1
                while name in named:
                    count += 1
                    name = f"{base}-{count}"
                named[name] = block
    return list(named.items())


def _read(name: str) -> str:
    """A file that lies beside this one."""
    return (resources.files("bench.report") / name).read_text(encoding="utf-8")


def _templates(page: Page) -> Environment:
    environment = Environment(
        loader=FunctionLoader(_read),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=legible_entry,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    kinds = {Finding: "finding", Table: "table", Picture: "picture", Text: "text", Facts: "facts", Verbatim: "verbatim"}
    names = {id(table): name for name, table in tables(page)}
    environment.filters |= {
        "md": markdown_text,
        "fenced": fenced,
        "breakable": breakable,
        "kind": lambda block: kinds[type(block)],
        "name": lambda table: names[id(table)],
        "keys": sorting.keys,
        "number": _number,
    }
    return environment


def _number(value: float) -> str:
    """A number as JavaScript reads it."""
    return ("-" if value < 0 else "") + "Infinity" if math.isinf(value) else f"{value:.12g}"
