"""The perfect sampler in plots: a band that no difference under is one."""

from __future__ import annotations

from typing import Literal

import pandas as pd
from matplotlib.axes import Axes

from bench.metrics import Metric
from bench.report.style import MUTED
from bench.report.tables import PERFECT


def perfect_band(ax: Axes, draws: pd.DataFrame, task: str, metric: Metric, along: Literal["x", "y"]) -> None:
    """Range (band) and median (line) of a perfect sampler's draws.

    Args:
        ax: whose ``along`` axis is the metric's.
        draws: ``task, kind, metric, value``.
        task: whose references they are.
        metric: which of them.
        along: the axis.
    """
    of = draws[(draws["task"] == task) & (draws["kind"] == PERFECT) & (draws["metric"] == metric.name)]
    values = of["value"].dropna() * (100 if metric.percent else 1)
    if values.empty:
        return
    span, line = (ax.axhspan, ax.axhline) if along == "y" else (ax.axvspan, ax.axvline)
    span(values.min(), values.max(), color=MUTED, alpha=0.22, lw=0)
    line(float(values.median()), color=MUTED, lw=0.9, alpha=0.7)
