"""Feature spaces: what a fidelity metric is a number in.

Samples come decoded, as the players see them: points ``(n, dim)``, images ``(n, channels, height, width)`` in [−1, 1].
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

import torch
from torch_fidelity.feature_extractor_base import FeatureExtractorBase

from bench.catalog import spaces
from bench.errors import DataError, PluginError, UsageError
from bench.evaluation.base import Fetching, Openable, Opening
from bench.evaluation.classifier import TrainedClassifier, open_classifier, weights_sha256

if TYPE_CHECKING:
    from torch import Tensor

    from bench.datasets.base import Data
    from bench.record import Classifier as ClassifierInfo
    from bench.spec import Choice

CLASSIFIER_BATCH = 256
EXTRACTOR_BATCH = 64
"""Of networks that are made for large images: 64 of 299×299 pixels take about 200 MB a layer."""


@dataclasses.dataclass(frozen=True)
class Features:
    """Of samples, on the CPU: features ``(n, d)`` and, where the space classifies, logits ``(n, classes)``; float32."""

    features: Tensor
    logits: Tensor | None = None

    def __len__(self) -> int:
        return len(self.features)

    def first(self, n: int) -> Features:
        """Of the first ``n`` samples."""
        return Features(self.features[:n], None if self.logits is None else self.logits[:n])

    def at(self, index: Tensor) -> Features:
        """Of the samples with these indices."""
        return Features(self.features[index], None if self.logits is None else self.logits[index])


class FeatureSpace(Protocol):
    """Turns samples into features."""

    @property
    def name(self) -> str:
        """Stands in every record."""
        ...

    @property
    def sha256(self) -> str:
        """Of its weights and, of a plugin's, of its code; empty where it has none."""
        ...

    @property
    def judges_classes(self) -> bool:
        """Whether its logits are of the dataset's own classes, so that modes can be counted by them."""
        ...

    def extract(self, samples: Tensor) -> Features:
        """The features of decoded samples, which lie on any device; draws no random numbers."""
        ...


@dataclasses.dataclass(frozen=True)
class RawSpace:
    """The coordinates themselves; pixels of images, flattened."""

    name: str = "raw"
    sha256: str = ""
    judges_classes: ClassVar[bool] = False

    def extract(self, samples: Tensor) -> Features:
        """The coordinates."""
        return Features(samples.detach().float().cpu().flatten(start_dim=1))


class ClassifierSpace:
    """The penultimate layer and the logits of a dataset's own classifier.

    Images are rounded to the 256 levels in which real ones are stored, as if read back from a file: a network could
    otherwise tell the two apart by what no image file keeps.
    """

    name = "classifier"
    judges_classes = True

    def __init__(self, trained: TrainedClassifier) -> None:
        self.trained = trained
        self._network = trained.network

    @property
    def info(self) -> ClassifierInfo:
        """What a reference tells of the classifier."""
        return self.trained.info

    @property
    def sha256(self) -> str:
        """Of the classifier's weights."""
        return self.info.sha256

    @torch.no_grad()
    def extract(self, samples: Tensor) -> Features:
        """Features and logits, in batches of fixed size on the samples' device."""
        self._network.to(samples.device)
        batches = torch.split(samples.detach().float(), CLASSIFIER_BATCH)
        with _full_precision():
            parts = [self._judge(quantise(batch)) for batch in batches]
        return Features(torch.cat([part[0] for part in parts]).cpu(), torch.cat([part[1] for part in parts]).cpu())

    def _judge(self, images: Tensor) -> tuple[Tensor, Tensor]:
        features, logits = self._network(images)
        return features, logits


class StackedClassifierSpace(ClassifierSpace):
    """Of images whose channels are images of their own: one classifier judges them one by one.

    Features are the channels' features side by side. A class is the tuple of the channels' classes, the first channel's
    the most significant; its logit is the sum of the channels' log-posteriors, as of independent judgements.
    """

    def _judge(self, images: Tensor) -> tuple[Tensor, Tensor]:
        n, channels = images.shape[:2]
        features, logits = self._network(images.flatten(0, 1).unsqueeze(1))
        posteriors = logits.log_softmax(dim=1).view(n, channels, -1)
        joint = posteriors[:, 0]
        for channel in range(1, channels):
            joint = (joint[:, :, None] + posteriors[:, channel, None]).flatten(1)
        return features.view(n, -1), joint


class ExtractorSpace:
    """The features of one of torch-fidelity's extractors, or of a plugin's.

    Images are rounded to bytes, as if read back from a file, and grey ones repeated as RGB.

    Args:
        name: of the space.
        extractor: an instance; see `bench.evaluation.base.Extracting`.
        sha256: of the weights' file, or None for a hash of the weights as they are in memory.

    Raises:
        PluginError: it gives no features but logits.
    """

    judges_classes = False
    """Inception's are ImageNet's, and a plugin's may be as many as the dataset's and mean something else."""

    def __init__(self, name: str, extractor: FeatureExtractorBase, sha256: str | None = None) -> None:
        self.name = name
        self._extractor = extractor.eval().requires_grad_(False)
        self.sha256 = weights_sha256(extractor.state_dict()) if sha256 is None else sha256
        names = tuple(extractor.get_requested_features_list())
        self._features = next((layer for layer in names if "logits" not in layer), "")
        self._logits = next((layer for layer in names if "logits" in layer), "")
        if not self._features:
            raise PluginError(f"feature space '{name}' gives {', '.join(names)} and no features beside logits")

    @torch.no_grad()
    def extract(self, samples: Tensor) -> Features:
        """Features and logits, in batches of fixed size on the samples' device; of NaN, NaN.

        Raises:
            PluginError: the extractor gives more rows than samples, or fewer.
        """
        self._extractor.to(samples.device)
        with _full_precision():
            parts = [self._judge(batch) for batch in torch.split(samples.detach().float(), EXTRACTOR_BATCH)]
        features = torch.cat([part[self._features] for part in parts])
        if len(features) != len(samples):
            raise PluginError(
                f"feature space '{self.name}' gives {len(features)} rows of features of {len(samples)} samples"
            )
        features[samples.isnan().flatten(1).any(dim=1).cpu()] = torch.nan  # bytes know no NaN
        return Features(features, torch.cat([part[self._logits] for part in parts]) if self._logits else None)

    def _judge(self, samples: Tensor) -> dict[str, Tensor]:
        seen = samples if samples.dim() == 2 else to_bytes(samples)
        found = self._extractor.convert_features_tuple_to_dict(self._extractor(seen))
        return {name: values.float().flatten(1).cpu() for name, values in found.items()}


@contextlib.contextmanager
def _full_precision() -> Iterator[None]:
    """A GPU's convolutions would round to TF32 by default: the space is to be the same on every device."""
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
        yield


def quantise(images: Tensor) -> Tensor:
    """Images in [−1, 1] on the nearest of 256 levels; what lies outside goes to the border, NaN stays."""
    return images.add(1).mul(127.5).round().clamp(0, 255).div(127.5).sub(1)


def to_bytes(images: Tensor) -> Tensor:
    """Images in [−1, 1] as RGB bytes ``(n, 3, height, width)``; grey ones are repeated, NaN becomes 0."""
    levels = images.add(1).mul(127.5).round().clamp(0, 255).nan_to_num().byte()
    return levels.expand(-1, 3, -1, -1).contiguous() if images.shape[1] == 1 else levels


def open_space(name: str, data: Data, dataset: Choice, root: Path, weights: Path | None = None) -> FeatureSpace:
    """The feature space called ``name`` for a dataset.

    Args:
        name: an entry of `bench.catalog.spaces`.
        data: the dataset in memory; a classifier is trained on its training split unless one is kept.
        dataset: which it is.
        root: the data root, where classifiers and downloaded weights are kept.
        weights: of the Inception network, where they do not lie under the data root.

    Raises:
        UsageError: an unknown name, or an entry that cannot be used.
        DataError: the space cannot be opened for these data, or its files are missing or broken.
    """
    return open_entry(name, Opening(data, dataset, root, weights))


def fetch_files(name: str, root: Path, weights: Path | None = None) -> None:
    """See that the files which the feature space needs, whatever the data, are there.

    Raises:
        DataError: they are missing or broken.
    """
    entry = spaces.create(name)
    if isinstance(entry, Fetching):
        entry.fetch(root, weights)


def open_entry(name: str, opening: Opening) -> FeatureSpace:
    """The same, of all that it is opened with."""
    entry = spaces.create(name)
    with torch.random.fork_rng(devices=[]):  # building a network draws weights, most of which are overwritten
        if isinstance(entry, Openable):
            return entry.open(opening)
        check_images(name, opening)
        try:
            extractor = entry.extractor()
            if not isinstance(extractor, FeatureExtractorBase):
                raise PluginError(f"it made a {type(extractor).__name__}, not a torch_fidelity FeatureExtractorBase")
            space = ExtractorSpace(name, extractor)
        except UsageError as error:
            raise PluginError(*(f"feature space '{name}': {fault}" for fault in error.faults)) from error
        except Exception as error:  # a plugin's class may do anything
            raise PluginError(f"feature space '{name}' cannot be opened: {type(error).__name__}: {error}") from error
    plugin = spaces.entry(name).plugin
    if plugin is not None:  # what it computes may change while its weights, if it has any, do not
        space.sha256 = hashlib.sha256(f"{plugin.sha256} {space.sha256}".encode()).hexdigest()
    return space


def open_classifier_space(opening: Opening) -> ClassifierSpace:
    """The space of a dataset's own classifier; of stacked images, of the classifier of what is stacked."""
    data = opening.data
    if data.stacked_from is not None:
        return StackedClassifierSpace(open_classifier(data.stacked_from, opening.dataset, opening.root))
    return ClassifierSpace(open_classifier(data, opening.dataset, opening.root))


def check_images(name: str, opening: Opening) -> None:
    """See that samples can be shown to an extractor.

    Raises:
        DataError: images of neither one nor three channels.
    """
    data = opening.data
    if data.is_image and data.shape[0] not in (1, 3):
        raise DataError(
            f"dataset '{opening.dataset}' has images of {data.shape[0]} channels: feature space '{name}' is for grey "
            "and RGB images"
        )
