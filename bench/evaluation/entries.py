"""The built-in feature spaces by name. A new one is one class with a method ``extractor``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.catalog import spaces

if TYPE_CHECKING:
    from pathlib import Path

    from bench.evaluation.base import Opening
    from bench.evaluation.spaces import FeatureSpace


@spaces.register("raw", formula="φ(x) = x", source="–")
@dataclass(frozen=True)
class Raw:
    """The samples themselves: coordinates of points, pixels of images in [−1, 1]."""

    def open(self, opening: Opening) -> FeatureSpace:
        """Nothing is needed."""
        from bench.evaluation.spaces import RawSpace

        return RawSpace()


@spaces.register(
    "classifier",
    formula="64 or 128 features before the last layer, logits of the dataset's own classes",
    source="Salimans et al. 2016 and Heusel et al. 2017, with a classifier of the data at hand in place of Inception",
)
@dataclass(frozen=True)
class Classifier:
    """A small convolutional network, trained on the dataset's training split, seeded, and kept under the data root.

    Its accuracy on held-out data is told in the report. Stacked images are judged channel by channel.
    """

    def open(self, opening: Opening) -> FeatureSpace:
        """Read it, or train it (seconds to minutes)."""
        from bench.evaluation.spaces import open_classifier_space

        return open_classifier_space(opening)


@spaces.register(
    "inception",
    formula="2,048 features of the last pooling, 1,008 logits without bias; images of 299×299 pixels",
    source="Heusel et al. 2017; weights of 2015-12-05 (Szegedy et al. 2016) as in torch-fidelity (Obukhov et al. 2020)",
)
@dataclass(frozen=True)
class Inception:
    """Inception-v3 trained on ImageNet, in which natural images are compared across papers.

    Images of any size are resized as TensorFlow does, grey ones repeated as RGB. The weights (96 MB) are downloaded to
    the data root, or given by ``--weights``.
    """

    def fetch(self, root: Path, weights: Path | None) -> None:
        """Find the weights, or download them."""
        from bench.evaluation.weights import obtain_weights

        obtain_weights(root, weights)

    def open(self, opening: Opening) -> FeatureSpace:
        """Find the weights, download them if need be, and verify them."""
        from bench.evaluation.inception import open_inception

        return open_inception(opening)
