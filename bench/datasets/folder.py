"""A folder of images of your own."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from bench.catalog import Unit, datasets
from bench.datasets.base import Data
from bench.datasets.decoding import Crop, Frame, decode_all, read_file
from bench.datasets.own import OwnImages, OwnPath, Share, find_path, split_at_random
from bench.datasets.prepared import Prepared, Wanted, prepare
from bench.datasets.splitting import make_mapped
from bench.errors import DataError
from bench.lazy import np


@datasets.register(
    "images",
    formula="all image files of a folder, cropped and resized to size × size pixels; splits at random, by class",
    source="your own",
)
@dataclass(frozen=True)
class Images(OwnImages):
    """A folder of images of your own, with one subfolder per class if they have labels.

    Decoded once and kept under ``prepared`` at the data root; files that change are decoded anew.
    """

    path: OwnPath
    size: Annotated[
        int, Field(ge=8, le=1024, description="height and width that images are resized to"), Unit("pixels")
    ]
    channels: Annotated[Literal[1, 3], Field(description="1 for grey, 3 for colour")] = 3
    crop: Annotated[
        Crop, Field(description="center: the central square of the shorter side; none: all of it, out of proportion")
    ] = "center"
    labels: Annotated[bool, Field(description="whether each subfolder is a class")] = False
    upscale: Annotated[bool, Field(description="whether images smaller than size are enlarged, not refused")] = False
    validation: Share = 0.1
    test: Share = 0.1

    def load(self, root: Path) -> Data:
        """Of the folder at ``path``."""
        folder = find_path(self.path, root, "dataset 'images'")
        if not folder.is_dir():
            raise DataError(f"dataset 'images': '{folder}' is no folder; a file of arrays is a dataset 'array'")
        files = _list_files(folder)
        if not files:
            raise DataError(f"dataset 'images': '{folder}' holds no files")
        labels = _read_labels(folder, files) if self.labels else None
        splits = split_at_random(len(files), self.validation, self.test, labels, f"dataset 'images': '{folder}'")
        prepared = self._prepare(folder, files, root)
        return make_mapped(prepared, splits, labels)

    def _prepare(self, folder: Path, files: Sequence[Path], root: Path) -> Prepared:
        frame = Frame(self.size, self.channels, self.crop, self.upscale)
        wanted = Wanted("images", f"{folder} {frame}", _listing(folder, files), (len(files), *self.shape))
        return prepare(wanted, root, lambda: decode_all(map(read_file, files), frame, "dataset 'images'"))


def _list_files(folder: Path) -> list[Path]:
    """All files in it and below, hidden ones aside, in an order that is the same on every machine."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts))


def _listing(folder: Path, files: Sequence[Path]) -> str:
    """A hash of names, sizes and times."""
    sha = hashlib.sha256()
    for path in files:
        told = path.stat()
        sha.update(f"{path.relative_to(folder).as_posix()}\0{told.st_size}\0{told.st_mtime_ns}\n".encode())
    return sha.hexdigest()


def _read_labels(folder: Path, files: Sequence[Path]) -> np.ndarray:
    """The class of each file: subfolders are numbered by name."""
    inside = [path.relative_to(folder).parts for path in files]
    astray = [parts[0] for parts in inside if len(parts) == 1]
    if astray:
        raise DataError(
            f"dataset 'images': with labels = true each class is a subfolder, but {len(astray):,} of "
            f"{len(files):,} files lie in '{folder}' itself, such as '{astray[0]}'"
        )
    classes = sorted({parts[0] for parts in inside})
    numbers = {name: number for number, name in enumerate(classes)}
    return np.array([numbers[parts[0]] for parts in inside], np.int64)
