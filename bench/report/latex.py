r"""Tables as LaTeX for papers: ``\usepackage{booktabs}``, ``\input{tables/<name>.tex}``, and no other package."""

from __future__ import annotations

import re

from bench.report.blocks import Cell, Row, Table
from bench.report.legible import legible

SPECIAL = {
    "\\": r"\textbackslash{}",
    **{letter: f"\\{letter}" for letter in "{}$&#_%"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "`": r"\textasciigrave{}",
}
"""Letters that TeX obeys, and those that its older fonts hold others in place of."""
GREEK = {
    **{"α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "varepsilon", "ζ": "zeta", "η": "eta"},
    **{"θ": "theta", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "π": "pi", "ρ": "rho"},
    **{"σ": "sigma", "τ": "tau", "φ": "varphi", "χ": "chi", "ψ": "psi", "ω": "omega"},
    **{"Γ": "Gamma", "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda", "Σ": "Sigma", "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega"},
}
SIGNS = {
    **{"×": "times", "±": "pm", "·": "cdot", "∞": "infty", "≤": "le", "≥": "ge", "≠": "ne", "≈": "approx"},
    **{"→": "rightarrow", "★": "star", "√": "surd", "‖": "|", "∇": "nabla", "∈": "in", "⟨": "langle", "⟩": "rangle"},
}
FORMULAS = {
    "−": "-",
    **{letter: f"\\{word}" for letter, word in (GREEK | SIGNS).items()},
    **{letter: f"_{index}" for index, letter in enumerate("₀₁₂₃₄₅₆₇₈₉")},
    **{letter: f"^{index}" for index, letter in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
}
"""Letters that LaTeX knows in formulas alone."""
TYPOGRAPHY = {
    **{"–": "--", "—": "---", "“": "``", "”": "''", "‘": "`", "’": "'", "…": r"\ldots{}", "\u00a0": "~", "\ufffd": "?"},
    "\0": "{}",  # put between letters that TeX would join to another
}
LETTERS = str.maketrans(SPECIAL | {letter: f"${formula}$" for letter, formula in FORMULAS.items()} | TYPOGRAPHY)
SIZES = ((75, ""), (85, r"\small"), (95, r"\footnotesize"))
r"""Letters that a page's width holds, and in which size of type; of more: ``\scriptsize``."""
LONG = 40
"""Letters of a cell of words that stand on one line."""
HIGHEST = 45
"""Rows that fit on a page."""


def latex_text(text: str) -> str:
    """Text that LaTeX sets as it stands, on one line: none of it is a command, and it ends no argument.

    Letters of scripts other than Latin stay as they are: XeLaTeX and LuaLaTeX have them, pdfLaTeX has not.
    """
    flat = re.sub(r"[^\S\u00a0]+", " ", legible(text)).strip(" ")
    return re.sub(r"(?<=-)(?=-)|(?<=')(?=')", "\0", flat).translate(LETTERS)


def latex_table(table: Table, name: str) -> str:
    """A ``table`` environment: caption above, label ``tab:<name>``, best values bold, references in italics."""
    size = next((size for letters, size in SIZES if _width(table) <= letters), r"\scriptsize")
    title, caption = latex_text(table.title), latex_text(table.caption)
    lines = [
        rf"% \usepackage{{booktabs}}, \input{{tables/{name}.tex}}, \ref{{tab:{name}}}",
        *([f"% {len(table.rows)} rows: more than a page holds"] if len(table.rows) > HIGHEST else []),
        r"\begin{table}",
        r"\centering",
        rf"\caption[{{{title}}}]{{\textbf{{{title}.}} {caption}}}",
        rf"\label{{tab:{name}}}",
        *([size, r"\setlength{\tabcolsep}{3pt}"] if size else []),
        rf"\begin{{tabular}}{{{_alignment(table)}}}",
        r"\toprule",
        _line([latex_text(column) for column in table.columns]),
        r"\midrule",
        *(_line([_cell(cell, row) for cell in row.cells]) for row in table.rows),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _width(table: Table) -> float:
    """About how many letters wide a table is, small print counted as less and long words as broken."""
    lines = [[len(column) for column in table.columns]] + [
        [len(cell.text) + 0.7 * len(f"{cell.detail} {cell.counted}".strip()) for cell in row.cells]
        for row in table.rows
    ]
    return sum(min(float(max(column)), LONG) + 2 for column in zip(*lines, strict=True))


def _alignment(table: Table) -> str:
    """A letter per column; one of long words has a share of the line's width."""
    long = [index for index in table.text_columns if any(len(row.cells[index].text) > LONG for row in table.rows)]
    width = max(0.12, (0.95 - 0.09 * (len(table.columns) - len(long))) / max(1, len(long)))
    return "".join(
        rf"p{{{width:.2f}\linewidth}}" if index in long else "l" if index in table.text_columns else "r"
        for index in range(len(table.columns))
    )


def _cell(cell: Cell, row: Row) -> str:
    """The value, and in small letters what stands below it on the page."""
    text = latex_text(cell.text)
    if cell.best:
        text = rf"\textbf{{{text}}}\,$\star$"
    elif row.kind == "reference":
        text = rf"\textit{{{text}}}"
    small = [latex_text(cell.detail), f"({latex_text(cell.counted)})" if cell.counted else ""]
    return " ".join([text, *(rf"{{\scriptsize {said}}}" for said in small if said)])


def _line(cells: list[str]) -> str:
    r"""One row; a first cell that begins with ``[`` or ``*`` is no argument of the ``\\`` before it."""
    first, *rest = cells
    guarded = f"{{{first}}}" if first.startswith(("[", "*")) else first
    return " & ".join([guarded, *rest]) + r" \\"
