"""Everything a report is made from, read once: tidy DataFrames and the few models behind them."""

from __future__ import annotations

import dataclasses
import json
import math
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from bench.metrics import METRICS, Metric, headline, primary
from bench.record import Record, Reference, Status, Throughput, reference_key
from bench.spec import RunSpec, digest, identity
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
class Task:
    """What objectives are compared on: one dataset, one architecture, one protocol. Never two of them in one table."""

    label: str
    """As short as tells the report's tasks apart: the dataset, the architecture where there are several, …"""
    spec: RunSpec
    """Of one of its runs: dataset, architecture, training and evaluation are the same in all of them."""
    space_sha256: str
    """Of the weights of the feature space that all of them were measured in; empty where there are none to name."""
    metrics: tuple[Metric, ...]
    """That were measured, in the order of tables."""
    objectives: tuple[str, ...]

    @property
    def primary(self) -> Metric:
        """The metric that ranks."""
        return primary(self.spec.evaluation.space)

    @property
    def headline(self) -> tuple[Metric, ...]:
        """The metrics of the summary table."""
        return headline(self.spec.evaluation.space)

    @property
    def full_name(self) -> str:
        """Dataset and architecture, whatever the label leaves out."""
        return f"{self.spec.dataset.label} with {self.spec.architecture.label}"


@dataclasses.dataclass(frozen=True)
class Material:
    """A suite's results. Runs of every status are in ``runs``; ``values`` holds what was measured of them."""

    store: Store
    title: str
    suite_text: str | None
    tasks: tuple[Task, ...]
    objectives: tuple[str, ...]
    """In the order of the plan, which is the order of colours."""
    runs: pd.DataFrame
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
    planned: int | None
    missing: tuple[str, ...]
    """Runs of the plan without a record."""
    left_out: int
    """Records in the folder that the plan does not ask for; nothing here is of them."""
    rejected: tuple[str, ...]
    """A sentence for each file that could not be trusted."""
    histories: dict[str, pd.DataFrame]
    """By run id, of the runs that have one."""

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
        """The histories of a task's runs, with columns ``objective``, ``seed``, ``runs`` and ``place``.

        ``runs`` counts all recorded runs of the objective, those without a history too. Rows of one ``place`` belong
        together over seeds: it is the step, or the number of the evaluation where the budget is in seconds, since
        there every run is evaluated at steps of its own.
        """
        runs = self.runs[self.runs["task"] == task]
        counts = runs["objective"].value_counts()
        timed = self.task(task).spec.training.budget.unit == "seconds"
        frames = []
        for objective, seed, run_id in zip(runs["objective"], runs["seed"], runs["run_id"], strict=True):
            history = self.histories.get(run_id)
            if history is not None and len(history):
                place = history.groupby(["split", "name"]).cumcount() if timed else history["step"]
                frames.append(history.assign(objective=objective, seed=seed, runs=counts[objective], place=place))
        if not frames:
            return pd.DataFrame(columns=[*HISTORY_COLUMNS, "objective", "seed", "runs", "place"])
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
                found[objective] = "no run with this seed"
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
    records, throughputs, references = store.records(), store.throughputs(), store.references()
    rejected = [*records.rejected, *throughputs.rejected, *references.rejected]
    plan, cells, fault = _plan(results / "plan.json")
    text, unreadable = _suite_text(store)
    title, no_title = _title(text)
    by_id = {record.run_id: record for record in records if plan is None or record.run_id in plan}
    histories, torn = _histories(store, by_id)
    rejected += fault + unreadable + no_title + torn
    order = {run_id: index for index, run_id in enumerate(plan or ())}
    ordered = sorted(by_id.values(), key=lambda record: (order.get(record.run_id, len(order)), record.run_id))
    names = _objective_names(ordered)
    tasks, task_of = _tasks(ordered, names)
    runs = pd.DataFrame([_run_row(record, task_of, names) for record in ordered], columns=list(RUN_COLUMNS))
    values = [row for record in ordered for row in _value_rows(record, task_of, names)]
    by_key = {reference.key: reference for reference in references}
    held: dict[str, Reference] = {}
    for task in tasks:
        evaluation = task.spec.evaluation
        key = reference_key(task.spec.dataset, evaluation.space, evaluation.samples)
        if key in by_key and _is_of_space(by_key[key], task.space_sha256):
            held[task.label] = by_key[key]
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
        title=title or results.name,
        suite_text=text,
        tasks=tasks,
        objectives=tuple(dict.fromkeys(names[record.run_id] for record in ordered)),
        runs=runs,
        values=pd.DataFrame(values, columns=list(VALUE_COLUMNS)),
        references=held,
        draws=pd.DataFrame(draws, columns=list(REFERENCE_COLUMNS)),
        throughputs=tuple(item for item in throughputs if cells is None or item.cell_id in cells),
        records={record.run_id: record for record in ordered},
        specs=dict(specs),
        planned=None if plan is None else len(plan),
        missing=tuple(run_id for run_id in plan or () if run_id not in by_id),
        left_out=len(records.items) - len(by_id),
        rejected=tuple(rejected),
        histories=histories,
    )


def _plan(path: Path) -> tuple[dict[str, None] | None, set[str] | None, list[str]]:
    """The run ids and the cell ids that were asked for, in order, and what is wrong with the file."""
    if not path.is_file():
        return None, None, []
    try:
        plan = json.loads(path.read_bytes())
        runs, cells = plan["runs"], plan.get("cells")
        if not (isinstance(runs, list) and all(isinstance(run, str) for run in runs)):
            raise ValueError("'runs' is not a list of run ids")
        asked = None if cells is None else {str(cell["id"]) for cell in cells}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        return None, None, [f"{path}: not a plan ({error}); skipped"]
    return dict.fromkeys(runs), asked, []


def _suite_text(store: Store) -> tuple[str | None, list[str]]:
    """The suite's text, and what is wrong with the file."""
    try:
        return store.suite_text(), []
    except (OSError, ValueError) as error:
        return None, [f"{store.folder / 'suite.toml'}: not readable ({error}); skipped"]


def _title(text: str | None) -> tuple[str | None, list[str]]:
    """The suite's title, and what is wrong with its text."""
    try:
        title = tomllib.loads(text or "").get("title")
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        return None, [f"suite.toml: not a suite ({error}); its title is not known"]
    return (title.strip() or None if isinstance(title, str) else None), []


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


def _is_of_space(reference: Reference, sha256: str) -> bool:
    """Whether a reference was measured with those weights, or either side does not say with which."""
    return not sha256 or reference.classifier is None or reference.classifier.sha256 == sha256


def protocol_key(spec: RunSpec) -> str:
    """What a task is, but for the weights of its feature space: a run's identity without objective, seed, plugins."""
    return digest({key: identity(spec)[key] for key in ("architecture", "dataset", "training", "evaluation")})


def _spaces(records: list[Record]) -> dict[str, str]:
    """The weights that each run was measured in; a run that ended before any were read has those of most others."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for record in records:
        if record.measurements or record.space_sha256:
            counts[protocol_key(record.spec)][record.space_sha256] += 1
    return {
        record.run_id: record.space_sha256
        if record.measurements or record.space_sha256 or not (known := counts[protocol_key(record.spec)])
        else known.most_common(1)[0][0]
        for record in records
    }


def _objective_names(records: list[Record]) -> dict[str, str]:
    """The name of each run's objective: its label, with a hash where one task has two objectives of that label."""
    kinds: dict[tuple[str, str], set[str]] = defaultdict(set)
    for record in records:
        kinds[protocol_key(record.spec), record.spec.objective.label].add(_objective_key(record.spec))
    shared = {label for (_, label), keys in kinds.items() if len(keys) > 1}
    return {
        record.run_id: (label := record.spec.objective.label)
        + (f"·{_objective_key(record.spec)[:4]}" if label in shared else "")
        for record in records
    }


def _objective_key(spec: RunSpec) -> str:
    """What an objective is: its settings and the text of the plugins that it is made of."""
    return digest({key: identity(spec)[key] for key in ("objective", "plugins")})


def _tasks(records: list[Record], names: dict[str, str]) -> tuple[tuple[Task, ...], dict[str, str]]:
    """The tasks in the order of their first run, and the label of each run's task."""
    spaces = _spaces(records)
    groups: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in records:
        groups[protocol_key(record.spec), spaces[record.run_id]].append(record)
    labels = _labels({key: group[0].spec for key, group in groups.items()})
    tasks = []
    for key, group in groups.items():
        measured = {measurement.metric for record in group for measurement in record.measurements}
        tasks.append(
            Task(
                label=labels[key],
                spec=group[0].spec,
                space_sha256=key[1],
                metrics=tuple(metric for name, metric in METRICS.items() if name in measured),
                objectives=tuple(dict.fromkeys(names[record.run_id] for record in group)),
            )
        )
    return tuple(tasks), {record.run_id: labels[key] for key, group in groups.items() for record in group}


def _labels(specs: dict[tuple[str, str], RunSpec]) -> dict[tuple[str, str], str]:
    """A label for each task, by protocol and space: more is said of it only where less would name two of them."""
    parts = {
        key: (
            spec.dataset.label,
            spec.architecture.label,
            f"{spec.training.budget.amount:,g} {spec.training.budget.unit}",
            spec.evaluation.space,
            f"weights {key[1][:6] or 'unknown'}",
            key[0][:4],
        )
        for key, spec in specs.items()
    }
    labels: dict[tuple[str, str], str] = {}
    for key, mine in parts.items():
        rivals = [other for name, other in parts.items() if name != key]
        chosen = [mine[0]]
        for index in range(1, len(mine)):
            rivals = [other for other in rivals if other[index - 1] == mine[index - 1]]
            if not rivals:
                break
            if any(other[index] != mine[index] for other in rivals):
                chosen.append(mine[index])
        labels[key] = ", ".join(chosen)
    return labels


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
