"""From a page's blocks to files: `index.html`, `report.md`, figures, tables."""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections.abc import Iterable, Iterator
from importlib import resources
from pathlib import Path

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from bench.files import write_atomically
from bench.report import sorting
from bench.report.blocks import Cell, Facts, Finding, Page, Picture, Table, Text, Verbatim
from bench.report.latex import latex_table
from bench.report.legible import breakable, csv_shown, csv_table, fenced, legible_entry, markdown_text, slug
from bench.report.rendering import rendered
from bench.report.vector import inline, standalone

WRITTEN = {"figures": (".svg", ".png"), "tables": (".csv", ".tex")}
"""Folders beside a page, and the endings of their files."""


def write_page(page: Page, reports: Path) -> Path:
    """Write everything, and return the path of ``index.html``, which is written last.

    Of a page that was there before nothing is left, figures and tables of other names neither.
    """
    files = _files_of_former(reports)
    inlined: dict[str, Markup] = {}
    for picture, (svg, png) in rendered(list(pictures(page))):
        write_atomically(reports / "figures" / f"{picture.name}.svg", standalone(svg, picture).encode())
        write_atomically(reports / "figures" / f"{picture.name}.png", png)
        inlined[picture.name] = inline(svg, picture)
    for name, table in page.csv.items():
        write_atomically(reports / "tables" / f"{name}.csv", csv_table(table).to_csv(index=False).encode())
    for name, shown in tables(page):
        write_atomically(reports / "tables" / f"{name}.tex", latex_table(shown, name).encode())
        if name not in page.csv:
            csv = csv_shown(shown.columns, [[_as_text(cell) for cell in row.cells] for row in shown.rows])
            write_atomically(reports / "tables" / f"{name}.csv", csv.to_csv(index=False).encode())
    _remove_others(files, page)
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


def _as_text(cell: Cell) -> str:
    return " ".join(part for part in (cell.text, cell.detail, cell.counted) if part)


def _files_of_former(reports: Path) -> list[Path]:
    """Figures and tables of the page that is there now; of a folder that holds none, nothing is taken for them."""
    if not (reports / "index.html").is_file():
        return []
    folders = [(reports / part, suffixes) for part, suffixes in WRITTEN.items()]
    held = [
        path
        for folder, suffixes in folders
        if folder.is_dir() and not folder.is_symlink()
        for path in folder.iterdir()
        if path.suffix in suffixes
    ]
    return [path for path in held if path.is_file() and not path.is_symlink()]


def _remove_others(files: Iterable[Path], page: Page) -> None:
    """Remove those that the page does not have."""
    named = {
        **{f"{picture.name}{suffix}": "figures" for picture in pictures(page) for suffix in WRITTEN["figures"]},
        **{f"{name}{suffix}": "tables" for name, _ in tables(page) for suffix in WRITTEN["tables"]},
        **{f"{name}.csv": "tables" for name in page.csv},
    }
    for path in files:
        if named.get(path.name) != path.parent.name:
            path.unlink(missing_ok=True)


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
