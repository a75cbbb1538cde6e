"""Figures of one objective against another, task by task. They take DataFrames; nothing is read or written here."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.metrics import METRICS
from bench.report.intervals import ROW, GainAxis, interval_row, probability_axis, remark
from bench.report.style import MUTED, Look, objective_rows, panels

Side = Literal["one", "other"]
"""Of the pairs in `bench.report.significance`."""


def improvements(
    comparisons: pd.DataFrame, tasks: Sequence[str], look: Mapping[str, Look], *, rows: Side, title: str
) -> Figure:
    """How far one objective is ahead of another, with intervals: a panel per task.

    Args:
        comparisons: of `bench.report.significance`.
        tasks: the panels, in order.
        look: of each objective.
        rows: which side of the pairs the rows are named after; the panel's title names the other one.
        title: of the figure.
    """
    figure, axes = _panels(comparisons, tasks, title)
    for ax, of in _each(axes, tasks, comparisons, rows):
        metric, ratio = METRICS[of["metric"][0]], bool((of["scale"] == "log-ratio").all())
        gains = of[["improvement", "improvement_low", "improvement_high"]].to_numpy(dtype=float)
        axis = GainAxis.around(gains, ratio=ratio, percent=metric.percent)
        for y, (center, low, high) in enumerate(gains):
            style, filled = look[of[rows][y]], bool(of["told_apart"][y])
            interval_row(ax, y, axis.mark(center), (axis.at(low), axis.at(high)), style, filled=filled)
            said = "–" if math.isnan(center) else axis.beyond(low, high)
            remark(ax, y, said, size=9)
            seeds, planned = of["seeds"][y], min(of["one_planned"][y], of["other_planned"][y])
            if 0 < seeds < planned:
                remark(ax, y + 0.3 * bool(said), f"{seeds} of {planned}")
        axis.finish(ax)
    return figure


def probabilities(
    comparisons: pd.DataFrame, tasks: Sequence[str], look: Mapping[str, Look], *, rows: Side, title: str
) -> Figure:
    """Probability that a run of one objective beats a run of another, with intervals: a panel per task.

    Args:
        comparisons: of `bench.report.significance`.
        tasks: the panels, in order.
        look: of each objective.
        rows: which side of the pairs the rows are named after.
        title: of the figure.
    """
    figure, axes = _panels(comparisons, tasks, title)
    for ax, of in _each(axes, tasks, comparisons, rows):
        chances = 100 * of[["probability", "probability_low", "probability_high"]].to_numpy(dtype=float)
        for y, (center, low, high) in enumerate(chances):
            interval_row(ax, y, center, (low, high), look[of[rows][y]], filled=bool(of["told_apart"][y]))
        probability_axis(ax)
    return figure


def _panels(comparisons: pd.DataFrame, tasks: Sequence[str], title: str) -> tuple[Figure, list[Axes]]:
    largest = max((int((comparisons["task"] == task).sum()) for task in tasks), default=1)
    return panels(len(tasks), height=1.15 + ROW * largest, title=title)


def _each(
    axes: Sequence[Axes], tasks: Sequence[str], comparisons: pd.DataFrame, rows: Side
) -> Iterator[tuple[Axes, pd.DataFrame]]:
    """The panels that have something to compare, titled, with a name for each row."""
    for ax, task in zip(axes, tasks, strict=True):
        of = comparisons[comparisons["task"] == task].reset_index(drop=True)
        if of.empty:
            ax.set_title(task)
            ax.set(xticks=[], yticks=[])
            ax.text(0.5, 0.5, "nothing to compare", transform=ax.transAxes, ha="center", va="center", color=MUTED)
            continue
        fixed = of["one" if rows == "other" else "other"][0]
        ax.set_title(f"{task}: {fixed} against" if rows == "other" else f"{task}: against {fixed}")
        objective_rows(ax, list(of[rows]))
        yield ax, of
