from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist, pdist
from torch import Tensor

from bench.evaluation.kernels import GaussianKernels, kid, kid_subsets, median_distance

from .drawing import known, normal


def mmd(generated: Tensor, real: Tensor) -> float | None:
    return GaussianKernels(real).mmd(generated)


def mmd_by_hand(generated: Tensor, real: Tensor) -> float:
    """The unbiased estimator as Gretton et al. 2012 write it, eq. 3."""
    g, r = generated.double().numpy(), real.double().numpy()
    median = np.median(pdist(r))

    def kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        widths = [median, median / 4, median / 16]
        return np.asarray(np.mean([np.exp(-(cdist(x, y) ** 2) / (2 * width**2)) for width in widths], axis=0))

    def between_different(x: np.ndarray) -> float:
        return float((kernel(x, x).sum() - len(x)) / (len(x) * (len(x) - 1)))

    return between_different(g) + between_different(r) - 2 * float(kernel(g, r).mean())


def test_kid_is_unbiased() -> None:
    values = np.array([known(kid(normal(60, 4, 2 * k), normal(60, 4, 2 * k + 1))) for k in range(100)])
    assert abs(values.mean()) < 4 * values.std() / math.sqrt(len(values))
    assert (values < 0).any()


@pytest.mark.parametrize(
    ("generated", "real", "expected"),
    [(450, 450, (1, 450)), (1000, 1000, (1, 1000)), (2500, 2500, (5, 1000)), (450, 900, (5, 450))],
)
def test_kid_uses_all_samples_at_once_where_it_can(generated: int, real: int, expected: tuple[int, int]) -> None:
    assert kid_subsets(generated, real) == expected


@pytest.mark.parametrize("dim", [1, 2, 64])
def test_mmd_equals_its_definition(dim: int) -> None:
    generated, real = normal(80, dim, 0) * 1.3 + 0.2, normal(103, dim, 1)  # an odd number of pairs has one median
    assert mmd(generated, real) == pytest.approx(mmd_by_hand(generated, real), abs=1e-6)


def test_mmd_is_unbiased() -> None:
    # against one real set the mean is not 0: that set is fresh each time
    values = np.array([known(mmd(normal(40, 2, 2 * k), normal(60, 2, 2 * k + 1))) for k in range(300)])
    assert abs(values.mean()) < 4 * values.std() / math.sqrt(len(values))
    assert (values < 0).any()


def test_mmd_tells_what_differs() -> None:
    real, spread = normal(1000, 2, 0), normal(1000, 2, 1)
    floor = abs(known(mmd(spread, real)))
    assert known(mmd(spread + 1, real)) > 20 * floor
    assert known(mmd(spread * 0.5, real)) > 20 * floor
    assert known(mmd(spread * 1e30, real)) > 100 * floor


@given(st.integers(2, 30), st.integers(3, 30), st.integers(0, 1000))
def test_mmd_does_not_depend_on_order_place_or_scale(n: int, m: int, seed: int) -> None:
    generated, real = normal(n, 2, seed).double(), normal(m, 2, seed + 1).double()
    value = mmd(generated, real)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    assert mmd(generated[order], real) == pytest.approx(value, abs=1e-6)
    assert mmd(generated * 4 + 1, real * 4 + 1) == pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize("chunk", [1, 777, 10**9])
def test_the_chunks_change_nothing(chunk: int) -> None:
    generated, real = normal(150, 2, 0), normal(170, 2, 1)
    assert GaussianKernels(real, chunk).mmd(generated) == pytest.approx(mmd(generated, real), abs=1e-7)


def test_mmd_of_too_few_or_equal_points_is_undefined() -> None:
    points = normal(10, 2, 0)
    assert mmd(points[:1], points) is None
    assert mmd(points, points[:1]) is None
    assert mmd(points, torch.ones(10, 2)) is None


def test_the_median_distance_of_points_on_a_line() -> None:
    assert median_distance(torch.tensor([[0.0], [1.0], [3.0]])) == 2
    assert median_distance(torch.zeros(1, 3)) == 0
