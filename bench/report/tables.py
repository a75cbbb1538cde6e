"""The report's numbers as DataFrames: what `tables/*.csv` hold and what the page shows."""

from __future__ import annotations

import math
from collections import Counter

import pandas as pd

from bench import statistics
from bench.metrics import METRICS, Metric
from bench.record import Status
from bench.report.material import Material, Task
from bench.spec import ObjectiveSpec
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
            cells = {
                name: statistics.summarise(material.cell(task.label, name, metric.name).values(), metric.better)
                for name in task.objectives
            }
            finite = [cell.ranking for cell in cells.values() if math.isfinite(cell.ranking)]
            best = (min if metric.better == "lower" else max)(finite, default=math.nan)
            for name, cell in cells.items():
                head = (task.label, name, metric.name, metric.better, cell.median, cell.low, cell.high)
                rows.append((*head, cell.finished, cell.runs, cell.ranking, cell.ranking == best))
            of = material.draws[(material.draws["task"] == task.label) & (material.draws["metric"] == metric.name)]
            for kind in (PERFECT, NOISE):
                drawn = of.loc[of["kind"] == kind, "value"]
                if len(drawn):
                    cell = statistics.summarise(drawn, metric.better)
                    head = (task.label, kind, metric.name, metric.better, cell.median, cell.low, cell.high)
                    rows.append((*head, cell.finished, cell.runs, cell.ranking, False))
    return pd.DataFrame(rows, columns=list(SUMMARY))


def ranks(material: Material) -> pd.DataFrame:
    """Mean rank by the primary metric: a row per task and objective over the seeds that all of its objectives ran.

    The task ``all`` is the mean over tasks, of the objectives that stand in all of them, where there are several.
    """
    parts = []
    for task in material.tasks:
        metric = task.primary
        cells = {name: material.cell(task.label, name, metric.name) for name in task.objectives}
        shared = sorted(set.intersection(*(set(cell) for cell in cells.values()))) if cells else []
        if not shared:
            continue
        block = pd.DataFrame({name: [cell[seed] for seed in shared] for name, cell in cells.items()}, dtype=float)
        mean = statistics.mean_ranks(block, metric.better)
        parts.append(
            pd.DataFrame(
                {"task": task.label, "objective": mean.index, "mean_rank": mean.to_numpy(), "seeds": len(shared)}
            )
        )
    columns = ["task", "objective", "mean_rank", "seeds"]
    if not parts:
        return pd.DataFrame(columns=columns)
    each = pd.concat(parts, ignore_index=True)
    if len(material.tasks) > 1:
        grouped = each.groupby("objective", sort=False).agg(
            mean_rank=("mean_rank", "mean"), seeds=("seeds", "sum"), tasks=("task", "size")
        )
        everywhere = grouped[grouped["tasks"] == len(material.tasks)].drop(columns="tasks").reset_index()
        if all(set(task.objectives) == set(material.tasks[0].objectives) for task in material.tasks):
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
            made.append((other, scale, gain, chance, p, len(x), len(y)))
        adjusted = statistics.step_down_test([list(cells[name].values()) for name in order], better=metric.better)
        for (other, scale, gain, chance, p, n, m), p_adjusted in zip(made, adjusted, strict=True):
            within = _within_floor(material, task, order[0], other)
            told = gain.excludes_zero and p_adjusted <= 0.05 and not within
            head = (task.label, metric.name, order[0], other, scale, gain.estimate, gain.low, gain.high, gain.n)
            likely = (n, m, chance.estimate, chance.low, chance.high)
            exact, least = statistics.is_exact(n, m), statistics.smallest_p(n, m)
            rows.append((*head, *likely, p, exact, p_adjusted, least, within, told))
    return pd.DataFrame(rows, columns=list(COMPARISONS))


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
                head = (task.label, name, task.primary.name, selection)
                rows.append((*head, cell.median, cell.low, cell.high, cell.finished, cell.runs))
    columns = ["task", "objective", "metric", "selection", "median", "low", "high", "finished", "runs"]
    return pd.DataFrame(rows, columns=columns)


def statuses(material: Material) -> pd.DataFrame:
    """How the runs of each cell ended: a column per status."""
    rows = []
    for task in material.tasks:
        for name in task.objectives:
            runs = material.runs
            of = runs[(runs["task"] == task.label) & (runs["objective"] == name)]
            count = Counter(of["status"])
            rows.append(
                {"task": task.label, "objective": name, "runs": len(of)} | {s: count[s] for s in map(str, Status)}
            )
    return pd.DataFrame(rows, columns=["task", "objective", "runs", *map(str, Status)])


def training_seconds(material: Material, task: Task) -> dict[str, float]:
    """Median seconds of training of each objective's completed runs."""
    of = costs(material)
    of = of[of["task"] == task.label]
    return {str(name): float(value) for name, value in zip(of["objective"], of["seconds"], strict=True)}


def costs(material: Material) -> pd.DataFrame:
    """Median seconds of training, steps and images of each cell's completed runs."""
    runs = material.runs[material.runs["status"] == Status.COMPLETED]
    columns = ["task", "objective", "seconds", "steps", "images"]
    if runs.empty:
        return pd.DataFrame(columns=columns)
    grouped = runs.groupby(["task", "objective"], sort=False)[["seconds", "steps", "images"]].median().reset_index()
    return grouped[columns]


def throughput(material: Material) -> pd.DataFrame:
    """Training speed of each cell, measured alone on the device; compare rows of one ``hardware`` only."""
    rows = [
        {
            "hardware": t.environment.hardware,
            "dataset": t.dataset,
            "architecture": t.architecture,
            "objective": t.objective,
            "batch_size": t.batch_size,
            "n_critic": t.n_critic,
            "steps_per_second": t.steps_per_second,
            "images_per_second": t.images_per_second,
            "discriminator_milliseconds": 1e3 * t.discriminator_seconds,
            "penalty_milliseconds": 1e3 * t.penalty_seconds,
            "generator_milliseconds": 1e3 * t.generator_seconds,
            "megaflops_per_step": t.flops_per_step / 1e6,
            "peak_share": t.peak_share if t.step_seconds and t.peak_flops_per_second else math.nan,
            "peak_memory_mebibytes": math.nan if t.peak_memory_bytes is None else t.peak_memory_bytes / 2**20,
            "repeats": t.repeats,
            "spread": t.spread,
            "cell_id": t.cell_id,
        }
        for t in material.throughputs
    ]
    table = pd.DataFrame(rows)
    if table.empty:
        return table
    objectives = {name: index for index, name in enumerate(material.objectives)}
    tasks = {task.spec.dataset.label: index for index, task in reversed(list(enumerate(material.tasks)))}
    order = table.assign(
        _dataset=table["dataset"].map(lambda name: tasks.get(name, len(tasks))),
        _objective=table["objective"].map(lambda name: objectives.get(name, len(objectives))),
    ).sort_values(["hardware", "_dataset", "architecture", "_objective"], kind="stable")
    return order.drop(columns=["_dataset", "_objective"]).reset_index(drop=True)


def failures(material: Material) -> pd.DataFrame:
    """Every run that did not complete, with why."""
    rows = [
        {
            "run_id": run_id,
            "status": str(record.status),
            "step": record.steps,
            "reason": record.reason or "",
            "log_tail": record.log_tail or "",
        }
        for run_id, record in material.records.items()
        if record.status is not Status.COMPLETED
    ]
    return pd.DataFrame(rows, columns=["run_id", "status", "step", "reason", "log_tail"])


def settings(material: Material) -> pd.DataFrame:
    """Every setting of each objective, a column each; tasks that share all of them stand in one row."""
    rows: dict[tuple[str, ...], list[str]] = {}
    for name, by_task in material.specs.items():
        for task, spec in by_task.items():
            objective = spec.objective
            said = (
                name,
                str(objective.loss),
                " + ".join(map(str, objective.penalties)) or "none",
                " + ".join(_tricks(objective)) or "none",
                str(objective.n_critic),
                str(objective.generator_optimizer),
                str(objective.discriminator_optimizer),
            )
            rows.setdefault(said, []).append(task)
    parts = ["loss", "penalties", "stabilisers", "n_critic", "generator_optimizer", "discriminator_optimizer"]
    lines = [(*said, "; ".join(tasks)) for said, tasks in rows.items()]
    return pd.DataFrame(lines, columns=["objective", *parts, "tasks"])


def _tricks(objective: ObjectiveSpec) -> list[str]:
    """Its stabilisers, and the normalisation that it chooses for the discriminator."""
    changed = objective.discriminator_normalisation
    chosen = [f"{changed} normalisation of the discriminator"] if changed != "unchanged" else []
    return [*map(str, objective.stabilisers), *chosen]


def runs(material: Material) -> pd.DataFrame:
    """A row per run with its final metrics."""
    final = material.values[material.values["selection"] == "final"]
    wide = final.pivot_table(index="run_id", columns="metric", values="value", aggfunc="first", dropna=False)
    wide = wide.reindex(columns=[name for name in METRICS if name in wide.columns])
    return material.runs.merge(wide, how="left", left_on="run_id", right_index=True)
