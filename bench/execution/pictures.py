"""A small picture of a run's samples, for looking into a results folder."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

COLUMNS = 8
SIDE = 256
"""Pixels of a density's side."""
GRID_SIDE = 512
"""Pixels that a grid of small images is enlarged to at most."""


def picture(samples: np.ndarray) -> bytes:
    """PNG of stored samples: images ``(n, channels, h, w)`` in a grid, points ``(n, 2)`` as a density.

    Points of more dimensions are shown by their first two coordinates, in all runs the same, and numbers as a line.
    """
    pixels = _grid(samples) if samples.ndim == 4 else _density(samples)
    buffer = io.BytesIO()
    # files up to two fifths larger than by default, in a third of the time
    Image.fromarray(pixels).save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()


def _grid(images: np.ndarray) -> np.ndarray:
    n, channels, height, width = images.shape
    rows = -(-n // COLUMNS)
    canvas = np.zeros((rows * COLUMNS, channels, height, width), np.uint8)
    canvas[:n] = images
    tiled = canvas.reshape(rows, COLUMNS, channels, height, width).transpose(0, 3, 1, 4, 2)
    flat = tiled.reshape(rows * height, COLUMNS * width, channels)
    scale = max(1, GRID_SIDE // (COLUMNS * width))
    enlarged = flat.repeat(scale, 0).repeat(scale, 1)
    return np.asarray(enlarged[..., 0] if channels == 1 else enlarged)


def _density(points: np.ndarray) -> np.ndarray:
    if points.shape[1] == 1:
        points = np.concatenate([points, np.zeros_like(points)], axis=1)
    finite = points[np.isfinite(points).all(1), :2]
    extent = max(1e-6, float(np.quantile(np.abs(finite), 0.999))) * 1.1 if len(finite) else 1.0
    edges = np.linspace(-extent, extent, SIDE + 1)
    counts, _, _ = np.histogram2d(finite[:, 1], finite[:, 0], bins=(edges, edges))
    shade = np.sqrt(counts / max(1.0, counts.max()))
    return np.asarray(255 * (1 - shade[::-1]), dtype=np.uint8)  # up is up
