"""What the report lists of runs and cells, as DataFrames: how they ended, what they cost, how they were set."""

from __future__ import annotations

import math

import pandas as pd

from bench.metrics import METRICS
from bench.record import Status
from bench.report.material import Material
from bench.report.outcomes import MISSING
from bench.report.tasks import Task
from bench.spec import ObjectiveSpec

STATUSES = ("task", "objective", "planned", "recorded", *map(str, Status), MISSING, "failure_rate")
FAILURES = ("run_id", "task", "objective", "seed", "status", "step", "reason", "log_tail")


def statuses(material: Material) -> pd.DataFrame:
    """How the planned runs of each cell ended: a column per status, and those that are missing.

    ``failure_rate`` is the share of the recorded runs that did not complete, diverged ones among them.
    """
    labels = [*(task.label for task in material.tasks), *material.unbegun]
    rows = [
        (
            *(label, name, cell.planned, cell.recorded),
            *(cell.counts.get(status, 0) for status in (*map(str, Status), MISSING)),
            cell.failure_rate,
        )
        for label in labels
        for name, cell in material.outcomes_of(label).items()
    ]
    return pd.DataFrame(rows, columns=list(STATUSES))


def training_seconds(material: Material, task: Task) -> dict[str, float]:
    """Median seconds of training of each objective's completed runs; empty where runs are of different hardware."""
    if len(material.hardware_of(task.label)) > 1:
        return {}
    runs = material.runs
    of = runs[(runs["task"] == task.label) & (runs["status"] == Status.COMPLETED)]
    return {str(name): float(seconds.median()) for name, seconds in of.groupby("objective", sort=False)["seconds"]}


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
    records = [material.records[run_id] for run_id in material.runs["run_id"]]
    rows = [
        (run_id, task, name, seed, str(record.status), record.steps, record.reason or "", record.log_tail or "")
        for run_id, task, name, seed, record in zip(
            *(material.runs[key] for key in ("run_id", "task", "objective", "seed")), records, strict=True
        )
        if record.status is not Status.COMPLETED
    ]
    return pd.DataFrame(rows, columns=list(FAILURES))


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
