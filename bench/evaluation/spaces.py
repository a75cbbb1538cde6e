"""Feature spaces: what a fidelity metric is a number in.

Samples come decoded, as the players see them: points ``(n, dim)``, images ``(n, channels, height, width)`` in [−1, 1].
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import torch

from bench.errors import UsageError, unknown
from bench.evaluation.classifier import TrainedClassifier, open_classifier

if TYPE_CHECKING:
    from torch import Tensor

    from bench.datasets.base import Data
    from bench.spec import Choice

SPACES = ("classifier", "raw")
"""Names that `open_space` knows."""

EXTRACTION_BATCH = 256


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


class FeatureSpace(Protocol):
    """Turns samples into features."""

    @property
    def name(self) -> str:
        """Stands in every record."""
        ...

    @property
    def sha256(self) -> str:
        """Of its weights; empty where it has none."""
        ...

    def extract(self, samples: Tensor) -> Features:
        """The features of decoded samples, which lie on any device; draws no random numbers."""
        ...


@dataclasses.dataclass(frozen=True)
class RawSpace:
    """The coordinates themselves; pixels of images, flattened."""

    name: str = "raw"
    sha256: str = ""

    def extract(self, samples: Tensor) -> Features:
        """The coordinates."""
        return Features(samples.detach().float().cpu().flatten(start_dim=1))


class ClassifierSpace:
    """The penultimate layer and the logits of a dataset's own classifier.

    Images are rounded to the 256 levels in which real ones are stored, as if read back from a file: a network could
    otherwise tell the two apart by what no image file keeps.
    """

    name = "classifier"

    def __init__(self, trained: TrainedClassifier) -> None:
        self.info = trained.info
        self._network = trained.network

    @property
    def sha256(self) -> str:
        """Of the classifier's weights."""
        return self.info.sha256

    @torch.no_grad()
    def extract(self, samples: Tensor) -> Features:
        """Features and logits, in batches of fixed size on the samples' device."""
        network = self._network.to(samples.device)
        batches = torch.split(samples.detach().float(), EXTRACTION_BATCH)
        # a GPU's convolutions would round to TF32 by default: the space is to be the same on every device
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
            parts = [network(quantise(batch)) for batch in batches]
        return Features(torch.cat([part[0] for part in parts]).cpu(), torch.cat([part[1] for part in parts]).cpu())


def quantise(images: Tensor) -> Tensor:
    """Images in [−1, 1] on the nearest of 256 levels; what lies outside goes to the border, NaN stays."""
    return images.add(1).mul(127.5).round().clamp(0, 255).div(127.5).sub(1)


def open_space(name: str, data: Data, dataset: Choice, root: Path) -> FeatureSpace:
    """The feature space called ``name`` for a dataset.

    Args:
        name: ``raw`` or ``classifier``.
        data: the dataset in memory; a classifier is trained on its training split unless one is kept.
        dataset: which it is.
        root: the data root, where classifiers are kept.

    Raises:
        UsageError: an unknown name.
        DataError: the space cannot be opened for these data: a classifier without images or labels.
    """
    if name == "raw":
        return RawSpace()
    if name == "classifier":
        return ClassifierSpace(open_classifier(data, dataset, root))
    raise UsageError(unknown("feature space", name, SPACES))
