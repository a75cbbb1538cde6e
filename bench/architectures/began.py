"""The pair of BEGAN: a discriminator that is an autoencoder, and a generator built as its decoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from bench.architectures.base import Latent
from bench.architectures.pair import Pair
from bench.architectures.shapes import check_images, count_doublings, first_size
from bench.catalog import Unit, architectures
from bench.lazy import torch
from bench.spec import Normalisation

if TYPE_CHECKING:
    from torch.nn import Module, Sequential

SIZES = (8, 16, 28, 32, 64)
AT_LEAST = 7
"""Pixels that the narrowest layers keep: 8 as in the paper, 7 of 28."""
REPEATS = 2
"""Convolutions at each size: "typically 2"."""


@architectures.register(
    "autoencoder",
    formula="G: z → linear → 8×8×n (7×7 for 28) → [3×3 convolution n, ELU] × 2 → [nearest neighbours × 2 → the same] … "
    "→ 3×3 convolution → tanh;  D: x → 3×3 convolution n → [3×3 convolution i·n, ELU] × 2 at the i-th size, stride 2 "
    "between → linear code → decoder as G",
    source="Berthelot et al. 2017, fig. 1 and sec. 3.5; weights: Glorot & Bengio 2010, biases 0",
)
@dataclass(frozen=True)
class ConvolutionalAutoencoder(Pair):
    """Convolutions of 3×3 with exponential linear units, for objectives whose scores are energies.

    Objectives with scores of their own play against the encoder, with one unit in place of the code. The paper's
    vanishing residuals and skip connections are left out, and a tanh bounds images.
    """

    width: Annotated[int, Field(ge=1, le=4096, description="n, width of the layer at the image"), Unit("channels")] = 64
    latent_dim: Annotated[int, Field(ge=1, le=16384, description="length of z and of the code"), Unit("dimensions")] = (
        64
    )
    latent: Annotated[Latent, Field(description="z ~ N(0, I), or U[−1, 1] as in the paper")] = "uniform"
    generator_normalisation: Annotated[Normalisation, Field(description="of the generator's layers")] = "none"
    discriminator_normalisation: Annotated[Normalisation, Field(description="of the discriminator's layers")] = "none"

    def check(self, shape: tuple[int, ...]) -> None:
        """Square images of 8, 16, 28, 32 or 64 pixels, grey or RGB."""
        check_images("autoencoder", shape, SIZES)

    def _to_samples(self, shape: tuple[int, ...], kind: Normalisation) -> Sequential:
        nn, (channels, size, _) = torch.nn, shape
        first = first_size(size, AT_LEAST)
        layers: list[Module] = [
            _glorot(nn.Linear(self.latent_dim, self.width * first * first), kind),
            nn.Unflatten(1, (self.width, first, first)),
        ]
        for stage in range(count_doublings(size, AT_LEAST) + 1):
            layers += [nn.Upsample(scale_factor=2)] if stage else []
            for _ in range(REPEATS):
                layers += _convolution(self.width, self.width, kind)
        return nn.Sequential(*layers, _glorot(nn.Conv2d(self.width, channels, 3, padding=1), kind), nn.Tanh())

    def _from_samples(self, shape: tuple[int, ...], outputs: int) -> Sequential:
        nn, (channels, size, _), kind = torch.nn, shape, self.discriminator_normalisation
        layers: list[Module] = [_glorot(nn.Conv2d(channels, self.width, 3, padding=1), kind), nn.ELU()]
        before = self.width
        for stage in range(1, count_doublings(size, AT_LEAST) + 2):
            layers += _convolution(before, before, kind, stride=2) if stage > 1 else []
            for _ in range(REPEATS):
                layers += _convolution(before, stage * self.width, kind)
                before = stage * self.width
        to_outputs = _glorot(nn.Linear(before * first_size(size, AT_LEAST) ** 2, outputs), kind)
        return nn.Sequential(*layers, nn.Flatten(1), to_outputs)


def _convolution(before: int, after: int, kind: Normalisation, stride: int = 1) -> list[Module]:
    from bench.architectures.layers import normalisation

    nn = torch.nn
    layer = _glorot(nn.Conv2d(before, after, 3, stride, 1), kind)
    return [layer, *normalisation(kind, after, flat=False), nn.ELU()]


def _glorot(layer: Module, kind: Normalisation) -> Module:
    from bench.architectures.initialisation import draw_glorot
    from bench.architectures.layers import Linear, weighted

    assert isinstance(layer, Linear)
    return weighted(draw_glorot(layer), kind)
