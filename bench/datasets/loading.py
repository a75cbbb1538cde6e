"""One way to load a dataset, with what it promises checked."""

from __future__ import annotations

from pathlib import Path

from bench.catalog import datasets
from bench.datasets.base import Data, Split
from bench.errors import DataError
from bench.lazy import torch
from bench.spec import Choice

SMALLEST_SPLIT = 2


def load_dataset(choice: Choice, root: Path) -> Data:
    """The data of a catalogue entry, on the CPU.

    Args:
        choice: the entry and its settings.
        root: the data root.

    Raises:
        DataError: files are missing or broken, or the data are not what the entry promises: another shape, an empty
            split, values that are not finite.
    """
    dataset = datasets.create(choice.name, **choice.settings)
    data = dataset.load(root)
    splits: tuple[Split, ...] = ("train", "validation", "test")
    for split in splits:
        samples = data.split(split)
        if tuple(samples.shape[1:]) != tuple(dataset.shape):
            raise DataError(
                f"dataset '{choice.name}' promises samples of shape {tuple(dataset.shape)}, "
                f"but its {split} split has {tuple(samples.shape[1:])}"
            )
        if len(samples) < SMALLEST_SPLIT:
            raise DataError(
                f"dataset '{choice.name}': its {split} split has {len(samples)} samples; at least 2 are needed"
            )
        if samples.is_floating_point() and not torch.isfinite(samples).all():
            raise DataError(f"dataset '{choice.name}': its {split} split has values that are not finite")
    return data
