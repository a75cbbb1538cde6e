"""The figure of quality against cost, and its Pareto front."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench import statistics
from bench.metrics import Metric
from bench.report.floor import perfect_band
from bench.report.style import COLORS, INK, MANY_MARKS, MUTED, PAPER, Look, legend, logarithmic, panels


def quality_cost(
    points: pd.DataFrame,
    draws: pd.DataFrame,
    metrics: Mapping[str, Metric],
    tasks: Sequence[str],
    look: Mapping[str, Look],
    *,
    timed: Collection[str],
) -> Figure:
    """The metric that ranks over what a run cost, with the Pareto front of the medians.

    Where `is_dense`, medians off the front are small and pale.

    Args:
        points: ``task, objective, seconds, images, value, planned``, a row per recorded run; NaN for a run without a
            value. ``planned`` counts the objective's runs, those without a record too.
        draws: ``task, kind, metric, value`` of the references: a perfect sampler is a band.
        metrics: the one that ranks in each task.
        tasks: the panels' columns, in order.
        look: of each objective.
        timed: tasks whose seconds compare: all of their runs were made on the same hardware.
    """
    costs = (("seconds", "seconds of training per run"), ("images", "real images shown per run"))
    figure, flat = panels(
        2 * len(tasks), columns=len(tasks), height=2.7, title="Quality against cost: medians, seeds and Pareto front"
    )
    for row, (cost, label) in enumerate(costs):
        for column, task in enumerate(tasks):
            ax, metric = flat[row * len(tasks) + column], metrics[task]
            every = points[points["task"] == task]
            of = every[every[cost] > 0].dropna(subset=["value"])
            scale = 100 if metric.percent else 1
            if cost == "seconds" and task not in timed:
                _say(ax, task, "runs were made on different hardware:\ntheir seconds do not compare")
                continue
            perfect_band(ax, draws, task, metric, "y")
            front, dense = front_of(points, metric, task, cost), is_dense(points, task)
            for name in look:
                cell, planned = of[of["objective"] == name], every.loc[every["objective"] == name, "planned"].max()
                if cell.empty:
                    continue
                x, y = cell[cost], cell["value"] * scale
                style, center = look[name], (float(x.median()), float(y.median()))
                mark: dict[str, Any] = {"marker": style.marker, "color": style.color, "ls": ""}
                mark |= {"mec": PAPER, "mew": 0.8}
                large = mark | {"ms": 8, "zorder": 3}
                ax.plot([], [], label=name, **large)
                alpha, many = 0.2 if dense else 0.35, len(points) > MANY_MARKS
                ax.plot(x, y, style.marker, color=style.color, ms=3.5, alpha=alpha, mew=0, rasterized=many)
                behind = dense and name not in front
                ax.plot(*center, **(mark | {"ms": 6, "alpha": 0.5} if behind else large))
                if len(cell) < planned:
                    said, size = f"{len(cell)} of {planned}", 5.5 if behind else 7.5
                    ax.annotate(said, center, (6, 4), textcoords="offset points", fontsize=size, color=style.color)
            if metric.log_scale and len(of) and of["value"].min() > 0:
                logarithmic(ax, "y")
            if len(of):
                logarithmic(ax, "x")
            else:
                ax.set(xticks=[], yticks=[])
                ax.text(0.5, 0.5, "no run has a value", transform=ax.transAxes, ha="center", color=MUTED)
            ax.step(
                [x for x, _ in front.values()],
                [y * scale for _, y in front.values()],
                where="post",
                color=INK,
                lw=1.1,
                ls=(0, (4, 2)),
                zorder=2.5 if dense else 1,
                label="Pareto front" if len(front) else None,
            )
            ax.set_xlabel(label)
            ax.set_ylabel(f"{metric.title}{' (%)' if metric.percent else ''}, {metric.better} is better")
            if row == 0:
                ax.set_title(task)
    legend(figure, flat)
    return figure


def _say(ax: Axes, task: str, sentence: str) -> None:
    """A sentence in place of a plot."""
    ax.set(xticks=[], yticks=[], title=task)
    ax.text(0.5, 0.5, sentence, transform=ax.transAxes, ha="center", va="center", color=MUTED)


def is_dense(points: pd.DataFrame, task: str) -> bool:
    """Whether more objectives have a value in one task than there are colours.

    Args:
        points: of `quality_cost`.
        task: whose runs they are.
    """
    return points.loc[points["task"] == task].dropna(subset=["value"])["objective"].nunique() > len(COLORS)


def front_of(points: pd.DataFrame, metric: Metric, task: str, cost: str) -> dict[str, tuple[float, float]]:
    """The Pareto front of one task: median cost and value of the runs that have one, from cheap to costly.

    An objective is on it only if its median is finite with failures counted as worst: a median of the luckier half
    is not what a run of it can be expected to reach.

    Args:
        points: of `quality_cost`.
        metric: what the values are of.
        task: whose runs they are.
        cost: ``seconds`` or ``images``.
    """
    centers = {}
    for name, cell in points[points["task"] == task].groupby("objective", sort=False):
        known = cell[cell[cost] > 0].dropna(subset=["value"])
        if math.isfinite(statistics.summarise(cell["value"], metric.better).ranking) and len(known):
            centers[str(name)] = (float(known[cost].median()), float(known["value"].median()))
    return {name: centers[name] for name in pareto_front(centers, metric)}


def pareto_front(points: Mapping[str, tuple[float, float]], metric: Metric) -> list[str]:
    """Names that no other point beats in cost and quality at once, from cheap to costly.

    Args:
        points: (cost, quality) by name.
        metric: which says whether a low or a high quality value is better.
    """
    sign = 1 if metric.better == "lower" else -1
    front, reached = [], math.inf
    for name, (_, quality) in sorted(points.items(), key=lambda item: (item[1][0], sign * item[1][1])):
        if sign * quality < reached:
            front.append(name)
            reached = sign * quality
    return front
