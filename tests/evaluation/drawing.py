"""Features to measure: drawn, not extracted."""

from __future__ import annotations

import torch
from torch import Tensor


def normal(n: int, dim: int, seed: int) -> Tensor:
    return torch.randn(n, dim, generator=torch.Generator().manual_seed(seed))


def correlated(n: int, dim: int, seed: int) -> Tensor:
    """Of a spectrum that falls like that of learned features, and not around 0."""
    mixing = normal(dim, dim, 10_000 + dim) / dim**0.5
    return (normal(n, dim, seed) * torch.logspace(0, -1.5, dim)) @ mixing + 0.5


def known(value: float | None) -> float:
    assert value is not None
    return value
