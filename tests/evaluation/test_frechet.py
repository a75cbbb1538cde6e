from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_features_to_statistics, fid_statistics_to_metric

from bench.evaluation import frechet
from bench.evaluation.frechet import Extrapolation, Gaussian, fid, fit_gaussian, root

from .drawing import correlated, known, normal


def diagonal(mean: list[float], variances: list[float]) -> Gaussian:
    covariance = torch.diag(torch.tensor(variances, dtype=torch.float64))
    return Gaussian(torch.tensor(mean, dtype=torch.float64), root(covariance))


def fitted(generated: Tensor, real: Tensor) -> float:
    return known(fid(fit_gaussian(generated), fit_gaussian(real)))


def by_torch_fidelity(generated: Tensor, real: Tensor) -> float:
    statistics = [fid_features_to_statistics(features.double()) for features in (generated, real)]
    return float(fid_statistics_to_metric(*statistics, verbose=False)[KEY_METRIC_FID])


@pytest.mark.parametrize(("samples", "dim"), [(300, 2), (2000, 64), (700, 256)])
def test_fid_equals_torch_fidelity_on_the_same_features(samples: int, dim: int) -> None:
    generated, real = correlated(samples, dim, 0) * 1.1, correlated(samples + 50, dim, 1)
    assert fitted(generated, real) == pytest.approx(by_torch_fidelity(generated, real), rel=1e-6)


def test_fid_of_two_gaussians_is_their_frechet_distance() -> None:
    # commuting covariances: ‖μ₁−μ₂‖² + Σ (σ₁ − σ₂)²
    first, second = diagonal([1, -2, 0], [1, 4, 9]), diagonal([0, 0, 2], [4, 4, 1])
    assert fid(first, second) == pytest.approx((1 + 4 + 4) + (1 + 0 + 4))


@pytest.mark.parametrize("samples", [500, 5])
def test_fid_of_equal_features_is_zero(samples: int) -> None:
    features = normal(samples, 8, 0)
    assert fitted(features, features) == pytest.approx(0, abs=1e-9)


def test_features_that_never_fire_change_no_fid() -> None:
    generated, real = correlated(400, 16, 0), correlated(400, 16, 1) * 1.2
    silent = torch.zeros(400, 5)
    wider = [torch.cat([silent, features, features[:, :2]], dim=1) for features in (generated, real)]
    narrower = [torch.cat([features, features[:, :2]], dim=1) for features in (generated, real)]
    assert fitted(*wider) == pytest.approx(fitted(*narrower), rel=1e-9)


def test_fid_of_fewer_samples_than_dimensions_is_that_of_the_fitted_gaussians() -> None:
    generated, real = correlated(20, 32, 0), correlated(25, 32, 1)
    assert fitted(generated, real) == pytest.approx(by_torch_fidelity(generated, real), rel=1e-6)
    # a few more samples, and the covariance is made in another way
    assert fitted(correlated(32, 32, 0), real) == pytest.approx(
        by_torch_fidelity(correlated(32, 32, 0), real), rel=1e-6
    )


@given(st.integers(3, 30), st.integers(3, 30), st.integers(1, 12), st.integers(0, 1000))
def test_fid_is_symmetric_and_follows_a_shift_and_a_scale(n: int, m: int, dim: int, seed: int) -> None:
    first, second = normal(n, dim, seed).double(), normal(m, dim, seed + 1).double()
    distance = fitted(first, second)
    assert fitted(second, first) == pytest.approx(distance, rel=1e-6, abs=1e-9)
    assert fitted(first + 3, second + 3) == pytest.approx(distance, rel=1e-6, abs=1e-9)
    assert fitted(first * 3, second * 3) == pytest.approx(9 * distance, rel=1e-6, abs=1e-8)


def test_fid_of_what_is_not_finite_is_undefined() -> None:
    assert fid(fit_gaussian(torch.full((9, 2), math.nan)), fit_gaussian(normal(9, 2, 0))) is None
    assert fid(fit_gaussian(torch.full((3, 8), math.inf)), fit_gaussian(normal(9, 8, 0))) is None


@pytest.mark.parametrize(("samples", "dim"), [(400, 16), (600, 64), (1024, 256)])
@pytest.mark.parametrize("scale", [1.0, 1.1, 1.5])
def test_fid_infinity_lies_nearer_to_the_distance_of_the_distributions(samples: int, dim: int, scale: float) -> None:
    truth = dim * (scale - 1) ** 2
    plain, extrapolated = [], []
    for seed in range(5):
        generated, real = scale * normal(samples, dim, seed), normal(samples, dim, 100 + seed)
        plain.append(fitted(generated, real))
        extrapolated.append(known(Extrapolation(real).fid_infinity(generated)))
    bias = np.mean(plain) - truth
    assert bias > 0
    assert abs(np.mean(extrapolated) - truth) < bias / 2


def test_fid_infinity_of_samples_of_one_distribution_lies_around_zero() -> None:
    values = [known(Extrapolation(normal(200, 8, k)).fid_infinity(normal(200, 8, 500 + k))) for k in range(60)]
    plain = [fitted(normal(200, 8, 500 + k), normal(200, 8, k)) for k in range(60)]
    assert min(values) < 0
    assert abs(np.mean(values)) < np.mean(plain) / 10


def test_fid_infinity_does_not_amplify_what_is_peculiar_to_the_samples() -> None:
    # the shift of the samples' own mean is in every subset's average alike: the spread stays that of FID
    real = normal(2000, 4, 0)
    pairs = [
        (fitted(features, real), known(Extrapolation(real).fid_infinity(features)))
        for features in (normal(400, 4, 1 + k) + 0.3 for k in range(60))
    ]
    plain, extrapolated = np.array(pairs).std(axis=0)
    assert extrapolated < 1.1 * plain


def test_subsets_of_one_size_use_each_sample_equally_often() -> None:
    for subsets in frechet.SUBSETS:
        used = [block for subset in subsets for block in subset]
        assert {used.count(block) for block in range(frechet.BLOCKS)} == {len(used) // frechet.BLOCKS}
    assert [len(subsets[0]) / frechet.BLOCKS for subsets in frechet.SUBSETS] == pytest.approx([1, 2 / 3, 1 / 2])


def test_fid_infinity_of_too_few_samples_is_undefined() -> None:
    real = normal(400, 100, 0)
    assert Extrapolation(real).fid_infinity(normal(399, 100, 1)) is None
    assert Extrapolation(real).fid_infinity(normal(400, 100, 1)) is not None


@given(st.floats(-5, 5), st.floats(-5, 5))
def test_a_line_is_extrapolated_exactly(intercept: float, slope: float) -> None:
    inverse = [1, 3 / 2, 2]
    values = [intercept + slope * x for x in inverse]
    assert frechet.extrapolate(inverse, values) == pytest.approx(intercept, abs=1e-9)
