"""The feature space of labelled images: a small CNN, trained here on the training split alone.

Training is seeded, on the CPU and on one thread whatever the run's own number is, so that a dataset has one feature
space on a machine: what is measured by different runs and by their references can be compared. It is kept under the
data root, one for all datasets whose samples and labels are the same; a file that is torn, foreign or of other data is
replaced, never trusted.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional

from bench.datasets.base import SPLITS, in_batches
from bench.datasets.loading import fingerprint
from bench.errors import DataError
from bench.files import write_atomically
from bench.once import Pace, kept_or_made
from bench.record import Classifier as ClassifierInfo
from bench.spec import Choice, digest

if TYPE_CHECKING:
    from torch import Tensor

    from bench.datasets.base import Data

RECIPE = 1
"""Version of the network and its training; a change of either raises it, and old files are left alone."""
SEED = 0
LEARNING_RATE = 4e-3
DROPOUT = 0.3
SHIFT = 1 / 12
"""Largest random shift, as a share of the image's side, at least one pixel."""
SCORING_BATCH = 512

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How large the network is, in filters of its first layer, and how long it is trained."""

    filters: int
    batch: int
    steps: int


SMALL = Recipe(filters=16, batch=64, steps=600)
LARGE = Recipe(filters=32, batch=128, steps=2400)
"""Six epochs of 50,000 images: two minutes on one thread at 28×28 pixels."""
LARGE_FROM = 10_000
"""Training images from which on the larger recipe is taken."""


def recipe_for(images: int) -> Recipe:
    """The recipe for that many training images."""
    return SMALL if images < LARGE_FROM else LARGE


class Network(nn.Module):
    """Convolutions that halve the image down to 4 to 7 pixels, a penultimate layer, logits.

    Images ``(n, channels, height, width)`` in [−1, 1] → features ``(n, features)``, logits ``(n, classes)``.
    """

    def __init__(self, shape: tuple[int, ...], classes: int, filters: int) -> None:
        super().__init__()
        channels, height, width = shape
        layers: list[nn.Module] = []
        most = 8 * filters
        while min(height, width) > 16:  # large images: a stride at once, to train in seconds
            layers += _convolution(channels, filters, stride=2)
            channels, height, width = filters, (height + 1) // 2, (width + 1) // 2
        while min(height, width) >= 8:
            layers += [*_convolution(channels, filters), *_convolution(filters, filters), nn.MaxPool2d(2)]
            channels, filters, height, width = filters, min(2 * filters, most), height // 2, width // 2
        layers += _convolution(channels, filters)
        self.features = 64 if min(shape[1:]) < 16 else 128
        self.body = nn.Sequential(*layers, nn.Flatten())
        self.penultimate = nn.Linear(filters * height * width, self.features)
        self.head = nn.Linear(self.features, classes)
        self.scale: Tensor
        self.register_buffer("scale", torch.ones(()))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Features and logits."""
        features = functional.relu(self.penultimate(self.body(images)))
        return features * self.scale, self.head(functional.dropout(features, DROPOUT, self.training))


@dataclasses.dataclass(frozen=True)
class TrainedClassifier:
    """A network in evaluation mode, and what a reference tells of it."""

    network: Network
    info: ClassifierInfo


def open_classifier(data: Data, dataset: Choice, root: Path) -> TrainedClassifier:
    """The classifier of a dataset: read from the data root, or trained (seconds to minutes) and kept there.

    Args:
        data: labelled images, on any device.
        dataset: which they are; names the file, with a hash of the data and the recipe, which alone decide.
        root: the data root.

    Raises:
        DataError: a split has no labels, or the data are not images.
    """
    if not data.is_image:
        raise DataError(f"dataset '{dataset}' has no images: the classifier space is for labelled images; use 'raw'")
    if data.classes < 2 or any(data.labels(split) is None for split in SPLITS):
        raise DataError(
            f"dataset '{dataset}' is not labelled: the classifier space needs labels on all three splits; use 'raw'"
        )
    key = _key(data)

    def make() -> TrainedClassifier:
        trained = train_classifier(data, f"training the classifier of '{dataset.name}', steps")
        _write(_place(root, dataset, key), key, trained)
        return trained

    return kept_or_made(root / "classifiers" / key[:8], lambda: _read(_place(root, dataset, key), key, data), make)


def train_classifier(data: Data, what: str = "training a classifier, steps") -> TrainedClassifier:
    """Train on the training split; the same data give the same weights bit for bit on one machine.

    AdamW with a one-cycle learning rate, random shifts, dropout. Leaves the global random state, the number of
    threads and the gradient mode as they were.

    Args:
        data: labelled images, on any device.
        what: begins the lines that tell of progress.
    """
    data = data.to(torch.device("cpu"))
    labels = data.train_labels
    assert labels is not None  # `open_classifier` has seen to it
    recipe = recipe_for(len(data.train))
    with _alone(SEED), torch.enable_grad():
        network = Network(data.shape, data.classes, recipe.filters)
        optimizer = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=recipe.steps)
        network.train()
        batches, pace = _batches(len(data.train), recipe.batch), Pace(what, recipe.steps)
        for step in range(recipe.steps):
            chosen = next(batches)
            _, logits = network(_shift(data.decode(data.train[chosen])))
            loss = functional.cross_entropy(logits, labels[chosen])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            optimizer.step()
            schedule.step()
            pace.tell(step + 1)
        network.eval().requires_grad_(False)
        _set_scale(network, data)
        accuracy = _accuracy(network, data)
    return _trained(network, accuracy)


def kept_classifiers(root: Path) -> dict[str, float | None]:
    """Accuracy of each classifier that is kept under the data root, by its file's name; None of one that is broken."""
    found: dict[str, float | None] = {}
    for path in sorted((root / "classifiers").glob("[!.]*.pt")):
        try:
            content: Any = torch.load(path, map_location="cpu", weights_only=True)
            found[path.stem] = float(content["accuracy"])
        except Exception:  # foreign bytes raise anything at all in torch.load
            found[path.stem] = None
    return found


def weights_sha256(weights: Mapping[str, Tensor]) -> str:
    """SHA-256 over names, shapes and values of the weights."""
    sha = hashlib.sha256()
    for name in sorted(weights):
        values = weights[name].detach().cpu().contiguous()
        sha.update(f"{name}{tuple(values.shape)}{values.dtype}".encode())
        sha.update(values.numpy().tobytes())
    return sha.hexdigest()


def _convolution(channels: int, filters: int, stride: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(channels, filters, 3, stride, padding=1, bias=False), nn.BatchNorm2d(filters), nn.ReLU()]


@contextlib.contextmanager
def _alone(seed: int) -> Iterator[None]:
    """Random numbers of its own (the global state comes back) and one thread."""
    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would reseed the GPUs too
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


def _batches(n: int, size: int) -> Iterator[Tensor]:
    """Indices of batches without end, a fresh order each epoch."""
    size = min(size, n)
    while True:
        yield from torch.split(torch.randperm(n)[: n - n % size], size)


def _shift(images: Tensor) -> Tensor:
    """Each image moved by its own whole number of pixels; what comes in repeats the border."""
    n, _, height, width = images.shape
    reach = max(1, round(SHIFT * min(height, width)))
    padded = functional.pad(images, (reach,) * 4, mode="replicate")
    rows = torch.randint(2 * reach + 1, (n, 1)) + torch.arange(height)
    columns = torch.randint(2 * reach + 1, (n, 1)) + torch.arange(width)
    each = torch.arange(n)[:, None, None]
    return padded.permute(0, 2, 3, 1)[each, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2).contiguous()


def _set_scale(network: Network, data: Data) -> None:
    """Scale the features to a mean square of 1 on the training split.

    How large a trained network's features are is arbitrary. FID would inherit that as its unit, and KID's kernel,
    which adds 1 to a product of features, would change its shape with it.
    """
    batches = in_batches(data.train, SCORING_BATCH)
    squares = sum(float(network(data.decode(batch))[0].double().square().sum()) for batch in batches)
    mean_square = squares / (len(data.train) * network.features)
    network.scale.fill_(mean_square**-0.5 if mean_square > 0 else 1.0)


def _accuracy(network: Network, data: Data) -> float:
    """On the validation and test splits together."""
    correct = total = 0
    for images, labels in ((data.validation, data.validation_labels), (data.test, data.test_labels)):
        assert labels is not None
        for batch, truth in zip(in_batches(images, SCORING_BATCH), torch.split(labels, SCORING_BATCH), strict=True):
            correct += int((network(data.decode(batch))[1].argmax(dim=1) == truth).sum())
        total += len(images)
    return correct / total


def _trained(network: Network, accuracy: float) -> TrainedClassifier:
    parameters = sum(parameter.numel() for parameter in network.parameters())
    info = ClassifierInfo(
        accuracy=accuracy,
        sha256=weights_sha256(network.state_dict()),
        features=network.features,
        parameters=parameters,
    )
    return TrainedClassifier(network, info)


def _key(data: Data) -> str:
    """A hash of all that decides the weights and the accuracy, but the machine; no setting of the dataset as such, so
    that data which come up in several datasets have one classifier."""
    return digest({"recipe": RECIPE, "data": data.sha256 or fingerprint(data)}, length=64)


def _place(root: Path, dataset: Choice, key: str) -> Path:
    """Of the classifier with this key, which may have been trained for a dataset of another name."""
    folder, ending = root / "classifiers", f"-{key[:8]}.pt"
    return next(iter(sorted(folder.glob(f"[!.]*{ending}"))), folder / f"{dataset.name}{ending}")


def _write(path: Path, key: str, trained: TrainedClassifier) -> None:
    buffer = io.BytesIO()
    torch.save(
        {
            "key": key,
            "accuracy": trained.info.accuracy,
            "sha256": trained.info.sha256,
            "weights": trained.network.state_dict(),
        },
        buffer,
    )
    try:
        write_atomically(path, buffer.getvalue())
    except OSError as error:  # a data root may be read-only: the same classifier is then trained each time
        log.warning("classifier cannot be kept at '%s' (%s); every run trains it anew", path, error)


def _read(path: Path, key: str, data: Data) -> TrainedClassifier | None:
    """The classifier in the file, or None where there is none that can be trusted."""
    if not path.is_file():
        return None
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
        if content["key"] != key:
            raise ValueError("it is of other data or of another recipe")
        with torch.random.fork_rng(devices=[]):  # building draws weights that are overwritten
            network = Network(data.shape, data.classes, recipe_for(len(data.train)).filters)
        network.load_state_dict(content["weights"])
        trained = _trained(network.eval().requires_grad_(False), float(content["accuracy"]))
        if trained.info.sha256 != content["sha256"]:
            raise ValueError("its weights do not match their checksum")
    except Exception as error:  # foreign bytes raise anything at all in torch.load
        log.warning("classifier '%s' cannot be trusted (%s); training it anew", path, str(error).partition("\n")[0])
        return None
    return trained
