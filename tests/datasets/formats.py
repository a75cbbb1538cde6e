"""Small files in the formats of official data sets."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import io
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest

DATA = os.environ.get("GANBENCH_DATA")
"""Of whoever runs the tests; each test has a data root of its own."""
needs_mnist = pytest.mark.skipif(
    not DATA or not (Path(DATA) / "MNIST/raw/train-images-idx3-ubyte.gz").is_file(),
    reason="GANBENCH_DATA names no data root with the official MNIST files",
)


def random_bytes(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def labels_of(n: int, classes: int) -> np.ndarray:
    return (np.arange(n) % classes).astype(np.uint8)


def idx(array: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return header + array.tobytes()


def write_gz(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content, mtime=0))


def write_tar(path: Path, members: dict[str, bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def accept(monkeypatch: pytest.MonkeyPatch, cls: type, root: Path) -> None:
    """Take what lies under ``root`` for the official files."""
    files = cls.files  # type: ignore[attr-defined]
    told = [
        dataclasses.replace(file, md5=hashlib.md5((root / file.path).read_bytes()).hexdigest())
        if (root / file.path).is_file()
        else file
        for file in files
    ]
    monkeypatch.setattr(cls, "files", tuple(told))
