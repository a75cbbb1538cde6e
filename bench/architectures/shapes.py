"""Which images an architecture makes, and the sentence about what it does not."""

from __future__ import annotations

from collections.abc import Sequence

from bench.errors import CatalogError


def check_images(name: str, shape: tuple[int, ...], sizes: Sequence[int]) -> None:
    """Raise CatalogError unless ``shape`` is that of square images of one of these sizes, grey or RGB."""
    if len(shape) == 3 and shape[0] in (1, 3) and shape[1] == shape[2] and shape[1] in sizes:
        return
    listed = ", ".join(map(str, sizes[:-1]))
    instead = "images of other shapes are made by 'mlp'" if len(shape) == 3 else "for points use 'mlp'"
    raise CatalogError(
        f"architecture '{name}' makes square images of {listed} or {sizes[-1]} pixels with 1 or 3 channels, "
        f"not samples of shape {'×'.join(map(str, shape))}; {instead}"
    )


def first_size(size: int, at_least: int = 4) -> int:
    """Pixels at which a generator begins: ``size`` halved while it stays whole and ``at_least`` that; 7 for 28."""
    while size % 2 == 0 and size // 2 >= at_least:
        size //= 2
    return size


def count_doublings(size: int, at_least: int = 4) -> int:
    """How often pixels double from there to ``size``."""
    return (size // first_size(size, at_least)).bit_length() - 1
