"""LSUN bedrooms, read out of the database that its authors distribute."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from bench.catalog import Unit, datasets
from bench.datasets.base import Data
from bench.datasets.decoding import Encoded, Frame, decode_all
from bench.datasets.downloads import SourceFile, fetch
from bench.datasets.prepared import Wanted, prepare, tell_file
from bench.datasets.splitting import make_mapped, shuffled
from bench.errors import DataError
from bench.lazy import np

HELD_OUT = 10_000
"""Images in validation and in test."""
FOLDER = "lsun/bedroom_train_lmdb"


@datasets.register(
    "lsun-bedroom",
    formula="3,033,042 colour images of which the first are taken, size × size pixels; 10,000 validation, 10,000 test",
    source="Yu et al. 2015 (https://github.com/fyu/lsun), training part of the category bedroom",
)
@dataclass(frozen=True)
class LsunBedroom:
    """Bedrooms: the central square of each image, resized; needs the package lmdb (``pip install 'ganbench[lsun]'``).

    All splits are of the official training part: the official validation part has 300 images, too few to measure
    against. Images are taken in the order of their keys, which are hashes: the first are a random part.
    """

    size: Annotated[Literal[32, 64, 128], Field(description="height and width"), Unit("pixels")] = 64
    images: Annotated[
        int, Field(ge=30_000, le=3_033_042, description="how many of the images are taken, those held out included")
    ] = 300_000
    space: ClassVar[str] = "inception"
    files: ClassVar[tuple[SourceFile, ...]] = (
        SourceFile(
            path=f"{FOLDER}/data.mdb",
            size=43_000_000_000,  # about: that of the archive
            md5="",
            page="http://dl.yf.io/lsun/scenes/bedroom_train_lmdb.zip (unpack it there)",
        ),
    )

    @property
    def shape(self) -> tuple[int, ...]:
        """Colour images of the size that is set."""
        return (3, self.size, self.size)

    def load(self, root: Path) -> Data:
        """Of ``lsun/bedroom_train_lmdb`` under the data root."""
        fetch("lsun-bedroom", self.files, root)
        wanted = Wanted(
            "lsun-bedroom",
            f"size {self.size}, images {self.images}",
            tell_file(root / self.files[0].path),
            (self.images, *self.shape),
        )
        # a few are smaller than 128 pixels one way
        frame = Frame(self.size, channels=3, crop="center", upscale=True)
        prepared = prepare(wanted, root, lambda: decode_all(self._read(root), frame, "dataset 'lsun-bedroom'"))
        validation, test, train = np.split(shuffled(self.images), [HELD_OUT, 2 * HELD_OUT])
        return make_mapped(prepared, {"train": train, "validation": validation, "test": test})

    def _read(self, root: Path) -> Iterator[Encoded]:
        folder = (root / FOLDER).absolute()
        lmdb = _import_lmdb()
        try:
            environment = lmdb.open(str(folder), readonly=True, lock=False, readahead=False, meminit=False)
            with environment, environment.begin() as transaction:
                for key, content in islice(transaction.cursor(), self.images):
                    yield Encoded(f"{folder}, key {key.decode('ascii', 'replace')}", lambda content=content: content)  # type: ignore[misc]
        except lmdb.Error as error:
            raise DataError(f"'{folder}' is no database of images that can be read: {error}") from None


def _import_lmdb() -> Any:
    try:
        import lmdb
    except ImportError:
        raise DataError(
            "dataset 'lsun-bedroom' is read with the package lmdb, which is not installed: pip install 'ganbench[lsun]'"
        ) from None
    return lmdb
