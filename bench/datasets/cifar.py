"""CIFAR-10 and CIFAR-100, of the official binary archives: the ones for Python hold pickled objects."""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, TypeAlias

from pydantic import Field

from bench.catalog import datasets
from bench.datasets.base import Data
from bench.datasets.downloads import SourceFile, check_file, fetch
from bench.datasets.splitting import split_official
from bench.errors import DataError
from bench.lazy import np

Validation = Annotated[
    int, Field(ge=100, le=25_000, description="training images held out for validation, with equal shares of classes")
]
SHAPE = (3, 32, 32)
Part: TypeAlias = "tuple[np.ndarray, np.ndarray]"
"""Images and labels."""


def _archive(name: str, size: int, md5: str) -> tuple[SourceFile, ...]:
    return (SourceFile(name, size, md5, (f"https://www.cs.toronto.edu/~kriz/{name}",)),)


def _read(file: SourceFile, root: Path, parts: Sequence[Sequence[str]], label_bytes: int) -> list[Part]:
    """Images and labels of the parts that the named members of the archive make up.

    Of several label bytes, the last is the (fine) class.
    """
    path = check_file(file, root)
    contents = {}
    try:
        with tarfile.open(path, "r|gz") as archive:  # from front to back: every way back would unpack it again
            for member in archive:
                if (packed := archive.extractfile(member)) is not None:
                    contents[member.name] = packed.read()
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise DataError(f"'{path}' cannot be unpacked: {error}") from None
    length = label_bytes + int(np.prod(SHAPE))
    read = []
    for part in parts:
        content = b"".join(contents.get(name, b"") for name in part)
        if not content or len(content) % length:
            raise DataError(f"'{path}' does not hold records of {length:,} bytes in {', '.join(part)}: fetch it again")
        records = np.frombuffer(content, np.uint8).reshape(-1, length)
        read.append((records[:, label_bytes:].reshape(-1, *SHAPE), records[:, label_bytes - 1]))
    return read


@datasets.register(
    "cifar10",
    formula="60,000 colour images of 32×32 pixels, 10 classes; 40,000 train, 10,000 validation, 10,000 test",
    source="Krizhevsky 2009 (https://www.cs.toronto.edu/~kriz/cifar.html), binary version",
)
@dataclass(frozen=True)
class Cifar10:
    """Animals and vehicles: test is the official test part, validation a part of the official training part.

    Papers train on all 50,000 training images and mostly measure against them too.
    """

    validation: Validation = 10_000
    space: ClassVar[str] = "inception"
    files: ClassVar[tuple[SourceFile, ...]] = _archive(
        "cifar-10-binary.tar.gz", 170_052_171, "c32a1d4ab5d03f1284b67883e8d87530"
    )

    @property
    def shape(self) -> tuple[int, ...]:
        """Colour images of 32×32 pixels."""
        return SHAPE

    def load(self, root: Path) -> Data:
        """Of ``cifar-10-binary.tar.gz`` under the data root."""
        fetch("cifar10", self.files, root)
        batches = [f"cifar-10-batches-bin/data_batch_{number}.bin" for number in range(1, 6)]
        parts = (batches, ["cifar-10-batches-bin/test_batch.bin"])
        train, test = _read(self.files[0], root, parts, label_bytes=1)
        return split_official(train, test, self.validation, 10)


@datasets.register(
    "cifar100",
    formula="60,000 colour images of 32×32 pixels, 100 classes; 40,000 train, 10,000 validation, 10,000 test",
    source="Krizhevsky 2009 (https://www.cs.toronto.edu/~kriz/cifar.html), binary version, fine labels",
)
@dataclass(frozen=True)
class Cifar100:
    """A hundred kinds of things: test is the official test part, validation a part of the official training part."""

    validation: Validation = 10_000
    space: ClassVar[str] = "inception"
    files: ClassVar[tuple[SourceFile, ...]] = _archive(
        "cifar-100-binary.tar.gz", 168_513_733, "03b5dce01913d631647c71ecec9e9cb8"
    )

    @property
    def shape(self) -> tuple[int, ...]:
        """Colour images of 32×32 pixels."""
        return SHAPE

    def load(self, root: Path) -> Data:
        """Of ``cifar-100-binary.tar.gz`` under the data root."""
        fetch("cifar100", self.files, root)
        parts = (["cifar-100-binary/train.bin"], ["cifar-100-binary/test.bin"])
        train, test = _read(self.files[0], root, parts, label_bytes=2)
        return split_official(train, test, self.validation, 100)
