"""Parts of a dataset that are held out: fixed, seeded, with the same shares of each class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench.datasets.base import Data
from bench.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor

SPLIT_SEED = 0


def hold_out(n: int, held_out: int, labels: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Indices of what is kept and of what is held out, each in a random order that is always the same.

    Args:
        n: how many samples there are.
        held_out: how many of them are held out.
        labels: class of each; the parts have the same shares of them.
    """
    from sklearn.model_selection import train_test_split

    kept, held = train_test_split(np.arange(n), test_size=held_out, random_state=SPLIT_SEED, stratify=labels)
    return np.asarray(kept, np.int64), np.asarray(held, np.int64)


def shuffled(n: int) -> np.ndarray:
    """A random order that is always the same: official parts are sorted by class or by difficulty here and there, and
    metrics that need few samples take the first.
    """
    return np.random.RandomState(SPLIT_SEED).permutation(n)


def split_official(
    train: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray], validation: int, classes: int
) -> Data:
    """Data of two official parts: validation is taken out of the training part, class by class.

    Args:
        train: images, uint8 ``(n, channels, height, width)``, and labels ``(n,)`` of the official training part.
        test: those of the official test part.
        validation: how many training images are held out.
        classes: number of labels.
    """
    kept, held = hold_out(len(train[1]), validation, train[1])
    order = shuffled(len(test[1]))
    return Data(
        train=_tensor(train[0], kept),
        validation=_tensor(train[0], held),
        test=_tensor(test[0], order),
        train_labels=_tensor(train[1], kept).long(),
        validation_labels=_tensor(train[1], held).long(),
        test_labels=_tensor(test[1], order).long(),
        classes=classes,
    )


def _tensor(array: np.ndarray, chosen: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array[chosen]))
