"""CelebA: faces, aligned and cropped."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from bench.catalog import Unit, datasets
from bench.datasets.base import SPLITS, Data
from bench.datasets.decoding import Encoded, Frame, decode_all, read_file
from bench.datasets.downloads import SourceFile, check_file, fetch
from bench.datasets.prepared import Wanted, prepare
from bench.datasets.splitting import make_mapped, shuffled
from bench.errors import DataError
from bench.lazy import np

PAGE = "http://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"
FOLDER = "celeba/img_align_celeba"


@datasets.register(
    "celeba",
    formula="202,599 colour images, size × size pixels; 162,770 train, 19,867 validation, 19,962 test",
    source=f"Liu et al. 2015 ({PAGE}), aligned and cropped images with their official splits",
)
@dataclass(frozen=True)
class CelebA:
    """Faces: the central square of the aligned images, 178×178 of 178×218 pixels, resized.

    Papers differ in the crop: 178 here (and in many of them), 160 in Lucic et al. 2018, 140 in Song et al. 2021, 108 in
    Berthelot et al. 2017. Its authors distribute it through an online drive that limits downloads: it is fetched by
    hand.
    """

    size: Annotated[Literal[32, 64, 128], Field(description="height and width"), Unit("pixels")] = 64
    space: ClassVar[str] = "inception"
    files: ClassVar[tuple[SourceFile, ...]] = (
        SourceFile(
            path="celeba/img_align_celeba.zip",
            size=1_443_490_838,
            md5="00d2c5bc6d35e252742224ab0c1e8fcb",
            page=PAGE,
            instead=(FOLDER,),
        ),
        SourceFile(
            path="celeba/list_eval_partition.txt", size=2_836_386, md5="d32c9cbf5e040fd4025c592c306e6668", page=PAGE
        ),
    )

    @property
    def shape(self) -> tuple[int, ...]:
        """Colour images of the size that is set."""
        return (3, self.size, self.size)

    def load(self, root: Path) -> Data:
        """Of ``celeba`` under the data root: the archive of images, or the folder that it unpacks to."""
        fetch("celeba", self.files, root)
        names, splits = _read_partition(check_file(self.files[1], root))
        wanted = Wanted("celeba", f"size {self.size}, crop 178", self._sources(root, names), (len(names), *self.shape))
        frame = Frame(self.size, channels=3, crop="center")
        prepared = prepare(wanted, root, lambda: decode_all(self._read(root, names), frame, "dataset 'celeba'"))
        parts = {split: np.flatnonzero(splits == number) for number, split in enumerate(SPLITS)}
        return make_mapped(prepared, {split: part[shuffled(len(part))] for split, part in parts.items()})

    def _sources(self, root: Path, names: Sequence[str]) -> str:
        """A hash of the names and of what is to be read: of a folder the files' sizes and times, of the archive the
        checksum that is asked of it.
        """
        sha = hashlib.sha256("\n".join(names).encode())
        folder = root / FOLDER
        if folder.is_dir():
            listed = set(names)
            with os.scandir(folder) as entries:
                found = sorted(
                    (entry.name, entry.stat()) for entry in entries if entry.name in listed and entry.is_file()
                )
            sha.update("".join(f"\n{name} {told.st_size} {told.st_mtime_ns}" for name, told in found).encode())
        else:
            sha.update(self.files[0].md5.encode())
        return sha.hexdigest()

    def _read(self, root: Path, names: Sequence[str]) -> Iterator[Encoded]:
        folder = (root / FOLDER).absolute()
        if folder.is_dir():
            yield from (read_file(folder / name) for name in names)
            return
        path = check_file(self.files[0], root)
        try:
            with zipfile.ZipFile(path) as archive:
                for name in names:
                    content = archive.read(f"img_align_celeba/{name}")
                    yield Encoded(f"{path}/{name}", lambda content=content: content)  # type: ignore[misc]
        except (zipfile.BadZipFile, KeyError) as error:
            raise DataError(f"'{path}' cannot be unpacked: {error}") from None


def _read_partition(path: Path) -> tuple[list[str], np.ndarray]:
    """Names of the images, and 0, 1, 2 for train, validation, test."""
    rows = [line.split() for line in path.read_text(encoding="ascii", errors="replace").splitlines() if line.strip()]
    if not rows or any(len(row) != 2 or row[1] not in ("0", "1", "2") for row in rows):
        raise DataError(f"'{path}' is not a list of images and their splits: fetch it again from {PAGE}")
    return [row[0] for row in rows], np.array([int(row[1]) for row in rows])
