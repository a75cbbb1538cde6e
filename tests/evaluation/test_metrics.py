from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
import torch
import torch_fidelity
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch_fidelity.registry import FEATURE_EXTRACTORS_REGISTRY

from bench.datasets.base import Data
from bench.evaluation import metrics
from bench.evaluation.evaluator import Target
from bench.evaluation.inception_score import inception_splits
from bench.evaluation.spaces import ClassifierSpace, Features

from .drawing import normal


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
    shares = metrics.Neighbourhoods(features[1]).ball_shares(features[0])
    assert (shares.precision, shares.recall) == pytest.approx((theirs["precision"], theirs["recall"]), abs=0.005)


def test_fid_does_not_depend_on_the_batch_size(digits: Data, digits_space: ClassifierSpace) -> None:
    images, real = digits.decode(digits.train[:300]), digits_space.extract(digits.decode(digits.test)).features

    def fid(batch: int) -> float | None:
        parts = [digits_space.extract(part).features for part in torch.split(images, batch)]
        return metrics.fid(metrics.fit_gaussian(torch.cat(parts)), metrics.fit_gaussian(real))

    assert fid(50) == pytest.approx(fid(300), rel=1e-5)
    assert fid(1) == pytest.approx(fid(300), rel=1e-5)


def test_inception_score_lies_between_1_and_the_number_of_classes() -> None:
    certain = torch.eye(10).repeat(20, 1) * 100
    assert metrics.inception_score(certain) == pytest.approx(10)
    assert metrics.inception_score(certain[:1].repeat(50, 1)) == pytest.approx(1)
    assert metrics.inception_score(torch.zeros(50, 10)) == pytest.approx(1)


def test_inception_score_of_few_samples_is_not_cut_into_chunks() -> None:
    assert [inception_splits(n) for n in (16, 450, 9_999, 10_000, 50_000, 100_000)] == [1, 1, 1, 2, 10, 10]


@given(st.integers(8, 40), st.integers(0, 1000))
def test_metrics_do_not_depend_on_the_order_of_samples(n: int, seed: int) -> None:
    generated, real = normal(n, 3, seed), normal(n, 3, seed + 1)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))

    def measure(features: Tensor) -> list[float | None]:
        return [
            metrics.fid(metrics.fit_gaussian(features), metrics.fit_gaussian(real)),
            metrics.kid(features, real),
            *dataclasses.astuple(metrics.Neighbourhoods(real).ball_shares(features)),
            metrics.inception_score(features),
            metrics.sliced_wasserstein(metrics.project(features), metrics.project(real)),
            metrics.wasserstein(features, real),
            metrics.GaussianKernels(real).mmd(features),
        ]

    # projections are float32 products, whose last bit may follow the place in the matrix
    assert measure(generated[order]) == pytest.approx(measure(generated), rel=1e-5, abs=1e-6)


def test_no_value_is_nan_or_infinite() -> None:
    assert metrics.finite(math.nan) is None
    assert metrics.finite(math.inf) is None
    assert not metrics.all_finite(Features(torch.tensor([[math.inf]])).features)
    assert metrics.all_finite(torch.ones(2), None)


def test_metrics_leave_the_global_random_state_alone(digits: Data) -> None:
    features = digits.decode(digits.test[:]).flatten(1)[:400, :20]
    target = Target("raw", Features(features), training=Features(features.flip(0)))
    torch.manual_seed(5)
    np.random.seed(5)
    expected = torch.rand(3), np.random.rand(3)
    torch.manual_seed(5)
    np.random.seed(5)
    target.measure(Features(features + 0.1))
    assert torch.equal(torch.rand(3), expected[0])
    assert np.array_equal(np.random.rand(3), expected[1])
