"""Which samples of a task can be shown beside each other: results may come from anywhere."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

Shape = tuple[int, ...]
"""Of one sample: ``(dimensions,)`` of a point, ``(channels, height, width)`` of an image."""
Modes = tuple[tuple[float, ...], ...]


def shape_of(perfect: np.ndarray | None, modes: Modes, found: Iterable[Shape]) -> Shape | None:
    """The shape that a task's samples have: a perfect sampler's, else the modes', else that of most; None of none."""
    if perfect is not None:
        return perfect.shape[1:]
    if modes:
        return (len(modes[0]),)
    counts = Counter(found)
    return counts.most_common(1)[0][0] if counts else None


def fitting_modes(modes: Modes, perfect: np.ndarray | None) -> Modes:
    """The modes, where they are points of one space, that of the perfect sampler's samples; else none."""
    shapes = {(len(mode),) for mode in modes} | (set() if perfect is None else {perfect.shape[1:]})
    known = len(shapes) == 1 and (0,) not in shapes and all(math.isfinite(x) for mode in modes for x in mode)
    return modes if known else ()


def fitting(
    samples: Mapping[str, np.ndarray | str], perfect: np.ndarray | None, modes: Modes
) -> dict[str, np.ndarray | str]:
    """The samples of the task's shape; those of another are not shown, and words stand in their place."""
    shape = shape_of(perfect, modes, [value.shape[1:] for value in samples.values() if not isinstance(value, str)])
    return {
        name: value if isinstance(value, str) or value.shape[1:] == shape else "no samples kept"
        for name, value in samples.items()
    }
