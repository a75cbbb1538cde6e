"""Figures over all tasks: each objective against the baseline, mean ranks, performance profiles."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.transforms import offset_copy

from bench.metrics import Metric
from bench.report.intervals import GainAxis, interval_row, probability_axis
from bench.report.style import MUTED, Look, legend, logarithmic, objective_rows, panels

ROW = 0.3
"""Height of one objective's line, inches."""


def against_baseline(overall: pd.DataFrame, metric: Metric, look: Mapping[str, Look]) -> Figure:
    """Improvement over the baseline and its probability over all tasks, a row per objective.

    Args:
        overall: of `significance.over_tasks`.
        metric: that ranks; ratios of several have no unit.
        look: of each objective.
    """
    names = list(overall["objective"])
    baseline = overall["baseline"].iloc[0]
    figure, (left, right) = panels(
        2, height=1.3 + ROW * len(names), title=f"Against {baseline}, the baseline, over all tasks"
    )
    gains = overall[["improvement", "improvement_low", "improvement_high", "datasets_low", "datasets_high"]]
    chances = 100 * overall[["probability", "probability_low", "probability_high"]].to_numpy(dtype=float)
    ratio = bool((overall["scale"] == "log-ratio").all())
    axis = GainAxis.around(gains.to_numpy(dtype=float), ratio=ratio, percent=metric.percent)
    for y, (name, told) in enumerate(zip(names, overall["told_apart"], strict=True)):
        center, low, high, *wider = gains.iloc[y]
        style, filled = look[name], bool(told)
        left.plot([axis.at(end) for end in wider], [y, y], color=style.color, lw=1, alpha=0.7)
        interval_row(left, y, axis.mark(center), (axis.at(low), axis.at(high)), style, filled=filled, width=3)
        chance, least, most = chances[y]
        interval_row(right, y, chance, (least, most), style, filled=filled, width=3)
    objective_rows(left, names)
    objective_rows(right, names, named=False)
    axis.finish(left, than=baseline)
    probability_axis(right)
    return figure


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
