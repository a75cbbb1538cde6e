"""Figures of tuning: the best that a budget finds, and slices of the search space."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench import statistics
from bench.metrics import METRICS, Metric
from bench.report.floor import perfect_band
from bench.report.style import PAPER, Look, legend, logarithmic, panels, unit
from bench.settings import Scalar
from bench.tuned import ParameterOutcome, StudyOutcome

POINTS = 100
"""Of a curve, at most."""


def best_against_budget(
    tasks: Mapping[str, Sequence[StudyOutcome]],
    draws: pd.DataFrame,
    known_as: Mapping[str, str],
    look: Mapping[str, Look],
    *,
    is_random: bool,
) -> Figure:
    """The best validation metric over the number of trials, a panel per task.

    Of random trials the expected best of k of them, with 95 % bands; of others the best so far, which depends on their
    order and tells nothing of smaller budgets.

    Args:
        tasks: the studies of each.
        draws: ``task, kind, metric, value`` of the references: a perfect sampler is a band.
        known_as: what the references call each task.
        look: of each objective.
        is_random: whether trials are independent draws.
    """
    title = "Expected best of k random trials" if is_random else "Best so far"
    figure, flat = panels(len(tasks), height=2.9, title=title)
    for ax, (task, studies) in zip(flat, tasks.items(), strict=True):
        metric = METRICS[studies[0].metric]
        perfect_band(ax, draws, known_as.get(task, ""), metric, "y")
        drawn: list[float] = []
        for study in studies:
            values = [trial.value for trial in study.trials]
            drawn += _curve(ax, study.objective, values, metric, look[study.objective], is_random=is_random)
        if metric.log_scale and drawn and min(drawn) > 0:
            logarithmic(ax)
        ax.set(title=task, ylabel=f"{unit(metric)}, validation")
        ax.set_xlabel("trials")
        ax.locator_params(axis="x", integer=True)
    legend(figure, flat)
    return figure


def _curve(
    ax: Axes, name: str, values: Sequence[float | None], metric: Metric, style: Look, *, is_random: bool
) -> list[float]:
    """One objective's line, and its band where it has one; what was drawn."""
    scale = 100 if metric.percent else 1
    k = np.arange(1, len(values) + 1)
    if is_random and len(values) > POINTS:
        k = np.unique(np.geomspace(1, len(values), POINTS).round().astype(int))
    marks = {"marker": style.marker, "markevery": max(1, len(k) // 8), "ms": 4.5, "mew": 0}
    if not is_random:
        best = scale * np.array(statistics.best_so_far(values, metric.better))
        ax.plot(k, best, color=style.color, ls=style.dash, drawstyle="steps-post", label=name, **marks)  # type: ignore[arg-type]
        return [float(value) for value in best if math.isfinite(value)]
    found = statistics.expected_best(values, metric.better, k.tolist())
    low, center, high = (
        scale * np.array([getattr(interval, end) for interval in found]) for end in ("low", "estimate", "high")
    )
    ax.fill_between(k, low, high, color=style.color, alpha=0.13, lw=0)
    ax.plot(k, center, color=style.color, ls=style.dash, label=name, **marks)  # type: ignore[arg-type]
    return [float(value) for value in (*low, *center, *high) if math.isfinite(value)]


def slices(task: str, studies: Sequence[StudyOutcome], look: Mapping[str, Look]) -> Figure:
    """Every trial's value over each setting that was searched, a panel per setting.

    Args:
        task: whose studies they are.
        studies: one per objective.
        look: of each objective.
    """
    searched: dict[str, ParameterOutcome] = {}
    for study in studies:
        for parameter in study.parameters:
            searched.setdefault(parameter.path, parameter)
    metric = METRICS[studies[0].metric]
    figure, flat = panels(len(searched), height=2.3, title=f"{task}: trials over each setting")
    for place, (ax, (path, parameter)) in enumerate(zip(flat, searched.items(), strict=True)):
        choices = _choices(path, studies)
        values = [
            value
            for number, study in enumerate(studies)
            for value in _scatter(ax, study, path, choices, number - (len(studies) - 1) / 2, look[study.objective])
        ]
        if metric.log_scale and values and min(values) > 0:
            logarithmic(ax)
        if choices:
            ax.set_xticks(range(len(choices)), [str(choice) for choice in choices])
            ax.set_xlim(-0.5, len(choices) - 0.5)
        elif parameter.log:
            logarithmic(ax, "x", narrow=True)
        ax.set_xlabel(path, fontsize=9 if len(path) < 30 else 7.5)
        if place % 3 == 0:
            ax.set_ylabel(f"{metric.title}, validation")
    legend(figure, flat)
    return figure


def _choices(path: str, studies: Sequence[StudyOutcome]) -> list[Scalar]:
    """The choices of a setting over all studies; empty where any searches a range of it."""
    of = [parameter for study in studies for parameter in study.parameters if parameter.path == path]
    if not all(parameter.choices for parameter in of):
        return []
    return list(dict.fromkeys(choice for parameter in of for choice in parameter.choices))


def _scatter(
    ax: Axes, study: StudyOutcome, path: str, choices: Sequence[Scalar], beside: float, style: Look
) -> list[float]:
    """One objective's trials over one setting; those without a value stand on the frame's worse edge."""
    metric = METRICS[study.metric]
    scale = 100 if metric.percent else 1
    placed = []
    for trial in study.trials:
        setting = trial.settings.get(path)
        if setting is None:
            continue
        x = choices.index(setting) + 0.12 * beside if choices else float(setting)
        placed.append((x, trial.value, trial.slot == study.best))
    drawn = [(x, scale * value, best) for x, value, best in placed if value is not None]
    mark = {"marker": style.marker, "color": style.color, "ls": ""}
    ax.plot([x for x, *_ in drawn], [y for _, y, _ in drawn], ms=4.5, mew=0, alpha=0.65, label=study.objective, **mark)  # type: ignore[arg-type]
    for x, y, best in drawn:
        if best:
            ax.plot(x, y, ms=8, mec=PAPER, mew=0.9, zorder=4, **mark)  # type: ignore[arg-type]
    without = [x for x, value, _ in placed if value is None]
    if without:
        edge = [1.0 if metric.better == "lower" else 0.0] * len(without)
        ax.plot(without, edge, "|", color=style.color, ms=9, mew=1.4, transform=ax.get_xaxis_transform(), clip_on=False)
    return [y for _, y, _ in drawn]
