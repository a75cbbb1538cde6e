"""Which figures a report has, with captions and alternative texts."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from bench.metrics import METRICS, Metric
from bench.report import cost, listings, pairs, pictures, strips, tables
from bench.report.blocks import Picture
from bench.report.material import Material
from bench.report.outcomes import beside, partial
from bench.report.projection import Flattened, flatten
from bench.report.style import COLORS, Look, shown
from bench.report.tasks import Task

TASKS_PER_FIGURE = 3


def chunks(tasks: Sequence[Task]) -> Iterator[tuple[str, list[Task]]]:
    """Tasks by threes, and what tells their files apart."""
    for start in range(0, len(tasks), TASKS_PER_FIGURE):
        part = start // TASKS_PER_FIGURE + 1
        yield (f"-{part}" if len(tasks) > TASKS_PER_FIGURE else ""), list(tasks[start : start + TASKS_PER_FIGURE])


OPEN_TASKS = 6
"""Tasks of which every picture stands open; those of more are folded, a line each."""


def is_folded(index: int) -> bool:
    """Whether the pictures of the task of this number, from 1 on, are folded."""
    return index > OPEN_TASKS


def _labels(tasks: Sequence[Task]) -> list[str]:
    return [task.label for task in tasks]


def quality_cost(material: Material, look: dict[str, Look]) -> list[Picture]:
    """The metric that ranks over seconds and images."""
    points = tables.cost_points(material)
    if points["value"].isna().all():
        return []
    made = []
    for part, tasks in chunks(material.tasks):
        labels = _labels(tasks)
        metrics = {task.label: task.primary for task in tasks}
        timed = [label for label in labels if len(material.hardware_of(label)) < 2]
        fronts = {
            way: "; ".join(
                f"{label}: {', '.join(cost.front_of(points, metrics[label], label, way)) or 'none'}" for label in of
            )
            for way, of in (("seconds", timed), ("images", labels))
        }
        dense = any(cost.is_dense(points, label) for label in labels)
        having = points.dropna(subset=["value"]).groupby("task")["objective"].agg(set)
        absent = [
            f"{name} on {task.label}"
            for task in tasks
            for name in task.objectives
            if name not in having.get(task.label, ())
        ]
        made.append(
            Picture(
                f"quality-cost{part}",
                "Quality against cost",
                "Grey: a perfect sampler's draws. "
                "Small marks are runs, large ones medians over the runs that have a value, with “k of N” where not "
                "every planned run has one; both scales of cost are logarithmic. "
                + (f"No run of these has one: {', '.join(absent)}. " if absent else "")
                + not_whole(material, tasks)
                + "The dashed line is the Pareto front of the medians: no other objective is both cheaper and better; "
                "where half or more of the recorded runs have no value an objective is not on it. "
                + (
                    f"Among more than {len(COLORS)} objectives those on it stand out; medians of the others are small, "
                    "pale. From cheap to costly it holds, over seconds, "
                    f"{fronts['seconds']}; over images, {fronts['images']}. "
                    if dense
                    else ""
                )
                + "Seconds of training were measured while runs of the suite were side by side on the machine; speeds "
                "measured alone are in the throughput table. One image count stands for several objectives where they "
                "show the discriminator equally many.",
                f"Scatter plots of the metric that ranks over training seconds and over images. "
                f"Pareto front over seconds, from cheap to costly: {fronts['seconds']}.",
                functools.partial(cost.quality_cost, points, material.draws, metrics, labels, look, timed=timed),
            )
        )
    return made


def metric_points(material: Material, summary: pd.DataFrame, look: dict[str, Look]) -> list[Picture]:
    """Every metric, every seed."""
    made = []
    for metric in METRICS.values():
        having = [task for task in material.tasks if metric in task.metrics]
        for part, tasks in chunks(having):
            values = tables.seed_values(material, metric.name, _labels(tasks))
            draws = material.draws[material.draws["metric"] == metric.name]
            medians = summary[(summary["metric"] == metric.name) & summary["objective"].isin(list(look))]
            said = "; ".join(f"{task.label}: {_medians(medians, task, metric)}" for task in tasks)
            made.append(
                Picture(
                    f"metric-{metric.name.replace('_', '-')}{part}",
                    metric.title,
                    f"{metric.title}: {metric.meaning} ({metric.source}); {metric.better} is better. "
                    "A mark per run, a tick at the median, a bar for its 95 % interval (order statistics; failures "
                    "count as worst; under six runs their range, which holds less). Grey: a perfect sampler's draws "
                    "(band: range, line: median); dotted: noise, or an arrow where it lies off the scale. “k of N” "
                    "stands where not every planned run has a value; what became of the others stands in “What failed "
                    "and why”.",
                    f"{metric.title}, medians per objective. {said}.",
                    functools.partial(strips.metric_points, values, draws, metric, _labels(tasks), look),
                )
            )
    return made


def _medians(summary: pd.DataFrame, task: Task, metric: Metric) -> str:
    """``nsgan 0.03, wgan 0.05 (3 of 5)``: of one task, for those who cannot see them."""
    said = []
    for line in summary[summary["task"] == task.label].to_dict("records"):
        counted = beside(line["finished"], line["planned"], "")
        said.append(f"{line['objective']} {shown(line['median'], metric)}" + (f" ({counted})" if counted else ""))
    return ", ".join(said)


MARKS = "Filled marks can be told apart, hollow ones cannot. "
REACHED = (
    "Beside a row, ∞, 0 and −∞: failures of one side reach into the interval; the line ends at the frame. –: the two "
    "share no seed. “k of N”: they share k of the N seeds planned for either."
)


def best_intervals(material: Material, comparisons: pd.DataFrame, look: dict[str, Look]) -> list[Picture]:
    """How far the best is ahead."""
    title = "How far the best is ahead"
    return [
        Picture(
            f"comparisons{part}",
            title,
            "Improvement of the best objective over each other one in the metric that ranks, paired by seed: "
            f"interquartile mean and 95 % bootstrap interval. {MARKS}{REACHED}",
            f"Intervals of improvement. {_told(comparisons, tasks, 'other')} The table below holds the numbers.",
            functools.partial(pairs.improvements, comparisons, _labels(tasks), look, rows="other", title=title),
        )
        for part, tasks in chunks(material.tasks)
    ]


def baseline_intervals(material: Material, comparisons: pd.DataFrame, look: dict[str, Look]) -> list[Picture]:
    """How each objective does against the baseline: by how much, and how probably."""
    name, made = material.baseline, []
    for part, tasks in chunks(material.tasks):
        told = _told(comparisons, tasks, "one")
        titles = (f"Improvement over {name}, the baseline", f"Probability of improvement over {name}")
        made += [
            Picture(
                f"baseline{part}",
                titles[0],
                f"Improvement over {name} in the metric that ranks, paired by seed: interquartile mean and 95 % "
                f"bootstrap interval; right of the line is better. {MARKS}{REACHED}",
                f"Intervals of improvement over {name}. {told} The table below holds the numbers.",
                functools.partial(pairs.improvements, comparisons, _labels(tasks), look, rows="one", title=titles[0]),
            ),
            Picture(
                f"probability{part}",
                titles[1],
                f"Chance that a run of the objective beats a run of {name}, with its 95 % interval; at 50 % neither is "
                f"better. {MARKS}Ties count half, runs without a value lose.",
                f"Probabilities of improvement over {name}. {told} The table below holds the numbers.",
                functools.partial(pairs.probabilities, comparisons, _labels(tasks), look, rows="one", title=titles[1]),
            ),
        ]
    return made


def _told(comparisons: pd.DataFrame, tasks: Sequence[Task], named: pairs.Side) -> str:
    """Who can be told apart, in words, for those who cannot see it."""
    said = []
    for task in tasks:
        of = comparisons[(comparisons["task"] == task.label) & comparisons["told_apart"]]
        said.append(f"{task.label}: told apart {', '.join(of[named]) or 'none'}")
    return "; ".join(said) + "."


def selection_protocols(material: Material, selections: pd.DataFrame, look: dict[str, Look]) -> list[Picture]:
    """Final, best on validation, oracle best."""
    if selections["median"].isna().all():
        return []
    return [
        Picture(
            f"selection{part}",
            "What choosing a checkpoint changes",
            "Medians of the metric that ranks under three protocols. Final: the last checkpoint, which all other "
            "numbers here are of. Best on validation: chosen on other samples and another real split. Oracle best: "
            "chosen on the reported number itself; it flatters, and is shown only to say by how much. Grey: a perfect "
            "sampler. “k of N”: k of the "
            "N planned runs have a final value; the table has the counts of the other marks, and why.",
            "Three marks per objective; the table below holds the same numbers.",
            functools.partial(
                strips.selection_protocols,
                selections,
                material.draws,
                {task.label: task.primary for task in tasks},
                _labels(tasks),
                look,
            ),
        )
        for part, tasks in chunks(material.tasks)
    ]


def not_whole(material: Material, tasks: Sequence[Task]) -> str:
    """Which objectives' numbers are not of all their planned runs, and why."""
    several = len(material.tasks) > 1
    cells = {
        f"{name} on {task.label}" if several else name: cell
        for task in tasks
        for name, cell in material.outcomes_of(task.label).items()
    }
    said = partial(cells)
    return f"Completed, of the planned runs: {said}. " if said else ""


def samples(material: Material, look: dict[str, Look]) -> list[Picture]:
    """Samples side by side, per task."""
    made = []
    for index, task in enumerate(material.tasks, start=1):
        seed, found = material.samples(task.label)
        if all(isinstance(value, str) for value in found.values()):
            continue
        reference = material.references.get(task.label)
        perfect, *_ = material.truth(task.label)
        flat = flatten(found, perfect, () if reference is None else reference.modes)
        caption = _samples_caption(seed, found, flat)
        absent = [f"{name} ({value})" for name, value in found.items() if isinstance(value, str)]
        made.append(
            Picture(
                f"samples-{index}",
                f"{task.label}: samples",
                caption,
                f"Samples on {task.label} of {', '.join(found)}."
                + (f" None of {', '.join(absent)}." if absent else ""),
                functools.partial(
                    pictures.sample_panels,
                    flat.samples,
                    flat.perfect,
                    flat.modes,
                    None if reference is None else reference.sigma,
                    task.label,
                    look,
                ),
                collapsed=is_folded(index),
            )
        )
    return made


def _samples_caption(seed: int | None, found: Mapping[str, pictures.Samples | str], flat: Flattened) -> str:
    """What the panels show and how."""
    arrays = [value for value in found.values() if not isinstance(value, str)]
    points = [value for value in arrays if value.ndim == 2]
    caption = f"Seed {seed}; every objective is given the same latents. "
    if flat.meaning:
        caption += f"Points of {points[0].shape[1]:,} dimensions are shown on one plane: that {flat.meaning}. "
    if flat.modes and any(value.shape[1] > 1 for value in points):
        caption += "Circles stand around the true modes (3σ, or larger where that would be too small to see). "
    elif flat.modes and points:
        caption += "Histograms, with lines at the true modes. "
    if points:
        caption += "All panels share one frame; points outside of it are counted below the panel."
    if any(value.ndim == 4 and max(value.shape[2:]) < pictures.SMALL for value in arrays):
        caption += f"Images of fewer than {pictures.SMALL} pixels are enlarged smoothly."
    return caption


def step_times(material: Material, look: dict[str, Look]) -> list[Picture]:
    """Where a step's time goes, per hardware."""
    table = listings.throughput(material)
    if table.empty:
        return []
    return [
        Picture(
            f"throughput-{index}",
            "Where a step's time goes",
            f"{hardware}. One generator step with its n_critic discriminator steps, measured alone on the device: "
            "median "
            "of repeats, without evaluation and files.",
            "Stacked bars of discriminator, penalty and generator milliseconds; the table below holds the same "
            "numbers.",
            functools.partial(strips.step_times, of, look),
        )
        for index, (hardware, of) in enumerate(table.groupby("hardware", sort=False), start=1)
    ]
