"""scikit-learn's handwritten digits: real images that need no download."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from bench.catalog import datasets
from bench.datasets.base import Data
from bench.lazy import torch

SPLIT_SEED = 0


@datasets.register(
    "digits",
    formula="1,797 images of 8×8 pixels, 10 classes; 897 train, 450 validation, 450 test",
    source="Alpaydin & Kaynak 1998 (UCI optical recognition of handwritten digits, test part)",
)
@dataclass(frozen=True)
class Digits:
    """Handwritten digits of 8×8 pixels, split by class so that every split has the same shares of them."""

    space: ClassVar[str] = "classifier"

    @property
    def shape(self) -> tuple[int, ...]:
        """Grey images of 8×8 pixels."""
        return (1, 8, 8)

    def load(self, root: Path) -> Data:
        """The images that scikit-learn ships; ``root`` is not used."""
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split

        bunch = load_digits()
        images = torch.from_numpy(bunch.images * (255 / 16)).round().to(torch.uint8).unsqueeze(1)
        labels = torch.from_numpy(bunch.target).long()
        train, held_out = train_test_split(
            range(len(images)), test_size=900, random_state=SPLIT_SEED, stratify=bunch.target
        )
        validation, test = train_test_split(
            held_out, test_size=450, random_state=SPLIT_SEED, stratify=bunch.target[held_out]
        )
        return Data(
            train=images[train],
            validation=images[validation],
            test=images[test],
            train_labels=labels[train],
            validation_labels=labels[validation],
            test_labels=labels[test],
            classes=10,
        )
