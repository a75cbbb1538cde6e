"""The summary: objectives × tasks by the metric that ranks, and a table of headline metrics per task."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import pandas as pd

from bench.metrics import Metric
from bench.report import listings
from bench.report.blocks import Block, Cell, Kind, Row, Table, Text
from bench.report.material import Material
from bench.report.outcomes import Outcomes, beside
from bench.report.style import Look, plural, share, shown
from bench.report.tables import NOISE, PERFECT
from bench.report.tasks import Task
from bench.report.wording import readable_seconds

Line = dict[Hashable, Any]
"""A line of a DataFrame."""

COUNTED = (
    "“k of N”: k of N planned runs have a value, and the median is theirs; beside it, what became of the others. "
    "Failed and diverged runs are last in ranks and comparisons. Missing runs have no record yet: they are no "
    "failures, and have no part in anything but N."
)


def summary_blocks(
    material: Material, summary: pd.DataFrame, ranks: pd.DataFrame, overall: pd.DataFrame, look: dict[str, Look]
) -> tuple[Block, ...]:
    """What was measured, objective by objective."""
    if not material.outcomes:
        return (Text(("Nothing was measured.",)),)
    return (
        _overview(material, summary, overall, look),
        *(_task_table(material, task, summary, ranks, look) for task in material.tasks),
    )


def metric_cell(line: Line, metric: Metric, *, why: bool = True) -> Cell:
    """``median`` over ``[low–high]`` over which of the planned runs it is of, where it is not of all.

    Args:
        line: of a table with ``median, low, high, finished, planned, without, best``.
        metric: whose values they are.
        why: whether to say what became of the other runs.
    """
    counted = beside(line["finished"], line["planned"], line["without"] if why else "")
    if not line["finished"]:
        return Cell("–", counted=counted)
    detail = f"[{shown(line['low'], metric)}–{shown(line['high'], metric)}]"
    return Cell(shown(line["median"], metric), detail, bool(line["best"]), counted, sort=float(line["median"]))


def by(table: pd.DataFrame, *keys: str) -> dict[tuple[str, ...], Line]:
    """The lines of a table by the values of some columns."""
    return {tuple(str(line[key]) for key in keys): line for line in table.to_dict("records")}


def _overview(material: Material, summary: pd.DataFrame, ranks: pd.DataFrame, look: dict[str, Look]) -> Table:
    """Objectives × tasks, the metric that ranks."""
    lines = by(summary, "task", "objective", "metric")
    overall = ranks.set_index("objective")
    several = len(overall) > 0
    rows = []
    for name in [*material.objectives, PERFECT, NOISE]:
        cells = [Cell(name)]
        for task in material.tasks:
            line = lines.get((task.label, name, task.primary.name))
            unmeasured = _unmeasured(material.outcomes.get((task.label, name)))
            cells.append(unmeasured if line is None else metric_cell(line, task.primary))
        cells += [_unmeasured(material.outcomes.get((label, name))) for label in material.unbegun]
        if several:
            cells.append(_overall_rank(overall, name))
        kind = _kind(name)
        if kind == "measured" or any(cell.text != "–" for cell in cells[1:]):
            rows.append(Row(tuple(cells), kind, look[name].color if name in look else None))
    ways = ", ".join(
        dict.fromkeys(f"{task.primary.title} ({task.primary.better} is better)" for task in material.tasks)
    )
    return Table(
        "Objectives × tasks",
        f"Median [smallest–largest] over seeds of the metric that ranks{f': {ways}' if ways else ''}. N is "
        f"{_planned(material)}.{_held(material)} {COUNTED} ★ marks the best median, failures counted as worst. "
        "Perfect sampler and noise: median and range over their draws."
        + (" Mean rank: of the medians, over tasks; 1 is best, ties share." if several else "")
        + _said_of_unbegun(material),
        (
            "objective",
            *(f"{task.label}: {task.primary.title}" for task in material.tasks),
            *(f"{label}: no record yet" for label in material.unbegun),
            *(["mean rank"] if several else []),
        ),
        tuple(rows),
    )


def _unmeasured(cell: Outcomes | None) -> Cell:
    """Of an objective without a number on a task: what became of its runs, if any were planned."""
    if cell is None:
        return Cell("–")
    return Cell("–", counted=beside(0, cell.planned, cell.without(dict.fromkeys(cell.statuses))))


def _said_of_unbegun(material: Material) -> str:
    if all(cell.recorded for cell in material.outcomes.values()):
        return ""
    return (
        " Of objectives and tasks without a record the plan tells names alone: an objective stands in the task of its "
        "dataset and architecture, whatever its training will be."
    )


def _rank_cell(ranks: pd.DataFrame, name: str, *, best: bool) -> Cell:
    """Mean rank, and over which of the planned seeds, where it is not over all."""
    if name not in ranks.index:
        return Cell("–")
    line = ranks.loc[name]
    seeds = f"{line['seeds']} of {line['planned']} seeds" if line["seeds"] < line["planned"] else ""
    is_first = best and bool(line["mean_rank"] == ranks["mean_rank"].min())
    return Cell(f"{line['mean_rank']:.2f}", best=is_first, counted=seeds)


def _overall_rank(ranks: pd.DataFrame, name: str) -> Cell:
    """Mean rank over tasks, of an objective that has one."""
    if name not in ranks.index:
        return Cell("–")
    mean = ranks["mean_rank"].loc[name]
    return Cell(f"{mean:.2f}", best=bool(mean == ranks["mean_rank"].min()))


def _kind(name: str) -> Kind:
    return "reference" if name in (PERFECT, NOISE) else "measured"


def _planned(material: Material) -> str:
    counts = [cell.planned for cell in material.outcomes.values()]
    span = f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
    return f"{span} {plural('run', max(counts))} per cell, a seed each"


def _held(material: Material) -> str:
    """How probably a range holds what it is taken for: the median of all runs that could be made lies on either side
    of every run by the toss of a coin."""
    fewest = min(cell.planned for cell in material.outcomes.values())
    if fewest < 2:
        return ""
    return (
        f" The range of {fewest} runs, if none failed, holds the median of all that could be made with a probability "
        f"of {share(1 - 2 ** (1 - fewest))}."
    )


def _task_table(
    material: Material, task: Task, summary: pd.DataFrame, ranks: pd.DataFrame, look: dict[str, Look]
) -> Table:
    """Objectives × headline metrics of one task."""
    measured = set(summary.loc[summary["task"] == task.label, "metric"])
    headline = [metric for metric in task.headline if metric.name in measured]
    lines = by(summary[summary["task"] == task.label], "objective", "metric")
    mine = ranks[ranks["task"] == task.label].set_index("objective")
    seconds = listings.training_seconds(material, task)
    rows = []
    for name in [*task.objectives, PERFECT, NOISE]:
        cells = [Cell(name)]
        for metric in headline:
            line = lines.get((name, metric.name))
            cells.append(Cell("–") if line is None else metric_cell(line, metric, why=False))
        if name in task.objectives:
            of = material.outcomes[task.label, name]
            cells.append(_rank_cell(mine, name, best=len(mine) > 1 and of.completed > 0))
            cells.append(Cell(f"{of.planned - of.completed} of {of.planned}", counted=of.unfinished))
            trained = readable_seconds(seconds[name]) if name in seconds else "–"
            cells.append(Cell(trained, counted=beside(of.completed, of.planned, "")))
        else:
            cells += [Cell("–")] * 3
        if name in task.objectives or any(cell.text != "–" for cell in cells[1:]):
            rows.append(Row(tuple(cells), _kind(name), look[name].color if name in look else None))
    better = "".join(f" {metric.title}: {metric.better} is better." for metric in headline)
    reference = material.references.get(task.label)
    said = f" Perfect sampler: {reference.sampler}; noise: {reference.noise}." if reference else " No references."
    return Table(
        task.label,
        f"{task.full_name}. Median [smallest–largest] over seeds.{better} Mean rank by {task.primary.title} over the "
        f"seeds that all objectives have a record of{_seeds(mine)}. Not completed: of the planned runs, by status. "
        f"Training: median seconds per completed run, beside other runs{_several_machines(material, task)}. "
        f"{COUNTED}{said}",
        (
            "objective",
            *(f"{m.title}{' (%)' if m.percent else ''}" for m in headline),
            "mean rank",
            "not completed",
            "training",
        ),
        tuple(rows),
    )


def _several_machines(material: Material, task: Task) -> str:
    return "; not told of runs on different hardware" if len(material.hardware_of(task.label)) > 1 else ""


def _seeds(ranks: pd.DataFrame) -> str:
    """How many seeds the ranks of one task are over, and of how many."""
    if ranks.empty:
        return ": none"
    seeds, planned = int(ranks["seeds"].iloc[0]), int(ranks["planned"].iloc[0])
    return f": {seeds} of {planned}" if seeds < planned else f": {seeds}"
