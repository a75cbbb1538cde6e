"""The report's statistics as DataFrames: what `tables/*.csv` hold and what the page shows.

Beside each number stands which runs it is of: ``finished`` of them have a value, ``runs`` have a record and decide
ranks and tests, ``planned`` were asked for; ``without`` says what became of the planned ones that have no value.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from bench import statistics
from bench.metrics import Metric
from bench.report.material import Material
from bench.report.tasks import Task

PERFECT, NOISE = "perfect sampler", "noise"

SUMMARY = (
    "task",
    "objective",
    "metric",
    "better",
    "median",
    "low",
    "high",
    "finished",
    "runs",
    "planned",
    "without",
    "ranking",
    "best",
)


def summary(material: Material) -> pd.DataFrame:
    """Median and range of each task, objective and metric, then the references' rows; best ones are marked.

    ``best`` is decided by ``ranking``, the median in which runs without a value are worst. ``low`` and ``high`` are
    the smallest and largest value.
    """
    rows = []
    for task in material.tasks:
        for metric in task.metrics:
            values = {name: material.cell(task.label, name, metric.name) for name in task.objectives}
            cells = {name: statistics.summarise(cell.values(), metric.better) for name, cell in values.items()}
            finite = [cell.ranking for cell in cells.values() if math.isfinite(cell.ranking)]
            best = (min if metric.better == "lower" else max)(finite, default=math.nan)
            for name, cell in cells.items():
                head = (task.label, name, metric.name, metric.better, cell.median, cell.low, cell.high)
                of = material.outcomes[task.label, name]
                counts = (cell.finished, cell.runs, of.planned, of.without(values[name]))
                rows.append((*head, *counts, cell.ranking, cell.ranking == best))
            draws = material.draws[(material.draws["task"] == task.label) & (material.draws["metric"] == metric.name)]
            for kind in (PERFECT, NOISE):
                drawn = draws.loc[draws["kind"] == kind, "value"]
                if len(drawn):
                    cell = statistics.summarise(drawn, metric.better)
                    head = (task.label, kind, metric.name, metric.better, cell.median, cell.low, cell.high)
                    rows.append((*head, cell.finished, cell.runs, cell.runs, "", cell.ranking, False))
    return pd.DataFrame(rows, columns=list(SUMMARY))


def ranks(material: Material) -> pd.DataFrame:
    """Mean rank by the metric that ranks, over the seeds that all objectives of a task have run; a row per task and
    objective.

    An objective of which no run has a record has no rank and takes none from the others. ``planned`` counts the seeds
    that any of the ranked was to run.
    """
    rows: list[tuple[object, ...]] = []
    for task in material.tasks:
        recorded = {name: cell for name, cell in material.outcomes_of(task.label).items() if cell.recorded}
        cells = {name: material.cell(task.label, name, task.primary.name) for name in recorded}
        planned = len({seed for cell in recorded.values() for seed in (*cell.statuses, *cell.missing)})
        shared = sorted(set.intersection(*(set(cell) for cell in cells.values()))) if cells else []
        if shared:
            block = pd.DataFrame({name: [cell[seed] for seed in shared] for name, cell in cells.items()}, dtype=float)
            mean = statistics.mean_ranks(block, task.primary.better)
            rows += [(task.label, name, float(rank), len(shared), planned) for name, rank in mean.items()]
    return pd.DataFrame(rows, columns=["task", "objective", "mean_rank", "seeds", "planned"])


def task_ranks(material: Material) -> pd.DataFrame:
    """Ranks by the median of the metric that ranks: a row per task, a column per objective; 1 is best, ties share.

    Of the objectives that have a record in every task; one half of whose runs have no value is last. Empty with fewer
    than two tasks or objectives.

    Source: Demšar 2006, "Statistical comparisons of classifiers over multiple data sets", sec. 3.2.2.
    """
    cells = material.outcomes
    shared = [
        name
        for name in material.objectives
        if all((task.label, name) in cells and cells[task.label, name].recorded for task in material.tasks)
    ]
    if len(material.tasks) < 2 or len(shared) < 2:
        return pd.DataFrame()
    rows = {}
    for task in material.tasks:
        metric = task.primary
        values = {name: material.cell(task.label, name, metric.name).values() for name in shared}
        medians = pd.Series({name: statistics.summarise(of, metric.better).ranking for name, of in values.items()})
        rows[task.label] = medians.rank(method="average", ascending=metric.better == "lower")
    return pd.DataFrame(rows).T


def dataset_ranks(material: Material) -> pd.DataFrame:
    """`task_ranks`, averaged over the tasks of each dataset: a row per dataset, a column per objective.

    Tasks that share a dataset are not independent; datasets are the blocks of Friedman's test and of the critical
    difference, whose null holds the more for means of ranks, which vary less.
    """
    table = task_ranks(material)
    if table.empty:
        return table
    datasets = [material.task(str(label)).spec.dataset.label for label in table.index]
    return table.groupby(pd.Series(datasets, index=table.index), sort=False).mean()


def overall_ranks(material: Material) -> pd.DataFrame:
    """Mean rank of each objective over datasets, best first, with its interval where datasets are drawn anew.

    Columns ``objective, mean_rank, low, high, tasks, datasets``; ends are NaN where all tasks are of one dataset.
    """
    table = dataset_ranks(material)
    if table.empty:
        return pd.DataFrame(columns=["objective", "mean_rank", "low", "high", "tasks", "datasets"])
    found = statistics.rank_intervals(table, list(table.index)).rename_axis("objective").reset_index()
    found = found.assign(tasks=len(material.tasks), datasets=len(table))
    return found.sort_values("mean_rank", kind="stable", ignore_index=True)


def seed_values(material: Material, metric: str, tasks: Sequence[str]) -> pd.DataFrame:
    """``task, objective, seed, value, recorded`` of some tasks: a row per planned run, NaN for one without a value."""
    rows = [
        (label, name, seed, value, recorded)
        for label in tasks
        for name, of in material.outcomes_of(label).items()
        for cell, recorded in ((material.cell(label, name, metric), True), (dict.fromkeys(of.missing, math.nan), False))
        for seed, value in cell.items()
    ]
    return pd.DataFrame(rows, columns=["task", "objective", "seed", "value", "recorded"])


def cost_points(material: Material) -> pd.DataFrame:
    """``task, objective, seconds, images, value, planned`` and more: a row per recorded run, the metric that ranks."""
    final = material.values[material.values["selection"] == "final"]
    wanted = {task.label: task.primary.name for task in material.tasks}
    final = final[final["metric"] == final["task"].map(wanted)]
    points = material.runs.merge(final[["run_id", "value"]], on="run_id", how="left")
    cells = zip(points["task"], points["objective"], strict=True)
    return points.assign(planned=[material.outcomes[cell].planned for cell in cells])


def standing(material: Material, task: Task) -> list[str]:
    """A task's objectives from best to worst by the metric that ranks, failures last; those without one left out."""
    metric = task.primary
    keys = {}
    for name in task.objectives:
        cell = statistics.summarise(material.cell(task.label, name, metric.name).values(), metric.better)
        if cell.finished:
            sign = 1 if metric.better == "lower" else -1
            keys[name] = (sign * cell.ranking, -cell.finished / cell.runs, sign * cell.median)
    return sorted(keys, key=lambda name: keys[name])


def floor_spread(material: Material, task: Task, metric: Metric) -> tuple[float, float] | None:
    """Smallest and largest value of the perfect sampler's draws."""
    draws = material.draws
    of = draws[(draws["task"] == task.label) & (draws["metric"] == metric.name) & (draws["kind"] == PERFECT)]
    values = of["value"].dropna().to_numpy(dtype=float)
    return (float(values.min()), float(values.max())) if len(values) else None


def selections(material: Material) -> pd.DataFrame:
    """The metric that ranks under the three ways to choose a checkpoint."""
    rows = []
    for task in material.tasks:
        for name in task.objectives:
            for selection in ("final", "best_on_validation", "oracle_best"):
                values = material.cell(task.label, name, task.primary.name, selection)
                cell = statistics.summarise(values.values(), task.primary.better)
                of = material.outcomes[task.label, name]
                counts = (cell.finished, cell.runs, of.planned, of.without(values))
                rows.append((task.label, name, task.primary.name, selection, cell.median, cell.low, cell.high, *counts))
    head = ["task", "objective", "metric", "selection", "median", "low", "high"]
    return pd.DataFrame(rows, columns=[*head, "finished", "runs", "planned", "without"])
