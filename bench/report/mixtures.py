"""What stands side by side in a report and is not compared, or is compared although something differs: in sentences."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.record import Environment, Throughput
from bench.report.sources import Merged, Run
from bench.report.style import plural
from bench.report.tasks import PROTOCOL, Grouping, Task, protocol_key
from bench.spec import RunSpec, plain_data

MOST = 6
"""Of a kind are named in one sentence; of the others it says how many they are."""
ABSENT = "none"
"""Stands for the version of a package that an environment does not have."""


def on_mixtures(merged: Merged, grouping: Grouping, throughputs: Sequence[Throughput]) -> tuple[str, ...]:
    """A sentence for each way in which the runs of a report differ that bears on what may be compared."""
    of_task = _runs_of(merged, grouping)
    return (
        *_on_repeated(merged),
        *_on_spaces(grouping.tasks),
        *_on_protocols(of_task, grouping.tasks),
        *_on_settings(merged, grouping),
        *_on_seconds(of_task),
        *_on_throughputs(throughputs),
        *_on_versions(of_task),
    )


def hardware_of(runs: Iterable[Run]) -> tuple[str, ...]:
    """The kinds of hardware that the runs' seconds were measured on; runs that did not train have none."""
    return tuple(dict.fromkeys(run.record.environment.hardware for run in runs if run.record.steps > 0))


def _runs_of(merged: Merged, grouping: Grouping) -> dict[str, list[Run]]:
    """Runs by task."""
    found: dict[str, list[Run]] = {task.label: [] for task in grouping.tasks}
    for run_id, run in merged.runs.items():
        found[grouping.task_of[run_id]].append(run)
    return found


def _on_repeated(merged: Merged) -> list[str]:
    count = merged.repeated
    if not count:
        return []
    return [
        f"{count:,} {plural('run', count)} {'is' if count == 1 else 'are'} in several folders with equal results, and "
        "counted once; seconds are those of the folder named first."
    ]


def _on_spaces(tasks: Iterable[Task]) -> list[str]:
    """Why runs of one protocol are not compared."""
    split: dict[str, list[Task]] = defaultdict(list)
    for task in tasks:
        split[protocol_key(task.spec)].append(task)
    said = []
    for alike in split.values():
        spaces, data, hardware = (
            {getattr(task.measured_on, what) for task in alike} for what in ("space", "data", "hardware")
        )
        reasons = []
        if len(spaces) > 1:
            reasons.append(f"were measured in feature spaces of {len(spaces)} different weights")
        if len(data) > 1:
            reasons.append(f"saw {len(data)} different contents of the dataset")
        if len(hardware) > 1:
            reasons.append(f"had their seconds, which are the budget, on {len(hardware)} kinds of hardware")
        if reasons:
            said.append(
                f"Runs of one task {' and '.join(reasons)}: they are not compared, and stand as tasks of their own "
                f"({'; '.join(task.label for task in alike)})."
            )
    return said


def _on_protocols(of_task: Mapping[str, Sequence[Run]], tasks: Iterable[Task]) -> list[str]:
    """Why runs of one dataset and architecture from several folders are not compared."""
    alike: dict[tuple[str, str], dict[str, Task]] = defaultdict(dict)
    for task in tasks:
        names = (task.spec.dataset.label, task.spec.architecture.label)
        alike[names].setdefault(protocol_key(task.spec), task)
    said = []
    for of in alike.values():
        homes = [{run.home.folder for run in of_task[task.label]} for task in of.values()]
        if len(of) > 1 and any(one != homes[0] for one in homes):  # in one suite it was meant so, and needs no word
            specs = [task.spec for task in of.values()]
            differing = _listed(_differing(specs))
            labels = "; ".join(task.label for task in of.values())
            said.append(
                f"Runs on {specs[0].dataset.label} with {specs[0].architecture.label} were made under {len(specs)} "
                f"protocols, which differ in {differing}: they are not compared, and stand as tasks of their own "
                f"({labels})."
            )
    return said


def _differing(specs: Sequence[RunSpec]) -> list[str]:
    """``evaluation.samples (450, 1000)``: the fields of protocols that are not the same in all."""
    flat = [dict(_leaves({key: plain_data(getattr(spec, key)) for key in PROTOCOL})) for spec in specs]
    keys = dict.fromkeys(key for leaves in flat for key in leaves)
    values = {key: list(dict.fromkeys(str(leaves.get(key, "–")) for leaves in flat)) for key in keys}
    return [f"{key} ({', '.join(of)})" for key, of in values.items() if len(of) > 1]


def _leaves(plain: Any, path: str = "") -> list[tuple[str, Any]]:
    if not isinstance(plain, Mapping):
        return [(path, plain)]
    return [leaf for key, value in plain.items() for leaf in _leaves(value, f"{path}.{key}" if path else str(key))]


def _on_settings(merged: Merged, grouping: Grouping) -> list[str]:
    """Which objectives of one label are not the same in all folders."""
    homes: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for run_id, run in merged.runs.items():
        homes[run.record.spec.objective.label][grouping.name_of[run_id]].add(str(run.home.folder))
    return [
        f"The objective {label} has different settings in the results: they are told apart as {', '.join(names)}."
        for label, names in homes.items()
        if len(names) > 1 and len(set().union(*names.values())) > 1
    ]


def _on_seconds(of_task: Mapping[str, Sequence[Run]]) -> list[str]:
    unlike = {label: kinds for label, runs in of_task.items() if len(kinds := hardware_of(runs)) > 1}
    if not unlike:
        return []
    named = _listed(list(dict.fromkeys(kind for kinds in unlike.values() for kind in kinds)), "; ")
    return [
        f"Seconds were measured on different hardware ({named}) and are not compared: {_listed(list(unlike), '; ')}."
    ]


def _on_throughputs(throughputs: Iterable[Throughput]) -> list[str]:
    kinds = list(dict.fromkeys(item.environment.hardware for item in throughputs))
    if len(kinds) < 2:
        return []
    return [
        f"Throughput was measured on {len(kinds)} kinds of hardware and is compared within each alone "
        f"({_listed(kinds, '; ')})."
    ]


def _on_versions(of_task: Mapping[str, Sequence[Run]]) -> list[str]:
    """Which versions differ among runs that are compared."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for runs in of_task.values():
        environments = {id(run.record.environment): run.record.environment for run in runs}
        versions = {key: versions_of(environment) for key, environment in environments.items()}
        names = dict.fromkeys(name for of in versions.values() for name in of)
        differing = [name for name in names if len({of.get(name, ABSENT) for of in versions.values()}) > 1]
        for run in runs if differing else ():
            mine = versions[id(run.record.environment)]
            for name in differing:
                counts[name][mine.get(name, ABSENT)] += 1
    if not counts:
        return []
    said = _listed([f"{name} {_counted(of)}" for name, of in counts.items()], "; ")
    return [f"Runs that are compared come from different versions, which alone can change numbers: {said}."]


def versions_of(environment: Environment) -> dict[str, str]:
    """The software of an environment, by what it is called."""
    source = environment.source or environment.commit
    return {
        "ganbench": environment.ganbench,
        "ganbench's source": source[:12] if source else "unknown",
        "Python": environment.python,
        **environment.packages,
        "driver": environment.driver or ABSENT,
    }


def _counted(versions: Mapping[str, int]) -> str:
    """``2.11.0 (40 runs), 2.12.0 (1 run)``."""
    ordered = sorted(versions.items(), key=lambda item: -item[1])
    return _listed([f"{version} ({count:,} {plural('run', count)})" for version, count in ordered])


def _listed(said: Sequence[str], separator: str = ", ") -> str:
    """All of a few; of many the first, and how many more there are."""
    if len(said) <= MOST:
        return separator.join(said)
    return f"{separator.join(said[:MOST])}{separator}{len(said) - MOST} more"
