"""Image files to pixels: cropped, resized, and each one that cannot be read named."""

from __future__ import annotations

import dataclasses
import io
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bench.errors import DataError
from bench.lazy import np

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

Crop = Literal["center", "none"]
PART = 256
"""Images that are decoded before the next are looked for."""
NAMED = 10
"""Broken files that a message names; of the others it gives the number."""


@dataclasses.dataclass(frozen=True)
class Frame:
    """What becomes of an image: ``center`` cuts the central square of its shorter side, ``none`` cuts nothing; then it
    is resized to ``size`` pixels either way by Lanczos' filter (as NVlabs' dataset tools do). Transparency is laid on
    white.
    """

    size: int
    channels: int
    crop: Crop
    upscale: bool = False

    def decode(self, image: Picture) -> np.ndarray:
        """Pixels, uint8 ``(channels, size, size)``.

        Raises:
            ValueError: the image is too small, or of more than 8 bits; says so.
            OSError: it is broken.
        """
        from PIL import Image, ImageOps

        if image.mode.startswith(("I", "F")):
            raise ValueError(f"has pixels of mode '{image.mode}'; 8 bits per channel are read")
        image = ImageOps.exif_transpose(image)
        if image.has_transparency_data:
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
        image = image.convert("L" if self.channels == 1 else "RGB")
        width, height = image.size
        if self.crop == "center":
            side = min(width, height)
            left, top = (width - side) // 2, (height - side) // 2
            image = image.crop((left, top, left + side, top + side))
        if min(image.size) < self.size and not self.upscale:
            raise ValueError(f"has {width}×{height} pixels, fewer than {self.size} one way")
        if image.size != (self.size, self.size):
            image = image.resize((self.size, self.size), Image.Resampling.LANCZOS)
        pixels = np.asarray(image, np.uint8)
        return pixels[None] if self.channels == 1 else np.ascontiguousarray(pixels.transpose(2, 0, 1))


@dataclasses.dataclass(frozen=True)
class Encoded:
    """An image that is not decoded yet: its name in messages, and what reads its file."""

    name: str
    read: Callable[[], bytes]


def decode_all(images: Iterable[Encoded], frame: Frame, what: str) -> Iterator[np.ndarray]:
    """All images in their order, some at a time, decoded on all cores.

    Args:
        images: what is decoded.
        frame: what becomes of it.
        what: names them in messages.

    Raises:
        DataError: some cannot be read; named after all have been tried.
    """
    waiting, faults = iter(images), []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        while some := list(islice(waiting, PART)):
            decoded = list(pool.map(lambda each: _decode(each, frame), some))
            faults += [each for each in decoded if isinstance(each, str)]
            if not faults:
                yield np.stack([each for each in decoded if not isinstance(each, str)])
    if faults:
        more = [f"  … and {len(faults) - NAMED:,} more"] if len(faults) > NAMED else []
        files = (
            "1 file cannot be used as an image"
            if len(faults) == 1
            else f"{len(faults):,} files cannot be used as images"
        )
        raise DataError("\n".join([f"{what}: {files}; mend or remove:", *faults[:NAMED], *more]))


def _decode(encoded: Encoded, frame: Frame) -> np.ndarray | str:
    """Pixels, or what is wrong with the file."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(encoded.read())) as image:
            return frame.decode(image)
    except UnidentifiedImageError:
        return f"  {encoded.name}: is no image"
    except ValueError as error:
        return f"  {encoded.name}: {error}"
    except Exception as error:  # whatever a broken file makes of a decoder
        return f"  {encoded.name}: is broken ({str(error) or type(error).__name__})"


def read_file(path: Path) -> Encoded:
    """An image in a file of its own."""
    return Encoded(str(path), path.read_bytes)
