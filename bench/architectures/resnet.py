"""The residual pair of SNGAN, for square images of 8 to 64 pixels, with self-attention where it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from bench.architectures.base import Latent
from bench.architectures.pair import Pair
from bench.architectures.shapes import check_images, count_doublings, first_size
from bench.catalog import Unit, architectures
from bench.errors import CatalogError
from bench.lazy import torch
from bench.spec import Normalisation

if TYPE_CHECKING:
    from torch.nn import Module, Sequential

SIZES = (8, 16, 28, 32, 48, 64)
SMALL = 32
"""Pixels up to which all blocks of a player are of one width."""
PARTS = {"half": 2, "quarter": 4}


@architectures.register(
    "resnet",
    formula="G: z → linear → 4×4 (7×7 for 28, 6×6 for 48) → [residual block, pixels doubled] … → norm → ReLU → "
    "3×3 convolution → tanh;  D: [residual block, pixels halved] × 2 → residual block × 2 (from 48 pixels on: halved "
    "× 4 → one more) → ReLU → sum over pixels → linear → score",
    source="Miyato et al. 2018, table 4 (32 pixels) and table 5 (48); 64 pixels, and weights (Glorot & Bengio 2010, "
    "× √2 in residuals) as in their code; attention: Zhang et al. 2019",
)
@dataclass(frozen=True)
class ResNet(Pair):
    """Residual blocks, batch normalisation in the generator, spectral normalisation in the discriminator.

    The defaults are the widths of the paper at 32 and at 48 pixels, and those of its code at 64. Sizes below 32 are
    made as 32 are, with fewer blocks in the generator. The score has no bias, as in their code for CIFAR-10. Another
    normalisation of the discriminator comes before each activation but the first and the last, as in Gulrajani et al.
    2017. With attention, the discriminator's is normalised as the rest of it, as in Zhang et al. 2019.
    """

    generator_width: Annotated[
        int,
        Field(ge=1, le=4096, description="of its blocks; from 48 pixels on a quarter at the image, doubled towards z"),
        Unit("channels"),
    ] = 256
    discriminator_width: Annotated[
        int,
        Field(
            ge=1, le=4096, description="of its blocks; from 48 pixels on half at the image, doubled towards the score"
        ),
        Unit("channels"),
    ] = 128
    latent_dim: Annotated[int, Field(ge=1, le=16384, description="length of z"), Unit("dimensions")] = 128
    latent: Annotated[Latent, Field(description="z ~ N(0, I) as in the paper, or U[−1, 1]")] = "normal"
    generator_normalisation: Annotated[Normalisation, Field(description="of the generator's layers")] = "batch"
    discriminator_normalisation: Annotated[Normalisation, Field(description="of the discriminator's layers")] = (
        "spectral"
    )
    attention: Annotated[
        Literal["none", "half", "quarter"],
        Field(description="self-attention of both players, where the pixels are half or a quarter of the image's"),
    ] = "none"

    def check(self, shape: tuple[int, ...]) -> None:
        """Square images of 8, 16, 28, 32, 48 or 64 pixels, grey or RGB; with attention at a quarter, not of 8."""
        check_images("resnet", shape, SIZES)
        if self.attention == "quarter" and shape[1] == SIZES[0]:
            raise CatalogError(
                "architecture 'resnet' with attention = \"quarter\" makes images of 16 pixels and more, not of 8: the "
                'generator begins with 4; take attention = "half" or "none"'
            )

    def _attention(self, size: int, pixels: int, channels: int, kind: Normalisation) -> list[Module]:
        """Self-attention, if this is the place for it."""
        from bench.architectures.attention import SelfAttention

        here = self.attention != "none" and pixels * PARTS[self.attention] == size
        return [SelfAttention(channels, kind)] if here else []

    def _to_samples(self, shape: tuple[int, ...], kind: Normalisation) -> Sequential:
        from bench.architectures import residual
        from bench.architectures.initialisation import draw_glorot
        from bench.architectures.layers import normalisation, weighted

        nn, (channels, size, _) = torch.nn, shape
        pixels, widths = first_size(size), self._generator_widths(size)
        layers: list[Module] = [
            weighted(draw_glorot(nn.Linear(self.latent_dim, widths[0] * pixels * pixels)), kind),
            nn.Unflatten(1, (widths[0], pixels, pixels)),
            *self._attention(size, pixels, widths[0], kind),
        ]
        for before, after in pairwise(widths):
            pixels *= 2
            layers += [residual.upwards(before, after, kind), *self._attention(size, pixels, after, kind)]
        to_image = weighted(draw_glorot(nn.Conv2d(widths[-1], channels, 3, padding=1)), kind)
        return nn.Sequential(*layers, *normalisation(kind, widths[-1], flat=False), nn.ReLU(), to_image, nn.Tanh())

    def _from_samples(self, shape: tuple[int, ...], outputs: int) -> Sequential:
        from bench.architectures import residual
        from bench.architectures.initialisation import draw_glorot
        from bench.architectures.layers import weighted

        nn, (channels, size, _), kind = torch.nn, shape, self.discriminator_normalisation
        widths, halvings = self._discriminator_widths(size)
        pixels = size // 2
        layers: list[Module] = [
            residual.first_downwards(channels, widths[0], kind),
            *self._attention(size, pixels, widths[0], kind),
        ]
        for number, (before, after) in enumerate(pairwise(widths), start=2):
            if number > halvings:
                layers.append(residual.level(before, after, kind))
                continue
            pixels //= 2
            layers += [residual.downwards(before, after, kind), *self._attention(size, pixels, after, kind)]
        to_outputs = weighted(draw_glorot(nn.Linear(widths[-1], outputs, bias=False)), kind)
        return nn.Sequential(*layers, nn.ReLU(), residual.SumOfPixels(), to_outputs)

    def _generator_widths(self, size: int) -> list[int]:
        """Channels at the first pixels and after each doubling."""
        doublings = count_doublings(size)
        if size <= SMALL:
            return [self.generator_width] * (doublings + 1)
        at_image = max(1, self.generator_width // 4)
        return [at_image * 2**level for level in reversed(range(doublings + 1))]

    def _discriminator_widths(self, size: int) -> tuple[list[int], int]:
        """Channels after each block, and how many of the blocks halve the pixels."""
        if size <= SMALL:
            return [self.discriminator_width] * 4, 2
        at_image = max(1, self.discriminator_width // 2)
        return [at_image * 2**level for level in range(5)], 5 if size == 64 else 4
