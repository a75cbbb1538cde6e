"""The report's statistics as DataFrames: what `tables/*.csv` hold and what the page shows.

Beside each number stands which runs it is of: ``finished`` of them have a value, ``runs`` have a record and decide
ranks and tests, ``planned`` were asked for; ``without`` says what became of the planned ones that have no value.
"""

from __future__ import annotations

import math

import pandas as pd

from bench import statistics
from bench.metrics import Metric
from bench.report.material import Material
from bench.report.tasks import Task
from bench.statistics import Scale

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
COMPARISONS = (
    "task",
    "metric",
    "best",
    "other",
    "scale",
    "improvement",
    "improvement_low",
    "improvement_high",
    "seeds",
    "best_runs",
    "other_runs",
    *(f"{side}_{count}" for side in ("best", "other") for count in ("finished", "planned", "without")),
    "probability",
    "probability_low",
    "probability_high",
    "p",
    "exact",
    "p_adjusted",
    "smallest_p",
    "within_floor",
    "told_apart",
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
    """Mean rank by the primary metric: a row per task and objective over the seeds that all of its objectives ran.

    An objective of which no run has a record has no rank and takes none from the others. ``planned`` counts the seeds
    that any of the ranked was to run. The task ``all`` is the mean over tasks, of the objectives that stand in all of
    them, where there are several.
    """
    parts = []
    for task in material.tasks:
        metric = task.primary
        recorded = {name: cell for name, cell in material.outcomes_of(task.label).items() if cell.recorded}
        cells = {name: material.cell(task.label, name, metric.name) for name in recorded}
        planned = len({seed for cell in recorded.values() for seed in (*cell.statuses, *cell.missing)})
        shared = sorted(set.intersection(*(set(cell) for cell in cells.values()))) if cells else []
        if not shared:
            continue
        block = pd.DataFrame({name: [cell[seed] for seed in shared] for name, cell in cells.items()}, dtype=float)
        mean = statistics.mean_ranks(block, metric.better)
        parts.append(
            pd.DataFrame({"objective": mean.index, "mean_rank": mean.to_numpy()}).assign(
                task=task.label, seeds=len(shared), planned=planned
            )
        )
    columns = ["task", "objective", "mean_rank", "seeds", "planned"]
    if not parts:
        return pd.DataFrame(columns=columns)
    each = pd.concat(parts, ignore_index=True)
    if len(material.tasks) > 1:
        grouped = each.groupby("objective", sort=False).agg(
            mean_rank=("mean_rank", "mean"), seeds=("seeds", "sum"), planned=("planned", "sum"), tasks=("task", "size")
        )
        everywhere = grouped[grouped["tasks"] == len(material.tasks)].drop(columns="tasks").reset_index()
        compared = {frozenset(of["objective"]) for _, of in each.groupby("task")}
        if len(parts) == len(material.tasks) and len(compared) == 1:
            each = pd.concat([each, everywhere.assign(task="all")], ignore_index=True)
    return each[columns]


def standing(material: Material, task: Task) -> list[str]:
    """The task's objectives from best to worst by the primary metric, failures last; those without a value left out."""
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


def comparisons(material: Material) -> pd.DataFrame:
    """The best objective of each task against every other, by the primary metric, in the order of standing.

    Two are ``told_apart`` where the interval of the improvement excludes zero, the step-down test's p is at most
    0.05, and the medians differ by more than the perfect sampler's own draws do.
    """
    rows: list[tuple[object, ...]] = []
    for task in material.tasks:
        order = standing(material, task)
        metric = task.primary
        cells = {name: material.cell(task.label, name, metric.name) for name in order}
        made = []
        for other in order[1:]:
            scale = _scale(metric, list(cells[order[0]].values()) + list(cells[other].values()))
            gain = statistics.improvement(cells[order[0]], cells[other], better=metric.better, scale=scale)
            x, y = list(cells[order[0]].values()), list(cells[other].values())
            chance = statistics.probability_of_improvement(x, y, better=metric.better)
            p = statistics.rank_sum_test(x, y, better=metric.better)
            made.append((other, scale, gain, chance, p))
        adjusted = statistics.step_down_test([list(cells[name].values()) for name in order], better=metric.better)
        for (other, scale, gain, chance, p), p_adjusted in zip(made, adjusted, strict=True):
            n, m = len(cells[order[0]]), len(cells[other])
            within = _within_floor(material, task, order[0], other)
            told = gain.excludes_zero and p_adjusted <= 0.05 and not within
            head = (task.label, metric.name, order[0], other, scale, gain.estimate, gain.low, gain.high, gain.n)
            counts = [entry for name in (order[0], other) for entry in _counts(material, task, name, cells[name])]
            likely = (n, m, *counts, chance.estimate, chance.low, chance.high)
            exact, least = statistics.is_exact(n, m), statistics.smallest_p(n, m)
            rows.append((*head, *likely, p, exact, p_adjusted, least, within, told))
    return pd.DataFrame(rows, columns=list(COMPARISONS))


def _counts(material: Material, task: Task, name: str, values: dict[int, float | None]) -> tuple[int, int, str]:
    """Runs of an objective with a value, planned ones, and what became of those without."""
    of = material.outcomes[task.label, name]
    finished = sum(value is not None and not math.isnan(value) for value in values.values())
    return finished, of.planned, of.without(values)


def _scale(metric: Metric, values: list[float | None]) -> Scale:
    positive = all(value > 0 for value in values if value is not None and not math.isnan(value))
    return "log-ratio" if metric.log_scale and positive else "difference"


def _within_floor(material: Material, task: Task, one: str, other: str) -> bool:
    """Whether two medians differ by no more than the perfect sampler's draws do among themselves."""
    floor = floor_spread(material, task, task.primary)
    if floor is None:
        return False
    medians = [
        statistics.summarise(material.cell(task.label, name, task.primary.name).values(), task.primary.better).ranking
        for name in (one, other)
    ]
    return all(map(math.isfinite, medians)) and abs(medians[0] - medians[1]) <= floor[1] - floor[0]


def selections(material: Material) -> pd.DataFrame:
    """The primary metric under the three ways to choose a checkpoint."""
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
