"""Which figures a report has, with captions and alternative texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from bench.metrics import METRICS, Metric
from bench.report import cost, curves, figures, pictures, tables
from bench.report.blocks import Picture
from bench.report.curves import Part
from bench.report.material import Material, Task
from bench.report.style import COLORS, Look, shown

MODE_METRICS = ("modes_covered", "reverse_kl")
TASKS_PER_FIGURE = 3
SECONDS = (
    "With a budget in seconds every run is evaluated at steps of its own: first evaluations stand together, then "
    "second ones, at their median cost. "
)


def chunks(tasks: Sequence[Task]) -> Iterator[tuple[str, list[Task]]]:
    """Tasks by threes, and what tells their files apart."""
    for start in range(0, len(tasks), TASKS_PER_FIGURE):
        part = start // TASKS_PER_FIGURE + 1
        yield (f"-{part}" if len(tasks) > TASKS_PER_FIGURE else ""), list(tasks[start : start + TASKS_PER_FIGURE])


def _labels(tasks: Sequence[Task]) -> list[str]:
    return [task.label for task in tasks]


def quality_cost(material: Material, look: dict[str, Look]) -> list[Picture]:
    """The primary metric over seconds and images."""
    final = material.values[material.values["selection"] == "final"]
    wanted = {task.label: task.primary.name for task in material.tasks}
    final = final[final["metric"] == final["task"].map(wanted)]
    points = material.runs.merge(final[["run_id", "value"]], on="run_id", how="left")
    if points["value"].isna().all():
        return []
    made = []
    for part, tasks in chunks(material.tasks):
        labels = _labels(tasks)
        metrics = {task.label: task.primary for task in tasks}
        fronts = {
            way: "; ".join(
                f"{label}: {', '.join(cost.front_of(points, metrics[label], label, way)) or 'none'}" for label in labels
            )
            for way in ("seconds", "images")
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
                "Small marks are runs, large ones medians over the runs that have a value, with “k of N” where not "
                "every run has one; both scales of cost are logarithmic. "
                + (f"No run of these has one: {', '.join(absent)}. " if absent else "")
                + "The dashed line is the Pareto front of the medians: no other objective is both cheaper and better; "
                "where half or more of the runs have no value an objective is not on it. "
                + (
                    f"Among more than {len(COLORS)} objectives those on it stand out; medians of the others are small, "
                    "pale and without a count. From cheap to costly it holds, over seconds, "
                    f"{fronts['seconds']}; over images, {fronts['images']}. "
                    if dense
                    else ""
                )
                + "Seconds of training were measured while runs of the suite were side by side on the machine; speeds "
                "measured alone are in the throughput table. One image count stands for several objectives where they "
                "show the discriminator equally many.",
                f"Scatter plots of the primary metric over training seconds and over images. "
                f"Pareto front over seconds, from cheap to costly: {fronts['seconds']}.",
                cost.quality_cost(points, metrics, labels, look),
            )
        )
    return made


def metric_points(material: Material, summary: pd.DataFrame, look: dict[str, Look]) -> list[Picture]:
    """Every metric, every seed."""
    made = []
    for metric in METRICS.values():
        having = [task for task in material.tasks if metric in task.metrics]
        for part, tasks in chunks(having):
            values = pd.DataFrame(
                [
                    (task.label, name, seed, value)
                    for task in tasks
                    for name in task.objectives
                    for seed, value in material.cell(task.label, name, metric.name).items()
                ],
                columns=["task", "objective", "seed", "value"],
            )
            draws = material.draws[material.draws["metric"] == metric.name]
            medians = summary[(summary["metric"] == metric.name) & summary["objective"].isin(list(look))]
            said = "; ".join(
                f"{task.label}: "
                + ", ".join(
                    f"{name} {shown(median, metric)}"
                    for name, median in medians.loc[medians["task"] == task.label, ["objective", "median"]].itertuples(
                        index=False
                    )
                )
                for task in tasks
            )
            made.append(
                Picture(
                    f"metric-{metric.name.replace('_', '-')}{part}",
                    metric.title,
                    f"{metric.title}: {metric.meaning} ({metric.source}); {metric.better} is better. "
                    "A mark per run, a tick at the median. Grey: a perfect sampler's draws (band: range, line: "
                    "median); "
                    "dotted: noise, or an arrow where it lies off the scale. “k of N” stands where not every run has a "
                    "value.",
                    f"{metric.title}, medians per objective. {said}.",
                    figures.metric_points(values, draws, metric, _labels(tasks), look),
                )
            )
    return made


def comparison_intervals(material: Material, comparisons: pd.DataFrame, look: dict[str, Look]) -> list[Picture]:
    """How far the best is ahead."""
    if comparisons.empty:
        return []
    return [
        Picture(
            f"comparisons{part}",
            "How far the best is ahead",
            "Improvement of the best objective over each other one in the primary metric, paired by seed: "
            "interquartile "
            "mean and 95 % bootstrap interval. Filled marks can be told apart, hollow ones cannot. Beside a row, ∞: "
            "failures of the other reach into the interval, −∞: those of the best do; the line ends at the frame. "
            "–: the two share no seed.",
            "Intervals of improvement; the table below holds the same numbers.",
            figures.comparison_intervals(comparisons, _labels(tasks), look),
        )
        for part, tasks in chunks(material.tasks)
    ]


def selection_protocols(material: Material, selections: pd.DataFrame, look: dict[str, Look]) -> list[Picture]:
    """Final, best on validation, oracle best."""
    if selections["median"].isna().all():
        return []
    return [
        Picture(
            f"selection{part}",
            "What choosing a checkpoint changes",
            "Medians of the primary metric under three protocols. Final: the last checkpoint, which all other numbers "
            "here are of. Best on validation: chosen on other samples and another real split. Oracle best: chosen on "
            "the reported number itself; it flatters, and is shown only to say by how much.",
            "Three marks per objective; the table below holds the same numbers.",
            figures.selection_protocols(selections, {task.label: task.primary for task in tasks}, _labels(tasks), look),
        )
        for part, tasks in chunks(material.tasks)
    ]


def training(material: Material, look: dict[str, Look]) -> list[Picture]:
    """Curves of metrics, losses and gradient norms, per task."""
    made = []
    for index, task in enumerate(material.tasks, start=1):
        history = material.history(task.label)
        known = set(history["objective"])
        parts = curves.parts([name for name in look if name in known], look) if known else ()
        logged = set(history.loc[history["split"] == "test", "name"])
        metrics = [METRICS[name] for name in (task.primary.name, *MODE_METRICS) if name in logged]
        if metrics:
            made += [_curves(material, task, history, metrics, look, part, f"curves-{index}") for part in parts]
        if (history["split"] == "train").any():
            made += [_players(task, history, look, part, f"players-{index}") for part in parts]
    return made


def _curves(
    material: Material,
    task: Task,
    history: pd.DataFrame,
    metrics: Sequence[Metric],
    look: dict[str, Look],
    part: Part,
    name: str,
) -> Picture:
    titles = ", ".join(metric.title for metric in metrics)
    return Picture(
        f"{name}{part.suffix}",
        f"{task.label}: training curves{part.said}",
        _divided(part, "axes")
        + "Lines are medians, bands ranges, over the runs that have a value there: after one has ended, over "
        "the survivors. A line ends where more than half of its objective's recorded runs have none. "
        + (SECONDS if task.spec.training.budget.unit == "seconds" else "")
        + "Grey: a perfect sampler. The same runs are drawn over real images shown, generator steps and seconds "
        "of training (measured while runs were side by side).",
        f"Curves of {titles} on {task.label} for {', '.join(part.names)}.",
        curves.training_curves(history, material.draws, metrics, task.label, look, part),
    )


def _players(task: Task, history: pd.DataFrame, look: dict[str, Look], part: Part, name: str) -> Picture:
    return Picture(
        f"{name}{part.suffix}",
        f"{task.label}: losses and gradient norms{part.said}",
        _divided(part, "scale of gradient norms")
        + "Discriminator in the objective's colour, generator dashed; medians and ranges over the runs that have got "
        "that far, until more than half have not. Losses of two objectives have no common scale and each panel has "
        "its own; gradient norms share one.",
        f"Losses and gradient norms of both players on {task.label} for {', '.join(part.names)}.",
        curves.player_curves(history, task.label, look, part),
    )


def _divided(part: Part, shared: str) -> str:
    """What a caption says of objectives that are spread over figures."""
    if part.count == 1:
        return ""
    return (
        f"At most {len(COLORS)} objectives stand in one figure, each in a colour of its own there; all {part.count} "
        f"figures have the same {shared}. "
    )


def samples(material: Material, look: dict[str, Look]) -> list[Picture]:
    """Samples side by side, per task."""
    made = []
    for index, task in enumerate(material.tasks, start=1):
        seed, found = material.samples(task.label)
        if all(isinstance(value, str) for value in found.values()):
            continue
        reference = material.references.get(task.label)
        perfect = None if reference is None else material.store.reference_samples(reference.key)
        modes = () if reference is None else reference.modes
        caption = f"Seed {seed}; every objective is given the same latents. "
        if modes:
            caption += "Circles stand around the true modes (3σ, or larger where that would be too small to see). "
        if any(not isinstance(value, str) and value.ndim == 2 for value in found.values()):
            caption += "All panels share one frame; points outside of it are counted below the panel."
        if any(not isinstance(value, str) and value.ndim == 4 for value in found.values()):
            caption += f"Images of fewer than {pictures.SMALL} pixels are enlarged smoothly."
        absent = [f"{name} ({value})" for name, value in found.items() if isinstance(value, str)]
        made.append(
            Picture(
                f"samples-{index}",
                f"{task.label}: samples",
                caption,
                f"Samples on {task.label} of {', '.join(found)}."
                + (f" None of {', '.join(absent)}." if absent else ""),
                pictures.sample_panels(
                    found, perfect, modes, None if reference is None else reference.sigma, task.label, look
                ),
            )
        )
    return made


def step_times(material: Material, look: dict[str, Look]) -> list[Picture]:
    """Where a step's time goes, per hardware."""
    table = tables.throughput(material)
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
            figures.step_times(of, look),
        )
        for index, (hardware, of) in enumerate(table.groupby("hardware", sort=False), start=1)
    ]
