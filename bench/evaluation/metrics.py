"""Features → metrics: typed doors to torch-fidelity's own functions, and the sliced Wasserstein distance.

Every function takes features that are already extracted, computes in float64, and returns None where the metric is
undefined or not finite: a record holds no NaN. Options are fixed here, so that a name means one number.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_features_to_statistics, fid_statistics_to_metric
from torch_fidelity.metric_isc import KEY_METRIC_ISC_MEAN, isc_features_to_metric
from torch_fidelity.metric_kid import KEY_METRIC_KID_MEAN, kid_features_to_metric
from torch_fidelity.metric_prc import KEY_METRIC_PRECISION, KEY_METRIC_RECALL, prc_features_to_metric

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

KID_SUBSET_SIZE = 1000
KID_SUBSETS = 5
PRC_NEIGHBORHOOD = 3
PRC_SAMPLES = 1000
"""Precision and recall cost the square of this: of larger sets, the first so many."""
INCEPTION_SPLIT_SIZE = 5000
INCEPTION_SPLITS = 10
DIRECTIONS = 128
_SEED = 2020  # torch-fidelity's default, for its subsets and shuffles


@dataclasses.dataclass(frozen=True)
class Gaussian:
    """Mean ``(d,)`` and covariance ``(d, d)`` of features, float64."""

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]


def fit_gaussian(features: Tensor) -> Gaussian:
    """The Gaussian that FID fits to features ``(n, d)``."""
    statistics = fid_features_to_statistics(features.double())
    return Gaussian(statistics["mu"], np.atleast_2d(statistics["sigma"]))


def fid(generated: Gaussian, real: Gaussian) -> float | None:
    """Fréchet distance ‖μ₁−μ₂‖² + Tr(Σ₁ + Σ₂ − 2(Σ₁Σ₂)^½) (Heusel et al. 2017, eq. 6), ≥ 0.

    Fewer samples than dimensions leave a covariance singular; the distance is still that of the fitted Gaussians, but
    biased upwards more strongly: it is only compared at equal numbers of samples.
    """
    first = {"mu": generated.mean, "sigma": generated.covariance}
    second = {"mu": real.mean, "sigma": real.covariance}
    try:
        distance = fid_statistics_to_metric(first, second, verbose=False)[KEY_METRIC_FID]
    except np.linalg.LinAlgError:  # not finite, or its eigenvalues do not converge
        return None
    # of equal Gaussians, rounding leaves a value around 0 of either sign
    return finite(max(0.0, distance) if math.isfinite(distance) else distance)


def inception_splits(samples: int) -> int:
    """Chunks over which the inception score is averaged: one per 5,000 samples, from 1 to 10.

    The score of a small chunk is biased, since its average posterior is that of few samples. This is the usual
    protocol (10 chunks of 5,000) at 50,000 samples, and a single chunk below 10,000.
    """
    return max(1, min(INCEPTION_SPLITS, samples // INCEPTION_SPLIT_SIZE))


def inception_score(logits: Tensor) -> float | None:
    """exp E KL(p(y|x) ‖ p(y)) (Salimans et al. 2016), from 1 to the number of classes; logits ``(n, classes)``."""
    score = isc_features_to_metric(logits, splits=inception_splits(len(logits)), shuffle=True, rng_seed=_SEED)
    return finite(score[KEY_METRIC_ISC_MEAN])


def kid_subsets(generated: int, real: int) -> tuple[int, int]:
    """Number and size of KID's subsets for these sample numbers.

    Up to 1,000 samples on either side, one subset that is everything: the unbiased estimator itself, where more
    would repeat it. Above, or where the numbers differ, 5 random subsets of the smaller number or 1,000.
    """
    size = min(KID_SUBSET_SIZE, generated, real)
    return (1 if size == generated == real else KID_SUBSETS), size


def kid(generated: Tensor, real: Tensor) -> float | None:
    """Squared maximum mean discrepancy of features ``(n, d)``, kernel (xᵀy/d + 1)³ (Bińkowski et al. 2018).

    Unbiased, so that it lies around 0, on either side, for equal distributions.
    """
    subsets, size = kid_subsets(len(generated), len(real))
    if size < 2:
        return None
    distance = kid_features_to_metric(
        generated.double(),
        real.double(),
        kid_subsets=subsets,
        kid_subset_size=size,
        kid_kernel="poly",
        kid_kernel_poly_degree=3,
        kid_kernel_poly_gamma=None,
        kid_kernel_poly_coef0=1.0,
        rng_seed=_SEED,
        verbose=False,
    )
    return finite(distance[KEY_METRIC_KID_MEAN])


def precision_recall(generated: Tensor, real: Tensor) -> tuple[float | None, float | None]:
    """Improved precision and recall (Kynkäänniemi et al. 2019, eqs. 1-2), 3 nearest neighbours, 0 to 1.

    Args:
        generated: features ``(n, d)``; the first 1,000 are used.
        real: features ``(m, d)``; the first 1,000 are used.
    """
    generated, real = generated[:PRC_SAMPLES], real[:PRC_SAMPLES]
    if min(len(generated), len(real)) <= PRC_NEIGHBORHOOD:
        return None, None
    shares = prc_features_to_metric(
        generated.double(),
        real.double(),
        prc_neighborhood=PRC_NEIGHBORHOOD,
        prc_batch_size=PRC_SAMPLES,
        save_cpu_ram=False,
        verbose=False,
    )
    return finite(shares[KEY_METRIC_PRECISION]), finite(shares[KEY_METRIC_RECALL])


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


def finite(value: float) -> float | None:
    """The value, or None in place of NaN and infinity."""
    return float(value) if math.isfinite(value) else None


def all_finite(*tensors: Tensor | None) -> bool:
    """Whether no value is NaN or infinite."""
    return all(tensor is None or bool(torch.isfinite(tensor).all()) for tensor in tensors)
