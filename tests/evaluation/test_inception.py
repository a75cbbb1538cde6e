"""The space `inception`, with random weights in torch-fidelity's format."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch_fidelity
from torch import nn
from torch.utils.data import Dataset
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

from bench.datasets.base import Data
from bench.errors import DataError
from bench.evaluation import metrics, spaces
from bench.evaluation.evaluator import make_target
from bench.evaluation.spaces import ExtractorSpace, Features, open_space
from bench.evaluation.weights import FILE_NAME
from bench.spec import Choice

IMAGES = Choice(name="images", label="images")
SAMPLES = 16


class Untrained(FeatureExtractorInceptionV3):  # type: ignore[misc]
    """The network as it is built."""

    def load_state_dict(self, state_dict: Any, strict: bool = True, assign: bool = False) -> None:
        pass


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights with which no layer's activations vanish (He et al. 2015)."""
    nothing = io.BytesIO()
    torch.save({}, nothing)
    nothing.seek(0)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        network = Untrained("untrained", ["2048"], feature_extractor_weights_path=nothing)
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                fan_in = module.weight[0].numel()
                module.weight.data.normal_(std=math.sqrt(2 / fan_in))
    path = tmp_path_factory.mktemp("weights") / "random.pth"
    torch.save(network.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def pictures() -> Data:
    """Colours that run smoothly, as in natural images, with some noise; those of the validation split are darker."""
    random = torch.Generator().manual_seed(3)
    coarse = torch.rand(3 * SAMPLES, 3, 4, 4, generator=random)
    smooth = nn.functional.interpolate(coarse, size=32, mode="bilinear")
    images = (255 * smooth + 8 * torch.randn(smooth.shape, generator=random)).clamp(0, 255).byte()
    train, validation, test = images.split(SAMPLES)
    return Data(train=train, validation=validation // 2, test=test)


@pytest.fixture(scope="module")
def inception(pictures: Data, weights: Path, tmp_path_factory: pytest.TempPathFactory) -> ExtractorSpace:
    space = open_space("inception", pictures, IMAGES, tmp_path_factory.mktemp("root"), weights)
    assert isinstance(space, ExtractorSpace)
    return space


@pytest.fixture(scope="module")
def of_test(inception: ExtractorSpace, pictures: Data) -> Features:
    return inception.extract(pictures.decode(pictures.test))


class Stored(Dataset[torch.Tensor]):
    """Stored images, as torch-fidelity wants them."""

    def __init__(self, images: torch.Tensor) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> torch.Tensor:
        return self.images[index]


def test_metrics_are_those_of_torch_fidelity(
    inception: ExtractorSpace, pictures: Data, weights: Path, of_test: Features
) -> None:
    generated = pictures.decode(pictures.validation)
    due = torch_fidelity.calculate_metrics(
        input1=Stored(pictures.validation),
        input2=Stored(pictures.test),
        cuda=False,
        feature_extractor="inception-v3-compat",
        feature_extractor_weights_path=str(weights),
        fid=True,
        isc=True,
        kid=True,
        prc=True,
        isc_splits=1,
        kid_subsets=1,
        kid_subset_size=SAMPLES,
        batch_size=spaces.EXTRACTOR_BATCH,
        save_cpu_ram=True,
        cache=False,
        verbose=False,
    )
    target = make_target(pictures, inception, of_test, None)
    found = {result.name: result.value for result in target.measure(inception.extract(generated))}
    # of a product of singular covariances it adds up the roots of 2,000 eigenvalues that are 0 but for rounding
    assert found["fid"] == pytest.approx(due["frechet_inception_distance"], rel=1e-4)
    assert found["inception_score"] == pytest.approx(due["inception_score_mean"], rel=1e-6)
    assert found["kid"] == pytest.approx(due["kernel_inception_distance_mean"], rel=1e-4)
    assert (found["precision"], found["recall"]) == pytest.approx((due["precision"], due["recall"]))


def test_fid_does_not_depend_on_the_batch(
    inception: ExtractorSpace, pictures: Data, of_test: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, found = metrics.fit_gaussian(of_test.features), []
    for size in (1, 500):
        monkeypatch.setattr(spaces, "EXTRACTOR_BATCH", size)
        features = inception.extract(pictures.decode(pictures.validation)).features
        found.append(metrics.fid(metrics.fit_gaussian(features), real))
    assert found == pytest.approx([found[0]] * 2, rel=1e-6)


def test_grey_images_are_taken_as_rgb(inception: ExtractorSpace, pictures: Data) -> None:
    grey = pictures.decode(pictures.test[:2, :1].clone())
    assert torch.equal(inception.extract(grey).features, inception.extract(grey.repeat(1, 3, 1, 1)).features)


def test_the_hash_is_that_of_the_file(inception: ExtractorSpace, weights: Path) -> None:
    assert inception.sha256 == hashlib.sha256(weights.read_bytes()).hexdigest()


def test_opening_leaves_the_global_random_state_alone(pictures: Data, weights: Path, tmp_path: Path) -> None:
    before = torch.get_rng_state()
    open_space("inception", pictures, IMAGES, tmp_path, weights)
    assert torch.equal(torch.get_rng_state(), before)


class Evil:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("content", ["torn", "text", "other network", "no weights", "pickle", "unpickles"])
def test_a_foreign_file_is_told_in_one_sentence_and_never_unpickled(
    content: str, pictures: Data, weights: Path, tmp_path: Path
) -> None:
    path, trap = tmp_path / "mine.pth", tmp_path / "trap"
    if content == "torn":
        path.write_bytes(weights.read_bytes()[:1_000_000])
    elif content == "text":
        path.write_text("not weights")
    elif content == "other network":
        torch.save(nn.Linear(2, 2).state_dict(), path)
    elif content == "no weights":
        torch.save([1, 2, 3], path)
    elif content == "pickle":
        path.write_bytes(pickle.dumps(Evil(trap)))
    else:
        torch.save({"fc.weight": Evil(trap)}, path)
    with pytest.raises(DataError, match="does not hold the weights of torch-fidelity's Inception-v3") as error:
        open_space("inception", pictures, IMAGES, tmp_path, path)
    assert len(error.value.faults) == 1
    assert "\n" not in str(error.value)
    assert not trap.exists()


def test_missing_weights_and_points_are_told(
    pictures: Data, ring: Data, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANBENCH_OFFLINE", "1")
    with pytest.raises(DataError, match=FILE_NAME):
        open_space("inception", pictures, IMAGES, tmp_path)
    with pytest.raises(DataError, match="dataset 'ring' has no images"):
        open_space("inception", ring, Choice(name="ring", label="ring"), tmp_path, weights)
    two = dataclasses.replace(pictures, train=pictures.train[:, :2])
    with pytest.raises(DataError, match="2 channels"):
        open_space("inception", two, IMAGES, tmp_path, weights)


def test_features_are_numbers_that_tell_images_apart(of_test: Features) -> None:
    assert of_test.features.shape == (SAMPLES, 2048)
    assert of_test.logits is not None
    assert of_test.logits.shape == (SAMPLES, 1008)
    assert np.isfinite(of_test.features.numpy()).all()
    assert float(of_test.features.std(dim=0).mean()) > 1e-3
