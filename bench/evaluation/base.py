"""The interface of a feature space's catalogue entry; nothing here imports torch."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    from bench.datasets.base import Data
    from bench.evaluation.spaces import FeatureSpace
    from bench.spec import Choice


@dataclasses.dataclass(frozen=True)
class Opening:
    """What a feature space is opened with: the dataset in memory, which it is, and where files lie.

    ``root`` is the data root; ``weights`` a file that the user gave; what is missing is only downloaded if
    ``downloads``.
    """

    data: Data
    dataset: Choice
    root: Path
    weights: Path | None = None
    downloads: bool = True


@runtime_checkable
class Extracting(Protocol):
    """A space made by a feature extractor alone: all that a plugin has to give."""

    def extractor(self) -> Any:
        """A fresh `torch_fidelity.feature_extractor_base.FeatureExtractorBase`, the same each time.

        It is called with RGB images, uint8 ``(batch, 3, height, width)`` (grey ones are repeated), or with points,
        float32 ``(batch, dim)``. Of the features that it was made with, the first whose name has ``logits`` in it are
        taken for logits, the first of the others for the features; each ``(batch, …)``.
        """
        ...


@runtime_checkable
class Openable(Protocol):
    """A space that is opened for a dataset: one that is trained on it, or needs files."""

    def open(self, opening: Opening) -> FeatureSpace:
        """The space.

        Raises:
            DataError: it cannot be opened for these data, or its files are missing or broken.
        """
        ...


@runtime_checkable
class Fetching(Protocol):
    """A space that needs files which are the same for all data."""

    def fetch(self, root: Path, weights: Path | None) -> None:
        """See that the files are there; what can be downloaded to the data root ``root`` is.

        Raises:
            DataError: they are missing or broken; says where to put them.
        """
        ...


SpaceEntry: TypeAlias = Extracting | Openable
