"""The handbook: what is committed is what the catalogue says now, on a page and a figure that can be read."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.mathtext import MathTextParser

from bench.catalog import Description
from bench.handbook.curves import Variant, curves, distinct, panels, pulls, sure_scores, vanishes_until, variants
from bench.handbook.figure import COLUMNS, draw_losses, to_files
from bench.handbook.markdown import display, escape, number
from bench.handbook.page import KINDS, built_in, objectives_page, verdict, write_handbook
from bench.symbols import SYMBOLS, symbols_of

DOCS = Path(__file__).parent.parent / "docs"
ENTRIES = [catalog.describe(name) for catalog in KINDS for name in built_in(catalog)]
EVERY_ENTRY = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry.kind}-{entry.name}")


@pytest.fixture(scope="module")
def page() -> str:
    return objectives_page()


def section(page: str, entry: Description) -> str:
    _, found = page.split(f"\n### {entry.name} ({entry.kind})\n")
    return re.split(r"\n##", found)[0]


# the page


def test_the_committed_page_is_that_of_the_catalogue(page: str) -> None:
    committed = (DOCS / "objectives.md").read_text(encoding="utf-8")
    assert committed == page, "the catalogue has changed: run nox -s docs"


@EVERY_ENTRY
def test_every_entry_has_a_section(page: str, entry: Description) -> None:
    found = section(page, entry)
    for words in (entry.formula, escape(entry.summary), escape(entry.optimum), escape(entry.source)):
        assert words
        assert words in found
    for line in entry.latex.split(r", \quad "):
        assert line in found.replace(" &", "").replace("& ", "")
    if entry.kind != "objective":
        for setting in entry.settings:
            assert f"| `{setting.name}` | {escape(setting.default)} |" in found


def test_sections_of_objectives_name_their_parts(page: str) -> None:
    (wgan_gp,) = (entry for entry in ENTRIES if (entry.kind, entry.name) == ("objective", "wgan-gp"))
    found = section(page, wgan_gp)
    assert "| `loss` | [wasserstein](#wasserstein-loss) |" in found
    assert '[gradient-penalty](#gradient-penalty-penalty) `weight = 10.0, center = 1.0, side = "both"`' in found
    assert "| `n_critic` | 5 |" in found
    assert "| both optimizers | adam `learning_rate = 0.0001, beta1 = 0.0, beta2 = 0.9` |" in found


def test_links_lead_somewhere(page: str) -> None:
    headings = re.findall(r"^#+ (.*)$", page, re.MULTILINE)
    anchors = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
    assert len(anchors) == len(set(anchors))
    assert set(re.findall(r"\]\(#(.*?)\)", page)) <= set(anchors)
    files = set(re.findall(r"\]\(([^#)]+)\)", page))
    assert all((DOCS / file).is_file() for file in files)


def test_tables_have_as_many_cells_in_each_row(page: str) -> None:
    tables = re.findall(r"(?:^\|.*\|\n)+", page, re.MULTILINE)
    assert len(tables) > 30
    for table in tables:
        cells = {len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}
        assert len(cells) == 1, table


def test_text_is_shown_as_it_stands() -> None:
    assert escape("d* = a_b, L_D*, |x| ~ U, `a|b*`") == r"d\* = a_b, L_D\*, \|x\| \~ U, `a\|b*`"
    assert escape("p < q, <b>") == r"p < q, \<b>"


# formulas

COMMANDS = {
    "mathbb", "mathrm", "mathbf", "quad", "tfrac", "frac", "sum", "max", "min", "log", "cos", "tanh", "hat", "bar",
    "nabla",
    "lVert", "rVert", "Vert", "lvert", "rvert", "left", "right", "top", "dots", "sim", "neq", "leftarrow", "circ",
    "odot", "zeta", "sigma", "lambda", "gamma", "alpha", "beta", "delta", "varepsilon", "theta", "varphi", "chi",
    "partial", "ast", "times", "cdot", "sqrt", "le", "ge",
    "eta", "nu", "rho", "tau", "pi", "tilde", "mathcal", "exp", "in", "leq", "geq",
}  # fmt: skip
"""What MathJax knows without an extension and GitHub does not refuse."""
FOR_MATHTEXT = {r"\tfrac": r"\frac", r"\lVert": r"\|", r"\rVert": r"\|", r"\lvert": "|", r"\rvert": "|"}


@pytest.mark.parametrize("latex", sorted({entry.latex for entry in ENTRIES} | {symbol.latex for symbol in SYMBOLS}))
def test_formulas_are_latex(latex: str) -> None:
    assert set(re.findall(r"\\([A-Za-z]+)", latex)) <= COMMANDS
    assert set(re.findall(r"\\([^A-Za-z])", latex)) <= {",", ";"}
    assert not set(latex) & set("|<>$#%~"), "these mean something in a table, in Markdown or to TeX"
    assert latex.isascii()
    known = re.sub(r"\\[A-Za-z]+", lambda command: FOR_MATHTEXT.get(command[0], command[0]), latex)
    MathTextParser("path").parse(f"${known}$")


def test_equations_stand_below_each_other() -> None:
    assert display("L = x") == "```math\nL = x\n```"
    both = display(r"L_D = x, \quad k \leftarrow y")
    assert both.splitlines()[2:4] == ["L_D & = x \\\\", r"k & \leftarrow y"]
    assert display(r"x, \quad y = 1").splitlines()[2:4] == ["& x \\\\", "& y = 1"]


@EVERY_ENTRY
def test_the_greek_of_a_formula_is_explained(entry: Description) -> None:
    """By a symbol, by a setting, by the formula itself, or (of an objective) by what a part of it says."""
    letters = set(re.findall(r"[α-ωά-ώ]", entry.formula))
    if entry.kind == "objective":
        letters -= set("λγδαθφ")  # of its penalties, or k's gain: explained where they are
    symbols = "".join(symbol.plain for symbol in symbols_of(entry))
    settings = " ".join(setting.meaning for setting in entry.settings)
    _, *definitions = entry.formula.split("  ")
    assert all(letter in symbols + settings + " ".join(definitions) for letter in letters)


# the curves

NEVER_VANISH = [
    "hinge", "least-squares", "non-saturating", "wasserstein",
    "relativistic-average (logistic)", "relativistic-pairing (logistic)", "energy",
]  # fmt: skip


def test_the_table_shows_the_known_limits() -> None:
    limits = {str(variant): pull[-1] for variant, pull in pulls()}
    assert limits["minimax"] == pytest.approx(0, abs=1e-12)
    assert limits["non-saturating"] == pytest.approx(1)
    assert limits["wasserstein"] == limits["hinge"] == limits["energy"] == 1
    assert limits["least-squares"] == 31
    assert limits["relativistic-pairing (logistic)"] == pytest.approx(1)
    assert limits["f-divergence (pearson)"] == -14
    assert limits["f-divergence (reverse-kl, trick)"] == pytest.approx(np.exp(30))


@pytest.mark.parametrize("variant", variants(), ids=str)
def test_pulls_are_differences_of_the_loss(variant: Variant) -> None:
    step = 1e-5
    direction = 1 if variant.of_energies else -1
    for score in (score + 0.3 for score in sure_scores(variant)[:3]):
        low, middle, high = (curves(variant, [score + by]) for by in (-step, 0, step))
        slope = (high.generator[0] - low.generator[0]) / (2 * step)
        assert middle.pull[0] == pytest.approx(direction * slope, rel=1e-4, abs=1e-6)


def test_only_what_vanishes_is_said_to() -> None:
    gone = {str(panel.variant): vanishes_until(panel.drawn) for panel in panels()}
    # below 1 % of ½: σ(f) = 0.005 at f = −5.29, between two of the points
    assert gone["minimax"] == pytest.approx(-5.29, abs=0.1)
    assert gone["f-divergence (kl)"] == pytest.approx(np.log(0.01), abs=0.1)
    assert all(gone[name] is None for name in NEVER_VANISH if name in gone)
    said = {str(variant): verdict(pull) for variant, pull in pulls()}
    assert all("vanishes" not in said[name] for name in NEVER_VANISH)
    assert {name for name, until in gone.items() if until is not None} <= {n for n in said if "vanishes" in said[n]}


def test_every_loss_is_drawn_or_equals_one_that_is() -> None:
    drawn = panels()
    shown = {panel.variant.loss for panel in drawn} | {other.loss for panel in drawn for other, _ in panel.equals}
    assert shown == set(built_in(KINDS[0]))
    equal = {str(other): (str(panel.variant), factor) for panel in drawn for other, factor in panel.equals}
    assert equal["f-divergence (gan)"] == ("minimax", 1)
    assert equal["f-divergence (gan, trick)"] == ("non-saturating", 1)
    assert equal["relativistic-pairing (hinge)"] == ("relativistic-average (hinge)", 0.5)


def test_choices_that_change_no_curve_are_left_out() -> None:
    assert [str(variant) for variant in distinct("energy")] == ["energy"]
    assert {variant.settings["kind"] for variant in distinct("f-divergence")} >= {"kl", "gan"}
    assert len([variant for variant in distinct("f-divergence") if variant.settings["kind"] == "total-variation"]) == 1


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1, "1"),
        (-1.5, "−1.5"),
        (0.00669285, "0.00669"),
        (4.54e-5, "4.5 · 10⁻⁵"),
        (1e-14, "< 10⁻¹²"),
        (1.07e13, "1.1 · 10¹³"),
    ],
)
def test_numbers(value: float, shown: str) -> None:
    assert number(value) == shown


# the figure


def test_the_figure_has_two_axes_per_panel_and_a_legend() -> None:
    drawn = panels()
    figure = draw_losses(drawn)
    assert len(figure.axes) == 2 * len(drawn) + 1
    assert figure.axes[-1].get_legend() is not None
    titles = [ax.texts[0].get_text() for ax in figure.axes[: 2 * len(drawn) : 2]]
    assert titles == [panel.variant.loss for panel in drawn]
    assert len(drawn) % COLUMNS != 0, "the legend stands beside the last panel"


def test_writing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    paths = [list(write_handbook(tmp_path / which)) for which in ("one", "other")]
    assert [path.name for path in paths[0]] == ["losses.svg", "losses.png", "objectives.md"]
    assert [path.read_bytes() for path in paths[0]] == [path.read_bytes() for path in paths[1]]
    svg, png = to_files(draw_losses(panels()[:2]))
    assert svg.startswith(b"<?xml")
    assert b"<dc:date>" not in svg
    assert png.startswith(b"\x89PNG")
