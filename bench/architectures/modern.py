"""The blocks of R3GAN (Huang et al. 2024, sec. 4); imports torch, so architectures import it when they build."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.architectures.initialisation import zero_bias
from bench.architectures.layers import Linear, group_size, normalisation, weighted
from bench.spec import Normalisation

LEAK = 0.2
GAIN = (2 / (1 + LEAK**2)) ** 0.5
"""What a leaky ReLU takes away of a signal's standard deviation (He et al. 2015)."""
EXPANSION = 2


def scaled(layer: Linear, kind: Normalisation, gain: float = 1.0) -> nn.Module:
    """The layer with weights N(0, gain² / fan-in) and bias 0."""
    taps = layer.weight[0].numel()
    nn.init.normal_(layer.weight, 0.0, gain / taps**0.5)
    zero_bias(layer)
    return weighted(layer, kind)


class Bottleneck(nn.Module):
    """x + residual(x): 1×1 to twice the channels, 3×3 in groups of 16 of them, 1×1 back.

    Args:
        channels: before and after.
        kind: normalises before each activation; the paper's nets go without.
        blocks: of the whole player. Residuals begin at 0, their other weights smaller by blocks^(−1/4), so that
            activations begin as large in a deep player as in a shallow one (Zhang et al. 2019, Fixup).
    """

    def __init__(self, channels: int, kind: Normalisation, blocks: int) -> None:
        super().__init__()
        wide, gain = EXPANSION * channels, GAIN * blocks**-0.25
        to_groups = nn.Conv2d(wide, wide, 3, padding=1, groups=wide // group_size(wide))
        back = nn.Conv2d(wide, channels, 1, bias=False)
        scaled(back, kind, gain)
        if kind != "spectral":  # which divides by the weight's norm
            nn.init.zeros_(back.weight)
        self.residual = nn.Sequential(
            scaled(nn.Conv2d(channels, wide, 1), kind, gain),
            *normalisation(kind, wide, flat=False),
            nn.LeakyReLU(LEAK),
            scaled(to_groups, kind, gain),
            *normalisation(kind, wide, flat=False),
            nn.LeakyReLU(LEAK),
            back,
        )

    def forward(self, x: Tensor) -> Tensor:
        """Of the shape of ``x``."""
        total: Tensor = x + self.residual(x)
        return total


class Resample(nn.Module):
    """Twice or half the pixels with the filter [1, 3, 3, 1]: bilinear, zeros beyond the border."""

    kernel: Tensor

    def __init__(self, *, up: bool) -> None:
        super().__init__()
        self.up = up
        taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
        # not `interpolate`: its bilinear gradient on CUDA is not the same twice
        self.register_buffer("kernel", (4 if up else 1) * torch.outer(taps, taps)[None, None], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Every channel by itself."""
        channels = x.shape[1]
        resample = functional.conv_transpose2d if self.up else functional.conv2d
        # in as many groups: ten times as fast on a CPU as every plane as a sample of one channel
        return resample(x, self.kernel.expand(channels, 1, 4, 4), stride=2, padding=1, groups=channels)


class Basis(nn.Module):
    """The generator's first layer: learnt images of the smallest size, a weight for each from the latent."""

    def __init__(self, latent_dim: int, channels: int, size: int, kind: Normalisation) -> None:
        super().__init__()
        self.basis = nn.Parameter(torch.randn(channels, size, size))
        self.weights = scaled(nn.Linear(latent_dim, channels, bias=False), kind)

    def forward(self, z: Tensor) -> Tensor:
        """From ``(batch, latent_dim)`` to ``(batch, channels, size, size)``."""
        images: Tensor = self.basis * self.weights(z)[:, :, None, None]
        return images


def transition(before: int, after: int, kind: Normalisation, *, up: bool) -> nn.Sequential:
    """To the pixels and channels of the next stage; channels change where the pixels are fewer."""
    change = [scaled(nn.Conv2d(before, after, 1, bias=False), kind)] if before != after else []
    return nn.Sequential(*change, Resample(up=True)) if up else nn.Sequential(Resample(up=False), *change)
