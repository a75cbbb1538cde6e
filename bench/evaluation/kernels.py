"""Maximum mean discrepancies: of features with a cubic kernel (KID), of points with Gaussian kernels (MMD)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch_fidelity.metric_kid import KEY_METRIC_KID_MEAN, kid_features_to_metric

from bench.evaluation.distances import Cloud
from bench.evaluation.values import finite

if TYPE_CHECKING:
    from torch import Tensor

KID_SUBSET_SIZE = 1000
KID_SUBSETS = 5
MMD_SAMPLES = 1000
"""Kernels cost the square of this, 10 ms at 1,000: of larger sets, the first so many, as in one of KID's subsets."""
MMD_CHUNK = 2**17
"""Kernels in memory at a time: as many as stay in a processor's cache."""
BANDWIDTHS = 3
"""Kernels of 1, 1/4 and 1/16 of the median distance: of the whole, of modes, of what is inside a mode."""
_SEED = 2020  # torch-fidelity's default, for its subsets


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


class GaussianKernels:
    """Real points, and what the maximum mean discrepancy needs of them alone.

    The kernel is k(x, y) = ⅓ Σⱼ exp(−‖x − y‖² / 2σⱼ²), with σⱼ 1, 1/4 and 1/16 of the median distance between real
    points: one width for all objectives, and no need to choose one (Gretton et al. 2012; Li et al. 2015).

    Args:
        real: ``(m, dim)``; the first 1,000 are used.
        chunk: kernels in memory at a time.
    """

    def __init__(self, real: Tensor, chunk: int = MMD_CHUNK) -> None:
        self._origin = real.detach().cpu().mean(dim=0, dtype=torch.float64)
        self._chunk = chunk
        self._real = self._cloud(real)
        self._median = median_distance(self._real.points)
        self._within_real = self._within(self._real)

    def mmd(self, generated: Tensor) -> float | None:
        """Squared maximum mean discrepancy of points ``(n, dim)``, unbiased: around 0 for equal distributions.

        None with fewer than two points on a side, or where the real ones are all the same.
        """
        cloud = self._cloud(generated)
        within = self._within(cloud)
        if within is None or self._within_real is None:
            return None
        return finite(within + self._within_real - 2 * self._sum(cloud, self._real) / (len(cloud) * len(self._real)))

    def _within(self, cloud: Cloud) -> float | None:
        """Mean kernel between two different points of a cloud."""
        n = len(cloud)
        return (self._sum(cloud, cloud) - n) / (n * (n - 1)) if n > 1 and self._median > 0 else None

    def _sum(self, first: Cloud, second: Cloud) -> float:
        total = 0.0
        for _, distances in first.squared_distances(second):
            # the widest; each of the others is a power of it, which is cheaper than its exponential
            kernel = distances.mul_(-0.5 / self._median**2).float().exp_()
            total += float(kernel.sum(dtype=torch.float64))
            for _ in range(BANDWIDTHS - 1):
                for _ in range(4):
                    kernel.square_()
                total += float(kernel.sum(dtype=torch.float64))
        return total / BANDWIDTHS

    def _cloud(self, points: Tensor) -> Cloud:
        return Cloud(points[:MMD_SAMPLES], self._origin, self._chunk)


def median_distance(points: Tensor) -> float:
    """Median distance between two different points of ``(n, dim)``; 0 for fewer than two."""
    return float(torch.nn.functional.pdist(points).median()) if len(points) > 1 else 0.0
