"""Figures in fewer bytes: reports are read on phones and kept in git."""

from __future__ import annotations

import base64
import functools
import io
import re

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops
from scipy.spatial import KDTree

PATHS = re.compile(r'(?<= d=")[^"]+')
DECIMALS = re.compile(r"(\.\d\d)\d+")
EMBEDDED = re.compile(r'(?<=data:image/png;base64,)[^"]+')
PALETTE = 256
OFF, MOST_OFF = 24, 0.012
"""Of 255, by which a pixel's colour may change unseen, and the share of pixels that may change more: lines' soft edges,
but no photographs."""
AREA_OFF, AREA, MOST_AREA = 10, 5, 0.0001
"""By how much areas may change, since pale bands differ by little from what is under them; how many pixels an area is
wide and high; the share of the picture that may lie in areas that change more."""


def svg(text: str) -> str:
    """The same drawing: paths to a hundredth of a point, pictures with a palette where they have few colours."""
    text = PATHS.sub(lambda path: DECIMALS.sub(r"\1", " ".join(path[0].split())), text)
    return EMBEDDED.sub(lambda picture: _embedded(picture[0]), text)


def png(picture: Image.Image) -> bytes:
    """A picture in three colours as PNG: with a palette of 256, where it looks the same with one."""
    quick = picture.quantize(PALETTE, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    if _looks_like(quick, picture):
        return _written(quick)
    frequent = _with_frequent_colors(picture)
    return _written(frequent if _looks_like(frequent, picture) else picture)


def _looks_like(reduced: Image.Image, picture: Image.Image) -> bool:
    difference = ImageChops.difference(picture, reduced.convert("RGB"))
    off = np.asarray(functools.reduce(ImageChops.lighter, difference.split()))
    areas = off > AREA_OFF
    step = AREA - 1
    areas = areas[:-step, :-step] & areas[:-step, step:] & areas[step:, :-step] & areas[step:, step:]
    return float(np.mean(off > OFF)) <= MOST_OFF and float(np.mean(areas)) <= MOST_AREA


def _with_frequent_colors(picture: Image.Image) -> Image.Image:
    """With a palette of its most frequent colours, which areas have; the others, of soft edges, become the nearest."""
    red, green, blue = np.moveaxis(np.asarray(picture).astype(np.uint32), 2, 0)
    numbers, places, counts = np.unique(red << 16 | green << 8 | blue, return_inverse=True, return_counts=True)
    colors = np.stack([numbers >> 16, numbers >> 8 & 255, numbers & 255], axis=1)
    palette = colors[np.argsort(-counts, kind="stable")[:PALETTE]]
    nearest: NDArray[np.uint8] = np.asarray(KDTree(palette).query(colors)[1], dtype=np.uint8)
    reduced = Image.fromarray(nearest[places].reshape(red.shape), "P")
    reduced.putpalette(palette.astype(np.uint8).tobytes())
    return reduced


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
