"""The figure of the losses: a panel for each, losses above, the generator's gradient below."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from bench.handbook.curves import Panel, vanishes_until
from bench.report.style import INK, MUTED, RULE, Dash, theme

REAL, FAKE, GENERATOR = "#0072b2", "#d55e00", "#009e73"
"""Of Okabe & Ito 2008: L_D over the real score, over the fake score, and the generator."""
GONE, GONE_INK = "#f6e3ee", "#9a4577"
"""Where the generator's gradient has vanished; pale, and marked in words as well."""
COLUMNS = 4
SCORES, LOSSES = (-10.0, 10.0), (-5.5, 10.5)
ENERGIES, ENERGY_LOSSES = (15.0, 0.0), (-8.0, 27.0)
PULLS = (2e-3, 2e2)
SOLID: Dash = (0, ())
DASHED: Dash = (0, (2.2, 1.1))
DOTTED: Dash = (0, (0.7, 0.7))
DASH_DOTTED: Dash = (0, (6, 1.4, 1.2, 1.4))


@contextmanager
def _look() -> Iterator[None]:
    with theme(), mpl.rc_context({"svg.fonttype": "path", "svg.hashsalt": "ganbench", "font.family": "DejaVu Sans"}):
        yield


def draw_losses(panels: Sequence[Panel]) -> Figure:
    """A pair of axes per panel, and one with the legend."""
    rows = math.ceil((len(panels) + 1) / COLUMNS)
    with _look():
        figure = Figure(figsize=(10.4, 2.62 * rows), facecolor="white")
        grid = figure.add_gridspec(
            rows, COLUMNS, left=0.05, right=0.99, top=1 - 0.2 / rows, bottom=0.17 / rows, wspace=0.19, hspace=0.37
        )
        for i, panel in enumerate(panels):
            cell = grid[i // COLUMNS, i % COLUMNS].subgridspec(2, 1, height_ratios=(3, 2), hspace=0.07)
            above = figure.add_subplot(cell[0])
            below = figure.add_subplot(cell[1], sharex=above)
            _draw_panel(above, below, panel, first=i % COLUMNS == 0)
        _draw_legend(figure, grid, len(panels))
    return figure


def to_files(figure: Figure) -> tuple[bytes, bytes]:
    """The figure as SVG and as PNG: the same bytes whenever the same versions draw it."""
    vector, picture = io.BytesIO(), io.BytesIO()
    with _look():
        figure.savefig(vector, format="svg", metadata={"Date": None, "Creator": None})
        figure.savefig(picture, format="png", metadata={"Software": None})
    return vector.getvalue(), picture.getvalue()


def _draw_panel(above: Axes, below: Axes, panel: Panel, *, first: bool) -> None:
    drawn, energies = panel.drawn, panel.variant.of_energies
    _name(above, panel)
    for ax in (above, below):
        ax.axvline(0, color=RULE, linewidth=0.9, zorder=1)
        if (until := vanishes_until(drawn)) is not None:
            ax.axvspan(float(drawn.scores[0]), until, color=GONE, linewidth=0, zorder=0)
            if ax is below:
                ax.text(drawn.scores[0], PULLS[1], " vanished", fontsize=7.5, color=GONE_INK, va="top")
    above.axhline(0, color=RULE, linewidth=0.9, zorder=1)
    _draw_generator(above, drawn.scores, drawn.generator)
    # its sign is the direction: a logarithmic axis shows the one, the line's dots the other
    _draw_generator(below, drawn.scores, np.where(drawn.pull > 0, drawn.pull, np.nan))
    _draw_generator(below, drawn.scores, np.where(drawn.pull < 0, -drawn.pull, np.nan), linestyle=DOTTED)
    if panel.trick is not None:
        _draw_generator(above, panel.trick.scores, panel.trick.generator, linestyle=DASHED)
        _draw_generator(below, panel.trick.scores, panel.trick.pull, linestyle=DASHED)
    # thin and on top: they often lie where the generator's loss does
    above.plot(drawn.scores, drawn.of_real, color=REAL, linewidth=1.1)
    above.plot(drawn.scores, drawn.of_fake, color=FAKE, linewidth=1.1, linestyle=DASH_DOTTED)
    _lay_out(above, below, energies=energies, first=first)


def _draw_generator(ax: Axes, scores: np.ndarray, values: np.ndarray, linestyle: Dash = SOLID) -> None:
    ax.plot(scores, values, color=GENERATOR, linewidth=2.8, linestyle=linestyle, solid_capstyle="butt")


def _name(ax: Axes, panel: Panel) -> None:
    """The loss in bold; below it its choice, and what has the same curves."""
    equals = "; ".join(
        f"{other.loss if other.choice == panel.variant.choice else other}: {_times(factor)}"
        for other, factor in panel.equals
    )
    choice = panel.variant.choice
    note = f"{choice} ({equals})" if choice and equals else choice or equals
    ax.text(0, 1.17, panel.variant.loss, transform=ax.transAxes, fontsize=9.5, fontweight="bold", color=INK)
    ax.text(0, 1.045, note, transform=ax.transAxes, fontsize=7.6, color=MUTED)


def _times(factor: float) -> str:
    """How the other's curves stand to the panel's."""
    return {1.0: "the same", 0.5: "half of it"}.get(factor, f"{factor:g} times")


def _lay_out(above: Axes, below: Axes, *, energies: bool, first: bool) -> None:
    above.set_xlim(*(ENERGIES if energies else SCORES))
    above.set_ylim(*(ENERGY_LOSSES if energies else LOSSES))
    above.yaxis.set_major_locator(FixedLocator([0, 10, 20] if energies else [-5, 0, 5, 10]))
    below.xaxis.set_major_locator(FixedLocator([15, 10, 5, 0] if energies else [-10, -5, 0, 5, 10]))
    below.set_yscale("log")
    below.set_ylim(*PULLS)
    below.yaxis.set_major_locator(FixedLocator([0.01, 1, 100]))
    below.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    below.yaxis.set_minor_locator(NullLocator())
    below.yaxis.set_minor_formatter(NullFormatter())
    for axis in (above.xaxis, above.yaxis, below.xaxis, below.yaxis):
        axis.set_tick_params(labelsize=7.8, pad=2)
    above.tick_params(axis="x", labelbottom=False)
    above.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("-", "−")))
    below.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("-", "−")))
    for ax in (above, below):
        ax.grid(True, axis="y", linewidth=0.5)
        ax.grid(False, axis="x")
        ax.spines["bottom"].set_visible(ax is below)
        ax.spines["left"].set_visible(False)
    if first:
        above.set_ylabel("loss", fontsize=8.5, labelpad=3)
        below.set_ylabel("gradient", fontsize=8.5, labelpad=3)
    below.set_xlabel(
        "energy  (left: surely fake)" if energies else "score  (left: surely fake)", fontsize=7.8, labelpad=1
    )


def _draw_legend(figure: Figure, grid: GridSpec, used: int) -> None:
    ax = figure.add_subplot(grid[used // COLUMNS, used % COLUMNS :])
    ax.set_axis_off()
    entries = {
        "L_D, the discriminator's loss, over the score of a real sample": _line(REAL, 1.1),
        "L_D over the score of a generated sample": _line(FAKE, 1.1, DASH_DOTTED),
        "L_G, the generator's loss, and below it the size of its gradient |∂L_G/∂f|": _line(GENERATOR, 2.8),
        "the same two with trick = true": _line(GENERATOR, 2.8, DASHED),
        "gradient that pushes away from where real samples score": _line(GENERATOR, 2.8, DOTTED),
        "gradient below 1 % of its size at a score of 0": Patch(color=GONE, linewidth=0),
    }
    ax.legend(list(entries.values()), list(entries), loc="upper left", fontsize=8.6, handlelength=3.6, labelspacing=0.7)


def _line(color: str, width: float, dash: Dash = SOLID) -> Artist:
    return Line2D([], [], color=color, linewidth=width, linestyle=dash)
