"""Figures in fewer bytes: reports are read on phones and kept in git."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
from PIL import Image

PATHS = re.compile(r'(?<= d=")[^"]+')
DECIMALS = re.compile(r"(\.\d\d)\d+")
EMBEDDED = re.compile(r'(?<=data:image/png;base64,)[^"]+')
PALETTE = 256
OFF, MOST_OFF = 24, 0.001
"""Of 255, by which a pixel's colour may change unseen, and the share of pixels that may change more: lines' soft edges,
but no photographs."""


def svg(text: str) -> str:
    """The same drawing: paths to a hundredth of a point, pictures with a palette where they have few colours."""
    text = PATHS.sub(lambda path: DECIMALS.sub(r"\1", " ".join(path[0].split())), text)
    return EMBEDDED.sub(lambda picture: _embedded(picture[0]), text)


def png(picture: Image.Image) -> bytes:
    """A picture in three colours as PNG: with a palette of 256, where hardly a pixel changes its colour visibly."""
    reduced = picture.quantize(PALETTE, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    before, after = np.asarray(picture), np.asarray(reduced.convert("RGB"))
    off = np.maximum(before, after) - np.minimum(before, after)
    return _written(reduced if float(np.mean(off > OFF)) <= MOST_OFF else picture)


def _embedded(encoded: str) -> str:
    """A picture with transparency, with a palette of its very colours if they are few."""
    content = base64.b64decode(encoded)
    picture = Image.open(io.BytesIO(content)).convert("RGBA")
    numbered = np.frombuffer(picture.tobytes(), dtype=np.uint32)  # a colour with its transparency is one number
    numbers, places = np.unique(numbered, return_inverse=True)
    if len(numbers) > PALETTE:
        return encoded
    colors = numbers.view(np.uint8).reshape(-1, 4)
    reduced = Image.fromarray(places.reshape(picture.height, picture.width).astype(np.uint8), "P")
    reduced.putpalette(colors[:, :3].tobytes())
    return base64.b64encode(min(content, _written(reduced, colors[:, 3].tobytes()), key=len)).decode()


def _written(picture: Image.Image, transparency: bytes | None = None) -> bytes:
    """A picture as PNG."""
    buffer = io.BytesIO()
    if transparency is None:
        picture.save(buffer, "png")
    else:
        picture.save(buffer, "png", transparency=transparency)
    return buffer.getvalue()
