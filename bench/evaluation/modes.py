"""Mode coverage: which modes of the data a generator reaches, and in which shares.

Points: PacGAN's rule (Lin et al. 2018): a sample is of high quality within 3σ of its nearest mode, and a mode is
covered from one such sample on. Labelled images: a sample belongs to the class that the space's classifier gives it.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from bench.datasets.base import Modes

HIGH_QUALITY_SIGMAS = 3.0
"""Radius of a mode in standard deviations (Lin et al. 2018)."""


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
    high_quality = distance <= HIGH_QUALITY_SIGMAS * modes.sigma
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
