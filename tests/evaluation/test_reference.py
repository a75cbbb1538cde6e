from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from bench.datasets.base import Data
from bench.evaluation import reference
from bench.evaluation.reference import NOISE_DRAWS, make_reference, perfect_samples
from bench.evaluation.spaces import ClassifierSpace, Features, FeatureSpace
from bench.record import Reference
from bench.spec import Choice

from .conftest import DIGITS
from .test_evaluator import ENVIRONMENT

CPU = torch.device("cpu")
RING = Choice(name="ring", label="ring", settings={"train": 1000})


class Counting(ClassifierSpace):
    """A classifier's space that remembers what it has extracted."""

    seen: list[int]

    def extract(self, samples: Tensor) -> Features:
        self.__dict__.setdefault("seen", []).append(len(samples))
        return super().extract(samples)


@pytest.fixture
def counting(digits_space: ClassifierSpace, monkeypatch: pytest.MonkeyPatch) -> Counting:
    space = Counting(digits_space.trained)

    def opened(*_: object) -> FeatureSpace:
        return space

    monkeypatch.setattr(reference, "open_space", opened)
    return space


def use(data: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference, "load_dataset", lambda choice, root: data)


def measure(samples: int, root: Path, dataset: Choice = DIGITS, space: str = "classifier") -> Reference:
    return make_reference(dataset, space, samples, root, None, CPU, ENVIRONMENT)


def test_each_held_out_sample_is_extracted_once(counting: Counting, tmp_path: Path) -> None:
    measure(2500, tmp_path)
    # training samples to look for, the pool by its splits, noise; the runs' test samples are kept among them
    assert sorted(counting.seen) == [450] * (2 + NOISE_DRAWS) + [897]


def test_of_large_splits_no_more_is_looked_at_than_both_sides_need(counting: Counting, tmp_path: Path) -> None:
    assert {(draw.generated, draw.real) for draw in measure(100, tmp_path).draws if draw.metric == "fid"} == {
        (100, 100)
    }
    assert sorted(counting.seen) == [100] * (2 + NOISE_DRAWS) + [897]


@pytest.mark.parametrize(("validation", "test", "samples", "due"), [(50, 450, 300, 250), (450, 50, 300, 50)])
def test_splits_of_unequal_size_give_halves_as_large_as_they_can(
    digits: Data,
    counting: Counting,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    validation: int,
    test: int,
    samples: int,
    due: int,
) -> None:
    assert digits.validation_labels is not None
    assert digits.test_labels is not None
    cut = {
        "validation": digits.validation[:validation],
        "validation_labels": digits.validation_labels[:validation],
        "test": digits.test[:test],
        "test_labels": digits.test_labels[:test],
    }
    use(dataclasses.replace(digits, **cut), monkeypatch)
    found = measure(samples, tmp_path).draws
    assert {draw.generated for draw in found if (draw.kind, draw.metric) == ("perfect sampler", "fid")} == {due}


def test_noise_of_many_samples_is_drawn_fewer_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for most, due in ((10_000, NOISE_DRAWS), (250, 2), (10, 1)):
        monkeypatch.setattr(reference, "NOISE_SAMPLES", most)
        found = measure(100, tmp_path, RING, "raw").draws
        assert {draw.draw for draw in found if draw.kind == "noise"} == set(range(due))


def test_noise_has_the_spread_of_points_and_every_pixel_value(ring: Data, digits: Data) -> None:
    random = torch.Generator().manual_seed(0)
    spread = reference._noise(ring, 50_000, random).std(dim=0)
    assert torch.allclose(spread, ring.train[:].std(dim=0), rtol=0.02)
    pixels = reference._noise(digits, 1000, random)
    assert pixels.shape == (1000, 1, 8, 8)
    assert float(pixels.std()) == pytest.approx(3**-0.5, rel=0.01)


def test_says_what_it_was_measured_on(digits_space: ClassifierSpace, data_root: Path) -> None:
    found = measure(50, data_root)
    assert found.space_sha256 == digits_space.sha256
    assert found.classifier == digits_space.info
    assert len(found.data_sha256) == 64


def test_perfect_samples_are_stored_samples(tmp_path: Path, digits: Data) -> None:
    images = perfect_samples(DIGITS, tmp_path, points=8, images=64)
    assert images.dtype == np.uint8
    assert np.array_equal(images, digits.test[:64].numpy())
    points = perfect_samples(RING, tmp_path, points=64, images=8)
    assert (points.dtype, points.shape) == (np.float32, (64, 2))
    assert np.array_equal(points, perfect_samples(RING, tmp_path, points=64, images=8))
