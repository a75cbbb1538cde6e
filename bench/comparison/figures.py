"""The figure of a comparison. It takes verdicts and returns a Figure; nothing is read or written here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.comparison.verdicts import Outcome, Verdict
from bench.report.style import INK, MUTED, PAPER, Look, logarithmic, objective_rows, panels

ROW = 0.27
"""Height of one objective's line, inches."""


def improvement_intervals(cells: Sequence[Verdict], tasks: Sequence[str], look: Mapping[str, Look]) -> Figure:
    """How much better the later results of each cell are, with 95 % intervals.

    Args:
        cells: a verdict per cell.
        tasks: the panels, in order.
        look: of each objective.
    """
    of_task = {task: [verdict for verdict in cells if verdict.task == task] for task in tasks}
    largest = max((len(of) for of in of_task.values()), default=1)
    figure, axes = panels(
        len(tasks), height=1.15 + ROW * largest, title="B against A: improvement of each cell with 95 % interval"
    )
    for ax, task in zip(axes, tasks, strict=True):
        of = of_task[task]
        ratio = all(verdict.scale == "log-ratio" for verdict in of)
        scale = 1 if ratio or not of[0].metrics[0].percent else 100
        ends = scale * np.array([_ends(verdict) for verdict in of])
        finite = np.append(ends[np.isfinite(ends)], 0.0)  # before any exp: exp(−∞) is a finite number
        pad = 0.12 * float(np.ptp(finite)) or 0.5
        left, right = float(finite.min()) - pad, float(finite.max()) + pad
        transform = math.exp if ratio else float
        for y, (verdict, (center, low, high)) in enumerate(zip(of, ends, strict=True)):
            _interval(ax, y, verdict, (center, low, high), (left, right), look[verdict.objective], ratio=ratio)
        ax.axvline(transform(0.0), color=INK, lw=1)
        ax.set_xlim(transform(left), transform(right))
        if ratio:
            logarithmic(ax, "x")
        metrics = ", ".join(dict.fromkeys(metric.title for verdict in of for metric in verdict.metrics))
        ax.set_title(f"{task}: {metrics}")
        objective_rows(ax, [verdict.objective for verdict in of], largest)
        ax.set_xlabel("times as good" if ratio else "better by, in points" if scale == 100 else "better by")
    return figure


def _ends(verdict: Verdict) -> tuple[float, float, float]:
    if verdict.comparison is None:
        return math.nan, math.nan, math.nan
    interval = verdict.comparison.improvement
    return interval.estimate, interval.low, interval.high


def _interval(
    ax: Axes,
    y: int,
    verdict: Verdict,
    ends: tuple[float, float, float],
    limits: tuple[float, float],
    style: Look,
    *,
    ratio: bool,
) -> None:
    """A cell's line: its interval, filled where it is told apart; a remark where it has none."""
    center, low, high = ends
    left, right = limits
    transform = math.exp if ratio else float
    if verdict.outcome is Outcome.IDENTICAL or math.isnan(center):
        said = str(verdict.outcome) if verdict.outcome in (Outcome.IDENTICAL, Outcome.FAILED) else "–"
        ax.text(1.015, y, said, transform=ax.get_yaxis_transform(), va="center", fontsize=7.5, color=MUTED)
        return
    if not math.isnan(low):
        drawn = [transform(min(max(value, left), right)) for value in (low, high)]
        ax.plot(drawn, [y, y], color=style.color, lw=2.2)
    told = verdict.outcome in (Outcome.WORSE, Outcome.BETTER)
    if left <= center <= right:
        filled = style.color if told else PAPER
        ax.plot(transform(center), y, style.marker, color=style.color, mfc=filled, mew=1.5, ms=6.5)
    beyond = ", ".join(["0" if ratio else "−∞"] * bool(low < left) + ["∞"] * bool(high > right))
    ax.text(1.015, y, beyond, transform=ax.get_yaxis_transform(), va="center", fontsize=9, color=MUTED)
