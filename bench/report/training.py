"""Which figures of training a report has, with captions and alternative texts."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

import pandas as pd

from bench.metrics import METRICS, Metric
from bench.report import curves, dynamics
from bench.report.blocks import Picture
from bench.report.curves import Part
from bench.report.drawing import is_folded, not_whole
from bench.report.material import Material
from bench.report.style import COLORS, Look, plain, share
from bench.report.tasks import Task

MODE_METRICS = ("modes_covered", "reverse_kl")
SECONDS = (
    "With a budget in seconds every run is evaluated at steps of its own: first evaluations stand together, then "
    "second ones, at their median cost. "
)
READING = (
    "Accuracy: how often the discriminator scores a real sample above a generated one (1: it separates them; 0.5: it "
    "cannot tell; below: the generated ones win). Saturated: the share of scores that hardly move the player's loss. "
    "Accuracy and norms that swing: the players chase each other, as they do around a collapse. Small norms while "
    "scores are not saturated: the discriminator itself is flat, as under weight clipping. Accuracy near 1 while the "
    "generator is saturated near 100 % and its gradient norm falls: vanishing gradients. "
)
TOLD = (
    ("discriminator_accuracy", "discriminator's accuracy", "{:.2f}".format),
    ("generator_saturation", "generator saturated", share),
    ("generator_gradient_norm", "generator's gradient norm", plain),
)
"""What a figure's alternative text says of each objective's end: number, words, format."""


def training_curves(material: Material, look: dict[str, Look]) -> list[Picture]:
    """Curves of metrics, and how both players fared, per task."""
    made: list[Picture] = []
    for index, task in enumerate(material.tasks, start=1):
        before = len(made)
        history = material.history(task.label)
        known = set(history["objective"].unique())
        parts = curves.parts([name for name in look if name in known], look) if known else ()
        logged = set(history.loc[history["split"] == "test", "name"].unique())
        drawn = dict.fromkeys((task.primary.name, *MODE_METRICS))  # once where what ranks counts modes
        metrics = [METRICS[name] for name in drawn if name in logged]
        if metrics:
            measured = [curves.over_seeds(history, metric.name, "test") for metric in metrics]
            made += [_curves(material, task, measured, metrics, look, part, f"curves-{index}") for part in parts]
        if (history["split"] == "train").any():
            logged_tables = dynamics.logged_tables(history)
            made += [_dynamics(task, logged_tables, look, part, f"players-{index}") for part in parts]
        made[before:] = [dataclasses.replace(picture, collapsed=is_folded(index)) for picture in made[before:]]
    return made


def _curves(
    material: Material,
    task: Task,
    tables: Sequence[pd.DataFrame],
    metrics: Sequence[Metric],
    look: dict[str, Look],
    part: Part,
    name: str,
) -> Picture:
    titles = ", ".join(metric.title for metric in metrics)
    timed = len(material.hardware_of(task.label)) < 2
    stretched = "; their scale is logarithmic" if curves.are_far_apart(tables) else ""
    return Picture(
        f"{name}{part.suffix}",
        f"{task.label}: training curves{part.said}",
        _divided(part, "axes")
        + "Lines are medians, bands ranges, over the runs that have a value there: after one has ended, over "
        "the survivors. A line ends where more than half of its objective's recorded runs have none. “k of N”: every "
        "point of its lines is of k or more of the N planned runs. "
        + not_whole(material, [task])
        + (SECONDS if task.spec.training.budget.unit == "seconds" else "")
        + "Grey: a perfect sampler. The same runs are drawn over real images shown, generator steps and "
        + (
            f"seconds of training (measured while runs were side by side{stretched})."
            if timed
            else "not over seconds: runs were made on different hardware."
        ),
        f"Curves of {titles} on {task.label} for {', '.join(part.names)}.",
        functools.partial(curves.training_curves, tables, material.draws, metrics, task.label, look, part, timed=timed),
    )


def _dynamics(task: Task, tables: dynamics.Tables, look: dict[str, Look], part: Part, name: str) -> Picture:
    ended = dynamics.endings(tables, part.names)
    told = [ended[column].notna().any() for column in ("discriminator_accuracy", "generator_saturation")]
    return Picture(
        f"{name}{part.suffix}",
        f"{task.label}: loss dynamics{part.said}",
        (READING if all(told) else "")
        + (_vanished(ended) if all(told) else "")
        + _divided(part, "scales but that of losses")
        + "Discriminator in the objective's colour, generator dashed; medians and ranges over the runs that have got "
        "that far, until more than half of the recorded ones have not. “k of N”: all lines of the column are of k or "
        "more of the N planned runs. Losses of two objectives have no common scale and each panel has its own; "
        "all else shares one.",
        _told(task, ended, part),
        functools.partial(dynamics.loss_dynamics, tables, task.label, look, part),
    )


def _vanished(ended: pd.DataFrame) -> str:
    """Of which objectives the last tenth of training shows it."""
    names = dynamics.vanished(ended)
    return f"Here that is how {', '.join(names)} ended. " if names else ""


def _told(task: Task, ended: pd.DataFrame, part: Part) -> str:
    """What came of each objective, in words."""
    columns = {number: ended[number].dropna().to_dict() for number, *_ in TOLD}
    said = []
    for name in part.names:
        words = [f"{title} {shown(columns[number][name])}" for number, title, shown in TOLD if name in columns[number]]
        said.append(f"{name}: {', '.join(words)}" if words else f"{name}: nothing logged")
    return (
        f"Losses, gradient norms, accuracy and saturation of the players on {task.label}. Medians over the last tenth "
        f"of training: {'; '.join(said)}."
    )


def _divided(part: Part, shared: str) -> str:
    """What a caption says of objectives that are spread over figures."""
    if part.count == 1:
        return ""
    return (
        f"At most {len(COLORS)} objectives stand in one figure, each in a colour of its own there; all {part.count} "
        f"figures have the same {shared}. "
    )
