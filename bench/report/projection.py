"""The plane on which points of more than two dimensions are shown."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TypeGuard

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
FLAT = 1e-6
"""Modes that spread less along an axis than this share of their longest do not span it."""


@dataclasses.dataclass(frozen=True)
class Plane:
    """Two orthogonal directions through a point.

    ``axes`` are unit vectors ``(2, dim)``, the ``origin`` ``(dim,)`` is shown at (0, 0), and ``meaning`` says in words
    which plane it is.
    """

    origin: Points
    axes: Points
    meaning: str

    def project(self, points: NDArray[np.generic]) -> Points:
        """Points ``(n, dim)`` on the plane, ``(n, 2)``; those that are not finite stay so."""
        with np.errstate(invalid="ignore", over="ignore"):
            return (np.asarray(points, dtype=float) - self.origin) @ self.axes.T


@dataclasses.dataclass(frozen=True)
class Flattened:
    """Samples and modes as they are shown, and which plane that is; empty words where nothing was projected."""

    samples: dict[str, NDArray[np.generic] | str]
    perfect: NDArray[np.generic] | None
    modes: tuple[tuple[float, ...], ...]
    meaning: str = ""


def flatten(
    samples: Mapping[str, NDArray[np.generic] | str],
    perfect: NDArray[np.generic] | None,
    modes: tuple[tuple[float, ...], ...],
) -> Flattened:
    """Points of more than two dimensions, all on one plane; points of fewer and images as they are.

    In many dimensions a few points spread more along their own principal axes than their distribution does: a perfect
    sampler's plane is found from every other of its points, and the rest of them is shown.
    """
    arrays = [value for value in samples.values() if isinstance(value, np.ndarray)]
    real = perfect if perfect is not None and len(perfect) > 1 else None
    found = [value for value in ([real] if real is not None else arrays) if value.ndim == 2 and value.shape[1] > 2]
    if not found:
        return Flattened(dict(samples), perfect, modes)
    dimensions = found[0].shape[1]
    points = np.concatenate([value for value in found if value.shape[1] == dimensions]).astype(float)
    points = points[np.isfinite(points).all(axis=1)]
    plane = find_plane(
        np.asarray(modes, dtype=float).reshape(-1, dimensions),
        points if real is None else points[::2],
        "the samples shown" if real is None else "a perfect sampler's points",
    )
    return Flattened(
        {name: plane.project(value) if _lies_in(value, dimensions) else value for name, value in samples.items()},
        None if perfect is None else plane.project(perfect[1::2] if real is not None else perfect),
        tuple(map(tuple, plane.project(np.asarray(modes)).tolist())) if modes else (),
        plane.meaning,
    )


def _lies_in(value: NDArray[np.generic] | str, dimensions: int) -> TypeGuard[NDArray[np.generic]]:
    return isinstance(value, np.ndarray) and value.ndim == 2 and value.shape[1] == dimensions


def find_plane(modes: Points, points: Points, whose: str) -> Plane:
    """The plane of the modes' first two principal axes; of the points' where modes are unknown or lie on a line.

    Args:
        modes: centres ``(modes, dim)``, of which there may be none; ``dim`` is at least 3.
        points: finite ones ``(n, dim)``.
        whose: what the points are, in words.
    """
    origin = (modes if len(modes) else points).mean(axis=0) if len(modes) + len(points) else np.zeros(modes.shape[1])
    known = _principal_axes(modes - origin)[:2] if len(modes) else np.empty((0, len(origin)))
    if len(known) == 2:
        return Plane(origin, known, "of the first two principal axes of the true modes")
    rest = points - (points.mean(axis=0) if len(points) else 0.0)
    rest = rest - rest @ known.T @ known
    found = _principal_axes(rest)[: 2 - len(known)]
    axes = np.concatenate([known, found])
    if len(known):
        meaning = f"of the line of the true modes and of the direction across it in which {whose} vary most"
    else:
        meaning = f"of the first two principal axes of {whose}"
    return Plane(origin, _completed(axes), meaning)


def _principal_axes(centred: Points) -> Points:
    """Unit vectors ``(k, dim)``, the longest first, along which centred points spread at all; signs are fixed."""
    finite = centred[np.isfinite(centred).all(axis=1)]
    if not len(finite):
        return np.empty((0, centred.shape[1]))
    small = len(finite) < finite.shape[1]  # of the two products, that of fewer rows has the same spectrum
    product = finite @ finite.T if small else finite.T @ finite
    squares, vectors = np.linalg.eigh(product)
    longest = squares[::-1][: min(2, len(squares))]
    chosen = vectors[:, ::-1][:, : len(longest)].T
    spread = longest > max(FLAT**2 * float(longest[0]), 1e-24)
    axes = chosen[spread] @ finite if small else chosen[spread]
    axes = axes / np.linalg.norm(axes, axis=1, keepdims=True)
    largest = np.abs(axes).argmax(axis=1)
    return np.asarray(axes * np.sign(axes[np.arange(len(axes)), largest])[:, None])


def _completed(axes: Points) -> Points:
    """Two axes, made up by coordinates where points spread along fewer."""
    for unit in np.eye(axes.shape[1])[:3]:
        if len(axes) == 2:
            break
        across = unit - unit @ axes.T @ axes
        if (length := np.linalg.norm(across)) > 0.5:
            axes = np.concatenate([axes, across[None] / length])
    return axes
