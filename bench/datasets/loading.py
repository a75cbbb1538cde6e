"""One way to load a dataset, with what it promises checked."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

from bench.catalog import datasets
from bench.datasets.base import SMALLEST_SPLIT, SPLITS, Data, Split
from bench.datasets.samples import digest_of
from bench.errors import DataError
from bench.lazy import torch
from bench.spec import Choice


def load_dataset(choice: Choice, root: Path) -> Data:
    """The data of a catalogue entry, on the CPU, with their SHA-256.

    Args:
        choice: the entry and its settings.
        root: the data root.

    Raises:
        DataError: files are missing or broken, or the data are not what the entry promises: another shape, an empty
            split, values that are not finite, labels that are not the samples'.
    """
    dataset = datasets.create(choice.name, **choice.settings)
    data = dataset.load(root)
    for split in SPLITS:
        samples = data.split(split)
        if tuple(samples.shape[1:]) != tuple(dataset.shape):
            raise DataError(
                f"dataset '{choice.name}' promises samples of shape {tuple(dataset.shape)}, "
                f"but its {split} split has {tuple(samples.shape[1:])}"
            )
        if len(samples) < SMALLEST_SPLIT:
            raise DataError(
                f"dataset '{choice.name}': its {split} split has {len(samples)} samples; "
                f"at least {SMALLEST_SPLIT} are needed"
            )
        # bytes are finite: images that lie in a file are not read for this
        if samples.dtype.is_floating_point and not torch.isfinite(samples[:]).all():
            raise DataError(f"dataset '{choice.name}': its {split} split has values that are not finite")
        _check_labels(choice.name, data, split)
    return dataclasses.replace(data, sha256=data.sha256 or fingerprint(data))


def _check_labels(name: str, data: Data, split: Split) -> None:
    labels, n = data.labels(split), len(data.split(split))
    if labels is None:
        return
    if labels.dtype != torch.int64 or tuple(labels.shape) != (n,) or labels.min() < 0 or labels.max() >= data.classes:
        found = f", from {labels.min()} to {labels.max()}" if labels.numel() else ""
        raise DataError(
            f"dataset '{name}': labels of its {split} split are {labels.dtype} of shape {tuple(labels.shape)}{found}; "
            f"due are int64 of shape ({n},), from 0 to {data.classes - 1}"
        )


def fingerprint(data: Data) -> str:
    """SHA-256 of all samples and labels, split by split."""
    sha = hashlib.sha256()
    for split in SPLITS:
        labels = data.labels(split)
        sha.update(f"{split} {digest_of(data.split(split))} {'' if labels is None else digest_of(labels)}\n".encode())
    return sha.hexdigest()
