"""Figures over all tasks: each objective against the baseline, mean ranks, performance profiles."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.transforms import offset_copy
from numpy.typing import NDArray

from bench.report.style import INK, MUTED, PAPER, Look, legend, logarithmic, objective_rows, panels

ROW = 0.3
"""Height of one objective's line, inches."""


def against_baseline(overall: pd.DataFrame, look: Mapping[str, Look]) -> Figure:
    """Improvement over the baseline and its probability over all tasks, a row per objective.

    Args:
        overall: of `significance.over_tasks`.
        look: of each objective.
    """
    names = list(overall["objective"])
    baseline = overall["baseline"].iloc[0]
    figure, (left, right) = panels(
        2, height=1.3 + ROW * len(names), title=f"Against {baseline}, the baseline, over all tasks"
    )
    ratio = bool((overall["scale"] == "log-ratio").all())
    ends = overall[["improvement", "improvement_low", "improvement_high", "datasets_low", "datasets_high"]]
    values = ends.to_numpy(dtype=float)
    finite = np.append(values[np.isfinite(values)], 0.0)
    pad = 0.1 * float(np.ptp(finite)) or 0.5
    low, high = float(finite.min()) - pad, float(finite.max()) + pad
    for y, (line, name) in enumerate(zip(values, names, strict=True)):
        style, filled = look[name], bool(overall["told_apart"].iloc[y])
        center, *reach = _drawn(np.clip(line, low, high), ratio)
        left.plot(reach[2:], [y, y], color=style.color, lw=1, alpha=0.7)
        left.plot(reach[:2], [y, y], color=style.color, lw=3)
        chance = 100 * overall[["probability", "probability_low", "probability_high"]].iloc[y].to_numpy(dtype=float)
        right.plot(chance[1:], [y, y], color=style.color, lw=3)
        face = style.color if filled else PAPER
        for ax, x in ((left, center), (right, chance[0])):
            if math.isfinite(x):
                ax.plot(x, y, style.marker, color=style.color, mfc=face, mew=1.5, ms=6.5)
    left.set_xlim(*_drawn(np.array([low, high]), ratio))
    if ratio:
        logarithmic(left, "x")
    left.axvline(1 if ratio else 0, color=INK, lw=1)
    right.axvline(50, color=INK, lw=1)
    right.set_xlim(-4, 104)
    objective_rows(left, names)
    objective_rows(right, names, named=False)
    left.set_xlabel(f"times as good as {baseline}" if ratio else f"better than {baseline} by, in the metric's unit")
    right.set_xlabel("probability of improvement (%)")
    return figure


def _drawn(gains: NDArray[np.float64], ratio: bool) -> list[float]:
    """Improvements as the axis has them: log-ratios as times, differences as they are."""
    return list((np.exp(gains) if ratio else gains).tolist())


def mean_ranks(ranks: pd.DataFrame, look: Mapping[str, Look]) -> Figure:
    """Mean rank over datasets with its interval over them, best on top.

    Args:
        ranks: of `tables.overall_ranks`.
        look: of each objective.
    """
    names = list(ranks["objective"])
    figure, (ax,) = panels(1, height=1.0 + ROW * len(names), title="Mean rank over datasets")
    for y, (name, mean, low, high) in enumerate(
        ranks[["objective", "mean_rank", "low", "high"]].itertuples(index=False, name=None)
    ):
        style = look[name]
        ax.plot([low, high], [y, y], color=style.color, lw=2.2)
        ax.plot(mean, y, style.marker, color=style.color, ms=7)
    ax.set_xlim(0.7, len(names) + 0.3)
    ax.locator_params(axis="x", integer=True)
    objective_rows(ax, names)
    ax.set_xlabel("mean rank, 1 is best")
    return figure


def critical_difference(table: pd.DataFrame, distance: float, look: Mapping[str, Look]) -> Figure:
    """Critical-difference diagram: bars join objectives whose mean ranks are closer than chance puts them.

    Args:
        table: ranks, a row per dataset, a column per objective.
        distance: the critical difference.
        look: of each objective.

    Source: Demšar 2006, sec. 3.2.2 and fig. 1.
    """
    import scikit_posthocs

    ranks = table.mean()
    apart = np.abs(np.subtract.outer(ranks.to_numpy(), ranks.to_numpy())) > distance
    significance = pd.DataFrame(np.where(apart, 0.0, 1.0), index=ranks.index, columns=ranks.index)
    figure, (ax,) = panels(1, height=0.9 + 0.2 * len(ranks), title="Critical differences of mean ranks")
    scikit_posthocs.critical_difference_diagram(
        ranks,
        significance,
        ax=ax,
        label_props={"fontsize": 9},
        color_palette={name: look[name].color for name in ranks.index},
        crossbar_props={"color": MUTED},
        text_h_margin=0.02,
    )
    start = float(ranks.min())
    # in points above the axis, clear of its numbers however many rows there are below it
    bar, label = (offset_copy(ax.transData, figure, y=points, units="points") for points in (22, 27))
    ax.plot([start, start + distance], [0, 0], color=MUTED, lw=2, transform=bar, clip_on=False)
    ax.text(start + distance / 2, 0, f"CD = {distance:.2g}", fontsize=9, ha="center", transform=label)
    return figure


def performance_profiles(profiles: pd.DataFrame, look: Mapping[str, Look]) -> Figure:
    """Share of runs within a factor of the best of their seed, a line per objective.

    Args:
        profiles: of `significance.profiles`.
        look: of each objective.
    """
    figure, (ax,) = panels(1, height=3.0, title="Performance profiles")
    for name in (name for name in look if name in set(profiles["objective"])):
        of = profiles[profiles["objective"] == name]
        style = look[name]
        ax.plot(
            of["ratio"],
            100 * of["share"],
            color=style.color,
            ls=style.dash,
            drawstyle="steps-post",
            marker=style.marker,
            markevery=(0, max(1, len(of) // 6)),
            ms=4.5,
            mew=0,
            label=name,
        )
    ends = profiles.groupby("ratio")["share"].agg(["min", "max"])
    still = ends.index[(ends["min"] < profiles["share"].max()) | (ends.index <= 2)]
    ax.set_xlim(1, max(2.0, float(still.max())) if len(still) else 2.0)
    ax.set_ylim(-3, 103)
    logarithmic(ax, "x")
    ax.set_xlabel("times the best of the same task and seed, at most")
    ax.set_ylabel("runs (%)")
    legend(figure, [ax])
    return figure
