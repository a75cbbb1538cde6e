"""Figures of samples: what the generators make of the same latents, side by side."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from bench.report.style import INK, MUTED, RULE, Look, name_lines, panels

Samples = NDArray[np.generic]
Frame = tuple[float, float, float, float]
"""What a panel of points shows: left, right, bottom, top."""
GREY = "#828c97"
"""Of what is drawn as pixels, whose colours follow no theme: legible on light and dark."""
WIDEST, WIDEST_OF_IMAGES = 5, 4
"""Panels beside each other."""
TILES, FEWEST_TILES, TILED_PIXELS = 6, 3, 150
"""Images beside and below each other in a panel: at most so many, and fewer of larger ones, down to 3, so that about
150 pixels of theirs are in a row and a digit stays legible."""
GREYS = np.uint8(0b11111000)
"""What is kept of an enlarged image's values: 32 of them are smooth to the eye, and a third of the bytes of all."""
SMALL, ENLARGED = 16, 6
"""Images of fewer pixels a side are drawn so many times larger, smoothly: the eye reads squares for strokes."""
BINS = 80
FARTHEST = 1e30
"""A coordinate beyond it has no place in a plot."""


def sample_panels(
    samples: Mapping[str, Samples | str],
    perfect: Samples | None,
    modes: tuple[tuple[float, ...], ...],
    sigma: float | None,
    task: str,
    look: Mapping[str, Look],
) -> Figure:
    """Samples of every objective, a panel each, and a perfect sampler's.

    Args:
        samples: by objective, points ``(n, 1)`` or ``(n, 2)`` (`bench.report.projection` makes them so of others), or
            images uint8 ``(n, channels, height, width)``; or why none.
        perfect: the same of a perfect sampler.
        modes: centres of the true modes, where they are known.
        sigma: standard deviation of each.
        task: whose samples they are.
        look: of each objective.
    """
    shown: dict[str, Samples | str] = {} if perfect is None else {"perfect sampler": perfect}
    shown |= samples
    arrays = [value for value in shown.values() if isinstance(value, np.ndarray)]
    widest = WIDEST_OF_IMAGES if any(value.ndim == 4 and max(value.shape[2:]) > SMALL for value in arrays) else WIDEST
    across = min(widest, max(3, len(shown)))
    figure, axes = panels(
        len(shown), columns=across, height=10.4 / across * 1.1, title=f"{task}: samples from the same latents"
    )
    figure.set_size_inches(10.4, -(-len(shown) // across) * 10.4 / across * 1.1 + 0.45)
    frame = shared_frame(arrays if perfect is None else [perfect], modes, sigma)
    for ax, (name, value) in zip(axes, shown.items(), strict=True):
        ax.set_title(name_lines(name), color=look[name].color if name in look else INK)
        along = tiles_along(value) if isinstance(value, np.ndarray) and value.ndim == 4 else TILES
        draw_samples(ax, value, modes, sigma, frame, look[name].color if name in look else GREY, along)
    return figure


def draw_samples(
    ax: Axes,
    samples: Samples | str,
    modes: tuple[tuple[float, ...], ...],
    sigma: float | None,
    frame: Frame,
    color: str,
    along: int = TILES,
) -> None:
    """A panel of samples, or of why there are none.

    Args:
        ax: to draw on.
        samples: points ``(n, 1)`` or ``(n, 2)``, or images uint8 ``(n, channels, height, width)``.
        modes: centres of the true modes, where they are known.
        sigma: standard deviation of each.
        frame: of points, from `shared_frame`.
        color: of points.
        along: images beside and below each other.
    """
    if isinstance(samples, str):
        _say(ax, samples)
    elif samples.ndim == 2 and samples.shape[1] == 2:
        _points(ax, samples, modes, sigma, frame, color)
    elif samples.ndim == 2 and samples.shape[1] == 1:
        _numbers(ax, samples[:, 0], modes, frame[:2], color)
    elif samples.ndim == 4:
        ax.imshow(tiles(samples, along), interpolation="none")
        _bare(ax)
    else:
        _say(ax, f"samples of shape {samples.shape} have no picture")


def tiles_along(images: Samples) -> int:
    """How many images ``(n, channels, height, width)`` stand beside and below each other."""
    return min(TILES, max(FEWEST_TILES, TILED_PIXELS // int(max(images.shape[2:]))))


def tiles(images: Samples, side: int = TILES) -> NDArray[np.uint8]:
    """The first ``side``² images as one RGBA picture with transparent gaps; missing ones stay empty.

    Args:
        images: uint8 ``(n, channels, height, width)`` with 1 or 3 channels; of any other number the mean is shown.
        side: images along a side.
    """
    images = _enlarged(images[: side * side])
    _, channels, height, width = images.shape
    gap = max(1, height // 16)
    canvas = np.zeros((side * (height + gap) - gap, side * (width + gap) - gap, 4), dtype=np.uint8)
    for index, image in enumerate(images):
        color = image if channels in (1, 3) else image.mean(axis=0, keepdims=True)
        row, column = divmod(index, side)
        tile = canvas[row * (height + gap) :, column * (width + gap) :][:height, :width]
        tile[..., :3] = np.moveaxis(color, 0, -1).astype(np.uint8)
        tile[..., 3] = 255
    return canvas


def _enlarged(images: Samples) -> Samples:
    if max(images.shape[2:]) >= SMALL:
        return images
    size = (images.shape[3] * ENLARGED, images.shape[2] * ENLARGED)
    enlarged = np.array(
        [[Image.fromarray(channel).resize(size, Image.Resampling.BICUBIC) for channel in image] for image in images],
        dtype=np.uint8,
    ).reshape(-1, images.shape[1], size[1], size[0])
    return enlarged & GREYS


def shared_frame(arrays: list[Samples], modes: tuple[tuple[float, ...], ...], sigma: float | None) -> Frame:
    """One square frame for all panels: the true modes with room around them, or the bulk of all points."""
    if modes:
        points = np.asarray(modes, dtype=float)[:, :2]
        low, high = points.min(axis=0), points.max(axis=0)
        pad = 0.18 * float((high - low).max()) + 4 * (sigma or 0.0)
    else:
        flat = [drawable(a) for a in arrays if a.ndim == 2]
        shown = np.concatenate(flat) if flat else np.empty((0, 2))
        if not len(shown):
            return -1.0, 1.0, -1.0, 1.0
        low, high = np.percentile(shown, [1, 99], axis=0)
        pad = 0.18 * float((high - low).max())
    middle = (low + high) / 2
    told_apart = 1e-9 * float(np.abs(middle).max())
    half = max(float((high - low).max()) / 2 + (pad or 1.0), told_apart)
    return middle[0] - half, middle[0] + half, middle[-1] - half, middle[-1] + half


def drawable(points: Samples) -> NDArray[np.float64]:
    """The first two coordinates of points ``(n, d)``, of those alone that a plot can have a place for.

    What was kept as float16 is infinite from 65,520 on.
    """
    exact = np.asarray(points, dtype=float)[:, :2]
    with np.errstate(invalid="ignore"):
        return np.asarray(exact[(np.abs(exact) < FARTHEST).all(axis=1)])


def _numbers(
    ax: Axes, numbers: Samples, modes: tuple[tuple[float, ...], ...], frame: tuple[float, float], color: str
) -> None:
    """A histogram over lines at the true modes, and how many numbers lie outside of the frame."""
    exact = np.asarray(numbers, dtype=float)
    inside = exact[(exact >= frame[0]) & (exact <= frame[1])]
    for mode in modes:
        ax.axvline(mode[0], color=MUTED, linewidth=0.7, alpha=0.8, zorder=0)
    ax.hist(inside, bins=BINS, range=frame, color=color)
    ax.set_xlim(frame)
    ax.set_box_aspect(1)
    _bare(ax)
    _count_outside(ax, len(numbers) - len(inside), len(numbers))


def _points(
    ax: Axes,
    points: Samples,
    modes: tuple[tuple[float, ...], ...],
    sigma: float | None,
    frame: Frame,
    color: str,
) -> None:
    """Points over circles of 3σ around the true modes, and how many lie outside of the frame."""
    left, right, bottom, top = frame
    if modes:
        size = 2 * 3 * (sigma or 0.0)
        size = max(size, (right - left) * 0.035)  # a mode of σ 0.02 would be a dot: show where it is
        ax.add_collection(
            EllipseCollection(
                [size] * len(modes),
                [size] * len(modes),
                [0] * len(modes),
                units="xy",
                offsets=[mode[:2] for mode in modes],
                offset_transform=ax.transData,
                facecolors="none",
                edgecolors=GREY,
                linewidths=0.7,
            )
        )
    near = drawable(points)
    ax.scatter(near[:, 0], near[:, 1], s=3, color=color, alpha=0.5, linewidths=0)
    ax.set_rasterization_zorder(2)  # points and circles are one picture of pixels: as paths they make a page heavy
    ax.set(xlim=(left, right), ylim=(bottom, top), aspect="equal")
    x, y = np.asarray(points, dtype=float)[:, :2].T
    outside = int(np.sum(~((x >= left) & (x <= right) & (y >= bottom) & (y <= top))))
    _count_outside(ax, outside, len(points))
    _bare(ax)


def _count_outside(ax: Axes, outside: int, total: int) -> None:
    if outside:
        ax.set_xlabel(f"{outside:,} of {total:,} outside", fontsize=7.5)


def _bare(ax: Axes) -> None:
    ax.set(xticks=[], yticks=[])
    ax.grid(False)
    for spine in ax.spines.values():
        spine.set(visible=True, color=RULE)


def _say(ax: Axes, sentence: str) -> None:
    words, lines = sentence.split(), [""]
    for word in words:
        if len(lines[-1]) + len(word) > 22:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    ax.text(0.5, 0.5, "\n".join(lines), transform=ax.transAxes, ha="center", va="center", color=MUTED)
    ax.set_aspect("equal")
    _bare(ax)
