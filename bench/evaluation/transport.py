"""Wasserstein distances of point sets: sliced, for any dimension and number; exact, for few points in few dimensions.

Both are Wasserstein-1 distances, in units of the data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment

from bench.evaluation.values import finite

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

DIRECTIONS = 128
WASSERSTEIN_SAMPLES = 500
"""An assignment costs the cube of this, 10 to 60 ms at 500: of larger sets, the first so many."""
WASSERSTEIN_DIMENSIONS = 10
"""In more, the distance of finite samples says little of that of their distributions: it shrinks with n^(−1/d)."""


def directions(dim: int) -> NDArray[np.float32]:
    """The 128 fixed directions of the sliced Wasserstein distance, unit vectors ``(128, dim)``.

    In the plane, evenly spaced over a half circle (the other half repeats it); elsewhere, drawn once for all.
    """
    if dim == 2:
        angles = np.pi * np.arange(DIRECTIONS) / DIRECTIONS
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    normal = np.random.default_rng(0).standard_normal((DIRECTIONS, dim))
    unit: NDArray[np.float32] = (normal / np.linalg.norm(normal, axis=1, keepdims=True)).astype(np.float32)
    return unit


def project(points: Tensor) -> NDArray[np.float32]:
    """Points ``(n, dim)`` on each of the directions, sorted: ``(128, n)``."""
    projected: NDArray[np.float32] = directions(points.shape[1]) @ points.detach().float().cpu().numpy().T
    projected.sort(axis=1)
    return projected


def sliced_wasserstein(generated: NDArray[np.float32], real: NDArray[np.float32]) -> float | None:
    """Wasserstein-1 distance of sorted projections, averaged over the directions, in units of the data.

    Exact for any two sample numbers: the quantile functions are steps, and the area between them is summed over the
    union of their steps (Bonneel et al. 2015).

    Args:
        generated: as `project` gives them, ``(128, n)``.
        real: ``(128, m)``.
    """
    n, m = generated.shape[1], real.shape[1]
    if n == m:
        return finite(float(np.abs(generated - real).mean(dtype=np.float64)))
    # steps of the two quantile functions, in units of 1/(n·m): integers, so that common steps coincide
    ends = np.union1d(np.arange(1, n + 1) * m, np.arange(1, m + 1) * n)
    starts = np.concatenate([[0], ends[:-1]])
    gaps = np.abs(generated[:, starts // m] - real[:, starts // n])
    return finite(float((gaps.mean(axis=0, dtype=np.float64) * (ends - starts)).sum() / (n * m)))


def wasserstein_samples(generated: int, real: int) -> int:
    """Points on either side of the exact distance, for these sample numbers: as many here as there."""
    return min(generated, real, WASSERSTEIN_SAMPLES)


def wasserstein(generated: Tensor, real: Tensor) -> float | None:
    """Wasserstein-1 distance of two point sets ``(n, dim)``, in units of the data: mean length of the best matching.

    Exact, of the first 500 points or the smaller number on either side. It is that of the samples: of two equal
    distributions it is above 0, by the more the fewer they are.
    """
    n = wasserstein_samples(len(generated), len(real))
    if n == 0:
        return None
    lengths = torch.cdist(
        generated[:n].detach().cpu().double(),
        real[:n].detach().cpu().double(),
        compute_mode="donot_use_mm_for_euclid_dist",
    ).numpy()
    if not np.isfinite(lengths).all():
        return None
    return finite(float(lengths[linear_sum_assignment(lengths)].mean()))
