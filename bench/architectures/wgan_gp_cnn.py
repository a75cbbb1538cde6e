"""The small convolutional pair of WGAN-GP's code for MNIST and CIFAR-10."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from bench.architectures.base import Latent
from bench.architectures.pair import Pair
from bench.architectures.shapes import check_images
from bench.catalog import Unit, architectures
from bench.lazy import torch
from bench.spec import Normalisation

if TYPE_CHECKING:
    from torch.nn import ConvTranspose2d, Module, Sequential

SIZES = (28, 32)
FIRST = 4
"""Pixels at which the generator begins and the discriminator ends."""


@architectures.register(
    "wgan-gp-cnn",
    formula="G: z → linear → 4×4×4w → [5×5 transposed convolution, stride 2] × 3 (2w, w, image) → tanh, norm and ReLU "
    "between;  D: [5×5 convolution, stride 2, LeakyReLU 0.2] × 3 (w, 2w, 4w) → linear → score",
    source="Gulrajani et al. 2017, their code for MNIST (w = 64) and CIFAR-10 (w = 128); weights uniform, of variance "
    "2 / (fan-in + fan-out), convolutions twice that, each fan less by the stride; biases 0",
)
@dataclass(frozen=True)
class WganGpCnn(Pair):
    """A DCGAN of three layers of 5×5 a player, its discriminator without normalisation.

    Their MNIST generator normalises in its WGAN mode alone, and ends in a sigmoid where here it is a tanh: images lie
    in [−1, 1]. For 28 pixels it makes 8×8 of 4×4 and cuts 7×7 out of it; here 7×7 are made at once. TensorFlow pads one
    pixel less on the left than on the right: mirrored, the same.
    """

    width: Annotated[int, Field(ge=1, le=4096, description="w, width of the layer at the image"), Unit("channels")] = 64
    latent_dim: Annotated[int, Field(ge=1, le=16384, description="length of z"), Unit("dimensions")] = 128
    latent: Annotated[Latent, Field(description="z ~ N(0, I) as in the paper, or U[−1, 1]")] = "normal"
    generator_normalisation: Annotated[Normalisation, Field(description="of the generator's layers")] = "batch"
    discriminator_normalisation: Annotated[
        Normalisation, Field(description="of the discriminator's layers but the first")
    ] = "none"

    def check(self, shape: tuple[int, ...]) -> None:
        """Square images of 28 or 32 pixels, grey or RGB."""
        check_images("wgan-gp-cnn", shape, SIZES)

    def _to_samples(self, shape: tuple[int, ...], kind: Normalisation) -> Sequential:
        from bench.architectures.layers import normalisation, weighted

        nn, (channels, size, _) = torch.nn, shape
        units = 4 * self.width * FIRST * FIRST
        layers: list[Module] = [
            weighted(nn.Linear(self.latent_dim, units), kind),
            *normalisation(kind, units, flat=True),
            nn.ReLU(),
            nn.Unflatten(1, (4 * self.width, FIRST, FIRST)),
        ]
        sizes, widths = (FIRST, size // 4, size // 2), (4 * self.width, 2 * self.width, self.width)
        for (before, after), (small, large) in zip(pairwise(widths), pairwise(sizes), strict=True):
            up = weighted(_upwards(before, after, small, large), kind)
            layers += [up, *normalisation(kind, after, flat=False), nn.ReLU()]
        to_image = weighted(_upwards(self.width, channels, size // 2, size), kind)
        return _initialised(nn.Sequential(*layers, to_image, nn.Tanh()))

    def _from_samples(self, shape: tuple[int, ...], outputs: int) -> Sequential:
        from bench.architectures.layers import normalisation, weighted

        nn, kind = torch.nn, self.discriminator_normalisation
        widths = (self.width, 2 * self.width, 4 * self.width)
        layers: list[Module] = [weighted(nn.Conv2d(shape[0], self.width, 5, 2, 2), kind), nn.LeakyReLU(0.2)]
        for before, after in pairwise(widths):
            down = weighted(nn.Conv2d(before, after, 5, 2, 2), kind)
            layers += [down, *normalisation(kind, after, flat=False), nn.LeakyReLU(0.2)]
        to_outputs = weighted(nn.Linear(4 * self.width * FIRST * FIRST, outputs), kind)
        return _initialised(nn.Sequential(*layers, nn.Flatten(1), to_outputs))


def _upwards(before: int, after: int, small: int, large: int) -> ConvTranspose2d:
    """Of 4 pixels it makes 7 or 8, as is asked for."""
    return torch.nn.ConvTranspose2d(before, after, 5, 2, padding=2, output_padding=large - (2 * small - 1))


def _initialised(network: Sequential) -> Sequential:
    from bench.architectures.initialisation import draw_glorot, draw_uniform, weighted_layers

    for layer in weighted_layers(network):
        if isinstance(layer, torch.nn.Linear):
            draw_glorot(layer)
            continue
        taps = layer.kernel_size[0] * layer.kernel_size[1]
        strides = layer.stride[0] * layer.stride[1]
        # how many weights lead to a unit and away from it: a stride skips inputs of the one, outputs of the other
        if isinstance(layer, torch.nn.ConvTranspose2d):
            fans = layer.in_channels * taps / strides + layer.out_channels * taps
        else:
            fans = layer.in_channels * taps + layer.out_channels * taps / strides
        draw_uniform(layer, (4 / fans) ** 0.5)
    return network
