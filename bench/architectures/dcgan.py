"""The convolutional pair of DCGAN, for square images of 8 to 64 pixels."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal

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


@architectures.register(
    "dcgan",
    formula="G: z → linear → 4×4 (7×7 for 28) → [4×4 transposed convolution, stride 2] … → 3×3 convolution → tanh;  "
    "D: [4×4 convolution, stride 2] … → linear → score;  norm and ReLU (D: LeakyReLU 0.2) between",
    source="Radford et al. 2016; the generator's last layer as in Miyato et al. 2018, table 3",
)
@dataclass(frozen=True)
class Dcgan(Pair):
    """Strided convolutions that double the channels as they halve the pixels.

    The generator's last layer and the discriminator's first are not normalised, as in the paper (but for spectral
    normalisation, which bounds every layer). The paper's discriminator has batch normalisation; layer normalisation is
    the default here, as in Gulrajani et al. 2017, since gradient penalties have no meaning where samples are mixed.
    """

    width: Annotated[int, Field(ge=1, le=4096, description="width of the layer at the image"), Unit("channels")] = 64
    latent_dim: Annotated[int, Field(ge=1, le=16384, description="length of z"), Unit("dimensions")] = 64
    latent: Annotated[Latent, Field(description="z ~ N(0, I), or U[−1, 1] as in the paper")] = "normal"
    generator_normalisation: Annotated[Normalisation, Field(description="of the generator's layers")] = "batch"
    discriminator_normalisation: Annotated[Normalisation, Field(description="of the discriminator's layers")] = "layer"
    initialisation: Annotated[
        Literal["dcgan", "torch"], Field(description="N(0, 0.02²) as in the paper, or torch's default")
    ] = "dcgan"

    def check(self, shape: tuple[int, ...]) -> None:
        """Square images of 8, 16, 28, 32 or 64 pixels, grey or RGB."""
        check_images("dcgan", shape, SIZES)

    def _to_samples(self, shape: tuple[int, ...], kind: Normalisation) -> Sequential:
        from bench.architectures.layers import has_bias, normalisation, weighted

        nn, (channels, size, _) = torch.nn, shape
        bias, first = has_bias(kind, flat=False), first_size(size)
        widths = [self.width * 2**level for level in reversed(range(count_doublings(size) + 1))]
        layers: list[Module] = [
            weighted(nn.Linear(self.latent_dim, widths[0] * first * first, bias=bias), kind),
            nn.Unflatten(1, (widths[0], first, first)),
            *normalisation(kind, widths[0], flat=False),
            nn.ReLU(),
        ]
        for before, after in pairwise(widths):
            up = weighted(nn.ConvTranspose2d(before, after, 4, 2, 1, bias=bias), kind)
            layers += [up, *normalisation(kind, after, flat=False), nn.ReLU()]
        to_image = weighted(nn.Conv2d(self.width, channels, 3, 1, 1), kind)
        return self._initialised(nn.Sequential(*layers, to_image, nn.Tanh()))

    def _from_samples(self, shape: tuple[int, ...], outputs: int) -> Sequential:
        from bench.architectures.layers import has_bias, normalisation, weighted

        nn, (channels, size, _) = torch.nn, shape
        kind = self.discriminator_normalisation
        halvings = max(2, count_doublings(size))  # of 8 pixels, one halving would see no more than edges
        widths = [self.width * 2**level for level in range(halvings)]
        layers: list[Module] = [weighted(nn.Conv2d(channels, widths[0], 4, 2, 1), kind), nn.LeakyReLU(0.2)]
        for before, after in pairwise(widths):
            down = weighted(nn.Conv2d(before, after, 4, 2, 1, bias=has_bias(kind, flat=False)), kind)
            layers += [down, *normalisation(kind, after, flat=False), nn.LeakyReLU(0.2)]
        to_outputs = weighted(nn.Linear(widths[-1] * (size >> halvings) ** 2, outputs), kind)
        return self._initialised(nn.Sequential(*layers, nn.Flatten(1), to_outputs))

    def _initialised(self, network: Sequential) -> Sequential:
        from bench.architectures.initialisation import draw_normal

        if self.initialisation == "dcgan":
            for layer in network:  # one after the other: weights and scales are drawn in the order of the layers
                draw_normal(layer)
                if isinstance(layer, torch.nn.BatchNorm2d):
                    torch.nn.init.normal_(layer.weight, 1.0, 0.02)
        return network
