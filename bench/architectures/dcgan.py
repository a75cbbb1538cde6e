"""The convolutional pair of DCGAN, for square images of 8 to 64 pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from bench.architectures.base import Normalisation, Players
from bench.catalog import architectures
from bench.errors import CatalogError
from bench.lazy import torch

if TYPE_CHECKING:
    from torch.nn import Module

SIZES = (8, 16, 32, 64)


@architectures.register(
    "dcgan",
    formula="G: z → base×base → [4×4 transposed convolution, stride 2, norm, ReLU] … → tanh;  "
    "D: [4×4 convolution, stride 2, norm, LeakyReLU 0.2] … → linear → score",
    source="Radford et al. 2016, fig. 1 and sec. 3; weights N(0, 0.02²)",
)
@dataclass(frozen=True)
class Dcgan:
    """Strided convolutions that double the channels as they halve the pixels, down to 4×4 (2×2 for 8 pixels).

    As in the paper, the generator's last layer and the discriminator's first are not normalised.
    """

    width: Annotated[int, Field(ge=1, le=4096, description="channels of the layer next to the image")] = 64
    latent_dim: Annotated[int, Field(ge=1, le=16384, description="dimension of z ~ N(0, I)")] = 64
    generator_normalisation: Annotated[Normalisation, Field(description="of the generator's layers")] = "batch"
    discriminator_normalisation: Annotated[Normalisation, Field(description="of the discriminator's layers")] = "batch"

    def check(self, shape: tuple[int, ...]) -> None:
        """Square images of 8, 16, 32 or 64 pixels, grey or RGB."""
        if len(shape) != 3 or shape[0] not in (1, 3) or shape[1] != shape[2] or shape[1] not in SIZES:
            raise CatalogError(
                f"architecture 'dcgan' makes square images of 8, 16, 32 or 64 pixels with 1 or 3 channels, "
                f"not samples of shape {'×'.join(map(str, shape))}; for points use 'mlp'"
            )

    def build(self, shape: tuple[int, ...]) -> Players:
        """Players with the paper's initialisation."""
        self.check(shape)
        channels, size, _ = shape
        base = 4 if size > 8 else 2
        widths = [self.width * 2**level for level in range((size // base).bit_length() - 1)]
        generator = self._generator(channels, base, widths[::-1])
        discriminator = self._discriminator(channels, base, widths)
        for player in (generator, discriminator):
            player.apply(_initialise)
        return Players(generator, discriminator, self.latent_dim)

    def _generator(self, channels: int, base: int, widths: list[int]) -> Module:
        from bench.architectures.layers import normalised

        nn, kind, first = torch.nn, self.generator_normalisation, widths[0]
        # a linear layer to base×base, written as the convolution that it is, so that channels are normalised
        project = nn.ConvTranspose2d(self.latent_dim, first, base, bias=kind != "batch")
        layers: list[Module] = [nn.Unflatten(1, (self.latent_dim, 1, 1)), *normalised(project, kind, first), nn.ReLU()]
        for before, after in zip(widths, widths[1:], strict=False):
            up = nn.ConvTranspose2d(before, after, 4, 2, 1, bias=kind != "batch")
            layers += [*normalised(up, kind, after), nn.ReLU()]
        return nn.Sequential(*layers, nn.ConvTranspose2d(widths[-1], channels, 4, 2, 1), nn.Tanh())

    def _discriminator(self, channels: int, base: int, widths: list[int]) -> Module:
        from bench.architectures.layers import normalised

        nn, kind = torch.nn, self.discriminator_normalisation
        # spectral normalisation bounds every layer; the others leave the image's own layer alone
        first = normalised(nn.Conv2d(channels, widths[0], 4, 2, 1), "spectral" if kind == "spectral" else "none", 0)
        layers: list[Module] = [*first, nn.LeakyReLU(0.2)]
        for before, after in zip(widths, widths[1:], strict=False):
            down = nn.Conv2d(before, after, 4, 2, 1, bias=kind != "batch")
            layers += [*normalised(down, kind, after), nn.LeakyReLU(0.2)]
        score = nn.Linear(widths[-1] * base * base, 1)
        last = normalised(score, "spectral" if kind == "spectral" else "none", 1)
        return nn.Sequential(*layers, nn.Flatten(1), *last, nn.Flatten(0))


def _initialise(layer: Module) -> None:
    nn = torch.nn
    if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
        parametrizations = getattr(layer, "parametrizations", None)
        weight = parametrizations.weight.original if parametrizations is not None else layer.weight
        nn.init.normal_(weight, 0.0, 0.02)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    elif isinstance(layer, nn.BatchNorm2d):
        nn.init.normal_(layer.weight, 1.0, 0.02)
        nn.init.zeros_(layer.bias)
