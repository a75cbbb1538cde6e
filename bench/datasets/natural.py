"""Natural images beside CIFAR: house numbers and STL-10."""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from bench.catalog import Unit, datasets
from bench.datasets.base import Data
from bench.datasets.decoding import Frame
from bench.datasets.downloads import SourceFile, check_file, fetch
from bench.datasets.prepared import Wanted, prepare, tell_file
from bench.datasets.splitting import make_mapped, shuffled, split_official
from bench.errors import DataError
from bench.lazy import np


@datasets.register(
    "svhn",
    formula="99,289 colour images of 32×32 pixels, 10 classes; 63,257 train, 10,000 validation, 26,032 test",
    source="Netzer et al. 2011 (http://ufldl.stanford.edu/housenumbers), cropped digits without the extra part",
)
@dataclass(frozen=True)
class Svhn:
    """Digits of house numbers: test is the official test part, validation a part of the official training part."""

    validation: Annotated[
        int, Field(ge=100, le=30_000, description="training images held out for validation, with the shares of classes")
    ] = 10_000
    space: ClassVar[str] = "inception"
    files: ClassVar[tuple[SourceFile, ...]] = tuple(
        SourceFile(name, size, md5, (f"http://ufldl.stanford.edu/housenumbers/{name}",))
        for name, size, md5 in (
            ("train_32x32.mat", 182_040_794, "e26dedcc434d2e4c54c9b2d4a06d8373"),
            ("test_32x32.mat", 64_275_384, "eb5a983be6a315427106f1b164d9cef3"),
        )
    )

    @property
    def shape(self) -> tuple[int, ...]:
        """Colour images of 32×32 pixels."""
        return (3, 32, 32)

    def load(self, root: Path) -> Data:
        """Of two ``.mat`` files under the data root."""
        fetch("svhn", self.files, root)
        train, test = (self._read(check_file(file, root)) for file in self.files)
        return split_official(train, test, self.validation, 10)

    def _read(self, path: Path) -> tuple[np.ndarray, np.ndarray]:
        from scipy.io import loadmat

        try:
            content = loadmat(path, variable_names=["X", "y"])
            images, labels = np.asarray(content["X"], np.uint8), np.asarray(content["y"], np.uint8).reshape(-1)
        except Exception as error:  # whatever a broken file makes of the parser
            raise DataError(f"'{path}' cannot be read: {error}") from None
        return images.transpose(3, 2, 0, 1), labels % 10  # the files call the digit 0 by 10


STL10_SIDE, STL10_IMAGES, STL10_HELD_OUT = 96, 100_000, 10_000
STL10_MEMBER = "stl10_binary/unlabeled_X.bin"


@datasets.register(
    "stl10",
    formula="100,000 unlabelled colour images, size × size pixels; 80,000 train, 10,000 validation, 10,000 test",
    source="Coates et al. 2011 (https://cs.stanford.edu/~acoates/stl10); resized as by Miyato et al. 2018 (48 pixels)",
)
@dataclass(frozen=True)
class Stl10:
    """The unlabelled images that GANs are trained on, reduced from 96 pixels.

    All splits are of these. The official test part is not used: it is labelled, of ten classes alone, and so of
    another distribution than the unlabelled images, which hold other animals and vehicles too.
    """

    size: Annotated[Literal[32, 48, 64, 96], Field(description="height and width"), Unit("pixels")] = 64
    space: ClassVar[str] = "inception"
    files: ClassVar[tuple[SourceFile, ...]] = (
        SourceFile(
            path="stl10_binary.tar.gz",
            size=2_640_397_119,
            md5="91f7769df0f17e558f3565bffb0c7dfb",
            urls=("http://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz",),
            instead=(STL10_MEMBER,),
        ),
    )

    @property
    def shape(self) -> tuple[int, ...]:
        """Colour images of the size that is set."""
        return (3, self.size, self.size)

    def load(self, root: Path) -> Data:
        """Of ``stl10_binary.tar.gz`` under the data root, or of what it unpacks to."""
        fetch("stl10", self.files, root)
        unpacked = root / STL10_MEMBER
        # the archive is official content: what is prepared of it is never out of date
        sources = tell_file(unpacked) if unpacked.is_file() else self.files[0].md5
        wanted = Wanted("stl10", f"size {self.size}", sources, (STL10_IMAGES, *self.shape))
        prepared = prepare(wanted, root, lambda: self._convert(root))
        order = shuffled(STL10_IMAGES)
        validation, test, train = np.split(order, [STL10_HELD_OUT, 2 * STL10_HELD_OUT])
        return make_mapped(prepared, {"train": train, "validation": validation, "test": test})

    def _convert(self, root: Path) -> Iterator[np.ndarray]:
        from PIL import Image

        frame = Frame(self.size, channels=3, crop="none")
        for images in self._read(root):
            # columns come before rows in the files
            upright = np.ascontiguousarray(images.transpose(0, 3, 2, 1))
            yield np.stack([frame.decode(Image.fromarray(image)) for image in upright])

    def _read(self, root: Path, part: int = 512) -> Iterator[np.ndarray]:
        """Images as the file holds them, ``(n, channels, width, height)``, some at a time."""
        path, unpacked = root / self.files[0].path, root / STL10_MEMBER
        shape = (3, STL10_SIDE, STL10_SIDE)
        if unpacked.is_file():
            if unpacked.stat().st_size != STL10_IMAGES * int(np.prod(shape)):
                raise DataError(f"'{unpacked.absolute()}' has not the size of {STL10_IMAGES:,} images: unpack it again")
            array = np.memmap(unpacked, np.uint8, "r").reshape(-1, *shape)
            yield from (array[start : start + part] for start in range(0, len(array), part))
            return
        check_file(self.files[0], root)
        try:
            with tarfile.open(path, "r|gz") as archive:
                for member in archive:
                    content = archive.extractfile(member) if member.name == STL10_MEMBER else None
                    while content is not None and (some := content.read(part * int(np.prod(shape)))):
                        yield np.frombuffer(some, np.uint8).reshape(-1, *shape)
        except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
            raise DataError(f"'{path.absolute()}' cannot be unpacked: {error}") from None
