"""Parts of a dataset that are held out: fixed, seeded, with the same shares of each class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bench.datasets.base import Data, Samples, Split
from bench.datasets.prepared import Prepared
from bench.datasets.samples import Mapped
from bench.lazy import np, torch

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


def make_data(samples: Mapping[Split, Samples], splits: Mapping[Split, np.ndarray], labels: np.ndarray | None) -> Data:
    """Data of three splits and, where there are labels, those of their indices."""

    def labels_of(split: Split) -> Tensor | None:
        return None if labels is None else torch.from_numpy(labels[splits[split]])

    return Data(
        train=samples["train"],
        validation=samples["validation"],
        test=samples["test"],
        train_labels=labels_of("train"),
        validation_labels=labels_of("validation"),
        test_labels=labels_of("test"),
        classes=0 if labels is None else int(labels.max()) + 1,
    )


def make_mapped(prepared: Prepared, splits: Mapping[Split, np.ndarray], labels: np.ndarray | None = None) -> Data:
    """The same, of images that are prepared."""
    mapped = {split: Mapped(prepared.array, chosen, prepared.digest) for split, chosen in splits.items()}
    return make_data(mapped, splits, labels)


def _tensor(array: np.ndarray, chosen: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array[chosen]))
