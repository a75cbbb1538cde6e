"""What a record may hold of a metric: a finite number, or nothing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


def finite(value: float) -> float | None:
    """The value, or None in place of NaN and infinity."""
    return float(value) if math.isfinite(value) else None


def all_finite(*tensors: Tensor | None) -> bool:
    """Whether no value is NaN or infinite."""
    return all(tensor is None or bool(torch.isfinite(tensor).all()) for tensor in tensors)
