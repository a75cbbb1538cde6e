"""Stacked MNIST: a thousand modes of digits that no two splits share."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from bench.datasets.base import SPLITS, Data
from bench.datasets.mnist import Mnist
from bench.datasets.samples import Stacked
from bench.datasets.stacked import HELD_OUT, StackedMnist
from tests.datasets.formats import DATA, needs_mnist, random_bytes


def digits(n: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Images whose every pixel tells their class."""
    labels = torch.arange(n) % 10
    images = torch.from_numpy(random_bytes(n, 1, 28, 28, seed=seed)) // 12 * 10 + labels[:, None, None, None].byte()
    return images, labels


@pytest.fixture
def stacked(monkeypatch: pytest.MonkeyPatch) -> Data:
    parts = [digits(n, seed) for seed, n in enumerate((500, 200, 200))]
    mnist = Data(*(images for images, _ in parts), *(labels for _, labels in parts), classes=10)
    monkeypatch.setattr(Mnist, "load", lambda self, root: mnist)
    return StackedMnist(train=5000).load(Path())


def test_labels_are_the_digits_of_red_green_and_blue(stacked: Data) -> None:
    for split in SPLITS:
        seen = stacked.split(split)[:1000]
        red, green, blue = (seen[:, channel, 0, 0].long() % 10 for channel in range(3))
        labels = stacked.labels(split)
        assert labels is not None
        assert torch.equal(labels[:1000], 100 * red + 10 * green + blue)
    assert stacked.classes == 1000
    assert stacked.class_weights is not None
    torch.testing.assert_close(stacked.class_weights.sum(), torch.tensor(1.0))


def test_no_digit_is_in_two_splits(stacked: Data) -> None:
    assert stacked.stacked_from is not None
    for split in SPLITS:
        samples = stacked.split(split)
        assert isinstance(samples, Stacked)
        assert samples.parts is stacked.stacked_from.split(split)


def test_sizes_are_fixed_and_every_load_gives_the_same(stacked: Data) -> None:
    assert (len(stacked.train), len(stacked.validation), len(stacked.test)) == (5000, HELD_OUT, HELD_OUT)
    again = StackedMnist(train=5000).load(Path())
    assert torch.equal(stacked.train[:100], again.train[:100])
    assert stacked.shape == StackedMnist().shape == (3, 28, 28)


def test_the_perfect_sampler_draws_fresh_triples_of_other_digits_than_the_test_split(stacked: Data) -> None:
    assert stacked.draw is not None
    assert isinstance(stacked.validation, Stacked)
    drawn = stacked.draw(200, torch.Generator().manual_seed(1))
    known = {part.numpy().tobytes() for part in stacked.validation.parts}
    assert all(channel.numpy().tobytes() in known for image in drawn for channel in image)


@pytest.mark.data
@needs_mnist
def test_real_samples_hit_all_modes_at_the_expected_divergence() -> None:
    data = StackedMnist().load(Path(str(DATA)))
    labels = data.test_labels
    assert labels is not None
    shares = labels.bincount(minlength=1000).double() / len(labels)
    assert (shares > 0).all()
    divergence = float((shares * (shares * 1000).log()).sum())
    # (K − 1) / 2N by chance, and three times that of MNIST's unequal digits
    digits = torch.bincount(data.stacked_from.test_labels).double() / 10_000  # type: ignore[union-attr, arg-type]
    due = 999 / (2 * HELD_OUT) + 3 * float((digits * (digits * 10).log()).sum())
    assert divergence == pytest.approx(due, abs=4 * math.sqrt(999 / 2) / HELD_OUT)
