"""The interface of a dataset: splits on the device, and what is known of where they come from."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

if TYPE_CHECKING:
    from torch import Generator, Tensor, device

Split = Literal["train", "validation", "test"]


@dataclasses.dataclass(frozen=True)
class Modes:
    """The true modes of a mixture of isotropic Gaussians: centres ``(modes, dim)``, one σ, weights ``(modes,)``."""

    centers: Tensor
    sigma: float
    weights: Tensor

    def to(self, device: device) -> Modes:
        """The same on ``device``."""
        return Modes(self.centers.to(device), self.sigma, self.weights.to(device))


@dataclasses.dataclass(frozen=True)
class Data:
    """A dataset in memory.

    Samples are stored compactly: points as float32 ``(n, dim)``, images as uint8 ``(n, channels, height, width)``.
    `decode` turns stored samples into what the players see: points as they are, images to [−1, 1].
    """

    train: Tensor
    validation: Tensor
    test: Tensor
    train_labels: Tensor | None = None
    validation_labels: Tensor | None = None
    test_labels: Tensor | None = None
    classes: int = 0
    """Number of labels, 0 without labels."""
    modes: Modes | None = None
    draw: Callable[[int, Generator], Tensor] | None = None
    """Draws that many fresh stored samples from the true distribution, where it is known (CPU generator)."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one sample, without the batch."""
        return tuple(self.train.shape[1:])

    @property
    def is_image(self) -> bool:
        """Whether samples are images (uint8 pixels) rather than points."""
        return len(self.shape) == 3

    def split(self, name: Split) -> Tensor:
        """Stored samples of a split."""
        return {"train": self.train, "validation": self.validation, "test": self.test}[name]

    def labels(self, name: Split) -> Tensor | None:
        """Labels of a split, ``(n,)`` int64, or None."""
        return {"train": self.train_labels, "validation": self.validation_labels, "test": self.test_labels}[name]

    def decode(self, stored: Tensor) -> Tensor:
        """What the players see of stored samples: float32, images scaled to [−1, 1]."""
        return stored.float().div_(127.5).sub_(1.0) if self.is_image else stored

    def encode(self, samples: Tensor) -> Tensor:
        """Players' samples as they are stored: images rounded to uint8, as every measured image is."""
        return samples.add(1.0).mul_(127.5).round_().clamp_(0, 255).byte() if self.is_image else samples

    def to(self, device: device) -> Data:
        """The same on ``device``."""
        moved = {
            field.name: value.to(device)
            for field in dataclasses.fields(self)
            if hasattr(value := getattr(self, field.name), "to")
        }
        return dataclasses.replace(self, **moved)


class Dataset(Protocol):
    """Loads (or draws) training data; the same settings give the same data on every machine and for every seed."""

    space: ClassVar[str]
    """Feature space in which the dataset is measured unless a suite says otherwise: ``raw`` or ``classifier``."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one sample, known before anything is loaded."""
        ...

    def load(self, root: Path) -> Data:
        """The data, on the CPU.

        Args:
            root: the data root, for datasets that lie in files.

        Raises:
            DataError: a file is missing or broken; says where to put it.
        """
        ...
