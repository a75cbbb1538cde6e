"""Which objective the others are held against and which metric ranks: as the command, else the suite has it.

What the command asks for and cannot be had is an error; what a suite's file asks for is told of, and done without.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Sequence

from bench.errors import UsageError, nearest, unknown
from bench.metrics import METRICS, Metric
from bench.report.sources import Origin
from bench.report.tasks import Task
from bench.report.view import View


@dataclasses.dataclass(frozen=True)
class Chosen:
    """The baseline, and the tasks with the metric that ranks them."""

    baseline: str | None
    """None where there is no objective."""
    baseline_named: bool
    """Whether somebody asked for it; else it is the first objective of the plan."""
    tasks: tuple[Task, ...]
    notices: tuple[str, ...]
    """A sentence for each wish of a suite that could not be met, and for the tasks that another metric ranks."""


def choose(
    view: View,
    origins: Sequence[Origin],
    objectives: Sequence[str],
    left_out: Collection[str],
    tasks: Sequence[Task],
) -> Chosen:
    """Settle both.

    Args:
        view: what the command asks for.
        origins: whose suites may ask for more.
        objectives: of the report, as it calls them, in order.
        left_out: labels of those that the view leaves out.
        tasks: with the metrics that rank in their feature spaces.

    Raises:
        UsageError: the command asks for what there is not.
    """
    faults: list[str] = []
    notices: list[str] = []
    first = objectives[0] if objectives else None
    baseline = _choose(
        "baseline", view.baseline, origins, lambda name: _find_objective(name, objectives, left_out), faults, notices
    )
    metric = _choose("metric", view.metric, origins, lambda name: _find_metric(name, tasks), faults, notices)
    if faults:
        raise UsageError(*faults)
    ranked = tuple(_ranked_by(task, None if metric is None else METRICS[metric]) for task in tasks)
    notices += _on_other_metrics(metric, ranked)
    return Chosen(first if baseline is None else baseline, baseline is not None, ranked, tuple(notices))


Find = Callable[[str], tuple[str | None, str]]
"""What a name stands for, or None and what is wrong with it."""


def _choose(
    what: str, given: str | None, origins: Sequence[Origin], find: Find, faults: list[str], notices: list[str]
) -> str | None:
    """What the command gives, else what the first suite that names one does."""
    if given is not None:
        found, fault = find(given)
        if found is None:
            faults.append(f"--{what}: {fault}")
        return found
    wishes = [(origin.title, name) for origin in origins if (name := getattr(origin.asked, what)) is not None]
    if not wishes:
        return None
    (title, wish), *others = wishes
    unlike = [f"{name} (“{other}”)" for other, name in others if name != wish]
    if unlike:
        notices.append(f"The suites name different {what}s: {wish} (“{title}”) is taken, not {', '.join(unlike)}.")
    found, fault = find(wish)
    if found is None:
        notices.append(f"The {what} that the suite “{title}” names is not used: {fault}.")
    return found


def _find_objective(name: str, objectives: Sequence[str], left_out: Collection[str]) -> tuple[str | None, str]:
    if name in objectives:
        return name, ""
    alike = [other for other in objectives if other.startswith(f"{name}·")]
    if alike:
        return None, f"several objectives are labelled '{name}'; name one of {', '.join(alike)}"
    if name in left_out:
        return None, f"'{name}' is left out by --only; objectives: {', '.join(objectives)}"
    return None, unknown("objective", name, objectives)


def _find_metric(name: str, tasks: Sequence[Task]) -> tuple[str | None, str]:
    measured = tuple(metric for metric in METRICS if any(METRICS[metric] in task.metrics for task in tasks))
    if name not in METRICS:
        return None, unknown("metric", name, measured or tuple(METRICS))
    if name not in measured and measured:  # where nothing was measured at all, nothing is ranked
        hint = nearest(name, measured)
        return None, f"'{name}' was measured on no task;{f' {hint}' if hint else ''} measured: {', '.join(measured)}"
    return name, ""


def _ranked_by(task: Task, metric: Metric | None) -> Task:
    return dataclasses.replace(task, primary=metric) if metric in task.metrics and metric is not None else task


def _on_other_metrics(metric: str | None, tasks: Sequence[Task]) -> list[str]:
    """That some tasks are ranked by another metric than the one asked for, since they do not have it."""
    others = [task for task in tasks if metric is not None and task.primary.name != metric]
    if metric is None or len(others) in (0, len(tasks)):
        return []
    said = "; ".join(f"{task.label}: {task.primary.title}" for task in others)
    return [f"{METRICS[metric].title} ranks where it was measured; elsewhere another metric does ({said})."]
