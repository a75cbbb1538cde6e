"""How numbers and figures look: one colour, marker and dash per objective, and formats of values."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.legend import Legend
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from bench.metrics import Metric

INK, MUTED, RULE, PAPER = "#1c2126", "#68727d", "#dde1e6", "#fefefe"
"""Text, secondary text, grid, ground. The page replaces them in its inlined figures, so that they follow its theme."""

COLORS = (
    "#0072b2",
    "#e08a00",
    "#009e73",
    "#d55e00",
    "#cf7fb8",
    "#56b4e9",
    "#7b3ff2",
    "#a34a68",
    "#8d949c",
    "#6f8f1e",
)
"""Okabe & Ito 2008 without black and yellow, and four more; all legible on white and on near-black."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p")
Dash = tuple[float, tuple[float, ...]]
DASHES: tuple[Dash, ...] = ((0, ()), (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))


@dataclasses.dataclass(frozen=True)
class Look:
    """How one objective is drawn, everywhere."""

    color: str
    marker: str
    dash: Dash


MANY_MARKS = 400
"""Marks of a figure that are drawn as paths; of more, runs' marks are pixels: as paths they take megabytes."""


def looks(objectives: Sequence[str]) -> dict[str, Look]:
    """A look for each objective, in order; past ten, colours come back with another marker."""
    return {
        name: Look(
            COLORS[i % len(COLORS)],
            MARKERS[(i + i // len(COLORS)) % len(MARKERS)],
            DASHES[i % len(DASHES)],
        )
        for i, name in enumerate(objectives)
    }


@contextmanager
def theme() -> Iterator[None]:
    """Calm axes, text kept as text in SVG."""
    settings: dict[Any, Any] = {
        "figure.dpi": 100,
        "savefig.dpi": 140,
        "font.size": 9,
        "axes.titlesize": 10,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.titlepad": 8,
        "axes.labelsize": 9,
        "axes.labelcolor": MUTED,
        "axes.edgecolor": RULE,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": RULE,
        "grid.linewidth": 0.6,
        "text.color": INK,
        "text.parse_math": False,  # labels come from suites: a dollar is a dollar
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.major.size": 0,
        "ytick.major.size": 0,
        "xtick.minor.size": 0,
        "ytick.minor.size": 0,
        "legend.frameon": False,
        "legend.fontsize": 9,
        "lines.linewidth": 1.6,
        "svg.fonttype": "none",
        "svg.hashsalt": "ganbench",  # the same figure is the same file
        "axes.unicode_minus": True,
    }
    with mpl.rc_context(), sns.axes_style("white"), mpl.rc_context(settings):
        yield


def logarithmic(ax: Axes, axis: str = "y", *, narrow: bool = False) -> None:
    """A logarithmic axis with plain numbers (0.01, 0.1, 1) and enough of them; fewer where it is narrow."""
    getattr(ax, f"set_{axis}scale")("log")
    which = ax.yaxis if axis == "y" else ax.xaxis
    low, high = sorted(ax.get_ylim() if axis == "y" else ax.get_xlim())
    decades = math.log10(high / low) if low > 0 else 3.0
    steps = (1.0, 2.0, 5.0) if decades < 2.2 else (1.0, 3.0) if decades < 3.2 and not narrow else (1.0,)
    which.set_major_locator(LogLocator(subs=steps, numticks=20))
    which.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))
    which.set_minor_locator(NullLocator())
    which.set_minor_formatter(NullFormatter())


def thousands(ax: Axes) -> None:
    """Counts on the x axis as 500, 20k, 1.5M."""
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))


def panels(count: int, *, columns: int | None = None, height: float, title: str) -> tuple[Figure, list[Axes]]:
    """A titled figure of ``count`` axes, at most ``columns`` (three) beside each other, each ``height`` inches high."""
    columns = columns or max(1, min(3, count))
    rows = max(1, math.ceil(count / columns))
    width = {1: 6.2, 2: 8.6}.get(columns, 10.4)
    figure = Figure(figsize=(width, rows * height + 0.45), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.06, wspace=0.03, hspace=0.04)  # type: ignore[union-attr, call-arg]
    figure.suptitle(title, x=0.008, ha="left", fontsize=11, fontweight="bold", color=INK)
    grid = figure.subplots(rows, columns, squeeze=False)
    flat = [ax for line in grid for ax in line]
    for ax in flat[count:]:
        ax.set_axis_off()
    return figure, flat[:count]


def legend(figure: Figure, axes: Sequence[Axes], columns: int = 6) -> None:
    """One legend for all ``axes``, below them and outside of the data; the figure grows by its rows past the first."""
    entries: dict[str, Artist] = {}
    for ax in axes:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    if entries:
        widest = max(map(len, entries))
        columns = max(1, min(columns, len(entries), int(figure.get_figwidth() * 72 / (widest * 5.2 + 42))))
        made = figure.legend(
            list(entries.values()),
            list(entries),
            loc="outside lower left",
            ncols=columns,
            handlelength=2.4,
            columnspacing=1.6,
        )
        _grow(figure, made, rows=math.ceil(len(entries) / columns))


def _grow(figure: Figure, made: Legend, rows: int) -> None:
    """Make a figure higher by a legend's rows past the first, for which `panels` has room: its panels stay as high."""
    size = made.prop.get_size_in_points()
    padding, gap = 2 * made.borderpad * size, made.labelspacing * size
    row = (made.get_window_extent().height * 72 / figure.dpi - padding + gap) / rows
    low = figure.get_figheight()
    figure.set_figheight(low + (rows - 1) * row / 72)
    engine = figure.get_layout_engine()
    if isinstance(engine, ConstrainedLayoutEngine):  # its space between rows is a share of the figure
        engine.set(hspace=engine.get()["hspace"] * low / figure.get_figheight())


def plural(word: str, count: int) -> str:
    """``run`` of one, ``runs`` of any other number."""
    return word if count == 1 else f"{word}s"


def name_lines(name: str, width: int = 17) -> str:
    """An objective's name for a figure: in two lines where it is long, cut where it is longer still."""
    if len(name) <= width:
        return name
    breaks = [i + 1 for i, letter in enumerate(name[:width]) if letter in "-.+·" and i >= width // 3]
    cut = breaks[-1] if breaks else width
    rest = name[cut:]
    return f"{name[:cut]}\n{rest if len(rest) <= width else rest[: width - 1] + '…'}"


def objective_rows(ax: Axes, names: Sequence[str], lines: int | None = None, *, named: bool = True) -> None:
    """Objectives from top to bottom as the rows of a plot with room for ``lines``."""
    ax.set_ylim(max(lines or len(names), 1) - 0.45, -0.55)
    ax.tick_params(axis="y", labelcolor=INK, labelsize=9 if all(len(name) <= 17 for name in names) else 7.5)
    labels = [name_lines(name) for name in names] if named else [""] * len(names)
    ax.set_yticks(range(len(names)), labels, linespacing=0.95)
    ax.grid(False, axis="y")


def short(value: float) -> str:
    """``500``, ``20k``, ``1.5M``."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


def share(value: float) -> str:
    """``44 %``, with a space that does not break."""
    return f"{100 * value:.0f}\u00a0%"


def shares(low: float, high: float) -> str:
    """``[44–100 %]``."""
    return f"[{100 * low:.0f}–{100 * high:.0f}\u00a0%]"


def plain(value: float) -> str:
    """A number in full: 0.0001 to 999 in full, 20k, 1.5M."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else "–"
    if abs(value) >= 1_000:
        return short(value)
    return f"{value:.3g}" if abs(value) >= 1e-4 else f"{value:.0e}"


def shown(value: float | None, metric: Metric) -> str:
    """A metric's value as tables show it; ``–`` where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    value = value * (100 if metric.percent else 1)
    decimals = 1 if metric.decimals == 0 and value != round(value) else metric.decimals  # a median between two counts
    text = f"{value:.{decimals}f}"
    return text.replace("-", "−") if float(text) else text.lstrip("-")


def unit(metric: Metric) -> str:
    """``FID``, ``Recall (%)``, with which way is better."""
    arrow = "lower is better" if metric.better == "lower" else "higher is better"
    return f"{metric.title}{' (%)' if metric.percent else ''}, {arrow}"
