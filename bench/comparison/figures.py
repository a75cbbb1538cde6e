"""The figure of a comparison. It takes verdicts and returns a Figure; nothing is read or written here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.comparison.verdicts import Outcome, Verdict
from bench.report.intervals import ROW, GainAxis, interval_row, remark
from bench.report.style import Look, objective_rows, panels


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
        axis = GainAxis.around(np.array([_ends(each) for each in of]), ratio=ratio, percent=of[0].metrics[0].percent)
        for y, verdict in enumerate(of):
            _row(ax, y, verdict, axis, look[verdict.objective])
        metrics = ", ".join(dict.fromkeys(metric.title for verdict in of for metric in verdict.metrics))
        ax.set_title(f"{task}: {metrics}")
        objective_rows(ax, [verdict.objective for verdict in of], largest)
        axis.finish(ax)
    return figure


def _ends(verdict: Verdict) -> tuple[float, float, float]:
    if verdict.comparison is None:
        return math.nan, math.nan, math.nan
    interval = verdict.comparison.improvement
    return interval.estimate, interval.low, interval.high


def _row(ax: Axes, y: int, verdict: Verdict, axis: GainAxis, style: Look) -> None:
    """A cell's line: its interval, filled where it is told apart; a remark where it has none."""
    center, low, high = _ends(verdict)
    if verdict.outcome is Outcome.IDENTICAL or math.isnan(center):
        said = str(verdict.outcome) if verdict.outcome in (Outcome.IDENTICAL, Outcome.FAILED) else "–"
        remark(ax, y, said)
        return
    told = verdict.outcome in (Outcome.WORSE, Outcome.BETTER)
    interval_row(ax, y, axis.mark(center), (axis.at(low), axis.at(high)), style, filled=told)
    remark(ax, y, axis.beyond(low, high), size=9)
