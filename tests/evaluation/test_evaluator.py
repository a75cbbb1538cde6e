from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from bench.datasets.base import Data
from bench.errors import DataError
from bench.evaluation.evaluator import Evaluator, Result
from bench.evaluation.reference import NOISE_DRAWS, PERFECT_DRAWS, make_reference
from bench.evaluation.spaces import ClassifierSpace, Features, RawSpace
from bench.metrics import METRICS
from bench.record import Environment, Reference
from bench.spec import Choice

from .conftest import DIGITS

CPU = torch.device("cpu")
ENVIRONMENT = Environment(
    source=None,
    ganbench="0",
    python="3",
    platform="",
    packages={},
    commit=None,
    dirty=None,
    device="cpu",
    processor="",
    cores=1,
    memory_bytes=1,
    driver=None,
)


def values(results: tuple[Result, ...]) -> dict[str, float | None]:
    return {result.name: result.value for result in results}


class CountingSpace(RawSpace):
    calls: list[int]

    def extract(self, samples: Tensor) -> Features:
        self.__dict__.setdefault("calls", []).append(len(samples))
        return super().extract(samples)


def test_features_are_extracted_once_per_evaluation_and_of_real_samples_once_in_all(ring: Data) -> None:
    space = CountingSpace()
    evaluator = Evaluator(ring, space, 100, CPU)
    assert space.calls == [100, 100]
    evaluator.measure(ring.train[:100], "test")
    evaluator.measure(ring.train[:300], "validation")
    assert space.calls == [100, 100, 100, 100]


def test_points_are_measured_by_modes_and_distances(ring: Data) -> None:
    evaluator = Evaluator(ring, RawSpace(), 2500, CPU)
    results = evaluator.measure(ring.train[:2500], "test")
    found = values(results)
    assert list(found) == [name for name in METRICS if name not in ("inception_score", "kid")]
    assert found["modes_covered"] == 8
    assert all(value is not None and math.isfinite(value) for value in found.values())
    counts = {result.name: (result.generated, result.real) for result in results}
    assert counts == evaluator.counts("test")
    assert counts["precision"] == (1000, 1000)
    assert counts["sliced_wasserstein"] == (2500, 2500)
    assert counts["modes_covered"] == (2500, 0)


def test_labelled_images_are_measured_by_fidelity_and_classes(digits: Data, digits_space: ClassifierSpace) -> None:
    evaluator = Evaluator(digits, digits_space, 2500, CPU)
    assert dict(evaluator.samples) == {"validation": 450, "test": 450}
    real = values(evaluator.measure(digits.decode(digits.train[:450]), "test"))
    noise = values(evaluator.measure(torch.rand(450, 1, 8, 8) * 2 - 1, "test"))
    assert list(real) == [name for name in METRICS if name not in ("high_quality_share", "sliced_wasserstein")]
    for name in real:
        of_real, of_noise = real[name], noise[name]
        assert of_real is not None
        assert of_noise is not None
        assert (of_real < of_noise) == (METRICS[name].better == "lower"), name


def test_validation_gives_the_primary_metric_against_its_own_split(ring: Data) -> None:
    evaluator = Evaluator(ring, RawSpace(), 500, CPU)
    (result,) = evaluator.measure(ring.validation, "validation")
    assert result == Result("sliced_wasserstein", 0, 500, 500)
    assert evaluator.counts("validation") == {"sliced_wasserstein": (500, 500)}
    assert values(evaluator.measure(ring.validation, "test"))["sliced_wasserstein"] != 0


def test_samples_that_are_not_finite_have_no_metrics(ring: Data, digits: Data, digits_space: ClassifierSpace) -> None:
    points = ring.train[:100].clone()
    points[3, 1] = math.nan
    images = torch.full((100, 1, 8, 8), math.nan)
    assert set(values(Evaluator(ring, RawSpace(), 100, CPU).measure(points, "test")).values()) == {None}
    assert set(values(Evaluator(digits, digits_space, 100, CPU).measure(images, "test")).values()) == {None}


def test_samples_far_off_do_not_break_a_metric(ring: Data) -> None:
    found = values(Evaluator(ring, RawSpace(), 100, CPU).measure(ring.train[:100] * 1e30, "test"))
    assert found["modes_covered"] == 0
    assert found["reverse_kl"] is None


def test_too_few_samples_are_refused(ring: Data) -> None:
    with pytest.raises(ValueError, match="needs 100"):
        Evaluator(ring, RawSpace(), 100, CPU).measure(ring.train[:99], "test")
    with pytest.raises(DataError, match="validation split has 10000 samples"):
        Evaluator(ring, RawSpace(), 1, CPU)


def by_kind(reference: Reference, metric: str) -> tuple[list[float], list[float]]:
    found: dict[str, list[float]] = {"perfect sampler": [], "noise": []}
    for draw in reference.draws:
        if draw.metric == metric:
            assert draw.value is not None
            found[draw.kind].append(draw.value)
    return found["perfect sampler"], found["noise"]


def test_reference_of_points_draws_afresh_and_is_the_same_each_time(tmp_path: Path) -> None:
    ring = Choice(name="ring", label="ring", settings={"train": 1000})
    first, second = (make_reference(ring, "raw", 300, tmp_path, 1, ENVIRONMENT) for _ in range(2))
    assert first.draws == second.draws
    assert first.classifier is None
    floor, ceiling = by_kind(first, "sliced_wasserstein")
    assert (len(floor), len(ceiling)) == (PERFECT_DRAWS, NOISE_DRAWS)
    assert len(set(floor)) == PERFECT_DRAWS
    assert max(floor) < min(ceiling)
    assert {(draw.generated, draw.real) for draw in first.draws if draw.metric == "sliced_wasserstein"} == {(300, 300)}


def test_reference_of_images_halves_the_held_out_pool(digits_space: ClassifierSpace, data_root: Path) -> None:
    reference = make_reference(DIGITS, "classifier", 2500, data_root, 1, ENVIRONMENT)
    assert reference.classifier == digits_space.info
    assert {(draw.generated, draw.real) for draw in reference.draws if draw.metric == "fid"} == {(450, 450)}
    floor, ceiling = by_kind(reference, "fid")
    assert len(set(floor)) == PERFECT_DRAWS
    assert max(floor) < min(ceiling)
    assert Reference.model_validate_json(reference.model_dump_json()) == reference
