"""The convolutional pair of DCGAN, for square images of 8 to 64 pixels."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from bench.catalog import Unit, architectures
from bench.errors import CatalogError
from bench.lazy import torch
from bench.spec import Normalisation

if TYPE_CHECKING:
    from torch.nn import Module, Sequential

    from bench.architectures.autoencoder import Autoencoder

SIZES = (8, 16, 32, 64)
BASE = 4
"""Pixels at which the generator begins."""


@architectures.register(
    "dcgan",
    formula="G: z → linear → 4×4 → [4×4 transposed convolution, stride 2] … → 3×3 convolution → tanh;  "
    "D: [4×4 convolution, stride 2] … → linear → score;  norm and ReLU (D: LeakyReLU 0.2) between",
    source="Radford et al. 2016; the generator's last layer as in Miyato et al. 2018, table 3",
)
@dataclass(frozen=True)
class Dcgan:
    """Strided convolutions that double the channels as they halve the pixels.

    The generator's last layer and the discriminator's first are not normalised, as in the paper (but for spectral
    normalisation, which bounds every layer). The paper's discriminator has batch normalisation; layer normalisation is
    the default here, as in Gulrajani et al. 2017, since gradient penalties have no meaning where samples are mixed.

    As an autoencoder, the discriminator ends in a code of ``latent_dim`` units, and the generator's network with the
    discriminator's normalisation decodes it, as in Berthelot et al. 2017.
    """

    width: Annotated[int, Field(ge=1, le=4096, description="width of the layer at the image"), Unit("channels")] = 64
    latent_dim: Annotated[int, Field(ge=1, le=16384, description="length of z ~ N(0, I)"), Unit("dimensions")] = 64
    generator_normalisation: Annotated[Normalisation, Field(description="of the generator's layers")] = "batch"
    discriminator_normalisation: Annotated[Normalisation, Field(description="of the discriminator's layers")] = "layer"
    initialisation: Annotated[
        Literal["dcgan", "torch"], Field(description="N(0, 0.02²) as in the paper, or torch's default")
    ] = "dcgan"

    def check(self, shape: tuple[int, ...]) -> None:
        """Square images of 8, 16, 32 or 64 pixels, grey or RGB."""
        if len(shape) != 3 or shape[0] not in (1, 3) or shape[1] != shape[2] or shape[1] not in SIZES:
            raise CatalogError(
                f"architecture 'dcgan' makes square images of 8, 16, 32 or 64 pixels with 1 or 3 channels, "
                f"not samples of shape {'×'.join(map(str, shape))}; for points use 'mlp'"
            )

    def generator(self, shape: tuple[int, ...]) -> Module:
        """A generator with the initialisation that is asked for."""
        self.check(shape)
        return self._to_images(shape, self.generator_normalisation)

    def discriminator(self, shape: tuple[int, ...]) -> Module:
        """A discriminator with that initialisation, for images of any number of channels."""
        return torch.nn.Sequential(*self._from_images(shape, outputs=1), torch.nn.Flatten(0))

    def autoencoder(self, shape: tuple[int, ...]) -> Autoencoder:
        """The discriminator's layers down to a code ``(batch, latent_dim)``, the generator's from there."""
        from bench.architectures.autoencoder import Autoencoder

        encoder = self._from_images(shape, outputs=self.latent_dim)
        return Autoencoder(encoder, self._to_images(shape, self.discriminator_normalisation))

    def _to_images(self, shape: tuple[int, ...], kind: Normalisation) -> Sequential:
        from bench.architectures.layers import normalisation, weighted

        nn, (channels, size, _) = torch.nn, shape
        bias = _has_bias(kind)
        doublings = (size // BASE).bit_length() - 1
        widths = [self.width * 2**level for level in reversed(range(doublings + 1))]
        layers: list[Module] = [
            weighted(nn.Linear(self.latent_dim, widths[0] * BASE * BASE, bias=bias), kind),
            nn.Unflatten(1, (widths[0], BASE, BASE)),
            *normalisation(kind, widths[0], flat=False),
            nn.ReLU(),
        ]
        for before, after in pairwise(widths):
            up = weighted(nn.ConvTranspose2d(before, after, 4, 2, 1, bias=bias), kind)
            layers += [up, *normalisation(kind, after, flat=False), nn.ReLU()]
        to_image = weighted(nn.Conv2d(self.width, channels, 3, 1, 1), kind)
        return self._initialised(nn.Sequential(*layers, to_image, nn.Tanh()))

    def _from_images(self, shape: tuple[int, ...], outputs: int) -> Sequential:
        from bench.architectures.layers import normalisation, weighted

        nn, (channels, size, _) = torch.nn, shape
        kind = self.discriminator_normalisation
        halvings = max(2, (size // BASE).bit_length() - 1)  # of 8 pixels, one halving would see no more than edges
        widths = [self.width * 2**level for level in range(halvings)]
        layers: list[Module] = [weighted(nn.Conv2d(channels, widths[0], 4, 2, 1), kind), nn.LeakyReLU(0.2)]
        for before, after in pairwise(widths):
            down = weighted(nn.Conv2d(before, after, 4, 2, 1, bias=_has_bias(kind)), kind)
            layers += [down, *normalisation(kind, after, flat=False), nn.LeakyReLU(0.2)]
        to_outputs = weighted(nn.Linear(widths[-1] * (size >> halvings) ** 2, outputs), kind)
        return self._initialised(nn.Sequential(*layers, nn.Flatten(1), to_outputs))

    def _initialised(self, network: Sequential) -> Sequential:
        from bench.architectures.layers import settle_spectral_norms

        if self.initialisation == "dcgan":
            network.apply(_initialise)
        settle_spectral_norms(network)
        return network


def _has_bias(kind: Normalisation) -> bool:
    return kind not in ("batch", "instance")  # these take a channel's mean, and with it its bias, away again


def _initialise(layer: Module) -> None:
    from bench.architectures.layers import raw_weight

    nn = torch.nn
    if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(raw_weight(layer), 0.0, 0.02)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    elif isinstance(layer, nn.BatchNorm2d):
        nn.init.normal_(layer.weight, 1.0, 0.02)
        nn.init.zeros_(layer.bias)
