"""Self-attention over the pixels of a layer; imports torch, so architectures import it when they build."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bench.architectures.initialisation import draw_glorot
from bench.architectures.layers import weighted
from bench.spec import Normalisation


class SelfAttention(nn.Module):
    """x + γ·o(x): every pixel adds a mean of all pixels' values, weighted by how its query meets their keys.

    Zhang et al. 2019 (SAGAN), sec. 3, with keys and values pooled as in the code of the paper; γ begins at 0.
    """

    def __init__(self, channels: int, kind: Normalisation) -> None:
        super().__init__()
        narrow, values = max(1, channels // 8), max(1, channels // 2)
        self.query = _projection(channels, narrow, kind)
        self.key = nn.Sequential(_projection(channels, narrow, kind), nn.MaxPool2d(2))
        self.value = nn.Sequential(_projection(channels, values, kind), nn.MaxPool2d(2))
        self.output = _projection(values, channels, kind)
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """Images ``(batch, channels, height, width)``, of that shape again."""
        query, key, value = (part(x).flatten(2) for part in (self.query, self.key, self.value))
        # by hand: the fused kernels of scaled_dot_product_attention cannot be differentiated twice
        attention = torch.softmax(query.transpose(1, 2) @ key, dim=-1)
        attended = (value @ attention.transpose(1, 2)).unflatten(2, x.shape[2:])
        added: Tensor = x + self.gamma * self.output(attended)
        return added


def _projection(before: int, after: int, kind: Normalisation) -> nn.Module:
    return weighted(draw_glorot(nn.Conv2d(before, after, 1, bias=False)), kind)
