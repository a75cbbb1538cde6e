"""scikit-learn's handwritten digits: real images that need no download."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from bench.catalog import datasets
from bench.datasets.base import SPLITS, Data, Split
from bench.datasets.splitting import hold_out, make_data
from bench.lazy import np, torch

HELD_OUT = 900
"""For validation and test, half of them each."""


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
        images, labels, splits = read_digits()
        return make_data({split: torch.from_numpy(images[splits[split]]) for split in SPLITS}, splits, labels)


@functools.cache
def read_digits() -> tuple[np.ndarray, np.ndarray, Mapping[Split, np.ndarray]]:
    """Images, uint8 ``(n, 1, 8, 8)``, their classes, and the indices of each split.

    Kept once read: the text file and the splits take as long as all else that a small run does before its first step,
    and the server that runs are forked from reads them for all.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    train, held_out = hold_out(len(bunch.target), HELD_OUT, bunch.target)
    validation, test = (held_out[part] for part in hold_out(HELD_OUT, HELD_OUT // 2, bunch.target[held_out]))
    images = np.round(bunch.images[:, None] * (255 / 16)).astype(np.uint8)  # of 0 to 16
    return images, bunch.target.astype(np.int64), {"train": train, "validation": validation, "test": test}
