from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from bench.datasets.base import Data
from bench.errors import DataError
from bench.evaluation.evaluator import (
    Evaluator,
    Result,
    Target,
    comparable_samples,
    make_target,
    training_features,
)
from bench.evaluation.real import RealFeatures
from bench.evaluation.reference import NOISE_DRAWS, PERFECT_DRAWS, make_reference
from bench.evaluation.spaces import ClassifierSpace, Features, FeatureSpace, RawSpace
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


def evaluator_of(data: Data, space: FeatureSpace, samples: int) -> Evaluator:
    return Evaluator(RealFeatures(data, space, CPU, None, ""), samples, CPU)


class Judging(RawSpace):
    """Says that its logits are of the dataset's own classes."""

    judges_classes = True


class CountingSpace(RawSpace):
    calls: list[int]

    def extract(self, samples: Tensor) -> Features:
        self.__dict__.setdefault("calls", []).append(len(samples))
        return super().extract(samples)


def test_features_are_extracted_once_per_evaluation_and_of_real_samples_once_in_all(ring: Data) -> None:
    space = CountingSpace()
    evaluator = evaluator_of(ring, space, 100)
    assert space.calls == [100, 100]
    evaluator.measure(ring.train[:100], "test")
    evaluator.measure(ring.train[:300], "validation")
    assert space.calls == [100, 100, 100, 100]


def test_points_are_measured_by_modes_and_distances(ring: Data) -> None:
    evaluator = evaluator_of(ring, RawSpace(), 2500)
    results = evaluator.measure(ring.train[:2500], "test")
    found = values(results)
    assert list(found) == [name for name in METRICS if name not in ("inception_score", "kid", "memorised_share")]
    assert found["modes_covered"] == 8
    assert all(value is not None and math.isfinite(value) for value in found.values())
    counts = {result.name: (result.generated, result.real) for result in results}
    assert counts == evaluator.counts("test")
    assert counts["precision"] == counts["coverage"] == (2500, 2500)
    assert counts["wasserstein"] == (500, 500)
    assert counts["mmd"] == (1000, 1000)
    assert counts["sliced_wasserstein"] == (2500, 2500)
    assert counts["modes_covered"] == (2500, 0)


def test_labelled_images_are_measured_by_fidelity_and_classes(digits: Data, digits_space: ClassifierSpace) -> None:
    evaluator = evaluator_of(digits, digits_space, 2500)
    assert dict(evaluator.samples) == {"validation": 450, "test": 450}
    real = values(evaluator.measure(digits.decode(digits.train[:450]), "test"))
    noise = values(evaluator.measure(torch.rand(450, 1, 8, 8) * 2 - 1, "test"))
    of_points = ("high_quality_share", "sliced_wasserstein", "wasserstein", "mmd")
    assert list(real) == [name for name in METRICS if name not in of_points]
    assert evaluator.counts("test")["memorised_share"] == (450, len(digits.train))
    assert real.pop("memorised_share") == 1  # they are training samples
    assert noise.pop("memorised_share") == 0
    for name in real:
        of_real, of_noise = real[name], noise[name]
        assert of_real is not None
        assert of_noise is not None
        assert (of_real < of_noise) == (METRICS[name].better == "lower"), name


def test_validation_gives_the_primary_metric_against_its_own_split(ring: Data) -> None:
    evaluator = evaluator_of(ring, RawSpace(), 500)
    (result,) = evaluator.measure(ring.validation, "validation")
    assert result == Result("sliced_wasserstein", 0, 500, 500)
    assert evaluator.counts("validation") == {"sliced_wasserstein": (500, 500)}
    assert values(evaluator.measure(ring.validation, "test"))["sliced_wasserstein"] != 0


@pytest.mark.parametrize("name", ["high_quality_share", "recall", "fid", "mmd"])
def test_validation_gives_what_is_tuned_for_as_well(name: str, ring: Data) -> None:
    evaluator = evaluator_of(ring, RawSpace(), 500)
    samples = ring.validation[500:1000] + 0.01
    alone = evaluator.measure(samples, "validation")
    both = evaluator.measure(samples, "validation", (name, "kid"))  # which has no meaning here
    assert [result.name for result in both] == [n for n in METRICS if n in (name, "sliced_wasserstein")]
    assert alone[0] in both
    every = make_target(ring, RawSpace(), RealFeatures(ring, RawSpace(), CPU, None, "").first("validation", 500), None)
    whole = values(every.measure(RawSpace().extract(samples)))
    assert values(both)[name] == whole[name]


def test_samples_that_are_not_finite_have_no_metrics(ring: Data, digits: Data, digits_space: ClassifierSpace) -> None:
    points = ring.train[:100].clone()
    points[3, 1] = math.nan
    images = torch.full((100, 1, 8, 8), math.nan)
    assert set(values(evaluator_of(ring, RawSpace(), 100).measure(points, "test")).values()) == {None}
    assert set(values(evaluator_of(digits, digits_space, 100).measure(images, "test")).values()) == {None}


def test_samples_far_off_do_not_break_a_metric(ring: Data) -> None:
    found = values(evaluator_of(ring, RawSpace(), 100).measure(ring.train[:100] * 1e30, "test"))
    assert found["modes_covered"] == 0
    assert found["reverse_kl"] is None


def test_real_samples_are_looked_at_once_for_all_evaluations(ring: Data) -> None:
    target = make_target(ring, RawSpace(), RawSpace().extract(ring.test[:300]), None)
    fresh = make_target(ring, RawSpace(), RawSpace().extract(ring.test[:300]), None)
    first = target.measure(Features(ring.train[:300]))
    target.measure(Features(ring.train[300:600]))
    assert target.measure(Features(ring.train[:300])) == first == fresh.measure(Features(ring.train[:300]))


def test_true_weights_of_classes_stand_for_the_real_samples_counts(digits: Data) -> None:
    logits = torch.eye(10).repeat(30, 1)
    labels = torch.zeros(300, dtype=torch.int64)  # what happens to lie in the split
    real = Features(torch.randn(300, 4), logits)

    def measure(data: Data) -> tuple[dict[str, float | None], dict[str, tuple[int, int]]]:
        target = make_target(data, Judging(name="classifier"), real, labels)
        return values(target.measure(real)), target.counts(300)

    measured, counts = measure(digits)
    assert measured["total_variation"] == pytest.approx(0.9)
    assert counts["total_variation"] == (300, 300)
    measured, counts = measure(dataclasses.replace(digits, class_weights=torch.full((10,), 0.1)))
    assert measured["total_variation"] == pytest.approx(0, abs=1e-6)
    assert counts["total_variation"] == (300, 0)


def test_copies_are_looked_for_but_among_draws_from_a_known_density(ring: Data, digits: Data) -> None:
    def training(data: Data) -> Features | None:
        return training_features(RealFeatures(data, RawSpace(), CPU, None, ""))

    assert training(ring) is None
    own = training(dataclasses.replace(ring, draw=None))
    assert own is not None
    assert len(own) == 10_000
    assert training(digits) is not None


def test_points_of_many_dimensions_have_no_exact_distance_and_few_samples_no_extrapolation() -> None:
    plane, high = (Target("raw", Features(torch.randn(300, dim))) for dim in (2, 200))
    assert set(plane.names()) - set(high.names()) == {"wasserstein", "fid_infinity"}
    assert all(result.value is not None for result in high.measure(Features(torch.randn(300, 200))))


def test_fewer_samples_than_a_metric_needs_leave_it_undefined(ring: Data) -> None:
    target = make_target(ring, RawSpace(), Features(ring.test[:300]), None)
    found = values(target.measure(Features(ring.train[:3])))
    undefined = {name for name, value in found.items() if value is None}
    assert undefined == {"fid_infinity", "precision", "recall", "density", "coverage"}
    assert set(values(target.measure(Features(ring.train[:0]))).values()) == {None}


def test_too_few_samples_are_refused(ring: Data) -> None:
    with pytest.raises(ValueError, match="needs 100"):
        evaluator_of(ring, RawSpace(), 100).measure(ring.train[:99], "test")
    with pytest.raises(DataError, match="validation split has 10000 samples"):
        evaluator_of(ring, RawSpace(), 1)


def by_kind(reference: Reference, metric: str) -> tuple[list[float], list[float]]:
    found: dict[str, list[float]] = {"perfect sampler": [], "noise": []}
    for draw in reference.draws:
        if draw.metric == metric:
            assert draw.value is not None
            found[draw.kind].append(draw.value)
    return found["perfect sampler"], found["noise"]


def test_reference_of_points_draws_afresh_and_is_the_same_each_time(tmp_path: Path) -> None:
    ring = Choice(name="ring", label="ring", settings={"train": 1000})
    first, second = (make_reference(ring, "raw", 300, tmp_path, None, CPU, ENVIRONMENT) for _ in range(2))
    assert first.draws == second.draws
    assert first.classifier is None
    floor, ceiling = by_kind(first, "sliced_wasserstein")
    assert (len(floor), len(ceiling)) == (PERFECT_DRAWS, NOISE_DRAWS)
    assert len(set(floor)) == PERFECT_DRAWS
    assert max(floor) < min(ceiling)
    assert {(draw.generated, draw.real) for draw in first.draws if draw.metric == "sliced_wasserstein"} == {(300, 300)}


def test_reference_of_images_halves_the_held_out_pool(digits_space: ClassifierSpace, data_root: Path) -> None:
    reference = make_reference(DIGITS, "classifier", 2500, data_root, None, CPU, ENVIRONMENT)
    assert reference.classifier == digits_space.info
    assert {(draw.generated, draw.real) for draw in reference.draws if draw.metric == "fid"} == {(450, 450)}
    floor, ceiling = by_kind(reference, "fid")
    assert len(set(floor)) == PERFECT_DRAWS
    assert max(floor) < min(ceiling)
    assert Reference.model_validate_json(reference.model_dump_json()) == reference


def test_logits_of_other_classes_count_no_modes(digits: Data) -> None:
    """Inception's 1,008 are ImageNet's, and those of a plugin may be as many as the dataset's by chance."""
    labels = torch.arange(300) % 10
    for classes in (5, 10, 1008):
        real = Features(torch.randn(300, 4), torch.randn(300, classes))
        target = make_target(digits, RawSpace(name="inception"), real, labels)
        assert not {"modes_covered", "reverse_kl", "total_variation"} & set(target.names())
        assert "inception_score" in values(target.measure(real))


@pytest.mark.parametrize(("validation", "test", "due"), [(50, 300, 175), (300, 300, 300), (1000, 300, 300)])
def test_runs_use_as_many_samples_as_a_perfect_sampler_can(digits: Data, validation: int, test: int, due: int) -> None:
    held_out = torch.cat([digits.validation[:], digits.test[:]] * 2)
    data = dataclasses.replace(digits, validation=held_out[:validation], test=held_out[:test])
    assert comparable_samples(data, 2500) == due
    assert comparable_samples(data, 100) == 100
    assert comparable_samples(dataclasses.replace(data, draw=lambda n, random: held_out[:n]), 2500) == test
