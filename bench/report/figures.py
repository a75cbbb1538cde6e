"""The report's figures, each made of a report's material and returned as an ordinary matplotlib Figure.

For notebooks and papers of one's own: ``report = bench.report.load("results/losses")`` is a suite's results, whose
``runs``, ``values`` and ``draws`` are DataFrames, and ``figures.quality_cost(report)`` a figure that can be changed and
saved like any other. Nothing is read or written here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import ParamSpec

import pandas as pd
from matplotlib.figure import Figure

from bench import statistics
from bench.errors import UsageError, unknown
from bench.metrics import METRICS
from bench.report import (
    across,
    cost,
    curves,
    dynamics,
    film,
    film_strips,
    pairs,
    pictures,
    significance,
    strips,
    tables,
    tuned_figures,
    tuned_tables,
)
from bench.report.curves import Part
from bench.report.material import Material
from bench.report.projection import flatten
from bench.report.style import looks, theme
from bench.tuned import Tuning

P = ParamSpec("P")


def themed(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draw in the report's style, whatever the caller's is."""

    @functools.wraps(draw)
    def draw_themed(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with theme():
            return draw(*args, **kwargs)

    return draw_themed


@themed
def metric_points(report: Material, metric: str | None = None, tasks: Sequence[str] | None = None) -> Figure:
    """Every seed's value of a metric with medians, a panel per task, and what a perfect sampler reaches.

    Args:
        report: of `bench.report.load`.
        metric: its name; the one that ranks by default.
        tasks: labels of tasks; by default all in which it was measured.

    Raises:
        UsageError: a metric that no task has measured, or an unknown task.
    """
    chosen = METRICS.get(metric) if metric is not None else report.tasks[0].primary if report.tasks else None
    having = [task.label for task in report.tasks if chosen in task.metrics]
    if chosen is None or not having:
        measured = dict.fromkeys(each.name for task in report.tasks for each in task.metrics)
        raise UsageError(f"no task has measured '{metric}'; measured: {', '.join(measured) or 'nothing'}")
    labels = _labels(report, tasks) if tasks else having
    values = tables.seed_values(report, chosen.name, labels)
    draws = report.draws[report.draws["metric"] == chosen.name]
    return strips.metric_points(values, draws, chosen, labels, looks(report.objectives))


@themed
def quality_cost(report: Material, tasks: Sequence[str] | None = None) -> Figure:
    """The metric that ranks over seconds and images, with the Pareto front of the medians.

    Args:
        report: of `bench.report.load`.
        tasks: labels of tasks, all by default.
    """
    labels = _labels(report, tasks)
    metrics = {label: report.task(label).primary for label in labels}
    timed = [label for label in labels if len(report.hardware_of(label)) < 2]
    points, look = tables.cost_points(report), looks(report.objectives)
    return cost.quality_cost(points, report.draws, metrics, labels, look, timed=timed)


@themed
def training_curves(report: Material, task: str, metrics: Sequence[str] = (), part: Part | None = None) -> Figure:
    """Metrics of one task while training, over images, steps and seconds: median and range over seeds.

    Args:
        report: of `bench.report.load`.
        task: its label.
        metrics: their names; the one that ranks by default.
        part: the objectives to draw, all by default.

    Raises:
        UsageError: an unknown task, metric or objective.
    """
    look = looks(report.objectives)
    faults = [unknown("metric", name, tuple(METRICS)) for name in metrics if name not in METRICS]
    if faults:
        raise UsageError(*faults)
    chosen = [METRICS[name] for name in metrics] or [report.task(task).primary]
    part = _part(report, task, part)
    timed = len(report.hardware_of(task)) < 2
    history = report.history(task)
    measured = [curves.over_seeds(history, metric.name, "test") for metric in chosen]
    return curves.training_curves(measured, report.draws, chosen, task, look, part, timed=timed)


@themed
def samples(report: Material, task: str) -> Figure:
    """Samples of every objective from the same latents, and a perfect sampler's.

    Args:
        report: of `bench.report.load`.
        task: its label.

    Raises:
        UsageError: an unknown task.
    """
    _, found = report.samples(report.task(task).label)
    perfect, modes, sigma = report.truth(task)
    flat = flatten(found, perfect, modes)
    return pictures.sample_panels(flat.samples, flat.perfect, flat.modes, sigma, task, looks(report.objectives))


@themed
def film_strip(report: Material, task: str) -> Figure:
    """Samples of the same latents while training: a row per objective, from left to right.

    Args:
        report: of `bench.report.load`.
        task: its label.

    Raises:
        UsageError: an unknown task, or no run of it has kept any.
    """
    strip = film_strips.make_strip(report, report.task(task).label)
    if strip is None:
        raise UsageError(f"no run of the task '{task}' has kept samples while training")
    part, look = Part(report.task(task).objectives), looks(report.objectives)
    return film.film_strip(strip.frames, strip.perfect, strip.modes, strip.sigma, task, look, part, strip.unit)


@themed
def loss_dynamics(report: Material, task: str, part: Part | None = None) -> Figure:
    """Losses, gradient norms, accuracy and saturation of both players while training, a column per objective.

    Args:
        report: of `bench.report.load`.
        task: its label.
        part: the objectives to draw, all by default.

    Raises:
        UsageError: an unknown task or objective.
    """
    part = _part(report, task, part)
    return dynamics.loss_dynamics(dynamics.logged_tables(report.history(task)), task, looks(report.objectives), part)


@themed
def against_baseline(report: Material, tasks: Sequence[str] | None = None) -> Figure:
    """How far each objective is ahead of the baseline, with intervals, a panel per task."""
    title = f"Improvement over {report.baseline}, the baseline"
    found = significance.baseline_comparisons(report)
    return pairs.improvements(found, _labels(report, tasks), looks(report.objectives), rows="one", title=title)


@themed
def probability_of_improvement(report: Material, tasks: Sequence[str] | None = None) -> Figure:
    """Probability that a run of each objective beats one of the baseline, with intervals, a panel per task."""
    title = f"Probability of improvement over {report.baseline}, the baseline"
    found = significance.baseline_comparisons(report)
    return pairs.probabilities(found, _labels(report, tasks), looks(report.objectives), rows="one", title=title)


@themed
def best_against_others(report: Material, tasks: Sequence[str] | None = None) -> Figure:
    """How far the best objective of each task is ahead of the others, with intervals."""
    title = "How far the best is ahead"
    found = significance.best_comparisons(report)
    return pairs.improvements(found, _labels(report, tasks), looks(report.objectives), rows="other", title=title)


@themed
def over_all_tasks(report: Material) -> Figure:
    """Improvement over the baseline and its probability over all tasks, a row per objective.

    Raises:
        UsageError: fewer than two tasks have something to compare.
    """
    overall = significance.over_tasks(report)
    if overall.empty:
        raise UsageError("fewer than two tasks have runs of the baseline and of another objective")
    return across.against_baseline(overall, report.tasks[0].primary, looks(report.objectives))


@themed
def mean_ranks(report: Material) -> Figure:
    """Mean rank of each objective over datasets, with its interval; the critical difference above 10 datasets.

    Raises:
        UsageError: fewer than two tasks have two objectives in common.
    """
    table = tables.dataset_ranks(report)
    if table.empty:
        raise UsageError("fewer than two tasks have two objectives in common: there are no ranks over tasks")
    if len(table) >= statistics.FEWEST_CELLS:
        distance = statistics.critical_difference(len(table.columns), len(table))
        return across.critical_difference(table, distance, looks(report.objectives))
    return across.mean_ranks(tables.overall_ranks(report), looks(report.objectives))


@themed
def performance_profiles(report: Material) -> Figure:
    """Share of runs within a factor of the best of their task and seed, a line per objective.

    Raises:
        UsageError: the metric that ranks has no ratios in any task.
    """
    found = significance.profiles(report)
    if found.empty:
        raise UsageError("the metric that ranks has no ratios in any task, so there are no performance profiles")
    return across.performance_profiles(found, looks(report.objectives))


@themed
def selection_protocols(report: Material, tasks: Sequence[str] | None = None) -> Figure:
    """The median of the metric that ranks under three ways to choose a checkpoint."""
    labels = _labels(report, tasks)
    metrics = {label: report.task(label).primary for label in labels}
    selections, look = tables.selections(report), looks(report.objectives)
    return strips.selection_protocols(selections, report.draws, metrics, labels, look)


@themed
def step_times(report: Material, hardware: str) -> Figure:
    """What one generator step's time is spent on, measured alone on one hardware.

    Raises:
        UsageError: nothing was measured on it.
    """
    from bench.report import listings

    measured = tuple(dict.fromkeys(item.environment.hardware for item in report.throughputs))
    if hardware not in measured:
        raise UsageError(unknown("hardware", hardware, measured))
    table = listings.throughput(report)
    found: pd.DataFrame = table[table["hardware"] == hardware]
    return strips.step_times(found, looks(report.objectives))


def _labels(report: Material, tasks: Sequence[str] | None) -> list[str]:
    return [task.label for task in (report.tasks if tasks is None else map(report.task, tasks))]


def _part(report: Material, task: str, part: Part | None) -> Part:
    """The objectives of a figure, each of which the task has."""
    valid = report.task(task).objectives
    faults = [unknown("objective", name, valid) for name in (part.names if part else ()) if name not in valid]
    if faults:
        raise UsageError(*faults)
    return part or Part(valid)


@themed
def best_against_budget(report: Material) -> Figure:
    """The best validation metric over the number of trials, of a tuned suite's studies.

    Args:
        report: of `bench.report.load`.

    Raises:
        UsageError: no suite of it is a tuned one.
    """
    tuning = _tuning(report)
    tasks, known = tuned_tables.tasks_with_values(tuning), tuned_tables.known_tasks(report, tuning)
    look = looks(tuple(dict.fromkeys(study.objective for study in tuning.studies)))
    return tuned_figures.best_against_budget(tasks, report.draws, known, look, is_random=tuning.is_random)


@themed
def slices(report: Material, task: str) -> Figure:
    """Every trial's value over each setting that was searched on a task.

    Args:
        report: of `bench.report.load`.
        task: its label.

    Raises:
        UsageError: no suite of it is a tuned one, or no task with a finished trial is called so.
    """
    tuning = _tuning(report)
    tasks = tuned_tables.tasks_with_values(tuning)
    if task not in tasks:
        raise UsageError(unknown("tuned task", task, tuple(tasks)))
    return tuned_figures.slices(task, tasks[task], looks(tuple(study.objective for study in tasks[task])))


def _tuning(report: Material) -> Tuning:
    if not report.tunings:
        raise UsageError("these results are not of a suite that `ganbench tune` has written")
    return report.tunings[0]
