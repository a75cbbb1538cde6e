"""Figures of metrics while training, over steps, images and seconds, and what such figures have in common."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.metrics import Metric
from bench.report.floor import perfect_band
from bench.report.style import COLORS, MUTED, Look, legend, logarithmic, panels, thousands

FAR_APART = 5.0
"""How many times the seconds of the quickest objective the slowest takes where their scale is logarithmic."""
COSTS = (("images", "real images shown"), ("step", "generator steps"), ("seconds", "seconds of training"))


@dataclasses.dataclass(frozen=True)
class Part:
    """The objectives of one figure, of as many figures as it takes to keep their curves apart."""

    names: tuple[str, ...]
    number: int = 1
    count: int = 1

    @property
    def said(self) -> str:
        """Which of how many, for a title; empty where it is the only one."""
        return f" ({self.number} of {self.count})" if self.count > 1 else ""

    @property
    def suffix(self) -> str:
        """The same for a file's name."""
        return f"-{self.number}" if self.count > 1 else ""


def parts(names: Sequence[str], look: Mapping[str, Look]) -> tuple[Part, ...]:
    """One part where there are no more objectives than colours, else in each part at most one objective per colour."""
    if len(names) <= len(COLORS):
        return (Part(tuple(names)),)
    groups: list[list[str]] = []
    for name in names:
        free = (group for group in groups if all(look[other].color != look[name].color for other in group))
        group = next(free, None)
        if group is None:
            groups.append([name])
        else:
            group.append(name)
    return tuple(Part(tuple(group), number, len(groups)) for number, group in enumerate(groups, start=1))


def over_seeds(history: pd.DataFrame, name: str, split: str) -> pd.DataFrame:
    """Median and range of one logged number over the runs that have it, by objective and place in training.

    Where more than half of an objective's recorded runs have ended or never had the number, its curve ends. Step,
    images and seconds are medians too; ``seeds`` counts the runs that a point is of, of ``planned`` ones.

    Args:
        history: of `Material.history`.
        name: of the number.
        split: ``train``, ``validation``, ``test``.
    """
    of = history[(history["name"] == name) & (history["split"] == split)].dropna(subset=["value"])
    table = of.groupby(["objective", "place"], sort=True, observed=True).agg(
        median=("value", "median"),
        low=("value", "min"),
        high=("value", "max"),
        seeds=("seed", "nunique"),
        runs=("runs", "first"),
        planned=("planned", "first"),
        step=("step", "median"),
        images=("images", "median"),
        seconds=("seconds", "median"),
    )
    return table[table["seeds"] * 2 >= table["runs"]].reset_index().astype({"objective": "str"})


def least(tables: Sequence[pd.DataFrame]) -> dict[str, str]:
    """``k of N`` by objective: the fewest runs that a point of its lines is of, of the planned ones; empty for all.

    Args:
        tables: of `over_seeds`, one per line.
    """
    every = pd.concat(tables).groupby("objective").agg(seeds=("seeds", "min"), planned=("planned", "first"))
    return {
        str(name): f"{seeds} of {planned}" if seeds < planned else ""
        for name, seeds, planned in every.itertuples(name=None)
    }


def are_far_apart(tables: Sequence[pd.DataFrame]) -> bool:
    """Whether objectives take so different times that on a linear scale the quick ones would be a line.

    Args:
        tables: of `over_seeds`, one per metric.
    """
    ends = pd.concat(tables).groupby("objective")[["seconds", "step"]].max()
    # both: one that has ended early is not quick, and with a budget in seconds the quick ones take as long
    spreads = (ends["seconds"], ends["seconds"] / ends["step"])
    return len(ends) > 0 and all(of.min() > 0 and of.max() > FAR_APART * of.min() for of in spreads)


def training_curves(
    tables: Sequence[pd.DataFrame],
    draws: pd.DataFrame,
    metrics: Sequence[Metric],
    task: str,
    look: Mapping[str, Look],
    part: Part,
    *,
    timed: bool = True,
) -> Figure:
    """Metrics of one task while training, over images, steps and seconds: median and range over seeds.

    The axes have room for all of the history, so that figures of its parts can be compared.

    Args:
        tables: of `over_seeds`, one per metric.
        draws: ``task, kind, metric, value`` of the references.
        metrics: a row of panels each.
        task: whose runs they are.
        look: of each objective.
        part: the objectives to draw.
        timed: whether seconds compare, since all runs were made on the same hardware; without, they are left out.
    """
    costs = [cost for cost in COSTS if timed or cost[0] != "seconds"]
    across = len(costs)
    figure, flat = panels(
        across * len(metrics),
        columns=across,
        height=2.45,
        title=f"{task}: training curves, median and range over seeds{part.said}",
    )
    counts = least(tables)
    stretched = are_far_apart(tables)
    for row, (metric, table) in enumerate(zip(metrics, tables, strict=True)):
        scale = 100 if metric.percent else 1
        log = metric.log_scale and len(table) > 0 and table["low"].min() > 0
        for column, (cost, label) in enumerate(costs):
            ax = flat[across * row + column]
            perfect_band(ax, draws, task, metric, "y")
            for name in part.names:
                named = f"{name}: {counts[name]}" if counts.get(name) else name
                _band(ax, table[table["objective"] == name], cost, look[name], named, scale)
            if len(table):
                corners = [(table[cost].min(), table["low"].min()), (table[cost].max(), table["high"].max())]
                ax.update_datalim([(x, y * scale) for x, y in corners])
                ax.autoscale()
            if log:
                logarithmic(ax)
            if cost == "seconds" and stretched:
                logarithmic(ax, "x")
            else:
                thousands(ax)
            if column == 0:
                ax.set_ylabel(f"{metric.title}{' (%)' if metric.percent else ''}\n{metric.better} is better")
            else:
                ax.tick_params(axis="y", labelleft=False)
            ax.set_xlabel(label)
            if row == 0:
                ax.set_title(f"over {cost}" if cost != "step" else "over steps")
            if table.empty:
                ax.text(0.5, 0.5, "nothing logged", transform=ax.transAxes, ha="center", color=MUTED)
    legend(figure, flat)
    return figure


def _band(ax: Axes, cell: pd.DataFrame, cost: str, style: Look, label: str, scale: float = 1.0) -> None:
    """An objective's median line in the band of its range."""
    if cell.empty:
        return
    ax.fill_between(cell[cost], cell["low"] * scale, cell["high"] * scale, color=style.color, alpha=0.11, lw=0)
    every = max(1, len(cell) // 5)
    ax.plot(
        cell[cost],
        cell["median"] * scale,
        color=style.color,
        ls=style.dash,
        marker=style.marker,
        markevery=(0, every),
        ms=4.5,
        mew=0,
        label=label,
    )
