"""Everything a report is made from, read once: tidy DataFrames and the few models behind them."""

from __future__ import annotations

import dataclasses
import math
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from bench.activity import Activity, now, read_activity
from bench.record import Record, Reference, Status, Throughput, reference_key
from bench.report.asked import read_asked
from bench.report.missing import find_missing
from bench.report.outcomes import Outcomes, outcomes
from bench.report.tasks import Grouping, MeasuredOn, Task, group
from bench.spec import RunSpec
from bench.store import HISTORY_COLUMNS, Store

if TYPE_CHECKING:
    import numpy as np

RUN_COLUMNS = ("task", "objective", "seed", "run_id", "status", "reason", "steps", "images", "seconds", "hardware")
VALUE_COLUMNS = (
    "task",
    "objective",
    "seed",
    "run_id",
    "metric",
    "selection",
    "value",
    "step",
    "generated",
    "real",
    "weights",
    "split",
)
REFERENCE_COLUMNS = ("task", "kind", "draw", "metric", "value")


@dataclasses.dataclass(frozen=True)
class Material:
    """A suite's results. Runs of every status are in ``runs``; ``values`` holds what was measured of them."""

    store: Store
    title: str
    suite_text: str | None
    read_at: str
    """ISO 8601, UTC."""
    activity: Activity | None
    """What was being done in the folder at that time."""
    tasks: tuple[Task, ...]
    """Of which a run has a record."""
    objectives: tuple[str, ...]
    """In the order of the plan, which is the order of colours."""
    runs: pd.DataFrame
    missing: pd.DataFrame
    """A row per planned run without a record: columns of `missing.MISSING_COLUMNS`."""
    outcomes: dict[tuple[str, str], Outcomes]
    """By task and objective, of every planned cell; a task of which no run has a record stands here alone."""
    values: pd.DataFrame
    """A row per run, metric and selection; ``final`` values of runs that did not complete are left out."""
    references: dict[str, Reference]
    """By task."""
    draws: pd.DataFrame
    """The references' values."""
    throughputs: tuple[Throughput, ...]
    records: dict[str, Record]
    specs: dict[str, dict[str, RunSpec]]
    """Of each objective as the report calls it, one per task."""
    left_out: int
    """Records in the folder that the plan does not ask for; nothing here is of them."""
    rejected: tuple[str, ...]
    """A sentence for each file that could not be trusted."""
    histories: dict[str, pd.DataFrame]
    """By run id, of the runs that have one."""

    @property
    def planned(self) -> int:
        """Runs that were asked for; those with a record where no plan is kept."""
        return len(self.runs) + len(self.missing)

    @property
    def unbegun(self) -> tuple[str, ...]:
        """Tasks of which no run has a record yet: all that is known of them is what the plan calls them."""
        begun = {task.label for task in self.tasks}
        return tuple(dict.fromkeys(task for task, _ in self.outcomes if task not in begun))

    def outcomes_of(self, task: str) -> dict[str, Outcomes]:
        """What became of a task's planned runs, by objective in the order of the plan."""
        return {name: self.outcomes[task, name] for name in self.objectives if (task, name) in self.outcomes}

    def task(self, label: str) -> Task:
        """The task of that label."""
        return next(task for task in self.tasks if task.label == label)

    def cell(self, task: str, objective: str, metric: str, selection: str = "final") -> dict[int, float | None]:
        """The metric by seed over all recorded runs of a cell; NaN for a run that has none."""
        runs = self.runs[(self.runs["task"] == task) & (self.runs["objective"] == objective)]
        of = self.values
        of = of[(of["task"] == task) & (of["objective"] == objective)]
        of = of[(of["metric"] == metric) & (of["selection"] == selection)]
        known = dict(zip(of["run_id"], of["value"], strict=True))
        return {
            int(seed): float(known.get(run_id, math.nan))
            for seed, run_id in zip(runs["seed"], runs["run_id"], strict=True)
        }

    def history(self, task: str) -> pd.DataFrame:
        """The histories of a task's runs, with columns ``objective, seed, runs, planned, place``.

        ``runs`` counts all recorded runs of the objective, those without a history too, ``planned`` also those without
        a record. Rows of one ``place`` belong
        together over seeds: it is the step, or the number of the evaluation where the budget is in seconds, since
        there every run is evaluated at steps of its own.
        """
        runs = self.runs[self.runs["task"] == task]
        timed = self.task(task).spec.training.budget.unit == "seconds"
        frames = []
        for objective, seed, run_id in zip(runs["objective"], runs["seed"], runs["run_id"], strict=True):
            history = self.histories.get(run_id)
            if history is not None and len(history):
                place = history.groupby(["split", "name"]).cumcount() if timed else history["step"]
                of = self.outcomes[task, objective]
                counts = {"runs": of.recorded, "planned": of.planned}
                frames.append(history.assign(objective=objective, seed=seed, place=place, **counts))
        if not frames:
            return pd.DataFrame(columns=[*HISTORY_COLUMNS, "objective", "seed", "place", "runs", "planned"])
        return pd.concat(frames, ignore_index=True)

    def samples(self, task: str) -> tuple[int | None, dict[str, np.ndarray | str]]:
        """One seed, and each objective's samples at it; a sentence instead where there are none."""
        runs = self.runs[self.runs["task"] == task]
        if runs.empty:
            return None, {}
        seed = int(runs["seed"].min())
        found: dict[str, np.ndarray | str] = {}
        for objective in self.task(task).objectives:
            row = runs[(runs["objective"] == objective) & (runs["seed"] == seed)]
            if row.empty:
                is_missing = seed in self.outcomes[task, objective].missing
                found[objective] = "no record of this seed yet" if is_missing else "no run with this seed"
                continue
            samples = self.store.samples(row["run_id"].iloc[0])
            status, steps = row["status"].iloc[0], row["steps"].iloc[0]
            if samples is None or not len(samples):
                ended = "no samples kept" if status == Status.COMPLETED else f"{status} at step {steps:,}"
                found[objective] = ended
            else:
                found[objective] = samples
        return seed, found


def read_material(results: Path) -> Material:
    """Read a suite's results folder. Nothing in it makes this fail; what cannot be trusted is listed."""
    store = Store(results)
    activity = read_activity(results)  # before the records: a run that ends between the two is seen by one of them
    records, throughputs, references = store.records(), store.throughputs(), store.references()
    asked = read_asked(store)
    by_id = {record.run_id: record for record in records if asked.runs is None or record.run_id in asked.runs}
    histories, torn = _histories(store, by_id)
    order = {run_id: index for index, run_id in enumerate(asked.runs or ())}
    ordered = sorted(by_id.values(), key=lambda record: (order.get(record.run_id, len(order)), record.run_id))
    grouping = group(ordered)
    absent = [run_id for run_id in order if run_id not in by_id]
    missing = find_missing(store, activity, absent, ordered, grouping)
    objectives, tasks = _in_order(order or [record.run_id for record in ordered], missing, grouping)
    task_of, names = grouping.task_of, grouping.name_of
    runs = pd.DataFrame([_run_row(record, task_of, names) for record in ordered], columns=list(RUN_COLUMNS))
    values = [row for record in ordered for row in _value_rows(record, task_of, names)]
    held = _held(references, tasks)
    draws = [
        (task, draw.kind, draw.draw, draw.metric, math.nan if draw.value is None else draw.value)
        for task, reference in held.items()
        for draw in reference.draws
    ]
    specs: dict[str, dict[str, RunSpec]] = defaultdict(dict)
    for record in ordered:
        specs[names[record.run_id]].setdefault(task_of[record.run_id], record.spec)
    return Material(
        store=store,
        title=asked.title or results.name,
        suite_text=asked.text,
        read_at=now(),
        activity=activity,
        tasks=tasks,
        objectives=objectives,
        runs=runs,
        missing=missing,
        outcomes=outcomes(runs, missing),
        values=pd.DataFrame(values, columns=list(VALUE_COLUMNS)),
        references=held,
        draws=pd.DataFrame(draws, columns=list(REFERENCE_COLUMNS)),
        throughputs=tuple(item for item in throughputs if asked.cells is None or item.cell_id in asked.cells),
        records={record.run_id: record for record in ordered},
        specs=dict(specs),
        left_out=len(records.items) - len(by_id),
        rejected=(*records.rejected, *throughputs.rejected, *references.rejected, *asked.faults, *torn),
        histories=histories,
    )


def _in_order(
    run_ids: Iterable[str], missing: pd.DataFrame, grouping: Grouping
) -> tuple[tuple[str, ...], tuple[Task, ...]]:
    """All objectives, and the tasks with theirs, in the order of the runs: those without a record have their place."""
    placed = {run_id: (task, grouping.name_of[run_id]) for run_id, task in grouping.task_of.items()}
    known = missing[missing["objective"] != ""]
    placed |= dict(zip(known["run_id"], zip(known["task"], known["objective"], strict=True), strict=True))
    cells = dict.fromkeys(placed[run_id] for run_id in run_ids if run_id in placed)
    tasks = tuple(
        dataclasses.replace(task, objectives=tuple(name for label, name in cells if label == task.label))
        for task in grouping.tasks
    )
    return tuple(dict.fromkeys(name for _, name in cells)), tasks


def _held(references: Iterable[Reference], tasks: Iterable[Task]) -> dict[str, Reference]:
    """The reference that each task's numbers are held against, where there is one."""
    by_key = {reference.key: reference for reference in references}
    held = {}
    for task in tasks:
        evaluation = task.spec.evaluation
        reference = by_key.get(reference_key(task.spec.dataset, evaluation.space, evaluation.samples))
        if reference is not None and _is_of(reference, task.measured_on):
            held[task.label] = reference
    return held


def _histories(store: Store, run_ids: Iterable[str]) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Each run's history, and a sentence for each that is there and cannot be read."""
    found: dict[str, pd.DataFrame] = {}
    rejected = []
    for run_id in run_ids:
        history = store.history(run_id)
        path = store.run_folder(run_id) / "history.parquet"
        if history is not None:
            found[run_id] = history
        elif path.exists():
            rejected.append(f"{path}: not a history; the run has no part in curves")
    return found, rejected


def _is_of(reference: Reference, measured_on: MeasuredOn) -> bool:
    """Whether a reference was measured on the same, as far as either side says on what."""
    told = ((reference.space_sha256, measured_on.space), (reference.data_sha256, measured_on.data))
    return all(one == other for one, other in told if one and other)


def _run_row(record: Record, task_of: dict[str, str], names: dict[str, str]) -> tuple[object, ...]:
    return (
        task_of[record.run_id],
        names[record.run_id],
        record.spec.seed,
        record.run_id,
        str(record.status),
        record.reason,
        record.steps,
        record.images,
        record.timings.training,
        record.environment.hardware,
    )


def _value_rows(record: Record, task_of: dict[str, str], names: dict[str, str]) -> list[tuple[object, ...]]:
    return [
        (
            task_of[record.run_id],
            names[record.run_id],
            record.spec.seed,
            record.run_id,
            m.metric,
            m.selection,
            math.nan if m.value is None else m.value,
            m.step,
            m.generated,
            m.real,
            m.weights,
            m.split,
        )
        for m in record.measurements
        if m.selection != "final" or record.status is Status.COMPLETED
    ]
