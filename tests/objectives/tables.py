"""Tables of what we find beside what theory says, as aligned text."""

from __future__ import annotations

import numpy as np

Number = float | complex | np.ndarray


def shown(number: Number) -> str:
    """A number in six digits, a vector in three for each of its first entries."""
    if np.ndim(number) == 0:
        return f"{number:+.6f}"
    digits = 4 if np.iscomplexobj(number) else 3
    entries = [f"{entry:+.{digits}f}" for entry in np.asarray(number)]
    return f"({' '.join(entries[:5])}{' …' * (len(entries) > 5)})"


def aligned(lines: list[tuple[str, ...]]) -> str:
    """The lines with their cells below each other; the first is the header."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    padded = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    return "\n".join(line.rstrip() for line in padded)
