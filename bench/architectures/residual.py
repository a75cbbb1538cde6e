"""The residual blocks of SNGAN (Miyato et al. 2018, fig. 8); imports torch, so architectures import it when they build.

Convolutions of a residual begin as Glorot & Bengio 2010 have it times √2, all others without that, as in the code of
the paper.
"""

from __future__ import annotations

import math

from torch import Tensor, nn

from bench.architectures.initialisation import draw_glorot
from bench.architectures.layers import normalisation, weighted
from bench.spec import Normalisation


class Residual(nn.Module):
    """residual(x) + shortcut(x)."""

    def __init__(self, residual: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.residual = residual
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """The sum, of the shape that both lead to."""
        total: Tensor = self.residual(x) + self.shortcut(x)
        return total


class SumOfPixels(nn.Module):
    """From images ``(batch, channels, height, width)`` to ``(batch, channels)``."""

    def forward(self, x: Tensor) -> Tensor:
        """The sums over height and width."""
        return x.sum((2, 3))


def upwards(before: int, after: int, kind: Normalisation) -> Residual:
    """A generator's block: twice the pixels, by nearest neighbours."""
    residual = nn.Sequential(
        *normalisation(kind, before, flat=False),
        nn.ReLU(),
        nn.Upsample(scale_factor=2),
        _convolution(before, after, kind),
        *normalisation(kind, after, flat=False),
        nn.ReLU(),
        _convolution(after, after, kind),
    )
    # 1×1 convolutions and nearest neighbours can be exchanged: the paper's other order costs four times as much
    return Residual(residual, nn.Sequential(_shortcut(before, after, kind), nn.Upsample(scale_factor=2)))


def first_downwards(before: int, after: int, kind: Normalisation) -> Residual:
    """A discriminator's first block, of images: half the pixels; neither activated nor normalised before it."""
    residual = nn.Sequential(
        _convolution(before, after, kind), nn.ReLU(), _convolution(after, after, kind), nn.AvgPool2d(2)
    )
    return Residual(residual, nn.Sequential(nn.AvgPool2d(2), _shortcut(before, after, kind)))


def downwards(before: int, after: int, kind: Normalisation) -> Residual:
    """A discriminator's block: half the pixels."""
    # 1×1 convolutions and means can be exchanged, too
    shortcut = nn.Sequential(nn.AvgPool2d(2), _shortcut(before, after, kind))
    return Residual(nn.Sequential(*_discriminator_residual(before, after, kind), nn.AvgPool2d(2)), shortcut)


def level(before: int, after: int, kind: Normalisation) -> Residual:
    """A discriminator's block of as many pixels as before."""
    shortcut = nn.Identity() if before == after else _shortcut(before, after, kind)
    return Residual(nn.Sequential(*_discriminator_residual(before, after, kind)), shortcut)


def _discriminator_residual(before: int, after: int, kind: Normalisation) -> list[nn.Module]:
    return [
        *normalisation(kind, before, flat=False),
        nn.ReLU(),
        _convolution(before, before, kind),
        *normalisation(kind, before, flat=False),
        nn.ReLU(),
        _convolution(before, after, kind),
    ]


def _convolution(before: int, after: int, kind: Normalisation) -> nn.Module:
    return weighted(draw_glorot(nn.Conv2d(before, after, 3, padding=1), math.sqrt(2)), kind)


def _shortcut(before: int, after: int, kind: Normalisation) -> nn.Module:
    return weighted(draw_glorot(nn.Conv2d(before, after, 1)), kind)
