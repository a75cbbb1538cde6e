from __future__ import annotations

import dataclasses
import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from bench.datasets.base import Data, Split
from bench.evaluation import real
from bench.evaluation.real import RealFeatures
from bench.evaluation.spaces import ClassifierSpace, Features, RawSpace

CPU = torch.device("cpu")


class Counting:
    """A space that knows how many samples it has seen."""

    def __init__(self, space: ClassifierSpace | RawSpace, name: str = "", sha256: str = "") -> None:
        self.space = space
        self.name, self.sha256 = name or space.name, sha256 or space.sha256
        self.seen = 0

    def extract(self, samples: Tensor) -> Features:
        self.seen += len(samples)
        return self.space.extract(samples)


@pytest.fixture
def named(digits: Data) -> Data:
    return dataclasses.replace(digits, sha256="0" * 64)


def kept(root: Path) -> list[Path]:
    return sorted((root / "features").glob("*.npz"))


def same(one: Features, other: Features) -> bool:
    assert one.logits is not None
    assert other.logits is not None
    return torch.equal(one.features, other.features) and torch.equal(one.logits, other.logits)


def test_are_the_features_of_the_first_samples(named: Data, digits_space: ClassifierSpace) -> None:
    found = RealFeatures(named, digits_space, CPU, None, "").first("test", 300)
    assert same(found, digits_space.extract(named.decode(named.test[:300])))
    assert len(RealFeatures(named, digits_space, CPU, None, "").first("test", 10_000)) == 450


def test_decoding_in_batches_changes_no_bit(
    named: Data, digits_space: ClassifierSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(real, "BATCH", 256)
    found = RealFeatures(named, digits_space, CPU, None, "").first("train", 600)
    assert same(found, digits_space.extract(named.decode(named.train[:600])))


def test_are_extracted_once_and_then_read(named: Data, digits_space: ClassifierSpace, tmp_path: Path) -> None:
    space = Counting(digits_space)
    first = RealFeatures(named, space, CPU, tmp_path, "here").first("test", 100)
    again = RealFeatures(named, space, CPU, tmp_path, "here").first("test", 100)
    assert same(first, again)
    assert space.seen == 100
    assert len(kept(tmp_path)) == 1


def test_other_data_splits_numbers_spaces_weights_and_machines_have_their_own(
    named: Data, digits_space: ClassifierSpace, tmp_path: Path
) -> None:
    space, other_data = Counting(digits_space), dataclasses.replace(named, sha256="1" * 64)
    asked: list[tuple[Data, Counting, str, Split, int]] = [
        (named, space, "here", "test", 20),
        (other_data, space, "here", "test", 20),
        (named, Counting(digits_space, name="other"), "here", "test", 20),
        (named, Counting(digits_space, sha256="2" * 64), "here", "test", 20),
        (named, space, "there", "test", 20),
        (named, space, "here", "validation", 20),
        (named, space, "here", "test", 21),
    ]
    for data, seen_in, environment, split, n in asked:
        RealFeatures(data, seen_in, CPU, tmp_path, environment).first(split, n)
    assert len(kept(tmp_path)) == len(asked)


@pytest.mark.parametrize("damage", ["torn", "empty", "foreign", "altered", "pickled", "moved"])
def test_a_torn_or_foreign_file_is_replaced(
    named: Data, digits_space: ClassifierSpace, tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    features = RealFeatures(named, digits_space, CPU, tmp_path, "here")
    found = features.first("test", 50)
    (path,) = kept(tmp_path)
    whole = path.read_bytes()
    with np.load(path) as content:
        arrays = dict(content)
    if damage == "torn":
        path.write_bytes(whole[: len(whole) // 2])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "foreign":
        path.write_bytes(b"not features")
    elif damage == "pickled":
        np.savez(path, **arrays | {"features": np.array([{}], dtype=object)})
    elif damage == "altered":
        np.savez(path, **arrays | {"features": arrays["features"] + 1})
    else:
        RealFeatures(named, digits_space, CPU, tmp_path, "there").first("test", 50)
        (other,) = (each for each in kept(tmp_path) if each != path)
        shutil.copy(other, path)
    with caplog.at_level(logging.WARNING):
        assert same(features.first("test", 50), found)
    assert "cannot be trusted" in caplog.text
    assert path.read_bytes() == whole


def test_a_data_root_that_cannot_be_written_costs_the_file_only(
    named: Data, digits_space: ClassifierSpace, tmp_path: Path
) -> None:
    (tmp_path / "features").write_text("in the way")
    assert len(RealFeatures(named, digits_space, CPU, tmp_path, "").first("test", 50)) == 50


def test_points_as_they_are_and_data_without_a_name_are_not_kept(
    ring: Data, digits: Data, digits_space: ClassifierSpace, tmp_path: Path
) -> None:
    points = dataclasses.replace(ring, sha256="0" * 64)
    assert torch.equal(RealFeatures(points, RawSpace(), CPU, tmp_path, "").first("test", 9).features, ring.test[:9])
    RealFeatures(dataclasses.replace(digits, sha256=""), digits_space, CPU, tmp_path, "").first("test", 9)
    assert not (tmp_path / "features").exists()
