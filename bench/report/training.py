"""Which figures of training a report has, with captions and alternative texts."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from bench.metrics import METRICS, Metric
from bench.report import curves
from bench.report.blocks import Picture
from bench.report.curves import Part
from bench.report.drawing import not_whole
from bench.report.material import Material
from bench.report.style import COLORS, Look
from bench.report.tasks import Task

MODE_METRICS = ("modes_covered", "reverse_kl")
SECONDS = (
    "With a budget in seconds every run is evaluated at steps of its own: first evaluations stand together, then "
    "second ones, at their median cost. "
)


def training_curves(material: Material, look: dict[str, Look]) -> list[Picture]:
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
        "the survivors. A line ends where more than half of its objective's recorded runs have none. “k of N”: every "
        "point of its lines is of k or more of the N planned runs. "
        + not_whole(material, [task])
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
        "that far, until more than half of the recorded ones have not. “k of N”: all lines of the panel are of k or "
        "more of the N planned runs. Losses of two objectives have no common scale and each panel has its own; "
        "gradient norms share one.",
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
