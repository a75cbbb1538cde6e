"""The datasets: what is known of them is true, and they are the same every time."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.catalog import datasets
from bench.datasets.base import Data
from bench.datasets.loading import fingerprint, load_dataset
from bench.datasets.samples import Mapped
from bench.errors import DataError
from tests.specs import choice


def test_ring_lies_on_its_circle() -> None:
    data = datasets.create("ring", train=20_000).load(Path())
    assert data.modes is not None
    torch.testing.assert_close(data.modes.centers.norm(dim=1), torch.full((8,), 2.0))
    nearest = torch.cdist(data.train, data.modes.centers).min(1)
    # the distance to a 2-D Gaussian's centre is Rayleigh: E d² = 2σ²
    assert nearest.values.square().mean().sqrt().item() == pytest.approx(0.02 * math.sqrt(2), rel=0.02)
    shares = nearest.indices.bincount(minlength=8) / len(data.train)
    assert (shares - 1 / 8).abs().max() < 0.015


def test_grid_is_centred_and_spaced() -> None:
    data = datasets.create("grid", train=1000).load(Path())
    assert data.modes is not None
    assert sorted({round(x, 6) for x in data.modes.centers[:, 0].tolist()}) == [-4, -2, 0, 2, 4]
    assert len(data.modes.centers.unique(dim=0)) == 25


def needs_nothing(name: str) -> bool:
    """Neither files nor settings."""
    entry = datasets.entry(name)
    return not hasattr(entry.factory, "files") and all(
        field.default is not dataclasses.MISSING for field in entry.fields.values()
    )


@pytest.mark.parametrize("name", [name for name in datasets.names() if needs_nothing(name)])
def test_loading_again_gives_the_same(name: str) -> None:
    first, second = (datasets.create(name).load(Path()) for _ in range(2))
    for split in ("train", "validation", "test"):
        assert torch.equal(first.split(split), second.split(split))
    assert first.shape == datasets.create(name).shape


def test_draws_are_fresh_and_seeded() -> None:
    data = datasets.create("grid", train=10).load(Path())
    assert data.draw is not None
    a, b, c = (data.draw(100, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


def test_digits_splits_are_disjoint_and_balanced() -> None:
    data = datasets.create("digits").load(Path())
    images = torch.cat([data.split(split).flatten(1) for split in ("train", "validation", "test")])
    assert len(images) == 1797
    assert (len(data.train), len(data.validation), len(data.test)) == (897, 450, 450)
    for labels in (data.train_labels, data.validation_labels, data.test_labels):
        assert labels is not None
        shares = labels.bincount(minlength=10) / len(labels)
        assert (shares - 0.1).abs().max() < 0.01


def test_images_survive_coding_exactly() -> None:
    data = datasets.create("digits").load(Path())
    seen = data.decode(data.train)
    assert seen.min() == -1
    assert seen.max() == 1
    assert torch.equal(data.encode(seen), data.train)
    assert data.encode(torch.tensor([[[[-7.0, 9.0]]]])).flatten().tolist() == [0, 255]


@pytest.mark.parametrize(
    ("train", "says"),
    [
        (torch.zeros(10, 3), "promises samples of shape"),
        (torch.zeros(1, 2), "1 samples; at least 2"),
        (torch.full((10, 2), math.nan), "not finite"),
    ],
)
def test_data_that_break_their_promise_are_refused(
    monkeypatch: pytest.MonkeyPatch, train: torch.Tensor, says: str
) -> None:
    good = datasets.create("ring", train=10).load(Path())
    monkeypatch.setattr("bench.datasets.mixtures.Ring.load", lambda *_: dataclasses.replace(good, train=train))
    with pytest.raises(DataError, match=says):
        load_dataset(choice(datasets, "ring"), Path())


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (
            torch.zeros(10, dtype=torch.int32),
            r"are torch.int32 of shape \(10,\), from 0 to 0; due are int64.*from 0 to 1$",
        ),
        (torch.zeros(10), "are torch.float32"),
        (torch.zeros(9).long(), r"of shape \(9,\), from 0 to 0; due are int64 of shape \(10,\)"),
        (torch.zeros(10, 1).long(), r"of shape \(10, 1\)"),
        (torch.full((10,), 2), "from 2 to 2; due"),
        (torch.full((10,), -1), "from -1 to -1; due"),
        (torch.zeros(0).long(), r"of shape \(0,\); due"),
    ],
)
def test_labels_that_are_not_the_samples_are_refused(
    monkeypatch: pytest.MonkeyPatch, labels: torch.Tensor, says: str
) -> None:
    good = datasets.create("ring", train=10).load(Path())
    data = dataclasses.replace(good, train=torch.zeros(10, 2), train_labels=labels, classes=2)
    monkeypatch.setattr("bench.datasets.mixtures.Ring.load", lambda *_: data)
    with pytest.raises(DataError, match=f"labels of its train split .*{says}"):
        load_dataset(choice(datasets, "ring"), Path())


def test_the_digest_tells_samples_labels_and_splits_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    data = datasets.create("digits").load(Path())
    changed = data.train.clone()  # type: ignore[attr-defined]
    changed[-1, 0, 7, 7] += 1
    assert data.train_labels is not None
    variants = [
        data,
        dataclasses.replace(data, train=changed),
        dataclasses.replace(data, train_labels=data.train_labels.flip(0)),
        dataclasses.replace(data, train_labels=None),
        dataclasses.replace(data, validation=data.test, test=data.validation),
    ]
    assert len({fingerprint(variant) for variant in variants}) == len(variants)
    loaded = load_dataset(choice(datasets, "digits"), Path())
    assert loaded.sha256 == fingerprint(data) == load_dataset(choice(datasets, "digits"), Path()).sha256


def test_what_lies_in_a_file_is_not_read_to_be_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unread(np.ndarray):
        def __getitem__(self, index: object) -> np.ndarray:
            pytest.fail("read")

    array = np.zeros((30, 1, 8, 8), np.uint8).view(Unread)
    train, validation, test = (Mapped(array, np.arange(start, start + 10), "digest") for start in (0, 10, 20))
    monkeypatch.setattr("bench.datasets.digits.Digits.load", lambda *_: Data(train, validation, test))
    assert load_dataset(choice(datasets, "digits"), Path()).sha256
