"""The interface of a dataset: splits on the device, and what is known of where they come from."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from torch import Generator, Tensor, device, dtype

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
SMALLEST_SPLIT = 2
"""Samples of a split: of fewer, no spread is known."""


@dataclasses.dataclass(frozen=True)
class Modes:
    """The true modes of a mixture of isotropic Gaussians: centres ``(modes, dim)``, one σ, weights ``(modes,)``."""

    centers: Tensor
    sigma: float
    weights: Tensor
    spanned: int | None = None
    """Coordinates, the first so many, in which a mode has that σ; in the others it has none. All by default."""

    @property
    def dimensions(self) -> int:
        """Of a mode: fewer than those of the space where modes lie flat in it."""
        return self.centers.shape[1] if self.spanned is None else self.spanned

    def to(self, device: device) -> Modes:
        """The same on ``device``."""
        return dataclasses.replace(self, centers=self.centers.to(device), weights=self.weights.to(device))


class Samples(Protocol):
    """Stored samples of a split. A tensor is the simplest of them; what does not fit on a device, or is put together
    from smaller parts as it is drawn, is indexed just so and gives the same numbers.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """``(n, *shape)``."""
        ...

    @property
    def dtype(self) -> dtype:
        """Of what indexing gives."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: Tensor | slice) -> Tensor:
        """Those samples, on the device that `to` names (the CPU at first); indices lie there too."""
        ...

    def to(self, device: device) -> Samples:
        """The same, drawn on ``device``."""
        ...


@dataclasses.dataclass(frozen=True)
class Data:
    """A dataset, ready to be drawn from.

    Samples are stored compactly: points as float32 ``(n, dim)``, images as uint8 ``(n, channels, height, width)``.
    `decode` turns stored samples into what the players see: points as they are, images to [−1, 1].
    """

    train: Samples
    validation: Samples
    test: Samples
    train_labels: Tensor | None = None
    validation_labels: Tensor | None = None
    test_labels: Tensor | None = None
    classes: int = 0
    """Number of labels, 0 without labels."""
    class_weights: Tensor | None = None
    """True weight of each class, ``(classes,)``, where it is known; else that of the split that is measured against."""
    stacked_from: Data | None = None
    """Of images whose channels are images of their own (stacked digits): what the channels are. Its classifier judges
    them one by one, and a class is the tuple of theirs: the first channel's is the most significant digit."""
    modes: Modes | None = None
    draw: Callable[[int, Generator], Tensor] | None = None
    """Draws that many fresh stored samples from the true distribution, where it is known (CPU generator)."""
    sha256: str = ""
    """Of all samples and labels; `bench.datasets.loading.load_dataset` fills it in."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one sample, without the batch."""
        return tuple(self.train.shape[1:])

    @property
    def is_image(self) -> bool:
        """Whether samples are images (uint8 pixels) rather than points."""
        return len(self.shape) == 3

    def split(self, name: Split) -> Samples:
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
        """The same, drawn on ``device``: each split in its memory where it fits, else streamed to it."""
        from bench.datasets.samples import place

        moved: dict[str, Any] = {split: place(self.split(split), device) for split in SPLITS}
        for field in dataclasses.fields(self):
            if field.name not in moved and hasattr(value := getattr(self, field.name), "to"):
                moved[field.name] = value.to(device)
        return dataclasses.replace(self, **moved)


class Dataset(Protocol):
    """Loads (or draws) training data; the same settings give the same data on every machine and for every seed."""

    @property
    def space(self) -> str:
        """Feature space in which the dataset is measured unless a suite says otherwise: a name of the catalogue
        `spaces`, such as ``raw``, ``classifier`` or ``inception``. A class attribute does as well.
        """
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one sample, known before anything is loaded."""
        ...

    def load(self, root: Path) -> Data:
        """The data, on the CPU; what can be downloaded and is not there yet is downloaded.

        Args:
            root: the data root, for datasets that lie in files.

        Raises:
            DataError: a file is missing or broken; says where to put it.
        """
        ...


def in_batches(samples: Samples, size: int) -> Iterator[Tensor]:
    """All samples in their order, ``size`` at a time."""
    for start in range(0, len(samples), size):
        yield samples[start : start + size]
