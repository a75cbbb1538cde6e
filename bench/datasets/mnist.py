"""The MNIST family: grey images of 28×28 pixels in the idx format, as torchvision lays them out."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from bench.catalog import datasets
from bench.datasets.base import Data
from bench.datasets.downloads import SourceFile, check_file, fetch
from bench.datasets.splitting import split_official
from bench.errors import DataError
from bench.lazy import np

Validation = Annotated[
    int, Field(ge=100, le=30_000, description="training images held out for validation, with equal shares of classes")
]
SIDE = 28
IMAGES, LABELS = 0x0803, 0x0801
"""The idx format's magic numbers: unsigned bytes in three dimensions, in one."""


def _files(folder: str, mirrors: Sequence[str], files: Sequence[tuple[str, int, str]]) -> tuple[SourceFile, ...]:
    return tuple(
        SourceFile(
            path=f"{folder}/raw/{name}.gz",
            size=size,
            md5=md5,
            urls=tuple(f"{mirror}{name}.gz" for mirror in mirrors),
            instead=(f"{folder}/raw/{name}",),
        )
        for name, size, md5 in files
    )


def _load(name: str, files: Sequence[SourceFile], root: Path, validation: int) -> Data:
    """Data of four files: images and labels of the training part, then of the test part."""
    fetch(name, files, root)
    paths = [root / file.path if (root / file.path).is_file() else root / file.instead[0] for file in files]
    return _split([_read_idx(file, root) for file in files], [f"'{path.absolute()}'" for path in paths], validation, 10)


def _split(read: Sequence[np.ndarray], names: Sequence[str], validation: int, classes: int) -> Data:
    """Data of images and labels of the training part, then of the test part.

    Raises:
        DataError: they do not belong together, as unpacked files, whose checksum nobody knows, may not; names them.
    """
    images, labels, test_images, test_labels = read
    _check_part(images, labels, classes, f"{names[0]} and {names[1]}")
    _check_part(test_images, test_labels, classes, f"{names[2]} and {names[3]}")
    try:
        return split_official((images[:, None], labels), (test_images[:, None], test_labels), validation, classes)
    except ValueError as error:  # scikit-learn's, of too few
        raise DataError(
            f"{names[0]} holds {len(images):,} images, of which {validation:,} cannot be held out for validation: "
            f"{error}"
        ) from None


def _check_part(images: np.ndarray, labels: np.ndarray, classes: int, names: str) -> None:
    if images.ndim != 3 or images.shape[1:] != (SIDE, SIDE) or labels.shape != (len(images),):
        raise DataError(
            f"{names} hold arrays of shape {_tell(images)} and {_tell(labels)}; due are N×{SIDE}×{SIDE} images and N "
            "labels: fetch them again"
        )
    if (labels >= classes).any():
        raise DataError(f"{names} hold labels that are of none of {classes} classes: fetch them again")


def _tell(array: np.ndarray) -> str:
    return "×".join(map(str, array.shape))


def _read_idx(file: SourceFile, root: Path) -> np.ndarray:
    """The file's content; where only its unpacked content is there, that, of which no checksum is known."""
    if not (root / file.path).is_file():
        path = root / file.instead[0]
        return parse_idx(path.read_bytes(), path)
    path = check_file(file, root)
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"'{path}' cannot be unpacked: {error}") from None
    return parse_idx(content, path)


def parse_idx(content: bytes, path: Path) -> np.ndarray:
    """Bytes in the idx format: a magic number, lengths as big-endian 32-bit numbers, then unsigned bytes.

    Raises:
        DataError: they are of another format, or cut short.
    """
    magic = int.from_bytes(content[:4])
    dimensions = {IMAGES: 3, LABELS: 1}.get(magic, 0)
    shape = tuple(int(length) for length in np.frombuffer(content[4 : 4 + 4 * dimensions], ">u4"))
    start = 4 + 4 * dimensions
    if not dimensions or len(shape) < dimensions or len(content) - start != int(np.prod(shape)):
        raise DataError(f"'{path}' is no idx file of images or labels, or it is cut short: fetch it again")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


@datasets.register(
    "mnist",
    formula="70,000 grey images of 28×28 pixels, 10 classes; 50,000 train, 10,000 validation, 10,000 test",
    source="LeCun et al. 1998 (http://yann.lecun.com/exdb/mnist)",
)
@dataclass(frozen=True)
class Mnist:
    """Handwritten digits: test is the official test part, validation a part of the official training part."""

    validation: Validation = 10_000
    space: ClassVar[str] = "classifier"
    files: ClassVar[tuple[SourceFile, ...]] = _files(
        "MNIST",
        ("https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/"),
        (
            ("train-images-idx3-ubyte", 9_912_422, "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
            ("train-labels-idx1-ubyte", 28_881, "d53e105ee54ea40749a09fcbcd1e9432"),
            ("t10k-images-idx3-ubyte", 1_648_877, "9fb629c4189551a2d022fa330f9573f3"),
            ("t10k-labels-idx1-ubyte", 4_542, "ec29112dd5afa0611ce80d1b7f02629c"),
        ),
    )

    @property
    def shape(self) -> tuple[int, ...]:
        """Grey images of 28×28 pixels."""
        return (1, SIDE, SIDE)

    def load(self, root: Path) -> Data:
        """Of ``MNIST/raw`` under the data root."""
        return _load("mnist", self.files, root, self.validation)


@datasets.register(
    "fashion-mnist",
    formula="70,000 grey images of 28×28 pixels, 10 classes; 50,000 train, 10,000 validation, 10,000 test",
    source="Xiao et al. 2017 (https://github.com/zalandoresearch/fashion-mnist)",
)
@dataclass(frozen=True)
class FashionMnist:
    """Articles of clothing: test is the official test part, validation a part of the official training part."""

    validation: Validation = 10_000
    space: ClassVar[str] = "classifier"
    files: ClassVar[tuple[SourceFile, ...]] = _files(
        "FashionMNIST",
        ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
        (
            ("train-images-idx3-ubyte", 26_421_880, "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
            ("train-labels-idx1-ubyte", 29_515, "25c81989df183df01b3e8a0aad5dffbe"),
            ("t10k-images-idx3-ubyte", 4_422_102, "bef4ecab320f06d8554ea6380940ec79"),
            ("t10k-labels-idx1-ubyte", 5_148, "bb300cfdad3c16e7a12a480ee83cd310"),
        ),
    )

    @property
    def shape(self) -> tuple[int, ...]:
        """Grey images of 28×28 pixels."""
        return (1, SIDE, SIDE)

    def load(self, root: Path) -> Data:
        """Of ``FashionMNIST/raw`` under the data root."""
        return _load("fashion-mnist", self.files, root, self.validation)


@datasets.register(
    "kmnist",
    formula="70,000 grey images of 28×28 pixels, 10 classes; 50,000 train, 10,000 validation, 10,000 test",
    source="Clanuwat et al. 2018 (https://github.com/rois-codh/kmnist)",
)
@dataclass(frozen=True)
class Kmnist:
    """Cursive Japanese characters: test is the official test part, validation a part of the official training part."""

    validation: Validation = 10_000
    space: ClassVar[str] = "classifier"
    files: ClassVar[tuple[SourceFile, ...]] = _files(
        "KMNIST",
        ("http://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
        (
            ("train-images-idx3-ubyte", 18_165_135, "bdb82020997e1d708af4cf47b453dcf7"),
            ("train-labels-idx1-ubyte", 29_497, "e144d726b3acfaa3e44228e80efcd344"),
            ("t10k-images-idx3-ubyte", 3_041_136, "5c965bf0a639b31b8f53240b1b52f4d7"),
            ("t10k-labels-idx1-ubyte", 5_120, "7320c461ea6c1c855c0b718fb2a4b134"),
        ),
    )

    @property
    def shape(self) -> tuple[int, ...]:
        """Grey images of 28×28 pixels."""
        return (1, SIDE, SIDE)

    def load(self, root: Path) -> Data:
        """Of ``KMNIST/raw`` under the data root."""
        return _load("kmnist", self.files, root, self.validation)


LETTERS = tuple(
    f"emnist-letters-{part}-{what}" for part in ("train", "test") for what in ("images-idx3-ubyte", "labels-idx1-ubyte")
)


@datasets.register(
    "emnist-letters",
    formula="145,600 grey images of 28×28 pixels, 26 classes; 104,000 train, 20,800 validation, 20,800 test",
    source="Cohen et al. 2017 (https://www.nist.gov/itl/products-and-services/emnist-dataset)",
)
@dataclass(frozen=True)
class EmnistLetters:
    """Handwritten letters, upright (the files hold them transposed): test is the official test part, validation a part
    of the official training part, as large as the test part.
    """

    validation: Validation = 20_800
    space: ClassVar[str] = "classifier"
    files: ClassVar[tuple[SourceFile, ...]] = (
        SourceFile(
            path="EMNIST/raw/gzip.zip",
            size=561_753_746,
            md5="58c8d27c78d21e728a6bc7b3cc06412e",
            urls=("https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",),
            instead=tuple(f"EMNIST/raw/{name}" for name in LETTERS),
        ),
    )

    @property
    def shape(self) -> tuple[int, ...]:
        """Grey images of 28×28 pixels."""
        return (1, SIDE, SIDE)

    def load(self, root: Path) -> Data:
        """Of ``EMNIST/raw`` under the data root."""
        fetch("emnist-letters", self.files, root)
        # the files hold columns before rows, and labels from 1
        read = [each.swapaxes(1, 2) if each.ndim == 3 else each - np.uint8(1) for each in self._read(root)]
        return _split(read, [f"'{(root / path).absolute()}'" for path in self.files[0].instead], self.validation, 26)

    def _read(self, root: Path) -> tuple[np.ndarray, ...]:
        """Unpacked files, where torchvision has left them, load faster than the archive of all six sets."""
        archive, unpacked = self.files[0], [root / path for path in self.files[0].instead]
        if all(path.is_file() for path in unpacked):
            return tuple(parse_idx(path.read_bytes(), path.absolute()) for path in unpacked)
        path = check_file(archive, root)
        try:
            with zipfile.ZipFile(path) as content:
                return tuple(parse_idx(gzip.decompress(content.read(f"gzip/{name}.gz")), path) for name in LETTERS)
        except (zipfile.BadZipFile, KeyError, OSError, EOFError, zlib.error) as error:
            raise DataError(f"'{path}' cannot be unpacked: {error}") from None
