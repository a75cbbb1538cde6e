from __future__ import annotations

import dataclasses
import logging
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from bench.datasets.base import Data
from bench.datasets.loading import fingerprint
from bench.errors import DataError
from bench.evaluation import classifier
from bench.evaluation.classifier import Network, kept_classifiers, open_classifier, recipe_for, train_classifier
from bench.evaluation.spaces import ClassifierSpace, open_space
from bench.spec import Choice

from .conftest import DIGITS


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A training of a few steps, where it is not the accuracy that is tested."""
    monkeypatch.setattr(classifier, "SMALL", dataclasses.replace(classifier.SMALL, steps=8))


def kept(root: Path) -> Path:
    (path,) = (root / "classifiers").glob("*.pt")
    return path


def test_knows_held_out_digits(digits_space: ClassifierSpace) -> None:
    assert digits_space.info.accuracy >= 0.97
    assert digits_space.info.features == 64
    assert len(digits_space.sha256) == 64


def test_training_twice_gives_the_same_weights_and_leaves_global_state_alone(digits: Data, short: None) -> None:
    torch.manual_seed(1)
    first = train_classifier(digits)
    torch.manual_seed(2)
    states = (
        torch.get_rng_state(),
        np.random.get_state(legacy=False)["state"]["key"].tolist(),
        random.getstate(),
        torch.get_num_threads(),
    )
    with torch.no_grad():
        second = train_classifier(digits)
    assert first.info == second.info
    assert torch.equal(states[0], torch.get_rng_state())
    assert states[1:] == (
        np.random.get_state(legacy=False)["state"]["key"].tolist(),
        random.getstate(),
        torch.get_num_threads(),
    )


def test_held_out_splits_do_not_touch_the_weights(digits: Data, short: None) -> None:
    other = dataclasses.replace(digits, validation=255 - digits.validation, test=255 - digits.test)
    assert train_classifier(other).info.sha256 == train_classifier(digits).info.sha256


def test_a_kept_classifier_is_read_and_not_trained_again(
    digits: Data, digits_space: ClassifierSpace, data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classifier, "train_classifier", lambda data, what: pytest.fail("trained again"))
    path = kept(data_root)
    before = path.read_bytes(), path.stat().st_mtime_ns
    renamed = Choice(name="digits", label="another-label")
    again = ClassifierSpace(open_classifier(digits, renamed, data_root))
    assert again.info == digits_space.info
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    images = digits.decode(digits.test[:20])
    assert torch.equal(again.extract(images).features, digits_space.extract(images).features)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_a_torn_or_foreign_file_is_replaced(digits: Data, short: None, tmp_path: Path) -> None:
    sha = open_classifier(digits, DIGITS, tmp_path).info.sha256
    path = kept(tmp_path)
    whole = path.read_bytes()
    altered = torch.load(path, weights_only=True)
    altered["weights"]["head.bias"][0] += 1
    foreign = tmp_path / "foreign.pt"
    torch.save(altered, foreign)
    for content in (whole[: len(whole) // 2], b"", b"not a classifier", foreign.read_bytes(), b"\x80\x04K\x01."):
        path.write_bytes(content)
        assert open_classifier(digits, DIGITS, tmp_path).info.sha256 == sha
        assert torch.load(path, weights_only=True)["sha256"] == sha


def test_other_training_data_under_the_same_name_get_their_own_classifier(
    digits: Data, short: None, tmp_path: Path
) -> None:
    open_classifier(digits, DIGITS, tmp_path)
    open_classifier(dataclasses.replace(digits, train=255 - digits.train), DIGITS, tmp_path)
    assert len(list((tmp_path / "classifiers").glob("*.pt"))) == 2


def test_a_data_root_that_cannot_be_written_costs_the_file_only(digits: Data, short: None, tmp_path: Path) -> None:
    (tmp_path / "classifiers").write_text("in the way")
    assert open_classifier(digits, DIGITS, tmp_path).info.features == 64


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 16, 16), (1, 28, 28), (3, 32, 32), (3, 64, 64)])
def test_adapts_to_the_shape_of_images(shape: tuple[int, ...]) -> None:
    network = Network(shape, classes=7, filters=4).eval()
    features, logits = network(torch.zeros(2, *shape))
    assert features.shape == (2, network.features)
    assert logits.shape == (2, 7)


def test_features_have_a_mean_square_of_1_on_the_training_split(digits: Data, digits_space: ClassifierSpace) -> None:
    features = digits_space.extract(digits.decode(digits.train)).features
    assert float(features.square().mean()) == pytest.approx(1, rel=1e-4)


def test_random_shifts_move_whole_images_by_whole_pixels() -> None:
    images = torch.rand(64, 2, 8, 8)
    shifted = classifier._shift(images)
    padded = functional.pad(images, (1,) * 4, mode="replicate")
    candidates = [padded[:, :, y : y + 8, x : x + 8] for y in range(3) for x in range(3)]
    hits = torch.stack([(shifted == candidate).flatten(1).all(dim=1) for candidate in candidates])
    assert hits.any(dim=0).all()
    assert hits.any(dim=1).sum() > 5


def test_a_classifier_needs_images_and_labels(ring: Data, digits: Data, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no images"):
        open_space("classifier", ring, Choice(name="ring", label="ring"), tmp_path)
    with pytest.raises(DataError, match="not labelled"):
        open_space("classifier", dataclasses.replace(digits, test_labels=None), DIGITS, tmp_path)


def test_equal_data_have_one_classifier_whatever_they_are_called(digits: Data, short: None, tmp_path: Path) -> None:
    first = open_classifier(digits, DIGITS, tmp_path)
    named = dataclasses.replace(digits, sha256=fingerprint(digits))
    again = open_classifier(named, Choice(name="other", label="other", settings={"size": 8}), tmp_path)
    assert again.info == first.info
    assert kept(tmp_path).name.startswith("digits-")


def test_more_images_are_learnt_by_a_larger_network_for_longer(digits: Data) -> None:
    assert recipe_for(len(digits.train)) == classifier.SMALL
    assert recipe_for(50_000) == classifier.LARGE
    assert classifier.LARGE.filters > classifier.SMALL.filters
    # of few images, six epochs would be too short
    assert classifier.LARGE.steps * classifier.LARGE.batch >= 6 * 50_000


def test_a_long_training_tells_how_far_it_is(
    digits: Data, short: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bench.once.LINE_SECONDS", 0)
    with caplog.at_level(logging.INFO, "bench"):
        train_classifier(digits, "training the classifier of 'digits', steps")
    assert caplog.messages[3].startswith("training the classifier of 'digits', steps: 4 of 8, about 0 s left")


def test_those_that_are_kept_are_listed_with_their_accuracy(digits: Data, short: None, tmp_path: Path) -> None:
    assert kept_classifiers(tmp_path) == {}
    trained = open_classifier(digits, DIGITS, tmp_path)
    (tmp_path / "classifiers" / "broken-00000000.pt").write_bytes(b"no")
    assert kept_classifiers(tmp_path) == {"broken-00000000": None, kept_name(tmp_path): trained.info.accuracy}


def kept_name(root: Path) -> str:
    (path,) = (root / "classifiers").glob("digits-*.pt")
    return path.stem
