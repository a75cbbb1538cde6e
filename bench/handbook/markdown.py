"""Text, formulas and links as GitHub reads them."""

from __future__ import annotations

import math
import re

from bench.listing import latex_lines

SPECIAL = re.compile(r"[\\*\[\]|~$]|(?<!\w)_|_(?!\w)|<(?=[A-Za-z/!?])")
"""What Markdown would read as something else than text; an underscore within a word is none of it."""
RELATION = re.compile(r" = | \\leftarrow ")


def escape(text: str) -> str:
    """Plain text that Markdown shows as it stands, in a table too; what stands between backquotes is code."""
    parts = text.split("`")
    return "".join(cell_code(part) if i % 2 else SPECIAL.sub(r"\\\g<0>", part) for i, part in enumerate(parts))


def cell_code(text: str) -> str:
    """Text in the type of code, in a table: a bar would end its cell."""
    return f"`{text}`".replace("|", r"\|")


def display(latex: str) -> str:
    """A formula on lines of its own, equation by equation."""
    lines = [line.removesuffix(r", \quad") for line in latex_lines(latex)]
    if len(lines) == 1:
        return f"```math\n{lines[0]}\n```"
    # aligned at the first relation if every line has one, and on the left if not
    relations = [RELATION.search(line) for line in lines]
    if all(relations):
        lines = [f"{line[: at.start()]} &{line[at.start() :]}" for line, at in zip(lines, relations, strict=True) if at]
    else:
        lines = [f"& {line}" for line in lines]
    inner = " \\\\\n".join(lines)
    return f"```math\n\\begin{{aligned}}\n{inner}\n\\end{{aligned}}\n```"


def heading(name: str, kind: str) -> str:
    """Of an entry's section; the kind is in it, since a loss and an objective may have one name."""
    return f"{name} ({kind})"


def link(name: str, kind: str) -> str:
    """To an entry's section, by the anchor that GitHub gives to its heading."""
    anchor = re.sub(r"[^\w\- ]", "", heading(name, kind).lower()).replace(" ", "-")
    return f"[{name}](#{anchor})"


def paper(source: str) -> str:
    """The first paper of a source, without section or equation."""
    found = re.match(r"[^;,(]*?\b\d{4}\b", source)
    return found[0] if found else re.split(r"[;,]", source)[0]


def number(value: float) -> str:
    """Three digits; powers of ten where there are many more or nothing is left."""
    if value == 0 or 1e-3 <= abs(value) < 1e4:
        return f"{value:.3g}".replace("-", "−")
    exponent = math.floor(math.log10(abs(value)))
    if exponent < -12:
        return "< 10⁻¹²"
    digits = str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{value / 10**exponent:.1f} · 10{digits}".replace("-", "−")
