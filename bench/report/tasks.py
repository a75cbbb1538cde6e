"""Which runs are compared with each other: records sorted into tasks, and objectives told apart by name."""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence, Set

from bench.metrics import METRICS, Metric, headline, primary
from bench.record import Record
from bench.spec import RunSpec, digest, plain_data

PROTOCOL = ("architecture", "dataset", "training", "evaluation")
"""The fields of a run that are the same in all of a task."""


@dataclasses.dataclass(frozen=True)
class MeasuredOn:
    """What numbers are of; empty where there is nothing to name, or a run did not live to name it."""

    space: str
    """SHA-256 of the weights of the feature space."""
    data: str
    """SHA-256 of all samples and labels."""
    hardware: str = ""
    """That the runs were made on, where the budget is in seconds: how far a run gets in them depends on it."""


@dataclasses.dataclass(frozen=True)
class Task:
    """What objectives are compared on: one dataset, one architecture, one protocol. Never two of them in one table."""

    label: str
    """As short as tells the report's tasks apart: the dataset, the architecture where there are several, …"""
    spec: RunSpec
    """Of one of its runs: dataset, architecture, training and evaluation are the same in all of them."""
    measured_on: MeasuredOn
    """The same for all of them."""
    metrics: tuple[Metric, ...]
    """That were measured, in the order of tables."""
    objectives: tuple[str, ...]
    """In the order of the plan, those of which no run has a record yet too."""
    primary: Metric
    """The metric that ranks: the one that was asked for where it was measured, else the feature space's."""

    @property
    def headline(self) -> tuple[Metric, ...]:
        """The metrics of the summary table, the one that ranks among them."""
        usual = headline(self.spec.evaluation.space)
        return usual if self.primary in usual else (self.primary, *usual)

    @property
    def full_name(self) -> str:
        """Dataset and architecture, whatever the label leaves out."""
        return f"{self.spec.dataset.label} with {self.spec.architecture.label}"


@dataclasses.dataclass(frozen=True)
class Grouping:
    """The tasks of some records, and what the report calls each run's task and objective."""

    tasks: tuple[Task, ...]
    task_of: dict[str, str]
    """By run id."""
    name_of: dict[str, str]
    """The objective's name by run id."""


def group(records: Sequence[Record], measured: Mapping[str, Set[str]]) -> Grouping:
    """Sort records into tasks, which stand in the order of their first run.

    Args:
        records: of the runs; their measurements are not looked at.
        measured: the names of the metrics that a run has, by its id.
    """
    protocols = {record.run_id: protocol_key(record.spec) for record in records}
    names = _objective_names(records, protocols)
    measured_on = _measured_on(records, protocols, measured)
    groups: dict[tuple[str, MeasuredOn], list[Record]] = defaultdict(list)
    for record in records:
        groups[protocols[record.run_id], measured_on[record.run_id]].append(record)
    labels = _labels({key: members[0].spec for key, members in groups.items()})
    tasks = []
    for key, members in groups.items():
        having = set().union(*(measured[record.run_id] for record in members))
        tasks.append(
            Task(
                label=labels[key],
                spec=members[0].spec,
                measured_on=key[1],
                metrics=tuple(metric for name, metric in METRICS.items() if name in having),
                objectives=tuple(dict.fromkeys(names[record.run_id] for record in members)),
                primary=primary(members[0].spec.evaluation.space),
            )
        )
    task_of = {record.run_id: labels[key] for key, members in groups.items() for record in members}
    return Grouping(tuple(tasks), task_of, names)


def protocol_key(spec: RunSpec) -> str:
    """What a task is, but for the weights of its feature space: a run's identity without objective, seed, plugins."""
    return digest({key: plain_data(getattr(spec, key)) for key in PROTOCOL})


def _measured_on(
    records: Sequence[Record], protocols: Mapping[str, str], measured: Mapping[str, Set[str]]
) -> dict[str, MeasuredOn]:
    """What each run's numbers are of.

    What a run cannot name, since it ended before or records of its time did not, is what most others of its protocol
    have.
    """
    counts: dict[tuple[str, str], Counter[MeasuredOn]] = defaultdict(Counter)
    told = {record.run_id: _told_by(record) for record in records}
    for record in records:
        own = told[record.run_id]
        if measured[record.run_id] or own.space:
            counts[protocols[record.run_id], own.hardware][own] += 1
    found = {}
    for record in records:
        own = told[record.run_id]
        if own.data:
            found[record.run_id] = own
            continue
        others = [
            other
            for other, _ in counts[protocols[record.run_id], own.hardware].most_common()
            if own.space == other.space or not measured[record.run_id]
        ]
        known = [other for other in others if other.data]
        found[record.run_id] = (known or others or [own])[0]
    return found


def _told_by(record: Record) -> MeasuredOn:
    timed = record.spec.training.budget.unit == "seconds"
    return MeasuredOn(record.space_sha256, record.data_sha256, record.environment.hardware if timed else "")


def _objective_names(records: Sequence[Record], protocols: Mapping[str, str]) -> dict[str, str]:
    """The name of each run's objective: its label, with a hash where one task has two objectives of that label."""
    keys = {record.run_id: _objective_key(record.spec) for record in records}
    kinds: dict[tuple[str, str], set[str]] = defaultdict(set)
    for record in records:
        kinds[protocols[record.run_id], record.spec.objective.label].add(keys[record.run_id])
    shared = {label for (_, label), of in kinds.items() if len(of) > 1}
    return {
        record.run_id: (label := record.spec.objective.label)
        + (f"·{keys[record.run_id][:4]}" if label in shared else "")
        for record in records
    }


def _objective_key(spec: RunSpec) -> str:
    """What an objective is: its settings and the text of the plugins that it is made of."""
    return digest({key: plain_data(getattr(spec, key)) for key in ("objective", "plugins")})


def _labels(specs: dict[tuple[str, MeasuredOn], RunSpec]) -> dict[tuple[str, MeasuredOn], str]:
    """A label for each task, by protocol and what it was measured on.

    More is said of it only where less would name two of them.
    """
    parts = {
        key: (
            spec.dataset.label,
            spec.architecture.label,
            f"{spec.training.budget.amount:,g} {spec.training.budget.unit}",
            spec.evaluation.space,
            f"weights {key[1].space[:6] or 'unknown'}",
            f"data {key[1].data[:6] or 'unknown'}",
            f"on {key[1].hardware or 'unknown hardware'}",
            key[0][:4],
        )
        for key, spec in specs.items()
    }
    labels: dict[tuple[str, MeasuredOn], str] = {}
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
