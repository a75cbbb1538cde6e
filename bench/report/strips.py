"""Figures with a row per objective. Each function takes DataFrames and returns a Figure; nothing is read or written."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bench import statistics
from bench.metrics import Metric
from bench.report.floor import perfect_band
from bench.report.style import (
    INK,
    MANY_MARKS,
    MUTED,
    PAPER,
    Look,
    legend,
    logarithmic,
    objective_rows,
    panels,
    plain,
    short,
    unit,
)
from bench.report.tables import NOISE, PERFECT

ROW = 0.27
"""Height of one objective's line in a strip plot, inches."""
Side = Literal["one", "other"]
"""Of the pairs in `bench.report.significance`."""


def metric_points(
    values: pd.DataFrame, draws: pd.DataFrame, metric: Metric, tasks: Sequence[str], look: Mapping[str, Look]
) -> Figure:
    """Every seed's value of one metric, a panel per task, with the median, its interval and a perfect sampler.

    Args:
        values: ``task, objective, seed, value, recorded``, a row per planned run; NaN for a run without a value.
        draws: ``task, kind, metric, value`` of the references.
        metric: whose values they are.
        tasks: the panels, in order.
        look: of each objective.
    """
    names = [name for name in look if name in set(values["objective"])]
    figure, axes = panels(
        len(tasks), height=0.95 + ROW * len(names), title=f"{metric.title}: every seed, the median and its interval"
    )
    scale = 100 if metric.percent else 1
    for ax, task in zip(axes, tasks, strict=True):
        of = values[values["task"] == task]
        reference = draws[draws["task"] == task]
        perfect = reference.loc[reference["kind"] == PERFECT, "value"].dropna() * scale
        perfect_band(ax, draws, task, metric, "x")
        intervals = []
        for y, name in enumerate(names):
            runs = of[of["objective"] == name]
            cell = runs["value"].astype(float) * scale
            intervals.append(statistics.median_interval(cell[runs["recorded"].astype(bool)], metric.better))
            known = cell.dropna()
            style = look[name]
            spread = np.linspace(-0.13, 0.13, len(known)) if len(known) > 1 else np.zeros(len(known))
            ax.plot(
                known,
                y + spread,
                style.marker,
                color=style.color,
                ms=4.5,
                alpha=0.6,
                mew=0,
                rasterized=len(values) > MANY_MARKS,
            )
            if len(known):
                ax.plot([known.median()] * 2, [y - 0.34, y + 0.34], color=style.color, lw=2.4, solid_capstyle="butt")
            if len(known) < len(cell):
                _beside(ax, y, f"{len(known)} of {len(cell)}")
            elif cell.empty:
                _beside(ax, y, "no run")
        everything = pd.concat([of["value"].astype(float) * scale, perfect]).dropna()
        if metric.log_scale and len(everything) and everything.min() > 0:
            logarithmic(ax, "x")
        else:
            ax.locator_params(axis="x", nbins=5, integer=metric.decimals == 0)
        left, right = ax.get_xlim()
        for y, (name, interval) in enumerate(zip(names, intervals, strict=True)):
            reach = np.clip([interval.low, interval.high], left, right)  # failures reach beyond the frame
            ax.plot(reach, [y, y], color=look[name].color, lw=7, alpha=0.22, solid_capstyle="butt", zorder=1.5)
        ax.set_xlim(left, right)
        _noise_line(ax, reference.loc[reference["kind"] == NOISE, "value"].dropna() * scale)
        ax.set_title(task)
        objective_rows(ax, names, named=ax is axes[0])
        if not len(everything):
            ax.set_xticks([])
            ax.text(0.5, 0.5, "no value", transform=ax.transAxes, ha="center", va="center", color=MUTED)
    figure.supxlabel(unit(metric), fontsize=9, color=MUTED)
    return figure


def _beside(ax: Axes, y: float, text: str, size: float = 7.5) -> None:
    """A remark to the right of a row, outside of the data."""
    ax.text(1.015, y, text, transform=ax.get_yaxis_transform(), va="center", fontsize=size, color=MUTED)


def _noise_line(ax: Axes, noise: pd.Series[float]) -> None:
    """Noise's median as a dotted line, where it does not squash the data; a remark below the title where it would."""
    if noise.empty:
        return
    value = float(noise.median())
    low, high = ax.get_xlim()
    if ax.get_xscale() == "log":
        reach = (high / low) ** 0.35
        inside = value > 0 and low / reach <= value <= high * reach
    else:
        inside = low - 0.35 * (high - low) <= value <= high + 0.35 * (high - low)
    if inside:
        ax.axvline(value, color=MUTED, lw=1.2, ls=(0, (1, 2)))
    else:
        side = "→" if value > high else "←"
        ax.text(1, 1.02, f"noise {plain(value)} {side}", transform=ax.transAxes, ha="right", fontsize=7.5, color=MUTED)


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
    figure, axes = _pair_panels(comparisons, tasks, title)
    for ax, task in zip(axes, tasks, strict=True):
        of = comparisons[comparisons["task"] == task].reset_index(drop=True)
        ratio = bool((of["scale"] == "log-ratio").all())
        ends = of[["improvement", "improvement_low", "improvement_high"]].to_numpy(dtype=float)
        finite = np.append(ends[np.isfinite(ends)], 0.0)  # before any exp: exp(−∞) is a finite number
        pad = 0.12 * float(np.ptp(finite)) or 0.5
        left, right, neutral = float(finite.min()) - pad, float(finite.max()) + pad, 0.0
        if ratio:
            ends, left, right, neutral = np.exp(ends), math.exp(left), math.exp(right), 1.0
        for y, (center, low, high) in enumerate(ends):
            _interval(ax, y, center, np.clip([low, high], left, right), look[of[rows][y]], of["told_apart"][y])
            reached = ["−∞"] * bool(low < left) + ["∞"] * bool(high > right)
            seeds, planned = of["seeds"][y], min(of["one_planned"][y], of["other_planned"][y])
            said = "–" if math.isnan(center) else ", ".join(reached)
            _beside(ax, y, said, size=9)
            if 0 < seeds < planned:
                _beside(ax, y + 0.3 * bool(said), f"{seeds} of {planned}")
        ax.axvline(neutral, color=INK, lw=1)
        ax.set_xlim(left, right)
        if ratio:
            logarithmic(ax, "x")
        _name_pairs(ax, task, of, rows)
        ax.set_xlabel("times as good" if ratio else "better by, in the metric's unit")
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
    figure, axes = _pair_panels(comparisons, tasks, title)
    for ax, task in zip(axes, tasks, strict=True):
        of = comparisons[comparisons["task"] == task].reset_index(drop=True)
        ends = 100 * of[["probability", "probability_low", "probability_high"]].to_numpy(dtype=float)
        for y, (center, low, high) in enumerate(ends):
            _interval(ax, y, center, (low, high), look[of[rows][y]], of["told_apart"][y])
        ax.axvline(50, color=INK, lw=1)
        ax.set_xlim(-4, 104)
        _name_pairs(ax, task, of, rows)
        ax.set_xlabel("probability of improvement (%)")
    return figure


def _pair_panels(comparisons: pd.DataFrame, tasks: Sequence[str], title: str) -> tuple[Figure, list[Axes]]:
    largest = max((int((comparisons["task"] == task).sum()) for task in tasks), default=1)
    return panels(len(tasks), height=1.15 + ROW * largest, title=title)


def _interval(
    ax: Axes, y: float, center: float, ends: Sequence[float] | NDArray[np.float64], style: Look, filled: bool
) -> None:
    """A line between the ends and a mark at the center: filled where the two can be told apart."""
    ax.plot(ends, [y, y], color=style.color, lw=2.2)
    if math.isfinite(center):
        ax.plot(center, y, style.marker, color=style.color, mfc=style.color if filled else PAPER, mew=1.5, ms=6.5)


def _name_pairs(ax: Axes, task: str, of: pd.DataFrame, rows: Side) -> None:
    """Titles and row names of a panel of pairs."""
    if of.empty:
        ax.set_title(task)
        ax.set_yticks([])
        ax.text(0.5, 0.5, "nothing to compare", transform=ax.transAxes, ha="center", va="center", color=MUTED)
        return
    fixed = of["one" if rows == "other" else "other"].iloc[0]
    ax.set_title(f"{task}: {fixed} against" if rows == "other" else f"{task}: against {fixed}")
    objective_rows(ax, list(of[rows]))


def selection_protocols(
    selections: pd.DataFrame,
    draws: pd.DataFrame,
    metrics: Mapping[str, Metric],
    tasks: Sequence[str],
    look: Mapping[str, Look],
) -> Figure:
    """The median of the metric that ranks under three ways to choose a checkpoint.

    Args:
        selections: of `tables.selections`.
        draws: ``task, kind, metric, value`` of the references.
        metrics: the metric that ranks in each task.
        tasks: the panels, in order.
        look: of each objective.
    """
    names = [name for name in look if name in set(selections["objective"])]
    ways = (
        ("final", "o", "final"),
        ("best_on_validation", "D", "best on validation"),
        ("oracle_best", "|", "oracle best"),
    )
    figure, axes = panels(
        len(tasks), height=1.35 + ROW * len(names), title="What choosing a checkpoint changes: medians"
    )
    for ax, task in zip(axes, tasks, strict=True):
        metric = metrics[task]
        every = selections[selections["task"] == task]
        of = every.dropna(subset=["median"])
        scale = 100 if metric.percent else 1
        perfect_band(ax, draws, task, metric, "x")
        for y, name in enumerate(names):
            cell = of[of["objective"] == name].set_index("selection")["median"] * scale
            ax.plot([cell.min(), cell.max()], [y, y], color=look[name].color, lw=1.4, alpha=0.5)
            for _, final in every[(every["objective"] == name) & (every["selection"] == "final")].iterrows():
                if final["finished"] < final["planned"]:
                    _beside(ax, y, f"{final['finished']} of {final['planned']}")
            for way, marker, _ in ways:
                if way in cell.index:
                    filled = look[name].color if way == "final" else PAPER
                    ax.plot(cell[way], y, marker, color=look[name].color, mfc=filled, mew=1.6, ms=6)
        if metric.log_scale and len(of) and of["median"].min() > 0:
            logarithmic(ax, "x")
        for _, marker, text in ways:
            ax.plot([], [], marker, color=MUTED, mfc=MUTED if marker == "o" else PAPER, mew=1.6, ms=6, label=text)
        ax.set_title(task)
        objective_rows(ax, names, named=ax is axes[0])
        ax.set_xlabel(unit(metric))
    legend(figure, axes)
    return figure


def step_times(throughput: pd.DataFrame, look: Mapping[str, Look]) -> Figure:
    """What one generator step's time is spent on: a panel per dataset and architecture of one hardware.

    Args:
        throughput: of `tables.throughput`, of one hardware.
        look: of each objective.
    """
    groups = list(throughput.groupby(["dataset", "architecture"], sort=False))
    largest = max((len(group) for _, group in groups), default=1)
    figure, axes = panels(len(groups), height=1.35 + ROW * largest, title="Milliseconds of one generator step")
    parts = (("discriminator", "0.35"), ("penalty", "0.62"), ("generator", "0.82"))
    for ax, (key, group) in zip(axes, groups, strict=True):
        left = np.zeros(len(group))
        for part, grey in parts:
            width = group[f"{part}_milliseconds"].to_numpy()
            ax.barh(range(len(group)), width, left=left, height=0.62, color=grey, label=part, lw=0)
            left = left + width
        for y, (end, rate) in enumerate(zip(left, group["images_per_second"], strict=True)):
            ax.text(end, y, f" {short(rate)} images/s", va="center", fontsize=7.5, color=MUTED)
        ax.set(xlim=(0, float(left.max()) * 1.45), title=", ".join(map(str, key if isinstance(key, tuple) else (key,))))
        objective_rows(ax, list(group["objective"]), largest)
        for tick, name in zip(ax.get_yticklabels(), group["objective"], strict=True):
            tick.set_color(look[name].color if name in look else INK)
        ax.set_xlabel("milliseconds per generator step")
    legend(figure, axes)
    return figure
