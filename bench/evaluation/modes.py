"""Mode coverage: which modes of the data a generator reaches, and in which shares.

Points: PacGAN's rule (Lin et al. 2018): a sample is of high quality within 3σ of its nearest mode, and a mode is
covered from one such sample on. In the plane, 3σ hold 98.89 % of a mode's own samples; in 700 dimensions they would
hold none, whose distances all lie around 26σ. There the radius is the one that holds as many (`high_quality_radius`).
Labelled images: a sample belongs to the class that the space's classifier gives it.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from bench.datasets.base import Modes

HIGH_QUALITY_SIGMAS = 3.0
"""Radius of a mode in the plane, in standard deviations (Lin et al. 2018)."""
HIGH_QUALITY_SHARE = 1 - math.exp(-(HIGH_QUALITY_SIGMAS**2) / 2)
"""Share of a mode's own samples within its radius, whatever its dimensions: 98.89 %."""


@dataclasses.dataclass(frozen=True)
class ModeCoverage:
    """How generated samples lie over the modes.

    ``reverse_kl`` (nats) and ``total_variation`` (0 to 1) compare the histogram of the samples that belong to a mode
    with the true one; both are None where no sample belongs to any, ``reverse_kl`` also where a mode of true weight 0
    is hit. ``high_quality_share`` is None for labelled images: each of them belongs to a class.
    """

    modes_covered: int
    high_quality_share: float | None
    reverse_kl: float | None
    total_variation: float | None


@functools.cache
def high_quality_radius(dimensions: int) -> float:
    """Radius of a mode in standard deviations: a Gaussian of so many dimensions has 98.89 % of its samples within.

    The root of χ²'s quantile: 2.54 on a line, 3 in the plane, 3.34 in space, 28.08 in 700 dimensions. It bounds
    samples from without alone: those too close to the centre, as of a generator that has lost a mode's spread, are of
    high quality as well, and where modes lie closer to each other than that, so is what lies between them.
    """
    from scipy.special import gammaincinv  # χ²'s quantile; importing scipy.stats takes longer than an evaluation

    if dimensions == 2:
        return HIGH_QUALITY_SIGMAS  # to the last bit
    return math.sqrt(2 * float(gammaincinv(dimensions / 2, HIGH_QUALITY_SHARE)))


def point_coverage(points: Tensor, modes: Modes) -> ModeCoverage:
    """Mode coverage of points.

    Args:
        points: ``(n, dim)``.
        modes: the true modes.
    """
    # in double and without the matrix-product shortcut, whose rounding is not small beside a narrow mode far from 0
    distances = torch.cdist(
        points.detach().cpu().double(), modes.centers.cpu().double(), compute_mode="donot_use_mm_for_euclid_dist"
    )
    distance, nearest = distances.min(dim=1)
    high_quality = distance <= high_quality_radius(modes.dimensions) * modes.sigma
    counts = torch.bincount(nearest[high_quality], minlength=len(modes.centers))
    share = float(high_quality.double().mean()) if len(points) else None
    return _coverage(counts, modes.weights, share)


def class_coverage(logits: Tensor, weights: Tensor) -> ModeCoverage:
    """Mode coverage of labelled images.

    Args:
        logits: the classifier's, ``(n, classes)``.
        weights: true weight (or count) of each class, ``(classes,)``.
    """
    counts = torch.bincount(logits.detach().cpu().argmax(dim=1), minlength=len(weights))
    return _coverage(counts, weights, None)


def class_counts(labels: Tensor, classes: int) -> Tensor:
    """Number of samples of each class, ``(classes,)``."""
    return torch.bincount(labels.cpu(), minlength=classes)


def _coverage(counts: Tensor, weights: Tensor, high_quality_share: float | None) -> ModeCoverage:
    covered = int((counts > 0).sum())
    if covered == 0:
        return ModeCoverage(0, high_quality_share, None, None)
    found = counts.double() / counts.sum()
    true = weights.detach().cpu().double() / weights.sum().cpu()
    hit = found > 0
    reverse_kl = None
    if bool((true[hit] > 0).all()):
        # never negative but for rounding
        reverse_kl = max(0.0, float((found[hit] * (found[hit] / true[hit]).log()).sum()))
    return ModeCoverage(covered, high_quality_share, reverse_kl, float((found - true).abs().sum() / 2))
