"""Film strips: what the generators make of the same latents as they are trained, from left to right."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bench.report.curves import Part
from bench.report.pictures import GREY, Samples, draw_samples, shared_frame
from bench.report.style import INK, MUTED, Look, name_lines, panels, short

COLUMNS, FEW_COLUMNS = 7, 4
"""Of a strip, at most; of one of many tasks, whose strips are folded."""
WIDTH, PANEL, LABELS = 10.4, 1.5, 0.6
"""Inches: of a whole strip, of a panel where there are few, and of what stands around the panels."""
MOST_TILES, FEWEST_TILES, TILED_PIXELS = 3, 2, 96
"""Images beside and below each other in a panel, as many as have about so many pixels."""
BESIDE = 0.02
"""Of the whole training: a frame that is so far from its column's place says where it is."""


@dataclasses.dataclass(frozen=True, eq=False)
class Frames:
    """What one run made while it was trained."""

    at: NDArray[np.float64]
    """Places of the frames in training, ascending."""
    samples: Samples
    """Points ``(frames, n, d)`` or images uint8 ``(frames, n, channels, height, width)``."""
    ended: str = ""
    """How the run ended, where it did not complete."""


def columns_of(frames: Mapping[str, Frames | str], most: int = COLUMNS) -> NDArray[np.float64]:
    """The places in training that a strip shows: at most so many frames of the run that has come furthest."""
    films = [value for value in frames.values() if isinstance(value, Frames)]
    longest = max(films, key=lambda film: (film.at[-1], len(film.at)))
    count = min(most, len(longest.at))
    chosen: NDArray[np.float64] = longest.at[np.linspace(0, len(longest.at) - 1, count).round().astype(int)]
    return chosen


def placed(at: NDArray[np.float64], columns: NDArray[np.float64]) -> list[int | None]:
    """The frame in each column: of those that are nearer to it than to any other column, the nearest; None of none."""
    distances = np.abs(at[:, None] - columns)
    nearest = distances.argmin(axis=1)
    found: list[int | None] = []
    for column in range(len(columns)):
        (candidates,) = np.nonzero(nearest == column)
        found.append(int(candidates[distances[candidates, column].argmin()]) if len(candidates) else None)
    return found


def film_strip(
    frames: Mapping[str, Frames | str],
    perfect: Samples | None,
    modes: tuple[tuple[float, ...], ...],
    sigma: float | None,
    task: str,
    look: Mapping[str, Look],
    part: Part,
    unit: str = "steps",
    *,
    most: int = COLUMNS,
) -> Figure:
    """A row of panels per objective, a column per place in training, and a perfect sampler's below the last one.

    Args:
        frames: by objective, of points of one or two coordinates or of images; or why there are none. At least one
            has frames.
        perfect: samples of a perfect sampler, of the same shape.
        modes: centres of the true modes, where they are known.
        sigma: standard deviation of each.
        task: whose runs they are.
        look: of each objective.
        part: the objectives to draw; columns and frame are those of all.
        unit: of the places.
        most: columns, at most.
    """
    columns = columns_of(frames, most)
    names = [name for name in part.names if name in frames]
    rows, across = len(names) + (perfect is not None), len(columns)
    figure, flat = panels(
        rows * across, columns=across, height=PANEL, title=f"{task}: the same latents while training{part.said}"
    )
    width = min(WIDTH, LABELS + across * (PANEL + 0.4))
    figure.set_size_inches(width, rows * ((width - LABELS) / across + 0.12) + LABELS)
    films = [value for value in frames.values() if isinstance(value, Frames)]
    shown = [perfect] if perfect is not None else [film.samples.reshape(-1, *film.samples.shape[2:]) for film in films]
    canvas = _Canvas(modes, sigma, shared_frame(shown, modes, sigma), _along(films[0].samples))
    for ax, place in zip(flat, columns, strict=False):
        ax.set_title(_said(place, unit), fontsize=9, color=INK, fontweight="normal", loc="center")
    for row, name in enumerate(names):
        axes = flat[row * across : (row + 1) * across]
        _draw_row(axes, frames[name], columns, canvas, look[name].color)
        axes[0].set_ylabel(name_lines(name), color=look[name].color, fontweight="bold", fontsize=9)
    if perfect is not None:
        for ax in flat[-across:-1]:
            _clear(ax)
        canvas.draw(flat[-1], perfect[: films[0].samples.shape[1]], GREY)
        flat[-1].set_title("perfect sampler", fontsize=9, color=INK, loc="center")
    return figure


@dataclasses.dataclass(frozen=True)
class _Canvas:
    """What all panels of a strip have in common."""

    modes: tuple[tuple[float, ...], ...]
    sigma: float | None
    frame: tuple[float, float, float, float]
    along: int

    def draw(self, ax: Axes, samples: Samples, color: str) -> None:
        """One panel."""
        draw_samples(ax, samples, self.modes, self.sigma, self.frame, color, self.along)


def _draw_row(
    axes: Sequence[Axes], film: Frames | str, columns: NDArray[np.float64], canvas: _Canvas, color: str
) -> None:
    """An objective's frames; where it has none, how it ended, or why."""
    found = placed(film.at, columns) if isinstance(film, Frames) else [None] * len(axes)
    for ax, place, index in zip(axes, columns, found, strict=True):
        if index is None or not isinstance(film, Frames):
            _clear(ax)
            continue
        canvas.draw(ax, film.samples[index], color)
        if abs(film.at[index] - place) > BESIDE * columns[-1]:
            ax.set_title(f"at {short(film.at[index])}", fontsize=7.5, color=MUTED, fontweight="normal", loc="right")
    said = film.ended if isinstance(film, Frames) else film
    last = max((column for column, index in enumerate(found) if index is not None), default=-1)
    if said and last + 1 < len(axes):
        axes[last + 1].text(0.05, 0.5, said, transform=axes[last + 1].transAxes, va="center", color=MUTED)


def _clear(ax: Axes) -> None:
    """An empty place; its labels stay."""
    ax.set(xticks=[], yticks=[], box_aspect=1)
    ax.grid(False)
    for spine in ax.spines.values():
        spine.set_visible(False)


def _along(samples: Samples) -> int:
    """How many images stand beside and below each other."""
    if samples.ndim != 5:
        return MOST_TILES
    return min(MOST_TILES, max(FEWEST_TILES, TILED_PIXELS // int(max(samples.shape[3:]))))


def _said(place: float, unit: str) -> str:
    if unit == "seconds":
        return f"{place:.1f} s" if place < 100 else f"{short(round(place))} s"
    return f"{short(place)} {unit}"
