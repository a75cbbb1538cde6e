"""Fréchet distance of fitted Gaussians (FID), and what it tends to with ever more samples (FID∞).

The distance needs tr (Σ₁Σ₂)^½ alone, never a matrix's square root: with Σ = R Rᵀ on both sides it is the sum of the
singular values of R₁ᵀR₂. That is exact where a covariance is singular, as it is with fewer samples than dimensions.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.linalg import LinAlgError  # type: ignore[attr-defined]  # torch does not list it

from bench.evaluation.values import finite

if TYPE_CHECKING:
    from torch import Tensor

BLOCKS = 6
SUBSETS = (((0, 1, 2, 3, 4, 5),), ((0, 1, 2, 3), (0, 1, 4, 5), (2, 3, 4, 5)), ((0, 1, 2), (3, 4, 5)))
"""Blocks of the subsets of N, 2N/3 and N/2 samples. Within a size, each sample is in equally many subsets: their
average keeps what is peculiar to the samples at hand, so that the extrapolation does not amplify it."""
SAMPLES_PER_DIMENSION = 4
"""FID∞ needs so many: with fewer than 2 in the smallest subset the bias is not linear in 1/N."""
EPSILON = torch.finfo(torch.float64).eps
_SEED = 2020


@dataclasses.dataclass(frozen=True)
class Gaussian:
    """Mean ``(d,)`` and a root ``(d, r)`` of the covariance, Σ = R Rᵀ; float64."""

    mean: Tensor
    root: Tensor


def fit_gaussian(features: Tensor) -> Gaussian:
    """The Gaussian that FID fits to features ``(n, d)``, n ≥ 2: their mean and unbiased covariance."""
    n, dim = features.shape
    values = features.detach().cpu().double()
    mean = values.mean(dim=0)
    centred = values - mean
    if n <= dim:  # the centred samples themselves are a root
        return Gaussian(mean, centred.T / (n - 1) ** 0.5)
    return Gaussian(mean, root(centred.T @ centred / (n - 1)))


def root(covariance: Tensor) -> Tensor:
    """R with R Rᵀ = Σ, ``(d, r)``: by Cholesky, and by eigenvalues where Σ is singular (a feature that never fires)."""
    factor: Tensor
    factor, failed = torch.linalg.cholesky_ex(covariance)
    if not failed or not covariance.isfinite().all():
        return factor
    eigenvalues, vectors = torch.linalg.eigh(covariance)
    kept = eigenvalues > len(eigenvalues) * EPSILON * eigenvalues[-1]
    factor = vectors[:, kept] * eigenvalues[kept].sqrt()
    return factor


def fid(generated: Gaussian, real: Gaussian) -> float | None:
    """Fréchet distance ‖μ₁−μ₂‖² + Tr(Σ₁ + Σ₂ − 2(Σ₁Σ₂)^½) (Heusel et al. 2017, eq. 6), ≥ 0.

    Fewer samples than dimensions leave a covariance singular; the distance is still that of the fitted Gaussians, but
    biased upwards more strongly: it is only compared at equal numbers of samples.
    """
    try:
        distance = _frechet(generated, real, _singular_sum)
    except LinAlgError:  # not finite, or its singular values do not converge
        return None
    # of equal Gaussians, rounding leaves a value around 0 of either sign
    return finite(max(0.0, distance) if math.isfinite(distance) else distance)


def _frechet(generated: Gaussian, real: Gaussian, singular_sum: Callable[[Tensor], float]) -> float:
    between = singular_sum(generated.root.T @ real.root)
    spreads = generated.root.square().sum() + real.root.square().sum()
    return float((generated.mean - real.mean).square().sum() + spreads) - 2 * between


def _singular_sum(matrix: Tensor) -> float:
    return float(torch.linalg.svdvals(matrix).sum())


def _quick_singular_sum(matrix: Tensor) -> float:
    """By the eigenvalues of its square: four times as fast, and rounded at a millionth of the largest, not exactly."""
    square = matrix.T @ matrix if matrix.shape[0] > matrix.shape[1] else matrix @ matrix.T
    return float(torch.linalg.eigvalsh(square).clamp_min(0).sqrt().sum())


class Extrapolation:
    """FID for infinitely many samples on both sides, from subsets of those at hand (Chong & Forsyth 2020).

    FID's bias is linear in 1/N; ordinary least squares over N, 2N/3 and N/2 give its value at 1/N = 0. The subsets are
    parts of one seeded order. Chong and Forsyth extrapolate the generated samples against fixed, plentiful real ones;
    here both sides shrink together, since a held-out split is no larger than what is held against it.

    Args:
        real: features ``(m, d)``, of at least 4 d samples.
    """

    def __init__(self, real: Tensor) -> None:
        self._real = _fit_subsets(real)

    def fid_infinity(self, generated: Tensor) -> float | None:
        """FID∞ of features ``(n, d)``: around 0, on either side, for equal distributions; None for less than 4 d."""
        if not can_extrapolate(*generated.shape):
            return None
        try:
            distances = [
                float(np.mean([_frechet(*pair, _quick_singular_sum) for pair in zip(mine, theirs, strict=True)]))
                for mine, theirs in zip(_fit_subsets(generated), self._real, strict=True)
            ]
        except LinAlgError:
            return None
        return finite(extrapolate([1, 3 / 2, 2], distances))


def can_extrapolate(samples: int, dim: int) -> bool:
    """Whether FID∞ is defined: 4 samples per dimension, and 100 at least."""
    return samples >= max(100, SAMPLES_PER_DIMENSION * dim)


def extrapolate(inverse: list[float], values: list[float]) -> float:
    """Ordinary least squares of values over 1/N (in any unit): the value at 0."""
    x, y = np.array(inverse), np.array(values)
    slope = ((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum()
    return float(y.mean() - slope * x.mean())


@dataclasses.dataclass(frozen=True)
class _Moments:
    """Of some samples, around one origin: number, sum ``(d,)``, sum of outer products ``(d, d)``."""

    count: int
    total: Tensor
    products: Tensor


def _fit_subsets(features: Tensor) -> list[list[Gaussian]]:
    """The Gaussians of `SUBSETS`; the products, which cost most, are made once for each block."""
    values = features.detach().cpu().double()
    origin = values.mean(dim=0)  # sums around 0 would cancel in the covariance
    order = torch.randperm(len(values), generator=torch.Generator().manual_seed(_SEED))
    blocks = []
    for chosen in torch.tensor_split(order, BLOCKS):
        block = values[chosen] - origin
        blocks.append(_Moments(len(block), block.sum(dim=0), block.T @ block))
    return [[_fit_moments(origin, [blocks[index] for index in subset]) for subset in size] for size in SUBSETS]


def _fit_moments(origin: Tensor, blocks: Iterable[_Moments]) -> Gaussian:
    first, *others = blocks
    count, total, products = first.count, first.total.clone(), first.products.clone()
    for block in others:
        count += block.count
        total += block.total
        products += block.products
    mean = total / count
    covariance = products.sub_(count * torch.outer(mean, mean)).div_(count - 1)
    return Gaussian(origin + mean, root(covariance))
