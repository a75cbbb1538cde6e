"""Which film strips a report has, with captions and alternative texts."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

from bench.measured import Film
from bench.record import Status
from bench.report import curves, film
from bench.report.blocks import Picture
from bench.report.curves import Part
from bench.report.drawing import is_folded
from bench.report.film import Frames
from bench.report.material import Material
from bench.report.pictures import SMALL, Samples
from bench.report.projection import flatten
from bench.report.shapes import shape_of
from bench.report.style import Look

Found = dict[str, Frames | str]
NONE = "no film kept"


@dataclasses.dataclass(frozen=True)
class Strip:
    """A task's films as they are shown."""

    frames: Found
    perfect: Samples | None
    modes: tuple[tuple[float, ...], ...]
    sigma: float | None
    unit: str
    """Of the places in training: that of the budget."""
    seed: int
    plane: str
    """On which plane points of more than two dimensions lie; empty for others."""


def film_strips(material: Material, look: dict[str, Look]) -> list[Picture]:
    """Samples of the same latents while training, per task; none of a task without any film."""
    made = []
    for index, task in enumerate(material.tasks, start=1):
        strip = make_strip(material, task.label)
        if strip is None:
            continue
        parts = curves.parts([name for name in look if name in strip.frames], look)
        most = film.FEW_COLUMNS if is_folded(index) else film.COLUMNS
        shown = [_picture(strip, task.label, look, part, f"film-{index}", most) for part in parts]
        made += [dataclasses.replace(picture, collapsed=is_folded(index)) for picture in shown]
    return made


def make_strip(material: Material, task: str) -> Strip | None:
    """The films of one seed, that of `Material.samples`; None where there is none of them.

    Args:
        material: of `bench.report.load`.
        task: its label.
    """
    seed, found = find_films(material, task)
    perfect, modes, sigma = material.truth(task)
    shape = shape_of(perfect, modes, [film.samples.shape[2:] for film in found.values() if isinstance(film, Frames)])
    for name, value in found.items():
        if isinstance(value, Frames) and value.samples.shape[2:] != shape:
            found[name] = value.ended or NONE
    films = {name: value for name, value in found.items() if isinstance(value, Frames)}
    if seed is None or not films:
        return None
    # all frames of a run as one array: one plane for all
    arrays = {name: value.samples.reshape(-1, *value.samples.shape[2:]) for name, value in films.items()}
    flat = flatten(arrays, perfect, modes)
    shown: Found = dict(found)
    for name, value in films.items():
        samples = flat.samples[name]
        if isinstance(samples, np.ndarray):
            frames = samples.reshape(len(value.at), -1, *samples.shape[1:])
            shown[name] = dataclasses.replace(value, samples=frames)
    unit = material.task(task).spec.training.budget.unit
    return Strip(shown, flat.perfect, flat.modes, sigma, unit, seed, flat.meaning)


def find_films(material: Material, task: str) -> tuple[int | None, Found]:
    """One seed, and each objective's film at it; a sentence instead where there is none.

    Args:
        material: of `bench.report.load`.
        task: its label.
    """
    runs = material.runs[material.runs["task"] == task]
    if runs.empty:
        return None, {}
    seed = int(runs["seed"].min())
    of_seed = runs[runs["seed"] == seed].drop_duplicates("objective").set_index("objective")
    found: Found = {}
    for objective in material.task(task).objectives:
        if objective not in of_seed.index:
            is_missing = seed in material.outcomes[task, objective].missing
            found[objective] = "no record of this seed yet" if is_missing else "no run with this seed"
            continue
        run_id = str(of_seed.at[objective, "run_id"])
        record = material.records[run_id]
        ended = "" if record.status is Status.COMPLETED else f"{record.status} at step {record.steps:,}"
        kept = material.store_of(run_id).film(run_id)
        at = None if kept is None else _places(material, run_id, kept)
        if kept is None or at is None:
            found[objective] = ended or NONE
        else:
            samples = kept.samples.astype(np.float32) if kept.samples.ndim == 3 else kept.samples
            found[objective] = Frames(at, samples, ended)
    return seed, found


def _places(material: Material, run_id: str, kept: Film) -> np.ndarray | None:
    """Where in training the frames are, in the budget's unit; None where that is in seconds and no history tells."""
    spec = material.records[run_id].spec
    if spec.training.budget.unit == "steps":
        return kept.steps.astype(float)
    if spec.training.budget.unit == "images":
        return kept.steps.astype(float) * spec.images_per_step
    history = material.store_of(run_id).history(run_id)
    if history is None:
        return None
    seconds = history[history["split"] == "test"].groupby("step")["seconds"].first().reindex(kept.steps)
    places = seconds.to_numpy(dtype=float)
    return places if np.isfinite(places).all() else None


def _picture(strip: Strip, task: str, look: dict[str, Look], part: Part, name: str, most: int) -> Picture:
    return Picture(
        f"{name}{part.suffix}",
        f"{task}: samples while training{part.said}",
        _caption(strip),
        _told(strip, task, part),
        functools.partial(
            film.film_strip,
            strip.frames,
            strip.perfect,
            strip.modes,
            strip.sigma,
            task,
            look,
            part,
            strip.unit,
            most=most,
        ),
    )


def _caption(strip: Strip) -> str:
    """What the panels show and how."""
    samples = next(value.samples for value in strip.frames.values() if isinstance(value, Frames))
    caption = (
        f"Seed {strip.seed}; the same latents in all panels, from left to right as the training goes on. Collapse can "
        "be seen here: modes that are lost, once found, or samples that become alike. "
    )
    if strip.plane:
        caption += f"Points are shown on one plane: that {strip.plane}. "
    if samples.ndim == 3:
        caption += f"{samples.shape[1]:,} points a panel, all in one frame; those outside of it are counted below. "
        if strip.modes:
            caption += "Circles stand around the true modes. " if samples.shape[2] > 1 else "Lines: the true modes. "
    elif max(samples.shape[3:]) < SMALL:
        caption += f"Images of fewer than {SMALL} pixels are enlarged smoothly. "
    if strip.perfect is not None:
        caption += "Last row: a perfect sampler. "
    missing = [f"{name} ({value})" for name, value in strip.frames.items() if isinstance(value, str)]
    return caption + (f"Without a film: {', '.join(missing)}." if missing else "")


def _told(strip: Strip, task: str, part: Part) -> str:
    """What becomes of the samples, in words."""
    modes, sigma = strip.modes, strip.sigma if not strip.plane else None  # on a plane all modes look nearer
    said = []
    for name in part.names:
        value = strip.frames[name]
        if isinstance(value, str):
            said.append(f"{name}: {value}")
        elif modes and sigma:
            first, last = (modes_hit(value.samples[index], modes, sigma) for index in (0, -1))
            said.append(f"{name}: from {first} to {last} of {len(modes)} modes{value.ended and ', '}{value.ended}")
        else:
            said.append(f"{name}: {len(value.at)} frames{value.ended and ', '}{value.ended}")
    counted = " A mode counts where a point shown lies within 3σ of it." if modes and sigma else ""
    return f"Samples of the same latents on {task} while training. {'; '.join(said)}.{counted}"


def modes_hit(points: Samples, modes: tuple[tuple[float, ...], ...], sigma: float) -> int:
    """How many modes have a point within 3σ."""
    distances = np.linalg.norm(np.asarray(points, dtype=float)[:, None] - np.asarray(modes, dtype=float), axis=2)
    return int((np.nan_to_num(distances, nan=np.inf).min(axis=0) <= 3 * sigma).sum())
