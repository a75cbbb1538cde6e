"""Figures with a row per objective. Each function takes DataFrames and returns a Figure; nothing is read or written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench import statistics
from bench.metrics import Metric
from bench.report.floor import perfect_band
from bench.report.intervals import ROW, remark
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
                remark(ax, y, f"{len(known)} of {len(cell)}")
            elif cell.empty:
                remark(ax, y, "no run")
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
                    remark(ax, y, f"{final['finished']} of {final['planned']}")
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
