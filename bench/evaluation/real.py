"""Features of real samples: the same for every run on a dataset, extracted once and kept under the data root.

A file is of one dataset, split, number of samples, feature space, software and hardware; one that is torn or foreign is
replaced, never trusted. Nothing is unpickled.
"""

from __future__ import annotations

import hashlib
import io
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from bench.evaluation.spaces import Features
from bench.files import write_atomically
from bench.once import Pace, kept_or_made
from bench.spec import digest

if TYPE_CHECKING:
    from bench.datasets.base import Data, Split
    from bench.evaluation.spaces import FeatureSpace

FORMAT = 1
"""Of the files; a change of layout or of extraction raises it."""

BATCH = 1024
"""Samples that are decoded at once: a multiple of every space's own batch, so that extraction in one go is the same."""

log = logging.getLogger(__name__)


class RealFeatures:
    """Features of a dataset's real samples in a space, extracted once and kept under the data root.

    Args:
        data: the dataset, on any device.
        space: feature space.
        device: where features are extracted.
        cache: the data root, or None to keep nothing. Points as they are (the raw space) are never kept: there is
            nothing to extract.
        environment: tells the software and hardware that decide the features' bits.
    """

    def __init__(
        self, data: Data, space: FeatureSpace, device: torch.device, cache: Path | None, environment: str
    ) -> None:
        self.data = data
        self.space = space
        self._device = device
        self._cache = cache if data.sha256 and space.name != "raw" else None
        self._environment = environment

    def first(self, split: Split, n: int) -> Features:
        """Of the first ``n`` samples of a split, or of all where it has fewer."""
        n = min(n, len(self.data.split(split)))
        if self._cache is None:
            return self._extract(split, n)
        key = self._key(split, n)
        path = self._cache / "features" / f"{self.space.name}-{split}-{n}-{key[:16]}.npz"

        def make() -> Features:
            features = self._extract(split, n)
            _write(path, key, features)
            return features

        return kept_or_made(path, lambda: _read(path, key), make)

    def _extract(self, split: Split, n: int) -> Features:
        samples, parts = self.data.split(split), []
        pace = Pace(f"features of real samples in space '{self.space.name}' ({split})", n)
        for start in range(0, n, BATCH):
            stored = samples[start : min(start + BATCH, n)]
            parts.append(self.space.extract(self.data.decode(stored.to(self._device))))
            pace.tell(min(start + BATCH, n))
        logits = [part.logits for part in parts if part.logits is not None]
        return Features(torch.cat([part.features for part in parts]), torch.cat(logits) if logits else None)

    def _key(self, split: Split, n: int) -> str:
        """A hash of all that decides the features."""
        return digest(
            {
                "format": FORMAT,
                "data": self.data.sha256,
                "split": split,
                "samples": n,
                "space": self.space.name,
                "weights": self.space.sha256,
                "environment": self._environment,
                "threads": torch.get_num_threads() if self._device.type == "cpu" else 0,
            },
            length=64,
        )


def _write(path: Path, key: str, features: Features) -> None:
    arrays = {"features": features.features.numpy()}
    if features.logits is not None:
        arrays["logits"] = features.logits.numpy()
    buffer = io.BytesIO()
    about = {"key": np.array(key), "sha256": np.array(_sha256(arrays))}
    np.savez(buffer, **arrays, **about)  # type: ignore[arg-type]  # of numpy's other keyword, which is none of these
    try:
        write_atomically(path, buffer.getvalue())
    except OSError as error:  # a data root may be read-only: they are then extracted by every run
        log.warning("features of real samples cannot be kept at '%s' (%s)", path, error)


def _read(path: Path, key: str) -> Features | None:
    """The features in the file, or None where there are none that can be trusted."""
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as content:
            arrays = {name: content[name] for name in ("features", "logits") if name in content}
            if str(content["key"]) != key:
                raise ValueError("it is of something else")
            if str(content["sha256"]) != _sha256(arrays):
                raise ValueError("it does not match its checksum")
            features = torch.from_numpy(arrays["features"])
            return Features(features, torch.from_numpy(arrays["logits"]) if "logits" in arrays else None)
    except Exception as error:  # foreign bytes raise anything at all in np.load
        log.warning("'%s' cannot be trusted (%s); extracting anew", path, str(error).partition("\n")[0])
        return None


def _sha256(arrays: dict[str, np.ndarray]) -> str:
    sha = hashlib.sha256()
    for name, values in arrays.items():
        sha.update(f"{name}{values.shape}{values.dtype}".encode())
        sha.update(np.ascontiguousarray(values).data)
    return sha.hexdigest()
