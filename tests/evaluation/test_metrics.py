from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
import torch_fidelity
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import wasserstein_distance
from torch import Tensor
from torch_fidelity.registry import FEATURE_EXTRACTORS_REGISTRY

from bench.datasets.base import Data
from bench.evaluation import metrics
from bench.evaluation.spaces import ClassifierSpace, Features


def normal(n: int, dim: int, seed: int) -> Tensor:
    return torch.randn(n, dim, generator=torch.Generator().manual_seed(seed))


def sliced(first: Tensor, second: Tensor) -> float:
    value = metrics.sliced_wasserstein(metrics.project(first), metrics.project(second))
    assert value is not None
    return value


class Images(torch.utils.data.Dataset[Tensor]):
    def __init__(self, stored: Tensor) -> None:
        self.stored = stored

    def __len__(self) -> int:
        return len(self.stored)

    def __getitem__(self, index: int) -> Tensor:
        return self.stored[index]


def test_metrics_equal_torch_fidelity_calculate_metrics_on_the_same_samples(
    digits: Data, digits_space: ClassifierSpace
) -> None:
    class Extractor(torch_fidelity.FeatureExtractorBase):  # type: ignore[misc]  # torch_fidelity has no types
        def __init__(self, name: str, features_list: list[str], **kwargs: Any) -> None:
            super().__init__(name, features_list)

        @staticmethod
        def get_provided_features_list() -> tuple[str, ...]:
            return "features", "logits"

        @staticmethod
        def get_default_feature_layer_for_metric(metric: str) -> str:
            return "logits" if metric == "isc" else "features"

        def forward(self, stored: Tensor) -> tuple[Tensor, ...]:
            assert stored.dtype == torch.uint8
            found = digits_space.extract(digits.decode(stored))
            assert found.logits is not None
            layers = {"features": found.features.double(), "logits": found.logits}
            return tuple(layers[name] for name in self.features_list)

    first, second = digits.train[:450], digits.test
    torch_fidelity.register_feature_extractor("digits-classifier", Extractor)
    try:
        theirs = torch_fidelity.calculate_metrics(
            input1=Images(first),
            input2=Images(second),
            feature_extractor="digits-classifier",
            **dict.fromkeys(["isc", "fid", "kid", "prc"], True),
            isc_splits=1,
            kid_subsets=1,
            kid_subset_size=450,
            batch_size=64,  # other than the space's own
            cuda=False,
            cache=False,
            save_cpu_ram=True,
            verbose=False,
        )
    finally:
        del FEATURE_EXTRACTORS_REGISTRY["digits-classifier"]

    ours = digits_space.extract(digits.decode(first)), digits_space.extract(digits.decode(second))
    features, logits = [found.features for found in ours], ours[0].logits
    assert logits is not None
    fid = metrics.fid(metrics.fit_gaussian(features[0]), metrics.fit_gaussian(features[1]))
    assert fid == pytest.approx(theirs["frechet_inception_distance"], rel=1e-5)
    assert metrics.inception_score(logits) == pytest.approx(theirs["inception_score_mean"], rel=1e-6)
    assert metrics.kid(*features) == pytest.approx(theirs["kernel_inception_distance_mean"], abs=1e-6)
    assert metrics.precision_recall(*features) == pytest.approx((theirs["precision"], theirs["recall"]), abs=0.005)


def test_fid_does_not_depend_on_the_batch_size(digits: Data, digits_space: ClassifierSpace) -> None:
    images, real = digits.decode(digits.train[:300]), digits_space.extract(digits.decode(digits.test)).features

    def fid(batch: int) -> float | None:
        parts = [digits_space.extract(part).features for part in torch.split(images, batch)]
        return metrics.fid(metrics.fit_gaussian(torch.cat(parts)), metrics.fit_gaussian(real))

    assert fid(7) == pytest.approx(fid(300), rel=1e-5)


def test_fid_of_equal_features_is_zero() -> None:
    gaussian = metrics.fit_gaussian(normal(500, 8, 0))
    assert metrics.fid(gaussian, gaussian) == pytest.approx(0, abs=1e-9)


def test_fid_of_two_gaussians_is_their_frechet_distance() -> None:
    # commuting covariances: ‖μ₁−μ₂‖² + Σ (σ₁ − σ₂)²
    first = metrics.Gaussian(np.array([1.0, -2.0, 0.0]), np.diag([1.0, 4.0, 9.0]))
    second = metrics.Gaussian(np.array([0.0, 0.0, 2.0]), np.diag([4.0, 4.0, 1.0]))
    assert metrics.fid(first, second) == pytest.approx((1 + 4 + 4) + (1 + 0 + 4))


def test_fid_of_fewer_samples_than_dimensions_is_a_number() -> None:
    value = metrics.fid(metrics.fit_gaussian(normal(10, 32, 0)), metrics.fit_gaussian(normal(12, 32, 1)))
    assert value is not None
    assert value > 0


def test_kid_is_unbiased() -> None:
    distances = [metrics.kid(normal(60, 4, 2 * k), normal(60, 4, 2 * k + 1)) for k in range(100)]
    values = np.array(distances, dtype=float)
    assert abs(values.mean()) < 4 * values.std() / math.sqrt(len(values))
    assert (values < 0).any()


@pytest.mark.parametrize(
    ("generated", "real", "expected"),
    [(450, 450, (1, 450)), (1000, 1000, (1, 1000)), (2500, 2500, (5, 1000)), (450, 900, (5, 450))],
)
def test_kid_uses_all_samples_at_once_where_it_can(generated: int, real: int, expected: tuple[int, int]) -> None:
    assert metrics.kid_subsets(generated, real) == expected


def test_inception_score_lies_between_1_and_the_number_of_classes() -> None:
    certain = torch.eye(10).repeat(20, 1) * 100
    assert metrics.inception_score(certain) == pytest.approx(10)
    assert metrics.inception_score(certain[:1].repeat(50, 1)) == pytest.approx(1)
    assert metrics.inception_score(torch.zeros(50, 10)) == pytest.approx(1)


def test_inception_score_of_few_samples_is_not_cut_into_chunks() -> None:
    assert [metrics.inception_splits(n) for n in (16, 450, 9_999, 10_000, 50_000, 100_000)] == [1, 1, 1, 2, 10, 10]


def test_precision_falls_with_samples_off_the_data_and_recall_with_missing_ones() -> None:
    left, right = normal(300, 2, 0), normal(300, 2, 1) + 50
    precision, recall = metrics.precision_recall(normal(600, 2, 2), torch.cat([left, right]))
    assert precision is not None
    assert recall is not None
    assert precision > 0.9
    assert 0.4 < recall < 0.5
    precision, recall = metrics.precision_recall(torch.cat([left, right]), normal(600, 2, 2))
    assert precision is not None
    assert recall is not None
    assert 0.4 < precision < 0.5
    assert recall > 0.9


def test_precision_and_recall_of_fewer_samples_than_neighbours_are_undefined() -> None:
    assert metrics.precision_recall(normal(3, 2, 0), normal(100, 2, 1)) == (None, None)


def test_sliced_wasserstein_of_a_shift_is_its_length_times_the_mean_cosine() -> None:
    points = normal(500, 2, 0)
    shift = torch.tensor([3.0, -4.0])
    assert sliced(points + shift, points) == pytest.approx(5 * 2 / math.pi, rel=1e-3)


def test_sliced_wasserstein_directions_are_unit_vectors_that_no_seed_moves() -> None:
    for dim in (1, 2, 64):
        torch.manual_seed(dim)
        np.random.seed(dim)
        assert np.linalg.norm(metrics.directions(dim), axis=1) == pytest.approx(1)
        assert np.array_equal(metrics.directions(dim), metrics.directions(dim))


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 1000))
def test_sliced_wasserstein_of_any_two_sample_numbers_equals_scipy(n: int, m: int, seed: int) -> None:
    first, second = normal(n, 2, seed), normal(m, 2, seed + 1) + 1
    directions = metrics.directions(2)
    expected = np.mean([wasserstein_distance(first.numpy() @ d, second.numpy() @ d) for d in directions])
    assert sliced(first, second) == pytest.approx(expected, rel=1e-4, abs=1e-6)
    assert sliced(second, first) == pytest.approx(expected, rel=1e-4, abs=1e-6)


@given(st.integers(8, 40), st.integers(0, 1000))
def test_metrics_do_not_depend_on_the_order_of_samples(n: int, seed: int) -> None:
    generated, real = normal(n, 3, seed), normal(n, 3, seed + 1)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))

    def measure(features: Tensor) -> list[float | None]:
        gaussian = metrics.fit_gaussian(real)
        return [
            metrics.fid(metrics.fit_gaussian(features), gaussian),
            metrics.kid(features, real),
            *metrics.precision_recall(features, real),
            metrics.inception_score(features),
            metrics.sliced_wasserstein(metrics.project(features), metrics.project(real)),
        ]

    # projections are float32 products, whose last bit may follow the place in the matrix
    assert measure(generated[order]) == pytest.approx(measure(generated), rel=1e-5, abs=1e-7)


def test_no_value_is_nan_or_infinite() -> None:
    assert metrics.finite(math.nan) is None
    assert metrics.finite(math.inf) is None
    assert (
        metrics.fid(metrics.fit_gaussian(torch.full((9, 2), math.nan)), metrics.fit_gaussian(normal(9, 2, 0))) is None
    )
    assert not metrics.all_finite(Features(torch.tensor([[math.inf]])).features)
    assert metrics.all_finite(torch.ones(2), None)
